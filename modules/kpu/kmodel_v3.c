// SPDX-License-Identifier: MIT
//
// Loader for kmodel v3 (nncase 0.1): header, output list, layer headers, layer bodies.

#include "kmodel_internal.h"
#include "kpu_layer.h"

#define HEADER_SIZE 28
#define ENTRY_SIZE 8            // an output descriptor or a layer header

typedef struct {
    uint32_t flags, layers, first_line, main_size, outputs;
} v3_header_t;

static int read_header(const uint8_t *p, v3_header_t *h, char *err) {
    *h = (v3_header_t) {
        .flags = get_u32(p + 4), .layers = get_u32(p + 12), .first_line = get_u32(p + 16),
        .main_size = get_u32(p + 20), .outputs = get_u32(p + 24),
    };
    if (get_u32(p + 8) != 0) {
        return kpu_fail(err, KPU_ERR_FORMAT, "kmodel v3 for architecture %u, must be 0 (K210)", (unsigned)get_u32(p + 8));
    }
    if (h->layers == 0 || h->outputs == 0) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the header says %u layers and %u outputs",
            (unsigned)h->layers, (unsigned)h->outputs);
    }
    return KPU_OK;
}

static int header_lists_end(const v3_header_t *h, uint32_t limit, uint32_t *end, char *err) {
    uint64_t bytes = HEADER_SIZE + ENTRY_SIZE * ((uint64_t)h->layers + h->outputs);
    if (bytes > limit) {
        return kpu_fail(err, KPU_ERR_FORMAT, "headers of %u outputs and %u layers take %lu bytes, there are only %u",
            (unsigned)h->outputs, (unsigned)h->layers, (unsigned long)bytes, (unsigned)limit);
    }
    *end = (uint32_t)bytes;
    return KPU_OK;
}

int kmodel_v3_measure(const kmodel_source_t *src, uint32_t *size) {
    uint8_t buf[256];
    int ret = kmodel_source_get(src, 0, buf, HEADER_SIZE, "header");
    if (ret != KPU_OK) {
        return ret;
    }
    v3_header_t h;
    ret = read_header(buf, &h, src->err);
    if (ret != KPU_OK) {
        return ret;
    }
    uint32_t end = 0;
    ret = header_lists_end(&h, src->limit, &end, src->err);
    if (ret != KPU_OK) {
        return ret;
    }
    uint64_t total = end;
    uint32_t off = HEADER_SIZE + ENTRY_SIZE * h.outputs;
    for (uint32_t i = 0; i < h.layers;) {
        uint32_t n = h.layers - i;
        if (n > sizeof(buf) / ENTRY_SIZE) {
            n = sizeof(buf) / ENTRY_SIZE;
        }
        ret = kmodel_source_get(src, off, buf, n * ENTRY_SIZE, "layer headers");
        if (ret != KPU_OK) {
            return ret;
        }
        off += n * ENTRY_SIZE;
        for (uint32_t k = 0; k < n; ++k, ++i) {
            total += get_u32(buf + k * ENTRY_SIZE + 4);
            if (total > (uint64_t)src->limit + KMODEL_MISSING_TAIL) {
                return kpu_fail(src->err, KPU_ERR_FORMAT, "layer %u ends at %lu, there are only %u bytes",
                    (unsigned)i, (unsigned long)total, (unsigned)src->limit);
            }
        }
    }
    *size = total < src->limit ? (uint32_t)total : src->limit;
    return KPU_OK;
}

// ---- layer bodies ----------------------------------------------------------------------------

// p = the body. Its size was checked against min_body of the table below.
typedef int (*parse_t)(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node);

static int parse_unary(const kmodel_loader_t *ld, kpu_node_t *node, uint32_t in, uint32_t out,
    uint64_t count, kpu_dtype_t in_type, kpu_dtype_t out_type) {
    int ret = kmodel_main_range(ld, "input", in, count * (in_type == KPU_F32 ? 4 : 1), in_type, &node->in[0]);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", out, count * (out_type == KPU_F32 ? 4 : 1), out_type, &node->out);
    }
    return ret;
}

static int parse_add(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint64_t bytes = (uint64_t)get_u32(p + 16) * 4;
    int ret = kmodel_main_range(ld, "input a", get_u32(p + 4), bytes, KPU_F32, &node->in[0]);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "input b", get_u32(p + 8), bytes, KPU_F32, &node->in[1]);
    }
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", get_u32(p + 12), bytes, KPU_F32, &node->out);
    }
    return ret;
}

