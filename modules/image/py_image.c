// SPDX-License-Identifier: MIT
// The Image type: life time, pixels, conversion and copies.
#include <string.h>

#include "py/runtime.h"

#include "pool.h"
#include "py_args.h"
#include "py_image_priv.h"
#include "py_image_stream.h"
#include "py_image_vision.h"

static py_image_obj_t *self_of(mp_obj_t o) {
    if (!mp_obj_is_type(o, &py_image_type)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("Can't convert %s to %s"), mp_obj_get_type_str(o), "Image");
    }
    return MP_OBJ_TO_PTR(o);
}

static NORETURN void raise_format(void) {
    mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Image format is not supported."));
}

static void *uncached(image_mem_t *m) {
    return UNCACHED(m->data);
}

image_t *py_image_get(mp_obj_t o) {
    return &self_of(o)->img;
}

image_t *py_image_get_pixels(mp_obj_t o) {
    image_t *img = py_image_get(o);
    if (img->format == IMAGE_JPEG || img->size == 0) {
        raise_format();
    }
    return img;
}

// An object that owns nothing yet: whatever is allocated next is safe from leaking.
static py_image_obj_t *new_object(void) {
    py_image_obj_t *o = mp_obj_malloc_with_finaliser(py_image_obj_t, &py_image_type);
    o->img = (image_t) { .format = IMAGE_RGB565 };
    o->pix_mem = o->ai_mem = NULL;
    return o;
}

mp_obj_t py_image_from(const image_t *img, image_mem_t *pix, image_mem_t *ai) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        image_mem_unref(pix);
        image_mem_unref(ai);
        nlr_jump(nlr.ret_val);
    }
    py_image_obj_t *o = new_object();
    nlr_pop();
    o->img = *img;
    o->pix_mem = pix;
    o->ai_mem = ai;
    return MP_OBJ_FROM_PTR(o);
}

static void alloc_ai(py_image_obj_t *o) {
    size_t n = image_ai_bytes(&o->img);
    if (n == 0) {
        raise_format();
    }
    if (o->ai_mem && o->ai_mem->size < n) {
        image_mem_unref(o->ai_mem);
        o->ai_mem = NULL;
        o->img.ai = NULL;
    }
    if (o->ai_mem == NULL) {
        o->ai_mem = image_mem_new_uncached(n, "AI buffer");
        o->img.ai = uncached(o->ai_mem);
    }
}

static void drop_ai(py_image_obj_t *o) {
    image_mem_unref(o->ai_mem);
    o->ai_mem = NULL;
    o->img.ai = NULL;
}

void py_image_drop_ai(mp_obj_t o) {
    drop_ai(self_of(o));
}

mp_obj_t py_image_new(int32_t w, int32_t h, image_format_t format, bool with_ai) {
    size_t size = image_bytes(w, h, format);
    if (size == 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("image of %dx%d: sides must be 1 to %d"), (int)w, (int)h,
            IMAGE_MAX_SIDE);
    }
    py_image_obj_t *o = new_object();
    o->pix_mem = image_mem_new(size, "image");
    o->img = (image_t) { w, h, format, o->pix_mem->data, NULL, size };
    if (with_ai) {
        alloc_ai(o);
    }
    return MP_OBJ_FROM_PTR(o);
}

image_t *py_image_get_with_ai(mp_obj_t o_in) {
    py_image_obj_t *o = self_of(o_in);
    if (o->img.ai == NULL) {
        alloc_ai(o);
        image_pix_to_ai(&o->img);
    }
    return &o->img;
}

void py_image_set_pix(mp_obj_t o_in, image_mem_t *m) {
    py_image_obj_t *o = MP_OBJ_TO_PTR(o_in);
    image_mem_unref(o->pix_mem);
    o->pix_mem = m;
    o->img.pix = m->data;
}

void py_image_move(mp_obj_t o, mp_obj_t from) {
    py_image_obj_t *self = MP_OBJ_TO_PTR(o), *other = MP_OBJ_TO_PTR(from);
    drop_ai(self);
    py_image_set_pix(o, image_mem_ref(other->pix_mem));
    self->img = other->img;
}

