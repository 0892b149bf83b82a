/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UARTHS, the boot console. */

#include "rom.h"

#define TXDATA  0x00
#define RXDATA  0x04
#define TXCTRL  0x08
#define RXCTRL  0x0c
#define IE      0x10
#define IP      0x14
#define DIV     0x18

#define IE_RXWM 2

#define IRQ_UARTHS 33

#define IN0_HZ 26000000u

/* The CPU clock that SYSCTL is set to. */
uint32_t cpu_hz(void)
{
    uint32_t pll = SYSCTL(0x08), sel = SYSCTL(0x20);

    if (!(sel & 1)) {
        return IN0_HZ;
    }
    return (uint64_t)IN0_HZ * ((pll >> 4 & 63) + 1) /
           (((pll & 15) + 1) * ((pll >> 10 & 15) + 1)) / (2u << (sel >> 1 & 3));
}

void uart_set_baud(uint32_t baud)
{
    UARTHS(DIV) = (cpu_hz() + baud / 2) / baud - 1;
    UARTHS(TXCTRL) = 1;
    UARTHS(RXCTRL) = 1;
    /* As the vendor's code leaves it: RustSBI counts on that. */
    UARTHS(IE) = IE_RXWM;
}

void uart_put(uint8_t c)
{
    while (UARTHS(TXDATA) >> 31) {
    }
    UARTHS(TXDATA) = c;
}

/* Until the FIFO has run empty (the last byte may still be on the line). */
void uart_flush(void)
{
    UARTHS(TXCTRL) = 1 | 1 << 16;
    while (!(UARTHS(IP) & 1)) {
    }
    UARTHS(TXCTRL) = 1;
}

int uart_get(void)
{
    uint32_t r = UARTHS(RXDATA);

    return r >> 31 ? -1 : (int)(r & 0xff);
}

uint8_t uart_wait(void)
{
    int c;

    /* The interrupt is only to end wfi; mstatus.MIE stays clear. */
    UARTHS(IE) = IE_RXWM;
    PLIC(4 * IRQ_UARTHS) = 1;
    PLIC(0x2000 + 4 * (IRQ_UARTHS / 32)) = 1 << IRQ_UARTHS % 32;
    PLIC(0x200000) = 0;
    __asm__ volatile("csrs mie, %0" : : "r"(0x800));
    while ((c = uart_get()) < 0) {
        __asm__ volatile("wfi");
        /* claim and complete: an interrupt once raised stays pending */
        PLIC(0x200004) = PLIC(0x200004);
    }
    return c;
}

void uart_wait_end(void)
{
    uint32_t source;

    __asm__ volatile("csrw mie, zero");
    UARTHS(IE) = 0;
    /* what has been raised must not surprise the program that follows */
    while ((source = PLIC(0x200004))) {
        PLIC(0x200004) = source;
    }
    PLIC(0x2000 + 4 * (IRQ_UARTHS / 32)) = 0;
    PLIC(4 * IRQ_UARTHS) = 0;
    /*
     * A flash stub takes the pads for another UART. What the tool sends
     * meanwhile waits for that one and does not get lost in this.
     */
    UARTHS(RXCTRL) = 0;
}