static int parse_quantized_add(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t count = get_u32(p + 16);
    int ret = kmodel_main_range(ld, "input a", get_u32(p + 4), count, KPU_U8, &node->in[0]);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "input b", get_u32(p + 8), count, KPU_U8, &node->in[1]);
    }
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", get_u32(p + 12), count, KPU_U8, &node->out);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.qadd.a_off = get_i32(p + 20);
    node->p.qadd.a_mul = get_i32(p + 24);
    node->p.qadd.a_shift = get_i32(p + 28);
    node->p.qadd.b_off = get_i32(p + 32);
    node->p.qadd.b_mul = get_i32(p + 36);
    node->p.qadd.b_shift = get_i32(p + 40);
    node->p.qadd.o_off = get_i32(p + 44);
    node->p.qadd.o_mul = get_i32(p + 48);
    node->p.qadd.o_shift = get_i32(p + 52);
    uint32_t widest = (uint32_t)node->p.qadd.a_shift | (uint32_t)node->p.qadd.b_shift | (uint32_t)node->p.qadd.o_shift;
    if (widest > 63) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "shifts %d, %d, %d must be 0 to 63", (int)node->p.qadd.a_shift,
            (int)node->p.qadd.b_shift, (int)node->p.qadd.o_shift);
    }
    return KPU_OK;
}

static int parse_global_average(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t size = get_u32(p + 12), c = get_u32(p + 16);
    node->p.channels.size = size;
    node->p.channels.c = c;
    int ret = kmodel_main_range(ld, "input", get_u32(p + 4), kmodel_elements(size, c, 1) * 4, KPU_F32, &node->in[0]);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", get_u32(p + 8), (uint64_t)c * 4, KPU_F32, &node->out);
    }
    node->c = c;
    node->h = node->w = 1;
    return ret;
}

static int parse_pool(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node, kpu_dtype_t dtype) {
    uint32_t size = dtype == KPU_F32 ? 4 : 1;
    uint32_t out_c = get_u32(p + 32);
    node->p.pool.in_w = get_u32(p + 12);
    node->p.pool.in_h = get_u32(p + 16);
    node->p.pool.c = get_u32(p + 20);
    node->p.pool.out_w = get_u32(p + 24);
    node->p.pool.out_h = get_u32(p + 28);
    node->p.pool.k_w = get_u32(p + 36);
    node->p.pool.k_h = get_u32(p + 40);
    node->p.pool.s_w = get_u32(p + 44);
    node->p.pool.s_h = get_u32(p + 48);
    node->p.pool.pad_w = get_u32(p + 52);
    node->p.pool.pad_h = get_u32(p + 56);
    uint32_t c = node->p.pool.c;
    if (out_c != c) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u input and %u output channels", (unsigned)c, (unsigned)out_c);
    }
    uint64_t out_elements = kmodel_elements(node->p.pool.out_w, node->p.pool.out_h, c);
    int ret = kmodel_main_range(ld, "input", get_u32(p + 4),
        kmodel_elements(node->p.pool.in_w, node->p.pool.in_h, c) * size, dtype, &node->in[0]);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", get_u32(p + 8), out_elements * size, dtype, &node->out);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    if (node->p.pool.k_w == 0 || node->p.pool.k_h == 0 || node->p.pool.s_w == 0 || node->p.pool.s_h == 0) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "window or stride is 0");
    }
    uint64_t taps = (uint64_t)(node->p.pool.k_w < node->p.pool.in_w ? node->p.pool.k_w : node->p.pool.in_w)
        * (node->p.pool.k_h < node->p.pool.in_h ? node->p.pool.k_h : node->p.pool.in_h);
    if (taps > KMODEL_MAX_WORK || out_elements * taps > KMODEL_MAX_WORK) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%lu results of %lu inputs each would take too long",
            (unsigned long)out_elements, (unsigned long)taps);
    }
    node->c = c;
    node->h = node->p.pool.out_h;
    node->w = node->p.pool.out_w;
    return KPU_OK;
}

static int parse_quantized_max_pool(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    return parse_pool(ld, p, node, KPU_U8);
}

static int parse_average_pool(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    return parse_pool(ld, p, node, KPU_F32);
}

