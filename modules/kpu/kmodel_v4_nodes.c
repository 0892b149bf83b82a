// SPDX-License-Identifier: MIT
//
// The nodes of kmodel v4: reads a body, checks everything, fills a kpu_node_t.

#include "kmodel_v4.h"
#include "kpu_layer.h"

typedef int (*parse_t)(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);

static uint32_t item_size(uint8_t dtype) {
    return dtype == KPU_F32 ? 4 : 1;
}

// A memory range of the CPU: constants or working buffer. dtype V4_NO_TYPE takes either.
int v4_get_range(const kmodel_loader_t *ld, const uint8_t *p, const char *what, uint8_t dtype, kpu_range_t *out) {
    uint32_t memory = get_u32(p), type = get_u32(p + 4), start = get_u32(p + 8), size = get_u32(p + 12);
    if (type > KPU_U8 || (dtype != V4_NO_TYPE && type != dtype)) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has data type %u", what, (unsigned)type);
    }
    if (memory == KPU_MEM_MODEL) {
        if (size == 0 || size > ld->const_size || start > ld->const_size - size) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has %u bytes at %u, there are %u bytes of constants",
                what, (unsigned)size, (unsigned)start, (unsigned)ld->const_size);
        }
        *out = (kpu_range_t) { .space = KPU_MEM_MODEL, .dtype = type, .off = ld->const_off + start, .size = size };
        return type == KPU_F32 && out->off % 4
            ? kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has floats at odd address %u", what, (unsigned)start) : KPU_OK;
    }
    if (memory != KPU_MEM_MAIN) {
        return kmodel_node_fail(ld, memory == KPU_MEM_RAM ? KPU_ERR_NOT_IMPLEMENTED : KPU_ERR_FORMAT,
            "%s is in memory %u, which the CPU does not use", what, (unsigned)memory);
    }
    return kmodel_main_range(ld, what, start, size, type, out);
}

int v4_get_output(const kmodel_loader_t *ld, const uint8_t *p, uint8_t dtype, kpu_range_t *out) {
    int ret = v4_get_range(ld, p, "output", dtype, out);
    if (ret == KPU_OK && out->space != KPU_MEM_MAIN) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "output is in the constants");
    }
    return ret;
}

// The range must hold so many elements; afterwards it has exactly this size.
int v4_need(const kmodel_loader_t *ld, const char *what, kpu_range_t *r, uint32_t elements) {
    uint64_t bytes = (uint64_t)elements * item_size(r->dtype);
    if (elements == 0 || bytes > r->size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has %u bytes, its shape needs %lu", what, (unsigned)r->size,
            (unsigned long)bytes);
    }
    r->size = (uint32_t)bytes;
    return KPU_OK;
}

int v4_get_shape(const kmodel_loader_t *ld, const uint8_t *p, const char *what, kpu_range_t *r, uint32_t shape[4]) {
    for (unsigned i = 0; i < 4; ++i) {
        shape[i] = get_u32(p + 4 * i);
    }
    uint32_t count = kmodel_elements(kmodel_elements(shape[0], shape[1], 1), shape[2], shape[3]);
    if (count == 0 || count > INT32_MAX) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has the shape %u x %u x %u x %u", what, (unsigned)shape[0],
            (unsigned)shape[1], (unsigned)shape[2], (unsigned)shape[3]);
    }
    return v4_need(ld, what, r, count);
}

void v4_packed_strides(const uint32_t shape[4], int32_t stride[4]) {
    stride[3] = 1;
    for (unsigned i = 3; i-- > 0;) {
        stride[i] = stride[i + 1] * (int32_t)shape[i + 1];
    }
}

void v4_set_shape(kpu_node_t *node, const uint32_t shape[4]) {
    if (shape[0] == 1) {
        node->c = shape[1];
        node->h = shape[2];
        node->w = shape[3];
    }
}

// Input and output of the given types with the same number of elements.
int v4_get_unary(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node, uint8_t in, uint8_t out) {
    int ret = v4_get_range(ld, p, "input", in, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 16, out, &node->out);
    }
    return ret == KPU_OK ? v4_need(ld, "output", &node->out, node->in[0].size / item_size(in)) : ret;
}

// ---- elementwise -----------------------------------------------------------------------------

