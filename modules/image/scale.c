// SPDX-License-Identifier: MIT
// Copies with another size.
#include <string.h>

#include "image_config.h"
#include "image_priv.h"

// Row sy of src to row y of dst: x * roi.w / dst->w counted on without dividing.
static void scale_row(image_t *dst, const image_t *src, image_rect_t roi, int32_t y, int32_t sy) {
    int32_t step = roi.w / dst->w, rest = roi.w % dst->w, part = 0, n = dst->w;
    size_t from = (size_t)sy * (size_t)src->w + (size_t)roi.x, to = (size_t)y * (size_t)n;
    const uint16_t *s16 = (const uint16_t *)(const void *)src->pix + from;
    uint16_t *d16 = (uint16_t *)(void *)dst->pix + to;
    const uint8_t *s8 = src->pix + from;
    uint8_t *d8 = dst->pix + to;
    bool wide = src->format == IMAGE_RGB565;
    for (int32_t x = 0, sx = 0; x < n; x++, sx += step) {
        if (wide) {
            d16[x] = s16[sx];
        } else {
            d8[x] = s8[sx];
        }
        part += rest;
        if (part >= n) {
            part -= n;
            sx++;
        }
    }
}

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
        if (IMAGE_WITH_SPEED && src->format != IMAGE_BINARY) {
            scale_row(dst, src, roi, y, sy);
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

static tap_t tap_at(int64_t pos, int32_t m) {
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

static tap_t tap(int32_t i, int32_t n, int32_t m) {
    return tap_at(((2 * (int64_t)i + 1) * m * 128) / n - 128, m);
}

// The same for all i in turn, without dividing: (2 * i + 1) * m * 128 / n is counted on.
typedef struct {
    int32_t n, m;
    int64_t pos;
    int32_t part, step, rest;
} taps_t;

static taps_t taps(int32_t n, int32_t m) {
    int64_t first = (int64_t)m * 128, step = (int64_t)m * 256;
    return (taps_t) { n, m, first / n - 128, (int32_t)(first % n), (int32_t)(step / n), (int32_t)(step % n) };
}

static inline tap_t next_tap(taps_t *t) {
    tap_t tap = tap_at(t->pos, t->m);
    t->pos += t->step;
    t->part += t->rest;
    if (t->part >= t->n) {
        t->part -= t->n;
        t->pos++;
    }
    return tap;
}

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t fx, uint32_t fy) {
    return ((a * (256 - fx) + b * fx) * (256 - fy) + (c * (256 - fx) + d * fx) * fy + 32768) >> 16;
}

static void bilinear_gray(uint8_t *out, const uint8_t *row0, const uint8_t *row1, uint32_t fy, int32_t n, int32_t m) {
    taps_t all = taps(n, m);
    for (int32_t x = 0; x < n; x++) {
        tap_t t = next_tap(&all);
        out[x] = (uint8_t)mix(row0[t.i0], row0[t.i1], row1[t.i0], row1[t.i1], t.f, fy);
    }
}

// The three colours of a pixel so far apart that one multiplication by up to 32 serves them all.
static uint32_t spread(uint16_t pixel) {
    uint32_t v = (uint16_t)(pixel << 8 | pixel >> 8);
    return (v | v << 16) & 0x07e0f81fu; // green in the upper half
}

static uint32_t mix_spread(uint32_t a, uint32_t b, uint32_t f) {
    return (a * (32 - f) + b * f + 0x02008010u) >> 5 & 0x07e0f81fu;
}

static void bilinear_rgb(uint16_t *out, const uint16_t *row0, const uint16_t *row1, uint32_t fy, int32_t n, int32_t m) {
    taps_t all = taps(n, m);
    for (int32_t x = 0; x < n; x++) {
        tap_t t = next_tap(&all);
        uint32_t top = mix_spread(spread(row0[t.i0]), spread(row0[t.i1]), t.f >> 3);
        uint32_t low = mix_spread(spread(row1[t.i0]), spread(row1[t.i1]), t.f >> 3);
        uint32_t v = mix_spread(top, low, fy >> 3);
        uint16_t pixel = (uint16_t)(v | v >> 16);
        out[x] = (uint16_t)(pixel << 8 | pixel >> 8);
    }
}

static void bilinear(image_t *dst, const image_t *src) {
    size_t bpp = src->format == IMAGE_RGB565 ? 2 : 1;
    for (int32_t y = 0; y < dst->h; y++) {
        tap_t t = tap(y, dst->h, src->h);
        uint8_t *out = dst->pix + (size_t)y * (size_t)dst->w * bpp;
        const uint8_t *row0 = src->pix + (size_t)t.i0 * (size_t)src->w * bpp;
        const uint8_t *row1 = src->pix + (size_t)t.i1 * (size_t)src->w * bpp;
        if (bpp == 1) {
            bilinear_gray(out, row0, row1, t.f, dst->w, src->w);
        } else {
            bilinear_rgb((uint16_t *)(void *)out, (const uint16_t *)(const void *)row0,
                (const uint16_t *)(const void *)row1, t.f, dst->w, src->w);
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
