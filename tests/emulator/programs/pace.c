// SPDX-License-Identifier: MIT
// The same work by one hart, by both at once, and by the other one while the first sleeps.
#include "test.h"

#define ROUNDS 1000000

static volatile uint32_t ready, go, done;

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    (void)addr;
    put_hex("exception", cause);
    return epc + 4;
}

static void work(void) {
    for (int i = 0; i < ROUNDS; i++) {
        __asm__ volatile("");
    }
}

void main(uint64_t hart) {
    csr_set(mie, 8);
    if (hart) {
        MSIP(1) = 0;
        ready = 1;
        for (;;) {
            while (go == done) {
                wfi();
                MSIP(1) = 0;
            }
            work();
            done = go;
            MSIP(0) = 1;
        }
    }
    MSIP(1) = 1;
    while (!ready) {
    }
    uint64_t start = csr_read(mcycle);
    work();
    put_hex("alone", csr_read(mcycle) - start);

    go = 1;
    start = csr_read(mcycle);
    MSIP(1) = 1;
    work();
    while (done != 1) {
    }
    put_hex("both", csr_read(mcycle) - start);

    MSIP(0) = 0;
    go = 2;
    start = csr_read(mcycle);
    MSIP(1) = 1;
    while (done != 2) {
        wfi();
    }
    put_hex("other", csr_read(mcycle) - start);
    put("done\n");
    for (;;) {
        wfi();
    }
}
