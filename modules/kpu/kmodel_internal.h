// SPDX-License-Identifier: MIT
//
// Between kmodel.c and the loaders of the single versions.

#ifndef MODULES_KPU_KMODEL_INTERNAL_H
#define MODULES_KPU_KMODEL_INTERNAL_H

#include <string.h>

#include "kmodel.h"

// Reads that do not care about alignment or the host's byte order (the K210 and every host that
// runs the tests are little-endian, so memcpy is the whole job).
static inline uint32_t get_u32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static inline int32_t get_i32(const uint8_t *p) {
    return (int32_t)get_u32(p);
}

static inline float get_f32(const uint8_t *p) {
    float v;
    memcpy(&v, p, 4);
    return v;
}

// A source with a limit; the measuring functions read through it.
typedef struct {
    kmodel_read_t read;
    void *ctx;
    uint32_t limit;
    char *err;
} kmodel_source_t;

int kmodel_source_get(const kmodel_source_t *src, uint32_t off, void *dst, uint32_t n, const char *what);

// State of a loader: the net being built and the node that error texts talk about.
typedef struct {
    kpu_net_t *net;
    uint32_t size;
    uint32_t index;
    const char *name;
    char *err;
    uint32_t const_off, const_size; // v4: where the constants lie in the file
} kmodel_loader_t;

// Writers aligned the end of the last body without writing the bytes.
#define KMODEL_MISSING_TAIL 7

// CPU layers take results * inputs of each; more than this is minutes, so it is a broken file.
#define KMODEL_MAX_WORK (1ull << 30)

// Fails with "layer 3 (KL_ADD): " in front of the sentence.
int kmodel_node_fail(const kmodel_loader_t *ld, int status, const char *fmt, ...)
#ifdef __GNUC__
__attribute__((format(printf, 3, 4)))
#endif
;

// Makes a range in the working buffer after checking that it lies inside.
int kmodel_main_range(const kmodel_loader_t *ld, const char *what, uint32_t off, uint64_t bytes,
    kpu_dtype_t dtype, kpu_range_t *out);

// The byte at a file offset that kmodel_file_range has passed.
static inline const uint8_t *kmodel_at(const kmodel_loader_t *ld, uint64_t off) {
    return kpu_model_at(ld->net, (uint32_t)off);
}

// Checks that off..off+bytes lies in the file and in memory, and that off is a multiple of align.
int kmodel_file_range(const kmodel_loader_t *ld, const char *what, uint64_t off, uint64_t bytes, uint32_t align);

// The same for the weights of a KPU layer, which need not be in memory.
int kmodel_weights_range(const kmodel_loader_t *ld, uint64_t off, uint64_t bytes);

// Allocates a zeroed array in net->nodes, ->inputs or ->outputs; "no memory" names the count.
void *kmodel_alloc(kpu_net_t *net, uint32_t count, size_t size, const char *what, char *err);

// Product of the numbers, or UINT32_MAX when it does not fit, which no memory has room for. 64 bits,
// so that a factor for the size of an element cannot wrap.
uint64_t kmodel_elements(uint32_t a, uint32_t b, uint32_t c);

// The node before `before` that last wrote the byte at off of the working buffer, or NULL.
const kpu_node_t *kmodel_last_writer(const kpu_net_t *net, uint32_t off, uint32_t before);

// Gives a node without a shape the one of the layer that feeds it when that has as many elements,
// else a flat one.
void kmodel_inherit_shape(const kpu_net_t *net, uint32_t index, bool elementwise);

int kmodel_v4_measure(const kmodel_source_t *src, uint32_t *size);
int kmodel_v4_open(kpu_net_t *net, char *err);

// Fills node from the body at p (kmodel_v4_nodes.c). The loader's name is set for error texts.
int kmodel_v4_parse_node(kmodel_loader_t *ld, uint32_t opcode, uint32_t body, uint32_t body_size, kpu_node_t *node);

int kmodel_v5_measure(const kmodel_source_t *src, uint32_t *size);
int kmodel_v5_open(kpu_net_t *net, char *err);

int kmodel_v3_measure(const kmodel_source_t *src, uint32_t *size);
int kmodel_v3_open(kpu_net_t *net, char *err);

#endif // MODULES_KPU_KMODEL_INTERNAL_H
