/*
 * SPDX-License-Identifier: MIT
 *
 * SHA-256 of a whole message on the accelerator, fed by DMA. It cannot go on from an intermediate state,
 * so there is no update(); modules/crypto has that in software.
 */
#ifndef K210_HAL_SHA256_H
#define K210_HAL_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_HARD_MAX (65536u * 64 - 72)

// 0, -EINVAL (too long), -EBUSY (no DMA channel, or the bounce buffer is in use), -EIO, -ETIMEDOUT.
int sha256_hard(const uint8_t *data, size_t n, uint8_t digest[32]);

#endif
