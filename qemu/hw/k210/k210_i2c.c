/*
 * Kendryte K210 I2C0..2 (DesignWare APB I2C)
 *
 * What K210 software relies on and other models of this core leave out: the
 * FIFOs are eight deep and drain in bus time; the core was built without
 * "hold on empty", so it sends a STOP by itself when the TX FIFO runs dry and
 * a RESTART when the direction changes; a NACK flushes the TX FIFO and holds
 * it flushed until CLR_TX_ABRT is read.
 *
 * As a slave it answers another master (k210_i2c_master.c): RD_REQ holds the
 * clock until software has written a byte.
 *
 * A bus is joined to a controller by pads: whoever has mapped its SCLK and
 * SDA functions to the pads of one of the board's buses talks to it.
 *
 * Facts: k210-hardware 2.9; DesignWare DW_apb_i2c data book names.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "system/cpu-timers.h"
#include "hw/k210/k210_i2c.h"
#include "hw/k210/k210_i2c_buses.h"
#include "hw/k210/k210_mmio.h"
#include "trace.h"

#define FIFO_DEPTH 8

/* How much later than on the chip a program may push its next entry. */
#define GRACE_NS (20 * SCALE_MS)

REG32(CON, 0x00)
    FIELD(CON, MASTER, 0, 1)
    FIELD(CON, SLAVE_10BIT, 3, 1)
    FIELD(CON, MASTER_10BIT, 4, 1)
    FIELD(CON, SLAVE_DISABLE, 6, 1)
    FIELD(CON, STOP_DET_IF_ADDRESSED, 7, 1)
REG32(TAR, 0x04)
    FIELD(TAR, MASTER_10BIT, 12, 1)
REG32(SAR, 0x08)
REG32(DATA_CMD, 0x10)
    FIELD(DATA_CMD, DATA, 0, 8)
    FIELD(DATA_CMD, CMD, 8, 1)
    FIELD(DATA_CMD, STOP, 9, 1)
    FIELD(DATA_CMD, RESTART, 10, 1)
REG32(SS_SCL_HCNT, 0x14)
REG32(SS_SCL_LCNT, 0x18)
REG32(FS_SCL_HCNT, 0x1c)
REG32(FS_SCL_LCNT, 0x20)
REG32(INTR_STAT, 0x2c)
REG32(INTR_MASK, 0x30)
REG32(RAW_INTR_STAT, 0x34)
REG32(RX_TL, 0x38)
REG32(TX_TL, 0x3c)
REG32(CLR_INTR, 0x40)
REG32(CLR_RX_UNDER, 0x44)
REG32(CLR_TX_ABRT, 0x54)
REG32(CLR_GEN_CALL, 0x68)
REG32(ENABLE, 0x6c)
    FIELD(ENABLE, ENABLE, 0, 1)
    FIELD(ENABLE, ABORT, 1, 1)
    FIELD(ENABLE, TX_CMD_BLOCK, 2, 1)
REG32(STATUS, 0x70)
REG32(TXFLR, 0x74)
REG32(RXFLR, 0x78)
REG32(SDA_HOLD, 0x7c)
REG32(TX_ABRT_SOURCE, 0x80)
REG32(DMA_CR, 0x88)
REG32(DMA_TDLR, 0x8c)
REG32(DMA_RDLR, 0x90)
REG32(SDA_SETUP, 0x94)
REG32(ACK_GENERAL_CALL, 0x98)
REG32(ENABLE_STATUS, 0x9c)
REG32(FS_SPKLEN, 0xa0)
REG32(COMP_PARAM_1, 0xf4)
REG32(COMP_VERSION, 0xf8)
REG32(COMP_TYPE, 0xfc)

