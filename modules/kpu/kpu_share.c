// SPDX-License-Identifier: MIT

#include <string.h>

#include "kpu_layer.h"
#include "kpu_share.h"

static uint32_t item(const kpu_range_t *r) {
    return r->dtype == KPU_F32 ? 4 : r->dtype == KPU_U8 ? 1 : 0;
}

// The first n elements stay, or go.
static void keep_first(kpu_range_t *r, uint32_t n) {
    r->size = n * item(r);
}

static void drop_first(kpu_range_t *r, uint32_t n) {
    r->off += n * item(r);
    r->size -= n * item(r);
}

static bool overlap(const kpu_range_t *a, const kpu_range_t *b) {
    return a->space == b->space && a->off < b->off + b->size && b->off < a->off + a->size;
}

// Instructions for an element of layers that look at one element at a time; 0 for the others. Everything here is a
// guess that decides about nothing but time.
static uint32_t element_cost(const kpu_node_t *node) {
    switch (node->op) {
        case KPU_OP_DEQUANTIZE:
        case KPU_OP_DEQUANTIZE_ZERO_POINT:
        case KPU_OP_TABLE:
            return 6;
        case KPU_OP_QUANTIZE:
        case KPU_OP_QUANTIZE_EVEN:
            return 8;
        case KPU_OP_LOGISTIC:
        case KPU_OP_UNARY:
        case KPU_OP_NNIL:
            return 20;
        default:
            return 0;
    }
}

static bool halve_elements(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    uint32_t in_item = item(&node->in[0]), out_item = item(&node->out);
    if (in_item == 0 || out_item == 0) {
        return false;
    }
    uint32_t n = node->out.size / out_item, half = n / 2 & ~7u;
    // In place is fine, but not when elements change their size.
    bool apart = in_item == out_item ? node->in[0].off == node->out.off || !overlap(&node->in[0], &node->out)
        : !overlap(&node->in[0], &node->out);
    if (half == 0 || node->in[0].size / in_item != n || !apart || (uint64_t)n * element_cost(node) < min_work) {
        return false;
    }
    keep_first(&halves[0].in[0], half);
    keep_first(&halves[0].out, half);
    drop_first(&halves[1].in[0], half);
    drop_first(&halves[1].out, half);
    return true;
}

static bool halve_fully_connected(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    uint32_t in = node->p.fc.in, out = node->p.fc.out, half = out / 2;
    if (half == 0 || overlap(&node->in[0], &node->out) || (uint64_t)in * out * 4 < min_work) {
        return false;
    }
    halves[0].p.fc.out = half;
    keep_first(&halves[0].out, half);
    halves[1].p.fc.out = out - half;
    halves[1].p.fc.weights += half * in * 4;
    halves[1].p.fc.bias += half * 4;
    drop_first(&halves[1].out, half);
    return true;
}

// By output channels; those of a depthwise layer have inputs of their own.
static bool halve_conv2d(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    const kpu_conv2d_t *p = &node->p.conv2d;
    bool depthwise = p->groups == p->in_c && p->groups == p->out_c;
    uint32_t half = p->out_c / 2, taps = p->f_h * p->f_w, plane = p->out_h * p->out_w;
    uint64_t work = (uint64_t)p->out_c * plane * (p->in_c / p->groups) * taps * 5;
    if (half == 0 || p->n != 1 || (p->groups != 1 && !depthwise) || overlap(&node->in[0], &node->out) || work < min_work) {
        return false;
    }
    uint32_t weight = node->op == KPU_OP_CONV2D ? 4 : 1;
    kpu_conv2d_t *a = &halves[0].p.conv2d, *b = &halves[1].p.conv2d;
    a->out_c = half;
    b->out_c = p->out_c - half;
    b->weights += half * (p->in_c / p->groups) * taps * weight;
    b->bias += half * 4;
    keep_first(&halves[0].out, half * plane);
    drop_first(&halves[1].out, half * plane);
    if (depthwise && p->groups != 1) {
        a->in_c = a->groups = half;
        b->in_c = b->groups = p->out_c - half;
        keep_first(&halves[0].in[0], half * p->in_h * p->in_w);
        drop_first(&halves[1].in[0], half * p->in_h * p->in_w);
    }
    return true;
}

