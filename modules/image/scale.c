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

// The pixels of src beside a place, and how near it is to the second one, in 1/256.
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

// Where destination indices 0, 1... of n fall in a row of m pixels, centres on centres, in 1/256 pixels:
// (2 * i + 1) * m * 128 / n - 128, counted on without dividing.
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

// The three colours of a pixel so far apart that one multiplication by up to 32 serves them all.
static uint32_t spread(uint16_t pixel) {
    uint32_t v = (uint16_t)(pixel << 8 | pixel >> 8);
    return (v | v << 16) & 0x07e0f81fu; // green in the upper half
}

static uint32_t mix_spread(uint32_t a, uint32_t b, uint32_t f) {
    return (a * (32 - f) + b * f + 0x02008010u) >> 5 & 0x07e0f81fu;
}

// Columns of dst that are worked on together, so that a row of src is scaled across once.
#define STRIP (64)

typedef struct {
    int32_t x, n;           // the strip
    taps_t first;           // of its columns
    int32_t row[2];         // rows of src that lie in line, or -1
    uint32_t line[2][STRIP];
} strip_t;

static void scale_across(uint32_t *out, const image_t *src, int32_t y, taps_t t, int32_t n) {
    size_t at = (size_t)y * (size_t)src->w;
    const uint16_t *p = (const uint16_t *)(const void *)src->pix + at;
    const uint8_t *g = src->pix + at;
    bool gray = src->format == IMAGE_GRAYSCALE;
    for (int32_t x = 0; x < n; x++) {
        tap_t tap = next_tap(&t);
        out[x] = gray ? g[tap.i0] * (256 - tap.f) + g[tap.i1] * tap.f
            : mix_spread(spread(p[tap.i0]), spread(p[tap.i1]), tap.f >> 3);
    }
}

static const uint32_t *line_of(strip_t *s, const image_t *src, int32_t y, int32_t keep) {
    for (int i = 0; i < 2; i++) {
        if (s->row[i] == y) {
            return s->line[i];
        }
    }
    int i = s->row[0] == keep;
    s->row[i] = y;
    scale_across(s->line[i], src, y, s->first, s->n);
    return s->line[i];
}

static void bilinear(image_t *dst, const image_t *src) {
    strip_t s = { .first = taps(dst->w, src->w) };
    for (s.x = 0; s.x < dst->w; s.x += STRIP) {
        s.n = dst->w - s.x < STRIP ? dst->w - s.x : STRIP;
        s.row[0] = s.row[1] = -1;
        taps_t down = taps(dst->h, src->h);
        for (int32_t y = 0; y < dst->h; y++) {
            tap_t t = next_tap(&down);
            const uint32_t *top = line_of(&s, src, t.i0, t.i1), *low = line_of(&s, src, t.i1, t.i0);
            size_t at = (size_t)y * (size_t)dst->w + (size_t)s.x;
            uint16_t *p = (uint16_t *)(void *)dst->pix + at;
            for (int32_t x = 0; x < s.n; x++) {
                if (dst->format == IMAGE_GRAYSCALE) {
                    dst->pix[at + (size_t)x] = (uint8_t)((top[x] * (256 - t.f) + low[x] * t.f + 32768) >> 16);
                } else {
                    uint32_t v = mix_spread(top[x], low[x], t.f >> 3);
                    uint16_t pixel = (uint16_t)(v | v >> 16);
                    p[x] = (uint16_t)(pixel << 8 | pixel >> 8);
                }
            }
        }
        for (int32_t x = 0; x < s.n; x++) {
            next_tap(&s.first);
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
