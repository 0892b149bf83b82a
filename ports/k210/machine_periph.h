/*
 * SPDX-License-Identifier: MIT
 *
 * Classes of module machine that this port brings itself, and their ends at a soft reset.
 */
#ifndef K210_MACHINE_PERIPH_H
#define K210_MACHINE_PERIPH_H

#include <stdbool.h>

#include "py/obj.h"

extern const mp_obj_type_t k210_timer_type;
extern const mp_obj_type_t k210_pwm_type;
extern const mp_obj_type_t k210_wdt_type;

void machine_uart_deinit_all(void);
void machine_timer_deinit_all(void);
void machine_pwm_deinit_all(void);
void machine_spi_deinit_all(void);
void machine_i2c_deinit_all(void);
void machine_i2s_deinit_all(void);
void machine_wdt_deinit_all(void);

// A hardware I2C as slave: on_receive(byte), on_transmit() -> byte, on_event(event). Raises ValueError. The end
// of one tells whether there was one.
#define I2C_SLAVE_CALLBACKS (3)
#if MICROPY_HW_I2C_SLAVE
void machine_i2c_slave_init(unsigned id, mp_int_t addr, mp_int_t addr_size, const mp_obj_t *callbacks);
bool machine_i2c_slave_deinit(unsigned id);
bool machine_i2c_is_slave(unsigned id);
#else
#define machine_i2c_slave_init(id, addr, addr_size, callbacks) \
    ((void)(callbacks), mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]I2C: mode error! This firmware has no slaves")))
#define machine_i2c_slave_deinit(id)
#define machine_i2c_is_slave(id) (false)
#endif

// Who has a channel of TIMER0..2: Timer or PWM objects. The claim raises ValueError when it is taken by
// somebody else; owner NULL frees it.
void machine_timer_claim(unsigned timer, unsigned channel, const void *owner);
const void *machine_timer_owner(unsigned timer, unsigned channel);

// For PWM(timer, ...): timer and channel of a Timer object in PWM mode; raises otherwise.
void machine_timer_for_pwm(mp_obj_t timer, unsigned *number, unsigned *channel);

#endif