static mp_obj_t image_del(mp_obj_t self_in) {
    py_image_obj_t *o = MP_OBJ_TO_PTR(self_in);
    image_mem_unref(o->pix_mem);
    image_mem_unref(o->ai_mem);
    // Scripts can call __del__ themselves: what is left is an image of no pixels.
    o->pix_mem = o->ai_mem = NULL;
    o->img = (image_t) { .format = IMAGE_RGB565 };
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_del_obj, image_del);

static void image_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    image_t *img = py_image_get(self_in);
    if (py_image_is_for_ide(img)) {
        print->print_strn(print->data, (const char *)img->pix, img->size);
        return;
    }
    mp_printf(print, "{\"w\":%d, \"h\":%d, \"type\"=\"%s\", \"size\":%d}", (int)img->w, (int)img->h,
        image_format_name(img->format), (int)img->size);
}

// ---- properties ---------------------------------------------------------------------------------

static mp_obj_t image_width(mp_obj_t self) {
    return MP_OBJ_NEW_SMALL_INT(py_image_get(self)->w);
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_width_obj, image_width);

static mp_obj_t image_height(mp_obj_t self) {
    return MP_OBJ_NEW_SMALL_INT(py_image_get(self)->h);
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_height_obj, image_height);

static mp_obj_t image_format(mp_obj_t self) {
    image_format_t f = py_image_get(self)->format;
    return f == IMAGE_BINARY ? mp_const_none : MP_OBJ_NEW_SMALL_INT(f);
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_format_obj, image_format);

static mp_obj_t image_size(mp_obj_t self) {
    return mp_obj_new_int_from_uint(py_image_get(self)->size);
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_size_obj, image_size);

static mp_int_t image_get_buffer(mp_obj_t self, mp_buffer_info_t *buf, mp_uint_t flags) {
    if (flags & MP_BUFFER_WRITE) {
        return 1;
    }
    image_t *img = py_image_get(self);
    *buf = (mp_buffer_info_t) { img->pix, img->size, 'B' };
    return 0;
}

static mp_obj_t image_to_bytes(mp_obj_t self_in) {
    py_image_obj_t *self = self_of(self_in);
    return py_image_bytes_new(&self->img, self->pix_mem);
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_to_bytes_obj, image_to_bytes);

// ---- pixels -------------------------------------------------------------------------------------

static mp_obj_t rgb_tuple(uint16_t pixel) {
    uint8_t r, g, b;
    image_pixel_to_rgb(pixel, &r, &g, &b);
    mp_obj_t items[3] = { MP_OBJ_NEW_SMALL_INT(r), MP_OBJ_NEW_SMALL_INT(g), MP_OBJ_NEW_SMALL_INT(b) };
    return mp_obj_new_tuple(3, items);
}

// Items of img[i]: pixels for RGB565, bytes for everything else.
static size_t item_count(const image_t *img) {
    return img->format == IMAGE_RGB565 ? img->size / 2 : img->size;
}

static mp_obj_t get_item(const image_t *img, size_t i) {
    return img->format == IMAGE_RGB565 ? rgb_tuple(((const uint16_t *)(const void *)img->pix)[i]) :
           MP_OBJ_NEW_SMALL_INT(img->pix[i]);
}

static void set_item(image_t *img, size_t i, mp_obj_t value) {
    if (img->format == IMAGE_RGB565) {
        ((uint16_t *)(void *)img->pix)[i] = (uint16_t)py_color(value, IMAGE_RGB565);
    } else {
        img->pix[i] = (uint8_t)mp_obj_get_int(value);
    }
}

static mp_obj_t image_unary_op(mp_unary_op_t op, mp_obj_t self) {
    image_t *img = py_image_get(self);
    switch (op) {
        case MP_UNARY_OP_BOOL:
            return mp_const_true;
        case MP_UNARY_OP_LEN:
            return mp_obj_new_int_from_uint(item_count(img));
        default:
            return MP_OBJ_NULL;
    }
}

