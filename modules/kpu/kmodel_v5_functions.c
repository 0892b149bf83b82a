// SPDX-License-Identifier: MIT
//
// The tensor functions of a kmodel v5: operands, checks, nodes.

#include "kmodel_v5_vm.h"

// ---- tensors ---------------------------------------------------------------------------------

// Four dimensions of a shape register; further ones in front must be 1.
static bool four(const v5_shape_t *s, int32_t fill, int32_t out[4]) {
    for (uint32_t i = 0; i < 4; ++i) {
        out[i] = fill;
    }
    for (uint32_t i = 0; i < s->rank; ++i) {
        if (i + 4 >= s->rank) {
            out[i + 4 - s->rank] = s->dim[i];
        } else if (fill == 1 && s->dim[i] != 1) {
            return false;
        }
    }
    return true;
}

static int set_range(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint64_t elements, bool write, kpu_range_t *r) {
    if (dtype != V5_DT_U8 && dtype != V5_DT_F32) {
        return dtype > V5_DT_MAX ? v5_fail(vm, "unknown data type") : v5_missing(vm, "a data type other than u8 and f32");
    }
    uint64_t bytes = elements * (dtype == V5_DT_F32 ? 4 : 1);
    if (bytes > a->end - a->off) {
        return kmodel_node_fail(&vm->st->ld, KPU_ERR_FORMAT, "a tensor of %lu bytes where %u are left",
            (unsigned long)bytes, (unsigned)(a->end - a->off));
    }
    if (write && a->space != KPU_MEM_MAIN) {
        return v5_fail(vm, "writes to constants");
    }
    if (a->space == KPU_MEM_MODEL && !kpu_model_has(vm->st->ld.net, a->off, (uint32_t)bytes)) {
        return v5_fail(vm, "a tensor among the weights of a KPU layer, which are streamed");
    }
    if (dtype == V5_DT_F32 && a->off % 4) {
        return v5_fail(vm, "floats at an odd address");
    }
    *r = (kpu_range_t) {
        .space = a->space, .dtype = dtype == V5_DT_F32 ? KPU_F32 : KPU_U8, .off = a->off, .size = (uint32_t)bytes,
    };
    return KPU_OK;
}

// The view of a shape and stride register; strides of dimensions of size 1 do not count.
static int get_view(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, const int32_t shape[4], uint8_t stride_reg, bool write,
    kpu_range_t *r, kpu_view_t *view) {
    int32_t stride[4];
    uint64_t last = 0, count = 1;
    four(&vm->shapes[stride_reg], 0, stride);
    for (unsigned i = 0; i < 4; ++i) {
        if (shape[i] < 1 || stride[i] < 0 || count > INT32_MAX) {
            return v5_fail(vm, "a dimension or stride is not positive");
        }
        count *= (uint32_t)shape[i];
        view->shape[i] = (uint32_t)shape[i];
        view->stride[i] = shape[i] == 1 ? 0 : stride[i];
        last += (uint64_t)(shape[i] - 1) * (uint32_t)stride[i];
    }
    if (count > INT32_MAX || last > INT32_MAX) {
        return v5_fail(vm, "a tensor has too many elements");
    }
    return set_range(vm, a, dtype, last + 1, write, r);
}

static bool is_packed(const kpu_view_t *v) {
    int32_t step = 1;
    for (unsigned i = 4; i-- > 0;) {
        if (v->shape[i] != 1 && v->stride[i] != step) {
            return false;
        }
        step *= (int32_t)v->shape[i];
    }
    return true;
}

static void set_shape(kpu_node_t *node, const uint32_t shape[4]) {
    node->c = shape[0] * shape[1];
    node->h = shape[2];
    node->w = shape[3];
}

// Reads the registers of a shape; fails for shapes that do not fit four dimensions.
static int get_shape(v5_vm_t *vm, uint8_t reg, int32_t out[4]) {
    return four(&vm->shapes[reg], 1, out) ? KPU_OK : v5_missing(vm, "more than four dimensions");
}

// ---- functions -------------------------------------------------------------------------------

