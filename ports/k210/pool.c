// SPDX-License-Identifier: MIT
#include <string.h>

#include "py/mpconfig.h"
#include "hal/cache.h"
#include "pool.h"

#define POOL_BLOCKS (128)

// Blocks in order of address. Kept apart from the blocks: a header in front of a device buffer would
// share the fate of its cache line, and a buffer overrun cannot destroy this list.
static struct {
    uintptr_t start, end;
    const char *owner;
} blocks[POOL_BLOCKS];

typedef struct {
    uintptr_t start, end;
} region_t;

#define KPU_RAM_START (0x80600000u)
#define KPU_RAM_SIZE (2u << 20)

static size_t n_blocks;
static region_t sram;
static const region_t kpu_ram = { KPU_RAM_START, KPU_RAM_START + KPU_RAM_SIZE };
static bool (*reclaim_fn[POOL_USERS])(bool may_move);
static void (*quiet_fn[POOL_USERS])(bool quiet);
static bool is_quiet;

#ifndef MICROPY_HW_FRAMES_IN_KPU_RAM
#define MICROPY_HW_FRAMES_IN_KPU_RAM (0)
#endif

static const char kpu_owner[] = "kpu ram";

static uintptr_t round_up(uintptr_t n, size_t align) {
    return (n + align - 1) & ~(uintptr_t)(align - 1);
}

void pool_init(void *start, void *end) {
    sram.start = round_up((uintptr_t)start, POOL_ALIGN);
    sram.end = (uintptr_t)end & ~(uintptr_t)(POOL_ALIGN - 1);
    n_blocks = 0;
}

// Gap i lies before block i; gap n_blocks is the last one. What of it lies in r, as start and end; they
// are equal when nothing does.
static region_t gap(const region_t *r, size_t i) {
    uintptr_t start = i == 0 ? 0 : blocks[i - 1].end, end = i == n_blocks ? UINTPTR_MAX : blocks[i].start;
    start = start > r->start ? start : r->start;
    end = end < r->end ? end : r->end;
    return (region_t) { start, end > start ? end : start };
}

static size_t largest(const region_t *r) {
    size_t n = 0;
    for (size_t i = 0; i <= n_blocks && n_blocks != POOL_BLOCKS; ++i) {
        region_t g = gap(r, i);
        n = g.end - g.start > n ? g.end - g.start : n;
    }
    return n;
}

static void *insert(size_t i, uintptr_t start, size_t size, const char *owner) {
    memmove(&blocks[i + 1], &blocks[i], (n_blocks - i) * sizeof(blocks[0]));
    blocks[i].start = start;
    blocks[i].end = start + size;
    blocks[i].owner = owner;
    ++n_blocks;
    return (void *)start;
}

static bool bad_request(const region_t *r, size_t *size, size_t *align) {
    if (*align < POOL_ALIGN) {
        *align = POOL_ALIGN;
    }
    if (*size == 0 || *size > r->end - r->start || (*align & (*align - 1)) || n_blocks == POOL_BLOCKS) {
        return true;
    }
    *size = round_up(*size, POOL_ALIGN);
    return false;
}

static void *find_high(const region_t *r, size_t size, size_t align, const char *owner) {
    if (bad_request(r, &size, &align)) {
        return NULL;
    }
    // From the top: the GC heap grows from below.
    for (size_t i = n_blocks + 1; i-- > 0;) {
        region_t g = gap(r, i);
        if (g.end - g.start < size) {
            continue;
        }
        uintptr_t start = (g.end - size) & ~(uintptr_t)(align - 1);
        if (start >= g.start) {
            cache_evict();
            return insert(i, start, size, owner);
        }
    }
    return NULL;
}

void *pool_alloc(size_t size, size_t align, const char *owner) {
    void *p;
    do {
        p = find_high(&sram, size, align, owner);
    } while (p == NULL && pool_reclaim(true));
    return p;
}

static void *find_low(size_t size, const char *owner) {
    size_t align = POOL_ALIGN;
    if (bad_request(&sram, &size, &align)) {
        return NULL;
    }
    for (size_t i = 0; i <= n_blocks; ++i) {
        region_t g = gap(&sram, i);
        if (g.end - g.start >= size) {
            return insert(i, g.start, size, owner);
        }
    }
    return NULL;
}

void *pool_alloc_low(size_t size, const char *owner) {
    void *p;
    do {
        p = find_low(size, owner);
    } while (p == NULL && pool_reclaim(true));
    return p;
}

void pool_set_reclaim(unsigned user, bool (*fn)(bool may_move)) {
    reclaim_fn[user] = fn;
}

