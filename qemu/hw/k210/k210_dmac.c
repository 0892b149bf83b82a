/*
 * Kendryte K210: DMA controller (DesignWare AXI DMAC, six channels)
 *
 * A channel moves its data in steps: it looks how much both ends have ready,
 * lets the virtual time pass that the bus needs for it, then moves it at
 * once. Everything is done from timers, never from a request line's callback.
 *
 * Which end is a peripheral is decided by its address, not by tt_fc: an end
 * in SRAM or AI SRAM is always ready. The vendor's driver programs the cached
 * window of AI SRAM as a peripheral with the request that SYSCTL selects for
 * the other end, or with whatever was selected before.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_dmac.h"
#include "hw/k210/k210_strict.h"
#include "trace.h"

REG64(ID, 0x00)
REG64(COMPVER, 0x08)
REG64(CFG, 0x10)
    FIELD(CFG, DMAC_EN, 0, 1)
    FIELD(CFG, INT_EN, 1, 1)
REG64(CHEN, 0x18)
REG64(INTSTATUS, 0x30)
REG64(COM_INTCLEAR, 0x38)
REG64(COM_INTSTATUS_EN, 0x40)
REG64(COM_INTSIGNAL_EN, 0x48)
REG64(COM_INTSTATUS, 0x50)
REG64(RESET, 0x58)

/* Offsets inside a channel's page of 0x100 bytes; channel 0 is at 0x100. */
REG64(CH_SAR, 0x00)
REG64(CH_DAR, 0x08)
REG64(CH_BLOCK_TS, 0x10)
REG64(CH_CTL, 0x18)
    FIELD(CH_CTL, SINC, 4, 1)
    FIELD(CH_CTL, DINC, 6, 1)
    FIELD(CH_CTL, SRC_WIDTH, 8, 3)
    FIELD(CH_CTL, DST_WIDTH, 11, 3)
    FIELD(CH_CTL, SRC_MSIZE, 14, 4)
    FIELD(CH_CTL, DST_MSIZE, 18, 4)
    FIELD(CH_CTL, SRC_STAT_EN, 56, 1)
    FIELD(CH_CTL, DST_STAT_EN, 57, 1)
    FIELD(CH_CTL, IOC_BLKTFR, 58, 1)
    FIELD(CH_CTL, LLI_LAST, 62, 1)
    FIELD(CH_CTL, LLI_VALID, 63, 1)
REG64(CH_CFG, 0x20)
    FIELD(CH_CFG, SRC_MULTBLK, 0, 2)
    FIELD(CH_CFG, DST_MULTBLK, 2, 2)
    FIELD(CH_CFG, TT_FC, 32, 3)
    FIELD(CH_CFG, HS_SEL_SRC, 35, 1)
    FIELD(CH_CFG, HS_SEL_DST, 36, 1)
REG64(CH_LLP, 0x28)
REG64(CH_STATUS, 0x30)
REG64(CH_SWHSSRC, 0x38)
REG64(CH_SWHSDST, 0x40)
REG64(CH_BLK_TFR, 0x48)
REG64(CH_AXI_ID, 0x50)
REG64(CH_AXI_QOS, 0x58)
REG64(CH_SSTAT, 0x60)
REG64(CH_DSTAT, 0x68)
REG64(CH_SSTATAR, 0x70)
REG64(CH_DSTATAR, 0x78)
REG64(CH_INTSTATUS_EN, 0x80)
REG64(CH_INTSTATUS, 0x88)
REG64(CH_INTSIGNAL_EN, 0x90)
REG64(CH_INTCLEAR, 0x98)

enum { CONTIGUOUS, RELOAD, SHADOW, LINKED_LIST };

enum {
    INT_BLOCK_DONE = 1 << 0,
    INT_DONE = 1 << 1,
    INT_SRC_TRANSACTION = 1 << 3,
    INT_DST_TRANSACTION = 1 << 4,
    INT_SRC_DECODE = 1 << 5,
    INT_DST_DECODE = 1 << 6,
    INT_LLI_READ_DECODE = 1 << 9,
    INT_LLI_INVALID = 1 << 13,
    INT_MULTBLK_TYPE = 1 << 14,
    INT_WR2RO = 1 << 18,
    INT_WRONCHEN = 1 << 19,
    INT_SRC_SUSPENDED = 1 << 28,
    INT_SUSPENDED = 1 << 29,
    INT_DISABLED = 1 << 30,
    INT_ABORTED = 1u << 31,
};

/* Bits of the common interrupt registers. */
enum { COM_WR2RO = 1 << 1, COM_UNDEFINED = 1 << 8, COM_ALL = 0x10f };

enum { WAIT_NOTHING, WAIT_CLEAR, WAIT_RESUME };

/* Software handshake registers. */
enum { SWHS_REQ = 1, SWHS_SINGLE = 4, SWHS_LAST = 16, SWHS_VALUES = 0x15 };

