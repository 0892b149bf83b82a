/*
 * SPDX-License-Identifier: MIT
 *
 * MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4) in software.
 */
#ifndef MODULES_CRYPTO_HASH_H
#define MODULES_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BLOCK (64)
#define HASH_WORDS_MAX (8)

enum hash_kind { HASH_MD5, HASH_SHA1, HASH_SHA256 };

typedef struct {
    enum hash_kind kind;
    uint32_t h[HASH_WORDS_MAX];
    uint64_t len;
    uint8_t block[HASH_BLOCK];
} hash_t;

void hash_init(hash_t *hash, enum hash_kind kind);
void hash_update(hash_t *hash, const void *data, size_t n);

// Writes hash_size() bytes; the state is used up.
void hash_final(hash_t *hash, uint8_t *digest);
size_t hash_size(enum hash_kind kind);

#endif
