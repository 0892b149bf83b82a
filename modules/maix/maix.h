/*
 * SPDX-License-Identifier: MIT
 *
 * MaixPy's module Maix: direct access to what the chip calls FPIOA, GPIOHS and GPIO, clocks, memory.
 */
#ifndef MODULES_MAIX_MAIX_H
#define MODULES_MAIX_MAIX_H

#include "py/obj.h"

extern const mp_obj_type_t maix_fpioa_type;
extern const mp_obj_type_t maix_fft_type;
extern const mp_obj_type_t maix_gpio_type;
extern const mp_obj_type_t maix_i2s_type;

// Soft reset: forgets all interrupt handlers, and stops I2S.
void maix_gpio_deinit(void);
void maix_i2s_deinit(void);

#endif
