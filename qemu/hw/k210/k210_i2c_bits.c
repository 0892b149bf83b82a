/*
 * Two pads of a board that its I2C bus is on, for programs that move SCL and
 * SDA as GPIOs
 *
 * QEMU's bit-bang decoder wants to know what the master does to SDA, but a pad
 * has one level for all who pull at it. While the parts hold SDA low, the
 * master cannot be seen; it is looked at again when they let go, which is
 * while SCL is low.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/irq.h"
#include "hw/qdev-core.h"
#include "hw/i2c/bitbang_i2c.h"
#include "hw/k210/k210_i2c_bits.h"
#include "migration/vmstate.h"

static void let(K210I2CBits *s)
{
    bool holds = !s->decoder.device_out;

    if (holds == s->holds) {
        return;
    }
    s->holds = holds;
    qemu_set_irq(s->sda_out, holds ? 0 : K210_PAD_Z);
    if (!holds) {
        bitbang_i2c_set(&s->decoder, BITBANG_I2C_SDA, s->sda);
    }
}

static void scl_moved(void *opaque, int n, int level)
{
    K210I2CBits *s = opaque;

    bitbang_i2c_set(&s->decoder, BITBANG_I2C_SCL, !!level);
    let(s);
}

static void sda_moved(void *opaque, int n, int level)
{
    K210I2CBits *s = opaque;

    s->sda = !!level;
    if (!s->holds) {
        bitbang_i2c_set(&s->decoder, BITBANG_I2C_SDA, s->sda);
        let(s);
    }
}

DeviceState *k210_i2c_bits_new(I2CBus *bus)
{
    K210I2CBits *s = K210_I2C_BITS(qdev_new(TYPE_K210_I2C_BITS));

    bitbang_i2c_init(&s->decoder, bus);
    s->sda = true;
    return DEVICE(s);
}

static const VMStateDescription vmstate_i2c_bits = {
    .name = TYPE_K210_I2C_BITS,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(decoder.state, K210I2CBits),
        VMSTATE_INT32(decoder.last_data, K210I2CBits),
        VMSTATE_INT32(decoder.last_clock, K210I2CBits),
        VMSTATE_INT32(decoder.device_out, K210I2CBits),
        VMSTATE_UINT8(decoder.buffer, K210I2CBits),
        VMSTATE_INT32(decoder.current_addr, K210I2CBits),
        VMSTATE_BOOL(holds, K210I2CBits),
        VMSTATE_BOOL(sda, K210I2CBits),
        VMSTATE_END_OF_LIST()
    }
};

static void i2c_bits_init(Object *obj)
{
    K210I2CBits *s = K210_I2C_BITS(obj);

    qdev_init_gpio_in_named(DEVICE(s), scl_moved, "scl", 1);
    qdev_init_gpio_in_named(DEVICE(s), sda_moved, "sda", 1);
    qdev_init_gpio_out_named(DEVICE(s), &s->sda_out, "sda-out", 1);
}

static void i2c_bits_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "I2C bus at two pads";
    dc->vmsd = &vmstate_i2c_bits;
    dc->user_creatable = false;
}

static const TypeInfo i2c_bits_info[] = {
    {
        .name = TYPE_K210_I2C_BITS,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(K210I2CBits),
        .instance_init = i2c_bits_init,
        .class_init = i2c_bits_class_init,
    },
};

DEFINE_TYPES(i2c_bits_info)
