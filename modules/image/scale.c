// SPDX-License-Identifier: MIT
// Copies with another size.
#include <string.h>

#include "image_priv.h"

void image_copy_scaled(image_t *dst, const image_t *src, image_rect_t roi) {
    if (!image_clip(src->w, src->h, &roi)) {
        image_clear(dst);
        return;
    }
    bool same = roi.w == dst->w && roi.h == dst->h && src->format != IMAGE_BINARY;
    size_t bpp = src->format == IMAGE_RGB565 ? 2 : 1;
    for (int32_t y = 0; y < dst->h; y++) {
        int32_t sy = roi.y + (int32_t)((int64_t)y * roi.h / dst->h);
        if (same) {
            memcpy(dst->pix + (size_t)y * (size_t)dst->w * bpp,
                src->pix + ((size_t)sy * (size_t)src->w + (size_t)roi.x) * bpp, (size_t)dst->w * bpp);
            continue;
        }
        for (int32_t x = 0; x < dst->w; x++) {
            image_set(dst, x, y, image_get(src, roi.x + (int32_t)((int64_t)x * roi.w / dst->w), sy));
        }
    }
}

// Where destination index i of n falls in a row of m pixels, centres on centres, in 1/256 pixels.
typedef struct {
    int32_t i0, i1;
    uint32_t f;
} tap_t;

static tap_t tap(int32_t i, int32_t n, int32_t m) {
    int64_t pos = ((2 * (int64_t)i + 1) * m * 128) / n - 128;
    if (pos < 0) {
        pos = 0;
    }
    tap_t t = { (int32_t)(pos >> 8), 0, (uint32_t)(pos & 255) };
    if (t.i0 >= m - 1) {
        t = (tap_t) { m - 1, m - 1, 0 };
    } else {
        t.i1 = t.i0 + 1;
    }
    return t;
}

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t fx, uint32_t fy) {
    return ((a * (256 - fx) + b * fx) * (256 - fy) + (c * (256 - fx) + d * fx) * fy + 32768) >> 16;
}

static void bilinear(image_t *dst, const image_t *src) {
    for (int32_t y = 0; y < dst->h; y++) {
        tap_t ty = tap(y, dst->h, src->h);
        for (int32_t x = 0; x < dst->w; x++) {
            tap_t tx = tap(x, dst->w, src->w);
            uint32_t p[4] = {
                image_get(src, tx.i0, ty.i0), image_get(src, tx.i1, ty.i0),
                image_get(src, tx.i0, ty.i1), image_get(src, tx.i1, ty.i1),
            };
            if (src->format == IMAGE_GRAYSCALE) {
                image_set(dst, x, y, mix(p[0], p[1], p[2], p[3], tx.f, ty.f));
                continue;
            }
            uint8_t c[4][3];
            for (int k = 0; k < 4; k++) {
                image_pixel_to_rgb((uint16_t)p[k], &c[k][0], &c[k][1], &c[k][2]);
            }
            unsigned out[3];
            for (int k = 0; k < 3; k++) {
                out[k] = mix(c[0][k], c[1][k], c[2][k], c[3][k], tx.f, ty.f);
            }
            image_set(dst, x, y, image_rgb_to_pixel(out[0], out[1], out[2]));
        }
    }
}

// Each destination pixel is the mean of the source pixels of its cell (at least one).
static void area_average(image_t *dst, const image_t *src) {
    for (int32_t y = 0; y < dst->h; y++) {
        int32_t y0 = (int32_t)((int64_t)y * src->h / dst->h);
        int32_t y1 = (int32_t)(((int64_t)y + 1) * src->h / dst->h);
        y1 = y1 > y0 ? y1 : y0 + 1;
        for (int32_t x = 0; x < dst->w; x++) {
            int32_t x0 = (int32_t)((int64_t)x * src->w / dst->w);
            int32_t x1 = (int32_t)(((int64_t)x + 1) * src->w / dst->w);
            x1 = x1 > x0 ? x1 : x0 + 1;
            uint64_t sum = 0;
            for (int32_t sy = y0; sy < y1; sy++) {
                for (int32_t sx = x0; sx < x1; sx++) {
                    sum += src->pix[(size_t)sy * (size_t)src->w + (size_t)sx];
                }
            }
            uint64_t n = (uint64_t)(y1 - y0) * (uint64_t)(x1 - x0);
            dst->pix[(size_t)y * (size_t)dst->w + (size_t)x] = (uint8_t)((sum + n / 2) / n);
        }
    }
}

void image_resize(image_t *dst, const image_t *src) {
    bool larger = dst->w > src->w || dst->h > src->h;
    if (src->format != IMAGE_BINARY && larger) {
        bilinear(dst, src);
    } else if (src->format == IMAGE_GRAYSCALE) {
        area_average(dst, src);
    } else {
        image_copy_scaled(dst, src, (image_rect_t) { 0, 0, src->w, src->h });
    }
}

void image_cut(image_t *dst, const image_t *src, int32_t x, int32_t y) {
    image_clear(dst);
    image_rect_t part = { x, y, dst->w, dst->h };
    if (!image_clip(src->w, src->h, &part)) {
        return;
    }
    for (int32_t sy = part.y; sy < part.y + part.h; sy++) {
        for (int32_t sx = part.x; sx < part.x + part.w; sx++) {
            image_set(dst, (int32_t)((int64_t)sx - x), (int32_t)((int64_t)sy - y), image_get(src, sx, sy));
        }
    }
}
