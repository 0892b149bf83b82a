// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "py/builtin.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "py/unicode.h"

#include "py_media_io.h"

static size_t stream_read(media_io_t *base, void *buf, size_t n) {
    py_media_io_t *io = (py_media_io_t *)base;
    int err = 0;
    mp_event_handle_nowait(); // Ctrl-C: nothing in the core has to be given back
    size_t done = mp_stream_rw(io->stream, buf, n, &err, MP_STREAM_RW_READ);
    io->err = err;
    return err ? 0 : done;
}

static size_t stream_write(media_io_t *base, const void *buf, size_t n) {
    py_media_io_t *io = (py_media_io_t *)base;
    int err = 0;
    size_t done = mp_stream_rw(io->stream, (void *)buf, n, &err, MP_STREAM_RW_WRITE);
    io->err = err;
    return err ? 0 : done;
}

static bool seek_to(py_media_io_t *io, int64_t offset, int whence, uint32_t *pos) {
    struct mp_stream_seek_t seek = { .offset = offset, .whence = whence };
    int err = 0;
    mp_uint_t ret = mp_get_stream(io->stream)->ioctl(io->stream, MP_STREAM_SEEK, (mp_uint_t)(uintptr_t)&seek, &err);
    if (ret == MP_STREAM_ERROR || seek.offset < 0) {
        io->err = err;
        return false;
    }
    *pos = seek.offset > (mp_off_t)UINT32_MAX ? UINT32_MAX : (uint32_t)seek.offset;
    return true;
}

static bool stream_seek(media_io_t *base, uint32_t pos) {
    uint32_t at;
    return seek_to((py_media_io_t *)base, pos, MP_SEEK_SET, &at) && at == pos;
}

void py_media_open(py_media_io_t *io, mp_obj_t path, bool create) {
    mp_obj_t args[2] = { path, MP_OBJ_NEW_QSTR(create ? MP_QSTR_wb : MP_QSTR_rb) };
    *io = (py_media_io_t) { { stream_read, stream_write, stream_seek, 0 }, MP_OBJ_NULL, 0 };
    io->stream = mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_builtin_open_obj), 2, 0, args);
    uint32_t pos;
    if (!create && (!seek_to(io, 0, MP_SEEK_END, &io->io.size) || !seek_to(io, 0, MP_SEEK_SET, &pos))) {
        int err = io->err;
        py_media_close(io);
        mp_raise_OSError(err ? err : MP_EIO);
    }
}

void py_media_close(py_media_io_t *io) {
    mp_obj_t stream = io->stream;
    io->stream = MP_OBJ_NULL;
    if (stream != MP_OBJ_NULL) {
        mp_stream_close(stream);
    }
}

NORETURN void py_media_raise(const py_media_io_t *io, int ret, const char *err) {
    if (ret == -ENOMEM) {
        mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("%s"), err);
    }
    mp_obj_t args[2] = { MP_OBJ_NEW_SMALL_INT(io->err ? io->err : -ret), mp_obj_new_str_from_cstr(err) };
    nlr_raise(mp_obj_exception_make_new(&mp_type_OSError, 2, 0, args));
}

bool py_media_ends_with(mp_obj_t path, const char *extension) {
    size_t n, len = strlen(extension);
    const char *s = mp_obj_str_get_data(path, &n);
    for (size_t i = 0; i < len; ++i) {
        if (n < len || unichar_tolower((unsigned char)s[n - len + i]) != (unichar)extension[i]) {
            return false;
        }
    }
    return true;
}

void py_media_ring_new(sound_ring_t *ring, image_mem_t **mem, uint32_t size) {
    if (*mem == NULL) {
        *mem = image_mem_new(size * sizeof(uint32_t), "sound");
        *ring = (sound_ring_t) { .pairs = (uint32_t *)(*mem)->data, .size = size, .open = true };
    }
}

void py_media_ring_free(sound_ring_t *ring, image_mem_t **mem) {
    image_mem_unref(*mem);
    *mem = NULL;
    *ring = (sound_ring_t) { 0 };
}

static media_live_t *all;

void media_live_add(media_live_t *live) {
    live->next = all;
    all = live;
}

void media_live_remove(media_live_t *live) {
    for (media_live_t **p = &all; *p != NULL; p = &(*p)->next) {
        if (*p == live) {
            *p = live->next;
            return;
        }
    }
}

void k210_media_deinit(void) {
    while (all != NULL) {
        media_live_t *live = all;
        all = live->next;
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            live->end(live);
            nlr_pop();
        }
    }
}
