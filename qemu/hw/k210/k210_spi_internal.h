/*
 * Kendryte K210 SPI masters: what the registers (k210_spi.c) and the transfer
 * engine (k210_spi_wire.c) share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef K210_SPI_INTERNAL_H
#define K210_SPI_INTERNAL_H

#include "hw/registerfields.h"
#include "hw/k210/k210_spi.h"

REG32(CTRLR0, 0x00)
    /* SPI0/1 */
    FIELD(CTRLR0, TMOD, 8, 2)
    FIELD(CTRLR0, SRL, 11, 1)           /* shift register loop */
    FIELD(CTRLR0, DFS_32, 16, 5)
    FIELD(CTRLR0, SPI_FRF, 21, 2)
    /* SPI3 */
    FIELD(CTRLR0, SSI3_DFS, 0, 5)
    FIELD(CTRLR0, SSI3_TMOD, 10, 2)
    FIELD(CTRLR0, SSI3_SRL, 13, 1)
    FIELD(CTRLR0, SSI3_SPI_FRF, 22, 2)
REG32(CTRLR1, 0x04)
REG32(SSIENR, 0x08)
REG32(MWCR, 0x0c)
REG32(SER, 0x10)
REG32(BAUDR, 0x14)
REG32(TXFTLR, 0x18)
REG32(RXFTLR, 0x1c)
REG32(TXFLR, 0x20)
REG32(RXFLR, 0x24)
REG32(SR, 0x28)
    FIELD(SR, BUSY, 0, 1)
    FIELD(SR, TFNF, 1, 1)
    FIELD(SR, TFE, 2, 1)
    FIELD(SR, RFNE, 3, 1)
    FIELD(SR, RFF, 4, 1)
REG32(IMR, 0x2c)
REG32(ISR, 0x30)
REG32(RISR, 0x34)
    FIELD(RISR, TXE, 0, 1)
    FIELD(RISR, TXO, 1, 1)
    FIELD(RISR, RXU, 2, 1)
    FIELD(RISR, RXO, 3, 1)
    FIELD(RISR, RXF, 4, 1)
    FIELD(RISR, MST, 5, 1)
REG32(TXOICR, 0x38)
REG32(RXOICR, 0x3c)
REG32(RXUICR, 0x40)
REG32(MSTICR, 0x44)
REG32(ICR, 0x48)
REG32(DMACR, 0x4c)
    FIELD(DMACR, RDMAE, 0, 1)
    FIELD(DMACR, TDMAE, 1, 1)
REG32(DMATDLR, 0x50)
REG32(DMARDLR, 0x54)
REG32(IDR, 0x58)
REG32(SSIC_VERSION, 0x5c)
REG32(DR, 0x60)
REG32(DR_LAST, 0xec)
REG32(RX_SAMPLE_DELAY, 0xf0)
REG32(SPI_CTRLR0, 0xf4)
    FIELD(SPI_CTRLR0, TRANS_TYPE, 0, 2)
    FIELD(SPI_CTRLR0, ADDR_L, 2, 4)
    FIELD(SPI_CTRLR0, INST_L, 8, 2)
    FIELD(SPI_CTRLR0, WAIT_CYCLES, 11, 5)
REG32(XIP_MODE_BITS, 0xfc)
REG32(XIP_INCR_INST, 0x100)
REG32(XIP_WRAP_INST, 0x104)
REG32(XIP_CTRL, 0x108)
    FIELD(XIP_CTRL, FRF, 0, 2)
    FIELD(XIP_CTRL, TRANS_TYPE, 2, 2)
    FIELD(XIP_CTRL, ADDR_L, 4, 4)
    FIELD(XIP_CTRL, INST_L, 9, 2)
    FIELD(XIP_CTRL, MD_BITS_EN, 12, 1)
    FIELD(XIP_CTRL, WAIT_CYCLES, 13, 5)
    FIELD(XIP_CTRL, INST_EN, 22, 1)
    FIELD(XIP_CTRL, MD_BITS_L, 26, 3)
