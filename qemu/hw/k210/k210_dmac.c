/*
 * Kendryte K210: DMA controller (DesignWare AXI DMAC, six channels)
 *
 * The registers; what a channel does with them is in k210_dmac_channel.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_strict.h"
#include "k210_dmac_internal.h"
#include "system/cpu-timers.h"
#include "trace.h"

static void update_irqs(K210DmacState *s)
{
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        k210_dmac_update_irq(&s->ch[i]);
    }
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
            k210_dmac_kick(c);
        }
    }
}

static void kick_all(K210DmacState *s)
{
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        k210_dmac_kick(&s->ch[i]);
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

static void write_chen(K210DmacState *s, uint64_t v)
{
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        K210DmacChannel *c = &s->ch[i];

        if (extract64(v, 40 + i, 1) && extract64(v, 32 + i, 1) &&
            c->enabled) {
            k210_dmac_stop(c, INT_ABORTED);
        }
        if (extract64(v, 8 + i, 1)) {
            k210_dmac_enable(c, extract64(v, i, 1));
        }
        if (extract64(v, 24 + i, 1)) {
            k210_dmac_suspend(c, extract64(v, 16 + i, 1));
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

static void reset_registers(K210DmacState *s)
{
    s->cfg = 0;
    s->com_int_en = s->com_int_signal = COM_ALL;
    s->com_int_status = 0;
    for (int i = 0; i < K210_DMAC_CHANNELS; i++) {
        k210_dmac_reset_channel(&s->ch[i]);
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
    k210_dmac_kick(c);
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
            k210_dmac_interrupt(c, INT_WRONCHEN);
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
            k210_dmac_kick(c);
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
            k210_dmac_kick(c);
        }
        break;
    case A_CH_STATUS: case A_CH_SSTAT: case A_CH_DSTAT: case A_CH_INTSTATUS:
        k210_guest_error("k210-dmac: write to read-only register 0x%03"
                         HWADDR_PRIx, addr);
        k210_dmac_interrupt(c, INT_WR2RO);
        break;
    default:
        no_register(s, addr, true);
        break;
    }
    k210_dmac_update_irq(c);
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
    if ((addr & ~7ull) == A_CHEN && !icount_enabled()) {
        /*
         * Who polls for the end takes QEMU's big lock again and again, and the
         * thread that runs the timers may not get it for long.
         */
        qemu_clock_run_timers(QEMU_CLOCK_VIRTUAL);
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
        c->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, k210_dmac_channel_timer, c);
        sysbus_init_irq(sbd, &c->irq);
    }
    qdev_init_gpio_in_named(DEVICE(obj), request, "hs", K210_DMAC_REQUESTS);
    s->buffer = g_malloc(K210_DMAC_STEP + 2 * K210_DMAC_LEFT);
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
