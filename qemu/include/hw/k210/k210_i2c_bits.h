/*
 * Kendryte K210: a board's I2C bus for programs that move its pads themselves
 *
 * Named GPIO inputs "scl", "sda": the levels at the pads; output "sda-out":
 * what the parts on the bus do to SDA, 0 or K210_PAD_Z.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_I2C_BITS_H
#define HW_K210_I2C_BITS_H

#include "hw/i2c/bitbang_i2c.h"
#include "hw/k210/k210_fpioa.h"

#define TYPE_K210_I2C_BITS "k210-i2c-bits"
OBJECT_DECLARE_SIMPLE_TYPE(K210I2CBits, K210_I2C_BITS)

struct K210I2CBits {
    DeviceState parent_obj;

    bitbang_i2c_interface decoder;
    qemu_irq sda_out;
    bool holds;                     /* the parts pull SDA down */
    bool sda;                       /* the level at the pad */
};

/* Not realized yet. */
DeviceState *k210_i2c_bits_new(I2CBus *bus);

#endif
