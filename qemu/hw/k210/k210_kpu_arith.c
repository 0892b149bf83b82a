/*
 * Kendryte K210: arithmetic of the KPU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "k210_kpu_internal.h"

/* Kernels read whole tiles, so every plane may be read this far behind. */
#define SLACK           (2 * KPU_TILE)
#define ROUND_UP(x, n)  (((x) + (n) - 1) / (n) * (n))
#define EXACT           9007199254740992ll      /* 2^53 */

static bool force_portable;

void k210_kpu_force_portable(bool on)
{
    force_portable = on;
}

static const KpuKernels *kernels(void)
{
#ifdef K210_KPU_HAVE_AVX2
    if (!force_portable && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma")) {
        return &k210_kpu_kernels_avx2;
    }
#endif
    return &k210_kpu_kernels_portable;
}

const char *k210_kpu_kernel_name(void)
{
    return kernels()->name;
}

/* A buffer of at least @size bytes, aligned to 64; old contents are lost. */
static bool reserve(KpuBuffer *b, size_t size)
{
    if (b->size < size) {
        size = ROUND_UP(size, 4096);
        free(b->data);
        b->data = aligned_alloc(64, size);
        b->size = b->data ? size : 0;
    }
    return b->data;
}

K210KpuArith *k210_kpu_arith_new(void)
{
    return calloc(1, sizeof(K210KpuArith));
}

void k210_kpu_arith_free(K210KpuArith *a)
{
    if (a) {
        free(a->weights.data);
        free(a->bn.data);
        free(a->planes.data);
        free(a->pairs.data);
        free(a->tap_offset.data);
        free(a->panels.data);
        free(a->result.data);
        free(a->packed.data);
        free(a->sums.data);
        free(a);
    }
}

void k210_kpu_arith_reset(K210KpuArith *a)
{
    a->weights_len = 0;
    a->bn_len = 0;
    a->act_valid = false;
    a->packed_len = 0;
}

static uint64_t read_le(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;

    while (n--) {
        v = v << 8 | p[n];
    }
    return v;
}

