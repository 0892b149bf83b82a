// SPDX-License-Identifier: MIT
//
// Tensor functions of a kmodel v5 that combine tensors, convolve, multiply, resize.

#include "kmodel_v5_vm.h"

// ---- several inputs, element by element ------------------------------------------------------

// Sizes that all of the inputs can be repeated to.
static int common_sizes(v5_vm_t *vm, const v5_tensor_t *const in[], unsigned k, v5_tensor_t *out) {
    out->rank = 0;
    out->count = 1;
    for (unsigned j = 0; j < k; ++j) {
        out->rank = in[j]->rank > out->rank ? in[j]->rank : out->rank;
    }
    for (uint32_t i = 0; i < out->rank; ++i) {
        out->n[i] = 1;
        for (unsigned j = 0; j < k; ++j) {
            uint32_t size = i + in[j]->rank >= out->rank ? in[j]->n[i + in[j]->rank - out->rank] : 1;
            if (size != 1 && out->n[i] != 1 && size != out->n[i]) {
                return v5_fail(vm, "the shapes do not fit each other");
            }
            out->n[i] = size != 1 ? size : out->n[i];
        }
        out->count *= out->n[i];
        if (out->count > INT32_MAX) {
            return v5_fail(vm, "a tensor has too many elements");
        }
    }
    return KPU_OK;
}

// Strides of an input in the dimensions of the output, 0 where it is repeated.
static void repeated(const v5_tensor_t *in, const v5_tensor_t *out, int64_t stride[V5_MAX_RANK]) {
    for (uint32_t i = 0; i < out->rank; ++i) {
        uint32_t from = i + in->rank - out->rank;
        stride[i] = i + in->rank < out->rank || in->n[from] == 1 ? 0 : in->stride[from];
    }
}

static int two_inputs(v5_vm_t *vm, kpu_node_t *node, v5_tensor_t in[2], v5_tensor_t *y) {
    int64_t a[V5_MAX_RANK], b[V5_MAX_RANK];
    repeated(&in[0], y, a);
    repeated(&in[1], y, b);
    const int64_t *strides[] = { a, b, y->stride };
    int32_t *steps[] = { node->p.binary.a, node->p.binary.b, node->p.binary.o };
    node->in[0] = in[0].range;
    node->in[1] = in[1].range;
    node->out = y->range;
    v5_result(node, y);
    return v5_fold(vm, y->rank, y->n, 3, strides, node->p.binary.shape, steps);
}

// Binary and compare. s_out names the shape that results anyway, but it tells releases apart.
static int pair(v5_vm_t *vm, kpu_node_t *node, uint32_t dt, uint32_t dt_out, const uint8_t reg[6], bool named) {
    v5_addr_t out = v5_pop_address(vm), b = v5_pop_address(vm), a = v5_pop_address(vm);
    v5_tensor_t in[2], y;
    const v5_tensor_t *const ins[] = { &in[0], &in[1] };
    int ret = v5_tensor(vm, &a, dt, reg[0], reg[1], false, &in[0]);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &b, dt, reg[2], reg[3], false, &in[1]);
    }
    if (ret == KPU_OK) {
        ret = common_sizes(vm, ins, 2, &y);
    }
    if (ret == KPU_OK && named) {
        v5_tensor_t want;
        ret = v5_sizes(vm, reg[4], &want);
        if (ret != KPU_OK || want.rank != y.rank || memcmp(want.n, y.n, y.rank * sizeof(y.n[0])) != 0) {
            return v5_fail(vm, "the output shape does not fit");
        }
    }
    if (ret == KPU_OK) {
        ret = v5_place(vm, &out, dt_out, reg[5], true, &y);
    }
    return ret == KPU_OK ? two_inputs(vm, node, in, &y) : ret;
}

int v5_fn_binary(v5_vm_t *vm, kpu_node_t *node) {
    bool named = vm->variant->binary_has_out_shape;
    uint32_t dt = v5_op_u8(vm);
    uint8_t reg[6] = { 0 };
    for (unsigned i = 0; i < 6; ++i) {
        reg[i] = i == 4 && !named ? 0 : v5_op_u8(vm);
    }
    node->p.binary.op = v5_op_u8(vm);
    node->p.binary.low = v5_op_f32(vm);
    node->p.binary.high = v5_op_f32(vm);
    if (node->p.binary.op >= KPU_BINARY_COUNT) {
        return v5_fail(vm, "unknown binary operation");
    }
    int ret = pair(vm, node, dt, dt, reg, named);
    if (ret == KPU_OK && node->out.dtype == KPU_F32 && node->p.binary.op >= KPU_BINARY_BIT_AND
        && node->p.binary.op <= KPU_BINARY_BIT_XOR) {
        return v5_fail(vm, "an operation on the bits of floats");
    }
    return ret;
}

