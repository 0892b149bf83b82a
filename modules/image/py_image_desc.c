// SPDX-License-Identifier: MIT
// Keypoints, patterns, cascades and what else describes parts of a picture.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "py/builtin.h"
#include "py/objstr.h"
#include "py/stream.h"

#include "cascades.h"
#include "py_image_vision.h"
#include "py_vision.h"

// ---- descriptors --------------------------------------------------------------------------------

typedef struct {
    mp_obj_base_t base;
    mp_obj_t data;          // bytes: vis_keypoint_t one after another, or the histograms of LBP
    mp_int_t threshold;
    bool normalized;
} py_desc_t;

static const mp_obj_type_t kp_type, lbp_type;

static mp_obj_t new_desc(const mp_obj_type_t *type, const void *data, size_t n, mp_int_t threshold, bool normalized) {
    mp_obj_t bytes = mp_obj_new_bytes(data, n);
    py_desc_t *o = mp_obj_malloc(py_desc_t, type);
    o->data = bytes;
    o->threshold = threshold;
    o->normalized = normalized;
    return MP_OBJ_FROM_PTR(o);
}

static const void *desc_data(mp_obj_t o, const mp_obj_type_t *type, size_t *n) {
    if (!mp_obj_is_type(o, type)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("Can't convert %s to %s"), mp_obj_get_type_str(o),
            type == &kp_type ? "kp_desc" : "lbp_desc");
    }
    mp_buffer_info_t b;
    mp_get_buffer_raise(((py_desc_t *)MP_OBJ_TO_PTR(o))->data, &b, MP_BUFFER_READ);
    *n = b.len;
    return b.buf;
}

static void kp_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    py_desc_t *self = MP_OBJ_TO_PTR(self_in);
    size_t n;
    desc_data(self_in, &kp_type, &n);
    mp_printf(print, "{\"size\":%d, \"threshold\":%d, \"normalized\":%d}", (int)(n / sizeof(vis_keypoint_t)), (int)self->threshold,
        (int)self->normalized);
}

static mp_obj_t kp_tuple(const vis_keypoint_t *k) {
    mp_obj_t items[5] = {
        MP_OBJ_NEW_SMALL_INT(k->x), MP_OBJ_NEW_SMALL_INT(k->y), MP_OBJ_NEW_SMALL_INT(k->score), MP_OBJ_NEW_SMALL_INT(k->octave),
        MP_OBJ_NEW_SMALL_INT(k->angle),
    };
    return mp_obj_new_tuple(5, items);
}

static mp_obj_t kp_subscr(mp_obj_t self, mp_obj_t index, mp_obj_t value) {
    size_t n;
    const vis_keypoint_t *k = desc_data(self, &kp_type, &n);
    if (value != MP_OBJ_SENTINEL) {
        return MP_OBJ_NULL;
    }
    return kp_tuple(k + mp_get_index(&kp_type, n / sizeof(*k), index, false));
}

static mp_obj_t kp_unary_op(mp_unary_op_t op, mp_obj_t self) {
    size_t n;
    desc_data(self, &kp_type, &n);
    return op == MP_UNARY_OP_LEN ? MP_OBJ_NEW_SMALL_INT(n / sizeof(vis_keypoint_t)) : op == MP_UNARY_OP_BOOL ? mp_const_true : MP_OBJ_NULL;
}

static MP_DEFINE_CONST_OBJ_TYPE(
    kp_type, MP_QSTR_kp_desc, MP_TYPE_FLAG_NONE,
    print, kp_print, subscr, kp_subscr, unary_op, kp_unary_op
    );

static void lbp_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind) {
    (void)kind;
    size_t n;
    desc_data(self, &lbp_type, &n);
    mp_printf(print, "{\"size\":%d}", (int)n);
}

static MP_DEFINE_CONST_OBJ_TYPE(lbp_type, MP_QSTR_lbp_desc, MP_TYPE_FLAG_NONE, print, lbp_print);

static mp_obj_t find_keypoints(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int32_t threshold = (int32_t)py_args_opt_limited(&a, MP_QSTR_threshold, 20, 1, 255);
    bool normalized = py_args_opt_bool(&a, MP_QSTR_normalized, false);
    mp_float_t scale = py_args_opt_finite(&a, MP_QSTR_scale_factor, MICROPY_FLOAT_CONST(1.5));
    int32_t most = (int32_t)py_args_opt_limited(&a, MP_QSTR_max_keypoints, 100, 1, 1000);
    py_args_opt_int(&a, MP_QSTR_corner_detector, 1); // FAST and AGAST define the same corners
    if (scale < 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("scale_factor must be >= 1"));
    }
    mp_obj_t o = mp_const_none;
    VISION_BEGIN(w)
    vis_list_t l;
    py_vision_check(vis_find_keypoints(&l, &w, img, roi, threshold, normalized, (float)scale, most));
    if (l.n) {
        o = new_desc(&kp_type, l.items, l.n * sizeof(vis_keypoint_t), threshold, normalized);
    }
    VISION_END(w)
    return o;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_keypoints_obj, 1, find_keypoints);

