// SPDX-License-Identifier: MIT
// Files of Python's file systems for the core, memory for rings, and what has to be ended at a soft reset.
#ifndef K210_PY_MEDIA_IO_H
#define K210_PY_MEDIA_IO_H

#include "py/obj.h"

#include "image/py_image.h"
#include "maix/maix_sound.h"
#include "media_io.h"

typedef struct {
    media_io_t io;
    mp_obj_t stream;            // MP_OBJ_NULL: closed
    int err;                    // of the file system
} py_media_io_t;

// OSError of the file system when it cannot be opened.
void py_media_open(py_media_io_t *io, mp_obj_t path, bool create);
void py_media_close(py_media_io_t *io);

// What the file system said, or OSError(-ret, err); MemoryError for ENOMEM.
NORETURN void py_media_raise(const py_media_io_t *io, int ret, const char *err);

// Whether the name ends so, in upper or lower case.
bool py_media_ends_with(mp_obj_t path, const char *extension);

// A ring with memory from the pool; both do nothing when it is there, or gone.
void py_media_ring_new(sound_ring_t *ring, image_mem_t **mem, uint32_t size);
void py_media_ring_free(sound_ring_t *ring, image_mem_t **mem);

// Objects with a file: a soft reset ends what they do, so that recordings are whole. The list keeps nothing alive.
typedef struct _media_live_t {
    struct _media_live_t *next;
    void (*end)(struct _media_live_t *live);
} media_live_t;

void media_live_add(media_live_t *live);
void media_live_remove(media_live_t *live);

// Soft reset.
void k210_media_deinit(void);

#endif
