/*
 * X-Powers AXP192 and AXP173 power management
 *
 * Modelled: the register file with its power-on values, chip id, what the
 * ADCs show of battery, USB supply and temperature as far as they are on,
 * the charger's state, the power key with its interrupt flags and times, and
 * power-off. The supplies it makes have no effect on the parts of the board:
 * LCD and camera also work when a program has left theirs off.
 *
 * Data sheets: AXP192 1.1, AXP173 1.0.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "hw/k210/k210_i2c_part.h"
#include "system/runstate.h"
#include "trace.h"

#define TYPE_K210_AXP "k210-axp"
OBJECT_DECLARE_TYPE(K210AxpState, K210AxpClass, K210_AXP)

enum {
    POWER_STATUS = 0x00, CHARGE_STATUS = 0x01, VBUS_STATUS = 0x04,
    CHIP_ID = 0x03, SHUTDOWN = 0x32, CHARGE1 = 0x33, KEY_TIMES = 0x36,
    IRQ_STATUS1 = 0x44, IRQ_STATUS3 = 0x46, IRQ_STATUS4 = 0x47,
    IRQ_STATUS5 = 0x4d, ADC_VBUS_V = 0x5a, ADC_VBUS_I = 0x5c,
    ADC_TEMPERATURE = 0x5e, ADC_POWER = 0x70, ADC_BATTERY_V = 0x78,
    ADC_CHARGE_I = 0x7a, ADC_DISCHARGE_I = 0x7c, ADC_APS_V = 0x7e,
    ADC_ENABLE1 = 0x82, ADC_ENABLE2 = 0x83,
};

#define IRQ3_KEY_SHORT 0x02
#define IRQ3_KEY_LONG  0x01
#define ENABLE1_BATTERY_V 0x80
#define ENABLE1_BATTERY_I 0x40
#define ENABLE1_VBUS_V    0x08
#define ENABLE1_VBUS_I    0x04
#define ENABLE1_APS_V     0x02
#define ENABLE2_TEMPERATURE 0x80

#define CHARGE_MA 190
#define LOAD_MA 120
#define FULL_MV 4180

struct K210AxpClass {
    K210I2CPartClass parent_class;

    uint8_t chip_id;
};

struct K210AxpState {
    K210I2CPart parent_obj;

    QEMUTimer *key_timer;
    bool key;
    bool key_long;          /* held for so long that it counts as long */
    bool vbus;              /* USB plugged in */
    bool battery;
    int32_t battery_mv;
    int32_t temperature;    /* of the chip, degrees Celsius */
};

static bool charging(K210AxpState *s)
{
    return s->vbus && s->battery && s->battery_mv < FULL_MV &&
           s->parent_obj.regs[CHARGE1] & 0x80;
}

/*
 * The ADC values that a register shows: 12 bits as 8 + 4, battery currents 13
 * bits as 8 + 5, power 24 bits.
 */
static uint8_t adc(K210AxpState *s, uint8_t reg)
{
    const uint8_t *regs = s->parent_obj.regs;
    uint8_t on = regs[ADC_ENABLE1];
    uint32_t v = 0, low_bits = 4;
    uint32_t battery_mv = s->battery ? s->battery_mv : 0;
    uint32_t ma = !s->battery ? 0 : charging(s) ? CHARGE_MA
                  : s->vbus ? 0 : LOAD_MA;

    switch (reg & ~1) {
    case ADC_VBUS_V:
        v = on & ENABLE1_VBUS_V && s->vbus ? 5000 * 10 / 17 : 0;
        break;
    case ADC_VBUS_I:
        v = on & ENABLE1_VBUS_I && s->vbus
            ? (LOAD_MA + (charging(s) ? CHARGE_MA : 0)) * 1000 / 375 : 0;
        break;
    case ADC_TEMPERATURE:
        v = regs[ADC_ENABLE2] & ENABLE2_TEMPERATURE
            ? s->temperature * 10 + 1447 : 0;
        break;
    case ADC_POWER:
    case ADC_POWER + 2:
        /* Units of 1.1 mV * 0.5 mA. */
        if (on & ENABLE1_BATTERY_V && on & ENABLE1_BATTERY_I) {
            v = battery_mv * 10 / 11 * ma * 2;
        }
        return reg <= ADC_POWER + 2 ? v >> (8 * (ADC_POWER + 2 - reg)) : 0;
    case ADC_BATTERY_V:
        v = on & ENABLE1_BATTERY_V ? battery_mv * 10 / 11 : 0;
        break;
    case ADC_CHARGE_I:
    case ADC_DISCHARGE_I:
        low_bits = 5;
        v = on & ENABLE1_BATTERY_I
            && charging(s) == ((reg & ~1) == ADC_CHARGE_I) ? ma * 2 : 0;
        break;
    case ADC_APS_V:
        v = on & ENABLE1_APS_V
            ? (s->vbus ? 4800 : battery_mv) * 10 / 14 : 0;
        break;
    }
    return reg & 1 ? v & MAKE_64BIT_MASK(0, low_bits) : v >> low_bits;
}

