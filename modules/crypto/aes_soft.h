/*
 * SPDX-License-Identifier: MIT
 *
 * AES (FIPS 197) in software, for what the accelerator does not do and to compare with.
 */
#ifndef MODULES_CRYPTO_AES_SOFT_H
#define MODULES_CRYPTO_AES_SOFT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t words[60];
    unsigned rounds;
} aes_soft_key_t;

// len 16, 24 or 32.
void aes_soft_encrypt_key(aes_soft_key_t *key, const uint8_t *bytes, size_t len);
void aes_soft_decrypt_key(aes_soft_key_t *key, const uint8_t *bytes, size_t len);

// in and out may be the same.
void aes_soft_encrypt(const aes_soft_key_t *key, const uint8_t in[16], uint8_t out[16]);
void aes_soft_decrypt(const aes_soft_key_t *key, const uint8_t in[16], uint8_t out[16]);

#endif
