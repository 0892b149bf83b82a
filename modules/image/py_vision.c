// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>

#include "py/gc.h"
#include "py/mphal.h"

#include "hal/hart1.h"
#include "image_config.h"
#include "pool.h"
#include "py_vision.h"

#define HART1_TIMEOUT_US (10000000)

// ---- the platform's side of the core ------------------------------------------------------------

void *image_port_alloc(size_t n) {
    void *p = pool_alloc(n, POOL_ALIGN, "image work");
    if (p == NULL) {
        // Pictures that nobody holds any more are freed by the collector.
        gc_collect();
        p = pool_alloc(n, POOL_ALIGN, "image work");
    }
    return p;
}

void image_port_free(void *p) {
    pool_free(p);
}

void image_port_poll(void) {
    // Only what is to be raised (Ctrl-C): scheduled functions could change the very image at work.
    if (MP_STATE_MAIN_THREAD(mp_pending_exception) != MP_OBJ_NULL) {
        mp_handle_pending(true);
    }
}

bool image_port_start(void (*fn)(void *arg), void *arg) {
    return IMAGE_WITH_SPEED && hart1_run(fn, arg) == 0;
}

bool image_port_join(void) {
    return !IMAGE_WITH_SPEED || hart1_wait(HART1_TIMEOUT_US) == 0;
}

void py_vision_check(int ret) {
    if (ret >= 0) {
        return;
    }
    if (ret == -ENOMEM) {
        mp_raise_msg(&mp_type_MemoryError,
            MP_ERROR_TEXT("Out of Memory! Please reduce the resolution of the image you are running this algorithm on to bypass this issue!"));
    }
    mp_raise_ValueError(MP_ERROR_TEXT("these arguments have no result"));
}

// ---- arguments ----------------------------------------------------------------------------------

static bool is_group(mp_obj_t o) {
    return mp_obj_is_type(o, &mp_type_tuple) || mp_obj_is_type(o, &mp_type_list);
}

static vis_range_t get_range(mp_obj_t o, image_format_t format) {
    vis_range_t r;
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(o, &n, &items);
    size_t channels = format == IMAGE_RGB565 ? 3 : 1;
    for (unsigned c = 0; c < 3; c++) {
        vis_scale_t s = vis_scale(format, c);
        int lo = s.lo, hi = s.hi;
        if (c < channels && n > 2 * c) {
            mp_int_t v = mp_obj_get_int(items[2 * c]);
            lo = v < s.lo ? s.lo : v > s.hi ? s.hi + 1 : (int)v;
        }
        if (c < channels && n > 2 * c + 1) {
            mp_int_t v = mp_obj_get_int(items[2 * c + 1]);
            hi = v < s.lo ? s.lo - 1 : v > s.hi ? s.hi : (int)v;
        }
        r.lo[c] = (int16_t)(lo < hi ? lo : hi);
        r.hi[c] = (int16_t)(lo < hi ? hi : lo);
    }
    return r;
}

vis_range_t *py_thresholds(vis_work_t *w, mp_obj_t o, image_format_t format, size_t *n) {
    size_t len;
    mp_obj_t *items;
    *n = 0;
    if (o == MP_OBJ_NULL || o == mp_const_none) {
        return NULL;
    }
    if (mp_obj_is_type(o, &py_threshold_type) || mp_obj_is_type(o, &py_lab_threshold_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("thresholds is a list of (low, high) tuples, not a threshold object"));
    }
    mp_obj_get_array(o, &len, &items);
    if (len && !is_group(items[0])) {
        // One tuple instead of a list of one.
        vis_range_t *r = vis_alloc(w, sizeof(*r));
        py_vision_check(r ? 0 : -ENOMEM);
        *r = get_range(o, format);
        *n = 1;
        return r;
    }
    vis_range_t *r = vis_alloc(w, (len + 1) * sizeof(*r));
    py_vision_check(r ? 0 : -ENOMEM);
    for (size_t i = 0; i < len; i++) {
        size_t unused;
        mp_obj_t *also;
        mp_obj_get_array(items[i], &unused, &also);
        if (unused) {
            r[(*n)++] = get_range(items[i], format);
        }
    }
    return r;
}

