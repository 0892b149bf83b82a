/*
 * Kendryte K210: UART1..UART3 (DesignWare APB UART 4.01a)
 *
 * A 16550 with registers four bytes apart, a fractional divisor and a status
 * bit that changes its meaning: with the programmable THRE mode on, LSR bit 5
 * says "transmit FIFO full" where a 16550 says "transmitter empty".
 *
 * Characters take their time on the line in both directions, so a polling
 * guest sees a FIFO that drains at the programmed rate.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_bridge.h"
#include "hw/k210/k210_strict.h"
#include "hw/k210/k210_uart.h"
#include "trace.h"

REG32(RBR, 0x00)    /* THR when written, DLL with LCR.DLAB */
REG32(IER, 0x04)    /* DLH with LCR.DLAB */
    FIELD(IER, ERBFI, 0, 1)
    FIELD(IER, ETBEI, 1, 1)
    FIELD(IER, ELSI, 2, 1)
    FIELD(IER, EDSSI, 3, 1)
    FIELD(IER, PTIME, 7, 1)
REG32(IIR, 0x08)    /* FCR when written */
    FIELD(FCR, FIFOE, 0, 1)
    FIELD(FCR, RFIFOR, 1, 1)
    FIELD(FCR, XFIFOR, 2, 1)
    FIELD(FCR, DMAM, 3, 1)
    FIELD(FCR, TET, 4, 2)
    FIELD(FCR, RT, 6, 2)
REG32(LCR, 0x0c)
    FIELD(LCR, DLS, 0, 2)
    FIELD(LCR, STOP, 2, 1)
    FIELD(LCR, PEN, 3, 1)
    FIELD(LCR, BREAK, 6, 1)
    FIELD(LCR, DLAB, 7, 1)
REG32(MCR, 0x10)
    FIELD(MCR, LOOPBACK, 4, 1)
REG32(LSR, 0x14)
    FIELD(LSR, DR, 0, 1)
    FIELD(LSR, OE, 1, 1)
    FIELD(LSR, BI, 4, 1)
    FIELD(LSR, THRE, 5, 1)
    FIELD(LSR, TEMT, 6, 1)
    FIELD(LSR, RFE, 7, 1)
REG32(MSR, 0x18)
REG32(SCR, 0x1c)
REG32(LPDLL, 0x20)
REG32(LPDLH, 0x24)
REG32(SRBR0, 0x30)
REG32(SRBR15, 0x6c)
REG32(FAR, 0x70)
REG32(TFR, 0x74)
REG32(RFW, 0x78)
REG32(USR, 0x7c)
    FIELD(USR, BUSY, 0, 1)
    FIELD(USR, TFNF, 1, 1)
    FIELD(USR, TFE, 2, 1)
    FIELD(USR, RFNE, 3, 1)
    FIELD(USR, RFF, 4, 1)
REG32(TFL, 0x80)
REG32(RFL, 0x84)
REG32(SRR, 0x88)
    FIELD(SRR, UR, 0, 1)
    FIELD(SRR, RFR, 1, 1)
    FIELD(SRR, XFR, 2, 1)
REG32(SRTS, 0x8c)
REG32(SBCR, 0x90)
REG32(SDMAM, 0x94)
REG32(SFE, 0x98)
REG32(SRT, 0x9c)
REG32(STET, 0xa0)
REG32(HTX, 0xa4)
REG32(DMASA, 0xa8)
REG32(TCR, 0xac)
REG32(DE_EN, 0xb0)
REG32(RE_EN, 0xb4)
REG32(DET, 0xb8)
REG32(TAT, 0xbc)
REG32(DLF, 0xc0)
REG32(RAR, 0xc4)
REG32(TAR, 0xc8)
REG32(LCR_EXT, 0xcc)
REG32(CPR, 0xf4)
REG32(UCV, 0xf8)
REG32(CTR, 0xfc)

/* A program that looks again within so many characters needs no timer. */
#define POLL_CHARS 8

/* At high rates the interrupt may be late by this; it is never for slow ones. */
#define LATENCY_NS (20 * SCALE_US)

/* APB 32 bits wide, every optional feature present, FIFOs of 16. */
#define UART_CPR 0x00013ff2
#define UART_UCV 0x3430312a /* "401*" */
#define UART_CTR 0x44570110

