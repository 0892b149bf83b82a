// SPDX-License-Identifier: MIT
//
// The KPU core behind a flat C interface for ctypes, with a software KPU and counted memory.

#include <stdlib.h>
#include <string.h>

#include "kmodel.h"
#include "kpu_host.h"
#include "kpu_run.h"
#include "kpu_soft.h"
#include "yolo2.h"

typedef struct {
    kpu_net_t net;
    kpu_run_t run;
    kpu_soft_t soft;
    kpu_backend_t backend;
    uint8_t *data;
} host_net_t;

static uint32_t live_blocks;
static size_t memory_limit = 64 << 20;
static int fail_alloc_at;

// Exact sizes, so that a sanitizer sees the first byte past the end.
static void *counted_alloc(void *ctx, size_t size, size_t align, bool device) {
    (void)ctx;
    (void)device;
    void *p = NULL;
    if ((fail_alloc_at && --fail_alloc_at == 0) || size > memory_limit || posix_memalign(&p, align, size) != 0) {
        return NULL;
    }
    memset(p, 0xa5, size);
    live_blocks += 1;
    return p;
}

static void counted_free(void *ctx, void *p) {
    (void)ctx;
    live_blocks -= p != NULL;
    free(p);
}

const kpu_memory_t host_memory = { .alloc = counted_alloc, .free = counted_free };

uint32_t host_live_blocks(void) {
    return live_blocks;
}

void host_limits(size_t bytes, int fail_at) {
    memory_limit = bytes;
    fail_alloc_at = fail_at;
}

typedef struct {
    const uint8_t *data;
    uint32_t size;
    uint32_t reads;
} host_source_t;

static int source_read(void *ctx, uint32_t off, void *dst, uint32_t n) {
    host_source_t *src = ctx;
    if (off > src->size || n > src->size - off) {
        return -1;
    }
    src->reads += 1;
    memcpy(dst, src->data + off, n);
    return 0;
}

int host_measure(const uint8_t *data, uint32_t have, uint32_t limit, uint32_t *size, char *err) {
    host_source_t src = { .data = data, .size = have };
    return kmodel_measure(source_read, &src, limit, size, err);
}

void host_close(host_net_t *h) {
    if (h != NULL) {
        kpu_run_stop(&h->run);
        kmodel_close(&h->net);
        free(h->data);
        free(h);
    }
}

host_net_t *host_open(const uint8_t *file, uint32_t size, int compute, int *status, char *err) {
    host_net_t *h = calloc(1, sizeof(*h));
    if (posix_memalign((void **)&h->data, KPU_MODEL_ALIGN, size ? size : 1) != 0) {
        abort();
    }
    if (size) {
        memcpy(h->data, file, size);
    }
    h->soft.compute = compute;
    h->soft.polls = 2;
    kpu_soft_backend(&h->soft, &h->backend);
    *status = kmodel_open(&h->net, h->data, size, &host_memory, err);
    kpu_run_init(&h->run, &h->net, &h->backend);
    if (*status != KPU_OK) {
        host_close(h);
        return NULL;
    }
    return h;
}

uint32_t host_nodes(const host_net_t *h) {
    return h->net.n_nodes;
}

void host_node(const host_net_t *h, uint32_t i, host_node_t *out) {
    const kpu_node_t *node = &h->net.nodes[i];
    *out = (host_node_t) {
        .code = node->code, .is_conv = node->op == KPU_OP_CONV, .c = node->c, .h = node->h, .w = node->w,
        .result_size = kpu_node_result_size(node), .dtype = node->out.dtype, .name = node->name,
    };
}

uint32_t host_tensors(const host_net_t *h, int outputs) {
    return outputs ? h->net.n_outputs : h->net.n_inputs;
}

void host_tensor(const host_net_t *h, int outputs, uint32_t i, host_tensor_t *out) {
    const kpu_tensor_t *t = outputs ? &h->net.outputs[i] : &h->net.inputs[i];
    *out = (host_tensor_t) { .dtype = t->mem.dtype, .size = t->mem.size, .c = t->c, .h = t->h, .w = t->w };
}

int host_input(host_net_t *h, const void *src, size_t size, char *err) {
    return kpu_run_input(&h->run, 0, src, size, err);
}

int host_run(host_net_t *h, uint32_t end, int go_on, int fail_at, char *err) {
    h->soft.fail_at = fail_at;
    int ret = go_on ? kpu_run_continue(&h->run, end, err) : kpu_run_start(&h->run, end, err);
    while (ret == KPU_OK && h->run.state != KPU_RUN_DONE) {
        ret = kpu_run_step(&h->run, err);
    }
    return ret;
}

int host_result(host_net_t *h, void *dst, size_t size, char *err) {
    return kpu_run_result(&h->run, dst, size, err);
}

int host_output(const host_net_t *h, uint32_t i, void *dst, size_t size) {
    const kpu_tensor_t *t = &h->net.outputs[i];
    if (size != t->mem.size) {
        return -1;
    }
    memcpy(dst, kpu_range_ptr(&h->net, &t->mem), size);
    return 0;
}

int host_yolo2(const float *data, uint32_t w, uint32_t h, uint32_t c, uint32_t net_w, uint32_t net_h,
    float threshold, float nms, const float *anchors, uint32_t n_anchors, yolo2_box_t *boxes, uint32_t max,
    uint32_t *n, char *err) {
    yolo2_params_t params = { .threshold = threshold, .nms = nms, .n_anchors = n_anchors, .anchors = anchors };
    yolo2_box_t *found;
    int ret = yolo2_decode(data, w, h, c, net_w, net_h, &params, &host_memory, &found, n, err);
    if (found != NULL) {
        memcpy(boxes, found, (*n < max ? *n : max) * sizeof(*boxes));
        counted_free(NULL, found);
    }
    return ret;
}
