/*
 * FocalTech FT6236/FT6336 touch controller
 *
 * Two points, set by the property "points" in the coordinates of the panel as
 * it is made (portrait). Interrupt line: low while touched in polling mode, a
 * pulse per report in trigger mode. Gestures are not recognised.
 *
 * Application note: FT6236/FT6336 registers 1.0.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "hw/irq.h"
#include "hw/k210/k210_i2c_part.h"

#define TYPE_K210_FT6X36 "k210-ft6x36"
OBJECT_DECLARE_SIMPLE_TYPE(K210Ft6x36State, K210_FT6X36)

#define NPOINTS 2
#define REPORT_NS (12 * SCALE_MS)

enum {
    TD_STATUS = 0x02, P1_XH = 0x03, TH_GROUP = 0x80, CTRL = 0x86,
    TIME_TO_MONITOR = 0x87, PERIOD_ACTIVE = 0x88, PERIOD_MONITOR = 0x89,
    LIB_VERSION = 0xa2, CHIP_ID = 0xa3, G_MODE = 0xa4, FIRMWARE_ID = 0xa6,
    VENDOR_ID = 0xa8, STATE = 0xbc,
};

enum { EVENT_DOWN = 0, EVENT_UP = 1, EVENT_CONTACT = 2, EVENT_NONE = 3 };

struct K210Ft6x36State {
    K210I2CPart parent_obj;

    qemu_irq intr;
    QEMUTimer *timer;
    bool pulse;
    uint32_t n;
    uint16_t x[NPOINTS], y[NPOINTS];
    uint8_t event[NPOINTS];
};

static bool trigger_mode(K210Ft6x36State *s)
{
    return s->parent_obj.regs[G_MODE] == 1;
}

static void update_int(K210Ft6x36State *s)
{
    qemu_set_irq(s->intr, !(trigger_mode(s) ? s->pulse : s->n > 0));
}

/* Reports follow each other while touched; the line is low half the time. */
static void report(void *opaque)
{
    K210Ft6x36State *s = opaque;

    s->pulse = !s->pulse;
    update_int(s);
    if (s->pulse || s->n) {
        timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL)
                  + REPORT_NS / 2);
    }
}

static uint8_t ft_read_reg(K210I2CPart *part, uint8_t reg)
{
    K210Ft6x36State *s = K210_FT6X36(part);
    unsigned i = (reg - P1_XH) / 6;
    uint8_t v;

    if (reg == TD_STATUS) {
        return s->n;
    }
    if (reg < P1_XH || i >= NPOINTS) {
        return part->regs[reg];
    }
    switch ((reg - P1_XH) % 6) {
    case 0:
        v = s->event[i] << 6 | s->x[i] >> 8;
        if (s->event[i] == EVENT_DOWN) {
            s->event[i] = EVENT_CONTACT;
        } else if (s->event[i] == EVENT_UP) {
            s->event[i] = EVENT_NONE;
        }
        return v;
    case 1:
        return s->x[i];
    case 2:
        return (i < s->n ? i << 4 : 0xf0) | s->y[i] >> 8;
    case 3:
        return s->y[i];
    default:
        return 0;
    }
}

static void ft_write_reg(K210I2CPart *part, uint8_t reg, uint8_t value)
{
    if (reg >= TD_STATUS && reg < P1_XH + 6 * NPOINTS) {
        return;
    }
    switch (reg) {
    case CHIP_ID: case FIRMWARE_ID: case VENDOR_ID: case LIB_VERSION:
        return;
    default:
        part->regs[reg] = value;
    }
    update_int(K210_FT6X36(part));
}

static char *ft_get_points(Object *obj, Error **errp)
{
    K210Ft6x36State *s = K210_FT6X36(obj);
    GString *text = g_string_new("");

    for (int i = 0; i < s->n; i++) {
        g_string_append_printf(text, "%s%u,%u", i ? " " : "", s->x[i],
                               s->y[i]);
    }
    return g_string_free(text, false);
}