static uint8_t axp_read_reg(K210I2CPart *part, uint8_t reg)
{
    K210AxpState *s = K210_AXP(part);

    switch (reg) {
    case POWER_STATUS:
        return (s->vbus ? 0x30 : 0) | (charging(s) ? 0x04 : 0);
    case CHARGE_STATUS:
        return (charging(s) ? 0x40 : 0) | (s->battery ? 0x20 : 0);
    case VBUS_STATUS:
        return s->vbus ? 0x04 : 0;
    case CHIP_ID:
        return K210_AXP_GET_CLASS(s)->chip_id;
    case 0x56 ... 0x7f:
        return adc(s, reg);
    default:
        return part->regs[reg];
    }
}

static void axp_write_reg(K210I2CPart *part, uint8_t reg, uint8_t value)
{
    switch (reg) {
    case POWER_STATUS: case CHARGE_STATUS: case CHIP_ID: case VBUS_STATUS:
    case 0x56 ... 0x7f:
        break;
    case IRQ_STATUS1 ... IRQ_STATUS4: case IRQ_STATUS5:
        part->regs[reg] &= ~value;
        break;
    case SHUTDOWN:
        part->regs[reg] = value & 0x7f;
        if (value & 0x80) {
            trace_k210_axp_power_off();
            qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
        }
        break;
    default:
        part->regs[reg] = value;
    }
}

/* ---- power key ---- */

static void key_tick(void *opaque)
{
    K210AxpState *s = opaque;
    uint8_t *regs = s->parent_obj.regs;
    unsigned times = regs[KEY_TIMES];
    unsigned long_ms = 1000 + 500 * extract32(times, 4, 2);
    unsigned off_ms = 4000 + 2000 * extract32(times, 0, 2);

    if (!s->key_long) {
        s->key_long = true;
        regs[IRQ_STATUS3] |= IRQ3_KEY_LONG;
        timer_mod(s->key_timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL)
                  + off_ms - long_ms);
    } else if (times & 0x08) {
        trace_k210_axp_power_off();
        qemu_system_shutdown_request(SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
    }
}

static bool axp_get_key(Object *obj, Error **errp)
{
    return K210_AXP(obj)->key;
}

static void axp_set_key(Object *obj, bool down, Error **errp)
{
    K210AxpState *s = K210_AXP(obj);
    uint8_t *regs = s->parent_obj.regs;

    if (down == s->key) {
        return;
    }
    s->key = down;
    if (down) {
        s->key_long = false;
        timer_mod(s->key_timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL)
                  + 1000 + 500 * extract32(regs[KEY_TIMES], 4, 2));
    } else {
        timer_del(s->key_timer);
        if (!s->key_long) {
            regs[IRQ_STATUS3] |= IRQ3_KEY_SHORT;
        }
    }
}

/* ---- USB and battery ---- */

static bool axp_get_vbus(Object *obj, Error **errp)
{
    return K210_AXP(obj)->vbus;
}

static void axp_set_vbus(Object *obj, bool value, Error **errp)
{
    K210AxpState *s = K210_AXP(obj);

    if (value != s->vbus) {
        s->parent_obj.regs[IRQ_STATUS1] |= value ? 0x08 : 0x04;
    }
    s->vbus = value;
}

static bool axp_get_battery(Object *obj, Error **errp)
{
    return K210_AXP(obj)->battery;
}

static void axp_set_battery(Object *obj, bool value, Error **errp)
{
    K210AxpState *s = K210_AXP(obj);

    if (value != s->battery) {
        s->parent_obj.regs[IRQ_STATUS1 + 1] |= value ? 0x80 : 0x40;
    }
    s->battery = value;
}

/* ---- QOM ---- */

