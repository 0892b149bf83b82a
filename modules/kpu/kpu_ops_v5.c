// SPDX-License-Identifier: MIT
//
// Layers that only v5 has, other than those along one dimension (kpu_ops_axis.c).

#include "kpu_ops_priv.h"

void kpu_op_fill(const kpu_net_t *net, const kpu_node_t *node) {
    kpu_fill(kpu_range_ptr(net, &node->out), node->out.size, node->p.copy.fill, kpu_dtype_size(node->out.dtype));
}

// Where the element o of a padded dimension of size n comes from.
static uint32_t mirrored(uint32_t mode, int64_t o, int64_t n) {
    if (o < 0) {
        o = mode == KPU_MIRROR_EDGE ? 0 : mode == KPU_MIRROR_REFLECT ? -o : -o - 1;
    } else if (o >= n) {
        o = mode == KPU_MIRROR_EDGE ? n - 1 : mode == KPU_MIRROR_REFLECT ? 2 * n - 2 - o : 2 * n - 1 - o;
    }
    return (uint32_t)o;
}

void kpu_op_mirror(const kpu_net_t *net, const kpu_node_t *node) {
    uint32_t size = kpu_dtype_size(node->out.dtype), mode = node->p.mirror.mode;
    const uint32_t *si = node->p.mirror.in, *so = node->p.mirror.out;
    const int32_t *before = node->p.mirror.before;
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    for (uint32_t n = 0; n < so[0]; ++n) {
        size_t at_n = (size_t)mirrored(mode, (int64_t)n - before[0], si[0]) * si[1];
        for (uint32_t c = 0; c < so[1]; ++c) {
            size_t at_c = (at_n + mirrored(mode, (int64_t)c - before[1], si[1])) * si[2];
            for (uint32_t h = 0; h < so[2]; ++h) {
                size_t at_h = (at_c + mirrored(mode, (int64_t)h - before[2], si[2])) * si[3];
                for (uint32_t w = 0; w < so[3]; ++w, out += size) {
                    memcpy(out, in + (at_h + mirrored(mode, (int64_t)w - before[3], si[3])) * size, size);
                }
            }
        }
    }
}

static bool decide(uint32_t op, bool less, bool equal, bool greater) {
    switch (op) {
        case KPU_COMPARE_EQ:
            return equal;
        case KPU_COMPARE_NE:
            return !equal;
        case KPU_COMPARE_GT:
            return greater;
        case KPU_COMPARE_GE:
            return greater || equal;
        case KPU_COMPARE_LT:
            return less;
        default:
            return less || equal;
    }
}

void kpu_op_compare(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]), *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out), dtype = node->in[0].dtype;
    ptrdiff_t size = kpu_dtype_size(dtype);
    uint32_t index[KPU_DIMS] = { 0 }, op = node->p.binary.op;
    const int32_t *sa = node->p.binary.a, *sb = node->p.binary.b, *so = node->p.binary.o;
    do {
        for (uint32_t w = 0; w < node->p.binary.shape[3]; ++w) {
            const uint8_t *pa = a + (row_offset(sa, index) + (ptrdiff_t)w * sa[3]) * size;
            const uint8_t *pb = b + (row_offset(sb, index) + (ptrdiff_t)w * sb[3]) * size;
            bool result;
            if (dtype == KPU_F32) {
                float x = *(const float *)pa, y = *(const float *)pb;
                result = decide(op, x < y, x == y, x > y);
            } else {
                int64_t x = load_int(pa, dtype), y = load_int(pb, dtype);
                result = decide(op, x < y, x == y, x > y);
            }
            out[row_offset(so, index) + (ptrdiff_t)w * so[3]] = result;
        }
    } while (next_row(node->p.binary.shape, index));
}

void kpu_op_ternary(const kpu_net_t *net, const kpu_node_t *node) {
    const float *a = (const float *)kpu_range_ptr(net, &node->in[0]);
    const uint8_t *b = kpu_range_ptr(net, &node->in[1]), *c = kpu_range_ptr(net, &node->p.ternary.third);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    ptrdiff_t size = kpu_dtype_size(node->out.dtype);
    uint32_t index[KPU_DIMS] = { 0 };
    const int32_t *sa = node->p.ternary.a, *sb = node->p.ternary.b, *sc = node->p.ternary.c, *so = node->p.ternary.o;
    do {
        for (ptrdiff_t w = 0; w < (ptrdiff_t)node->p.ternary.shape[3]; ++w) {
            const uint8_t *from = a[row_offset(sa, index) + w * sa[3]] != 0
                ? b + (row_offset(sb, index) + w * sb[3]) * size : c + (row_offset(sc, index) + w * sc[3]) * size;
            memcpy(out + (row_offset(so, index) + w * so[3]) * size, from, (size_t)size);
        }
    } while (next_row(node->p.ternary.shape, index));
}

void kpu_op_conv2d_ranges(const kpu_net_t *net, const kpu_node_t *node) {
    kpu_conv2d_f32(&node->p.conv2d_ranges.shape, (const float *)kpu_range_ptr(net, &node->in[0]),
        (const float *)kpu_range_ptr(net, &node->p.conv2d_ranges.weights),
        (const float *)kpu_range_ptr(net, &node->p.conv2d_ranges.bias), (float *)kpu_range_ptr(net, &node->out));
}