static mp_obj_t find_lbp(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_obj_t o;
    VISION_BEGIN(w)
    uint8_t *hist = vis_alloc(&w, VIS_LBP_BYTES);
    py_vision_check(hist ? vis_lbp(hist, &w, img, roi) : -ENOMEM);
    o = new_desc(&lbp_type, hist, VIS_LBP_BYTES, 0, false);
    VISION_END(w)
    return o;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_lbp_obj, 1, find_lbp);

static mp_obj_t draw_keypoints(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_obj_t kp = py_args_obj(&a, "keypoints");
    uint32_t color = py_args_opt_color(&a, img->format);
    int32_t size = py_i32(py_args_opt_int(&a, MP_QSTR_size, 10)), thickness = py_i32(py_args_opt_int(&a, MP_QSTR_thickness, 1));
    bool fill = py_args_opt_bool(&a, MP_QSTR_fill, false);
    size_t n;
    mp_obj_t *items = NULL;
    if (mp_obj_is_type(kp, &kp_type)) {
        desc_data(kp, &kp_type, &n);
        n /= sizeof(vis_keypoint_t);
    } else {
        mp_obj_get_array(kp, &n, &items); // (x, y, angle) each
    }
    for (size_t i = 0; i < n; i++) {
        mp_int_t v[3];
        if (items) {
            mp_obj_t *xya;
            mp_obj_get_array_fixed_n(items[i], 3, &xya);
            for (int k = 0; k < 3; k++) {
                v[k] = mp_obj_get_int(xya[k]);
            }
        } else {
            const vis_keypoint_t *k = (const vis_keypoint_t *)desc_data(kp, &kp_type, &(size_t) { 0 }) + i;
            v[0] = k->x;
            v[1] = k->y;
            v[2] = k->angle;
        }
        mp_float_t angle = (mp_float_t)(v[2] % 360) * MICROPY_FLOAT_CONST(0.017453292519943);
        int32_t x = py_i32(v[0]), y = py_i32(v[1]), r = size / 4 > 1 ? size / 4 : 1;
        image_draw_line(img, x, y, py_i32((mp_int_t)x + (mp_int_t)(MICROPY_FLOAT_C_FUN(cos)(angle) * size)),
            py_i32((mp_int_t)y + (mp_int_t)(MICROPY_FLOAT_C_FUN(sin)(angle) * size)), color, thickness);
        image_draw_circle(img, x, y, r, color, thickness, fill);
    }
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_keypoints_obj, 2, draw_keypoints);

static mp_obj_t match_descriptor(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = { n_args, pos, kw, 2 };
    mp_int_t threshold = py_args_opt_limited(&a, MP_QSTR_threshold, 85, 0, 100);
    bool outliers = py_args_opt_bool(&a, MP_QSTR_filter_outliers, false);
    size_t na, nb;
    if (mp_obj_is_type(pos[0], &lbp_type)) {
        const void *p = desc_data(pos[0], &lbp_type, &na), *q = desc_data(pos[1], &lbp_type, &nb);
        if (na != VIS_LBP_BYTES || nb != VIS_LBP_BYTES) {
            mp_raise_ValueError(MP_ERROR_TEXT("damaged descriptor"));
        }
        return MP_OBJ_NEW_SMALL_INT(vis_lbp_distance(p, q));
    }
    const vis_keypoint_t *p = desc_data(pos[0], &kp_type, &na), *q = desc_data(pos[1], &kp_type, &nb);
    na /= sizeof(*p);
    nb /= sizeof(*q);
    mp_obj_t o = py_result_new(&py_kptmatch_type, 9), *items = py_result_items(o);
    VISION_BEGIN(w)
    uint16_t *pairs = vis_alloc(&w, (na + 1) * 2 * sizeof(*pairs));
    py_vision_check(pairs ? 0 : -ENOMEM);
    vis_kptmatch_t m;
    int count = vis_match_keypoints(&m, p, na, q, nb, (int32_t)threshold, outliers, pairs);
    const int32_t v[8] = { m.cx, m.cy, m.x, m.y, m.w, m.h, m.count, m.theta };
    for (int i = 0; i < 8; i++) {
        items[i] = MP_OBJ_NEW_SMALL_INT(v[i]);
    }
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (int i = 0; i < count; i++) {
        mp_obj_t pair[2] = { MP_OBJ_NEW_SMALL_INT(pairs[2 * i]), MP_OBJ_NEW_SMALL_INT(pairs[2 * i + 1]) };
        mp_obj_list_append(list, mp_obj_new_tuple(2, pair));
    }
    items[8] = list;
    VISION_END(w)
    return o;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_match_descriptor_obj, 2, match_descriptor);

