// SPDX-License-Identifier: MIT
//
// Between the files of the CPU layers.

#ifndef MODULES_KPU_OPS_PRIV_H
#define MODULES_KPU_OPS_PRIV_H

#include <math.h>

#include "kmodel_internal.h"
#include "kpu_ops.h"

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

#endif // MODULES_KPU_OPS_PRIV_H
