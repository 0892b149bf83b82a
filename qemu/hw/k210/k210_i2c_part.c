/*
 * I2C parts with 256 registers of a byte, and those that are nothing else
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qemu/module.h"
#include "hw/k210/k210_i2c_part.h"
#include "trace.h"

static int part_event(I2CSlave *i2c, enum i2c_event event)
{
    if (event == I2C_START_SEND) {
        K210_I2C_PART(i2c)->reg_seen = false;
    }
    return 0;
}

static int part_send(I2CSlave *i2c, uint8_t byte)
{
    K210I2CPart *s = K210_I2C_PART(i2c);
    K210I2CPartClass *k = K210_I2C_PART_GET_CLASS(s);

    if (!s->reg_seen) {
        s->reg_seen = true;
        s->reg = byte;
        return 0;
    }
    trace_k210_i2c_part_write(i2c->address, s->reg, byte);
    if (k->write_reg) {
        k->write_reg(s, s->reg, byte);
    } else {
        s->regs[s->reg] = byte;
    }
    s->reg++;
    return 0;
}

static uint8_t part_recv(I2CSlave *i2c)
{
    K210I2CPart *s = K210_I2C_PART(i2c);
    K210I2CPartClass *k = K210_I2C_PART_GET_CLASS(s);
    uint8_t reg = s->reg++;

    return k->read_reg ? k->read_reg(s, reg) : s->regs[reg];
}

static void part_reset_hold(Object *obj, ResetType type)
{
    K210I2CPart *s = K210_I2C_PART(obj);
    K210I2CPartClass *k = K210_I2C_PART_GET_CLASS(s);

    memset(s->regs, 0, sizeof(s->regs));
    s->reg = 0;
    s->reg_seen = false;
    if (k->reset_regs) {
        k->reset_regs(s);
    }
}

/* ---- properties ---- */

typedef struct IntProperty {
    int32_t *field;
    int32_t min, max;
    void (*changed)(Object *);
} IntProperty;

static void get_int(Object *obj, Visitor *v, const char *name, void *opaque,
                    Error **errp)
{
    visit_type_int32(v, name, ((IntProperty *)opaque)->field, errp);
}

static void set_int(Object *obj, Visitor *v, const char *name, void *opaque,
                    Error **errp)
{
    IntProperty *p = opaque;
    int32_t value;

    if (!visit_type_int32(v, name, &value, errp)) {
        return;
    }
    if (value < p->min || value > p->max) {
        error_setg(errp, "%s: %d is not in %d..%d", name, value, p->min,
                   p->max);
        return;
    }
    *p->field = value;
    if (p->changed) {
        p->changed(obj);
    }
}

static void release_int(Object *obj, const char *name, void *opaque)
{
    g_free(opaque);
}

void k210_i2c_part_add_int(Object *obj, const char *name, int32_t *field,
                           int32_t min, int32_t max, void (*changed)(Object *))
{
    IntProperty *p = g_new(IntProperty, 1);

    *p = (IntProperty) { field, min, max, changed };
    object_property_add(obj, name, "int32", get_int, set_int, release_int, p);
}

/* ---- types ---- */

const VMStateDescription vmstate_k210_i2c_part = {
    .name = TYPE_K210_I2C_PART,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_I2C_SLAVE(parent_obj, K210I2CPart),
        VMSTATE_UINT8_ARRAY(regs, K210I2CPart, 256),
        VMSTATE_UINT8(reg, K210I2CPart),
        VMSTATE_BOOL(reg_seen, K210I2CPart),
        VMSTATE_END_OF_LIST()
    },
};

static void part_class_init(ObjectClass *klass, void *data)
{
    I2CSlaveClass *i2c = I2C_SLAVE_CLASS(klass);

    i2c->event = part_event;
    i2c->send = part_send;
    i2c->recv = part_recv;
    RESETTABLE_CLASS(klass)->phases.hold = part_reset_hold;
    DEVICE_CLASS(klass)->vmsd = &vmstate_k210_i2c_part;
    set_bit(DEVICE_CATEGORY_MISC, DEVICE_CLASS(klass)->categories);
}

static void es8374_class_init(ObjectClass *klass, void *data)
{
    DEVICE_CLASS(klass)->desc = "ES8374 audio codec, registers only";
}

static const TypeInfo k210_i2c_part_types[] = {
    {
        .name = TYPE_K210_I2C_PART,
        .parent = TYPE_I2C_SLAVE,
        .abstract = true,
        .instance_size = sizeof(K210I2CPart),
        .class_size = sizeof(K210I2CPartClass),
        .class_init = part_class_init,
    },
    {
        .name = "k210-es8374",
        .parent = TYPE_K210_I2C_PART,
        .class_init = es8374_class_init,
    },
};
DEFINE_TYPES(k210_i2c_part_types)