static void axp_reset_regs(K210I2CPart *part)
{
    static const struct {
        uint8_t reg, value;
    } defaults[] = {
        { 0x12, 0x5f }, { 0x23, 0x16 }, { 0x26, 0x68 }, { 0x27, 0x48 },
        { 0x28, 0xcf }, { 0x30, 0x60 }, { 0x31, 0x03 }, { SHUTDOWN, 0x46 },
        { CHARGE1, 0xc0 }, { 0x34, 0x41 }, { 0x35, 0x22 },
        { KEY_TIMES, 0x5d }, { 0x37, 0x08 }, { 0x38, 0xa5 }, { 0x39, 0x1f },
        { 0x3a, 0x68 }, { 0x3b, 0x5f }, { 0x3c, 0xfc }, { 0x3d, 0x16 },
        { 0x40, 0xd8 }, { 0x41, 0xff }, { 0x42, 0x3b }, { 0x43, 0xc1 },
        { 0x80, 0x80 }, { ADC_ENABLE1, 0x83 }, { ADC_ENABLE2, 0x80 },
        { 0x84, 0x32 }, { 0x8f, 0x01 }, { 0x90, 0x07 }, { 0x91, 0xa0 },
        { 0x92, 0x07 }, { 0x93, 0x07 },
    };

    for (int i = 0; i < ARRAY_SIZE(defaults); i++) {
        part->regs[defaults[i].reg] = defaults[i].value;
    }
}

static void axp_init(Object *obj)
{
    K210AxpState *s = K210_AXP(obj);

    s->vbus = true;
    s->battery = true;
    s->battery_mv = 3900;
    s->temperature = 35;
    s->key_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, key_tick, s);
    k210_i2c_part_add_int(obj, "battery-mv", &s->battery_mv, 2500, 4400, NULL);
    k210_i2c_part_add_int(obj, "temperature", &s->temperature, -40, 125, NULL);
}

static void axp_finalize(Object *obj)
{
    timer_free(K210_AXP(obj)->key_timer);
}

static const VMStateDescription vmstate_axp = {
    .name = TYPE_K210_AXP,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_I2C_PART(K210AxpState),
        VMSTATE_TIMER_PTR(key_timer, K210AxpState),
        VMSTATE_BOOL(key, K210AxpState),
        VMSTATE_BOOL(key_long, K210AxpState),
        VMSTATE_BOOL(vbus, K210AxpState),
        VMSTATE_BOOL(battery, K210AxpState),
        VMSTATE_INT32(battery_mv, K210AxpState),
        VMSTATE_INT32(temperature, K210AxpState),
        VMSTATE_END_OF_LIST()
    },
};

static void axp_class_init(ObjectClass *klass, void *data)
{
    K210I2CPartClass *k = K210_I2C_PART_CLASS(klass);

    k->reset_regs = axp_reset_regs;
    k->read_reg = axp_read_reg;
    k->write_reg = axp_write_reg;
    DEVICE_CLASS(klass)->vmsd = &vmstate_axp;
    object_class_property_add_bool(klass, "power-key", axp_get_key,
                                   axp_set_key);
    object_class_property_add_bool(klass, "usb", axp_get_vbus, axp_set_vbus);
    object_class_property_add_bool(klass, "battery", axp_get_battery,
                                   axp_set_battery);
}

static void axp192_class_init(ObjectClass *klass, void *data)
{
    DEVICE_CLASS(klass)->desc = "AXP192 power management";
    K210_AXP_CLASS(klass)->chip_id = 0x03;
}

static void axp173_class_init(ObjectClass *klass, void *data)
{
    DEVICE_CLASS(klass)->desc = "AXP173 power management";
    K210_AXP_CLASS(klass)->chip_id = 0xad;
}

static const TypeInfo axp_types[] = {
    {
        .name = TYPE_K210_AXP,
        .parent = TYPE_K210_I2C_PART,
        .abstract = true,
        .instance_size = sizeof(K210AxpState),
        .instance_init = axp_init,
        .instance_finalize = axp_finalize,
        .class_size = sizeof(K210AxpClass),
        .class_init = axp_class_init,
    },
    {
        .name = "k210-axp192",
        .parent = TYPE_K210_AXP,
        .class_init = axp192_class_init,
    },
    {
        .name = "k210-axp173",
        .parent = TYPE_K210_AXP,
        .class_init = axp173_class_init,
    },
};
DEFINE_TYPES(axp_types)
