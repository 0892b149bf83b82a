// SPDX-License-Identifier: MIT
// Two harts race for one word. Who wins, and when, is printed; only an exact replay prints the same.
#include "test.h"

#define ROUNDS 16
#define STEPS 5000

static uint32_t owner, go, count[2];
static volatile uint64_t seen[2];

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    (void)addr;
    put_hex("exception", cause);
    return epc + 4;
}

static void race(int hart) {
    for (int i = 0; i < STEPS; i++) {
        if (!__atomic_exchange_n(&owner, 1, __ATOMIC_ACQUIRE)) {
            count[hart]++;
            seen[hart] = seen[hart] * 31 + MTIME;
            __atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
        }
    }
}

void main(uint64_t hart) {
    if (hart) {
        for (uint32_t round = 1;; round++) {
            while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) != round) {
            }
            race(1);
            __atomic_store_n(&go, 0, __ATOMIC_RELEASE);
        }
    }
    MSIP(1) = 1;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        __atomic_store_n(&go, round, __ATOMIC_RELEASE);
        race(0);
        while (__atomic_load_n(&go, __ATOMIC_ACQUIRE)) {
        }
        put_hex("hart0", count[0]);
        put_hex("hart1", count[1]);
        put_hex("times", seen[0] * 3 + seen[1]);
        put_hex("mtime", MTIME);
        put_hex("mcycle", csr_read(mcycle));
    }
    put("done\n");
    for (;;) {
        wfi();
    }
}
