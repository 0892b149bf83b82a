// SPDX-License-Identifier: MIT
//
// The KPU core behind a flat C interface for ctypes, with a software KPU and counted memory.

#include <stdlib.h>
#include <string.h>

#include "detect.h"
#include "kmodel.h"
#include "kmodel_plan.h"
#include "kpu_host.h"
#include "kpu_run.h"
#include "kpu_soft.h"
#include "yolo2.h"

// Weights that come in as if from flash: only some polls after the start they are all there.
typedef struct {
    const uint8_t *data;
    uint32_t size;
    uint8_t *dst;
    uint32_t off, n, left;
    uint32_t reads;
    int fail_at;                // the n-th start from now fails (0 = never)
} host_weights_t;

typedef struct {
    kpu_net_t net;
    kpu_run_t run;
    kpu_soft_t soft;
    kpu_backend_t backend;
    uint8_t *data;
    uint8_t *file;              // streamed: the whole file, data is its image
    kmodel_plan_t plan;
    kpu_stream_t stream;
    kpu_source_t source;
    host_weights_t weights;
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
        kpu_stream_close(&h->stream);
        kmodel_close(&h->net);
        kmodel_plan_free(&h->plan, &host_memory);
        free(h->file);
        free(h->data);
        free(h);
    }
}

// A second processor that is done at once; it gets half of every layer that can be cut.
static uint32_t shared;

static bool helper_start(void (*fn)(void *arg), void *arg) {
    shared += 1;
    fn(arg);
    return true;
}

static bool helper_wait(void) {
    return true;
}

uint32_t host_shared(void) {
    return shared;
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
    h->backend.helper = (kpu_helper_t) { .start = helper_start, .wait = helper_wait };
    *status = kmodel_open(&h->net, h->data, size, &host_memory, err);
    kpu_run_init(&h->run, &h->net, &h->backend, NULL);
    if (*status != KPU_OK) {
        host_close(h);
        return NULL;
    }
    return h;
}

static int weights_start(void *ctx, uint32_t off, uint8_t *dst, uint32_t n) {
    host_weights_t *w = ctx;
    if ((w->fail_at && --w->fail_at == 0) || w->left || n > w->size || off > w->size - n || (uintptr_t)dst % 64) {
        return -5;
    }
    *w = (host_weights_t) { w->data, w->size, dst, off, n, 3, w->reads + 1, w->fail_at };
    memset(dst, 0xee, n);
    return 0;
}

static int weights_poll(void *ctx) {
    host_weights_t *w = ctx;
    if (w->left && --w->left == 0) {
        memcpy(w->dst, w->data + w->off, w->n);
    }
    return w->left == 0;
}

static void weights_stop(void *ctx) {
    ((host_weights_t *)ctx)->left = 0;
}

static const char *weights_name(void *ctx) {
    (void)ctx;
    return "the weights";
}

// The same with as few weights in memory as possible; budget = bytes that the image may have.
host_net_t *host_open_streamed(const uint8_t *file, uint32_t size, int compute, uint32_t slots, uint32_t slot_size,
    uint32_t budget, int *status, char *err) {
    host_net_t *h = calloc(1, sizeof(*h));
    h->file = malloc(size ? size : 1);
    memcpy(h->file, file, size);
    h->soft.compute = compute;
    h->soft.polls = 2;
    h->weights.data = h->file;
    h->weights.size = size;
    h->source = (kpu_source_t) {
        .start = weights_start, .poll = weights_poll, .stop = weights_stop, .waiting_for = weights_name, .ctx = &h->weights,
    };
    kpu_soft_backend(&h->soft, &h->backend);
    host_source_t src = { .data = h->file, .size = size };
    *status = kmodel_plan(source_read, &src, size, &host_memory, &h->plan, err);
    if (*status == KPU_OK) {
        kmodel_plan_fill(&h->plan, budget);
        // Exactly as large as the image, so that a sanitizer sees an access to what is not there.
        if (posix_memalign((void **)&h->data, KPU_MODEL_ALIGN, h->plan.image_size ? h->plan.image_size : 1) != 0
            || kmodel_plan_load(&h->plan, source_read, &src, size, h->data) != 0) {
            abort();
        }
        *status = kmodel_open_image(&h->net, h->data, size, h->plan.gaps, h->plan.n_gaps, &host_memory, err);
    }
    if (*status == KPU_OK) {
        *status = kpu_stream_init(&h->stream, &h->net, &h->source, slots, slot_size, err);
    }
    kpu_run_init(&h->run, &h->net, &h->backend, &h->stream);
    if (*status != KPU_OK) {
        host_close(h);
        return NULL;
    }
    return h;
}

