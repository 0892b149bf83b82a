// SPDX-License-Identifier: MIT
// Which instructions and accesses trap, and with which cause and address.
#include "test.h"

static volatile uint64_t last_cause, last_addr;

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    last_cause = cause;
    last_addr = addr;
    return epc + ((*(uint16_t *)epc & 3) == 3 ? 4 : 2);
}

#define TRY(name, ...) \
    do { \
        last_cause = 99; \
        last_addr = 0; \
        __asm__ volatile(__VA_ARGS__ : : "r"(buffer), "r"(1) : "t0", "memory"); \
        put_hex(name, last_cause); \
    } while (0)

static uint64_t buffer[4] __attribute__((aligned(64)));

void main(uint64_t hart) {
    if (hart) {
        return;
    }
    TRY("time", "rdtime t0");
    TRY("cycle", "rdcycle t0");
    TRY("pmp", "csrr t0, pmpcfg0");
    TRY("mcounteren", "csrr t0, mcounteren");
    TRY("mucounteren", "csrw 0x320, %1");
    TRY("illegal", ".word 0");
    put_hex("illegal_addr", last_addr);
    TRY("load1", "lw t0, 1(%0)");
    put_hex("load1_offset", last_addr - (uintptr_t)buffer);
    TRY("load2", "lh t0, 1(%0)");
    TRY("load4", "ld t0, 4(%0)");
    TRY("store", "sw t0, 2(%0)");
    TRY("aligned", "ld t0, 8(%0)");
    TRY("fpload", "fld ft0, 4(%0)");
    TRY("byte", "lbu t0, 3(%0)");
    __asm__ volatile("csrr t0, mcycle" : : : "t0");
    last_cause = 99;
    (void)*(volatile uint8_t *)0;
    put_hex("address0", last_cause);
    last_cause = 99;
    (void)REG(0x20000000);
    put_hex("unmapped", last_cause);
    put_hex("unmapped_addr", last_addr);
    buffer[0] = 0x1234;
    put_hex("uncached", *(volatile uint64_t *)((uintptr_t)buffer - 0x40000000));
    put_hex("mirror", *(volatile uint64_t *)((uintptr_t)buffer | 0xffffffff00000000));
    put("done\n");
}
