// SPDX-License-Identifier: MIT

#include <errno.h>
#include <string.h>

#include "kpu_layer.h"
#include "kpu_ops.h"
#include "kpu_run.h"
#include "kpu_share.h"

// channel_byte_num of layer word 11 has 16 bits.
#define MAX_SENT_PIXELS 65536

void kpu_run_init(kpu_run_t *run, kpu_net_t *net, const kpu_backend_t *backend, kpu_stream_t *stream) {
    *run = (kpu_run_t) { .net = net, .backend = backend, .stream = stream };
}

static int backend_fail(const kpu_run_t *run, const char *what, int ret, char *err) {
    const kpu_node_t *node = &run->net->nodes[run->pos];
    const kpu_backend_t *backend = run->backend;
    if (backend->waiting_for != NULL && ret == -ETIMEDOUT) {
        return kpu_fail(err, KPU_ERR_RUN, "layer %u (%s): timed out waiting for %s", (unsigned)run->pos, node->name,
            backend->waiting_for(backend->ctx));
    }
    if (backend->waiting_for != NULL) {
        return kpu_fail(err, KPU_ERR_RUN, "layer %u (%s): %s failed waiting for %s (%d)", (unsigned)run->pos,
            node->name, what, backend->waiting_for(backend->ctx), ret);
    }
    return kpu_fail(err, KPU_ERR_RUN, "layer %u (%s): %s failed (%d)", (unsigned)run->pos, node->name, what, ret);
}

static int source_fail(const kpu_run_t *run, int ret, char *err) {
    const kpu_source_t *source = run->stream->source;
    return kpu_fail(err, KPU_ERR_RUN, ret == -ETIMEDOUT ? "layer %u (%s): timed out waiting for %s, %u bytes at %u"
        : "layer %u (%s): %s failed, %u bytes at %u (%d)", (unsigned)run->pos, run->net->nodes[run->pos].name,
        source->waiting_for(source->ctx), (unsigned)run->chunk.bytes, (unsigned)run->chunk.off, ret);
}

static uint32_t map_bytes(const kpu_map_t *map) {
    return (uint32_t)map->w * map->h * map->c;
}

// The maps of batch n follow those of batch 0.
static kpu_map_t batch_map(const kpu_map_t *map, uint32_t n) {
    kpu_map_t moved = *map;
    moved.line += n * kpu_map_lines(map);
    return moved;
}

int kpu_run_input(kpu_run_t *run, uint32_t i, const void *src, size_t size, char *err) {
    kpu_net_t *net = run->net;
    if (i >= net->n_inputs) {
        return kpu_fail(err, KPU_ERR_INDEX, "input %u, the model has %u", (unsigned)i, (unsigned)net->n_inputs);
    }
    const kpu_tensor_t *in = &net->inputs[i];
    if (size != in->mem.size) {
        return kpu_fail(err, KPU_ERR_SIZE, "input has %lu bytes, the model wants %u",
            (unsigned long)size, (unsigned)in->mem.size);
    }
    kpu_run_stop(run);
    if (in->mem.space == KPU_MEM_MAIN) {
        memcpy(net->main + in->mem.off, src, size);
        return KPU_OK;
    }
    int ret = 0;
    uint32_t batches = in->mem.size / map_bytes(&in->map);
    for (uint32_t b = 0; b < batches && ret >= 0; ++b) {
        kpu_map_t map = batch_map(&in->map, b);
        ret = kpu_map_write(&map, run->backend, (const uint8_t *)src + (size_t)b * map_bytes(&in->map));
    }
    if (ret < 0) {
        return kpu_fail(err, KPU_ERR_RUN, "writing the input to KPU RAM failed (%d)", ret);
    }
    return KPU_OK;
}

static int check_end(const kpu_run_t *run, uint32_t end, char *err) {
    if (end == 0 || end > run->net->n_nodes) {
        return kpu_fail(err, KPU_ERR_INDEX, "%u layers, the model has %u", (unsigned)end, (unsigned)run->net->n_nodes);
    }
    return KPU_OK;
}

int kpu_run_start(kpu_run_t *run, uint32_t end, char *err) {
    int ret = check_end(run, end, err);
    if (ret == KPU_OK) {
        run->pos = 0;
        run->batch = 0;
        run->chunk = (kpu_chunk_t) { 0 };
        run->end = end;
        run->state = KPU_RUN_NEXT;
    }
    return ret;
}

int kpu_run_continue(kpu_run_t *run, uint32_t end, char *err) {
    int ret = check_end(run, end, err);
    if (ret != KPU_OK) {
        return ret;
    }
    if (run->state != KPU_RUN_DONE || end < run->pos) {
        return kpu_fail(err, KPU_ERR_PARAM, "the run cannot go on to layer %u from here", (unsigned)end);
    }
    run->end = end;
    run->state = run->pos < end ? KPU_RUN_NEXT : KPU_RUN_DONE;
    return KPU_OK;
}

