/*
 * SPDX-License-Identifier: MIT
 *
 * Traps. Interrupts go to hal/plic.c, misaligned accesses are emulated; everything else is fatal.
 */
#ifndef K210_TRAP_H
#define K210_TRAP_H

#include <stdbool.h>
#include <stdint.h>

// Layout known to start.S.
typedef struct {
    uint64_t x[32]; // x[0] is not used
    uint64_t mepc, mcause, mtval, mstatus, fcsr;
    uint64_t f[32];
    uint64_t pad;
} trap_frame_t;

// From start.S.
void trap_handler(trap_frame_t *frame);

// Carries out the misaligned load or store that caused the trap; false if it is not one of memory.
bool trap_emulate_misaligned(trap_frame_t *frame);

// Prints a message on the console without interrupts and resets the chip.
__attribute__((noreturn)) void fatal(const char *message);

#endif
