/*
 * Kendryte K210: the I2C buses of a board, found by their pads
 *
 * Several controllers (I2C0..2, the SCCB engine of the DVP) may have mapped
 * their lines to the pads of the same bus, and a controller may go from one
 * bus to another by mapping its lines anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_I2C_BUSES_H
#define HW_K210_I2C_BUSES_H

#include "hw/i2c/i2c.h"
#include "hw/k210/k210_fpioa.h"

#define TYPE_K210_I2C_BUSES "k210-i2c-buses"
OBJECT_DECLARE_SIMPLE_TYPE(K210I2CBuses, K210_I2C_BUSES)

#define K210_MAX_I2C_BUSES 4

struct K210I2CBuses {
    Object parent_obj;

    unsigned n;
    struct {
        I2CBus *bus;
        uint8_t scl, sda;
    } bus[K210_MAX_I2C_BUSES];
};

/* Enters a bus that is on two pads. */
void k210_i2c_buses_add(K210I2CBuses *s, I2CBus *bus, unsigned scl,
                        unsigned sda);

/*
 * The bus on whose pads the functions scl_func (clock) and scl_func + 1 (data)
 * are mapped; NULL when they are on no bus.
 */
I2CBus *k210_i2c_buses_find(K210I2CBuses *s, K210FpioaState *fpioa,
                            unsigned scl_func);

#endif
