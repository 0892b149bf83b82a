// SPDX-License-Identifier: MIT
// From the numbers of a JPEG file to pixels. Nothing here reads, allocates or fails, so that any processor can do it.
#ifndef K210_JPEG_BLOCKS_H
#define K210_JPEG_BLOCKS_H

#include "image_priv.h"

#define JPEG_MAX_FACTOR (2)
#define JPEG_MAX_BLOCKS (3 * JPEG_MAX_FACTOR * JPEG_MAX_FACTOR) // of an MCU
#define JPEG_BATCH_BLOCKS (96)

// Dequantised numbers of 8x8 pixels, row by row. rows, columns: where, apart from v[0], something is not 0.
typedef struct {
    int16_t v[64] __attribute__((aligned(8)));
    uint8_t rows, columns;
} jpeg_block_t;

// How a picture is made of MCUs: n components with h*v blocks each.
typedef struct {
    image_t *img;
    uint32_t n, h_max, v_max;
    uint32_t h[3], v[3];
    uint32_t blocks;        // of an MCU
    int32_t across;         // MCUs in a row
    uint32_t count;         // in all
} jpeg_shape_t;

// MCUs first to first + n - 1. next counts those that somebody has taken.
typedef struct {
    const jpeg_shape_t *shape;
    jpeg_block_t *blocks;
    uint32_t first, n, next;
} jpeg_batch_t;

// Draws MCUs of the batch until all are taken. Several processors may do so at once.
void jpeg_draw_batch(void *batch);

#endif