/* At most this much is moved in one step. */
#define STEP_BYTES      (32 * 1024)
/* Clocks until the first beat of a burst; one clock per 64-bit beat then. */
#define BURST_LATENCY   12
/* Clocks per beat at a peripheral. */
#define PERIPHERAL_BEAT 4
#define REQUEST_LATENCY 8

#define MEMORY_BASE     0x40000000
#define MEMORY_SIZE     0x00800000
#define CACHED_BASE     0x80000000

static bool is_memory(uint64_t addr)
{
    uint32_t a = addr;

    return (a >= MEMORY_BASE && a - MEMORY_BASE < MEMORY_SIZE) ||
           (a >= CACHED_BASE && a - CACHED_BASE < MEMORY_SIZE);
}

static void update_irq(K210DmacChannel *c)
{
    qemu_set_irq(c->irq, (c->dmac->cfg & R_CFG_INT_EN_MASK) &&
                         (c->int_status & c->int_signal));
}

static void update_irqs(K210DmacState *s)
{
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        update_irq(&s->ch[i]);
    }
}

/* Only sources that INTSTATUS_EN lets through are ever seen. */
static void assert_int(K210DmacChannel *c, uint32_t bits)
{
    c->int_status |= bits & c->int_en;
    update_irq(c);
}

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void stop(K210DmacChannel *c, uint32_t why)
{
    timer_del(c->timer);
    c->enabled = c->suspended = c->in_block = false;
    c->wait = WAIT_NOTHING;
    c->step = 0;
    c->swhs[0] = c->swhs[1] = 0;
    trace_k210_dmac_stop(c->n, why, c->done, c->items);
    assert_int(c, why);
}

static void schedule(K210DmacChannel *c, unsigned clocks)
{
    timer_mod(c->timer, now_ns() +
              clock_ticks_to_ns(c->dmac->clk, MAX(clocks, 1)));
}

/* Starts the channel's machinery unless it is under way already. */
static void kick(K210DmacChannel *c)
{
    K210DmacState *s = c->dmac;

    if (!c->enabled || c->suspended || c->step ||
        !(s->cfg & R_CFG_DMAC_EN_MASK) || timer_pending(c->timer)) {
        return;
    }
    if (!clock_is_enabled(s->clk)) {
        k210_guest_error("k210-dmac: channel %u started with the DMA clock "
                         "off", c->n);
        return;
    }
    schedule(c, REQUEST_LATENCY);
}

static unsigned width(K210DmacChannel *c, bool dst)
{
    unsigned code = dst ? FIELD_EX64(c->block_ctl, CH_CTL, DST_WIDTH)
                        : FIELD_EX64(c->block_ctl, CH_CTL, SRC_WIDTH);

    return 1 << MIN(code, 6);
}

static unsigned msize(K210DmacChannel *c, bool dst)
{
    unsigned code = dst ? FIELD_EX64(c->block_ctl, CH_CTL, DST_MSIZE)
                        : FIELD_EX64(c->block_ctl, CH_CTL, SRC_MSIZE);

    return code ? 2u << MIN(code, 8) : 1;
}

static bool fixed(K210DmacChannel *c, bool dst)
{
    return dst ? FIELD_EX64(c->block_ctl, CH_CTL, DINC)
               : FIELD_EX64(c->block_ctl, CH_CTL, SINC);
}

/* Does tt_fc call this end a peripheral? */
static bool has_handshake(K210DmacChannel *c, bool dst)
{
    /* Memory is bit 0 clear (source, 2 3 4 5 7) or clear (destination). */
    static const uint8_t src_is_peripheral = 0xbc;
    static const uint8_t dst_is_peripheral = 0xea;
    unsigned tt_fc = FIELD_EX64(c->cfg, CH_CFG, TT_FC);

    if (is_memory(dst ? c->dst : c->src)) {
        return false;
    }
    return ((dst ? dst_is_peripheral : src_is_peripheral) >> tt_fc) & 1;
}

/* Beats that an end can do now. */
static uint32_t ready(K210DmacChannel *c, bool dst)
{
    K210DmacState *s = c->dmac;
    bool software = dst ? FIELD_EX64(c->cfg, CH_CFG, HS_SEL_DST)
                        : FIELD_EX64(c->cfg, CH_CFG, HS_SEL_SRC);
    unsigned sel;

    if (!has_handshake(c, dst)) {
        return UINT32_MAX;
    }
    if (software) {
        uint64_t r = c->swhs[dst];

        return r & SWHS_REQ ? msize(c, dst) : r & SWHS_SINGLE ? 1 : 0;
    }
    sel = s->sysctl ? k210_sysctl_dma_sel(s->sysctl, c->n) : c->n;
    return MAX(s->level[sel % K210_DMAC_REQUESTS], 0);
}

