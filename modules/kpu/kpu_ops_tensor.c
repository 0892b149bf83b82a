// SPDX-License-Identifier: MIT
//
// Elementwise layers and layers that move data, on tensors of up to four dimensions.

#include "kpu_ops_priv.h"

static uint32_t count_of(const uint32_t shape[4]) {
    return shape[0] * shape[1] * shape[2] * shape[3];
}

// ---- moving ----------------------------------------------------------------------------------

void kpu_op_copy(const kpu_net_t *net, const kpu_node_t *node) {
    uint32_t size = kpu_dtype_size(node->out.dtype);
    const kpu_view_t *vi = &node->p.copy.in, *vo = &node->p.copy.out;
    uint8_t *base = kpu_range_ptr(net, &node->out);
    if (node->op == KPU_OP_PAD) {
        kpu_fill(base, node->out.size, node->p.copy.fill, size);
    }
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]) + (size_t)vi->off * size;
    uint8_t *out = base + (size_t)vo->off * size;
    if (vi->shape[3] == 0) {
        return;                 // everything is cropped away
    }
    const int32_t *strides[] = { vo->stride, vi->stride };
    kpu_loops_t l;
    kpu_row_t row = { 0 };
    kpu_loops_init(&l, vi->shape, strides, 2);
    do {
        kpu_copy_row(out + row.at[0] * (ptrdiff_t)size, l.step[0][0], in + row.at[1] * (ptrdiff_t)size, l.step[0][1], l.n[0], size);
    } while (kpu_loops_next(&l, &row));
}

void kpu_op_concat_dim(const kpu_net_t *net, const kpu_node_t *node) {
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const uint8_t *ranges = kpu_model_at(net, node->p.concat_dim.ranges), *dims = kpu_model_at(net, node->p.concat_dim.dims);
    for (uint32_t o = 0; o < node->p.concat_dim.outer; ++o) {
        for (uint32_t i = 0; i < node->p.concat_dim.n; ++i) {
            uint32_t bytes = node->p.concat_dim.inner * get_u32(dims + 4 * i);
            uint32_t start = get_u32(ranges + 16 * i + 8);
            const uint8_t *src = get_u32(ranges + 16 * i) == 0 ? kpu_model_at(net, node->p.concat_dim.constants + start)
                : net->main + start;
            memmove(out, src + (size_t)o * bytes, bytes);
            out += bytes;
        }
    }
}

// ---- elementwise -----------------------------------------------------------------------------

static float binary_f32(uint32_t op, float a, float b) {
    switch (op) {
        case KPU_BINARY_ADD:
            return a + b;
        case KPU_BINARY_SUB:
            return a - b;
        case KPU_BINARY_MUL:
            return a * b;
        case KPU_BINARY_DIV:
            return a / b;
        case KPU_BINARY_MIN:
            return a < b ? a : b;
        case KPU_BINARY_MAX:
            return a > b ? a : b;
        case KPU_BINARY_POW:
            return powf(a, b);
        case KPU_BINARY_FLOOR_DIV:
            return floorf(a / b);
        case KPU_BINARY_FLOOR_MOD:
            return a - b * floorf(a / b);
        case KPU_BINARY_AND:
            return a != 0 && b != 0;
        case KPU_BINARY_OR:
            return a != 0 || b != 0;
        default:
            return (a != 0) != (b != 0);
    }
}

static int64_t binary_i64(uint32_t op, int64_t a, int64_t b) {
    switch (op) {
        case KPU_BINARY_ADD:
            return wrap_add(a, b);
        case KPU_BINARY_SUB:
            return (int64_t)((uint64_t)a - (uint64_t)b);
        case KPU_BINARY_MUL:
            return wrap_mul(a, b);
        case KPU_BINARY_DIV:
            // b = -1 could overflow, and is a negation.
            return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : wrap_add(a, b / 2) / b;
        case KPU_BINARY_MIN:
            return a < b ? a : b;
        default:
            return a > b ? a : b;
    }
}

