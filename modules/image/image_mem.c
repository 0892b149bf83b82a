// SPDX-License-Identifier: MIT
// Counted pixel memory. The counter lives in the cache line before the data, so that a device's
// buffer shares no line with it.
#include "py/gc.h"
#include "py/runtime.h"

#include "pool.h"
#include "py_image.h"

image_mem_t *image_mem_try(size_t size, const char *owner) {
    if (size == 0 || size > SIZE_MAX - POOL_ALIGN) {
        return NULL;
    }
    uint8_t *block = pool_alloc(POOL_ALIGN + size, POOL_ALIGN, owner);
    if (block == NULL) {
        return NULL;
    }
    image_mem_t *m = (image_mem_t *)block;
    *m = (image_mem_t) { block + POOL_ALIGN, size, 1 };
    return m;
}

image_mem_t *image_mem_new(size_t size, const char *owner) {
    image_mem_t *m = image_mem_try(size, owner);
    if (m == NULL) {
        gc_collect();
        m = image_mem_try(size, owner);
    }
    if (m == NULL) {
        mp_raise_msg_varg(&mp_type_MemoryError,
            MP_ERROR_TEXT("%s needs %u bytes; free: %u, largest block %u. Use a smaller picture or model"), owner,
            (unsigned)size, (unsigned)pool_free_bytes(), (unsigned)pool_largest());
    }
    return m;
}

image_mem_t *image_mem_ref(image_mem_t *m) {
    if (m) {
        m->refs++;
    }
    return m;
}

void image_mem_unref(image_mem_t *m) {
    if (m && --m->refs == 0) {
        pool_free(m);
    }
}
