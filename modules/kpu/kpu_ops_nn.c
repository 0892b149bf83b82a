// SPDX-License-Identifier: MIT
//
// Convolutions, matrix products, windows and resizing by the CPU.

#include "kpu_ops_priv.h"

// First and end tap of a window that starts at `start`, with taps `d` apart, inside 0..in-1.
typedef struct {
    int64_t start;
    uint32_t first, end;
} taps_t;

static taps_t taps(uint32_t o, uint32_t stride, int32_t pad, uint32_t f, uint32_t d, uint32_t in) {
    taps_t t = { .start = (int64_t)o * stride - pad, .end = 0 };
    t.first = t.start < 0 ? (uint32_t)((-t.start + d - 1) / d) : 0;
    if (t.start < (int64_t)in) {
        int64_t n = ((int64_t)in - 1 - t.start) / d + 1;
        t.end = n < (int64_t)f ? (uint32_t)n : f;
    }
    return t;
}

// Outputs first..end-1 of a row whose windows lie completely inside.
static void inner_columns(const kpu_conv2d_t *p, uint32_t *first, uint32_t *end) {
    int64_t reach = (int64_t)(p->f_w - 1) * p->d_w, last = (int64_t)p->in_w - 1 - reach + p->pad_w;
    *first = p->pad_w > 0 ? ((uint32_t)p->pad_w + p->s_w - 1) / p->s_w : 0;
    *end = last < 0 ? 0 : (uint32_t)(last / p->s_w + 1 < p->out_w ? last / p->s_w + 1 : p->out_w);
}

