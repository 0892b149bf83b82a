// SPDX-License-Identifier: MIT
//
// Tensor functions of a kmodel v5 that move elements or change them one by one.

#include "kmodel_v5_vm.h"

// ---- one by one ------------------------------------------------------------------------------

// Shape register s with the strides t and t_out: convert, quantize, dequantize, unary.
static int elementwise(v5_vm_t *vm, kpu_node_t *node, uint32_t dt_in, uint32_t dt_out, uint8_t s, uint8_t t, uint8_t t_out) {
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = v5_tensor(vm, &in, dt_in, s, t, false, &x);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt_out, s, t_out, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_views(vm, &x, &y, &node->p.map.in, &node->p.map.out);
    }
    if (ret == KPU_OK) {
        node->in[0] = x.range;
        node->out = y.range;
        v5_result(node, &y);
    }
    return ret;
}

int v5_fn_convert(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt_in = v5_op_u8(vm), dt_out = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    node->p.map.function = KPU_MAP_CONVERT;
    return elementwise(vm, node, dt_in, dt_out, s, t, t_out);
}

static int scaled(v5_vm_t *vm, kpu_node_t *node, uint8_t function) {
    uint32_t dt_in = v5_op_u8(vm), dt_out = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    node->p.map.function = function;
    node->p.map.bias = v5_pop_number(vm);
    node->p.map.scale = v5_pop_number(vm);
    int ret = elementwise(vm, node, dt_in, dt_out, s, t, t_out);
    uint8_t real = function == KPU_MAP_QUANTIZE ? node->in[0].dtype : node->out.dtype;
    return ret == KPU_OK && real != KPU_F32 ? v5_fail(vm, "scales something else than floats") : ret;
}

int v5_fn_quantize(v5_vm_t *vm, kpu_node_t *node) {
    return scaled(vm, node, KPU_MAP_QUANTIZE);
}

int v5_fn_dequantize(v5_vm_t *vm, kpu_node_t *node) {
    return scaled(vm, node, KPU_MAP_DEQUANTIZE);
}

int v5_fn_unary(v5_vm_t *vm, kpu_node_t *node) {
    // In the order of 1.1 and later; earlier releases lack some.
    static const uint8_t ops[] = {
        KPU_UNARY_ABS, KPU_UNARY_ACOS, KPU_UNARY_ASIN, KPU_UNARY_CEIL, KPU_UNARY_COS, KPU_UNARY_EXP, KPU_UNARY_FLOOR,
        KPU_UNARY_LOG, KPU_UNARY_NEG, KPU_UNARY_ROUND, KPU_UNARY_RSQRT, KPU_UNARY_SIGN, KPU_UNARY_SIN, KPU_UNARY_SQRT,
        KPU_UNARY_SQUARE, KPU_UNARY_TANH, KPU_UNARY_BIT_NOT, KPU_UNARY_NOT, KPU_UNARY_ERF,
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
    node->p.map.function = KPU_MAP_UNARY;
    node->p.map.op = ops[op];
    return elementwise(vm, node, dt, dt, s, t, t_out);
}

int v5_fn_sigmoid(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm);
    // The first release with it takes the output to be packed.
    bool dense = vm->variant->column == 3;
    uint8_t t_out = dense ? 0 : v5_op_u8(vm);
    node->p.map.function = KPU_MAP_UNARY;
    node->p.map.op = KPU_UNARY_SIGMOID;
    if (!dense) {
        return elementwise(vm, node, dt, dt, s, t, t_out);
    }
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    y = x;
    if (ret == KPU_OK) {
        ret = v5_dense(vm, &out, dt, true, &y);
    }
    if (ret == KPU_OK) {
        ret = v5_views(vm, &x, &y, &node->p.map.in, &node->p.map.out);
    }
    if (ret == KPU_OK) {
        node->in[0] = x.range;
        node->out = y.range;
        v5_result(node, &y);
    }
    return ret;
}

// ---- moving ----------------------------------------------------------------------------------

static int finish_copy(v5_vm_t *vm, kpu_node_t *node, const v5_tensor_t *x, const v5_tensor_t *y) {
    node->in[0] = x->range;
    node->out = y->range;
    v5_result(node, y);
    return v5_views(vm, x, y, &node->p.copy.in, &node->p.copy.out);
}

int v5_fn_copy(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s, t_out, true, &y);
    }
    return ret == KPU_OK ? finish_copy(vm, node, &x, &y) : ret;
}

