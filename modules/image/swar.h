// SPDX-License-Identifier: MIT
// Several pixels in the 64 bits of a register (the K210 has no vector unit). Words are as they lie in memory: the first
// pixel in the lowest bits.
#ifndef K210_IMAGE_SWAR_H
#define K210_IMAGE_SWAR_H

#include <stdbool.h>
#include <stdint.h>

#define SWAR_LANES (UINT64_C(0x0001000100010001))   // four of 16 bits
#define SWAR_HIGH (UINT64_C(0x8080808080808080))    // eight of 8 bits

// Unaligned accesses trap on the K210.
static inline bool swar_aligned(const void *p) {
    return ((uintptr_t)p & 7) == 0;
}

// The four lanes of v, each below 256, as four bytes.
static inline uint64_t swar_pack4(uint64_t v) {
    v = (v | v >> 8) & 0x0000ffff0000ffffu;
    return (v | v >> 16) & 0xffffffffu;
}

// And back.
static inline uint64_t swar_spread4(uint64_t v) {
    v = (v | v << 16) & 0x0000ffff0000ffffu;
    return (v | v << 8) & 0x00ff00ff00ff00ffu;
}

// The lanes of four pixels, rrrrrggg gggbbbbb in the order of the bytes, as levels of 0 to 255.
static inline void swar_split(uint64_t v, uint64_t *r, uint64_t *g, uint64_t *b) {
    uint64_t r5 = v >> 3 & SWAR_LANES * 0x1f, b5 = v >> 8 & SWAR_LANES * 0x1f;
    uint64_t g6 = (v & SWAR_LANES * 7) << 3 | (v >> 13 & SWAR_LANES * 7);
    *r = r5 << 3 | (r5 >> 2 & SWAR_LANES * 7);
    *g = g6 << 2 | (g6 >> 4 & SWAR_LANES * 3);
    *b = b5 << 3 | (b5 >> 2 & SWAR_LANES * 7);
}

static inline uint64_t swar_join(uint64_t r, uint64_t g, uint64_t b) {
    return (r & SWAR_LANES * 0xf8) | (g >> 5 & SWAR_LANES * 7) | (g << 11 & SWAR_LANES * 0xe000)
           | (b << 5 & SWAR_LANES * 0x1f00);
}

// Luma of four pixels, as image_rgb_to_gray() has it.
static inline uint64_t swar_gray(uint64_t v) {
    uint64_t r, g, b;
    swar_split(v, &r, &g, &b);
    return (r * 77 + g * 150 + b * 29 + SWAR_LANES * 128) >> 8 & SWAR_LANES * 0xff;
}

// under, where over has a part of alpha / 256.
static inline uint64_t swar_blend(uint64_t under, uint64_t over, unsigned alpha) {
    return (under * (256 - alpha) + over * alpha + SWAR_LANES * 128) >> 8 & SWAR_LANES * 0xff;
}

// Sums and differences of eight bytes that stop at 255 and at 0.
static inline uint64_t swar_add8(uint64_t a, uint64_t b) {
    uint64_t sum = ((a & ~SWAR_HIGH) + (b & ~SWAR_HIGH)) ^ ((a ^ b) & SWAR_HIGH);
    uint64_t carry = ((a & b) | ((a | b) & ~sum)) & SWAR_HIGH;
    return sum | ((carry << 1) - (carry >> 7));
}

static inline uint64_t swar_sub8(uint64_t a, uint64_t b) {
    return ~swar_add8(~a, b);
}

// Puts the smaller of every pair into *a, the larger into *b.
static inline void swar_sort8(uint64_t *a, uint64_t *b) {
    uint64_t d = swar_sub8(*a, *b);
    *a -= d;
    *b += d;
}

#endif
