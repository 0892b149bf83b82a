// SPDX-License-Identifier: MIT
#include "py/builtin.h"
#include "py/objmodule.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "shared/runtime/pyexec.h"
#include "config.h"

#define CONFIG_FILE "/flash/config.json"

static mp_obj_t read_file(void) {
    mp_obj_t args[2] = { MP_OBJ_NEW_QSTR(qstr_from_str(CONFIG_FILE)), MP_OBJ_NEW_QSTR(MP_QSTR_rb) };
    mp_obj_t file = mp_builtin_open(2, args, (mp_map_t *)&mp_const_empty_map);
    mp_obj_t json = mp_import_name(MP_QSTR_json, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    mp_obj_t method[3];
    mp_load_method(json, MP_QSTR_load, method);
    method[2] = file;
    mp_obj_t values = mp_call_method_n_kw(1, 0, method);
    mp_stream_close(file);
    return values;
}

mp_obj_t k210_config(void) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t values = read_file();
        nlr_pop();
        return mp_obj_is_type(values, &mp_type_dict) ? values : MP_OBJ_NULL;
    }
    mp_obj_t error = MP_OBJ_FROM_PTR(nlr.ret_val);
    if (mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(mp_obj_get_type(error)), MP_OBJ_FROM_PTR(&mp_type_SystemExit))
        || mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(mp_obj_get_type(error)), MP_OBJ_FROM_PTR(&mp_type_KeyboardInterrupt))) {
        nlr_jump(nlr.ret_val);
    }
    // Usually there is none. One that cannot be read must not keep the camera or the prompt from working.
    if (!mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(mp_obj_get_type(error)), MP_OBJ_FROM_PTR(&mp_type_OSError))) {
        mp_printf(&mp_plat_print, "[Warning] " CONFIG_FILE ": ");
        mp_obj_print_helper(&mp_plat_print, error, PRINT_REPR);
        mp_printf(&mp_plat_print, "\n");
    }
    return MP_OBJ_NULL;
}

mp_obj_t k210_config_get(qstr key) {
    mp_obj_t values = k210_config();
    if (values == MP_OBJ_NULL) {
        return MP_OBJ_NULL;
    }
    mp_map_elem_t *e = mp_map_lookup(mp_obj_dict_get_map(values), MP_OBJ_NEW_QSTR(key), MP_MAP_LOOKUP);
    return e ? e->value : MP_OBJ_NULL;
}

mp_int_t k210_config_int(mp_obj_t section, qstr key, mp_int_t value) {
    if (section == MP_OBJ_NULL || !mp_obj_is_type(section, &mp_type_dict)) {
        return value;
    }
    mp_map_elem_t *e = mp_map_lookup(mp_obj_dict_get_map(section), MP_OBJ_NEW_QSTR(key), MP_MAP_LOOKUP);
    if (e == NULL) {
        return value;
    }
    if (!mp_obj_get_int_maybe(e->value, &value)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT(CONFIG_FILE ": %q must be a number"), key);
    }
    return value;
}