static int parse_quantize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.quant.bias = (float)get_i32(p + 32);
    node->p.quant.scale = get_f32(p + 36);
    return v4_get_unary(ld, p, node, KPU_F32, KPU_U8);
}

static int parse_dequantize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.quant.bias = (float)get_i32(p + 32);
    node->p.quant.scale = get_f32(p + 36);
    return v4_get_unary(ld, p, node, KPU_U8, KPU_F32);
}

static int parse_unary(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.unary.op = get_u32(p + 32);
    if (node->p.unary.op >= KPU_UNARY_V4_COUNT) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "operation %u is not known", (unsigned)node->p.unary.op);
    }
    return v4_get_unary(ld, p, node, KPU_F32, KPU_F32);
}

static int parse_table(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    int ret = v4_get_range(ld, p, "input", KPU_U8, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_range(ld, p + 16, "table", KPU_U8, &node->in[1]);
    }
    if (ret == KPU_OK) {
        ret = v4_need(ld, "table", &node->in[1], 256);
    }
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 32, KPU_U8, &node->out);
    }
    return ret == KPU_OK ? v4_need(ld, "output", &node->out, node->in[0].size) : ret;
}

// Strides of an input that is repeated along the dimensions where it has size 1.
static int get_repeated(const kmodel_loader_t *ld, const char *what, const uint8_t *p, const uint32_t out[4],
    kpu_range_t *range, int32_t stride[4]) {
    uint32_t shape[4];
    int ret = v4_get_shape(ld, p, what, range, shape);
    if (ret != KPU_OK) {
        return ret;
    }
    uint32_t step = 1;
    for (unsigned i = 4; i-- > 0;) {
        if (shape[i] != out[i] && shape[i] != 1) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has %u elements in dimension %u, the output %u", what,
                (unsigned)shape[i], i, (unsigned)out[i]);
        }
        stride[i] = shape[i] == 1 ? 0 : (int32_t)step;
        step *= shape[i];
    }
    return KPU_OK;
}

static int parse_any_binary(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node, uint8_t dtype) {
    int ret = v4_get_range(ld, p, "input a", dtype, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_range(ld, p + 16, "input b", dtype, &node->in[1]);
    }
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p + 32, dtype, &node->out);
    }
    node->p.binary.op = get_u32(p + 48);
    if (ret == KPU_OK && node->p.binary.op >= KPU_BINARY_V4_COUNT) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "operation %u is not known", (unsigned)node->p.binary.op);
    }
    uint32_t *out = node->p.binary.shape;
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 84, "output", &node->out, out);
    }
    if (ret == KPU_OK) {
        ret = get_repeated(ld, "input a", p + 52, out, &node->in[0], node->p.binary.a);
    }
    if (ret == KPU_OK) {
        ret = get_repeated(ld, "input b", p + 68, out, &node->in[1], node->p.binary.b);
    }
    if (ret == KPU_OK) {
        v4_packed_strides(out, node->p.binary.o);
        v4_set_shape(node, out);
    }
    return ret;
}

static int parse_binary(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.binary.low = get_f32(p + 100);
    node->p.binary.high = get_f32(p + 104);
    return parse_any_binary(ld, p, node, KPU_F32);
}

int v4_check_shift(const kmodel_loader_t *ld, int32_t shift) {
    return shift > 63 ? kmodel_node_fail(ld, KPU_ERR_FORMAT, "shift %d is more than 63", (int)shift) : KPU_OK;
}

static int parse_quantized_binary(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    kpu_scale_t *scales[] = { &node->p.binary.sa, &node->p.binary.sb, &node->p.binary.so };
    int ret = parse_any_binary(ld, p, node, KPU_U8);
    for (unsigned i = 0; i < 3 && ret == KPU_OK; ++i) {
        const uint8_t *q = p + 100 + 12 * i;
        *scales[i] = (kpu_scale_t) { .off = get_i32(q), .mul = get_i32(q + 4), .shift = get_i32(q + 8) };
        ret = v4_check_shift(ld, scales[i]->shift);
    }
    return ret;
}

