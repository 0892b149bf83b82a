// SPDX-License-Identifier: MIT
//
// kpu.forward, kpu.get_output and the kpu_fmap type: outputs of a model as Python objects.

#include <string.h>

#include "py/binary.h"
#include "py/objarray.h"
#include "py/objlist.h"
#include "py/runtime.h"

#include "modkpu.h"
#include "modkpu_post.h"
#include "py_image.h"

// The data is a bytearray that belongs to the model: the next run overwrites it, but it lives as
// long as somebody holds it, also after deinit.
typedef struct {
    mp_obj_base_t base;
    mp_obj_array_t *data;
    uint8_t typecode;           // of the array module; 'f' or 'B' unless a v5 model has other integers
    uint32_t w, h, ch;
    uint32_t index;             // of the last layer that ran
} fmap_obj_t;

static fmap_obj_t *fmap_get(mp_obj_t o) {
    if (!mp_obj_is_type(o, &modkpu_fmap_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT("[MAIXPY]kpu: fmap type error"));
    }
    return MP_OBJ_TO_PTR(o);
}

bool modkpu_fmap_shape(mp_obj_t o, uint32_t shape[3]) {
    if (!mp_obj_is_type(o, &modkpu_fmap_type)) {
        return false;
    }
    const fmap_obj_t *fmap = MP_OBJ_TO_PTR(o);
    shape[0] = fmap->w;
    shape[1] = fmap->h;
    shape[2] = fmap->ch;
    return true;
}

static size_t item_size(const fmap_obj_t *self) {
    size_t align;
    return mp_binary_get_size('@', self->typecode, &align);
}

static size_t item_count(const fmap_obj_t *self) {
    return self->data->len / item_size(self);
}

// The bytearray of result `slot`, made or replaced when the size is not right.
static mp_obj_array_t *result_buffer(modkpu_net_obj_t *self, size_t slot, size_t size) {
    size_t slots = self->net.n_outputs + 1;
    if (self->results == NULL) {
        self->results = m_new0(mp_obj_t, slots);
    }
    mp_obj_array_t *array = MP_OBJ_TO_PTR(self->results[slot]);
    if (array == NULL || array->len != size) {
        self->results[slot] = mp_obj_new_bytearray_by_ref(size, m_new(uint8_t, size));
        array = MP_OBJ_TO_PTR(self->results[slot]);
    }
    return array;
}

static mp_obj_t new_fmap(mp_obj_array_t *data, uint8_t typecode, uint32_t w, uint32_t h, uint32_t ch, uint32_t index) {
    fmap_obj_t *fmap = mp_obj_malloc(fmap_obj_t, &modkpu_fmap_type);
    fmap->data = data;
    fmap->typecode = typecode;
    fmap->w = w;
    fmap->h = h;
    fmap->ch = ch;
    fmap->index = index;
    return MP_OBJ_FROM_PTR(fmap);
}

// set_layers: the result of the last layer that ran is output 0.
static mp_obj_t cut_output(modkpu_net_obj_t *self) {
    const kpu_node_t *node = &self->net.nodes[self->layers - 1];
    mp_obj_array_t *data = result_buffer(self, self->net.n_outputs, kpu_node_result_size(node));
    char err[KPU_ERR_LEN];
    int ret = kpu_run_result(&self->run, data->items, data->len, err);
    if (ret != KPU_OK) {
        modkpu_raise_run(ret, err);
    }
    if (node->op == KPU_OP_CONV) {
        return new_fmap(data, 'B', node->w, node->h, node->c, self->layers - 1);
    }
    uint8_t dtype = node->out.size ? node->out.dtype : KPU_U8;
    return new_fmap(data, kpu_dtype_code(dtype), data->len / kpu_dtype_size(dtype), 1, 1, self->layers - 1);
}

mp_obj_t modkpu_new_fmap(modkpu_net_obj_t *self, mp_int_t i) {
    if (self->run.state != KPU_RUN_DONE || self->run.pos != self->layers) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("get_output err: the model has not run yet"));
    }
    if (self->layers != self->net.n_nodes) {
        if (i != 0) {
            mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("get_output err: after set_layers() there is only output 0"));
        }
        return cut_output(self);
    }
    if (i < 0 || i >= (mp_int_t)self->net.n_outputs) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("get_output err: output %d, the model has %u"), (int)i,
            (unsigned)self->net.n_outputs);
    }
    const kpu_tensor_t *out = &self->net.outputs[i];
    mp_obj_array_t *data = result_buffer(self, (size_t)i, out->mem.size);
    memcpy(data->items, kpu_range_ptr(&self->net, &out->mem), out->mem.size);
    uint32_t last = self->net.n_nodes - 1;
    bool is_float = out->mem.dtype == KPU_F32;
    // In MaixPy floats of a v3 model are a flat list; those of v4 have the shape of set_outputs().
    if ((is_float && self->net.version == 3) || out->c == 0) {
        return new_fmap(data, kpu_dtype_code(out->mem.dtype), out->mem.size / kpu_dtype_size(out->mem.dtype), 1, 1, last);
    }
    return new_fmap(data, kpu_dtype_code(out->mem.dtype), out->w, out->h, out->c, last);
}

