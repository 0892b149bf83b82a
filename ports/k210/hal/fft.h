/*
 * SPDX-License-Identifier: MIT
 *
 * FFT accelerator: 64 to 512 complex points of 16 bits.
 */
#ifndef K210_HAL_FFT_H
#define K210_HAL_FFT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int16_t re, im;
} fft_point_t;

// In place. points is 64, 128, 256 or 512. Bit k of shift makes stage k divide by two. 0, -EINVAL,
// -EBUSY (no DMA channel, or the bounce buffer is in use), -EIO, -ETIMEDOUT.
int fft_run(fft_point_t *data, unsigned points, unsigned shift, bool inverse);

#endif
