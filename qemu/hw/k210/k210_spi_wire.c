/*
 * Kendryte K210 SPI masters: FIFOs, frames and time
 *
 * How time works here. The engine is lazy: every register access first runs
 * the shifter up to the present virtual time (k210_spi_run), so that a
 * polling guest sees frames finish when they would on the wire without one
 * host timer per frame. A QEMU timer is armed only for what a guest can notice
 * without touching a register: interrupts and DMA requests.
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
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"
#include "hw/irq.h"
#include "hw/k210/k210_strict.h"
#include "k210_spi_internal.h"
#include "trace.h"

unsigned k210_spi_inst_bits(unsigned inst_l)
{
    static const uint8_t bits[4] = { 0, 4, 8, 16 };

    return bits[inst_l & 3];
}

/* Timer of a guest that polls nothing: it never has to be sharp. */
#define BACKSTOP_NS     100000

/* A DMA controller that was late does not make the wire slower than this. */
#define CATCH_UP_NS     2000000

static int64_t spi_clock_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) << 8;
}

const char *k210_spi_name(K210SpiState *s)
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

uint32_t k210_spi_tx_room(K210SpiState *s)
{
    uint32_t size = K210_SPI_FIFO;

    /* Only a running transfer may be fed ahead. */
    if (k210_spi_dma_tx_on(s) && k210_spi_enabled(s) && s->regs[R_SER]) {
        size = K210_SPI_AHEAD;
    }
    return s->tx.num < size ? size - s->tx.num : 0;
}

static bool spi_rx_full(K210SpiState *s)
{
    return s->rx.num >= (k210_spi_dma_rx_on(s) ? K210_SPI_AHEAD
                                               : K210_SPI_FIFO);
}

/* Chip selects */

void k210_spi_select(K210SpiState *s, uint32_t mask)
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

/* Does any part listen, and so drive the input? */
static bool spi_anybody(SSIBus *bus)
{
    BusChild *kid;

    QTAILQ_FOREACH(kid, &BUS(bus)->children, sibling) {
        SSIPeripheral *p = SSI_PERIPHERAL(kid->child);

        if (p->spc->cs_polarity == SSI_CS_NONE ||
            p->cs == (p->spc->cs_polarity == SSI_CS_HIGH)) {
            return true;
        }
    }
    return false;
}

uint32_t k210_spi_shift_byte(K210SpiState *s, uint32_t byte)
{
    if (spi_loop_back(s)) {
        return byte;
    }
    /* An input that nobody drives is high. */
    return spi_anybody(s->bus) ? ssi_transfer(s->bus, byte) & 0xff : 0xff;
}

