// SPDX-License-Identifier: MIT
// Inverse transform of JPEG blocks and their colours. Source: ITU-T T.81; JFIF 1.02 for the colours.
#include <string.h>

#include "image_config.h"
#include "jpeg_blocks.h"
#include "swar.h"

#define MCU_SIDE (8 * JPEG_MAX_FACTOR)

typedef uint8_t square_t[MCU_SIDE * MCU_SIDE];

// ---- inverse transform --------------------------------------------------------------------------

// cos(i * pi / 16) / 2 in 1/8192, and sqrt(1/8) for i = 0.
#define C_BITS (13)
enum { K0 = 2896, K1 = 4017, K2 = 3784, K3 = 3406, K4 = 2896, K5 = 2276, K6 = 1567, K7 = 799 };

// What level() wants to be added to the sums.
#define MIDDLE (((int64_t)128 << (2 * C_BITS)) + ((int64_t)1 << (2 * C_BITS - 1)))

static inline uint8_t level(int64_t v) {
    v >>= 2 * C_BITS;
    return (uint64_t)v <= 255 ? (uint8_t)v : v < 0 ? 0 : 255;
}

// The first n numbers are not 0; a constant n leaves the rest out of the code. add goes to all results.
__attribute__((always_inline)) static inline void idct_1d(const int64_t in[8], int64_t out[8], int n, int64_t add) {
    int64_t in2 = n > 2 ? in[2] : 0, in3 = n > 2 ? in[3] : 0;
    int64_t in4 = n > 4 ? in[4] : 0, in5 = n > 4 ? in[5] : 0, in6 = n > 4 ? in[6] : 0, in7 = n > 4 ? in[7] : 0;
    int64_t a = (in[0] + in4) * K0 + add, b = (in[0] - in4) * K4 + add;
    int64_t c = in2 * K2 + in6 * K6, d = in2 * K6 - in6 * K2;
    int64_t even[4] = { a + c, b + d, b - d, a - c };
    int64_t odd[4] = {
        in[1] * K1 + in3 * K3 + in5 * K5 + in7 * K7,
        in[1] * K3 - in3 * K7 - in5 * K1 - in7 * K5,
        in[1] * K5 - in3 * K1 + in5 * K7 + in7 * K3,
        in[1] * K7 - in3 * K5 + in5 * K3 - in7 * K1,
    };
    for (int i = 0; i < 4; i++) {
        out[i] = even[i] + odd[i];
        out[7 - i] = even[i] - odd[i];
    }
}

// Two rows at once, in the halves of 64 bits: numbers of 16 bits times less than 2^15 in all fit 32 bits.
__attribute__((always_inline)) static inline void rows_pair(const int16_t *v, int32_t *work, int n) {
    int64_t in[8], out[8];
    for (int x = 0; x < n; x++) {
        in[x] = (int64_t)((uint64_t)(int64_t)v[8 + x] << 32) + v[x];
    }
    idct_1d(in, out, n, 0);
    for (int x = 0; x < 8; x++) {
        int32_t low = (int32_t)out[x];
        work[x] = low;
        work[8 + x] = (int32_t)((out[x] - low) >> 32);
    }
}

__attribute__((always_inline)) static inline void columns(const int32_t *work, uint8_t *out, int n) {
    for (int x = 0; x < 8; x++) {
        int64_t in[8], line[8];
        for (int y = 0; y < n; y++) {
            in[y] = work[8 * y + x];
        }
        idct_1d(in, line, n, MIDDLE);
        for (int y = 0; y < 8; y++) {
            out[y * MCU_SIDE + x] = level(line[y]);
        }
    }
}