enum {
    INT_RX_UNDER = 1 << 0, INT_RX_OVER = 1 << 1, INT_RX_FULL = 1 << 2,
    INT_TX_OVER = 1 << 3, INT_TX_EMPTY = 1 << 4, INT_RD_REQ = 1 << 5,
    INT_TX_ABRT = 1 << 6, INT_RX_DONE = 1 << 7, INT_ACTIVITY = 1 << 8,
    INT_STOP_DET = 1 << 9, INT_START_DET = 1 << 10, INT_GEN_CALL = 1 << 11,
};
#define INT_LATCHED (INT_RX_UNDER | INT_RX_OVER | INT_TX_OVER | INT_RD_REQ | \
                     INT_TX_ABRT | INT_RX_DONE | INT_STOP_DET | \
                     INT_START_DET | INT_GEN_CALL)

enum {
    ABRT_7B_ADDR_NOACK = 1 << 0, ABRT_10ADDR1_NOACK = 1 << 1,
    ABRT_TXDATA_NOACK = 1 << 3, ABRT_SLVFLUSH_TXFIFO = 1 << 13,
};

struct K210I2CState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    qemu_irq irq;
    qemu_irq dma_rx;
    qemu_irq dma_tx;
    Clock *clk;
    QEMUTimer *timer;
    K210I2CBuses *buses;
    I2CBus *bus;            /* of the transaction under way, see its_bus() */
    K210FpioaState *fpioa;
    uint32_t index;

    uint32_t con, tar, sar, enable;
    uint32_t ss_hcnt, ss_lcnt, fs_hcnt, fs_lcnt;
    uint32_t intr_mask, intr_raw;
    uint32_t rx_tl, tx_tl;
    uint32_t sda_hold, sda_setup, ack_general_call, fs_spklen;
    uint32_t abrt_source;
    uint32_t dma_cr, dma_tdlr, dma_rdlr;

    uint16_t tx[FIFO_DEPTH];
    uint32_t tx_len;
    uint8_t rx[FIFO_DEPTH];
    uint32_t rx_len;

    bool on_bus;            /* between START and STOP */
    bool stop_due;          /* the FIFO ran dry, nobody has looked since */
    bool reading;           /* direction of the transaction */
    bool addressed;         /* the target has answered its address */
    bool slave;             /* another master talks to this controller */
};

static bool enabled(K210I2CState *s)
{
    return s->enable & R_ENABLE_ENABLE_MASK;
}

static void update(K210I2CState *s)
{
    uint32_t level = 0;

    if (s->rx_len > s->rx_tl) {
        level |= INT_RX_FULL;
    }
    if (enabled(s) && s->tx_len <= s->tx_tl) {
        level |= INT_TX_EMPTY;
    }
    if (s->on_bus || s->slave) {
        level |= INT_ACTIVITY;
    }
    s->intr_raw = (s->intr_raw & INT_LATCHED) | level;
    qemu_set_irq(s->irq, !!(s->intr_raw & s->intr_mask));
    qemu_set_irq(s->dma_rx, s->dma_cr & 1 && s->rx_len > s->dma_rdlr
                 ? s->rx_len : 0);
    qemu_set_irq(s->dma_tx, s->dma_cr & 2 && enabled(s)
                 && s->tx_len <= s->dma_tdlr && !s->abrt_source
                 ? FIFO_DEPTH - s->tx_len : 0);
}

/* Duration of a number of SCL periods. */
static int64_t bits_ns(K210I2CState *s, unsigned bits)
{
    /*
     * The vendor's drivers program the standard-mode counters whatever speed
     * they select, and the silicon goes by them; take the fast-mode ones when
     * only these are set.
     */
    uint32_t h = s->ss_hcnt, l = s->ss_lcnt;

    if (!h || !l) {
        h = s->fs_hcnt;
        l = s->fs_lcnt;
    }
    return clock_ticks_to_ns(s->clk, (uint64_t)MAX(h + l, 2) * bits);
}

static void schedule(K210I2CState *s, unsigned bits)
{
    if (!clock_is_enabled(s->clk)) {
        k210_guest_error("k210-i2c%u: transfer while its clock is off",
                         s->index);
        return;
    }
    timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL)
              + bits_ns(s, bits));
}

