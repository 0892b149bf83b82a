// SPDX-License-Identifier: MIT
//
// Layers of v5 that work along one or several dimensions.

#include "kpu_ops_priv.h"

// ---- reductions ------------------------------------------------------------------------------

static float reduce_float(uint32_t op, float acc, float v) {
    return op == KPU_REDUCE_MIN ? (v < acc ? v : acc) : op == KPU_REDUCE_MAX ? (v > acc ? v : acc)
        : op == KPU_REDUCE_PROD ? acc * v : acc + v;
}

static void reduce_float_row(uint32_t op, const float *in, uint32_t n, float *out, uint32_t step) {
    if (step != 0) {
        for (uint32_t i = 0; i < n; ++i, out += step) {
            *out = reduce_float(op, *out, in[i]);
        }
        return;
    }
    float acc = *out;
    for (uint32_t i = 0; i < n; ++i) {
        acc = reduce_float(op, acc, in[i]);
    }
    *out = acc;
}

static int64_t reduce_integer(uint32_t op, int64_t acc, int64_t v) {
    return op == KPU_REDUCE_MIN ? (v < acc ? v : acc) : op == KPU_REDUCE_MAX ? (v > acc ? v : acc)
        : op == KPU_REDUCE_PROD ? wrap_mul(acc, v) : wrap_add(acc, v);
}

// The start value of the file is not meant for minimum and maximum.
static void reduce_start(const kpu_node_t *node, uint8_t *out) {
    uint32_t op = node->p.reduce_axes.op, size = kpu_dtype_size(node->out.dtype);
    float f = op == KPU_REDUCE_MIN ? INFINITY : op == KPU_REDUCE_MAX ? -INFINITY : node->p.reduce_axes.init;
    bool wide = node->out.dtype == KPU_I64;
    int64_t i = op == KPU_REDUCE_MIN ? (wide ? INT64_MAX : INT32_MAX) : op == KPU_REDUCE_MAX ? (wide ? INT64_MIN : INT32_MIN)
        : node->out.dtype == KPU_F32 ? 0 : kpu_float_to_int(f, node->out.dtype);
    for (uint32_t at = 0; at < node->out.size; at += size) {
        if (node->out.dtype == KPU_F32) {
            memcpy(out + at, &f, 4);
        } else {
            store_int(out + at, node->out.dtype, i);
        }
    }
}

void kpu_op_reduce_axes(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out), dtype = node->out.dtype;
    const uint32_t *shape = node->p.reduce_axes.shape, *step = node->p.reduce_axes.step;
    uint32_t op = node->p.reduce_axes.op, size = kpu_dtype_size(dtype), index[KPU_DIMS] = { 0 };
    reduce_start(node, out);
    do {
        size_t row = (size_t)index[0] * step[0] + (size_t)index[1] * step[1] + (size_t)index[2] * step[2]
            + (size_t)index[4] * step[4] + (size_t)index[5] * step[5];
        if (dtype == KPU_F32) {
            reduce_float_row(op, (const float *)in, shape[3], (float *)out + row, step[3]);
            in += (size_t)shape[3] * size;
            continue;
        }
        for (uint32_t w = 0; w < shape[3]; ++w, in += size) {
            uint8_t *acc = out + (row + (size_t)w * step[3]) * size;
            store_int(acc, dtype, reduce_integer(op, load_int(acc, dtype), load_int(in, dtype)));
        }
    } while (next_row(shape, index));
    if (op == KPU_REDUCE_MEAN) {
        uint32_t results = node->out.size / size, each = node->in[0].size / node->out.size;
        for (uint32_t i = 0; i < results; ++i, out += size) {
            if (dtype == KPU_F32) {
                *(float *)out /= (float)each;
            } else {
                store_int(out, dtype, load_int(out, dtype) / (int64_t)each);
            }
        }
    }
}

// Values this close to each other count as equal, as in the vendor's code.
#define ARG_EPSILON 0.000001f