static int parse_nnil(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t size = node->body_size - 32, depth = 0, at = 0;
    int ret = kmodel_file_range(ld, "code", (uint64_t)node->body + 32, size, 1);
    if (ret != KPU_OK) {
        return ret;
    }
    const uint8_t *code = p + 32;
    for (;;) {
        uint8_t op = at < size ? code[at] : 0xff;
        uint32_t pops = 0, pushes = 0, operand = 0;
        if (op == 0x01) {
            pops = 1;
            pushes = 2;
        } else if (op == 0x02) {
            pops = 1;
        } else if (op >= 0x03 && op <= 0x06) {
            pushes = 1;
            operand = op == 0x06 ? 4 : 0;
        } else if ((op >= 0x20 && op <= 0x29) || op == 0xa0) {
            pops = pushes = 1;
        } else if (op >= 0x40 && op <= 0x45) {
            pops = 2;
            pushes = 1;
        } else if (op == 0x80) {
            pops = 3;
            pushes = 1;
        } else if (op != 0x00) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "byte code %02x at %u of %u", op, (unsigned)at, (unsigned)size);
        }
        if (depth < pops || depth - pops + pushes > KPU_NNIL_STACK || operand >= size - at) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "byte code at %u leaves its stack or its end", (unsigned)at);
        }
        if (op == 0xa0) {
            break;
        }
        depth += pushes - pops;
        at += 1 + operand;
    }
    node->p.nnil.code = node->body + 32;
    node->p.nnil.size = size;
    return v4_get_unary(ld, p, node, KPU_F32, KPU_F32);
}

// ---- moving ----------------------------------------------------------------------------------

int v4_get_same_type(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    int ret = v4_get_range(ld, p, "input", V4_NO_TYPE, &node->in[0]);
    return ret == KPU_OK ? v4_get_output(ld, p + 16, node->in[0].dtype, &node->out) : ret;
}

static int parse_memory_copy(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    int ret = v4_get_same_type(ld, p, node);
    uint32_t count = ret == KPU_OK ? node->in[0].size / item_size(node->in[0].dtype) : 0;
    uint32_t shape[4] = { 1, 1, 1, count };
    memcpy(node->p.copy.in.shape, shape, sizeof(shape));
    memcpy(node->p.copy.out.shape, shape, sizeof(shape));
    node->p.copy.in.stride[3] = node->p.copy.out.stride[3] = 1;
    return ret == KPU_OK ? v4_need(ld, "output", &node->out, count) : ret;
}

static int parse_transpose(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t shape[4], seen = 0;
    int32_t stride[4];
    int ret = v4_get_same_type(ld, p, node);
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 32, "input", &node->in[0], shape);
    }
    if (ret == KPU_OK) {
        ret = v4_need(ld, "output", &node->out, shape[0] * shape[1] * shape[2] * shape[3]);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    v4_packed_strides(shape, stride);
    kpu_view_t *in = &node->p.copy.in, *out = &node->p.copy.out;
    for (unsigned i = 0; i < 4; ++i) {
        uint32_t from = get_u32(p + 48 + 4 * i);
        if (from > 3 || (seen >> from & 1)) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "the order of dimensions is wrong");
        }
        seen |= 1u << from;
        in->shape[i] = shape[from];
        in->stride[i] = stride[from];
    }
    memcpy(out->shape, in->shape, sizeof(out->shape));
    v4_packed_strides(out->shape, out->stride);
    v4_set_shape(node, out->shape);
    return KPU_OK;
}

static int parse_strided_slice(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t shape[4];
    int ret = v4_get_same_type(ld, p, node);
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 32, "input", &node->in[0], shape);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    kpu_view_t *in = &node->p.copy.in, *out = &node->p.copy.out;
    v4_packed_strides(shape, in->stride);
    in->off = 0;
    for (unsigned i = 0; i < 4; ++i) {
        int64_t begin = get_i32(p + 48 + 4 * i), end = get_i32(p + 64 + 4 * i), step = get_i32(p + 80 + 4 * i);
        int64_t n = step > 0 ? (end - begin + step - 1) / step : step < 0 ? (begin - end - step - 1) / -step : 0;
        int64_t last = begin + (n - 1) * step;
        if (n < 1 || begin < 0 || begin >= shape[i] || last < 0 || last >= shape[i]) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "slice %d to %d step %d of a dimension of %u", (int)begin,
                (int)end, (int)step, (unsigned)shape[i]);
        }
        in->off += (uint32_t)begin * (uint32_t)in->stride[i];
        in->shape[i] = out->shape[i] = (uint32_t)n;
        // One element has no step, and a large one might not fit.
        in->stride[i] = n > 1 ? in->stride[i] * (int32_t)step : 0;
    }
    v4_packed_strides(out->shape, out->stride);
    v4_set_shape(node, out->shape);
    return v4_need(ld, "output", &node->out, out->shape[0] * out->shape[1] * out->shape[2] * out->shape[3]);
}

