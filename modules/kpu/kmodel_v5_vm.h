// SPDX-License-Identifier: MIT
//
// The stack machine of a kmodel v5, between its instructions and its tensor functions.

#ifndef MODULES_KPU_KMODEL_V5_VM_H
#define MODULES_KPU_KMODEL_V5_VM_H

#include "kmodel_v5.h"

#define V5_STACK_SIZE 256
#define V5_PADDING_REGISTERS 16

typedef enum { V5_INT, V5_FLOAT, V5_ADDRESS } v5_kind_t;

typedef struct {
    v5_kind_t kind;
    union {
        int32_t i;
        float f;
        v5_addr_t a;
    } v;
} v5_value_t;

typedef struct {
    uint32_t rank;
    int32_t dim[V5_MAX_RANK];
} v5_shape_t;

typedef struct {
    uint32_t rank;
    struct {
        int32_t before, after, interior;
    } dim[V5_MAX_RANK];
} v5_paddings_t;

typedef struct {
    v5_state_t *st;
    const v5_variant_t *variant;
    const v5_module_t *m;
    const uint8_t *code;
    uint32_t code_off;          // in the file
    uint32_t size, pos;
    uint32_t depth;
    bool failed;                // an operand or the stack ran out
    v5_value_t stack[V5_STACK_SIZE];
    v5_shape_t shapes[256];
    v5_paddings_t paddings[V5_PADDING_REGISTERS];
} v5_vm_t;

// Operands of the instruction. Past the end of the code they are 0 and vm->failed is set.
uint8_t v5_op_u8(v5_vm_t *vm);
uint32_t v5_op_u16(v5_vm_t *vm);
uint32_t v5_op_u32(v5_vm_t *vm);
float v5_op_f32(v5_vm_t *vm);

// Values from the stack; of another kind, or from an empty stack, they are 0 and vm->failed is set.
int32_t v5_pop_int(v5_vm_t *vm);
v5_addr_t v5_pop_address(v5_vm_t *vm);
float v5_pop_number(v5_vm_t *vm); // of either kind
void v5_pop_padding(v5_vm_t *vm, int32_t *before, int32_t *after, int32_t *interior);

// KPU_ERR_FORMAT and KPU_ERR_NOT_IMPLEMENTED with the node in front of the sentence.
int v5_fail(v5_vm_t *vm, const char *what);
int v5_missing(v5_vm_t *vm, const char *what);

// The instruction TENSOR: emits the node of a tensor function (kmodel_v5_functions.c).
int kmodel_v5_tensor(v5_vm_t *vm);

#endif // MODULES_KPU_KMODEL_V5_VM_H