// ---- descriptor files: four letters, then threshold and normalized, then the data --------------

#define HEADER (8)

static mp_obj_t open_file(mp_obj_t path, qstr mode) {
    mp_obj_t args[2] = { path, MP_OBJ_NEW_QSTR(mode) };
    return mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_builtin_open_obj), 2, 0, args);
}

mp_obj_t py_read_file(mp_obj_t path) {
    mp_obj_t file = open_file(path, MP_QSTR_rb), dest[2];
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_load_method(file, MP_QSTR_read, dest);
        mp_obj_t data = mp_call_method_n_kw(0, 0, dest);
        nlr_pop();
        mp_stream_close(file);
        return data;
    }
    mp_stream_close(file);
    nlr_jump(nlr.ret_val);
}

static mp_obj_t save_descriptor(mp_obj_t desc, mp_obj_t path) {
    if (mp_obj_is_str(desc)) {
        // OpenMV's documents have the arguments in this order.
        mp_obj_t t = desc;
        desc = path;
        path = t;
    }
    bool kp = mp_obj_is_type(desc, &kp_type);
    size_t n;
    const void *data = desc_data(desc, kp ? &kp_type : &lbp_type, &n);
    py_desc_t *d = MP_OBJ_TO_PTR(desc);
    uint8_t head[HEADER] = { 'K', 'D', kp ? 'K' : 'L', '1', (uint8_t)d->threshold, d->normalized, 0, 0 };
    mp_obj_t file = open_file(path, MP_QSTR_wb);
    int err = 0, unused;
    mp_stream_rw(file, head, sizeof(head), &err, MP_STREAM_RW_WRITE);
    if (!err && mp_stream_rw(file, (void *)data, n, &err, MP_STREAM_RW_WRITE) != n && !err) {
        err = MP_ENOSPC;
    }
    (void)unused;
    mp_stream_close(file);
    if (err) {
        mp_raise_OSError(err);
    }
    return mp_const_true;
}
MP_DEFINE_CONST_FUN_OBJ_2(py_image_save_descriptor_obj, save_descriptor);

static mp_obj_t load_descriptor(mp_obj_t path) {
    mp_buffer_info_t b;
    mp_obj_t data = py_read_file(path);
    mp_get_buffer_raise(data, &b, MP_BUFFER_READ);
    const uint8_t *p = b.buf;
    bool kp = b.len >= HEADER && p[2] == 'K';
    size_t n = b.len - HEADER;
    if (b.len < HEADER || memcmp(p, "KD", 2) || p[3] != '1' || (kp ? n % sizeof(vis_keypoint_t) : p[2] != 'L' || n != VIS_LBP_BYTES)) {
        mp_raise_ValueError(MP_ERROR_TEXT("not a descriptor file"));
    }
    return new_desc(kp ? &kp_type : &lbp_type, p + HEADER, n, p[4], p[5]);
}
MP_DEFINE_CONST_FUN_OBJ_1(py_image_load_descriptor_obj, load_descriptor);

// ---- cascades -----------------------------------------------------------------------------------

typedef struct {
    mp_obj_base_t base;
    vis_cascade_t c;
    mp_obj_t data;
} py_cascade_t;

static void cascade_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const vis_cascade_t *c = &((py_cascade_t *)MP_OBJ_TO_PTR(self_in))->c;
    mp_printf(print, "{\"width\":%d, \"height\":%d, \"n_stages\":%d, \"n_features\":%d, \"n_rectangles\":%d}", (int)c->w, (int)c->h,
        (int)c->n_stages, (int)c->n_features, (int)c->n_rects);
}

static MP_DEFINE_CONST_OBJ_TYPE(cascade_type, MP_QSTR_cascade, MP_TYPE_FLAG_NONE, print, cascade_print);

#if !IMAGE_WITH_CASCADES
// The names that other firmware has built in, from a file in the current directory.
static mp_obj_t read_named_cascade(const char *name) {
    char path[24];
    snprintf(path, sizeof(path), "%s.cascade", name);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t data = py_read_file(mp_obj_new_str_from_cstr(path));
        nlr_pop();
        return data;
    }
    if (!mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(((mp_obj_base_t *)nlr.ret_val)->type), MP_OBJ_FROM_PTR(&mp_type_OSError))) {
        nlr_jump(nlr.ret_val);
    }
    mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("no cascade '%s' is built in, and there is no file %s: `k210 cascade` makes it"),
        name, path);
}
#endif

