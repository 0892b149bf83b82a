/*
 * Kendryte K210: WDT0 and WDT1 (DesignWare watchdog)
 *
 * In response mode 1 the first expiry raises the interrupt and reloads the
 * counter; the second one, with the interrupt still pending, resets the chip.
 *
 * Clearing CR.enable stops the counter: the plain core cannot do that, but
 * the vendor driver, and firmware on top of it, has a stop function.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "hw/k210/k210_mmio.h"
#include "hw/k210/k210_wdt.h"
#include "trace.h"

REG32(CR, 0x00)
    FIELD(CR, ENABLE, 0, 1)
    FIELD(CR, RMOD, 1, 1)
REG32(TORR, 0x04)
    FIELD(TORR, TOP, 0, 4)
    FIELD(TORR, TOP_INIT, 4, 4)
REG32(CCVR, 0x08)
REG32(CRR, 0x0c)
REG32(STAT, 0x10)
REG32(EOI, 0x14)
REG32(PROT_LEVEL, 0x1c)
REG32(COMP_PARAM_5, 0xe4)
REG32(COMP_PARAM_1, 0xf4)
    FIELD(COMP_PARAM_1, USE_FIX_TOP, 6, 1)
REG32(COMP_VERSION, 0xf8)
REG32(COMP_TYPE, 0xfc)

#define WDT_RESTART 0x76
#define WDT_COMP_VERSION 0x3131302a /* "110*": not published */
#define WDT_COMP_TYPE 0x44570120

static void schedule(K210WdtState *s)
{
    int64_t deadline = INT64_MAX;

    if (s->cr & R_CR_ENABLE_MASK) {
        deadline = k210_ticks_deadline(&s->ticks, s->clk, s->end);
    }
    if (deadline == INT64_MAX) {
        timer_del(&s->timer);
    } else {
        timer_mod(&s->timer, deadline);
    }
}

static void reload(K210WdtState *s, unsigned top)
{
    s->end = k210_ticks_now(&s->ticks, s->clk) + (1ull << (16 + top));
    schedule(s);
}

static void k210_wdt_expire(void *opaque)
{
    K210WdtState *s = opaque;

    if ((s->cr & R_CR_RMOD_MASK) && !s->stat) {
        trace_k210_wdt_expire(s->index, "interrupt");
        s->stat = true;
        qemu_set_irq(s->irq, 1);
        reload(s, FIELD_EX32(s->torr, TORR, TOP));
        return;
    }
    trace_k210_wdt_expire(s->index, "reset");
    qemu_set_irq(s->bite, 1);
    qemu_set_irq(s->bite, 0);
}

static void clear_interrupt(K210WdtState *s)
{
    s->stat = false;
    qemu_set_irq(s->irq, 0);
}

static uint64_t k210_wdt_read(void *opaque, hwaddr addr, unsigned size)
{
    K210WdtState *s = opaque;
    uint64_t now, r = 0;

    if (!k210_mmio_ok(TYPE_K210_WDT, false, addr, size)) {
        return 0;
    }
    switch (addr) {
    case A_CR:
        r = s->cr;
        break;
    case A_TORR:
        r = s->torr;
        break;
    case A_CCVR:
        now = k210_ticks_now(&s->ticks, s->clk);
        r = s->cr & R_CR_ENABLE_MASK && s->end > now
            ? MIN(s->end - now - 1, UINT32_MAX) : 0;
        break;
    case A_STAT:
        r = s->stat;
        break;
    case A_EOI:
        clear_interrupt(s);
        break;
    case A_COMP_PARAM_1:
        r = R_COMP_PARAM_1_USE_FIX_TOP_MASK;
        break;
    case A_COMP_VERSION:
        r = WDT_COMP_VERSION;
        break;
    case A_COMP_TYPE:
        r = WDT_COMP_TYPE;
        break;
    case A_CRR: case A_PROT_LEVEL: case A_COMP_PARAM_5 ... A_COMP_PARAM_1 - 4:
        break;
    default:
        k210_mmio_no_register(TYPE_K210_WDT, false, addr);
    }
    trace_k210_wdt_read(s->index, addr, r);
    return r;
}