// Integers: shifts and divisions that C leaves open do something harmless.
static int64_t integer_binary(uint32_t op, int64_t a, int64_t b) {
    int64_t q;
    switch (op) {
        case KPU_BINARY_DIV:
            return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
        case KPU_BINARY_POW:
            for (q = 1; b > 0; b >>= 1, a = wrap_mul(a, a)) {
                q = b & 1 ? wrap_mul(q, a) : q;
            }
            return q;
        case KPU_BINARY_FLOOR_DIV:
        case KPU_BINARY_FLOOR_MOD:
            if (b == 0 || b == -1) {
                return op == KPU_BINARY_FLOOR_MOD || b == 0 ? 0 : (int64_t)(0 - (uint64_t)a);
            }
            q = a / b - (a % b != 0 && (a < 0) != (b < 0));
            return op == KPU_BINARY_FLOOR_DIV ? q : a - q * b;
        case KPU_BINARY_BIT_AND:
            return a & b;
        case KPU_BINARY_BIT_OR:
            return a | b;
        case KPU_BINARY_BIT_XOR:
            return a ^ b;
        case KPU_BINARY_AND:
            return a && b;
        case KPU_BINARY_OR:
            return a || b;
        case KPU_BINARY_XOR:
            return !a != !b;
        default:
            return binary_i64(op, a, b);
    }
}

static void binary_row(const kpu_node_t *node, const kpu_loops_t *l, const uint8_t *a, const uint8_t *b, uint8_t *out) {
    uint8_t dtype = node->out.dtype;
    ptrdiff_t size = kpu_dtype_size(dtype), sa = l->step[0][1] * size, sb = l->step[0][2] * size, so = l->step[0][0] * size;
    uint32_t op = node->p.binary.op;
    for (size_t n = l->n[0]; n > 0; --n, a += sa, b += sb, out += so) {
        if (dtype == KPU_F32) {
            *(float *)out = binary_f32(op, *(const float *)a, *(const float *)b);
        } else {
            store_int(out, dtype, integer_binary(op, load_int(a, dtype), load_int(b, dtype)));
        }
    }
}

void kpu_op_binary(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]), *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const int32_t *strides[] = { node->p.binary.o, node->p.binary.a, node->p.binary.b };
    uint32_t op = node->p.binary.op;
    ptrdiff_t size = kpu_dtype_size(node->out.dtype);
    bool is_float = node->out.dtype == KPU_F32;
    kpu_loops_t l;
    kpu_row_t row = { 0 };
    kpu_loops_init(&l, node->p.binary.shape, strides, 3);
    do {
        uint8_t *ro = out + row.at[0] * size;
        const uint8_t *ra = a + row.at[1] * size, *rb = b + row.at[2] * size;
        if (is_float && op <= KPU_BINARY_MAX) {
            kpu_binary_row(op, (const float *)ra, l.step[0][1], (const float *)rb, l.step[0][2], (float *)ro, l.step[0][0], l.n[0]);
        } else {
            binary_row(node, &l, ra, rb, ro);
        }
        if (is_float) {
            kpu_clamp_row((float *)ro, l.step[0][0], l.n[0], node->p.binary.low, node->p.binary.high);
        }
    } while (kpu_loops_next(&l, &row));
}

static int64_t scaled(const kpu_scale_t *s, uint8_t v) {
    return shift_up(wrap_mul((int64_t)v + s->off, s->mul), s->shift);
}

void kpu_op_quantized_binary(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]);
    const uint8_t *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const int32_t *strides[] = { node->p.binary.o, node->p.binary.a, node->p.binary.b };
    // Local copies: the compiler must think that a store to the output may change anything else.
    const kpu_scale_t scale = node->p.binary.so;
    uint32_t op = node->p.binary.op;
    int64_t table_a[256], table_b[256];
    bool tables = node->out.size >= TABLE_PAYS;
    for (unsigned i = 0; i < 256 && tables; ++i) {
        table_a[i] = scaled(&node->p.binary.sa, (uint8_t)i);
        table_b[i] = scaled(&node->p.binary.sb, (uint8_t)i);
    }
    kpu_loops_t l;
    kpu_row_t row = { 0 };
    kpu_loops_init(&l, node->p.binary.shape, strides, 3);
    do {
        const uint8_t *pa = a + row.at[1], *pb = b + row.at[2];
        uint8_t *po = out + row.at[0];
        ptrdiff_t step_a = l.step[0][1], step_b = l.step[0][2], step_o = l.step[0][0];
        for (size_t n = l.n[0]; n > 0; --n, pa += step_a, pb += step_b, po += step_o) {
            int64_t x = tables ? table_a[*pa] : scaled(&node->p.binary.sa, *pa);
            int64_t y = tables ? table_b[*pb] : scaled(&node->p.binary.sb, *pb);
            int64_t v = op == KPU_BINARY_ADD ? wrap_add(x, y) : op == KPU_BINARY_SUB ? (int64_t)((uint64_t)x - (uint64_t)y)
                : binary_i64(op, x, y);
            *po = clamp_u8(wrap_add(shift_up(wrap_mul(v, scale.mul), scale.shift), scale.off));
        }
    } while (kpu_loops_next(&l, &row));
}

