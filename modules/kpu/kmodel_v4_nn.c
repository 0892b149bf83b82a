// SPDX-License-Identifier: MIT
//
// The nodes of kmodel v4 that reduce, convolve, multiply and resize.

#include "kmodel_v4.h"

// ---- reductions ------------------------------------------------------------------------------

int v4_parse_reduce(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    int ret = v4_get_range(ld, p, "input", KPU_F32, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 16, KPU_F32, &node->out);
    }
    node->p.reduce.op = get_u32(p + 32);
    node->p.reduce.init = get_f32(p + 68);
    if (ret == KPU_OK && node->p.reduce.op >= KPU_REDUCE_COUNT) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "operation %u is not known", (unsigned)node->p.reduce.op);
    }
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 36, "input", &node->in[0], node->p.reduce.in);
    }
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 52, "output", &node->out, node->p.reduce.out);
    }
    if (ret == KPU_OK) {
        v4_set_shape(node, node->p.reduce.out);
    }
    return ret;
}

int v4_parse_softmax(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t inner = get_u32(p + 32), outer = get_u32(p + 36), count = kmodel_elements(inner, outer, 1);
    node->p.softmax.inner = inner;
    node->p.softmax.outer = outer;
    node->p.softmax.step = 1;
    node->p.softmax.beta = get_f32(p + 40);
    int ret = v4_get_unary(ld, p, node, KPU_F32, KPU_F32);
    if (ret == KPU_OK) {
        ret = v4_need(ld, "input", &node->in[0], count);
    }
    return ret == KPU_OK ? v4_need(ld, "output", &node->out, count) : ret;
}

// ---- windows ---------------------------------------------------------------------------------

// Sizes of a convolution or pool from the fields pad_h, pad_w (before, after each), filter, stride,
// dilation at q; in sizes are set. With out_* set they must be what comes out the other way round.
static int get_window(const kmodel_loader_t *ld, const uint8_t *pads, const uint8_t *q, kpu_conv2d_t *s) {
    int32_t pad_h = get_i32(pads), pad_h2 = get_i32(pads + 4), pad_w = get_i32(pads + 8), pad_w2 = get_i32(pads + 12);
    uint32_t f[6];
    for (unsigned i = 0; i < 6; ++i) {
        f[i] = get_u32(q + 4 * i);
        if (f[i] == 0 || f[i] > 65536) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "filter, stride or dilation is %u", (unsigned)f[i]);
        }
    }
    s->f_h = f[0];
    s->f_w = f[1];
    s->s_h = f[2];
    s->s_w = f[3];
    s->d_h = f[4];
    s->d_w = f[5];
    s->pad_h = pad_h;
    s->pad_w = pad_w;
    if (s->out_h == 0) {
        int64_t h = ((int64_t)s->in_h + pad_h + pad_h2 - ((int64_t)(s->f_h - 1) * s->d_h + 1) + s->s_h) / s->s_h;
        int64_t w = ((int64_t)s->in_w + pad_w + pad_w2 - ((int64_t)(s->f_w - 1) * s->d_w + 1) + s->s_w) / s->s_w;
        if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "the output would have %ld x %ld pixels", (long)w, (long)h);
        }
        s->out_h = (uint32_t)h;
        s->out_w = (uint32_t)w;
    }
    return KPU_OK;
}

static int check_work(const kmodel_loader_t *ld, uint64_t results, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t work = results;
    uint64_t factors[] = { a, b, c };
    for (unsigned i = 0; i < 3; ++i) {
        if (work > KMODEL_MAX_WORK || factors[i] > KMODEL_MAX_WORK) {
            work = KMODEL_MAX_WORK + 1;
            break;
        }
        work *= factors[i];
    }
    if (work > KMODEL_MAX_WORK) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%lu results of so many inputs each would take too long",
            (unsigned long)results);
    }
    return KPU_OK;
}

