// SPDX-License-Identifier: MIT
// Image.draw_*: every one returns the image, so that calls can be chained.
#include "py/runtime.h"

#include "py_args.h"
#include "py_image_font.h"
#include "py_image_priv.h"

static mp_float_t opt_scale(py_args_t *a, qstr name) {
    mp_float_t scale = py_args_opt_float(a, name, 1);
    if (!(scale > 0)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Error: 0 < scale!"));
    }
    return scale;
}

static mp_obj_t draw_line(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[4];
    py_args_ints(&a, 4, 4, p);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_int_t thickness = py_args_opt_int(&a, MP_QSTR_thickness, 1);
    image_draw_line(img, py_i32(p[0]), py_i32(p[1]), py_i32(p[2]), py_i32(p[3]), color, py_i32(thickness));
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_line_obj, 2, draw_line);

static mp_obj_t draw_rectangle(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[4];
    py_args_ints(&a, 4, 4, p);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_int_t thickness = py_args_opt_int(&a, MP_QSTR_thickness, 1);
    bool fill = py_args_opt_bool(&a, MP_QSTR_fill, false);
    image_draw_rectangle(img, py_i32(p[0]), py_i32(p[1]), py_i32(p[2]), py_i32(p[3]), color, py_i32(thickness), fill);
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_rectangle_obj, 2, draw_rectangle);

static mp_obj_t draw_circle(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[3];
    py_args_ints(&a, 3, 3, p);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_int_t thickness = py_args_opt_int(&a, MP_QSTR_thickness, 1);
    bool fill = py_args_opt_bool(&a, MP_QSTR_fill, false);
    image_draw_circle(img, py_i32(p[0]), py_i32(p[1]), py_i32(p[2]), color, py_i32(thickness), fill);
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_circle_obj, 2, draw_circle);

static mp_obj_t draw_ellipse(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[5] = { 0 };
    py_args_ints(&a, 4, 5, p);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_int_t thickness = py_args_opt_int(&a, MP_QSTR_thickness, 1);
    bool fill = py_args_opt_bool(&a, MP_QSTR_fill, false);
    image_draw_ellipse(img, py_i32(p[0]), py_i32(p[1]), py_i32(p[2]), py_i32(p[3]), (int32_t)(p[4] % 360), color,
        py_i32(thickness), fill);
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_ellipse_obj, 2, draw_ellipse);

static mp_obj_t draw_cross(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[2];
    py_args_ints(&a, 2, 2, p);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_int_t size = py_args_opt_int(&a, MP_QSTR_size, 5), thickness = py_args_opt_int(&a, MP_QSTR_thickness, 1);
    image_draw_cross(img, py_i32(p[0]), py_i32(p[1]), color, py_i32(size), py_i32(thickness));
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_cross_obj, 2, draw_cross);

static mp_obj_t draw_arrow(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[4];
    py_args_ints(&a, 4, 4, p);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_int_t size = py_args_opt_int(&a, MP_QSTR_size, 10), thickness = py_args_opt_int(&a, MP_QSTR_thickness, 1);
    image_draw_arrow(img, py_i32(p[0]), py_i32(p[1]), py_i32(p[2]), py_i32(p[3]), color, py_i32(size),
        py_i32(thickness));
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_arrow_obj, 2, draw_arrow);

static mp_obj_t draw_string(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[2];
    py_args_ints(&a, 2, 2, p);
    size_t len;
    const char *text = mp_obj_str_get_data(py_args_obj(&a, "text"), &len);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_float_t scale = opt_scale(&a, MP_QSTR_scale);
    mp_int_t xs = py_args_opt_int(&a, MP_QSTR_x_spacing, 0), ys = py_args_opt_int(&a, MP_QSTR_y_spacing, 2);
    bool mono = py_args_opt_bool(&a, MP_QSTR_mono_space, false);
    const image_font_t *font = py_image_font();
    if (font) {
        image_draw_font_text(img, py_i32(p[0]), py_i32(p[1]), text, len, color, (float)scale, py_i32(xs), py_i32(ys), mono, font);
    } else {
        image_draw_text(img, py_i32(p[0]), py_i32(p[1]), text, len, color, (float)scale, py_i32(xs), py_i32(ys), mono);
    }
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_string_obj, 3, draw_string);

static mp_obj_t draw_font(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[4];
    mp_buffer_info_t bits;
    py_args_ints(&a, 4, 4, p);
    mp_get_buffer_raise(py_args_obj(&a, "font bytes"), &bits, MP_BUFFER_READ);
    uint32_t color = py_args_opt_color(&a, img->format);
    mp_float_t scale = opt_scale(&a, MP_QSTR_scale);
    if (p[2] < 8 || p[2] > 32 || p[2] % 8 || p[3] < 1 || p[3] > 4096 || bits.len != (size_t)(p[2] / 8 * p[3])) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("font of %dx%d with %d bytes: width must be 8, 16, 24 or 32, length width/8*height"),
            (int)p[2], (int)p[3], (int)bits.len);
    }
    image_draw_bitmap(img, py_i32(p[0]), py_i32(p[1]), (int32_t)p[2], (int32_t)p[3], bits.buf, color, (float)scale);
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_font_obj, 3, draw_font);

static mp_obj_t draw_image(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]), *mask = NULL;
    mp_obj_t src_obj = py_args_obj(&a, "image");
    image_t src = *py_image_get_pixels(src_obj);
    mp_int_t p[2];
    py_args_ints(&a, 2, 2, p);
    mp_float_t xs = opt_scale(&a, MP_QSTR_x_scale), ys = opt_scale(&a, MP_QSTR_y_scale);
    mp_int_t alpha = py_args_opt_int(&a, MP_QSTR_alpha, 256);
    mp_obj_t mask_obj = py_args_opt(&a, MP_QSTR_mask);
    if (alpha < 0 || alpha > 256) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Error: 0 <= alpha <= 256!"));
    }
    if (mask_obj != MP_OBJ_NULL && mask_obj != mp_const_none) {
        mask = py_image_get_pixels(mask_obj);
        if (mask->w != src.w || mask->h != src.h) {
            mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("mask is %dx%d, the image %dx%d"), (int)mask->w,
                (int)mask->h, (int)src.w, (int)src.h);
        }
    }
    mp_obj_t copy = MP_OBJ_NULL;
    if (src.pix == img->pix) {
        // Drawing an image into itself would read what has just been written.
        copy = py_image_new(src.w, src.h, src.format, false);
        image_convert(py_image_get(copy), &src);
        src = *py_image_get(copy);
    }
    image_draw_image(img, &src, py_i32(p[0]), py_i32(p[1]), (float)xs, (float)ys, (unsigned)alpha, mask);
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_draw_image_obj, 2, draw_image);
