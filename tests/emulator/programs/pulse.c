// SPDX-License-Identifier: MIT
// Hart 0 sets and clears hart 1's msip at once; hart 1 counts what wakes it.
#include "test.h"

#define PULSES 20

static volatile uint32_t seen, ready;

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    (void)cause;
    (void)addr;
    return epc;
}

static void wait_ticks(uint64_t ticks) {
    for (uint64_t end = MTIME + ticks; MTIME < end;) {
        // Instructions cost the emulator much less than reading a register.
        for (int i = 0; i < 500; i++) {
            __asm__ volatile("nop");
        }
    }
}

void main(uint64_t hart) {
    if (hart) {
        MSIP(1) = 0;
        csr_write(mie, 8);
        ready = 1;
        while (1) {
            wfi();
            if (csr_read(mip) & 8) {
                seen++;
                while (csr_read(mip) & 8) {
                }
            }
        }
    }
    while (!ready) {
    }
    for (int i = 0; i < PULSES; i++) {
        wait_ticks(40000); // 5 ms
        MSIP(1) = 1;
        MSIP(1) = 0;
    }
    wait_ticks(400000);
    put_hex("seen", seen);
    put_hex("line", MSIP(1));
    put("done\n");
}
