// SPDX-License-Identifier: MIT

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

// Instructions for an element of layers that look at one element at a time; 0 for the others.
static uint32_t element_cost(const kpu_node_t *node) {
    switch (node->op) {
        case KPU_OP_DEQUANTIZE:
        case KPU_OP_DEQUANTIZE_ZERO_POINT:
        case KPU_OP_TABLE:
            return 6;
        case KPU_OP_QUANTIZE:
        case KPU_OP_QUANTIZE_EVEN:
            return 20;
        case KPU_OP_LOGISTIC:
        case KPU_OP_UNARY:
        case KPU_OP_NNIL:
            return 80;
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
    if (half == 0 || overlap(&node->in[0], &node->out) || (uint64_t)in * out * 6 < min_work) {
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
    uint64_t work = (uint64_t)p->out_c * plane * (p->in_c / p->groups) * taps * 8;
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

bool kpu_node_halves(const kpu_node_t *node, uint64_t min_work, kpu_node_t halves[2]) {
    halves[0] = halves[1] = *node;
    switch (node->op) {
        case KPU_OP_FULLY_CONNECTED:
            return halve_fully_connected(node, min_work, halves);
        case KPU_OP_CONV2D:
        case KPU_OP_QUANTIZED_CONV2D:
            return halve_conv2d(node, min_work, halves);
        case KPU_OP_MATMUL:
        case KPU_OP_QUANTIZED_MATMUL:
            return halve_matmul(node, min_work, halves);
        case KPU_OP_SOFTMAX_AXIS:
            return halve_softmax(node, min_work, halves);
        default:
            return element_cost(node) && halve_elements(node, min_work, halves);
    }
}
