// SPDX-License-Identifier: MIT
// What other modules need to know about Python's Image objects.
#ifndef K210_PY_IMAGE_H
#define K210_PY_IMAGE_H

#include "py/obj.h"
#include "image.h"

// Counted memory from the pool. The image of a camera frame and the sensor module share one, so that
// a picture stays valid after sensor.deinit(). data is 64-byte aligned, the cached address.
typedef struct {
    uint8_t *data;
    size_t size;
    uint32_t refs;
} image_mem_t;

// One reference belongs to the caller. Collects garbage when there is no room; then MemoryError with the
// numbers. uncached: data is used through UNCACHED() only, then it may lie in the KPU's RAM.
image_mem_t *image_mem_new(size_t size, const char *owner);
image_mem_t *image_mem_new_uncached(size_t size, const char *owner);
image_mem_t *image_mem_try_uncached(size_t size, const char *owner); // or NULL
image_mem_t *image_mem_try_kpu(size_t size, const char *owner); // in KPU RAM, or NULL
image_mem_t *image_mem_ref(image_mem_t *m);     // NULL is fine
void image_mem_unref(image_mem_t *m);           // NULL is fine

extern const mp_obj_type_t py_image_type;

// The C image behind an Image object; TypeError for anything else. Valid as long as the object lives.
image_t *py_image_get(mp_obj_t o);

// New Image around existing memory. Takes over one reference of each; either may be NULL.
// img->pix and img->ai must point into them (img->ai through the uncached alias).
mp_obj_t py_image_from(const image_t *img, image_mem_t *pix, image_mem_t *ai);

// New Image with memory of its own, contents undefined. with_ai also allocates the AI planes.
mp_obj_t py_image_new(int32_t w, int32_t h, image_format_t format, bool with_ai);

// Makes sure that the AI planes exist: fills them from the pixels when there are none.
// MemoryError when there is no room, OSError for formats without planes.
image_t *py_image_get_with_ai(mp_obj_t o);

#endif
