// SPDX-License-Identifier: MIT

#include "kpu_ops_priv.h"

static void op_add(const kpu_net_t *net, const kpu_node_t *node) {
    const float *a = (const float *)kpu_range_ptr(net, &node->in[0]);
    const float *b = (const float *)kpu_range_ptr(net, &node->in[1]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    for (uint32_t i = 0; i < node->out.size / 4; ++i) {
        out[i] = a[i] + b[i];
    }
}

// Shift with the rounding of the vendor's runtime: ties go up, and an odd negative half ends one
// lower than the nearest value.
static int64_t round_shift(int64_t v, int32_t shift) {
    if (shift == 0) {
        return v;
    }
    int64_t u = v >> (shift - 1);
    if (u & 1) {
        return u >= 0 ? (u >> 1) + 1 : (u >> 1) - 1;
    }
    return u >> 1;
}

// What one input adds to the sum, before or after its shift.
static int64_t qadd_part(uint8_t v, int32_t off, int32_t mul, int32_t shift) {
    return wrap_mul((int64_t)v + off, mul) >> shift;
}

static void op_quantized_add(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]);
    const uint8_t *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    bool alike = node->p.qadd.a_shift == node->p.qadd.b_shift; // then the sum is shifted
    int32_t a_shift = alike ? 0 : node->p.qadd.a_shift, b_shift = alike ? 0 : node->p.qadd.b_shift;
    int32_t shift = alike ? node->p.qadd.a_shift : 0;
    int64_t table_a[256], table_b[256];
    bool tables = node->out.size >= TABLE_PAYS;
    int32_t o_mul = node->p.qadd.o_mul, o_shift = node->p.qadd.o_shift, o_off = node->p.qadd.o_off;
    for (unsigned i = 0; i < 256 && tables; ++i) {
        table_a[i] = qadd_part((uint8_t)i, node->p.qadd.a_off, node->p.qadd.a_mul, a_shift);
        table_b[i] = qadd_part((uint8_t)i, node->p.qadd.b_off, node->p.qadd.b_mul, b_shift);
    }
    for (uint32_t i = 0, n = node->out.size; i < n; ++i) {
        int64_t va = tables ? table_a[a[i]] : qadd_part(a[i], node->p.qadd.a_off, node->p.qadd.a_mul, a_shift);
        int64_t vb = tables ? table_b[b[i]] : qadd_part(b[i], node->p.qadd.b_off, node->p.qadd.b_mul, b_shift);
        int64_t v = round_shift(wrap_mul(wrap_add(va, vb) >> shift, o_mul), o_shift);
        out[i] = clamp_u8(wrap_add(v, o_off));
    }
}

static void op_global_average(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    for (uint32_t c = 0; c < node->p.channels.c; ++c) {
        float sum = 0;
        for (uint32_t i = 0; i < node->p.channels.size; ++i) {
            sum += *in++;
        }
        out[c] = sum / (float)node->p.channels.size;
    }
}

// First and end index of the taps of window o that lie inside 0..in-1.
static void window(uint32_t o, uint32_t stride, uint32_t pad, uint32_t kernel, uint32_t in,
    uint32_t *first, uint32_t *end) {
    int64_t start = (int64_t)((uint64_t)o * stride) - pad;
    int64_t stop = start + kernel;
    start = start < 0 ? 0 : start > in ? in : start;
    stop = stop < start ? start : stop > in ? in : stop;
    *first = (uint32_t)start;
    *end = (uint32_t)stop;
}

static void op_quantized_max_pool(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    uint32_t w = node->p.pool.in_w, h = node->p.pool.in_h;
    for (uint32_t c = 0; c < node->p.pool.c; ++c, in += (size_t)w * h) {
        for (uint32_t oy = 0; oy < node->p.pool.out_h; ++oy) {
            uint32_t y0, y1;
            window(oy, node->p.pool.s_h, node->p.pool.pad_h, node->p.pool.k_h, h, &y0, &y1);
            for (uint32_t ox = 0; ox < node->p.pool.out_w; ++ox) {
                uint32_t x0, x1;
                window(ox, node->p.pool.s_w, node->p.pool.pad_w, node->p.pool.k_w, w, &x0, &x1);
                uint8_t best = 0;
                for (uint32_t y = y0; y < y1; ++y) {
                    for (uint32_t x = x0; x < x1; ++x) {
                        uint8_t v = in[(size_t)y * w + x];
                        best = v > best ? v : best;
                    }
                }
                *out++ = best;
            }
        }
    }
}

