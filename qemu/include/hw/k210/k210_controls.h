/*
 * Keys and LEDs of a board, for QMP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_CONTROLS_H
#define HW_K210_CONTROLS_H

#include "hw/k210/k210_fpioa.h"

#define TYPE_K210_CONTROLS "k210-controls"
OBJECT_DECLARE_SIMPLE_TYPE(K210Controls, K210_CONTROLS)

#define K210_MAX_CONTROLS 8

/*
 * A row of keys or of LEDs. Each becomes a bool property with its name: true
 * is a key that is held down (writable), or an LED that is lit (read-only).
 * All connect their pad to ground: keys when pressed, LEDs are lit by a 0.
 */
struct K210Controls {
    Object parent_obj;

    K210FpioaState *fpioa;
    unsigned n;
    struct K210Control {
        K210Controls *row;
        uint8_t pad;
        bool pressed;
    } item[K210_MAX_CONTROLS];
};

void k210_controls_add_key(K210Controls *s, const char *name, unsigned pad);
void k210_controls_add_led(K210Controls *s, const char *name, unsigned pad);

#endif
