// SPDX-License-Identifier: MIT
//
// Elementwise layers and layers that move data, on tensors of up to four dimensions.

#include "kpu_ops_priv.h"

static uint32_t count_of(const uint32_t shape[4]) {
    return shape[0] * shape[1] * shape[2] * shape[3];
}

// ---- moving ----------------------------------------------------------------------------------

static void copy_row(uint8_t *out, int32_t out_step, const uint8_t *in, int32_t in_step, uint32_t n, uint32_t size) {
    if (out_step == 1 && in_step == 1) {
        memmove(out, in, (size_t)n * size);
    } else if (size == 4) {
        for (uint32_t i = 0; i < n; ++i, out += (ptrdiff_t)out_step * 4, in += (ptrdiff_t)in_step * 4) {
            *(uint32_t *)out = *(const uint32_t *)in;
        }
    } else if (size == 1) {
        for (uint32_t i = 0; i < n; ++i, out += out_step, in += in_step) {
            *out = *in;
        }
    } else {
        for (uint32_t i = 0; i < n; ++i, out += (ptrdiff_t)out_step * size, in += (ptrdiff_t)in_step * size) {
            memcpy(out, in, size);
        }
    }
}

void kpu_op_copy(const kpu_net_t *net, const kpu_node_t *node) {
    uint32_t size = kpu_dtype_size(node->out.dtype), index[KPU_DIMS] = { 0 };
    const kpu_view_t *vi = &node->p.copy.in, *vo = &node->p.copy.out;
    uint8_t *base = kpu_range_ptr(net, &node->out);
    if (node->op == KPU_OP_PAD) {
        for (uint32_t i = 0; i < node->out.size; ++i) {
            base[i] = node->p.copy.fill[i % size];
        }
    }
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]) + (size_t)vi->off * size;
    uint8_t *out = base + (size_t)vo->off * size;
    if (vi->shape[3] == 0) {
        return;                 // everything is cropped away
    }
    do {
        copy_row(out + row_offset(vo->stride, index) * size, vo->stride[3], in + row_offset(vi->stride, index) * size,
            vi->stride[3], vi->shape[3], size);
    } while (next_row(vi->shape, index));
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

static void integer_row(const kpu_node_t *node, const uint8_t *a, const uint8_t *b, uint8_t *o) {
    uint8_t dtype = node->in[0].dtype;
    ptrdiff_t size = kpu_dtype_size(dtype), sa = node->p.binary.a[3] * size, sb = node->p.binary.b[3] * size;
    ptrdiff_t so = node->p.binary.o[3] * size;
    for (uint32_t w = 0; w < node->p.binary.shape[3]; ++w, a += sa, b += sb, o += so) {
        store_int(o, dtype, integer_binary(node->p.binary.op, load_int(a, dtype), load_int(b, dtype)));
    }
}

void kpu_op_binary(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]), *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const int32_t *sa = node->p.binary.a, *sb = node->p.binary.b, *so = node->p.binary.o;
    uint32_t index[KPU_DIMS] = { 0 }, op = node->p.binary.op, width = node->p.binary.shape[3];
    float low = node->p.binary.low, high = node->p.binary.high;
    ptrdiff_t size = kpu_dtype_size(node->out.dtype);
    do {
        const uint8_t *ra = a + row_offset(sa, index) * size, *rb = b + row_offset(sb, index) * size;
        uint8_t *ro = out + row_offset(so, index) * size;
        if (node->out.dtype != KPU_F32) {
            integer_row(node, ra, rb, ro);
            continue;
        }
        const float *pa = (const float *)ra, *pb = (const float *)rb;
        float *po = (float *)ro;
        for (uint32_t w = 0; w < width; ++w) {
            po[(ptrdiff_t)w * so[3]] = clamp_f32(binary_f32(op, pa[(ptrdiff_t)w * sa[3]], pb[(ptrdiff_t)w * sb[3]]), low, high);
        }
    } while (next_row(node->p.binary.shape, index));
}

static int64_t scaled(const kpu_scale_t *s, uint8_t v) {
    return shift_up(wrap_mul((int64_t)v + s->off, s->mul), s->shift);
}