// Most of a picture's numbers are 0, above all those far from the corner: they take no computing.
static void idct(const jpeg_block_t *b, uint8_t *out) {
    int32_t work[64];
    if ((b->rows | b->columns) == 0) {
        uint64_t v = level(b->v[0] * (int64_t)(K0 * K0) + MIDDLE) * UINT64_C(0x0101010101010101);
        for (int y = 0; y < 8; y++) {
            memcpy(__builtin_assume_aligned(out + y * MCU_SIDE, 8), &v, 8);
        }
        return;
    }
    unsigned rows = b->rows | 1;
    if (IMAGE_WITH_SPEED && rows < 16 && b->columns < 4) {
        rows_pair(b->v, work, 2);
        if (rows >= 4) {
            rows_pair(b->v + 16, work + 16, 2);
        }
    } else if (IMAGE_WITH_SPEED && rows < 16 && b->columns < 16) {
        rows_pair(b->v, work, 4);
        if (rows >= 4) {
            rows_pair(b->v + 16, work + 16, 4);
        }
    } else {
        for (int y = 0; y < 8; y += 2) {
            if (rows >> y & 3) {
                rows_pair(b->v + 8 * y, work + 8 * y, 8);
            } else {
                memset(work + 8 * y, 0, 16 * sizeof(work[0]));
            }
        }
    }
    if (IMAGE_WITH_SPEED && rows < 4) {
        columns(work, out, 2);
    } else if (IMAGE_WITH_SPEED && rows < 16) {
        columns(work, out, 4);
    } else {
        columns(work, out, 8);
    }
}

// ---- colours ------------------------------------------------------------------------------------

