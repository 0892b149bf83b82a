/*
 * SPDX-License-Identifier: MIT
 *
 * /flash/config.json, where MaixPy users say what is wired otherwise than on the board that the firmware
 * is made for. Read anew at each call: what has been written counts at once.
 */
#ifndef K210_CONFIG_H
#define K210_CONFIG_H

#include "py/obj.h"

// The file's dict. MP_OBJ_NULL when there is no such file, or, after a warning, when it is no JSON.
mp_obj_t k210_config(void);

// A value of the outermost dict, MP_OBJ_NULL if missing.
mp_obj_t k210_config_get(qstr key);

// A number of a section, else value; section may be MP_OBJ_NULL. ValueError when it is no number.
mp_int_t k210_config_int(mp_obj_t section, qstr key, mp_int_t value);

#endif