int v5_fn_broadcast(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), s_out = v5_op_u8(vm), t_out = v5_op_u8(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret == KPU_OK) {
        ret = v5_tensor(vm, &out, dt, s_out, t_out, true, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (x.rank > y.rank) {
        return v5_fail(vm, "the shapes do not fit");
    }
    v5_tensor_t wide = y;
    wide.range = x.range;
    for (uint32_t i = 0; i < y.rank; ++i) {
        uint32_t from = i + x.rank - y.rank; // wraps for dimensions that the input lacks
        wide.stride[i] = i + x.rank < y.rank || x.n[from] == 1 ? 0 : x.stride[from];
        if (i + x.rank >= y.rank && x.n[from] != 1 && x.n[from] != y.n[i]) {
            return v5_fail(vm, "the shapes do not fit");
        }
    }
    return finish_copy(vm, node, &wide, &y);
}

int v5_fn_transpose(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), s_perm = v5_op_u8(vm);
    const v5_shape_t *perm = &vm->shapes[s_perm];
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, turned, y;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret != KPU_OK) {
        return ret;
    }
    turned = x;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < x.rank; ++i) {
        uint32_t from = perm->rank == x.rank ? (uint32_t)perm->dim[i] : V5_MAX_RANK;
        if (from >= x.rank || (seen >> from & 1)) {
            return v5_fail(vm, "the order of dimensions is wrong");
        }
        seen |= 1u << from;
        turned.n[i] = x.n[from];
        turned.stride[i] = x.stride[from];
    }
    y = turned;
    ret = v5_place(vm, &out, dt, t_out, true, &y);
    return ret == KPU_OK ? finish_copy(vm, node, &turned, &y) : ret;
}

int v5_fn_slice(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm);
    const v5_shape_t *begin = &vm->shapes[v5_op_u8(vm)], *end = &vm->shapes[v5_op_u8(vm)], *step = &vm->shapes[v5_op_u8(vm)];
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret != KPU_OK) {
        return ret;
    }
    if (begin->rank != x.rank || end->rank != x.rank || step->rank != x.rank) {
        return v5_fail(vm, "no limits for each dimension");
    }
    x.count = 1;
    for (uint32_t i = 0; i < x.rank; ++i) {
        int64_t first = begin->dim[i], stop = end->dim[i], d = step->dim[i];
        stop = stop > x.n[i] ? x.n[i] : stop;
        int64_t n = d > 0 ? (stop - first + d - 1) / d : d < 0 ? (first - stop - d - 1) / -d : 0;
        int64_t last = first + (n - 1) * d;
        if (n < 1 || first < 0 || first >= x.n[i] || last < 0 || last >= x.n[i]) {
            return v5_fail(vm, "a slice that is empty or reaches outside");
        }
        x.off += (uint32_t)(first * x.stride[i]);
        x.stride[i] = n > 1 ? x.stride[i] * d : 0;
        x.n[i] = (uint32_t)n;
        x.count *= (uint32_t)n;
    }
    y = x;
    ret = v5_place(vm, &out, dt, t_out, true, &y);
    return ret == KPU_OK ? finish_copy(vm, node, &x, &y) : ret;
}

// ---- padding ---------------------------------------------------------------------------------

static void store_value(uint8_t fill[8], uint8_t dtype, float value) {
    int64_t v = value > -9e18f && value < 9e18f ? (int64_t)value : 0;
    if (dtype == KPU_F32) {
        memcpy(fill, &value, 4);
    } else {
        // Little-endian, so the first bytes are the value of every width.
        v = dtype == KPU_U8 ? (v < 0 ? 0 : v > 255 ? 255 : v) : v;
        memcpy(fill, &v, 8);
    }
}

// Reflected, symmetric or repeated edges, of up to four dimensions.
static int mirror(v5_vm_t *vm, kpu_node_t *node, v5_tensor_t *x, v5_tensor_t *y, const v5_paddings_t *p, uint32_t mode) {
    int ret = v5_pack(vm, x);
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->op = KPU_OP_MIRROR;
    node->p.mirror.mode = mode;
    uint32_t skip = x->rank > 4 ? x->rank - 4 : 0;
    for (uint32_t i = 0; i < x->rank; ++i) {
        // How far the pattern reaches; a repeated edge reaches everywhere.
        int64_t most = mode == KPU_MIRROR_REFLECT ? (int64_t)x->n[i] - 1 : mode == KPU_MIRROR_SYMMETRIC ? x->n[i] : INT32_MAX;
        if (p->dim[i].before < 0 || p->dim[i].after < 0 || p->dim[i].interior || p->dim[i].before > most || p->dim[i].after > most) {
            return v5_fail(vm, "more padding than elements");
        }
        if (i < skip && y->n[i] != 1) {
            return v5_missing(vm, "such a padding of more than four dimensions");
        }
    }
    for (uint32_t i = 0; i < 4; ++i) {
        uint32_t from = i + x->rank - 4;
        bool has = i + x->rank >= 4;
        node->p.mirror.in[i] = has ? x->n[from] : 1;
        node->p.mirror.out[i] = has ? y->n[from] : 1;
        node->p.mirror.before[i] = has ? p->dim[from].before : 0;
    }
    node->in[0] = x->range;
    node->out = y->range;
    v5_result(node, y);
    return KPU_OK;
}

