// SPDX-License-Identifier: MIT
// Drawing one image into another.
#include <string.h>

#include "image_config.h"
#include "image_priv.h"
#include "swar.h"

static unsigned blend(unsigned under, unsigned over, unsigned alpha) {
    return (under * (256 - alpha) + over * alpha + 128) >> 8;
}

static uint32_t convert_pixel(image_format_t to, image_format_t from, uint32_t value) {
    if (to == from) {
        return value;
    }
    uint8_t r, g, b;
    image_color_to_rgb(from, value, &r, &g, &b);
    return image_color(to, r, g, b);
}

static uint32_t blend_pixel(image_format_t format, uint32_t under, uint32_t over, unsigned alpha) {
    uint8_t u[3], o[3];
    image_color_to_rgb(format, under, &u[0], &u[1], &u[2]);
    image_color_to_rgb(format, over, &o[0], &o[1], &o[2]);
    return image_color(format, blend(u[0], o[0], alpha), blend(u[1], o[1], alpha), blend(u[2], o[2], alpha));
}

// A row of RGB565 over another one.
static void blend_row(uint16_t *under, const uint16_t *over, size_t n, unsigned alpha) {
    size_t i = 0;
    // Both meet the alignment at the same time, or never.
    if (IMAGE_WITH_SPEED && (((uintptr_t)under ^ (uintptr_t)over) & 7) == 0) {
        for (; i < n && !swar_aligned(under + i); i++) {
            under[i] = (uint16_t)blend_pixel(IMAGE_RGB565, under[i], over[i], alpha);
        }
        for (; i + 4 <= n; i += 4) {
            uint64_t *p = (uint64_t *)(void *)(under + i), r, g, b, r1, g1, b1;
            swar_split(*p, &r, &g, &b);
            swar_split(*(const uint64_t *)(const void *)(over + i), &r1, &g1, &b1);
            *p = swar_join(swar_blend(r, r1, alpha), swar_blend(g, g1, alpha), swar_blend(b, b1, alpha));
        }
    }
    for (; i < n; i++) {
        under[i] = (uint16_t)blend_pixel(IMAGE_RGB565, under[i], over[i], alpha);
    }
}

void image_draw_image(image_t *img, const image_t *src, int32_t x, int32_t y, float x_scale, float y_scale,
    unsigned alpha, const image_t *mask) {
    float fw = (float)src->w * x_scale, fh = (float)src->h * y_scale;
    if (!(fw >= 1 && fh >= 1) || alpha == 0) {
        return;
    }
    int64_t w = fw > IMAGE_COORD_MAX ? IMAGE_COORD_MAX : (int64_t)fw;
    int64_t h = fh > IMAGE_COORD_MAX ? IMAGE_COORD_MAX : (int64_t)fh;
    image_rect_t area = { image_clamp_coord(x), image_clamp_coord(y), (int32_t)w, (int32_t)h };
    int64_t left = area.x, top = area.y;
    if (!image_clip(img->w, img->h, &area)) {
        return;
    }
    size_t bpp = src->format == IMAGE_RGB565 ? 2 : 1;
    bool whole = w == src->w && h == src->h && src->format == img->format && src->format != IMAGE_BINARY && !mask;
    bool rows = whole && alpha >= 256, blended = whole && src->format == IMAGE_RGB565 && IMAGE_WITH_SPEED;
    for (int32_t dy = area.y; dy < area.y + area.h; dy++) {
        int32_t sy = (int32_t)((dy - top) * src->h / h);
        if (rows) {
            memcpy(img->pix + ((size_t)dy * (size_t)img->w + (size_t)area.x) * bpp,
                src->pix + ((size_t)sy * (size_t)src->w + (size_t)(area.x - left)) * bpp, (size_t)area.w * bpp);
            continue;
        }
        if (blended) {
            blend_row((uint16_t *)(void *)img->pix + (size_t)dy * (size_t)img->w + (size_t)area.x,
                (const uint16_t *)(const void *)src->pix + (size_t)sy * (size_t)src->w + (size_t)(area.x - left),
                (size_t)area.w, alpha);
            continue;
        }
        for (int32_t dx = area.x; dx < area.x + area.w; dx++) {
            int32_t sx = (int32_t)((dx - left) * src->w / w);
            if (mask && !image_get(mask, sx, sy)) {
                continue;
            }
            uint32_t value = convert_pixel(img->format, src->format, image_get(src, sx, sy));
            if (alpha < 256) {
                value = blend_pixel(img->format, image_get(img, dx, dy), value, alpha);
            }
            image_set(img, dx, dy, value);
        }
    }
}
