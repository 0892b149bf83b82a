// SPDX-License-Identifier: MIT
// Shared by the files of the vision core only.
#ifndef K210_VISION_PRIV_H
#define K210_VISION_PRIV_H

#include <errno.h>
#include <math.h>

#include "vision.h"

#define VIS_PI (3.14159265358979323846)

static inline int32_t vis_clamp(int32_t v, int32_t lo, int32_t hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

static inline uint8_t vis_byte(int32_t v) {
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static inline int32_t vis_min(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static inline int32_t vis_max(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline size_t vis_pixels(const image_t *img) {
    return (size_t)img->w * (size_t)img->h;
}

// Sobel gradient of a gray picture of width w at p (not on its border).
static inline void vis_sobel(const uint8_t *p, int32_t w, int32_t *gx, int32_t *gy) {
    const uint8_t *a = p - w, *b = p + w;
    *gx = a[1] - a[-1] + 2 * (p[1] - p[-1]) + b[1] - b[-1];
    *gy = b[-1] - a[-1] + 2 * (b[0] - a[0]) + b[1] - a[1];
}

// A copy of the whole image in the work area.
int vis_clone(image_t *copy, vis_work_t *w, const image_t *img);

// A gray picture through a 3x3 Gaussian, the border repeated.
void vis_soften(uint8_t *out, const uint8_t *in, int32_t w, int32_t h);

static inline void *vis_item(const vis_list_t *l, size_t i) {
    return (uint8_t *)l->items + i * l->size;
}

#endif