/* Source items to move next. Zero: nothing can be done before a request. */
static uint32_t movable(K210DmacChannel *c)
{
    unsigned sw = width(c, false), dw = width(c, true);
    uint64_t room = (uint64_t)ready(c, true) * dw;
    uint64_t n = MIN(c->items - c->done, ready(c, false));

    if (c->left_len >= room) {
        return 0;
    }
    n = MIN(n, DIV_ROUND_UP(room - c->left_len, sw));
    return MIN(n, STEP_BYTES / sw);
}

static uint64_t end_clocks(K210DmacChannel *c, bool dst, uint32_t bytes)
{
    unsigned w = width(c, dst);
    uint64_t beats = DIV_ROUND_UP(bytes, w);
    uint64_t addr = dst ? c->dst : c->src;
    unsigned beat = is_memory(addr) ? DIV_ROUND_UP(w, 8) : PERIPHERAL_BEAT;

    return DIV_ROUND_UP(beats, msize(c, dst)) * BURST_LATENCY + beats * beat;
}

/*
 * One end of a step: @len bytes in beats of @w. Memory and runs of memory
 * beats go at once; a device sees every beat.
 */
static MemTxResult transfer(uint64_t addr, uint8_t *buf, uint32_t len,
                            unsigned w, bool is_fixed, bool write)
{
    const MemTxAttrs attrs = MEMTXATTRS_UNSPECIFIED;
    AddressSpace *as = &address_space_memory;
    MemTxResult r = MEMTX_OK;
    hwaddr xlat, run = w;
    MemoryRegion *mr;

    addr = (uint32_t)addr;
    if (!is_fixed) {
        return address_space_rw(as, addr, attrs, buf, len, write);
    }
    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(as, addr, &xlat, &run, write, attrs);
    if (w > 8 || run < w || memory_access_is_direct(mr, write, attrs)) {
        /* Memory gives the same beat again, and keeps only the last one. */
        uint32_t at = write && len ? len - w : 0;

        r = len ? address_space_rw(as, addr, attrs, buf + at, w, write) : r;
        for (at = w; !write && at < len; at += w) {
            memcpy(buf + at, buf, w);
        }
        return r;
    }
    for (; len && r == MEMTX_OK; len -= w, buf += w) {
        MemOp op = size_memop(w) | MO_LE;
        uint64_t v;

        if (write) {
            r = memory_region_dispatch_write(mr, xlat, ldn_le_p(buf, w), op,
                                             attrs);
        } else {
            r = memory_region_dispatch_read(mr, xlat, &v, op, attrs);
            stn_le_p(buf, w, v);
        }
    }
    return r;
}

/* Writes out what is there, as far as the destination takes it. */
static bool flush(K210DmacChannel *c, uint8_t *buf, uint32_t len, bool last)
{
    unsigned dw = width(c, true);
    uint32_t out = len - len % dw;
    uint32_t most = ready(c, true);

    if (out / dw > most) {
        out = most * dw;
        if (len - out > K210_DMAC_LEFT) {
            /* Reading the source took the room away: the bus would stall. */
            out = len - len % dw;
        }
    }
    if (transfer(c->dst, buf, out, dw, fixed(c, true), true) != MEMTX_OK) {
        stop(c, INT_DST_DECODE);
        return false;
    }
    if (!fixed(c, true)) {
        c->dst += out;
    }
    len -= out;
    if (last && len && len < dw) {
        k210_guest_error("k210-dmac: channel %u ends with %u bytes in a "
                         "destination beat of %u", c->n, len, dw);
        if (transfer(c->dst, buf + out, len, 1, false, true) != MEMTX_OK) {
            stop(c, INT_DST_DECODE);
            return false;
        }
        len = 0;
    }
    c->left_len = len;
    memmove(c->left, buf + out, len);
    return true;
}

/* Moves up to c->step items; what was ready then may not be any more. */
static bool move(K210DmacChannel *c)
{
    K210DmacState *s = c->dmac;
    unsigned sw = width(c, false);
    uint32_t n = MIN(c->step, movable(c));
    uint8_t *buf = s->buffer;

    c->step = 0;
    memcpy(buf, c->left, c->left_len);
    if (transfer(c->src, buf + c->left_len, n * sw, sw, fixed(c, false),
                 false) != MEMTX_OK) {
        stop(c, INT_SRC_DECODE);
        return false;
    }
    if (!c->enabled) {
        return false;
    }
    if (!fixed(c, false)) {
        c->src += n * sw;
    }
    c->done += n;
    if (!flush(c, buf, c->left_len + n * sw, c->done == c->items)) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (n && has_handshake(c, i)) {
            c->swhs[i] = 0;
            assert_int(c, i ? INT_DST_TRANSACTION
                            : INT_SRC_TRANSACTION);
        }
    }
    return c->enabled;
}