const image_t *py_args_opt_mask(py_args_t *a, const image_t *img) {
    mp_obj_t o = py_args_opt(a, MP_QSTR_mask);
    if (o == MP_OBJ_NULL || o == mp_const_none) {
        return NULL;
    }
    const image_t *mask = py_image_get_pixels(o);
    if (mask->w != img->w || mask->h != img->h) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("mask is %dx%d, the image %dx%d"), (int)mask->w, (int)mask->h,
            (int)img->w, (int)img->h);
    }
    return mask;
}

vis_other_t py_args_other(py_args_t *a, const image_t *img, const image_t *same_size, mp_obj_t *keep) {
    mp_obj_t o = py_args_obj(a, "image, path or colour");
    if (mp_obj_is_int(o) || is_group(o)) {
        return (vis_other_t) { NULL, py_color(o, img->format) };
    }
    if (mp_obj_is_str(o)) {
        o = py_image_load(o);
    }
    *keep = o;
    const image_t *other = py_image_get_pixels(o);
    if (same_size && (other->w != same_size->w || other->h != same_size->h)) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("Images not equal! %dx%d and %dx%d"), (int)same_size->w,
            (int)same_size->h, (int)other->w, (int)other->h);
    }
    return (vis_other_t) { other, 0 };
}

int32_t py_args_ksize(py_args_t *a) {
    mp_int_t k = mp_obj_get_int(py_args_obj(a, "kernel size"));
    if (k < 0 || k > VIS_MAX_KSIZE) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("kernel size %d: 0 to %d (the window has 2*size+1 pixels)"), (int)k,
            VIS_MAX_KSIZE);
    }
    return (int32_t)k;
}

mp_int_t py_args_opt_limited(py_args_t *a, qstr name, mp_int_t value, mp_int_t lo, mp_int_t hi) {
    mp_int_t v = py_args_opt_int(a, name, value);
    if (v < lo || v > hi) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q is %d: %d to %d"), name, (int)v, (int)lo, (int)hi);
    }
    return v;
}

mp_float_t py_args_opt_finite(py_args_t *a, qstr name, mp_float_t value) {
    mp_float_t v = py_args_opt_float(a, name, value);
    if (!isfinite(v)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%q is not a number to compute with"), name);
    }
    return v;
}

static NORETURN void raise_format(const char *wanted) {
    mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("Image format is not supported. A %s image is needed"), wanted);
}

image_t *py_image_get_gray(mp_obj_t o) {
    image_t *img = py_image_get_pixels(o);
    if (img->format != IMAGE_GRAYSCALE) {
        raise_format("grayscale");
    }
    return img;
}

image_t *py_image_get_rgb(mp_obj_t o) {
    image_t *img = py_image_get_pixels(o);
    if (img->format != IMAGE_RGB565) {
        raise_format("rgb565");
    }
    return img;
}

mp_obj_t py_points(const int32_t (*p)[2], size_t n) {
    mp_obj_tuple_t *t = MP_OBJ_TO_PTR(mp_obj_new_tuple(n, NULL));
    for (size_t i = 0; i < n; i++) {
        t->items[i] = mp_const_none;
    }
    for (size_t i = 0; i < n; i++) {
        mp_obj_t xy[2] = { MP_OBJ_NEW_SMALL_INT(p[i][0]), MP_OBJ_NEW_SMALL_INT(p[i][1]) };
        t->items[i] = mp_obj_new_tuple(2, xy);
    }
    return MP_OBJ_FROM_PTR(t);
}

mp_obj_t py_rect_tuple(int32_t x, int32_t y, int32_t w, int32_t h) {
    mp_obj_t r[4] = { MP_OBJ_NEW_SMALL_INT(x), MP_OBJ_NEW_SMALL_INT(y), MP_OBJ_NEW_SMALL_INT(w), MP_OBJ_NEW_SMALL_INT(h) };
    return mp_obj_new_tuple(4, r);
}
