// SPDX-License-Identifier: MIT
//
// Tensor functions of a kmodel v5 that work along one or several dimensions.

#include "kmodel_v5_vm.h"

static int need_float(v5_vm_t *vm, uint32_t dt) {
    return dt == V5_DT_F32 ? KPU_OK : dt > V5_DT_MAX ? v5_fail(vm, "unknown data type") : v5_missing(vm, "works on floats only");
}

// Dimensions before, at and after an axis.
static void split_at(kpu_node_t *node, const v5_tensor_t *t, uint32_t axis) {
    node->p.axis.outer = v5_product(t, 0, axis);
    node->p.axis.n = t->n[axis];
    node->p.axis.inner = v5_product(t, axis + 1, t->rank);
}

// Input and output become packed, then go into the node.
static int finish(v5_vm_t *vm, kpu_node_t *node, v5_tensor_t *x, v5_tensor_t *y) {
    int ret = v5_pack(vm, x);
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, y);
    }
    node->in[0] = x->range;
    node->out = y->range;
    v5_result(node, y);
    return ret;
}

// ---- reductions ------------------------------------------------------------------------------

// The axes of a shape register as bits; the sizes of the result.
static int reduced_sizes(v5_vm_t *vm, const v5_tensor_t *x, uint8_t s_axes, bool keep, uint32_t *axes, v5_tensor_t *y) {
    const v5_shape_t *s = &vm->shapes[s_axes];
    *axes = 0;
    for (uint32_t i = 0; i < s->rank; ++i) {
        uint32_t axis;
        int ret = v5_axis(vm, x, s->dim[i], &axis);
        if (ret != KPU_OK) {
            return ret;
        }
        *axes |= 1u << axis;
    }
    y->rank = 0;
    y->count = 1;
    for (uint32_t i = 0; i < x->rank; ++i) {
        bool reduced = *axes >> i & 1;
        if (!reduced || keep) {
            y->n[y->rank++] = reduced ? 1 : x->n[i];
        }
        y->count *= reduced ? 1 : x->n[i];
    }
    return KPU_OK;
}

