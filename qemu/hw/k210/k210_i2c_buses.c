/*
 * Kendryte K210: the I2C buses of a board, found by their pads
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/k210/k210_i2c_buses.h"

void k210_i2c_buses_add(K210I2CBuses *s, I2CBus *bus, unsigned scl,
                        unsigned sda)
{
    assert(s->n < K210_MAX_I2C_BUSES);
    assert(scl < K210_NPADS && sda < K210_NPADS);
    s->bus[s->n].bus = bus;
    s->bus[s->n].scl = scl;
    s->bus[s->n].sda = sda;
    s->n++;
}

I2CBus *k210_i2c_buses_find(K210I2CBuses *s, K210FpioaState *fpioa,
                            unsigned scl_func)
{
    if (!s || !fpioa) {
        return NULL;
    }
    for (unsigned i = 0; i < s->n; i++) {
        if (k210_fpioa_func_of(fpioa, s->bus[i].scl) == scl_func &&
            k210_fpioa_func_of(fpioa, s->bus[i].sda) == scl_func + 1) {
            return s->bus[i].bus;
        }
    }
    return NULL;
}

static const TypeInfo i2c_buses_info[] = {
    {
        .name = TYPE_K210_I2C_BUSES,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(K210I2CBuses),
    },
};

DEFINE_TYPES(i2c_buses_info)