// Element by element with one shape: convert, quantize, dequantize, unary.
static int elementwise(v5_vm_t *vm, kpu_node_t *node, uint32_t dt_in, uint32_t dt_out, uint8_t s, uint8_t t, uint8_t t_out) {
    int32_t shape[4];
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_view(vm, &in, dt_in, shape, t, false, &node->in[0], &node->p.map.in);
    }
    if (ret == KPU_OK) {
        ret = get_view(vm, &out, dt_out, shape, t_out, true, &node->out, &node->p.map.out);
    }
    set_shape(node, node->p.map.out.shape);
    return ret;
}

static int fn_convert(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt_in = v5_op_u8(vm), dt_out = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    node->p.map.function = KPU_MAP_CONVERT;
    return elementwise(vm, node, dt_in, dt_out, s, t, t_out);
}

static int fn_scaled(v5_vm_t *vm, kpu_node_t *node, uint8_t function) {
    uint32_t dt_in = v5_op_u8(vm), dt_out = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    node->p.map.function = function;
    node->p.map.bias = v5_pop_number(vm);
    node->p.map.scale = v5_pop_number(vm);
    return elementwise(vm, node, dt_in, dt_out, s, t, t_out);
}

static int fn_quantize(v5_vm_t *vm, kpu_node_t *node) {
    return fn_scaled(vm, node, KPU_MAP_QUANTIZE);
}

static int fn_dequantize(v5_vm_t *vm, kpu_node_t *node) {
    return fn_scaled(vm, node, KPU_MAP_DEQUANTIZE);
}

static int unary(v5_vm_t *vm, kpu_node_t *node, uint32_t dt, uint8_t s, uint8_t t, uint8_t t_out, uint8_t op) {
    node->p.map.function = KPU_MAP_UNARY;
    node->p.map.op = op;
    if (op == KPU_UNARY_NONE) {
        return v5_missing(vm, "this unary operation");
    }
    return elementwise(vm, node, dt, dt, s, t, t_out);
}

static int fn_unary(v5_vm_t *vm, kpu_node_t *node) {
    // In the order of 1.1 and later; earlier releases lack some.
    static const uint8_t ops[] = {
        KPU_UNARY_ABS, KPU_UNARY_ACOS, KPU_UNARY_ASIN, KPU_UNARY_CEIL, KPU_UNARY_COS, KPU_UNARY_EXP, KPU_UNARY_FLOOR,
        KPU_UNARY_LOG, KPU_UNARY_NEG, KPU_UNARY_ROUND, KPU_UNARY_RSQRT, KPU_UNARY_SIGN, KPU_UNARY_SIN, KPU_UNARY_SQRT,
        KPU_UNARY_SQUARE, KPU_UNARY_TANH, KPU_UNARY_NONE, KPU_UNARY_NONE, KPU_UNARY_ERF,
    };
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    uint32_t op = v5_op_u8(vm);
    if (vm->variant->column == 0) {
        op += op >= 1 ? 2 : 0;  // no acos, asin
    }
    if (vm->variant->column <= 1) {
        op += op >= 11;         // no sign
    }
    if (op >= sizeof(ops)) {
        return v5_fail(vm, "unknown unary operation");
    }
    return unary(vm, node, dt, s, t, t_out, ops[op]);
}

static int fn_sigmoid(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    return unary(vm, node, dt, s, t, t_out, KPU_UNARY_SIGMOID);
}

static int fn_copy(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    int32_t shape[4];
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_view(vm, &in, dt, shape, t, false, &node->in[0], &node->p.copy.in);
    }
    if (ret == KPU_OK) {
        ret = get_view(vm, &out, dt, shape, t_out, true, &node->out, &node->p.copy.out);
    }
    set_shape(node, node->p.copy.out.shape);
    return ret;
}