static uint8_t clamp(int32_t v) {
    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

// What a pair of chroma levels adds to the luma.
typedef struct {
    int32_t r, g, b;
} shift_t;

static inline shift_t shift_of(unsigned blue, unsigned red) {
    int32_t cb = (int32_t)blue - 128, cr = (int32_t)red - 128;
    return (shift_t) { (91881 * cr + 32768) >> 16, (32768 - 22554 * cb - 46802 * cr) >> 16, (116130 * cb + 32768) >> 16 };
}

// Four lanes of 16 bits that hold 256 more than a level between -256 and 511: as levels from 0 to 255.
static inline uint64_t clamp4(uint64_t v) {
    uint64_t over = v >> 9 & SWAR_LANES, in = v >> 8 & SWAR_LANES;
    over = (over << 8) - over;
    in = (in << 8) - in;
    return (v & in) | over;
}

// Four levels of luma, lowest byte first, with what their chroma adds (256 more in each lane): four pixels.
static inline uint64_t color4(uint64_t y, uint64_t r, uint64_t g, uint64_t b) {
    y = swar_spread4(y);
    return swar_join(clamp4(y + r), clamp4(y + g), clamp4(y + b));
}

// Four pixels at a time of the usual case: whole squares of RGB565 with chroma of half the width.
static void store_whole(const jpeg_shape_t *s, int32_t x0, int32_t y0, const square_t samples[3]) {
    size_t w = (size_t)s->img->w;
    uint32_t twice = s->v_max / s->v[1];
    uint64_t *out = (uint64_t *)(void *)(s->img->pix + 2 * ((size_t)y0 * w + (size_t)x0));
    for (uint32_t cy = 0; cy < 8 * s->v[1]; cy++) {
        const uint8_t *blue = samples[1] + cy * MCU_SIDE, *red = samples[2] + cy * MCU_SIDE;
        for (uint32_t k = 0; k < 4; k++) {
            shift_t a = shift_of(blue[2 * k], red[2 * k]), b = shift_of(blue[2 * k + 1], red[2 * k + 1]);
            uint64_t two = 0x00010001, high = two << 32;
            uint64_t r = (uint64_t)(a.r + 256) * two + (uint64_t)(b.r + 256) * high;
            uint64_t g = (uint64_t)(a.g + 256) * two + (uint64_t)(b.g + 256) * high;
            uint64_t bl = (uint64_t)(a.b + 256) * two + (uint64_t)(b.b + 256) * high;
            for (uint32_t j = 0; j < twice; j++) {
                uint32_t y;
                memcpy(&y, __builtin_assume_aligned(samples[0] + (cy * twice + j) * MCU_SIDE + 4 * k, 4), 4);
                out[(cy * twice + j) * (w / 4) + k] = color4(y, r, g, bl);
            }
        }
    }
}

// RGB565 without planes, luma at full size, chroma at full or half size. Every pair of chroma levels is turned into
// colour once.
static void store_565(const jpeg_shape_t *s, int32_t x0, int32_t y0, const square_t samples[3]) {
    image_t *img = s->img;
    int32_t w = img->w - x0 < 8 * (int32_t)s->h_max ? img->w - x0 : 8 * (int32_t)s->h_max;
    int32_t h = img->h - y0 < 8 * (int32_t)s->v_max ? img->h - y0 : 8 * (int32_t)s->v_max;
    int32_t x_shift = s->h[1] < s->h_max, y_shift = s->v[1] < s->v_max;
    if (IMAGE_WITH_SPEED && x_shift && w == MCU_SIDE && h == 8 * (int32_t)s->v_max && img->w % 4 == 0 && ((uintptr_t)img->pix & 7) == 0) {
        store_whole(s, x0, y0, samples);
        return;
    }
    for (int32_t dy = 0; dy < h; dy++) {
        const uint8_t *luma = samples[0] + dy * MCU_SIDE;
        const uint8_t *blue = samples[1] + (dy >> y_shift) * MCU_SIDE, *red = samples[2] + (dy >> y_shift) * MCU_SIDE;
        uint16_t *out = (uint16_t *)(void *)img->pix + (size_t)(y0 + dy) * (size_t)img->w + (size_t)x0;
        shift_t c = { 0 };
        for (int32_t dx = 0; dx < w; dx++) {
            if (!(dx & x_shift)) {
                c = shift_of(blue[dx >> x_shift], red[dx >> x_shift]);
            }
            out[dx] = image_rgb_to_pixel(clamp(luma[dx] + c.r), clamp(luma[dx] + c.g), clamp(luma[dx] + c.b));
        }
    }
}

// Gray without planes: the samples are the pixels.
static void store_gray(const jpeg_shape_t *s, int32_t x0, int32_t y0, const uint8_t *luma) {
    image_t *img = s->img;
    int32_t n = img->w - x0 < 8 ? img->w - x0 : 8;
    for (int32_t y = y0; y < y0 + 8 && y < img->h; y++, luma += MCU_SIDE) {
        memcpy(img->pix + (size_t)y * (size_t)img->w + (size_t)x0, luma, (size_t)n);
    }
}

static void store(const jpeg_shape_t *s, int32_t x0, int32_t y0, const square_t samples[3]) {
    image_t *img = s->img;
    for (int32_t dy = 0; dy < 8 * (int32_t)s->v_max && y0 + dy < img->h; dy++) {
        for (int32_t dx = 0; dx < 8 * (int32_t)s->h_max && x0 + dx < img->w; dx++) {
            uint8_t v[3];
            for (unsigned i = 0; i < s->n; i++) {
                v[i] = samples[i][(uint32_t)dy * s->v[i] / s->v_max * MCU_SIDE + (uint32_t)dx * s->h[i] / s->h_max];
            }
            if (s->n == 1) {
                image_store_rgb(img, x0 + dx, y0 + dy, v[0], v[0], v[0]);
                continue;
            }
            shift_t c = shift_of(v[1], v[2]);
            image_store_rgb(img, x0 + dx, y0 + dy, clamp(v[0] + c.r), clamp(v[0] + c.g), clamp(v[0] + c.b));
        }
    }
}

void jpeg_draw_batch(void *arg) {
    jpeg_batch_t *batch = arg;
    const jpeg_shape_t *s = batch->shape;
    const image_t *img = s->img;
    square_t samples[3] __attribute__((aligned(8)));
    bool gray = s->n == 1 && img->format == IMAGE_GRAYSCALE && img->ai == NULL;
    bool usual = s->n == 3 && img->format == IMAGE_RGB565 && img->ai == NULL && ((uintptr_t)img->pix & 1) == 0
        && s->h[0] == s->h_max && s->v[0] == s->v_max && s->h[1] == s->h[2] && s->v[1] == s->v[2];
    uint32_t at;
    while ((at = __atomic_fetch_add(&batch->next, 1, __ATOMIC_RELAXED)) < batch->n) {
        const jpeg_block_t *b = batch->blocks + at * s->blocks;
        for (unsigned i = 0; i < s->n; i++) {
            for (unsigned k = 0; k < s->h[i] * s->v[i]; k++) {
                idct(b++, samples[i] + k / s->h[i] * 8 * MCU_SIDE + k % s->h[i] * 8);
            }
        }
        uint32_t mcu = batch->first + at;
        int32_t x = (int32_t)(mcu % (uint32_t)s->across * 8 * s->h_max), y = (int32_t)(mcu / (uint32_t)s->across * 8 * s->v_max);
        if (gray) {
            store_gray(s, x, y, samples[0]);
        } else if (usual) {
            store_565(s, x, y, (const square_t *)samples);
        } else {
            store(s, x, y, (const square_t *)samples);
        }
    }
}