int v5_fn_pad(v5_vm_t *vm, kpu_node_t *node) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), reg = v5_op_u8(vm), mode = v5_op_u8(vm);
    float value = v5_pop_number(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    v5_tensor_t x, y, inside;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret != KPU_OK) {
        return ret;
    }
    if (reg >= V5_PADDING_REGISTERS || vm->paddings[reg].rank != x.rank || mode > KPU_MIRROR_EDGE) {
        return v5_fail(vm, "no padding for each dimension, or an unknown kind");
    }
    const v5_paddings_t *p = &vm->paddings[reg];
    y = x;
    y.count = 1;
    for (uint32_t i = 0; i < x.rank; ++i) {
        int64_t size = (int64_t)x.n[i] + (int64_t)(x.n[i] - 1) * p->dim[i].interior + p->dim[i].before + p->dim[i].after;
        y.count = size < 1 || size > INT32_MAX ? UINT64_MAX / 2 : y.count * (uint64_t)size;
        if (p->dim[i].interior < 0 || p->dim[i].interior > 65535 || y.count > INT32_MAX) {
            return v5_fail(vm, "padding to no size, or to too large a one");
        }
        y.n[i] = (uint32_t)size;
    }
    ret = v5_place(vm, &out, dt, t_out, true, &y);
    if (ret == KPU_OK && mode != 0) {
        return mirror(vm, node, &x, &y, p, mode);
    }
    if (ret == KPU_OK) {
        ret = v5_pack_output(vm, &y);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    // The input's elements that are not cropped away, and where they go.
    v5_result(node, &y);
    store_value(node->p.copy.fill, y.range.dtype, value);
    node->in[0] = x.range;
    node->out = y.range;
    inside = y;
    for (uint32_t i = 0; i < x.rank; ++i) {
        int64_t step = (int64_t)p->dim[i].interior + 1, before = p->dim[i].before;
        int64_t first = before < 0 ? (-before + step - 1) / step : 0, at = before + first * step;
        int64_t n = at < y.n[i] ? ((int64_t)y.n[i] - 1 - at) / step + 1 : 0;
        n = n > x.n[i] - first ? x.n[i] - first : n;
        if (n < 1) {
            node->op = KPU_OP_FILL; // nothing is left of the input
            return KPU_OK;
        }
        x.off += (uint32_t)(first * x.stride[i]);
        inside.off += (uint32_t)(at * inside.stride[i]);
        x.n[i] = inside.n[i] = (uint32_t)n;
        x.stride[i] = n > 1 ? x.stride[i] : 0;
        inside.stride[i] = n > 1 ? inside.stride[i] * step : 0;
    }
    return v5_views(vm, &x, &inside, &node->p.copy.in, &node->p.copy.out);
}

// ---- blocks ----------------------------------------------------------------------------------

#define MAX_BLOCKS 256