static int fn_transpose(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), s_perm = v5_op_u8(vm);
    int32_t shape[4], out_shape[4];
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    kpu_view_t view = { 0 };
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_view(vm, &in, dt, shape, t, false, &node->in[0], &view);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    const v5_shape_t *perm = &vm->shapes[s_perm];
    uint32_t lead = 4 - perm->rank, seen = 0;
    if (perm->rank > 4 || perm->rank != vm->shapes[s].rank) {
        return v5_missing(vm, "a transpose of more than four dimensions");
    }
    for (uint32_t i = 0; i < 4; ++i) {
        uint32_t from = i < lead ? i : lead + (uint32_t)perm->dim[i - lead];
        if (from > 3 || (seen >> from & 1)) {
            return v5_fail(vm, "the order of dimensions is wrong");
        }
        seen |= 1u << from;
        out_shape[i] = shape[from];
        node->p.copy.in.shape[i] = view.shape[from];
        node->p.copy.in.stride[i] = view.stride[from];
    }
    set_shape(node, node->p.copy.in.shape);
    return get_view(vm, &out, dt, out_shape, t_out, true, &node->out, &node->p.copy.out);
}

static int fn_slice(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), s_begin = v5_op_u8(vm), s_end = v5_op_u8(vm), s_step = v5_op_u8(vm);
    int32_t shape[4], begin[4], end[4], step[4], out_shape[4];
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    kpu_view_t *view = &node->p.copy.in;
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_view(vm, &in, dt, shape, t, false, &node->in[0], view);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    four(&vm->shapes[s_begin], 0, begin);
    four(&vm->shapes[s_end], 1, end);
    four(&vm->shapes[s_step], 1, step);
    for (unsigned i = 0; i < 4; ++i) {
        int64_t stop = end[i] > shape[i] ? shape[i] : end[i];
        int64_t n = step[i] > 0 ? (stop - begin[i] + step[i] - 1) / step[i] : 0;
        if (step[i] < 1) {
            return v5_missing(vm, "a slice that runs backwards");
        }
        if (begin[i] < 0 || n < 1) {
            return v5_fail(vm, "an empty slice");
        }
        view->off += (uint32_t)begin[i] * (uint32_t)view->stride[i];
        view->shape[i] = (uint32_t)n;
        view->stride[i] = n > 1 ? view->stride[i] * step[i] : 0;
        out_shape[i] = (int32_t)n;
    }
    set_shape(node, view->shape);
    return get_view(vm, &out, dt, out_shape, t_out, true, &node->out, &node->p.copy.out);
}

static int fn_pad(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), pads = v5_op_u8(vm), mode = v5_op_u8(vm);
    int32_t shape[4], out_shape[4], before[4] = { 0 };
    float value = v5_pop_number(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    kpu_view_t *vi = &node->p.copy.in, *vo = &node->p.copy.out;
    if (pads >= V5_PADDING_REGISTERS) {
        return v5_fail(vm, "too many padding registers");
    }
    const v5_paddings_t *p = &vm->paddings[pads];
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_view(vm, &in, dt, shape, t, false, &node->in[0], vi);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (mode > 3) {
        return v5_fail(vm, "unknown padding mode");
    }
    if (mode != 0 || p->rank > 4) {
        return v5_missing(vm, "a padding other than constant");
    }
    memcpy(out_shape, shape, sizeof(shape));
    for (uint32_t i = 0; i < p->rank; ++i) {
        uint32_t d = i + 4 - p->rank;
        int64_t size = (int64_t)shape[d] + p->dim[i].before + p->dim[i].after;
        if (size < 1 || size > INT32_MAX) {
            return v5_fail(vm, "padding leaves nothing");
        }
        if (p->dim[i].interior != 0) {
            return v5_missing(vm, "padding between elements");
        }
        out_shape[d] = (int32_t)size;
        before[d] = p->dim[i].before;
    }
    ret = get_view(vm, &out, dt, out_shape, t_out, true, &node->out, vo);
    if (ret != KPU_OK) {
        return ret;
    }
    if (!is_packed(vo)) {
        return v5_missing(vm, "padding into a part of a tensor");
    }
    set_shape(node, vo->shape);
    for (unsigned i = 0; i < 4; ++i) {
        int64_t first = before[i] > 0 ? before[i] : 0, stop = (int64_t)shape[i] + before[i];
        stop = stop > out_shape[i] ? out_shape[i] : stop;
        if (first >= stop) {
            memset(vi->shape, 0, sizeof(vi->shape));
            vi->off = vo->off = 0;
            break;
        }
        vi->off += (uint32_t)(first - before[i]) * (uint32_t)vi->stride[i];
        vo->off += (uint32_t)first * (uint32_t)vo->stride[i];
        vi->shape[i] = (uint32_t)(stop - first);
    }
    if (dt == V5_DT_F32) {
        memcpy(node->p.copy.fill, &value, 4);
    } else {
        node->p.copy.fill[0] = value > 0 ? (value < 255 ? (uint8_t)value : 255) : 0;
    }
    return KPU_OK;
}

