/*
 * Kendryte K210: two harts on one count of instructions
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_PACE_H
#define HW_K210_PACE_H

#include "hw/core/cpu.h"

void k210_pace_init(void);

/* For the vCPU that enters or has just left its loop. */
void k210_pace_turn_begins(CPUState *cs);
void k210_pace_turn_ended(CPUState *cs);

/* The other hart has got work: it is its turn as soon as possible. */
void k210_pace_end_turn(void);

#endif
