// SPDX-License-Identifier: MIT
// Between pixels, AI planes, word order of the DVP and of the LCD, and pixel formats.
#include <string.h>

#include "image_config.h"
#include "image_priv.h"
#include "swar.h"

void image_row_to_planes(uint8_t *r, uint8_t *g, uint8_t *b, const uint16_t *p, size_t n) {
    size_t i = 0;
    if (swar_aligned(p) && (((uintptr_t)r | (uintptr_t)g | (uintptr_t)b) & 7) == 0) {
        const uint64_t *s = (const uint64_t *)(const void *)p;
        for (; i + 8 <= n; i += 8, s += 2) {
            uint64_t r0, g0, b0, r1, g1, b1;
            swar_split(s[0], &r0, &g0, &b0);
            swar_split(s[1], &r1, &g1, &b1);
            *(uint64_t *)(void *)(r + i) = swar_pack4(r0) | swar_pack4(r1) << 32;
            *(uint64_t *)(void *)(g + i) = swar_pack4(g0) | swar_pack4(g1) << 32;
            *(uint64_t *)(void *)(b + i) = swar_pack4(b0) | swar_pack4(b1) << 32;
        }
    }
    for (; i < n; i++) {
        image_pixel_to_rgb(p[i], r + i, g + i, b + i);
    }
}

void image_row_from_planes(uint16_t *p, const uint8_t *r, const uint8_t *g, const uint8_t *b, size_t n) {
    size_t i = 0;
    if (IMAGE_WITH_SPEED && swar_aligned(p) && (((uintptr_t)r | (uintptr_t)g | (uintptr_t)b) & 7) == 0) {
        uint64_t *d = (uint64_t *)(void *)p;
        for (; i + 8 <= n; i += 8, d += 2) {
            uint64_t r8 = *(const uint64_t *)(const void *)(r + i), g8 = *(const uint64_t *)(const void *)(g + i);
            uint64_t b8 = *(const uint64_t *)(const void *)(b + i);
            d[0] = swar_join(swar_spread4(r8 & 0xffffffffu), swar_spread4(g8 & 0xffffffffu), swar_spread4(b8 & 0xffffffffu));
            d[1] = swar_join(swar_spread4(r8 >> 32), swar_spread4(g8 >> 32), swar_spread4(b8 >> 32));
        }
    }
    for (; i < n; i++) {
        p[i] = image_rgb_to_pixel(r[i], g[i], b[i]);
    }
}

// Also in place: what is written never lies behind what is read.
void image_row_to_gray(uint8_t *out, const uint16_t *p, size_t n) {
    size_t i = 0;
    if (IMAGE_WITH_SPEED && swar_aligned(p) && swar_aligned(out)) {
        const uint64_t *s = (const uint64_t *)(const void *)p;
        for (; i + 8 <= n; i += 8, s += 2) {
            uint64_t low = swar_gray(s[0]), high = swar_gray(s[1]);
            *(uint64_t *)(void *)(out + i) = swar_pack4(low) | swar_pack4(high) << 32;
        }
    }
    for (; i < n; i++) {
        uint8_t r, g, b;
        image_pixel_to_rgb(p[i], &r, &g, &b);
        out[i] = image_rgb_to_gray(r, g, b);
    }
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
    image_row_to_planes(img->ai, img->ai + n, img->ai + 2 * n, (const uint16_t *)(const void *)img->pix, n);
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
    image_row_from_planes((uint16_t *)(void *)img->pix, img->ai, img->ai + n, img->ai + 2 * n, n);
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
    if (swar_aligned(dst) && swar_aligned(src)) {
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

void image_grays_to_words(uint32_t *dst, const uint8_t *src, size_t n) {
    if (IMAGE_WITH_SPEED && swar_aligned(dst) && ((uintptr_t)src & 3) == 0) {
        for (; n >= 4; n -= 4, src += 4, dst += 2) {
            uint64_t v = swar_spread4(*(const uint32_t *)(const void *)src);
            v = (v & SWAR_LANES * 0xf8) << 8 | (v & SWAR_LANES * 0xfc) << 3 | (v >> 3 & SWAR_LANES * 0x1f);
            *(uint64_t *)(void *)dst = (v & 0x0000ffff0000ffffu) << 16 | (v >> 16 & 0x0000ffff0000ffffu);
        }
    }
    for (; n; n -= 2, src += 2) {
        uint32_t a = src[0], b = src[1];
        a = (a & 0xf8) << 8 | (a & 0xfc) << 3 | a >> 3;
        b = (b & 0xf8) << 8 | (b & 0xfc) << 3 | b >> 3;
        *dst++ = a << 16 | b;
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
        image_row_to_gray(dst->pix, (const uint16_t *)(const void *)src->pix, (size_t)src->w * (size_t)src->h);
        return;
    }
    if (IMAGE_WITH_SPEED && dst->format == IMAGE_RGB565 && src->format == IMAGE_GRAYSCALE && dst->pix != src->pix) {
        uint16_t *d = (uint16_t *)(void *)dst->pix;
        for (size_t i = 0; i < (size_t)src->w * (size_t)src->h; i++) {
            d[i] = image_rgb_to_pixel(src->pix[i], src->pix[i], src->pix[i]);
        }
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
