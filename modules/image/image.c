// SPDX-License-Identifier: MIT
// Sizes, pixels and spans.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "image_priv.h"

size_t image_bytes(int32_t w, int32_t h, image_format_t format) {
    if (w < 1 || h < 1 || w > IMAGE_MAX_SIDE || h > IMAGE_MAX_SIDE) {
        return 0;
    }
    switch (format) {
        case IMAGE_BINARY:
            return image_binary_stride(w) * (size_t)h;
        case IMAGE_RGB565:
            return (size_t)w * (size_t)h * 2;
        case IMAGE_GRAYSCALE:
            return (size_t)w * (size_t)h;
        default:
            return 0;
    }
}

size_t image_ai_bytes(const image_t *img) {
    size_t plane = (size_t)img->w * (size_t)img->h;
    return img->format == IMAGE_RGB565 ? 3 * plane : img->format == IMAGE_GRAYSCALE ? plane : 0;
}

const char *image_format_name(image_format_t format) {
    return format == IMAGE_BINARY ? "binary" : format == IMAGE_RGB565 ? "rgb565" :
           format == IMAGE_GRAYSCALE ? "grayscale" : "jpeg";
}

uint32_t image_color(image_format_t format, unsigned r, unsigned g, unsigned b) {
    switch (format) {
        case IMAGE_RGB565:
            return image_rgb_to_pixel(r, g, b);
        case IMAGE_BINARY:
            return image_rgb_to_gray(r, g, b) > 127;
        default:
            return image_rgb_to_gray(r, g, b);
    }
}

void image_color_to_rgb(image_format_t format, uint32_t value, uint8_t *r, uint8_t *g, uint8_t *b) {
    if (format == IMAGE_RGB565) {
        image_pixel_to_rgb((uint16_t)value, r, g, b);
    } else {
        *r = *g = *b = format == IMAGE_BINARY ? (value & 1 ? 255 : 0) : (uint8_t)value;
    }
}

uint32_t image_get(const image_t *img, int32_t x, int32_t y) {
    size_t i = (size_t)y * (size_t)img->w + (size_t)x;
    switch (img->format) {
        case IMAGE_RGB565:
            return ((const uint16_t *)(const void *)img->pix)[i];
        case IMAGE_GRAYSCALE:
            return img->pix[i];
        case IMAGE_BINARY: {
            const uint8_t *row = img->pix + (size_t)y * image_binary_stride(img->w);
            return row[x / 8] >> (x % 8) & 1;
        }
        default:
            return 0;
    }
}

void image_set(image_t *img, int32_t x, int32_t y, uint32_t value) {
    size_t i = (size_t)y * (size_t)img->w + (size_t)x;
    switch (img->format) {
        case IMAGE_RGB565:
            ((uint16_t *)(void *)img->pix)[i] = (uint16_t)value;
            break;
        case IMAGE_GRAYSCALE:
            img->pix[i] = (uint8_t)value;
            break;
        case IMAGE_BINARY: {
            uint8_t *p = img->pix + (size_t)y * image_binary_stride(img->w) + x / 8;
            uint8_t bit = (uint8_t)(1 << (x % 8));
            *p = value & 1 ? *p | bit : *p & (uint8_t)~bit;
            break;
        }
        default:
            break;
    }
}

// Aligned 64-bit stores in the middle: uncached memory takes as long for a byte as for eight.
static void fill16(uint16_t *p, size_t n, uint16_t v) {
    while (n && ((uintptr_t)p & 7)) {
        *p++ = v;
        n--;
    }
    uint64_t v4 = v * 0x0001000100010001u;
    for (uint64_t *q = (uint64_t *)(void *)p; n >= 4; n -= 4, p += 4) {
        *q++ = v4;
    }
    while (n--) {
        *p++ = v;
    }
}

void image_span(image_t *img, int64_t x0, int64_t x1, int32_t y, uint32_t value) {
    if (y < 0 || y >= img->h) {
        return;
    }
    if (x0 < 0) {
        x0 = 0;
    }
    if (x1 >= img->w) {
        x1 = img->w - 1;
    }
    if (x0 > x1) {
        return;
    }
    size_t i = (size_t)y * (size_t)img->w + (size_t)x0, n = (size_t)(x1 - x0 + 1);
    switch (img->format) {
        case IMAGE_RGB565:
            fill16((uint16_t *)(void *)img->pix + i, n, (uint16_t)value);
            break;
        case IMAGE_GRAYSCALE:
            memset(img->pix + i, (int)(value & 0xff), n);
            break;
        default:
            for (; x0 <= x1; x0++) {
                image_set(img, (int32_t)x0, y, value);
            }
            break;
    }
}

void image_box(image_t *img, int64_t x0, int64_t y0, int64_t x1, int64_t y1, uint32_t value) {
    if (y0 < 0) {
        y0 = 0;
    }
    if (y1 >= img->h) {
        y1 = img->h - 1;
    }
    for (; y0 <= y1; y0++) {
        image_span(img, x0, x1, (int32_t)y0, value);
    }
}

void image_clear(image_t *img) {
    memset(img->pix, 0, img->size);
}

void image_fill(image_t *img, uint32_t value) {
    image_box(img, 0, 0, img->w - 1, img->h - 1, value);
}

bool image_clip(int32_t w, int32_t h, image_rect_t *r) {
    int64_t x0 = r->x, y0 = r->y, x1 = x0 + r->w, y1 = y0 + r->h;
    x0 = x0 < 0 ? 0 : x0;
    y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > w ? w : x1;
    y1 = y1 > h ? h : y1;
    if (x0 >= x1 || y0 >= y1) {
        *r = (image_rect_t) { 0, 0, 0, 0 };
        return false;
    }
    *r = (image_rect_t) { (int32_t)x0, (int32_t)y0, (int32_t)(x1 - x0), (int32_t)(y1 - y0) };
    return true;
}

uint32_t image_isqrt(uint64_t v) {
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << 62; bit; bit >>= 2) {
        if (v >= root + bit) {
            v -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)root;
}

int image_fail(char *err, int code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err, IMAGE_ERR_LEN, fmt, ap);
    va_end(ap);
    return code;
}
