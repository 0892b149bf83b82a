// SPDX-License-Identifier: MIT
// Both harts take their three kinds of interrupt; hart 0 reports what it found.
#include "test.h"

#define UARTHS_IRQ 33
#define IRQ_FLAG (1ull << 63)

static volatile uint64_t causes[2], claimed, answer;

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    int hart = csr_read(mhartid);
    (void)addr;
    if (!(cause & IRQ_FLAG)) {
        put_hex("exception", cause);
        put_hex("epc", epc);
        for (;;) {
            wfi();
        }
    }
    causes[hart] |= 1ull << (cause & 63);
    switch (cause & 63) {
        case 3:
            MSIP(hart) = 0;
            break;
        case 7:
            MTIMECMP(hart) = ~0ull;
            break;
        case 11:
            claimed = PLIC(0x200004 + 0x2000 * hart);
            UARTHS(0x10) = 0;
            PLIC(0x200004 + 0x2000 * hart) = claimed;
            break;
    }
    return epc;
}

static void wait_for(int hart, int bit) {
    while (!(causes[hart] >> bit & 1)) {
    }
}

static void run_hart1(void) {
    uint64_t pending = csr_read(mip);
    MSIP(1) = 0;
    csr_write(mie, 0x888);
    csr_set(mstatus, 8);
    answer = pending;
    while (!(causes[1] >> 3 & 1)) {
        wfi();
    }
    MTIMECMP(1) = MTIME + 1000;
    while (!(causes[1] >> 7 & 1)) {
        wfi();
    }
    PLIC(4 * UARTHS_IRQ) = 1;
    PLIC(0x2000 + 0x100 + 4) = 1 << (UARTHS_IRQ - 32);
    PLIC(0x200000 + 0x2000) = 0;
    UARTHS(0x08) |= 1 << 16;
    UARTHS(0x10) = 1;
    while (!(causes[1] >> 11 & 1)) {
        wfi();
    }
    PLIC(0x2000 + 0x100 + 4) = 0;
    answer = 2;
    for (;;) {
        wfi();
    }
}

// mtime and mcycle of the same moment; tries again if the host was busy elsewhere in between.
static uint64_t sample(uint64_t *cycles) {
    uint64_t before, after;
    do {
        before = MTIME;
        *cycles = csr_read(mcycle);
        after = MTIME;
    } while (after - before > 100);
    return before;
}

void main(uint64_t hart) {
    uint64_t cycles, time, instructions;
    if (hart) {
        run_hart1();
    }
    put_hex("misa", csr_read(misa));
    put_hex("mvendorid", csr_read(mvendorid));
    put_hex("marchid", csr_read(marchid));
    put_hex("mimpid", csr_read(mimpid));
    put_hex("gp_of_rom", 0x805fc800);
    while (!answer) {
    }
    put_hex("hart1_mip", answer);
    MSIP(1) = 1;
    while (answer != 2) {
    }
    put_hex("hart1_causes", causes[1]);
    put_hex("hart1_claimed", claimed);

    csr_write(mie, 0x888);
    csr_set(mstatus, 8);
    claimed = 0;
    MSIP(0) = 1;
    wait_for(0, 3);
    MTIMECMP(0) = MTIME + 1000;
    wait_for(0, 7);
    PLIC(0x2000 + 4) = 1 << (UARTHS_IRQ - 32);
    PLIC(0x200000) = 0;
    UARTHS(0x10) = 1;
    wait_for(0, 11);
    put_hex("hart0_causes", causes[0]);
    put_hex("hart0_claimed", claimed);

    uint64_t start_cycles, start = sample(&start_cycles);
    while (MTIME - start < 78000) {
    }
    time = sample(&cycles) - start;
    cycles -= start_cycles;
    put_hex("ratio", (cycles + time / 2) / time);
    csr_write(minstret, 0);
    instructions = csr_read(minstret);
    put_hex("instructions_low", instructions < 1000000);
    put("done\n");
}