static int reduction(v5_vm_t *vm, kpu_node_t *node, uint32_t dt, const uint8_t reg[3], uint8_t s_axes, bool keep) {
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    uint32_t axes;
    int ret = v5_tensor(vm, &in, dt, reg[0], reg[1], false, &x);
    if (ret == KPU_OK) {
        ret = reduced_sizes(vm, &x, s_axes, keep, &axes, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_place(vm, &out, dt, reg[2], true, &y);
    }
    if (ret == KPU_OK) {
        ret = finish(vm, node, &x, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (x.range.dtype != KPU_F32 && x.range.dtype != KPU_I32 && x.range.dtype != KPU_I64) {
        return v5_missing(vm, "a reduction of small integers");
    }
    // Steps in the packed output.
    int64_t step[V5_MAX_RANK], next = 1;
    for (uint32_t i = x.rank; i-- > 0;) {
        bool reduced = axes >> i & 1;
        step[i] = reduced || x.n[i] == 1 ? 0 : next;
        next *= reduced ? 1 : x.n[i];
    }
    const int64_t *strides[] = { x.stride, step };
    int32_t from[KPU_DIMS], to[KPU_DIMS], *steps[] = { from, to };
    ret = v5_fold(vm, x.rank, x.n, 2, strides, node->p.reduce_axes.shape, steps);
    for (unsigned i = 0; i < KPU_DIMS && ret == KPU_OK; ++i) {
        node->p.reduce_axes.step[i] = (uint32_t)to[i];
    }
    return ret;
}

int v5_fn_reduce(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t reg[3] = { v5_op_u8(vm), v5_op_u8(vm), v5_op_u8(vm) };
    uint32_t op = v5_op_u8(vm);
    uint8_t s_axes = v5_op_u8(vm);
    bool keep = v5_op_bool(vm);
    float init = v5_pop_number(vm);
    if (op >= KPU_REDUCE_COUNT) {
        return v5_fail(vm, "unknown reduction");
    }
    node->p.reduce_axes.op = op;
    node->p.reduce_axes.init = op == KPU_REDUCE_MEAN ? 0 : init;
    return reduction(vm, node, dt, reg, s_axes, keep);
}

int v5_fn_reduce_prod(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = vm->variant->reduce_prod_has_type ? v5_op_u8(vm) : V5_DT_F32;
    uint8_t reg[3] = { v5_op_u8(vm), v5_op_u8(vm), v5_op_u8(vm) };
    uint8_t s_axes = v5_op_u8(vm);
    bool keep = v5_op_bool(vm);
    node->p.reduce_axes.op = KPU_REDUCE_PROD;
    node->p.reduce_axes.init = 1;
    return reduction(vm, node, dt, reg, s_axes, keep);
}

int v5_fn_reduce_arg(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm);
    uint32_t dt_out = v5_op_u8(vm);
    uint8_t t_out = v5_op_u8(vm);
    node->p.axis.op = v5_op_u8(vm);
    uint8_t s_axes = v5_op_u8(vm);
    bool keep = v5_op_bool(vm);
    node->p.axis.last = v5_op_bool(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    uint32_t axes, axis = 0;
    int ret = need_float(vm, dt);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    }
    if (ret == KPU_OK) {
        ret = reduced_sizes(vm, &x, s_axes, keep, &axes, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (node->p.axis.op > 1 || (dt_out != V5_DT_I32 && dt_out != V5_DT_I64)) {
        return v5_fail(vm, "unknown operation or data type of the result");
    }
    if (axes == 0 || (axes & (axes - 1))) {
        return v5_missing(vm, "the place of an extreme in several dimensions");
    }
    while (!(axes >> axis & 1)) {
        axis += 1;
    }
    split_at(node, &x, axis);
    ret = v5_place(vm, &out, dt_out, t_out, true, &y);
    return ret == KPU_OK ? finish(vm, node, &x, &y) : ret;
}

int v5_fn_softmax(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), axis;
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    int32_t number = (int32_t)v5_op_u32(vm);
    node->p.softmax.beta = v5_op_f32(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = need_float(vm, dt);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s, t_out, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &x, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.softmax.outer = v5_product(&x, 0, axis);
    node->p.softmax.inner = x.n[axis];
    node->p.softmax.step = v5_product(&x, axis + 1, x.rank);
    return finish(vm, node, &x, &y);
}

// ---- along one dimension ---------------------------------------------------------------------

int v5_fn_hardmax(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), axis;
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm);
    int32_t number = (int32_t)v5_op_u32(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = need_float(vm, dt);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    }
    y = x;
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out, dt, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &x, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    split_at(node, &x, axis);
    return finish(vm, node, &x, &y);
}

int v5_fn_cumsum(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), axis;
    uint8_t s = v5_op_u8(vm);
    int32_t number = (int32_t)v5_op_u32(vm);
    node->p.axis.last = v5_op_bool(vm); // exclusive
    node->p.axis.flag = v5_op_bool(vm); // reverse
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = v5_sizes(vm, s, &x);
    y = x;
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &in, dt, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out, dt, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &x, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (dt != V5_DT_F32 && dt != V5_DT_I32) {
        return v5_missing(vm, "sums of other than floats and 32-bit integers");
    }
    split_at(node, &x, axis);
    return finish(vm, node, &x, &y);
}

int v5_fn_topk(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), axis;
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), s_1 = v5_op_u8(vm), t_1 = v5_op_u8(vm), s_2 = v5_op_u8(vm), t_2 = v5_op_u8(vm);
    int64_t k = v5_op_i64(vm);
    int32_t number = (int32_t)v5_op_u32(vm);
    node->p.axis.flag = v5_op_bool(vm); // largest
    v5_op_bool(vm);                     // sorted; ours always are
    v5_addr_t places = v5_pop_address(vm), out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y, z;
    int ret = need_float(vm, dt);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s_1, t_1, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &places, V5_DT_I64, s_2, t_2, true, &z);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &x, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    split_at(node, &x, axis);
    uint64_t results = (uint64_t)node->p.axis.outer * node->p.axis.inner;
    if (k < 1 || k > x.n[axis] || y.count != results * (uint64_t)k || z.count != y.count
        || results * (uint64_t)k * x.n[axis] > KMODEL_MAX_WORK) {
        return v5_fail(vm, "more results than elements, or too many");
    }
    node->p.axis.k = (uint32_t)k;
    ret = v5_pack_output(vm, &z);
    node->p.axis.third = z.range;
    return ret == KPU_OK ? finish(vm, node, &x, &y) : ret;
}

int v5_fn_trilu(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm);
    node->p.axis.flag = v5_op_bool(vm); // upper
    int64_t k = v5_op_i64(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = v5_sizes(vm, s, &x);
    y = x;
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &in, dt, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out, dt, true, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (x.rank < 2) {
        return v5_fail(vm, "a triangle of less than two dimensions");
    }
    split_at(node, &x, x.rank - 2);
    node->p.axis.diagonal = (int32_t)(k > INT32_MAX ? INT32_MAX : k < -INT32_MAX ? -INT32_MAX : k);
    return finish(vm, node, &x, &y);
}

int v5_fn_layer_norm(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), axis;
    uint8_t s = v5_op_u8(vm);
    int32_t number = (int32_t)v5_op_u32(vm);
    node->p.axis.epsilon = v5_op_f32(vm);
    v5_addr_t out = v5_pop_address(vm), bias = v5_pop_address(vm), scale = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = need_float(vm, dt);
    if (ret == KPU_OK) {
        ret = v5_sizes(vm, s, &x);
    }
    y = x;
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &in, dt, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out, dt, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &x, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.axis.outer = v5_product(&x, 0, axis);
    node->p.axis.n = v5_product(&x, axis, x.rank);
    node->p.axis.inner = 1;
    ret = v5_vector(vm, &scale, dt, node->p.axis.n, &node->in[1]);
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &bias, dt, node->p.axis.n, &node->p.axis.third);
    }
    return ret == KPU_OK ? finish(vm, node, &x, &y) : ret;
}

