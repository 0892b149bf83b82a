/*
 * Kendryte K210: SPI0, SPI1 (DesignWare apb_ssi 4.01) and SPI3 (DWC_ssi 1.01)
 *
 * How time works here. The engine is lazy: every register access first runs
 * the shifter up to the present virtual time (spi_run), so that a polling
 * guest sees frames finish when they would on the wire without one host timer
 * per frame. A QEMU timer is armed only for what a guest can notice without
 * touching a register: interrupts and DMA requests.
 *
 * While a DMA handshake is enabled nobody sees the FIFO levels, so entries may
 * run up to K210_SPI_AHEAD frames ahead of the wire instead of 32. That turns
 * thousands of DMA rounds for one picture into a few dozen; the transfer still
 * takes its full time.
 *
 * Two rules follow from a guest that runs slower than the silicon:
 *  - a receive-only transfer waits while the RX FIFO is full (the real core
 *    goes on and loses frames),
 *  - a chip select stays low from the first frame until SER or SSIENR is
 *    cleared, even if the TX FIFO runs dry meanwhile.
 *
 * Frames travel on the SSI bus as bytes, most significant first. Wait cycles
 * of dual/quad/octal transfers are clocks * lanes / 8 bytes of 0xFF.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_mmio.h"
#include "hw/k210/k210_spi.h"
#include "hw/k210/k210_strict.h"
#include "trace.h"

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

static const uint8_t inst_bits[4] = { 0, 4, 8, 16 };

/* Timer of a guest that polls nothing: it never has to be sharp. */
#define BACKSTOP_NS     100000

/* A DMA controller that was late does not make the wire slower than this. */
#define CATCH_UP_NS     2000000

static int64_t spi_clock_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) << 8;
}

static const char *spi_name(K210SpiState *s)
{
    static const char *const names[4] = {
        "k210-spi0", "k210-spi1", "k210-spi2", "k210-spi3"
    };

    return names[s->index & 3];
}

/* CTRLR0 fields, whose places differ between SPI0/1 and SPI3 */

static unsigned spi_tmod(K210SpiState *s)
{
    return s->index == 3 ? ARRAY_FIELD_EX32(s->regs, CTRLR0, SSI3_TMOD)
                         : ARRAY_FIELD_EX32(s->regs, CTRLR0, TMOD);
}

static unsigned spi_frame_bits(K210SpiState *s)
{
    return 1 + (s->index == 3 ? ARRAY_FIELD_EX32(s->regs, CTRLR0, SSI3_DFS)
                              : ARRAY_FIELD_EX32(s->regs, CTRLR0, DFS_32));
}

static unsigned spi_frf(K210SpiState *s)
{
    return s->index == 3 ? ARRAY_FIELD_EX32(s->regs, CTRLR0, SSI3_SPI_FRF)
                         : ARRAY_FIELD_EX32(s->regs, CTRLR0, SPI_FRF);
}

static bool spi_loop_back(K210SpiState *s)
{
    return s->index == 3 ? ARRAY_FIELD_EX32(s->regs, CTRLR0, SSI3_SRL)
                         : ARRAY_FIELD_EX32(s->regs, CTRLR0, SRL);
}

static uint32_t spi_ctrlr0_mask(K210SpiState *s)
{
    /* Software tells the layouts apart by which bits stay 0. */
    return s->index == 3 ? 0x00cf7fdf : 0x007ffff0;
}

static bool spi_enabled(K210SpiState *s)
{
    return s->regs[R_SSIENR] & 1;
}

/* FIFOs */

static void fifo_clear(K210SpiFifo *f)
{
    f->head = 0;
    f->num = 0;
}

static void fifo_push(K210SpiFifo *f, uint32_t value)
{
    assert(f->num < K210_SPI_AHEAD);
    f->data[(f->head + f->num) % K210_SPI_AHEAD] = value;
    f->num++;
}

static uint32_t fifo_pop(K210SpiFifo *f)
{
    uint32_t value = f->data[f->head];

    assert(f->num > 0);
    f->head = (f->head + 1) % K210_SPI_AHEAD;
    f->num--;
    return value;
}

static bool spi_dma_rx_on(K210SpiState *s)
{
    return ARRAY_FIELD_EX32(s->regs, DMACR, RDMAE);
}