int v5_fn_compare(v5_vm_t *vm, kpu_node_t *node) {
    // 1.3 to 1.5 only knew `equal`, without an output shape.
    bool named = vm->variant->column == 5;
    uint32_t dt = v5_op_u8(vm);
    uint8_t reg[6] = { 0 };
    for (unsigned i = 0; i < 6; ++i) {
        reg[i] = i == 4 && !named ? 0 : v5_op_u8(vm);
    }
    node->p.binary.op = named ? v5_op_u8(vm) : KPU_COMPARE_EQ;
    if (node->p.binary.op >= KPU_COMPARE_COUNT) {
        return v5_fail(vm, "unknown comparison");
    }
    return pair(vm, node, dt, V5_DT_U8, reg, named);
}

int v5_fn_ternary(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t reg[7];
    for (unsigned i = 0; i < 7; ++i) {
        reg[i] = v5_op_u8(vm);
    }
    v5_addr_t out = v5_pop_address(vm), a[3];
    v5_tensor_t in[3], y;
    int ret = KPU_OK;
    for (unsigned i = 3; i-- > 0;) {
        a[i] = v5_pop_address(vm);
    }
    for (unsigned i = 0; i < 3 && ret == KPU_OK; ++i) {
        ret = v5_tensor(vm, &a[i], i == 0 ? V5_DT_F32 : dt, reg[2 * i], reg[2 * i + 1], false, &in[i]);
    }
    const v5_tensor_t *const ins[] = { &in[0], &in[1], &in[2] };
    if (ret == KPU_OK) {
        ret = common_sizes(vm, ins, 3, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_place(vm, &out, dt, reg[6], true, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    int64_t stride[3][V5_MAX_RANK];
    for (unsigned i = 0; i < 3; ++i) {
        repeated(&in[i], &y, stride[i]);
    }
    const int64_t *strides[] = { stride[0], stride[1], stride[2], y.stride };
    int32_t *steps[] = { node->p.ternary.a, node->p.ternary.b, node->p.ternary.c, node->p.ternary.o };
    node->in[0] = in[0].range;
    node->in[1] = in[1].range;
    node->p.ternary.third = in[2].range;
    node->out = y.range;
    v5_result(node, &y);
    return v5_fold(vm, y.rank, y.n, 4, strides, node->p.ternary.shape, steps);
}

int v5_fn_lut1d(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    uint32_t length = v5_op_u16(vm);
    v5_pop_number(vm);
    v5_pop_number(vm);
    v5_addr_t out = v5_pop_address(vm), table = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    if (dt != V5_DT_U8 || length != 256) {
        return dt > V5_DT_MAX ? v5_fail(vm, "unknown data type") : v5_missing(vm, "a table of other than 256 bytes");
    }
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s, t_out, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &table, dt, 256, &node->in[1]);
    }
    if (ret == KPU_OK) {
        ret = v5_pack(vm, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->in[0] = x.range;
    node->out = y.range;
    v5_result(node, &y);
    return KPU_OK;
}

// ---- windows ---------------------------------------------------------------------------------

static int check_work(v5_vm_t *vm, uint64_t results, uint64_t each) {
    return each > KMODEL_MAX_WORK || results * each > KMODEL_MAX_WORK ? v5_fail(vm, "work that would take too long") : KPU_OK;
}

// Paddings (popped last first), sizes of the input, and from them those of the output.
static int window(v5_vm_t *vm, kpu_conv2d_t *p, const v5_tensor_t *x, const int32_t pads[4], v5_tensor_t *y) {
    if (x->rank != 4) {
        return v5_fail(vm, "windows of a tensor that has not four dimensions");
    }
    if (!p->f_h || !p->f_w || !p->s_h || !p->s_w || !p->d_h || !p->d_w) {
        return v5_fail(vm, "a window, stride or dilation of 0");
    }
    p->n = x->n[0];
    p->in_c = x->n[1];
    p->in_h = x->n[2];
    p->in_w = x->n[3];
    p->pad_h = pads[0];
    p->pad_w = pads[2];
    int64_t h = ((int64_t)p->in_h + pads[0] + pads[1] - ((int64_t)(p->f_h - 1) * p->d_h + 1) + p->s_h) / p->s_h;
    int64_t w = ((int64_t)p->in_w + pads[2] + pads[3] - ((int64_t)(p->f_w - 1) * p->d_w + 1) + p->s_w) / p->s_w;
    if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX) {
        return v5_fail(vm, "windows larger than the picture");
    }
    p->out_h = y->n[2] = (uint32_t)h;
    p->out_w = y->n[3] = (uint32_t)w;
    y->n[0] = p->n;
    y->n[1] = p->out_c;
    y->rank = 4;
    uint64_t plane = (uint64_t)h * (uint64_t)w, planes = (uint64_t)p->n * p->out_c;
    y->count = plane > INT32_MAX || planes > INT32_MAX ? UINT64_MAX : plane * planes;
    return y->count > INT32_MAX ? v5_fail(vm, "a tensor has too many elements") : KPU_OK;
}

static int pop_paddings(v5_vm_t *vm, int32_t pads[4]) {
    int32_t interior_h, interior_w;
    v5_pop_padding(vm, &pads[2], &pads[3], &interior_w);
    v5_pop_padding(vm, &pads[0], &pads[1], &interior_h);
    return interior_w || interior_h ? v5_missing(vm, "padding between the pixels of a window") : KPU_OK;
}

int v5_fn_conv2d(v5_vm_t *vm, kpu_node_t *node) {
    kpu_conv2d_t *p = &node->p.conv2d_ranges.shape;
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), s_w = v5_op_u8(vm), t_w = v5_op_u8(vm), t_bias = v5_op_u8(vm), t_out = v5_op_u8(vm);
    p->groups = v5_op_u16(vm);
    p->s_h = v5_op_u16(vm);
    p->s_w = v5_op_u16(vm);
    p->d_h = v5_op_u16(vm);
    p->d_w = v5_op_u16(vm);
    p->low = v5_op_f32(vm);
    p->high = v5_op_f32(vm);
    int32_t pads[4];
    int ret = pop_paddings(vm, pads);
    v5_addr_t out = v5_pop_address(vm), bias = v5_pop_address(vm), weights = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, w, b, y;
    if (ret == KPU_OK && dt != V5_DT_F32) {
        ret = dt > V5_DT_MAX ? v5_fail(vm, "unknown data type") : v5_missing(vm, "a convolution of integers");
    }
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &weights, dt, s_w, t_w, false, &w);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (w.rank != 4 || x.rank != 4 || !p->groups || (uint64_t)w.n[1] * p->groups != x.n[1] || w.n[0] % p->groups) {
        return v5_fail(vm, "weights that do not fit the input");
    }
    b = (v5_tensor_t) { .rank = 1, .n = { w.n[0] }, .count = w.n[0] };
    p->out_c = w.n[0];
    p->f_h = w.n[2];
    p->f_w = w.n[3];
    ret = v5_place(vm, &bias, dt, t_bias, false, &b);
    if (ret == KPU_OK) {
        ret = window(vm, p, &x, pads, &y);
    }
    if (ret == KPU_OK) {
        ret = check_work(vm, y.count, (uint64_t)w.n[1] * w.n[2] * w.n[3]);
    }
    if (ret == KPU_OK) {
        ret = v5_place(vm, &out, dt, t_out, true, &y);
    }
    v5_tensor_t *packed[] = { &x, &w, &b };
    for (unsigned i = 0; i < 3 && ret == KPU_OK; ++i) {
        ret = v5_pack(vm, packed[i]);
    }
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->in[0] = x.range;
    node->p.conv2d_ranges.weights = w.range;
    node->p.conv2d_ranges.bias = b.range;
    node->out = y.range;
    v5_result(node, &y);
    return KPU_OK;
}

