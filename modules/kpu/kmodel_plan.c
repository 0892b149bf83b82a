// SPDX-License-Identifier: MIT

#include "kmodel_plan.h"
#include "kmodel_internal.h"
#include "kpu_layer.h"

#define MAGIC_LDMK (0x4b4d444cu)
#define V3_HEADER_SIZE 28
#define V3_CONV 10240
#define V4_HEADER_SIZE 40
#define V4_CONV 0x2002
#define V5_HEADER_SIZE 32
#define V5_MODULE_SIZE 48
#define V5_FUNCTION_SIZE 32
#define V5_SECTION_SIZE 32
#define V5_CONV 2
#define V5_CONV_SIZE 152
#define V5_RDATA 2

// A walk over the file. The first one counts, the second one writes the gaps down. Whatever is not
// as it should be ends the walk: the loader will name it.
typedef struct {
    kmodel_read_t read;
    void *ctx;
    uint32_t size;
    kpu_gap_t *gaps;            // NULL: only count
    uint32_t n, max;
    int error;
} walk_t;

static bool get(walk_t *w, uint64_t off, void *dst, uint32_t n) {
    if (n > w->size || off > w->size - n) {
        return false;
    }
    int ret = w->read(w->ctx, (uint32_t)off, dst, n);
    if (ret < 0) {
        w->error = ret;
    }
    return ret >= 0;
}

// Weights at off. The gap is what lies between multiples of KPU_MODEL_ALIGN.
static void found(walk_t *w, uint64_t off, uint64_t bytes) {
    if (bytes > w->size || off > w->size - bytes) {
        return;
    }
    uint32_t start = ((uint32_t)off + KPU_MODEL_ALIGN - 1) & ~(KPU_MODEL_ALIGN - 1u);
    uint32_t end = (uint32_t)(off + bytes) & ~(KPU_MODEL_ALIGN - 1u);
    if (end < start || end - start < KMODEL_MIN_GAP) {
        return;
    }
    if (w->gaps != NULL && w->n < w->max) {
        w->gaps[w->n] = (kpu_gap_t) { start, end - start };
    }
    w->n += 1;
}

static bool conv_weights(const uint8_t *p, bool eight_bit, uint64_t words[12], uint32_t *bytes, uint32_t *out_c) {
    kpu_conv_t conv;
    char err[KPU_ERR_LEN];
    memcpy(words, p, 96);
    if (kpu_conv_decode(words, eight_bit, &conv, err) != KPU_OK) {
        return false;
    }
    *bytes = conv.weights_size;
    *out_c = conv.out.c;
    return true;
}

static void walk_v3(walk_t *w) {
    uint8_t head[V3_HEADER_SIZE], entry[8], body[24], words_at[96];
    if (!get(w, 0, head, sizeof(head))) {
        return;
    }
    uint64_t headers = V3_HEADER_SIZE + 8 * (uint64_t)get_u32(head + 24), layers = get_u32(head + 12);
    uint64_t at = headers + 8 * layers;
    for (uint64_t i = 0; i < layers && get(w, headers + 8 * i, entry, sizeof(entry)); ++i) {
        uint64_t words[12];
        uint32_t bytes, out_c;
        if (get_u32(entry) == V3_CONV && get(w, at, body, sizeof(body)) && get(w, get_u32(body + 8), words_at, 96)
            && conv_weights(words_at, get_u32(head + 4) & 1, words, &bytes, &out_c)) {
            found(w, get_u32(body + 12), bytes);
        }
        at += get_u32(entry + 4);
    }
}