static void check_address(K210DmacChannel *c, uint64_t addr, const char *what)
{
    uint32_t a = addr;

    /* There are no caches here, so only a strict machine minds. */
    if (k210_is_strict() && a >= CACHED_BASE &&
        a - CACHED_BASE < MEMORY_SIZE) {
        k210_guest_error("k210-dmac: channel %u has the cached %s address "
                         "0x%08x", c->n, what, a);
    }
}

/* Takes the next block out of the registers. */
static void begin_block(K210DmacChannel *c)
{
    c->block_ctl = c->ctl;
    c->items = extract64(c->block_ts, 0, 22) + 1;
    c->done = 0;
    c->left_len = 0;
    c->in_block = true;
    check_address(c, c->src, "source");
    check_address(c, c->dst, "destination");
    for (int i = 0; i < 2; i++) {
        uint64_t addr = i ? c->dst : c->src;

        if (addr & (width(c, i) - 1)) {
            k210_guest_error("k210-dmac: channel %u has the %s address 0x%08x"
                             " for beats of %u bytes", c->n,
                             i ? "destination" : "source", (uint32_t)addr,
                             width(c, i));
        }
    }
    if (FIELD_EX64(c->cfg, CH_CFG, TT_FC) > 3) {
        qemu_log_mask(LOG_UNIMP, "k210-dmac: flow control by a peripheral, "
                      "BLOCK_TS counts all the same\n");
    }
    if (FIELD_EX64(c->ctl, CH_CTL, SRC_STAT_EN) ||
        FIELD_EX64(c->ctl, CH_CTL, DST_STAT_EN)) {
        qemu_log_mask(LOG_UNIMP, "k210-dmac: fetching the ends' status\n");
    }
    trace_k210_dmac_block(c->n, c->src, c->dst, c->items, width(c, false),
                          width(c, true));
}

/* Reads the block's description; false: the channel waits or has stopped. */
static bool fetch_lli(K210DmacChannel *c, unsigned src_type, unsigned dst_type)
{
    uint64_t lli[8];
    uint32_t addr = c->llp & ~63ull;

    check_address(c, addr, "linked list");
    if (address_space_read(&address_space_memory, addr,
                           MEMTXATTRS_UNSPECIFIED, lli,
                           sizeof(lli)) != MEMTX_OK) {
        stop(c, INT_LLI_READ_DECODE);
        return false;
    }
    for (int i = 0; i < 8; i++) {
        lli[i] = le64_to_cpu(lli[i]);
    }
    if (!FIELD_EX64(lli[4], CH_CTL, LLI_VALID)) {
        /* Software marks the item as valid and writes BLK_TFR. */
        c->wait = WAIT_RESUME;
        assert_int(c, INT_LLI_INVALID);
        return false;
    }
    if (src_type == LINKED_LIST) {
        c->sar = lli[0];
    }
    if (dst_type == LINKED_LIST) {
        c->dar = lli[1];
    }
    c->block_ts = lli[2];
    c->llp = lli[3];
    c->ctl = lli[4];
    return true;
}

static void next_address(uint64_t *addr, uint64_t reg, unsigned type,
                         bool first)
{
    if (type >= SHADOW || first) {
        *addr = reg;
    }
}

/* Sets up the next block; false: none now. */
static bool load_block(K210DmacChannel *c, bool first)
{
    unsigned src_type = FIELD_EX64(c->cfg, CH_CFG, SRC_MULTBLK);
    unsigned dst_type = FIELD_EX64(c->cfg, CH_CFG, DST_MULTBLK);
    bool list = src_type == LINKED_LIST || dst_type == LINKED_LIST;
    bool shadow = src_type == SHADOW || dst_type == SHADOW;

    if (list && shadow) {
        k210_guest_error("k210-dmac: channel %u mixes shadow registers and "
                         "linked list", c->n);
        stop(c, INT_MULTBLK_TYPE);
        return false;
    }
    if (list && !fetch_lli(c, src_type, dst_type)) {
        return false;
    }
    if (shadow) {
        if (!FIELD_EX64(c->ctl, CH_CTL, LLI_VALID)) {
            c->wait = WAIT_RESUME;
            assert_int(c, INT_LLI_INVALID);
            return false;
        }
    }
    next_address(&c->src, c->sar, src_type, first);
    next_address(&c->dst, c->dar, dst_type, first);
    begin_block(c);
    if (shadow) {
        c->ctl = FIELD_DP64(c->ctl, CH_CTL, LLI_VALID, 0);
    }
    return true;
}

