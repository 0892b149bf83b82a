/*
 * Kendryte K210: GPIOHS
 *
 * The layout of SiFive's GPIO. Pulls and drive strength of the pads are in
 * the FPIOA; PULLUP_EN and DRIVE only store. The pending bits latch whether
 * enabled or not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/registerfields.h"
#include "hw/k210/k210_gpiohs.h"
#include "hw/k210/k210_reg32.h"
#include "hw/k210/k210_strict.h"
#include "migration/vmstate.h"
#include "trace.h"

REG32(INPUT_VAL, 0x00)
REG32(INPUT_EN, 0x04)
REG32(OUTPUT_EN, 0x08)
REG32(OUTPUT_VAL, 0x0c)
REG32(PULLUP_EN, 0x10)
REG32(DRIVE, 0x14)
REG32(RISE_IE, 0x18)
REG32(RISE_IP, 0x1c)
REG32(FALL_IE, 0x20)
REG32(FALL_IP, 0x24)
REG32(HIGH_IE, 0x28)
REG32(HIGH_IP, 0x2c)
REG32(LOW_IE, 0x30)
REG32(LOW_IP, 0x34)
REG32(IOF_EN, 0x38)
REG32(IOF_SEL, 0x3c)
REG32(OUTPUT_XOR, 0x40)

/* Tells the lines whose bits differ from @was. */
static void set_lines(qemu_irq *lines, uint32_t *was, uint32_t now)
{
    uint32_t changed = *was ^ now;

    *was = now;
    while (changed) {
        int i = ctz32(changed);

        changed &= changed - 1;
        qemu_set_irq(lines[i], extract32(now, i, 1));
    }
}

static void gpiohs_update_irq(K210GpiohsState *s)
{
    uint32_t pending = (s->regs[R_RISE_IE] & s->regs[R_RISE_IP]) |
                       (s->regs[R_FALL_IE] & s->regs[R_FALL_IP]) |
                       (s->regs[R_HIGH_IE] & s->regs[R_HIGH_IP]) |
                       (s->regs[R_LOW_IE] & s->regs[R_LOW_IP]);

    set_lines(s->irq, &s->irq_now, pending);
}

/* Takes over the level at the pads: input value, edges and level latches. */
static void gpiohs_sample(K210GpiohsState *s)
{
    uint32_t old = s->regs[R_INPUT_VAL];
    uint32_t new = s->level & s->regs[R_INPUT_EN];

    s->regs[R_INPUT_VAL] = new;
    s->regs[R_RISE_IP] |= ~old & new;
    s->regs[R_FALL_IP] |= old & ~new;
    s->regs[R_HIGH_IP] |= new;
    s->regs[R_LOW_IP] |= ~new;
    gpiohs_update_irq(s);
}

static void gpiohs_update_out(K210GpiohsState *s)
{
    set_lines(s->oe, &s->oe_now, s->regs[R_OUTPUT_EN]);
    set_lines(s->out, &s->out_now,
              s->regs[R_OUTPUT_VAL] ^ s->regs[R_OUTPUT_XOR]);
}

static void gpiohs_set_in(void *opaque, int pin, int level)
{
    K210GpiohsState *s = opaque;

    s->level = deposit32(s->level, pin, 1, !!level);
    gpiohs_sample(s);
}

static uint32_t gpiohs_read32(K210GpiohsState *s, hwaddr addr)
{
    uint32_t r = 0;

    if (addr / 4 < K210_GPIOHS_NREGS) {
        r = s->regs[addr / 4];
    } else {
        k210_guest_error("k210-gpiohs: read of unknown register 0x%"
                         HWADDR_PRIx, addr);
    }
    trace_k210_gpiohs_read(addr, r);
    return r;
}

static void gpiohs_write32(K210GpiohsState *s, hwaddr addr, uint32_t value)
{
    trace_k210_gpiohs_write(addr, value);
    switch (addr) {
    case A_INPUT_VAL:
        break;      /* drivers write whole register files */
    case A_INPUT_EN:
        s->regs[R_INPUT_EN] = value;
        gpiohs_sample(s);
        break;
    case A_OUTPUT_EN:
    case A_OUTPUT_VAL:
    case A_OUTPUT_XOR:
        s->regs[addr / 4] = value;
        gpiohs_update_out(s);
        break;
    case A_RISE_IP:
    case A_FALL_IP:
    case A_HIGH_IP:
    case A_LOW_IP:
        s->regs[addr / 4] &= ~value;
        /* a level that still holds sets its bit again at once */
        gpiohs_sample(s);
        break;
    case A_RISE_IE:
    case A_FALL_IE:
    case A_HIGH_IE:
    case A_LOW_IE:
        s->regs[addr / 4] = value;
        gpiohs_update_irq(s);
        break;
    case A_PULLUP_EN:
    case A_DRIVE:
    case A_IOF_EN:
    case A_IOF_SEL:
        s->regs[addr / 4] = value;
        break;
    default:
        k210_guest_error("k210-gpiohs: write of 0x%x"
                         " to unknown register 0x%" HWADDR_PRIx, value, addr);
    }
}

static uint64_t gpiohs_read(void *opaque, hwaddr addr, unsigned size)
{
    return k210_reg32_part(gpiohs_read32(opaque, addr & ~3ull), addr);
}

static void gpiohs_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    uint32_t old = size < 4 ? gpiohs_read32(opaque, addr & ~3ull) : 0;

    gpiohs_write32(opaque, addr & ~3ull,
                   k210_reg32_merge("k210-gpiohs", old, addr, value, size));
}

static const MemoryRegionOps gpiohs_ops =
    K210_REG32_OPS(gpiohs_read, gpiohs_write);

static void gpiohs_reset_hold(Object *obj, ResetType type)
{
    K210GpiohsState *s = K210_GPIOHS(obj);

    memset(s->regs, 0, sizeof(s->regs));
    set_lines(s->irq, &s->irq_now, 0);
    gpiohs_update_out(s);
}

static const VMStateDescription vmstate_gpiohs = {
    .name = TYPE_K210_GPIOHS,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210GpiohsState, K210_GPIOHS_NREGS),
        VMSTATE_UINT32(level, K210GpiohsState),
        VMSTATE_UINT32(out_now, K210GpiohsState),
        VMSTATE_UINT32(oe_now, K210GpiohsState),
        VMSTATE_UINT32(irq_now, K210GpiohsState),
        VMSTATE_END_OF_LIST()
    }
};

static void gpiohs_init(Object *obj)
{
    K210GpiohsState *s = K210_GPIOHS(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &gpiohs_ops, s, TYPE_K210_GPIOHS,
                          0x1000);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    for (int i = 0; i < K210_GPIOHS_PINS; i++) {
        sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq[i]);
    }
    qdev_init_gpio_out_named(dev, s->out, "out", K210_GPIOHS_PINS);
    qdev_init_gpio_out_named(dev, s->oe, "oe", K210_GPIOHS_PINS);
    qdev_init_gpio_in_named(dev, gpiohs_set_in, "in", K210_GPIOHS_PINS);
    s->clk = qdev_init_clock_in(dev, "clk", NULL, NULL, 0);
}

static void gpiohs_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "K210 high-speed GPIO";
    dc->vmsd = &vmstate_gpiohs;
    rc->phases.hold = gpiohs_reset_hold;
}

static const TypeInfo gpiohs_info[] = {
    {
        .name = TYPE_K210_GPIOHS,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210GpiohsState),
        .instance_init = gpiohs_init,
        .class_init = gpiohs_class_init,
    },
};

DEFINE_TYPES(gpiohs_info)