/* Addresses of 10 bits: nothing on the boards has one. */
static bool ten_bits(K210I2CState *s)
{
    return s->con & R_CON_MASTER_10BIT_MASK || s->tar & R_TAR_MASTER_10BIT_MASK;
}

static void kick(K210I2CState *s)
{
    if (s->stop_due && s->tx_len) {
        s->stop_due = false;
        timer_del(s->timer);
    }
    if (enabled(s) && !timer_pending(s->timer) && s->tx_len
        && !s->abrt_source && s->con & R_CON_MASTER_MASK
        && !(s->enable & R_ENABLE_TX_CMD_BLOCK_MASK)
        && s->rx_len < FIFO_DEPTH) {
        bool start = !s->on_bus || (s->tx[0] & R_DATA_CMD_RESTART_MASK)
                     || s->reading != !!(s->tx[0] & R_DATA_CMD_CMD_MASK);

        schedule(s, start ? 19 : 9);
    }
}

/* The bus of the transaction; NULL when the pads lead to none. */
static I2CBus *its_bus(K210I2CState *s)
{
    if (!s->bus) {
        s->bus = k210_i2c_buses_find(s->buses, s->fpioa,
                                     K210_FUNC_I2C0_SCLK + 2 * s->index);
    }
    return s->bus;
}

static void stop(K210I2CState *s)
{
    s->stop_due = false;
    if (s->on_bus) {
        if (s->addressed && its_bus(s)) {
            i2c_end_transfer(s->bus);
        }
        s->bus = NULL;
        s->on_bus = false;
        s->addressed = false;
        s->intr_raw |= INT_STOP_DET;
    }
}

static void abort_transfer(K210I2CState *s, uint32_t source)
{
    trace_k210_i2c_abort(s->index, s->tar & 0x7f, source);
    s->abrt_source |= source;
    s->intr_raw |= INT_TX_ABRT;
    s->tx_len = 0;
    stop(s);
}

/* One entry of the TX FIFO has had its time on the bus. */
static void entry_done(K210I2CState *s)
{
    uint16_t cmd = s->tx[0];
    bool read = cmd & R_DATA_CMD_CMD_MASK;

    memmove(s->tx, s->tx + 1, --s->tx_len * sizeof(s->tx[0]));
    if (s->on_bus && (s->reading != read || cmd & R_DATA_CMD_RESTART_MASK)) {
        /* RESTART: the bus stays busy, the target sees a new START. */
        s->addressed = false;
    }
    if (!s->on_bus || !s->addressed) {
        s->on_bus = true;
        s->reading = read;
        s->intr_raw |= INT_START_DET;
        trace_k210_i2c_start(s->index, s->tar & 0x7f, read);
        if (ten_bits(s)) {
            abort_transfer(s, ABRT_10ADDR1_NOACK);
            return;
        }
        if (!its_bus(s) || i2c_start_transfer(s->bus, s->tar & 0x7f, read)) {
            abort_transfer(s, ABRT_7B_ADDR_NOACK);
            return;
        }
        s->addressed = true;
    }
    if (read) {
        uint8_t byte = its_bus(s) ? i2c_recv(s->bus) : 0xff;

        if (s->rx_len == FIFO_DEPTH) {
            s->intr_raw |= INT_RX_OVER;
        } else {
            s->rx[s->rx_len++] = byte;
        }
    } else if (!its_bus(s) || i2c_send(s->bus, cmd & 0xff)) {
        abort_transfer(s, ABRT_TXDATA_NOACK);
        return;
    }
    if (cmd & R_DATA_CMD_STOP_MASK) {
        stop(s);
    }
}

