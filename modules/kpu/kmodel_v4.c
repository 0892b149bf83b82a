// SPDX-License-Identifier: MIT
//
// Loader for kmodel v4 (nncase 0.2): header, inputs with shapes, outputs, constants, node headers,
// node bodies.

#include "kmodel_internal.h"
#include "kpu_layer.h"

#define HEADER_SIZE 40
#define RANGE_SIZE 16
#define NODE_HEADER_SIZE 8

typedef struct {
    uint32_t target, constants, main_size, nodes, inputs, outputs;
    uint32_t const_off, node_off, body_off; // file offsets
} v4_header_t;

static int read_header(const uint8_t *p, uint32_t limit, v4_header_t *h, char *err) {
    *h = (v4_header_t) {
        .target = get_u32(p + 12), .constants = get_u32(p + 16), .main_size = get_u32(p + 20),
        .nodes = get_u32(p + 24), .inputs = get_u32(p + 28), .outputs = get_u32(p + 32),
    };
    if (h->target > 1) {
        return kpu_fail(err, KPU_ERR_FORMAT, "kmodel v4 for target %u, must be 0 (CPU) or 1 (K210)", (unsigned)h->target);
    }
    if (h->nodes == 0 || h->inputs == 0 || h->outputs == 0) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the header says %u nodes, %u inputs, %u outputs",
            (unsigned)h->nodes, (unsigned)h->inputs, (unsigned)h->outputs);
    }
    uint64_t const_off = HEADER_SIZE + RANGE_SIZE * (2 * (uint64_t)h->inputs + h->outputs);
    uint64_t node_off = const_off + h->constants;
    uint64_t body_off = node_off + NODE_HEADER_SIZE * (uint64_t)h->nodes;
    if (body_off > limit) {
        return kpu_fail(err, KPU_ERR_FORMAT,
            "headers of %u inputs, %u outputs, %u nodes and %u bytes of constants end at %lu, there are only %u",
            (unsigned)h->inputs, (unsigned)h->outputs, (unsigned)h->nodes, (unsigned)h->constants,
            (unsigned long)body_off, (unsigned)limit);
    }
    h->const_off = (uint32_t)const_off;
    h->node_off = (uint32_t)node_off;
    h->body_off = (uint32_t)body_off;
    return KPU_OK;
}

int kmodel_v4_measure(const kmodel_source_t *src, uint32_t *size) {
    uint8_t buf[256];
    int ret = kmodel_source_get(src, 0, buf, HEADER_SIZE, "header");
    v4_header_t h;
    if (ret == KPU_OK) {
        ret = read_header(buf, src->limit, &h, src->err);
    }
    if (ret != KPU_OK) {
        return ret;
    }
    uint64_t total = h.body_off;
    for (uint32_t i = 0; i < h.nodes;) {
        uint32_t n = h.nodes - i;
        if (n > sizeof(buf) / NODE_HEADER_SIZE) {
            n = sizeof(buf) / NODE_HEADER_SIZE;
        }
        ret = kmodel_source_get(src, h.node_off + i * NODE_HEADER_SIZE, buf, n * NODE_HEADER_SIZE, "node headers");
        if (ret != KPU_OK) {
            return ret;
        }
        for (uint32_t k = 0; k < n; ++k, ++i) {
            total += get_u32(buf + k * NODE_HEADER_SIZE + 4);
            if (total > (uint64_t)src->limit + KMODEL_MISSING_TAIL) {
                return kpu_fail(src->err, KPU_ERR_FORMAT, "node %u ends at %lu, there are only %u bytes",
                    (unsigned)i, (unsigned long)total, (unsigned)src->limit);
            }
        }
    }
    *size = total < src->limit ? (uint32_t)total : src->limit;
    return KPU_OK;
}

// ---- inputs and outputs ----------------------------------------------------------------------

static int make_input(kpu_net_t *net, uint32_t i, const uint8_t *range, const uint8_t *shape, char *err) {
    kpu_tensor_t *in = &net->inputs[i];
    uint32_t memory = get_u32(range), dtype = get_u32(range + 4), start = get_u32(range + 8);
    uint32_t n = get_u32(shape), c = get_u32(shape + 4), h = get_u32(shape + 8), w = get_u32(shape + 12);
    uint32_t count = kmodel_elements(kmodel_elements(n, c, 1), h, w);
    if (dtype > 1 || count == 0 || count == UINT32_MAX) {
        return kpu_fail(err, KPU_ERR_FORMAT, "input %u has type %u and shape %u x %u x %u x %u",
            (unsigned)i, (unsigned)dtype, (unsigned)n, (unsigned)c, (unsigned)h, (unsigned)w);
    }
    in->c = c;
    in->h = h;
    in->w = w;
    uint64_t bytes = (uint64_t)count * (dtype == KPU_F32 ? 4 : 1);
    if (memory == KPU_MEM_RAM) {
        if (dtype != KPU_U8 || start % KPU_RAM_LINE || start >= KPU_RAM_BYTES
            || !kpu_map_init(&in->map, start / KPU_RAM_LINE, w, h, c)
            || (uint64_t)start / KPU_RAM_LINE + (uint64_t)n * kpu_map_lines(&in->map) > KPU_RAM_LINES) {
            return kpu_fail(err, KPU_ERR_FORMAT, "input %u (%u x %u x %u x %u at %u) does not fit KPU RAM",
                (unsigned)i, (unsigned)n, (unsigned)c, (unsigned)h, (unsigned)w, (unsigned)start);
        }
    } else if (memory != KPU_MEM_MAIN || bytes > net->main_size || start > net->main_size - bytes
               || (dtype == KPU_F32 && start % 4)) {
        return kpu_fail(err, KPU_ERR_FORMAT, "input %u has %lu bytes at %u of memory %u, the working buffer %u",
            (unsigned)i, (unsigned long)bytes, (unsigned)start, (unsigned)memory, (unsigned)net->main_size);
    }
    in->mem = (kpu_range_t) { .space = memory, .dtype = dtype, .off = start, .size = (uint32_t)bytes };
    return KPU_OK;
}