/* True when another block follows at once. */
static bool end_block(K210DmacChannel *c)
{
    unsigned src_type = FIELD_EX64(c->cfg, CH_CFG, SRC_MULTBLK);
    unsigned dst_type = FIELD_EX64(c->cfg, CH_CFG, DST_MULTBLK);
    bool chained = src_type >= SHADOW || dst_type >= SHADOW;
    uint64_t ctl = c->block_ctl;

    c->in_block = false;
    if (!chained && src_type == CONTIGUOUS && dst_type == CONTIGUOUS) {
        stop(c, INT_BLOCK_DONE | INT_DONE);
        return false;
    }
    if (!chained || FIELD_EX64(ctl, CH_CTL, IOC_BLKTFR)) {
        assert_int(c, INT_BLOCK_DONE);
    }
    if (chained && FIELD_EX64(ctl, CH_CTL, LLI_LAST)) {
        stop(c, INT_DONE);
        return false;
    }
    /* Decided here: software may take the bits away for the last block. */
    if (src_type == RELOAD) {
        c->src = c->sar;
    }
    if (dst_type == RELOAD) {
        c->dst = c->dar;
    }
    if (!chained && (c->int_status & c->int_signal & INT_BLOCK_DONE)) {
        /* Software looks at the block before the next one may start. */
        c->wait = WAIT_CLEAR;
        return false;
    }
    return true;
}

static void channel_timer(void *opaque)
{
    K210DmacChannel *c = opaque;
    bool first = !c->done && !c->in_block;
    uint32_t bytes;

    if (!c->enabled || c->suspended ||
        !(c->dmac->cfg & R_CFG_DMAC_EN_MASK)) {
        c->step = 0;
        return;
    }
    if (c->step && !move(c)) {
        return;
    }
    if (c->in_block && c->left_len >= width(c, true)) {
        /* Several destination beats per item: the rest of the last one. */
        memcpy(c->dmac->buffer, c->left, c->left_len);
        if (!flush(c, c->dmac->buffer, c->left_len, c->done == c->items)) {
            return;
        }
    }
    if (c->in_block && c->done == c->items && !c->left_len &&
        !end_block(c)) {
        return;
    }
    if (c->wait != WAIT_NOTHING) {
        return;
    }
    if (!c->in_block && !load_block(c, first)) {
        return;
    }
    c->step = c->done < c->items ? movable(c) : 0;
    if (!c->step) {
        return;                 /* until the request line moves */
    }
    bytes = c->step * width(c, false);
    schedule(c, end_clocks(c, false, bytes) + end_clocks(c, true, bytes));
}

static void request(void *opaque, int n, int level)
{
    K210DmacState *s = opaque;

    s->level[n] = level;
    if (level <= 0) {
        return;
    }
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        K210DmacChannel *c = &s->ch[i];

        if (c->enabled &&
            (!s->sysctl || k210_sysctl_dma_sel(s->sysctl, i) == n)) {
            kick(c);
        }
    }
}

static void kick_all(K210DmacState *s)
{
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        kick(&s->ch[i]);
    }
}

static void clock_changed(void *opaque, ClockEvent event)
{
    K210DmacState *s = opaque;

    if (clock_is_enabled(s->clk)) {
        kick_all(s);
        return;
    }
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        timer_del(s->ch[i].timer);
        s->ch[i].step = 0;
    }
}

static void enable(K210DmacChannel *c, bool on)
{
    if (!on) {
        if (c->enabled) {
            stop(c, INT_DISABLED);
        }
        return;
    }
    if (c->enabled) {
        return;
    }
    c->enabled = true;
    c->suspended = false;
    c->in_block = false;
    c->wait = WAIT_NOTHING;
    c->step = c->done = c->left_len = 0;
    trace_k210_dmac_start(c->n, c->sar, c->dar, c->ctl, c->cfg,
                          c->dmac->sysctl ?
                          k210_sysctl_dma_sel(c->dmac->sysctl, c->n) : c->n);
    kick(c);
}

static void suspend(K210DmacChannel *c, bool on)
{
    if (!c->enabled || c->suspended == on) {
        return;
    }
    c->suspended = on;
    if (on) {
        timer_del(c->timer);
        c->step = 0;
        assert_int(c, INT_SRC_SUSPENDED | INT_SUSPENDED);
    } else {
        kick(c);
    }
}

static void write_chen(K210DmacState *s, uint64_t v)
{
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        K210DmacChannel *c = &s->ch[i];

        if (extract64(v, 40 + i, 1) && extract64(v, 32 + i, 1) &&
            c->enabled) {
            stop(c, INT_ABORTED);
        }
        if (extract64(v, 8 + i, 1)) {
            enable(c, extract64(v, i, 1));
        }
        if (extract64(v, 24 + i, 1)) {
            suspend(c, extract64(v, 16 + i, 1));
        }
    }
}

static uint64_t read_chen(K210DmacState *s)
{
    uint64_t v = 0;

    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        v |= (uint64_t)s->ch[i].enabled << i |
             (uint64_t)s->ch[i].suspended << (16 + i);
    }
    return v;
}

