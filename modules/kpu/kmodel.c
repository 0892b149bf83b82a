// SPDX-License-Identifier: MIT

#include <stdarg.h>
#include <stdio.h>

#include "kmodel_internal.h"

#define MAGIC_LDMK 0x4b4d444cu
#define MAGIC_KMC_BE 0x78563412u

int kmodel_source_get(const kmodel_source_t *src, uint32_t off, void *dst, uint32_t n, const char *what) {
    if (off > src->limit || n > src->limit - off) {
        return kpu_fail(src->err, KPU_ERR_FORMAT, "%s needs bytes %u to %u, there are only %u",
            what, (unsigned)off, (unsigned)(off + n), (unsigned)src->limit);
    }
    int ret = src->read(src->ctx, off, dst, n);
    if (ret < 0) {
        return kpu_fail(src->err, KPU_ERR_READ, "reading %u bytes at %u (%s) failed: %d",
            (unsigned)n, (unsigned)off, what, ret);
    }
    return KPU_OK;
}

int kmodel_node_fail(const kmodel_loader_t *ld, int status, const char *fmt, ...) {
    int n = snprintf(ld->err, KPU_ERR_LEN, "layer %u (%s): ", (unsigned)ld->index, ld->name);
    va_list args;
    va_start(args, fmt);
    if (n >= 0 && n < KPU_ERR_LEN) {
        vsnprintf(ld->err + n, KPU_ERR_LEN - n, fmt, args);
    }
    va_end(args);
    return status;
}

int kmodel_main_range(const kmodel_loader_t *ld, const char *what, uint32_t off, uint64_t bytes,
    kpu_dtype_t dtype, kpu_range_t *out) {
    uint32_t have = ld->net->main_size;
    if (bytes > have || off > have - bytes) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has %lu bytes at %u, the working buffer only %u",
            what, (unsigned long)bytes, (unsigned)off, (unsigned)have);
    }
    if (bytes == 0) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s is empty", what);
    }
    if (off % kpu_dtype_size(dtype)) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s has floats at odd address %u", what, (unsigned)off);
    }
    *out = (kpu_range_t) { .space = KPU_MEM_MAIN, .dtype = dtype, .off = off, .size = (uint32_t)bytes };
    return KPU_OK;
}

static int in_file(const kmodel_loader_t *ld, const char *what, uint64_t off, uint64_t bytes, uint32_t align) {
    if (bytes > ld->size || off > ld->size - bytes) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s end at %lu, file has %u bytes",
            what, (unsigned long)(off + bytes), (unsigned)ld->size);
    }
    if (off % align) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s at %lu, must be at a multiple of %u",
            what, (unsigned long)off, (unsigned)align);
    }
    return KPU_OK;
}

int kmodel_file_range(const kmodel_loader_t *ld, const char *what, uint64_t off, uint64_t bytes, uint32_t align) {
    int ret = in_file(ld, what, off, bytes, align);
    if (ret == KPU_OK && !kpu_model_has(ld->net, (uint32_t)off, (uint32_t)bytes)) {
        return kmodel_node_fail(ld, KPU_ERR_FORMAT, "%s at %lu are among the weights of another layer, which are streamed",
            what, (unsigned long)off);
    }
    return ret;
}

int kmodel_weights_range(const kmodel_loader_t *ld, uint64_t off, uint64_t bytes) {
    return in_file(ld, "weights", off, bytes, 8);
}

// Gaps that end at or before off; *next = the first of the others.
static uint32_t gap_bytes(const kpu_net_t *net, uint32_t off, uint32_t *next) {
    uint32_t bytes = 0, i = 0;
    for (; i < net->n_gaps && net->gaps[i].off + net->gaps[i].size <= off; ++i) {
        bytes += net->gaps[i].size;
    }
    *next = i;
    return bytes;
}

const uint8_t *kpu_model_at(const kpu_net_t *net, uint32_t off) {
    uint32_t next;
    return net->image + off - gap_bytes(net, off, &next);
}

bool kpu_model_has(const kpu_net_t *net, uint32_t off, uint32_t n) {
    uint32_t next;
    gap_bytes(net, off, &next);
    return n <= net->size && off <= net->size - n && (next == net->n_gaps || off + n <= net->gaps[next].off);
}

void *kmodel_alloc(kpu_net_t *net, uint32_t count, size_t size, const char *what, char *err) {
    // An empty list still gets an element, so that NULL always means "no memory".
    uint64_t bytes = (uint64_t)(count ? count : 1) * size;
    void *p = bytes > UINT32_MAX ? NULL : net->mem.alloc(net->mem.ctx, (size_t)bytes, 64, false);
    if (p == NULL) {
        kpu_fail(err, KPU_ERR_NO_MEM, "no room for %lu bytes of %u %s",
            (unsigned long)bytes, (unsigned)count, what);
        return NULL;
    }
    memset(p, 0, (size_t)bytes);
    return p;
}

uint64_t kmodel_elements(uint32_t a, uint32_t b, uint32_t c) {
    uint64_t ab = (uint64_t)a * b;
    return ab > UINT32_MAX || ab * c > UINT32_MAX ? UINT32_MAX : ab * c;
}

const kpu_node_t *kmodel_last_writer(const kpu_net_t *net, uint32_t off, uint32_t before) {
    while (before-- > 0) {
        const kpu_range_t *out = &net->nodes[before].out;
        if (out->size && off >= out->off && off - out->off < out->size) {
            return &net->nodes[before];
        }
    }
    return NULL;
}

