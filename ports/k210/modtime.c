// SPDX-License-Identifier: MIT
// Included by extmod/modtime.c via MICROPY_PY_TIME_INCLUDEFILE.

#include "shared/timeutils/timeutils.h"

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t tm;
    timeutils_seconds_since_epoch_to_struct_time(mp_hal_time_ns() / 1000000000, &tm);
    mp_obj_t tuple[8] = {
        mp_obj_new_int(tm.tm_year),
        mp_obj_new_int(tm.tm_mon),
        mp_obj_new_int(tm.tm_mday),
        mp_obj_new_int(tm.tm_hour),
        mp_obj_new_int(tm.tm_min),
        mp_obj_new_int(tm.tm_sec),
        mp_obj_new_int(tm.tm_wday),
        mp_obj_new_int(tm.tm_yday),
    };
    return mp_obj_new_tuple(8, tuple);
}

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_ull(mp_hal_time_ns() / 1000000000);
}

// set_time((year, month, day, hour, minute, second)): MaixPy's way to set the clock. What localtime() gives has
// two more, which do not count.
static mp_obj_t k210_set_time(mp_obj_t tuple_in) {
    mp_obj_t *items;
    size_t n;
    mp_obj_get_array(tuple_in, &n, &items);
    if (n < 6 || n > 8) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("set_time needs 6 to 8 numbers, not %d"), (int)n);
    }
    k210_set_epoch_seconds(timeutils_seconds_since_epoch(mp_obj_get_int(items[0]), mp_obj_get_int(items[1]),
        mp_obj_get_int(items[2]), mp_obj_get_int(items[3]), mp_obj_get_int(items[4]), mp_obj_get_int(items[5])));
    return mp_const_true;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_set_time_obj, k210_set_time);

// clock(): MaixPy's frame rate meter. fps() and avg() count one frame each.
typedef struct _k210_clock_obj_t {
    mp_obj_base_t base;
    uint64_t tick_us;
    uint64_t sum_us;
    uint32_t frames;
} k210_clock_obj_t;

// The mean is taken over at most this long.
#define K210_CLOCK_PERIOD_US (2000000)

static mp_obj_t k210_clock_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    k210_clock_obj_t *self = mp_obj_malloc(k210_clock_obj_t, type);
    self->tick_us = hal_time_us();
    self->sum_us = 0;
    self->frames = 0;
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t k210_clock_tick(mp_obj_t self_in) {
    k210_clock_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->tick_us = hal_time_us();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_clock_tick_obj, k210_clock_tick);

static mp_float_t k210_clock_count(k210_clock_obj_t *self) {
    if (self->sum_us >= K210_CLOCK_PERIOD_US) {
        self->sum_us = 0;
        self->frames = 0;
    }
    self->sum_us += hal_time_us() - self->tick_us;
    self->frames += 1;
    return (mp_float_t)self->sum_us / self->frames / 1000;
}

static mp_obj_t k210_clock_fps(mp_obj_t self_in) {
    return mp_obj_new_float(1000 / k210_clock_count(MP_OBJ_TO_PTR(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_clock_fps_obj, k210_clock_fps);

static mp_obj_t k210_clock_avg(mp_obj_t self_in) {
    return mp_obj_new_float(k210_clock_count(MP_OBJ_TO_PTR(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_clock_avg_obj, k210_clock_avg);

static mp_obj_t k210_clock_reset(mp_obj_t self_in) {
    k210_clock_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->tick_us = hal_time_us();
    self->sum_us = 0;
    self->frames = 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_clock_reset_obj, k210_clock_reset);

static const mp_rom_map_elem_t k210_clock_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_tick), MP_ROM_PTR(&k210_clock_tick_obj) },
    { MP_ROM_QSTR(MP_QSTR_fps), MP_ROM_PTR(&k210_clock_fps_obj) },
    { MP_ROM_QSTR(MP_QSTR_avg), MP_ROM_PTR(&k210_clock_avg_obj) },
    { MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&k210_clock_reset_obj) },
};
static MP_DEFINE_CONST_DICT(k210_clock_locals_dict, k210_clock_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    k210_clock_type,
    MP_QSTR_clock,
    MP_TYPE_FLAG_NONE,
    make_new, k210_clock_make_new,
    locals_dict, &k210_clock_locals_dict
    );