enum {
    IID_MODEM = 0x0,
    IID_NONE = 0x1,
    IID_THRE = 0x2,
    IID_RX = 0x4,
    IID_LINE = 0x6,
    IID_TIMEOUT = 0xc,
};

static bool fifo_on(K210UartState *s)
{
    return s->fcr & R_FCR_FIFOE_MASK;
}

static bool thre_mode(K210UartState *s)
{
    return fifo_on(s) && (s->ier & R_IER_PTIME_MASK);
}

/* Without the FIFOs the holding registers are one deep. */
static unsigned depth(K210UartState *s)
{
    return fifo_on(s) ? K210_UART_FIFO : 1;
}

static unsigned rx_trigger(K210UartState *s)
{
    static const uint8_t level[] = { 1, 4, 8, 14 };

    return fifo_on(s) ? level[FIELD_EX32(s->fcr, FCR, RT)] : 1;
}

static unsigned tx_trigger(K210UartState *s)
{
    static const uint8_t level[] = { 0, 2, 4, 8 };

    return thre_mode(s) ? level[FIELD_EX32(s->fcr, FCR, TET)] : 0;
}

/* Duration of one character; 0 when no clock or no divisor is set. */
static int64_t char_ns(K210UartState *s)
{
    uint32_t divisor = ((s->dlh << 8 | s->dll) << 4) | (s->dlf & 0xf);
    unsigned half_bits = 2 * (1 + 5 + FIELD_EX32(s->lcr, LCR, DLS));

    if (FIELD_EX32(s->lcr, LCR, PEN)) {
        half_bits += 2;
    }
    if (!FIELD_EX32(s->lcr, LCR, STOP)) {
        half_bits += 2;
    } else {
        half_bits += FIELD_EX32(s->lcr, LCR, DLS) ? 4 : 3;
    }
    if (!clock_is_enabled(s->clk) || !divisor) {
        return 0;
    }
    return clock_ticks_to_ns(s->clk, (uint64_t)divisor * half_bits / 2);
}

static unsigned interrupt_id(K210UartState *s)
{
    if ((s->ier & R_IER_ELSI_MASK) && s->lsr_errors) {
        return IID_LINE;
    }
    if (s->ier & R_IER_ERBFI_MASK) {
        if (fifo8_num_used(&s->rx) >= rx_trigger(s)) {
            return IID_RX;
        }
        if (s->timeout) {
            return IID_TIMEOUT;
        }
    }
    if ((s->ier & R_IER_ETBEI_MASK) && s->thre_pending) {
        return IID_THRE;
    }
    if ((s->ier & R_IER_EDSSI_MASK) && s->msr_delta) {
        return IID_MODEM;
    }
    return IID_NONE;
}

static void k210_uart_update(K210UartState *s)
{
    unsigned used = fifo8_num_used(&s->tx);
    unsigned room = used < depth(s) ? depth(s) - used : 0;

    qemu_set_irq(s->irq, interrupt_id(s) != IID_NONE);
    qemu_set_irq(s->dma_rx, fifo8_num_used(&s->rx));
    qemu_set_irq(s->dma_tx, room);
}

/* The TX FIFO fell to its trigger level: arms the THRE interrupt. */
static void check_thre(K210UartState *s, unsigned before)
{
    if (before > tx_trigger(s) && fifo8_num_used(&s->tx) <= tx_trigger(s)) {
        s->thre_pending = true;
    }
}

static void restart_timeout(K210UartState *s)
{
    int64_t ns = char_ns(s);

    /* Above the trigger level there is another interrupt already. */
    s->timeout = false;
    if (fifo_on(s) && !fifo8_is_empty(&s->rx) && ns &&
        fifo8_num_used(&s->rx) < rx_trigger(s)) {
        timer_mod(&s->timeout_timer,
                  qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + 4 * ns);
    } else if (timer_pending(&s->timeout_timer)) {
        timer_del(&s->timeout_timer);
    }
}

static void push_rx(K210UartState *s, uint8_t c)
{
    if (fifo8_num_used(&s->rx) >= depth(s)) {
        s->lsr_errors |= R_LSR_OE_MASK;
        k210_guest_error("k210-uart%u: receive overrun, a character was lost",
                         s->index);
    } else {
        fifo8_push(&s->rx, c);
    }
    restart_timeout(s);
}