static bool spi_dma_tx_on(K210SpiState *s)
{
    return ARRAY_FIELD_EX32(s->regs, DMACR, TDMAE);
}

static uint32_t spi_tx_room(K210SpiState *s)
{
    uint32_t size = K210_SPI_FIFO;

    /* Only a running transfer may be fed ahead. */
    if (spi_dma_tx_on(s) && spi_enabled(s) && s->regs[R_SER]) {
        size = K210_SPI_AHEAD;
    }
    return s->tx.num < size ? size - s->tx.num : 0;
}

static bool spi_rx_full(K210SpiState *s)
{
    return s->rx.num >= (spi_dma_rx_on(s) ? K210_SPI_AHEAD : K210_SPI_FIFO);
}

/* Chip selects */

static void spi_select(K210SpiState *s, uint32_t mask)
{
    uint32_t changed = mask ^ s->selected;

    s->selected = mask;
    for (unsigned i = 0; i < K210_SPI_NUM_CS; i++) {
        if (changed & BIT(i)) {
            trace_k210_spi_cs(s->index, i, !!(mask & BIT(i)));
            qemu_set_irq(s->cs[i], !(mask & BIT(i)));
        }
    }
}

static uint32_t spi_wire_byte(K210SpiState *s, uint32_t byte)
{
    return spi_loop_back(s) ? byte : ssi_transfer(s->bus, byte) & 0xff;
}

static uint32_t spi_wire(K210SpiState *s, uint32_t value, unsigned bits)
{
    uint32_t in = 0;

    if (bits < 32) {
        value &= BIT(bits) - 1;
    }
    for (int shift = ROUND_UP(bits, 8) - 8; shift >= 0; shift -= 8) {
        in = (in << 8) | spi_wire_byte(s, (value >> shift) & 0xff);
    }
    return bits < 32 ? in & (BIT(bits) - 1) : in;
}

/* Nanoseconds/256 of a number of serial clocks; 0 = the clock stands still */
static int64_t spi_duration(K210SpiState *s, unsigned clocks)
{
    return muldiv64(clock_get(s->clk), clocks * s->regs[R_BAUDR], 1u << 24);
}

static unsigned spi_clocks(unsigned bits, unsigned lanes)
{
    return DIV_ROUND_UP(bits, lanes);
}

static uint32_t spi_data_swap(K210SpiState *s, uint32_t value)
{
    if ((s->regs[R_ENDIAN] & 1) && spi_frame_bits(s) == 32) {
        return bswap32(value);
    }
    return value;
}

/*
 * Put the next frame into the shifter. Returns the number of serial clocks it
 * takes, 0 when nothing can be sent or received now.
 */
static unsigned spi_fetch_standard(K210SpiState *s)
{
    s->frame_bits = spi_frame_bits(s);

    switch (spi_tmod(s)) {
    case TMOD_TXRX:
        /* A slow DMA channel must not lose frames it will come for. */
        if (spi_dma_rx_on(s) && spi_rx_full(s)) {
            return 0;
        }
        /* fall through */
    case TMOD_TX:
        if (!s->tx.num) {
            return 0;
        }
        s->frame_kind = spi_tmod(s) == TMOD_TX ? FRAME_TX : FRAME_TXRX;
        s->frame_value = spi_data_swap(s, fifo_pop(&s->tx));
        return s->frame_bits;

    case TMOD_RX:
        if (s->phase != PHASE_RX) {
            if (!s->tx.num) {
                return 0;
            }
            fifo_pop(&s->tx);   /* the word that only starts the transfer */
            s->phase = PHASE_RX;
            s->rx_left = (s->regs[R_CTRLR1] & 0xffff) + 1;
        }
        break;

    default: /* TMOD_EEPROM */
        if (s->phase != PHASE_RX) {
            if (s->tx.num) {
                s->phase = PHASE_TX;
                s->frame_kind = FRAME_TX;
                s->frame_value = spi_data_swap(s, fifo_pop(&s->tx));
                return s->frame_bits;
            }
            if (s->phase != PHASE_TX) {
                return 0;
            }
            s->phase = PHASE_RX;
            s->rx_left = (s->regs[R_CTRLR1] & 0xffff) + 1;
        }
        break;
    }

    if (spi_rx_full(s)) {
        return 0;
    }
    s->frame_kind = FRAME_RX;
    return s->frame_bits;
}

