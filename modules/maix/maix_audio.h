/*
 * SPDX-License-Identifier: MIT
 *
 * Maix.Audio: a block of 32-bit words, one per time slot of a frame, or (with modules/media) a WAV file.
 */
#ifndef MODULES_MAIX_MAIX_AUDIO_H
#define MODULES_MAIX_MAIX_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "py/obj.h"

typedef struct _maix_audio_obj_t {
    mp_obj_base_t base;
    mp_obj_t buffer; // keeps the words alive; MP_OBJ_NULL = empty
    uint32_t *words;
    size_t points;
    bool is_stereo;  // left and right in turn: what I2S has recorded
    uint8_t volume;  // of a file that is played, in percent
    mp_obj_t file;   // of modules/media; MP_OBJ_NULL = none
} maix_audio_obj_t;

extern const mp_obj_type_t maix_audio_type;

// A block of zeros.
maix_audio_obj_t *maix_audio_new(size_t points);

#endif
