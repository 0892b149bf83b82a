// SPDX-License-Identifier: MIT
// Arithmetic between images, channel by channel, and replace().
#include <string.h>

#include "swar.h"
#include "vision_priv.h"

static inline uint64_t word_op(vis_math_op_t op, uint64_t a, uint64_t b) {
    switch (op) {
        case VIS_ADD:
            return swar_add8(a, b);
        case VIS_SUB:
            return swar_sub8(a, b);
        case VIS_RSUB:
            return swar_sub8(b, a);
        case VIS_MIN:
            return a - swar_sub8(a, b);
        case VIS_MAX:
            return b + swar_sub8(a, b);
        default: // VIS_DIFFERENCE: one of the two is zero in every byte
            return swar_sub8(a, b) | swar_sub8(b, a);
    }
}

static uint32_t mul255(uint32_t a, uint32_t b) {
    return (a * b + 127) / 255;
}

static inline uint8_t byte_op(vis_math_op_t op, uint32_t a, uint32_t b) {
    switch (op) {
        case VIS_MUL:
            return (uint8_t)mul255(a, b);
        case VIS_MUL_INVERT:
            return (uint8_t)(255 - mul255(255 - a, 255 - b));
        case VIS_DIV:
            return b ? vis_byte((int32_t)(a * 255 / b)) : 0;
        case VIS_RDIV:
            return a ? vis_byte((int32_t)(b * 255 / a)) : 0;
        case VIS_MOD:
            return b ? (uint8_t)(a * 255 % b) : 0;
        default: // VIS_RMOD
            return a ? (uint8_t)(b * 255 % a) : 0;
    }
}

// Whole words, so that the last of a row may reach up to seven bytes beyond it. A constant op leaves one of its loops.
static inline void words_op(vis_math_op_t op, uint8_t *a, const uint8_t *b, size_t n) {
    uint64_t *x = (uint64_t *)(void *)a;
    const uint64_t *y = (const uint64_t *)(const void *)b;
    for (size_t i = 0; i < (n + 7) / 8; i++) {
        x[i] = word_op(op, x[i], y[i]);
    }
}

static void blend_row(uint8_t *a, const uint8_t *b, size_t n, uint32_t alpha) {
    const uint64_t even = 0x00ff00ff00ff00ffu;
    uint64_t *x = (uint64_t *)(void *)a;
    const uint64_t *y = (const uint64_t *)(const void *)b;
    for (size_t i = 0; i < (n + 7) / 8; i++) {
        x[i] = swar_blend(y[i] & even, x[i] & even, alpha) | swar_blend(y[i] >> 8 & even, x[i] >> 8 & even, alpha) << 8;
    }
}

static void row_op(vis_math_op_t op, uint8_t *a, const uint8_t *b, size_t n, uint32_t alpha) {
    switch (op) {
        case VIS_ADD:
            words_op(VIS_ADD, a, b, n);
            break;
        case VIS_SUB:
            words_op(VIS_SUB, a, b, n);
            break;
        case VIS_RSUB:
            words_op(VIS_RSUB, a, b, n);
            break;
        case VIS_MIN:
            words_op(VIS_MIN, a, b, n);
            break;
        case VIS_MAX:
            words_op(VIS_MAX, a, b, n);
            break;
        case VIS_DIFFERENCE:
            words_op(VIS_DIFFERENCE, a, b, n);
            break;
        case VIS_BLEND:
            blend_row(a, b, n, alpha);
            break;
        default:
            for (size_t i = 0; i < n; i++) {
                a[i] = byte_op(op, a[i], b[i]);
            }
            break;
    }
}

// A row of the second operand as channels of the target's format.
static void other_row(const image_t *img, const vis_other_t *o, int32_t y, uint8_t *row) {
    size_t w = (size_t)img->w;
    if (o->img && vis_channels(o->img) == vis_channels(img)) {
        vis_load_row(o->img, y, row);
        return;
    }
    for (size_t x = 0; x < w; x++) {
        uint8_t r, g, b;
        uint32_t v = o->img ? image_get(o->img, (int32_t)x, y) : o->color;
        image_color_to_rgb(o->img ? o->img->format : img->format, v, &r, &g, &b);
        if (img->format == IMAGE_RGB565) {
            row[x] = r;
            row[w + x] = g;
            row[2 * w + x] = b;
        } else {
            row[x] = image_rgb_to_gray(r, g, b);
        }
    }
}

int vis_math(image_t *img, vis_work_t *w, vis_math_op_t op, const vis_other_t *other, unsigned alpha, const image_t *mask) {
    size_t n = (size_t)img->w * vis_channels(img);
    // Eight bytes more for the last word.
    uint8_t *a = vis_alloc(w, n + 8), *b = vis_alloc(w, n + 8);
    if (!a || !b) {
        return -ENOMEM;
    }
    for (int32_t y = 0; y < img->h; y++) {
        vis_load_row(img, y, a);
        if (other->img || y == 0) {
            other_row(img, other, y, b);
        }
        row_op(op, a, b, n, alpha);
        vis_store_row(img, y, a, mask);
    }
    vis_free(w, a);
    vis_free(w, b);
    return 0;
}

int vis_replace(image_t *img, vis_work_t *w, const vis_other_t *other, bool hmirror, bool vflip, bool transpose,
    const image_t *mask) {
    image_t src;
    if (!other->img) {
        for (int32_t y = 0; y < img->h; y++) {
            for (int32_t x = 0; x < img->w; x++) {
                if (!mask || image_get(mask, x, y)) {
                    image_set(img, x, y, other->color);
                }
            }
        }
        return 0;
    }
    int ret = vis_clone(&src, w, other->img);
    if (ret) {
        return ret;
    }
    int32_t sw = src.w, sh = src.h;
    if (transpose) {
        img->w = sh;
        img->h = sw;
        img->size = image_bytes(img->w, img->h, img->format);
        mask = NULL;
    }
    for (int32_t y = 0; y < img->h; y++) {
        for (int32_t x = 0; x < img->w; x++) {
            int32_t sx = transpose ? y : x, sy = transpose ? x : y;
            sx = hmirror ? sw - 1 - sx : sx;
            sy = vflip ? sh - 1 - sy : sy;
            if (mask && !image_get(mask, x, y)) {
                continue;
            }
            uint32_t v = image_get(&src, sx, sy);
            if (src.format != img->format) {
                uint8_t r, g, b;
                image_color_to_rgb(src.format, v, &r, &g, &b);
                v = image_color(img->format, r, g, b);
            }
            image_set(img, x, y, v);
        }
    }
    vis_free(w, src.pix);
    return 0;
}
