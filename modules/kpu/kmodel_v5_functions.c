// SPDX-License-Identifier: MIT
//
// The tensor functions of a kmodel v5: their numbers in every release, and what calls them.

#include "kmodel_v5_vm.h"

// Arguments of a call are on the stack as address, data type, shape register, stride register.
static int pop_argument(v5_vm_t *vm, v5_arg_t *arg, bool write) {
    int32_t stride = v5_pop_int(vm), reg = v5_pop_int(vm);
    arg->dtype = (uint32_t)v5_pop_int(vm);
    arg->addr = v5_pop_address(vm);
    if (vm->failed || stride < 0 || stride > 255 || reg < 0 || reg > 255) {
        return v5_fail(vm, "a call whose arguments are not on the stack");
    }
    v5_tensor_t t;
    int ret = v5_tensor(vm, &arg->addr, arg->dtype, (uint8_t)reg, (uint8_t)stride, write, &t);
    if (ret == KPU_OK) {
        ret = write ? v5_pack_output(vm, &t) : v5_pack(vm, &t);
    }
    if (ret == KPU_OK) {
        arg->bytes = t.range.size;
        arg->addr = (v5_addr_t) { t.range.space, t.range.off, t.range.off + t.range.size };
    }
    return ret;
}

static int fn_call(v5_vm_t *vm) {
    uint32_t function = v5_op_u32(vm), module = v5_op_u16(vm), n_in = v5_op_u8(vm), n_out = v5_op_u8(vm);
    v5_arg_t in[V5_MAX_ARGS], out[V5_MAX_ARGS];
    vm->st->ld.index = vm->st->count;
    vm->st->ld.name = "CALL";
    if (vm->failed || n_in > V5_MAX_ARGS || n_out > V5_MAX_ARGS) {
        return v5_fail(vm, "a call with too many arguments");
    }
    for (uint32_t i = n_out; i-- > 0;) {
        int ret = pop_argument(vm, &out[i], true);
        if (ret != KPU_OK) {
            return ret;
        }
    }
    for (uint32_t i = n_in; i-- > 0;) {
        int ret = pop_argument(vm, &in[i], false);
        if (ret != KPU_OK) {
            return ret;
        }
    }
    return kmodel_v5_k210(vm->st, module, function, in, n_in, out, n_out);
}

typedef struct {
    uint8_t number[6];          // by column; 0xff where a release does not have it
    uint8_t op;
    const char *name;
    v5_parse_t parse;           // NULL: known, not supported
} v5_fn_t;

#define NONE 0xff

