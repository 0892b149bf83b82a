// SPDX-License-Identifier: MIT
// Does one wrong thing, chosen by a byte from the console, at a known address.
#include "test.h"

#define SPI0(o) REG(0x52000000 + (o))

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    (void)addr;
    put_hex("trap", cause);
    return epc + ((*(uint16_t *)epc & 3) == 3 ? 4 : 2);
}

#define WRONG(letter, name, what, address) \
    case letter: \
        __asm__ volatile( \
            "nop\n nop\n .globl wrong_" #name "\nwrong_" #name ": " what " t0, 0(%0)\n nop" \
            : : "r"((uint64_t)(address)) : "t0", "memory"); \
        break

void main(uint64_t hart) {
    uint32_t c;
    if (hart) {
        return;
    }
    put("ready\n");
    for (;;) {
        while ((c = UARTHS(4)) >> 31) {
        }
        if (c == 'a') {
            SYSCTL(0x2c) &= ~4u;
        }
        if (c == 'o') {
            SPI0(0x08) = 0;
            SPI0(0x14) = 100;
            SPI0(0x10) = 0;
            SPI0(0x08) = 1;
            while (SPI0(0x28) & 2) {
                SPI0(0x60) = 0;
            }
        }
        switch (c) {
            WRONG('r', rom, "sw", 0x88000010);
            WRONG('u', unmapped, "ld", 0x20000000);
            WRONG('h', hole, "lw", 0x50470000);
            WRONG('x', register, "sw", 0x3800101c + 0x100);
            WRONG('a', airam, "lw", 0x80600040);
            WRONG('n', narrow, "sb", 0x50200008);
            WRONG('b', clint, "sb", 0x02000000);
            WRONG('o', overrun, "sw", 0x52000060);
        }
        put("went on\n");
    }
}
