// SPDX-License-Identifier: MIT
// From pixels to the numbers of a JPEG file. Nothing here writes, allocates or fails, so that any processor can do it.
#ifndef K210_JPEG_LEVELS_H
#define K210_JPEG_LEVELS_H

#include "image_priv.h"

#define JPEG_LEVELS_BLOCKS (6) // of an MCU in colour
#define JPEG_LEVELS_BATCH (96) // blocks

// Quantised numbers of a block in the order of the file; those behind last are 0.
typedef struct {
    int16_t v[64];
    uint8_t last;
} jpeg_levels_t;

// A picture that becomes MCUs of 16x16 pixels in colour (four blocks of Y, one of Cb, one of Cr), 8x8 in gray.
typedef struct {
    const image_t *img;
    image_rect_t roi;
    bool color;
    uint32_t across, count, blocks; // MCUs in a row, in all; blocks of one
    uint16_t quant[2][64];          // of luma and chroma, in the order of the file
} jpeg_source_t;

// MCUs first to first + n - 1. next counts those that somebody has taken.
typedef struct {
    const jpeg_source_t *source;
    jpeg_levels_t *levels;
    uint32_t first, n, next;
} jpeg_part_t;

// Works on MCUs of the part until all are taken. Several processors may do so at once.
void jpeg_make_levels(void *part);

#endif