// Columns: 1.0 beta, 1.0.0, 1.1, 1.2, 1.3 to 1.5, 1.6 to 1.9. A release has an entry only where its
// compiler can write the function.
static const v5_fn_t functions[] = {
    { { 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 }, KPU_OP_COPY, "BATCH_TO_SPACE", v5_fn_batch_to_space },
    { { 0x01, 0x01, 0x01, 0x01, 0x01, 0x01 }, KPU_OP_BINARY, "BINARY", v5_fn_binary },
    { { 0x02, 0x02, 0x02, 0x02, 0x02, 0x02 }, KPU_OP_COPY, "BROADCAST", v5_fn_broadcast },
    { { NONE, NONE, NONE, NONE, NONE, 0x04 }, KPU_OP_COMPARE, "COMPARE", v5_fn_compare },
    { { 0x05, 0x05, 0x05, 0x05, 0x05, 0x06 }, KPU_OP_CONV2D_RANGES, "CONV2D", v5_fn_conv2d },
    { { 0x07, 0x07, 0x07, 0x07, 0x07, 0x08 }, KPU_OP_MAP, "CONVERT", v5_fn_convert },
    { { 0x08, 0x08, 0x08, 0x08, 0x08, 0x09 }, KPU_OP_COPY, "COPY", v5_fn_copy },
    { { NONE, 0x09, 0x09, 0x09, 0x09, 0x0a }, KPU_OP_CUMSUM, "CUMSUM", v5_fn_cumsum },
    { { 0x09, 0x0a, 0x0a, 0x0a, 0x0a, 0x0b }, KPU_OP_MAP, "DEQUANTIZE", v5_fn_dequantize },
    { { NONE, NONE, NONE, NONE, 0x0b, NONE }, KPU_OP_COMPARE, "EQUAL", v5_fn_compare },
    { { 0x0a, 0x0b, 0x0b, 0x0b, 0x0c, 0x0c }, KPU_OP_GATHER, "GATHER", v5_fn_gather },
    { { 0x0b, 0x0c, 0x0c, 0x0c, 0x0d, 0x0d }, KPU_OP_GATHER_ND, "GATHER_ND", v5_fn_gather_nd },
    { { NONE, 0x0d, 0x0d, 0x0d, 0x0e, 0x0e }, KPU_OP_HARDMAX, "HARDMAX", v5_fn_hardmax },
    { { 0x0d, 0x0f, 0x0f, 0x0f, 0x10, 0x10 }, KPU_OP_TABLE, "LUT1D", v5_fn_lut1d },
    { { NONE, NONE, NONE, NONE, 0x11, 0x11 }, KPU_OP_MATMUL_BATCHES, "MATMUL", v5_fn_matmul },
    { { 0x0f, 0x11, 0x11, 0x11, 0x12, 0x12 }, KPU_OP_ONEHOT, "ONEHOT", v5_fn_onehot },
    { { 0x10, 0x12, 0x12, 0x12, 0x13, 0x13 }, KPU_OP_PAD, "PAD", v5_fn_pad },
    { { 0x11, 0x13, 0x13, 0x13, 0x14, 0x14 }, KPU_OP_MAP, "QUANTIZE", v5_fn_quantize },
    { { NONE, NONE, 0x14, 0x14, 0x15, 0x15 }, KPU_OP_NONE, "RANDOM_NORMAL", NULL },
    { { NONE, NONE, 0x15, 0x15, 0x16, 0x16 }, KPU_OP_NONE, "RANDOM_UNIFORM", NULL },
    { { 0x12, 0x14, 0x16, 0x16, 0x17, 0x17 }, KPU_OP_REDUCE_AXES, "REDUCE", v5_fn_reduce },
    { { NONE, 0x15, 0x17, 0x17, 0x18, 0x18 }, KPU_OP_REDUCE_ARG, "REDUCE_ARG", v5_fn_reduce_arg },
    { { NONE, NONE, 0x18, 0x18, 0x19, 0x19 }, KPU_OP_REDUCE_AXES, "REDUCE_PROD", v5_fn_reduce_prod },
    { { 0x13, 0x16, 0x19, 0x19, 0x1a, 0x1a }, KPU_OP_REDUCE_WINDOW, "REDUCE_WINDOW2D", v5_fn_reduce_window },
    { { 0x14, 0x17, 0x1a, 0x1a, 0x1b, 0x1b }, KPU_OP_RESIZE, "RESIZE_IMAGE", v5_fn_resize },
    { { NONE, NONE, NONE, 0x1b, 0x1c, 0x1c }, KPU_OP_NONE, "ROI_ALIGN", NULL },
    { { NONE, NONE, NONE, 0x1c, 0x1d, 0x1d }, KPU_OP_MAP, "SIGMOID", v5_fn_sigmoid },
    { { 0x15, 0x18, 0x1b, 0x1d, 0x1e, 0x1e }, KPU_OP_COPY, "SLICE", v5_fn_slice },
    { { NONE, NONE, NONE, NONE, NONE, 0x1f }, KPU_OP_SOFTMAX_AXIS, "SOFTMAX", v5_fn_softmax },
    { { NONE, NONE, NONE, NONE, NONE, 0x20 }, KPU_OP_COPY, "SPACE_TO_BATCH", v5_fn_space_to_batch },
    { { NONE, NONE, 0x1f, 0x21, 0x22, 0x22 }, KPU_OP_TERNARY, "TERNARY", v5_fn_ternary },
    { { NONE, NONE, NONE, 0x22, 0x23, 0x23 }, KPU_OP_TOPK, "TOPK", v5_fn_topk },
    { { 0x19, 0x1c, 0x20, 0x23, 0x24, 0x24 }, KPU_OP_COPY, "TRANSPOSE", v5_fn_transpose },
    { { NONE, NONE, NONE, 0x24, 0x25, 0x25 }, KPU_OP_TRILU, "TRILU", v5_fn_trilu },
    { { 0x1a, 0x1d, 0x21, 0x25, 0x26, 0x26 }, KPU_OP_MAP, "UNARY", v5_fn_unary },
    { { NONE, NONE, NONE, NONE, NONE, 0x27 }, KPU_OP_GRU, "GRU", v5_fn_gru },
    { { NONE, NONE, NONE, NONE, NONE, 0x28 }, KPU_OP_NONE, "TFLITE_DETECTION_POSTPROCESS", NULL },
    { { NONE, NONE, NONE, NONE, NONE, 0x29 }, KPU_OP_LAYER_NORM, "LAYER_NORM", v5_fn_layer_norm },
    { { NONE, NONE, NONE, NONE, NONE, 0x2a }, KPU_OP_NONE, "COMPRESS", NULL },
    { { NONE, NONE, NONE, NONE, NONE, 0x2b }, KPU_OP_GATHER_ELEMENTS, "GATHER_ELEMENTS", v5_fn_gather_elements },
};

#define FUNCTION_CALL 3

// One function that is not a call: the node, with copies of its inputs before it.
static int operation(v5_vm_t *vm, const v5_fn_t *f, uint32_t number, uint32_t at) {
    v5_state_t *st = vm->st;
    st->ld.index = st->count;
    st->ld.name = f->name;
    if (f->parse == NULL) {
        return kmodel_node_fail(&st->ld, KPU_ERR_NOT_IMPLEMENTED, "tensor function 0x%x is not supported", (unsigned)number);
    }
    kpu_node_t node = { .op = f->op, .code = number, .name = f->name };
    int ret = f->parse(vm, &node);
    if (ret == KPU_OK) {
        node.body = vm->code_off + at;
        node.body_size = vm->pos - at;
        *kmodel_v5_emit(st, node.op, number, f->name) = node;
    }
    return ret;
}

int kmodel_v5_tensor(v5_vm_t *vm) {
    uint32_t at = vm->pos, number = v5_op_u16(vm);
    v5_state_t *st = vm->st;
    int ret;
    vm->scratch = vm->n_later = 0;
    if (number == FUNCTION_CALL) {
        ret = fn_call(vm);
    } else {
        const v5_fn_t *f = NULL;
        for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); ++i) {
            if (number != NONE && functions[i].number[vm->variant->column] == number) {
                f = &functions[i];
            }
        }
        if (f == NULL) {
            st->ld.index = st->count;
            st->ld.name = "TENSOR";
            return kmodel_node_fail(&st->ld, KPU_ERR_NOT_IMPLEMENTED, "tensor function 0x%x is not known", (unsigned)number);
        }
        ret = operation(vm, f, number, at);
    }
    for (uint32_t i = 0; ret == KPU_OK && i < vm->n_later; ++i) {
        *kmodel_v5_emit(st, KPU_OP_COPY, 0, "COPY") = vm->later[i];
    }
    // Compilers load the operands of each function right before it.
    if (ret == KPU_OK && (vm->failed || vm->depth != 0)) {
        return v5_fail(vm, "the operands are not those of the function");
    }
    return ret;
}
