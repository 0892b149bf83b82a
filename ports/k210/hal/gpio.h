/*
 * SPDX-License-Identifier: MIT
 *
 * GPIO: 8 pins with one interrupt (which this driver does not use; see hal/gpiohs.h for pins that
 * interrupt).
 */
#ifndef K210_HAL_GPIO_H
#define K210_HAL_GPIO_H

#include <stdbool.h>

#define GPIO_COUNT (8)

void gpio_init(void);

// Makes pin n an output that starts at value.
void gpio_output(unsigned n, bool value);
void gpio_input(unsigned n);
bool gpio_is_output(unsigned n);
void gpio_write(unsigned n, bool value);
bool gpio_read(unsigned n);

#endif
