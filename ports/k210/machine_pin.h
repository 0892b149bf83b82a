/*
 * SPDX-License-Identifier: MIT
 *
 * machine.Pin. A pin is a pad (IO0..IO47); a GPIOHS is put behind it when it is used.
 */
#ifndef K210_MACHINE_PIN_H
#define K210_MACHINE_PIN_H

#include "py/obj.h"

typedef struct _machine_pin_obj_t {
    mp_obj_base_t base;
    uint8_t id; // pad
    qstr name;
} machine_pin_obj_t;

extern const mp_obj_type_t machine_pin_type;

// Generated from the board's pins.csv.
extern const machine_pin_obj_t machine_pin_obj_table[48];
extern const mp_obj_dict_t machine_pin_cpu_pins_locals_dict;
extern const mp_obj_dict_t machine_pin_board_pins_locals_dict;

// The pin that a number, a name or a Pin object means; raises ValueError.
const machine_pin_obj_t *machine_pin_find(mp_obj_t pin);

// GPIOHS behind a pad, allocated if need be; raises OSError(EBUSY) if all 32 are taken.
unsigned machine_pin_gpiohs(unsigned pad);

// Soft reset: no interrupt survives.
void machine_pin_deinit(void);

#endif