static void tick(void *opaque)
{
    K210I2CState *s = opaque;

    if (s->tx_len) {
        entry_done(s);
        if (!s->tx_len && s->on_bus) {
            /* Half a byte time for software to queue the next entry. */
            schedule(s, 5);
        }
    } else if (s->on_bus && !s->stop_due && !icount_enabled()
               && !(s->intr_mask & INT_STOP_DET)) {
        /*
         * A program is not torn from its transfer because the host was busy
         * with something else: the STOP waits until somebody looks for it.
         */
        s->stop_due = true;
        timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + GRACE_NS);
    } else {
        stop(s);
    }
    kick(s);
    update(s);
}

/* Slave: called by another master on the bus */

bool k210_i2c_slave_start(K210I2CState *s, unsigned address, bool read)
{
    bool ten = s->con & R_CON_SLAVE_10BIT_MASK;
    bool general = address == 0 && !read && s->ack_general_call;

    if (!enabled(s) || s->con & R_CON_SLAVE_DISABLE_MASK ||
        s->con & R_CON_MASTER_MASK) {
        return false;
    }
    s->intr_raw |= INT_START_DET;
    if (!general && (ten != (address > K210_I2C_7_BITS) ||
                     address != (s->sar & (ten ? 0x3ff : 0x7f)))) {
        update(s);
        return false;
    }
    if (general) {
        s->intr_raw |= INT_GEN_CALL;
    }
    s->slave = true;
    if (read && s->tx_len) {
        /* What was written without being asked for is dropped. */
        s->tx_len = 0;
        s->abrt_source |= ABRT_SLVFLUSH_TXFIFO;
        s->intr_raw |= INT_TX_ABRT;
    }
    update(s);
    return true;
}

void k210_i2c_slave_receive(K210I2CState *s, uint8_t byte)
{
    if (s->rx_len == FIFO_DEPTH) {
        s->intr_raw |= INT_RX_OVER;
        k210_guest_error("k210-i2c%u: RX FIFO overrun, a byte from the master "
                         "was lost", s->index);
    } else {
        s->rx[s->rx_len++] = byte;
    }
    update(s);
}

bool k210_i2c_slave_send(K210I2CState *s, uint8_t *byte)
{
    if (!s->tx_len) {
        s->intr_raw |= INT_RD_REQ;
        update(s);
        return false;
    }
    *byte = s->tx[0];
    memmove(s->tx, s->tx + 1, --s->tx_len * sizeof(s->tx[0]));
    update(s);
    return true;
}

void k210_i2c_slave_stop(K210I2CState *s, bool done)
{
    if (s->slave || !(s->con & R_CON_STOP_DET_IF_ADDRESSED_MASK)) {
        s->intr_raw |= INT_STOP_DET;
    }
    if (done) {
        s->intr_raw |= INT_RX_DONE;
    }
    s->slave = false;
    update(s);
}

/* The program looks at what a STOP changes. */
static void look(K210I2CState *s)
{
    if (s->stop_due) {
        timer_del(s->timer);
        stop(s);
        update(s);
    }
}

static void disable(K210I2CState *s)
{
    timer_del(s->timer);
    stop(s);
    s->tx_len = 0;
    s->rx_len = 0;
    s->abrt_source = 0;
    s->intr_raw = 0;
    s->slave = false;
}

/* Does at once what a late timer has left to do: pollers starve its thread. */
static void catch_up(K210I2CState *s)
{
    while (timer_pending(s->timer) && !s->stop_due &&
           timer_expire_time_ns(s->timer)
           <= qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL)) {
        timer_del(s->timer);
        tick(s);
    }
}

static uint32_t clear_one(K210I2CState *s, uint32_t mask)
{
    bool was = s->intr_raw & mask;

    s->intr_raw &= ~mask;
    if (mask & INT_TX_ABRT) {
        s->abrt_source = 0;
        kick(s);
    }
    update(s);
    return was;
}

