// SPDX-License-Identifier: MIT
// image.font_load() and font_free(): draw_string() with glyphs from a file or from flash.
#include <string.h>

#include "py/builtin.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "hal/flash.h"
#include "py_image_font.h"

// Glyphs of w/8*h bytes in the order of Unicode, beginning with 0.
static struct {
    int32_t w, h;           // 0: the built-in font
    uint32_t addr;          // in flash, when there is no file
} loaded;

MP_REGISTER_ROOT_POINTER(mp_obj_t image_font_file);

void py_image_font_free(void) {
    loaded.w = 0;
    MP_STATE_VM(image_font_file) = MP_OBJ_NULL;
}

static bool glyph(void *ctx, uint32_t c, uint8_t *bits) {
    (void)ctx;
    size_t n = (size_t)(loaded.w / 8 * loaded.h);
    uint64_t at = (uint64_t)c * n;
    mp_obj_t file = MP_STATE_VM(image_font_file);
    if (file == MP_OBJ_NULL) {
        at += loaded.addr;
        return at + n <= flash_size() && flash_read((uint32_t)at, bits, n) == 0;
    }
    int err = 0;
    struct mp_stream_seek_t seek = { (mp_off_t)at, MP_SEEK_SET };
    if (mp_get_stream(file)->ioctl(file, MP_STREAM_SEEK, (mp_uint_t)(uintptr_t)&seek, &err) == MP_STREAM_ERROR) {
        return false;
    }
    return mp_stream_rw(file, bits, n, &err, MP_STREAM_RW_READ) == n && !err;
}

const image_font_t *py_image_font(void) {
    static const image_font_t none;
    static image_font_t font;
    font = loaded.w ? (image_font_t) { loaded.w, loaded.h, glyph, NULL } : none;
    return loaded.w ? &font : NULL;
}

static mp_obj_t font_load(size_t n_args, const mp_obj_t *args) {
    mp_int_t index = mp_obj_get_int(args[0]);
    if (index != 2 || n_args < 4) {
        py_image_font_free();
        return mp_const_none;
    }
    mp_int_t w = mp_obj_get_int(args[1]), h = mp_obj_get_int(args[2]);
    if (w < 8 || w > 64 || w % 8 || h < 1 || h > 64) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("font of %dx%d: width 8, 16 ... 64, height 1 to 64"), (int)w, (int)h);
    }
    mp_obj_t file = MP_OBJ_NULL;
    mp_int_t addr = 0;
    if (mp_obj_is_int(args[3])) {
        addr = mp_obj_get_int(args[3]);
        if (addr <= 0 || addr > UINT32_MAX) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]image: font_addr must > 0 "));
        }
    } else {
        size_t len;
        const char *path = mp_obj_str_get_data(args[3], &len);
        if (len < 4 || strcmp(path + len - 4, ".Dzk")) {
            mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]image: font format don't match, only supply .Dzk "));
        }
        mp_obj_t open_args[2] = { args[3], MP_OBJ_NEW_QSTR(MP_QSTR_rb) };
        file = mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_builtin_open_obj), 2, 0, open_args);
    }
    py_image_font_free();
    MP_STATE_VM(image_font_file) = file;
    loaded.addr = (uint32_t)addr;
    loaded.h = (int32_t)h;
    loaded.w = (int32_t)w;
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(py_image_font_load_obj, 1, 4, font_load);

static mp_obj_t font_free(void) {
    py_image_font_free();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(py_image_font_free_obj, font_free);
