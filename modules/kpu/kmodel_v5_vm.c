// SPDX-License-Identifier: MIT
//
// The stack machine of a kmodel v5, executed once on constants: every tensor function becomes a node.

#include "kmodel_v5_vm.h"

// ---- operands and stack ----------------------------------------------------------------------

static const uint8_t *operand(v5_vm_t *vm, uint32_t n) {
    static const uint8_t zeros[8];
    if (n > vm->size - vm->pos) {
        vm->failed = true;
        return zeros;
    }
    vm->pos += n;
    return vm->code + vm->pos - n;
}

uint8_t v5_op_u8(v5_vm_t *vm) {
    return *operand(vm, 1);
}

uint32_t v5_op_u16(v5_vm_t *vm) {
    const uint8_t *p = operand(vm, 2);
    return p[0] | (uint32_t)p[1] << 8;
}

uint32_t v5_op_u32(v5_vm_t *vm) {
    return get_u32(operand(vm, 4));
}

float v5_op_f32(v5_vm_t *vm) {
    return get_f32(operand(vm, 4));
}

bool v5_op_bool(v5_vm_t *vm) {
    uint8_t v = v5_op_u8(vm);
    vm->failed |= v > 1;
    return v == 1;
}

int64_t v5_op_i64(v5_vm_t *vm) {
    uint32_t low = v5_op_u32(vm);
    return (int64_t)((uint64_t)v5_op_u32(vm) << 32 | low);
}

static void push(v5_vm_t *vm, v5_value_t v) {
    if (vm->depth == V5_STACK_SIZE) {
        vm->failed = true;
    } else {
        vm->stack[vm->depth++] = v;
    }
}

static v5_value_t pop(v5_vm_t *vm, v5_kind_t kind) {
    if (vm->depth == 0 || vm->stack[vm->depth - 1].kind != kind) {
        vm->failed = true;
        return (v5_value_t) { .kind = kind };
    }
    return vm->stack[--vm->depth];
}

int32_t v5_pop_int(v5_vm_t *vm) {
    return pop(vm, V5_INT).v.i;
}

v5_addr_t v5_pop_address(v5_vm_t *vm) {
    return pop(vm, V5_ADDRESS).v.a;
}

// A number of either kind.
float v5_pop_number(v5_vm_t *vm) {
    if (vm->depth && vm->stack[vm->depth - 1].kind == V5_INT) {
        return (float)v5_pop_int(vm);
    }
    return pop(vm, V5_FLOAT).v.f;
}

int v5_fail(v5_vm_t *vm, const char *what) {
    return kmodel_node_fail(&vm->st->ld, KPU_ERR_FORMAT, "%s", what);
}

int v5_missing(v5_vm_t *vm, const char *what) {
    return kmodel_node_fail(&vm->st->ld, KPU_ERR_NOT_IMPLEMENTED, "%s", what);
}

static int get_address(v5_vm_t *vm, uint8_t location, uint32_t offset, v5_addr_t *a) {
    const v5_module_t *m = vm->m;
    switch (location) {
        case V5_LOC_INPUT:
            *a = vm->st->inputs;
            break;
        case V5_LOC_OUTPUT:
            *a = vm->st->outputs;
            break;
        case V5_LOC_RDATA:
            *a = (v5_addr_t) { KPU_MEM_MODEL, m->rdata_off, m->rdata_off + m->rdata_size };
            break;
        case V5_LOC_DATA:
            *a = (v5_addr_t) { KPU_MEM_MAIN, m->data_off, m->data_off + m->data_size };
            break;
        default:
            return v5_missing(vm, "an address in shared or unknown memory");
    }
    if (offset > a->end - a->off) {
        return v5_fail(vm, "an address past the end of its memory");
    }
    a->off += offset;
    return KPU_OK;
}

void v5_pop_padding(v5_vm_t *vm, int32_t *before, int32_t *after, int32_t *interior) {
    *interior = vm->variant->pad_has_interior ? v5_pop_int(vm) : 0;
    *after = v5_pop_int(vm);
    *before = v5_pop_int(vm);
}

// ---- the machine -----------------------------------------------------------------------------

