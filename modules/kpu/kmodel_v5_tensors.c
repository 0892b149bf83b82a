// SPDX-License-Identifier: MIT
//
// Tensors of a kmodel v5: shapes, strides, where they lie, and copies for operations that need them packed.

#include "kmodel_v5_vm.h"

int v5_sizes(v5_vm_t *vm, uint8_t shape, v5_tensor_t *t) {
    const v5_shape_t *s = &vm->shapes[shape];
    t->rank = s->rank;
    t->count = 1;
    for (uint32_t i = 0; i < s->rank; ++i) {
        if (s->dim[i] < 1) {
            return v5_fail(vm, "a dimension is not positive");
        }
        t->count *= (uint32_t)s->dim[i];
        if (t->count > INT32_MAX) {
            return v5_fail(vm, "a tensor has too many elements");
        }
        t->n[i] = (uint32_t)s->dim[i];
    }
    return KPU_OK;
}

// Where the elements 0 to last are.
static int place(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint64_t last, bool write, kpu_range_t *r) {
    uint8_t type = kmodel_v5_dtype(dtype);
    if (type == KPU_DTYPE_COUNT) {
        return dtype > V5_DT_MAX ? v5_fail(vm, "unknown data type") : v5_missing(vm, "64-bit unsigned or half or double floats");
    }
    uint64_t bytes = (last + 1) * kpu_dtype_size(type);
    if (bytes > a->end - a->off) {
        return kmodel_node_fail(&vm->st->ld, KPU_ERR_FORMAT, "a tensor of %lu bytes where %u are left",
            (unsigned long)bytes, (unsigned)(a->end - a->off));
    }
    if (a->space == KPU_MEM_MODEL && !kpu_model_has(vm->st->ld.net, a->off, (uint32_t)bytes)) {
        return v5_fail(vm, "a tensor among the weights of a KPU layer, which are streamed");
    }
    if (write && a->space != KPU_MEM_MAIN) {
        return v5_fail(vm, "writes to constants");
    }
    if (a->off % kpu_dtype_size(type)) {
        return v5_fail(vm, "a tensor at an odd address");
    }
    *r = (kpu_range_t) { .space = a->space, .dtype = type, .off = a->off, .size = (uint32_t)bytes };
    return KPU_OK;
}

int v5_place(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint8_t stride, bool write, v5_tensor_t *t) {
    const v5_shape_t *s = &vm->shapes[stride];
    uint64_t last = 0;
    if (s->rank != t->rank) {
        return v5_fail(vm, "not as many strides as dimensions");
    }
    for (uint32_t i = 0; i < t->rank; ++i) {
        if (s->dim[i] < 0) {
            return v5_fail(vm, "a stride is not positive");
        }
        // The stride of a dimension of size 1 does not count.
        t->stride[i] = t->n[i] == 1 ? 0 : s->dim[i];
        last += (uint64_t)(t->n[i] - 1) * (uint64_t)t->stride[i];
        if (last > INT32_MAX) {
            return v5_fail(vm, "a tensor has too many elements");
        }
    }
    t->off = 0;
    return place(vm, a, dtype, last, write, &t->range);
}

int v5_tensor(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint8_t shape, uint8_t stride, bool write, v5_tensor_t *t) {
    int ret = v5_sizes(vm, shape, t);
    return ret == KPU_OK ? v5_place(vm, a, dtype, stride, write, t) : ret;
}

static void pack_strides(v5_tensor_t *t) {
    int64_t step = 1;
    for (uint32_t i = t->rank; i-- > 0;) {
        t->stride[i] = t->n[i] == 1 ? 0 : step;
        step *= t->n[i];
    }
    t->off = 0;
}

int v5_dense(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, bool write, v5_tensor_t *t) {
    pack_strides(t);
    return place(vm, a, dtype, t->count - 1, write, &t->range);
}

int v5_vector(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint64_t count, kpu_range_t *r) {
    return place(vm, a, dtype, count ? count - 1 : 0, false, r);
}

int v5_scratch(v5_vm_t *vm, uint64_t bytes, uint8_t dtype, kpu_range_t *r) {
    v5_state_t *st = vm->st;
    uint64_t end = vm->scratch + ((bytes + 7) & ~7ull);
    if (end > INT32_MAX - st->scratch_off) {
        return v5_fail(vm, "tensors that no memory has room for");
    }
    *r = (kpu_range_t) { .space = KPU_MEM_MAIN, .dtype = dtype, .off = st->scratch_off + vm->scratch, .size = (uint32_t)bytes };
    vm->scratch = (uint32_t)end;
    st->scratch_size = vm->scratch > st->scratch_size ? vm->scratch : st->scratch_size;
    return KPU_OK;
}

static bool is_packed(const v5_tensor_t *t) {
    int64_t step = 1;
    for (uint32_t i = t->rank; i-- > 0;) {
        if (t->n[i] != 1 && t->stride[i] != step) {
            return false;
        }
        step *= t->n[i];
    }
    return true;
}

