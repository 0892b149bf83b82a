// SPDX-License-Identifier: MIT
// Filters over a window, and what moves pixels. All return the image.
#include <errno.h>
#include <math.h>

#include "py_image_vision.h"
#include "py_vision.h"

// threshold, offset, invert, mask: what all filters have in the end.
static mp_obj_t run(py_args_t *a, image_t *img, vis_filter_args_t *f, vis_work_t *w) {
    f->threshold = py_args_opt_bool(a, MP_QSTR_threshold, false);
    f->offset = (int32_t)py_args_opt_limited(a, MP_QSTR_offset, 0, -1000, 1000);
    f->invert = py_args_opt_bool(a, MP_QSTR_invert, false);
    f->mask = py_args_opt_mask(a, img);
    py_vision_check(vis_filter(img, w, f));
    return a->args[0];
}

static mp_obj_t simple(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, vis_filter_t kind) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    vis_filter_args_t f = { .kind = kind, .k = py_args_ksize(&a) };
    if (kind == VIS_MEDIAN || kind == VIS_MIDPOINT) {
        qstr name = kind == VIS_MEDIAN ? MP_QSTR_percentile : MP_QSTR_bias;
        mp_float_t v = py_args_opt_finite(&a, name, MICROPY_FLOAT_CONST(0.5));
        if (v < 0 || v > 1) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q must be 0 to 1"), name);
        }
        f.percentile = f.bias = (float)v;
    } else if (kind == VIS_BILATERAL) {
        f.color_sigma = (float)py_args_opt_finite(&a, MP_QSTR_color_sigma, MICROPY_FLOAT_CONST(0.1));
        f.space_sigma = (float)py_args_opt_finite(&a, MP_QSTR_space_sigma, 1);
        if (!(f.color_sigma > 0 && f.space_sigma > 0)) {
            mp_raise_ValueError(MP_ERROR_TEXT("color_sigma and space_sigma must be > 0"));
        }
    }
    VISION_BEGIN(w)
    run(&a, img, &f, &w);
    VISION_END(w)
    return pos[0];
}

#define SIMPLE(name, kind) \
    static mp_obj_t name##_(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) { \
        return simple(n_args, pos, kw, kind); \
    } \
    MP_DEFINE_CONST_FUN_OBJ_KW(py_image_##name##_obj, 2, name##_);
SIMPLE(mean, VIS_MEAN)
SIMPLE(median, VIS_MEDIAN)
SIMPLE(mode, VIS_MODE)
SIMPLE(midpoint, VIS_MIDPOINT)
SIMPLE(bilateral, VIS_BILATERAL)

static void limit_kernel(int32_t k, int32_t most) {
    if (k > most) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("kernel size %d: 0 to %d"), (int)k, (int)most);
    }
}

// Beyond this the numbers of Pascal's triangle do not fit.
#define MAX_GAUSSIAN (7)

static mp_obj_t convolve(py_args_t *a, image_t *img, vis_filter_args_t *f, vis_work_t *w, int64_t sum) {
    f->mul = (float)py_args_opt_finite(a, MP_QSTR_mul, sum ? 1 / (mp_float_t)sum : 1);
    f->add = (float)py_args_opt_finite(a, MP_QSTR_add, 0);
    return run(a, img, f, w);
}

static mp_obj_t gaussian_laplacian(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, bool laplacian) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    vis_filter_args_t f = { .kind = VIS_CONV, .k = py_args_ksize(&a) };
    limit_kernel(f.k, MAX_GAUSSIAN);
    int32_t kernel[(2 * MAX_GAUSSIAN + 1) * (2 * MAX_GAUSSIAN + 1)];
    bool sharp = py_args_opt_bool(&a, laplacian ? MP_QSTR_sharpen : MP_QSTR_unsharp, false);
    int64_t sum = laplacian ? vis_kernel_laplacian(f.k, sharp, kernel) : vis_kernel_gaussian(f.k, sharp, kernel);
    f.kernel = kernel;
    VISION_BEGIN(w)
    convolve(&a, img, &f, &w, sum);
    VISION_END(w)
    return pos[0];
}

static mp_obj_t gaussian(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return gaussian_laplacian(n_args, pos, kw, false);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_gaussian_obj, 2, gaussian);

static mp_obj_t laplacian(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return gaussian_laplacian(n_args, pos, kw, true);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_laplacian_obj, 2, laplacian);

// A list of numbers, or a list of rows.
static int64_t get_kernel(mp_obj_t o, size_t n, size_t row, int32_t *kernel) {
    size_t len, at = 0;
    mp_obj_t *items;
    int64_t sum = 0;
    mp_obj_get_array(o, &len, &items);
    for (size_t i = 0; i < len; i++) {
        size_t m = 1;
        mp_obj_t *cells = items + i;
        if (mp_obj_is_type(items[i], &mp_type_tuple) || mp_obj_is_type(items[i], &mp_type_list)) {
            mp_obj_get_array(items[i], &m, &cells);
        }
        for (size_t j = 0; j < m; j++, at++) {
            mp_int_t v = mp_obj_get_int(cells[j]);
            if (at < n) {
                kernel[at] = py_i32(v);
                sum += kernel[at];
            }
        }
    }
    if (at != n) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a kernel of %dx%d numbers is needed, got %d"), (int)row, (int)row,
            (int)at);
    }
    return sum;
}

static mp_obj_t morph(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    vis_filter_args_t f = { .kind = VIS_CONV, .k = py_args_ksize(&a) };
    size_t row = (size_t)(2 * f.k + 1);
    mp_obj_t list = py_args_obj(&a, "kernel");
    VISION_BEGIN(w)
    int32_t *kernel = vis_alloc(&w, row * row * sizeof(*kernel));
    py_vision_check(kernel ? 0 : -ENOMEM);
    int64_t sum = get_kernel(list, row * row, row, kernel);
    f.kernel = kernel;
    convolve(&a, img, &f, &w, sum);
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_morph_obj, 3, morph);