void kpu_op_reduce_arg(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    uint32_t n = node->p.axis.n, inner = node->p.axis.inner, size = kpu_dtype_size(node->out.dtype);
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, in += (size_t)n * inner) {
        for (uint32_t i = 0; i < inner; ++i, out += size) {
            uint32_t best = 0;
            float value = in[i];
            for (uint32_t k = 1; k < n; ++k) {
                float v = in[(size_t)k * inner + i];
                if (node->p.axis.op ? v > value : v < value) {
                    value = v;
                    best = k;
                } else if (node->p.axis.last && fabsf(v - value) < ARG_EPSILON) {
                    best = k;
                }
            }
            store_int(out, node->out.dtype, best);
        }
    }
}

// ---- along one dimension ---------------------------------------------------------------------

void kpu_op_cumsum(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    size_t n = node->p.axis.n, inner = node->p.axis.inner;
    bool exclusive = node->p.axis.last, is_float = node->out.dtype == KPU_F32; // else 32-bit integers
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, in += n * inner * 4, out += n * inner * 4) {
        for (size_t i = 0; i < inner; ++i) {
            float f = 0;
            uint32_t u = 0;
            for (size_t k = 0; k < n; ++k) {
                size_t at = ((node->p.axis.flag ? n - 1 - k : k) * inner + i) * 4;
                float f_next = f + (is_float ? *(const float *)(in + at) : 0);
                uint32_t u_next = u + *(const uint32_t *)(in + at);
                if (is_float) {
                    *(float *)(out + at) = exclusive ? f : f_next;
                } else {
                    *(uint32_t *)(out + at) = exclusive ? u : u_next;
                }
                f = f_next;
                u = u_next;
            }
        }
    }
}

void kpu_op_hardmax(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    size_t n = node->p.axis.n, inner = node->p.axis.inner;
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, in += n * inner, out += n * inner) {
        for (size_t i = 0; i < inner; ++i) {
            size_t best = 0;
            for (size_t k = 1; k < n; ++k) {
                best = in[k * inner + i] > in[best * inner + i] ? k : best;
            }
            for (size_t k = 0; k < n; ++k) {
                out[k * inner + i] = k == best;
            }
        }
    }
}

// Selection by insertion: k is small beside n. Equal values stay in the order of their places.
void kpu_op_topk(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    int64_t *places = (int64_t *)(void *)kpu_range_ptr(net, &node->p.axis.third);
    size_t n = node->p.axis.n, inner = node->p.axis.inner, k = node->p.axis.k;
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, in += n * inner, out += k * inner, places += k * inner) {
        for (size_t i = 0; i < inner; ++i) {
            size_t found = 0;
            for (size_t at = 0; at < n; ++at) {
                float v = in[at * inner + i];
                size_t place = found;
                while (place > 0 && (node->p.axis.flag ? v > out[(place - 1) * inner + i] : v < out[(place - 1) * inner + i])) {
                    place -= 1;
                }
                if (place == k) {
                    continue;
                }
                found += found < k;
                for (size_t to = found - 1; to > place; --to) {
                    out[to * inner + i] = out[(to - 1) * inner + i];
                    places[to * inner + i] = places[(to - 1) * inner + i];
                }
                out[place * inner + i] = v;
                places[place * inner + i] = (int64_t)at;
            }
        }
    }
}

void kpu_op_trilu(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    size_t size = kpu_dtype_size(node->out.dtype);
    for (uint32_t o = 0; o < node->p.axis.outer; ++o) {
        for (int64_t y = 0; y < (int64_t)node->p.axis.n; ++y) {
            for (int64_t x = 0; x < (int64_t)node->p.axis.inner; ++x, in += size, out += size) {
                int64_t d = x - y - node->p.axis.diagonal;
                if (node->p.axis.flag ? d >= 0 : d <= 0) {
                    memmove(out, in, size);
                } else {
                    memset(out, 0, size);
                }
            }
        }
    }
}