bool pool_reclaim(bool may_move) {
    for (unsigned i = 0; i < POOL_USERS; ++i) {
        if (reclaim_fn[i] != NULL && reclaim_fn[i](may_move)) {
            return true;
        }
    }
    return false;
}

void pool_free(void *p) {
    for (size_t i = 0; i < n_blocks; ++i) {
        if (blocks[i].start == (uintptr_t)p) {
            --n_blocks;
            memmove(&blocks[i], &blocks[i + 1], (n_blocks - i) * sizeof(blocks[0]));
            return;
        }
    }
}

size_t pool_total_bytes(void) {
    return sram.end - sram.start;
}

static size_t free_bytes(const region_t *r) {
    size_t n = 0;
    for (size_t i = 0; i <= n_blocks; ++i) {
        region_t g = gap(r, i);
        n += g.end - g.start;
    }
    return n;
}

size_t pool_free_bytes(void) {
    return free_bytes(&sram);
}

size_t pool_largest(void) {
    return largest(&sram);
}

static void walk_gap(const region_t *r, size_t i, void (*fn)(void *, const void *, size_t, const char *), void *arg) {
    region_t g = gap(r, i);
    if (g.end != g.start) {
        fn(arg, (const void *)g.start, g.end - g.start, NULL);
    }
}

void pool_walk(void (*fn)(void *arg, const void *block, size_t size, const char *owner), void *arg) {
    for (size_t i = 0; i <= n_blocks; ++i) {
        walk_gap(&sram, i, fn, arg);
        walk_gap(&kpu_ram, i, fn, arg);
        if (i < n_blocks) {
            fn(arg, (const void *)blocks[i].start, blocks[i].end - blocks[i].start, blocks[i].owner);
        }
    }
}

// ---- KPU RAM ------------------------------------------------------------------------------------

void *pool_alloc_uncached(size_t size, const char *owner) {
    const region_t *first = MICROPY_HW_FRAMES_IN_KPU_RAM ? &kpu_ram : &sram;
    const region_t *second = MICROPY_HW_FRAMES_IN_KPU_RAM ? &sram : &kpu_ram;
    void *p = find_high(first, size, POOL_ALIGN, owner);
    if (p == NULL) {
        p = find_high(second, size, POOL_ALIGN, owner);
    }
    return p == NULL && pool_reclaim(true) ? pool_alloc_uncached(size, owner) : p;
}

void *pool_alloc_kpu(size_t size, const char *owner) {
    return find_high(&kpu_ram, size, POOL_ALIGN, owner);
}

static size_t kpu_block(void) {
    size_t i = 0;
    while (i < n_blocks && blocks[i].owner != kpu_owner) {
        ++i;
    }
    return i;
}

static uintptr_t lent_start(void) {
    for (size_t i = 0; i < n_blocks; ++i) {
        if (blocks[i].start >= kpu_ram.start && blocks[i].owner != kpu_owner) {
            return blocks[i].start;
        }
    }
    return kpu_ram.end;
}

size_t pool_kpu_room(void) {
    return lent_start() - kpu_ram.start;
}

bool pool_kpu_reserve(size_t size) {
    size_t i = kpu_block();
    if (size > pool_kpu_room()) {
        return false;
    }
    if (size == 0) {
        if (i != n_blocks) {
            pool_free((void *)kpu_ram.start);
        }
        return true;
    }
    if (i == n_blocks) {
        if (n_blocks == POOL_BLOCKS) {
            return false;
        }
        for (i = 0; i < n_blocks && blocks[i].start < kpu_ram.start; ++i) {
        }
        insert(i, kpu_ram.start, 0, kpu_owner);
    }
    blocks[i].end = kpu_ram.start + round_up(size, POOL_ALIGN);
    return true;
}

size_t pool_kpu_lent(void) {
    size_t n = 0;
    for (size_t i = 0; i < n_blocks; ++i) {
        if (blocks[i].start >= kpu_ram.start && blocks[i].owner != kpu_owner) {
            n += blocks[i].end - blocks[i].start;
        }
    }
    return n;
}

size_t pool_kpu_free(void) {
    return free_bytes(&kpu_ram);
}

bool pool_is_kpu(const void *p) {
    uintptr_t at = (uintptr_t)p | 0x80000000u;
    at &= ~0x40000000ull;
    return at >= kpu_ram.start && at < kpu_ram.end;
}

void pool_set_quiet(unsigned user, void (*fn)(bool quiet)) {
    quiet_fn[user] = fn;
}

void pool_quiet(bool quiet) {
    if (!quiet && !is_quiet) {
        return;
    }
    is_quiet = quiet;
    for (unsigned i = 0; i < POOL_USERS; ++i) {
        if (quiet_fn[i] != NULL) {
            quiet_fn[i](quiet);
        }
    }
}
