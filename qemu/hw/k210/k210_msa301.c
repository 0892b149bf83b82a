/*
 * MEMSensing MSA301 (and MSA300) accelerometer
 *
 * The acceleration is set by the properties "x", "y" and "z" in 1/1000 g.
 * Modelled: id, soft reset, range, resolution, suspend mode, polarity, new
 * data flag. Taps, motion and orientation are not detected.
 *
 * Data sheet: MSA301 1.0.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/k210/k210_i2c_part.h"

#define TYPE_K210_MSA301 "k210-msa301"
OBJECT_DECLARE_SIMPLE_TYPE(K210Msa301State, K210_MSA301)

enum {
    SOFT_RESET = 0x00, PART_ID = 0x01, ACC_X = 0x02, ACC_Z_HIGH = 0x07,
    DATA_INT = 0x0a, RANGE = 0x0f, ODR = 0x10, POWER = 0x11, SWAP = 0x12,
};

struct K210Msa301State {
    K210I2CPart parent_obj;

    int32_t milli_g[3];
};

static void msa_reset_regs(K210I2CPart *part)
{
    memset(part->regs, 0, sizeof(part->regs));
    part->regs[PART_ID] = 0x13;
    part->regs[ODR] = 0x0f;
    part->regs[POWER] = 0x9e;
    part->regs[0x22] = 0x09;
    part->regs[0x23] = 0x30;
    part->regs[0x24] = 0x01;
    part->regs[0x28] = 0x14;
    part->regs[0x2b] = 0x04;
    part->regs[0x2c] = 0x18;
    part->regs[0x2d] = 0x08;
}

/* An axis as the part gives it: at most 14 bits, at the top of 16. */
static uint16_t axis(K210Msa301State *s, unsigned i)
{
    const uint8_t *regs = s->parent_obj.regs;
    unsigned range = regs[RANGE] & 3;           /* 2, 4, 8, 16 g */
    unsigned bits = 14 - 2 * (regs[RANGE] >> 2 & 3);
    int32_t v;

    if ((regs[POWER] & 0xc0) == 0xc0) {
        return 0;                               /* suspended */
    }
    if (i < 2 && regs[SWAP] & 1) {
        i = 1 - i;
    }
    v = s->milli_g[i] * (1 << 15) / (2000 << range);
    if (regs[SWAP] & (8 >> i)) {
        v = -v;
    }
    v = MIN(MAX(v, -0x8000), 0x7fff);
    return v & ~((1u << (16 - bits)) - 1);
}

static uint8_t msa_read_reg(K210I2CPart *part, uint8_t reg)
{
    K210Msa301State *s = K210_MSA301(part);

    if (reg >= ACC_X && reg <= ACC_Z_HIGH) {
        uint16_t v = axis(s, (reg - ACC_X) / 2);

        return reg & 1 ? v >> 8 : v & 0xff;
    }
    if (reg == DATA_INT) {
        return (part->regs[POWER] & 0xc0) != 0xc0;
    }
    return part->regs[reg];
}

static void msa_write_reg(K210I2CPart *part, uint8_t reg, uint8_t value)
{
    if (reg == SOFT_RESET) {
        if (value & 0x24) {
            msa_reset_regs(part);
        }
    } else if (reg > 0x0c) {
        part->regs[reg] = value;
    }
}

static void msa_init(Object *obj)
{
    K210Msa301State *s = K210_MSA301(obj);
    static const char *const names[] = { "x", "y", "z" };

    s->milli_g[2] = 1000;
    for (int i = 0; i < 3; i++) {
        k210_i2c_part_add_int(obj, names[i], &s->milli_g[i], -16000, 16000,
                              NULL);
    }
}

static const VMStateDescription vmstate_msa = {
    .name = TYPE_K210_MSA301,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_I2C_PART(K210Msa301State),
        VMSTATE_INT32_ARRAY(milli_g, K210Msa301State, 3),
        VMSTATE_END_OF_LIST()
    },
};

static void msa_class_init(ObjectClass *klass, void *data)
{
    K210I2CPartClass *k = K210_I2C_PART_CLASS(klass);

    k->reset_regs = msa_reset_regs;
    k->read_reg = msa_read_reg;
    k->write_reg = msa_write_reg;
    DEVICE_CLASS(klass)->vmsd = &vmstate_msa;
    DEVICE_CLASS(klass)->desc = "MSA301 accelerometer";
}

static const TypeInfo msa_types[] = {
    {
        .name = TYPE_K210_MSA301,
        .parent = TYPE_K210_I2C_PART,
        .instance_size = sizeof(K210Msa301State),
        .instance_init = msa_init,
        .class_init = msa_class_init,
    },
};
DEFINE_TYPES(msa_types)