static int64_t sign_extend(uint64_t v, unsigned bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

/*
 * Rounding of the vendor's simulator: half to even for p >= 0; below zero the
 * step goes away from the true value.
 */
static __int128 round_shift(__int128 p, unsigned shift)
{
    __int128 q, f, half;

    if (shift == 0) {
        return p;
    }
    if (shift > 120) {
        /* |p| is far below half of 2^shift. */
        return p < 0 ? -2 : 0;
    }
    q = p >> shift;
    f = p - q * ((__int128)1 << shift);
    half = (__int128)1 << (shift - 1);
    if (f > half || (f == half && (q & 1))) {
        q += p >= 0 ? 1 : -1;
    }
    return q;
}

uint8_t k210_kpu_activate_one(const K210KpuArith *a, const KpuChannel *c,
                              __int128 u)
{
    __int128 v = u + c->constant;
    __int128 b = ((v * c->bn_mul) >> c->bn_shift) + c->bn_add;
    unsigned s = a->segs - 1;
    __int128 y;

    while (s > 0 && a->seg[s].start >= b) {
        s--;
    }
    y = round_shift((b - a->seg[s].start) * a->seg[s].mul, a->seg[s].shift) +
        a->seg[s].bias;
    return y < 0 ? 0 : y > 255 ? 255 : y;
}

/* 2^-n; exact for every n that a table can hold. */
static double power(unsigned n)
{
    double v = 1.0;

    while (n--) {
        v *= 0.5;
    }
    return v;
}

static void decode_activation(K210KpuArith *a)
{
    a->segs = 0;
    for (unsigned i = 0; i < KPU_SEGMENTS; i++) {
        uint64_t w = read_le(a->act + 8 * i, 8);
        KpuSegment s = {
            .start = sign_extend(w >> 24, 36),
            .mul = sign_extend(w >> 8, 16),
            .shift = w,
            .bias = a->act[8 * KPU_SEGMENTS + i],
        };

        if (a->segs) {
            KpuSegment *prev = &a->seg[a->segs - 1];

            if (prev->mul == 0 && s.mul == 0 && prev->bias == s.bias &&
                s.start >= prev->start) {
                continue;
            }
        }
        a->seg[a->segs++] = s;
    }
    for (unsigned i = 0; i < a->segs; i++) {
        double scale = a->seg[i].mul * power(a->seg[i].shift);

        a->seg_start[i] = a->seg[i].start;
        a->seg_scale[i] = scale;
        a->seg_offset[i] = -(double)a->seg[i].start * scale;
        a->seg_bias[i] = a->seg[i].bias;
    }
}

static __int128 magnitude(__int128 v)
{
    return v < 0 ? -v : v;
}

/* Fills in how to turn u, which lies in lo..hi, into a byte. */
static void prepare_channel(const K210KpuArith *a, KpuChannel *c,
                            uint64_t bn, int64_t constant, __int128 lo,
                            __int128 hi)
{
    __int128 b1, b2, b_min, b_max, m, offset;

    c->bn_mul = sign_extend(bn, 24);
    c->bn_add = sign_extend(bn >> 24, 32);
    c->bn_shift = (bn >> 56) & 15;
    c->constant = constant;
    c->bn_scale = c->bn_mul * power(c->bn_shift);

    /* Every product and sum of the kernel must be a whole below 2^53. */
    m = magnitude(lo) > magnitude(hi) ? magnitude(lo) : magnitude(hi);
    b1 = magnitude((__int128)constant * c->bn_mul) +
         (magnitude(c->bn_add) << c->bn_shift);
    c->exact = (!a->sx_used || a->sx_small) &&
               m * magnitude(c->bn_mul) + b1 < EXACT;
    offset = (__int128)constant * c->bn_mul +
             (__int128)c->bn_add * (1 << c->bn_shift);
    c->bn_offset = (double)(int64_t)offset * power(c->bn_shift);

    b1 = (((lo + constant) * c->bn_mul) >> c->bn_shift) + c->bn_add;
    b2 = (((hi + constant) * c->bn_mul) >> c->bn_shift) + c->bn_add;
    b_min = b1 < b2 ? b1 : b2;
    b_max = b1 < b2 ? b2 : b1;
    if (b_min < -((__int128)1 << 37) || b_max > (__int128)1 << 37) {
        c->exact = false;
    }

    /* Segments that no b reaches need not be looked at. */
    c->seg_first = a->segs - 1;
    while (c->seg_first > 0 && a->seg[c->seg_first].start >= b_min) {
        c->seg_first--;
    }
    c->seg_last = a->segs - 1;
    while (c->seg_last > c->seg_first &&
           a->seg[c->seg_last].start >= b_max) {
        c->seg_last--;
    }
    c->negative = a->seg[c->seg_first].start >= b_min &&
                  a->seg[c->seg_first].mul != 0;
    for (unsigned i = c->seg_first; i <= c->seg_last; i++) {
        c->negative |= a->seg[i].mul < 0;
    }
}

/* Weights of one output channel, as bytes or pairs of bytes. */
static const uint8_t *channel_weights(const K210KpuArith *a, uint32_t c)
{
    return (const uint8_t *)a->weights.data +
           (size_t)c * a->taps * (a->layer.eight_bit ? 1 : 2);
}

static void prepare_channels(K210KpuArith *a)
{
    const K210KpuLayer *l = &a->layer;
    uint32_t in_channels = l->depthwise ? 1 : l->in.channels;
    int64_t sx_max = (int64_t)a->taps * 255;
    int64_t sx1 = ((int64_t)l->arg_x * sx_max) >> l->shr_x;

    a->sx_used = l->arg_x != 0 && !l->bypass_conv;
    a->sx_small = magnitude(sx1) < 1 << 30;
    a->sx_scale = l->arg_x * power(l->shr_x);
    for (uint32_t c = 0; c < l->out.channels; c++) {
        uint64_t bn = read_le((uint8_t *)a->bn.data + 8 * c, 8);
        __int128 lo = 0, hi = 255;
        int64_t constant = 0;

        if (!l->bypass_conv) {
            const uint8_t *w = channel_weights(a, c);
            uint64_t sw = 0;

            if (l->eight_bit) {
                for (uint32_t k = 0; k < a->taps; k++) {
                    sw += w[k];
                }
            } else {
                for (uint32_t k = 0; k < a->taps; k++) {
                    sw += w[2 * k] | w[2 * k + 1] << 8;
                }
            }
            constant = (((int64_t)l->arg_w * (int64_t)sw) >> l->shr_w) +
                       l->arg_add * in_channels;
            hi = (__int128)255 * sw;
            if (sx1 < 0) {
                lo = sx1;
            } else {
                hi += sx1;
            }
        }
        prepare_channel(a, &a->ch[c], bn, constant, lo, hi);
    }
}

static bool failed(char *err, const char *what, uint32_t addr)
{
    snprintf(err, K210_KPU_ERR_SIZE, "%s at 0x%08x cannot be read", what,
             addr);
    return false;
}

static bool no_memory(char *err)
{
    snprintf(err, K210_KPU_ERR_SIZE, "the host is out of memory");
    return false;
}

static bool load_weights(K210KpuArith *a, K210KpuRead *read, void *opaque,
                         char *err)
{
    const K210KpuLayer *l = &a->layer;
    size_t channel = (size_t)a->taps * (l->eight_bit ? 1 : 2);
    size_t need = channel * l->out.channels;
    uint32_t n = l->channels_per_load, done = 0;

    if (!l->load_weights) {
        if (a->weights_len < need) {
            snprintf(err, K210_KPU_ERR_SIZE, "%zu bytes of weights wanted of "
                     "an earlier layer that loaded %zu", need,
                     a->weights_len);
            return false;
        }
        return true;
    }
    if ((uint64_t)n * l->loads < l->out.channels) {
        snprintf(err, K210_KPU_ERR_SIZE, "%u loads of %u channels for %u "
                 "output channels", l->loads, n, l->out.channels);
        return false;
    }
    a->weights_len = 0;
    if (!reserve(&a->weights, need)) {
        return no_memory(err);
    }
    for (uint32_t i = 0; done < l->out.channels; i++) {
        uint32_t count = l->out.channels - done < n ? l->out.channels - done
                                                    : n;
        uint32_t addr = l->weights_addr + i * l->bytes_per_load;

        if (count * channel > l->bytes_per_load) {
            snprintf(err, K210_KPU_ERR_SIZE, "%u channels of %zu bytes in a "
                     "parameter load of %u bytes", count, channel,
                     l->bytes_per_load);
            return false;
        }
        if (!read(opaque, addr, (uint8_t *)a->weights.data + done * channel,
                  count * channel)) {
            return failed(err, "parameter memory", addr);
        }
        done += count;
    }
    a->weights_len = need;
    return true;
}

static bool load_tables(K210KpuArith *a, K210KpuRead *read, void *opaque,
                        char *err)
{
    const K210KpuLayer *l = &a->layer;
    size_t bn_len = 8 * (size_t)l->out.channels;

    if (l->load_bn) {
        a->bn_len = 0;
        if (!reserve(&a->bn, bn_len)) {
            return no_memory(err);
        }
        if (!read(opaque, l->bn_addr, a->bn.data, bn_len)) {
            return failed(err, "the BN table", l->bn_addr);
        }
        a->bn_len = bn_len;
    } else if (a->bn_len < bn_len) {
        snprintf(err, K210_KPU_ERR_SIZE, "BN table of %u channels wanted of "
                 "an earlier layer that loaded %zu", l->out.channels,
                 a->bn_len / 8);
        return false;
    }
    if (l->load_act) {
        a->act_valid = read(opaque, l->act_addr, a->act, sizeof(a->act));
        if (!a->act_valid) {
            return failed(err, "the activation table", l->act_addr);
        }
        decode_activation(a);
    } else if (!a->act_valid) {
        snprintf(err, K210_KPU_ERR_SIZE, "activation table wanted of an "
                 "earlier layer, but none was loaded");
        return false;
    }
    return l->bypass_conv || load_weights(a, read, opaque, err);
}

/* Pairs of taps as 32-bit lanes, rows of whole blocks of channels. */
static bool pack_weights(K210KpuArith *a, char *err)
{
    const K210KpuLayer *l = &a->layer;
    uint32_t channels = ROUND_UP(l->out.channels, KPU_BLOCK);
    uint32_t pairs = (a->taps + 1) / 2;
    uint32_t *low, *high;

    a->pair_row = pairs;
    a->pairs_high = (size_t)channels * pairs;
    if (!reserve(&a->pairs, a->pairs_high * 4 * (l->eight_bit ? 1 : 2))) {
        return no_memory(err);
    }
    low = a->pairs.data;
    high = low + a->pairs_high;
    if (l->bypass_conv) {
        for (uint32_t c = 0; c < channels; c++) {
            low[c] = 1;
        }
        return true;
    }
    for (uint32_t c = 0; c < channels; c++) {
        const uint8_t *w = channel_weights(a, c);

        if (c >= l->out.channels) {
            memset(low, 0, pairs * 4);
            if (!l->eight_bit) {
                memset(high, 0, pairs * 4);
            }
        } else if (l->eight_bit) {
            for (uint32_t k = 0; k < a->taps / 2; k++) {
                low[k] = w[2 * k] | (uint32_t)w[2 * k + 1] << 16;
            }
            if (a->taps & 1) {
                low[pairs - 1] = w[a->taps - 1];
            }
        } else {
            for (uint32_t k = 0; k < pairs; k++) {
                bool two = 2 * k + 1 < a->taps;

                low[k] = w[4 * k] | (two ? (uint32_t)w[4 * k + 2] << 16 : 0);
                high[k] = w[4 * k + 1] |
                          (two ? (uint32_t)w[4 * k + 3] << 16 : 0);
            }
        }
        low += pairs;
        high += pairs;
    }
    return true;
}

static bool read_input(K210KpuArith *a, const uint8_t *ram, char *err)
{
    const K210KpuLayer *l = &a->layer;
    uint32_t border = l->kernel == 3 ? 1 : 0;
    uint32_t pitch = K210_KPU_LINE / l->in.group;
    uint8_t *plane;

    a->row = l->in.width + 2 * border;
    a->plane_size = (size_t)a->row * (l->in.height + 2 * border);
    a->pixels = (l->in.height - 1) * a->row + l->in.width;
    if (!reserve(&a->planes, a->plane_size * l->in.channels + SLACK)) {
        return no_memory(err);
    }
    plane = a->planes.data;
    for (uint32_t c = 0; c < l->in.channels; c++) {
        size_t base = ((size_t)l->in.line +
                       (size_t)(c / l->in.group) * l->in.channel_lines) *
                      K210_KPU_LINE + c % l->in.group * pitch;

        if (border) {
            memset(plane, l->pad_value, a->row);
            plane += a->row;
        }
        for (uint32_t y = 0; y < l->in.height; y++) {
            if (border) {
                *plane++ = l->pad_value;
            }
            memcpy(plane, ram + base +
                   (size_t)y * l->in.row_lines * K210_KPU_LINE, l->in.width);
            plane += l->in.width;
            if (border) {
                *plane++ = l->pad_value;
            }
        }
        if (border) {
            memset(plane, l->pad_value, a->row);
            plane += a->row;
        }
    }
    memset(plane, 0, SLACK);
    return true;
}

static bool prepare_taps(K210KpuArith *a, char *err)
{
    uint32_t k = a->layer.kernel, kk = k * k;
    uint32_t *offset;

    if (!reserve(&a->tap_offset, a->taps * sizeof(uint32_t))) {
        return no_memory(err);
    }
    offset = a->tap_offset.data;
    for (uint32_t t = 0; t < a->taps; t++) {
        offset[t] = t / kk * a->plane_size + t % kk / k * a->row + t % k;
    }
    return true;
}

/* Pixels in rows that are dropped later need not be worked out. */
static void prepare_tiles(K210KpuArith *a)
{
    const K210KpuLayer *l = &a->layer;
    bool selects = l->pool_type == 0 ||
                   (l->pool_type >= 5 && l->pool_type <= 7);

    a->row_tiles = 0;
    a->tiles = (a->pixels + KPU_TILE - 1) / KPU_TILE;
    if (selects && l->stride > 1 && l->in.width >= KPU_TILE) {
        a->row_tiles = (l->in.width + KPU_TILE - 1) / KPU_TILE;
        a->row_step = l->stride * a->row;
        a->tiles = a->row_tiles * l->out.height;
    }
}

bool k210_kpu_begin(K210KpuArith *a,
                    const uint64_t words[K210_KPU_LAYER_WORDS],
                    bool eight_bit, const uint8_t *ram,
                    K210KpuRead *read, void *opaque,
                    char err[K210_KPU_ERR_SIZE])
{
    K210KpuLayer *l = &a->layer;
    bool per_channel;

    a->packed_len = 0;
    if (!k210_kpu_decode(words, eight_bit, l, err)) {
        return false;
    }
    if (l->bypass_conv) {
        /* A 1x1 kernel of one, so that only BN, activation and pooling act. */
        l->kernel = 1;
        l->eight_bit = true;
    }
    per_channel = l->depthwise || l->bypass_conv;
    a->taps = l->kernel * l->kernel * (per_channel ? 1 : l->in.channels);
    if (!load_tables(a, read, opaque, err) || !read_input(a, ram, err) ||
        !prepare_taps(a, err)) {
        return false;
    }
    if (!pack_weights(a, err)) {
        return false;
    }
    a->result_size = ROUND_UP(a->pixels, KPU_TILE) + 4 * KPU_TILE;
    if (!reserve(&a->result, a->result_size * l->out.channels) ||
        !reserve(&a->packed, (size_t)l->out.width * l->out.height *
                             l->out.channels) ||
        !reserve(&a->sums, 8 * (size_t)l->out.channels)) {
        return no_memory(err);
    }
    prepare_channels(a);
    prepare_tiles(a);
    return true;
}

/* One channel from full size to the packed output. */
static void pool_channel(void *arg, unsigned c)
{
    K210KpuArith *a = arg;
    const K210KpuLayer *l = &a->layer;
    const uint8_t *src = (uint8_t *)a->result.data + c * a->result_size;
    const uint32_t w = l->out.width, h = l->out.height, row = a->row;
    uint8_t *dst = (uint8_t *)a->packed.data + (size_t)c * w * h;
    const uint32_t s = l->stride;
    const uint32_t right = l->pool_type == 6;

    switch (l->pool_type) {
    case 1:
        kernels()->pool_max2(src, row, dst, w, h);
        return;
    case 0:
        if (s == 1) {
            for (uint32_t y = 0; y < h; y++) {
                memcpy(dst + (size_t)y * w, src + (size_t)y * row, w);
            }
            return;
        }
        break;
    default:
        break;
    }
    for (uint32_t y = 0; y < h; y++) {
        const uint8_t *r = src + (size_t)y * s * row;
        /* Rows and columns below and right of the map, for step 1. */
        uint32_t down = y + 1 < h ? row : 0;

        for (uint32_t x = 0; x < w; x++) {
            const uint8_t *p = r + x * s;
            uint32_t next = x + 1 < w ? 1 : 0;
            uint32_t v = 0;

            switch (l->pool_type) {
            case 2:
                v = (p[0] + p[1] + p[row] + p[row + 1]) / 4;
                break;
            case 3:
            case 4:
                for (uint32_t j = 0; j < 4; j++) {
                    for (uint32_t i = 0; i < 4; i++) {
                        uint8_t e = p[j * row + i];

                        v = l->pool_type == 4 ? v + e : e > v ? e : v;
                    }
                }
                v = l->pool_type == 4 ? v / 16 : v;
                break;
            case 8:
                v = (p[0] + p[next] + p[down] + p[down + next]) / 4;
                break;
            case 9:
                /* A pixel repeated instead of 0 does not change a maximum. */
                v = p[0] > p[next] ? p[0] : p[next];
                v = p[down] > v ? p[down] : v;
                v = p[down + next] > v ? p[down + next] : v;
                break;
            default:
                v = p[right];
                break;
            }
            dst[x] = v;
        }
        dst += w;
    }
}

static void convolve_part(void *arg, unsigned part)
{
    K210KpuArith *a = arg;

    if (a->layer.depthwise || a->layer.bypass_conv) {
        kernels()->depthwise(a, part);
    } else {
        kernels()->convolve(a, part);
    }
}

static void serial(void *opaque, unsigned n,
                   void (*fn)(void *arg, unsigned i), void *arg)
{
    for (unsigned i = 0; i < n; i++) {
        fn(arg, i);
    }
}

void k210_kpu_compute(K210KpuArith *a, K210KpuParallel *parallel,
                      void *opaque, unsigned parts)
{
    const K210KpuLayer *l = &a->layer;
    size_t channel = (size_t)l->out.width * l->out.height;

    if (!parallel || parts == 0) {
        parallel = serial;
        parts = 1;
    }
    a->parts = parts;
    a->panel_size = ROUND_UP((a->taps + 1) / 2 * 4 * KPU_TILE, 64);
    if (!reserve(&a->panels, a->panel_size * parts)) {
        abort();
    }
    parallel(opaque, parts, convolve_part, a);
    parallel(opaque, l->out.channels, pool_channel, a);

    a->packed_len = channel * l->out.channels;
    if (l->full_add) {
        const uint8_t *p = a->packed.data;
        uint8_t *sums = a->sums.data;

        for (uint32_t c = 0; c < l->out.channels; c++) {
            uint64_t sum = 0;

            for (size_t i = 0; i < channel; i++) {
                sum += *p++;
            }
            for (unsigned i = 0; i < 8; i++) {
                *sums++ = sum >> (8 * i);
            }
        }
    }
}

void k210_kpu_finish(K210KpuArith *a, uint8_t *ram)
{
    const K210KpuMap *m = &a->layer.out;
    const uint8_t *src = a->packed.data;

    if (a->layer.full_add) {
        return;
    }
    for (uint32_t c = 0; c < m->channels; c++) {
        size_t base = ((size_t)m->line +
                       (size_t)(c / m->group) * m->channel_lines) *
                      K210_KPU_LINE +
                      c % m->group * (K210_KPU_LINE / m->group);

        for (uint32_t y = 0; y < m->height; y++) {
            memcpy(ram + base + (size_t)y * m->row_lines * K210_KPU_LINE,
                   src, m->width);
            src += m->width;
        }
    }
}

const uint8_t *k210_kpu_stream(const K210KpuArith *a, size_t *len)
{
    if (!a->layer.send_data_out || !a->packed_len) {
        *len = 0;
        return NULL;
    }
    if (a->layer.full_add) {
        *len = 8 * (size_t)a->layer.out.channels;
        return a->sums.data;
    }
    *len = a->packed_len;
    if (*len > a->layer.stream_bytes) {
        *len = a->layer.stream_bytes;
    }
    return a->packed.data;
}