static uint64_t i2c_mmio_read(void *opaque, hwaddr addr, unsigned size)
{
    /* Registers 44h..68h clear these, in this order. */
    static const uint32_t clear[] = {
        INT_RX_UNDER, INT_RX_OVER, INT_TX_OVER, INT_RD_REQ, INT_TX_ABRT,
        INT_RX_DONE, 0, INT_STOP_DET, INT_START_DET, INT_GEN_CALL,
    };
    K210I2CState *s = opaque;
    uint32_t v;

    if (!k210_mmio_ok("k210-i2c", false, addr, size)) {
        return 0;
    }
    catch_up(s);
    if (addr == A_STATUS || (addr >= A_INTR_STAT && addr <= A_RAW_INTR_STAT)
        || (addr >= A_CLR_INTR && addr <= A_CLR_GEN_CALL)) {
        look(s);
    }
    switch (addr) {
    case A_CON:
        return s->con;
    case A_TAR:
        return s->tar;
    case A_SAR:
        return s->sar;
    case A_DATA_CMD:
        if (!s->rx_len) {
            s->intr_raw |= INT_RX_UNDER;
            update(s);
            return 0;
        }
        v = s->rx[0];
        memmove(s->rx, s->rx + 1, --s->rx_len);
        kick(s);
        update(s);
        return v;
    case A_SS_SCL_HCNT:
        return s->ss_hcnt;
    case A_SS_SCL_LCNT:
        return s->ss_lcnt;
    case A_FS_SCL_HCNT:
        return s->fs_hcnt;
    case A_FS_SCL_LCNT:
        return s->fs_lcnt;
    case A_INTR_STAT:
        return s->intr_raw & s->intr_mask;
    case A_INTR_MASK:
        return s->intr_mask;
    case A_RAW_INTR_STAT:
        return s->intr_raw;
    case A_RX_TL:
        return s->rx_tl;
    case A_TX_TL:
        return s->tx_tl;
    case A_CLR_INTR:
        return clear_one(s, INT_LATCHED);
    case A_CLR_RX_UNDER ... A_CLR_GEN_CALL:
        return clear_one(s, clear[(addr - A_CLR_RX_UNDER) / 4]);
    case A_ENABLE:
        return s->enable;
    case A_STATUS:
        return (s->slave ? 0x41 : s->on_bus || s->tx_len ? 0x21 : 0)
               | (s->tx_len < FIFO_DEPTH) << 1 | !s->tx_len << 2
               | !!s->rx_len << 3 | (s->rx_len == FIFO_DEPTH) << 4;
    case A_TXFLR:
        return s->tx_len;
    case A_RXFLR:
        return s->rx_len;
    case A_SDA_HOLD:
        return s->sda_hold;
    case A_TX_ABRT_SOURCE:
        return s->abrt_source;
    case A_DMA_CR:
        return s->dma_cr;
    case A_DMA_TDLR:
        return s->dma_tdlr;
    case A_DMA_RDLR:
        return s->dma_rdlr;
    case A_SDA_SETUP:
        return s->sda_setup;
    case A_ACK_GENERAL_CALL:
        return s->ack_general_call;
    case A_ENABLE_STATUS:
        return enabled(s);
    case A_FS_SPKLEN:
        return s->fs_spklen;
    case A_COMP_PARAM_1:
        return 0x070700aa;      /* 8-deep FIFOs, DMA, 32-bit APB */
    case A_COMP_VERSION:
        return 0x3132312a;      /* "121*" */
    case A_COMP_TYPE:
        return 0x44570140;
    default:
        k210_mmio_no_register("k210-i2c", false, addr);
        return 0;
    }
}

