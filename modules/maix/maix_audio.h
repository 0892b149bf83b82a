/*
 * SPDX-License-Identifier: MIT
 *
 * Maix.Audio as far as Maix.I2S needs it: a block of 32-bit words, one per time slot of a frame.
 */
#ifndef MODULES_MAIX_MAIX_AUDIO_H
#define MODULES_MAIX_MAIX_AUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "py/obj.h"

typedef struct _maix_audio_obj_t {
    mp_obj_base_t base;
    mp_obj_t buffer; // keeps the words alive; MP_OBJ_NULL = empty
    uint32_t *words;
    size_t points;
} maix_audio_obj_t;

extern const mp_obj_type_t maix_audio_type;

// A block of zeros.
maix_audio_obj_t *maix_audio_new(size_t points);

#endif