static int parse_quantize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.quant.scale = get_f32(p + 16);
    node->p.quant.bias = get_f32(p + 20);
    return parse_unary(ld, node, get_u32(p + 4), get_u32(p + 8), get_u32(p + 12), KPU_F32, KPU_U8);
}

static int parse_dequantize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->p.quant.scale = get_f32(p + 16);
    node->p.quant.bias = get_f32(p + 20);
    return parse_unary(ld, node, get_u32(p + 4), get_u32(p + 8), get_u32(p + 12), KPU_U8, KPU_F32);
}

static int parse_requantize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    node->in[1] = (kpu_range_t) { .space = KPU_MEM_MODEL, .dtype = KPU_U8, .off = node->body + 16, .size = 256 };
    return parse_unary(ld, node, get_u32(p + 4), get_u32(p + 8), get_u32(p + 12), KPU_U8, KPU_U8);
}

// L2 normalization, softmax, logistic: floats in, as many floats out.
static int parse_float_unary(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    return parse_unary(ld, node, get_u32(p + 4), get_u32(p + 8), get_u32(p + 12), KPU_F32, KPU_F32);
}

static int parse_concat(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t n = get_u32(p + 8);
    uint32_t list = node->body + 12;
    if (n == 0) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "joins 0 inputs");
    }
    if (12 + (uint64_t)n * 8 > node->body_size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u inputs do not fit a body of %u bytes",
            (unsigned)n, (unsigned)node->body_size);
    }
    int ret = kmodel_file_range(ld, "inputs", list, (uint64_t)n * 8, 1);
    uint64_t total = 0;
    for (uint32_t i = 0; ret == KPU_OK && i < n; ++i) {
        kpu_range_t piece;
        uint32_t size = get_u32(kmodel_at(ld, list + i * 8 + 4));
        ret = kmodel_main_range(ld, "an input", get_u32(kmodel_at(ld, list + i * 8)), size, KPU_U8, &piece);
        total += size;
    }
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.concat.n = n;
    node->p.concat.list = list;
    return kmodel_main_range(ld, "output", get_u32(p + 4), total, KPU_U8, &node->out);
}

static int parse_fully_connected(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t in = get_u32(p + 12), out = get_u32(p + 16), activation = get_u32(p + 20);
    uint64_t weights = kmodel_elements(in, out, 1) * 4;
    uint64_t bias = 24 + weights;
    if (activation > 2) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "activation %u is not known", (unsigned)activation);
    }
    if (bias + (uint64_t)out * 4 > node->body_size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u x %u weights do not fit a body of %u bytes",
            (unsigned)in, (unsigned)out, (unsigned)node->body_size);
    }
    int ret = kmodel_file_range(ld, "weights", (uint64_t)node->body + 24, weights + (uint64_t)out * 4, 4);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "input", get_u32(p + 4), (uint64_t)in * 4, KPU_F32, &node->in[0]);
    }
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", get_u32(p + 8), (uint64_t)out * 4, KPU_F32, &node->out);
    }
    node->p.fc.in = in;
    node->p.fc.out = out;
    node->p.fc.activation = activation;
    node->p.fc.weights = node->body + 24;
    node->p.fc.bias = node->body + (uint32_t)bias;
    return ret;
}

static int parse_flatten(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t w = get_u32(p + 12), h = get_u32(p + 16), c = get_u32(p + 20);
    node->p.pool.in_w = w;
    node->p.pool.in_h = h;
    node->p.pool.c = c;
    return parse_unary(ld, node, get_u32(p + 4), get_u32(p + 8), kmodel_elements(w, h, c), KPU_F32, KPU_F32);
}

static int parse_resize(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node, kpu_dtype_t dtype) {
    uint32_t size = dtype == KPU_F32 ? 4 : 1;
    uint32_t w = get_u32(p + 12), h = get_u32(p + 16), c = get_u32(p + 20);
    uint32_t out_w = get_u32(p + 24), out_h = get_u32(p + 28);
    node->p.pool.in_w = w;
    node->p.pool.in_h = h;
    node->p.pool.c = node->c = c;
    node->p.pool.out_w = node->w = out_w;
    node->p.pool.out_h = node->h = out_h;
    int ret = kmodel_main_range(ld, "input", get_u32(p + 4), kmodel_elements(w, h, c) * size, dtype, &node->in[0]);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", get_u32(p + 8), kmodel_elements(out_w, out_h, c) * size, dtype, &node->out);
    }
    return ret;
}

