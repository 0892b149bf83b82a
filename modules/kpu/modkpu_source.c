// SPDX-License-Identifier: MIT
//
// Where the bytes of a model come from: flash, a file, a buffer. All at once, or while it runs.

#include <errno.h>
#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/vfs.h"

#include "modkpu.h"

static int read_plain(modkpu_source_t *src, uint32_t off, void *dst, uint32_t n) {
    if (src->buf != NULL) {
        memcpy(dst, src->buf + off, n);
        return 0;
    }
    if (src->file == MP_OBJ_NULL) {
        return flash_read(src->flash + off, dst, n);
    }
    const mp_stream_p_t *stream = mp_get_stream(src->file);
    struct mp_stream_seek_t seek = { .offset = off, .whence = MP_SEEK_SET };
    int error = 0;
    if (stream->ioctl(src->file, MP_STREAM_SEEK, (uintptr_t)&seek, &error) == MP_STREAM_ERROR) {
        return -(error ? error : MP_EIO);
    }
    mp_uint_t got = mp_stream_rw(src->file, dst, n, &error, MP_STREAM_RW_READ);
    return error ? -error : got == n ? 0 : -MP_EIO;
}

static int read_swapped(modkpu_source_t *src, uint32_t off, uint8_t *out, uint32_t n) {
    uint8_t words[256];
    while (n > 0) {
        uint32_t skip = off % 4, take = sizeof(words) - skip < n ? sizeof(words) - skip : n;
        uint32_t from = off - skip, bytes = (skip + take + 3) & ~3u;
        // A file that is cut in the middle of a word has no such word.
        if (bytes > src->size - from) {
            return -MP_EIO;
        }
        int ret = read_plain(src, from, words, bytes);
        if (ret < 0) {
            return ret;
        }
        for (uint32_t i = 0; i < take; ++i) {
            out[i] = words[(skip + i) ^ 3];
        }
        out += take;
        off += take;
        n -= take;
    }
    return 0;
}

// A flash job can do it: from a word to memory that a DMA may write to.
static bool job_fits(const modkpu_source_t *src, uint32_t off, const void *dst) {
    return src->buf == NULL && src->file == MP_OBJ_NULL && off % 4 == 0 && (uintptr_t)dst % 8 == 0
           && (uintptr_t)dst < 0x80000000u;
}

static int start_job(modkpu_source_t *src, uint32_t off, void *dst, uint32_t n) {
    src->job = (flash_job_t) { .addr = src->flash + off, .words = dst, .n = n, .raw = src->swapped };
    return flash_read_start(&src->job);
}

int modkpu_source_read(void *ctx, uint32_t off, void *dst, uint32_t n) {
    modkpu_source_t *src = ctx;
    if (n >= MODKPU_BULK) {
        mp_handle_pending(true);
    }
    // Whole words only: the job may write more bytes than asked for.
    uint32_t bulk = n & ~7u;
    if (bulk >= MODKPU_BULK && job_fits(src, off, dst)) {
        int ret = start_job(src, off, dst, bulk);
        while (ret == 0 && (ret = flash_read_poll(&src->job)) == 0) {
            mp_hal_wait_for_event(1);
        }
        if (ret < 0) {
            return ret;
        }
        off += bulk;
        dst = (uint8_t *)dst + bulk;
        n -= bulk;
    }
    return n == 0 ? 0 : src->swapped ? read_swapped(src, off, dst, n) : read_plain(src, off, dst, n);
}

void modkpu_source_probe(modkpu_source_t *src) {
    uint8_t head[4] = { 0 };
    if (src->size >= sizeof(head) && read_plain(src, 0, head, sizeof(head)) == 0) {
        src->swapped = head[0] == 0 && head[1] == 0 && head[2] == 0 && head[3] == 3;
    }
}

// ---- while the model runs --------------------------------------------------------------------

static int weights_start(void *ctx, uint32_t off, uint8_t *dst, uint32_t n) {
    modkpu_source_t *src = ctx;
    src->by_job = job_fits(src, off, dst);
    if (src->by_job) {
        return start_job(src, off, dst, n);
    }
    // A file system in Python may raise; then nothing has been read.
    src->status = -EIO;
    int ret = src->swapped ? read_swapped(src, off, dst, n) : read_plain(src, off, dst, n);
    src->status = ret < 0 ? ret : 1;
    return ret;
}

static int weights_poll(void *ctx) {
    modkpu_source_t *src = ctx;
    return src->by_job ? flash_read_poll(&src->job) : src->status;
}

static void weights_stop(void *ctx) {
    modkpu_source_t *src = ctx;
    if (src->by_job) {
        flash_read_stop(&src->job);
    }
}

static const char *weights_waiting_for(void *ctx) {
    modkpu_source_t *src = ctx;
    return src->buf ? "the weights in memory" : src->file != MP_OBJ_NULL ? "the weights in the file" : "the weights in flash";
}

kpu_source_t modkpu_source_weights(modkpu_source_t *src) {
    return (kpu_source_t) {
               .start = weights_start, .poll = weights_poll, .stop = weights_stop, .waiting_for = weights_waiting_for,
               .ctx = src,
    };
}

// ---- files -----------------------------------------------------------------------------------

int modkpu_source_open(modkpu_source_t *src, mp_obj_t path, char *err) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t args[2] = { path, MP_OBJ_NEW_QSTR(MP_QSTR_rb) };
        mp_obj_t file = mp_vfs_open(2, args, (mp_map_t *)&mp_const_empty_map);
        const mp_stream_p_t *stream = mp_get_stream_raise(file, MP_STREAM_OP_READ | MP_STREAM_OP_IOCTL);
        struct mp_stream_seek_t seek = { .offset = 0, .whence = MP_SEEK_END };
        int error = 0;
        if (stream->ioctl(file, MP_STREAM_SEEK, (uintptr_t)&seek, &error) != MP_STREAM_ERROR && seek.offset > 0) {
            src->size = seek.offset > (mp_off_t)UINT32_MAX ? UINT32_MAX : (uint32_t)seek.offset;
        }
        src->file = file;
        nlr_pop();
        return KPU_OK;
    }
    mp_obj_base_t *exc = nlr.ret_val;
    if (!mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(exc->type), MP_OBJ_FROM_PTR(&mp_type_OSError))) {
        nlr_jump(nlr.ret_val);
    }
    mp_obj_t value = mp_obj_exception_get_value(MP_OBJ_FROM_PTR(exc));
    return kpu_fail(err, KPU_ERR_READ, "cannot open %.90s (error %d)", mp_obj_str_get_str(path),
        mp_obj_is_small_int(value) ? (int)MP_OBJ_SMALL_INT_VALUE(value) : 0);
}

void modkpu_source_close(modkpu_source_t *src) {
    if (src->file != MP_OBJ_NULL) {
        mp_obj_t file = src->file;
        src->file = MP_OBJ_NULL;
        mp_stream_close(file);
    }
    src->buf = NULL;
    src->owner = MP_OBJ_NULL;
}