static mp_obj_t image_subscr(mp_obj_t self, mp_obj_t index, mp_obj_t value) {
    image_t *img = py_image_get(self);
    size_t n = item_count(img);
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL; // del img[i]
    }
    if (!mp_obj_is_type(index, &mp_type_slice)) {
        size_t i = mp_get_index(&py_image_type, n, index, false);
        if (value == MP_OBJ_SENTINEL) {
            return get_item(img, i);
        }
        set_item(img, i, value);
        return mp_const_none;
    }
    mp_bound_slice_t slice;
    if (!mp_seq_get_fast_slice_indexes(n, index, &slice)) {
        mp_raise_NotImplementedError(MP_ERROR_TEXT("only slices with step=1 (aka None) are supported"));
    }
    size_t count = slice.stop > slice.start ? (size_t)(slice.stop - slice.start) : 0;
    if (value == MP_OBJ_SENTINEL) {
        mp_obj_tuple_t *t = MP_OBJ_TO_PTR(mp_obj_new_tuple(count, NULL));
        for (size_t i = 0; i < count; i++) {
            t->items[i] = get_item(img, (size_t)slice.start + i);
        }
        return MP_OBJ_FROM_PTR(t);
    }
    if (mp_obj_is_type(value, &mp_type_tuple) || mp_obj_is_type(value, &mp_type_list)) {
        mp_obj_t *items;
        size_t len;
        mp_obj_get_array(value, &len, &items);
        if (len != count) {
            mp_raise_ValueError(MP_ERROR_TEXT("cannot grow or shrink image"));
        }
        for (size_t i = 0; i < count; i++) {
            set_item(img, (size_t)slice.start + i, items[i]);
        }
        return mp_const_none;
    }
    if (mp_obj_is_int(value)) {
        for (size_t i = 0; i < count; i++) {
            set_item(img, (size_t)slice.start + i, value);
        }
        return mp_const_none;
    }
    size_t unit = img->format == IMAGE_RGB565 ? 2 : 1;
    mp_buffer_info_t src;
    mp_get_buffer_raise(value, &src, MP_BUFFER_READ);
    if (src.len != count * unit) {
        mp_raise_ValueError(MP_ERROR_TEXT("cannot grow or shrink image"));
    }
    memmove(img->pix + (size_t)slice.start * unit, src.buf, src.len);
    return mp_const_none;
}

static mp_obj_t image_get_pixel(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[2];
    py_args_ints(&a, 2, 2, p);
    bool tuple = py_args_opt_bool(&a, MP_QSTR_rgbtuple, img->format == IMAGE_RGB565);
    if (!image_inside(img, py_i32(p[0]), py_i32(p[1]))) {
        return mp_const_none;
    }
    uint32_t v = image_get(img, (int32_t)p[0], (int32_t)p[1]);
    if (tuple) {
        uint8_t c[3];
        image_color_to_rgb(img->format, v, &c[0], &c[1], &c[2]);
        mp_obj_t items[3];
        for (int i = 0; i < 3; i++) {
            items[i] = MP_OBJ_NEW_SMALL_INT(c[i]);
        }
        return mp_obj_new_tuple(3, items);
    }
    return MP_OBJ_NEW_SMALL_INT(v);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_get_pixel_obj, 2, image_get_pixel);

static mp_obj_t image_set_pixel(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[2];
    py_args_ints(&a, 2, 2, p);
    uint32_t color = py_args_opt_color(&a, img->format);
    if (image_inside(img, py_i32(p[0]), py_i32(p[1]))) {
        image_set(img, (int32_t)p[0], (int32_t)p[1], color);
    }
    return pos[0];
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_set_pixel_obj, 2, image_set_pixel);

static mp_obj_t image_clear_(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    (void)n_args;
    (void)kw;
    image_clear(py_image_get_pixels(pos[0]));
    return pos[0];
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_clear_obj, 1, image_clear_);

static mp_obj_t image_fill_(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_fill(img, py_args_opt_color(&a, img->format));
    return pos[0];
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_fill_obj, 1, image_fill_);

// ---- AI buffer ----------------------------------------------------------------------------------

static mp_obj_t image_pix_to_ai_(mp_obj_t self) {
    py_image_obj_t *o = self_of(self);
    py_image_get_pixels(self);
    alloc_ai(o);
    image_pix_to_ai(&o->img);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_pix_to_ai_obj, image_pix_to_ai_);

static mp_obj_t image_ai_to_pix_(mp_obj_t self) {
    image_t *img = py_image_get_pixels(self);
    if (img->ai == NULL) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("Image has no AI buffer, call pix_to_ai() first"));
    }
    image_ai_to_pix(img);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(image_ai_to_pix_obj, image_ai_to_pix_);