static bool halve_matmul(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    uint32_t rows = node->p.matmul.rows, half = rows / 2, cols = node->p.matmul.cols, b_cols = node->p.matmul.b_cols;
    if (half == 0 || overlap(&node->in[0], &node->out) || overlap(&node->in[1], &node->out)
        || (uint64_t)rows * cols * b_cols * 8 < min_work) {
        return false;
    }
    halves[0].p.matmul.rows = half;
    keep_first(&halves[0].in[0], half * cols);
    keep_first(&halves[0].out, half * b_cols);
    halves[1].p.matmul.rows = rows - half;
    drop_first(&halves[1].in[0], half * cols);
    drop_first(&halves[1].out, half * b_cols);
    return true;
}

static bool halve_softmax(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    uint32_t outer = node->p.softmax.outer, half = outer / 2, row = node->p.softmax.inner * node->p.softmax.step;
    bool apart = node->in[0].off == node->out.off || !overlap(&node->in[0], &node->out);
    if (half == 0 || !apart || (uint64_t)outer * row * 90 < min_work) {
        return false;
    }
    halves[0].p.softmax.outer = half;
    keep_first(&halves[0].in[0], half * row);
    keep_first(&halves[0].out, half * row);
    halves[1].p.softmax.outer = outer - half;
    drop_first(&halves[1].in[0], half * row);
    drop_first(&halves[1].out, half * row);
    return true;
}

// ---- layers with shapes ----------------------------------------------------------------------

static uint64_t count_of(const uint32_t shape[KPU_DIMS]) {
    uint64_t n = 1;
    for (unsigned d = 0; d < KPU_DIMS; ++d) {
        n *= d < 4 || shape[d] ? shape[d] : 1;
    }
    return n;
}

static unsigned longest(const uint32_t shape[KPU_DIMS]) {
    unsigned best = 3;
    for (unsigned d = 0; d < KPU_DIMS; ++d) {
        best = shape[d] > shape[best] ? d : best;
    }
    return best;
}

// Whether the output may be written while the other half of the input is still to be read.
static bool independent(const kpu_range_t *in, const int32_t *in_stride, const kpu_range_t *out, const int32_t *out_stride,
    const uint32_t shape[KPU_DIMS]) {
    if (!overlap(in, out)) {
        return true;
    }
    bool same = in->off == out->off && kpu_dtype_size(in->dtype) == kpu_dtype_size(out->dtype);
    for (unsigned d = 0; d < KPU_DIMS; ++d) {
        same = same && (shape[d] <= 1 || in_stride[d] == out_stride[d]);
    }
    return same;
}

static void move(kpu_range_t *r, uint32_t n, int32_t stride) {
    r->off += n * (uint32_t)stride * kpu_dtype_size(r->dtype);
}

static bool halve_copy(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    const kpu_view_t *in = &node->p.copy.in, *out = &node->p.copy.out;
    unsigned d = longest(in->shape);
    uint32_t n = in->shape[d], half = n / 2;
    if (half == 0 || overlap(&node->in[0], &node->out) || count_of(in->shape) * 4 < min_work) {
        return false;
    }
    halves[0].p.copy.in.shape[d] = half;
    halves[1].p.copy.in.shape[d] = n - half;
    halves[1].p.copy.in.off += half * (uint32_t)in->stride[d];
    halves[1].p.copy.out.off += half * (uint32_t)out->stride[d];
    return true;
}

static bool halve_map(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    const kpu_view_t *in = &node->p.map.in, *out = &node->p.map.out;
    unsigned d = longest(in->shape), cost = node->p.map.function == KPU_MAP_UNARY ? 20 : 6;
    uint32_t n = in->shape[d], half = n / 2 & ~7u;
    if (half == 0 || !independent(&node->in[0], in->stride, &node->out, out->stride, in->shape)
        || count_of(in->shape) * cost < min_work) {
        return false;
    }
    halves[0].p.map.in.shape[d] = half;
    halves[1].p.map.in.shape[d] = n - half;
    move(&halves[1].in[0], half, in->stride[d]);
    move(&halves[1].out, half, out->stride[d]);
    return true;
}

static bool halve_binary(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    const uint32_t *shape = node->p.binary.shape;
    const int32_t *a = node->p.binary.a, *b = node->p.binary.b, *o = node->p.binary.o;
    unsigned d = longest(shape), cost = node->op == KPU_OP_BINARY ? 6 : 30;
    uint32_t n = shape[d], half = n / 2 & ~7u;
    if (half == 0 || count_of(shape) * cost < min_work || !independent(&node->in[0], a, &node->out, o, shape)
        || !independent(&node->in[1], b, &node->out, o, shape)) {
        return false;
    }
    halves[0].p.binary.shape[d] = half;
    halves[1].p.binary.shape[d] = n - half;
    move(&halves[1].in[0], half, a[d]);
    move(&halves[1].in[1], half, b[d]);
    move(&halves[1].out, half, o[d]);
    return true;
}

