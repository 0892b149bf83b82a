// SPDX-License-Identifier: MIT
//
// Maix.Audio(array=None, path=None, *, points=1024, is_create=False, samplerate=44100): a block of samples for Maix.I2S.
// What it does with files is in modules/media.
#include "py/mpconfig.h"

#if MICROPY_PY_MACHINE_I2S

#include <string.h>

#include "py/binary.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "maix_audio.h"
#if MICROPY_PY_MEDIA
#include "media/py_audio.h"
#endif

#define POINTS_MAX (1 << 20)

#define VOLUME (40)

static maix_audio_obj_t *new_object(void) {
    maix_audio_obj_t *self = mp_obj_malloc(maix_audio_obj_t, &maix_audio_type);
    self->buffer = self->file = MP_OBJ_NULL;
    self->words = NULL;
    self->points = 0;
    self->is_stereo = false;
    self->volume = VOLUME;
    return self;
}

static void set_words(maix_audio_obj_t *self, size_t points) {
    uint32_t *words = m_new0(uint32_t, points);
    self->words = words;
    self->points = points;
    self->buffer = mp_obj_new_bytearray_by_ref(4 * points, words);
}

maix_audio_obj_t *maix_audio_new(size_t points) {
    maix_audio_obj_t *self = new_object();
    set_words(self, points);
    return self;
}

static void close_file(maix_audio_obj_t *self) {
    #if MICROPY_PY_MEDIA
    if (self->file != MP_OBJ_NULL) {
        py_audio_file_close(self->file);
    }
    #endif
    self->file = MP_OBJ_NULL;
}

static void init_helper(maix_audio_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_array, ARG_path, ARG_points, ARG_is_create, ARG_samplerate };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_array, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_path, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_points, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1024} },
        { MP_QSTR_is_create, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
        { MP_QSTR_samplerate, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 44100} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_path].u_obj != mp_const_none) {
        #if MICROPY_PY_MEDIA
        self->file = py_audio_file_open(args[ARG_path].u_obj, args[ARG_is_create].u_bool, args[ARG_samplerate].u_int);
        return;
        #else
        mp_raise_NotImplementedError(MP_ERROR_TEXT("this firmware is without WAV files"));
        #endif
    }
    if (args[ARG_array].u_obj == mp_const_none) {
        mp_int_t points = args[ARG_points].u_int;
        if (points <= 0 || points > POINTS_MAX) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("points must be 1 to %d"), POINTS_MAX);
        }
        set_words(self, points);
        return;
    }
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[ARG_array].u_obj, &buf, MP_BUFFER_READ);
    if (buf.len == 0 || buf.len % 4 != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("array must hold 32-bit words"));
    }
    if (((uintptr_t)buf.buf & 3) == 0 && mp_get_buffer(args[ARG_array].u_obj, &buf, MP_BUFFER_RW)) {
        self->buffer = args[ARG_array].u_obj;
        self->words = buf.buf;
        self->points = buf.len / 4;
    } else {
        set_words(self, buf.len / 4);
        memcpy(self->words, buf.buf, buf.len);
    }
}

static mp_obj_t maix_audio_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    maix_audio_obj_t *self = new_object();
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    init_helper(self, n_args, args, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

// Forgets the samples and closes the file.
static mp_obj_t maix_audio_deinit(mp_obj_t self_in) {
    maix_audio_obj_t *self = MP_OBJ_TO_PTR(self_in);
    close_file(self);
    self->buffer = MP_OBJ_NULL;
    self->words = NULL;
    self->points = 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(maix_audio_deinit_obj, maix_audio_deinit);

static mp_obj_t maix_audio_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    maix_audio_deinit(args[0]);
    init_helper(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_audio_init_obj, 1, maix_audio_init);

// volume([percent]) -> float
static mp_obj_t maix_audio_volume(size_t n_args, const mp_obj_t *args) {
    maix_audio_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    if (n_args > 1) {
        mp_float_t v = mp_obj_get_float(args[1]);
        if (!(v >= 0 && v <= 100)) {
            mp_raise_ValueError(MP_ERROR_TEXT("value:[0,100]"));
        }
        self->volume = (uint8_t)v;
    }
    return mp_obj_new_float(self->volume);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(maix_audio_volume_obj, 1, 2, maix_audio_volume);

static void maix_audio_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    maix_audio_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "[MAIXPY]audio:(points=%u, buffer addr=%p)", (unsigned)self->points, self->words);
}

// to_bytes() -> bytearray that shares the memory
static mp_obj_t maix_audio_to_bytes(mp_obj_t self_in) {
    maix_audio_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->buffer == MP_OBJ_NULL) {
        mp_raise_msg(&mp_type_AttributeError, MP_ERROR_TEXT("empty Audio"));
    }
    return self->buffer;
}
static MP_DEFINE_CONST_FUN_OBJ_1(maix_audio_to_bytes_obj, maix_audio_to_bytes);

static const mp_rom_map_elem_t maix_audio_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&maix_audio_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&maix_audio_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR___deinit__), MP_ROM_PTR(&maix_audio_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_to_bytes), MP_ROM_PTR(&maix_audio_to_bytes_obj) },
    { MP_ROM_QSTR(MP_QSTR_volume), MP_ROM_PTR(&maix_audio_volume_obj) },
    #if MICROPY_PY_MEDIA
    { MP_ROM_QSTR(MP_QSTR_play_process), MP_ROM_PTR(&py_audio_play_process_obj) },
    { MP_ROM_QSTR(MP_QSTR_play), MP_ROM_PTR(&py_audio_play_obj) },
    { MP_ROM_QSTR(MP_QSTR_record_process), MP_ROM_PTR(&py_audio_record_process_obj) },
    { MP_ROM_QSTR(MP_QSTR_record), MP_ROM_PTR(&py_audio_record_obj) },
    { MP_ROM_QSTR(MP_QSTR_finish), MP_ROM_PTR(&py_audio_finish_obj) },
    #endif
};
static MP_DEFINE_CONST_DICT(maix_audio_locals, maix_audio_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    maix_audio_type,
    MP_QSTR_Audio,
    MP_TYPE_FLAG_NONE,
    make_new, maix_audio_make_new,
    print, maix_audio_print,
    locals_dict, &maix_audio_locals
    );

#endif
