// SPDX-License-Identifier: MIT
//
// Post-processing for Python: yolo2, yolo3, yolox, ssd, priors, softmax, argmax, topk. They take
// results of a model (fmaps) or anything else with floats in it.

#include <math.h>
#include <string.h>

#include "py/binary.h"
#include "py/objarray.h"
#include "py/runtime.h"

#include "detect.h"
#include "modkpu.h"
#include "modkpu_post.h"

#define MAX_ANCHORS (64)
#define MAX_SCALES (16)

// ---- arguments -------------------------------------------------------------------------------

// The floats of an object with a buffer of them.
static const float *get_floats(mp_obj_t o, const char *what, size_t *n) {
    mp_buffer_info_t buf;
    if (!mp_get_buffer(o, &buf, MP_BUFFER_READ) || (buf.typecode != 'f' && buf.typecode != BYTEARRAY_TYPECODE && buf.typecode != 'B')) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("%s must be an output of a model or an array of floats"), what);
    }
    if (buf.typecode != 'f') {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s has bytes, not floats: the model ends in a quantized layer"),
            what);
    }
    *n = buf.len / sizeof(float);
    return buf.buf;
}

static float get_fraction(mp_obj_t o, const char *name) {
    mp_float_t v = mp_obj_get_float(o);
    if (!(v >= 0 && v <= 1)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s is %d percent, must be 0 to 1"), name,
            (int)(v > 1e6f ? 1e8f : v < -1e6f ? -1e8f : v * 100));
    }
    return (float)v;
}

// A pair of sizes in pixels.
static void get_size(mp_obj_t o, const char *name, uint32_t size[2]) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(o, 2, &items);
    for (unsigned i = 0; i < 2; ++i) {
        mp_int_t v = mp_obj_get_int(items[i]);
        if (v < 1 || v > 65535) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s has the size %d, must be 1 to 65535"), name, (int)v);
        }
        size[i] = (uint32_t)v;
    }
}

// Numbers w, h, w, h... of anchors.
static uint32_t get_anchors(mp_obj_t o, float sizes[2 * MAX_ANCHORS]) {
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(o, &n, &items);
    if (n == 0 || n % 2 || n > 2 * MAX_ANCHORS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u numbers of anchors, must be 1 to %u pairs of width and height"),
            (unsigned)n, MAX_ANCHORS);
    }
    for (size_t i = 0; i < n; ++i) {
        sizes[i] = (float)mp_obj_get_float(items[i]);
        if (!(sizes[i] > 0 && sizes[i] < 1e6f)) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("number %u of the anchors is not positive"), (unsigned)i);
        }
    }
    return (uint32_t)(n / 2);
}

static uint32_t get_strides(mp_obj_t o, uint32_t strides[MAX_SCALES]) {
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(o, &n, &items);
    if (n == 0 || n > MAX_SCALES) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u strides, must be 1 to %u"), (unsigned)n, MAX_SCALES);
    }
    for (size_t i = 0; i < n; ++i) {
        mp_int_t v = mp_obj_get_int(items[i]);
        if (v < 1 || v > 65535) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("stride %d, must be 1 to 65535"), (int)v);
        }
        strides[i] = (uint32_t)v;
    }
    return (uint32_t)n;
}

// ---- results ---------------------------------------------------------------------------------

// What all detectors have in common.
enum { LIMIT_threshold, LIMIT_nms, LIMIT_size, LIMIT_most, LIMITS };
#define LIMIT_ARGS \
    { MP_QSTR_threshold, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } }, \
    { MP_QSTR_nms, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } }, \
    { MP_QSTR_size, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = mp_const_none } }, \
    { MP_QSTR_most, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 100 } }

typedef struct {
    detect_list_t list;
    float nms;
    uint32_t size[2];
    uint32_t most;
} search_t;

static void start(search_t *s, const mp_arg_val_t *limits, const uint32_t net[2]) {
    memset(s, 0, sizeof(*s));
    s->list.mem = &modkpu_heap;
    s->list.threshold = limits[LIMIT_threshold].u_obj == MP_OBJ_NULL ? 0.5f : get_fraction(limits[LIMIT_threshold].u_obj, "threshold");
    s->nms = limits[LIMIT_nms].u_obj == MP_OBJ_NULL ? 0.3f : get_fraction(limits[LIMIT_nms].u_obj, "nms");
    memcpy(s->size, net, sizeof(s->size));
    if (limits[LIMIT_size].u_obj != mp_const_none) {
        get_size(limits[LIMIT_size].u_obj, "size", s->size);
    }
    mp_int_t most = limits[LIMIT_most].u_int;
    if (most < 1) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("most is %d, must be at least 1"), (int)most);
    }
    s->most = (uint32_t)most;
}

