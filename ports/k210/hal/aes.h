/*
 * SPDX-License-Identifier: MIT
 *
 * AES accelerator: ECB, CBC and GCM with keys of 128, 192 and 256 bits.
 */
#ifndef K210_HAL_AES_H
#define K210_HAL_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aes_cipher { AES_ECB, AES_CBC, AES_GCM };

typedef struct {
    enum aes_cipher cipher;
    bool decrypt;
    const uint8_t *key;
    size_t key_len; // 16, 24 or 32
    const uint8_t *iv; // CBC: 16 bytes, GCM: 12
    const uint8_t *aad; // GCM only
    size_t aad_len;
    uint8_t *tag; // GCM: receives the 16 bytes that belong to the text
} aes_job_t;

// in and out may be the same. n is a multiple of 16 but for GCM, at most 0xFFFFFFF0. Long texts go by
// DMA. 0, -EINVAL, -EBUSY (no DMA channel, or the bounce buffer is in use), -EIO, -ETIMEDOUT.
int aes_hard(const aes_job_t *job, const uint8_t *in, uint8_t *out, size_t n);

#endif
