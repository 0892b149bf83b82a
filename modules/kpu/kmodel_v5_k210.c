// SPDX-License-Identifier: MIT
//
// The functions of the K210 module of a kmodel v5: uploads, KPU layers, downloads.

#include "kmodel_v5.h"
#include "kpu_layer.h"

enum { OP_UPLOAD, OP_DOWNLOAD, OP_CONV2D, OP_COPY };

static const struct {
    const char *name;
    uint32_t size;
} records[] = {
    { "K210_UPLOAD", 44 }, { "K210_DOWNLOAD", 44 }, { "K210_CONV2D", 152 }, { "K210_COPY", 76 },
};

typedef struct {
    v5_state_t *st;
    const v5_module_t *m;
    const v5_function_t *f;
    const v5_arg_t *in, *out;
    uint32_t n_in, n_out;
} call_t;

enum { LOCATE_INPUT, LOCATE_OUTPUT, LOCATE_TABLE };

// Where a 12-byte memory range of the record lies, outside of KPU RAM, with room for `bytes`. A table
// need not be in memory.
static int locate(const call_t *call, const uint8_t *range, const char *what, uint64_t bytes, int use, kpu_range_t *out) {
    bool write = use == LOCATE_OUTPUT, table = use == LOCATE_TABLE;
    const kmodel_loader_t *ld = &call->st->ld;
    uint32_t location = range[0], start = get_u32(range + 4);
    v5_addr_t at = { .space = KPU_MEM_MAIN };
    if (location == V5_LOC_INPUT || location == V5_LOC_OUTPUT) {
        // It names the argument that starts where it starts.
        bool is_in = location == V5_LOC_INPUT;
        uint32_t n = is_in ? call->n_in : call->n_out, i = 0;
        uint32_t ranges = is_in ? call->f->in_ranges : call->f->out_ranges;
        while (i < n && get_u32(kmodel_at(ld, ranges + 12 * i + 4)) != start) {
            ++i;
        }
        if (i == n) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s names no argument", what);
        }
        at = is_in ? call->in[i].addr : call->out[i].addr;
        start = 0;
    } else if (location == V5_LOC_DATA) {
        at.off = call->m->data_off;
        at.end = call->m->data_off + call->m->data_size;
    } else if (location == V5_LOC_RDATA) {
        at = (v5_addr_t) { KPU_MEM_MODEL, call->m->rdata_off, call->m->rdata_off + call->m->rdata_size };
    } else {
        return kmodel_node_fail(ld, KPU_ERR_NOT_IMPLEMENTED, "%s is in memory %u", what, (unsigned)location);
    }
    if (bytes == 0 || bytes > at.end - at.off || start > at.end - at.off - bytes) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has %lu bytes at %u, there are %u", what, (unsigned long)bytes,
            (unsigned)start, (unsigned)(at.end - at.off));
    }
    if (write && at.space != KPU_MEM_MAIN) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s is in the constants", what);
    }
    if (at.space == KPU_MEM_MODEL && !table) {
        int ret = kmodel_file_range(ld, what, at.off + start, bytes, 1);
        if (ret != KPU_OK) {
            return ret;
        }
    }
    *out = (kpu_range_t) { .space = at.space, .dtype = KPU_U8, .off = at.off + start, .size = (uint32_t)bytes };
    return KPU_OK;
}

// Map of the shape at p in KPU RAM, at the place of the range.
static int get_map(const call_t *call, const uint8_t *range, const uint8_t *p, kpu_node_t *node, uint32_t *bytes) {
    const kmodel_loader_t *ld = &call->st->ld;
    uint32_t n = get_u32(p), c = get_u32(p + 4), h = get_u32(p + 8), w = get_u32(p + 12), start = get_u32(range + 4);
    kpu_map_t *map = &node->p.upload.map;
    if (range[0] != V5_LOC_AI || start % KPU_RAM_LINE || start >= KPU_RAM_BYTES || n == 0
        || !kpu_map_init(map, start / KPU_RAM_LINE, w, h, c)
        || map->line + (uint64_t)n * kpu_map_lines(map) > KPU_RAM_LINES) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u maps of %ux%ux%u at %u do not fit KPU RAM", (unsigned)n,
            (unsigned)w, (unsigned)h, (unsigned)c, (unsigned)start);
    }
    node->p.upload.batches = n;
    *bytes = kmodel_elements(n * c, h, w);
    if (n == 1) {
        node->c = c;
        node->h = h;
        node->w = w;
    }
    return KPU_OK;
}