static void i2c_mmio_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    K210I2CState *s = opaque;

    if (!k210_mmio_ok("k210-i2c", true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_CON:
        s->con = value & 0x1ff;
        break;
    case A_TAR:
        catch_up(s);
        if (enabled(s) && s->tx_len) {
            k210_guest_error("k210-i2c%u: TAR written while there is something "
                             "to send", s->index);
            return;
        }
        if (s->on_bus) {
            /* Who goes to the next target has done with the one before. */
            timer_del(s->timer);
            stop(s);
            update(s);
        }
        s->tar = value & 0x1fff;
        break;
    case A_SAR:
        s->sar = value & 0x3ff;
        break;
    case A_DATA_CMD:
        if (!enabled(s)) {
            k210_guest_error("k210-i2c%u: DATA_CMD written while disabled",
                             s->index);
            return;
        }
        if (s->abrt_source) {
            break;              /* the FIFO is held flushed */
        }
        if (s->tx_len == FIFO_DEPTH) {
            s->intr_raw |= INT_TX_OVER;
            k210_guest_error("k210-i2c%u: TX FIFO overrun", s->index);
            break;
        }
        s->tx[s->tx_len++] = value & 0x7ff;
        kick(s);
        break;
    case A_SS_SCL_HCNT:
        s->ss_hcnt = value & 0xffff;
        break;
    case A_SS_SCL_LCNT:
        s->ss_lcnt = value & 0xffff;
        break;
    case A_FS_SCL_HCNT:
        s->fs_hcnt = value & 0xffff;
        break;
    case A_FS_SCL_LCNT:
        s->fs_lcnt = value & 0xffff;
        break;
    case A_INTR_MASK:
        s->intr_mask = value & 0xfff;
        look(s);
        break;
    case A_RX_TL:
        s->rx_tl = value & 7;
        break;
    case A_TX_TL:
        s->tx_tl = value & 7;
        break;
    case A_ENABLE:
        if (enabled(s) && !(value & R_ENABLE_ENABLE_MASK)) {
            disable(s);
        }
        s->enable = value & 7 & ~R_ENABLE_ABORT_MASK;
        if (value & R_ENABLE_ABORT_MASK && s->on_bus) {
            abort_transfer(s, 1 << 16);
        }
        kick(s);
        break;
    case A_SDA_HOLD:
        s->sda_hold = value & 0xffffff;
        break;
    case A_DMA_CR:
        s->dma_cr = value & 3;
        break;
    case A_DMA_TDLR:
        s->dma_tdlr = value & 7;
        break;
    case A_DMA_RDLR:
        s->dma_rdlr = value & 7;
        break;
    case A_SDA_SETUP:
        s->sda_setup = value & 0xff;
        break;
    case A_ACK_GENERAL_CALL:
        s->ack_general_call = value & 1;
        break;
    case A_FS_SPKLEN:
        s->fs_spklen = value & 0xff;
        break;
    case A_INTR_STAT:
    case A_RAW_INTR_STAT ... A_RAW_INTR_STAT + 3:
    case A_CLR_INTR ... A_CLR_GEN_CALL:
    case A_STATUS ... A_RXFLR:
    case A_TX_ABRT_SOURCE:
    case A_ENABLE_STATUS:
    case A_COMP_PARAM_1 ... A_COMP_TYPE:
        k210_mmio_read_only("k210-i2c", addr);
        return;
    default:
        k210_mmio_no_register("k210-i2c", true, addr);
        return;
    }
    update(s);
}

static const MemoryRegionOps i2c_ops = K210_MMIO_OPS(i2c_mmio_read,
                                                     i2c_mmio_write);

static void i2c_reset_hold(Object *obj, ResetType type)
{
    K210I2CState *s = K210_I2C(obj);

    disable(s);
    s->con = 0x7f;
    s->tar = 0x1055;
    s->sar = 0x55;
    s->enable = 0;
    s->ss_hcnt = 0x190;
    s->ss_lcnt = 0x1d6;
    s->fs_hcnt = 0x3c;
    s->fs_lcnt = 0x82;
    s->intr_mask = 0x8ff;
    s->rx_tl = s->tx_tl = 0;
    s->sda_hold = 1;
    s->sda_setup = 0x64;
    s->ack_general_call = 1;
    s->fs_spklen = 5;
    s->dma_cr = s->dma_tdlr = s->dma_rdlr = 0;
    update(s);
}

