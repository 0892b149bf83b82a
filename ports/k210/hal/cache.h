/*
 * SPDX-License-Identifier: MIT
 *
 * The L1 data cache cannot be flushed by an instruction.
 */
#ifndef K210_HAL_CACHE_H
#define K210_HAL_CACHE_H

// Pushes (nearly certainly all) lines out of the cache of this hart, and out of that of hart 1 when it has worked since
// the last time, by reading other memory. Takes about 1 ms. For memory that was used through the cache and is to become
// a device buffer: a line written back later would land in the middle of the device's data, and one that was only read
// would hide it.
void cache_evict(void);

#endif
