/*
 * I2C parts with 256 registers of a byte
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_I2C_PART_H
#define HW_K210_I2C_PART_H

#include "hw/i2c/i2c.h"
#include "migration/vmstate.h"

#define TYPE_K210_I2C_PART "k210-i2c-part"
OBJECT_DECLARE_TYPE(K210I2CPart, K210I2CPartClass, K210_I2C_PART)

/*
 * The first byte of a write is a register number, further ones go to this and
 * the following registers; a read begins at the number, which survives STOP.
 */
struct K210I2CPart {
    I2CSlave parent_obj;

    uint8_t regs[256];
    uint8_t reg;
    bool reg_seen;
};

/*
 * reset_regs() fills regs[], which are zero. read_reg() and write_reg() may be
 * NULL: the register file answers.
 */
struct K210I2CPartClass {
    I2CSlaveClass parent_class;

    void (*reset_regs)(K210I2CPart *s);
    uint8_t (*read_reg)(K210I2CPart *s, uint8_t reg);
    void (*write_reg)(K210I2CPart *s, uint8_t reg, uint8_t value);
};

extern const VMStateDescription vmstate_k210_i2c_part;

#define VMSTATE_K210_I2C_PART(_state) \
    VMSTATE_STRUCT(parent_obj, _state, 0, vmstate_k210_i2c_part, K210I2CPart)

/*
 * Adds an integer property that is kept between min and max; the setter calls
 * changed(obj) afterwards, which may be NULL.
 */
void k210_i2c_part_add_int(Object *obj, const char *name, int32_t *field,
                           int32_t min, int32_t max, void (*changed)(Object *));

#endif
