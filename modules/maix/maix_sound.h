/*
 * SPDX-License-Identifier: MIT
 *
 * What plays and records through a Maix.I2S object: sound in a ring instead of single blocks.
 */
#ifndef MODULES_MAIX_MAIX_SOUND_H
#define MODULES_MAIX_MAIX_SOUND_H

#include "py/obj.h"
#include "sound_ring.h"

// The I2S block's object as the script left it, or a new one. Without a channel for that direction it gets those that
// have a pad, else the one of MaixPy's boards: 1 to send, 0 to receive.
mp_obj_t maix_i2s_for_sound(unsigned device, bool receive);

// Its rate; 0: not set yet. Setting one stops what runs.
uint32_t maix_i2s_rate(mp_obj_t i2s);
void maix_i2s_set_rate(mp_obj_t i2s, uint32_t rate);

// Plays from the ring, or records into it, from now on. ValueError when a channel or the rate is missing.
void maix_i2s_connect(mp_obj_t i2s, sound_ring_t *ring, bool receive);

// Nothing refers to the ring afterwards.
void maix_i2s_disconnect(mp_obj_t i2s, const sound_ring_t *ring);
bool maix_i2s_running(mp_obj_t i2s);

// Waits until the last that was taken from a ring has left the block's FIFO.
void maix_i2s_drain(mp_obj_t i2s);

#endif
