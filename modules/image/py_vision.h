// SPDX-License-Identifier: MIT
// What the bindings of the vision core share: its work area, its arguments and its errors.
#ifndef K210_PY_VISION_H
#define K210_PY_VISION_H

#include "py/nlr.h"
#include "py/runtime.h"

#include "py_args.h"
#include "py_image_priv.h"
#include "py_result.h"
#include "vision/vision.h"

// Between these two the work area w is given back even if an exception passes.
#define VISION_BEGIN(w) \
    vis_work_t w = { NULL }; \
    nlr_buf_t nlr_; \
    if (nlr_push(&nlr_) != 0) { \
        vis_release(&w); \
        nlr_jump(nlr_.ret_val); \
    }
#define VISION_END(w) \
    nlr_pop(); \
    vis_release(&w);

// Raises what a negative result means.
void py_vision_check(int ret);

// Ranges of a thresholds argument (or one flat tuple) in the work area; *n may be 0.
vis_range_t *py_thresholds(vis_work_t *w, mp_obj_t o, image_format_t format, size_t *n);

// Keyword or next positional argument mask: an image of the size of img, or NULL.
const image_t *py_args_opt_mask(py_args_t *a, const image_t *img);

// The next positional argument: an image of the same size, a path of one, or a colour. *keep holds
// what was loaded. NULL for size: any size.
vis_other_t py_args_other(py_args_t *a, const image_t *img, const image_t *same_size, mp_obj_t *keep);

// The next positional argument as half size of a window: 0..VIS_MAX_KSIZE.
int32_t py_args_ksize(py_args_t *a);

// A number that must lie in lo..hi; ValueError naming it otherwise.
mp_int_t py_args_opt_limited(py_args_t *a, qstr name, mp_int_t value, mp_int_t lo, mp_int_t hi);
mp_float_t py_args_opt_finite(py_args_t *a, qstr name, mp_float_t value);

image_t *py_image_get_gray(mp_obj_t o);     // OSError unless grayscale
image_t *py_image_get_rgb(mp_obj_t o);      // OSError unless RGB565

mp_obj_t py_points(const int32_t (*p)[2], size_t n);
mp_obj_t py_rect_tuple(int32_t x, int32_t y, int32_t w, int32_t h);

// An image from a file (py_image_file.c).
mp_obj_t py_image_load(mp_obj_t path);

#endif