// Four such outputs side by side: each weight is read once for them, and the adder need not wait for itself.
static void conv_four(const kpu_conv2d_t *p, const float *plane, const float *filter, uint32_t g_in, const taps_t *ty,
    int64_t x, float sum[4]) {
    float s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
    size_t s = p->s_w, d = p->d_w;
    for (uint32_t ic = 0; ic < g_in; ++ic) {
        for (uint32_t ky = ty->first; ky < ty->end; ++ky) {
            const float *in = plane + ((size_t)ic * p->in_h + (size_t)(ty->start + (int64_t)ky * p->d_h)) * p->in_w + x;
            const float *w = filter + ((size_t)ic * p->f_h + ky) * p->f_w;
            for (const float *stop = w + p->f_w; w < stop; ++w, in += d) {
                float f = *w;
                s0 += in[0] * f;
                s1 += in[s] * f;
                s2 += in[2 * s] * f;
                s3 += in[3 * s] * f;
            }
        }
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

static void quantized_conv_four(const kpu_conv2d_t *p, const uint8_t *plane, const uint8_t *filter, uint32_t g_in,
    const taps_t *ty, int64_t x, uint32_t sum[4]) {
    uint32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3], in_off = (uint32_t)p->in_off, w_off = (uint32_t)p->w_off;
    size_t s = p->s_w, d = p->d_w;
    for (uint32_t ic = 0; ic < g_in; ++ic) {
        for (uint32_t ky = ty->first; ky < ty->end; ++ky) {
            const uint8_t *in = plane + ((size_t)ic * p->in_h + (size_t)(ty->start + (int64_t)ky * p->d_h)) * p->in_w + x;
            const uint8_t *w = filter + ((size_t)ic * p->f_h + ky) * p->f_w;
            for (const uint8_t *stop = w + p->f_w; w < stop; ++w, in += d) {
                uint32_t f = *w + w_off;
                s0 += (in[0] + in_off) * f;
                s1 += (in[s] + in_off) * f;
                s2 += (in[2 * s] + in_off) * f;
                s3 += (in[3 * s] + in_off) * f;
            }
        }
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

void kpu_conv2d_f32(const kpu_conv2d_t *p, const float *in, const float *weights, const float *bias, float *out) {
    uint32_t g_in = p->in_c / p->groups, g_out = p->out_c / p->groups, inner, inner_end;
    inner_columns(p, &inner, &inner_end);
    for (uint32_t n = 0; n < p->n; ++n, in += (size_t)p->in_c * p->in_h * p->in_w) {
        for (uint32_t oc = 0; oc < p->out_c; ++oc) {
            const float *plane = in + (size_t)(oc / g_out * g_in) * p->in_h * p->in_w;
            const float *filter = weights + (size_t)oc * g_in * p->f_h * p->f_w;
            for (uint32_t oy = 0; oy < p->out_h; ++oy) {
                taps_t ty = taps(oy, p->s_h, p->pad_h, p->f_h, p->d_h, p->in_h);
                for (uint32_t ox = 0; ox < p->out_w; ++ox) {
                    if (ox >= inner && ox + 4 <= inner_end) {
                        float sums[4] = { bias[oc], bias[oc], bias[oc], bias[oc] };
                        conv_four(p, plane, filter, g_in, &ty, (int64_t)ox * p->s_w - p->pad_w, sums);
                        for (unsigned i = 0; i < 4; ++i) {
                            *out++ = clamp_f32(sums[i], p->low, p->high);
                        }
                        ox += 3;
                        continue;
                    }
                    taps_t tx = taps(ox, p->s_w, p->pad_w, p->f_w, p->d_w, p->in_w);
                    float sum = bias[oc];
                    for (uint32_t ic = 0; ic < g_in; ++ic) {
                        for (uint32_t ky = ty.first; ky < ty.end; ++ky) {
                            size_t y = (size_t)(ty.start + (int64_t)ky * p->d_h);
                            const float *row = plane + ((size_t)ic * p->in_h + y) * p->in_w;
                            const float *w = filter + ((size_t)ic * p->f_h + ky) * p->f_w;
                            for (uint32_t kx = tx.first; kx < tx.end; ++kx) {
                                sum += row[tx.start + (int64_t)kx * p->d_w] * w[kx];
                            }
                        }
                    }
                    *out++ = clamp_f32(sum, p->low, p->high);
                }
            }
        }
    }
}

void kpu_op_conv2d(const kpu_net_t *net, const kpu_node_t *node) {
    const kpu_conv2d_t *p = &node->p.conv2d;
    kpu_conv2d_f32(p, (const float *)kpu_range_ptr(net, &node->in[0]), (const float *)kpu_model_at(net, p->weights),
        (const float *)kpu_model_at(net, p->bias), (float *)kpu_range_ptr(net, &node->out));
}

static uint8_t requantized(int32_t acc, int32_t mul, int32_t shift, int32_t off) {
    return clamp_u8(wrap_add(shift_up(wrap_mul(acc, mul), shift), off));
}

void kpu_op_quantized_conv2d(const kpu_net_t *net, const kpu_node_t *node) {
    const kpu_conv2d_t *p = &node->p.conv2d;
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const uint8_t *weights = kpu_model_at(net, p->weights), *bias = kpu_model_at(net, p->bias);
    uint32_t g_in = p->in_c / p->groups, g_out = p->out_c / p->groups, inner, inner_end;
    inner_columns(p, &inner, &inner_end);
    for (uint32_t n = 0; n < p->n; ++n, in += (size_t)p->in_c * p->in_h * p->in_w) {
        for (uint32_t oc = 0; oc < p->out_c; ++oc) {
            const uint8_t *plane = in + (size_t)(oc / g_out * g_in) * p->in_h * p->in_w;
            const uint8_t *filter = weights + (size_t)oc * g_in * p->f_h * p->f_w;
            for (uint32_t oy = 0; oy < p->out_h; ++oy) {
                taps_t ty = taps(oy, p->s_h, p->pad_h, p->f_h, p->d_h, p->in_h);
                for (uint32_t ox = 0; ox < p->out_w; ++ox) {
                    uint32_t sum = get_u32(bias + 4 * oc);
                    if (ox >= inner && ox + 4 <= inner_end) {
                        uint32_t sums[4] = { sum, sum, sum, sum };
                        quantized_conv_four(p, plane, filter, g_in, &ty, (int64_t)ox * p->s_w - p->pad_w, sums);
                        for (unsigned i = 0; i < 4; ++i) {
                            *out++ = requantized((int32_t)sums[i], p->mul, p->shift, p->out_off);
                        }
                        ox += 3;
                        continue;
                    }
                    taps_t tx = taps(ox, p->s_w, p->pad_w, p->f_w, p->d_w, p->in_w);
                    for (uint32_t ic = 0; ic < g_in; ++ic) {
                        for (uint32_t ky = ty.first; ky < ty.end; ++ky) {
                            size_t y = (size_t)(ty.start + (int64_t)ky * p->d_h);
                            const uint8_t *row = plane + ((size_t)ic * p->in_h + y) * p->in_w;
                            const uint8_t *w = filter + ((size_t)ic * p->f_h + ky) * p->f_w;
                            for (uint32_t kx = tx.first; kx < tx.end; ++kx) {
                                uint32_t x = row[tx.start + (int64_t)kx * p->d_w];
                                sum += (x + (uint32_t)p->in_off) * (w[kx] + (uint32_t)p->w_off);
                            }
                        }
                    }
                    *out++ = requantized((int32_t)sum, p->mul, p->shift, p->out_off);
                }
            }
        }
    }
}

// Each input pixel is spread over the window that it would have come from. The vendor's kernel
// never adds the bias, and compilers rely on it.
void kpu_op_conv2d_transpose(const kpu_net_t *net, const kpu_node_t *node) {
    const kpu_conv2d_t *p = &node->p.conv2d;
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    const float *weights = (const float *)kpu_model_at(net, p->weights);
    uint32_t g_in = p->in_c / p->groups, g_out = p->out_c / p->groups;
    memset(out, 0, node->out.size);
    for (uint32_t n = 0; n < p->n; ++n, out += (size_t)p->out_c * p->out_h * p->out_w) {
        for (uint32_t ic = 0; ic < p->in_c; ++ic) {
            uint32_t g = ic / g_in;
            for (uint32_t iy = 0; iy < p->in_h; ++iy) {
                taps_t ty = taps(iy, p->s_h, p->pad_h, p->f_h, p->d_h, p->out_h);
                for (uint32_t ix = 0; ix < p->in_w; ++ix) {
                    taps_t tx = taps(ix, p->s_w, p->pad_w, p->f_w, p->d_w, p->out_w);
                    float v = *in++;
                    for (uint32_t oc = g * g_out; oc < (g + 1) * g_out; ++oc) {
                        const float *filter = weights + ((size_t)oc * g_in + ic % g_in) * p->f_h * p->f_w;
                        float *plane = out + (size_t)oc * p->out_h * p->out_w;
                        for (uint32_t ky = ty.first; ky < ty.end; ++ky) {
                            float *row = plane + (size_t)(ty.start + (int64_t)ky * p->d_h) * p->out_w;
                            for (uint32_t kx = tx.first; kx < tx.end; ++kx) {
                                row[tx.start + (int64_t)kx * p->d_w] += v * filter[ky * p->f_w + kx];
                            }
                        }
                    }
                }
            }
        }
    }
    out = (float *)kpu_range_ptr(net, &node->out);
    for (uint32_t i = 0; i < node->out.size / 4; ++i) {
        out[i] = clamp_f32(out[i], p->low, p->high);
    }
}

void kpu_op_matmul(const kpu_net_t *net, const kpu_node_t *node) {
    const float *a = (const float *)kpu_range_ptr(net, &node->in[0]);
    const float *b = (const float *)kpu_range_ptr(net, &node->in[1]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    const float *bias = (const float *)kpu_model_at(net, node->p.matmul.bias);
    uint32_t cols = node->p.matmul.cols, b_cols = node->p.matmul.b_cols;
    float low = node->p.matmul.low, high = node->p.matmul.high;
    for (uint32_t y = 0; y < node->p.matmul.rows; ++y, a += cols) {
        uint32_t x = 0;
        // Four columns at a time, as in conv_four.
        for (; x + 4 <= b_cols; x += 4, out += 4) {
            float s0 = bias[x], s1 = bias[x + 1], s2 = bias[x + 2], s3 = bias[x + 3];
            const float *row = b + x;
            for (uint32_t i = 0; i < cols; ++i, row += b_cols) {
                float f = a[i];
                s0 += f * row[0];
                s1 += f * row[1];
                s2 += f * row[2];
                s3 += f * row[3];
            }
            out[0] = clamp_f32(s0, low, high);
            out[1] = clamp_f32(s1, low, high);
            out[2] = clamp_f32(s2, low, high);
            out[3] = clamp_f32(s3, low, high);
        }
        for (; x < b_cols; ++x) {
            float sum = bias[x];
            for (uint32_t i = 0; i < cols; ++i) {
                sum += a[i] * b[(size_t)i * b_cols + x];
            }
            *out++ = clamp_f32(sum, low, high);
        }
    }
}

void kpu_op_quantized_matmul(const kpu_net_t *net, const kpu_node_t *node) {
    const uint8_t *a = kpu_range_ptr(net, &node->in[0]);
    const uint8_t *b = kpu_range_ptr(net, &node->in[1]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    const uint8_t *bias = kpu_model_at(net, node->p.matmul.bias);
    uint32_t cols = node->p.matmul.cols, b_cols = node->p.matmul.b_cols;
    for (uint32_t y = 0; y < node->p.matmul.rows; ++y, a += cols) {
        for (uint32_t x = 0; x < b_cols; ++x) {
            uint32_t sum = get_u32(bias + 4 * x);
            for (uint32_t i = 0; i < cols; ++i) {
                sum += (a[i] + (uint32_t)node->p.matmul.a_off)
                    * (b[(size_t)i * b_cols + x] + (uint32_t)node->p.matmul.b_off);
            }
            *out++ = requantized((int32_t)sum, node->p.matmul.mul, node->p.matmul.shift, node->p.matmul.out_off);
        }
    }
}

static inline float reduced(uint32_t op, float v, float x) {
    return op == KPU_REDUCE_MIN ? (x < v ? x : v) : op == KPU_REDUCE_MAX ? (x > v ? x : v) : v + x;
}

// Minimum and maximum of rows, then of columns: f_h + f_w steps for a result instead of f_h * f_w. They choose the same
// element, the first one of equals.
#define WINDOW_NUMBERS (512)
#define WINDOW_COLUMNS (32)

static inline float extreme(bool max, float v, float x) {
    return max ? (x > v ? x : v) : (x < v ? x : v);
}

// The columns first..first+n-1 of a plane.
static inline void window_stripe(const kpu_node_t *node, bool max, const float *in, float *out, const taps_t *tx, uint32_t n) {
    const kpu_conv2d_t *p = &node->p.window.shape;
    float rows[WINDOW_NUMBERS], init = node->p.window.init;
    for (uint32_t y = 0, at = 0; y < p->in_h; ++y, in += p->in_w) {
        for (uint32_t i = 0; i < n; ++i) {
            const float *x = in + (ptrdiff_t)(tx[i].start + (int64_t)tx[i].first * p->d_w);
            float v = init;
            for (uint32_t k = tx[i].first; k < tx[i].end; ++k, x += p->d_w) {
                v = extreme(max, v, *x);
            }
            rows[at++] = v;
        }
    }
    for (uint32_t oy = 0; oy < p->out_h; ++oy, out += p->out_w) {
        taps_t ty = taps(oy, p->s_h, p->pad_h, p->f_h, p->d_h, p->in_h);
        size_t start = (size_t)(ty.start + (int64_t)ty.first * p->d_h) * n, step = (size_t)n * p->d_h;
        for (uint32_t i = 0; i < n; ++i) {
            float v = init;
            size_t at = start + i;
            for (uint32_t k = ty.first; k < ty.end; ++k, at += step) {
                v = extreme(max, v, rows[at]);
            }
            out[i] = clamp_f32(v, p->low, p->high);
        }
    }
}

static void window_extreme(const kpu_node_t *node, const float *in, float *out) {
    const kpu_conv2d_t *p = &node->p.window.shape;
    uint32_t stripe = WINDOW_NUMBERS / p->in_h;
    taps_t tx[WINDOW_COLUMNS];
    stripe = stripe < WINDOW_COLUMNS ? stripe : WINDOW_COLUMNS;
    size_t in_plane = (size_t)p->in_h * p->in_w, out_plane = (size_t)p->out_h * p->out_w;
    for (uint32_t first = 0; first < p->out_w; first += stripe) {
        uint32_t n = p->out_w - first < stripe ? p->out_w - first : stripe;
        for (uint32_t i = 0; i < n; ++i) {
            tx[i] = taps(first + i, p->s_w, p->pad_w, p->f_w, p->d_w, p->in_w);
        }
        for (uint32_t plane = 0; plane < p->n * p->in_c; ++plane) {
            if (node->p.window.op == KPU_REDUCE_MAX) {
                window_stripe(node, true, in + plane * in_plane, out + plane * out_plane + first, tx, n);
            } else {
                window_stripe(node, false, in + plane * in_plane, out + plane * out_plane + first, tx, n);
            }
        }
    }
}

static void window_sum(const kpu_node_t *node, const float *in, float *out) {
    const kpu_conv2d_t *p = &node->p.window.shape;
    uint32_t op = node->p.window.op;
    for (uint32_t oy = 0; oy < p->out_h; ++oy) {
        taps_t ty = taps(oy, p->s_h, p->pad_h, p->f_h, p->d_h, p->in_h);
        for (uint32_t ox = 0; ox < p->out_w; ++ox) {
            taps_t tx = taps(ox, p->s_w, p->pad_w, p->f_w, p->d_w, p->in_w);
            float v = node->p.window.init;
            for (uint32_t ky = ty.first; ky < ty.end; ++ky) {
                const float *x = in + (ptrdiff_t)(ty.start + (int64_t)ky * p->d_h) * p->in_w
                    + (ptrdiff_t)(tx.start + (int64_t)tx.first * p->d_w);
                for (uint32_t kx = tx.first; kx < tx.end; ++kx, x += p->d_w) {
                    v = reduced(op, v, *x);
                }
            }
            if (op == KPU_REDUCE_MEAN && ty.first < ty.end && tx.first < tx.end) {
                v /= (float)((ty.end - ty.first) * (tx.end - tx.first));
            }
            *out++ = clamp_f32(v, p->low, p->high);
        }
    }
}

void kpu_op_reduce_window(const kpu_net_t *net, const kpu_node_t *node) {
    const kpu_conv2d_t *p = &node->p.window.shape;
    const float *in = (const float *)kpu_range_ptr(net, &node->in[0]);
    float *out = (float *)kpu_range_ptr(net, &node->out);
    bool two_steps = (node->p.window.op == KPU_REDUCE_MIN || node->p.window.op == KPU_REDUCE_MAX)
        && p->f_h > 1 && p->in_h - 1 < WINDOW_NUMBERS;
    if (two_steps) {
        window_extreme(node, in, out);
        return;
    }
    size_t in_plane = (size_t)p->in_h * p->in_w, out_plane = (size_t)p->out_h * p->out_w;
    for (uint32_t plane = 0; plane < p->n * p->in_c; ++plane, in += in_plane, out += out_plane) {
        window_sum(node, in, out);
    }
}

// ---- resize ----------------------------------------------------------------------------------

static float resize_ratio(uint32_t in, uint32_t out, bool align_corners) {
    return align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
}

static uint32_t at_most(float v, uint32_t last) {
    return v < (float)last ? (uint32_t)v : last;
}

// The four neighbours of a source position and how far it is between them.
typedef struct {
    uint32_t low, high;
    float part;
} tap_t;

// shift is 0.5 with half_pixel, where positions are those of pixel centres.
static tap_t between(uint32_t o, float ratio, float shift, uint32_t in) {
    float v = ((float)o + shift) * ratio - shift;
    v = v > 0 ? v : 0;
    tap_t t = { .low = at_most(v, in - 1) };
    t.high = t.low + 1 < in ? t.low + 1 : in - 1;
    t.part = v - (float)t.low;
    return t;
}

// v4 takes the pixel below. v5 counts half_pixel from the corner, and rounds with align_corners.
static tap_t nearest_to(uint32_t o, float ratio, const kpu_node_t *node, uint32_t in) {
    float v = ((float)o + (node->p.resize.half_pixel ? 0.5f : 0)) * ratio;
    tap_t t = { .low = at_most(node->p.resize.align_corners ? roundf(v) : v, in - 1) };
    return t;
}

static float mix(float a, float b, float c, float d, const tap_t *y, const tap_t *x) {
    return a * (1 - y->part) * (1 - x->part) + b * (1 - y->part) * x->part + c * y->part * (1 - x->part)
           + d * y->part * x->part;
}

static void mix_floats(float *out, const float *top, const float *bottom, const tap_t *y, const tap_t *x, uint32_t n) {
    for (; n > 0; --n, ++x) {
        *out++ = mix(top[x->low], top[x->high], bottom[x->low], bottom[x->high], y, x);
    }
}

static void mix_bytes(uint8_t *out, const uint8_t *top, const uint8_t *bottom, const tap_t *y, const tap_t *x, uint32_t n) {
    for (; n > 0; --n, ++x) {
        *out++ = (uint8_t)mix(top[x->low], top[x->high], bottom[x->low], bottom[x->high], y, x);
    }
}

// By how much nearest resizing repeats each pixel, when that is 1, 2, 4 ...; else 0. The index o * (1 / factor)
// is exact in floats then, with and without half pixels.
static uint32_t repeats(const kpu_node_t *node, uint32_t in, uint32_t out) {
    uint32_t factor = in != 0 ? out / in : 0;
    bool whole = factor * in == out && factor != 0 && (factor & (factor - 1)) == 0;
    return whole && node->p.resize.nearest && !node->p.resize.align_corners ? factor : 0;
}

// The same as below for such factors: most networks double the size, and that should not take floats for each pixel.
static void repeat_pixels(const kpu_node_t *node, const uint8_t *in, uint8_t *out, uint32_t times_y, uint32_t times_x) {
    uint32_t size = kpu_dtype_size(node->out.dtype), in_w = node->p.resize.in_w;
    size_t row = (size_t)node->p.resize.out_w * size;
    for (size_t rows = (size_t)node->p.resize.planes * node->p.resize.in_h; rows > 0; --rows) {
        uint8_t *first = out;
        if (size == 4) {
            uint32_t *to = (uint32_t *)out;
            for (const uint32_t *from = (const uint32_t *)in, *end = from + in_w; from < end; ++from) {
                for (uint32_t i = 0, v = *from; i < times_x; ++i) {
                    *to++ = v;
                }
            }
        } else {
            for (uint32_t x = 0, at = 0; x < in_w; ++x) {
                for (uint32_t i = 0; i < times_x; ++i) {
                    out[at++] = in[x];
                }
            }
        }
        in += (size_t)in_w * size;
        out += row;
        for (uint32_t i = 1; i < times_y; ++i, out += row) {
            memcpy(out, first, row);
        }
    }
}

void kpu_op_resize(const kpu_net_t *net, const kpu_node_t *node) {
    uint32_t in_h = node->p.resize.in_h, in_w = node->p.resize.in_w;
    uint32_t out_h = node->p.resize.out_h, out_w = node->p.resize.out_w;
    uint32_t times_y = repeats(node, in_h, out_h), times_x = repeats(node, in_w, out_w);
    if (times_y != 0 && times_x != 0) {
        repeat_pixels(node, kpu_range_ptr(net, &node->in[0]), kpu_range_ptr(net, &node->out), times_y, times_x);
        return;
    }
    bool is_float = node->out.dtype == KPU_F32, nearest = node->p.resize.nearest;
    bool align = node->p.resize.align_corners;
    float shift = node->p.resize.half_pixel ? 0.5f : 0;
    float ratio_y = resize_ratio(in_h, out_h, align), ratio_x = resize_ratio(in_w, out_w, align);
    uint32_t size = kpu_dtype_size(node->out.dtype);
    const uint8_t *in = kpu_range_ptr(net, &node->in[0]);
    uint8_t *out = kpu_range_ptr(net, &node->out);
    tap_t taps_x[RESIZE_COLUMNS];
    uint32_t column[RESIZE_COLUMNS];
    for (uint32_t first = 0; first < out_w; first += RESIZE_COLUMNS) {
        uint32_t n = out_w - first < RESIZE_COLUMNS ? out_w - first : RESIZE_COLUMNS;
        for (uint32_t i = 0; i < n; ++i) {
            taps_x[i] = nearest ? nearest_to(first + i, ratio_x, node, in_w) : between(first + i, ratio_x, shift, in_w);
            column[i] = taps_x[i].low;
        }
        uint8_t *to = out + (size_t)first * size;
        const uint8_t *from = in;
        for (uint32_t plane = 0; plane < node->p.resize.planes; ++plane, from += (size_t)in_h * in_w * size) {
            for (uint32_t oy = 0; oy < out_h; ++oy, to += (size_t)out_w * size) {
                tap_t y = nearest ? nearest_to(oy, ratio_y, node, in_h) : between(oy, ratio_y, shift, in_h);
                const uint8_t *top = from + (size_t)y.low * in_w * size, *bottom = from + (size_t)y.high * in_w * size;
                if (nearest) {
                    kpu_gather_row(to, top, column, n, size);
                } else if (is_float) {
                    mix_floats((float *)to, (const float *)top, (const float *)bottom, &y, taps_x, n);
                } else {
                    mix_bytes(to, top, bottom, &y, taps_x, n);
                }
            }
        }
    }
}