static void k210_wdt_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    K210WdtState *s = opaque;
    bool was = s->cr & R_CR_ENABLE_MASK;

    trace_k210_wdt_write(s->index, addr, value);
    if (!k210_mmio_ok(TYPE_K210_WDT, true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_CR:
        s->cr = value & 0x1f;
        if ((value & R_CR_ENABLE_MASK) && !was) {
            reload(s, FIELD_EX32(s->torr, TORR, TOP_INIT));
        } else {
            schedule(s);
        }
        break;
    case A_TORR:
        s->torr = value & 0xff; /* in force from the next restart on */
        break;
    case A_CRR:
        if ((value & 0xff) != WDT_RESTART) {
            k210_guest_error("k210-wdt%u: CRR takes 0x76 only, not 0x%02x",
                             s->index, (unsigned)value & 0xff);
            break;
        }
        clear_interrupt(s);
        reload(s, FIELD_EX32(s->torr, TORR, TOP));
        break;
    case A_EOI:         /* some drivers write back what they read */
    case A_PROT_LEVEL:
        break;
    case A_CCVR: case A_STAT: case A_COMP_PARAM_5 ... A_COMP_TYPE:
        k210_mmio_read_only(TYPE_K210_WDT, addr);
        break;
    default:
        k210_mmio_no_register(TYPE_K210_WDT, true, addr);
    }
}

static const MemoryRegionOps k210_wdt_ops =
    K210_MMIO_OPS(k210_wdt_read, k210_wdt_write);

static void k210_wdt_clock_event(void *opaque, ClockEvent event)
{
    K210WdtState *s = opaque;

    if (event == ClockPreUpdate) {
        k210_ticks_rebase(&s->ticks, s->clk);
    } else {
        schedule(s);
    }
}

static void k210_wdt_reset_hold(Object *obj, ResetType type)
{
    K210WdtState *s = K210_WDT(obj);

    s->cr = 0;
    s->torr = 0;
    s->end = 0;
    clear_interrupt(s);
    timer_del(&s->timer);
}

static const VMStateDescription vmstate_k210_wdt = {
    .name = TYPE_K210_WDT,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_TICKS(ticks, K210WdtState),
        VMSTATE_TIMER(timer, K210WdtState),
        VMSTATE_UINT64(end, K210WdtState),
        VMSTATE_UINT32(cr, K210WdtState),
        VMSTATE_UINT32(torr, K210WdtState),
        VMSTATE_BOOL(stat, K210WdtState),
        VMSTATE_CLOCK(clk, K210WdtState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_wdt_init(Object *obj)
{
    K210WdtState *s = K210_WDT(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_wdt_ops, s, TYPE_K210_WDT,
                          0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, &s->bite, "reset", 1);
    s->clk = qdev_init_clock_in(dev, "clk", k210_wdt_clock_event, s,
                                ClockPreUpdate | ClockUpdate);
    timer_init_ns(&s->timer, QEMU_CLOCK_VIRTUAL, k210_wdt_expire, s);
}

static void k210_wdt_finalize(Object *obj)
{
    timer_del(&K210_WDT(obj)->timer);
}

static const Property k210_wdt_properties[] = {
    DEFINE_PROP_UINT32("index", K210WdtState, index, 0),
};

static void k210_wdt_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_wdt;
    dc->desc = "K210 watchdog (DesignWare)";
    device_class_set_props(dc, k210_wdt_properties);
    RESETTABLE_CLASS(klass)->phases.hold = k210_wdt_reset_hold;
    set_bit(DEVICE_CATEGORY_WATCHDOG, dc->categories);
}

static const TypeInfo k210_wdt_types[] = {
    {
        .name = TYPE_K210_WDT,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210WdtState),
        .instance_init = k210_wdt_init,
        .instance_finalize = k210_wdt_finalize,
        .class_init = k210_wdt_class_init,
    },
};
DEFINE_TYPES(k210_wdt_types)