static uint32_t to_pixel(float fraction, uint32_t size) {
    float v = fraction * (float)size;
    return v > 0 ? (v < (float)size ? (uint32_t)v : size) : 0;
}

static void check(int ret, const char *err) {
    if (ret != KPU_OK) {
        mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("%s"), err);
    }
}

// The boxes, best first, limited to the picture.
static mp_obj_t finish(search_t *s) {
    detect_finish(&s->list, s->nms, s->most);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = 0; i < s->list.n; ++i) {
        const detect_box_t *b = &s->list.boxes[i];
        yolo2_box_t box = {
            .x1 = to_pixel(b->x1, s->size[0]), .y1 = to_pixel(b->y1, s->size[1]), .x2 = to_pixel(b->x2, s->size[0]),
            .y2 = to_pixel(b->y2, s->size[1]), .class_id = b->class_id, .prob = b->score,
        };
        mp_obj_list_append(list, modkpu_new_find(&box, i, s->list.n));
    }
    detect_free(&s->list);
    return list;
}

// ---- YOLO ------------------------------------------------------------------------------------

// Grid and classes of one output; its sizes have to fit the anchors.
static void get_map(mp_obj_t output, mp_obj_t grid, bool entries_last, detect_yolo_t *yolo) {
    size_t n;
    uint32_t shape[3];          // w, h, channels
    yolo->data = get_floats(output, "output", &n);
    yolo->entries_last = entries_last;
    if (grid != mp_const_none) {
        uint32_t size[2];
        get_size(grid, "grid", size);
        yolo->grid_w = size[0];
        yolo->grid_h = size[1];
    } else if (modkpu_fmap_shape(output, shape) && !entries_last) {
        yolo->grid_w = shape[0];
        yolo->grid_h = shape[1];
    } else {
        mp_raise_ValueError(MP_ERROR_TEXT("the shape of the output is not known, give grid=(width, height) in cells"));
    }
    uint64_t cells = (uint64_t)yolo->grid_w * yolo->grid_h, each = cells * yolo->anchors;
    if (n % each || n / each < 6) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("output has %u numbers, %u x %u cells with %u anchors need a multiple of %u, at least 6 times"),
            (unsigned)n, (unsigned)yolo->grid_w, (unsigned)yolo->grid_h, (unsigned)yolo->anchors, (unsigned)each);
    }
    yolo->classes = (uint32_t)(n / each) - 5;
}

static mp_obj_t modkpu_yolo2(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_output, ARG_anchors, ARG_net, ARG_grid, ARG_limits };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_output, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_anchors, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_net, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_grid, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = mp_const_none } },
        LIMIT_ARGS,
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    float sizes[2 * MAX_ANCHORS];
    uint32_t net[2];
    search_t s;
    char err[KPU_ERR_LEN];
    get_size(args[ARG_net].u_obj, "net", net);
    start(&s, &args[ARG_limits], net);
    detect_yolo_t yolo = { .anchors = get_anchors(args[ARG_anchors].u_obj, sizes), .sizes = sizes, .softmax = true };
    get_map(args[ARG_output].u_obj, args[ARG_grid].u_obj, false, &yolo);
    yolo.unit_w = 1 / (float)yolo.grid_w;
    yolo.unit_h = 1 / (float)yolo.grid_h;
    check(detect_yolo(&s.list, &yolo, err), err);
    return finish(&s);
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_yolo2_obj, 0, modkpu_yolo2);

static mp_obj_t modkpu_yolo3(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_outputs, ARG_anchors, ARG_net, ARG_grids, ARG_fractions, ARG_entries_last, ARG_limits };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_outputs, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_anchors, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_net, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_grids, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = mp_const_none } },
        { MP_QSTR_fractions, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } },
        { MP_QSTR_entries_last, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } },
        LIMIT_ARGS,
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    float sizes[2 * MAX_ANCHORS];
    uint32_t net[2];
    size_t n, n_anchors, n_grids = 0;
    mp_obj_t *outputs, *anchors, *grids = NULL;
    search_t s;
    char err[KPU_ERR_LEN];
    get_size(args[ARG_net].u_obj, "net", net);
    start(&s, &args[ARG_limits], net);
    mp_obj_get_array(args[ARG_outputs].u_obj, &n, &outputs);
    mp_obj_get_array(args[ARG_anchors].u_obj, &n_anchors, &anchors);
    if (args[ARG_grids].u_obj != mp_const_none) {
        mp_obj_get_array(args[ARG_grids].u_obj, &n_grids, &grids);
    }
    if (n == 0 || n_anchors != n || (grids != NULL && n_grids != n)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u outputs, %u lists of anchors, %u grids: one for each output"),
            (unsigned)n, (unsigned)n_anchors, (unsigned)n_grids);
    }
    for (size_t i = 0; i < n; ++i) {
        detect_yolo_t yolo = { .anchors = get_anchors(anchors[i], sizes), .sizes = sizes };
        get_map(outputs[i], grids != NULL ? grids[i] : mp_const_none, args[ARG_entries_last].u_bool, &yolo);
        yolo.unit_w = args[ARG_fractions].u_bool ? 1 : 1 / (float)net[0];
        yolo.unit_h = args[ARG_fractions].u_bool ? 1 : 1 / (float)net[1];
        check(detect_yolo(&s.list, &yolo, err), err);
    }
    return finish(&s);
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_yolo3_obj, 0, modkpu_yolo3);

