// SPDX-License-Identifier: MIT
//
// kpu.init_yolo2, kpu.run_yolo2 and the objects they return.

#include "py/objtuple.h"
#include "py/runtime.h"

#include "modkpu.h"
#include "modkpu_post.h"

void modkpu_print_float(const mp_print_t *print, double value) {
    mp_printf(print, "%f", value);
}

// ---- parameters ------------------------------------------------------------------------------

static mp_obj_t yolo2_anchor(mp_obj_t self_in) {
    modkpu_yolo2_obj_t *self = MP_OBJ_TO_PTR(self_in);
    size_t n = 2 * self->params.n_anchors;
    mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(mp_obj_new_tuple(n, NULL));
    for (size_t i = 0; i < n; ++i) {
        tuple->items[i] = mp_obj_new_float((mp_float_t)self->anchors[i]);
    }
    return MP_OBJ_FROM_PTR(tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_1(yolo2_anchor_obj, yolo2_anchor);

static mp_obj_t yolo2_threshold(mp_obj_t self_in) {
    return mp_obj_new_float((mp_float_t)((modkpu_yolo2_obj_t *)MP_OBJ_TO_PTR(self_in))->params.threshold);
}
static MP_DEFINE_CONST_FUN_OBJ_1(yolo2_threshold_obj, yolo2_threshold);

static mp_obj_t yolo2_nms_value(mp_obj_t self_in) {
    return mp_obj_new_float((mp_float_t)((modkpu_yolo2_obj_t *)MP_OBJ_TO_PTR(self_in))->params.nms);
}
static MP_DEFINE_CONST_FUN_OBJ_1(yolo2_nms_value_obj, yolo2_nms_value);

static mp_obj_t yolo2_anchor_number(mp_obj_t self_in) {
    return mp_obj_new_int_from_uint(((modkpu_yolo2_obj_t *)MP_OBJ_TO_PTR(self_in))->params.n_anchors);
}
static MP_DEFINE_CONST_FUN_OBJ_1(yolo2_anchor_number_obj, yolo2_anchor_number);

static void yolo2_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    modkpu_yolo2_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_print_str(print, "{\"threshold\":");
    modkpu_print_float(print, (double)self->params.threshold);
    mp_print_str(print, ", \"nms_value\":");
    modkpu_print_float(print, (double)self->params.nms);
    mp_printf(print, ", \"anchor_number\":%u, \"anchor\":\"(", (unsigned)self->params.n_anchors);
    for (size_t i = 0; i < 2 * self->params.n_anchors; ++i) {
        mp_print_str(print, i ? ", " : "");
        modkpu_print_float(print, (double)self->anchors[i]);
    }
    mp_print_str(print, ")\"}");
}

static const mp_rom_map_elem_t yolo2_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_anchor), MP_ROM_PTR(&yolo2_anchor_obj) },
    { MP_ROM_QSTR(MP_QSTR_threshold), MP_ROM_PTR(&yolo2_threshold_obj) },
    { MP_ROM_QSTR(MP_QSTR_nms_value), MP_ROM_PTR(&yolo2_nms_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_anchor_number), MP_ROM_PTR(&yolo2_anchor_number_obj) },
};
static MP_DEFINE_CONST_DICT(yolo2_locals, yolo2_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    modkpu_yolo2_type,
    MP_QSTR_kpu_yolo2,
    MP_TYPE_FLAG_NONE,
    print, yolo2_print,
    locals_dict, &yolo2_locals
    );

static float get_fraction(mp_obj_t o, const char *name) {
    mp_float_t v = mp_obj_get_float(o);
    if (!(v >= 0 && v <= 1)) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: %s only support 0 to 1"), name);
    }
    return (float)v;
}