static int parse_resize_f32(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    return parse_resize(ld, p, node, KPU_F32);
}

static int parse_resize_u8(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    return parse_resize(ld, p, node, KPU_U8);
}

static int parse_channelwise(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t c = get_u32(p + 12), size = get_u32(p + 16);
    if (16 + 4 + (uint64_t)c * 8 > node->body_size) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "the table of %u channels does not fit a body of %u bytes",
            (unsigned)c, (unsigned)node->body_size);
    }
    int ret = kmodel_file_range(ld, "scales", (uint64_t)node->body + 20, (uint64_t)c * 8, 4);
    if (ret != KPU_OK) {
        return ret;
    }
    node->p.channels.c = c;
    node->p.channels.size = size;
    node->p.channels.table = node->body + 20;
    return parse_unary(ld, node, get_u32(p + 4), get_u32(p + 8), kmodel_elements(c, size, 1), KPU_U8, KPU_F32);
}

static int parse_conv(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    kpu_conv_t *conv = &node->p.conv;
    uint32_t layer = get_u32(p + 8);
    int ret = kmodel_file_range(ld, "layer words", layer, 96, 8);
    if (ret != KPU_OK) {
        return ret;
    }
    uint64_t words[12];
    memcpy(words, kmodel_at(ld, layer), sizeof(words));
    char why[KPU_ERR_LEN];
    ret = kpu_conv_decode(words, ld->net->eight_bit, conv, why);
    if (ret != KPU_OK) {
        return kmodel_node_fail(ld, ret, "%s", why);
    }
    conv->weights = get_u32(p + 12);
    conv->bn = get_u32(p + 16);
    conv->act = get_u32(p + 20);
    ret = kmodel_weights_range(ld, conv->weights, conv->weights_size);
    if (ret == KPU_OK) {
        ret = kmodel_file_range(ld, "BN table", conv->bn, (uint64_t)conv->out.c * KPU_BN_ENTRY_SIZE, 8);
    }
    if (ret == KPU_OK) {
        // The KPU's own fetch wants 256; refuse here what would run with a shifted table there.
        ret = kmodel_file_range(ld, "activation table", conv->act, KPU_ACT_TABLE_SIZE, KPU_MODEL_ALIGN);
    }
    conv->to_main = get_u32(p) & 1;
    if (ret == KPU_OK && conv->to_main) {
        uint32_t off = get_u32(p + 4);
        uint32_t bytes = (uint32_t)conv->out.w * conv->out.h * conv->out.c;
        ret = kmodel_main_range(ld, "output", off, bytes, KPU_U8, &node->out);
        if (ret == KPU_OK && off % 8) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "output at %u, the DMA needs a multiple of 8", (unsigned)off);
        }
        uint64_t sent = kpu_word_field(words, 11, 32, 32) + 1ull;
        if (ret == KPU_OK && sent != bytes) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "dma_total_byte + 1 is %lu, the output has %u bytes",
                (unsigned long)sent, (unsigned)bytes);
        }
    }
    node->c = conv->out.c;
    node->h = conv->out.h;
    node->w = conv->out.w;
    return ret;
}

static int parse_ram_map(const kmodel_loader_t *ld, kpu_node_t *node, uint32_t line, uint32_t w, uint32_t h, uint32_t c) {
    char why[KPU_ERR_LEN];
    if (line >= KPU_RAM_LINES || !kpu_map_init(&node->p.upload.map, line, w, h, c)) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "a map of %ux%ux%u at line %u does not fit KPU RAM",
            (unsigned)w, (unsigned)h, (unsigned)c, (unsigned)line);
    }
    node->p.upload.batches = 1;
    int ret = kpu_map_check(&node->p.upload.map, "output", why);
    return ret == KPU_OK ? KPU_OK : kmodel_node_fail(ld, ret, "%s", why);
}

static int parse_add_padding(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t c = get_u32(p + 12);
    int ret = kmodel_main_range(ld, "input", get_u32(p + 4), c, KPU_U8, &node->in[0]);
    return ret == KPU_OK ? parse_ram_map(ld, node, get_u32(p + 8), 4, 4, c) : ret;
}

