// SPDX-License-Identifier: MIT
// The camera's wires on the K210: SCCB over I2C, reset, power-down and XCLK by the DVP.
#ifndef K210_SENSOR_HW_H
#define K210_SENSOR_HW_H

#include "sensor_core.h"

// Pads, and the I2C block that speaks SCCB.
typedef struct {
    uint8_t sda, scl, rst, vsync, pwdn, href, xclk, pclk;
    uint8_t i2c;
} sensor_pins_t;

// The board's.
extern const sensor_pins_t sensor_hw_pins;

// Routes the pads, starts XCLK and the bus. Returns the real XCLK or a negative errno.
int32_t sensor_hw_init(const sensor_pins_t *pins, uint32_t xclk_hz);
void sensor_hw_deinit(void);

// print is left to the caller.
extern const sensor_bus_t sensor_hw_bus;

// Makes big-endian pixels of what the DVP has stored, in place; hart 1 does half of it when it is
// free. p is an uncached address, n a multiple of 8.
void sensor_hw_fix_pixels(void *p, size_t n);

#endif
