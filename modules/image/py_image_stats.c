// SPDX-License-Identifier: MIT
// Image.get_histogram(), get_statistics(), get_similarity() and the histogram object.
#include <errno.h>
#include <string.h>

#include "py_image_vision.h"
#include "py_vision.h"

// ---- histogram objects --------------------------------------------------------------------------

typedef struct {
    mp_obj_base_t base;
    image_format_t format;
    unsigned channels;
    mp_obj_t lists[3];
} py_histogram_t;

static const mp_obj_type_t histogram_type, lab_histogram_type;

static mp_obj_t new_histogram(const vis_hist_t *h, image_format_t format) {
    py_histogram_t *o = mp_obj_malloc(py_histogram_t, h->channels == 3 ? &lab_histogram_type : &histogram_type);
    o->format = format;
    o->channels = h->channels;
    o->lists[0] = o->lists[1] = o->lists[2] = mp_const_none;
    for (unsigned c = 0; c < h->channels; c++) {
        mp_obj_t list = mp_obj_new_list(0, NULL);
        o->lists[c] = list;
        for (unsigned i = 0; i < h->bins[c]; i++) {
            mp_obj_list_append(list, mp_obj_new_float((mp_float_t)h->bin[c][i]));
        }
    }
    return MP_OBJ_FROM_PTR(o);
}

static py_histogram_t *histogram_of(mp_obj_t o) {
    if (!mp_obj_is_type(o, &histogram_type) && !mp_obj_is_type(o, &lab_histogram_type)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("Can't convert %s to %s"), mp_obj_get_type_str(o), "histogram");
    }
    return MP_OBJ_TO_PTR(o);
}

static void histogram_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    static const char *const names[] = { "l_bins", "a_bins", "b_bins" };
    py_histogram_t *self = histogram_of(self_in);
    for (unsigned c = 0; c < self->channels; c++) {
        size_t n;
        mp_obj_t *items;
        mp_obj_get_array(self->lists[c], &n, &items);
        mp_printf(print, "%s\"%s\":[", c ? ", " : "{", self->channels == 3 ? names[c] : "bins");
        for (size_t i = 0; i < n; i++) {
            mp_printf(print, "%s%f", i ? ", " : "", (double)mp_obj_get_float(items[i]));
        }
        mp_print_str(print, "]");
    }
    mp_print_str(print, "}");
}

static mp_obj_t histogram_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    py_histogram_t *self = histogram_of(self_in);
    if (value != MP_OBJ_SENTINEL) {
        return MP_OBJ_NULL;
    }
    return self->lists[mp_get_index(self->base.type, self->channels, index, false)];
}

// The numbers of one channel: the lists may have been changed by the script.
static float *numbers(vis_work_t *w, const py_histogram_t *self, unsigned c, unsigned *n) {
    size_t len;
    mp_obj_t *items;
    mp_obj_get_array(self->lists[c], &len, &items);
    if (len == 0 || len > VIS_MAX_BINS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a histogram of %d bins"), (int)len);
    }
    float *p = vis_alloc(w, len * sizeof(float));
    py_vision_check(p ? 0 : -ENOMEM);
    for (size_t i = 0; i < len; i++) {
        p[i] = (float)mp_obj_get_float(items[i]);
    }
    *n = (unsigned)len;
    return p;
}

static mp_obj_t new_statistics(vis_work_t *w, const py_histogram_t *self) {
    mp_obj_t o = py_result_new(self->channels == 3 ? &py_lab_statistics_type : &py_statistics_type, 8 * self->channels);
    mp_obj_t *items = py_result_items(o);
    for (unsigned c = 0; c < self->channels; c++) {
        unsigned n;
        const float *p = numbers(w, self, c, &n);
        vis_stats_t s = vis_statistics(p, n, vis_scale(self->format, c));
        const int v[8] = { s.mean, s.median, s.mode, s.stdev, s.min, s.max, s.lq, s.uq };
        for (int i = 0; i < 8; i++) {
            items[8 * c + i] = MP_OBJ_NEW_SMALL_INT(v[i]);
        }
    }
    return o;
}

