// SPDX-License-Identifier: MIT
// The panel's wires: SPI0, octal (8080 style: one byte per clock on the dedicated SPI0_D0..D7) or one
// line, with D/C and reset on GPIOHS pins. Source: K210 hardware reference, ST7789 chapter.
#ifndef K210_LCD_BUS_H
#define K210_LCD_BUS_H

#include "lcd_core.h"

typedef struct {
    uint8_t rst, dcx, cs, clk;  // pads
    int8_t data;                // pad of the only data line, -1: octal
} lcd_pins_t;

// Routes the pins and sets up SPI0. 0 or a negative errno.
int lcd_bus_init(const lcd_pins_t *pins, uint32_t hz);
// Waits for what is on its way and forgets the set-up.
void lcd_bus_deinit(void);

// The rate that hz gives.
uint32_t lcd_bus_set_freq(uint32_t hz);

extern const lcd_bus_t lcd_bus;

#endif