int v4_parse_reduce_window(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t shape[4];
    kpu_conv2d_t *s = &node->p.window.shape;
    int ret = v4_get_range(ld, p, "input", KPU_F32, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 16, KPU_F32, &node->out);
    }
    node->p.window.op = get_u32(p + 32);
    node->p.window.init = get_f32(p + 92);
    s->low = get_f32(p + 96);
    s->high = get_f32(p + 100);
    if (ret == KPU_OK && node->p.window.op >= KPU_REDUCE_COUNT) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "operation %u is not known", (unsigned)node->p.window.op);
    }
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 36, "input", &node->in[0], shape);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    s->n = shape[0];
    s->in_c = s->out_c = shape[1];
    s->in_h = shape[2];
    s->in_w = shape[3];
    ret = get_window(ld, p + 52, p + 68, s);
    if (ret == KPU_OK) {
        uint32_t results = kmodel_elements(kmodel_elements(s->n, s->in_c, 1), s->out_h, s->out_w);
        ret = v4_need(ld, "output", &node->out, results);
        if (ret == KPU_OK) {
            ret = check_work(ld, results, s->f_h, s->f_w, 1);
        }
    }
    uint32_t out[4] = { s->n, s->out_c, s->out_h, s->out_w };
    v4_set_shape(node, out);
    return ret;
}

// What the three convolutions share once in_* and out_* sizes are known.
static int check_conv(const kmodel_loader_t *ld, kpu_node_t *node, uint32_t weights_off, uint32_t weight_size,
    bool bias_first) {
    kpu_conv2d_t *s = &node->p.conv2d;
    if (s->groups == 0 || s->in_c % s->groups || s->out_c == 0 || s->out_c % s->groups) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u groups for %u input and %u output channels",
            (unsigned)s->groups, (unsigned)s->in_c, (unsigned)s->out_c);
    }
    uint32_t results = kmodel_elements(kmodel_elements(s->n, s->out_c, 1), s->out_h, s->out_w);
    int ret = v4_need(ld, "output", &node->out, results);
    if (ret == KPU_OK) {
        ret = check_work(ld, results, s->in_c / s->groups, s->f_h, s->f_w);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    uint64_t weights = (uint64_t)kmodel_elements(s->out_c, s->in_c / s->groups, 1) * s->f_h * s->f_w * weight_size;
    uint64_t bias = (uint64_t)s->out_c * 4;
    if (weights_off + weights + bias > node->body_size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%lu bytes of weights do not fit a body of %u bytes",
            (unsigned long)weights, (unsigned)node->body_size);
    }
    ret = kmodel_file_range(ld, "weights", (uint64_t)node->body + weights_off, weights + bias, 4);
    s->weights = node->body + weights_off + (bias_first ? (uint32_t)bias : 0);
    s->bias = node->body + weights_off + (bias_first ? 0 : (uint32_t)weights);
    uint32_t out[4] = { s->n, s->out_c, s->out_h, s->out_w };
    v4_set_shape(node, out);
    return ret;
}

static int parse_any_conv(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node, uint8_t dtype) {
    uint32_t shape[4];
    kpu_conv2d_t *s = &node->p.conv2d;
    int ret = v4_get_range(ld, p, "input", dtype, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 16, dtype, &node->out);
    }
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 32, "input", &node->in[0], shape);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    s->n = shape[0];
    s->in_c = shape[1];
    s->in_h = shape[2];
    s->in_w = shape[3];
    s->groups = get_u32(p + 48);
    s->out_c = get_u32(p + 52);
    return get_window(ld, p + 56, p + 72, s);
}

int v4_parse_conv2d(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    int ret = parse_any_conv(ld, p, node, KPU_F32);
    node->p.conv2d.low = get_f32(p + 96);
    node->p.conv2d.high = get_f32(p + 100);
    return ret == KPU_OK ? check_conv(ld, node, 104, 4, false) : ret;
}

int v4_parse_quantized_conv2d(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    kpu_conv2d_t *s = &node->p.conv2d;
    int ret = parse_any_conv(ld, p, node, KPU_U8);
    s->in_off = get_i32(p + 96);
    s->w_off = get_i32(p + 100);
    s->mul = get_i32(p + 104);
    s->shift = get_i32(p + 108);
    s->out_off = get_i32(p + 112);
    if (ret == KPU_OK) {
        ret = v4_check_shift(ld, s->shift);
    }
    return ret == KPU_OK ? check_conv(ld, node, 116, 1, true) : ret;
}

