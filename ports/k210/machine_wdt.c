// SPDX-License-Identifier: MIT
//
// machine.WDT(id=0, timeout=5000, callback=None, context=None): MicroPython's, and MaixPy's with a callback
// that is called once at the first time-out; unless the program feeds then, the second one resets the chip.
#include "py/mphal.h"
#include "py/runtime.h"
#include "hal/wdt.h"
#include "machine_periph.h"

typedef struct _k210_wdt_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    int32_t timeout_ms;
    mp_obj_t callback, context;
} k210_wdt_obj_t;

static void k210_wdt_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    k210_wdt_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "[MAIXPY]WDT:(%p; id=%d, timeout=%d, callback=%p, context=%p)", self, self->id, (int)self->timeout_ms,
        self->callback, self->context);
}

// In interrupt context.
static void first_timeout(void *arg) {
    k210_wdt_obj_t *self = MP_STATE_PORT(k210_wdt_objects[(uintptr_t)arg]);
    if (self != NULL) {
        mp_sched_schedule(self->callback, MP_OBJ_FROM_PTR(self));
    }
}

static mp_obj_t k210_wdt_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_id, ARG_timeout, ARG_callback, ARG_context };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_id, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_timeout, MP_ARG_INT, {.u_int = 5000} },
        { MP_QSTR_callback, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_context, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t id = args[ARG_id].u_int, timeout_ms = args[ARG_timeout].u_int;
    mp_obj_t callback = args[ARG_callback].u_obj;
    if (id < 0 || id >= WDT_COUNT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("WDT(%d) does not exist"), (int)id);
    }
    if (timeout_ms <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("WDT timeout too short"));
    }
    if (callback != mp_const_none && !mp_obj_is_callable(callback)) {
        mp_raise_ValueError(MP_ERROR_TEXT("WDT callback is not callable"));
    }
    k210_wdt_obj_t *self = mp_obj_malloc(k210_wdt_obj_t, type);
    self->id = id;
    self->callback = callback;
    self->context = args[ARG_context].u_obj;
    MP_STATE_PORT(k210_wdt_objects[id]) = callback == mp_const_none ? NULL : self;
    if (timeout_ms > WDT_TIMEOUT_MAX_MS
        || (self->timeout_ms = wdt_start(id, timeout_ms, callback == mp_const_none ? NULL : first_timeout, (void *)(uintptr_t)id)) < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("WDT timeout exceeds %d ms"), WDT_TIMEOUT_MAX_MS);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t k210_wdt_feed(mp_obj_t self_in) {
    wdt_feed(((k210_wdt_obj_t *)MP_OBJ_TO_PTR(self_in))->id);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_wdt_feed_obj, k210_wdt_feed);

static mp_obj_t k210_wdt_stop(mp_obj_t self_in) {
    wdt_stop(((k210_wdt_obj_t *)MP_OBJ_TO_PTR(self_in))->id);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_wdt_stop_obj, k210_wdt_stop);

static mp_obj_t k210_wdt_context(mp_obj_t self_in) {
    return ((k210_wdt_obj_t *)MP_OBJ_TO_PTR(self_in))->context;
}
static MP_DEFINE_CONST_FUN_OBJ_1(k210_wdt_context_obj, k210_wdt_context);

// The watchdogs go on, only Python's handlers end.
void machine_wdt_deinit_all(void) {
    for (unsigned i = 0; i < WDT_COUNT; ++i) {
        MP_STATE_PORT(k210_wdt_objects[i]) = NULL;
    }
}

static const mp_rom_map_elem_t k210_wdt_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_feed), MP_ROM_PTR(&k210_wdt_feed_obj) },
    { MP_ROM_QSTR(MP_QSTR_stop), MP_ROM_PTR(&k210_wdt_stop_obj) },
    { MP_ROM_QSTR(MP_QSTR_context), MP_ROM_PTR(&k210_wdt_context_obj) },
    { MP_ROM_QSTR(MP_QSTR_WDT_DEVICE_0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_WDT_DEVICE_1), MP_ROM_INT(1) },
};
static MP_DEFINE_CONST_DICT(k210_wdt_locals, k210_wdt_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    k210_wdt_type,
    MP_QSTR_WDT,
    MP_TYPE_FLAG_NONE,
    make_new, k210_wdt_make_new,
    print, k210_wdt_print,
    locals_dict, &k210_wdt_locals
    );

MP_REGISTER_ROOT_POINTER(struct _k210_wdt_obj_t *k210_wdt_objects[2]);
