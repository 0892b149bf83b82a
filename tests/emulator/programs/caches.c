// SPDX-License-Identifier: MIT
// Shares memory with the DMAC, rightly or wrongly, as a byte from the console says.
#include "test.h"

#define UNCACHED(p) ((uint32_t)(uintptr_t)(p) - 0x40000000)
#define DMAC(o) REG64(0x50000000 + (o))
#define SIZE 1024

static uint64_t source[SIZE / 8] __attribute__((aligned(64)));
static uint64_t target[SIZE / 8] __attribute__((aligned(64)));
static volatile uint32_t again;  // a bit per hart that repeats the wrong thing
static uint8_t other[512 * 1024] __attribute__((aligned(64)));

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    (void)addr;
    put_hex("trap", cause);
    return epc + 4;
}

// A channel for each hart.
static void copy(void) {
    uint64_t hart = csr_read(mhartid), at = 0x100 + 0x100 * hart;
    DMAC(at + 0x98) = 0xffffffff;
    DMAC(at + 0x20) = 0;
    DMAC(at) = UNCACHED(source);
    DMAC(at + 0x08) = UNCACHED(target);
    DMAC(at + 0x18) = 1 << 2 | 3 << 8 | 3 << 11 | 3 << 14 | 3 << 18;
    DMAC(at + 0x10) = SIZE / 8 - 1;
    DMAC(0x10) = 3;
    DMAC(0x18) = 0x101 << hart;
    while (DMAC(0x18) & 1 << hart) {
    }
}

// The hart keeps a copy, the DMAC writes, the hart loads the copy: every time at the same place.
static void __attribute__((noinline)) stale(void) {
    *(volatile uint64_t *)&target[3];
    copy();
    __asm__ volatile(".globl wrong_stale\nwrong_stale: ld t0, 24(%0)" : : "r"(target) : "t0", "memory");
}

static void displace(void) {
    for (uint32_t i = 0; i < sizeof(other); i += 64) {
        ((volatile uint8_t *)other)[i];
    }
}

void main(uint64_t hart) {
    uint32_t c;
    while (hart) {
        if (again & 2) {
            stale();
        }
    }
    MSIP(1) = 1;
    displace();
    put("ready\n");
    for (;;) {
        while ((c = UARTHS(4)) >> 31) {
        }
        switch (c) {
            case 'd':  // the DMAC reads what the hart has not written out
                *(volatile uint64_t *)&source[5] = 1;
                copy();
                break;
            case 'o':  // a dirty line lies where the DMAC writes
                *(volatile uint64_t *)&target[7] = 1;
                copy();
                break;
            case 's':  // the hart reads its old copy
                stale();
                break;
            case 'l':  // time and again
            case 'b':  // and the other hart as well
                again = c == 'b' ? 3 : 1;
                while (UARTHS(4) >> 31) {
                    stale();
                }
                again = 0;
                break;
            case '1':  // the other hart only
                again = 2;
                break;
            case 'u':  // all through the uncached view
                REG64(UNCACHED(&source[5])) = 1;
                copy();
                REG64(UNCACHED(&target[5]));
                break;
            case 'f':  // cached, but displaced in time
                *(volatile uint64_t *)&source[5] = 1;
                *(volatile uint64_t *)&target[3] = 1;
                displace();
                copy();
                displace();
                *(volatile uint64_t *)&target[3];
                break;
        }
        put("went on\n");
    }
}
