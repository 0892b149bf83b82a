/*
 * SPDX-License-Identifier: MIT
 *
 * The one memory pool: all SRAM that the firmware image and the stacks leave free. The GC heap,
 * models, frame buffers and DMA buffers come from it.
 */
#ifndef K210_POOL_H
#define K210_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// DMA, KPU and DVP do not see the CPU's cache. The same memory without cache: a buffer that a
// device touches is used only through this alias.
#define UNCACHED(p) ((void *)((uintptr_t)(p) - 0x40000000u))

#define POOL_ALIGN (64)

void pool_init(void *start, void *end);

// A block of at least size bytes, aligned to align (a power of two, at least POOL_ALIGN is used),
// padded to whole cache lines; contents undefined; NULL when there is no room. Returns the cached
// address. owner is a string constant for pool_walk(). Not for interrupt handlers.
void *pool_alloc(size_t size, size_t align, const char *owner);
void pool_free(void *p); // NULL is fine

// The same from the low end, for memory that is used through the cache (the GC heap).
void *pool_alloc_low(size_t size, const char *owner);

// fn gives back memory that its owner can do without, true when it did. pool_alloc() and
// pool_alloc_low() ask it before they fail; pool_reclaim() asks it now.
void pool_set_reclaim(bool (*fn)(void));
bool pool_reclaim(void);

size_t pool_total_bytes(void);
size_t pool_free_bytes(void);
size_t pool_largest(void); // the largest size that pool_alloc() can give now

// Calls fn for every block in order of address; owner NULL = free.
void pool_walk(void (*fn)(void *arg, const void *block, size_t size, const char *owner), void *arg);

#endif
