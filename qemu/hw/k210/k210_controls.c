/*
 * Keys and LEDs of a board, for QMP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/visitor.h"
#include "hw/irq.h"
#include "hw/k210/k210_controls.h"

typedef struct K210Control K210Control;

static K210Control *new_item(K210Controls *s, unsigned pad)
{
    K210Control *item = &s->item[s->n++];

    assert(s->n <= K210_MAX_CONTROLS && pad < K210_NPADS);
    item->row = s;
    item->pad = pad;
    return item;
}

static void get_key(Object *obj, Visitor *v, const char *name, void *opaque,
                    Error **errp)
{
    K210Control *key = opaque;

    visit_type_bool(v, name, &key->pressed, errp);
}

static void set_key(Object *obj, Visitor *v, const char *name, void *opaque,
                    Error **errp)
{
    K210Control *key = opaque;
    K210Controls *s = key->row;
    bool down = false;

    if (!visit_type_bool(v, name, &key->pressed, errp)) {
        return;
    }
    /* Two names may be of the same key. */
    for (unsigned i = 0; i < s->n; i++) {
        down |= s->item[i].pad == key->pad && s->item[i].pressed;
    }
    qemu_set_irq(qdev_get_gpio_in_named(DEVICE(s->fpioa), "pad-in", key->pad),
                 down ? 0 : K210_PAD_Z);
}

static void get_led(Object *obj, Visitor *v, const char *name, void *opaque,
                    Error **errp)
{
    K210Control *led = opaque;
    bool lit = !led->row->fpioa->pad_level[led->pad];

    visit_type_bool(v, name, &lit, errp);
}

void k210_controls_add_key(K210Controls *s, const char *name, unsigned pad)
{
    object_property_add(OBJECT(s), name, "bool", get_key, set_key, NULL,
                        new_item(s, pad));
}

void k210_controls_add_led(K210Controls *s, const char *name, unsigned pad)
{
    object_property_add(OBJECT(s), name, "bool", get_led, NULL, NULL,
                        new_item(s, pad));
}

static const TypeInfo controls_info[] = {
    {
        .name = TYPE_K210_CONTROLS,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(K210Controls),
    },
};

DEFINE_TYPES(controls_info)
