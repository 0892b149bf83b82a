/*
 * InvenSense MPU6886 accelerometer and gyroscope
 *
 * Motion is set by the properties "x", "y", "z" in 1/1000 g and "rate-x",
 * "rate-y", "rate-z" in 1/1000 degree per second. Modelled: id, reset, sleep,
 * both full scales, temperature, data-ready flag. No FIFO, no interrupts.
 *
 * Data sheet: MPU6886 1.1.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/k210/k210_i2c_part.h"

#define TYPE_K210_MPU6886 "k210-mpu6886"
OBJECT_DECLARE_SIMPLE_TYPE(K210Mpu6886State, K210_MPU6886)

enum {
    GYRO_CONFIG = 0x1b, ACCEL_CONFIG = 0x1c, INT_STATUS = 0x3a,
    ACCEL_X = 0x3b, TEMPERATURE = 0x41, GYRO_X = 0x43, GYRO_Z_LOW = 0x48,
    PWR_MGMT_1 = 0x6b, WHO_AM_I = 0x75,
};

#define PWR_RESET 0x80
#define PWR_SLEEP 0x40

struct K210Mpu6886State {
    K210I2CPart parent_obj;

    int32_t milli_g[3];
    int32_t milli_dps[3];
};

static void mpu_reset_regs(K210I2CPart *part)
{
    memset(part->regs, 0, sizeof(part->regs));
    part->regs[PWR_MGMT_1] = PWR_SLEEP | 1;
    part->regs[WHO_AM_I] = 0x19;
}

static int16_t clamp16(int64_t v)
{
    return MIN(MAX(v, -0x8000), 0x7fff);
}

/* One of the seven measurements from ACCEL_X on. */
static int16_t measurement(K210Mpu6886State *s, unsigned i)
{
    const uint8_t *regs = s->parent_obj.regs;
    unsigned accel_fs = regs[ACCEL_CONFIG] >> 3 & 3;    /* 2..16 g */
    unsigned gyro_fs = regs[GYRO_CONFIG] >> 3 & 3;      /* 250..2000 dps */

    if (i < 3) {
        return clamp16(s->milli_g[i] * 0x8000ll / (2000 << accel_fs));
    }
    if (i == 3) {
        return 0;                                       /* 25 degrees */
    }
    return clamp16(s->milli_dps[i - 4] * 0x8000ll / (250000 << gyro_fs));
}

static uint8_t mpu_read_reg(K210I2CPart *part, uint8_t reg)
{
    bool asleep = part->regs[PWR_MGMT_1] & PWR_SLEEP;

    if (reg == INT_STATUS) {
        return !asleep;
    }
    if (reg >= ACCEL_X && reg <= GYRO_Z_LOW) {
        uint16_t v = asleep ? 0 : measurement(K210_MPU6886(part),
                                              (reg - ACCEL_X) / 2);

        return reg & 1 ? v >> 8 : v & 0xff;
    }
    return part->regs[reg];
}

static void mpu_write_reg(K210I2CPart *part, uint8_t reg, uint8_t value)
{
    if (reg == PWR_MGMT_1 && value & PWR_RESET) {
        mpu_reset_regs(part);
    } else if (reg != WHO_AM_I && !(reg >= INT_STATUS && reg <= GYRO_Z_LOW)) {
        part->regs[reg] = value;
    }
}

static void mpu_init(Object *obj)
{
    K210Mpu6886State *s = K210_MPU6886(obj);
    static const char *const names[] = { "x", "y", "z" };

    s->milli_g[2] = 1000;
    for (int i = 0; i < 3; i++) {
        g_autofree char *rate = g_strdup_printf("rate-%s", names[i]);

        k210_i2c_part_add_int(obj, names[i], &s->milli_g[i], -16000, 16000,
                              NULL);
        k210_i2c_part_add_int(obj, rate, &s->milli_dps[i], -2000000, 2000000,
                              NULL);
    }
}

static const VMStateDescription vmstate_mpu = {
    .name = TYPE_K210_MPU6886,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_I2C_PART(K210Mpu6886State),
        VMSTATE_INT32_ARRAY(milli_g, K210Mpu6886State, 3),
        VMSTATE_INT32_ARRAY(milli_dps, K210Mpu6886State, 3),
        VMSTATE_END_OF_LIST()
    },
};

static void mpu_class_init(ObjectClass *klass, void *data)
{
    K210I2CPartClass *k = K210_I2C_PART_CLASS(klass);

    k->reset_regs = mpu_reset_regs;
    k->read_reg = mpu_read_reg;
    k->write_reg = mpu_write_reg;
    DEVICE_CLASS(klass)->vmsd = &vmstate_mpu;
    DEVICE_CLASS(klass)->desc = "MPU6886 accelerometer and gyroscope";
}

static const TypeInfo mpu_types[] = {
    {
        .name = TYPE_K210_MPU6886,
        .parent = TYPE_K210_I2C_PART,
        .instance_size = sizeof(K210Mpu6886State),
        .instance_init = mpu_init,
        .class_init = mpu_class_init,
    },
};
DEFINE_TYPES(mpu_types)