static int parse_remove_padding(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t c = get_u32(p + 12);
    int ret = kmodel_main_range(ld, "input", get_u32(p + 4), (uint64_t)c * 16, KPU_U8, &node->in[0]);
    if (ret == KPU_OK) {
        ret = kmodel_main_range(ld, "output", get_u32(p + 8), c, KPU_U8, &node->out);
    }
    node->c = c;
    node->h = node->w = 1;
    return ret;
}

static int parse_upload(const kmodel_loader_t *ld, const uint8_t *p, kpu_node_t *node) {
    uint32_t w = get_u32(p + 12), h = get_u32(p + 16), c = get_u32(p + 20);
    int ret = kmodel_main_range(ld, "input", get_u32(p + 4), kmodel_elements(w, h, c), KPU_U8, &node->in[0]);
    return ret == KPU_OK ? parse_ram_map(ld, node, get_u32(p + 8), w, h, c) : ret;
}

typedef struct {
    uint16_t code;
    uint8_t op;
    uint16_t min_body;
    const char *name;
    parse_t parse;              // NULL: no runtime ever implemented it
} v3_layer_t;

static const v3_layer_t layer_table[] = {
    { 1, KPU_OP_ADD, 20, "KL_ADD", parse_add },
    { 2, KPU_OP_QUANTIZED_ADD, 56, "KL_QUANTIZED_ADD", parse_quantized_add },
    { 3, 0, 0, "KL_GLOBAL_MAX_POOL2D", NULL },
    { 4, 0, 0, "KL_QUANTIZED_GLOBAL_MAX_POOL2D", NULL },
    { 5, KPU_OP_GLOBAL_AVERAGE, 20, "KL_GLOBAL_AVERAGE_POOL2D", parse_global_average },
    { 6, 0, 0, "KL_QUANTIZED_GLOBAL_AVERAGE_POOL2D", NULL },
    { 7, 0, 0, "KL_MAX_POOL2D", NULL },
    { 8, KPU_OP_QUANTIZED_MAX_POOL, 60, "KL_QUANTIZED_MAX_POOL2D", parse_quantized_max_pool },
    { 9, KPU_OP_AVERAGE_POOL, 64, "KL_AVERAGE_POOL2D", parse_average_pool },
    { 10, 0, 0, "KL_QUANTIZED_AVERAGE_POOL2D", NULL },
    { 11, KPU_OP_QUANTIZE, 24, "KL_QUANTIZE", parse_quantize },
    { 12, KPU_OP_DEQUANTIZE, 24, "KL_DEQUANTIZE", parse_dequantize },
    { 13, KPU_OP_TABLE, 272, "KL_REQUANTIZE", parse_requantize },
    { 14, KPU_OP_L2_NORM, 16, "KL_L2_NORMALIZATION", parse_float_unary },
    { 15, KPU_OP_SOFTMAX, 16, "KL_SOFTMAX", parse_float_unary },
    { 16, KPU_OP_CONCAT, 12, "KL_CONCAT", parse_concat },
    { 17, KPU_OP_CONCAT, 12, "KL_QUANTIZED_CONCAT", parse_concat },
    { 18, KPU_OP_FULLY_CONNECTED, 24, "KL_FULLY_CONNECTED", parse_fully_connected },
    { 19, 0, 0, "KL_QUANTIZED_FULLY_CONNECTED", NULL },
    { 20, KPU_OP_FLATTEN, 24, "KL_TENSORFLOW_FLATTEN", parse_flatten },
    { 21, 0, 0, "KL_QUANTIZED_TENSORFLOW_FLATTEN", NULL },
    { 22, KPU_OP_RESIZE_NEAREST, 36, "KL_RESIZE_NEAREST_NEIGHBOR", parse_resize_f32 },
    { 23, KPU_OP_RESIZE_NEAREST, 36, "KL_QUANTIZED_RESIZE_NEAREST_NEIGHBOR", parse_resize_u8 },
    { 24, KPU_OP_CHANNELWISE_DEQUANTIZE, 20, "KL_CHANNELWISE_DEQUANTIZE", parse_channelwise },
    { 25, KPU_OP_LOGISTIC, 16, "KL_LOGISTIC", parse_float_unary },
    { 10240, KPU_OP_CONV, 24, "KL_K210_CONV", parse_conv },
    { 10241, KPU_OP_ADD_PADDING, 16, "KL_K210_ADD_PADDING", parse_add_padding },
    { 10242, KPU_OP_REMOVE_PADDING, 16, "KL_K210_REMOVE_PADDING", parse_remove_padding },
    { 10243, KPU_OP_UPLOAD, 24, "KL_K210_UPLOAD", parse_upload },
};