int v4_parse_conv2d_transpose(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t shape[4], out[4];
    kpu_conv2d_t *s = &node->p.conv2d;
    int ret = v4_get_range(ld, p, "input", KPU_F32, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 16, KPU_F32, &node->out);
    }
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 32, "input", &node->in[0], shape);
    }
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 48, "output", &node->out, out);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (shape[0] != out[0]) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u pictures in, %u out", (unsigned)shape[0], (unsigned)out[0]);
    }
    *s = (kpu_conv2d_t) {
        .n = shape[0], .in_c = shape[1], .in_h = shape[2], .in_w = shape[3],
        .out_c = out[1], .out_h = out[2], .out_w = out[3], .groups = get_u32(p + 64),
        .low = get_f32(p + 108), .high = get_f32(p + 112),
    };
    ret = get_window(ld, p + 68, p + 84, s);
    if (ret == KPU_OK) {
        ret = check_work(ld, node->in[0].size / 4, s->out_c, s->f_h, s->f_w);
    }
    return ret == KPU_OK ? check_conv(ld, node, 116, 4, false) : ret;
}

static int parse_any_matmul(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node, uint8_t dtype, uint32_t bias) {
    uint32_t rows = get_u32(p + 48), cols = get_u32(p + 52), b_cols = get_u32(p + 56);
    int ret = v4_get_range(ld, p, "input a", dtype, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_range(ld, p + 16, "input b", dtype, &node->in[1]);
    }
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 32, dtype, &node->out);
    }
    if (ret == KPU_OK) {
        ret = v4_need(ld, "input a", &node->in[0], kmodel_elements(rows, cols, 1));
    }
    if (ret == KPU_OK) {
        ret = v4_need(ld, "input b", &node->in[1], kmodel_elements(cols, b_cols, 1));
    }
    if (ret == KPU_OK) {
        ret = v4_need(ld, "output", &node->out, kmodel_elements(rows, b_cols, 1));
    }
    if (ret == KPU_OK) {
        ret = check_work(ld, rows, cols, b_cols, 1);
    }
    if (ret == KPU_OK && bias + (uint64_t)b_cols * 4 > node->body_size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u bias values do not fit a body of %u bytes", (unsigned)b_cols,
            (unsigned)node->body_size);
    }
    if (ret == KPU_OK) {
        ret = kmodel_file_range(ld, "bias values", (uint64_t)node->body + bias, (uint64_t)b_cols * 4, 4);
    }
    node->p.matmul.rows = rows;
    node->p.matmul.cols = cols;
    node->p.matmul.b_cols = b_cols;
    node->p.matmul.bias = node->body + bias;
    node->c = 1;
    node->h = rows;
    node->w = b_cols;
    return ret;
}

int v4_parse_matmul(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.matmul.low = get_f32(p + 60);
    node->p.matmul.high = get_f32(p + 64);
    return parse_any_matmul(ld, p, node, KPU_F32, 68);
}

int v4_parse_quantized_matmul(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.matmul.a_off = get_i32(p + 60);
    node->p.matmul.b_off = get_i32(p + 64);
    node->p.matmul.mul = get_i32(p + 68);
    node->p.matmul.shift = get_i32(p + 72);
    node->p.matmul.out_off = get_i32(p + 76);
    int ret = v4_check_shift(ld, node->p.matmul.shift);
    return ret == KPU_OK ? parse_any_matmul(ld, p, node, KPU_U8, 80) : ret;
}

int v4_parse_resize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t shape[4], mode = get_u32(p + 56);
    int ret = v4_get_same_type(ld, p, node);
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 32, "input", &node->in[0], shape);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (mode > 1) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "mode %u is not known", (unsigned)mode);
    }
    uint32_t out[4] = { shape[0], shape[1], get_u32(p + 48), get_u32(p + 52) };
    node->p.resize.planes = shape[0] * shape[1];
    node->p.resize.in_h = shape[2];
    node->p.resize.in_w = shape[3];
    node->p.resize.out_h = out[2];
    node->p.resize.out_w = out[3];
    node->p.resize.nearest = mode == 1;
    // Nearest resizing of v4 ignores it.
    node->p.resize.align_corners = p[60] && mode == 0;
    v4_set_shape(node, out);
    return v4_need(ld, "output", &node->out, kmodel_elements(node->p.resize.planes, out[2], out[3]));
}
