/*
 * Kendryte K210: helper threads for the KPU's arithmetic
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_KPU_THREADS_H
#define HW_K210_KPU_THREADS_H

typedef struct K210KpuThreads K210KpuThreads;

K210KpuThreads *k210_kpu_threads_new(unsigned helpers);
void k210_kpu_threads_free(K210KpuThreads *t);

/*
 * Runs fn(arg, i) for all i < n on the calling thread and the helpers that
 * find time; @opaque is the K210KpuThreads. Matches K210KpuParallel.
 */
void k210_kpu_threads_run(void *opaque, unsigned n,
                          void (*fn)(void *arg, unsigned i), void *arg);

#endif
