/*
 * SPDX-License-Identifier: MIT
 *
 * machine.Pin. A pin is a pad (IO0..IO47); a GPIOHS is put behind it when it is used.
 */
#ifndef K210_MACHINE_PIN_H
#define K210_MACHINE_PIN_H

#include <stdbool.h>

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

// Makes a pad an output that starts at value.
void machine_pin_output(unsigned pad, bool value);

// For drivers of peripherals: puts their function on a pad; raises ValueError, which says what the pad
// is used by, if another peripheral has it. GPIOs give their pads up.
void machine_pin_assign(mp_obj_t pin, unsigned function);

// The same checks only.
unsigned machine_pin_check(mp_obj_t pin, unsigned function);

// A driver lends a pad of its own while it is not using it: others may take it. The driver puts its function back
// on it when it needs it.
void machine_pin_lend(unsigned pad);

// Takes a function away from its pad.
void machine_pin_release(unsigned function);

// Soft reset: no interrupt survives, and pads are free but for GPIOs, which keep their levels.
void machine_pin_deinit(void);

#endif