uint32_t k210_spi_shift(K210SpiState *s, uint32_t value, unsigned bits)
{
    uint32_t in = 0;

    if (bits < 32) {
        value &= BIT(bits) - 1;
    }
    for (int shift = ROUND_UP(bits, 8) - 8; shift >= 0; shift -= 8) {
        in = (in << 8) | k210_spi_shift_byte(s, (value >> shift) & 0xff);
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
        if (k210_spi_dma_rx_on(s) && spi_rx_full(s)) {
            return 0;
        }
        /* fall through */
    case TMOD_TX:
        if (!s->tx.num) {
            return 0;
        }
        s->frame_kind = spi_tmod(s) == TMOD_TX ? FRAME_TX : FRAME_TXRX;
        s->frame_value = spi_data_swap(s, k210_spi_fifo_pop(&s->tx));
        return s->frame_bits;

    case TMOD_RX:
        if (s->phase != PHASE_RX) {
            if (!s->tx.num) {
                return 0;
            }
            /* This word only starts the transfer. */
            k210_spi_fifo_pop(&s->tx);
            s->phase = PHASE_RX;
            s->rx_left = (s->regs[R_CTRLR1] & 0xffff) + 1;
        }
        break;

    default: /* TMOD_EEPROM */
        if (s->phase != PHASE_RX) {
            if (s->tx.num) {
                s->phase = PHASE_TX;
                s->frame_kind = FRAME_TX;
                s->frame_value = spi_data_swap(s, k210_spi_fifo_pop(&s->tx));
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
    unsigned inst = k210_spi_inst_bits(FIELD_EX32(c, SPI_CTRLR0, INST_L));
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
            s->frame_value = k210_spi_fifo_pop(&s->tx);
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
            s->frame_value = k210_spi_fifo_pop(&s->tx);
            s->frame_bits = bits;
            return spi_clocks(bits, type >= 1 ? lanes : 1);
        }
        goto wait;
    case PHASE_ADDR_LOW:
        if (!s->tx.num) {
            return 0;
        }
        s->frame_value = k210_spi_fifo_pop(&s->tx);
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
        s->frame_value = spi_data_swap(s, k210_spi_fifo_pop(&s->tx));
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
        k210_spi_shift(s, s->frame_value, s->frame_bits);
        return;
    case FRAME_WAIT:
        for (unsigned n = DIV_ROUND_UP(s->frame_bits, 8); n; n--) {
            k210_spi_shift_byte(s, 0xff);
        }
        return;
    case FRAME_TXRX:
        in = k210_spi_shift(s, s->frame_value, s->frame_bits);
        if (spi_rx_full(s)) {
            s->sticky |= R_RISR_RXO_MASK;
            return;
        }
        break;
    default: /* FRAME_RX */
        in = k210_spi_shift(s, UINT32_MAX, s->frame_bits);
        if (--s->rx_left == 0) {
            s->phase = spi_frf(s) ? PHASE_DONE : PHASE_START;
        }
        break;
    }
    k210_spi_fifo_push(&s->rx, spi_data_swap(s, in));
}

/* Run the wire up to the present. */
void k210_spi_run(K210SpiState *s)
{
    int64_t now;
    bool enhanced;

    if (!k210_spi_enabled(s) || !s->regs[R_SER]) {
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
                    k210_guest_error("%s: transfer with %s", k210_spi_name(s),
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
                bool dma = k210_spi_dma_rx_on(s) || k210_spi_dma_tx_on(s);
                int64_t floor = now - (dma && s->selected ?
                                       (int64_t)CATCH_UP_NS << 8 : 0);

                s->now = MAX(s->now, floor);
                s->idle = false;
            }
            duration = spi_duration(s, clocks);
            s->frame_end = s->now + duration;
            s->shifting = true;
            k210_spi_select(s, s->regs[R_SER]);
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
void k210_spi_forget(K210SpiState *s)
{
    s->shifting = false;
    s->idle = true;
    s->phase = PHASE_START;
    s->rx_left = 0;
    s->now = 0;
    s->frame_end = 0;
    s->no_clock_told = false;
}

void k210_spi_abort(K210SpiState *s)
{
    k210_spi_forget(s);
    k210_spi_select(s, 0);
}

bool k210_spi_busy(K210SpiState *s)
{
    return s->shifting || s->phase == PHASE_RX;
}

uint32_t k210_spi_risr(K210SpiState *s)
{
    uint32_t r = s->sticky;

    if (k210_spi_enabled(s) && s->tx.num <= s->regs[R_TXFTLR]) {
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
    if (k210_spi_dma_rx_on(s) && receives && s->rx.num < K210_SPI_AHEAD / 2) {
        frames = MIN(frames, K210_SPI_AHEAD / 2 - s->rx.num);
    }
    if (k210_spi_dma_tx_on(s) && s->tx.num > K210_SPI_AHEAD / 2) {
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

void k210_spi_update_lines(K210SpiState *s)
{
    bool irq = k210_spi_risr(s) & s->regs[R_IMR];
    uint32_t rx = 0, tx = 0;

    if (k210_spi_enabled(s)) {
        if (k210_spi_dma_rx_on(s) &&
            (s->rx.num > s->regs[R_DMARDLR] || !k210_spi_busy(s))) {
            rx = s->rx.num;
        }
        if (k210_spi_dma_tx_on(s) &&
            s->tx.num <= MAX(s->regs[R_DMATDLR],
                             s->selected ? K210_SPI_AHEAD / 2 : 0)) {
            tx = k210_spi_tx_room(s);
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

void k210_spi_update(K210SpiState *s)
{
    spi_arm_timer(s);
    k210_spi_update_lines(s);
}

void k210_spi_kick(K210SpiState *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    /* timer_mod() is dear when it is called for every word of a burst. */
    if (!s->shifting && (!timer_pending(s->timer) ||
                         timer_expire_time_ns(s->timer) > now)) {
        timer_mod(s->timer, now);
    }
}

void k210_spi_timer(void *opaque)
{
    K210SpiState *s = opaque;

    k210_spi_run(s);
    k210_spi_update(s);
}