static int st_shape(v5_vm_t *vm) {
    v5_shape_t *s = &vm->shapes[v5_op_u8(vm)];
    uint32_t rank = v5_op_u8(vm);
    if (rank > V5_MAX_RANK) {
        return v5_fail(vm, "a shape with too many dimensions");
    }
    s->rank = rank;
    while (rank-- > 0) {
        s->dim[rank] = v5_pop_int(vm);
    }
    return KPU_OK;
}

static int st_paddings(v5_vm_t *vm) {
    uint32_t reg = v5_op_u8(vm), rank = v5_op_u8(vm);
    if (rank > V5_MAX_RANK || reg >= V5_PADDING_REGISTERS) {
        return v5_fail(vm, "too many padding registers or dimensions");
    }
    v5_paddings_t *p = &vm->paddings[reg];
    p->rank = rank;
    while (rank-- > 0) {
        v5_pop_padding(vm, &p->dim[rank].before, &p->dim[rank].after, &p->dim[rank].interior);
    }
    return KPU_OK;
}

static int step(v5_vm_t *vm, bool *done) {
    v5_value_t v = { .kind = V5_INT };
    uint8_t op = v5_op_u8(vm);
    switch (op) {
        case 0x00:
            return vm->no_nop ? v5_fail(vm, "an instruction without effect") : KPU_OK;
        case 0x01:
        case 0x03:
            push(vm, v);
            return KPU_OK;
        case 0x02:
            v.v.i = (int32_t)v5_op_u32(vm);
            push(vm, v);
            return KPU_OK;
        case 0x04:
            v.v.i = 1;
            push(vm, v);
            return KPU_OK;
        case 0x05:
            v.kind = V5_FLOAT;
            v.v.f = v5_op_f32(vm);
            push(vm, v);
            return KPU_OK;
        case 0x17: {
            uint8_t location = v5_op_u8(vm);
            v5_op_u8(vm);
            uint32_t offset = v5_op_u32(vm);
            v.kind = V5_ADDRESS;
            int ret = get_address(vm, location, offset, &v.v.a);
            push(vm, v);
            return ret;
        }
        case 0x2f:
            if (vm->depth == 0) {
                vm->failed = true;
            } else {
                push(vm, vm->stack[vm->depth - 1]);
            }
            return KPU_OK;
        case 0x30:
            if (vm->depth == 0) {
                vm->failed = true;
            } else {
                vm->depth -= 1;
            }
            return KPU_OK;
        case 0x31:
            return st_shape(vm);
        case 0x32:
            return st_paddings(vm);
        case 0x59:
            *done = true;
            return KPU_OK;
        case 0x5e:
            return kmodel_v5_tensor(vm);
        default:
            return kmodel_node_fail(&vm->st->ld, op > 0x5e ? KPU_ERR_FORMAT : KPU_ERR_NOT_IMPLEMENTED,
                "instruction %02x of the stack machine", op);
    }
}

int kmodel_v5_stackvm(v5_state_t *st, uint32_t module, uint32_t function, const v5_variant_t *variant, bool no_nop,
    uint32_t *progress) {
    v5_function_t f;
    int ret = kmodel_v5_function(st, module, function, &f);
    if (ret != KPU_OK) {
        return ret;
    }
    kpu_net_t *net = st->ld.net;
    v5_vm_t *vm = kmodel_alloc(net, 1, sizeof(v5_vm_t), "loader state", st->ld.err);
    if (vm == NULL) {
        return KPU_ERR_NO_MEM;
    }
    vm->st = st;
    vm->variant = variant;
    vm->no_nop = no_nop;
    vm->m = &st->modules[module];
    vm->code = kmodel_at(&st->ld, f.text_off);
    vm->code_off = f.text_off;
    vm->size = f.text_size;
    bool done = false;
    st->ld.index = 0;
    st->ld.name = "stackvm";
    while (ret == KPU_OK && !done && vm->pos < vm->size) {
        ret = step(vm, &done);
        if (ret == KPU_OK && vm->failed) {
            ret = v5_fail(vm, "the byte code is cut, or its stack is wrong");
        }
        *progress += ret == KPU_OK;
    }
    if (ret == KPU_OK && vm->depth != 0) {
        ret = v5_fail(vm, "numbers are left on the stack");
    }
    net->mem.free(net->mem.ctx, vm);
    return ret;
}
