// SPDX-License-Identifier: MIT
// Pixel operations of Image: thresholds, bits, morphology, arithmetic, tone. All return the image.
#include <errno.h>
#include <math.h>

#include "py_image_vision.h"
#include "py_vision.h"

static mp_obj_t binary(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_obj_t result = pos[0];
    VISION_BEGIN(w)
    size_t n;
    vis_range_t *ranges = py_thresholds(&w, py_args_opt(&a, MP_QSTR_thresholds), img->format, &n);
    bool invert = py_args_opt_bool(&a, MP_QSTR_invert, false), zero = py_args_opt_bool(&a, MP_QSTR_zero, false);
    const image_t *mask = py_args_opt_mask(&a, img);
    bool to_bitmap = py_args_opt_bool(&a, MP_QSTR_to_bitmap, false), copy = py_args_opt_bool(&a, MP_QSTR_copy, false);
    if (copy || (to_bitmap && img->format != IMAGE_BINARY)) {
        mp_obj_t o = py_image_new(img->w, img->h, to_bitmap ? IMAGE_BINARY : img->format, false);
        image_t *out = py_image_get(o);
        image_convert(out, img);
        py_vision_check(vis_binary(out, &w, img, ranges, n, invert, zero, mask));
        if (copy) {
            result = o;
        } else {
            py_image_move(pos[0], o);
        }
    } else {
        py_vision_check(vis_binary(img, &w, img, ranges, n, invert, zero, mask));
    }
    VISION_END(w)
    return result;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_binary_obj, 2, binary);

static mp_obj_t invert_(mp_obj_t self) {
    vis_invert(py_image_get_pixels(self));
    return self;
}
MP_DEFINE_CONST_FUN_OBJ_1(py_image_invert_obj, invert_);

static mp_obj_t bitwise(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, vis_bit_op_t op) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_obj_t keep = MP_OBJ_NULL;
    vis_other_t other = py_args_other(&a, img, img, &keep);
    const image_t *mask = py_args_opt_mask(&a, img);
    VISION_BEGIN(w)
    py_vision_check(vis_bitwise(img, &w, op, &other, mask));
    VISION_END(w)
    return pos[0];
}

#define BITWISE(name, op) \
    static mp_obj_t name(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) { \
        return bitwise(n_args, pos, kw, op); \
    } \
    MP_DEFINE_CONST_FUN_OBJ_KW(py_image_##name##_obj, 2, name);
BITWISE(b_and, VIS_AND)
BITWISE(b_nand, VIS_NAND)
BITWISE(b_or, VIS_OR)
BITWISE(b_nor, VIS_NOR)
BITWISE(b_xor, VIS_XOR)
BITWISE(b_xnor, VIS_XNOR)

static mp_obj_t erode_dilate(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, bool dilate) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    int32_t k = py_args_ksize(&a), full = (2 * k + 1) * (2 * k + 1) - 1;
    int32_t threshold = py_i32(py_args_opt_int(&a, MP_QSTR_threshold, dilate ? 0 : full));
    const image_t *mask = py_args_opt_mask(&a, img);
    VISION_BEGIN(w)
    py_vision_check((dilate ? vis_dilate : vis_erode)(img, &w, k, threshold, mask));
    VISION_END(w)
    return pos[0];
}

static mp_obj_t erode(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return erode_dilate(n_args, pos, kw, false);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_erode_obj, 2, erode);

static mp_obj_t dilate(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return erode_dilate(n_args, pos, kw, true);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_dilate_obj, 2, dilate);

static mp_obj_t morphology(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, vis_morph_op_t op) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    int32_t k = py_args_ksize(&a), threshold = (int32_t)py_args_opt_limited(&a, MP_QSTR_threshold, 0, -10000, 10000);
    const image_t *mask = py_args_opt_mask(&a, img);
    VISION_BEGIN(w)
    py_vision_check(vis_morphology(img, &w, op, k, threshold, mask));
    VISION_END(w)
    return pos[0];
}

