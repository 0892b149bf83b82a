/*
 * Kendryte K210: UARTHS, the SiFive UART on the CPU clock
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_UARTHS_H
#define HW_K210_UARTHS_H

#include "chardev/char-fe.h"
#include "hw/clock.h"
#include "hw/sysbus.h"
#include "qemu/fifo8.h"
#include "qom/object.h"

#define TYPE_K210_UARTHS "k210-uarths"
OBJECT_DECLARE_SIMPLE_TYPE(K210UarthsState, K210_UARTHS)

#define K210_UARTHS_FIFO 8

/* Clock input "clk" = CPU clock, property "chardev". */
struct K210UarthsState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    CharBackend chr;
    qemu_irq irq;
    QEMUTimer *tx_timer;
    QEMUTimer *rx_timer;

    Fifo8 tx;
    Fifo8 rx;
    uint32_t txctrl;
    uint32_t rxctrl;
    uint32_t ie;
    uint32_t div;
    uint8_t shift;      /* the character on the line */
    bool shifting;
    int64_t rx_next;    /* when the line can have carried another one */
    int64_t polled;     /* when a program last asked for a character */
};

#endif