// ---- conversion ---------------------------------------------------------------------------------

// In place when copy is not asked for. Larger pixels get new memory then, so that the camera's
// buffer is left alone.
static mp_obj_t convert(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, image_format_t format) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    py_image_obj_t *self = self_of(pos[0]);
    image_t src = *py_image_get_pixels(pos[0]);
    if (py_args_opt_bool(&a, MP_QSTR_copy, false)) {
        mp_obj_t o = py_image_new(src.w, src.h, format, false);
        image_convert(py_image_get(o), &src);
        return o;
    }
    if (format == src.format) {
        return pos[0];
    }
    image_t dst = { src.w, src.h, format, src.pix, src.ai, image_bytes(src.w, src.h, format) };
    if (dst.size > src.size) {
        image_mem_t *m = image_mem_new(dst.size, "image");
        dst.pix = m->data;
        image_convert(&dst, &src);
        py_image_set_pix(pos[0], m);
    } else {
        image_convert(&dst, &src);
    }
    self->img = dst;
    if (dst.ai && format == IMAGE_GRAYSCALE) {
        image_pix_to_ai(&dst);
    } else {
        drop_ai(self); // it fits the old format
    }
    return pos[0];
}

static mp_obj_t image_to_grayscale(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return convert(n_args, pos, kw, IMAGE_GRAYSCALE);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_to_grayscale_obj, 1, image_to_grayscale);

static mp_obj_t image_to_rgb565(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return convert(n_args, pos, kw, IMAGE_RGB565);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_to_rgb565_obj, 1, image_to_rgb565);

static mp_obj_t image_to_bitmap(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return convert(n_args, pos, kw, IMAGE_BINARY);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_to_bitmap_obj, 1, image_to_bitmap);

// ---- copies -------------------------------------------------------------------------------------

static int32_t scale_side(int32_t n, mp_float_t scale) {
    mp_float_t v = MICROPY_FLOAT_CONST(0.5) + (mp_float_t)n * scale;
    if (!(v >= 1 && v < IMAGE_MAX_SIDE + 1)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("scaled side of %d pixels is not within 1 to %d"),
            (int)n, IMAGE_MAX_SIDE);
    }
    return (int32_t)v;
}

static mp_obj_t copy_part(const image_t *src, image_rect_t roi, mp_float_t xs, mp_float_t ys) {
    mp_obj_t o = py_image_new(scale_side(roi.w, xs), scale_side(roi.h, ys), src->format, false);
    image_copy_scaled(py_image_get(o), src, roi);
    return o;
}

static mp_obj_t image_copy_(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_float_t xs = py_args_opt_float(&a, MP_QSTR_x_scale, 1), ys = py_args_opt_float(&a, MP_QSTR_y_scale, 1);
    return copy_part(img, roi, xs, ys);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_copy_obj, 1, image_copy_);

static mp_obj_t image_crop(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    mp_float_t xs = py_args_opt_float(&a, MP_QSTR_x_scale, 1), ys = py_args_opt_float(&a, MP_QSTR_y_scale, 1);
    mp_obj_t o = copy_part(img, roi, xs, ys);
    if (py_args_opt_bool(&a, MP_QSTR_copy, false)) {
        return o;
    }
    py_image_move(pos[0], o);
    return pos[0];
}
static MP_DEFINE_CONST_FUN_OBJ_KW(image_crop_obj, 1, image_crop);

static mp_obj_t image_resize_(mp_obj_t self, mp_obj_t w, mp_obj_t h) {
    image_t *img = py_image_get_pixels(self);
    mp_obj_t o = py_image_new(py_i32(mp_obj_get_int(w)), py_i32(mp_obj_get_int(h)), img->format, false);
    image_resize(py_image_get(o), img);
    return o;
}
static MP_DEFINE_CONST_FUN_OBJ_3(image_resize_obj, image_resize_);