static unsigned spi_fetch_enhanced(K210SpiState *s)
{
    uint32_t c = s->regs[R_SPI_CTRLR0];
    unsigned lanes = 1u << spi_frf(s);
    unsigned type = FIELD_EX32(c, SPI_CTRLR0, TRANS_TYPE);
    unsigned inst = inst_bits[FIELD_EX32(c, SPI_CTRLR0, INST_L)];
    unsigned addr = 4 * FIELD_EX32(c, SPI_CTRLR0, ADDR_L);
    unsigned wait = FIELD_EX32(c, SPI_CTRLR0, WAIT_CYCLES);
    bool receive = spi_tmod(s) >= TMOD_RX;

    s->frame_kind = FRAME_TX;
    switch (s->phase) {
    case PHASE_START:
        if (inst) {
            if (!s->tx.num) {
                return 0;
            }
            s->frame_value = fifo_pop(&s->tx);
            s->frame_bits = inst;
            s->phase = PHASE_INST;
            return spi_clocks(inst, type >= 2 ? lanes : 1);
        }
        /* fall through */
    case PHASE_INST:
        if (addr) {
            unsigned bits = addr;

            if (!s->tx.num) {
                return 0;
            }
            s->phase = PHASE_WAIT;
            if (addr > 32) {
                bits = addr - 32;
                s->phase = PHASE_ADDR_LOW;
            }
            s->frame_value = fifo_pop(&s->tx);
            s->frame_bits = bits;
            return spi_clocks(bits, type >= 1 ? lanes : 1);
        }
        goto wait;
    case PHASE_ADDR_LOW:
        if (!s->tx.num) {
            return 0;
        }
        s->frame_value = fifo_pop(&s->tx);
        s->frame_bits = 32;
        s->phase = PHASE_WAIT;
        return spi_clocks(32, type >= 1 ? lanes : 1);
    case PHASE_WAIT:
wait:
        if (!receive) {
            s->phase = PHASE_TX;
            goto transmit;
        }
        s->phase = PHASE_RX;
        s->rx_left = (s->regs[R_CTRLR1] & 0xffff) + 1;
        if (wait) {
            s->frame_kind = FRAME_WAIT;
            s->frame_bits = wait * lanes;
            return wait;
        }
        /* fall through */
    case PHASE_RX:
        if (spi_rx_full(s)) {
            return 0;
        }
        s->frame_kind = FRAME_RX;
        s->frame_bits = spi_frame_bits(s);
        return spi_clocks(s->frame_bits, lanes);
    case PHASE_TX:
transmit:
        if (!s->tx.num) {
            return 0;
        }
        s->frame_value = spi_data_swap(s, fifo_pop(&s->tx));
        s->frame_bits = spi_frame_bits(s);
        return spi_clocks(s->frame_bits, lanes);
    default: /* PHASE_DONE: further TX entries start nothing */
        return 0;
    }
}

static void spi_finish_frame(K210SpiState *s)
{
    uint32_t in;

    switch (s->frame_kind) {
    case FRAME_TX:
        spi_wire(s, s->frame_value, s->frame_bits);
        return;
    case FRAME_WAIT:
        for (unsigned n = DIV_ROUND_UP(s->frame_bits, 8); n; n--) {
            spi_wire_byte(s, 0xff);
        }
        return;
    case FRAME_TXRX:
        in = spi_wire(s, s->frame_value, s->frame_bits);
        if (spi_rx_full(s)) {
            s->sticky |= R_RISR_RXO_MASK;
            return;
        }
        break;
    default: /* FRAME_RX */
        in = spi_wire(s, UINT32_MAX, s->frame_bits);
        if (--s->rx_left == 0) {
            s->phase = spi_frf(s) ? PHASE_DONE : PHASE_START;
        }
        break;
    }
    fifo_push(&s->rx, spi_data_swap(s, in));
}

