// SPDX-License-Identifier: MIT
// import image
#include "py/runtime.h"

#include "py_image.h"
#include "py_image_font.h"
#include "py_image_stream.h"
#include "py_image_vision.h"
#include "vision/vision.h"

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

static mp_obj_t mod_rgb_to_lab(mp_obj_t rgb) {
    mp_int_t c[3];
    int8_t lab[3];
    get_triple(rgb, c);
    vis_rgb_to_lab(byte_of(c[0]), byte_of(c[1]), byte_of(c[2]), lab);
    return new_triple(lab[0], lab[1], lab[2]);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_rgb_to_lab_obj, mod_rgb_to_lab);

static mp_obj_t mod_lab_to_rgb(mp_obj_t lab) {
    static const int16_t limits[3][2] = { { 0, 100 }, { -128, 127 }, { -128, 127 } };
    mp_int_t c[3];
    int v[3];
    uint8_t rgb[3];
    get_triple(lab, c);
    for (int i = 0; i < 3; i++) {
        v[i] = c[i] < limits[i][0] ? limits[i][0] : c[i] > limits[i][1] ? limits[i][1] : (int)c[i];
    }
    vis_lab_to_rgb(v, rgb);
    return new_triple(rgb[0], rgb[1], rgb[2]);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mod_lab_to_rgb_obj, mod_lab_to_rgb);

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

// At the first import after a reset: nothing of what a script loaded before is left.
static mp_obj_t mod_init(void) {
    py_image_font_free();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_init_obj, mod_init);

static const mp_rom_map_elem_t image_module_table[] = {
    { MP_ROM_QSTR(MP_QSTR___init__), MP_ROM_PTR(&mod_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_font_load), MP_ROM_PTR(&py_image_font_load_obj) },
    { MP_ROM_QSTR(MP_QSTR_font_free), MP_ROM_PTR(&py_image_font_free_obj) },
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_image) },
    { MP_ROM_QSTR(MP_QSTR_Image), MP_ROM_PTR(&py_image_type) },
    #if IMAGE_WITH_STREAMS
    { MP_ROM_QSTR(MP_QSTR_ImageWriter), MP_ROM_PTR(&py_image_writer_type) },
    { MP_ROM_QSTR(MP_QSTR_ImageReader), MP_ROM_PTR(&py_image_reader_type) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_rgb_to_grayscale), MP_ROM_PTR(&mod_rgb_to_grayscale_obj) },
    { MP_ROM_QSTR(MP_QSTR_grayscale_to_rgb), MP_ROM_PTR(&mod_grayscale_to_rgb_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_affine_transform), MP_ROM_PTR(&mod_get_affine_transform_obj) },
    { MP_ROM_QSTR(MP_QSTR_warp_affine_ai), MP_ROM_PTR(&mod_warp_affine_ai_obj) },
    { MP_ROM_QSTR(MP_QSTR_ASCII), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_UTF8), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_rgb_to_lab), MP_ROM_PTR(&mod_rgb_to_lab_obj) },
    { MP_ROM_QSTR(MP_QSTR_lab_to_rgb), MP_ROM_PTR(&mod_lab_to_rgb_obj) },
    #if IMAGE_WITH_FEATURES
    { MP_ROM_QSTR(MP_QSTR_HaarCascade), MP_ROM_PTR(&py_image_haar_cascade_obj) },
    { MP_ROM_QSTR(MP_QSTR_load_descriptor), MP_ROM_PTR(&py_image_load_descriptor_obj) },
    { MP_ROM_QSTR(MP_QSTR_save_descriptor), MP_ROM_PTR(&py_image_save_descriptor_obj) },
    { MP_ROM_QSTR(MP_QSTR_match_descriptor), MP_ROM_PTR(&py_image_match_descriptor_obj) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_SEARCH_EX), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_SEARCH_DS), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_EDGE_CANNY), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_EDGE_SIMPLE), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_CORNER_FAST), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_CORNER_AGAST), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_TAG16H5), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_TAG25H7), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_TAG25H9), MP_ROM_INT(4) },
    { MP_ROM_QSTR(MP_QSTR_TAG36H10), MP_ROM_INT(8) },
    { MP_ROM_QSTR(MP_QSTR_TAG36H11), MP_ROM_INT(16) },
    { MP_ROM_QSTR(MP_QSTR_ARTOOLKIT), MP_ROM_INT(32) },
    { MP_ROM_QSTR(MP_QSTR_EAN2), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_EAN5), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_EAN8), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_UPCE), MP_ROM_INT(3) },
    { MP_ROM_QSTR(MP_QSTR_ISBN10), MP_ROM_INT(4) },
    { MP_ROM_QSTR(MP_QSTR_UPCA), MP_ROM_INT(5) },
    { MP_ROM_QSTR(MP_QSTR_EAN13), MP_ROM_INT(6) },
    { MP_ROM_QSTR(MP_QSTR_ISBN13), MP_ROM_INT(7) },
    { MP_ROM_QSTR(MP_QSTR_I25), MP_ROM_INT(8) },
    { MP_ROM_QSTR(MP_QSTR_DATABAR), MP_ROM_INT(9) },
    { MP_ROM_QSTR(MP_QSTR_DATABAR_EXP), MP_ROM_INT(10) },
    { MP_ROM_QSTR(MP_QSTR_CODABAR), MP_ROM_INT(11) },
    { MP_ROM_QSTR(MP_QSTR_CODE39), MP_ROM_INT(12) },
    { MP_ROM_QSTR(MP_QSTR_PDF417), MP_ROM_INT(13) },
    { MP_ROM_QSTR(MP_QSTR_CODE93), MP_ROM_INT(14) },
    { MP_ROM_QSTR(MP_QSTR_CODE128), MP_ROM_INT(15) },
};
static MP_DEFINE_CONST_DICT(image_module_globals, image_module_table);

const mp_obj_module_t image_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&image_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_image, image_module);
