// SPDX-License-Identifier: MIT
// Included by extmod/modos.c via MICROPY_PY_OS_INCLUDEFILE.

static mp_obj_t mp_os_urandom(mp_obj_t num) {
    mp_int_t n = mp_obj_get_int(num);
    if (n < 0) {
        mp_raise_ValueError(NULL);
    }
    vstr_t vstr;
    vstr_init_len(&vstr, n);
    for (mp_int_t i = 0; i < n; i++) {
        vstr.buf[i] = k210_random_u32();
    }
    return mp_obj_new_bytes_from_vstr(&vstr);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);

// flash_format(): a new, empty /flash. True, or OSError.
static mp_obj_t mp_os_flash_format(void) {
    mp_obj_t module = mp_import_name(MP_QSTR_flashfs, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    return mp_call_function_0(mp_load_attr(module, MP_QSTR_format));
}
static MP_DEFINE_CONST_FUN_OBJ_0(mp_os_flash_format_obj, mp_os_flash_format);

// MaixPy's names that the table of extmod/modos.c has no place for.
void k210_os_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    if (attr == MP_QSTR_flash_format) {
        dest[0] = MP_OBJ_FROM_PTR(&mp_os_flash_format_obj);
    } else if (attr == MP_QSTR_VfsSpiffs) {
        mp_obj_t module = mp_import_name(MP_QSTR__spiffs, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
        dest[0] = mp_load_attr(module, MP_QSTR_VfsSpiffs);
    }
}

MP_REGISTER_MODULE_DELEGATION(mp_module_os, k210_os_attr);