static mp_obj_t haar_cascade(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = { n_args, pos, kw, 1 };
    const char *name = mp_obj_str_get_str(pos[0]);
    int32_t stages = py_i32(py_args_opt_int(&a, MP_QSTR_stages, -1));
    mp_obj_t data = mp_const_none;
    mp_buffer_info_t b = { 0 };
    #if IMAGE_WITH_CASCADES
    b.buf = (void *)image_cascade(name, &b.len);
    #else
    if (strcmp(name, "frontalface") == 0 || strcmp(name, "eye") == 0) {
        data = read_named_cascade(name);
        mp_get_buffer_raise(data, &b, MP_BUFFER_READ);
    }
    #endif
    if (b.buf == NULL) {
        data = py_read_file(pos[0]);
        mp_get_buffer_raise(data, &b, MP_BUFFER_READ);
    }
    py_cascade_t *o = mp_obj_malloc(py_cascade_t, &cascade_type);
    char err[IMAGE_ERR_LEN];
    o->data = data;
    if (vis_cascade_parse(&o->c, b.buf, b.len, stages, err)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("'%s' is not a cascade file, or damaged (%s)"), name, err);
    }
    return MP_OBJ_FROM_PTR(o);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_haar_cascade_obj, 1, haar_cascade);

static mp_obj_t rect_list(const vis_list_t *l) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < l->n; i++) {
        const image_rect_t *r = (const image_rect_t *)l->items + i;
        mp_obj_list_append(list, py_rect_tuple(r->x, r->y, r->w, r->h));
    }
    return list;
}

static mp_obj_t find_features(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    mp_obj_t cascade = py_args_obj(&a, "cascade");
    mp_float_t threshold = py_args_opt_finite(&a, MP_QSTR_threshold, MICROPY_FLOAT_CONST(0.5));
    mp_float_t scale = py_args_opt_finite(&a, MP_QSTR_scale_factor, MICROPY_FLOAT_CONST(1.5));
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    if (!mp_obj_is_type(cascade, &cascade_type)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("Can't convert %s to %s"), mp_obj_get_type_str(cascade), "cascade");
    }
    if (scale < MICROPY_FLOAT_CONST(1.05)) {
        mp_raise_ValueError(MP_ERROR_TEXT("scale_factor must be >= 1.05"));
    }
    mp_obj_t list;
    VISION_BEGIN(w)
    vis_list_t l;
    py_vision_check(vis_find_features(&l, &w, img, roi, &((py_cascade_t *)MP_OBJ_TO_PTR(cascade))->c, (float)threshold, (float)scale));
    list = rect_list(&l);
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_features_obj, 2, find_features);

static mp_obj_t find_eye(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int32_t x, y;
    VISION_BEGIN(w)
    py_vision_check(vis_find_eye(&x, &y, &w, img, roi));
    VISION_END(w)
    mp_obj_t items[2] = { MP_OBJ_NEW_SMALL_INT(x), MP_OBJ_NEW_SMALL_INT(y) };
    return mp_obj_new_tuple(2, items);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_eye_obj, 1, find_eye);

static mp_obj_t find_hog(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int32_t size = (int32_t)py_args_opt_limited(&a, MP_QSTR_size, 8, 4, 64);
    VISION_BEGIN(w)
    py_vision_check(vis_hog(img, &w, roi, size));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_hog_obj, 1, find_hog);

static mp_obj_t find_domain(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    mp_float_t gate = py_args_opt_finite(&a, MP_QSTR_edge_gate, MICROPY_FLOAT_CONST(0.5));
    mp_obj_t o = py_image_new(img->w, img->h, IMAGE_BINARY, false);
    int found;
    VISION_BEGIN(w)
    found = vis_find_domain(py_image_get(o), &w, img, (float)gate);
    py_vision_check(found);
    VISION_END(w)
    return found ? o : mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_domain_obj, 1, find_domain);

static mp_obj_t selective_search(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    int32_t threshold = (int32_t)py_args_opt_limited(&a, MP_QSTR_threshold, 500, 0, 1000000);
    int32_t size = (int32_t)py_args_opt_limited(&a, MP_QSTR_size, 20, 1, 1000000);
    mp_float_t a1 = py_args_opt_finite(&a, MP_QSTR_a1, 1), a2 = py_args_opt_finite(&a, MP_QSTR_a2, 1);
    mp_float_t a3 = py_args_opt_finite(&a, MP_QSTR_a3, 1);
    mp_obj_t list;
    VISION_BEGIN(w)
    vis_list_t l;
    py_vision_check(vis_selective_search(&l, &w, img, threshold, size, (float)a1, (float)a2, (float)a3));
    list = rect_list(&l);
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_selective_search_obj, 1, selective_search);
