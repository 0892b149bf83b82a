// SPDX-License-Identifier: MIT
// Colours, transform and quantisation of JPEG blocks. Source: ITU-T T.81; JFIF 1.02 for the colours.
#include "image_config.h"
#include "jpeg_common.h"
#include "jpeg_levels.h"

// The transform's factors are cos(i * pi / 16) / 2 in 1/8192, and sqrt(1/8) for the first row.
#define C_BITS (13)

typedef int16_t block_t[64];

// out[u] = sum of in[x] * dct_matrix[u][x], as sums and differences of mirrored places.
__attribute__((always_inline)) static inline void dct_1d(const int64_t in[8], int64_t out[8]) {
    int64_t s[4], d[4];
    for (int i = 0; i < 4; i++) {
        s[i] = in[i] + in[7 - i];
        d[i] = in[i] - in[7 - i];
    }
    int64_t a = s[0] + s[3], b = s[1] + s[2], c = s[0] - s[3], e = s[1] - s[2];
    out[0] = (a + b) * 2896;
    out[4] = (a - b) * 2896;
    out[2] = c * 3784 + e * 1567;
    out[6] = c * 1567 - e * 3784;
    out[1] = d[0] * 4017 + d[1] * 3406 + d[2] * 2276 + d[3] * 799;
    out[3] = d[0] * 3406 - d[1] * 799 - d[2] * 4017 - d[3] * 2276;
    out[5] = d[0] * 2276 - d[1] * 4017 + d[2] * 799 + d[3] * 3406;
    out[7] = d[0] * 799 - d[1] * 2276 + d[2] * 3406 - d[3] * 4017;
}

// Two rows at once, in the halves of 64 bits: sums of levels below 256 times 2^15 fit 32 bits.
static void dct_rows(const int16_t *v, int32_t *work) {
    for (int y = 0; y < 8; y += 2, v += 16, work += 16) {
        int64_t in[8], out[8];
        for (int x = 0; x < 8; x++) {
            in[x] = (int64_t)((uint64_t)(int64_t)v[8 + x] << 32) + v[x];
        }
        dct_1d(in, out);
        for (int x = 0; x < 8; x++) {
            int32_t low = (int32_t)out[x];
            work[x] = low;
            work[8 + x] = (int32_t)((out[x] - low) >> 32);
        }
    }
}

static void quantise(const block_t samples, const uint16_t *quant, jpeg_levels_t *out) {
    int32_t work[64];
    int64_t sums[64];
    unsigned last = 0;
    dct_rows(samples, work);
    for (int u = 0; u < 8; u++) {
        int64_t in[8], line[8];
        for (int y = 0; y < 8; y++) {
            in[y] = work[8 * y + u];
        }
        dct_1d(in, line);
        for (int v = 0; v < 8; v++) {
            sums[8 * v + u] = line[v];
        }
    }
    for (unsigned k = 0; k < 64; k++) {
        int64_t sum = sums[jpeg_zigzag[k]], half = (int64_t)quant[k] << (2 * C_BITS - 1);
        // Most are 0: no division for those between -half and half.
        if ((uint64_t)(sum + half - 1) <= (uint64_t)(2 * half - 2)) {
            out->v[k] = 0;
        } else {
            out->v[k] = (int16_t)((sum < 0 ? sum - half : sum + half) / (2 * half));
            last = k;
        }
    }
    out->last = (uint8_t)last;
}

// ---- colours ------------------------------------------------------------------------------------

static inline int16_t luma_of(unsigned r, unsigned g, unsigned b) {
    return (int16_t)((int32_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16) - 128);
}

// Cb in the lower half, Cr in the upper one.
#define BOTH(cb, cr) ((int64_t)((uint64_t)(int64_t)(cr) << 32) + (cb))

// Adds Cb and Cr around 0, each rounded.
static inline void add_chroma(unsigned r, unsigned g, unsigned b, int32_t *cb, int32_t *cr) {
    int64_t both = BOTH(-11059, 32768) * r + BOTH(-21709, -27439) * g + BOTH(32768, -5329) * b + BOTH(32768, 32768);
    int32_t low = (int32_t)both;
    *cb += low >> 16;
    *cr += (int32_t)((both - low) >> 48);
}

