/*
 * SPDX-License-Identifier: MIT
 *
 * The L1 data cache cannot be flushed by an instruction.
 */
#ifndef K210_HAL_CACHE_H
#define K210_HAL_CACHE_H

// Pushes (nearly certainly all) dirty lines of this hart out to memory by reading other memory.
// Takes about 1 ms. For memory that was used through the cache and is to become a device buffer:
// a line written back later would land in the middle of the device's data.
void cache_evict(void);

#endif