static void matmul(const kpu_node_t *node, const float *a, const float *b, const float *bias, float *out) {
    uint32_t cols = node->p.matmul_batches.cols, b_cols = node->p.matmul_batches.b_cols;
    float low = node->p.matmul_batches.low, high = node->p.matmul_batches.high;
    for (uint32_t y = 0; y < node->p.matmul_batches.rows; ++y, a += cols, out += b_cols) {
        // Row by row of b, so that memory is read in its order.
        memcpy(out, bias, b_cols * sizeof(float));
        for (uint32_t i = 0; i < cols; ++i) {
            const float *row = b + (size_t)i * b_cols;
            for (uint32_t x = 0; x < b_cols; ++x) {
                out[x] += a[i] * row[x];
            }
        }
        for (uint32_t x = 0; x < b_cols; ++x) {
            out[x] = clamp_f32(out[x], low, high);
        }
    }
}

void kpu_op_matmul_batches(const kpu_net_t *net, const kpu_node_t *node) {
    const float *a = (const float *)kpu_range_ptr(net, &node->in[0]), *b = (const float *)kpu_range_ptr(net, &node->in[1]);
    const float *bias = (const float *)kpu_range_ptr(net, &node->p.matmul_batches.bias);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    const uint32_t *batch = node->p.matmul_batches.batch, *sa = node->p.matmul_batches.a, *sb = node->p.matmul_batches.b;
    size_t result = (size_t)node->p.matmul_batches.rows * node->p.matmul_batches.b_cols;
    for (size_t i = 0; i < batch[0]; ++i) {
        for (size_t j = 0; j < batch[1]; ++j) {
            for (size_t k = 0; k < batch[2]; ++k, out += result) {
                matmul(node, a + i * sa[0] + j * sa[1] + k * sa[2], b + i * sb[0] + j * sb[1] + k * sb[2], bias, out);
            }
        }
    }
}

// ---- gated recurrent unit --------------------------------------------------------------------

// out = m · v + bias, of n numbers
static void product(const float *m, const float *v, const float *bias, uint32_t n, uint32_t cols, float *out) {
    for (uint32_t i = 0; i < n; ++i, m += cols) {
        float sum = bias[i];
        for (uint32_t k = 0; k < cols; ++k) {
            sum += m[k] * v[k];
        }
        out[i] = sum;
    }
}

static float sigmoid(float x) {
    return 1 / (1 + expf(-x));
}

typedef struct {
    const float *w, *r, *wb, *rb; // matrices and biases of the gates z, r, h, one after the other
    float *z, *reset, *new_state, *part;
    uint32_t in, hidden;
    bool linear_before_reset;
} gru_t;

static void gru_step(const gru_t *g, const float *x, float *state) {
    uint32_t n = g->hidden;
    float *gates[] = { g->z, g->reset };
    for (uint32_t i = 0; i < 2; ++i) {
        product(g->w + (size_t)i * n * g->in, x, g->wb + i * n, n, g->in, gates[i]);
        product(g->r + (size_t)i * n * n, state, g->rb + i * n, n, n, g->part);
        for (uint32_t k = 0; k < n; ++k) {
            gates[i][k] = sigmoid(gates[i][k] + g->part[k]);
        }
    }
    product(g->w + (size_t)2 * n * g->in, x, g->wb + 2 * n, n, g->in, g->new_state);
    if (g->linear_before_reset) {
        product(g->r + (size_t)2 * n * n, state, g->rb + 2 * n, n, n, g->part);
        for (uint32_t k = 0; k < n; ++k) {
            g->part[k] *= g->reset[k];
        }
    } else {
        for (uint32_t k = 0; k < n; ++k) {
            g->reset[k] *= state[k];
        }
        product(g->r + (size_t)2 * n * n, g->reset, g->rb + 2 * n, n, n, g->part);
    }
    for (uint32_t k = 0; k < n; ++k) {
        float h = tanhf(g->new_state[k] + g->part[k]);
        state[k] = (1 - g->z[k]) * h + g->z[k] * state[k];
    }
}

void kpu_op_gru(const kpu_net_t *net, const kpu_node_t *node) {
    uint32_t hidden = node->p.gru.hidden, batch = node->p.gru.batch, steps = node->p.gru.steps;
    size_t cells = (size_t)batch * hidden, dirs = node->p.gru.directions;
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    const float *w = (const float *)kpu_range_ptr(net, &node->in[1]), *r = (const float *)kpu_range_ptr(net, &node->p.gru.r);
    const float *b = (const float *)kpu_range_ptr(net, &node->p.gru.b);
    float *out = (float *)kpu_range_ptr(net, &node->out), *state = (float *)kpu_range_ptr(net, &node->p.gru.out_state);
    float *work = (float *)kpu_range_ptr(net, &node->p.gru.work);
    memmove(state, kpu_range_ptr(net, &node->p.gru.state), dirs * cells * sizeof(float));
    for (size_t d = 0; d < dirs; ++d, state += cells) {
        gru_t g = {
            .w = w + d * 3 * hidden * node->p.gru.in, .r = r + d * 3 * hidden * hidden, .wb = b + d * 6 * hidden,
            .rb = b + d * 6 * hidden + 3 * hidden, .z = work, .reset = work + hidden, .new_state = work + 2 * hidden,
            .part = work + 3 * hidden, .in = node->p.gru.in, .hidden = hidden,
            .linear_before_reset = node->p.gru.linear_before_reset,
        };
        bool back = d == 1 || node->p.gru.reverse;
        for (uint32_t i = 0; i < steps; ++i) {
            size_t t = back ? steps - 1 - i : i;
            for (size_t n = 0; n < batch; ++n) {
                gru_step(&g, in + (t * batch + n) * g.in, state + n * hidden);
            }
            memcpy(out + (t * dirs + d) * cells, state, cells * sizeof(float));
        }
    }
}
