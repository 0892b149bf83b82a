// SPDX-License-Identifier: MIT

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kpu_soft.h"

// A layer that leaves KPU RAM or says something impossible is a bug of the loader under test.
#define CHECK(cond) \
    do { \
        if (!(cond)) { \
            fprintf(stderr, "kpu_soft: %s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort(); \
        } \
    } while (0)

typedef struct {
    uint32_t line, w, h, c, channel_lines, row_lines, group;
} map_t;

typedef struct {
    map_t in, out;
    uint32_t k, pool, pad, depthwise, per_load;
    int64_t arg_x, arg_w, arg_add;
    uint32_t shr_x, shr_w;
} layer_t;

static uint64_t bits(const uint64_t *w, unsigned word, unsigned lsb, unsigned len) {
    return (w[word] >> lsb) & ((1ull << len) - 1);
}

static int64_t sbits(const uint64_t *w, unsigned word, unsigned lsb, unsigned len) {
    uint64_t v = bits(w, word, lsb, len);
    return v >> (len - 1) ? (int64_t)(v - (1ull << len)) : (int64_t)v;
}

static layer_t decode(const uint64_t *w) {
    return (layer_t) {
        .in = { bits(w, 1, 0, 15), bits(w, 3, 0, 10) + 1, bits(w, 3, 10, 9) + 1, bits(w, 2, 0, 10) + 1,
                bits(w, 7, 0, 15), bits(w, 7, 16, 4), bits(w, 7, 28, 3) },
        .out = { bits(w, 1, 32, 15), bits(w, 3, 32, 10) + 1, bits(w, 3, 42, 9) + 1, bits(w, 2, 32, 10) + 1,
                 bits(w, 8, 0, 15), bits(w, 8, 16, 4), bits(w, 8, 20, 3) },
        .k = bits(w, 4, 0, 3) ? 3 : 1, .pool = bits(w, 4, 4, 4), .pad = bits(w, 4, 24, 8),
        .depthwise = bits(w, 0, 3, 1), .per_load = bits(w, 2, 48, 10) + 1,
        .shr_w = bits(w, 9, 0, 4), .shr_x = bits(w, 9, 4, 4),
        .arg_w = sbits(w, 9, 8, 24), .arg_x = sbits(w, 9, 32, 24), .arg_add = sbits(w, 10, 0, 40),
    };
}

static size_t pixel(const map_t *m, uint32_t c, uint32_t y, uint32_t x) {
    size_t at = (m->line + (size_t)(c / m->group) * m->channel_lines + (size_t)y * m->row_lines) * 64
        + c % m->group * (64 / m->group) + x;
    CHECK(at < KPU_RAM_BYTES);
    return at;
}

// With 16-bit weights and large factors products need more than 64 bits.
typedef __int128 wide_t;

static wide_t round_product(wide_t p, unsigned s) {
    if (s == 0) {
        return p;
    }
    // |p| < 2^110, so larger shifts give the same; of a negative product that is not 0.
    s = s > 120 ? 120 : s;
    wide_t q = p >> s, f = p - q * ((wide_t)1 << s), half = (wide_t)1 << (s - 1);
    wide_t up = p >= 0 ? q + 1 : q - 1;
    return f < half ? q : f > half ? up : q & 1 ? up : q;
}

typedef struct {
    int64_t start[16];
    int32_t mul[16], bias[16];
    uint8_t shift[16];
} table_t;

static void read_table(const uint8_t *act, table_t *t) {
    for (int i = 0; i < 16; ++i) {
        uint64_t w;
        memcpy(&w, act + 8 * i, 8);
        t->shift[i] = bits(&w, 0, 0, 8);
        t->mul[i] = sbits(&w, 0, 8, 16);
        t->start[i] = sbits(&w, 0, 24, 36);
        t->bias[i] = act[128 + i];
    }
}

static uint8_t activate(const table_t *t, wide_t b) {
    int i = 15;
    while (i > 0 && !(t->start[i] < b)) {
        --i;
    }
    wide_t y = round_product((b - t->start[i]) * t->mul[i], t->shift[i]) + t->bias[i];
    return y < 0 ? 0 : y > 255 ? 255 : y;
}

// Convolution sum of x*w and of x for the plane of one input channel, added to what is there.
static void add_channel(const kpu_soft_t *soft, const layer_t *l, uint32_t ic, const uint32_t *w, int64_t *sum, int64_t *sum_x) {
    int r = l->k == 3 ? 1 : 0;
    int width = l->in.w, height = l->in.h;
    uint8_t *plane = malloc((size_t)(width + 2) * (height + 2));
    memset(plane, l->pad, (size_t)(width + 2) * (height + 2));
    for (int y = 0; y < height; ++y) {
        memcpy(plane + (size_t)(y + 1) * (width + 2) + 1, soft->ram + pixel(&l->in, ic, y, 0), width);
    }
    for (int dy = -r; dy <= r; ++dy) {
        for (int dx = -r; dx <= r; ++dx) {
            int64_t weight = *w++;
            for (int y = 0; y < height; ++y) {
                const uint8_t *src = plane + (size_t)(y + 1 + dy) * (width + 2) + 1 + dx;
                int64_t *s = sum + (size_t)y * width;
                for (int x = 0; x < width; ++x) {
                    s[x] += weight * src[x];
                }
                if (sum_x) {
                    int64_t *sx = sum_x + (size_t)y * width;
                    for (int x = 0; x < width; ++x) {
                        sx[x] += src[x];
                    }
                }
            }
        }
    }
    free(plane);
}

static uint8_t pool_pixel(const layer_t *l, const uint8_t *p, uint32_t y, uint32_t x) {
    static const uint8_t steps[] = { 1, 2, 2, 4, 4, 2, 2, 4, 1, 1 };
    static const uint8_t sizes[] = { 1, 2, 2, 4, 4, 1, 1, 1, 2, 2 };
    uint32_t step = steps[l->pool], size = sizes[l->pool], w = l->in.w, h = l->in.h;
    uint32_t sum = 0, best = 0;
    if (l->pool == 6) {
        return p[(size_t)2 * y * w + 2 * x + 1];
    }
    for (uint32_t dy = 0; dy < size; ++dy) {
        for (uint32_t dx = 0; dx < size; ++dx) {
            uint32_t yy = y * step + dy, xx = x * step + dx;
            bool outside = yy >= h || xx >= w;
            yy = yy >= h ? h - 1 : yy;
            xx = xx >= w ? w - 1 : xx;
            uint32_t v = p[(size_t)yy * w + xx];
            sum += v;
            best = !outside && v > best ? v : best;
        }
    }
    switch (l->pool) {
        case 1:
        case 3:
        case 9:
            return best;
        case 2:
        case 8:
            return sum / 4;
        case 4:
            return sum / 16;
        default:
            return sum;
    }
}

static void run_channel(kpu_soft_t *soft, const layer_t *l, uint32_t oc, const uint32_t *w, const uint8_t *bn,
    const table_t *table, int64_t *sum, int64_t *sum_x, uint8_t *plane, uint8_t *dest) {
    uint32_t taps = l->k * l->k, channels = l->depthwise ? 1 : l->in.c;
    size_t pixels = (size_t)l->in.w * l->in.h;
    memset(sum, 0, pixels * sizeof(*sum));
    if (l->depthwise || oc == 0) {
        memset(sum_x, 0, pixels * sizeof(*sum_x));
    }
    int64_t sum_w = 0;
    for (uint32_t i = 0; i < channels * taps; ++i) {
        sum_w += w[i];
    }
    for (uint32_t ic = 0; ic < channels; ++ic) {
        add_channel(soft, l, l->depthwise ? oc : ic, w + ic * taps, sum, l->depthwise || oc == 0 ? sum_x : NULL);
    }
    uint64_t b;
    memcpy(&b, bn + 8 * (size_t)oc, 8);
    int64_t mul = sbits(&b, 0, 0, 24), add = sbits(&b, 0, 24, 32);
    unsigned shift = bits(&b, 0, 56, 4);
    for (size_t i = 0; i < pixels; ++i) {
        int64_t v = sum[i] + ((l->arg_x * sum_x[i]) >> l->shr_x) + ((l->arg_w * sum_w) >> l->shr_w)
            + l->arg_add * channels;
        plane[i] = activate(table, (((wide_t)v * mul) >> shift) + add);
    }
    for (uint32_t y = 0; y < l->out.h; ++y) {
        for (uint32_t x = 0; x < l->out.w; ++x) {
            uint8_t v = pool_pixel(l, plane, y, x);
            soft->ram[pixel(&l->out, oc, y, x)] = v;
            if (dest) {
                dest[((size_t)oc * l->out.h + y) * l->out.w + x] = v;
            }
        }
    }
}

static void compute(kpu_soft_t *soft, const layer_t *l, const uint8_t *weights, const uint8_t *bn, const uint8_t *act,
    unsigned weight_size, uint8_t *dest) {
    table_t table;
    read_table(act, &table);
    size_t pixels = (size_t)l->in.w * l->in.h, n = (size_t)(l->depthwise ? 1 : l->in.c) * l->k * l->k;
    int64_t *sum = malloc(pixels * sizeof(*sum)), *sum_x = malloc(pixels * sizeof(*sum_x));
    uint8_t *plane = malloc(pixels);
    uint32_t *w = malloc(n * sizeof(*w));
    for (uint32_t oc = 0; oc < l->out.c; ++oc) {
        for (size_t i = 0; i < n; ++i) {
            const uint8_t *p = weights + (oc * n + i) * weight_size;
            w[i] = weight_size == 1 ? p[0] : p[0] | p[1] << 8;
        }
        run_channel(soft, l, oc, w, bn, &table, sum, sum_x, plane, dest);
    }
    free(w);
    free(plane);
    free(sum_x);
    free(sum);
}

// Reads and writes the ends of everything, so that a sanitizer sees a range that is too long.
static void touch(kpu_soft_t *soft, const layer_t *l, const uint8_t *weights, const uint8_t *bn, const uint8_t *act,
    unsigned weight_size, uint8_t *dest) {
    size_t n = (size_t)(l->depthwise ? 1 : l->in.c) * l->k * l->k * l->out.c * weight_size;
    volatile uint8_t sink = weights[0];
    sink = weights[n - 1];
    sink = bn[0];
    sink = bn[8 * (size_t)l->out.c - 1];
    sink = act[0];
    sink = act[143];
    sink = soft->ram[pixel(&l->in, l->in.c - 1, l->in.h - 1, l->in.w - 1)];
    (void)sink;
    soft->ram[pixel(&l->out, l->out.c - 1, l->out.h - 1, l->out.w - 1)] = 1;
    if (dest) {
        // The output DMA moves whole 64-bit words.
        memset(dest, 0x55, ((size_t)l->out.c * l->out.h * l->out.w + 7) & ~(size_t)7);
    }
}

static int soft_start(void *ctx, const uint64_t words[12], const uint8_t *weights, const uint8_t *bn,
    const uint8_t *act, bool eight_bit, uint8_t *dest, uint32_t dest_size) {
    kpu_soft_t *soft = ctx;
    CHECK(!soft->busy);
    CHECK(bits(words, 4, 32, 32) == 0 && bits(words, 5, 32, 32) == 0 && bits(words, 7, 32, 32) == 0);
    CHECK(bits(words, 0, 0, 1) == 0 && bits(words, 11, 0, 1) == 0);
    if (soft->fail_at && --soft->fail_at == 0) {
        return -5;
    }
    layer_t l = decode(words);
    if (dest) {
        CHECK(bits(words, 11, 16, 16) == l.out.w * l.out.h - 1);
        CHECK(bits(words, 11, 32, 32) == (uint64_t)l.out.w * l.out.h * l.out.c - 1);
        CHECK(dest_size == l.out.w * l.out.h * l.out.c);
        CHECK(((uintptr_t)dest & 7) == 0);
    }
    CHECK(((uintptr_t)act & 255) == 0 && ((uintptr_t)bn & 7) == 0);
    (soft->compute ? compute : touch)(soft, &l, weights, bn, act, eight_bit ? 1 : 2, dest);
    soft->busy = true;
    soft->left = soft->polls;
    soft->layers += 1;
    return 0;
}

static int soft_poll(void *ctx) {
    kpu_soft_t *soft = ctx;
    CHECK(soft->busy);
    if (soft->left) {
        soft->left -= 1;
        return 0;
    }
    soft->busy = false;
    return 1;
}

static void soft_stop(void *ctx) {
    ((kpu_soft_t *)ctx)->busy = false;
}

static int soft_write(void *ctx, uint32_t off, const uint8_t *src, uint32_t n) {
    kpu_soft_t *soft = ctx;
    CHECK(off <= KPU_RAM_BYTES && n <= KPU_RAM_BYTES - off);
    memcpy(soft->ram + off, src, n);
    return 0;
}

static int soft_read(void *ctx, uint32_t off, uint8_t *dst, uint32_t n) {
    kpu_soft_t *soft = ctx;
    CHECK(off <= KPU_RAM_BYTES && n <= KPU_RAM_BYTES - off);
    memcpy(dst, soft->ram + off, n);
    return 0;
}

void kpu_soft_backend(kpu_soft_t *soft, kpu_backend_t *backend) {
    *backend = (kpu_backend_t) {
        .start = soft_start, .poll = soft_poll, .stop = soft_stop,
        .max_dest = 1 << 20, .write = soft_write, .read = soft_read,
        .ram = (volatile uint64_t *)(void *)soft->ram, .ctx = soft,
    };
}
