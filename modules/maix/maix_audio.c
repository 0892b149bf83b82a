// SPDX-License-Identifier: MIT
//
// Maix.Audio(array=None, *, points=1024): a block of samples for Maix.I2S.
#include "py/mpconfig.h"

#if MICROPY_PY_MACHINE_I2S

#include <string.h>

#include "py/binary.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "maix_audio.h"

#define POINTS_MAX (1 << 20)

maix_audio_obj_t *maix_audio_new(size_t points) {
    maix_audio_obj_t *self = mp_obj_malloc(maix_audio_obj_t, &maix_audio_type);
    uint32_t *words = m_new0(uint32_t, points);
    self->words = words;
    self->points = points;
    self->buffer = mp_obj_new_bytearray_by_ref(4 * points, words);
    return self;
}

static mp_obj_t maix_audio_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_array, ARG_points };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_array, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_points, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1024} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_array].u_obj == mp_const_none) {
        mp_int_t points = args[ARG_points].u_int;
        if (points <= 0 || points > POINTS_MAX) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("points must be 1 to %d"), POINTS_MAX);
        }
        return MP_OBJ_FROM_PTR(maix_audio_new(points));
    }
    mp_buffer_info_t buf;
    mp_get_buffer_raise(args[ARG_array].u_obj, &buf, MP_BUFFER_READ);
    if (buf.len == 0 || buf.len % 4 != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("array must hold 32-bit words"));
    }
    maix_audio_obj_t *self;
    if (((uintptr_t)buf.buf & 3) == 0 && mp_get_buffer(args[ARG_array].u_obj, &buf, MP_BUFFER_RW)) {
        self = mp_obj_malloc(maix_audio_obj_t, type);
        self->buffer = args[ARG_array].u_obj;
        self->words = buf.buf;
        self->points = buf.len / 4;
    } else {
        self = maix_audio_new(buf.len / 4);
        memcpy(self->words, buf.buf, buf.len);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void maix_audio_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    maix_audio_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "[MAIXPY]audio:(points=%u, buffer addr=%p)", (unsigned)self->points, self->words);
}

// to_bytes() -> bytearray that shares the memory
static mp_obj_t maix_audio_to_bytes(mp_obj_t self_in) {
    return ((maix_audio_obj_t *)MP_OBJ_TO_PTR(self_in))->buffer;
}
static MP_DEFINE_CONST_FUN_OBJ_1(maix_audio_to_bytes_obj, maix_audio_to_bytes);

static const mp_rom_map_elem_t maix_audio_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_to_bytes), MP_ROM_PTR(&maix_audio_to_bytes_obj) },
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