static const v3_layer_t *find_layer(uint32_t code) {
    for (size_t i = 0; i < sizeof(layer_table) / sizeof(layer_table[0]); ++i) {
        if (layer_table[i].code == code) {
            return &layer_table[i];
        }
    }
    return NULL;
}

// ---- whole file ------------------------------------------------------------------------------

// v3 stores no shapes: elementwise layers have the one of the layer that feeds them.
static void infer_shape(const kpu_net_t *net, uint32_t index) {
    switch (net->nodes[index].op) {
        case KPU_OP_ADD:
        case KPU_OP_QUANTIZED_ADD:
        case KPU_OP_QUANTIZE:
        case KPU_OP_DEQUANTIZE:
        case KPU_OP_TABLE:
        case KPU_OP_CHANNELWISE_DEQUANTIZE:
        case KPU_OP_LOGISTIC:
        case KPU_OP_SOFTMAX:
        case KPU_OP_L2_NORM:
            kmodel_inherit_shape(net, index, true);
            break;
        default:
            kmodel_inherit_shape(net, index, false);
            break;
    }
}

// A concat of floats is a concat of bytes to the file; the type is that of its first input.
static void infer_dtype(const kpu_net_t *net, uint32_t index) {
    kpu_node_t *node = &net->nodes[index];
    if (node->op == KPU_OP_CONCAT && node->out.off % 4 == 0 && node->out.size % 4 == 0) {
        const kpu_node_t *from = kmodel_last_writer(net, get_u32(kpu_model_at(net, node->p.concat.list)), index);
        if (from) {
            node->out.dtype = from->out.dtype;
        }
    }
}

static int make_input(kpu_net_t *net, char *err) {
    const kpu_node_t *first = &net->nodes[0];
    net->n_inputs = 1;
    net->inputs = kmodel_alloc(net, 1, sizeof(kpu_tensor_t), "inputs", err);
    if (net->inputs == NULL) {
        return KPU_ERR_NO_MEM;
    }
    kpu_tensor_t *in = &net->inputs[0];
    if (first->op == KPU_OP_CONV) {
        in->map = first->p.conv.in;
        in->c = in->map.c;
        in->h = in->map.h;
        in->w = in->map.w;
        in->mem = (kpu_range_t) {
            .space = KPU_MEM_RAM, .dtype = KPU_U8, .off = in->map.line * KPU_RAM_LINE, .size = in->c * in->h * in->w,
        };
        return KPU_OK;
    }
    if (first->op == KPU_OP_CONCAT) {
        return kpu_fail(err, KPU_ERR_FIRST_LAYER, "the first layer is %s, it has no single input", first->name);
    }
    in->mem = first->in[0];
    if (first->op == KPU_OP_UPLOAD) {
        in->c = first->p.upload.map.c;
        in->h = first->p.upload.map.h;
        in->w = first->p.upload.map.w;
    } else {
        in->c = in->mem.size / (in->mem.dtype == KPU_F32 ? 4 : 1);
        in->h = in->w = 1;
    }
    return KPU_OK;
}

static int make_outputs(kpu_net_t *net, const uint8_t *descriptors, char *err) {
    net->outputs = kmodel_alloc(net, net->n_outputs, sizeof(kpu_tensor_t), "outputs", err);
    if (net->outputs == NULL) {
        return KPU_ERR_NO_MEM;
    }
    for (uint32_t i = 0; i < net->n_outputs; ++i) {
        kpu_tensor_t *out = &net->outputs[i];
        uint32_t off = get_u32(descriptors + i * ENTRY_SIZE);
        uint32_t size = get_u32(descriptors + i * ENTRY_SIZE + 4);
        const kpu_node_t *from = kmodel_last_writer(net, off, net->n_nodes);
        if (from == NULL) {
            return kpu_fail(err, KPU_ERR_FORMAT, "output %u at %u of the working buffer is written by no layer",
                (unsigned)i, (unsigned)off);
        }
        // The compiler writes 4 bytes per element also for a u8 output.
        if (from->out.dtype == KPU_U8) {
            size = from->out.off == off && size / 4 == from->out.size ? from->out.size : size / 4;
        }
        if (size == 0 || size > net->main_size || off > net->main_size - size
            || (from->out.dtype == KPU_F32 && (off % 4 || size % 4))) {
            return kpu_fail(err, KPU_ERR_FORMAT, "output %u has %u bytes at %u, the working buffer only %u",
                (unsigned)i, (unsigned)size, (unsigned)off, (unsigned)net->main_size);
        }
        out->mem = (kpu_range_t) { .space = KPU_MEM_MAIN, .dtype = from->out.dtype, .off = off, .size = size };
        uint32_t count = size / (from->out.dtype == KPU_F32 ? 4 : 1);
        if (from->out.off == off && (uint64_t)from->c * from->h * from->w == count) {
            out->c = from->c;
            out->h = from->h;
            out->w = from->w;
        } else {
            out->c = count;
            out->h = out->w = 1;
        }
    }
    return KPU_OK;
}