/* Run the wire up to the present. */
static void spi_run(K210SpiState *s)
{
    int64_t now;
    bool enhanced;

    if (!spi_enabled(s) || !s->regs[R_SER]) {
        return;
    }
    now = spi_clock_now();
    enhanced = spi_frf(s);

    for (;;) {
        if (!s->shifting) {
            unsigned clocks;
            int64_t duration;

            if (!spi_duration(s, 1)) {
                if (s->tx.num && !s->no_clock_told) {
                    s->no_clock_told = true;
                    k210_guest_error("%s: transfer with %s", spi_name(s),
                                     s->regs[R_BAUDR] ? "its clock off"
                                                      : "BAUDR 0");
                }
                return;
            }
            clocks = enhanced ? spi_fetch_enhanced(s) : spi_fetch_standard(s);
            if (!clocks) {
                s->idle = true;
                return;
            }
            if (s->idle) {
                bool dma = spi_dma_rx_on(s) || spi_dma_tx_on(s);
                int64_t floor = now - (dma && s->selected ?
                                       (int64_t)CATCH_UP_NS << 8 : 0);

                s->now = MAX(s->now, floor);
                s->idle = false;
            }
            duration = spi_duration(s, clocks);
            s->frame_end = s->now + duration;
            s->shifting = true;
            spi_select(s, s->regs[R_SER]);
        }
        if (s->frame_end > now) {
            return;
        }
        s->now = s->frame_end;
        s->shifting = false;
        spi_finish_frame(s);
    }
}

/* SSIENR or SER cleared: whatever is on the wire is cut off. */
static void spi_abort(K210SpiState *s)
{
    s->shifting = false;
    s->idle = true;
    s->phase = PHASE_START;
    s->rx_left = 0;
    s->now = spi_clock_now();
    s->no_clock_told = false;
    spi_select(s, 0);
}

static bool spi_busy(K210SpiState *s)
{
    return s->shifting || s->phase == PHASE_RX;
}

static uint32_t spi_risr(K210SpiState *s)
{
    uint32_t r = s->sticky;

    if (spi_enabled(s) && s->tx.num <= s->regs[R_TXFTLR]) {
        r |= R_RISR_TXE_MASK;
    }
    if (s->rx.num > s->regs[R_RXFTLR]) {
        r |= R_RISR_RXF_MASK;
    }
    return r;
}

/* Frames after which somebody who does not poll has to be told something */
static uint32_t spi_frames_to_event(K210SpiState *s)
{
    uint32_t frames = s->phase == PHASE_RX ? s->rx_left : s->tx.num;
    uint32_t imr = s->regs[R_IMR];
    bool receives = spi_tmod(s) != TMOD_TX;

    if (spi_tmod(s) == TMOD_RX && !spi_frf(s) && s->phase != PHASE_RX) {
        frames = 1;
    }
    if (spi_dma_rx_on(s) && receives && s->rx.num < K210_SPI_AHEAD / 2) {
        frames = MIN(frames, K210_SPI_AHEAD / 2 - s->rx.num);
    }
    if (spi_dma_tx_on(s) && s->tx.num > K210_SPI_AHEAD / 2) {
        frames = MIN(frames, s->tx.num - K210_SPI_AHEAD / 2);
    }
    if ((imr & R_RISR_TXE_MASK) && s->tx.num > s->regs[R_TXFTLR]) {
        frames = MIN(frames, s->tx.num - s->regs[R_TXFTLR]);
    }
    if ((imr & R_RISR_RXF_MASK) && receives &&
        s->rx.num <= s->regs[R_RXFTLR]) {
        frames = MIN(frames, s->regs[R_RXFTLR] + 1 - s->rx.num);
    }
    return frames;
}

static void spi_arm_timer(K210SpiState *s)
{
    bool watched = s->regs[R_DMACR] || s->regs[R_IMR];
    unsigned clocks = spi_clocks(spi_frame_bits(s), 1u << spi_frf(s));
    int64_t end;

    if (!s->shifting) {
        if (timer_pending(s->timer)) {
            timer_del(s->timer);
        }
        return;
    }
    /* An early timer only finds less to do and arms itself again. */
    if (timer_pending(s->timer) && !watched) {
        return;
    }
    end = s->frame_end + spi_duration(s, clocks) * spi_frames_to_event(s);
    end = (end + 255) >> 8;
    if (!watched) {
        end = MAX(end, (s->now >> 8) + BACKSTOP_NS);
    }
    if (!timer_pending(s->timer) || timer_expire_time_ns(s->timer) > end) {
        timer_mod(s->timer, end);
    }
}