// MaixPy lets the KPU compute this, into the AI buffer and the pixels; here the CPU does.
static mp_obj_t conv3(mp_obj_t self, mp_obj_t kernel_in) {
    size_t n;
    mp_obj_t *items;
    image_t *img = py_image_get_pixels(self);
    mp_obj_get_array(kernel_in, &n, &items);
    if (n != 9) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("conv3 needs 9 numbers, got %d"), (int)n);
    }
    int32_t kernel[9];
    for (int i = 0; i < 9; i++) {
        mp_float_t v = mp_obj_get_float(items[i]) * 65536;
        if (!(v > -2e9 && v < 2e9)) {
            mp_raise_ValueError(MP_ERROR_TEXT("conv3: the numbers must be within +-30000"));
        }
        kernel[i] = (int32_t)MICROPY_FLOAT_C_FUN(floor)(v + MICROPY_FLOAT_CONST(0.5));
    }
    vis_filter_args_t f = { .kind = VIS_CONV, .k = 1, .kernel = kernel, .mul = 1.0f / 65536 };
    VISION_BEGIN(w)
    py_vision_check(vis_filter(img, &w, &f));
    VISION_END(w)
    if (img->ai) {
        image_pix_to_ai(img);
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(py_image_conv3_obj, conv3);

// ---- geometry -----------------------------------------------------------------------------------

static mp_obj_t pool(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, bool midpoint, bool copy) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t d[2];
    py_args_ints(&a, 2, 2, d);
    mp_float_t bias = midpoint ? py_args_opt_finite(&a, MP_QSTR_bias, MICROPY_FLOAT_CONST(0.5)) : 0;
    if (d[0] < 1 || d[1] < 1 || d[0] > img->w || d[1] > img->h) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("divisors %d and %d: 1 to the side of the image"), (int)d[0], (int)d[1]);
    }
    mp_obj_t o = py_image_new(img->w / (int32_t)d[0], img->h / (int32_t)d[1], img->format, false);
    if (midpoint) {
        vis_midpoint_pool(py_image_get(o), img, (int32_t)d[0], (int32_t)d[1], (float)bias);
    } else {
        vis_mean_pool(py_image_get(o), img, (int32_t)d[0], (int32_t)d[1]);
    }
    if (copy) {
        return o;
    }
    py_image_move(pos[0], o);
    return pos[0];
}

#define POOL(name, midpoint, copy) \
    static mp_obj_t name(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) { \
        return pool(n_args, pos, kw, midpoint, copy); \
    } \
    MP_DEFINE_CONST_FUN_OBJ_KW(py_image_##name##_obj, 2, name);
POOL(mean_pool, false, false)
POOL(mean_pooled, false, true)
POOL(midpoint_pool, true, false)
POOL(midpoint_pooled, true, true)

static mp_float_t opt_positive(py_args_t *a, qstr name, mp_float_t value) {
    mp_float_t v = py_args_opt_finite(a, name, value);
    if (!(v > 0)) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("%q must be > 0!"), name);
    }
    return v;
}

static mp_obj_t lens_corr(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_float_t strength = opt_positive(&a, MP_QSTR_strength, MICROPY_FLOAT_CONST(1.8)), zoom = opt_positive(&a, MP_QSTR_zoom, 1);
    VISION_BEGIN(w)
    py_vision_check(vis_lens_corr(img, &w, (float)strength, (float)zoom));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_lens_corr_obj, 1, lens_corr);

static mp_obj_t rotation_corr(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    vis_rotation_t r = { 0 };
    float corners[4][2];
    r.x_rotation = (float)py_args_opt_finite(&a, MP_QSTR_x_rotation, 0);
    r.y_rotation = (float)py_args_opt_finite(&a, MP_QSTR_y_rotation, 0);
    r.z_rotation = (float)py_args_opt_finite(&a, MP_QSTR_z_rotation, 0);
    r.x_translation = (float)py_args_opt_finite(&a, MP_QSTR_x_translation, 0);
    r.y_translation = (float)py_args_opt_finite(&a, MP_QSTR_y_translation, 0);
    r.zoom = (float)opt_positive(&a, MP_QSTR_zoom, 1);
    r.fov = (float)opt_positive(&a, MP_QSTR_fov, 60);
    if (!(r.fov < 180)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("fov must be < 180!"));
    }
    mp_obj_t list = py_args_opt(&a, MP_QSTR_corners);
    if (list != MP_OBJ_NULL && list != mp_const_none) {
        mp_obj_t *items, *xy;
        mp_obj_get_array_fixed_n(list, 4, &items);
        for (int i = 0; i < 4; i++) {
            mp_obj_get_array_fixed_n(items[i], 2, &xy);
            corners[i][0] = (float)mp_obj_get_float(xy[0]);
            corners[i][1] = (float)mp_obj_get_float(xy[1]);
        }
        r.corners = (const float (*)[2])corners;
    }
    VISION_BEGIN(w)
    py_vision_check(vis_rotation_corr(img, &w, &r));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_rotation_corr_obj, 1, rotation_corr);

static mp_obj_t polar(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, bool log) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    bool reverse = py_args_opt_bool(&a, MP_QSTR_reverse, false);
    VISION_BEGIN(w)
    py_vision_check(vis_polar(img, &w, log, reverse));
    VISION_END(w)
    return pos[0];
}

static mp_obj_t linpolar(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return polar(n_args, pos, kw, false);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_linpolar_obj, 1, linpolar);

static mp_obj_t logpolar(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return polar(n_args, pos, kw, true);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_logpolar_obj, 1, logpolar);
