// SPDX-License-Identifier: MIT
//
// Between the files that read the nodes of kmodel v4.

#ifndef MODULES_KPU_KMODEL_V4_H
#define MODULES_KPU_KMODEL_V4_H

#include "kmodel_internal.h"

#define V4_NO_TYPE 0xff

// A memory range of the CPU: constants or working buffer. dtype V4_NO_TYPE takes either type.
int v4_get_range(const kmodel_loader_t *ld, const uint8_t *p, const char *what, uint8_t dtype, kpu_range_t *out);

// The same in the working buffer only.
int v4_get_output(const kmodel_loader_t *ld, const uint8_t *p, uint8_t dtype, kpu_range_t *out);

// Input at p and output at p + 16 with the same number of elements; with equal types.
int v4_get_unary(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node, uint8_t in, uint8_t out);
int v4_get_same_type(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);

// The range must hold so many elements; afterwards it has exactly this size.
int v4_need(const kmodel_loader_t *ld, const char *what, kpu_range_t *r, uint32_t elements);

// Four dimensions, all positive; the range must hold them, and has exactly their size afterwards.
int v4_get_shape(const kmodel_loader_t *ld, const uint8_t *p, const char *what, kpu_range_t *r, uint32_t shape[4]);
void v4_packed_strides(const uint32_t shape[4], int32_t stride[4]);
void v4_set_shape(kpu_node_t *node, const uint32_t shape[4]);
int v4_check_shift(const kmodel_loader_t *ld, int32_t shift);

// kmodel_v4_nn.c
int v4_parse_reduce(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_softmax(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_reduce_window(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_conv2d(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_quantized_conv2d(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_conv2d_transpose(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_matmul(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_quantized_matmul(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);
int v4_parse_resize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);

#endif // MODULES_KPU_KMODEL_V4_H