static int copy_node(v5_vm_t *vm, const v5_tensor_t *in, const v5_tensor_t *out, kpu_node_t *node) {
    memset(node, 0, sizeof(*node));
    node->op = KPU_OP_COPY;
    node->name = "COPY";
    node->in[0] = in->range;
    node->out = out->range;
    return v5_views(vm, in, out, &node->p.copy.in, &node->p.copy.out);
}

// A packed tensor in scratch memory of the size of t.
static int packed_twin(v5_vm_t *vm, const v5_tensor_t *t, v5_tensor_t *twin) {
    *twin = *t;
    pack_strides(twin);
    return v5_scratch(vm, t->count * kpu_dtype_size(t->range.dtype), t->range.dtype, &twin->range);
}

int v5_pack(v5_vm_t *vm, v5_tensor_t *t) {
    if (is_packed(t)) {
        return KPU_OK;
    }
    v5_tensor_t twin;
    int ret = packed_twin(vm, t, &twin);
    if (ret == KPU_OK) {
        ret = copy_node(vm, t, &twin, &vm->copy);
    }
    if (ret == KPU_OK) {
        const char *name = vm->st->ld.name;
        kpu_node_t *node = kmodel_v5_emit(vm->st, KPU_OP_COPY, 0, "COPY");
        *node = vm->copy;
        vm->st->ld.name = name;
        *t = twin;
    }
    return ret;
}

int v5_pack_output(v5_vm_t *vm, v5_tensor_t *t) {
    if (is_packed(t)) {
        return KPU_OK;
    }
    v5_tensor_t twin;
    if (vm->n_later == V5_MAX_LATER) {
        return v5_missing(vm, "so many outputs in parts of tensors");
    }
    int ret = packed_twin(vm, t, &twin);
    if (ret == KPU_OK) {
        ret = copy_node(vm, &twin, t, &vm->later[vm->n_later++]);
    }
    *t = twin;
    return ret;
}

int v5_fold(v5_vm_t *vm, uint32_t rank, const uint32_t *n, unsigned k, const int64_t *const strides[],
    uint32_t shape[KPU_DIMS], int32_t *const out[]) {
    uint32_t size[V5_MAX_RANK], count = 0;
    int64_t step[4][V5_MAX_RANK];
    for (uint32_t i = 0; i < rank; ++i) {
        if (n[i] == 1) {
            continue;
        }
        bool joins = count > 0;
        for (unsigned j = 0; j < k && joins; ++j) {
            joins = step[j][count - 1] == strides[j][i] * (int64_t)n[i];
        }
        if (joins) {
            size[count - 1] *= n[i];
        } else {
            size[count++] = n[i];
        }
        for (unsigned j = 0; j < k; ++j) {
            step[j][count - 1] = strides[j][i];
        }
    }
    if (count > KPU_DIMS) {
        return v5_missing(vm, "a tensor of more than six dimensions in such an order");
    }
    static const uint8_t places[KPU_DIMS] = { 3, 2, 1, 0, 4, 5 }; // innermost first
    for (uint32_t i = 0; i < KPU_DIMS; ++i) {
        uint32_t at = places[i], from = count - 1 - i;
        shape[at] = i < count ? size[from] : 1;
        for (unsigned j = 0; j < k; ++j) {
            if (i < count && (step[j][from] > INT32_MAX || step[j][from] < -INT32_MAX)) {
                return v5_fail(vm, "a stride is too large");
            }
            out[j][at] = i < count ? (int32_t)step[j][from] : 0;
        }
    }
    return KPU_OK;
}

int v5_views(v5_vm_t *vm, const v5_tensor_t *in, const v5_tensor_t *out, kpu_view_t *vi, kpu_view_t *vo) {
    const int64_t *strides[] = { in->stride, out->stride };
    int32_t *steps[] = { vi->stride, vo->stride };
    int ret = v5_fold(vm, in->rank, in->n, 2, strides, vi->shape, steps);
    memcpy(vo->shape, vi->shape, sizeof(vo->shape));
    vi->off = in->off;
    vo->off = out->off;
    return ret;
}

uint32_t v5_product(const v5_tensor_t *t, uint32_t first, uint32_t end) {
    uint32_t product = 1;
    for (uint32_t i = first; i < end; ++i) {
        product *= t->n[i];
    }
    return product;
}

int v5_axis(v5_vm_t *vm, const v5_tensor_t *t, int32_t number, uint32_t *axis) {
    int64_t at = number < 0 ? (int64_t)number + t->rank : number;
    if (at < 0 || at >= t->rank) {
        return v5_fail(vm, "works along a dimension that does not exist");
    }
    *axis = (uint32_t)at;
    return KPU_OK;
}

void v5_result(kpu_node_t *node, const v5_tensor_t *t) {
    node->w = t->rank > 0 ? t->n[t->rank - 1] : 1;
    node->h = t->rank > 1 ? t->n[t->rank - 2] : 1;
    node->c = t->rank > 2 ? v5_product(t, 0, t->rank - 2) : 1;
}
