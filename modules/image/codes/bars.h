// SPDX-License-Identifier: MIT
// Between the two files of the bar code reader.
#ifndef K210_BARS_H
#define K210_BARS_H

#include "codes.h"

// One line across the picture as widths of bars and gaps, in 1/256 pixel. run[0] is a gap.
typedef struct {
    const int32_t *run;
    size_t n;
} bars_t;

// What a decoder found: payload, type and the runs first..last.
typedef struct {
    char text[CODE_BAR_MAX];
    size_t len, first, last;
    int type;
} bar_text_t;

// Decodes one symbol that begins at or after *from; moves *from behind it. False when there is none.
bool bars_decode(const bars_t *b, size_t *from, bar_text_t *out);

#endif