static mp_obj_t modkpu_yolox(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_output, ARG_net, ARG_strides, ARG_limits };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_output, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_net, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_strides, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        LIMIT_ARGS,
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    uint32_t net[2], strides[MAX_SCALES] = { 8, 16, 32 }, n_strides = 3;
    size_t n;
    search_t s;
    char err[KPU_ERR_LEN];
    get_size(args[ARG_net].u_obj, "net", net);
    start(&s, &args[ARG_limits], net);
    if (args[ARG_strides].u_obj != MP_OBJ_NULL) {
        n_strides = get_strides(args[ARG_strides].u_obj, strides);
    }
    const float *data = get_floats(args[ARG_output].u_obj, "output", &n);
    uint32_t cells = detect_yolox_cells(net[0], net[1], strides, n_strides);
    if (cells == 0 || n % cells || n / cells < 6) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("output has %u numbers, a net of %u x %u has %u cells with 5 numbers and one for each class"),
            (unsigned)n, (unsigned)net[0], (unsigned)net[1], (unsigned)cells);
    }
    check(detect_yolox(&s.list, data, (uint32_t)(n / cells) - 5, net[0], net[1], strides, n_strides, err), err);
    return finish(&s);
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_yolox_obj, 0, modkpu_yolox);

// ---- priors ----------------------------------------------------------------------------------

static mp_obj_t new_floats(size_t n) {
    mp_obj_array_t *a = MP_OBJ_TO_PTR(mp_obj_new_bytearray_by_ref(n * sizeof(float), m_new(float, n)));
    a->base.type = &mp_type_array;
    a->typecode = 'f';
    a->len = n;
    return MP_OBJ_FROM_PTR(a);
}

static mp_obj_t modkpu_priors(mp_obj_t net_in, mp_obj_t strides_in, mp_obj_t sizes_in) {
    uint32_t net[2], strides[MAX_SCALES];
    float sizes[2 * MAX_ANCHORS];
    size_t n_scales, n_sizes, total = 0;
    mp_obj_t *scales, *items;
    get_size(net_in, "net", net);
    uint32_t n = get_strides(strides_in, strides);
    mp_obj_get_array(sizes_in, &n_scales, &scales);
    if (n_scales != n) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u strides and %u lists of sizes"), (unsigned)n, (unsigned)n_scales);
    }
    for (uint32_t i = 0; i < n; ++i) {
        mp_obj_get_array(scales[i], &n_sizes, &items);
        if (n_sizes > 2 * MAX_ANCHORS) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u sizes, must be 1 to %u"), (unsigned)n_sizes, 2 * MAX_ANCHORS);
        }
        total += (size_t)((net[0] + strides[i] - 1) / strides[i]) * ((net[1] + strides[i] - 1) / strides[i]) * n_sizes;
    }
    if (total > 1000000) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%u priors are too many"), (unsigned)total);
    }
    mp_obj_t array = new_floats(4 * total);
    float *out = ((mp_obj_array_t *)MP_OBJ_TO_PTR(array))->items;
    for (uint32_t i = 0; i < n; ++i) {
        mp_obj_get_array(scales[i], &n_sizes, &items);
        for (size_t k = 0; k < n_sizes; ++k) {
            sizes[k] = (float)mp_obj_get_float(items[k]);
        }
        detect_priors(out, net[0], net[1], strides[i], sizes, (uint32_t)n_sizes);
        out += (size_t)4 * ((net[0] + strides[i] - 1) / strides[i]) * ((net[1] + strides[i] - 1) / strides[i]) * n_sizes;
    }
    return array;
}
MP_DEFINE_CONST_FUN_OBJ_3(modkpu_priors_obj, modkpu_priors);

