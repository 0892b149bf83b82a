// SPDX-License-Identifier: MIT
// Thresholding, bit operations and morphology.
#include <string.h>

#include "swar.h"
#include "vision_priv.h"

int vis_clone(image_t *copy, vis_work_t *w, const image_t *img) {
    *copy = *img;
    copy->ai = NULL;
    copy->pix = vis_alloc(w, img->size);
    if (!copy->pix) {
        return -ENOMEM;
    }
    memcpy(copy->pix, img->pix, img->size);
    return 0;
}

static uint32_t white_of(image_format_t f) {
    return f == IMAGE_RGB565 ? 0xffff : f == IMAGE_GRAYSCALE ? 255 : 1;
}

// White where inside is not as invert is, else black.
static void white_row(image_t *out, int32_t y, const uint8_t *inside, bool invert) {
    size_t w = (size_t)out->w, first = (size_t)y * w;
    if (out->format == IMAGE_RGB565) {
        uint16_t *p = (uint16_t *)(void *)out->pix + first;
        for (size_t x = 0; x < w; x++) {
            p[x] = (uint16_t)-(inside[x] != invert);
        }
    } else {
        for (size_t x = 0; x < w; x++) {
            out->pix[first + x] = (uint8_t)-(inside[x] != invert);
        }
    }
}

int vis_binary(image_t *out, vis_work_t *w, const image_t *img, const vis_range_t *ranges, size_t n, bool invert,
    bool zero, const image_t *mask) {
    vis_match_t *match = vis_alloc(w, (n + 1) * sizeof(*match));
    if (!match) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        if (vis_match_init(match + i, w, img->format, ranges + i)) {
            return -ENOMEM;
        }
    }
    uint32_t white = white_of(out->format);
    uint8_t *inside = vis_alloc(w, (size_t)img->w);
    if (!inside) {
        return -ENOMEM;
    }
    for (int32_t y = 0; y < img->h; y++) {
        vis_match_row(match, n, img, 0, img->w, y, inside);
        if (!zero && !mask && out->format != IMAGE_BINARY) {
            white_row(out, y, inside, invert);
            continue;
        }
        for (int32_t x = 0; x < img->w; x++) {
            if (mask && !image_get(mask, x, y)) {
                continue;
            }
            uint32_t v = image_get(img, x, y);
            bool in = inside[x];
            if (zero) {
                if (in != invert) {
                    image_set(out, x, y, 0);
                } else if (out != img && out->format == img->format) {
                    image_set(out, x, y, v);
                }
            } else {
                image_set(out, x, y, in != invert ? white : 0);
            }
        }
    }
    return 0;
}

void vis_invert(image_t *img) {
    // Eight bytes at a time; the bits that pad a binary row do not matter.
    size_t i = 0;
    if (swar_aligned(img->pix)) {
        for (uint64_t *p = (uint64_t *)(void *)img->pix; i + 8 <= img->size; i += 8, p++) {
            *p = ~*p;
        }
    }
    for (; i < img->size; i++) {
        img->pix[i] = (uint8_t)~img->pix[i];
    }
}

static inline uint64_t bit_op(vis_bit_op_t op, uint64_t a, uint64_t b) {
    switch (op) {
        case VIS_AND:
            return a & b;
        case VIS_NAND:
            return ~(a & b);
        case VIS_OR:
            return a | b;
        case VIS_NOR:
            return ~(a | b);
        case VIS_XOR:
            return a ^ b;
        default:
            return ~(a ^ b);
    }
}

static uint32_t other_pixel(const image_t *img, const vis_other_t *o, int32_t x, int32_t y) {
    if (!o->img) {
        return o->color;
    }
    uint32_t v = image_get(o->img, x, y);
    if (o->img->format == img->format) {
        return v;
    }
    uint8_t r, g, b;
    image_color_to_rgb(o->img->format, v, &r, &g, &b);
    return image_color(img->format, r, g, b);
}

int vis_bitwise(image_t *img, vis_work_t *w, vis_bit_op_t op, const vis_other_t *other, const image_t *mask) {
    (void)w;
    if (!mask && (!other->img || other->img->format == img->format)) {
        // A word of pixels at a time.
        uint64_t color = img->format == IMAGE_RGB565 ? other->color * 0x0001000100010001u :
            img->format == IMAGE_GRAYSCALE ? other->color * 0x0101010101010101u : other->color ? ~UINT64_C(0) : 0;
        size_t i = 0;
        if (swar_aligned(img->pix) && (!other->img || swar_aligned(other->img->pix))) {
            uint64_t *p = (uint64_t *)(void *)img->pix;
            const uint64_t *q = other->img ? (const uint64_t *)(const void *)other->img->pix : NULL;
            for (; i + 8 <= img->size; i += 8, p++) {
                *p = bit_op(op, *p, q ? *q++ : color);
            }
        }
        for (; i < img->size; i += 8) {
            size_t n = img->size - i < 8 ? img->size - i : 8;
            uint64_t a = 0, b = color;
            memcpy(&a, img->pix + i, n);
            if (other->img) {
                memcpy(&b, other->img->pix + i, n);
            }
            a = bit_op(op, a, b);
            memcpy(img->pix + i, &a, n);
        }
        return 0;
    }
    for (int32_t y = 0; y < img->h; y++) {
        for (int32_t x = 0; x < img->w; x++) {
            if (!mask || image_get(mask, x, y)) {
                image_set(img, x, y, (uint32_t)bit_op(op, image_get(img, x, y), other_pixel(img, other, x, y)));
            }
        }
    }
    return 0;
}