static void walk_v4(walk_t *w) {
    uint8_t head[V4_HEADER_SIZE], entry[8], body[120];
    if (!get(w, 0, head, sizeof(head))) {
        return;
    }
    uint64_t nodes = get_u32(head + 24);
    uint64_t headers = V4_HEADER_SIZE + 16 * (2 * (uint64_t)get_u32(head + 28) + get_u32(head + 32)) + get_u32(head + 16);
    uint64_t at = headers + 8 * nodes;
    for (uint64_t i = 0; i < nodes && get(w, headers + 8 * i, entry, sizeof(entry)); ++i) {
        uint64_t words[12];
        uint32_t bytes, out_c;
        if (get_u32(entry) == V4_CONV && get(w, at, body, sizeof(body))
            && conv_weights(body + 24, true, words, &bytes, &out_c)) {
            // Padding, BN table, padding, activation, padding: their lengths are where addresses go later.
            found(w, at + 120 + (words[4] >> 32) + (uint64_t)out_c * KPU_BN_ENTRY_SIZE + (words[7] >> 32)
                + KPU_ACT_TABLE_SIZE + (words[5] >> 32), bytes);
        }
        at += get_u32(entry + 4);
    }
}

#if KPU_WITH_V5

static void v5_functions(walk_t *w, uint64_t text, uint32_t text_size, uint64_t rdata, uint32_t rdata_size) {
    static const uint8_t sizes[] = { 44, 44, V5_CONV_SIZE, 76 };
    uint8_t p[V5_CONV_SIZE];
    for (uint64_t at = 0; at < text_size && get(w, text + at, p, 4) && p[0] < sizeof(sizes); at += sizes[p[0]]) {
        uint64_t words[12];
        uint32_t bytes, out_c;
        if (p[0] == V5_CONV && get(w, text + at, p, sizeof(p)) && p[4] == V5_RDATA
            && conv_weights(p + 56, true, words, &bytes, &out_c)
            && bytes <= rdata_size && get_u32(p + 8) <= rdata_size - bytes) {
            found(w, rdata + get_u32(p + 8), bytes);
        }
    }
}

static void v5_module(walk_t *w, uint64_t at) {
    uint8_t head[V5_MODULE_SIZE], p[V5_SECTION_SIZE];
    if (!get(w, at, head, sizeof(head)) || memcmp(head, "k210", 5) != 0) {
        return;
    }
    at += V5_MODULE_SIZE + 8 * ((uint64_t)get_u32(head + 28) + get_u32(head + 32));
    for (uint32_t i = 0; i < get_u32(head + 40); ++i) {
        if (!get(w, at, p, V5_FUNCTION_SIZE) || get_u32(p + 4) < V5_FUNCTION_SIZE) {
            return;
        }
        at += get_u32(p + 4);
    }
    uint64_t text = 0, rdata = 0;
    uint32_t text_size = 0, rdata_size = 0;
    bool inside = false;
    for (uint32_t i = 0; i < get_u32(head + 36) && get(w, at, p, sizeof(p)); ++i) {
        uint32_t start = get_u32(p + 20), size = get_u32(p + 24);
        bool in_rdata = get_u32(p + 16) & 1;
        uint64_t body = at + V5_SECTION_SIZE + start;
        at = in_rdata ? at + V5_SECTION_SIZE : body + size;
        if (memcmp(p, ".text", 6) == 0) {
            inside = in_rdata;
            text = in_rdata ? start : body;
            text_size = size;
        } else if (memcmp(p, ".rdata", 7) == 0 && !in_rdata) {
            rdata = body;
            rdata_size = size;
        }
    }
    v5_functions(w, inside ? rdata + text : text, text_size, rdata, rdata_size);
}

static void walk_v5(walk_t *w) {
    uint8_t head[V5_HEADER_SIZE], size[4];
    if (!get(w, 0, head, sizeof(head))) {
        return;
    }
    uint64_t at = V5_HEADER_SIZE;
    for (uint32_t i = 0; i < get_u32(head + 20) && get(w, at + 24, size, 4) && get_u32(size) != 0; ++i) {
        v5_module(w, at);
        at += get_u32(size);
    }
}

#endif

