// SPDX-License-Identifier: MIT
// Image(...) and Image.save().
#include <errno.h>
#include <string.h>

#include "py/builtin.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "py_args.h"
#include "py_image_priv.h"
#include "py_vision.h"

#define DEFAULT_W (320)
#define DEFAULT_H (240)

// Reads and writes through a small buffer: codecs ask for single bytes, a file system is slow at it.
typedef struct {
    image_io_t io;
    mp_obj_t stream;            // MP_OBJ_NULL: memory
    const uint8_t *data;
    size_t len, pos;
    int err;                    // of the stream: raised when the codec has given back its memory
    uint8_t buf[256];
} py_io_t;

static size_t stream_read(image_io_t *base, void *buf, size_t n) {
    py_io_t *io = (py_io_t *)base;
    size_t done = 0;
    while (done < n) {
        if (io->pos == io->len && io->stream != MP_OBJ_NULL) {
            int err = 0;
            io->len = mp_stream_rw(io->stream, io->buf, sizeof(io->buf), &err, MP_STREAM_RW_READ | MP_STREAM_RW_ONCE);
            io->pos = 0;
            if (err) {
                io->err = err;
                io->len = 0;
            }
        }
        size_t step = io->len - io->pos < n - done ? io->len - io->pos : n - done;
        if (step == 0) {
            break;
        }
        memcpy((uint8_t *)buf + done, io->data + io->pos, step);
        io->pos += step;
        done += step;
    }
    return done;
}

static size_t stream_write(image_io_t *base, const void *buf, size_t n) {
    py_io_t *io = (py_io_t *)base;
    int err = 0;
    size_t done = mp_stream_rw(io->stream, (void *)buf, n, &err, MP_STREAM_RW_WRITE);
    if (err) {
        io->err = err;
        return 0;
    }
    return done;
}

static void io_init(py_io_t *io, mp_obj_t stream, const mp_buffer_info_t *memory) {
    io->io = (image_io_t) { stream_read, stream_write };
    io->stream = stream;
    io->pos = 0;
    io->err = 0;
    io->len = memory ? memory->len : 0;
    io->data = memory ? memory->buf : io->buf;
}

static NORETURN void raise_io(const py_io_t *io, int ret, const char *err) {
    if (io->err) {
        mp_raise_OSError(io->err);
    }
    mp_raise_msg_varg(ret == -EINVAL ? &mp_type_ValueError : ret == -ENOMEM ? &mp_type_MemoryError : &mp_type_OSError,
        MP_ERROR_TEXT("%s"), err);
}

static mp_obj_t open_file(mp_obj_t path, const char *mode) {
    mp_obj_t args[2] = { path, mp_obj_new_str(mode, strlen(mode)) };
    return mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_builtin_open_obj), 2, 0, args);
}

static mp_obj_t decode(py_io_t *io) {
    char err[IMAGE_ERR_LEN];
    image_info_t *info = m_new(image_info_t, 1);
    int ret = image_read_info(&io->io, info, err);
    if (ret) {
        raise_io(io, ret, err);
    }
    mp_obj_t o = py_image_new(info->w, info->h, info->format, info->planes);
    ret = image_read_pixels(&io->io, info, py_image_get(o), err);
    if (ret) {
        raise_io(io, ret, err);
    }
    m_del(image_info_t, info, 1);
    return o;
}

mp_obj_t py_image_load(mp_obj_t path) {
    py_io_t io;
    mp_obj_t file = open_file(path, "rb");
    mp_obj_t o = MP_OBJ_NULL;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        io_init(&io, file, NULL);
        o = decode(&io);
        nlr_pop();
        mp_stream_close(file);
        return o;
    }
    mp_stream_close(file);
    nlr_jump(nlr.ret_val);
}

static mp_obj_t new_blank(int32_t w, int32_t h) {
    mp_obj_t o = py_image_new(w, h, IMAGE_RGB565, false);
    image_clear(py_image_get(o));
    return o;
}

// Image(), Image(size=(w, h)), Image(path), Image(file), Image(bytes). copy_to_fb is accepted and
// ignored: there is no IDE preview that looks at the camera's buffer.
mp_obj_t py_image_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    mp_map_t kw;
    mp_map_init_fixed_table(&kw, n_kw, args + n_args);
    mp_map_elem_t *size = mp_map_lookup(&kw, MP_OBJ_NEW_QSTR(MP_QSTR_size), MP_MAP_LOOKUP);
    if (size) {
        mp_obj_t *wh;
        mp_obj_get_array_fixed_n(size->value, 2, &wh);
        return new_blank(py_i32(mp_obj_get_int(wh[0])), py_i32(mp_obj_get_int(wh[1])));
    }
    if (n_args == 0) {
        return new_blank(DEFAULT_W, DEFAULT_H);
    }
    if (mp_obj_is_str(args[0])) {
        return py_image_load(args[0]);
    }
    py_io_t io;
    mp_buffer_info_t memory;
    if (mp_get_buffer(args[0], &memory, MP_BUFFER_READ)) {
        io_init(&io, MP_OBJ_NULL, &memory);
    } else {
        mp_get_stream_raise(args[0], MP_STREAM_OP_READ);
        io_init(&io, args[0], NULL);
    }
    return decode(&io);
}