// One input of a binary: strides 0 where its shape is repeated to that of the output.
static int get_repeated(v5_vm_t *vm, const v5_addr_t *a, uint32_t dt, const int32_t shape[4], uint8_t t, const int32_t out[4],
    kpu_range_t *r, uint32_t stride[4]) {
    kpu_view_t view = { 0 };
    int ret = get_view(vm, a, dt, shape, t, false, r, &view);
    for (unsigned i = 0; ret == KPU_OK && i < 4; ++i) {
        if (shape[i] != out[i] && shape[i] != 1) {
            return v5_fail(vm, "the shapes of a binary operation do not fit");
        }
        stride[i] = (uint32_t)view.stride[i];
    }
    return ret;
}

static int fn_binary(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s1 = v5_op_u8(vm), t1 = v5_op_u8(vm), s2 = v5_op_u8(vm), t2 = v5_op_u8(vm);
    uint8_t s_out = vm->variant->binary_has_out_shape ? v5_op_u8(vm) : 0;
    uint8_t t_out = v5_op_u8(vm);
    node->p.binary.op = v5_op_u8(vm);
    node->p.binary.low = v5_op_f32(vm);
    node->p.binary.high = v5_op_f32(vm);
    int32_t a_shape[4], b_shape[4], shape[4];
    v5_addr_t out = v5_pop_address(vm), b = v5_pop_address(vm), a = v5_pop_address(vm);
    int ret = get_shape(vm, s1, a_shape);
    if (ret == KPU_OK) {
        ret = get_shape(vm, s2, b_shape);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (node->p.binary.op > 0xe) {
        return v5_fail(vm, "unknown binary operation");
    }
    if (dt != V5_DT_F32 || node->p.binary.op >= KPU_BINARY_COUNT) {
        return dt > V5_DT_MAX ? v5_fail(vm, "unknown data type") : v5_missing(vm, "a binary operation on integers");
    }
    for (unsigned i = 0; i < 4; ++i) {
        shape[i] = a_shape[i] > b_shape[i] ? a_shape[i] : b_shape[i];
    }
    if (vm->variant->binary_has_out_shape) {
        // Nothing new, but it tells the releases with and without this operand apart.
        int32_t named[4];
        ret = get_shape(vm, s_out, named);
        if (ret != KPU_OK || memcmp(named, shape, sizeof(shape)) != 0) {
            return v5_fail(vm, "the output shape of a binary operation does not fit");
        }
    }
    ret = get_repeated(vm, &a, dt, a_shape, t1, shape, &node->in[0], node->p.binary.a);
    if (ret == KPU_OK) {
        ret = get_repeated(vm, &b, dt, b_shape, t2, shape, &node->in[1], node->p.binary.b);
    }
    kpu_view_t view = { 0 };
    if (ret == KPU_OK) {
        ret = get_view(vm, &out, dt, shape, t_out, true, &node->out, &view);
    }
    memcpy(node->p.binary.shape, view.shape, sizeof(view.shape));
    memcpy(node->p.binary.o, view.stride, sizeof(view.stride));
    set_shape(node, view.shape);
    return ret;
}

// Input and output that must be packed. out_shape 0 elements in front are filled by the caller.
static int get_packed(v5_vm_t *vm, const v5_addr_t *a, uint32_t dt, const int32_t shape[4], uint8_t t, bool write, kpu_range_t *r,
    uint32_t dims[4]) {
    kpu_view_t view = { 0 };
    int ret = get_view(vm, a, dt, shape, t, write, r, &view);
    if (ret == KPU_OK && !is_packed(&view)) {
        return v5_missing(vm, "this operation on a part of a tensor");
    }
    memcpy(dims, view.shape, sizeof(view.shape));
    return ret;
}

static int fn_reduce(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm);
    v5_op_u8(vm);                  // strides of the output: it is packed, with or without the dimensions of size 1
    node->p.reduce.op = v5_op_u8(vm);
    uint8_t s_axes = v5_op_u8(vm), keep_dims = v5_op_u8(vm);
    node->p.reduce.init = v5_pop_number(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    int32_t shape[4], out_shape[4];
    int ret = get_shape(vm, s, shape);
    if (ret != KPU_OK) {
        return ret;
    }
    if (node->p.reduce.op >= KPU_REDUCE_COUNT || keep_dims > 1) {
        return v5_fail(vm, "unknown reduction");
    }
    memcpy(out_shape, shape, sizeof(shape));
    int32_t rank = (int32_t)vm->shapes[s].rank;
    for (uint32_t i = 0; i < vm->shapes[s_axes].rank; ++i) {
        int32_t axis = vm->shapes[s_axes].dim[i];
        axis += axis < 0 ? rank : 0;
        int32_t at = axis + 4 - rank;
        if (axis < 0 || at < 0 || at > 3) {
            return v5_fail(vm, "a reduction over a dimension that does not exist");
        }
        out_shape[at] = 1;
    }
    if (dt != V5_DT_F32) {
        return dt > V5_DT_MAX ? v5_fail(vm, "unknown data type") : v5_missing(vm, "a reduction of integers");
    }
    uint64_t count = 1;
    for (unsigned i = 0; i < 4; ++i) {
        count = out_shape[i] < 1 || count > INT32_MAX ? 0 : count * (uint32_t)out_shape[i];
        node->p.reduce.out[i] = (uint32_t)out_shape[i];
    }
    // The file's start value is not meant for these two.
    node->p.reduce.init = node->p.reduce.op == KPU_REDUCE_MIN ? 3.402823466e+38f
        : node->p.reduce.op == KPU_REDUCE_MAX ? -3.402823466e+38f : node->p.reduce.init;
    ret = get_packed(vm, &in, dt, shape, t, false, &node->in[0], node->p.reduce.in);
    if (ret == KPU_OK) {
        ret = set_range(vm, &out, dt, count, true, &node->out);
    }
    set_shape(node, node->p.reduce.out);
    return ret;
}

static int fn_reduce_window(v5_vm_t *vm, kpu_node_t *node) {
    kpu_conv2d_t *p = &node->p.window.shape;
    uint32_t dt = v5_op_u8(vm);
    node->p.window.op = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    p->f_h = v5_op_u16(vm);
    p->f_w = v5_op_u16(vm);
    p->s_h = v5_op_u16(vm);
    p->s_w = v5_op_u16(vm);
    p->d_h = v5_op_u16(vm);
    p->d_w = v5_op_u16(vm);
    p->low = v5_op_f32(vm);
    p->high = v5_op_f32(vm);
    int32_t after_w, after_h, interior_w, interior_h, shape[4];
    v5_pop_padding(vm, &p->pad_w, &after_w, &interior_w);
    v5_pop_padding(vm, &p->pad_h, &after_h, &interior_h);
    v5_addr_t out = v5_pop_address(vm);
    node->p.window.init = v5_pop_number(vm);
    v5_addr_t in = v5_pop_address(vm);
    uint32_t dims[4];
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_packed(vm, &in, dt, shape, t, false, &node->in[0], dims);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (node->p.window.op >= KPU_REDUCE_COUNT || !p->f_h || !p->f_w || !p->s_h || !p->s_w || !p->d_h || !p->d_w) {
        return v5_fail(vm, "unknown reduction, or a window, stride or dilation of 0");
    }
    if (dt != V5_DT_F32 || interior_w || interior_h) {
        return v5_missing(vm, "a reduction of windows of integers");
    }
    int64_t h = ((int64_t)dims[2] + p->pad_h + after_h - ((int64_t)(p->f_h - 1) * p->d_h + 1) + p->s_h) / p->s_h;
    int64_t w = ((int64_t)dims[3] + p->pad_w + after_w - ((int64_t)(p->f_w - 1) * p->d_w + 1) + p->s_w) / p->s_w;
    if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX) {
        return v5_fail(vm, "windows larger than the picture");
    }
    p->n = dims[0];
    p->in_c = p->out_c = dims[1];
    p->in_h = dims[2];
    p->in_w = dims[3];
    p->out_h = (uint32_t)h;
    p->out_w = (uint32_t)w;
    int32_t out_shape[4] = { shape[0], shape[1], (int32_t)h, (int32_t)w };
    ret = get_packed(vm, &out, dt, out_shape, t_out, true, &node->out, dims);
    set_shape(node, dims);
    if (ret == KPU_OK && (uint64_t)p->f_h * p->f_w * (node->out.size / 4) > KMODEL_MAX_WORK) {
        return v5_fail(vm, "windows that would take too long");
    }
    return ret;
}