static mp_obj_t histogram_statistics(mp_obj_t self) {
    VISION_BEGIN(w)
    mp_obj_t o = new_statistics(&w, histogram_of(self));
    VISION_END(w)
    return o;
}
static MP_DEFINE_CONST_FUN_OBJ_1(histogram_statistics_obj, histogram_statistics);

static mp_obj_t histogram_percentile(mp_obj_t self_in, mp_obj_t p_in) {
    py_histogram_t *self = histogram_of(self_in);
    mp_float_t p = mp_obj_get_float(p_in);
    if (!(p >= 0 && p <= 1)) {
        mp_raise_ValueError(MP_ERROR_TEXT("a percentile is a number from 0 to 1"));
    }
    VISION_BEGIN(w)
    mp_obj_t o = py_result_new(self->channels == 3 ? &py_lab_percentile_type : &py_percentile_type, self->channels);
    for (unsigned c = 0; c < self->channels; c++) {
        unsigned n;
        const float *bins = numbers(&w, self, c, &n);
        py_result_items(o)[c] = MP_OBJ_NEW_SMALL_INT(vis_percentile(bins, n, vis_scale(self->format, c), (float)p));
    }
    VISION_END(w)
    return o;
}
static MP_DEFINE_CONST_FUN_OBJ_2(histogram_percentile_obj, histogram_percentile);

static mp_obj_t histogram_threshold(mp_obj_t self_in) {
    py_histogram_t *self = histogram_of(self_in);
    VISION_BEGIN(w)
    mp_obj_t o = py_result_new(self->channels == 3 ? &py_lab_threshold_type : &py_threshold_type, self->channels);
    for (unsigned c = 0; c < self->channels; c++) {
        unsigned n;
        const float *bins = numbers(&w, self, c, &n);
        py_result_items(o)[c] = MP_OBJ_NEW_SMALL_INT(vis_otsu(bins, n, vis_scale(self->format, c)));
    }
    VISION_END(w)
    return o;
}
static MP_DEFINE_CONST_FUN_OBJ_1(histogram_threshold_obj, histogram_threshold);

static mp_obj_t histogram_bins(mp_obj_t self) {
    return histogram_of(self)->lists[0];
}
static MP_DEFINE_CONST_FUN_OBJ_1(histogram_bins_obj, histogram_bins);
static mp_obj_t histogram_a_bins(mp_obj_t self) {
    return histogram_of(self)->lists[1];
}
static MP_DEFINE_CONST_FUN_OBJ_1(histogram_a_bins_obj, histogram_a_bins);
static mp_obj_t histogram_b_bins(mp_obj_t self) {
    return histogram_of(self)->lists[2];
}
static MP_DEFINE_CONST_FUN_OBJ_1(histogram_b_bins_obj, histogram_b_bins);

#define COMMON_METHODS \
    { MP_ROM_QSTR(MP_QSTR_bins), MP_ROM_PTR(&histogram_bins_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_percentile), MP_ROM_PTR(&histogram_percentile_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_threshold), MP_ROM_PTR(&histogram_threshold_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_stats), MP_ROM_PTR(&histogram_statistics_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_get_statistics), MP_ROM_PTR(&histogram_statistics_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_statistics), MP_ROM_PTR(&histogram_statistics_obj) }

static const mp_rom_map_elem_t histogram_table[] = { COMMON_METHODS };
static MP_DEFINE_CONST_DICT(histogram_locals, histogram_table);

static const mp_rom_map_elem_t lab_histogram_table[] = {
    COMMON_METHODS,
    { MP_ROM_QSTR(MP_QSTR_l_bins), MP_ROM_PTR(&histogram_bins_obj) },
    { MP_ROM_QSTR(MP_QSTR_a_bins), MP_ROM_PTR(&histogram_a_bins_obj) },
    { MP_ROM_QSTR(MP_QSTR_b_bins), MP_ROM_PTR(&histogram_b_bins_obj) },
};
static MP_DEFINE_CONST_DICT(lab_histogram_locals, lab_histogram_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    histogram_type, MP_QSTR_histogram, MP_TYPE_FLAG_NONE,
    print, histogram_print, subscr, histogram_subscr, locals_dict, &histogram_locals
    );