static void reset_channel(K210DmacChannel *c)
{
    timer_del(c->timer);
    c->sar = c->dar = c->block_ts = c->ctl = c->cfg = c->llp = 0;
    c->swhs[0] = c->swhs[1] = 0;
    c->axi_id = c->axi_qos = c->sstatar = c->dstatar = 0;
    c->sstat = c->dstat = 0;
    /* The vendor's driver never writes the signal enables. */
    c->int_en = c->int_signal = UINT32_MAX;
    c->int_status = 0;
    c->enabled = c->suspended = c->in_block = false;
    c->wait = WAIT_NOTHING;
    c->items = c->done = c->step = c->left_len = 0;
}

static void reset_registers(K210DmacState *s)
{
    s->cfg = 0;
    s->com_int_en = s->com_int_signal = COM_ALL;
    s->com_int_status = 0;
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        reset_channel(&s->ch[i]);
    }
    update_irqs(s);
}

static void no_register(K210DmacState *s, hwaddr addr, bool write)
{
    k210_guest_error("k210-dmac: %s at 0x%03" HWADDR_PRIx
                     ", where there is no register",
                     write ? "write" : "read", addr);
    s->com_int_status |= COM_UNDEFINED & s->com_int_en;
}

static uint64_t read_channel(K210DmacState *s, K210DmacChannel *c, hwaddr reg,
                             hwaddr addr)
{
    switch (reg) {
    case A_CH_SAR:
        return c->sar;
    case A_CH_DAR:
        return c->dar;
    case A_CH_BLOCK_TS:
        return c->block_ts;
    case A_CH_CTL:
        return c->ctl;
    case A_CH_CFG:
        return c->cfg;
    case A_CH_LLP:
        return c->llp;
    case A_CH_STATUS:
        return c->done | (uint64_t)c->left_len << 32;
    case A_CH_SWHSSRC:
        return c->swhs[0];
    case A_CH_SWHSDST:
        return c->swhs[1];
    case A_CH_AXI_ID:
        return c->axi_id;
    case A_CH_AXI_QOS:
        return c->axi_qos;
    case A_CH_SSTAT:
        return c->sstat;
    case A_CH_DSTAT:
        return c->dstat;
    case A_CH_SSTATAR:
        return c->sstatar;
    case A_CH_DSTATAR:
        return c->dstatar;
    case A_CH_INTSTATUS_EN:
        return c->int_en;
    case A_CH_INTSTATUS:
        return c->int_status;
    case A_CH_INTSIGNAL_EN:
        return c->int_signal;
    case A_CH_BLK_TFR:
    case A_CH_INTCLEAR:
        return 0;
    default:
        no_register(s, addr, false);
        return 0;
    }
}

static uint64_t read_register(K210DmacState *s, hwaddr addr)
{
    uint64_t v = 0;

    if (addr >= 0x100) {
        unsigned n = addr / 0x100 - 1;

        if (n < K210_DMAC_CHANNELS) {
            return read_channel(s, &s->ch[n], addr & 0xff, addr);
        }
        no_register(s, addr, false);
        return 0;
    }
    switch (addr) {
    case A_ID:
        return 0;
    case A_COMPVER:
        return 0x3130312a;      /* "*101" */
    case A_CFG:
        return s->cfg;
    case A_CHEN:
        return read_chen(s);
    case A_INTSTATUS:
        for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
            v |= (uint64_t)!!(s->ch[i].int_status & s->ch[i].int_signal) << i;
        }
        return v | (uint64_t)!!(s->com_int_status & s->com_int_signal) << 16;
    case A_COM_INTSTATUS_EN:
        return s->com_int_en;
    case A_COM_INTSIGNAL_EN:
        return s->com_int_signal;
    case A_COM_INTSTATUS:
        return s->com_int_status;
    case A_COM_INTCLEAR:
    case A_RESET:
        return 0;               /* a reset is over at once */
    default:
        no_register(s, addr, false);
        return 0;
    }
}

/* Software handshake: a value bit counts when the bit above it is set too. */
static void write_swhs(K210DmacChannel *c, bool dst, uint64_t v)
{
    uint64_t mask = (v >> 1) & SWHS_VALUES;

    c->swhs[dst] = (c->swhs[dst] & ~mask) | (v & mask);
    kick(c);
}

