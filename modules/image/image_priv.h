// SPDX-License-Identifier: MIT
// Shared by the files of the image core only.
#ifndef K210_IMAGE_PRIV_H
#define K210_IMAGE_PRIV_H

#include "image.h"

// Geometry is clamped to this, so that products of two coordinates fit an int64_t with room to spare.
#define IMAGE_COORD_MAX (1 << 24)

static inline int32_t image_clamp_coord(int64_t v) {
    return v < -IMAGE_COORD_MAX ? -IMAGE_COORD_MAX : v > IMAGE_COORD_MAX ? IMAGE_COORD_MAX : (int32_t)v;
}

static inline size_t image_binary_stride(int32_t w) {
    return ((size_t)w + 31) / 32 * 4;
}

// Pixels x0..x1 (inclusive) of row y, clipped.
void image_span(image_t *img, int64_t x0, int64_t x1, int32_t y, uint32_t value);

// Filled rectangle between two corners (inclusive), clipped; empty when a corner is past the other.
void image_box(image_t *img, int64_t x0, int64_t y0, int64_t x1, int64_t y1, uint32_t value);

// Rows of n pixels: RGB565 to and from bytes of each colour, and to gray (also in place).
void image_row_to_planes(uint8_t *r, uint8_t *g, uint8_t *b, const uint16_t *p, size_t n);
void image_row_from_planes(uint16_t *p, const uint8_t *r, const uint8_t *g, const uint8_t *b, size_t n);
void image_row_to_gray(uint8_t *out, const uint16_t *p, size_t n);

uint32_t image_isqrt(uint64_t v);

// Writes err (IMAGE_ERR_LEN bytes) and returns code.
int image_fail(char *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

// Reads exactly n bytes or fails with -EIO.
int image_read_exact(image_io_t *io, void *buf, size_t n, char *err);

extern const image_codec_t image_codec_pnm, image_codec_bmp, image_codec_jpeg, image_codec_png;
int image_write_pnm(image_io_t *io, const image_t *img, image_rect_t roi, char *err);
int image_write_bmp(image_io_t *io, const image_t *img, image_rect_t roi, char *err);
int image_write_png(image_io_t *io, const image_t *img, image_rect_t roi, char *err);
int image_write_jpeg(image_io_t *io, const image_t *img, image_rect_t roi, int quality, char *err);

// Stores one decoded pixel in pix and, when there are planes, in them.
void image_store_rgb(image_t *img, int32_t x, int32_t y, uint8_t r, uint8_t g, uint8_t b);

#endif