void kpu_op_quantized_binary(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]);
    const uint8_t *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const int32_t *sa = node->p.binary.a, *sb = node->p.binary.b, *so = node->p.binary.o;
    const kpu_scale_t *scale = &node->p.binary.so;
    uint32_t index[KPU_DIMS] = { 0 };
    do {
        const uint8_t *pa = a + row_offset(sa, index), *pb = b + row_offset(sb, index);
        uint8_t *po = out + row_offset(so, index);
        for (uint32_t w = 0; w < node->p.binary.shape[3]; ++w) {
            int64_t v = binary_i64(node->p.binary.op, scaled(&node->p.binary.sa, pa[(ptrdiff_t)w * sa[3]]),
                scaled(&node->p.binary.sb, pb[(ptrdiff_t)w * sb[3]]));
            po[(ptrdiff_t)w * so[3]] = clamp_u8(wrap_add(shift_up(wrap_mul(v, scale->mul), scale->shift), scale->off));
        }
    } while (next_row(node->p.binary.shape, index));
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

void kpu_op_unary(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    for (uint32_t i = 0; i < node->out.size / 4; ++i) {
        out[i] = unary(node->p.unary.op, in[i]);
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

static void map_row(const kpu_node_t *node, const uint8_t *in, uint8_t *out) {
    float scale = node->p.map.scale, bias = node->p.map.bias;
    uint8_t from = node->in[0].dtype, to = node->out.dtype;
    ptrdiff_t si = node->p.map.in.stride[3] * (ptrdiff_t)kpu_dtype_size(from);
    ptrdiff_t so = node->p.map.out.stride[3] * (ptrdiff_t)kpu_dtype_size(to);
    for (uint32_t n = node->p.map.in.shape[3]; n > 0; --n, in += si, out += so) {
        uint8_t function = node->p.map.function;
        if (from != KPU_F32 && to != KPU_F32) {
            int64_t v = load_int(in, from);
            store_int(out, to, function == KPU_MAP_UNARY ? integer_unary(node->p.map.op, v) : v);
            continue;
        }
        float v = from == KPU_F32 ? *(const float *)in : from == KPU_U8 ? *in : (float)load_int(in, from);
        switch (function) {
            case KPU_MAP_QUANTIZE:
                v = rintf(v * scale + bias);
                break;
            case KPU_MAP_DEQUANTIZE:
                v = v * scale + bias;
                break;
            case KPU_MAP_UNARY:
                v = unary(node->p.map.op, v);
                break;
            default:
                break;
        }
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
    ptrdiff_t in_size = kpu_dtype_size(node->in[0].dtype), out_size = kpu_dtype_size(node->out.dtype);
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    uint32_t index[KPU_DIMS] = { 0 };
    do {
        map_row(node, in + row_offset(vi->stride, index) * in_size, out + row_offset(vo->stride, index) * out_size);
    } while (next_row(vi->shape, index));
}

// Ties to even, like the vector unit that the vendor's code was made for.
void kpu_op_quantize_even(const kpu_net_t *net, const kpu_node_t *node) {
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    for (uint32_t i = 0; i < node->out.size; ++i) {
        out[i] = float_to_u8(rintf(in[i] * node->p.quant.scale + node->p.quant.bias));
    }
}

void kpu_op_dequantize_zero_point(const kpu_net_t *net, const kpu_node_t *node) {
    float table[256];
    for (unsigned i = 0; i < 256; ++i) {
        table[i] = ((float)i - node->p.quant.bias) / node->p.quant.scale;
    }
    kpu_lookup_f32(kpu_range_ptr(net, &node->in[0]), (float *)kpu_range_ptr(net, &node->out), node->out.size / 4, table);
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
            for (uint32_t h = 0; h < si[2]; ++h) {
                uint32_t row = (((n < so[0] ? n : 0) * so[1] + (c < so[1] ? c : 0)) * so[2] + (h < so[2] ? h : 0)) * so[3];
                for (uint32_t w = 0; w < si[3]; ++w) {
                    float *acc = &out[row + (w < so[3] ? w : 0)];
                    *acc = reduced(node->p.reduce.op, *acc, *in++);
                }
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
static float nnil(const uint8_t *code, float x) {
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
    for (uint32_t i = 0; i < node->out.size / 4; ++i) {
        out[i] = nnil(code, in[i]);
    }
}