static bool halve_window(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    const kpu_conv2d_t *p = &node->p.window.shape;
    uint32_t planes = p->n * p->in_c, half = planes / 2, in = p->in_h * p->in_w, out = p->out_h * p->out_w;
    if (half == 0 || overlap(&node->in[0], &node->out) || (uint64_t)planes * out * (p->f_h + p->f_w) * 6 < min_work) {
        return false;
    }
    kpu_conv2d_t *a = &halves[0].p.window.shape, *b = &halves[1].p.window.shape;
    a->n = b->n = 1;
    a->in_c = half;
    b->in_c = planes - half;
    move(&halves[1].in[0], half, (int32_t)in);
    move(&halves[1].out, half, (int32_t)out);
    return true;
}

static bool halve_resize(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    uint32_t planes = node->p.resize.planes, half = planes / 2;
    uint32_t in = node->p.resize.in_h * node->p.resize.in_w, out = node->p.resize.out_h * node->p.resize.out_w;
    if (half == 0 || overlap(&node->in[0], &node->out)
        || (uint64_t)planes * out * (node->p.resize.nearest ? 5 : 30) < min_work) {
        return false;
    }
    halves[0].p.resize.planes = half;
    halves[1].p.resize.planes = planes - half;
    move(&halves[1].in[0], half, (int32_t)in);
    move(&halves[1].out, half, (int32_t)out);
    return true;
}

static bool halve_batches(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    const uint32_t *batch = node->p.matmul_batches.batch;
    uint32_t rows = node->p.matmul_batches.rows, half = rows / 2;
    uint32_t cols = node->p.matmul_batches.cols, b_cols = node->p.matmul_batches.b_cols;
    if (half == 0 || batch[0] * batch[1] * batch[2] != 1 || overlap(&node->in[0], &node->out)
        || overlap(&node->in[1], &node->out) || (uint64_t)rows * cols * b_cols * 6 < min_work) {
        return false;
    }
    halves[0].p.matmul_batches.rows = half;
    halves[1].p.matmul_batches.rows = rows - half;
    move(&halves[1].in[0], half, (int32_t)cols);
    move(&halves[1].out, half, (int32_t)b_cols);
    return true;
}

// Between memory and KPU RAM, by channels. Maps without gaps may go by DMA instead.
static bool halve_maps(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    const kpu_map_t *map = &node->p.upload.map;
    uint32_t half = map->c / 2 & ~7u, bytes = half * map->w * map->h; // a multiple of 8, like the group
    if (half == 0 || node->p.upload.batches != 1 || kpu_map_is_packed(map) || (uint64_t)bytes * 3 < min_work) {
        return false;
    }
    halves[0].p.upload.map.c = half;
    halves[1].p.upload.map.c = map->c - half;
    halves[1].p.upload.map.line += half / map->group * map->channel_lines;
    kpu_range_t *main = node->op == KPU_OP_UPLOAD ? &halves[1].in[0] : &halves[1].out;
    main->off += bytes;
    return true;
}

bool kpu_node_halves(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    halves[0] = halves[1] = *node;
    switch (node->op) {
        case KPU_OP_UPLOAD:
        case KPU_OP_DOWNLOAD:
            return halve_maps(node, min_work, halves);
        case KPU_OP_COPY:
            return halve_copy(node, min_work, halves);
        case KPU_OP_MAP:
            return halve_map(node, min_work, halves);
        case KPU_OP_BINARY:
        case KPU_OP_QUANTIZED_BINARY:
            return halve_binary(node, min_work, halves);
        case KPU_OP_REDUCE_WINDOW:
            return halve_window(node, min_work, halves);
        case KPU_OP_RESIZE:
            return halve_resize(node, min_work, halves);
        case KPU_OP_FULLY_CONNECTED:
            return halve_fully_connected(node, min_work, halves);
        case KPU_OP_CONV2D:
        case KPU_OP_QUANTIZED_CONV2D:
            return halve_conv2d(node, min_work, halves);
        case KPU_OP_MATMUL:
        case KPU_OP_QUANTIZED_MATMUL:
            return halve_matmul(node, min_work, halves);
        case KPU_OP_MATMUL_BATCHES:
            return halve_batches(node, min_work, halves);
        case KPU_OP_SOFTMAX_AXIS:
            return halve_softmax(node, min_work, halves);
        default:
            return element_cost(node) && halve_elements(node, min_work, halves);
    }
}