// How many pixels of the window around a pixel are set: sums of columns slide down, a sum of those slides right. The
// border is repeated.
typedef struct {
    int32_t w, h, k;
    const uint8_t *set;     // 1 or 0
    uint16_t *column;       // of the picture's columns; k more before and k + 1 behind
} window_t;

// Four columns at a time; no count comes near 2^15.
static void add_row(window_t *o, int32_t y, int sign) {
    const uint8_t *row = o->set + (size_t)vis_clamp(y, 0, o->h - 1) * (size_t)o->w;
    int32_t x = 0;
    if (((uintptr_t)row & 3) == 0) {
        uint64_t *column = (uint64_t *)(void *)o->column;
        for (; x + 4 <= o->w; x += 4, column++) {
            uint64_t four = swar_spread4(*(const uint32_t *)(const void *)(row + x));
            *column = sign > 0 ? *column + four : *column - four;
        }
    }
    for (; x < o->w; x++) {
        o->column[x] = (uint16_t)(o->column[x] + sign * row[x]);
    }
}

static void morph_row(image_t *img, int32_t y, const window_t *o, int32_t threshold, bool dilate, const image_t *mask) {
    const uint8_t *row = o->set + (size_t)y * (size_t)o->w;
    uint16_t *column = o->column;
    uint32_t value = dilate ? white_of(img->format) : 0;
    int32_t sum = 0, k = o->k, w = o->w;
    for (int32_t i = 1; i <= k; i++) {
        column[-i] = column[0];
        column[w - 1 + i] = column[w - 1];
    }
    for (int32_t x = -k; x <= k; x++) {
        sum += column[x];
    }
    for (int32_t x = 0; x < w; x++) {
        if (row[x] != dilate) {
            int32_t others = sum - row[x];
            if ((dilate ? others > threshold : others < threshold) && (!mask || image_get(mask, x, y))) {
                image_set(img, x, y, value);
            }
        }
        sum += column[x + k + 1] - column[x - k];
    }
}

static int morph(image_t *img, vis_work_t *w, int32_t k, int32_t threshold, bool dilate, const image_t *mask) {
    size_t n = vis_pixels(img), before = ((size_t)k + 3) & ~(size_t)3, done = 0;
    uint8_t *set = vis_alloc(w, n);
    uint16_t *columns = vis_zalloc(w, (before + (size_t)img->w + (size_t)k + 1) * sizeof(uint16_t));
    if (!set || !columns) {
        return -ENOMEM;
    }
    window_t o = { img->w, img->h, k, set, columns + before };
    vis_gray_part(img, (image_rect_t) { 0, 0, img->w, img->h }, set);
    for (uint64_t *p = (uint64_t *)(void *)set; done + 8 <= n; done += 8, p++) {
        *p = *p >> 7 & SWAR_HIGH >> 7;
    }
    for (; done < n; done++) {
        set[done] = set[done] > 127;
    }
    for (int32_t y = -k; y <= k; y++) {
        add_row(&o, y, 1);
    }
    for (int32_t y = 0; y < img->h; y++) {
        morph_row(img, y, &o, threshold, dilate, mask);
        add_row(&o, y - k, -1);
        add_row(&o, y + k + 1, 1);
    }
    vis_free(w, set);
    vis_free(w, columns);
    return 0;
}

int vis_erode(image_t *img, vis_work_t *w, int32_t k, int32_t threshold, const image_t *mask) {
    return morph(img, w, k, threshold, false, mask);
}

int vis_dilate(image_t *img, vis_work_t *w, int32_t k, int32_t threshold, const image_t *mask) {
    return morph(img, w, k, threshold, true, mask);
}

int vis_morphology(image_t *img, vis_work_t *w, vis_morph_op_t op, int32_t k, int32_t threshold, const image_t *mask) {
    image_t before;
    int ret = vis_clone(&before, w, img);
    int32_t full = (2 * k + 1) * (2 * k + 1) - 1 - threshold;
    bool opening = op == VIS_OPEN || op == VIS_TOP_HAT;
    ret = ret ? ret : opening ? vis_erode(img, w, k, full, mask) : vis_dilate(img, w, k, threshold, mask);
    ret = ret ? ret : opening ? vis_dilate(img, w, k, threshold, mask) : vis_erode(img, w, k, full, mask);
    if (!ret && (op == VIS_TOP_HAT || op == VIS_BLACK_HAT)) {
        vis_other_t other = { &before, 0 };
        ret = vis_math(img, w, VIS_DIFFERENCE, &other, 0, mask);
    }
    return ret;
}
