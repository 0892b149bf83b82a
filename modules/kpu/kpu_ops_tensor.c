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
    } else {
        for (uint32_t i = 0; i < n; ++i, out += out_step, in += in_step) {
            *out = *in;
        }
    }
}

void kpu_op_copy(const kpu_net_t *net, const kpu_node_t *node) {
    uint32_t size = node->out.dtype == KPU_F32 ? 4 : 1;
    const kpu_view_t *vi = &node->p.copy.in, *vo = &node->p.copy.out;
    uint8_t *base = kpu_range_ptr(net, &node->out);
    if (node->op == KPU_OP_PAD) {
        for (uint32_t i = 0; i < node->out.size; ++i) {
            base[i] = node->p.copy.fill[i % size];
        }
    }
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]) + (size_t)vi->off * size;
    uint8_t *out = base + (size_t)vo->off * size;
    for (uint32_t n = 0; n < vi->shape[0]; ++n) {
        for (uint32_t c = 0; c < vi->shape[1]; ++c) {
            for (uint32_t h = 0; h < vi->shape[2]; ++h) {
                ptrdiff_t at_in = (ptrdiff_t)n * vi->stride[0] + (ptrdiff_t)c * vi->stride[1] + (ptrdiff_t)h * vi->stride[2];
                ptrdiff_t at_out = (ptrdiff_t)n * vo->stride[0] + (ptrdiff_t)c * vo->stride[1] + (ptrdiff_t)h * vo->stride[2];
                copy_row(out + at_out * size, vo->stride[3], in + at_in * size, vi->stride[3], vi->shape[3], size);
            }
        }
    }
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
        default:
            return a - b * floorf(a / b);
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

void kpu_op_binary(const kpu_net_t *net, const kpu_node_t *node) {
    const float *a = (const float *)kpu_range_ptr(net, &node->in[0]);
    const float *b = (const float *)kpu_range_ptr(net, &node->in[1]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    const uint32_t *shape = node->p.binary.shape;
    const uint32_t *sa = node->p.binary.a, *sb = node->p.binary.b, *so = node->p.binary.o;
    for (uint32_t n = 0; n < shape[0]; ++n) {
        for (uint32_t c = 0; c < shape[1]; ++c) {
            for (uint32_t h = 0; h < shape[2]; ++h) {
                const float *pa = a + n * sa[0] + c * sa[1] + h * sa[2];
                const float *pb = b + n * sb[0] + c * sb[1] + h * sb[2];
                float *po = out + n * so[0] + c * so[1] + h * so[2];
                for (uint32_t w = 0; w < shape[3]; ++w) {
                    float v = binary_f32(node->p.binary.op, pa[w * sa[3]], pb[w * sb[3]]);
                    po[w * so[3]] = clamp_f32(v, node->p.binary.low, node->p.binary.high);
                }
            }
        }
    }
}

static int64_t scaled(const kpu_scale_t *s, uint8_t v) {
    return shift_up(wrap_mul((int64_t)v + s->off, s->mul), s->shift);
}

void kpu_op_quantized_binary(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]);
    const uint8_t *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const uint32_t *shape = node->p.binary.shape;
    const uint32_t *sa = node->p.binary.a, *sb = node->p.binary.b, *so = node->p.binary.o;
    const kpu_scale_t *scale = &node->p.binary.so;
    for (uint32_t n = 0; n < shape[0]; ++n) {
        for (uint32_t c = 0; c < shape[1]; ++c) {
            for (uint32_t h = 0; h < shape[2]; ++h) {
                const uint8_t *pa = a + n * sa[0] + c * sa[1] + h * sa[2];
                const uint8_t *pb = b + n * sb[0] + c * sb[1] + h * sb[2];
                uint8_t *po = out + n * so[0] + c * so[1] + h * so[2];
                for (uint32_t w = 0; w < shape[3]; ++w) {
                    int64_t v = binary_i64(node->p.binary.op, scaled(&node->p.binary.sa, pa[w * sa[3]]),
                        scaled(&node->p.binary.sb, pb[w * sb[3]]));
                    po[w * so[3]] = clamp_u8(wrap_add(shift_up(wrap_mul(v, scale->mul), scale->shift), scale->off));
                }
            }
        }
    }
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

static void map_row(const kpu_node_t *node, const uint8_t *in, uint8_t *out) {
    float scale = node->p.map.scale, bias = node->p.map.bias;
    ptrdiff_t si = node->p.map.in.stride[3], so = node->p.map.out.stride[3];
    const float *fi = (const float *)in;
    float *fo = (float *)out;
    uint32_t n = node->p.map.in.shape[3];
    bool from_float = node->in[0].dtype == KPU_F32, to_float = node->out.dtype == KPU_F32;
    for (uint32_t i = 0; i < n; ++i) {
        float v = from_float ? fi[i * si] : in[i * si];
        switch (node->p.map.function) {
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
        if (to_float) {
            fo[i * so] = v;
        } else {
            out[i * so] = float_to_u8(v);
        }
    }
}

void kpu_op_map(const kpu_net_t *net, const kpu_node_t *node) {
    const kpu_view_t *vi = &node->p.map.in, *vo = &node->p.map.out;
    uint32_t in_size = node->in[0].dtype == KPU_F32 ? 4 : 1, out_size = node->out.dtype == KPU_F32 ? 4 : 1;
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    for (uint32_t n = 0; n < vi->shape[0]; ++n) {
        for (uint32_t c = 0; c < vi->shape[1]; ++c) {
            for (uint32_t h = 0; h < vi->shape[2]; ++h) {
                size_t at_in = (size_t)n * vi->stride[0] + (size_t)c * vi->stride[1] + (size_t)h * vi->stride[2];
                size_t at_out = (size_t)n * vo->stride[0] + (size_t)c * vo->stride[1] + (size_t)h * vo->stride[2];
                map_row(node, in + at_in * in_size, out + at_out * out_size);
            }
        }
    }
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
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    for (uint32_t i = 0; i < node->out.size / 4; ++i) {
        out[i] = ((float)in[i] - node->p.quant.bias) / node->p.quant.scale;
    }
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