static void op_average_pool(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t w = node->p.pool.in_w, h = node->p.pool.in_h;
    for (uint32_t c = 0; c < node->p.pool.c; ++c, in += (size_t)w * h) {
        for (uint32_t oy = 0; oy < node->p.pool.out_h; ++oy) {
            uint32_t y0, y1;
            window(oy, node->p.pool.s_h, node->p.pool.pad_h, node->p.pool.k_h, h, &y0, &y1);
            for (uint32_t ox = 0; ox < node->p.pool.out_w; ++ox) {
                uint32_t x0, x1;
                window(ox, node->p.pool.s_w, node->p.pool.pad_w, node->p.pool.k_w, w, &x0, &x1);
                float sum = 0;
                for (uint32_t y = y0; y < y1; ++y) {
                    for (uint32_t x = x0; x < x1; ++x) {
                        sum += in[(size_t)y * w + x];
                    }
                }
                uint32_t taps = (y1 - y0) * (x1 - x0);
                *out++ = taps ? sum / (float)taps : 0;
            }
        }
    }
}

static void op_quantize(const kpu_net_t *net, const kpu_node_t *node) {
    kpu_quantize_away((const float *)kpu_range_ptr(net, &node->in[0]), kpu_range_ptr(net, &node->out), node->out.size,
        1 / node->p.quant.scale, node->p.quant.bias);
}

static void op_dequantize(const kpu_net_t *net, const kpu_node_t *node) {
    float table[256];
    for (unsigned i = 0; i < 256; ++i) {
        table[i] = (float)i * node->p.quant.scale + node->p.quant.bias;
    }
    kpu_lookup_f32(kpu_range_ptr(net, &node->in[0]), (float *)kpu_range_ptr(net, &node->out), node->in[0].size, table);
}

static void op_table(const kpu_net_t *net, const kpu_node_t *node) {
    kpu_lookup_u8(kpu_range_ptr(net, &node->in[0]), kpu_range_ptr(net, &node->out), node->out.size,
        kpu_range_ptr(net, &node->in[1]));
}

static void op_l2_norm(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t n = node->out.size / 4;
    float sum = 0;
    for (uint32_t i = 0; i < n; ++i) {
        sum += in[i] * in[i];
    }
    float scale = 1 / sqrtf(sum > 1e-10f ? sum : 1e-10f);
    for (uint32_t i = 0; i < n; ++i) {
        out[i] = in[i] * scale;
    }
}

static void op_softmax(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t n = node->out.size / 4;
    float best = in[0], sum = 0;
    for (uint32_t i = 1; i < n; ++i) {
        best = in[i] > best ? in[i] : best;
    }
    for (uint32_t i = 0; i < n; ++i) {
        out[i] = expf(in[i] - best);
        sum += out[i];
    }
    for (uint32_t i = 0; i < n; ++i) {
        out[i] /= sum;
    }
}

static void op_concat(const kpu_net_t *net, const kpu_node_t *node) {
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const uint8_t *list = kpu_model_at(net, node->p.concat.list);
    for (uint32_t i = 0; i < node->p.concat.n; ++i, list += 8) {
        uint32_t size = get_u32(list + 4);
        memmove(out, net->main + get_u32(list), size);
        out += size;
    }
}