REG32(XIP_SER, 0x10c)
REG32(XRXOICR, 0x110)
REG32(XIP_CNT_TIME_OUT, 0x114)
REG32(ENDIAN, 0x118)

enum { TMOD_TXRX, TMOD_TX, TMOD_RX, TMOD_EEPROM };

enum {
    PHASE_START,            /* the next TX entry begins a command */
    PHASE_INST,             /* instruction sent, address is next */
    PHASE_ADDR_LOW,         /* upper address word sent, lower is next */
    PHASE_WAIT,             /* address sent, wait cycles are next */
    PHASE_TX,               /* data frames out */
    PHASE_RX,               /* rx_left frames in */
    PHASE_DONE,             /* enhanced receive finished */
};

enum { FRAME_TX, FRAME_TXRX, FRAME_RX, FRAME_WAIT };

/* FIFOs */

static inline void k210_spi_fifo_clear(K210SpiFifo *f)
{
    f->head = 0;
    f->num = 0;
}

static inline void k210_spi_fifo_push(K210SpiFifo *f, uint32_t value)
{
    assert(f->num < K210_SPI_AHEAD);
    f->data[(f->head + f->num) % K210_SPI_AHEAD] = value;
    f->num++;
}

static inline uint32_t k210_spi_fifo_pop(K210SpiFifo *f)
{
    uint32_t value = f->data[f->head];

    assert(f->num > 0);
    f->head = (f->head + 1) % K210_SPI_AHEAD;
    f->num--;
    return value;
}

static inline bool k210_spi_enabled(K210SpiState *s)
{
    return s->regs[R_SSIENR] & 1;
}

static inline bool k210_spi_dma_rx_on(K210SpiState *s)
{
    return ARRAY_FIELD_EX32(s->regs, DMACR, RDMAE);
}

static inline bool k210_spi_dma_tx_on(K210SpiState *s)
{
    return ARRAY_FIELD_EX32(s->regs, DMACR, TDMAE);
}

/* "k210-spi3" and so on, for messages */
const char *k210_spi_name(K210SpiState *s);

/* Bits of an INST_L code */
unsigned k210_spi_inst_bits(unsigned inst_l);

/* Runs the wire up to the present virtual time. */
void k210_spi_run(K210SpiState *s);

/* Cuts off what is on the wire and raises the selects: SSIENR or SER cleared */
void k210_spi_abort(K210SpiState *s);

/* Forgets the transfer at a reset, without touching any line. */
void k210_spi_forget(K210SpiState *s);

bool k210_spi_busy(K210SpiState *s);

/* RISR as it reads now */
uint32_t k210_spi_risr(K210SpiState *s);

/* Entries that may be written to the TX FIFO */
uint32_t k210_spi_tx_room(K210SpiState *s);

/* Interrupt and DMA request lines */
void k210_spi_update_lines(K210SpiState *s);

/* The same and the timer; after every register access */
void k210_spi_update(K210SpiState *s);

/* Something happened that the wire has to look at as soon as it can. */
void k210_spi_kick(K210SpiState *s);

/* Timer callback; the opaque is the K210SpiState. */
void k210_spi_timer(void *opaque);

/* Chip selects that are low from now on */
void k210_spi_select(K210SpiState *s, uint32_t mask);

/* Shifts a frame of 1..32 bits, most significant byte first. */
uint32_t k210_spi_shift(K210SpiState *s, uint32_t value, unsigned bits);

/* One byte on the SSI bus, or back at once in loop mode */
uint32_t k210_spi_shift_byte(K210SpiState *s, uint32_t byte);

/* What a load from the window gives, when that can be told without a command */
bool k210_spi_xip_peek(K210SpiState *s, hwaddr offset, unsigned size,
                       uint32_t *value);

void k210_spi_code_init(K210SpiState *s, Error **errp);

/* The window was opened or closed. */
void k210_spi_code_forget(void);

#endif