static mp_obj_t image_cut_(size_t n_args, const mp_obj_t *pos) {
    py_args_t a = PY_ARGS(n_args, pos, NULL);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t r[4];
    py_args_ints(&a, 4, 4, r);
    mp_obj_t o = py_image_new(py_i32(r[2]), py_i32(r[3]), img->format, false);
    image_cut(py_image_get(o), img, py_i32(r[0]), py_i32(r[1]));
    return o;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(image_cut_obj, 2, 5, image_cut_);

// ---- type ---------------------------------------------------------------------------------------

static const mp_rom_map_elem_t image_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&image_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_width), MP_ROM_PTR(&image_width_obj) },
    { MP_ROM_QSTR(MP_QSTR_height), MP_ROM_PTR(&image_height_obj) },
    { MP_ROM_QSTR(MP_QSTR_format), MP_ROM_PTR(&image_format_obj) },
    { MP_ROM_QSTR(MP_QSTR_size), MP_ROM_PTR(&image_size_obj) },
    { MP_ROM_QSTR(MP_QSTR_get_pixel), MP_ROM_PTR(&image_get_pixel_obj) },
    { MP_ROM_QSTR(MP_QSTR_set_pixel), MP_ROM_PTR(&image_set_pixel_obj) },
    { MP_ROM_QSTR(MP_QSTR_clear), MP_ROM_PTR(&image_clear_obj) },
    { MP_ROM_QSTR(MP_QSTR_fill), MP_ROM_PTR(&image_fill_obj) },
    { MP_ROM_QSTR(MP_QSTR_to_bytes), MP_ROM_PTR(&image_to_bytes_obj) },
    { MP_ROM_QSTR(MP_QSTR_pix_to_ai), MP_ROM_PTR(&image_pix_to_ai_obj) },
    { MP_ROM_QSTR(MP_QSTR_ai_to_pix), MP_ROM_PTR(&image_ai_to_pix_obj) },
    { MP_ROM_QSTR(MP_QSTR_to_grayscale), MP_ROM_PTR(&image_to_grayscale_obj) },
    { MP_ROM_QSTR(MP_QSTR_to_rgb565), MP_ROM_PTR(&image_to_rgb565_obj) },
    { MP_ROM_QSTR(MP_QSTR_to_bitmap), MP_ROM_PTR(&image_to_bitmap_obj) },
    { MP_ROM_QSTR(MP_QSTR_copy), MP_ROM_PTR(&image_copy_obj) },
    { MP_ROM_QSTR(MP_QSTR_crop), MP_ROM_PTR(&image_crop_obj) },
    { MP_ROM_QSTR(MP_QSTR_resize), MP_ROM_PTR(&image_resize_obj) },
    { MP_ROM_QSTR(MP_QSTR_cut), MP_ROM_PTR(&image_cut_obj) },
    { MP_ROM_QSTR(MP_QSTR_save), MP_ROM_PTR(&py_image_save_obj) },
    #if IMAGE_WITH_STREAMS
    { MP_ROM_QSTR(MP_QSTR_dump_roi), MP_ROM_PTR(&py_image_dump_roi_obj) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_compress), MP_ROM_PTR(&py_image_compress_obj) },
    { MP_ROM_QSTR(MP_QSTR_compressed), MP_ROM_PTR(&py_image_compressed_obj) },
    { MP_ROM_QSTR(MP_QSTR_compress_for_ide), MP_ROM_PTR(&py_image_compress_for_ide_obj) },
    { MP_ROM_QSTR(MP_QSTR_compressed_for_ide), MP_ROM_PTR(&py_image_compressed_for_ide_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_line), MP_ROM_PTR(&py_image_draw_line_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_rectangle), MP_ROM_PTR(&py_image_draw_rectangle_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_circle), MP_ROM_PTR(&py_image_draw_circle_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_ellipse), MP_ROM_PTR(&py_image_draw_ellipse_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_cross), MP_ROM_PTR(&py_image_draw_cross_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_arrow), MP_ROM_PTR(&py_image_draw_arrow_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_string), MP_ROM_PTR(&py_image_draw_string_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_font), MP_ROM_PTR(&py_image_draw_font_obj) },
    { MP_ROM_QSTR(MP_QSTR_draw_image), MP_ROM_PTR(&py_image_draw_image_obj) },
    IMAGE_VISION_METHODS
};
static MP_DEFINE_CONST_DICT(image_locals, image_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    py_image_type, MP_QSTR_Image, MP_TYPE_FLAG_NONE,
    make_new, py_image_make_new,
    print, image_print,
    unary_op, image_unary_op,
    subscr, image_subscr,
    buffer, image_get_buffer,
    locals_dict, &image_locals
    );
