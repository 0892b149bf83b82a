// SPDX-License-Identifier: MIT
#include "py/runtime.h"
#include "py_args.h"

static bool is_group(mp_obj_t o) {
    return mp_obj_is_type(o, &mp_type_tuple) || mp_obj_is_type(o, &mp_type_list);
}

void py_args_ints(py_args_t *a, size_t least, size_t most, mp_int_t *out) {
    size_t n = 0;
    if (a->next < a->n && is_group(a->args[a->next])) {
        mp_obj_t *items;
        mp_obj_get_array(a->args[a->next], &n, &items);
        if (n > most) {
            n = most;
        }
        for (size_t i = 0; i < n; i++) {
            out[i] = mp_obj_get_int(items[i]);
        }
        a->next++;
    } else {
        for (; n < most && a->next < a->n; n++, a->next++) {
            // After the required ones a tuple is a colour, and text is text.
            mp_obj_t o = a->args[a->next];
            if (n >= least && !mp_obj_is_int(o)) {
                break;
            }
            out[n] = mp_obj_get_int(o);
        }
    }
    if (n < least) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("%d numbers expected, or a tuple of them; got %d"),
            (int)least, (int)n);
    }
}

mp_obj_t py_args_obj(py_args_t *a, const char *what) {
    if (a->next >= a->n) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("%s expected"), what);
    }
    return a->args[a->next++];
}

mp_obj_t py_args_opt(py_args_t *a, qstr name) {
    mp_map_elem_t *e = a->kw ? mp_map_lookup(a->kw, MP_OBJ_NEW_QSTR(name), MP_MAP_LOOKUP) : NULL;
    // A keyword does not move the positional arguments behind it: they keep their places.
    mp_obj_t o = a->next < a->n ? a->args[a->next] : MP_OBJ_NULL;
    a->next++;
    return e ? e->value : o;
}

mp_int_t py_args_opt_int(py_args_t *a, qstr name, mp_int_t value) {
    mp_obj_t o = py_args_opt(a, name);
    return o == MP_OBJ_NULL ? value : mp_obj_get_int(o);
}

mp_float_t py_args_opt_float(py_args_t *a, qstr name, mp_float_t value) {
    mp_obj_t o = py_args_opt(a, name);
    return o == MP_OBJ_NULL ? value : mp_obj_get_float(o);
}

bool py_args_opt_bool(py_args_t *a, qstr name, bool value) {
    mp_obj_t o = py_args_opt(a, name);
    return o == MP_OBJ_NULL ? value : mp_obj_is_true(o);
}

uint32_t py_color(mp_obj_t o, image_format_t format) {
    if (is_group(o)) {
        mp_obj_t *items;
        unsigned c[3];
        mp_obj_get_array_fixed_n(o, 3, &items);
        for (int i = 0; i < 3; i++) {
            mp_int_t v = mp_obj_get_int(items[i]);
            c[i] = v < 0 ? 0 : v > 255 ? 255 : (unsigned)v;
        }
        return image_color(format, c[0], c[1], c[2]);
    }
    mp_int_t v = mp_obj_get_int(o);
    return format == IMAGE_RGB565 ? (uint16_t)v : format == IMAGE_BINARY ? v != 0 : (uint8_t)v;
}

uint32_t py_args_opt_color(py_args_t *a, image_format_t format) {
    mp_obj_t o = py_args_opt(a, MP_QSTR_color);
    return o == MP_OBJ_NULL ? image_color(format, 255, 255, 255) : py_color(o, format);
}

image_rect_t py_roi(mp_obj_t o, int32_t w, int32_t h) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(o, 4, &items);
    image_rect_t r = {
        py_i32(mp_obj_get_int(items[0])), py_i32(mp_obj_get_int(items[1])),
        py_i32(mp_obj_get_int(items[2])), py_i32(mp_obj_get_int(items[3])),
    };
    if (r.w < 1 || r.h < 1) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Invalid ROI dimensions!"));
    }
    if (!image_clip(w, h, &r)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("ROI does not overlap on the image!"));
    }
    return r;
}

image_rect_t py_args_opt_roi(py_args_t *a, int32_t w, int32_t h) {
    mp_obj_t o = py_args_opt(a, MP_QSTR_roi);
    if (o == MP_OBJ_NULL || o == mp_const_none) {
        return (image_rect_t) { 0, 0, w, h };
    }
    return py_roi(o, w, h);
}
