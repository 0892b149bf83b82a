/*
 * SPDX-License-Identifier: MIT
 *
 * GPIOHS: 32 GPIOs at CPU speed, each with its own interrupt. Route them to pads with hal/fpioa.h.
 */
#ifndef K210_HAL_GPIOHS_H
#define K210_HAL_GPIOHS_H

#include <stdbool.h>

#define GPIOHS_COUNT (32)

// Bits of gpiohs_irq()'s edges.
#define GPIOHS_RISING (1)
#define GPIOHS_FALLING (2)

// Makes pin n an output that starts at value.
void gpiohs_output(unsigned n, bool value);
void gpiohs_input(unsigned n);
bool gpiohs_is_output(unsigned n);

void gpiohs_write(unsigned n, bool value);

// Level at the pad; an output pin reads back its pad too.
bool gpiohs_read(unsigned n);

// Calls fn(arg) in interrupt context at the given edges; edges 0 or fn NULL switches it off.
void gpiohs_irq(unsigned n, unsigned edges, void (*fn)(void *arg), void *arg);

#endif
