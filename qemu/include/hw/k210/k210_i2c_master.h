/*
 * Another I2C master on two pads of the board, see k210_i2c_master.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_I2C_MASTER_H
#define HW_K210_I2C_MASTER_H

#include "hw/k210/k210_fpioa.h"
#include "hw/k210/k210_i2c.h"

#define TYPE_K210_I2C_MASTER "k210-i2c-master"
OBJECT_DECLARE_SIMPLE_TYPE(K210I2CMaster, K210_I2C_MASTER)

struct K210I2CMaster {
    Object parent_obj;

    K210FpioaState *fpioa;
    K210I2CState *controller[3];
    QEMUTimer *timer;
    uint8_t scl, sda;

    char **words;           /* of the transfer: address, w.. and r.. */
    unsigned word;          /* the next one */
    const char *at;         /* the next byte to write */
    unsigned left;          /* bytes of this word */
    unsigned address;
    bool running;
    bool reading;
    int64_t held_since;     /* since when the slave could have answered */
    K210I2CState *slave;
    GString *read;
};

#endif
