// SPDX-License-Identifier: MIT
// Calls code in the flash window of SPI3. The code lies here as well; whoever makes the flash copies it, word by word
// with the first byte last, as 32-bit reads want it.
#include "test.h"

#define SPI3(o) REG(0x54000000 + (o))
#define WINDOW 0x54010000

// Sum of n, n - 1, ... 1 with instructions of both sizes, a load of a constant, and a call on the stack.
__asm__(".section .text.xip, \"ax\"\n"
    ".globl xip_code, xip_end\n"
    ".balign 8\n"
    "xip_code: addi sp, sp, -16\n"
    "sd ra, 0(sp)\n"
    "mv t0, a0\n"
    "li a0, 0\n"
    "1: add a0, a0, t0\n"
    "addi t0, t0, -1\n"
    "bnez t0, 1b\n"
    "lw t1, 4f\n"
    "call 2f\n"
    "ld ra, 0(sp)\n"
    "addi sp, sp, 16\n"
    "ret\n"
    "2: add a0, a0, t1\n"
    "ret\n"
    ".balign 4\n"
    "4: .word 0x1000000\n"
    ".balign 4\n"
    "xip_end:\n"
    ".text\n");

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    (void)addr;
    put_hex("trap", cause);
    put_hex("epc", epc);
    put("done\n");
    for (;;) {
    }
}

static void window(int on) {
    SYSCTL(0x58) = on ? SYSCTL(0x58) | 1 << 15 : SYSCTL(0x58) & ~(1u << 15);
}

void main(uint64_t hart) {
    uint64_t (*code)(uint64_t) = (void *)WINDOW;
    if (hart) {
        return;
    }
    SPI3(0x10) = 0;
    SPI3(0x08) = 0;
    SPI3(0x00) = 7;
    SPI3(0xf4) = 0;
    SPI3(0x118) = 0;
    SPI3(0x100) = 0x03;
    SPI3(0x108) = 2 << 9 | 6 << 4 | 1 << 22;
    SPI3(0x10c) = 1;
    SPI3(0x08) = 1;
    window(1);
    put_hex("word", REG(WINDOW));
    put_hex("sum", code(100));
    put_hex("long", code(2000000));
    window(0);
    put_hex("control", SPI3(0x108));
    put("done\n");
}