// Sums of four outputs at a time, so that the input is read once for them and the adder need not wait for itself.
static void fc_four(const float *in, const float *weights, uint32_t n, float sum[4]) {
    const float *w0 = weights, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n;
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (uint32_t i = 0; i < n; ++i) {
        float x = in[i];
        s0 += x * w0[i];
        s1 += x * w1[i];
        s2 += x * w2[i];
        s3 += x * w3[i];
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

static void op_fully_connected(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    const float *weights = (const float *)kpu_model_at(net, node->p.fc.weights);
    const float *bias = (const float *)kpu_model_at(net, node->p.fc.bias);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t n = node->p.fc.in;
    for (uint32_t o = 0; o < node->p.fc.out;) {
        float sums[4] = { 0 };
        uint32_t count = node->p.fc.out - o >= 4 ? 4 : 1;
        if (count == 4) {
            fc_four(in, weights, n, sums);
        } else {
            for (uint32_t i = 0; i < n; ++i) {
                sums[0] += in[i] * weights[i];
            }
        }
        weights += (size_t)count * n;
        for (uint32_t k = 0; k < count; ++k, ++o) {
            float sum = sums[k] + bias[o];
            if (node->p.fc.activation != 0 && sum < 0) {
                sum = 0;
            }
            if (node->p.fc.activation == 2 && sum > 6) {
                sum = 6;
            }
            out[o] = sum;
        }
    }
}

static void op_flatten(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t pixels = node->p.pool.in_w * node->p.pool.in_h, c = node->p.pool.c;
    for (uint32_t i = 0; i < pixels; ++i) {
        for (uint32_t k = 0; k < c; ++k) {
            *out++ = in[(size_t)k * pixels + i];
        }
    }
}

static uint32_t nearest(uint32_t o, float ratio, uint32_t in) {
    uint32_t i = (uint32_t)((float)o * ratio);
    return i < in ? i : in - 1;
}

static void op_resize_nearest(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    uint32_t size = node->out.dtype == KPU_F32 ? 4 : 1;
    uint32_t w = node->p.pool.in_w, h = node->p.pool.in_h;
    uint32_t out_w = node->p.pool.out_w, out_h = node->p.pool.out_h;
    float ratio_x = (float)w / (float)out_w, ratio_y = (float)h / (float)out_h;
    uint32_t column[RESIZE_COLUMNS];
    // Some columns at a time, whose sources are looked up once.
    for (uint32_t first = 0; first < out_w; first += RESIZE_COLUMNS) {
        uint32_t n = out_w - first < RESIZE_COLUMNS ? out_w - first : RESIZE_COLUMNS;
        for (uint32_t x = 0; x < n; ++x) {
            column[x] = nearest(first + x, ratio_x, w);
        }
        uint8_t *to = out + (size_t)first * size;
        for (uint32_t c = 0; c < node->p.pool.c; ++c) {
            for (uint32_t y = 0; y < out_h; ++y, to += (size_t)out_w * size) {
                kpu_gather_row(to, in + ((size_t)c * h + nearest(y, ratio_y, h)) * w * size, column, n, size);
            }
        }
    }
}

static void op_channelwise_dequantize(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    const float *table = (const float *)kpu_model_at(net, node->p.channels.table);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    for (uint32_t c = 0; c < node->p.channels.c; ++c, table += 2) {
        float scale = table[0], bias = table[1];
        for (uint32_t i = 0; i < node->p.channels.size; ++i) {
            *out++ = *in++ * scale + bias;
        }
    }
}

static float logistic(const void *arg, float x) {
    (void)arg;
    return 1 / (1 + expf(-x));
}

static void op_logistic(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    kpu_map_f32(in, out, node->out.size / 4, logistic, NULL);
}

static void op_remove_padding(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    for (uint32_t c = 0; c < node->out.size; ++c) {
        out[c] = in[(size_t)c * 16];
    }
}

typedef void (*op_fn_t)(const kpu_net_t *net, const kpu_node_t *node);

static const op_fn_t op_table_fn[] = {
    [KPU_OP_REMOVE_PADDING] = op_remove_padding,
    [KPU_OP_ADD] = op_add,
    [KPU_OP_QUANTIZED_ADD] = op_quantized_add,
    [KPU_OP_GLOBAL_AVERAGE] = op_global_average,
    [KPU_OP_QUANTIZED_MAX_POOL] = op_quantized_max_pool,
    [KPU_OP_AVERAGE_POOL] = op_average_pool,
    [KPU_OP_QUANTIZE] = op_quantize,
    [KPU_OP_DEQUANTIZE] = op_dequantize,
    [KPU_OP_TABLE] = op_table,
    [KPU_OP_L2_NORM] = op_l2_norm,
    [KPU_OP_SOFTMAX] = op_softmax,
    [KPU_OP_CONCAT] = op_concat,
    [KPU_OP_FULLY_CONNECTED] = op_fully_connected,
    [KPU_OP_FLATTEN] = op_flatten,
    [KPU_OP_RESIZE_NEAREST] = op_resize_nearest,
    [KPU_OP_CHANNELWISE_DEQUANTIZE] = op_channelwise_dequantize,
    [KPU_OP_LOGISTIC] = op_logistic,
    [KPU_OP_COPY] = kpu_op_copy,
    [KPU_OP_PAD] = kpu_op_copy,
    [KPU_OP_CONCAT_DIM] = kpu_op_concat_dim,
    [KPU_OP_BINARY] = kpu_op_binary,
    [KPU_OP_QUANTIZED_BINARY] = kpu_op_quantized_binary,
    [KPU_OP_UNARY] = kpu_op_unary,
    [KPU_OP_REDUCE] = kpu_op_reduce,
    [KPU_OP_REDUCE_WINDOW] = kpu_op_reduce_window,
    [KPU_OP_RESIZE] = kpu_op_resize,
    [KPU_OP_SOFTMAX_AXIS] = kpu_op_softmax_axis,
    [KPU_OP_QUANTIZE_EVEN] = kpu_op_quantize_even,
    [KPU_OP_DEQUANTIZE_ZERO_POINT] = kpu_op_dequantize_zero_point,
    [KPU_OP_CONV2D] = kpu_op_conv2d,
    [KPU_OP_QUANTIZED_CONV2D] = kpu_op_quantized_conv2d,
    [KPU_OP_CONV2D_TRANSPOSE] = kpu_op_conv2d_transpose,
    [KPU_OP_MATMUL] = kpu_op_matmul,
    [KPU_OP_QUANTIZED_MATMUL] = kpu_op_quantized_matmul,
    [KPU_OP_NNIL] = kpu_op_nnil,
    #if KPU_WITH_V5
    [KPU_OP_MAP] = kpu_op_map,
    [KPU_OP_COMPARE] = kpu_op_compare,
    [KPU_OP_TERNARY] = kpu_op_ternary,
    [KPU_OP_FILL] = kpu_op_fill,
    [KPU_OP_MIRROR] = kpu_op_mirror,
    [KPU_OP_CONV2D_RANGES] = kpu_op_conv2d_ranges,
    [KPU_OP_MATMUL_BATCHES] = kpu_op_matmul_batches,
    [KPU_OP_REDUCE_AXES] = kpu_op_reduce_axes,
    [KPU_OP_REDUCE_ARG] = kpu_op_reduce_arg,
    [KPU_OP_CUMSUM] = kpu_op_cumsum,
    [KPU_OP_HARDMAX] = kpu_op_hardmax,
    [KPU_OP_TOPK] = kpu_op_topk,
    [KPU_OP_TRILU] = kpu_op_trilu,
    [KPU_OP_LAYER_NORM] = kpu_op_layer_norm,
    [KPU_OP_GATHER] = kpu_op_gather,
    [KPU_OP_GATHER_ND] = kpu_op_gather_nd,
    [KPU_OP_GATHER_ELEMENTS] = kpu_op_gather_elements,
    [KPU_OP_ONEHOT] = kpu_op_onehot,
    [KPU_OP_GRU] = kpu_op_gru,
    #endif
};

int kpu_op_run(const kpu_net_t *net, const kpu_node_t *node) {
    if (node->op >= sizeof(op_table_fn) / sizeof(op_table_fn[0]) || op_table_fn[node->op] == NULL) {
        return KPU_ERR_NOT_IMPLEMENTED;
    }
    #if KPU_WITH_V5
    if (!kpu_op_indices_fit(net, node)) {
        return KPU_ERR_INDEX;
    }
    #endif
    op_table_fn[node->op](net, node);
    return KPU_OK;
}