static void spi_update_lines(K210SpiState *s)
{
    bool irq = spi_risr(s) & s->regs[R_IMR];
    uint32_t rx = 0, tx = 0;

    if (spi_enabled(s)) {
        if (spi_dma_rx_on(s) &&
            (s->rx.num > s->regs[R_DMARDLR] || !spi_busy(s))) {
            rx = s->rx.num;
        }
        if (spi_dma_tx_on(s) &&
            s->tx.num <= MAX(s->regs[R_DMATDLR],
                             s->selected ? K210_SPI_AHEAD / 2 : 0)) {
            tx = spi_tx_room(s);
        }
    }
    if (irq != s->irq_level) {
        s->irq_level = irq;
        qemu_set_irq(s->irq, irq);
    }
    if (rx != s->dma_rx_level) {
        s->dma_rx_level = rx;
        qemu_set_irq(s->dma_rx, rx);
    }
    if (tx != s->dma_tx_level) {
        s->dma_tx_level = tx;
        qemu_set_irq(s->dma_tx, tx);
    }
}

static void spi_update(K210SpiState *s)
{
    spi_arm_timer(s);
    spi_update_lines(s);
}

static void spi_timer(void *opaque)
{
    K210SpiState *s = opaque;

    spi_run(s);
    spi_update(s);
}

static bool spi_reg_exists(K210SpiState *s, unsigned reg)
{
    if (reg >= R_DR && reg <= R_DR_LAST) {
        return true;
    }
    if (reg >= R_XIP_MODE_BITS && reg < R_ENDIAN) {
        return s->index == 3;
    }
    /* 0xf8 is a hole that the vendor's struct copies over. */
    return reg <= R_ENDIAN;
}

static uint64_t spi_read(void *opaque, hwaddr offset, unsigned size)
{
    K210SpiState *s = opaque;
    unsigned reg = offset >> 2;
    uint32_t value;

    if (!k210_mmio_ok(spi_name(s), false, offset, size)) {
        return 0;
    }
    if (!spi_reg_exists(s, reg)) {
        k210_mmio_no_register(spi_name(s), false, offset);
        return 0;
    }
    spi_run(s);

    switch (reg) {
    case R_TXFLR:
        value = MIN(s->tx.num, K210_SPI_FIFO);
        break;
    case R_RXFLR:
        value = MIN(s->rx.num, K210_SPI_FIFO);
        break;
    case R_SR:
        value = 0;
        value = FIELD_DP32(value, SR, BUSY, spi_busy(s));
        value = FIELD_DP32(value, SR, TFNF, s->tx.num < K210_SPI_FIFO);
        value = FIELD_DP32(value, SR, TFE, s->tx.num == 0);
        value = FIELD_DP32(value, SR, RFNE, s->rx.num != 0);
        value = FIELD_DP32(value, SR, RFF, s->rx.num >= K210_SPI_FIFO);
        break;
    case R_ISR:
        value = spi_risr(s) & s->regs[R_IMR];
        break;
    case R_RISR:
        value = spi_risr(s);
        break;
    case R_TXOICR:
        value = !!(s->sticky & R_RISR_TXO_MASK);
        s->sticky &= ~R_RISR_TXO_MASK;
        break;
    case R_RXOICR:
        value = !!(s->sticky & R_RISR_RXO_MASK);
        s->sticky &= ~R_RISR_RXO_MASK;
        break;
    case R_RXUICR:
        value = !!(s->sticky & R_RISR_RXU_MASK);
        s->sticky &= ~R_RISR_RXU_MASK;
        break;
    case R_MSTICR:
        value = !!(s->sticky & R_RISR_MST_MASK);
        s->sticky &= ~R_RISR_MST_MASK;
        break;
    case R_ICR:
        value = !!s->sticky;
        s->sticky = 0;
        break;
    case R_SSIC_VERSION:
        value = s->index == 3 ? 0x3130312a : 0x3430312a;
        break;
    case R_IDR:
    case R_XRXOICR:
        value = 0;
        break;
    case R_DR ... R_DR_LAST:
        if (s->rx.num) {
            value = fifo_pop(&s->rx);
            /* There is room again: a waiting receive goes on. */
            spi_run(s);
        } else {
            value = 0;
            s->sticky |= R_RISR_RXU_MASK;
        }
        break;
    default:
        value = s->regs[reg];
        break;
    }
    spi_update(s);
    return value;
}

