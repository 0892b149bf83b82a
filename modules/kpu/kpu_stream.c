// SPDX-License-Identifier: MIT

#include <string.h>

#include "kpu_layer.h"
#include "kpu_stream.h"

// A piece starts at a line of KPU RAM (up to four channels share one) and at a multiple of 8 bytes
// of a packed result.
#define CHANNEL_UNIT (8)

static uint32_t channel_bytes(const kpu_conv_t *conv) {
    return conv->weights_size / conv->out.c;
}

static uint32_t smallest_piece(const kpu_conv_t *conv) {
    return (conv->out.c < CHANNEL_UNIT ? conv->out.c : CHANNEL_UNIT) * channel_bytes(conv);
}

bool kpu_stream_has(const kpu_net_t *net, const kpu_node_t *node) {
    return node->op == KPU_OP_CONV && !kpu_model_has(net, node->p.conv.weights, node->p.conv.weights_size);
}

int kpu_stream_init(kpu_stream_t *s, const kpu_net_t *net, const kpu_source_t *source, uint32_t slots, uint32_t wish, char *err) {
    *s = (kpu_stream_t) {
        .net = net, .source = source, .slots = slots > 1 ? 2 : 1, .loading = -1, .in_use = -1,
    };
    uint32_t largest = 0, need = 0;
    for (uint32_t i = 0; i < net->n_nodes; ++i) {
        const kpu_node_t *node = &net->nodes[i];
        if (kpu_stream_has(net, node)) {
            uint32_t piece = smallest_piece(&node->p.conv), all = node->p.conv.weights_size;
            need = piece > need ? piece : need;
            largest = all > largest ? all : largest;
            s->total += all;
        }
    }
    s->slot_size = wish < need ? need : wish > largest ? largest : wish;
    for (uint32_t i = 0; i < s->slots && s->slot_size; ++i) {
        s->slot[i] = net->mem.alloc(net->mem.ctx, ((size_t)s->slot_size + 63) & ~(size_t)63, KPU_MODEL_ALIGN, true);
        if (s->slot[i] == NULL) {
            kpu_stream_close(s);
            return kpu_fail(err, KPU_ERR_NO_MEM, "no room for %u buffers of %u bytes for streamed weights",
                (unsigned)(slots > 1 ? 2 : 1), (unsigned)(wish < need ? need : wish));
        }
    }
    return KPU_OK;
}

static void stop_loading(kpu_stream_t *s) {
    if (s->loading >= 0) {
        s->source->stop(s->source->ctx);
        s->holds[s->loading].bytes = 0;
        s->loading = -1;
    }
}

void kpu_stream_close(kpu_stream_t *s) {
    if (s->net == NULL) {
        return;
    }
    stop_loading(s);
    for (unsigned i = 0; i < KPU_STREAM_SLOTS; ++i) {
        if (s->slot[i] != NULL) {
            s->net->mem.free(s->net->mem.ctx, s->slot[i]);
        }
    }
    memset(s, 0, sizeof(*s));
}

kpu_chunk_t kpu_stream_chunk(const kpu_stream_t *s, uint32_t node, uint32_t channel) {
    const kpu_conv_t *conv = &s->net->nodes[node].p.conv;
    uint32_t bytes = channel_bytes(conv);
    uint32_t fit = s->slot_size / bytes, left = conv->out.c - channel;
    uint32_t channels = left <= fit ? left : fit & ~(CHANNEL_UNIT - 1u);
    return (kpu_chunk_t) {
        .node = node, .channel = channel, .channels = channels, .off = conv->weights + channel * bytes,
        .bytes = channels * bytes,
    };
}

static int find(const kpu_stream_t *s, const kpu_chunk_t *chunk) {
    for (unsigned i = 0; i < s->slots; ++i) {
        if (s->holds[i].bytes == chunk->bytes && s->holds[i].off == chunk->off) {
            return (int)i;
        }
    }
    return -1;
}

