/*
 * SPDX-License-Identifier: MIT
 *
 * I2C0..2 as masters with 7-bit addresses, and as slaves. Route the pads with hal/fpioa.h (FPIOA_I2Cn_SCLK/SDA).
 *
 * The core makes a STOP by itself as soon as its TX FIFO runs empty, and a RESTART when the direction
 * changes while commands are queued. So the bus cannot be held between two calls.
 */
#ifndef K210_HAL_I2C_H
#define K210_HAL_I2C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define I2C_COUNT (3)

// Clock on, reset, master at hz or a little less. Returns the real rate or -EINVAL.
int32_t i2c_init(unsigned n, uint32_t hz);
void i2c_deinit(unsigned n);

// Write n_tx bytes and read n_rx bytes in one transaction (RESTART in between when both are given).
// 0, -ENXIO (nobody acknowledges the address), -EIO (data not acknowledged, arbitration lost),
// -ETIMEDOUT (a device stretches the clock, or the bus is stuck), -EINVAL.
// n_tx = n_rx = 0 is not possible with this core.
int i2c_transfer(unsigned n, uint8_t addr, const uint8_t *tx, size_t n_tx, uint8_t *rx, size_t n_rx,
    uint32_t timeout_us);

// Slave. These are called in interrupt context. START and RESTART are told with what follows them, so those of
// transfers to others are not. After request() the core holds SCL until i2c_slave_answer(), which does
// nothing when the master has given up since.
enum i2c_slave_event { I2C_SLAVE_START, I2C_SLAVE_RESTART, I2C_SLAVE_STOP };

typedef struct {
    void (*receive)(void *arg, uint8_t byte);
    void (*request)(void *arg, uint8_t request);
    void (*event)(void *arg, enum i2c_slave_event event);
    void *arg;
} i2c_slave_t;

// Answers to addr, of 7 or 10 bits. -EINVAL. i2c_deinit() or i2c_init() ends it.
int i2c_slave_init(unsigned n, uint16_t addr, bool ten_bits, const i2c_slave_t *slave);
void i2c_slave_answer(unsigned n, uint8_t request, uint8_t byte);

#endif
