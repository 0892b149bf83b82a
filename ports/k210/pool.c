// SPDX-License-Identifier: MIT
#include <string.h>

#include "hal/cache.h"
#include "pool.h"

#define POOL_BLOCKS (128)

// Blocks in order of address. Kept apart from the blocks: a header in front of a device buffer would
// share the fate of its cache line, and a buffer overrun cannot destroy this list.
static struct {
    uintptr_t start, end;
    const char *owner;
} blocks[POOL_BLOCKS];

static size_t n_blocks;
static uintptr_t pool_start, pool_end;
static bool (*reclaim)(void);

static uintptr_t round_up(uintptr_t n, size_t align) {
    return (n + align - 1) & ~(uintptr_t)(align - 1);
}

void pool_init(void *start, void *end) {
    pool_start = round_up((uintptr_t)start, POOL_ALIGN);
    pool_end = (uintptr_t)end & ~(uintptr_t)(POOL_ALIGN - 1);
    n_blocks = 0;
}

// Gap i lies before block i; gap n_blocks is the last one.
static uintptr_t gap_start(size_t i) {
    return i == 0 ? pool_start : blocks[i - 1].end;
}

static uintptr_t gap_end(size_t i) {
    return i == n_blocks ? pool_end : blocks[i].start;
}

static void *insert(size_t i, uintptr_t start, size_t size, const char *owner) {
    memmove(&blocks[i + 1], &blocks[i], (n_blocks - i) * sizeof(blocks[0]));
    blocks[i].start = start;
    blocks[i].end = start + size;
    blocks[i].owner = owner;
    ++n_blocks;
    return (void *)start;
}

static bool bad_request(size_t *size, size_t *align) {
    if (*align < POOL_ALIGN) {
        *align = POOL_ALIGN;
    }
    if (*size == 0 || *size > pool_end - pool_start || (*align & (*align - 1)) || n_blocks == POOL_BLOCKS) {
        return true;
    }
    *size = round_up(*size, POOL_ALIGN);
    return false;
}

static void *find_high(size_t size, size_t align, const char *owner) {
    if (bad_request(&size, &align)) {
        return NULL;
    }
    // From the top: the GC heap grows from below.
    for (size_t i = n_blocks + 1; i-- > 0;) {
        if (gap_end(i) - gap_start(i) < size) {
            continue;
        }
        uintptr_t start = (gap_end(i) - size) & ~(uintptr_t)(align - 1);
        if (start >= gap_start(i)) {
            cache_evict();
            return insert(i, start, size, owner);
        }
    }
    return NULL;
}

void *pool_alloc(size_t size, size_t align, const char *owner) {
    void *p = find_high(size, align, owner);
    return p == NULL && pool_reclaim() ? find_high(size, align, owner) : p;
}

static void *find_low(size_t size, const char *owner) {
    size_t align = POOL_ALIGN;
    if (bad_request(&size, &align)) {
        return NULL;
    }
    for (size_t i = 0; i <= n_blocks; ++i) {
        if (gap_end(i) - gap_start(i) >= size) {
            return insert(i, gap_start(i), size, owner);
        }
    }
    return NULL;
}

void *pool_alloc_low(size_t size, const char *owner) {
    void *p = find_low(size, owner);
    return p == NULL && pool_reclaim() ? find_low(size, owner) : p;
}

void pool_set_reclaim(bool (*fn)(void)) {
    reclaim = fn;
}

bool pool_reclaim(void) {
    return reclaim != NULL && reclaim();
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
    return pool_end - pool_start;
}

size_t pool_free_bytes(void) {
    size_t n = 0;
    for (size_t i = 0; i <= n_blocks; ++i) {
        n += gap_end(i) - gap_start(i);
    }
    return n;
}

size_t pool_largest(void) {
    size_t n = 0;
    for (size_t i = 0; i <= n_blocks && n_blocks != POOL_BLOCKS; ++i) {
        if (gap_end(i) - gap_start(i) > n) {
            n = gap_end(i) - gap_start(i);
        }
    }
    return n;
}

void pool_walk(void (*fn)(void *arg, const void *block, size_t size, const char *owner), void *arg) {
    for (size_t i = 0; i <= n_blocks; ++i) {
        if (gap_end(i) != gap_start(i)) {
            fn(arg, (const void *)gap_start(i), gap_end(i) - gap_start(i), NULL);
        }
        if (i < n_blocks) {
            fn(arg, (const void *)blocks[i].start, blocks[i].end - blocks[i].start, blocks[i].owner);
        }
    }
}
