// SPDX-License-Identifier: MIT
// Image.find_*() for shapes: blobs, lines, circles, rectangles, templates, displacement.
#include <errno.h>

#include "py_image_vision.h"
#include "py_vision.h"

#define INT(v) MP_OBJ_NEW_SMALL_INT(v)
#define MAX_STRIDE (1024)

static vis_blob_options_t blob_options(py_args_t *a) {
    vis_blob_options_t o;
    o.x_stride = (int32_t)py_args_opt_limited(a, MP_QSTR_x_stride, 2, 1, MAX_STRIDE);
    o.y_stride = (int32_t)py_args_opt_limited(a, MP_QSTR_y_stride, 1, 1, MAX_STRIDE);
    o.area_threshold = py_i32(py_args_opt_int(a, MP_QSTR_area_threshold, 10));
    o.pixels_threshold = py_i32(py_args_opt_int(a, MP_QSTR_pixels_threshold, 10));
    return o;
}

static mp_obj_t new_blob(const vis_blob_t *b) {
    mp_obj_t o = py_result_new(&py_blob_type, 10), *i = py_result_items(o);
    i[0] = INT(b->x0);
    i[1] = INT(b->y0);
    i[2] = INT(b->x1 - b->x0 + 1);
    i[3] = INT(b->y1 - b->y0 + 1);
    i[4] = INT(b->pixels);
    i[5] = INT(b->sx / b->pixels);
    i[6] = INT(b->sy / b->pixels);
    i[7] = mp_obj_new_float((mp_float_t)vis_blob_rotation(b));
    i[8] = INT(b->code);
    i[9] = INT(b->count);
    return o;
}

static bool allow_merge(void *ctx, const vis_blob_t *a, const vis_blob_t *b) {
    return mp_obj_is_true(mp_call_function_2(MP_OBJ_FROM_PTR(ctx), new_blob(a), new_blob(b)));
}

static mp_obj_t callback(py_args_t *a, qstr name) {
    mp_obj_t f = py_args_opt(a, name);
    return f == mp_const_none ? MP_OBJ_NULL : f;
}

static mp_obj_t find_blobs(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    VISION_BEGIN(w)
    size_t n;
    vis_range_t *ranges = py_thresholds(&w, py_args_opt(&a, MP_QSTR_thresholds), img->format, &n);
    bool invert = py_args_opt_bool(&a, MP_QSTR_invert, false);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    vis_blob_options_t o = blob_options(&a);
    o.invert = invert;
    bool merge = py_args_opt_bool(&a, MP_QSTR_merge, false);
    int32_t margin = py_i32(py_args_opt_int(&a, MP_QSTR_margin, 0));
    mp_obj_t threshold_cb = callback(&a, MP_QSTR_threshold_cb), merge_cb = callback(&a, MP_QSTR_merge_cb);
    vis_list_t blobs;
    py_vision_check(vis_find_blobs(&blobs, &w, img, roi, ranges, n, &o));
    vis_blob_t *b = blobs.items;
    if (threshold_cb != MP_OBJ_NULL) {
        size_t kept = 0;
        for (size_t i = 0; i < blobs.n; i++) {
            if (mp_obj_is_true(mp_call_function_1(threshold_cb, new_blob(b + i)))) {
                b[kept++] = b[i];
            }
        }
        blobs.n = kept;
    }
    if (merge) {
        vis_merge_blobs(&blobs, margin, merge_cb == MP_OBJ_NULL ? NULL : allow_merge, MP_OBJ_TO_PTR(merge_cb));
    }
    for (size_t i = 0; i < blobs.n; i++) {
        mp_obj_list_append(list, new_blob(b + i));
    }
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_blobs_obj, 2, find_blobs);

static mp_obj_t new_line(const vis_line_t *l) {
    mp_obj_t o = py_result_new(&py_line_type, 8), *i = py_result_items(o);
    const int32_t v[8] = { l->x1, l->y1, l->x2, l->y2, l->length, l->magnitude, l->theta, l->rho };
    for (int k = 0; k < 8; k++) {
        i[k] = INT(v[k]);
    }
    return o;
}

static mp_obj_t line_list(const vis_list_t *l) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < l->n; i++) {
        mp_obj_list_append(list, new_line((const vis_line_t *)l->items + i));
    }
    return list;
}

