// SPDX-License-Identifier: MIT
// Included by extmod/machine_wdt.c via MICROPY_PY_MACHINE_WDT_INCLUDEFILE.

#include "hal/wdt.h"

typedef struct _machine_wdt_obj_t {
    mp_obj_base_t base;
} machine_wdt_obj_t;

static const machine_wdt_obj_t machine_wdt_objects[WDT_COUNT] = {{{&machine_wdt_type}}, {{&machine_wdt_type}}};

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id < 0 || id >= WDT_COUNT) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("WDT(%d) does not exist"), (int)id);
    }
    if (timeout_ms <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("WDT timeout too short"));
    }
    if (timeout_ms > WDT_TIMEOUT_MAX_MS || wdt_start(id, timeout_ms) < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("WDT timeout exceeds %d ms"), WDT_TIMEOUT_MAX_MS);
    }
    return (machine_wdt_obj_t *)&machine_wdt_objects[id];
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    wdt_feed(self - machine_wdt_objects);
}