static void spi_push(K210SpiState *s, uint32_t value)
{
    if (!spi_enabled(s)) {
        k210_guest_error("%s: write to DR while SSIENR is 0 is lost",
                         spi_name(s));
    } else if (!spi_tx_room(s)) {
        s->sticky |= R_RISR_TXO_MASK;
        k210_guest_error("%s: TX FIFO overflow", spi_name(s));
    } else {
        fifo_push(&s->tx, value);
    }
}

static void spi_write(void *opaque, hwaddr offset, uint64_t val,
                      unsigned size)
{
    K210SpiState *s = opaque;
    unsigned reg = offset >> 2;
    uint32_t value = val;

    if (!k210_mmio_ok(spi_name(s), true, offset, size)) {
        return;
    }
    if (!spi_reg_exists(s, reg)) {
        k210_mmio_no_register(spi_name(s), true, offset);
        return;
    }
    if (reg >= R_DR && reg <= R_DR_LAST && spi_dma_tx_on(s)) {
        /*
         * A DMA burst must be in the FIFO as a whole before the wire goes on.
         * A FIFO that runs dry between its words would end a command early.
         */
        spi_push(s, value);
        spi_update_lines(s);
        if (!s->shifting) {
            int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

            /* Once per burst: timer_mod() is dear at one call per word. */
            if (!timer_pending(s->timer) ||
                timer_expire_time_ns(s->timer) > now) {
                timer_mod(s->timer, now);
            }
        }
        return;
    }
    spi_run(s);

    switch (reg) {
    case R_CTRLR0:
    case R_CTRLR1:
    case R_BAUDR:
    case R_SPI_CTRLR0:
    case R_MWCR:
        if (reg == R_CTRLR0) {
            value &= spi_ctrlr0_mask(s);
        } else if (reg != R_SPI_CTRLR0) {
            value &= 0xffff;
        }
        if (spi_enabled(s)) {
            if (value != s->regs[reg]) {
                k210_guest_error("%s: write to register 0x%x while SSIENR is "
                                 "1 is not taken",
                                 spi_name(s), (unsigned)offset);
            }
            break;
        }
        s->regs[reg] = value;
        break;
    case R_SSIENR:
        s->regs[reg] = value & 1;
        if (!(value & 1)) {
            spi_abort(s);
            fifo_clear(&s->tx);
            fifo_clear(&s->rx);
        } else if (s->idle) {
            s->now = spi_clock_now();
        }
        trace_k210_spi_enable(s->index, value & 1, s->regs[R_CTRLR0],
                              s->regs[R_SPI_CTRLR0], s->regs[R_CTRLR1]);
        break;
    case R_SER:
        value &= (1u << K210_SPI_NUM_CS) - 1;
        if (value != s->regs[reg]) {
            if (s->selected) {
                spi_abort(s);
            }
            s->now = spi_clock_now();
            s->regs[reg] = value;
        }
        break;
    case R_TXFTLR:
    case R_RXFTLR:
        if (value < K210_SPI_FIFO) {
            s->regs[reg] = value;
        }
        break;
    case R_IMR:
        s->regs[reg] = value & 0x7f;
        break;
    case R_DMACR:
        s->regs[reg] = value & 3;
        break;
    case R_DMATDLR:
    case R_DMARDLR:
        s->regs[reg] = value & (K210_SPI_FIFO - 1);
        break;
    case R_DR ... R_DR_LAST:
        spi_push(s, value);
        break;
    case R_TXFLR:
    case R_RXFLR:
    case R_SR:
    case R_ISR ... R_ICR:
    case R_IDR:
    case R_SSIC_VERSION:
    case R_XRXOICR:
        /* read only */
        break;
    default:
        s->regs[reg] = value;
        break;
    }
    spi_run(s);
    spi_update(s);
}

static const MemoryRegionOps spi_ops = K210_MMIO_OPS(spi_read, spi_write);

/*
 * The window runs one read command per load. The controller shifts bytes in
 * as one frame of the load's size, so the first flash byte ends up in the
 * most significant place; single bytes come in flash order.
 */