static mp_obj_t get_regression(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_obj_t result = mp_const_none;
    VISION_BEGIN(w)
    size_t n;
    vis_range_t *ranges = py_thresholds(&w, py_args_opt(&a, MP_QSTR_thresholds), img->format, &n);
    bool invert = py_args_opt_bool(&a, MP_QSTR_invert, false);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    vis_blob_options_t o = blob_options(&a);
    o.invert = invert;
    bool robust = py_args_opt_bool(&a, MP_QSTR_robust, false);
    vis_line_t line;
    int found = vis_regression(&line, &w, img, roi, ranges, n, &o, robust);
    py_vision_check(found);
    if (found) {
        result = new_line(&line);
    }
    VISION_END(w)
    return result;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_get_regression_obj, 2, get_regression);

// Gradients need a pixel on every side.
static bool too_small(image_rect_t roi) {
    return roi.w < 3 || roi.h < 3;
}

static mp_obj_t find_lines(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int32_t xs = (int32_t)py_args_opt_limited(&a, MP_QSTR_x_stride, 2, 1, MAX_STRIDE);
    int32_t ys = (int32_t)py_args_opt_limited(&a, MP_QSTR_y_stride, 1, 1, MAX_STRIDE);
    uint32_t threshold = (uint32_t)py_args_opt_limited(&a, MP_QSTR_threshold, 1000, 0, INT32_MAX);
    int32_t theta_margin = py_i32(py_args_opt_int(&a, MP_QSTR_theta_margin, 25));
    int32_t rho_margin = py_i32(py_args_opt_int(&a, MP_QSTR_rho_margin, 25));
    if (too_small(roi)) {
        return mp_obj_new_list(0, NULL);
    }
    VISION_BEGIN(w)
    vis_list_t lines;
    py_vision_check(vis_find_lines(&lines, &w, img, roi, xs, ys, threshold, theta_margin, rho_margin));
    mp_obj_t list = line_list(&lines);
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_lines_obj, 1, find_lines);

static mp_obj_t find_line_segments(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int32_t distance = py_i32(py_args_opt_int(&a, MP_QSTR_merge_distance, 0));
    int32_t max_theta_diff = py_i32(py_args_opt_int(&a, MP_QSTR_max_theta_diff, 15));
    if (too_small(roi)) {
        return mp_obj_new_list(0, NULL);
    }
    VISION_BEGIN(w)
    vis_list_t lines;
    py_vision_check(vis_find_segments(&lines, &w, img, roi, distance, max_theta_diff));
    mp_obj_t list = line_list(&lines);
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_line_segments_obj, 1, find_line_segments);

static mp_obj_t find_circles(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    vis_circle_options_t o;
    o.x_stride = (int32_t)py_args_opt_limited(&a, MP_QSTR_x_stride, 2, 1, MAX_STRIDE);
    o.y_stride = (int32_t)py_args_opt_limited(&a, MP_QSTR_y_stride, 1, 1, MAX_STRIDE);
    o.threshold = (int32_t)py_args_opt_limited(&a, MP_QSTR_threshold, 2000, 0, INT32_MAX);
    o.x_margin = py_i32(py_args_opt_int(&a, MP_QSTR_x_margin, 10));
    o.y_margin = py_i32(py_args_opt_int(&a, MP_QSTR_y_margin, 10));
    o.r_margin = py_i32(py_args_opt_int(&a, MP_QSTR_r_margin, 10));
    int32_t most = (roi.w < roi.h ? roi.w : roi.h) / 2;
    mp_int_t r_min = py_args_opt_int(&a, MP_QSTR_r_min, 2), r_max = py_args_opt_int(&a, MP_QSTR_r_max, most);
    o.r_min = r_min < 2 ? 2 : py_i32(r_min);
    o.r_max = r_max > most ? most : py_i32(r_max);
    o.r_step = (int32_t)py_args_opt_limited(&a, MP_QSTR_r_step, 2, 1, IMAGE_MAX_SIDE);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    if (too_small(roi)) {
        return list;
    }
    VISION_BEGIN(w)
    vis_list_t circles;
    py_vision_check(vis_find_circles(&circles, &w, img, roi, &o));
    for (size_t i = 0; i < circles.n; i++) {
        const vis_circle_t *c = (const vis_circle_t *)circles.items + i;
        mp_obj_t r = py_result_new(&py_circle_type, 4), *items = py_result_items(r);
        items[0] = INT(c->x);
        items[1] = INT(c->y);
        items[2] = INT(c->r);
        items[3] = INT(c->magnitude);
        mp_obj_list_append(list, r);
    }
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_circles_obj, 1, find_circles);