static int parse_pad(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t shape[4], out_shape[4];
    int32_t in_stride[4], out_stride[4];
    int ret = v4_get_same_type(ld, p, node);
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 32, "input", &node->in[0], shape);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    for (unsigned i = 0; i < 4; ++i) {
        int64_t size = (int64_t)shape[i] + get_i32(p + 48 + 8 * i) + get_i32(p + 52 + 8 * i);
        if (size < 1 || size > INT32_MAX) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "padding %d, %d of a dimension of %u",
                (int)get_i32(p + 48 + 8 * i), (int)get_i32(p + 52 + 8 * i), (unsigned)shape[i]);
        }
        out_shape[i] = (uint32_t)size;
    }
    ret = v4_need(ld, "output", &node->out, kmodel_elements(kmodel_elements(out_shape[0], out_shape[1], 1), out_shape[2],
        out_shape[3]));
    if (ret != KPU_OK) {
        return ret;
    }
    v4_packed_strides(shape, in_stride);
    v4_packed_strides(out_shape, out_stride);
    kpu_view_t *in = &node->p.copy.in, *out = &node->p.copy.out;
    for (unsigned i = 0; i < 4; ++i) {
        int64_t before = get_i32(p + 48 + 8 * i);
        int64_t first = before > 0 ? before : 0, end = (int64_t)shape[i] + before;
        end = end > out_shape[i] ? out_shape[i] : end;
        if (first >= end) {
            // All of the input is cropped away.
            memset(in->shape, 0, sizeof(in->shape));
            in->off = out->off = 0;
            break;
        }
        in->shape[i] = (uint32_t)(end - first);
        in->stride[i] = in_stride[i];
        out->stride[i] = out_stride[i];
        in->off += (uint32_t)(first - before) * (uint32_t)in_stride[i];
        out->off += (uint32_t)first * (uint32_t)out_stride[i];
    }
    memcpy(node->p.copy.fill, p + 84, 4);
    v4_set_shape(node, out_shape);
    return KPU_OK;
}

static int parse_concat(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t inner = get_u32(p + 16), outer = get_u32(p + 20), n = get_u32(p + 24);
    if (n == 0 || 28 + (uint64_t)n * 20 > node->body_size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u inputs do not fit a body of %u bytes", (unsigned)n,
            (unsigned)node->body_size);
    }
    uint32_t ranges = node->body + 28, dims = ranges + 16 * n;
    int ret = kmodel_file_range(ld, "inputs", ranges, (uint64_t)n * 20, 1);
    if (ret == KPU_OK) {
        ret = v4_get_output(ld, p, V4_NO_TYPE, &node->out);
    }
    uint64_t total = 0;
    for (uint32_t i = 0; ret == KPU_OK && i < n; ++i) {
        kpu_range_t piece;
        uint32_t bytes = kmodel_elements(inner, outer, get_u32(kmodel_at(ld, dims + 4 * i)));
        ret = v4_get_range(ld, kmodel_at(ld, ranges + 16 * i), "an input", node->out.dtype, &piece);
        if (ret == KPU_OK && (bytes == 0 || bytes > piece.size)) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "input %u has %u bytes, %u are wanted", (unsigned)i,
                (unsigned)piece.size, (unsigned)bytes);
        }
        total += bytes;
    }
    if (ret == KPU_OK && total > node->out.size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "output has %u bytes, the inputs %lu", (unsigned)node->out.size,
            (unsigned long)total);
    }
    node->p.concat_dim.inner = inner;
    node->p.concat_dim.outer = outer;
    node->p.concat_dim.n = n;
    node->p.concat_dim.ranges = ranges;
    node->p.concat_dim.dims = dims;
    node->p.concat_dim.constants = ld->const_off;
    return ret;
}

// ---- KPU -------------------------------------------------------------------------------------