// ---- by index --------------------------------------------------------------------------------

int v5_fn_gather(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), axis;
    uint8_t s = v5_op_u8(vm), s_out = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), s_index = v5_op_u8(vm);
    int32_t number = v5_op_u8(vm);
    v5_addr_t indices = v5_pop_address(vm), out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y, i;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s_out, t_out, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_sizes(vm, s_index, &i);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &indices, V5_DT_I32, i.count, &node->in[1]);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &x, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    split_at(node, &x, axis);
    node->p.axis.k = (uint32_t)i.count;
    if (y.count != (uint64_t)node->p.axis.outer * node->p.axis.inner * i.count) {
        return v5_fail(vm, "a result that is not one piece for each index");
    }
    return finish(vm, node, &x, &y);
}

int v5_fn_gather_nd(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), s_out = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), s_index = v5_op_u8(vm);
    uint32_t batch = v5_op_u8(vm);
    v5_addr_t indices = v5_pop_address(vm), out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y, i;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s_out, t_out, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_sizes(vm, s_index, &i);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &indices, V5_DT_I32, i.count, &node->in[1]);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    uint32_t dims = i.rank ? i.n[i.rank - 1] : 0;
    if (i.rank == 0 || batch >= i.rank || dims > KPU_DIMS || batch + dims > x.rank) {
        return v5_fail(vm, "indices that do not fit the tensor");
    }
    node->p.axis.outer = v5_product(&x, 0, batch);
    node->p.axis.n = v5_product(&x, batch, x.rank);
    node->p.axis.inner = v5_product(&x, batch + dims, x.rank);
    node->p.axis.k = v5_product(&i, batch, i.rank - 1);
    node->p.axis.dims = (uint8_t)dims;
    for (uint32_t d = 0; d < dims; ++d) {
        node->p.axis.size[d] = x.n[batch + d];
        node->p.axis.step[d] = v5_product(&x, batch + d + 1, x.rank);
    }
    if (node->p.axis.outer != v5_product(&i, 0, batch)
        || y.count != (uint64_t)node->p.axis.outer * node->p.axis.k * node->p.axis.inner) {
        return v5_fail(vm, "a result that is not one piece for each index");
    }
    return finish(vm, node, &x, &y);
}

int v5_fn_gather_elements(v5_vm_t *vm, kpu_node_t *node) {
    uint8_t s = v5_op_u8(vm), s_index = v5_op_u8(vm);
    int32_t number = (int32_t)v5_op_u32(vm);
    v5_addr_t out = v5_pop_address(vm), indices = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y, i;
    uint32_t axis;
    int ret = v5_sizes(vm, s, &x);
    if (ret == KPU_OK) {
        ret = v5_sizes(vm, s_index, &i);
    }
    y = i;
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &in, V5_DT_F32, false, &x);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &indices, V5_DT_I64, false, &i);
    }
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out, V5_DT_F32, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &x, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (x.rank != i.rank || x.rank > KPU_DIMS) {
        return v5_fail(vm, "indices that do not fit the tensor");
    }
    // size counts the result, innermost first; step is that of the input.
    for (uint32_t d = 0; d < x.rank; ++d) {
        uint32_t from = x.rank - 1 - d;
        if (from != axis && i.n[from] > x.n[from]) {
            return v5_fail(vm, "indices that do not fit the tensor");
        }
        node->p.axis.size[d] = i.n[from];
        node->p.axis.step[d] = v5_product(&x, from + 1, x.rank);
    }
    node->p.axis.dims = (uint8_t)x.rank;
    node->p.axis.k = x.rank - 1 - axis;
    node->p.axis.n = x.n[axis];
    node->in[1] = i.range;
    return finish(vm, node, &x, &y);
}

int v5_fn_onehot(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm), axis;
    uint8_t s_index = v5_op_u8(vm), s_out = v5_op_u8(vm), t_out = v5_op_u8(vm);
    int32_t number = v5_op_u8(vm);
    node->p.axis.last = v5_op_bool(vm); // negative indices count from the end
    v5_addr_t out = v5_pop_address(vm), off = v5_pop_address(vm), on = v5_pop_address(vm);
    v5_pop_address(vm);                 // the depth; the output shape has it
    v5_addr_t indices = v5_pop_address(vm);
    v5_tensor_t i, y;
    int ret = v5_sizes(vm, s_index, &i);
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &indices, V5_DT_I32, false, &i);
    }
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s_out, t_out, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &on, dt, 1, &node->p.axis.third);
    }
    if (ret == KPU_OK) {
        ret = v5_vector(vm, &off, dt, 1, &node->p.axis.fourth);
    }
    if (ret == KPU_OK) {
        ret = v5_axis(vm, &y, number, &axis);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    split_at(node, &y, axis);
    if (i.count != (uint64_t)node->p.axis.outer * node->p.axis.inner) {
        return v5_fail(vm, "a result that is not one vector for each index");
    }
    return finish(vm, node, &i, &y);
}