// Starts reading into a slot that the KPU does not use. 0, or what the source says.
static int load(kpu_stream_t *s, const kpu_chunk_t *chunk) {
    stop_loading(s);
    int slot = s->in_use == 0 ? 1 : 0;
    if (slot >= (int)s->slots) {
        return 0;
    }
    s->holds[slot] = *chunk;
    s->loading = slot;
    int ret = s->source->start(s->source->ctx, chunk->off, s->slot[slot], chunk->bytes);
    if (ret < 0) {
        s->holds[slot].bytes = 0;
        s->loading = -1;
    }
    return ret;
}

static int poll(kpu_stream_t *s) {
    int ret = s->loading < 0 ? 1 : s->source->poll(s->source->ctx);
    if (ret < 0) {
        stop_loading(s);
    } else if (ret > 0) {
        s->loading = -1;
    }
    return ret;
}

void kpu_stream_poll(kpu_stream_t *s) {
    // A failure shows when the piece is wanted: it is read again then.
    poll(s);
}

int kpu_stream_get(kpu_stream_t *s, const kpu_chunk_t *chunk, const uint8_t **weights) {
    int slot = find(s, chunk), ret = 0;
    if (slot < 0) {
        ret = load(s, chunk);
        slot = find(s, chunk);
    }
    if (ret >= 0) {
        ret = slot == s->loading ? poll(s) : 1;
    }
    if (ret > 0) {
        s->in_use = slot;
        *weights = s->slot[slot];
    }
    return ret;
}

void kpu_stream_release(kpu_stream_t *s) {
    s->in_use = -1;
}

// The piece after this one; false when it is the only one of the model.
static bool next_chunk(const kpu_stream_t *s, const kpu_chunk_t *chunk, kpu_chunk_t *next) {
    const kpu_net_t *net = s->net;
    uint32_t node = chunk->node, channel = chunk->channel + chunk->channels;
    if (channel >= net->nodes[node].p.conv.out.c) {
        channel = 0;
        do {
            node = node + 1 < net->n_nodes ? node + 1 : 0;
        } while (!kpu_stream_has(net, &net->nodes[node]));
    }
    *next = kpu_stream_chunk(s, node, channel);
    return next->off != chunk->off || next->bytes != chunk->bytes;
}

void kpu_stream_prefetch(kpu_stream_t *s, const kpu_chunk_t *chunk) {
    kpu_chunk_t next;
    if (s->slots > 1 && s->loading < 0 && next_chunk(s, chunk, &next) && find(s, &next) < 0) {
        load(s, &next);
    }
}

static void set_field(uint64_t *word, unsigned lsb, unsigned len, uint64_t value) {
    uint64_t mask = ((1ull << len) - 1) << lsb;
    *word = (*word & ~mask) | (value << lsb & mask);
}

void kpu_stream_words(const kpu_node_t *node, const kpu_chunk_t *chunk, uint64_t words[12]) {
    const kpu_conv_t *conv = &node->p.conv;
    uint32_t per_load = kpu_word_field(words, 2, 48, 10) + 1;
    per_load = per_load < chunk->channels ? per_load : chunk->channels;
    uint32_t loads = (chunk->channels + per_load - 1) / per_load;
    words[1] += (uint64_t)(chunk->channel / conv->out.group * conv->out.channel_lines) << 32;
    if (conv->depthwise) {
        words[1] += chunk->channel / conv->in.group * conv->in.channel_lines;
        set_field(&words[2], 0, 10, chunk->channels - 1);
    }
    set_field(&words[2], 32, 10, chunk->channels - 1);
    set_field(&words[2], 48, 10, per_load - 1);
    set_field(&words[5], 1, 6, loads - 1);
    set_field(&words[5], 15, 17, (uint64_t)per_load * channel_bytes(conv));
    set_field(&words[11], 32, 32, (uint64_t)conv->out.w * conv->out.h * chunk->channels - 1);
}
