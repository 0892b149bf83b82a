// SPDX-License-Identifier: MIT
// ImageWriter and ImageReader.
#include <string.h>

#include "py/builtin.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "image_stream.h"
#include "py_args.h"
#include "py_image_priv.h"
#include "py_image_stream.h"

#if IMAGE_WITH_STREAMS

#define PAUSE_MAX_MS (10000)

typedef struct {
    mp_obj_base_t base;
    mp_obj_t file;              // MP_OBJ_NULL: closed
    uint32_t pos, size;
    bool started;
    mp_uint_t last_ms;          // when the last picture was taken or shown
} stream_obj_t;

static NORETURN void fail(const char *text) {
    mp_obj_t args[2] = { MP_OBJ_NEW_SMALL_INT(MP_EINVAL), mp_obj_new_str_from_cstr(text) };
    nlr_raise(mp_obj_exception_make_new(&mp_type_OSError, 2, 0, args));
}

static stream_obj_t *get(mp_obj_t o) {
    stream_obj_t *self = MP_OBJ_TO_PTR(o);
    if (self->file == MP_OBJ_NULL) {
        fail("the image stream is closed");
    }
    return self;
}

static void transfer(stream_obj_t *self, void *buf, size_t n, byte mode) {
    int err = 0;
    mp_event_handle_nowait();
    size_t done = mp_stream_rw(self->file, buf, n, &err, mode);
    if (err || done != n) {
        mp_raise_OSError(err ? err : mode == MP_STREAM_RW_WRITE ? MP_ENOSPC : MP_EIO);
    }
    self->pos += n;
}

static mp_uint_t seek(stream_obj_t *self, mp_off_t offset, int whence) {
    struct mp_stream_seek_t s = { .offset = offset, .whence = whence };
    int err = 0;
    if (mp_get_stream(self->file)->ioctl(self->file, MP_STREAM_SEEK, (mp_uint_t)(uintptr_t)&s, &err) == MP_STREAM_ERROR) {
        mp_raise_OSError(err);
    }
    self->pos = (uint32_t)s.offset;
    return (mp_uint_t)s.offset;
}

static mp_obj_t new_stream(const mp_obj_type_t *type, mp_obj_t path, qstr mode) {
    stream_obj_t *self = mp_obj_malloc(stream_obj_t, type);
    mp_obj_t args[2] = { path, MP_OBJ_NEW_QSTR(mode) };
    self->pos = self->size = 0;
    self->started = false;
    self->last_ms = 0;
    self->file = MP_OBJ_NULL;
    self->file = mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_builtin_open_obj), 2, 0, args);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t stream_close(mp_obj_t self_in) {
    stream_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_obj_t file = self->file;
    self->file = MP_OBJ_NULL;
    if (file != MP_OBJ_NULL) {
        mp_stream_close(file);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(stream_close_obj, stream_close);

// Bytes of the file.
static mp_obj_t stream_size(mp_obj_t self_in) {
    stream_obj_t *self = get(self_in);
    return mp_obj_new_int_from_uint(self->size > self->pos ? self->size : self->pos);
}
static MP_DEFINE_CONST_FUN_OBJ_1(stream_size_obj, stream_size);

// ---- ImageWriter ----------------------------------------------------------------------------------

static mp_obj_t writer_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    mp_obj_t o = new_stream(type, args[0], MP_QSTR_wb);
    transfer(MP_OBJ_TO_PTR(o), IMAGE_STREAM_MAGIC, IMAGE_STREAM_HEAD, MP_STREAM_RW_WRITE);
    return o;
}

// add_frame(img): any kind of image. The time since the one before goes with it.
static mp_obj_t writer_add_frame(mp_obj_t self_in, mp_obj_t image) {
    stream_obj_t *self = get(self_in);
    const image_t *img = py_image_get(image);
    uint8_t head[IMAGE_STREAM_HEAD], zeros[16] = { 0 };
    mp_uint_t now = mp_hal_ticks_ms();
    if (img->size == 0 || img->size > (uint32_t)INT32_MAX - 64 - self->pos) {
        fail("the image is empty, or the stream has reached 2 GiB");
    }
    image_stream_head(head, img, self->started ? (uint32_t)(now - self->last_ms) : 0);
    transfer(self, head, sizeof(head), MP_STREAM_RW_WRITE);
    transfer(self, img->pix, img->size, MP_STREAM_RW_WRITE);
    transfer(self, zeros, image_stream_padding(img->size), MP_STREAM_RW_WRITE);
    self->started = true;
    self->last_ms = now;
    return self_in;
}
static MP_DEFINE_CONST_FUN_OBJ_2(writer_add_frame_obj, writer_add_frame);

static const mp_rom_map_elem_t writer_table[] = {
    { MP_ROM_QSTR(MP_QSTR_size), MP_ROM_PTR(&stream_size_obj) },
    { MP_ROM_QSTR(MP_QSTR_add_frame), MP_ROM_PTR(&writer_add_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&stream_close_obj) },
};
static MP_DEFINE_CONST_DICT(writer_dict, writer_table);

MP_DEFINE_CONST_OBJ_TYPE(
    py_image_writer_type,
    MP_QSTR_ImageWriter,
    MP_TYPE_FLAG_NONE,
    make_new, writer_make_new,
    locals_dict, &writer_dict
    );

// ---- ImageReader ----------------------------------------------------------------------------------

static mp_obj_t reader_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    mp_obj_t o = new_stream(type, args[0], MP_QSTR_rb);
    stream_obj_t *self = MP_OBJ_TO_PTR(o);
    uint8_t magic[IMAGE_STREAM_HEAD];
    mp_uint_t size = seek(self, 0, MP_SEEK_END);
    self->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    seek(self, 0, MP_SEEK_SET);
    if (self->size >= sizeof(magic)) {
        transfer(self, magic, sizeof(magic), MP_STREAM_RW_READ);
    }
    if (self->pos == 0 || memcmp(magic, IMAGE_STREAM_MAGIC, sizeof(magic)) != 0) {
        stream_close(o);
        fail("this is no image stream: no " IMAGE_STREAM_MAGIC " at its start");
    }
    return o;
}