// Files of v4 do not name the shape of an output; often the layer that writes it does.
static int make_output(kpu_net_t *net, uint32_t i, const uint8_t *range, char *err) {
    kpu_tensor_t *out = &net->outputs[i];
    uint32_t memory = get_u32(range), dtype = get_u32(range + 4), start = get_u32(range + 8), size = get_u32(range + 12);
    if (memory != KPU_MEM_MAIN || dtype > 1 || size == 0 || size > net->main_size || start > net->main_size - size
        || (dtype == KPU_F32 && (start % 4 || size % 4))) {
        return kpu_fail(err, KPU_ERR_FORMAT, "output %u has %u bytes at %u of memory %u, the working buffer %u",
            (unsigned)i, (unsigned)size, (unsigned)start, (unsigned)memory, (unsigned)net->main_size);
    }
    out->mem = (kpu_range_t) { .space = KPU_MEM_MAIN, .dtype = dtype, .off = start, .size = size };
    const kpu_node_t *from = kmodel_last_writer(net, start, net->n_nodes);
    if (from && from->out.off == start
        && (uint64_t)from->c * from->h * from->w == size / (dtype == KPU_F32 ? 4 : 1)) {
        out->c = from->c;
        out->h = from->h;
        out->w = from->w;
    }
    return KPU_OK;
}

static bool keeps_shape(const kpu_node_t *node) {
    switch (node->op) {
        case KPU_OP_QUANTIZE_EVEN:
        case KPU_OP_DEQUANTIZE_ZERO_POINT:
        case KPU_OP_TABLE:
        case KPU_OP_UNARY:
        case KPU_OP_SOFTMAX_AXIS:
        case KPU_OP_NNIL:
            return true;
        default:
            return false;
    }
}

static int parse_nodes(kpu_net_t *net, const v4_header_t *h, char *err) {
    kmodel_loader_t ld = {
        .net = net, .size = net->size, .err = err,
        .const_off = h->const_off, .const_size = h->constants,
    };
    uint64_t body = h->body_off;
    const uint8_t *header = kpu_model_at(net, h->node_off);
    for (uint32_t i = 0; i < h->nodes; ++i, header += NODE_HEADER_SIZE) {
        uint32_t body_size = get_u32(header + 4);
        ld.index = i;
        ld.name = "node";
        if (body > net->size || body + body_size > (uint64_t)net->size + KMODEL_MISSING_TAIL) {
            return kmodel_node_fail(&ld, KPU_ERR_FORMAT, "body ends at %lu, file has %u bytes",
                (unsigned long)(body + body_size), (unsigned)net->size);
        }
        int ret = kmodel_v4_parse_node(&ld, get_u32(header), (uint32_t)body, body_size, &net->nodes[i]);
        if (ret != KPU_OK) {
            return ret;
        }
        kmodel_inherit_shape(net, i, keeps_shape(&net->nodes[i]));
        body += body_size;
    }
    return KPU_OK;
}

int kmodel_v4_open(kpu_net_t *net, char *err) {
    const uint8_t *data = net->image; // the headers are always in memory
    uint32_t size = net->size;
    if (size < HEADER_SIZE) {
        return kpu_fail(err, KPU_ERR_FORMAT, "file has %u bytes, the header has %u", (unsigned)size, HEADER_SIZE);
    }
    v4_header_t h;
    int ret = read_header(data, size, &h, err);
    if (ret != KPU_OK) {
        return ret;
    }
    if (!kpu_model_has(net, 0, h.body_off)) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the headers are among the weights of a layer, which are streamed");
    }
    net->version = 4;
    net->eight_bit = true;
    net->main_size = h.main_size;
    net->n_nodes = h.nodes;
    net->n_inputs = h.inputs;
    net->n_outputs = h.outputs;
    net->nodes = kmodel_alloc(net, h.nodes, sizeof(kpu_node_t), "layers", err);
    if (net->nodes == NULL) {
        return KPU_ERR_NO_MEM;
    }
    net->inputs = kmodel_alloc(net, h.inputs, sizeof(kpu_tensor_t), "inputs", err);
    if (net->inputs == NULL) {
        return KPU_ERR_NO_MEM;
    }
    net->outputs = kmodel_alloc(net, h.outputs, sizeof(kpu_tensor_t), "outputs", err);
    if (net->outputs == NULL) {
        return KPU_ERR_NO_MEM;
    }
    ret = parse_nodes(net, &h, err);
    const uint8_t *ranges = data + HEADER_SIZE, *shapes = ranges + RANGE_SIZE * h.inputs;
    for (uint32_t i = 0; ret == KPU_OK && i < h.inputs; ++i) {
        ret = make_input(net, i, ranges + RANGE_SIZE * i, shapes + RANGE_SIZE * i, err);
    }
    const uint8_t *outputs = shapes + RANGE_SIZE * h.inputs;
    for (uint32_t i = 0; ret == KPU_OK && i < h.outputs; ++i) {
        ret = make_output(net, i, outputs + RANGE_SIZE * i, err);
    }
    return ret;
}
