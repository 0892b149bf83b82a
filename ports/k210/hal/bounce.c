// SPDX-License-Identifier: MIT
#include <string.h>

#include "bounce.h"
#include "time.h"

static uint64_t memory[BOUNCE_BYTES / 8] __attribute__((aligned(64)));
static bool taken;

uint8_t *bounce_take(void) {
    uintptr_t irq = hal_irq_disable();
    bool free = !taken;
    taken = true;
    hal_irq_restore(irq);
    return free ? (uint8_t *)((uintptr_t)memory - 0x40000000u) : NULL;
}

void bounce_give(void) {
    taken = false;
}

// Bytes that are not aligned, or at the end, go through a word of the stack.
void bounce_copy_in(uint8_t *uncached, const uint8_t *from, size_t n) {
    volatile uint64_t *to = (volatile uint64_t *)uncached;
    bool aligned = ((uintptr_t)from & 7) == 0;
    for (; n >= 8; n -= 8, from += 8) {
        uint64_t word;
        if (aligned) {
            word = *(const uint64_t *)from;
        } else {
            memcpy(&word, from, 8);
        }
        *to++ = word;
    }
    if (n != 0) {
        uint64_t word = 0;
        memcpy(&word, from, n);
        *to = word;
    }
}

void bounce_copy_out(uint8_t *to, const uint8_t *uncached, size_t n) {
    const volatile uint64_t *from = (const volatile uint64_t *)uncached;
    bool aligned = ((uintptr_t)to & 7) == 0;
    for (; n >= 8; n -= 8, to += 8) {
        uint64_t word = *from++;
        if (aligned) {
            *(uint64_t *)to = word;
        } else {
            memcpy(to, &word, 8);
        }
    }
    if (n != 0) {
        uint64_t word = *from;
        memcpy(to, &word, n);
    }
}
