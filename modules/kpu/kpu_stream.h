// SPDX-License-Identifier: MIT
//
// Weights that do not lie in memory: they are read piece by piece into two buffers, one of which is
// filled while the KPU works from the other.
//
// A piece is a range of output channels of one layer; the KPU runs it as a layer of its own, which
// gives the same numbers.

#ifndef MODULES_KPU_STREAM_H
#define MODULES_KPU_STREAM_H

#include "kpu_types.h"

#define KPU_STREAM_SLOTS (2)

// Where the weights come from. All return 0 or a negative errno.
typedef struct {
    // Starts reading n bytes at file offset off to dst, which has room for n rounded up to 8.
    int (*start)(void *ctx, uint32_t off, uint8_t *dst, uint32_t n);
    // 1 when all bytes are there, 0 while they are read.
    int (*poll)(void *ctx);
    void (*stop)(void *ctx);
    // Names what the last start or poll was waiting for.
    const char *(*waiting_for)(void *ctx);
    void *ctx;
} kpu_source_t;

// Output channels channel..channel+channels-1 of layer `node`, and where their weights are in the file.
typedef struct {
    uint32_t node, channel, channels;
    uint32_t off, bytes;
} kpu_chunk_t;

typedef struct {
    const kpu_net_t *net;
    const kpu_source_t *source;
    uint32_t slots;             // 1 or 2
    uint32_t slot_size;
    uint8_t *slot[KPU_STREAM_SLOTS];
    kpu_chunk_t holds[KPU_STREAM_SLOTS]; // bytes == 0: nothing
    int loading, in_use;        // slots, or -1
    uint32_t total;             // bytes that one run reads
} kpu_stream_t;

// Prepares for net, whose streamed weights come from source. The buffers have `wish` bytes each, or
// as many as the model's largest piece needs. KPU_ERR_NO_MEM says how much that was.
int kpu_stream_init(kpu_stream_t *s, const kpu_net_t *net, const kpu_source_t *source, uint32_t slots, uint32_t wish, char *err);
void kpu_stream_close(kpu_stream_t *s);

// Whether the weights of this layer are streamed, and bytes of buffer that its smallest piece needs.
bool kpu_stream_has(const kpu_net_t *net, const kpu_node_t *node);

// The piece of a layer that starts at a channel.
kpu_chunk_t kpu_stream_chunk(const kpu_stream_t *s, uint32_t node, uint32_t channel);

// Brings a piece into memory: 1 when it is there (and keeps it until kpu_stream_release), 0 while it
// is read, negative when reading failed.
int kpu_stream_get(kpu_stream_t *s, const kpu_chunk_t *chunk, const uint8_t **weights);
void kpu_stream_release(kpu_stream_t *s);

// Starts reading the piece after this one, if a buffer is free. After the last one comes the first.
void kpu_stream_prefetch(kpu_stream_t *s, const kpu_chunk_t *chunk);

// Lets the source go on; to be called while waiting for something else.
void kpu_stream_poll(kpu_stream_t *s);

// The 12 words of a layer, cut down to the channels of a piece. dest_size is what the piece sends.
void kpu_stream_words(const kpu_node_t *node, const kpu_chunk_t *chunk, uint64_t words[12]);

#endif // MODULES_KPU_STREAM_H
