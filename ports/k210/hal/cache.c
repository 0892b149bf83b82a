// SPDX-License-Identifier: MIT
#include <stdint.h>

#include "cache.h"

#define CACHE_LINE (64)

// The eight ways of a set are replaced at random, so a line survives each miss in its set with
// 7/8. 512 KiB make 128 misses in each of the 64 sets, which leaves one line in 26 million.
#define READ_SIZE (512 * 1024)

extern const uint8_t _start[];

void cache_evict(void) {
    __asm__ volatile ("fence rw, rw" : : : "memory");
    const volatile uint8_t *p = _start;
    for (unsigned i = 0; i < READ_SIZE; i += CACHE_LINE) {
        (void)p[i];
    }
}