static mp_obj_t modkpu_forward(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_net, ARG_img, ARG_index, ARG_dma };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_kpu_net, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_img, MP_ARG_REQUIRED | MP_ARG_OBJ },
        { MP_QSTR_out_index, MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_dma, MP_ARG_INT, { .u_int = -1 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    modkpu_net_obj_t *self = modkpu_get_open_net(args[ARG_net].u_obj);
    modkpu_run(self, args[ARG_img].u_obj, false);
    return modkpu_new_fmap(self, args[ARG_index].u_int);
}
MP_DEFINE_CONST_FUN_OBJ_KW(modkpu_forward_obj, 0, modkpu_forward);

static mp_obj_t modkpu_get_output(mp_obj_t net_in, mp_obj_t index) {
    modkpu_net_obj_t *self = modkpu_get_open_net(net_in);
    return modkpu_new_fmap(self, mp_obj_get_int(index));
}
MP_DEFINE_CONST_FUN_OBJ_2(modkpu_get_output_obj, modkpu_get_output);

// ---- the type --------------------------------------------------------------------------------

static mp_obj_t get_item(const fmap_obj_t *self, size_t i) {
    return mp_binary_get_val_array(self->typecode, self->data->items, i);
}

static void set_item(fmap_obj_t *self, size_t i, mp_obj_t value) {
    mp_binary_set_val_array(self->typecode, self->data->items, i, value);
}

static mp_obj_t subscr_slice(fmap_obj_t *self, mp_obj_t index, mp_obj_t value) {
    mp_bound_slice_t slice;
    if (!mp_seq_get_fast_slice_indexes(item_count(self), index, &slice)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("only slices with step=1 (aka None) are supported"));
    }
    size_t n = slice.stop > slice.start ? slice.stop - slice.start : 0;
    if (value == MP_OBJ_SENTINEL) {
        mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(mp_obj_new_tuple(n, NULL));
        for (size_t i = 0; i < n; ++i) {
            tuple->items[i] = get_item(self, slice.start + i);
        }
        return MP_OBJ_FROM_PTR(tuple);
    }
    if (mp_obj_is_type(value, &mp_type_list) || mp_obj_is_type(value, &mp_type_tuple)) {
        size_t len;
        mp_obj_t *items;
        mp_obj_get_array(value, &len, &items);
        if (len != n) {
            mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("cannot grow or shrink image"));
        }
        for (size_t i = 0; i < n; ++i) {
            set_item(self, slice.start + i, items[i]);
        }
    } else {
        for (size_t i = 0; i < n; ++i) {
            set_item(self, slice.start + i, value);
        }
    }
    return mp_const_none;
}

static mp_obj_t fmap_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    fmap_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (value == MP_OBJ_NULL) {
        return MP_OBJ_NULL; // a map cannot lose items
    }
    if (mp_obj_is_type(index, &mp_type_slice)) {
        return subscr_slice(self, index, value);
    }
    size_t i = mp_get_index(self->base.type, item_count(self), index, false);
    if (value == MP_OBJ_SENTINEL) {
        return get_item(self, i);
    }
    set_item(self, i, value);
    return mp_const_none;
}

static mp_obj_t fmap_unary_op(mp_unary_op_t op, mp_obj_t self_in) {
    fmap_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (op) {
        case MP_UNARY_OP_BOOL:
            return mp_const_true;
        case MP_UNARY_OP_LEN:
            return mp_obj_new_int_from_uint(item_count(self));
        default:
            return MP_OBJ_NULL;
    }
}

// Iterates over the values as they are now.
static mp_obj_t fmap_getiter(mp_obj_t self_in, mp_obj_iter_buf_t *iter_buf) {
    fmap_obj_t *self = MP_OBJ_TO_PTR(self_in);
    size_t n = item_count(self);
    mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(mp_obj_new_tuple(n, NULL));
    for (size_t i = 0; i < n; ++i) {
        tuple->items[i] = get_item(self, i);
    }
    return mp_getiter(MP_OBJ_FROM_PTR(tuple), iter_buf);
}