static mp_obj_t modkpu_ssd(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_scores, ARG_boxes, ARG_priors, ARG_net, ARG_variance, ARG_limits };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_scores, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_boxes, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_priors, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_net, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_variance, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_obj = mp_const_none } },
        LIMIT_ARGS,
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    uint32_t net[2];
    size_t n_scores, n_boxes, n_priors;
    float variance[2] = { 0.1f, 0.2f };
    search_t s;
    char err[KPU_ERR_LEN];
    get_size(args[ARG_net].u_obj, "net", net);
    start(&s, &args[ARG_limits], net);
    if (args[ARG_variance].u_obj != mp_const_none) {
        mp_obj_t *items;
        mp_obj_get_array_fixed_n(args[ARG_variance].u_obj, 2, &items);
        variance[0] = (float)mp_obj_get_float(items[0]);
        variance[1] = (float)mp_obj_get_float(items[1]);
    }
    const float *scores = get_floats(args[ARG_scores].u_obj, "scores", &n_scores);
    const float *boxes = get_floats(args[ARG_boxes].u_obj, "boxes", &n_boxes);
    const float *priors = get_floats(args[ARG_priors].u_obj, "priors", &n_priors);
    if (n_priors == 0 || n_priors % 4 || n_boxes != n_priors || n_scores % (n_priors / 4) || n_scores == 0) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("%u scores and %u numbers of boxes do not fit %u priors of 4 numbers"), (unsigned)n_scores,
            (unsigned)n_boxes, (unsigned)n_priors / 4);
    }
    uint32_t n = (uint32_t)(n_priors / 4);
    check(detect_ssd(&s.list, scores, (uint32_t)(n_scores / n), boxes, priors, n, variance[0], variance[1], err), err);
    return finish(&s);
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_ssd_obj, 0, modkpu_ssd);

// ---- classes ---------------------------------------------------------------------------------

// The numbers of a result, of a list or of any array, as floats.
static const float *any_floats(mp_obj_t o, size_t *n) {
    mp_buffer_info_t buf;
    mp_obj_t *items = NULL;
    float *copy;
    if (mp_get_buffer(o, &buf, MP_BUFFER_READ)) {
        size_t align;
        *n = buf.len / mp_binary_get_size('@', buf.typecode, &align);
        if (buf.typecode == 'f' && *n) {
            return buf.buf;
        }
    } else {
        mp_obj_get_array(o, n, &items);
    }
    if (*n == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("there are no numbers"));
    }
    copy = m_new(float, *n);
    for (size_t i = 0; i < *n; ++i) {
        copy[i] = (float)mp_obj_get_float(items ? items[i] : mp_binary_get_val_array(buf.typecode, buf.buf, i));
    }
    return copy;
}

static mp_obj_t modkpu_softmax(mp_obj_t values) {
    size_t n;
    const float *x = any_floats(values, &n);
    mp_obj_t array = new_floats(n);
    float *y = ((mp_obj_array_t *)MP_OBJ_TO_PTR(array))->items, best = x[0], sum = 0;
    for (size_t i = 1; i < n; ++i) {
        best = x[i] > best ? x[i] : best;
    }
    for (size_t i = 0; i < n; ++i) {
        y[i] = expf(x[i] - best);
        sum += y[i];
    }
    for (size_t i = 0; i < n; ++i) {
        y[i] /= sum;
    }
    return array;
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_softmax_obj, modkpu_softmax);

static size_t place_of_best(const float *x, size_t n, const bool *taken) {
    size_t best = n;
    for (size_t i = 0; i < n; ++i) {
        if ((taken == NULL || !taken[i]) && (best == n || x[i] > x[best])) {
            best = i;
        }
    }
    return best;
}

static mp_obj_t modkpu_argmax(mp_obj_t values) {
    size_t n;
    const float *x = any_floats(values, &n);
    return mp_obj_new_int_from_uint(place_of_best(x, n, NULL));
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_argmax_obj, modkpu_argmax);

static mp_obj_t modkpu_topk(mp_obj_t values, mp_obj_t k_in) {
    size_t n;
    const float *x = any_floats(values, &n);
    mp_int_t k = mp_obj_get_int(k_in);
    if (k < 1 || (size_t)k > n) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%d of %u numbers"), (int)k, (unsigned)n);
    }
    bool *taken = m_new0(bool, n);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    while (k-- > 0) {
        size_t at = place_of_best(x, n, taken);
        taken[at] = true;
        mp_obj_t pair[2] = { mp_obj_new_int_from_uint(at), mp_obj_new_float((mp_float_t)x[at]) };
        mp_obj_list_append(list, mp_obj_new_tuple(2, pair));
    }
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_2(modkpu_topk_obj, modkpu_topk);
