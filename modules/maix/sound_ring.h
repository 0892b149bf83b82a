/*
 * SPDX-License-Identifier: MIT
 *
 * A ring of sound between a program and an I2S interrupt: pairs of 16 bits, the left one in the lower half. One side
 * puts, the other takes; neither waits for the other.
 */
#ifndef MODULES_MAIX_SOUND_RING_H
#define MODULES_MAIX_SOUND_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t *pairs;
    uint32_t size;              // a power of two
    volatile uint32_t in, out;  // ever put, ever taken
    volatile uint32_t missed;   // moments without data to play, or without room for what was heard
    bool open;                  // more is to come: an empty ring counts as missed
} sound_ring_t;

static inline uint32_t sound_ring_used(const sound_ring_t *r) {
    return r->in - r->out;
}

static inline uint32_t sound_ring_room(const sound_ring_t *r) {
    return r->size - sound_ring_used(r);
}

// The caller has asked for room.
static inline void sound_ring_put(sound_ring_t *r, const uint32_t *pairs, uint32_t n) {
    uint32_t at = r->in;
    for (uint32_t i = 0; i < n; ++i) {
        r->pairs[(at + i) & (r->size - 1)] = pairs[i];
    }
    __asm__ volatile ("" ::: "memory"); // both sides are on one hart
    r->in = at + n;
}

static inline uint32_t sound_ring_take(sound_ring_t *r, uint32_t *pairs, uint32_t n) {
    uint32_t at = r->out, have = sound_ring_used(r);
    n = n < have ? n : have;
    for (uint32_t i = 0; i < n; ++i) {
        pairs[i] = r->pairs[(at + i) & (r->size - 1)];
    }
    __asm__ volatile ("" ::: "memory");
    r->out = at + n;
    return n;
}

#endif
