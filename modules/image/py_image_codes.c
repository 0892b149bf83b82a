// SPDX-License-Identifier: MIT
// Image.find_qrcodes(), find_barcodes(), find_apriltags() and find_datamatrices().
#include <errno.h>
#include <math.h>

#include "py/unicode.h"

#include "codes/codes.h"
#include "py_image_vision.h"
#include "py_vision.h"

#define INT(v) MP_OBJ_NEW_SMALL_INT(v)

// Text as it is when it is UTF-8, else every byte as one character.
static mp_obj_t payload(const char *p, size_t n) {
    if (utf8_check((const byte *)p, n)) {
        return mp_obj_new_str(p, n);
    }
    vstr_t v;
    vstr_init(&v, 2 * n);
    for (size_t i = 0; i < n; i++) {
        vstr_add_char(&v, (byte)p[i]);
    }
    return mp_obj_new_str_from_utf8_vstr(&v);
}

// x, y, w, h of four points.
static void set_box(mp_obj_t *items, const int32_t (*p)[2]) {
    int32_t lo[2] = { p[0][0], p[0][1] }, hi[2] = { p[0][0], p[0][1] };
    for (int i = 1; i < 4; i++) {
        for (int k = 0; k < 2; k++) {
            lo[k] = p[i][k] < lo[k] ? p[i][k] : lo[k];
            hi[k] = p[i][k] > hi[k] ? p[i][k] : hi[k];
        }
    }
    items[0] = INT(lo[0]);
    items[1] = INT(lo[1]);
    items[2] = INT(hi[0] - lo[0] + 1);
    items[3] = INT(hi[1] - lo[1] + 1);
}

#if IMAGE_WITH_QRCODES
static mp_obj_t find_qrcodes(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    VISION_BEGIN(w)
    vis_list_t l;
    py_vision_check(code_find_qr(&l, &w, img, roi));
    for (size_t i = 0; i < l.n; i++) {
        const code_qr_t *q = (const code_qr_t *)l.items + i;
        mp_obj_t o = py_result_new(&py_qrcode_type, 11), *items = py_result_items(o);
        set_box(items, q->corner);
        items[4] = payload(q->payload, q->len);
        items[5] = INT(q->version);
        items[6] = INT(q->ecc_level);
        items[7] = INT(q->mask);
        items[8] = INT(q->data_type);
        items[9] = INT(q->eci);
        items[10] = py_points(q->corner, 4);
        mp_obj_list_append(list, o);
    }
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_qrcodes_obj, 1, find_qrcodes);
#endif

#if IMAGE_WITH_BARCODES
static mp_obj_t find_barcodes(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    VISION_BEGIN(w)
    vis_list_t l;
    py_vision_check(code_find_bars(&l, &w, img, roi));
    for (size_t i = 0; i < l.n; i++) {
        const code_bar_t *c = (const code_bar_t *)l.items + i;
        mp_obj_t o = py_result_new(&py_barcode_type, 9), *items = py_result_items(o);
        set_box(items, c->corner);
        items[4] = payload(c->payload, c->len);
        items[5] = INT(c->type);
        items[6] = mp_obj_new_float((mp_float_t)c->rotation);
        items[7] = INT(c->quality);
        items[8] = py_points(c->corner, 4);
        mp_obj_list_append(list, o);
    }
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_barcodes_obj, 1, find_barcodes);
#endif

#if IMAGE_WITH_APRILTAGS
static mp_float_t opt_lens(py_args_t *a, qstr name, mp_float_t value) {
    mp_float_t v = py_args_opt_finite(a, name, value);
    if (!(v > 0)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q must be > 0"), name);
    }
    return v;
}

static mp_obj_t find_apriltags(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_int_t families = py_args_opt_int(&a, MP_QSTR_families, CODE_TAG36H11);
    // A 2.8 mm lens before a sensor of 3.984 x 2.952 mm.
    mp_float_t fx = opt_lens(&a, MP_QSTR_fx, MICROPY_FLOAT_CONST(0.702811245) * img->w);
    mp_float_t fy = opt_lens(&a, MP_QSTR_fy, MICROPY_FLOAT_CONST(0.948509485) * img->h);
    mp_float_t cx = py_args_opt_finite(&a, MP_QSTR_cx, img->w * MICROPY_FLOAT_CONST(0.5));
    mp_float_t cy = py_args_opt_finite(&a, MP_QSTR_cy, img->h * MICROPY_FLOAT_CONST(0.5));
    if (families & ~CODE_TAG_ALL) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("families %d: TAG16H5, TAG25H7, TAG25H9, TAG36H10, TAG36H11, ARTOOLKIT or a sum of them"), (int)families);
    }
    mp_obj_t list = mp_obj_new_list(0, NULL);
    if (roi.w < 8 || roi.h < 8) {
        return list;
    }
    VISION_BEGIN(w)
    vis_list_t l;
    py_vision_check(code_find_tags(&l, &w, img, roi, (unsigned)families));
    for (size_t i = 0; i < l.n; i++) {
        const code_tag_t *t = (const code_tag_t *)l.items + i;
        double xyz[3], turn[3];
        code_tag_pose(t, (double)fx, (double)fy, (double)cx - roi.x, (double)cy - roi.y, xyz, turn);
        mp_obj_t o = py_result_new(&py_apriltag_type, 19), *items = py_result_items(o);
        set_box(items, t->corner);
        items[4] = INT(t->id);
        items[5] = INT(t->family);
        items[6] = INT(lrintf(t->cx));
        items[7] = INT(lrintf(t->cy));
        items[8] = mp_obj_new_float((mp_float_t)t->rotation);
        items[9] = mp_obj_new_float((mp_float_t)t->margin);
        items[10] = INT(t->hamming);
        items[11] = mp_obj_new_float((mp_float_t)t->goodness);
        for (int k = 0; k < 3; k++) {
            items[12 + k] = mp_obj_new_float((mp_float_t)xyz[k]);
            items[15 + k] = mp_obj_new_float((mp_float_t)turn[k]);
        }
        items[18] = py_points(t->corner, 4);
        mp_obj_list_append(list, o);
    }
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_apriltags_obj, 1, find_apriltags);
#endif

#if IMAGE_WITH_DATAMATRICES
static mp_obj_t find_datamatrices(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int32_t effort = (int32_t)py_args_opt_limited(&a, MP_QSTR_effort, 200, 1, 100000);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    if (roi.w < 8 || roi.h < 8) {
        return list;
    }
    VISION_BEGIN(w)
    vis_list_t l;
    py_vision_check(code_find_matrices(&l, &w, img, roi, effort));
    for (size_t i = 0; i < l.n; i++) {
        const code_matrix_t *m = (const code_matrix_t *)l.items + i;
        mp_obj_t o = py_result_new(&py_datamatrix_type, 11), *items = py_result_items(o);
        set_box(items, m->corner);
        items[4] = payload(m->payload, m->len);
        items[5] = mp_obj_new_float((mp_float_t)m->rotation);
        items[6] = INT(m->rows);
        items[7] = INT(m->columns);
        items[8] = INT(m->capacity);
        items[9] = INT(m->padding);
        items[10] = py_points(m->corner, 4);
        mp_obj_list_append(list, o);
    }
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_datamatrices_obj, 1, find_datamatrices);
#endif
