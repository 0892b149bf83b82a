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

// A tensor as an operation sees it: sizes and strides in elements, the outermost first.
typedef struct {
    uint32_t rank;
    uint32_t n[V5_MAX_RANK];
    int64_t stride[V5_MAX_RANK];
    uint32_t off;               // of the first element
    uint64_t count;
    kpu_range_t range;
} v5_tensor_t;

// Outputs that need a copy when the function is done.
#define V5_MAX_LATER 2

typedef struct {
    v5_state_t *st;
    const v5_variant_t *variant;
    const v5_module_t *m;
    const uint8_t *code;
    uint32_t code_off;          // in the file
    uint32_t size, pos;
    uint32_t depth;
    bool failed;                // an operand or the stack ran out
    bool no_nop;                // an instruction that compilers do not write
    v5_value_t stack[V5_STACK_SIZE];
    v5_shape_t shapes[256];
    v5_paddings_t paddings[V5_PADDING_REGISTERS];
    uint32_t scratch;           // bytes in use by the function
    uint32_t n_later;
    kpu_node_t later[V5_MAX_LATER], copy;
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
bool v5_op_bool(v5_vm_t *vm); // 0 or 1, else vm->failed is set
int64_t v5_op_i64(v5_vm_t *vm);
void v5_pop_padding(v5_vm_t *vm, int32_t *before, int32_t *after, int32_t *interior);

// KPU_ERR_FORMAT and KPU_ERR_NOT_IMPLEMENTED with the node in front of the sentence.
int v5_fail(v5_vm_t *vm, const char *what);
int v5_missing(v5_vm_t *vm, const char *what);

// ---- tensors (kmodel_v5_tensors.c) -----------------------------------------------------------

// The tensor at an address with the shape and strides of two registers.
int v5_tensor(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint8_t shape, uint8_t stride, bool write, v5_tensor_t *t);

// The same with the sizes that t already has.
int v5_place(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint8_t stride, bool write, v5_tensor_t *t);

// The same without strides: the elements follow each other.
int v5_dense(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, bool write, v5_tensor_t *t);

// A packed tensor of `count` elements at an address.
int v5_vector(v5_vm_t *vm, const v5_addr_t *a, uint32_t dtype, uint64_t count, kpu_range_t *r);

// Sets the sizes of a tensor from a shape register.
int v5_sizes(v5_vm_t *vm, uint8_t shape, v5_tensor_t *t);

// Makes an input whose elements do not follow each other do so: emits a copy to scratch memory.
int v5_pack(v5_vm_t *vm, v5_tensor_t *t);

// The same for an output; the copy comes after the function's node.
int v5_pack_output(v5_vm_t *vm, v5_tensor_t *t);

// Memory until the function's end.
int v5_scratch(v5_vm_t *vm, uint64_t bytes, uint8_t dtype, kpu_range_t *r);

// Joins and drops dimensions until at most KPU_DIMS are left, in the order of kpu_view_t. k tensors have
// the sizes n; strides[i] goes to out[i].
int v5_fold(v5_vm_t *vm, uint32_t rank, const uint32_t *n, unsigned k, const int64_t *const strides[],
    uint32_t shape[KPU_DIMS], int32_t *const out[]);

// Two tensors of the same sizes as views.
int v5_views(v5_vm_t *vm, const v5_tensor_t *in, const v5_tensor_t *out, kpu_view_t *vi, kpu_view_t *vo);

// Product of the sizes first..end-1.
uint32_t v5_product(const v5_tensor_t *t, uint32_t first, uint32_t end);

// An axis of a tensor with its negative numbers; fails when there is no such axis.
int v5_axis(v5_vm_t *vm, const v5_tensor_t *t, int32_t number, uint32_t *axis);

// What MaixPy's scripts see of the result.
void v5_result(kpu_node_t *node, const v5_tensor_t *t);

// ---- functions -------------------------------------------------------------------------------

// Reads the operands of a tensor function, checks them and fills the node.
typedef int (*v5_parse_t)(v5_vm_t *vm, kpu_node_t *node);

// kmodel_v5_move.c
int v5_fn_convert(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_quantize(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_dequantize(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_unary(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_sigmoid(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_copy(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_broadcast(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_transpose(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_slice(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_pad(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_space_to_batch(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_batch_to_space(v5_vm_t *vm, kpu_node_t *node);

// kmodel_v5_math.c
int v5_fn_binary(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_compare(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_ternary(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_lut1d(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_conv2d(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_matmul(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_reduce_window(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_resize(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_gru(v5_vm_t *vm, kpu_node_t *node);

// kmodel_v5_axis.c
int v5_fn_reduce(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_reduce_prod(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_reduce_arg(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_softmax(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_hardmax(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_cumsum(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_topk(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_trilu(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_layer_norm(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_gather(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_gather_nd(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_gather_elements(v5_vm_t *vm, kpu_node_t *node);
int v5_fn_onehot(v5_vm_t *vm, kpu_node_t *node);

// The instruction TENSOR: emits the node of a tensor function (kmodel_v5_functions.c).
int kmodel_v5_tensor(v5_vm_t *vm);

#endif // MODULES_KPU_KMODEL_V5_VM_H
