// SPDX-License-Identifier: MIT
// MaixPy's argument conventions: groups of numbers may be one tuple, unknown keywords are ignored.
#ifndef K210_PY_ARGS_H
#define K210_PY_ARGS_H

#include "py/obj.h"
#include "image.h"

typedef struct {
    size_t n;               // positional arguments, args[0] is self
    const mp_obj_t *args;
    mp_map_t *kw;           // may be NULL
    size_t next;            // the next positional argument
} py_args_t;

#define PY_ARGS(n_args, pos_args, kw_args) { (n_args), (pos_args), (kw_args), 1 }

// The next most..least numbers, as separate arguments or as one tuple or list. Missing ones (above
// least) keep what out holds. TypeError when there are fewer.
void py_args_ints(py_args_t *a, size_t least, size_t most, mp_int_t *out);

// The next positional argument; TypeError naming what when there is none.
mp_obj_t py_args_obj(py_args_t *a, const char *what);

// Keyword, else the next positional argument, else MP_OBJ_NULL. Call in the order of the signature.
mp_obj_t py_args_opt(py_args_t *a, qstr name);
mp_int_t py_args_opt_int(py_args_t *a, qstr name, mp_int_t value);
mp_float_t py_args_opt_float(py_args_t *a, qstr name, mp_float_t value);
bool py_args_opt_bool(py_args_t *a, qstr name, bool value);

// Raw pixel for an image of that format; white when there is none.
uint32_t py_args_opt_color(py_args_t *a, image_format_t format);
uint32_t py_color(mp_obj_t o, image_format_t format);

// roi inside w*h; OSError as MaixPy when nothing of it is.
image_rect_t py_args_opt_roi(py_args_t *a, int32_t w, int32_t h);
image_rect_t py_roi(mp_obj_t o, int32_t w, int32_t h);

// Numbers from Python as int32_t: saturated, so that the core's own clipping does the rest.
static inline int32_t py_i32(mp_int_t v) {
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

#endif