static void ft_set_points(Object *obj, const char *value, Error **errp)
{
    K210Ft6x36State *s = K210_FT6X36(obj);
    g_auto(GStrv) words = g_strsplit_set(value, " ", -1);
    unsigned x[NPOINTS], y[NPOINTS], n = 0, before = s->n;

    for (int i = 0; words[i]; i++) {
        const char *p = words[i];

        if (!*p) {
            continue;
        }
        if (n == NPOINTS || qemu_strtoui(p, &p, 10, &x[n]) || *p != ',' ||
            qemu_strtoui(p + 1, NULL, 10, &y[n]) || x[n] > 0xfff ||
            y[n] > 0xfff) {
            error_setg(errp, "points: '%s' is not up to %d points \"x,y x,y\""
                       " with numbers of 0..4095", value, NPOINTS);
            return;
        }
        n++;
    }
    for (int i = 0; i < NPOINTS; i++) {
        if (i < n) {
            s->x[i] = x[i];
            s->y[i] = y[i];
            s->event[i] = i < before ? EVENT_CONTACT : EVENT_DOWN;
        } else if (i < before) {
            s->event[i] = EVENT_UP;
        }
    }
    s->n = n;
    if ((n || before) && !timer_pending(s->timer)) {
        report(s);
    }
    update_int(s);
}

static void ft_reset_regs(K210I2CPart *part)
{
    K210Ft6x36State *s = K210_FT6X36(part);

    part->regs[TH_GROUP] = 0x16;
    part->regs[CTRL] = 0x01;
    part->regs[TIME_TO_MONITOR] = 0x0a;
    part->regs[PERIOD_ACTIVE] = 0x0e;
    part->regs[PERIOD_MONITOR] = 0x28;
    part->regs[0xa1] = 0x10;
    part->regs[LIB_VERSION] = 0x01;
    part->regs[CHIP_ID] = 0x36;
    part->regs[G_MODE] = 0x01;
    part->regs[FIRMWARE_ID] = 0x01;
    part->regs[VENDOR_ID] = 0x11;
    part->regs[STATE] = 0x01;
    timer_del(s->timer);
    s->pulse = false;
    s->n = 0;
    for (int i = 0; i < NPOINTS; i++) {
        s->x[i] = s->y[i] = 0xfff;
        s->event[i] = EVENT_NONE;
    }
}

/* The FPIOA takes the level of the line when everything has been reset. */
static void ft_reset_exit(Object *obj, ResetType type)
{
    update_int(K210_FT6X36(obj));
}

static void ft_init(Object *obj)
{
    K210Ft6x36State *s = K210_FT6X36(obj);

    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, report, s);
    qdev_init_gpio_out_named(DEVICE(obj), &s->intr, "int", 1);
}

static void ft_finalize(Object *obj)
{
    timer_free(K210_FT6X36(obj)->timer);
}

static const VMStateDescription vmstate_ft = {
    .name = TYPE_K210_FT6X36,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_I2C_PART(K210Ft6x36State),
        VMSTATE_TIMER_PTR(timer, K210Ft6x36State),
        VMSTATE_BOOL(pulse, K210Ft6x36State),
        VMSTATE_UINT32(n, K210Ft6x36State),
        VMSTATE_UINT16_ARRAY(x, K210Ft6x36State, NPOINTS),
        VMSTATE_UINT16_ARRAY(y, K210Ft6x36State, NPOINTS),
        VMSTATE_UINT8_ARRAY(event, K210Ft6x36State, NPOINTS),
        VMSTATE_END_OF_LIST()
    },
};

static void ft_class_init(ObjectClass *klass, void *data)
{
    K210I2CPartClass *k = K210_I2C_PART_CLASS(klass);

    k->reset_regs = ft_reset_regs;
    k->read_reg = ft_read_reg;
    k->write_reg = ft_write_reg;
    RESETTABLE_CLASS(klass)->phases.exit = ft_reset_exit;
    DEVICE_CLASS(klass)->vmsd = &vmstate_ft;
    DEVICE_CLASS(klass)->desc = "FT6236 touch controller";
    object_class_property_add_str(klass, "points", ft_get_points,
                                  ft_set_points);
    object_class_property_set_description(klass, "points",
        "where the panel is touched: \"\", \"x,y\" or \"x,y x,y\"");
}

static const TypeInfo ft_types[] = {
    {
        .name = TYPE_K210_FT6X36,
        .parent = TYPE_K210_I2C_PART,
        .instance_size = sizeof(K210Ft6x36State),
        .instance_init = ft_init,
        .instance_finalize = ft_finalize,
        .class_init = ft_class_init,
    },
};
DEFINE_TYPES(ft_types)
