/*
 * Kendryte K210: the harts
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_CPU_H
#define HW_K210_CPU_H

#include "hw/k210/k210_clint.h"

#define TYPE_K210_CPU "kendryte-k210-riscv-cpu"

/* Defines the CSRs that differ from QEMU's; counters come from the CLINT. */
void k210_cpu_set_csrs(K210ClintState *clint);

/* Has each access to cached memory looked at, see k210_caches.h. */
void k210_cpu_watch_caches(CPUState *cs);

/* Whether the access that is being carried out is an instruction fetch. */
bool k210_cpu_is_fetching(void);

#endif