static uint32_t conv_bytes(const kpu_conv_t *conv) {
    return map_bytes(&conv->out);
}

// Whether the result reaches the working buffer by the output stream. It writes 64-bit words, so up
// to 7 bytes after the result get garbage: compilers round buffers up to 8 for that, and so does
// kmodel_open at the end of the working buffer.
static bool conv_is_sent(const kpu_run_t *run, const kpu_node_t *node) {
    const kpu_conv_t *conv = &node->p.conv;
    return conv->to_main && (uint32_t)conv->out.w * conv->out.h <= MAX_SENT_PIXELS && node->out.off % 8 == 0
           && (conv->batches == 1 || conv_bytes(conv) % 8 == 0) && conv_bytes(conv) <= run->backend->max_dest;
}

// The whole layer, or a piece of it whose weights are at `weights`.
static int start_conv(kpu_run_t *run, const kpu_node_t *node, const uint8_t *weights) {
    const kpu_conv_t *conv = &node->p.conv;
    const kpu_net_t *net = run->net;
    uint64_t words[12];
    memcpy(words, conv->words, sizeof(words));
    words[1] = batch_map(&conv->in, run->batch).line | (uint64_t)batch_map(&conv->out, run->batch).line << 32;
    uint8_t *dest = NULL;
    uint32_t bytes = conv_bytes(conv), pixels = (uint32_t)conv->out.w * conv->out.h;
    const uint8_t *bn = kpu_model_at(net, conv->bn), *act = kpu_model_at(net, conv->act);
    if (conv_is_sent(run, node)) {
        dest = kpu_range_ptr(net, &node->out) + (size_t)run->batch * bytes;
        kpu_conv_send_words(conv, words);
    }
    if (run->chunk.channels) {
        kpu_stream_words(node, &run->chunk, words);
        dest = dest ? dest + (size_t)run->chunk.channel * pixels : NULL;
        bytes = run->chunk.channels * pixels;
        bn += run->chunk.channel * KPU_BN_ENTRY_SIZE;
    }
    return run->backend->start(run->backend->ctx, words, weights, bn, act, net->eight_bit, dest, bytes);
}

// Whether the piece that has run was the last one of its layer.
static bool last_chunk(const kpu_run_t *run, const kpu_node_t *node) {
    return run->chunk.channels == 0 || run->chunk.channel + run->chunk.channels >= node->p.conv.out.c;
}

// A result that the output stream cannot carry is copied out of KPU RAM.
static int finish_conv(kpu_run_t *run, const kpu_node_t *node) {
    const kpu_conv_t *conv = &node->p.conv;
    if (!conv->to_main || conv_is_sent(run, node) || !last_chunk(run, node)) {
        return 0;
    }
    kpu_map_t out = batch_map(&conv->out, run->batch);
    return kpu_map_read(&out, run->backend, kpu_range_ptr(run->net, &node->out) + (size_t)run->batch * conv_bytes(conv));
}

// Pixel (0, 0) of a 4x4 map per channel; the others are don't-care.
static int add_padding(kpu_run_t *run, const kpu_node_t *node) {
    const uint8_t *src = kpu_range_ptr(run->net, &node->in[0]);
    const kpu_map_t *map = &node->p.upload.map;
    int ret = 0;
    for (uint32_t c = 0; c < map->c && ret >= 0; ++c) {
        uint32_t off = (map->line + c / 4 * map->channel_lines) * KPU_RAM_LINE + c % 4 * (KPU_RAM_LINE / 4);
        ret = run->backend->write(run->backend->ctx, off, src + c, 1);
    }
    return ret;
}

static int read_maps(const kpu_run_t *run, const kpu_map_t *first, uint32_t batches, uint8_t *dst) {
    int ret = 0;
    for (uint32_t i = 0; i < batches && ret >= 0; ++i, dst += map_bytes(first)) {
        kpu_map_t map = batch_map(first, i);
        ret = kpu_map_read(&map, run->backend, dst);
    }
    return ret;
}

static int upload(const kpu_run_t *run, const kpu_node_t *node) {
    const uint8_t *src = kpu_range_ptr(run->net, &node->in[0]);
    uint32_t bytes = map_bytes(&node->p.upload.map);
    int ret = 0;
    for (uint32_t i = 0; i < node->p.upload.batches && ret >= 0; ++i, src += bytes) {
        kpu_map_t map = batch_map(&node->p.upload.map, i);
        ret = kpu_map_write(&map, run->backend, src);
    }
    return ret;
}

static int download(const kpu_run_t *run, const kpu_node_t *node) {
    return read_maps(run, &node->p.upload.map, node->p.upload.batches, kpu_range_ptr(run->net, &node->out));
}