static float unary(uint32_t op, float x) {
    switch (op) {
        case KPU_UNARY_ABS:
            return fabsf(x);
        case KPU_UNARY_CEIL:
            return ceilf(x);
        case KPU_UNARY_COS:
            return cosf(x);
        case KPU_UNARY_EXP:
            return expf(x);
        case KPU_UNARY_FLOOR:
            return floorf(x);
        case KPU_UNARY_LOG:
            return logf(x);
        case KPU_UNARY_NEG:
            return -x;
        case KPU_UNARY_RSQRT:
            return 1 / sqrtf(x);
        case KPU_UNARY_SIN:
            return sinf(x);
        case KPU_UNARY_SQUARE:
            return x * x;
        #if KPU_WITH_V5
        case KPU_UNARY_ACOS:
            return acosf(x);
        case KPU_UNARY_ASIN:
            return asinf(x);
        case KPU_UNARY_ROUND:
            return rintf(x);
        case KPU_UNARY_SIGN:
            return (float)((x > 0) - (x < 0));
        case KPU_UNARY_SQRT:
            return sqrtf(x);
        case KPU_UNARY_TANH:
            return tanhf(x);
        case KPU_UNARY_ERF:
            return erff(x);
        case KPU_UNARY_NOT:
            return x == 0;
        #endif
        default:
            return 1 / (1 + expf(-x));
    }
}

static float unary_of(const void *op, float x) {
    return unary(*(const uint32_t *)op, x);
}

// What a function of the library computes.
static bool is_slow(uint32_t op) {
    const uint32_t slow = 1u << KPU_UNARY_COS | 1u << KPU_UNARY_EXP | 1u << KPU_UNARY_LOG | 1u << KPU_UNARY_SIN
        | 1u << KPU_UNARY_ACOS | 1u << KPU_UNARY_ASIN | 1u << KPU_UNARY_TANH | 1u << KPU_UNARY_ERF | 1u << KPU_UNARY_SIGMOID;
    return slow >> op & 1;
}

void kpu_op_unary(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t n = node->out.size / 4, op = node->p.unary.op;
    if (is_slow(op)) {
        kpu_map_f32(in, out, n, unary_of, &op);
        return;
    }
    for (uint32_t i = 0; i < n; ++i) {
        out[i] = unary(op, in[i]);
    }
}

// Clamps before the conversion because a float out of range (or NaN) has no integer value.
static inline uint8_t float_to_u8(float v) {
    return v > 0 ? (v < 255 ? (uint8_t)v : 255) : 0;
}

int64_t kpu_float_to_int(float v, uint8_t dtype) {
    static const struct {
        float low, high;
        int64_t min, max;
    } limits[KPU_DTYPE_COUNT] = {
        [KPU_U8] = { 0, 255, 0, 255 }, [KPU_I8] = { -128, 127, -128, 127 }, [KPU_I16] = { -32768, 32767, -32768, 32767 },
        [KPU_U16] = { 0, 65535, 0, 65535 }, [KPU_I32] = { -2147483648.0f, 2147483648.0f, INT32_MIN, INT32_MAX },
        [KPU_U32] = { 0, 4294967296.0f, 0, UINT32_MAX }, [KPU_I64] = { -9.223372e18f, 9.223372e18f, INT64_MIN, INT64_MAX },
    };
    return v > limits[dtype].low ? (v < limits[dtype].high ? (int64_t)v : limits[dtype].max)
        : v <= limits[dtype].low ? limits[dtype].min : 0;
}

static int64_t integer_unary(uint32_t op, int64_t v) {
    switch (op) {
        case KPU_UNARY_ABS:
            return v < 0 ? (int64_t)(0 - (uint64_t)v) : v;
        case KPU_UNARY_NEG:
            return (int64_t)(0 - (uint64_t)v);
        case KPU_UNARY_SQUARE:
            return wrap_mul(v, v);
        case KPU_UNARY_SIGN:
            return (v > 0) - (v < 0);
        case KPU_UNARY_BIT_NOT:
            return ~v;
        case KPU_UNARY_NOT:
            return !v;
        default:
            return kpu_float_to_int(unary(op, (float)v), KPU_I64);
    }
}