static mp_obj_t find_rects(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    uint32_t threshold = (uint32_t)py_args_opt_limited(&a, MP_QSTR_threshold, 1000, 0, INT32_MAX);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    if (too_small(roi)) {
        return list;
    }
    VISION_BEGIN(w)
    vis_list_t quads;
    py_vision_check(vis_find_rects(&quads, &w, img, roi, threshold));
    for (size_t i = 0; i < quads.n; i++) {
        const vis_quad_t *q = (const vis_quad_t *)quads.items + i;
        mp_obj_t r = py_result_new(&py_rect_type, PY_RECT_SHOWN + 1), *items = py_result_items(r);
        items[0] = INT(q->x);
        items[1] = INT(q->y);
        items[2] = INT(q->w);
        items[3] = INT(q->h);
        items[4] = INT(q->magnitude);
        items[PY_RECT_SHOWN] = py_points(q->corner, 4);
        mp_obj_list_append(list, r);
    }
    VISION_END(w)
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_rects_obj, 1, find_rects);

static mp_obj_t find_template(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]), *tmpl = py_image_get_gray(py_args_obj(&a, "template"));
    mp_float_t threshold = mp_obj_get_float(py_args_obj(&a, "threshold"));
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    int32_t step = (int32_t)py_args_opt_limited(&a, MP_QSTR_step, 2, 1, MAX_STRIDE);
    mp_int_t search = py_args_opt_limited(&a, MP_QSTR_search, 0, 0, 1);
    if (tmpl->w > roi.w || tmpl->h > roi.h) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("Region of interest is smaller than template! %dx%d and %dx%d"),
            (int)roi.w, (int)roi.h, (int)tmpl->w, (int)tmpl->h);
    }
    image_rect_t at;
    float score;
    VISION_BEGIN(w)
    int found = vis_find_template(&at, &score, &w, img, roi, tmpl, (float)threshold, step, search == 1);
    py_vision_check(found);
    VISION_END(w)
    return found ? py_rect_tuple(at.x, at.y, at.w, at.h) : mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_template_obj, 3, find_template);

static mp_obj_t find_displacement(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]), *tmpl = py_image_get_pixels(py_args_obj(&a, "template"));
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_obj_t other = py_args_opt(&a, MP_QSTR_template_roi);
    image_rect_t tmpl_roi = { 0, 0, tmpl->w, tmpl->h };
    if (other != MP_OBJ_NULL && other != mp_const_none) {
        tmpl_roi = py_roi(other, tmpl->w, tmpl->h);
    }
    bool logpolar = py_args_opt_bool(&a, MP_QSTR_logpolar, false);
    bool fix = py_args_opt_bool(&a, MP_QSTR_fix_rotation_scale, false);
    vis_displacement_t d;
    VISION_BEGIN(w)
    py_vision_check(vis_displacement(&d, &w, img, roi, tmpl, tmpl_roi, logpolar, fix));
    VISION_END(w)
    mp_obj_t o = py_result_new(&py_displacement_type, 5), *items = py_result_items(o);
    // As in MaixPy y counts upwards, and the scale is 0 when nobody asked for it.
    const float v[5] = { d.x, -d.y, d.rotation, logpolar || fix ? d.scale : 0, d.response };
    for (int i = 0; i < 5; i++) {
        items[i] = mp_obj_new_float((mp_float_t)v[i]);
    }
    return o;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_displacement_obj, 2, find_displacement);

static mp_obj_t find_edges(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    mp_int_t type = mp_obj_get_int(py_args_obj(&a, "edge type"));
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_obj_t pair = py_args_opt(&a, MP_QSTR_threshold);
    mp_int_t low = 100, high = 200;
    if (pair != MP_OBJ_NULL) {
        mp_obj_t *items;
        mp_obj_get_array_fixed_n(pair, 2, &items);
        low = mp_obj_get_int(items[0]);
        high = mp_obj_get_int(items[1]);
    }
    if (type != 0 && type != 1) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("edge type %d: image.EDGE_CANNY or image.EDGE_SIMPLE"), (int)type);
    }
    VISION_BEGIN(w)
    py_vision_check((type ? vis_edges_simple : vis_edges_canny)(img, &w, roi, py_i32(low), py_i32(high)));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_find_edges_obj, 2, find_edges);
