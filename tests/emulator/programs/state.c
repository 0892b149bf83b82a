// SPDX-License-Identifier: MIT
// Reports the state in which the boot ROM starts a program, and calls its fixed entries.
#include "test.h"

extern uint64_t entry_state[2][8];
static volatile uint64_t ready;

uint64_t trap(uint64_t cause, uint64_t epc, uint64_t addr) {
    put_hex("exception", cause);
    put_hex("epc", epc);
    put_hex("addr", addr);
    for (;;) {
        wfi();
    }
}

void main(uint64_t hart) {
    static const char *const names[] = {"a0", "gp", "tp", "mtvec", "mstatus", "mie", "mip"};
    uint8_t id[4] = {0};
    uint32_t pll0, sel0;
    int r;

    if (hart) {
        csr_write(mie, 0);
        ready = 1;
        return;
    }
    for (int i = 0; i < 7; i++) {
        put_hex(names[i], entry_state[0][i]);
    }
    MSIP(1) = 1;  // hart 1 has been sent here by the ROM, except after an ISP boot
    while (!ready) {
    }
    put_hex("hart1_a0", entry_state[1][0]);
    put_hex("hart1_mie", entry_state[1][5]);
    put_hex("hart1_mip", entry_state[1][6]);
    pll0 = SYSCTL(0x08);
    sel0 = SYSCTL(0x20);
    put_hex("sel0", sel0);
    put_hex("cpu_mhz", 26 * ((pll0 >> 4 & 63) + 1) / (((pll0 & 15) + 1) * ((pll0 >> 10 & 15) + 1)) / (2 << (sel0 >> 1 & 3)));
    put_hex("uarths_div", UARTHS(0x18));
    put_hex("uarths_ie", UARTHS(0x10));
    put_hex("plic_pending", PLIC(0x1000) | PLIC(0x1004) | PLIC(0x1008));
    put_hex("dmac_cfg", REG(0x50000010));
    put_hex("dma_irq_enable", REG(0x50000180));
    put_hex("dma_sel", SYSCTL(0x64) | SYSCTL(0x68));
    r = ((int (*)(uint32_t, uint8_t *, uint32_t))0x8800453c)(0x3d9c, id, 4);
    put_hex("otp_status", r);
    put_hex("serial", id[0] | id[1] << 8 | id[2] << 16 | (uint32_t)id[3] << 24);
    r = ((int (*)(uint32_t, uint8_t *, uint32_t))0x8800476c)(0x3dd0, id, 4);
    put_hex("otp_checked_status", r);
    put_hex("getchar", (uint32_t)((int (*)(void))0x88008bd0)());
    put_hex("vsnprintf", (uint32_t)((int (*)(void *))0x88001418)((void *)0));
    ((int (*)(const char *, ...))0x880016b0)("printk %d 0x%04x %s %%\n", -7, 0xab, "text");
    put("done\n");
    while (UARTHS(4) >> 31) {
    }
    csr_write(mtvec, entry_state[0][3]);
    ((void (*)(void))0x20000000)();
}