static void walk(walk_t *w) {
    uint8_t head[8];
    w->n = 0;
    if (!get(w, 0, head, sizeof(head))) {
        return;
    }
    if (get_u32(head) == 3) {
        walk_v3(w);
    } else if (get_u32(head) == MAGIC_LDMK && get_u32(head + 4) == 4) {
        walk_v4(w);
    #if KPU_WITH_V5
    } else if (get_u32(head) == MAGIC_LDMK && get_u32(head + 4) == 5) {
        walk_v5(w);
    #endif
    }
}

// In order of address, without those that overlap an earlier one (layers may share their weights).
static uint32_t tidy(kpu_gap_t *gaps, uint32_t n) {
    for (uint32_t i = 1; i < n; ++i) {
        for (uint32_t k = i; k > 0 && gaps[k].off < gaps[k - 1].off; --k) {
            kpu_gap_t t = gaps[k];
            gaps[k] = gaps[k - 1];
            gaps[k - 1] = t;
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; ++i) {
        if (kept == 0 || gaps[i].off >= gaps[kept - 1].off + gaps[kept - 1].size) {
            gaps[kept++] = gaps[i];
        }
    }
    return kept;
}

int kmodel_plan(kmodel_read_t read, void *ctx, uint32_t size, const kpu_memory_t *mem, kmodel_plan_t *plan, char *err) {
    walk_t w = { .read = read, .ctx = ctx, .size = size };
    *plan = (kmodel_plan_t) { .image_size = size };
    walk(&w);
    if (w.error == 0 && w.n != 0) {
        w.max = w.n;
        w.gaps = mem->alloc(mem->ctx, w.max * sizeof(kpu_gap_t), 64, false);
        if (w.gaps == NULL) {
            return kpu_fail(err, KPU_ERR_NO_MEM, "no room for a list of %u layers", (unsigned)w.n);
        }
        plan->gaps = w.gaps;
        walk(&w);
        plan->n_gaps = tidy(w.gaps, w.n < w.max ? w.n : w.max);
        for (uint32_t i = 0; i < plan->n_gaps; ++i) {
            plan->image_size -= w.gaps[i].size;
        }
    }
    if (w.error != 0) {
        kmodel_plan_free(plan, mem);
        return kpu_fail(err, KPU_ERR_READ, "the headers of the layers (%d)", w.error);
    }
    return KPU_OK;
}

void kmodel_plan_fill(kmodel_plan_t *plan, uint32_t budget) {
    for (;;) {
        uint32_t best = plan->n_gaps;
        for (uint32_t i = 0; i < plan->n_gaps; ++i) {
            uint32_t size = plan->gaps[i].size;
            if (budget >= plan->image_size && size <= budget - plan->image_size
                && (best == plan->n_gaps || size > plan->gaps[best].size)) {
                best = i;
            }
        }
        if (best == plan->n_gaps) {
            return;
        }
        plan->image_size += plan->gaps[best].size;
        plan->n_gaps -= 1;
        memmove(&plan->gaps[best], &plan->gaps[best + 1], (plan->n_gaps - best) * sizeof(kpu_gap_t));
    }
}

int kmodel_plan_load(const kmodel_plan_t *plan, kmodel_read_t read, void *ctx, uint32_t size, uint8_t *dst) {
    uint32_t at = 0;
    for (uint32_t i = 0; i <= plan->n_gaps; ++i) {
        uint32_t end = i < plan->n_gaps ? plan->gaps[i].off : size;
        while (at < end) {
            // In pieces, so that the caller's read can look at the keyboard.
            uint32_t n = end - at < 32768 ? end - at : 32768;
            int ret = read(ctx, at, dst, n);
            if (ret < 0) {
                return ret;
            }
            at += n;
            dst += n;
        }
        at += i < plan->n_gaps ? plan->gaps[i].size : 0;
    }
    return 0;
}

void kmodel_plan_free(kmodel_plan_t *plan, const kpu_memory_t *mem) {
    if (plan->gaps != NULL) {
        mem->free(mem->ctx, plan->gaps);
    }
    *plan = (kmodel_plan_t) { 0 };
}