static float map_f32(const kpu_node_t *node, float v) {
    switch (node->p.map.function) {
        case KPU_MAP_QUANTIZE:
            return rintf(v * node->p.map.scale + node->p.map.bias);
        case KPU_MAP_DEQUANTIZE:
            return v * node->p.map.scale + node->p.map.bias;
        case KPU_MAP_UNARY:
            return unary(node->p.map.op, v);
        default:
            return v;
    }
}

static void map_row(const kpu_node_t *node, const kpu_loops_t *l, const uint8_t *in, uint8_t *out) {
    uint8_t from = node->in[0].dtype, to = node->out.dtype;
    ptrdiff_t si = l->step[0][1] * (ptrdiff_t)kpu_dtype_size(from), so = l->step[0][0] * (ptrdiff_t)kpu_dtype_size(to);
    for (size_t n = l->n[0]; n > 0; --n, in += si, out += so) {
        if (from != KPU_F32 && to != KPU_F32) {
            int64_t v = load_int(in, from);
            store_int(out, to, node->p.map.function == KPU_MAP_UNARY ? integer_unary(node->p.map.op, v) : v);
            continue;
        }
        float v = map_f32(node, from == KPU_F32 ? *(const float *)in : from == KPU_U8 ? *in : (float)load_int(in, from));
        if (to == KPU_F32) {
            *(float *)out = v;
        } else if (to == KPU_U8) {
            *out = float_to_u8(v);
        } else {
            store_int(out, to, kpu_float_to_int(v, to));
        }
    }
}

void kpu_op_map(const kpu_net_t *net, const kpu_node_t *node) {
    const kpu_view_t *vi = &node->p.map.in, *vo = &node->p.map.out;
    uint8_t from = node->in[0].dtype, to = node->out.dtype, function = node->p.map.function;
    ptrdiff_t in_size = kpu_dtype_size(from), out_size = kpu_dtype_size(to);
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const int32_t *strides[] = { vo->stride, vi->stride };
    kpu_loops_t l;
    kpu_row_t row = { 0 };
    kpu_loops_init(&l, vi->shape, strides, 2);
    ptrdiff_t si = l.step[0][1], so = l.step[0][0];
    uint32_t op = node->p.map.op;
    bool packed = si == 1 && so == 1;
    // In bytes, because a view may leave most of its range out.
    bool lookup = packed && from == KPU_U8 && to == KPU_F32 && node->in[0].size >= TABLE_PAYS && node->out.size / 4 >= TABLE_PAYS;
    float table[256];
    for (unsigned i = 0; i < 256 && lookup; ++i) {
        table[i] = map_f32(node, (float)i);
    }
    do {
        uint8_t *ro = out + row.at[0] * out_size;
        const uint8_t *ri = in + row.at[1] * in_size;
        if (lookup) {
            kpu_lookup_f32(ri, (float *)ro, l.n[0], table);
        } else if (function == KPU_MAP_CONVERT && from == to) {
            kpu_copy_row(ro, so, ri, si, l.n[0], (uint32_t)out_size);
        } else if (packed && function == KPU_MAP_UNARY && from == KPU_F32 && to == KPU_F32 && is_slow(op)) {
            kpu_map_f32((const float *)ri, (float *)ro, l.n[0], unary_of, &op);
        } else if (packed && function == KPU_MAP_QUANTIZE && from == KPU_F32 && to == KPU_U8) {
            kpu_quantize_even((const float *)ri, ro, l.n[0], node->p.map.scale, node->p.map.bias);
        } else {
            map_row(node, &l, ri, ro);
        }
    } while (kpu_loops_next(&l, &row));
}

// Ties to even, like the vector unit that the vendor's code was made for.
void kpu_op_quantize_even(const kpu_net_t *net, const kpu_node_t *node) {
    kpu_quantize_even((const float *)kpu_range_ptr(net, &node->in[0]), kpu_range_ptr(net, &node->out), node->out.size,
        node->p.quant.scale, node->p.quant.bias);
}

void kpu_op_dequantize_zero_point(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out), table[256];
    size_t n = node->out.size / 4;
    if (n < TABLE_PAYS) {
        for (size_t i = 0; i < n; ++i) {
            out[i] = ((float)in[i] - node->p.quant.bias) / node->p.quant.scale;
        }
        return;
    }
    for (unsigned i = 0; i < 256; ++i) {
        table[i] = ((float)i - node->p.quant.bias) / node->p.quant.scale;
    }
    kpu_lookup_f32(in, out, n, table);
}

