// SPDX-License-Identifier: MIT
// Arithmetic between images, channel by channel, and replace().
#include <string.h>

#include "vision_priv.h"

#define HIGH (UINT64_C(0x8080808080808080))

// Eight bytes at once where the operation allows: SWAR with the top bits kept apart from carries.
static uint64_t add8(uint64_t a, uint64_t b) {
    uint64_t sum = ((a & ~HIGH) + (b & ~HIGH)) ^ ((a ^ b) & HIGH);
    uint64_t carry = ((a & b) | ((a | b) & ~sum)) & HIGH;
    return sum | ((carry >> 7) * 255);
}

static uint64_t sub8(uint64_t a, uint64_t b) {
    return ~add8(~a, b);
}

static uint64_t word_op(vis_math_op_t op, uint64_t a, uint64_t b) {
    switch (op) {
        case VIS_ADD:
            return add8(a, b);
        case VIS_SUB:
            return sub8(a, b);
        case VIS_RSUB:
            return sub8(b, a);
        case VIS_MIN:
            return a - sub8(a, b);
        case VIS_MAX:
            return b + sub8(a, b);
        default: // VIS_DIFFERENCE: one of the two is zero in every byte
            return sub8(a, b) | sub8(b, a);
    }
}

static bool has_word_op(vis_math_op_t op) {
    return op == VIS_ADD || op == VIS_SUB || op == VIS_RSUB || op == VIS_MIN || op == VIS_MAX || op == VIS_DIFFERENCE;
}

static uint32_t mul255(uint32_t a, uint32_t b) {
    return (a * b + 127) / 255;
}

static uint8_t byte_op(vis_math_op_t op, uint32_t a, uint32_t b, uint32_t alpha) {
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
        case VIS_RMOD:
            return a ? (uint8_t)(b * 255 % a) : 0;
        default: // VIS_BLEND
            return (uint8_t)((a * alpha + b * (256 - alpha) + 128) >> 8);
    }
}

static void row_op(vis_math_op_t op, uint8_t *a, const uint8_t *b, size_t n, uint32_t alpha) {
    size_t i = 0;
    if (has_word_op(op)) {
        for (; i < n; i += 8) {
            size_t part = n - i < 8 ? n - i : 8;
            uint64_t x = 0, y = 0;
            memcpy(&x, a + i, part);
            memcpy(&y, b + i, part);
            x = word_op(op, x, y);
            memcpy(a + i, &x, part);
        }
        return;
    }
    for (; i < n; i++) {
        a[i] = byte_op(op, a[i], b[i], alpha);
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
    // Eight bytes more, so that whole words may be read at the end.
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
