/*
 * Kendryte K210: the channels of the DMA controller
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
#include "qemu/log.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "hw/irq.h"
#include "hw/k210/k210_strict.h"
#include "hw/k210/k210_caches.h"
#include "k210_dmac_internal.h"
#include "trace.h"

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

void k210_dmac_update_irq(K210DmacChannel *c)
{
    qemu_set_irq(c->irq, (c->dmac->cfg & R_CFG_INT_EN_MASK) &&
                         (c->int_status & c->int_signal));
}

void k210_dmac_interrupt(K210DmacChannel *c, uint32_t bits)
{
    c->int_status |= bits & c->int_en;
    k210_dmac_update_irq(c);
}

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

void k210_dmac_stop(K210DmacChannel *c, uint32_t why)
{
    timer_del(c->timer);
    c->enabled = c->suspended = c->in_block = false;
    c->wait = WAIT_NOTHING;
    c->step = 0;
    c->swhs[0] = c->swhs[1] = 0;
    trace_k210_dmac_stop(c->n, why, c->done, c->items);
    k210_dmac_interrupt(c, why);
}

static void schedule(K210DmacChannel *c, unsigned clocks)
{
    timer_mod(c->timer, now_ns() +
              clock_ticks_to_ns(c->dmac->clk, MAX(clocks, 1)));
}

void k210_dmac_kick(K210DmacChannel *c)
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
    return MIN(n, K210_DMAC_STEP / sw);
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
    k210_caches_device("k210-dmac", addr, is_fixed ? MIN(w, len) : len, write);
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
        k210_dmac_stop(c, INT_DST_DECODE);
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
            k210_dmac_stop(c, INT_DST_DECODE);
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
        k210_dmac_stop(c, INT_SRC_DECODE);
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
            k210_dmac_interrupt(c, i ? INT_DST_TRANSACTION
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
        k210_dmac_stop(c, INT_LLI_READ_DECODE);
        return false;
    }
    for (int i = 0; i < 8; i++) {
        lli[i] = le64_to_cpu(lli[i]);
    }
    if (!FIELD_EX64(lli[4], CH_CTL, LLI_VALID)) {
        /* Software marks the item as valid and writes BLK_TFR. */
        c->wait = WAIT_RESUME;
        k210_dmac_interrupt(c, INT_LLI_INVALID);
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
        k210_dmac_stop(c, INT_MULTBLK_TYPE);
        return false;
    }
    if (list && !fetch_lli(c, src_type, dst_type)) {
        return false;
    }
    if (shadow) {
        if (!FIELD_EX64(c->ctl, CH_CTL, LLI_VALID)) {
            c->wait = WAIT_RESUME;
            k210_dmac_interrupt(c, INT_LLI_INVALID);
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
        k210_dmac_stop(c, INT_BLOCK_DONE | INT_DONE);
        return false;
    }
    if (!chained || FIELD_EX64(ctl, CH_CTL, IOC_BLKTFR)) {
        k210_dmac_interrupt(c, INT_BLOCK_DONE);
    }
    if (chained && FIELD_EX64(ctl, CH_CTL, LLI_LAST)) {
        k210_dmac_stop(c, INT_DONE);
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

void k210_dmac_channel_timer(void *opaque)
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

void k210_dmac_enable(K210DmacChannel *c, bool on)
{
    if (!on) {
        if (c->enabled) {
            k210_dmac_stop(c, INT_DISABLED);
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
    k210_dmac_kick(c);
}

void k210_dmac_suspend(K210DmacChannel *c, bool on)
{
    if (!c->enabled || c->suspended == on) {
        return;
    }
    c->suspended = on;
    if (on) {
        timer_del(c->timer);
        c->step = 0;
        k210_dmac_interrupt(c, INT_SRC_SUSPENDED | INT_SUSPENDED);
    } else {
        k210_dmac_kick(c);
    }
}

void k210_dmac_reset_channel(K210DmacChannel *c)
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