static int fn_resize(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), dims[4];
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), align = v5_op_u8(vm), half = v5_op_u8(vm), mode = v5_op_u8(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    int32_t out_w = v5_pop_int(vm), out_h = v5_pop_int(vm), shape[4];
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_packed(vm, &in, dt, shape, t, false, &node->in[0], dims);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (align > 1 || half > 1 || mode > 1) {
        return v5_fail(vm, "unknown resize mode");
    }
    node->p.resize.planes = dims[0] * dims[1];
    node->p.resize.in_h = dims[2];
    node->p.resize.in_w = dims[3];
    node->p.resize.nearest = mode == 1;
    node->p.resize.align_corners = align;
    node->p.resize.half_pixel = half;
    int32_t out_shape[4] = { shape[0], shape[1], out_h, out_w };
    ret = get_packed(vm, &out, dt, out_shape, t_out, true, &node->out, dims);
    node->p.resize.out_h = dims[2];
    node->p.resize.out_w = dims[3];
    set_shape(node, dims);
    return ret;
}

static int fn_softmax(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), dims[4];
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    int32_t axis = (int32_t)v5_op_u32(vm), shape[4];
    node->p.softmax.beta = v5_op_f32(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    int ret = get_shape(vm, s, shape);
    if (ret == KPU_OK) {
        ret = get_packed(vm, &in, dt, shape, t, false, &node->in[0], dims);
    }
    if (ret == KPU_OK) {
        ret = get_packed(vm, &out, dt, shape, t_out, true, &node->out, dims);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    int32_t rank = (int32_t)vm->shapes[s].rank;
    int32_t at = (axis < 0 ? axis + rank : axis) + 4 - rank;
    if (at < 0 || at > 3) {
        return v5_fail(vm, "softmax over a dimension that does not exist");
    }
    if (dt != V5_DT_F32) {
        return v5_missing(vm, "softmax of integers");
    }
    node->p.softmax.outer = node->p.softmax.step = 1;
    node->p.softmax.inner = dims[at];
    for (int32_t i = 0; i < 4; ++i) {
        *(i < at ? &node->p.softmax.outer : &node->p.softmax.step) *= i == at ? 1 : dims[i];
    }
    set_shape(node, dims);
    return KPU_OK;
}

// Arguments of a call are on the stack as address, data type, shape register, stride register.
static int pop_argument(v5_vm_t *vm, v5_arg_t *arg, bool write) {
    int32_t stride = v5_pop_int(vm), reg = v5_pop_int(vm), shape[4];
    arg->dtype = (uint32_t)v5_pop_int(vm);
    arg->addr = v5_pop_address(vm);
    if (vm->failed || stride < 0 || stride > 255 || reg < 0 || reg > 255) {
        return v5_fail(vm, "a call whose arguments are not on the stack");
    }
    kpu_range_t r;
    uint32_t dims[4];
    int ret = get_shape(vm, (uint8_t)reg, shape);
    if (ret == KPU_OK) {
        ret = get_packed(vm, &arg->addr, arg->dtype, shape, (uint8_t)stride, write, &r, dims);
    }
    if (ret == KPU_OK) {
        arg->bytes = r.size;
        arg->addr.end = arg->addr.off + r.size;
    }
    return ret;
}

static int fn_call(v5_vm_t *vm) {
    uint32_t function = v5_op_u32(vm), module = v5_op_u16(vm), n_in = v5_op_u8(vm), n_out = v5_op_u8(vm);
    v5_arg_t in[V5_MAX_ARGS], out[V5_MAX_ARGS];
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

// ---- table -----------------------------------------------------------------------------------

typedef struct {
    uint8_t number[5];          // by column; 0xff where a release does not have it
    uint8_t op;
    const char *name;
    int (*parse)(v5_vm_t *vm, kpu_node_t *node);
} v5_fn_t;

#define NONE 0xff

static const v5_fn_t functions[] = {
    { { 0x01, 0x01, 0x01, 0x01, 0x01 }, KPU_OP_BINARY, "BINARY", fn_binary },
    { { 0x07, 0x07, 0x07, 0x07, 0x08 }, KPU_OP_MAP, "CONVERT", fn_convert },
    { { 0x08, 0x08, 0x08, 0x08, 0x09 }, KPU_OP_COPY, "COPY", fn_copy },
    { { 0x09, 0x0a, 0x0a, 0x0a, 0x0b }, KPU_OP_MAP, "DEQUANTIZE", fn_dequantize },
    { { 0x10, 0x12, 0x12, 0x13, 0x13 }, KPU_OP_PAD, "PAD", fn_pad },
    { { 0x11, 0x13, 0x13, 0x14, 0x14 }, KPU_OP_MAP, "QUANTIZE", fn_quantize },
    { { 0x12, 0x14, 0x16, 0x17, 0x17 }, KPU_OP_REDUCE, "REDUCE", fn_reduce },
    { { 0x13, 0x16, 0x19, 0x1a, 0x1a }, KPU_OP_REDUCE_WINDOW, "REDUCE_WINDOW2D", fn_reduce_window },
    { { 0x14, 0x17, 0x1a, 0x1b, 0x1b }, KPU_OP_RESIZE, "RESIZE_IMAGE", fn_resize },
    { { NONE, NONE, NONE, 0x1d, 0x1d }, KPU_OP_MAP, "SIGMOID", fn_sigmoid },
    { { 0x15, 0x18, 0x1b, 0x1e, 0x1e }, KPU_OP_COPY, "SLICE", fn_slice },
    { { NONE, NONE, NONE, NONE, 0x1f }, KPU_OP_SOFTMAX_AXIS, "SOFTMAX", fn_softmax },
    { { 0x19, 0x1c, 0x20, 0x24, 0x24 }, KPU_OP_COPY, "TRANSPOSE", fn_transpose },
    { { 0x1a, 0x1d, 0x21, 0x26, 0x26 }, KPU_OP_MAP, "UNARY", fn_unary },
};

#define FUNCTION_CALL 3

int kmodel_v5_tensor(v5_vm_t *vm) {
    uint32_t at = vm->pos, number = v5_op_u16(vm);
    v5_state_t *st = vm->st;
    int ret;
    if (number == FUNCTION_CALL) {
        ret = fn_call(vm);
    } else {
        const v5_fn_t *f = NULL;
        for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); ++i) {
            if (functions[i].number[vm->variant->column] == number) {
                f = &functions[i];
            }
        }
        if (f == NULL) {
            st->ld.index = st->count;
            st->ld.name = "TENSOR";
            return kmodel_node_fail(&st->ld, KPU_ERR_NOT_IMPLEMENTED, "tensor function 0x%x is not supported", (unsigned)number);
        }
        kpu_node_t *node = kmodel_v5_emit(st, f->op, number, f->name);
        ret = f->parse(vm, node);
        node->body = vm->code_off + at;
        node->body_size = vm->pos - at;
    }
    // Compilers load the operands of each function right before it.
    if (ret == KPU_OK && (vm->failed || vm->depth != 0)) {
        return v5_fail(vm, "the operands are not those of the function");
    }
    return ret;
}
