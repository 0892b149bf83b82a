// SPDX-License-Identifier: MIT
// Between pixels, AI planes, word order of the DVP and of the LCD, and pixel formats.
#include <string.h>

#include "image_priv.h"

// The fast loops work on 64 bits at a time. Unaligned accesses trap on the K210.
static bool aligned8(const void *p) {
    return ((uintptr_t)p & 7) == 0;
}

// The four 16-bit lanes of v, each below 256, as four bytes.
static uint64_t pack4(uint64_t v) {
    v = (v | v >> 8) & 0x0000ffff0000ffffu;
    return (v | v >> 16) & 0xffffffffu;
}

// Four pixels to four bytes each of red, green and blue.
static void expand4(uint64_t v, uint64_t *r, uint64_t *g, uint64_t *b) {
    const uint64_t ones = 0x0001000100010001u;
    v = (v & ones * 0xff) << 8 | (v >> 8 & ones * 0xff);
    uint64_t r5 = v >> 11 & ones * 0x1f, g6 = v >> 5 & ones * 0x3f, b5 = v & ones * 0x1f;
    *r = pack4(r5 << 3 | (r5 >> 2 & ones * 7));
    *g = pack4(g6 << 2 | (g6 >> 4 & ones * 3));
    *b = pack4(b5 << 3 | (b5 >> 2 & ones * 7));
}

void image_pix_to_ai(const image_t *img) {
    size_t n = (size_t)img->w * (size_t)img->h;
    if (img->format == IMAGE_GRAYSCALE) {
        memmove(img->ai, img->pix, n); // the same memory for a gray frame of the camera
        return;
    }
    if (img->format != IMAGE_RGB565) {
        return;
    }
    const uint16_t *src = (const uint16_t *)(const void *)img->pix;
    uint8_t *r = img->ai, *g = img->ai + n, *b = img->ai + 2 * n;
    size_t i = 0;
    if (aligned8(src) && aligned8(r) && n % 8 == 0) {
        const uint64_t *s = (const uint64_t *)(const void *)src;
        for (; i < n; i += 8, s += 2) {
            uint64_t r0, g0, b0, r1, g1, b1;
            expand4(s[0], &r0, &g0, &b0);
            expand4(s[1], &r1, &g1, &b1);
            *(uint64_t *)(void *)(r + i) = r0 | r1 << 32;
            *(uint64_t *)(void *)(g + i) = g0 | g1 << 32;
            *(uint64_t *)(void *)(b + i) = b0 | b1 << 32;
        }
    }
    for (; i < n; i++) {
        image_pixel_to_rgb(src[i], r + i, g + i, b + i);
    }
}

void image_ai_to_pix(image_t *img) {
    size_t n = (size_t)img->w * (size_t)img->h;
    if (img->format == IMAGE_GRAYSCALE) {
        memmove(img->pix, img->ai, n);
        return;
    }
    if (img->format != IMAGE_RGB565) {
        return;
    }
    uint16_t *dst = (uint16_t *)(void *)img->pix;
    const uint8_t *r = img->ai, *g = img->ai + n, *b = img->ai + 2 * n;
    for (size_t i = 0; i < n; i++) {
        dst[i] = image_rgb_to_pixel(r[i], g[i], b[i]);
    }
}

void image_swap_words(void *dst, const void *src, size_t n) {
    const uint64_t *s = src;
    uint64_t *d = dst;
    const uint64_t even = 0x00ff00ff00ff00ffu;
    for (size_t i = 0; i < n / 8; i++) {
        uint64_t v = s[i];
        v = (v & even) << 8 | (v >> 8 & even);
        d[i] = (v & 0x0000ffff0000ffffu) << 16 | (v >> 16 & 0x0000ffff0000ffffu);
    }
}

void image_pixels_to_words(uint32_t *dst, const uint8_t *src, size_t n) {
    if (aligned8(dst) && aligned8(src)) {
        size_t bytes = n * 2 & ~(size_t)7;
        image_swap_words(dst, src, bytes);
        dst += bytes / 4;
        src += bytes;
        n -= bytes / 2;
    }
    for (; n >= 2; n -= 2, src += 4) {
        *dst++ = (uint32_t)src[0] << 24 | (uint32_t)src[1] << 16 | (uint32_t)src[2] << 8 | src[3];
    }
    if (n) {
        *dst = (uint32_t)src[0] << 24 | (uint32_t)src[1] << 16;
    }
}

// A whole group of 32 pixels is read before its word is written, as dst may lie on top of src.
static void to_binary(image_t *dst, const image_t *src) {
    for (int32_t y = 0; y < src->h; y++) {
        for (int32_t x = 0; x < src->w; x += 32) {
            uint32_t word = 0;
            for (int32_t k = 0; k < 32 && x + k < src->w; k++) {
                uint8_t r, g, b;
                image_color_to_rgb(src->format, image_get(src, x + k, y), &r, &g, &b);
                word |= image_color(IMAGE_BINARY, r, g, b) << k;
            }
            memcpy(dst->pix + (size_t)y * image_binary_stride(dst->w) + (size_t)x / 8, &word, 4);
        }
    }
}

// Also in place: the byte written never lies behind the pixel read.
static void to_gray(image_t *dst, const image_t *src) {
    const uint16_t *s = (const uint16_t *)(const void *)src->pix;
    size_t n = (size_t)src->w * (size_t)src->h;
    for (size_t i = 0; i < n; i++) {
        uint8_t r, g, b;
        image_pixel_to_rgb(s[i], &r, &g, &b);
        dst->pix[i] = image_rgb_to_gray(r, g, b);
    }
}

void image_convert(image_t *dst, const image_t *src) {
    if (dst->format == src->format) {
        if (dst->pix != src->pix) {
            memcpy(dst->pix, src->pix, src->size);
        }
        return;
    }
    if (dst->format == IMAGE_BINARY) {
        to_binary(dst, src);
        return;
    }
    if (dst->format == IMAGE_GRAYSCALE && src->format == IMAGE_RGB565) {
        to_gray(dst, src);
        return;
    }
    for (int32_t y = 0; y < src->h; y++) {
        for (int32_t x = 0; x < src->w; x++) {
            uint8_t r, g, b;
            image_color_to_rgb(src->format, image_get(src, x, y), &r, &g, &b);
            image_set(dst, x, y, image_color(dst->format, r, g, b));
        }
    }
}
