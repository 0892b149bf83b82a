// SPDX-License-Identifier: MIT
// Thresholding, bit operations and morphology.
#include <string.h>

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
    for (int32_t y = 0; y < img->h; y++) {
        for (int32_t x = 0; x < img->w; x++) {
            if (mask && !image_get(mask, x, y)) {
                continue;
            }
            uint32_t v = image_get(img, x, y);
            bool in = false;
            for (size_t i = 0; i < n && !in; i++) {
                in = vis_match(match + i, v);
            }
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
    for (; i + 8 <= img->size; i += 8) {
        uint64_t v;
        memcpy(&v, img->pix + i, 8);
        v = ~v;
        memcpy(img->pix + i, &v, 8);
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
        for (size_t i = 0; i < img->size; i += 8) {
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

// Sets *count[] of the set pixels in the window of every pixel of row y: sums of columns slide down,
// a sum of those slides right. The border is repeated.
typedef struct {
    int32_t w, h, k;
    const uint8_t *set;
    uint16_t *column;
} window_t;

static void add_row(window_t *o, int32_t y, int sign) {
    const uint8_t *row = o->set + (size_t)vis_clamp(y, 0, o->h - 1) * (size_t)o->w;
    for (int32_t x = 0; x < o->w; x++) {
        o->column[x] = (uint16_t)(o->column[x] + sign * row[x]);
    }
}

static int morph(image_t *img, vis_work_t *w, int32_t k, int32_t threshold, bool dilate, const image_t *mask) {
    size_t n = vis_pixels(img);
    uint8_t *set = vis_alloc(w, n);
    window_t o = { img->w, img->h, k, set, vis_zalloc(w, (size_t)img->w * sizeof(uint16_t)) };
    if (!set || !o.column) {
        return -ENOMEM;
    }
    vis_gray_part(img, (image_rect_t) { 0, 0, img->w, img->h }, set);
    for (size_t i = 0; i < n; i++) {
        set[i] = set[i] > 127;
    }
    for (int32_t y = -k; y <= k; y++) {
        add_row(&o, y, 1);
    }
    uint32_t white = white_of(img->format);
    for (int32_t y = 0; y < img->h; y++) {
        const uint8_t *row = set + (size_t)y * (size_t)img->w;
        int32_t sum = 0;
        for (int32_t x = -k; x <= k; x++) {
            sum += o.column[vis_clamp(x, 0, img->w - 1)];
        }
        for (int32_t x = 0; x < img->w; x++) {
            if ((bool)row[x] != dilate && (!mask || image_get(mask, x, y))) {
                int32_t others = sum - row[x];
                if (dilate ? others > threshold : others < threshold) {
                    image_set(img, x, y, dilate ? white : 0);
                }
            }
            sum += o.column[vis_clamp(x + k + 1, 0, img->w - 1)] - o.column[vis_clamp(x - k, 0, img->w - 1)];
        }
        add_row(&o, y - k, -1);
        add_row(&o, y + k + 1, 1);
    }
    vis_free(w, set);
    vis_free(w, o.column);
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
