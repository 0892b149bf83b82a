// SPDX-License-Identifier: MIT
//
// Between the files of the CPU layers.

#ifndef MODULES_KPU_OPS_PRIV_H
#define MODULES_KPU_OPS_PRIV_H

#include <math.h>

#include "kmodel_internal.h"
#include "kpu_ops.h"
#include "kpu_rows.h"

static inline uint8_t clamp_u8(int64_t v) {
    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

static inline float clamp_f32(float v, float low, float high) {
    return v < low ? low : v > high ? high : v;
}

// Factors come from the file, so products and sums may wrap; unsigned arithmetic keeps that defined.
static inline int64_t wrap_add(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t wrap_mul(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

// Rounding shift of v4: ties go up.
static inline int64_t shift_up(int64_t v, int32_t shift) {
    return shift > 0 ? wrap_add(v, (int64_t)1 << (shift - 1)) >> shift : v;
}

// From this many elements on, a table of all 256 results is cheaper than computing each.
#define TABLE_PAYS (512)

// Resizing works on stripes of so many columns of the result.
#define RESIZE_COLUMNS (32)

// Steps through the rows of a kpu_view_t, all dimensions but the innermost. False after the last row.
static inline bool next_row(const uint32_t shape[KPU_DIMS], uint32_t index[KPU_DIMS]) {
    static const uint8_t order[] = { 2, 1, 0, 4, 5 };
    for (unsigned i = 0; i < sizeof(order); ++i) {
        if (++index[order[i]] < shape[order[i]]) {
            return true;
        }
        index[order[i]] = 0;
    }
    return false;
}

static inline ptrdiff_t row_offset(const int32_t stride[KPU_DIMS], const uint32_t index[KPU_DIMS]) {
    return (ptrdiff_t)index[0] * stride[0] + (ptrdiff_t)index[1] * stride[1] + (ptrdiff_t)index[2] * stride[2]
           + (ptrdiff_t)index[4] * stride[4] + (ptrdiff_t)index[5] * stride[5];
}

// Integers of any width. A store keeps the low bits.
static inline int64_t load_int(const void *p, uint8_t dtype) {
    switch (dtype) {
        case KPU_U8:
            return *(const uint8_t *)p;
        case KPU_I8:
            return *(const int8_t *)p;
        case KPU_I16:
            return *(const int16_t *)p;
        case KPU_U16:
            return *(const uint16_t *)p;
        case KPU_I32:
            return *(const int32_t *)p;
        case KPU_U32:
            return *(const uint32_t *)p;
        default:
            return *(const int64_t *)p;
    }
}

static inline void store_int(void *p, uint8_t dtype, int64_t v) {
    switch (kpu_dtype_size(dtype)) {
        case 1:
            *(uint8_t *)p = (uint8_t)v;
            break;
        case 2:
            *(uint16_t *)p = (uint16_t)v;
            break;
        case 4:
            *(uint32_t *)p = (uint32_t)v;
            break;
        default:
            *(int64_t *)p = v;
            break;
    }
}

// The nearest integer to zero that the type has; 0 for what is not a number.
int64_t kpu_float_to_int(float v, uint8_t dtype);

// Layers with shapes (kpu_ops_tensor.c, kpu_ops_nn.c).
void kpu_op_copy(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_concat_dim(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_binary(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_quantized_binary(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_unary(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_reduce(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_map(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_softmax_axis(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_quantize_even(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_dequantize_zero_point(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_nnil(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_reduce_window(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_resize(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_conv2d(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_quantized_conv2d(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_conv2d_transpose(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_matmul(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_quantized_matmul(const kpu_net_t *net, const kpu_node_t *node);

// Layers of v5 (kpu_ops_v5.c, kpu_ops_axis.c).
void kpu_op_fill(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_mirror(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_compare(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_ternary(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_conv2d_ranges(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_matmul_batches(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_gru(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_reduce_axes(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_reduce_arg(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_cumsum(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_hardmax(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_topk(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_trilu(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_layer_norm(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_gather(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_gather_nd(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_gather_elements(const kpu_net_t *net, const kpu_node_t *node);
void kpu_op_onehot(const kpu_net_t *net, const kpu_node_t *node);

// False when an index that the model computed leaves its tensor.
bool kpu_op_indices_fit(const kpu_net_t *net, const kpu_node_t *node);

// A convolution with its parameters at addresses (kpu_ops_nn.c).
void kpu_conv2d_f32(const kpu_conv2d_t *p, const float *in, const float *weights, const float *bias, float *out);

#endif // MODULES_KPU_OPS_PRIV_H