void kpu_op_layer_norm(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    const float *scale = (const float *)kpu_range_ptr(net, &node->in[1]);
    const float *bias = (const float *)kpu_range_ptr(net, &node->p.axis.third);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t n = node->p.axis.n;
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, in += n, out += n) {
        float mean = 0, square = 0;
        for (uint32_t i = 0; i < n; ++i) {
            mean += in[i] / (float)n;
        }
        for (uint32_t i = 0; i < n; ++i) {
            square += (in[i] - mean) * (in[i] - mean) / (float)n;
        }
        float divisor = sqrtf(square + node->p.axis.epsilon);
        for (uint32_t i = 0; i < n; ++i) {
            out[i] = (in[i] - mean) / divisor * scale[i] + bias[i];
        }
    }
}

// ---- by index --------------------------------------------------------------------------------

// A negative index counts from the end.
static size_t index_at(int64_t i, uint32_t size) {
    return (size_t)(i < 0 ? i + size : i);
}

static bool inside(int64_t i, uint32_t size) {
    return i < (int64_t)size && i >= -(int64_t)size;
}

bool kpu_op_indices_fit(const kpu_net_t *net, const kpu_node_t *node) {
    bool tuples = node->op == KPU_OP_GATHER_ND;
    if (node->op != KPU_OP_GATHER && node->op != KPU_OP_GATHER_ELEMENTS && !tuples) {
        return true;
    }
    const kpu_range_t *r = &node->in[1];
    const uint8_t *p = kpu_range_ptr(net, r);
    uint32_t size = kpu_dtype_size(r->dtype);
    for (uint32_t i = 0; i < r->size / size; ++i, p += size) {
        if (!inside(load_int(p, r->dtype), tuples ? node->p.axis.size[i % node->p.axis.dims] : node->p.axis.n)) {
            return false;
        }
    }
    return true;
}

void kpu_op_gather(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    const int32_t *indices = (const int32_t *)(const void *)kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    size_t n = node->p.axis.n, bytes = (size_t)node->p.axis.inner * kpu_dtype_size(node->out.dtype);
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, in += n * bytes) {
        for (uint32_t k = 0; k < node->p.axis.k; ++k, out += bytes) {
            memcpy(out, in + index_at(indices[k], node->p.axis.n) * bytes, bytes);
        }
    }
}

void kpu_op_gather_nd(const kpu_net_t *net, const kpu_node_t *node) {
    size_t size = kpu_dtype_size(node->out.dtype), bytes = node->p.axis.inner * size;
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    const int32_t *tuple = (const int32_t *)(const void *)kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, in += node->p.axis.n * size) {
        for (uint32_t k = 0; k < node->p.axis.k; ++k, out += bytes) {
            size_t at = 0;
            for (uint32_t d = 0; d < node->p.axis.dims; ++d) {
                at += index_at(*tuple++, node->p.axis.size[d]) * node->p.axis.step[d];
            }
            memcpy(out, in + at * size, bytes);
        }
    }
}

void kpu_op_gather_elements(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    const int64_t *indices = (const int64_t *)(const void *)kpu_range_ptr(net, &node->in[1]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    for (uint32_t i = 0; i < node->out.size / 4; ++i) {
        uint32_t rest = i;
        size_t at = 0;
        for (uint32_t d = 0; d < node->p.axis.dims; ++d) {
            size_t place = rest % node->p.axis.size[d];
            rest /= node->p.axis.size[d];
            at += (d == node->p.axis.k ? index_at(indices[i], node->p.axis.n) : place) * node->p.axis.step[d];
        }
        out[i] = in[at];
    }
}

void kpu_op_onehot(const kpu_net_t *net, const kpu_node_t *node) {
    const int32_t *indices = (const int32_t *)(const void *)kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const uint8_t *on = kpu_range_ptr(net, &node->p.axis.third), *off = kpu_range_ptr(net, &node->p.axis.fourth);
    size_t size = kpu_dtype_size(node->out.dtype);
    int64_t depth = node->p.axis.n;
    for (uint32_t o = 0; o < node->p.axis.outer; ++o, indices += node->p.axis.inner) {
        for (int64_t k = 0; k < depth; ++k) {
            for (uint32_t i = 0; i < node->p.axis.inner; ++i, out += size) {
                int64_t index = indices[i];
                index += index < 0 && node->p.axis.last ? depth : 0;
                memcpy(out, index == k ? on : off, size);
            }
        }
    }
}