// ---- reductions ------------------------------------------------------------------------------

static float reduced(uint32_t op, float acc, float v) {
    switch (op) {
        case KPU_REDUCE_MIN:
            return v < acc ? v : acc;
        case KPU_REDUCE_MAX:
            return v > acc ? v : acc;
        default:
            return acc + v;
    }
}

// A row of n into one of m. Where that is shorter, the rest counts for its first element.
static void reduce_row(uint32_t op, const float *in, uint32_t n, float *out, uint32_t m) {
    uint32_t w = 0;
    if (m > 1) {
        for (; w < n && w < m; ++w) {
            out[w] = reduced(op, out[w], in[w]);
        }
    }
    float acc = *out;
    for (; w < n; ++w) {
        acc = reduced(op, acc, in[w]);
    }
    *out = acc;
}

void kpu_op_reduce(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    const uint32_t *si = node->p.reduce.in, *so = node->p.reduce.out;
    uint32_t count = count_of(so);
    for (uint32_t i = 0; i < count; ++i) {
        out[i] = node->p.reduce.init;
    }
    for (uint32_t n = 0; n < si[0]; ++n) {
        for (uint32_t c = 0; c < si[1]; ++c) {
            for (uint32_t h = 0; h < si[2]; ++h, in += si[3]) {
                uint32_t row = (((n < so[0] ? n : 0) * so[1] + (c < so[1] ? c : 0)) * so[2] + (h < so[2] ? h : 0)) * so[3];
                reduce_row(node->p.reduce.op, in, si[3], out + row, so[3]);
            }
        }
    }
    if (node->p.reduce.op == KPU_REDUCE_MEAN) {
        float scale = (float)count / (float)count_of(si);
        for (uint32_t i = 0; i < count; ++i) {
            out[i] *= scale;
        }
    }
}

static void softmax(const float *in, float *out, uint32_t n, uint32_t step, float beta) {
    float best = in[0], sum = 0;
    for (uint32_t i = 1; i < n; ++i) {
        best = in[(size_t)i * step] > best ? in[(size_t)i * step] : best;
    }
    for (uint32_t i = 0; i < n; ++i) {
        float e = expf((in[(size_t)i * step] - best) * beta);
        out[(size_t)i * step] = e;
        sum += e;
    }
    for (uint32_t i = 0; i < n; ++i) {
        out[(size_t)i * step] /= sum;
    }
}

void kpu_op_softmax_axis(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    uint32_t inner = node->p.softmax.inner, step = node->p.softmax.step;
    for (uint32_t o = 0; o < node->p.softmax.outer; ++o) {
        for (uint32_t i = 0; i < step; ++i) {
            softmax(in + i, out + i, inner, step, node->p.softmax.beta);
        }
        in += (size_t)inner * step;
        out += (size_t)inner * step;
    }
}

// ---- nnil ------------------------------------------------------------------------------------

// The loader has checked opcodes, stack depth and that the code ends with a return.
static float nnil(const void *program, float x) {
    const uint8_t *code = program;
    float s[KPU_NNIL_STACK];
    unsigned n = 0;
    for (;;) {
        uint8_t op = *code++;
        switch (op) {
            case 0x00:
                break;
            case 0x01:
                s[n] = s[n - 1];
                n += 1;
                break;
            case 0x02:
                n -= 1;
                break;
            case 0x03:
                s[n++] = x;
                break;
            case 0x04:
            case 0x05:
                s[n++] = op - 4;
                break;
            case 0x06:
                s[n++] = get_f32(code);
                code += 4;
                break;
            case 0x80:
                s[n - 3] = clamp_f32(s[n - 3], s[n - 2], s[n - 1]);
                n -= 2;
                break;
            case 0xa0:
                return s[n - 1];
            default:
                if (op < 0x40) {
                    s[n - 1] = unary(op - 0x20, s[n - 1]);
                } else {
                    s[n - 2] = binary_f32(op - 0x40, s[n - 2], s[n - 1]);
                    n -= 1;
                }
                break;
        }
    }
}

void kpu_op_nnil(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    const uint8_t *code = kpu_model_at(net, node->p.nnil.code);
    kpu_map_f32(in, out, node->out.size / 4, nnil, code);
}