static MP_DEFINE_CONST_OBJ_TYPE(
    lab_histogram_type, MP_QSTR_histogram, MP_TYPE_FLAG_NONE,
    print, histogram_print, subscr, histogram_subscr, locals_dict, &lab_histogram_locals
    );

// ---- methods of Image ---------------------------------------------------------------------------

static mp_obj_t make(size_t n_args, const mp_obj_t *pos, mp_map_t *kw, bool statistics) {
    py_args_t a = PY_ARGS(n_args, pos, kw);
    image_t *img = py_image_get_pixels(pos[0]);
    VISION_BEGIN(w)
    size_t n;
    vis_range_t *ranges = py_thresholds(&w, py_args_opt(&a, MP_QSTR_thresholds), img->format, &n);
    bool invert = py_args_opt_bool(&a, MP_QSTR_invert, false);
    image_rect_t roi = py_args_opt_roi(&a, img->w, img->h);
    unsigned bins[3] = { 0 };
    mp_int_t all = py_args_opt_limited(&a, MP_QSTR_bins, 0, 0, VIS_MAX_BINS);
    bins[0] = bins[1] = bins[2] = (unsigned)all;
    if (img->format == IMAGE_RGB565) {
        bins[0] = (unsigned)py_args_opt_limited(&a, MP_QSTR_l_bins, all, 0, VIS_MAX_BINS);
        bins[1] = (unsigned)py_args_opt_limited(&a, MP_QSTR_a_bins, all, 0, VIS_MAX_BINS);
        bins[2] = (unsigned)py_args_opt_limited(&a, MP_QSTR_b_bins, all, 0, VIS_MAX_BINS);
    }
    for (int c = 0; c < 3; c++) {
        if (bins[c] == 1) {
            mp_raise_ValueError(MP_ERROR_TEXT("bins must be >= 2"));
        }
    }
    vis_hist_t h;
    py_vision_check(vis_histogram(&h, &w, img, roi, ranges, n, invert, bins));
    mp_obj_t o = new_histogram(&h, img->format);
    if (statistics) {
        o = new_statistics(&w, MP_OBJ_TO_PTR(o));
    }
    VISION_END(w)
    return o;
}

static mp_obj_t get_histogram(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return make(n_args, pos, kw, false);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_get_histogram_obj, 1, get_histogram);

static mp_obj_t get_statistics(size_t n_args, const mp_obj_t *pos, mp_map_t *kw) {
    return make(n_args, pos, kw, true);
}
MP_DEFINE_CONST_FUN_OBJ_KW(py_image_get_statistics_obj, 1, get_statistics);

static mp_obj_t get_similarity(mp_obj_t self, mp_obj_t other_in) {
    image_t *img = py_image_get_pixels(self);
    mp_obj_t keep = MP_OBJ_NULL;
    mp_obj_t args[2] = { self, other_in };
    py_args_t a = PY_ARGS(2, args, NULL);
    if (mp_obj_is_int(other_in)) {
        mp_raise_TypeError(MP_ERROR_TEXT("an image is needed"));
    }
    vis_other_t other = py_args_other(&a, img, img, &keep);
    if (!other.img) {
        mp_raise_TypeError(MP_ERROR_TEXT("an image is needed"));
    }
    vis_similarity_t s;
    VISION_BEGIN(w)
    py_vision_check(vis_similarity(&s, &w, img, other.img));
    VISION_END(w)
    mp_obj_t o = py_result_new(&py_similarity_type, 4), *items = py_result_items(o);
    items[0] = mp_obj_new_float((mp_float_t)s.mean);
    items[1] = mp_obj_new_float((mp_float_t)s.stdev);
    items[2] = mp_obj_new_float((mp_float_t)s.min);
    items[3] = mp_obj_new_float((mp_float_t)s.max);
    return o;
}
MP_DEFINE_CONST_FUN_OBJ_2(py_image_get_similarity_obj, get_similarity);