// Moves between the batches of `apart`, one for each place in a block, and the pixels of `whole`. The
// pixel of block place b in dimension i is at y * block + b - before.
static int blocks(v5_vm_t *vm, kpu_node_t *node, v5_tensor_t *apart, v5_tensor_t *whole, const v5_shape_t *block,
    const v5_paddings_t *p, bool split) {
    uint32_t first = whole->rank - block->rank, count = 1, done = 0;
    for (uint32_t i = 0; i < block->rank; ++i) {
        count *= (uint32_t)block->dim[i];
    }
    v5_tensor_t *out = split ? apart : whole;
    kpu_node_t fill = { .op = KPU_OP_FILL, .out = out->range };
    for (uint32_t b = 0; b < count; ++b) {
        v5_tensor_t a = *apart, w = *whole;
        uint32_t rest = b;
        a.n[0] = w.n[0];
        a.off = b * w.n[0] * (uint32_t)a.stride[0];
        a.stride[0] = a.n[0] > 1 ? a.stride[0] : 0;
        bool empty = false;
        for (uint32_t i = block->rank; i-- > 0;) {
            uint32_t d = first + i, size = (uint32_t)block->dim[i];
            int64_t shift = (int64_t)(rest % size) - p->dim[i].before;
            rest /= size;
            int64_t from = shift < 0 ? (-shift + size - 1) / size : 0;
            int64_t end = shift < w.n[d] ? ((int64_t)w.n[d] - 1 - shift) / size + 1 : 0;
            end = end > a.n[d] ? a.n[d] : end;
            empty |= from >= end;
            if (!empty) {
                a.off += (uint32_t)(from * a.stride[d]);
                w.off += (uint32_t)((from * size + shift) * w.stride[d]);
                a.n[d] = w.n[d] = (uint32_t)(end - from);
                w.stride[d] = a.n[d] > 1 ? w.stride[d] * size : 0;
                a.stride[d] = a.n[d] > 1 ? a.stride[d] : 0;
            }
        }
        if (empty) {
            continue;
        }
        if (done == 0 && split) {
            // Padding stays zero.
            const char *name = vm->st->ld.name;
            *kmodel_v5_emit(vm->st, KPU_OP_FILL, node->code, name) = fill;
        } else if (done) {
            *kmodel_v5_emit(vm->st, KPU_OP_COPY, node->code, node->name) = vm->copy;
        }
        memset(&vm->copy, 0, sizeof(vm->copy));
        vm->copy.op = KPU_OP_COPY;
        vm->copy.name = node->name;
        vm->copy.code = node->code;
        int ret = split ? finish_copy(vm, &vm->copy, &w, &a) : finish_copy(vm, &vm->copy, &a, &w);
        if (ret != KPU_OK) {
            return ret;
        }
        done += 1;
    }
    if (done == 0) {
        return v5_fail(vm, "blocks without any element");
    }
    *node = vm->copy;
    v5_result(node, out);
    return KPU_OK;
}

static int batches(v5_vm_t *vm, kpu_node_t *node, bool split) {
    uint32_t dt = v5_op_u8(vm);
    uint8_t s = v5_op_u8(vm), t = v5_op_u8(vm), t_out = v5_op_u8(vm), s_block = v5_op_u8(vm), reg = v5_op_u8(vm);
    v5_addr_t out = v5_pop_address(vm), in = v5_pop_address(vm);
    const v5_shape_t *block = &vm->shapes[s_block];
    v5_tensor_t x, y;
    int ret = v5_tensor(vm, &in, dt, s, t, false, &x);
    if (ret != KPU_OK) {
        return ret;
    }
    if (reg >= V5_PADDING_REGISTERS || vm->paddings[reg].rank != block->rank || block->rank == 0 || block->rank >= x.rank) {
        return v5_fail(vm, "no padding for each dimension of a block");
    }
    const v5_paddings_t *p = &vm->paddings[reg];
    uint64_t count = 1;
    y = x;
    for (uint32_t i = 0; i < block->rank; ++i) {
        uint32_t d = x.rank - block->rank + i, b = (uint32_t)block->dim[i];
        int64_t pads = (int64_t)p->dim[i].before + p->dim[i].after;
        count = block->dim[i] < 1 || block->dim[i] > MAX_BLOCKS ? MAX_BLOCKS + 1 : count * b;
        if (count > MAX_BLOCKS || p->dim[i].before < 0 || p->dim[i].after < 0) {
            return v5_fail(vm, "blocks that are too large, or negative padding");
        }
        int64_t size = split ? (x.n[d] + pads) / b : (int64_t)x.n[d] * b - pads;
        if (size < 1 || size > INT32_MAX || (split && (x.n[d] + pads) % b)) {
            return v5_fail(vm, "blocks that do not fit the tensor");
        }
        y.n[d] = (uint32_t)size;
    }
    if (!split && x.n[0] % count) {
        return v5_fail(vm, "blocks that do not fit the batches");
    }
    y.n[0] = split ? x.n[0] * (uint32_t)count : x.n[0] / (uint32_t)count;
    y.count = 1;
    for (uint32_t i = 0; i < y.rank; ++i) {
        y.count = y.count > INT32_MAX ? y.count : y.count * y.n[i];
    }
    if (y.count > INT32_MAX) {
        return v5_fail(vm, "a tensor has too many elements");
    }
    ret = v5_place(vm, &out, dt, t_out, true, &y);
    if (ret == KPU_OK && split) {
        ret = v5_pack_output(vm, &y);
    }
    return ret == KPU_OK ? blocks(vm, node, split ? &y : &x, split ? &x : &y, block, p, split) : ret;
}

int v5_fn_space_to_batch(v5_vm_t *vm, kpu_node_t *node) {
    return batches(vm, node, true);
}

int v5_fn_batch_to_space(v5_vm_t *vm, kpu_node_t *node) {
    return batches(vm, node, false);
}
