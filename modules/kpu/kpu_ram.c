// SPDX-License-Identifier: MIT

#include "kpu_layer.h"
#include "kpu_ram.h"

typedef struct {
    uint32_t first, end;        // lines
    uint32_t back;              // how far to move towards line 0
} walk_t;

static void visit(walk_t *w, kpu_map_t *map, uint32_t batches) {
    uint32_t end = map->line + batches * kpu_map_lines(map);
    w->first = map->line < w->first ? map->line : w->first;
    w->end = end > w->end ? end : w->end;
    map->line -= w->back;
}

// Every map of the model once.
static void walk(kpu_net_t *net, walk_t *w) {
    for (uint32_t i = 0; i < net->n_nodes; ++i) {
        kpu_node_t *node = &net->nodes[i];
        if (node->op == KPU_OP_CONV) {
            visit(w, &node->p.conv.in, node->p.conv.batches);
            visit(w, &node->p.conv.out, node->p.conv.batches);
        } else if (node->op == KPU_OP_UPLOAD || node->op == KPU_OP_DOWNLOAD || node->op == KPU_OP_ADD_PADDING) {
            visit(w, &node->p.upload.map, node->p.upload.batches);
        }
    }
    for (uint32_t i = 0; i < net->n_inputs; ++i) {
        kpu_tensor_t *in = &net->inputs[i];
        if (in->mem.space == KPU_MEM_RAM) {
            visit(w, &in->map, in->mem.size / ((uint32_t)in->map.w * in->map.h * in->map.c));
            in->mem.off = in->map.line * KPU_RAM_LINE;
        }
    }
}

uint32_t kpu_net_ram(const kpu_net_t *net, uint32_t *start) {
    walk_t w = { .first = KPU_RAM_LINES };
    walk((kpu_net_t *)net, &w);
    *start = w.end ? w.first * KPU_RAM_LINE : 0;
    return w.end ? (w.end - w.first) * KPU_RAM_LINE : 0;
}

void kpu_net_move(kpu_net_t *net, uint32_t to) {
    uint32_t start;
    if (kpu_net_ram(net, &start)) {
        // Unsigned arithmetic also moves upwards.
        walk_t w = { .first = KPU_RAM_LINES, .back = (start - to) / KPU_RAM_LINE };
        if (start < to) {
            w.back = 0 - (to - start) / KPU_RAM_LINE;
        }
        walk(net, &w);
    }
}
