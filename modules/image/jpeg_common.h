// SPDX-License-Identifier: MIT
#ifndef K210_JPEG_COMMON_H
#define K210_JPEG_COMMON_H

#include <stdint.h>

// Position in an 8x8 block (row by row) of the k-th coefficient of the file.
extern const uint8_t jpeg_zigzag[64];

// How many codes of each length, and the symbols in order of their codes.
typedef struct {
    uint8_t counts[16];
    const uint8_t *symbols;
} jpeg_code_table_t;

// The tables of T.81 annex K: DC and AC of luma, then of chroma. Motion JPEG files may leave them out.
extern const jpeg_code_table_t jpeg_code_tables[4];

#endif
