// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <string.h>

#include "aes_soft.h"

// Made at the first use: 2.5 KiB that need not lie in the image. The round tables combine the S-box with
// one column of MixColumns; the other columns are rotations of it.
static uint8_t sbox[256], inverse_sbox[256];
static uint32_t round_table[256], inverse_table[256];

static uint8_t times2(uint8_t x) {
    return x << 1 ^ (x & 0x80 ? 0x1B : 0);
}

static uint8_t times(uint8_t a, uint8_t b) {
    uint8_t product = 0;
    for (; b != 0; b >>= 1, a = times2(a)) {
        product ^= b & 1 ? a : 0;
    }
    return product;
}

static uint32_t rotate(uint32_t x, unsigned n) {
    return n == 0 ? x : x << n | x >> (32 - n);
}

static uint32_t word(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return (uint32_t)a | (uint32_t)b << 8 | (uint32_t)c << 16 | (uint32_t)d << 24;
}

static void make_tables(void) {
    static bool made;
    if (made) {
        return;
    }
    // 3 generates the field, F6h is its inverse: p runs through all elements, q through their inverses.
    uint8_t p = 1, q = 1;
    do {
        p = p ^ times2(p);
        q = times(q, 0xF6);
        uint8_t s = 0x63;
        for (unsigned i = 0; i < 5; ++i) {
            s ^= q << i | q >> (8 - i);
        }
        sbox[p] = s;
    } while (p != 1);
    sbox[0] = 0x63;
    for (unsigned i = 0; i < 256; ++i) {
        inverse_sbox[sbox[i]] = i;
    }
    for (unsigned i = 0; i < 256; ++i) {
        uint8_t s = sbox[i], v = inverse_sbox[i];
        round_table[i] = word(times2(s), s, s, times2(s) ^ s);
        inverse_table[i] = word(times(v, 14), times(v, 9), times(v, 13), times(v, 11));
    }
    made = true;
}

static uint32_t substitute(uint32_t w) {
    return word(sbox[w & 0xFF], sbox[w >> 8 & 0xFF], sbox[w >> 16 & 0xFF], sbox[w >> 24]);
}

static uint32_t load(const uint8_t *p) {
    return word(p[0], p[1], p[2], p[3]);
}

static void store(uint8_t *p, uint32_t w) {
    p[0] = w;
    p[1] = w >> 8;
    p[2] = w >> 16;
    p[3] = w >> 24;
}

void aes_soft_encrypt_key(aes_soft_key_t *key, const uint8_t *bytes, size_t len) {
    make_tables();
    unsigned n = len / 4;
    uint8_t constant = 1;
    key->rounds = n + 6;
    for (unsigned i = 0; i < 4 * (key->rounds + 1); ++i) {
        if (i < n) {
            key->words[i] = load(bytes + 4 * i);
            continue;
        }
        uint32_t w = key->words[i - 1];
        if (i % n == 0) {
            w = substitute(rotate(w, 24)) ^ constant;
            constant = times2(constant);
        } else if (n == 8 && i % n == 4) {
            w = substitute(w);
        }
        key->words[i] = key->words[i - n] ^ w;
    }
}

// For the equivalent inverse cipher: rounds in reverse order, the inner ones through InvMixColumns.
void aes_soft_decrypt_key(aes_soft_key_t *key, const uint8_t *bytes, size_t len) {
    aes_soft_key_t forward;
    aes_soft_encrypt_key(&forward, bytes, len);
    key->rounds = forward.rounds;
    for (unsigned r = 0; r <= key->rounds; ++r) {
        for (unsigned i = 0; i < 4; ++i) {
            uint32_t w = forward.words[4 * (key->rounds - r) + i];
            if (r != 0 && r != key->rounds) {
                uint32_t s = substitute(w);
                w = inverse_table[s & 0xFF] ^ rotate(inverse_table[s >> 8 & 0xFF], 8)
                    ^ rotate(inverse_table[s >> 16 & 0xFF], 16) ^ rotate(inverse_table[s >> 24], 24);
            }
            key->words[4 * r + i] = w;
        }
    }
    memset(&forward, 0, sizeof(forward));
}

// step is 1 for encryption and 3 for decryption: from which column each next byte comes.
static inline void crypt(const aes_soft_key_t *key, const uint8_t *in, uint8_t *out, const uint32_t *table,
    const uint8_t *box, unsigned step) {
    uint32_t s[4], t[4];
    const uint32_t *k = key->words;
    for (unsigned i = 0; i < 4; ++i) {
        s[i] = load(in + 4 * i) ^ *k++;
    }
    for (unsigned r = 1; r < key->rounds; ++r) {
        for (unsigned i = 0; i < 4; ++i) {
            t[i] = table[s[i] & 0xFF] ^ rotate(table[s[(i + step) % 4] >> 8 & 0xFF], 8)
                ^ rotate(table[s[(i + 2) % 4] >> 16 & 0xFF], 16) ^ rotate(table[s[(i + 3 * step) % 4] >> 24], 24) ^ *k++;
        }
        memcpy(s, t, sizeof(s));
    }
    for (unsigned i = 0; i < 4; ++i) {
        store(out + 4 * i, word(box[s[i] & 0xFF], box[s[(i + step) % 4] >> 8 & 0xFF], box[s[(i + 2) % 4] >> 16 & 0xFF],
            box[s[(i + 3 * step) % 4] >> 24]) ^ *k++);
    }
}

void aes_soft_encrypt(const aes_soft_key_t *key, const uint8_t in[16], uint8_t out[16]) {
    crypt(key, in, out, round_table, sbox, 1);
}

void aes_soft_decrypt(const aes_soft_key_t *key, const uint8_t in[16], uint8_t out[16]) {
    crypt(key, in, out, inverse_table, inverse_sbox, 3);
}