int v5_fn_reduce_window(v5_vm_t *vm, kpu_node_t *node) {
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
    int32_t pads[4];
    int ret = pop_paddings(vm, pads);
    v5_addr_t out = v5_pop_address(vm);
    node->p.window.init = v5_pop_number(vm);
    v5_addr_t in = v5_pop_address(vm);
    v5_tensor_t x, y;
    if (ret == KPU_OK && (dt != V5_DT_F32 || node->p.window.op >= KPU_REDUCE_COUNT)) {
        ret = dt > V5_DT_MAX || node->p.window.op >= KPU_REDUCE_COUNT ? v5_fail(vm, "unknown reduction")
            : v5_missing(vm, "a reduction of windows of integers");
    }
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    }
    if (ret == KPU_OK) {
        p->out_c = x.rank == 4 ? x.n[1] : 0;
        ret = window(vm, p, &x, pads, &y);
    }
    if (ret == KPU_OK) {
        ret = check_work(vm, y.count, (uint64_t)p->f_h * p->f_w);
    }
    if (ret == KPU_OK) {
        ret = v5_place(vm, &out, dt, t_out, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_pack(vm, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->in[0] = x.range;
    node->out = y.range;
    v5_result(node, &y);
    return KPU_OK;
}

int v5_fn_resize(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    node->p.resize.align_corners = v5_op_bool(vm);
    node->p.resize.half_pixel = v5_op_bool(vm);
    uint8_t mode = v5_op_u8(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    int32_t out_w = v5_pop_int(vm), out_h = v5_pop_int(vm);
    v5_tensor_t x, y;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret != KPU_OK) {
        return ret;
    }
    if (mode > 1 || x.rank != 4 || out_w < 1 || out_h < 1 || (uint64_t)out_w * (uint64_t)out_h > INT32_MAX) {
        return v5_fail(vm, "unknown resize mode or sizes");
    }
    if (mode == 0 && x.range.dtype != KPU_F32 && x.range.dtype != KPU_U8) {
        return v5_missing(vm, "an interpolation of integers");
    }
    y = x;
    y.n[2] = (uint32_t)out_h;
    y.n[3] = (uint32_t)out_w;
    y.count = (uint64_t)x.n[0] * x.n[1] > INT32_MAX ? UINT64_MAX : (uint64_t)x.n[0] * x.n[1] * y.n[2] * y.n[3];
    if (y.count > INT32_MAX) {
        return v5_fail(vm, "a tensor has too many elements");
    }
    ret = v5_place(vm, &out, dt, t_out, true, &y);
    if (ret == KPU_OK) {
        ret = v5_pack(vm, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.resize.planes = x.n[0] * x.n[1];
    node->p.resize.in_h = x.n[2];
    node->p.resize.in_w = x.n[3];
    node->p.resize.out_h = y.n[2];
    node->p.resize.out_w = y.n[3];
    node->p.resize.nearest = mode == 1;
    node->in[0] = x.range;
    node->out = y.range;
    v5_result(node, &y);
    return KPU_OK;
}

// ---- products --------------------------------------------------------------------------------

int v5_fn_matmul(v5_vm_t *vm, kpu_node_t *node) {
    bool full = vm->variant->matmul_is_full;
    uint8_t s1 = v5_op_u8(vm), t1 = full ? v5_op_u8(vm) : 0, s2 = v5_op_u8(vm), t2 = full ? v5_op_u8(vm) : 0;
    uint8_t s_out = full ? v5_op_u8(vm) : 0, t_out = full ? v5_op_u8(vm) : 0;
    node->p.matmul_batches.low = v5_op_f32(vm);
    node->p.matmul_batches.high = v5_op_f32(vm);
    v5_addr_t out = v5_pop_address(vm), bias = v5_pop_address(vm), pb = v5_pop_address(vm), pa = v5_pop_address(vm);
    v5_tensor_t a, b, y, want;
    int ret = v5_sizes(vm, s1, &a);
    if (ret == KPU_OK) {
        ret = v5_sizes(vm, s2, &b);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (a.rank < 2 || b.rank < 2 || a.n[a.rank - 1] != b.n[b.rank - 2]) {
        return v5_fail(vm, "matrices that do not fit each other");
    }
    ret = full ? v5_place(vm, &pa, V5_DT_F32, t1, false, &a) : v5_dense(vm, &pa, V5_DT_F32, false, &a);
    if (ret == KPU_OK) {
        ret = full ? v5_place(vm, &pb, V5_DT_F32, t2, false, &b) : v5_dense(vm, &pb, V5_DT_F32, false, &b);
    }
    if (ret == KPU_OK) {
        ret = v5_pack(vm, &a);
    }
    if (ret == KPU_OK) {
        ret = v5_pack(vm, &b);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    // The dimensions in front of the matrices are repeated like those of other operations.
    uint32_t rows = a.n[a.rank - 2], cols = a.n[a.rank - 1], b_cols = b.n[b.rank - 1];
    v5_tensor_t batch_a = a, batch_b = b;
    batch_a.rank -= 2;
    batch_b.rank -= 2;
    const v5_tensor_t *const ins[] = { &batch_a, &batch_b };
    ret = common_sizes(vm, ins, 2, &y);
    if (ret != KPU_OK) {
        return ret;
    }
    int64_t sa[V5_MAX_RANK], sb[V5_MAX_RANK];
    repeated(&batch_a, &y, sa);
    repeated(&batch_b, &y, sb);
    const int64_t *strides[] = { sa, sb };
    uint32_t shape[KPU_DIMS];
    int32_t step_a[KPU_DIMS], step_b[KPU_DIMS], *steps[] = { step_a, step_b };
    ret = v5_fold(vm, y.rank, y.n, 2, strides, shape, steps);
    if (ret == KPU_OK && (shape[0] != 1 || shape[4] != 1 || shape[5] != 1)) {
        return v5_missing(vm, "so many dimensions in front of matrices");
    }
    for (unsigned i = 0; ret == KPU_OK && i < 3; ++i) {
        node->p.matmul_batches.batch[i] = shape[i + 1];
        node->p.matmul_batches.a[i] = (uint32_t)step_a[i + 1];
        node->p.matmul_batches.b[i] = (uint32_t)step_b[i + 1];
    }
    y.n[y.rank++] = rows;
    y.n[y.rank++] = b_cols;
    y.count = (uint64_t)rows * b_cols > INT32_MAX ? UINT64_MAX / 2 : y.count * rows * b_cols;
    if (ret == KPU_OK && y.count > INT32_MAX) {
        return v5_fail(vm, "a tensor has too many elements");
    }
    if (ret == KPU_OK && full) {
        ret = v5_sizes(vm, s_out, &want);
        if (ret != KPU_OK || want.count != y.count) {
            return v5_fail(vm, "the output shape does not fit");
        }
        y = want;
    }
    if (ret == KPU_OK) {
        ret = full ? v5_place(vm, &out, V5_DT_F32, t_out, true, &y) : v5_dense(vm, &out, V5_DT_F32, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &bias, V5_DT_F32, b_cols, &node->p.matmul_batches.bias);
    }
    if (ret == KPU_OK) {
        ret = check_work(vm, y.count, cols);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.matmul_batches.rows = rows;
    node->p.matmul_batches.cols = cols;
    node->p.matmul_batches.b_cols = b_cols;
    node->in[0] = a.range;
    node->in[1] = b.range;
    node->out = y.range;
    v5_result(node, &y);
    return KPU_OK;
}

int v5_fn_gru(v5_vm_t *vm, kpu_node_t *node) {
    uint8_t s = v5_op_u8(vm), s_w = v5_op_u8(vm), direction = v5_op_u8(vm);
    node->p.gru.linear_before_reset = vm->variant->gru_has_reset && v5_op_bool(vm);
    v5_addr_t out_state = v5_pop_address(vm), out = v5_pop_address(vm), state = v5_pop_address(vm);
    v5_addr_t b = v5_pop_address(vm), r = v5_pop_address(vm), w = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, weights, y, h;
    int ret = v5_sizes(vm, s, &x);
    if (ret == KPU_OK) {
        ret = v5_sizes(vm, s_w, &weights);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (x.rank != 3 || weights.rank != 3 || weights.n[2] != x.n[2] || weights.n[1] % 3 || direction > 2
        || weights.n[0] != (direction == 2 ? 2u : 1u)) {
        return v5_fail(vm, "weights that do not fit the input");
    }
    uint32_t hidden = weights.n[1] / 3, dirs = weights.n[0], batch = x.n[1];
    y = (v5_tensor_t) { .rank = 4, .n = { x.n[0], dirs, batch, hidden } };
    h = (v5_tensor_t) { .rank = 3, .n = { dirs, batch, hidden } };
    y.count = (uint64_t)batch * hidden > INT32_MAX / 8 ? UINT64_MAX / 4 : (uint64_t)batch * hidden * dirs;
    h.count = y.count;
    y.count = y.count > INT32_MAX ? y.count : y.count * x.n[0];
    if (y.count > INT32_MAX || (uint64_t)hidden * hidden > INT32_MAX / 8) {
        return v5_fail(vm, "a tensor has too many elements");
    }
    ret = check_work(vm, y.count, 3 * ((uint64_t)hidden + x.n[2]));
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &in, V5_DT_F32, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &w, V5_DT_F32, false, &weights);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &r, V5_DT_F32, 3 * (uint64_t)dirs * hidden * hidden, &node->p.gru.r);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &b, V5_DT_F32, 6 * (uint64_t)dirs * hidden, &node->p.gru.b);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &state, V5_DT_F32, h.count, &node->p.gru.state);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out, V5_DT_F32, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out_state, V5_DT_F32, true, &h);
    }
    if (ret == KPU_OK) {
        ret = v5_scratch(vm, 16 * (uint64_t)hidden, KPU_F32, &node->p.gru.work); // four vectors of floats
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.gru.steps = x.n[0];
    node->p.gru.batch = batch;
    node->p.gru.in = x.n[2];
    node->p.gru.hidden = hidden;
    node->p.gru.directions = dirs;
    node->p.gru.reverse = direction == 1;
    node->p.gru.out_state = h.range;
    node->in[0] = x.range;
    node->in[1] = weights.range;
    node->out = y.range;
    v5_result(node, &y);
    return KPU_OK;
}
