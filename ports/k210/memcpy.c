// SPDX-License-Identifier: MIT
//
// memcpy, memmove and memset by 64-bit words. The C library's are made for size: a byte at a time.
// Compiled without turning loops into calls of these very functions.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD (sizeof(uint64_t))

typedef uint64_t __attribute__((may_alias)) word_t;

void *memcpy(void *restrict dst, const void *restrict src, size_t n) {
    uint8_t *d = dst;
    const uint8_t *s = src;
    // Words only when both can be aligned: this core traps on anything else.
    if (n >= 2 * WORD && (((uintptr_t)d ^ (uintptr_t)s) % WORD) == 0) {
        for (; (uintptr_t)d % WORD; --n) {
            *d++ = *s++;
        }
        for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD, s += 4 * WORD) {
            word_t a = ((const word_t *)s)[0], b = ((const word_t *)s)[1];
            word_t c = ((const word_t *)s)[2], e = ((const word_t *)s)[3];
            ((word_t *)d)[0] = a;
            ((word_t *)d)[1] = b;
            ((word_t *)d)[2] = c;
            ((word_t *)d)[3] = e;
        }
        for (; n >= WORD; n -= WORD, d += WORD, s += WORD) {
            *(word_t *)d = *(const word_t *)s;
        }
    }
    while (n-- > 0) {
        *d++ = *s++;
    }
    return dst;
}

void *memmove(void *dst, const void *src, size_t n) {
    uint8_t *d = dst;
    const uint8_t *s = src;
    if (d <= s || d >= s + n) {
        return memcpy(dst, src, n); // which goes upwards, and reads before it writes
    }
    d += n;
    s += n;
    if (n >= 2 * WORD && (((uintptr_t)d ^ (uintptr_t)s) % WORD) == 0) {
        for (; (uintptr_t)d % WORD; --n) {
            *--d = *--s;
        }
        for (; n >= WORD; n -= WORD) {
            d -= WORD;
            s -= WORD;
            *(word_t *)d = *(const word_t *)s;
        }
    }
    while (n-- > 0) {
        *--d = *--s;
    }
    return dst;
}

void *memset(void *dst, int value, size_t n) {
    uint8_t *d = dst;
    if (n >= 2 * WORD) {
        word_t word = (uint8_t)value * 0x0101010101010101ull;
        for (; (uintptr_t)d % WORD; --n) {
            *d++ = (uint8_t)value;
        }
        for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD) {
            ((word_t *)d)[0] = word;
            ((word_t *)d)[1] = word;
            ((word_t *)d)[2] = word;
            ((word_t *)d)[3] = word;
        }
        for (; n >= WORD; n -= WORD, d += WORD) {
            *(word_t *)d = word;
        }
    }
    while (n-- > 0) {
        *d++ = (uint8_t)value;
    }
    return dst;
}