static void start_tx_at(K210UartState *s, int64_t now)
{
    unsigned before = fifo8_num_used(&s->tx);
    int64_t ns = char_ns(s);

    if (s->sending || !before || s->regs[R_HTX] || s->regs[R_FAR]) {
        return;
    }
    if (!ns) {
        return; /* goes on when the clock or the divisor comes */
    }
    s->shift = fifo8_pop(&s->tx);
    s->sending = true;
    check_thre(s, before);
    timer_mod(&s->tx_timer, now + ns);
}

static void start_tx(K210UartState *s)
{
    start_tx_at(s, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
}

static void finish_tx(K210UartState *s, int64_t now)
{
    s->sending = false;
    trace_k210_uart_tx(s->index, s->shift);
    if (FIELD_EX32(s->mcr, MCR, LOOPBACK)) {
        push_rx(s, s->shift);
    } else if (!FIELD_EX32(s->lcr, LCR, BREAK)) {
        qemu_chr_fe_write_all(&s->chr, &s->shift, 1);
    }
    start_tx_at(s, now);
}

static void k210_uart_tx_done(void *opaque)
{
    K210UartState *s = opaque;

    finish_tx(s, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    k210_uart_update(s);
}

/*
 * Does at once what is due: a program that polls starves the thread that the
 * timers run in, and a timer for every character would be slower than a fast
 * line.
 */
static void catch_up(K210UartState *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    int64_t before;

    while (timer_pending(&s->tx_timer) &&
           timer_expire_time_ns(&s->tx_timer) <= now) {
        int64_t end = timer_expire_time_ns(&s->tx_timer);

        timer_del(&s->tx_timer);
        finish_tx(s, end);
    }
    do {
        before = s->rx_next;
        if (before <= now) {
            k210_bridge_ask(&s->chr);
        }
    } while (s->rx_next != before);
}

static void k210_uart_rx_ready(void *opaque)
{
    K210UartState *s = opaque;

    catch_up(s);
    k210_uart_update(s);
}

static void k210_uart_timed_out(void *opaque)
{
    K210UartState *s = opaque;

    s->timeout = !fifo8_is_empty(&s->rx);
    k210_uart_update(s);
}

/* When to look for the next character if nobody asks before. */
static int64_t next_look(K210UartState *s, int64_t now)
{
    int64_t poll = POLL_CHARS * char_ns(s);

    if (s->ier & R_IER_ERBFI_MASK) {
        if (fifo8_num_used(&s->rx) >= rx_trigger(s)) {
            poll = LATENCY_NS + poll; /* the interrupt is being served */
        } else {
            poll = char_ns(s) < LATENCY_NS / 2 ? LATENCY_NS : 0;
        }
    } else if (now - s->polled >= poll) {
        poll = 0;
    }
    return MAX(s->rx_next, now + poll);
}

static int k210_uart_can_receive(void *opaque)
{
    K210UartState *s = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (FIELD_EX32(s->mcr, MCR, LOOPBACK) || !char_ns(s) ||
        fifo8_num_used(&s->rx) >= depth(s)) {
        return 0;
    }
    if (now < s->rx_next) {
        timer_mod(&s->rx_timer, next_look(s, now));
        return 0;
    }
    return 1;
}

static void k210_uart_receive(void *opaque, const uint8_t *buf, int size)
{
    K210UartState *s = opaque;
    int64_t start = MAX(s->rx_next, k210_bridge_waiting_since(&s->chr));

    for (int i = 0; i < size; i++) {
        trace_k210_uart_rx(s->index, buf[i]);
        push_rx(s, buf[i]);
    }
    s->rx_next = start + char_ns(s);
    k210_uart_update(s);
}

static void k210_uart_event(void *opaque, QEMUChrEvent event)
{
    K210UartState *s = opaque;

    if (event == CHR_EVENT_BREAK) {
        push_rx(s, 0);
        s->lsr_errors |= R_LSR_BI_MASK;
        k210_uart_update(s);
    }
}

static uint32_t read_msr(K210UartState *s)
{
    uint32_t msr = 0xb0; /* nobody pulls CTS, DSR and DCD away */

    if (FIELD_EX32(s->mcr, MCR, LOOPBACK)) {
        msr = extract32(s->mcr, 1, 1) << 4 | extract32(s->mcr, 0, 1) << 5 |
              extract32(s->mcr, 2, 1) << 6 | extract32(s->mcr, 3, 1) << 7;
    }
    msr |= s->msr_delta;
    s->msr_delta = 0;
    return msr;
}

/* Somebody looks at a status register, so DMA is not what moves the data. */
static void note_poll(K210UartState *s)
{
    s->polled = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static uint32_t read_lsr(K210UartState *s)
{
    unsigned used = fifo8_num_used(&s->tx);
    uint32_t lsr = s->lsr_errors;

    lsr = FIELD_DP32(lsr, LSR, DR, !fifo8_is_empty(&s->rx));
    lsr = FIELD_DP32(lsr, LSR, RFE, fifo_on(s) && s->lsr_errors);
    lsr = FIELD_DP32(lsr, LSR, THRE,
                     thre_mode(s) ? used >= K210_UART_FIFO : used == 0);
    lsr = FIELD_DP32(lsr, LSR, TEMT, used == 0 && !s->sending);
    s->lsr_errors = 0;
    return lsr;
}

static uint32_t read_usr(K210UartState *s)
{
    unsigned used = fifo8_num_used(&s->tx);
    uint32_t usr = 0;

    usr = FIELD_DP32(usr, USR, BUSY, s->sending);
    usr = FIELD_DP32(usr, USR, TFNF, used < depth(s));
    usr = FIELD_DP32(usr, USR, TFE, used == 0);
    usr = FIELD_DP32(usr, USR, RFNE, !fifo8_is_empty(&s->rx));
    usr = FIELD_DP32(usr, USR, RFF, fifo8_num_used(&s->rx) >= depth(s));
    return usr;
}

static uint32_t read_iir(K210UartState *s)
{
    unsigned id = interrupt_id(s);

    if (id == IID_THRE) {
        s->thre_pending = false;
    }
    return id | (fifo_on(s) ? 0xc0 : 0);
}

static uint32_t read_rbr(K210UartState *s)
{
    uint8_t c = 0;

    if (!fifo8_is_empty(&s->rx)) {
        if (fifo8_num_used(&s->rx) >= depth(s)) {
            int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

            /* The line has been waiting for this place. */
            s->rx_next = MAX(s->rx_next, now);
            timer_mod(&s->rx_timer, s->rx_next);
        }
        c = fifo8_pop(&s->rx);
    }
    restart_timeout(s);
    return c;
}

static void write_thr(K210UartState *s, uint8_t c)
{
    if (fifo8_num_used(&s->tx) >= depth(s)) {
        k210_guest_error("k210-uart%u: transmit FIFO overrun, 0x%02x was lost",
                         s->index, c);
        return;
    }
    fifo8_push(&s->tx, c);
    s->thre_pending = false;
    start_tx(s);
}

/*
 * The line is being set up. What the host has sent already waits until that
 * is over, or the last step, which clears the FIFO, would swallow some of it.
 */
static void hold_line(K210UartState *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    s->rx_next = MAX(s->rx_next, now + char_ns(s));
    timer_mod(&s->rx_timer, s->rx_next);
}

static void reset_rx(K210UartState *s)
{
    fifo8_reset(&s->rx);
    restart_timeout(s);
}

static void reset_tx(K210UartState *s)
{
    unsigned before = fifo8_num_used(&s->tx);

    fifo8_reset(&s->tx);
    check_thre(s, before);
}

static void write_fcr(K210UartState *s, uint8_t v)
{
    bool toggled = (v ^ s->fcr) & R_FCR_FIFOE_MASK;

    hold_line(s);
    if (toggled || (v & R_FCR_RFIFOR_MASK)) {
        reset_rx(s);
    }
    if (toggled || (v & R_FCR_XFIFOR_MASK)) {
        reset_tx(s);
    }
    s->fcr = v & ~(R_FCR_RFIFOR_MASK | R_FCR_XFIFOR_MASK);
}

static void write_lcr(K210UartState *s, uint8_t v)
{
    if (s->sending) {
        qemu_log_mask(LOG_GUEST_ERROR,
                      "k210-uart%u: LCR written while busy\n", s->index);
    }
    s->lcr = v;
    hold_line(s);
}

static void uart_soft_reset(K210UartState *s)
{
    s->ier = s->fcr = s->lcr = s->mcr = 0;
    s->dll = s->dlh = 0;
    s->dlf = 0;
    s->lsr_errors = s->msr_delta = 0;
    s->thre_pending = s->timeout = s->sending = false;
    fifo8_reset(&s->rx);
    fifo8_reset(&s->tx);
    timer_del(&s->tx_timer);
    timer_del(&s->rx_timer);
    timer_del(&s->timeout_timer);
    s->rx_next = s->polled = 0;
    memset(s->regs, 0, sizeof(s->regs));
}

static uint64_t k210_uart_read(void *opaque, hwaddr addr, unsigned size)
{
    K210UartState *s = opaque;
    uint64_t r = 0;

    catch_up(s);

    if (addr & 3) {
        k210_guest_error("k210-uart%u: misaligned read at 0x%02" HWADDR_PRIx,
                         s->index, addr);
        return 0;
    }
    switch (addr) {
    case A_RBR:
        r = FIELD_EX32(s->lcr, LCR, DLAB) ? s->dll : read_rbr(s);
        break;
    case A_SRBR0 ... A_SRBR15:
        r = read_rbr(s);
        break;
    case A_IER:
        r = FIELD_EX32(s->lcr, LCR, DLAB) ? s->dlh : s->ier;
        break;
    case A_IIR:
        r = read_iir(s);
        break;
    case A_LCR:
        r = s->lcr;
        break;
    case A_MCR:
        r = s->mcr;
        break;
    case A_LSR:
        note_poll(s);
        r = read_lsr(s);
        break;
    case A_MSR:
        r = read_msr(s);
        break;
    case A_TFR:
        if (s->regs[R_FAR] && !fifo8_is_empty(&s->tx)) {
            r = fifo8_pop(&s->tx);
        }
        break;
    case A_USR:
        note_poll(s);
        r = read_usr(s);
        break;
    case A_TFL:
        r = fifo8_num_used(&s->tx);
        break;
    case A_RFL:
        note_poll(s);
        r = fifo8_num_used(&s->rx);
        break;
    case A_SRTS:
        r = extract32(s->mcr, 1, 1);
        break;
    case A_SBCR:
        r = FIELD_EX32(s->lcr, LCR, BREAK);
        break;
    case A_SDMAM:
        r = FIELD_EX32(s->fcr, FCR, DMAM);
        break;
    case A_SFE:
        r = FIELD_EX32(s->fcr, FCR, FIFOE);
        break;
    case A_SRT:
        r = FIELD_EX32(s->fcr, FCR, RT);
        break;
    case A_STET:
        r = FIELD_EX32(s->fcr, FCR, TET);
        break;
    case A_DLF:
        r = s->dlf;
        break;
    case A_CPR:
        r = UART_CPR;
        break;
    case A_UCV:
        r = UART_UCV;
        break;
    case A_CTR:
        r = UART_CTR;
        break;
    case A_SCR: case A_LPDLL: case A_LPDLH: case A_FAR: case A_HTX:
    case A_TCR: case A_DE_EN: case A_RE_EN: case A_DET: case A_TAT:
    case A_RAR: case A_TAR: case A_LCR_EXT:
        r = s->regs[addr / 4];
        break;
    case A_RFW: case A_SRR: case A_DMASA:
        break; /* write only */
    default:
        k210_guest_error("k210-uart%u: read of no register at 0x%02"
                         HWADDR_PRIx, s->index, addr);
    }
    k210_uart_update(s);
    trace_k210_uart_read(s->index, addr, r);
    return r;
}

static void k210_uart_write(void *opaque, hwaddr addr, uint64_t value,
                            unsigned size)
{
    K210UartState *s = opaque;
    uint32_t v = value;

    trace_k210_uart_write(s->index, addr, v);
    catch_up(s);
    if (addr & 3) {
        k210_guest_error("k210-uart%u: misaligned write at 0x%02" HWADDR_PRIx,
                         s->index, addr);
        return;
    }
    if (size != 4) {
        k210_guest_error("k210-uart%u: %u-byte write at 0x%02" HWADDR_PRIx
                         ", the registers are 32 bits wide", s->index, size,
                         addr);
    }
    switch (addr) {
    case A_RBR:
        if (FIELD_EX32(s->lcr, LCR, DLAB)) {
            s->dll = v;
            hold_line(s);
            start_tx(s);
        } else {
            write_thr(s, v);
        }
        break;
    case A_SRBR0 ... A_SRBR15:
        write_thr(s, v);
        break;
    case A_IER:
        if (FIELD_EX32(s->lcr, LCR, DLAB)) {
            s->dlh = v;
            hold_line(s);
            start_tx(s);
        } else {
            /* Enabling the interrupt of an empty transmitter raises it. */
            if ((v & ~s->ier & R_IER_ETBEI_MASK) &&
                fifo8_num_used(&s->tx) <= tx_trigger(s)) {
                s->thre_pending = true;
            }
            s->ier = v & 0x8f;
        }
        break;
    case A_IIR:
        write_fcr(s, v);
        break;
    case A_LCR:
        write_lcr(s, v);
        break;
    case A_MCR:
        s->mcr = v & 0x7f;
        break;
    case A_RFW:
        if (s->regs[R_FAR]) {
            push_rx(s, v);
        }
        break;
    case A_SRR:
        if (v & R_SRR_UR_MASK) {
            uart_soft_reset(s);
            break;
        }
        if (v & R_SRR_RFR_MASK) {
            reset_rx(s);
        }
        if (v & R_SRR_XFR_MASK) {
            reset_tx(s);
        }
        break;
    case A_SRTS:
        s->mcr = deposit32(s->mcr, 1, 1, v);
        break;
    case A_SBCR:
        s->lcr = FIELD_DP32(s->lcr, LCR, BREAK, v);
        break;
    case A_SDMAM:
        s->fcr = FIELD_DP32(s->fcr, FCR, DMAM, v);
        break;
    case A_SFE:
        write_fcr(s, FIELD_DP32(s->fcr, FCR, FIFOE, v));
        break;
    case A_SRT:
        s->fcr = FIELD_DP32(s->fcr, FCR, RT, v);
        break;
    case A_STET:
        s->fcr = FIELD_DP32(s->fcr, FCR, TET, v);
        break;
    case A_DLF:
        s->dlf = v & 0xf;
        hold_line(s);
        break;
    case A_FAR: case A_HTX:
        s->regs[addr / 4] = v & 1;
        start_tx(s);
        break;
    case A_TCR:
        if (v & 1) {
            qemu_log_mask(LOG_UNIMP, "k210-uart%u: RS485 mode\n", s->index);
        }
        s->regs[R_TCR] = v & 0x1f;
        break;
    case A_LCR_EXT:
        if (v & 1) {
            qemu_log_mask(LOG_UNIMP, "k210-uart%u: 9-bit mode\n", s->index);
        }
        s->regs[R_LCR_EXT] = v & 0xf;
        break;
    case A_SCR: case A_LPDLL: case A_LPDLH: case A_RAR: case A_TAR:
        s->regs[addr / 4] = v & 0xff;
        break;
    case A_DE_EN: case A_RE_EN:
        s->regs[addr / 4] = v & 1;
        break;
    case A_DET: case A_TAT:
        s->regs[addr / 4] = v;
        break;
    case A_DMASA:
        break; /* the end of a DMA block; FIFO levels say it all here */
    case A_LSR: case A_MSR: case A_TFR: case A_USR: case A_TFL: case A_RFL:
    case A_CPR: case A_UCV: case A_CTR:
        qemu_log_mask(LOG_GUEST_ERROR,
                      "k210-uart%u: write to read-only register 0x%02"
                      HWADDR_PRIx "\n", s->index, addr);
        break;
    default:
        k210_guest_error("k210-uart%u: write to no register at 0x%02"
                         HWADDR_PRIx, s->index, addr);
    }
    k210_uart_update(s);
}

static const MemoryRegionOps k210_uart_ops = {
    .read = k210_uart_read,
    .write = k210_uart_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 4, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 4, .unaligned = true },
};

static void k210_uart_clock_update(void *opaque, ClockEvent event)
{
    start_tx(opaque);
}

static void k210_uart_reset_hold(Object *obj, ResetType type)
{
    K210UartState *s = K210_UART(obj);

    uart_soft_reset(s);
    k210_uart_update(s);
}

static const VMStateDescription vmstate_k210_uart = {
    .name = TYPE_K210_UART,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210UartState, K210_UART_NREGS),
        VMSTATE_UINT8(ier, K210UartState),
        VMSTATE_UINT8(fcr, K210UartState),
        VMSTATE_UINT8(lcr, K210UartState),
        VMSTATE_UINT8(mcr, K210UartState),
        VMSTATE_UINT8(lsr_errors, K210UartState),
        VMSTATE_UINT8(msr_delta, K210UartState),
        VMSTATE_UINT8(dll, K210UartState),
        VMSTATE_UINT8(dlh, K210UartState),
        VMSTATE_UINT8(dlf, K210UartState),
        VMSTATE_BOOL(thre_pending, K210UartState),
        VMSTATE_BOOL(timeout, K210UartState),
        VMSTATE_BOOL(sending, K210UartState),
        VMSTATE_UINT8(shift, K210UartState),
        VMSTATE_FIFO8(rx, K210UartState),
        VMSTATE_FIFO8(tx, K210UartState),
        VMSTATE_TIMER(tx_timer, K210UartState),
        VMSTATE_TIMER(rx_timer, K210UartState),
        VMSTATE_INT64(rx_next, K210UartState),
        VMSTATE_INT64(polled, K210UartState),
        VMSTATE_TIMER(timeout_timer, K210UartState),
        VMSTATE_CLOCK(clk, K210UartState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_uart_init(Object *obj)
{
    K210UartState *s = K210_UART(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_uart_ops, s, TYPE_K210_UART,
                          0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, &s->dma_rx, "dma-rx", 1);
    qdev_init_gpio_out_named(dev, &s->dma_tx, "dma-tx", 1);
    s->clk = qdev_init_clock_in(dev, "clk", k210_uart_clock_update, s,
                                ClockUpdate);
    fifo8_create(&s->rx, K210_UART_FIFO);
    fifo8_create(&s->tx, K210_UART_FIFO);
    timer_init_ns(&s->tx_timer, QEMU_CLOCK_VIRTUAL, k210_uart_tx_done, s);
    timer_init_ns(&s->rx_timer, QEMU_CLOCK_VIRTUAL, k210_uart_rx_ready, s);
    timer_init_ns(&s->timeout_timer, QEMU_CLOCK_VIRTUAL, k210_uart_timed_out,
                  s);
}

static void k210_uart_finalize(Object *obj)
{
    K210UartState *s = K210_UART(obj);

    timer_del(&s->tx_timer);
    timer_del(&s->rx_timer);
    timer_del(&s->timeout_timer);
    fifo8_destroy(&s->rx);
    fifo8_destroy(&s->tx);
}

static void k210_uart_realize(DeviceState *dev, Error **errp)
{
    K210UartState *s = K210_UART(dev);

    qemu_chr_fe_set_handlers(&s->chr, k210_uart_can_receive,
                             k210_uart_receive, k210_uart_event, NULL, s,
                             NULL, true);
}

static const Property k210_uart_properties[] = {
    DEFINE_PROP_CHR("chardev", K210UartState, chr),
    DEFINE_PROP_UINT32("index", K210UartState, index, 1),
};

static void k210_uart_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->realize = k210_uart_realize;
    dc->vmsd = &vmstate_k210_uart;
    dc->desc = "K210 UART1..3 (DesignWare APB UART)";
    set_bit(DEVICE_CATEGORY_INPUT, dc->categories);
    device_class_set_props(dc, k210_uart_properties);
    RESETTABLE_CLASS(klass)->phases.hold = k210_uart_reset_hold;
}

static const TypeInfo k210_uart_types[] = {
    {
        .name = TYPE_K210_UART,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210UartState),
        .instance_init = k210_uart_init,
        .instance_finalize = k210_uart_finalize,
        .class_init = k210_uart_class_init,
    },
};
DEFINE_TYPES(k210_uart_types)
