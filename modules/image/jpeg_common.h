// SPDX-License-Identifier: MIT
#ifndef K210_JPEG_COMMON_H
#define K210_JPEG_COMMON_H

#include <stdint.h>

// Position in an 8x8 block (row by row) of the k-th coefficient of the file.
extern const uint8_t jpeg_zigzag[64];

#endif