static uint64_t spi_xip_read(void *opaque, hwaddr offset, unsigned size)
{
    K210SpiState *s = opaque;
    uint32_t c = s->regs[R_XIP_CTRL];
    unsigned lanes = 1u << FIELD_EX32(c, XIP_CTRL, FRF);
    unsigned wait = FIELD_EX32(c, XIP_CTRL, WAIT_CYCLES) * lanes / 8;
    unsigned inst = inst_bits[FIELD_EX32(c, XIP_CTRL, INST_L)];
    unsigned addr = 4 * FIELD_EX32(c, XIP_CTRL, ADDR_L);
    uint32_t value = 0;

    if (!spi_enabled(s) || !s->regs[R_XIP_SER]) {
        k210_guest_error("%s: load from the flash window with %s",
                         spi_name(s), spi_enabled(s) ? "XIP_SER 0"
                                                     : "SSIENR 0");
        return 0;
    }
    spi_select(s, s->regs[R_XIP_SER] & (BIT(K210_SPI_NUM_CS) - 1));
    if (FIELD_EX32(c, XIP_CTRL, INST_EN) && inst) {
        spi_wire(s, s->regs[R_XIP_INCR_INST], inst);
    }
    if (addr) {
        spi_wire(s, offset, MIN(addr, 32));
    }
    if (FIELD_EX32(c, XIP_CTRL, MD_BITS_EN)) {
        /* length code 0..3 = 2, 4, 8, 16 bits */
        unsigned bits = 2u << MIN(FIELD_EX32(c, XIP_CTRL, MD_BITS_L), 3);

        spi_wire(s, s->regs[R_XIP_MODE_BITS], bits);
    }
    while (wait--) {
        spi_wire_byte(s, 0xff);
    }
    for (unsigned n = 0; n < size; n++) {
        value = (value << 8) | spi_wire_byte(s, 0xff);
    }
    spi_select(s, 0);
    return value;
}

static void spi_xip_write(void *opaque, hwaddr offset, uint64_t val,
                          unsigned size)
{
    K210SpiState *s = opaque;

    k210_guest_error("%s: store to the flash window at 0x%x", spi_name(s),
                     (unsigned)offset);
}

static const MemoryRegionOps spi_xip_ops = {
    .read = spi_xip_read,
    .write = spi_xip_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

static void spi_set_xip(void *opaque, int n, int level)
{
    K210SpiState *s = opaque;

    s->xip_on = level;
    if (s->index == 3) {
        memory_region_set_enabled(&s->xip, level);
    }
}

static int spi_post_load(void *opaque, int version_id)
{
    spi_set_xip(opaque, 0, K210_SPI(opaque)->xip_on);
    return 0;
}

static void spi_clk_update(void *opaque, ClockEvent event)
{
    K210SpiState *s = opaque;

    if (event == ClockPreUpdate) {
        spi_run(s);
    } else {
        s->idle = s->idle || !s->shifting;
        s->no_clock_told = false;
        spi_run(s);
        spi_update(s);
    }
}

static void spi_reset_enter(Object *obj, ResetType type)
{
    K210SpiState *s = K210_SPI(obj);

    timer_del(s->timer);
    memset(s->regs, 0, sizeof(s->regs));
    s->regs[R_CTRLR0] = s->index == 3 ? 7 : 7 << R_CTRLR0_DFS_32_SHIFT;
    s->regs[R_IMR] = 0x3f;
    s->regs[R_SPI_CTRLR0] = 0x200;
    fifo_clear(&s->tx);
    fifo_clear(&s->rx);
    s->sticky = 0;
    s->phase = PHASE_START;
    s->rx_left = 0;
    s->shifting = false;
    s->idle = true;
    s->no_clock_told = false;
    s->now = 0;
    s->frame_end = 0;
}

static void spi_reset_hold(Object *obj, ResetType type)
{
    K210SpiState *s = K210_SPI(obj);

    s->selected = 0;
    for (unsigned i = 0; i < K210_SPI_NUM_CS; i++) {
        qemu_irq_raise(s->cs[i]);
    }
    s->irq_level = false;
    s->dma_rx_level = 0;
    s->dma_tx_level = 0;
    qemu_irq_lower(s->irq);
    qemu_set_irq(s->dma_rx, 0);
    qemu_set_irq(s->dma_tx, 0);
}

static void spi_init(Object *obj)
{
    K210SpiState *s = K210_SPI(obj);
    DeviceState *dev = DEVICE(obj);

    s->clk = qdev_init_clock_in(dev, "clk", spi_clk_update, s,
                                ClockPreUpdate | ClockUpdate);
    s->bus = ssi_create_bus(dev, "ssi");
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, s->cs, "cs", K210_SPI_NUM_CS);
    qdev_init_gpio_out_named(dev, &s->dma_rx, "dma-rx", 1);
    qdev_init_gpio_out_named(dev, &s->dma_tx, "dma-tx", 1);
    qdev_init_gpio_in_named(dev, spi_set_xip, "xip-en", 1);
}

