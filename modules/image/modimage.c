// SPDX-License-Identifier: MIT
// import image
#include "py/runtime.h"

#include "py_image.h"

static void get_triple(mp_obj_t o, mp_int_t out[3]) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(o, 3, &items);
    for (int i = 0; i < 3; i++) {
        out[i] = mp_obj_get_int(items[i]);
    }
}

static unsigned byte_of(mp_int_t v) {
    return v < 0 ? 0 : v > 255 ? 255 : (unsigned)v;
}

static mp_obj_t new_triple(mp_int_t a, mp_int_t b, mp_int_t c) {
    mp_obj_t items[3] = { MP_OBJ_NEW_SMALL_INT(a), MP_OBJ_NEW_SMALL_INT(b), MP_OBJ_NEW_SMALL_INT(c) };
    return mp_obj_new_tuple(3, items);
}

static mp_obj_t mod_rgb_to_grayscale(mp_obj_t rgb) {
    mp_int_t c[3];
    get_triple(rgb, c);
    return MP_OBJ_NEW_SMALL_INT(image_rgb_to_gray(byte_of(c[0]), byte_of(c[1]), byte_of(c[2])));
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_rgb_to_grayscale_obj, mod_rgb_to_grayscale);

static mp_obj_t mod_grayscale_to_rgb(mp_obj_t gray) {
    mp_int_t g = (mp_int_t)byte_of(mp_obj_get_int(gray));
    return new_triple(g, g, g);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_grayscale_to_rgb_obj, mod_grayscale_to_rgb);

static const mp_rom_map_elem_t image_module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_image) },
    { MP_ROM_QSTR(MP_QSTR_Image), MP_ROM_PTR(&py_image_type) },
    { MP_ROM_QSTR(MP_QSTR_rgb_to_grayscale), MP_ROM_PTR(&mod_rgb_to_grayscale_obj) },
    { MP_ROM_QSTR(MP_QSTR_grayscale_to_rgb), MP_ROM_PTR(&mod_grayscale_to_rgb_obj) },
    { MP_ROM_QSTR(MP_QSTR_ASCII), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_UTF8), MP_ROM_INT(2) },
};
static MP_DEFINE_CONST_DICT(image_module_globals, image_module_table);

const mp_obj_module_t image_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&image_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_image, image_module);