static mp_obj_t modkpu_init_yolo2(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_net, ARG_threshold, ARG_nms, ARG_number, ARG_anchor, ARG_dma };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_kpu_net, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_threshold, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_nms_value, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_anchor_number, MP_ARG_REQUIRED | MP_ARG_INT },
        { MP_QSTR_anchor, MP_ARG_REQUIRED | MP_ARG_OBJ },
        // Drivers choose their DMA channel themselves here; the argument is for old scripts.
        { MP_QSTR_dma, MP_ARG_INT, { .u_int = -1 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    modkpu_net_obj_t *net = modkpu_get_open_net(args[ARG_net].u_obj);
    float threshold = get_fraction(args[ARG_threshold].u_obj, "threshold");
    float nms = get_fraction(args[ARG_nms].u_obj, "nms_value");
    mp_int_t number = args[ARG_number].u_int;
    if (number <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: anchor_number should > 0"));
    }
    if (number > 1000) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: anchor_number is more than 1000"));
    }
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(args[ARG_anchor].u_obj, 2 * (size_t)number, &items);
    modkpu_yolo2_obj_t *yolo2 = mp_obj_malloc_var(modkpu_yolo2_obj_t, anchors, float, 2 * (size_t)number,
        &modkpu_yolo2_type);
    for (mp_int_t i = 0; i < 2 * number; ++i) {
        yolo2->anchors[i] = (float)mp_obj_get_float(items[i]);
    }
    yolo2->params = (yolo2_params_t) {
        .threshold = threshold, .nms = nms, .n_anchors = (uint32_t)number, .anchors = yolo2->anchors,
    };
    net->yolo2 = yolo2;
    return mp_const_true;
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_init_yolo2_obj, 0, modkpu_init_yolo2);

static mp_obj_t modkpu_deinit_yolo2(mp_obj_t net_in) {
    modkpu_get_net(net_in)->yolo2 = NULL;
    return mp_const_true;
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_deinit_yolo2_obj, modkpu_deinit_yolo2);

// ---- detections ------------------------------------------------------------------------------

typedef struct {
    mp_obj_base_t base;
    yolo2_box_t box;
    uint32_t index, objnum;
} find_obj_t;

static mp_obj_t new_int(uint32_t v) {
    return mp_obj_new_int_from_uint(v);
}

// The corners are sorted, except where a broken anchor has a negative size.
static uint32_t box_w(const yolo2_box_t *box) {
    return box->x2 > box->x1 ? box->x2 - box->x1 : 0;
}

static uint32_t box_h(const yolo2_box_t *box) {
    return box->y2 > box->y1 ? box->y2 - box->y1 : 0;
}

static const find_obj_t *find_self(mp_obj_t self_in) {
    return MP_OBJ_TO_PTR(self_in);
}

static mp_obj_t find_rect(mp_obj_t self_in) {
    const yolo2_box_t *box = &find_self(self_in)->box;
    mp_obj_t items[4] = { new_int(box->x1), new_int(box->y1), new_int(box_w(box)), new_int(box_h(box)) };
    return mp_obj_new_tuple(4, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(find_rect_obj, find_rect);

#define FIND_METHOD(name, expr) \
    static mp_obj_t find_##name(mp_obj_t self_in) { \
        const find_obj_t *self = find_self(self_in); \
        return expr; \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_1(find_##name##_obj, find_##name)

FIND_METHOD(x, new_int(self->box.x1));
FIND_METHOD(y, new_int(self->box.y1));
FIND_METHOD(w, new_int(box_w(&self->box)));
FIND_METHOD(h, new_int(box_h(&self->box)));
FIND_METHOD(classid, new_int(self->box.class_id));
FIND_METHOD(index, new_int(self->index));
FIND_METHOD(objnum, new_int(self->objnum));
FIND_METHOD(value, mp_obj_new_float((mp_float_t)self->box.prob));

static void find_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const find_obj_t *self = find_self(self_in);
    mp_printf(print, "{\"x\":%u, \"y\":%u, \"w\":%u, \"h\":%u, \"value\":", (unsigned)self->box.x1,
        (unsigned)self->box.y1, (unsigned)box_w(&self->box), (unsigned)box_h(&self->box));
    modkpu_print_float(print, (double)self->box.prob);
    mp_printf(print, ", \"classid\":%u, \"index\":%u, \"objnum\":%u}", (unsigned)self->box.class_id,
        (unsigned)self->index, (unsigned)self->objnum);
}

static const mp_rom_map_elem_t find_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_rect), MP_ROM_PTR(&find_rect_obj) },
    { MP_ROM_QSTR(MP_QSTR_x), MP_ROM_PTR(&find_x_obj) },
    { MP_ROM_QSTR(MP_QSTR_y), MP_ROM_PTR(&find_y_obj) },
    { MP_ROM_QSTR(MP_QSTR_w), MP_ROM_PTR(&find_w_obj) },
    { MP_ROM_QSTR(MP_QSTR_h), MP_ROM_PTR(&find_h_obj) },
    { MP_ROM_QSTR(MP_QSTR_classid), MP_ROM_PTR(&find_classid_obj) },
    { MP_ROM_QSTR(MP_QSTR_index), MP_ROM_PTR(&find_index_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&find_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_objnum), MP_ROM_PTR(&find_objnum_obj) },
};
static MP_DEFINE_CONST_DICT(find_locals, find_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    modkpu_find_type,
    MP_QSTR_kpu_yolo2_find,
    MP_TYPE_FLAG_NONE,
    print, find_print,
    locals_dict, &find_locals
    );