// 0 bytes of the file that are streamed, 1 gaps, 2 reads so far, 3 size of a buffer
uint32_t host_streamed(const host_net_t *h, int what) {
    uint32_t figures[] = { h->stream.total, h->plan.n_gaps, h->weights.reads, h->stream.slot_size };
    return figures[what];
}

void host_fail_read(host_net_t *h, int fail_at) {
    h->weights.fail_at = fail_at;
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

int host_input(host_net_t *h, uint32_t i, const void *src, size_t size, char *err) {
    return kpu_run_input(&h->run, i, src, size, err);
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

// For the fuzzer: plans, opens and runs a file as a streamed model; only memory is touched. False when
// it could not be opened.
bool host_fuzz_streamed(const uint8_t *file, uint32_t size, char *err) {
    host_source_t src = { .data = file, .size = size };
    kmodel_plan_t plan;
    int ret = kmodel_plan(source_read, &src, size, &host_memory, &plan, err);
    uint32_t gaps = plan.n_gaps;
    kmodel_plan_free(&plan, &host_memory);
    if (ret != KPU_OK || gaps == 0) {
        return false;
    }
    int status;
    host_net_t *h = host_open_streamed(file, size, 0, 2, 4096, size / 4, &status, err);
    if (h == NULL) {
        return false;
    }
    bool ok = true;
    for (uint32_t i = 0; i < h->net.n_inputs && ok; ++i) {
        void *zeros = calloc(1, h->net.inputs[i].mem.size);
        ok = kpu_run_input(&h->run, i, zeros, h->net.inputs[i].mem.size, err) == KPU_OK;
        free(zeros);
    }
    if (ok) {
        host_run(h, h->net.n_nodes, 0, 0, err);
    }
    host_close(h);
    return true;
}

// ---- detectors -------------------------------------------------------------------------------

static int give_boxes(int ret, detect_list_t *list, float nms, uint32_t most, detect_box_t *boxes, uint32_t max, uint32_t *n) {
    if (ret == KPU_OK) {
        detect_finish(list, nms, most);
        *n = list->n < max ? list->n : max;
        if (*n) {
            memcpy(boxes, list->boxes, *n * sizeof(*boxes));
        }
    }
    detect_free(list);
    return ret;
}

int host_detect_yolo(const float *data, uint32_t w, uint32_t h, uint32_t anchors, uint32_t classes, int last, const float *sizes,
    float unit_w, float unit_h, int softmax, float threshold, float nms, uint32_t most, detect_box_t *boxes, uint32_t max,
    uint32_t *n, char *err) {
    detect_list_t list = { .mem = &host_memory, .threshold = threshold };
    detect_yolo_t yolo = {
        .data = data, .grid_w = w, .grid_h = h, .anchors = anchors, .classes = classes, .entries_last = last,
        .sizes = sizes, .unit_w = unit_w, .unit_h = unit_h, .softmax = softmax,
    };
    return give_boxes(detect_yolo(&list, &yolo, err), &list, nms, most, boxes, max, n);
}

int host_detect_yolox(const float *data, uint32_t classes, uint32_t net_w, uint32_t net_h, const uint32_t *strides,
    uint32_t n_strides, float threshold, float nms, uint32_t most, detect_box_t *boxes, uint32_t max, uint32_t *n, char *err) {
    detect_list_t list = { .mem = &host_memory, .threshold = threshold };
    int ret = detect_yolox(&list, data, classes, net_w, net_h, strides, n_strides, err);
    return give_boxes(ret, &list, nms, most, boxes, max, n);
}

int host_detect_ssd(const float *scores, uint32_t classes, const float *offsets, const float *priors, uint32_t count,
    float centre, float size, float threshold, float nms, uint32_t most, detect_box_t *boxes, uint32_t max, uint32_t *n,
    char *err) {
    detect_list_t list = { .mem = &host_memory, .threshold = threshold };
    int ret = detect_ssd(&list, scores, classes, offsets, priors, count, centre, size, err);
    return give_boxes(ret, &list, nms, most, boxes, max, n);
}