static int parse_upload(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t shape[4], start = get_u32(p + 24);
    kpu_map_t *map = &node->p.upload.map;
    int ret = v4_get_range(ld, p, "input", KPU_U8, &node->in[0]);
    if (ret == KPU_OK) {
        ret = v4_get_shape(ld, p + 32, "input", &node->in[0], shape);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (get_u32(p + 16) != KPU_MEM_RAM || start % KPU_RAM_LINE || start >= KPU_RAM_BYTES
        || !kpu_map_init(map, start / KPU_RAM_LINE, shape[3], shape[2], shape[1])
        || map->line + (uint64_t)shape[0] * kpu_map_lines(map) > KPU_RAM_LINES) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u maps of %ux%ux%u at %u do not fit KPU RAM", (unsigned)shape[0],
            (unsigned)shape[3], (unsigned)shape[2], (unsigned)shape[1], (unsigned)start);
    }
    node->p.upload.batches = shape[0];
    v4_set_shape(node, shape);
    return KPU_OK;
}

// The body's tables are preceded by padding whose length is where the table's address goes later.
static int find_tables(const kmodel_loader_t *ld, const uint64_t words[12], kpu_node_t *node) {
    kpu_conv_t *conv = &node->p.conv;
    uint64_t bn = (uint64_t)node->body + 120 + (words[4] >> 32);
    uint64_t act = bn + (uint64_t)conv->out.c * KPU_BN_ENTRY_SIZE + (words[7] >> 32);
    uint64_t weights = act + KPU_ACT_TABLE_SIZE + (words[5] >> 32);
    if (weights + conv->weights_size > (uint64_t)node->body + node->body_size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "weights end at %lu, the body at %lu",
            (unsigned long)(weights + conv->weights_size), (unsigned long)node->body + node->body_size);
    }
    int ret = kmodel_weights_range(ld, weights, conv->weights_size);
    if (ret == KPU_OK) {
        ret = kmodel_file_range(ld, "BN table", bn, (uint64_t)conv->out.c * KPU_BN_ENTRY_SIZE, 8);
    }
    if (ret == KPU_OK) {
        ret = kmodel_file_range(ld, "activation table", act, KPU_ACT_TABLE_SIZE, KPU_MODEL_ALIGN);
    }
    conv->bn = (uint32_t)bn;
    conv->act = (uint32_t)act;
    conv->weights = (uint32_t)weights;
    return ret;
}

static int parse_kpu_conv2d(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint64_t words[12];
    char why[KPU_ERR_LEN];
    kpu_conv_t *conv = &node->p.conv;
    uint32_t batches = get_u32(p + 16);
    memcpy(words, p + 24, sizeof(words));
    int ret = kpu_conv_decode(words, true, conv, why);
    if (ret != KPU_OK) {
        return kmodel_node_fail(ld, ret, "%s", why);
    }
    ret = find_tables(ld, words, node);
    if (ret != KPU_OK) {
        return ret;
    }
    if (batches == 0 || batches > KPU_RAM_LINES
        || conv->in.line + (uint64_t)batches * kpu_map_lines(&conv->in) > KPU_RAM_LINES
        || conv->out.line + (uint64_t)batches * kpu_map_lines(&conv->out) > KPU_RAM_LINES) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u batches do not fit KPU RAM", (unsigned)batches);
    }
    conv->batches = batches;
    conv->to_main = get_u32(p + 12) != 0;
    if (conv->to_main) {
        ret = v4_get_output(ld, p, KPU_U8, &node->out);
        if (ret == KPU_OK) {
            ret = v4_need(ld, "output", &node->out,
                kmodel_elements(kmodel_elements(batches, conv->out.c, 1), conv->out.h, conv->out.w));
        }
    }
    uint32_t shape[4] = { batches, conv->out.c, conv->out.h, conv->out.w };
    v4_set_shape(node, shape);
    return ret;
}

// ---- table -----------------------------------------------------------------------------------

typedef struct {
    uint16_t opcode;
    uint8_t op;
    uint16_t min_body;
    const char *name;
    parse_t parse;
} v4_node_t;