static void write_channel(K210DmacState *s, K210DmacChannel *c, hwaddr reg,
                          hwaddr addr, uint64_t v)
{
    unsigned multblk = extract64(c->cfg, 0, 4);

    switch (reg) {
    case A_CH_SAR: case A_CH_DAR: case A_CH_BLOCK_TS: case A_CH_CTL:
        /* Reload and shadow transfers are fed while they run. */
        if (c->enabled && multblk == 0) {
            k210_guest_error("k210-dmac: write to 0x%03" HWADDR_PRIx
                             " while channel %u runs", addr, c->n);
            assert_int(c, INT_WRONCHEN);
        }
        break;
    default:
        break;
    }
    switch (reg) {
    case A_CH_SAR:
        c->sar = v;
        break;
    case A_CH_DAR:
        c->dar = v;
        break;
    case A_CH_BLOCK_TS:
        c->block_ts = v & MAKE_64BIT_MASK(0, 22);
        break;
    case A_CH_CTL:
        c->ctl = v;
        break;
    case A_CH_CFG:
        c->cfg = v;
        break;
    case A_CH_LLP:
        c->llp = v;
        break;
    case A_CH_SWHSSRC:
        write_swhs(c, false, v);
        break;
    case A_CH_SWHSDST:
        write_swhs(c, true, v);
        break;
    case A_CH_BLK_TFR:
        if ((v & 1) && c->wait != WAIT_NOTHING) {
            c->wait = WAIT_NOTHING;
            kick(c);
        }
        break;
    case A_CH_AXI_ID:
        c->axi_id = v;
        break;
    case A_CH_AXI_QOS:
        c->axi_qos = v;
        break;
    case A_CH_SSTATAR:
        c->sstatar = v;
        break;
    case A_CH_DSTATAR:
        c->dstatar = v;
        break;
    case A_CH_INTSTATUS_EN:
        c->int_en = v;
        c->int_status &= v;
        break;
    case A_CH_INTSIGNAL_EN:
        c->int_signal = v;
        break;
    case A_CH_INTCLEAR:
        c->int_status &= ~v;
        if ((v & INT_BLOCK_DONE) && c->wait == WAIT_CLEAR) {
            c->wait = WAIT_NOTHING;
            kick(c);
        }
        break;
    case A_CH_STATUS: case A_CH_SSTAT: case A_CH_DSTAT: case A_CH_INTSTATUS:
        k210_guest_error("k210-dmac: write to read-only register 0x%03"
                         HWADDR_PRIx, addr);
        assert_int(c, INT_WR2RO);
        break;
    default:
        no_register(s, addr, true);
        break;
    }
    update_irq(c);
}

static void write_register(K210DmacState *s, hwaddr addr, uint64_t v)
{
    if (addr >= 0x100) {
        unsigned n = addr / 0x100 - 1;

        if (n < K210_DMAC_CHANNELS) {
            write_channel(s, &s->ch[n], addr & 0xff, addr, v);
        } else {
            no_register(s, addr, true);
        }
        return;
    }
    switch (addr) {
    case A_CFG:
        s->cfg = v & 3;
        update_irqs(s);
        kick_all(s);
        break;
    case A_CHEN:
        write_chen(s, v);
        break;
    case A_COM_INTCLEAR:
        s->com_int_status &= ~v;
        break;
    case A_COM_INTSTATUS_EN:
        s->com_int_en = v & COM_ALL;
        s->com_int_status &= v;
        break;
    case A_COM_INTSIGNAL_EN:
        s->com_int_signal = v & COM_ALL;
        break;
    case A_RESET:
        if (v & 1) {
            reset_registers(s);
        }
        break;
    case A_ID: case A_COMPVER: case A_INTSTATUS: case A_COM_INTSTATUS:
        k210_guest_error("k210-dmac: write to read-only register 0x%03"
                         HWADDR_PRIx, addr);
        s->com_int_status |= COM_WR2RO & s->com_int_en;
        break;
    default:
        no_register(s, addr, true);
        break;
    }
}

static bool access_ok(hwaddr addr, unsigned size, bool write)
{
    if (size < 4 || addr % size) {
        k210_guest_error("k210-dmac: %u-byte %s at 0x%03" HWADDR_PRIx
                         ", the registers are 64 bits wide", size,
                         write ? "write" : "read", addr);
        return false;
    }
    return true;
}

static uint64_t k210_dmac_read(void *opaque, hwaddr addr, unsigned size)
{
    uint64_t v;

    if (!access_ok(addr, size, false)) {
        return 0;
    }
    v = read_register(opaque, addr & ~7ull);
    if (size == 4) {
        v = (uint32_t)(v >> (addr & 4) * 8);
    }
    trace_k210_dmac_read(addr, v);
    return v;
}

static void k210_dmac_write(void *opaque, hwaddr addr, uint64_t v,
                            unsigned size)
{
    K210DmacState *s = opaque;
    hwaddr reg = addr & ~7ull;

    trace_k210_dmac_write(addr, v);
    if (!access_ok(addr, size, true)) {
        return;
    }
    if (size == 4) {
        unsigned shift = (addr & 4) * 8;
        hwaddr r = reg & 0xff;
        uint64_t other = 0;

        /* The other half stays, where it is storage and not a command. */
        if (reg >= 0x100 && r <= A_CH_LLP) {
            other = read_register(s, reg);
        } else if (shift && r != A_CHEN) {
            return;             /* no other register uses its upper half */
        }
        v = deposit64(other, shift, 32, v);
    }
    write_register(s, reg, v);
}

