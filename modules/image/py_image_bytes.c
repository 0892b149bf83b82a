// SPDX-License-Identifier: MIT
// What to_bytes() returns. An ordinary bytearray cannot be used: it would not keep the pixel memory
// alive, and growing it would hand pool memory to the GC heap's realloc.
#include <string.h>

#include "py/binary.h"
#include "py/objarray.h"
#include "py/runtime.h"

#include "py_image_priv.h"

typedef struct {
    mp_obj_array_t array; // first: bytearray's own code works on it
    image_mem_t *mem;
} py_image_bytes_obj_t;

static const mp_obj_type_t py_image_bytes_type;

mp_obj_t py_image_bytes_new(const image_t *img, image_mem_t *mem) {
    py_image_bytes_obj_t *o = mp_obj_malloc_with_finaliser(py_image_bytes_obj_t, &py_image_bytes_type);
    o->array.typecode = BYTEARRAY_TYPECODE;
    o->array.free = 0;
    o->array.len = img->size;
    o->array.items = img->pix;
    o->mem = image_mem_ref(mem);
    return MP_OBJ_FROM_PTR(o);
}

static mp_obj_t bytes_del(mp_obj_t self_in) {
    py_image_bytes_obj_t *self = MP_OBJ_TO_PTR(self_in);
    image_mem_unref(self->mem);
    self->mem = NULL;
    self->array.len = 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(bytes_del_obj, bytes_del);

static void bytes_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind) {
    MP_OBJ_TYPE_GET_SLOT(&mp_type_bytearray, print)(print, self, kind);
}

static mp_obj_t bytes_unary_op(mp_unary_op_t op, mp_obj_t self) {
    return MP_OBJ_TYPE_GET_SLOT(&mp_type_bytearray, unary_op)(op, self);
}

static mp_obj_t bytes_binary_op(mp_binary_op_t op, mp_obj_t lhs, mp_obj_t rhs) {
    if (op == MP_BINARY_OP_INPLACE_ADD) {
        op = MP_BINARY_OP_ADD; // makes a new, ordinary bytearray
    }
    return MP_OBJ_TYPE_GET_SLOT(&mp_type_bytearray, binary_op)(op, lhs, rhs);
}

static mp_obj_t bytes_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    py_image_bytes_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (mp_obj_is_type(index, &mp_type_slice) && value != MP_OBJ_SENTINEL) {
        mp_bound_slice_t slice;
        mp_buffer_info_t src;
        if (value == MP_OBJ_NULL) {
            mp_raise_ValueError(MP_ERROR_TEXT("cannot grow or shrink image"));
        }
        mp_get_buffer_raise(value, &src, MP_BUFFER_READ);
        if (!mp_seq_get_fast_slice_indexes(self->array.len, index, &slice) ||
            src.len != (size_t)(slice.stop > slice.start ? slice.stop - slice.start : 0)) {
            mp_raise_ValueError(MP_ERROR_TEXT("cannot grow or shrink image"));
        }
        memmove((uint8_t *)self->array.items + slice.start, src.buf, src.len);
        return mp_const_none;
    }
    return MP_OBJ_TYPE_GET_SLOT(&mp_type_bytearray, subscr)(self_in, index, value);
}

static mp_int_t bytes_get_buffer(mp_obj_t self_in, mp_buffer_info_t *buf, mp_uint_t flags) {
    (void)flags;
    py_image_bytes_obj_t *self = MP_OBJ_TO_PTR(self_in);
    *buf = (mp_buffer_info_t) { self->array.items, self->array.len, 'B' };
    return 0;
}

static mp_obj_t bytes_getiter(mp_obj_t self, mp_obj_iter_buf_t *iter_buf) {
    return ((mp_getiter_fun_t)MP_OBJ_TYPE_GET_SLOT(&mp_type_bytearray, iter))(self, iter_buf);
}

static const mp_rom_map_elem_t bytes_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&bytes_del_obj) },
};
static MP_DEFINE_CONST_DICT(bytes_locals, bytes_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    py_image_bytes_type, MP_QSTR_bytearray, MP_TYPE_FLAG_EQ_CHECKS_OTHER_TYPE | MP_TYPE_FLAG_ITER_IS_GETITER,
    print, bytes_print,
    iter, bytes_getiter,
    unary_op, bytes_unary_op,
    binary_op, bytes_binary_op,
    subscr, bytes_subscr,
    buffer, bytes_get_buffer,
    parent, &mp_type_bytearray,
    locals_dict, &bytes_locals
    );