static image_file_t file_type(const char *path) {
    static const struct {
        const char *ext;
        image_file_t type;
    } types[] = {
        { ".bmp", IMAGE_FILE_BMP }, { ".jpg", IMAGE_FILE_JPEG }, { ".jpeg", IMAGE_FILE_JPEG },
        { ".ppm", IMAGE_FILE_PNM }, { ".pgm", IMAGE_FILE_PNM }, { ".png", IMAGE_FILE_PNG },
    };
    size_t n = strlen(path);
    for (size_t i = 0; i < MP_ARRAY_SIZE(types); i++) {
        size_t len = strlen(types[i].ext), k = 0;
        while (k < len && n > len && unichar_tolower((unsigned char)path[n - len + k]) == (unichar)types[i].ext[k]) {
            k++;
        }
        if (k == len) {
            return types[i].type;
        }
    }
    mp_raise_msg_varg(&mp_type_ValueError,
        MP_ERROR_TEXT("format not supported: '%s' (.bmp, .jpg, .png, .ppm and .pgm are)"), path);
}

static int get_quality(mp_obj_t o) {
    mp_int_t q = o == MP_OBJ_NULL ? 50 : mp_obj_get_int(o);
    if (q < 1 || q > 100) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Error: 1 <= quality <= 100!"));
    }
    return (int)q;
}

// A JPEG image is written as it is.
static int write_jpeg_image(image_io_t *io, const image_t *img, char *err) {
    if (io->write(io, img->pix, img->size) != img->size) {
        strcpy(err, "cannot write the file (disk full?)");
        return -EIO;
    }
    return 0;
}

static mp_obj_t image_save(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get(pos[0]);
    mp_obj_t path = py_args_obj(&a, "path");
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int quality = get_quality(py_args_opt(&a, MP_QSTR_quality));
    image_file_t type = file_type(mp_obj_str_get_str(path));
    bool as_is = img->format == IMAGE_JPEG && type == IMAGE_FILE_JPEG;
    if (!as_is) {
        py_image_get_pixels(pos[0]);
    }
    char err[IMAGE_ERR_LEN];
    py_io_t io;
    mp_obj_t file = open_file(path, "wb");
    int ret = 0;
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        io_init(&io, file, NULL);
        ret = as_is ? write_jpeg_image(&io.io, img, err) : image_write(&io.io, img, roi, type, quality, err);
        nlr_pop();
    } else {
        mp_stream_close(file);
        nlr_jump(nlr.ret_val);
    }
    mp_stream_close(file);
    if (ret) {
        raise_io(&io, ret, err);
    }
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_save_obj, 2, image_save);

// ---- JPEG in memory -----------------------------------------------------------------------------

// A new JPEG image. The first guess at its size is nearly always enough.
static mp_obj_t compressed(const image_t *img, int quality) {
    char err[IMAGE_ERR_LEN];
    image_rect_t all = { 0, 0, img->w, img->h };
    size_t room = (size_t)img->w * (size_t)img->h / 2 + 2048;
    for (;;) {
        image_mem_t *m = image_mem_new(room, "jpeg");
        image_sink_t sink;
        image_sink_init(&sink, m->data, room);
        image_write(&sink.io, img, all, IMAGE_FILE_JPEG, quality, err);
        if (sink.n <= room) {
            image_t jpeg = { img->w, img->h, IMAGE_JPEG, m->data, NULL, sink.n };
            return py_image_from(&jpeg, m, NULL);
        }
        image_mem_unref(m);
        room = sink.n;
    }
}

static mp_obj_t image_compressed(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get(pos[0]);
    int quality = get_quality(py_args_opt(&a, MP_QSTR_quality));
    return img->format == IMAGE_JPEG ? pos[0] : compressed(py_image_get_pixels(pos[0]), quality);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_compressed_obj, 1, image_compressed);

static mp_obj_t image_compress(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    mp_obj_t o = image_compressed(n_args, pos, kw);
    if (o != pos[0]) {
        py_image_move(pos[0], o);
    }
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_compress_obj, 1, image_compress);

// ---- JPEG for the IDE's serial line: six bits a byte between two marks ----------------------------

#define IDE_MARK (0xfe)

static mp_obj_t compressed_for_ide(mp_obj_t self, mp_obj_t quality) {
    image_t *img = py_image_get(self);
    mp_obj_t jpeg_obj = img->format == IMAGE_JPEG ? self : compressed(py_image_get_pixels(self), get_quality(quality));
    image_t *jpeg = py_image_get(jpeg_obj);
    size_t n = (jpeg->size * 8 + 5) / 6 + 2;
    image_mem_t *m = image_mem_new(n, "jpeg");
    uint8_t *out = m->data;
    *out++ = IDE_MARK;
    for (size_t i = 0; i < jpeg->size; i += 3) {
        uint32_t x = 0;
        size_t part = jpeg->size - i < 3 ? jpeg->size - i : 3;
        for (size_t k = 0; k < part; k++) {
            x |= (uint32_t)jpeg->pix[i + k] << 8 * k;
        }
        for (size_t k = 0; k <= part; k++, x >>= 6) {
            *out++ = (uint8_t)(0x80 | (x & 0x3f));
        }
    }
    *out = IDE_MARK;
    image_t framed = { jpeg->w, jpeg->h, IMAGE_JPEG, m->data, NULL, n };
    return py_image_from(&framed, m, NULL);
}

static mp_obj_t image_compressed_for_ide(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    return compressed_for_ide(pos[0], py_args_opt(&a, MP_QSTR_quality));
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_compressed_for_ide_obj, 1, image_compressed_for_ide);

static mp_obj_t image_compress_for_ide(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_image_move(pos[0], image_compressed_for_ide(n_args, pos, kw));
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_compress_for_ide_obj, 1, image_compress_for_ide);

bool py_image_is_for_ide(const image_t *img) {
    return img->format == IMAGE_JPEG && img->size > 2 && img->pix[0] == IDE_MARK && img->pix[img->size - 1] == IDE_MARK;
}