#define MORPHOLOGY(name, op) \
    static mp_obj_t name##_(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) { \
        return morphology(n_args, pos, kw, op); \
    } \
    MP_DEFINE_CONST_FUN_OBJ_KW(py_image_##name##_obj, 2, name##_);
MORPHOLOGY(open, VIS_OPEN)
MORPHOLOGY(close, VIS_CLOSE)
MORPHOLOGY(top_hat, VIS_TOP_HAT)
MORPHOLOGY(black_hat, VIS_BLACK_HAT)

// ---- arithmetic ---------------------------------------------------------------------------------

typedef enum { ADD, SUB, MUL, DIV, MIN, MAX, DIFFERENCE, BLEND } math_t;

static mp_obj_t math(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, math_t what) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_obj_t keep = MP_OBJ_NULL;
    vis_other_t other = py_args_other(&a, img, img, &keep);
    vis_math_op_t op = VIS_ADD;
    unsigned alpha = 0;
    switch (what) {
        case SUB:
            op = py_args_opt_bool(&a, MP_QSTR_reverse, false) ? VIS_RSUB : VIS_SUB;
            break;
        case MUL:
            op = py_args_opt_bool(&a, MP_QSTR_invert, false) ? VIS_MUL_INVERT : VIS_MUL;
            break;
        case DIV: {
            bool invert = py_args_opt_bool(&a, MP_QSTR_invert, false), mod = py_args_opt_bool(&a, MP_QSTR_mod, false);
            op = mod ? invert ? VIS_RMOD : VIS_MOD : invert ? VIS_RDIV : VIS_DIV;
            break;
        }
        case MIN:
            op = VIS_MIN;
            break;
        case MAX:
            op = VIS_MAX;
            break;
        case DIFFERENCE:
            op = VIS_DIFFERENCE;
            break;
        case BLEND:
            op = VIS_BLEND;
            alpha = (unsigned)py_args_opt_limited(&a, MP_QSTR_alpha, 128, 0, 256);
            break;
        default:
            break;
    }
    const image_t *mask = py_args_opt_mask(&a, img);
    VISION_BEGIN(w)
    py_vision_check(vis_math(img, &w, op, &other, alpha, mask));
    VISION_END(w)
    return pos[0];
}

#define MATH(name, what) \
    static mp_obj_t name##_(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) { \
        return math(n_args, pos, kw, what); \
    } \
    MP_DEFINE_CONST_FUN_OBJ_KW(py_image_##name##_obj, 2, name##_);
MATH(add, ADD)
MATH(sub, SUB)
MATH(mul, MUL)
MATH(div, DIV)
MATH(min, MIN)
MATH(max, MAX)
MATH(difference, DIFFERENCE)
MATH(blend, BLEND)

static mp_obj_t replace(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_obj_t keep = MP_OBJ_NULL;
    vis_other_t other = { img, 0 };
    if (n_args > 1) {
        other = py_args_other(&a, img, NULL, &keep);
    }
    bool hmirror = py_args_opt_bool(&a, MP_QSTR_hmirror, false), vflip = py_args_opt_bool(&a, MP_QSTR_vflip, false);
    bool transpose = py_args_opt_bool(&a, MP_QSTR_transpose, false);
    const image_t *mask = py_args_opt_mask(&a, img);
    if (other.img) {
        const image_t *o = other.img;
        bool fits = transpose ? image_bytes(o->h, o->w, img->format) == img->size && (size_t)o->w * o->h == (size_t)img->w * img->h
            : o->w == img->w && o->h == img->h;
        if (!fits) {
            mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("Images not equal! %dx%d and %dx%d"), (int)img->w, (int)img->h,
                (int)o->w, (int)o->h);
        }
    }
    VISION_BEGIN(w)
    py_vision_check(vis_replace(img, &w, &other, hmirror, vflip, transpose && other.img, mask));
    VISION_END(w)
    if (transpose) {
        py_image_drop_ai(pos[0]);
    }
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_replace_obj, 1, replace);

// ---- tone ---------------------------------------------------------------------------------------

static mp_obj_t gamma_corr(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_float_t gamma = py_args_opt_finite(&a, MP_QSTR_gamma, 1), contrast = py_args_opt_finite(&a, MP_QSTR_contrast, 1);
    mp_float_t brightness = py_args_opt_finite(&a, MP_QSTR_brightness, 0);
    if (!(gamma > 0)) {
        mp_raise_ValueError(MP_ERROR_TEXT("gamma must be > 0"));
    }
    VISION_BEGIN(w)
    py_vision_check(vis_gamma(img, &w, (float)gamma, (float)contrast, (float)brightness));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_gamma_corr_obj, 1, gamma_corr);

static mp_obj_t histeq(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    bool adaptive = py_args_opt_bool(&a, MP_QSTR_adaptive, false);
    mp_float_t clip_limit = py_args_opt_finite(&a, MP_QSTR_clip_limit, -1);
    const image_t *mask = py_args_opt_mask(&a, img);
    VISION_BEGIN(w)
    py_vision_check(adaptive ? vis_clahe(img, &w, (float)clip_limit, mask) : vis_histeq(img, &w, mask));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_histeq_obj, 1, histeq);