static void i2c_init(Object *obj)
{
    K210I2CState *s = K210_I2C(obj);
    SysBusDevice *sbd = SYS_BUS_DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &i2c_ops, s, TYPE_K210_I2C, 0x100);
    sysbus_init_mmio(sbd, &s->mmio);
    sysbus_init_irq(sbd, &s->irq);
    s->clk = qdev_init_clock_in(DEVICE(obj), "clk", NULL, NULL, 0);
    qdev_init_gpio_out_named(DEVICE(obj), &s->dma_rx, "dma-rx", 1);
    qdev_init_gpio_out_named(DEVICE(obj), &s->dma_tx, "dma-tx", 1);
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, tick, s);
}

static const VMStateDescription vmstate_k210_i2c = {
    .name = TYPE_K210_I2C,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_TIMER_PTR(timer, K210I2CState),
        VMSTATE_UINT32(con, K210I2CState),
        VMSTATE_UINT32(tar, K210I2CState),
        VMSTATE_UINT32(sar, K210I2CState),
        VMSTATE_UINT32(enable, K210I2CState),
        VMSTATE_UINT32(ss_hcnt, K210I2CState),
        VMSTATE_UINT32(ss_lcnt, K210I2CState),
        VMSTATE_UINT32(fs_hcnt, K210I2CState),
        VMSTATE_UINT32(fs_lcnt, K210I2CState),
        VMSTATE_UINT32(intr_mask, K210I2CState),
        VMSTATE_UINT32(intr_raw, K210I2CState),
        VMSTATE_UINT32(rx_tl, K210I2CState),
        VMSTATE_UINT32(tx_tl, K210I2CState),
        VMSTATE_UINT32(sda_hold, K210I2CState),
        VMSTATE_UINT32(sda_setup, K210I2CState),
        VMSTATE_UINT32(ack_general_call, K210I2CState),
        VMSTATE_UINT32(fs_spklen, K210I2CState),
        VMSTATE_UINT32(abrt_source, K210I2CState),
        VMSTATE_UINT32(dma_cr, K210I2CState),
        VMSTATE_UINT32(dma_tdlr, K210I2CState),
        VMSTATE_UINT32(dma_rdlr, K210I2CState),
        VMSTATE_UINT16_ARRAY(tx, K210I2CState, FIFO_DEPTH),
        VMSTATE_UINT32(tx_len, K210I2CState),
        VMSTATE_UINT8_ARRAY(rx, K210I2CState, FIFO_DEPTH),
        VMSTATE_UINT32(rx_len, K210I2CState),
        VMSTATE_BOOL(on_bus, K210I2CState),
        VMSTATE_BOOL(stop_due, K210I2CState),
        VMSTATE_BOOL(reading, K210I2CState),
        VMSTATE_BOOL(addressed, K210I2CState),
        VMSTATE_BOOL(slave, K210I2CState),
        VMSTATE_END_OF_LIST()
    },
};

static const Property k210_i2c_properties[] = {
    DEFINE_PROP_UINT32("index", K210I2CState, index, 0),
    DEFINE_PROP_LINK("fpioa", K210I2CState, fpioa, TYPE_K210_FPIOA,
                     K210FpioaState *),
    DEFINE_PROP_LINK("i2c-buses", K210I2CState, buses, TYPE_K210_I2C_BUSES,
                     K210I2CBuses *),
};

static void i2c_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    RESETTABLE_CLASS(klass)->phases.hold = i2c_reset_hold;
    dc->vmsd = &vmstate_k210_i2c;
    dc->desc = "K210 I2C controller";
    device_class_set_props(dc, k210_i2c_properties);
}

static const TypeInfo k210_i2c_info = {
    .name = TYPE_K210_I2C,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(K210I2CState),
    .instance_init = i2c_init,
    .class_init = i2c_class_init,
};

static void k210_i2c_register_types(void)
{
    type_register_static(&k210_i2c_info);
}

type_init(k210_i2c_register_types)
