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

// The other way round; leaves a cached address as it is.
#define CACHED(p) ((void *)(((uintptr_t)(p) | 0x80000000u) & ~(uintptr_t)0x40000000u))

#define POOL_ALIGN (64)

void pool_init(void *start, void *end);

// A block of at least size bytes, aligned to align (a power of two, at least POOL_ALIGN is used),
// padded to whole cache lines; contents undefined; NULL when there is no room. Returns the cached
// address. owner is a string constant for pool_walk(). Not for interrupt handlers.
void *pool_alloc(size_t size, size_t align, const char *owner);
void pool_free(void *p); // NULL is fine

// The same from the low end, for memory that is used through the cache (the GC heap).
void *pool_alloc_low(size_t size, const char *owner);

// The same for memory that is used through the uncached alias only: it may come from the KPU's RAM, or
// must, and then nobody is asked to give something back.
void *pool_alloc_uncached(size_t size, const char *owner);
void *pool_alloc_kpu(size_t size, const char *owner);

// Who can give something back.
enum { POOL_CAMERA, POOL_LCD, POOL_USERS };

// fn gives back memory that its owner can do without, or, if it may, moves to KPU RAM; true when it did.
// The functions above ask it, again and again, before they fail; pool_reclaim() asks it now. NULL: nobody.
void pool_set_reclaim(unsigned user, bool (*fn)(bool may_move));
bool pool_reclaim(bool may_move);

// KPU RAM: its lower end belongs to the models, the rest is lent out by pool_alloc_uncached(). It does
// not answer while the KPU computes, so its users must be quiet then.

// Makes the models' part size bytes long (0: gives it back). False when what is
// lent out is in the way.
bool pool_kpu_reserve(size_t size);
// What pool_kpu_reserve() could make it now.
size_t pool_kpu_room(void);
size_t pool_kpu_lent(void); // bytes
size_t pool_kpu_free(void);
bool pool_is_kpu(const void *p); // either alias

// fn(true) returns when its device has stopped touching KPU RAM, fn(false) lets it go on. NULL: nobody.
void pool_set_quiet(unsigned user, void (*fn)(bool quiet));
// For the KPU's driver, when something is lent out: before each layer, and after the last one.
void pool_quiet(bool quiet);

// The figures and pool_walk() are those of general SRAM, pool_walk() has the blocks in KPU RAM, too.
size_t pool_total_bytes(void);
size_t pool_free_bytes(void);
size_t pool_largest(void); // the largest size that pool_alloc() can give now

// Calls fn for every block in order of address; owner NULL = free.
void pool_walk(void (*fn)(void *arg, const void *block, size_t size, const char *owner), void *arg);

#endif