// A square of 16x16 RGB565 pixels inside of the picture, in rows of w.
static void read_whole(const uint16_t *p, size_t w, block_t out[JPEG_LEVELS_BLOCKS]) {
    for (unsigned cy = 0; cy < 8; cy++, p += 2 * w) {
        for (unsigned cx = 0; cx < 8; cx++) {
            int16_t *luma = out[cy / 4 * 2 + cx / 4] + cy % 4 * 16 + cx % 4 * 2;
            int32_t cb = 2, cr = 2;
            for (unsigned k = 0; k < 4; k++) {
                unsigned v = p[k / 2 * w + 2 * cx + k % 2], r = v >> 3 & 31, b = v >> 8 & 31, g = (v & 7) << 3 | v >> 13;
                r = r << 3 | r >> 2;
                g = g << 2 | g >> 4;
                b = b << 3 | b >> 2;
                luma[k / 2 * 8 + k % 2] = luma_of(r, g, b);
                add_chroma(r, g, b, &cb, &cr);
            }
            out[4][8 * cy + cx] = (int16_t)(cb >> 2);
            out[5][8 * cy + cx] = (int16_t)(cr >> 2);
        }
    }
}

static void pixel_at(const jpeg_source_t *s, int32_t x, int32_t y, uint8_t *r, uint8_t *g, uint8_t *b) {
    x = s->roi.x + (x < s->roi.w ? x : s->roi.w - 1);
    y = s->roi.y + (y < s->roi.h ? y : s->roi.h - 1);
    if (s->color) {
        const uint8_t *p = s->img->pix + 2 * ((size_t)y * (size_t)s->img->w + (size_t)x);
        image_pixel_to_rgb((uint16_t)(p[0] | p[1] << 8), r, g, b);
    } else {
        image_color_to_rgb(s->img->format, image_get(s->img, x, y), r, g, b);
    }
}

// Blocks of an MCU as Y, Cb and Cr around 0; the picture's edge is repeated beyond it.
static void read_mcu(const jpeg_source_t *s, uint32_t mcu, block_t out[JPEG_LEVELS_BLOCKS]) {
    int32_t side = s->color ? 16 : 8;
    int32_t x0 = (int32_t)(mcu % s->across) * side, y0 = (int32_t)(mcu / s->across) * side;
    bool inside = x0 + side <= s->roi.w && y0 + side <= s->roi.h;
    if (IMAGE_WITH_SPEED && s->color && inside && ((uintptr_t)s->img->pix & 1) == 0) {
        size_t first = (size_t)(s->roi.y + y0) * (size_t)s->img->w + (size_t)(s->roi.x + x0);
        read_whole((const uint16_t *)(const void *)s->img->pix + first, (size_t)s->img->w, out);
        return;
    }
    uint8_t r, g, b;
    if (!s->color) {
        for (int32_t i = 0; i < 64; i++) {
            pixel_at(s, x0 + i % 8, y0 + i / 8, &r, &g, &b);
            out[0][i] = (int16_t)(r - 128);
        }
        return;
    }
    for (int32_t i = 0; i < 64; i++) {
        int32_t cx = i % 8, cy = i / 8, cb = 2, cr = 2;
        for (int32_t k = 0; k < 4; k++) {
            pixel_at(s, x0 + 2 * cx + k % 2, y0 + 2 * cy + k / 2, &r, &g, &b);
            out[cy / 4 * 2 + cx / 4][(cy % 4 * 2 + k / 2) * 8 + cx % 4 * 2 + k % 2] = luma_of(r, g, b);
            add_chroma(r, g, b, &cb, &cr);
        }
        out[4][i] = (int16_t)(cb >> 2);
        out[5][i] = (int16_t)(cr >> 2);
    }
}

void jpeg_make_levels(void *arg) {
    jpeg_part_t *part = arg;
    const jpeg_source_t *s = part->source;
    block_t blocks[JPEG_LEVELS_BLOCKS];
    uint32_t at;
    while ((at = __atomic_fetch_add(&part->next, 1, __ATOMIC_RELAXED)) < part->n) {
        read_mcu(s, part->first + at, blocks);
        for (uint32_t i = 0; i < s->blocks; i++) {
            quantise(blocks[i], s->quant[i >= 4], part->levels + at * s->blocks + i);
        }
    }
}
