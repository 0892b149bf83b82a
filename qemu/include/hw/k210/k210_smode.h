/*
 * Kendryte K210: supervisor mode
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_SMODE_H
#define HW_K210_SMODE_H

#include "cpu.h"
#include "tcg/tcg.h"

/* Defines mstatus, sstatus and sptbr as 1.9.1 has them. */
void k210_smode_set_csrs(void);

void k210_smode_reset(CPURISCVState *env);

/*
 * To be called before a trap is taken. Gives page faults their causes of
 * 1.9.1; returns true when there is no trap, because it was an sfence.vm.
 */
bool k210_smode_trap(CPUState *cs);

/* Of a block just translated: sfence.vma is an illegal instruction. */
void k210_smode_check_op(TCGOp *op);

#endif
