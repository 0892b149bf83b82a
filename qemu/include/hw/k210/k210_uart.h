/*
 * Kendryte K210: UART1..UART3 (DesignWare APB UART 4.01a)
 *
 * Clock input "clk" is the APB0 clock. Named GPIO outputs "dma-rx" and
 * "dma-tx" carry the number of characters that can be moved. Chardev
 * property "chardev".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_UART_H
#define HW_K210_UART_H

#include "chardev/char-fe.h"
#include "hw/sysbus.h"
#include "qemu/fifo8.h"
#include "qom/object.h"

#define TYPE_K210_UART "k210-uart"
OBJECT_DECLARE_SIMPLE_TYPE(K210UartState, K210_UART)

/* The configuration register of the chip says 16 (the datasheet says 8). */
#define K210_UART_FIFO 16
#define K210_UART_NREGS (0x100 / 4)

struct K210UartState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    CharBackend chr;
    Clock *clk;
    qemu_irq irq;
    qemu_irq dma_rx;
    qemu_irq dma_tx;
    uint32_t index;

    /* Plain storage registers, by word; the others have fields of their own. */
    uint32_t regs[K210_UART_NREGS];
    uint8_t ier;
    uint8_t fcr;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t lsr_errors; /* OE PE FE BI, kept until LSR is read */
    uint8_t msr_delta;
    uint8_t dll;
    uint8_t dlh;
    uint8_t dlf;
    bool thre_pending;  /* THRE interrupt not acknowledged yet */
    bool timeout;       /* character timeout */
    bool sending;       /* the shift register is busy */
    uint8_t shift;

    Fifo8 rx;
    Fifo8 tx;
    QEMUTimer tx_timer;
    QEMUTimer rx_timer; /* to look for the next character */
    int64_t rx_next;    /* when the line can have carried another one */
    int64_t polled;     /* when a program last asked for characters */
    QEMUTimer timeout_timer;
};

#endif