static int conv2d(const call_t *call, const uint8_t *p, kpu_node_t *node) {
    const kmodel_loader_t *ld = &call->st->ld;
    kpu_conv_t *conv = &node->p.conv;
    uint64_t words[12];
    char why[KPU_ERR_LEN];
    memcpy(words, p + 56, sizeof(words));
    int ret = kpu_conv_decode(words, true, conv, why);
    if (ret != KPU_OK) {
        return kmodel_node_fail(ld, ret, "%s", why);
    }
    conv->batches = get_u32(p + 52);
    if (conv->batches == 0 || conv->batches > KPU_RAM_LINES
        || conv->in.line + (uint64_t)conv->batches * kpu_map_lines(&conv->in) > KPU_RAM_LINES
        || conv->out.line + (uint64_t)conv->batches * kpu_map_lines(&conv->out) > KPU_RAM_LINES) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%u batches do not fit KPU RAM", (unsigned)conv->batches);
    }
    const struct {
        const char *what;
        uint32_t at, size, align;
        uint32_t *off;
    } tables[] = {
        { "weights", 4, conv->weights_size, 8, &conv->weights },
        { "BN table", 16, conv->out.c * KPU_BN_ENTRY_SIZE, 8, &conv->bn },
        { "activation table", 28, KPU_ACT_TABLE_SIZE, KPU_MODEL_ALIGN, &conv->act },
    };
    for (unsigned i = 0; i < 3; ++i) {
        kpu_range_t r;
        if (p[tables[i].at] != V5_LOC_RDATA) {
            return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s are in memory %u", tables[i].what, p[tables[i].at]);
        }
        ret = locate(call, p + tables[i].at, tables[i].what, tables[i].size, LOCATE_TABLE, &r);
        if (ret == KPU_OK) {
            ret = i == 0 ? kmodel_weights_range(ld, r.off, r.size)
                : kmodel_file_range(ld, tables[i].what, r.off, r.size, tables[i].align);
        }
        if (ret != KPU_OK) {
            return ret;
        }
        *tables[i].off = r.off;
    }
    uint32_t shape = conv->out.c;
    node->c = conv->batches == 1 ? shape : 0;
    node->h = conv->out.h;
    node->w = conv->out.w;
    conv->to_main = get_u32(p + 48) != 0;
    if (conv->to_main) {
        return locate(call, p + 40, "output", kmodel_elements(conv->batches * conv->out.c, conv->out.h, conv->out.w), LOCATE_OUTPUT,
            &node->out);
    }
    return KPU_OK;
}

// Copies between two places of the working buffer with strides of their own.
static int copy(const call_t *call, const uint8_t *p, kpu_node_t *node) {
    kpu_view_t *in = &node->p.copy.in, *out = &node->p.copy.out;
    uint64_t last_in = 0, last_out = 0;
    for (unsigned i = 0; i < 4; ++i) {
        uint32_t n = get_u32(p + 28 + 4 * i), si = get_u32(p + 44 + 4 * i), so = get_u32(p + 60 + 4 * i);
        if (n == 0 || n > INT32_MAX || si > INT32_MAX || so > INT32_MAX) {
            return kmodel_node_fail(&call->st->ld, KPU_ERR_FORMAT, "dimension %u has size %u", i, (unsigned)n);
        }
        in->shape[i] = out->shape[i] = n;
        in->stride[i] = (int32_t)si;
        out->stride[i] = (int32_t)so;
        last_in += (uint64_t)(n - 1) * si;
        last_out += (uint64_t)(n - 1) * so;
        if (last_in > INT32_MAX || last_out > INT32_MAX) {
            last_in = last_out = INT32_MAX;
            break;
        }
    }
    int ret = locate(call, p + 4, "input", last_in + 1, LOCATE_INPUT, &node->in[0]);
    return ret == KPU_OK ? locate(call, p + 16, "output", last_out + 1, LOCATE_OUTPUT, &node->out) : ret;
}

static int record(const call_t *call, uint8_t op, const uint8_t *p, uint32_t off) {
    static const uint8_t ops[] = { KPU_OP_UPLOAD, KPU_OP_DOWNLOAD, KPU_OP_CONV, KPU_OP_COPY };
    kpu_node_t *node = kmodel_v5_emit(call->st, ops[op], op, records[op].name);
    node->body = off;
    node->body_size = records[op].size;
    uint32_t bytes = 0;
    int ret;
    switch (op) {
        case OP_UPLOAD:
            ret = get_map(call, p + 16, p + 28, node, &bytes);
            return ret == KPU_OK ? locate(call, p + 4, "input", bytes, LOCATE_INPUT, &node->in[0]) : ret;
        case OP_DOWNLOAD:
            ret = get_map(call, p + 4, p + 28, node, &bytes);
            return ret == KPU_OK ? locate(call, p + 16, "output", bytes, LOCATE_OUTPUT, &node->out) : ret;
        case OP_CONV2D:
            return conv2d(call, p, node);
        default:
            return copy(call, p, node);
    }
}

int kmodel_v5_k210(v5_state_t *st, uint32_t module, uint32_t function, const v5_arg_t *in, uint32_t n_in,
    const v5_arg_t *out, uint32_t n_out) {
    v5_function_t f;
    int ret = kmodel_v5_function(st, module, function, &f);
    if (ret != KPU_OK) {
        return ret;
    }
    if (!st->modules[module].is_k210 || n_in != f.n_in || n_out != f.n_out) {
        return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "function %u of module %u is called with %u inputs and %u outputs",
            (unsigned)function, (unsigned)module, (unsigned)n_in, (unsigned)n_out);
    }
    call_t call = {
        .st = st, .m = &st->modules[module], .f = &f, .in = in, .out = out, .n_in = n_in, .n_out = n_out,
    };
    for (uint32_t at = 0; at < f.text_size;) {
        const uint8_t *p = kmodel_at(&st->ld, f.text_off + at);
        if (*p > OP_COPY || records[*p].size > f.text_size - at) {
            return kpu_fail(st->ld.err, KPU_ERR_FORMAT, "K210 function %u: opcode %u at %u of %u", (unsigned)function, *p,
                (unsigned)at, (unsigned)f.text_size);
        }
        ret = record(&call, *p, p, f.text_off + at);
        if (ret != KPU_OK) {
            return ret;
        }
        at += records[*p].size;
    }
    return KPU_OK;
}
