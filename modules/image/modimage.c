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

#define MAX_POINTS (10)

static size_t get_points(mp_obj_t list, float out[MAX_POINTS][2]) {
    size_t n;
    mp_obj_t *items, *xy;
    mp_obj_get_array(list, &n, &items);
    if (n > MAX_POINTS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("at most %d points, got %d"), MAX_POINTS, (int)n);
    }
    for (size_t i = 0; i < n; i++) {
        mp_obj_get_array_fixed_n(items[i], 2, &xy);
        out[i][0] = (float)mp_obj_get_float(xy[0]);
        out[i][1] = (float)mp_obj_get_float(xy[1]);
    }
    return n;
}

static mp_obj_t mod_get_affine_transform(mp_obj_t src_in, mp_obj_t dst_in) {
    float src[MAX_POINTS][2], dst[MAX_POINTS][2], t[9];
    char err[IMAGE_ERR_LEN];
    size_t n = get_points(src_in, src);
    if (n != get_points(dst_in, dst)) {
        mp_raise_ValueError(MP_ERROR_TEXT("src and dst must have the same number of points"));
    }
    if (image_similarity(src, dst, n, t, err)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s"), err);
    }
    mp_obj_t items[9];
    for (int i = 0; i < 9; i++) {
        items[i] = mp_obj_new_float((mp_float_t)t[i]);
    }
    return mp_obj_new_tuple(9, items);
}
static MP_DEFINE_CONST_FUN_OBJ_2(mod_get_affine_transform_obj, mod_get_affine_transform);

// MaixPy wants both images to have an AI buffer; a missing one is made here.
static mp_obj_t mod_warp_affine_ai(mp_obj_t src_in, mp_obj_t dst_in, mp_obj_t matrix) {
    mp_obj_t *items;
    float t[9];
    mp_obj_get_array_fixed_n(matrix, 9, &items);
    for (int i = 0; i < 9; i++) {
        t[i] = (float)mp_obj_get_float(items[i]);
    }
    image_t *src = py_image_get_with_ai(src_in), *dst = py_image_get_with_ai(dst_in);
    if (src->format != dst->format || src->ai == dst->ai) {
        mp_raise_ValueError(MP_ERROR_TEXT("two images of the same format are needed"));
    }
    image_warp_ai(dst, src, t);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(mod_warp_affine_ai_obj, mod_warp_affine_ai);

static const mp_rom_map_elem_t image_module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_image) },
    { MP_ROM_QSTR(MP_QSTR_Image), MP_ROM_PTR(&py_image_type) },
    { MP_ROM_QSTR(MP_QSTR_rgb_to_grayscale), MP_ROM_PTR(&mod_rgb_to_grayscale_obj) },
    { MP_ROM_QSTR(MP_QSTR_grayscale_to_rgb), MP_ROM_PTR(&mod_grayscale_to_rgb_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_affine_transform), MP_ROM_PTR(&mod_get_affine_transform_obj) },
    { MP_ROM_QSTR(MP_QSTR_warp_affine_ai), MP_ROM_PTR(&mod_warp_affine_ai_obj) },
    { MP_ROM_QSTR(MP_QSTR_ASCII), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_UTF8), MP_ROM_INT(2) },
};
static MP_DEFINE_CONST_DICT(image_module_globals, image_module_table);

const mp_obj_module_t image_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&image_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_image, image_module);
