/*
 * Kendryte K210: what the data caches would do to memory that devices share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_CACHES_H
#define HW_K210_CACHES_H

#include "qemu/osdep.h"

/* Bytes of memory behind the caches: SRAM and AI SRAM. */
#define K210_CACHES_WINDOW 0x00800000u

/*
 * Memory in QEMU is always coherent; on the chip nothing keeps the harts' 32
 * KiB data caches and the DMAC, the KPU and the DVP in step. With the check on
 * the tags of both caches are followed (64 sets of 8 ways, random replacement,
 * the harts coherent with each other), and what would have gone wrong is a
 * guest error. Loads and stores then take QEMU's slow path.
 */
void k210_caches_enable(void);
bool k210_caches_enabled(void);

/* Both caches are empty again. */
void k210_caches_reset(void);

/*
 * A hart's load or store at a cached address. Returns NULL, or a sentence for
 * k210_guest_error() to be freed by the caller.
 */
char *k210_caches_access(unsigned hart, uint32_t addr, bool write);

/* A device (its name starts the sentence) reads or writes memory. */
void k210_caches_device(const char *device, uint32_t addr, size_t len,
                        bool write);

#endif