void kmodel_inherit_shape(const kpu_net_t *net, uint32_t index, bool elementwise) {
    kpu_node_t *node = &net->nodes[index];
    if (node->out.size == 0 || node->c) {
        return;
    }
    uint32_t count = node->out.size / kpu_dtype_size(node->out.dtype);
    const kpu_node_t *from = NULL;
    if (elementwise && node->in[0].space == KPU_MEM_MAIN) {
        from = kmodel_last_writer(net, node->in[0].off, index);
    }
    if (from && from->out.off == node->in[0].off && (uint64_t)from->c * from->h * from->w == count) {
        node->c = from->c;
        node->h = from->h;
        node->w = from->w;
    } else {
        node->c = count;
        node->h = node->w = 1;
    }
}

static int refuse(char *err, uint32_t word0, uint32_t word1) {
    #if !KPU_WITH_V5
    if (word0 == MAGIC_LDMK && word1 == 5) {
        return kpu_fail(err, KPU_ERR_VERSION, "this is a kmodel v5, which this small firmware does without: take the full one");
    }
    #endif
    if (word0 == MAGIC_LDMK) {
        return kpu_fail(err, KPU_ERR_VERSION, "kmodel version %u is not known", (unsigned)word1);
    }
    if (word0 == 0x03000000) {
        return kpu_fail(err, KPU_ERR_VERSION,
            "this is a byte-swapped (_be) kmodel v3, its words must be swapped before it is opened");
    }
    if (word0 == MAGIC_KMC_BE) {
        return kpu_fail(err, KPU_ERR_VERSION,
            "this is a file of the Kendryte Model Compiler (2018), not supported: convert it with nncase");
    }
    if (word0 == 1) {
        return kpu_fail(err, KPU_ERR_VERSION, "this is a kmodel v1 of the first SDKs, not supported: convert it with nncase");
    }
    if (word0 == 0xffffffff || word0 == 0) {
        return kpu_fail(err, KPU_ERR_VERSION, "no kmodel here, the first word is %08x (%s)", (unsigned)word0,
            word0 ? "erased flash" : "zeros");
    }
    if (word0 < 16) {
        return kpu_fail(err, KPU_ERR_VERSION, "kmodel version %u is not known", (unsigned)word0);
    }
    return kpu_fail(err, KPU_ERR_VERSION, "no kmodel here, the first words are %08x %08x",
        (unsigned)word0, (unsigned)word1);
}

int kmodel_measure(kmodel_read_t read, void *ctx, uint32_t limit, uint32_t *size, char *err) {
    kmodel_source_t src = { .read = read, .ctx = ctx, .limit = limit, .err = err };
    uint8_t head[8];
    int ret = kmodel_source_get(&src, 0, head, sizeof(head), "header");
    if (ret != KPU_OK) {
        return ret;
    }
    uint32_t word0 = get_u32(head);
    if (word0 == 3) {
        return kmodel_v3_measure(&src, size);
    }
    if (word0 == MAGIC_LDMK && get_u32(head + 4) == 4) {
        return kmodel_v4_measure(&src, size);
    }
    #if KPU_WITH_V5
    if (word0 == MAGIC_LDMK && get_u32(head + 4) == 5) {
        return kmodel_v5_measure(&src, size);
    }
    #endif
    return refuse(err, word0, get_u32(head + 4));
}

int kmodel_open(kpu_net_t *net, const uint8_t *data, uint32_t size, const kpu_memory_t *mem, char *err) {
    return kmodel_open_image(net, data, size, NULL, 0, mem, err);
}

int kmodel_open_image(kpu_net_t *net, const uint8_t *image, uint32_t size, const kpu_gap_t *gaps, uint32_t n_gaps,
    const kpu_memory_t *mem, char *err) {
    memset(net, 0, sizeof(*net));
    net->mem = *mem;
    net->image = image;
    net->size = size;
    net->gaps = gaps;
    net->n_gaps = n_gaps;
    if (size < 8) {
        return kpu_fail(err, KPU_ERR_FORMAT, "file has %u bytes, too short for a header", (unsigned)size);
    }
    if (!kpu_model_has(net, 0, 8)) {
        return kpu_fail(err, KPU_ERR_FORMAT, "the header is among the weights of a layer, which are streamed");
    }
    uint32_t word0 = get_u32(image);
    int ret;
    if (word0 == 3) {
        ret = kmodel_v3_open(net, err);
    } else if (word0 == MAGIC_LDMK && get_u32(image + 4) == 4) {
        ret = kmodel_v4_open(net, err);
    #if KPU_WITH_V5
    } else if (word0 == MAGIC_LDMK && get_u32(image + 4) == 5) {
        ret = kmodel_v5_open(net, err);
    #endif
    } else {
        ret = refuse(err, word0, get_u32(image + 4));
    }
    if (ret == KPU_OK && net->main_size) {
        // Results arrive 8 bytes at a time and may end past the end of an odd last buffer.
        net->main = mem->alloc(mem->ctx, ((size_t)net->main_size + 7) & ~(size_t)7, 64, false);
        if (net->main == NULL) {
            ret = kpu_fail(err, KPU_ERR_NO_MEM, "no room for the working buffer of %u bytes", (unsigned)net->main_size);
        } else {
            memset(net->main, 0, net->main_size);
        }
    }
    if (ret != KPU_OK) {
        kmodel_close(net);
    }
    return ret;
}

void kmodel_close(kpu_net_t *net) {
    void *blocks[] = { net->main, net->nodes, net->inputs, net->outputs };
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); ++i) {
        if (blocks[i] != NULL) {
            net->mem.free(net->mem.ctx, blocks[i]);
        }
    }
    memset(net, 0, sizeof(*net));
}
