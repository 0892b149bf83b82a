// SPDX-License-Identifier: MIT
//
// Between the files of the v5 loader.
//
// A v5 file (nncase 1.x) is a program: byte code of a stack machine that computes addresses and
// shapes and calls tensor functions, and runs of KPU layers as functions of a second module. All
// operands are constants, so the loader executes the stack machine once, symbolically, and writes
// down a node for every tensor function. Nothing of the byte code is left when the model runs.

#ifndef MODULES_KPU_KMODEL_V5_H
#define MODULES_KPU_KMODEL_V5_H

#include "kmodel_internal.h"

#define V5_MAX_MODULES 8
#define V5_MAX_ARGS 16
#define V5_MAX_RANK 8

enum { V5_LOC_INPUT, V5_LOC_OUTPUT, V5_LOC_RDATA, V5_LOC_DATA, V5_LOC_SHARED, V5_LOC_AI = 64 };
enum {
    V5_DT_I8, V5_DT_I16, V5_DT_I32, V5_DT_I64, V5_DT_U8, V5_DT_U16, V5_DT_U32, V5_DT_U64, V5_DT_F16, V5_DT_F32, V5_DT_F64,
    V5_DT_BF16, V5_DT_MAX = V5_DT_BF16,
};

// The type of ours, or KPU_DTYPE_COUNT when there is none.
uint8_t kmodel_v5_dtype(uint32_t dtype);

// A piece of a memory that the running code may use: from off to end.
typedef struct {
    uint8_t space;              // kpu_space_t
    uint32_t off, end;
} v5_addr_t;

typedef struct {
    bool is_k210;
    uint32_t first_function, n_functions; // file offset of the first record
    uint32_t text_off, text_size;
    uint32_t rdata_off, rdata_size;
    uint32_t data_off, data_size; // in the working buffer
} v5_module_t;

typedef struct {
    uint32_t in_pool, out_pool;
    uint32_t n_in, n_out;
    uint32_t text_off, text_size; // file offset
    uint32_t in_ranges, out_ranges; // file offsets of 12-byte memory ranges
    uint32_t in_shapes, out_shapes; // file offsets of {rank, dims...} lists
} v5_function_t;

// The numbers of the tensor functions and some of their operands changed between releases that all
// call themselves version 5.
typedef struct {
    uint8_t column;             // of the number table
    bool binary_has_out_shape;
    bool matmul_is_full;
    bool pad_has_interior;
    bool reduce_prod_has_type;
    bool gru_has_reset;
} v5_variant_t;

typedef struct {
    kmodel_loader_t ld;
    v5_module_t modules[V5_MAX_MODULES];
    uint32_t n_modules;
    v5_addr_t inputs, outputs;  // of the entry function, in the working buffer
    // Behind all of them is room for tensors that one function needs while it runs.
    uint32_t scratch_off, scratch_size;
    kpu_node_t *nodes;          // NULL: only count and check
    uint32_t count;
    kpu_node_t scratch;
} v5_state_t;

// The next node, zeroed, in the list or in the scratch place.
kpu_node_t *kmodel_v5_emit(v5_state_t *st, uint8_t op, uint32_t code, const char *name);

int kmodel_v5_function(v5_state_t *st, uint32_t module, uint32_t index, v5_function_t *f);

// Element count of the shape number i of a function's list; 0 when there is none.
int kmodel_v5_shape(const v5_state_t *st, uint32_t list, uint32_t i, uint32_t dims[4], uint32_t *count);

// An argument of a K210 function.
typedef struct {
    v5_addr_t addr;
    uint32_t dtype;
    uint32_t bytes;
} v5_arg_t;

// Emits the nodes of one K210 function.
int kmodel_v5_k210(v5_state_t *st, uint32_t module, uint32_t function, const v5_arg_t *in, uint32_t n_in,
    const v5_arg_t *out, uint32_t n_out);

// Executes the entry function's byte code as the given variant. Adds to *progress the instructions
// that made sense. With no_nop an instruction without effect does not.
int kmodel_v5_stackvm(v5_state_t *st, uint32_t module, uint32_t function, const v5_variant_t *variant, bool no_nop,
    uint32_t *progress);

#endif // MODULES_KPU_KMODEL_V5_H
