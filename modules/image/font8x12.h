// SPDX-License-Identifier: MIT
#ifndef K210_FONT8X12_H
#define K210_FONT8X12_H

#include <stdint.h>

// Characters 0x20..0x7E, then the box for all others. Bit 7 of a row is the left pixel.
extern const uint8_t image_font8x12[0x7f - 0x20 + 1][12];

#endif