static const v4_node_t node_table[] = {
    { 0x00, KPU_OP_BINARY, 108, "BINARY", parse_binary },
    { 0x01, KPU_OP_CONCAT_DIM, 28, "CONCAT", parse_concat },
    { 0x02, KPU_OP_CONV2D, 104, "CONV2D", v4_parse_conv2d },
    { 0x03, KPU_OP_DEQUANTIZE_ZERO_POINT, 40, "DEQUANTIZE", parse_dequantize },
    { 0x04, KPU_OP_MATMUL, 68, "MATMUL", v4_parse_matmul },
    { 0x05, KPU_OP_PAD, 88, "PAD", parse_pad },
    { 0x06, KPU_OP_QUANTIZE_EVEN, 40, "QUANTIZE", parse_quantize },
    { 0x07, KPU_OP_REDUCE, 72, "REDUCE", v4_parse_reduce },
    { 0x08, KPU_OP_REDUCE_WINDOW, 104, "REDUCE_WINDOW2D", v4_parse_reduce_window },
    { 0x09, KPU_OP_COPY, 32, "MEMORY_COPY", parse_memory_copy },
    { 0x0a, KPU_OP_RESIZE, 61, "RESIZE_IMAGE", v4_parse_resize },
    { 0x0b, KPU_OP_SOFTMAX_AXIS, 44, "SOFTMAX", v4_parse_softmax },
    { 0x0c, KPU_OP_COPY, 64, "TRANSPOSE", parse_transpose },
    { 0x0d, KPU_OP_COPY, 96, "STRIDED_SLICE", parse_strided_slice },
    { 0x0e, KPU_OP_UNARY, 36, "UNARY", parse_unary },
    { 0x0f, KPU_OP_QUANTIZED_CONV2D, 116, "QUANTIZED_CONV2D", v4_parse_quantized_conv2d },
    { 0x10, KPU_OP_QUANTIZED_MATMUL, 80, "QUANTIZED_MATMUL", v4_parse_quantized_matmul },
    { 0x11, KPU_OP_QUANTIZED_BINARY, 136, "QUANTIZED_BINARY", parse_quantized_binary },
    { 0x12, KPU_OP_TABLE, 48, "TABLE_LOOKUP1D", parse_table },
    { 0x13, KPU_OP_CONV2D_TRANSPOSE, 116, "CONV2D_TRANSPOSE", v4_parse_conv2d_transpose },
    { 0x14, KPU_OP_NNIL, 33, "NNIL_UNARY_METHOD", parse_nnil },
    { 0x1001, 0, 0, "CPU_CONV2D", NULL },
    { 0x1002, 0, 0, "CPU_DEPTHWISE_CONV2D", NULL },
    { 0x1003, 0, 0, "CPU_REDUCE_WINDOW2D", NULL },
    { 0x1004, 0, 0, "CPU_QUANTIZED_CONV2D", NULL },
    { 0x1005, 0, 0, "CPU_QUANTIZED_DEPTHWISE_CONV2D", NULL },
    { 0x2001, KPU_OP_UPLOAD, 48, "KPU_UPLOAD", parse_upload },
    { 0x2002, KPU_OP_CONV, 120, "KPU_CONV2D", parse_kpu_conv2d },
};

int kmodel_v4_parse_node(kmodel_loader_t *ld, uint32_t opcode, uint32_t body, uint32_t body_size, kpu_node_t *node) {
    const v4_node_t *found = NULL;
    for (size_t i = 0; i < sizeof(node_table) / sizeof(node_table[0]); ++i) {
        if (node_table[i].opcode == opcode) {
            found = &node_table[i];
        }
    }
    if (found == NULL) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "opcode 0x%x does not exist", (unsigned)opcode);
    }
    ld->name = found->name;
    if (found->parse == NULL) {
        return kmodel_node_fail(ld, KPU_ERR_NOT_IMPLEMENTED, "opcode 0x%x is for models that run on the CPU only",
            (unsigned)opcode);
    }
    if (body_size < found->min_body) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "body has %u bytes, this opcode needs %u", (unsigned)body_size,
            found->min_body);
    }
    int ret = kmodel_file_range(ld, "parameters", body, found->min_body, 4);
    if (ret != KPU_OK) {
        return ret;
    }
    node->op = found->op;
    node->code = opcode;
    node->name = found->name;
    node->body = body;
    node->body_size = body_size;
    return found->parse(ld, kmodel_at(ld, body), node);
}