static void spi_realize(DeviceState *dev, Error **errp)
{
    K210SpiState *s = K210_SPI(dev);
    Object *obj = OBJECT(dev);

    if (s->index != 0 && s->index != 1 && s->index != 3) {
        error_setg(errp, "k210-spi: index must be 0, 1 or 3");
        return;
    }
    memory_region_init_io(&s->iomem, obj, &spi_ops, s, spi_name(s), 0x200);
    if (s->index == 3) {
        memory_region_init(&s->container, obj, "k210-spi3-slot",
                           K210_SPI_XIP_SIZE);
        memory_region_add_subregion(&s->container, 0, &s->iomem);
        memory_region_init_io(&s->xip, obj, &spi_xip_ops, s, "k210-spi3-xip",
                              K210_SPI_XIP_SIZE);
        memory_region_set_enabled(&s->xip, false);
        memory_region_add_subregion_overlap(&s->container, 0, &s->xip, 1);
        sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->container);
    } else {
        sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
    }
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, spi_timer, s);
}

static const VMStateDescription vmstate_spi_fifo = {
    .name = "k210-spi-fifo",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(data, K210SpiFifo, K210_SPI_AHEAD),
        VMSTATE_UINT32(head, K210SpiFifo),
        VMSTATE_UINT32(num, K210SpiFifo),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_spi = {
    .name = TYPE_K210_SPI,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = spi_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_CLOCK(clk, K210SpiState),
        VMSTATE_TIMER_PTR(timer, K210SpiState),
        VMSTATE_UINT32_ARRAY(regs, K210SpiState, K210_SPI_NUM_REGS),
        VMSTATE_STRUCT(tx, K210SpiState, 1, vmstate_spi_fifo, K210SpiFifo),
        VMSTATE_STRUCT(rx, K210SpiState, 1, vmstate_spi_fifo, K210SpiFifo),
        VMSTATE_UINT32(sticky, K210SpiState),
        VMSTATE_INT64(now, K210SpiState),
        VMSTATE_INT64(frame_end, K210SpiState),
        VMSTATE_UINT32(phase, K210SpiState),
        VMSTATE_UINT32(rx_left, K210SpiState),
        VMSTATE_UINT32(frame_value, K210SpiState),
        VMSTATE_UINT32(frame_bits, K210SpiState),
        VMSTATE_UINT32(frame_kind, K210SpiState),
        VMSTATE_BOOL(shifting, K210SpiState),
        VMSTATE_BOOL(idle, K210SpiState),
        VMSTATE_BOOL(no_clock_told, K210SpiState),
        VMSTATE_UINT32(selected, K210SpiState),
        VMSTATE_BOOL(xip_on, K210SpiState),
        VMSTATE_BOOL(irq_level, K210SpiState),
        VMSTATE_UINT32(dma_rx_level, K210SpiState),
        VMSTATE_UINT32(dma_tx_level, K210SpiState),
        VMSTATE_END_OF_LIST()
    }
};

static const Property spi_properties[] = {
    DEFINE_PROP_UINT8("index", K210SpiState, index, 0),
};

static void spi_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Kendryte K210 SPI master";
    dc->realize = spi_realize;
    dc->vmsd = &vmstate_spi;
    rc->phases.enter = spi_reset_enter;
    rc->phases.hold = spi_reset_hold;
    device_class_set_props(dc, spi_properties);
}

static const TypeInfo spi_types[] = {
    {
        .name = TYPE_K210_SPI,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210SpiState),
        .instance_init = spi_init,
        .class_init = spi_class_init,
    },
};

DEFINE_TYPES(spi_types)