#if KPU_WITH_SHARING
// A layer that another processor may run: it touches memory only.
typedef struct {
    const kpu_run_t *run;
    kpu_node_t node;
    int ret;
} half_t;

static void run_half(void *arg) {
    half_t *half = arg;
    const kpu_node_t *node = &half->node;
    if (node->op == KPU_OP_UPLOAD) {
        half->ret = upload(half->run, node);
    } else if (node->op == KPU_OP_DOWNLOAD) {
        half->ret = download(half->run, node);
    } else {
        half->ret = kpu_op_run(half->run->net, node) == KPU_OK ? 0 : -1;
    }
}

// Both processors work on a large layer. False when it is not one, and nothing was done.
static bool share(const kpu_run_t *run, const kpu_node_t *node, int *ret) {
    // Not on the stack: a processor that did not come back may still write there. It gets no more work then.
    static half_t second;
    static bool lost;
    const kpu_helper_t *helper = &run->backend->helper;
    kpu_node_t halves[2];
    if (helper->start == NULL || lost || !kpu_node_halves(node, helper->min_work, halves)) {
        return false;
    }
    half_t first = { .run = run, .node = halves[0] };
    second = (half_t) { .run = run, .node = halves[1] };
    if (!helper->start(run_half, &second)) {
        return false;
    }
    run_half(&first);
    lost = !helper->wait();
    *ret = lost ? -ETIMEDOUT : first.ret < 0 ? first.ret : second.ret;
    return true;
}
#else
#define share(run, node, ret) (false)
#endif

static void next_node(kpu_run_t *run) {
    run->batch = 0;
    run->chunk = (kpu_chunk_t) { 0 };
    run->pos += 1;
    run->state = run->pos < run->end ? KPU_RUN_NEXT : KPU_RUN_DONE;
}

// A layer that may be followed by the next one without anybody looking.
static bool is_simple(const kpu_run_t *run, uint32_t pos) {
    const kpu_node_t *node = &run->net->nodes[pos];
    return pos < run->end && node->op == KPU_OP_CONV && node->p.conv.batches == 1 && !kpu_stream_has(run->net, node);
}

// Puts layers into the KPU's queue as long as another one follows that can end the row.
static int queue_convs(kpu_run_t *run) {
    const kpu_net_t *net = run->net;
    int ret = 0;
    for (unsigned n = 1; n < KPU_QUEUE && run->backend->queue != NULL && ret >= 0 && is_simple(run, run->pos)
         && !net->nodes[run->pos].p.conv.to_main && run->pos + 1 < run->end && is_simple(run, run->pos + 1); ++n) {
        const kpu_conv_t *conv = &net->nodes[run->pos].p.conv;
        uint64_t words[12];
        memcpy(words, conv->words, sizeof(words));
        words[1] = conv->in.line | (uint64_t)conv->out.line << 32;
        ret = run->backend->queue(run->backend->ctx, words, kpu_model_at(net, conv->weights), kpu_model_at(net, conv->bn),
            kpu_model_at(net, conv->act), net->eight_bit);
        run->pos += 1;
    }
    return ret;
}

static int step_conv(kpu_run_t *run, const kpu_node_t *node, char *err) {
    const uint8_t *weights;
    if (kpu_stream_has(run->net, node)) {
        if (run->stream == NULL) {
            return kpu_fail(err, KPU_ERR_PARAM, "layer %u (%s) has no weights in memory", (unsigned)run->pos, node->name);
        }
        run->chunk = kpu_stream_chunk(run->stream, run->pos, run->chunk.channel);
        int got = kpu_stream_get(run->stream, &run->chunk, &weights);
        if (got <= 0) {
            run->state = KPU_RUN_FETCH;
            return got < 0 ? source_fail(run, got, err) : KPU_OK;
        }
    } else {
        weights = kpu_model_at(run->net, node->p.conv.weights);
    }
    int ret = run->batch == 0 ? queue_convs(run) : 0;
    if (ret >= 0) {
        node = &run->net->nodes[run->pos];
        weights = run->chunk.channels ? weights : kpu_model_at(run->net, node->p.conv.weights);
        ret = start_conv(run, node, weights);
    }
    if (ret < 0) {
        run->backend->stop(run->backend->ctx); // what is queued already
        return backend_fail(run, "starting the KPU", ret, err);
    }
    run->state = KPU_RUN_WAIT;
    if (run->chunk.channels) {
        kpu_stream_prefetch(run->stream, &run->chunk);
    }
    return KPU_OK;
}

