/*
 * Kendryte K210: GPIO (DesignWare APB GPIO, 8 pins)
 *
 * Not to be confused with the 32 fast pins of GPIOHS. Levels reach the pads
 * through the FPIOA, whose functions 56..63 are these pins.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_gpio.h"
#include "hw/k210/k210_mmio.h"
#include "trace.h"

REG32(DATA_OUTPUT, 0x00)
REG32(DIRECTION, 0x04)
REG32(SOURCE, 0x08)
REG32(INTERRUPT_ENABLE, 0x30)
REG32(INTERRUPT_MASK, 0x34)
REG32(INTERRUPT_LEVEL, 0x38)    /* 1 = edge */
REG32(INTERRUPT_POLARITY, 0x3c) /* 1 = high or rising */
REG32(INTSTATUS, 0x40)
REG32(RAW_INTSTATUS, 0x44)
REG32(DEBOUNCE, 0x48)
REG32(EOI, 0x4c)
REG32(EXT_PORT, 0x50)
REG32(SYNC_LEVEL, 0x60)
REG32(ID_CODE, 0x64)
REG32(INTERRUPT_BOTHEDGE, 0x68)

static uint8_t pins(K210GpioState *s)
{
    uint8_t dir = s->regs[R_DIRECTION];

    return (s->regs[R_DATA_OUTPUT] & dir) | (s->in & ~dir);
}

static uint8_t raw_status(K210GpioState *s)
{
    uint8_t level = ~(s->in ^ s->regs[R_INTERRUPT_POLARITY]);
    uint8_t edge_type = s->regs[R_INTERRUPT_LEVEL] |
                        s->regs[R_INTERRUPT_BOTHEDGE];

    return ((level & ~edge_type) | (s->edges & edge_type)) &
           s->regs[R_INTERRUPT_ENABLE] & ~s->regs[R_DIRECTION];
}

static void k210_gpio_update(K210GpioState *s)
{
    qemu_set_irq(s->irq, (raw_status(s) & ~s->regs[R_INTERRUPT_MASK]) != 0);
}

static void k210_gpio_update_pads(K210GpioState *s)
{
    for (int i = 0; i < K210_GPIO_PINS; i++) {
        qemu_set_irq(s->oe[i], extract32(s->regs[R_DIRECTION], i, 1));
        qemu_set_irq(s->out[i], extract32(s->regs[R_DATA_OUTPUT], i, 1));
    }
}

static void k210_gpio_set_in(void *opaque, int n, int level)
{
    K210GpioState *s = opaque;
    uint8_t bit = 1 << n;
    uint8_t old = s->in;

    s->in = level ? old | bit : old & ~bit;
    if (s->in == old) {
        return;
    }
    trace_k210_gpio_in(n, level);
    if ((s->regs[R_INTERRUPT_BOTHEDGE] & bit) ||
        !(s->regs[R_INTERRUPT_POLARITY] & bit) == !level) {
        s->edges |= bit & s->regs[R_INTERRUPT_ENABLE];
    }
    k210_gpio_update(s);
}

static uint64_t k210_gpio_read(void *opaque, hwaddr addr, unsigned size)
{
    K210GpioState *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_GPIO, false, addr, size)) {
        return 0;
    }
    switch (addr) {
    case A_INTSTATUS:
        r = raw_status(s) & ~s->regs[R_INTERRUPT_MASK];
        break;
    case A_RAW_INTSTATUS:
        r = raw_status(s);
        break;
    case A_EXT_PORT:
        r = pins(s);
        break;
    case A_EOI:
        break; /* write only */
    case A_DATA_OUTPUT: case A_DIRECTION: case A_SOURCE:
    case A_INTERRUPT_ENABLE: case A_INTERRUPT_MASK: case A_INTERRUPT_LEVEL:
    case A_INTERRUPT_POLARITY: case A_DEBOUNCE: case A_SYNC_LEVEL:
    case A_ID_CODE: case A_INTERRUPT_BOTHEDGE:
        r = s->regs[addr / 4];
        break;
    default:
        k210_mmio_no_register(TYPE_K210_GPIO, false, addr);
    }
    trace_k210_gpio_read(addr, r);
    return r;
}

static void k210_gpio_write(void *opaque, hwaddr addr, uint64_t value,
                            unsigned size)
{
    K210GpioState *s = opaque;

    trace_k210_gpio_write(addr, value);
    if (!k210_mmio_ok(TYPE_K210_GPIO, true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_DATA_OUTPUT: case A_DIRECTION:
        s->regs[addr / 4] = value & 0xff;
        k210_gpio_update_pads(s);
        break;
    case A_INTERRUPT_ENABLE:
        s->edges &= value;
        s->regs[addr / 4] = value & 0xff;
        break;
    case A_EOI:
        s->edges &= ~value;
        break;
    case A_SOURCE:
        if (value) {
            qemu_log_mask(LOG_UNIMP, "k210-gpio: hardware source mode\n");
        }
        s->regs[addr / 4] = value & 0xff;
        break;
    case A_INTERRUPT_MASK: case A_INTERRUPT_LEVEL:
    case A_INTERRUPT_POLARITY: case A_DEBOUNCE: case A_INTERRUPT_BOTHEDGE:
        s->regs[addr / 4] = value & 0xff;
        break;
    case A_SYNC_LEVEL:
        s->regs[addr / 4] = value & 1;
        break;
    case A_INTSTATUS: case A_RAW_INTSTATUS: case A_EXT_PORT: case A_ID_CODE:
        k210_mmio_read_only(TYPE_K210_GPIO, addr);
        break;
    default:
        k210_mmio_no_register(TYPE_K210_GPIO, true, addr);
    }
    k210_gpio_update(s);
}

static const MemoryRegionOps k210_gpio_ops =
    K210_MMIO_OPS(k210_gpio_read, k210_gpio_write);

static void k210_gpio_reset_hold(Object *obj, ResetType type)
{
    K210GpioState *s = K210_GPIO(obj);

    memset(s->regs, 0, sizeof(s->regs));
    s->edges = 0;
    k210_gpio_update_pads(s);
    k210_gpio_update(s);
}

static const VMStateDescription vmstate_k210_gpio = {
    .name = TYPE_K210_GPIO,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210GpioState, K210_GPIO_NREGS),
        VMSTATE_UINT8(in, K210GpioState),
        VMSTATE_UINT8(edges, K210GpioState),
        VMSTATE_CLOCK(clk, K210GpioState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_gpio_init(Object *obj)
{
    K210GpioState *s = K210_GPIO(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_gpio_ops, s, TYPE_K210_GPIO,
                          0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, s->out, "out", K210_GPIO_PINS);
    qdev_init_gpio_out_named(dev, s->oe, "oe", K210_GPIO_PINS);
    qdev_init_gpio_in_named(dev, k210_gpio_set_in, "in", K210_GPIO_PINS);
    s->clk = qdev_init_clock_in(dev, "clk", NULL, NULL, 0);
}

static void k210_gpio_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_gpio;
    dc->desc = "K210 GPIO (DesignWare APB GPIO)";
    RESETTABLE_CLASS(klass)->phases.hold = k210_gpio_reset_hold;
}

static const TypeInfo k210_gpio_types[] = {
    {
        .name = TYPE_K210_GPIO,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210GpioState),
        .instance_init = k210_gpio_init,
        .class_init = k210_gpio_class_init,
    },
};
DEFINE_TYPES(k210_gpio_types)
