/*
 * SPDX-License-Identifier: MIT
 *
 * One buffer in uncached memory for the accelerators (AES, SHA256, FFT), which are used one at a time:
 * what they take and give passes through it in pieces.
 */
#ifndef K210_HAL_BOUNCE_H
#define K210_HAL_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOUNCE_BYTES (8192)

// The buffer's uncached address, 64-byte aligned; NULL while it is in use (an interrupt handler, perhaps).
uint8_t *bounce_take(void);
void bounce_give(void);

// Copies; the uncached side is accessed in whole words.
void bounce_copy_in(uint8_t *uncached, const uint8_t *from, size_t n);
void bounce_copy_out(uint8_t *to, const uint8_t *uncached, size_t n);

#endif
