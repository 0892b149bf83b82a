// SPDX-License-Identifier: MIT
//
// Maix.FFT: spectrum of real samples on the FFT accelerator.
#include "py/mpconfig.h"

#if MICROPY_HW_MAIX_FFT

#include <math.h>
#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/fft.h"
#include "maix.h"

#define POINTS_MAX (512)

enum { BACKWARD, FORWARD };

static unsigned get_points(mp_int_t points) {
    if (points != 64 && points != 128 && points != 256 && points != 512) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]FFT:invalid points"));
    }
    return points;
}

// run(data, points=64, shift=0, direction=FORWARD) -> list of (re, im). data: 32-bit words, of which the
// low half is a sample, as I2S gives them. Bit k of shift halves the values in stage k.
static mp_obj_t maix_fft_run(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_data, ARG_points, ARG_shift, ARG_direction };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_data, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_points, MP_ARG_INT, {.u_int = 64} },
        { MP_QSTR_shift, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_direction, MP_ARG_INT, {.u_int = FORWARD} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    unsigned points = get_points(args[ARG_points].u_int);
    mp_buffer_info_t buf;
    if (!mp_get_buffer(args[ARG_data].u_obj, &buf, MP_BUFFER_READ)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]FFT:invalid byte"));
    }
    if (buf.len % 4 != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]FFT:Buffer length must be a multiple of 4"));
    }
    mp_int_t shift = args[ARG_shift].u_int;
    if (shift < 0 || shift > 0x1FF) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]FFT:invalid shift: 9 bits"));
    }
    if (buf.len / 4 < points) {
        mp_printf(&mp_plat_print, "[MAIXPY]FFT:Zero padding\n");
    }
    fft_point_t data[POINTS_MAX] = { 0 };
    for (size_t i = 0; i < points && i < buf.len / 4; ++i) {
        memcpy(&data[i].re, (const uint8_t *)buf.buf + 4 * i, 2);
    }
    mp_hal_check(fft_run(data, points, shift, args[ARG_direction].u_int == BACKWARD));
    mp_obj_t list = mp_obj_new_list(points, NULL);
    for (size_t i = 0; i < points; ++i) {
        mp_obj_t pair[2] = { MP_OBJ_NEW_SMALL_INT(data[i].re), MP_OBJ_NEW_SMALL_INT(data[i].im) };
        mp_obj_list_store(list, MP_OBJ_NEW_SMALL_INT(i), mp_obj_new_tuple(2, pair));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_fft_run_fun, 1, maix_fft_run);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_fft_run_obj, MP_ROM_PTR(&maix_fft_run_fun));

// freq(points=64, sample_rate=16000) -> list of the bins' frequencies
static mp_obj_t maix_fft_freq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_points, ARG_sample_rate };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_points, MP_ARG_INT, {.u_int = 64} },
        { MP_QSTR_sample_rate, MP_ARG_INT, {.u_int = 16000} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    unsigned points = get_points(args[ARG_points].u_int);
    mp_obj_t list = mp_obj_new_list(points, NULL);
    for (size_t i = 0; i < points; ++i) {
        mp_obj_list_store(list, MP_OBJ_NEW_SMALL_INT(i), mp_obj_new_int(args[ARG_sample_rate].u_int * (mp_int_t)i / points));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(maix_fft_freq_fun, 0, maix_fft_freq);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_fft_freq_obj, MP_ROM_PTR(&maix_fft_freq_fun));

// amplitude(list of (re, im)) -> list of their magnitudes
static mp_obj_t maix_fft_amplitude(mp_obj_t pairs) {
    if (!mp_obj_is_type(pairs, &mp_type_list)) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]FFT:obj is not a list"));
    }
    size_t n;
    mp_obj_t *items;
    mp_obj_list_get(pairs, &n, &items);
    mp_obj_t list = mp_obj_new_list(n, NULL);
    for (size_t i = 0; i < n; ++i) {
        mp_obj_t *pair;
        mp_obj_get_array_fixed_n(items[i], 2, &pair);
        mp_float_t re = mp_obj_get_float(pair[0]), im = mp_obj_get_float(pair[1]);
        mp_obj_list_store(list, MP_OBJ_NEW_SMALL_INT(i), mp_obj_new_int((mp_int_t)sqrt(re * re + im * im)));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_1(maix_fft_amplitude_fun, maix_fft_amplitude);
static MP_DEFINE_CONST_STATICMETHOD_OBJ(maix_fft_amplitude_obj, MP_ROM_PTR(&maix_fft_amplitude_fun));

static const mp_rom_map_elem_t maix_fft_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&maix_fft_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_freq), MP_ROM_PTR(&maix_fft_freq_obj) },
    { MP_ROM_QSTR(MP_QSTR_amplitude), MP_ROM_PTR(&maix_fft_amplitude_obj) },
    { MP_ROM_QSTR(MP_QSTR_FORWARD), MP_ROM_INT(FORWARD) },
    { MP_ROM_QSTR(MP_QSTR_BACKWARD), MP_ROM_INT(BACKWARD) },
};
static MP_DEFINE_CONST_DICT(maix_fft_locals, maix_fft_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    maix_fft_type,
    MP_QSTR_FFT,
    MP_TYPE_FLAG_NONE,
    locals_dict, &maix_fft_locals
    );

#endif