static const MemoryRegionOps k210_dmac_ops = {
    .read = k210_dmac_read,
    .write = k210_dmac_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

static void k210_dmac_reset_hold(Object *obj, ResetType type)
{
    K210DmacState *s = K210_DMAC(obj);

    reset_registers(s);
}

static void k210_dmac_init(Object *obj)
{
    K210DmacState *s = K210_DMAC(obj);
    SysBusDevice *sbd = SYS_BUS_DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_dmac_ops, s, TYPE_K210_DMAC,
                          0x1000);
    sysbus_init_mmio(sbd, &s->mmio);
    s->clk = qdev_init_clock_in(DEVICE(obj), "clk", clock_changed, s,
                                ClockUpdate);
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        K210DmacChannel *c = &s->ch[i];

        c->dmac = s;
        c->n = i;
        c->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, channel_timer, c);
        sysbus_init_irq(sbd, &c->irq);
    }
    qdev_init_gpio_in_named(DEVICE(obj), request, "hs", K210_DMAC_REQUESTS);
    s->buffer = g_malloc(STEP_BYTES + 2 * K210_DMAC_LEFT);
}

static void k210_dmac_finalize(Object *obj)
{
    K210DmacState *s = K210_DMAC(obj);

    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        timer_free(s->ch[i].timer);
    }
    g_free(s->buffer);
}

static const VMStateDescription vmstate_channel = {
    .name = "k210-dmac-channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_TIMER_PTR(timer, K210DmacChannel),
        VMSTATE_UINT64(sar, K210DmacChannel),
        VMSTATE_UINT64(dar, K210DmacChannel),
        VMSTATE_UINT64(block_ts, K210DmacChannel),
        VMSTATE_UINT64(ctl, K210DmacChannel),
        VMSTATE_UINT64(cfg, K210DmacChannel),
        VMSTATE_UINT64(llp, K210DmacChannel),
        VMSTATE_UINT64_ARRAY(swhs, K210DmacChannel, 2),
        VMSTATE_UINT64(axi_id, K210DmacChannel),
        VMSTATE_UINT64(axi_qos, K210DmacChannel),
        VMSTATE_UINT64(sstatar, K210DmacChannel),
        VMSTATE_UINT64(dstatar, K210DmacChannel),
        VMSTATE_UINT32(sstat, K210DmacChannel),
        VMSTATE_UINT32(dstat, K210DmacChannel),
        VMSTATE_UINT32(int_en, K210DmacChannel),
        VMSTATE_UINT32(int_status, K210DmacChannel),
        VMSTATE_UINT32(int_signal, K210DmacChannel),
        VMSTATE_BOOL(enabled, K210DmacChannel),
        VMSTATE_BOOL(suspended, K210DmacChannel),
        VMSTATE_UINT8(wait, K210DmacChannel),
        VMSTATE_UINT64(src, K210DmacChannel),
        VMSTATE_UINT64(dst, K210DmacChannel),
        VMSTATE_UINT64(block_ctl, K210DmacChannel),
        VMSTATE_UINT32(items, K210DmacChannel),
        VMSTATE_UINT32(done, K210DmacChannel),
        VMSTATE_BOOL(in_block, K210DmacChannel),
        VMSTATE_UINT32(step, K210DmacChannel),
        VMSTATE_UINT8_ARRAY(left, K210DmacChannel, K210_DMAC_LEFT),
        VMSTATE_UINT32(left_len, K210DmacChannel),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_k210_dmac = {
    .name = TYPE_K210_DMAC,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_CLOCK(clk, K210DmacState),
        VMSTATE_UINT64(cfg, K210DmacState),
        VMSTATE_UINT32(com_int_en, K210DmacState),
        VMSTATE_UINT32(com_int_status, K210DmacState),
        VMSTATE_UINT32(com_int_signal, K210DmacState),
        VMSTATE_INT32_ARRAY(level, K210DmacState, K210_DMAC_REQUESTS),
        VMSTATE_STRUCT_ARRAY(ch, K210DmacState, K210_DMAC_CHANNELS, 1,
                             vmstate_channel, K210DmacChannel),
        VMSTATE_END_OF_LIST()
    },
};

static const Property k210_dmac_properties[] = {
    DEFINE_PROP_LINK("sysctl", K210DmacState, sysctl, TYPE_K210_SYSCTL,
                     K210SysctlState *),
};

static void k210_dmac_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Kendryte K210 DMA controller";
    dc->vmsd = &vmstate_k210_dmac;
    device_class_set_props(dc, k210_dmac_properties);
    rc->phases.hold = k210_dmac_reset_hold;
}

static const TypeInfo k210_dmac_info = {
    .name = TYPE_K210_DMAC,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(K210DmacState),
    .instance_init = k210_dmac_init,
    .instance_finalize = k210_dmac_finalize,
    .class_init = k210_dmac_class_init,
};

static void k210_dmac_types(void)
{
    type_register_static(&k210_dmac_info);
}

type_init(k210_dmac_types)