static mp_int_t fmap_get_buffer(mp_obj_t self_in, mp_buffer_info_t *info, mp_uint_t flags) {
    (void)flags;
    fmap_obj_t *self = MP_OBJ_TO_PTR(self_in);
    info->buf = self->data->items;
    info->len = self->data->len;
    info->typecode = self->typecode;
    return 0;
}

static void fmap_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    fmap_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print,
        "{\"fmap\": \"data\"=0x%x, \"size\"=%u, \"index\": %u, \"w\": %u, \"h\": %u, \"ch\": %u, \"typecode\": %c}",
        (unsigned)(uintptr_t)self->data->items, (unsigned)self->data->len, (unsigned)self->index,
        (unsigned)self->w, (unsigned)self->h, (unsigned)self->ch, self->typecode);
}

#define FMAP_METHOD(name, expr) \
    static mp_obj_t fmap_##name(mp_obj_t self_in) { \
        const fmap_obj_t *self = fmap_get(self_in); \
        return expr; \
    } \
    static MP_DEFINE_CONST_FUN_OBJ_1(fmap_##name##_obj, fmap_##name)

FMAP_METHOD(size, mp_obj_new_int_from_uint(self->data->len));
FMAP_METHOD(index, mp_obj_new_int_from_uint(self->index));
FMAP_METHOD(w, mp_obj_new_int_from_uint(self->w));
FMAP_METHOD(h, mp_obj_new_int_from_uint(self->h));
FMAP_METHOD(ch, mp_obj_new_int_from_uint(self->ch));
FMAP_METHOD(typecode, mp_obj_new_str((const char *)&self->typecode, 1));

static mp_obj_t fmap_shape(mp_obj_t self_in) {
    const fmap_obj_t *self = fmap_get(self_in);
    mp_obj_t items[3] = {
        mp_obj_new_int_from_uint(self->ch), mp_obj_new_int_from_uint(self->h), mp_obj_new_int_from_uint(self->w),
    };
    return mp_obj_new_tuple(3, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(fmap_shape_obj, fmap_shape);

static const mp_rom_map_elem_t fmap_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_shape), MP_ROM_PTR(&fmap_shape_obj) },
    { MP_ROM_QSTR(MP_QSTR_size), MP_ROM_PTR(&fmap_size_obj) },
    { MP_ROM_QSTR(MP_QSTR_index), MP_ROM_PTR(&fmap_index_obj) },
    { MP_ROM_QSTR(MP_QSTR_w), MP_ROM_PTR(&fmap_w_obj) },
    { MP_ROM_QSTR(MP_QSTR_h), MP_ROM_PTR(&fmap_h_obj) },
    { MP_ROM_QSTR(MP_QSTR_ch), MP_ROM_PTR(&fmap_ch_obj) },
    { MP_ROM_QSTR(MP_QSTR_typecode), MP_ROM_PTR(&fmap_typecode_obj) },
};
static MP_DEFINE_CONST_DICT(fmap_locals, fmap_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    modkpu_fmap_type,
    MP_QSTR_kpu_fmap,
    MP_TYPE_FLAG_ITER_IS_GETITER,
    print, fmap_print,
    subscr, fmap_subscr,
    unary_op, fmap_unary_op,
    buffer, fmap_get_buffer,
    iter, fmap_getiter,
    locals_dict, &fmap_locals
    );

// kpu.fmap(fmap, ch): one channel as a grayscale Image (a copy, because an Image owns its pixels).
static mp_obj_t modkpu_fmap(mp_obj_t fmap_in, mp_obj_t ch_in) {
    fmap_obj_t *fmap = fmap_get(fmap_in);
    mp_int_t ch = mp_obj_get_int(ch_in);
    if (fmap->typecode != 'B') {
        mp_raise_ValueError(MP_ERROR_TEXT("[MAIXPY]kpu: can't convet float fmap yet"));
    }
    if (ch < 0 || ch >= (mp_int_t)fmap->ch) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("[MAIXPY]kpu: ch err,input 0~%d"), (int)fmap->ch - 1);
    }
    mp_obj_t image = py_image_new((int32_t)fmap->w, (int32_t)fmap->h, IMAGE_GRAYSCALE, false);
    size_t size = (size_t)fmap->w * fmap->h;
    memcpy(py_image_get(image)->pix, (const uint8_t *)fmap->data->items + (size_t)ch * size, size);
    return image;
}
MP_DEFINE_CONST_FUN_OBJ_2(modkpu_fmap_obj, modkpu_fmap);

static mp_obj_t modkpu_fmap_free(mp_obj_t fmap_in) {
    fmap_get(fmap_in);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(modkpu_fmap_free_obj, modkpu_fmap_free);