// next_frame(copy_to_fb=True, loop=True) -> Image, or None at the end. It comes as long after the one before as it was
// taken; copy_to_fb is accepted and ignored, as everywhere.
static mp_obj_t reader_next_frame(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    stream_obj_t *self = get(pos[0]);
    py_args_t a = PY_ARGS(n_args, pos, kw);
    py_args_opt_bool(&a, MP_QSTR_copy_to_fb, true);
    bool loop = py_args_opt_bool(&a, MP_QSTR_loop, true);
    uint8_t head[IMAGE_STREAM_HEAD];
    char err[IMAGE_ERR_LEN];
    image_t img;
    uint32_t ms;
    if (self->pos >= self->size && loop) {
        seek(self, IMAGE_STREAM_HEAD, MP_SEEK_SET);
        self->started = false;
    }
    if (self->pos >= self->size) {
        return mp_const_none;
    }
    uint32_t left = self->size - self->pos, start = self->pos;
    if (left < sizeof(head)) {
        fail("image stream: the file ends in the middle of a picture");
    }
    transfer(self, head, sizeof(head), MP_STREAM_RW_READ);
    if (image_stream_parse(head, left - sizeof(head), &img, &ms, err)) {
        seek(self, start, MP_SEEK_SET);
        fail(err);
    }
    image_mem_t *mem = image_mem_new(img.size, "image");
    img.pix = mem->data;
    mp_obj_t o = py_image_from(&img, mem, NULL);
    transfer(self, img.pix, img.size, MP_STREAM_RW_READ);
    uint32_t skip = image_stream_padding(img.size);
    seek(self, self->pos + skip < self->size ? self->pos + skip : self->size, MP_SEEK_SET);
    // Days between two pictures, or a damaged number, are not waited for.
    ms = ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
    while (self->started && mp_hal_ticks_ms() - self->last_ms < ms) {
        mp_event_wait_ms(1);
    }
    self->started = true;
    self->last_ms = mp_hal_ticks_ms();
    return o;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(reader_next_frame_obj, 1, reader_next_frame);

static const mp_rom_map_elem_t reader_table[] = {
    { MP_ROM_QSTR(MP_QSTR_size), MP_ROM_PTR(&stream_size_obj) },
    { MP_ROM_QSTR(MP_QSTR_next_frame), MP_ROM_PTR(&reader_next_frame_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&stream_close_obj) },
};
static MP_DEFINE_CONST_DICT(reader_dict, reader_table);

MP_DEFINE_CONST_OBJ_TYPE(
    py_image_reader_type,
    MP_QSTR_ImageReader,
    MP_TYPE_FLAG_NONE,
    make_new, reader_make_new,
    locals_dict, &reader_dict
    );

// ---- dump_roi -------------------------------------------------------------------------------------

// dump_roi(x, y, w, h): prints the pixels, a row a line.
static mp_obj_t image_dump_roi(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    const image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t v[4];
    py_args_ints(&a, 4, 4, v);
    image_rect_t roi = { py_i32(v[0]), py_i32(v[1]), py_i32(v[2]), py_i32(v[3]) };
    if (roi.w < 1 || roi.h < 1 || !image_clip(img->w, img->h, &roi)) {
        return mp_const_none;
    }
    for (int32_t y = roi.y; y < roi.y + roi.h; y++) {
        for (int32_t x = roi.x; x < roi.x + roi.w; x++) {
            mp_printf(&mp_plat_print, img->format == IMAGE_RGB565 ? "0x%04x " : "%3u ", (unsigned)image_get(img, x, y));
        }
        mp_printf(&mp_plat_print, "\n");
        mp_event_handle_nowait();
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_dump_roi_obj, 1, image_dump_roi);

#endif
