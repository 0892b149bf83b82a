// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <string.h>

#include "hash.h"

static const struct {
    uint8_t words;
    bool little_endian;
    uint32_t initial[HASH_WORDS_MAX];
} kinds[] = {
    [HASH_MD5] = { 4, true, { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476 } },
    [HASH_SHA1] = { 5, false, { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 } },
    [HASH_SHA256] = { 8, false, { 0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19 } },
};

// The sines' fractions of RFC 1321 and the cube roots' of FIPS 180-4.
static const uint32_t md5_k[64] = {
    0xD76AA478, 0xE8C7B756, 0x242070DB, 0xC1BDCEEE, 0xF57C0FAF, 0x4787C62A, 0xA8304613, 0xFD469501,
    0x698098D8, 0x8B44F7AF, 0xFFFF5BB1, 0x895CD7BE, 0x6B901122, 0xFD987193, 0xA679438E, 0x49B40821,
    0xF61E2562, 0xC040B340, 0x265E5A51, 0xE9B6C7AA, 0xD62F105D, 0x02441453, 0xD8A1E681, 0xE7D3FBC8,
    0x21E1CDE6, 0xC33707D6, 0xF4D50D87, 0x455A14ED, 0xA9E3E905, 0xFCEFA3F8, 0x676F02D9, 0x8D2A4C8A,
    0xFFFA3942, 0x8771F681, 0x6D9D6122, 0xFDE5380C, 0xA4BEEA44, 0x4BDECFA9, 0xF6BB4B60, 0xBEBFBC70,
    0x289B7EC6, 0xEAA127FA, 0xD4EF3085, 0x04881D05, 0xD9D4D039, 0xE6DB99E5, 0x1FA27CF8, 0xC4AC5665,
    0xF4292244, 0x432AFF97, 0xAB9423A7, 0xFC93A039, 0x655B59C3, 0x8F0CCC92, 0xFFEFF47D, 0x85845DD1,
    0x6FA87E4F, 0xFE2CE6E0, 0xA3014314, 0x4E0811A1, 0xF7537E82, 0xBD3AF235, 0x2AD7D2BB, 0xEB86D391,
};

static const uint32_t sha256_k[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

static uint32_t left(uint32_t x, unsigned n) {
    return x << n | x >> (32 - n);
}

static uint32_t right(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

static uint32_t load(const uint8_t *p, bool little_endian) {
    return little_endian ? (uint32_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0] : (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void md5_block(uint32_t *h, const uint32_t *w) {
    static const uint8_t shifts[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3];
    for (unsigned i = 0; i < 64; ++i) {
        uint32_t f;
        unsigned g;
        switch (i / 16) {
            case 0:
                f = (b & c) | (~b & d);
                g = i;
                break;
            case 1:
                f = (d & b) | (~d & c);
                g = 5 * i + 1;
                break;
            case 2:
                f = b ^ c ^ d;
                g = 3 * i + 5;
                break;
            default:
                f = c ^ (b | ~d);
                g = 7 * i;
                break;
        }
        uint32_t next = b + left(a + f + md5_k[i] + w[g % 16], shifts[i / 16][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

static void sha1_block(uint32_t *h, uint32_t *w) {
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned i = 0; i < 80; ++i) {
        if (i >= 16) {
            w[i % 16] = left(w[(i + 13) % 16] ^ w[(i + 8) % 16] ^ w[(i + 2) % 16] ^ w[i % 16], 1);
        }
        uint32_t f, k;
        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5A827999;
        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ED9EBA1;
        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8F1BBCDC;
        } else {
            f = b ^ c ^ d;
            k = 0xCA62C1D6;
        }
        uint32_t next = left(a, 5) + f + e + k + w[i % 16];
        e = d;
        d = c;
        c = left(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void sha256_block(uint32_t *h, uint32_t *w) {
    uint32_t v[8];
    memcpy(v, h, sizeof(v));
    for (unsigned i = 0; i < 64; ++i) {
        if (i >= 16) {
            uint32_t w1 = w[(i + 1) % 16], w14 = w[(i + 14) % 16];
            w[i % 16] += (right(w1, 7) ^ right(w1, 18) ^ w1 >> 3) + w[(i + 9) % 16]
                + (right(w14, 17) ^ right(w14, 19) ^ w14 >> 10);
        }
        uint32_t s1 = right(v[4], 6) ^ right(v[4], 11) ^ right(v[4], 25);
        uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha256_k[i] + w[i % 16];
        uint32_t s0 = right(v[0], 2) ^ right(v[0], 13) ^ right(v[0], 22);
        uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        v[7] = v[6];
        v[6] = v[5];
        v[5] = v[4];
        v[4] = v[3] + t1;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = v[0];
        v[0] = t1 + t2;
    }
    for (unsigned i = 0; i < 8; ++i) {
        h[i] += v[i];
    }
}

static void compress(hash_t *hash, const uint8_t *block) {
    uint32_t w[16];
    for (unsigned i = 0; i < 16; ++i) {
        w[i] = load(block + 4 * i, kinds[hash->kind].little_endian);
    }
    if (hash->kind == HASH_MD5) {
        md5_block(hash->h, w);
    } else if (hash->kind == HASH_SHA1) {
        sha1_block(hash->h, w);
    } else {
        sha256_block(hash->h, w);
    }
}

void hash_init(hash_t *hash, enum hash_kind kind) {
    hash->kind = kind;
    hash->len = 0;
    memcpy(hash->h, kinds[kind].initial, sizeof(hash->h));
}

size_t hash_size(enum hash_kind kind) {
    return 4 * kinds[kind].words;
}

void hash_update(hash_t *hash, const void *data, size_t n) {
    const uint8_t *p = data;
    size_t used = hash->len % HASH_BLOCK;
    hash->len += n;
    if (used != 0) {
        size_t take = n < HASH_BLOCK - used ? n : HASH_BLOCK - used;
        memcpy(hash->block + used, p, take);
        p += take;
        n -= take;
        if (used + take == HASH_BLOCK) {
            compress(hash, hash->block);
        }
    }
    for (; n >= HASH_BLOCK; n -= HASH_BLOCK, p += HASH_BLOCK) {
        compress(hash, p);
    }
    if (n != 0) {
        memcpy(hash->block, p, n);
    }
}

void hash_final(hash_t *hash, uint8_t *digest) {
    bool little = kinds[hash->kind].little_endian;
    uint64_t bits = hash->len * 8;
    uint8_t padding[HASH_BLOCK + 8] = { 0x80 };
    // The length takes the last eight bytes of a block.
    size_t n = HASH_BLOCK - (hash->len + 8) % HASH_BLOCK;
    for (unsigned i = 0; i < 8; ++i) {
        padding[n + i] = bits >> (8 * (little ? i : 7 - i));
    }
    hash_update(hash, padding, n + 8);
    for (unsigned i = 0; i < kinds[hash->kind].words; ++i) {
        for (unsigned k = 0; k < 4; ++k) {
            digest[4 * i + k] = hash->h[i] >> (8 * (little ? k : 3 - k));
        }
    }
}
