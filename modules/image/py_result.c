// SPDX-License-Identifier: MIT
#include <string.h>

#include "py/objtuple.h"
#include "py/runtime.h"

#include "py_result.h"

typedef struct {
    mp_obj_base_t base;
    size_t len;
    mp_obj_t items[];
} py_result_t;

// What a type's protocol slot points to.
typedef struct {
    uint8_t shown;
    const char *const *names;
    const char *broken;     // replaces `"first":` where MaixPy has a quote in the wrong place
} info_t;

static void result_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind);

static py_result_t *self_of(mp_obj_t o) {
    const mp_obj_type_t *type = mp_obj_get_type(o);
    if (!MP_OBJ_TYPE_HAS_SLOT(type, print) || MP_OBJ_TYPE_GET_SLOT(type, print) != result_print) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("a result object expected, got %s"), mp_obj_get_type_str(o));
    }
    return MP_OBJ_TO_PTR(o);
}

static const info_t *info_of(const py_result_t *self) {
    return MP_OBJ_TYPE_GET_SLOT(self->base.type, protocol);
}

mp_obj_t py_result_new(const mp_obj_type_t *type, size_t n) {
    py_result_t *o = mp_obj_malloc_var(py_result_t, items, mp_obj_t, n, type);
    o->len = n;
    for (size_t i = 0; i < n; i++) {
        o->items[i] = mp_const_none;
    }
    return MP_OBJ_FROM_PTR(o);
}

mp_obj_t *py_result_items(mp_obj_t o) {
    return self_of(o)->items;
}

static void result_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    py_result_t *self = self_of(self_in);
    const info_t *info = info_of(self);
    mp_print_str(print, "{");
    for (size_t i = 0; i < info->shown; i++) {
        if (i == 0 && info->broken) {
            mp_print_str(print, info->broken);
        } else {
            mp_printf(print, "%s\"%s\":", i ? ", " : "", info->names[i]);
        }
        mp_obj_t v = self->items[i];
        if (mp_obj_is_str(v)) {
            mp_printf(print, "\"%s\"", mp_obj_str_get_str(v));
        } else if (mp_obj_is_float(v)) {
            mp_printf(print, "%f", (double)mp_obj_get_float(v));
        } else {
            mp_obj_print_helper(print, v, PRINT_REPR);
        }
    }
    mp_print_str(print, "}");
}

static mp_obj_t result_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    py_result_t *self = self_of(self_in);
    size_t n = info_of(self)->shown;
    if (value != MP_OBJ_SENTINEL) {
        return MP_OBJ_NULL; // read only
    }
    if (mp_obj_is_type(index, &mp_type_slice)) {
        mp_bound_slice_t slice;
        if (!mp_seq_get_fast_slice_indexes(n, index, &slice)) {
            mp_raise_NotImplementedError(MP_ERROR_TEXT("only slices with step=1 (aka None) are supported"));
        }
        return mp_obj_new_tuple(slice.stop > slice.start ? slice.stop - slice.start : 0, self->items + slice.start);
    }
    return self->items[mp_get_index(self->base.type, n, index, false)];
}

static mp_obj_t result_unary_op(mp_unary_op_t op, mp_obj_t self_in) {
    switch (op) {
        case MP_UNARY_OP_BOOL:
            return mp_const_true;
        case MP_UNARY_OP_LEN:
            return MP_OBJ_NEW_SMALL_INT(info_of(self_of(self_in))->shown);
        default:
            return MP_OBJ_NULL;
    }
}

static mp_obj_t item(mp_obj_t self_in, size_t i) {
    py_result_t *self = self_of(self_in);
    return i < self->len ? self->items[i] : mp_const_none;
}

