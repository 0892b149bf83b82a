// SPDX-License-Identifier: MIT
// Counted pixel memory. The counter lives in the cache line before the data, so that a device's
// buffer shares no line with it.
#include "py/gc.h"
#include "py/runtime.h"

#include "pool.h"
#include "py_image.h"

static image_mem_t *init(uint8_t *block, size_t size, bool uncached) {
    if (block == NULL) {
        return NULL;
    }
    image_mem_t *m = uncached ? UNCACHED(block) : (void *)block;
    *m = (image_mem_t) { block + POOL_ALIGN, size, 1 };
    return m;
}

static image_mem_t *try(size_t size, const char *owner, bool uncached) {
    if (size == 0 || size > SIZE_MAX - POOL_ALIGN) {
        return NULL;
    }
    size_t all = POOL_ALIGN + size;
    return init(uncached ? pool_alloc_uncached(all, owner) : pool_alloc(all, POOL_ALIGN, owner), size, uncached);
}

image_mem_t *image_mem_try_kpu(size_t size, const char *owner) {
    return init(pool_alloc_kpu(POOL_ALIGN + size, owner), size, true);
}

image_mem_t *image_mem_try_uncached(size_t size, const char *owner) {
    return try(size, owner, true);
}

static image_mem_t *make(size_t size, const char *owner, bool uncached) {
    image_mem_t *m = try(size, owner, uncached);
    if (m == NULL) {
        gc_collect();
        m = try(size, owner, uncached);
    }
    if (m == NULL) {
        mp_raise_msg_varg(&mp_type_MemoryError,
            MP_ERROR_TEXT("%s needs %u bytes; free: %u, largest block %u. Use a smaller picture or model"), owner,
            (unsigned)size, (unsigned)pool_free_bytes(), (unsigned)pool_largest());
    }
    return m;
}

image_mem_t *image_mem_new(size_t size, const char *owner) {
    return make(size, owner, false);
}

image_mem_t *image_mem_new_uncached(size_t size, const char *owner) {
    return make(size, owner, true);
}

image_mem_t *image_mem_ref(image_mem_t *m) {
    if (m) {
        m->refs++;
    }
    return m;
}

void image_mem_unref(image_mem_t *m) {
    if (m && --m->refs == 0) {
        pool_free(CACHED(m));
    }
}