mp_obj_t modkpu_new_find(const yolo2_box_t *box, uint32_t index, uint32_t objnum) {
    find_obj_t *find = mp_obj_malloc(find_obj_t, &modkpu_find_type);
    find->box = *box;
    find->index = index;
    find->objnum = objnum;
    return MP_OBJ_FROM_PTR(find);
}

// MaixPy gives the boxes anchor by anchor, row by row.
static void sort_by_score(yolo2_box_t *boxes, uint32_t n) {
    for (uint32_t i = 1; i < n; ++i) {
        yolo2_box_t box = boxes[i];
        uint32_t at = i;
        for (; at > 0 && boxes[at - 1].prob < box.prob; --at) {
            boxes[at] = boxes[at - 1];
        }
        boxes[at] = box;
    }
}

static mp_obj_t modkpu_run_yolo2(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_net, ARG_img, ARG_sort };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_kpu_net, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_img, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_sort, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } }, // best first
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_obj_t net_in = args[ARG_net].u_obj, image = args[ARG_img].u_obj;
    modkpu_net_obj_t *self = modkpu_get_open_net(net_in);
    modkpu_yolo2_obj_t *yolo2 = self->yolo2;
    if (yolo2 == NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: call kpu.init_yolo2() first"));
    }
    const kpu_tensor_t *out = &self->net.outputs[0];
    if (out->mem.dtype != KPU_F32) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: region_layer_init err! Output 0 is not made of floats"));
    }
    if ((size_t)out->c * out->h * out->w * 4 != out->mem.size) {
        mp_raise_ValueError(MP_ERROR_TEXT(
            "[MAIXPY]kpu: region_layer_init err! The shape of output 0 is not known, call kpu.set_outputs()"));
    }
    if (self->layers != self->net.n_nodes) {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: set_layers() cuts the model, set it to 0 for run_yolo2"));
    }
    modkpu_run(self, image, true);
    char err[KPU_ERR_LEN];
    yolo2_box_t *boxes;
    uint32_t n;
    int ret = yolo2_decode((const float *)kpu_range_ptr(&self->net, &out->mem), out->w, out->h, out->c,
        self->net.inputs[0].w, self->net.inputs[0].h, &yolo2->params, &modkpu_heap, &boxes, &n, err);
    if (ret != KPU_OK) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: region_layer_init err! %s"), err);
    }
    if (n == 0) {
        return mp_const_none;
    }
    if (args[ARG_sort].u_bool) {
        sort_by_score(boxes, n);
    }
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = 0; i < n; ++i) {
        mp_obj_list_append(list, modkpu_new_find(&boxes[i], i, n));
    }
    m_free(boxes);
    return list;
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_run_yolo2_obj, 0, modkpu_run_yolo2);