static int parse_layer(kmodel_loader_t *ld, uint32_t code, uint64_t body, uint32_t body_size) {
    kpu_node_t *node = &ld->net->nodes[ld->index];
    const v3_layer_t *layer = find_layer(code);
    ld->name = layer ? layer->name : "unknown type";
    if (layer == NULL) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "layer type %u does not exist", (unsigned)code);
    }
    if (layer->parse == NULL) {
        return kmodel_node_fail(ld, KPU_ERR_NOT_IMPLEMENTED, "no runtime implements this layer type (%u)", (unsigned)code);
    }
    if (body_size < layer->min_body) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "layer_header.body_size is %u, this type needs %u",
            (unsigned)body_size, layer->min_body);
    }
    int ret = kmodel_file_range(ld, "parameters", body, layer->min_body, 4);
    if (ret != KPU_OK) {
        return ret;
    }
    node->op = layer->op;
    node->code = code;
    node->name = layer->name;
    node->body = (uint32_t)body;
    node->body_size = body_size;
    ret = layer->parse(ld, kmodel_at(ld, node->body), node);
    if (ret == KPU_OK) {
        infer_dtype(ld->net, ld->index);
        infer_shape(ld->net, ld->index);
    }
    return ret;
}

int kmodel_v3_open(kpu_net_t *net, char *err) {
    const uint8_t *data = net->image; // the headers are always in memory
    uint32_t size = net->size;
    if (size < HEADER_SIZE) {
        return kpu_fail(err, KPU_ERR_FORMAT, "file has %u bytes, the header has %u", (unsigned)size, HEADER_SIZE);
    }
    v3_header_t h;
    int ret = read_header(data, &h, err);
    if (ret != KPU_OK) {
        return ret;
    }
    uint32_t body = 0;
    ret = header_lists_end(&h, size, &body, err);
    if (ret != KPU_OK) {
        return ret;
    }
    if (!kpu_model_has(net, 0, body)) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the headers are among the weights of a layer, which are streamed");
    }
    net->version = 3;
    net->eight_bit = h.flags & 1;
    net->first_line = h.first_line;
    net->main_size = h.main_size;
    net->n_nodes = h.layers;
    net->n_outputs = h.outputs;
    net->nodes = kmodel_alloc(net, h.layers, sizeof(kpu_node_t), "layers", err);
    if (net->nodes == NULL) {
        return KPU_ERR_NO_MEM;
    }
    kmodel_loader_t ld = { .net = net, .size = size, .name = "", .err = err };
    uint64_t end = body;
    const uint8_t *header = data + HEADER_SIZE + ENTRY_SIZE * h.outputs;
    for (uint32_t i = 0; i < h.layers; ++i, header += ENTRY_SIZE) {
        ld.index = i;
        uint32_t body_size = get_u32(header + 4);
        ret = parse_layer(&ld, get_u32(header), end, body_size);
        if (ret != KPU_OK) {
            return ret;
        }
        end += body_size;
        if (end > (uint64_t)size + KMODEL_MISSING_TAIL) {
            return kmodel_node_fail(&ld, KPU_ERR_FORMAT, "body ends at %lu, file has %u bytes",
                (unsigned long)end, (unsigned)size);
        }
    }
    ret = make_input(net, err);
    return ret == KPU_OK ? make_outputs(net, data + HEADER_SIZE, err) : ret;
}