static mp_obj_t stretch(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    mp_int_t lo = py_args_opt_limited(&a, MP_QSTR_min, 0, 0, 255), hi = py_args_opt_limited(&a, MP_QSTR_max, 255, 0, 255);
    VISION_BEGIN(w)
    py_vision_check(vis_stretch(img, &w, (int32_t)lo, (int32_t)hi));
    VISION_END(w)
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_stretch_obj, 1, stretch);

static mp_obj_t strech_char(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_gray(pos[0]);
    vis_sharpen_chars(img, py_i32(py_args_opt_int(&a, MP_QSTR_de_dark, 0)));
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_strech_char_obj, 1, strech_char);

static mp_obj_t chrominvar(mp_obj_t self) {
    VISION_BEGIN(w)
    py_vision_check(vis_chrominvar(py_image_get_rgb(self), &w));
    VISION_END(w)
    return self;
}
MP_DEFINE_CONST_FUN_OBJ_1(py_image_chrominvar_obj, chrominvar);

static mp_obj_t illuminvar(mp_obj_t self) {
    VISION_BEGIN(w)
    py_vision_check(vis_illuminvar(py_image_get_rgb(self), &w));
    VISION_END(w)
    return self;
}
MP_DEFINE_CONST_FUN_OBJ_1(py_image_illuminvar_obj, illuminvar);

static mp_obj_t remove_shadows(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_rgb(pos[0]);
    const image_t *background = NULL;
    mp_obj_t keep = MP_OBJ_NULL;
    if (n_args > 1) {
        background = py_args_other(&a, img, img, &keep).img;
        if (!background || background->format != img->format) {
            mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("the background must be an rgb565 image"));
        }
    }
    VISION_BEGIN(w)
    py_vision_check(vis_remove_shadows(img, &w, background));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_remove_shadows_obj, 1, remove_shadows);

static mp_obj_t to_rainbow(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    bool copy = py_args_opt_bool(&a, MP_QSTR_copy, false);
    // MaixPy calls this argument both copy and (in newer documents) color_palette; only copy is read.
    mp_obj_t o = py_image_new(img->w, img->h, IMAGE_RGB565, false);
    image_t *out = py_image_get(o);
    uint16_t *to = (uint16_t *)(void *)out->pix, table[256];
    for (unsigned i = 0; i < 256; i++) {
        table[i] = vis_rainbow(i);
    }
    for (int32_t y = 0; y < img->h; y++) {
        for (int32_t x = 0; x < img->w; x++) {
            uint8_t r, g, b;
            image_color_to_rgb(img->format, image_get(img, x, y), &r, &g, &b);
            *to++ = table[image_rgb_to_gray(r, g, b)];
        }
    }
    if (copy) {
        return o;
    }
    py_image_move(pos[0], o);
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_to_rainbow_obj, 1, to_rainbow);

// ---- regions ------------------------------------------------------------------------------------

static mp_obj_t flood_fill(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_int_t p[2];
    py_args_ints(&a, 2, 2, p);
    mp_float_t seed = py_args_opt_finite(&a, MP_QSTR_seed_threshold, MICROPY_FLOAT_CONST(0.05));
    mp_float_t floating = py_args_opt_finite(&a, MP_QSTR_floating_threshold, MICROPY_FLOAT_CONST(0.05));
    uint32_t color = py_args_opt_color(&a, img->format);
    bool invert = py_args_opt_bool(&a, MP_QSTR_invert, false), clear = py_args_opt_bool(&a, MP_QSTR_clear_background, false);
    const image_t *mask = py_args_opt_mask(&a, img);
    VISION_BEGIN(w)
    py_vision_check(vis_flood_fill(img, &w, py_i32(p[0]), py_i32(p[1]), (float)seed, (float)floating, color, invert, clear, mask));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_flood_fill_obj, 2, flood_fill);

static mp_obj_t cartoon(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    mp_float_t seed = py_args_opt_finite(&a, MP_QSTR_seed_threshold, MICROPY_FLOAT_CONST(0.05));
    mp_float_t floating = py_args_opt_finite(&a, MP_QSTR_floating_threshold, MICROPY_FLOAT_CONST(0.05));
    const image_t *mask = py_args_opt_mask(&a, img);
    VISION_BEGIN(w)
    py_vision_check(vis_cartoon(img, &w, (float)seed, (float)floating, mask));
    VISION_END(w)
    return pos[0];
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_cartoon_obj, 1, cartoon);