static int step_start(kpu_run_t *run, char *err) {
    const kpu_node_t *node = &run->net->nodes[run->pos];
    int ret = 0;
    if (node->op == KPU_OP_CONV) {
        return step_conv(run, node, err);
    }
    if (share(run, node, &ret)) {
        if (ret == -ETIMEDOUT) {
            run->state = KPU_RUN_IDLE;
            return kpu_fail(err, KPU_ERR_RUN, "layer %u (%s): timed out waiting for the second processor",
                (unsigned)run->pos, node->name);
        }
        if (ret < 0) {
            return backend_fail(run, "the layer", ret, err);
        }
        next_node(run);
        return KPU_OK;
    }
    switch (node->op) {
        case KPU_OP_UPLOAD:
            ret = upload(run, node);
            break;
        case KPU_OP_DOWNLOAD:
            ret = download(run, node);
            break;
        case KPU_OP_ADD_PADDING:
            ret = add_padding(run, node);
            break;
        default:
            ret = kpu_op_run(run->net, node);
            if (ret == KPU_ERR_INDEX) {
                run->state = KPU_RUN_IDLE;
                return kpu_fail(err, KPU_ERR_RUN, "layer %u (%s): an index that the model computed leaves its tensor",
                    (unsigned)run->pos, node->name);
            }
            ret = ret == KPU_OK ? 0 : -1;
            break;
    }
    if (ret < 0) {
        return backend_fail(run, "the layer", ret, err);
    }
    next_node(run);
    return KPU_OK;
}

static int step_wait(kpu_run_t *run, char *err) {
    const kpu_node_t *node = &run->net->nodes[run->pos];
    if (run->stream) {
        kpu_stream_poll(run->stream);
    }
    int ret = run->backend->poll(run->backend->ctx);
    if (ret == 0) {
        return KPU_OK;
    }
    if (run->stream) {
        kpu_stream_release(run->stream);
    }
    if (ret < 0) {
        return backend_fail(run, "the KPU", ret, err);
    }
    ret = finish_conv(run, node);
    if (ret < 0) {
        return backend_fail(run, "reading KPU RAM", ret, err);
    }
    run->batch += 1;
    if (run->batch < node->p.conv.batches) {
        run->state = KPU_RUN_NEXT;
    } else if (!last_chunk(run, node)) {
        run->chunk.channel += run->chunk.channels;
        run->batch = 0;
        run->state = KPU_RUN_NEXT;
    } else {
        next_node(run);
    }
    return KPU_OK;
}

int kpu_run_step(kpu_run_t *run, char *err) {
    int ret;
    switch (run->state) {
        case KPU_RUN_NEXT:
        case KPU_RUN_FETCH:
            ret = step_start(run, err);
            break;
        case KPU_RUN_WAIT:
            ret = step_wait(run, err);
            break;
        case KPU_RUN_DONE:
            return KPU_OK;
        default:
            return kpu_fail(err, KPU_ERR_PARAM, "no run was started");
    }
    if (ret != KPU_OK) {
        kpu_run_stop(run);
    }
    return ret;
}

void kpu_run_stop(kpu_run_t *run) {
    if (run->state == KPU_RUN_WAIT) {
        run->backend->stop(run->backend->ctx);
    }
    if (run->stream) {
        kpu_stream_release(run->stream);
    }
    run->state = KPU_RUN_IDLE;
    run->pos = 0;
}

uint32_t kpu_node_result_size(const kpu_node_t *node) {
    switch (node->op) {
        case KPU_OP_CONV:
            return conv_bytes(&node->p.conv) * node->p.conv.batches;
        case KPU_OP_UPLOAD:
        case KPU_OP_ADD_PADDING:
            return map_bytes(&node->p.upload.map) * node->p.upload.batches;
        default:
            return node->out.size;
    }
}

int kpu_run_result(kpu_run_t *run, void *dst, size_t size, char *err) {
    if (run->state != KPU_RUN_DONE) {
        return kpu_fail(err, KPU_ERR_PARAM, "the model has not run");
    }
    const kpu_node_t *node = &run->net->nodes[run->pos - 1];
    if (size != kpu_node_result_size(node)) {
        return kpu_fail(err, KPU_ERR_SIZE, "result has %u bytes, not %lu",
            (unsigned)kpu_node_result_size(node), (unsigned long)size);
    }
    int ret = 0;
    if (node->op == KPU_OP_CONV) {
        ret = read_maps(run, &node->p.conv.out, node->p.conv.batches, dst);
    } else if (node->op == KPU_OP_UPLOAD || node->op == KPU_OP_ADD_PADDING) {
        ret = read_maps(run, &node->p.upload.map, node->p.upload.batches, dst);
    } else {
        memcpy(dst, kpu_range_ptr(run->net, &node->out), size);
    }
    return ret < 0 ? kpu_fail(err, KPU_ERR_RUN, "reading KPU RAM failed (%d)", ret) : KPU_OK;
}
