/*
 * Kendryte K210 I2C0..2: what another master on the bus does to a controller
 * that is a slave
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_I2C_H
#define HW_K210_I2C_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_I2C "k210-i2c"
OBJECT_DECLARE_SIMPLE_TYPE(K210I2CState, K210_I2C)

/* An address above 0x7f is one of 10 bits. */
#define K210_I2C_7_BITS 0x7f

/* START or RESTART with an address; false = nobody acknowledges. */
bool k210_i2c_slave_start(K210I2CState *s, unsigned address, bool read);

/* A byte from the master. */
void k210_i2c_slave_receive(K210I2CState *s, uint8_t byte);

/* A byte for the master; false = it has to wait, SCL is held low. */
bool k210_i2c_slave_send(K210I2CState *s, uint8_t *byte);

/* STOP; with @done the master has not acknowledged the last byte it read. */
void k210_i2c_slave_stop(K210I2CState *s, bool done);

#endif