// One function per place, shared by all types.
#define GETTER(n) \
    static mp_obj_t get_##n(mp_obj_t self) { \
        return item(self, n); \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_1(get_##n##_obj, get_##n);
GETTER(0)
GETTER(1)
GETTER(2)
GETTER(3)
GETTER(4)
GETTER(5)
GETTER(6)
GETTER(7)
GETTER(8)
GETTER(9)
GETTER(10)
GETTER(11)
GETTER(12)
GETTER(13)
GETTER(14)
GETTER(15)
GETTER(16)
GETTER(17)
GETTER(18)
GETTER(19)
GETTER(20)
GETTER(21)
GETTER(22)
GETTER(23)

// rect() and line() are the first four fields, circle() the first three.
static mp_obj_t first_four(mp_obj_t self) {
    return mp_obj_new_tuple(4, self_of(self)->items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(first_four_obj, first_four);

static mp_obj_t first_three(mp_obj_t self) {
    return mp_obj_new_tuple(3, self_of(self)->items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(first_three_obj, first_three);

static mp_obj_t hidden_first(mp_obj_t self_in) {
    py_result_t *self = self_of(self_in);
    return item(self_in, info_of(self)->shown);
}
static MP_DEFINE_CONST_FUN_OBJ_1(hidden_first_obj, hidden_first);

#define FIELD(name, n) { MP_ROM_QSTR(MP_QSTR_##name), MP_ROM_PTR(&get_##n##_obj) }
#define RECT { MP_ROM_QSTR(MP_QSTR_rect), MP_ROM_PTR(&first_four_obj) }
#define CORNERS { MP_ROM_QSTR(MP_QSTR_corners), MP_ROM_PTR(&hidden_first_obj) }

// The type name_, whose fields are named in name_##_names and whose methods are in name_##_table.
#define RESULT_TYPE(name_, broken_) \
    static MP_DEFINE_CONST_DICT(name_##_locals, name_##_table); \
    static const info_t name_##_info = { MP_ARRAY_SIZE(name_##_names), name_##_names, broken_ }; \
    MP_DEFINE_CONST_OBJ_TYPE(py_##name_##_type, TYPE_QSTR, MP_TYPE_FLAG_NONE, print, result_print, \
    unary_op, result_unary_op, subscr, result_subscr, protocol, &name_##_info, locals_dict, &name_##_locals);

static mp_obj_t blob_area(mp_obj_t self) {
    return MP_OBJ_NEW_SMALL_INT(mp_obj_get_int(item(self, 2)) * mp_obj_get_int(item(self, 3)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(blob_area_obj, blob_area);

static mp_obj_t blob_density(mp_obj_t self) {
    mp_int_t area = mp_obj_get_int(blob_area(self));
    return mp_obj_new_float(area ? (mp_float_t)mp_obj_get_int(item(self, 4)) / (mp_float_t)area : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(blob_density_obj, blob_density);

static const char *const blob_names[] = { "x", "y", "w", "h", "pixels", "cx", "cy", "rotation", "code", "count" };
static const mp_rom_map_elem_t blob_table[] = {
    FIELD(x, 0), FIELD(y, 1), FIELD(w, 2), FIELD(h, 3), FIELD(pixels, 4), FIELD(cx, 5), FIELD(cy, 6), FIELD(rotation, 7),
    FIELD(code, 8), FIELD(count, 9), RECT,
    { MP_ROM_QSTR(MP_QSTR_area), MP_ROM_PTR(&blob_area_obj) },
    { MP_ROM_QSTR(MP_QSTR_density), MP_ROM_PTR(&blob_density_obj) },
};
#define TYPE_QSTR MP_QSTR_blob
RESULT_TYPE(blob, NULL)
#undef TYPE_QSTR

static const char *const line_names[] = { "x1", "y1", "x2", "y2", "length", "magnitude", "theta", "rho" };
static const mp_rom_map_elem_t line_table[] = {
    FIELD(x1, 0), FIELD(y1, 1), FIELD(x2, 2), FIELD(y2, 3), FIELD(length, 4), FIELD(magnitude, 5), FIELD(theta, 6),
    FIELD(rho, 7),
    { MP_ROM_QSTR(MP_QSTR_line), MP_ROM_PTR(&first_four_obj) },
};
#define TYPE_QSTR MP_QSTR_line
RESULT_TYPE(line, NULL)
#undef TYPE_QSTR

static const char *const circle_names[] = { "x", "y", "r", "magnitude" };
static const mp_rom_map_elem_t circle_table[] = {
    FIELD(x, 0), FIELD(y, 1), FIELD(r, 2), FIELD(magnitude, 3),
    { MP_ROM_QSTR(MP_QSTR_circle), MP_ROM_PTR(&first_three_obj) },
};
#define TYPE_QSTR MP_QSTR_circle
RESULT_TYPE(circle, NULL)
#undef TYPE_QSTR

static const char *const rect_names[] = { "x", "y", "w", "h", "magnitude" };
static const mp_rom_map_elem_t rect_table[] = {
    FIELD(x, 0), FIELD(y, 1), FIELD(w, 2), FIELD(h, 3), FIELD(magnitude, 4), RECT, CORNERS,
};
#define TYPE_QSTR MP_QSTR_rect
RESULT_TYPE(rect, NULL)
#undef TYPE_QSTR

// The kinds of data that a QR code can hold, by data_type.
static mp_obj_t is_type(mp_obj_t self, mp_int_t type) {
    return mp_obj_new_bool(mp_obj_get_int(item(self, 8)) == type);
}
static mp_obj_t is_numeric(mp_obj_t self) {
    return is_type(self, 1);
}
static MP_DEFINE_CONST_FUN_OBJ_1(is_numeric_obj, is_numeric);
static mp_obj_t is_alphanumeric(mp_obj_t self) {
    return is_type(self, 2);
}
static MP_DEFINE_CONST_FUN_OBJ_1(is_alphanumeric_obj, is_alphanumeric);
static mp_obj_t is_binary(mp_obj_t self) {
    return is_type(self, 4);
}
static MP_DEFINE_CONST_FUN_OBJ_1(is_binary_obj, is_binary);
static mp_obj_t is_kanji(mp_obj_t self) {
    return is_type(self, 8);
}
static MP_DEFINE_CONST_FUN_OBJ_1(is_kanji_obj, is_kanji);

static const char *const qrcode_names[] = {
    "x", "y", "w", "h", "payload", "version", "ecc_level", "mask", "data_type", "eci",
};
static const mp_rom_map_elem_t qrcode_table[] = {
    FIELD(x, 0), FIELD(y, 1), FIELD(w, 2), FIELD(h, 3), FIELD(payload, 4), FIELD(version, 5), FIELD(ecc_level, 6),
    FIELD(mask, 7), FIELD(data_type, 8), FIELD(eci, 9), RECT, CORNERS,
    { MP_ROM_QSTR(MP_QSTR_is_numeric), MP_ROM_PTR(&is_numeric_obj) },
    { MP_ROM_QSTR(MP_QSTR_is_alphanumeric), MP_ROM_PTR(&is_alphanumeric_obj) },
    { MP_ROM_QSTR(MP_QSTR_is_binary), MP_ROM_PTR(&is_binary_obj) },
    { MP_ROM_QSTR(MP_QSTR_is_kanji), MP_ROM_PTR(&is_kanji_obj) },
};
#define TYPE_QSTR MP_QSTR_qrcode
RESULT_TYPE(qrcode, NULL)
#undef TYPE_QSTR

static const char *const apriltag_names[] = {
    "x", "y", "w", "h", "id", "family", "cx", "cy", "rotation", "decision_margin", "hamming", "goodness", "x_translation",
    "y_translation", "z_translation", "x_rotation", "y_rotation", "z_rotation",
};
static const mp_rom_map_elem_t apriltag_table[] = {
    FIELD(x, 0), FIELD(y, 1), FIELD(w, 2), FIELD(h, 3), FIELD(id, 4), FIELD(family, 5), FIELD(cx, 6), FIELD(cy, 7),
    FIELD(rotation, 8), FIELD(decision_margin, 9), FIELD(hamming, 10), FIELD(goodness, 11), FIELD(x_translation, 12),
    FIELD(y_translation, 13), FIELD(z_translation, 14), FIELD(x_rotation, 15), FIELD(y_rotation, 16),
    FIELD(z_rotation, 17), RECT, CORNERS,
};
#define TYPE_QSTR MP_QSTR_apriltag
RESULT_TYPE(apriltag, NULL)
#undef TYPE_QSTR

static const char *const datamatrix_names[] = {
    "x", "y", "w", "h", "payload", "rotation", "rows", "columns", "capacity", "padding",
};
static const mp_rom_map_elem_t datamatrix_table[] = {
    FIELD(x, 0), FIELD(y, 1), FIELD(w, 2), FIELD(h, 3), FIELD(payload, 4), FIELD(rotation, 5), FIELD(rows, 6),
    FIELD(columns, 7), FIELD(capacity, 8), FIELD(padding, 9), RECT, CORNERS,
};
#define TYPE_QSTR MP_QSTR_datamatrix
RESULT_TYPE(datamatrix, NULL)
#undef TYPE_QSTR

static const char *const barcode_names[] = { "x", "y", "w", "h", "payload", "type", "rotation", "quality" };
static const mp_rom_map_elem_t barcode_table[] = {
    FIELD(x, 0), FIELD(y, 1), FIELD(w, 2), FIELD(h, 3), FIELD(payload, 4), FIELD(type, 5), FIELD(rotation, 6),
    FIELD(quality, 7), RECT, CORNERS,
};
#define TYPE_QSTR MP_QSTR_barcode
RESULT_TYPE(barcode, NULL)
#undef TYPE_QSTR

static const char *const displacement_names[] = { "x_translation", "y_translation", "rotation", "scale", "response" };
static const mp_rom_map_elem_t displacement_table[] = {
    FIELD(x_translation, 0), FIELD(y_translation, 1), FIELD(rotation, 2), FIELD(scale, 3), FIELD(response, 4),
};
#define TYPE_QSTR MP_QSTR_displacement
RESULT_TYPE(displacement, NULL)
#undef TYPE_QSTR

static const char *const similarity_names[] = { "mean", "stdev", "min", "max" };
static const mp_rom_map_elem_t similarity_table[] = {
    FIELD(mean, 0), FIELD(stdev, 1), FIELD(min, 2), FIELD(max, 3),
};
#define TYPE_QSTR MP_QSTR_similarity
RESULT_TYPE(similarity, NULL)
#undef TYPE_QSTR

#define STATS_FIELDS \
    FIELD(mean, 0), FIELD(median, 1), FIELD(mode, 2), FIELD(stdev, 3), FIELD(min, 4), FIELD(max, 5), FIELD(lq, 6), FIELD(uq, 7)
static const char *const statistics_names[] = { "mean", "median", "mode", "stdev", "min", "max", "lq", "uq" };
static const mp_rom_map_elem_t statistics_table[] = { STATS_FIELDS };
#define TYPE_QSTR MP_QSTR_statistics
RESULT_TYPE(statistics, NULL)

static const char *const lab_statistics_names[] = {
    "l_mean", "l_median", "l_mode", "l_stdev", "l_min", "l_max", "l_lq", "l_uq", "a_mean", "a_median", "a_mode", "a_stdev",
    "a_min", "a_max", "a_lq", "a_uq", "b_mean", "b_median", "b_mode", "b_stdev", "b_min", "b_max", "b_lq", "b_uq",
};
static const mp_rom_map_elem_t lab_statistics_table[] = {
    STATS_FIELDS,
    FIELD(l_mean, 0), FIELD(l_median, 1), FIELD(l_mode, 2), FIELD(l_stdev, 3), FIELD(l_min, 4), FIELD(l_max, 5),
    FIELD(l_lq, 6), FIELD(l_uq, 7),
    FIELD(a_mean, 8), FIELD(a_median, 9), FIELD(a_mode, 10), FIELD(a_stdev, 11), FIELD(a_min, 12), FIELD(a_max, 13),
    FIELD(a_lq, 14), FIELD(a_uq, 15),
    FIELD(b_mean, 16), FIELD(b_median, 17), FIELD(b_mode, 18), FIELD(b_stdev, 19), FIELD(b_min, 20), FIELD(b_max, 21),
    FIELD(b_lq, 22), FIELD(b_uq, 23),
};
RESULT_TYPE(lab_statistics, NULL)
#undef TYPE_QSTR

static const char *const percentile_names[] = { "value" };
static const mp_rom_map_elem_t percentile_table[] = { FIELD(value, 0) };
#define TYPE_QSTR MP_QSTR_percentile
RESULT_TYPE(percentile, NULL)

static const char *const lab_percentile_names[] = { "l_value", "a_value", "b_value" };
static const mp_rom_map_elem_t lab_percentile_table[] = {
    FIELD(value, 0), FIELD(l_value, 0), FIELD(a_value, 1), FIELD(b_value, 2),
};
RESULT_TYPE(lab_percentile, "\"l_value:")
#undef TYPE_QSTR

static const char *const threshold_names[] = { "value" };
static const mp_rom_map_elem_t threshold_table[] = { FIELD(value, 0) };
#define TYPE_QSTR MP_QSTR_threshold
RESULT_TYPE(threshold, NULL)

static const char *const lab_threshold_names[] = { "l_value", "a_value", "b_value" };
static const mp_rom_map_elem_t lab_threshold_table[] = {
    FIELD(value, 0), FIELD(l_value, 0), FIELD(a_value, 1), FIELD(b_value, 2),
};
RESULT_TYPE(lab_threshold, NULL)
#undef TYPE_QSTR

static const char *const kptmatch_names[] = { "cx", "cy", "x", "y", "w", "h", "count", "theta" };
static mp_obj_t kptmatch_rect(mp_obj_t self) {
    return mp_obj_new_tuple(4, self_of(self)->items + 2);
}
static MP_DEFINE_CONST_FUN_OBJ_1(kptmatch_rect_obj, kptmatch_rect);
static const mp_rom_map_elem_t kptmatch_table[] = {
    FIELD(cx, 0), FIELD(cy, 1), FIELD(x, 2), FIELD(y, 3), FIELD(w, 4), FIELD(h, 5), FIELD(count, 6), FIELD(theta, 7),
    { MP_ROM_QSTR(MP_QSTR_rect), MP_ROM_PTR(&kptmatch_rect_obj) },
    { MP_ROM_QSTR(MP_QSTR_match), MP_ROM_PTR(&hidden_first_obj) },
};
#define TYPE_QSTR MP_QSTR_kptmatch
RESULT_TYPE(kptmatch, NULL)
#undef TYPE_QSTR
