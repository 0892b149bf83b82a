// SPDX-License-Identifier: MIT
//
// What the core needs of the chip: memory from the pool, and the KPU.

#include <errno.h>
#include <string.h>

#include "py/gc.h"

#include "hal/hart1.h"
#include "hal/kpu.h"
#include "kpu_ram.h"
#include "modkpu.h"
#include "pool.h"

// ---- memory ----------------------------------------------------------------------------------

// Python objects that nobody uses may hold what is needed, so collect first and give up then.
static size_t failed_size, failed_largest;

void *modkpu_pool_alloc(size_t size, size_t align) {
    void *p = pool_alloc(size, align, "kpu model");
    if (p == NULL) {
        gc_collect();
        p = pool_alloc(size, align, "kpu model");
    }
    if (p == NULL) {
        failed_largest = pool_largest();
        // A piece that is large enough has no address of this alignment: with so many bytes it would.
        failed_size = size > failed_largest ? size : size + align;
    }
    return p;
}

int modkpu_no_room(const char *what, char *err) {
    return kpu_fail(err, KPU_ERR_NO_MEM, "%s: %u bytes in one piece are wanted, the largest free piece has %u, %u are missing",
        what, (unsigned)failed_size, (unsigned)failed_largest,
        (unsigned)(failed_size > failed_largest ? failed_size - failed_largest : 0));
}

static void *core_alloc(void *ctx, size_t size, size_t align, bool device) {
    (void)ctx;
    void *p = modkpu_pool_alloc(size, align);
    return p == NULL || !device ? p : UNCACHED(p);
}

static void core_free(void *ctx, void *p) {
    (void)ctx;
    // The pool starts far above the uncached window, so the address tells which alias it is.
    uintptr_t at = (uintptr_t)p;
    pool_free((void *)(at < 0x80000000u ? at + 0x40000000u : at));
}

const kpu_memory_t modkpu_memory = { .alloc = core_alloc, .free = core_free };

static void *heap_alloc(void *ctx, size_t size, size_t align, bool device) {
    (void)ctx;
    (void)align;
    (void)device;
    return m_malloc_maybe(size);
}

static void heap_free(void *ctx, void *p) {
    (void)ctx;
    m_free(p);
}

const kpu_memory_t modkpu_heap = { .alloc = heap_alloc, .free = heap_free };

// ---- KPU -------------------------------------------------------------------------------------
//
// The CPU works on the model and the working buffer through its cache: it is faster, and loads of
// floats from the uncached window give 0 on this chip. So nothing but the CPU writes there. What the
// KPU reads has not been written since the model was loaded, through the uncached window; what it
// sends goes to a landing place of its own and is copied from there.

static const void *bus(const void *p) {
    return (uintptr_t)p >= 0x80000000u ? UNCACHED(p) : p;
}

// All open models use the same lines of KPU RAM, one after the other, from the first one on. The rest of
// it is lent to frame buffers.
static uintptr_t open_nets = ~(uintptr_t)0;

static modkpu_net_obj_t *net_of(uintptr_t link) {
    return (modkpu_net_obj_t *)~link;
}

static uint32_t kpu_ram_wanted(void) {
    uint32_t most = 0;
    for (modkpu_net_obj_t *net = net_of(open_nets); net != NULL; net = net_of(net->next)) {
        most = net->kpu_ram > most ? net->kpu_ram : most;
    }
    return most;
}

static int claim_kpu_ram(modkpu_net_obj_t *self, char *err) {
    uint32_t start;
    self->kpu_ram = kpu_net_ram(&self->net, &start);
    self->next = open_nets;
    open_nets = ~(uintptr_t)self;
    if (!pool_kpu_reserve(kpu_ram_wanted())) {
        return kpu_fail(err, KPU_ERR_NO_MEM, "the model needs %u bytes of KPU RAM, %u are free, %u hold frame buffers: "
            "%u bytes are missing", (unsigned)self->kpu_ram, (unsigned)pool_kpu_room(), (unsigned)pool_kpu_lent(),
            (unsigned)(self->kpu_ram - pool_kpu_room()));
    }
    kpu_net_move(&self->net, 0);
    return KPU_OK;
}

static void release_kpu_ram(modkpu_net_obj_t *self) {
    for (uintptr_t *at = &open_nets; net_of(*at) != NULL; at = &net_of(*at)->next) {
        if (net_of(*at) == self) {
            *at = self->next;
            pool_kpu_reserve(kpu_ram_wanted());
            break;
        }
    }
    self->kpu_ram = 0;
}

static int hw_start(void *ctx, const uint64_t words[12], const uint8_t *weights, const uint8_t *bn,
    const uint8_t *act, bool eight_bit, uint8_t *dest, uint32_t dest_size) {
    modkpu_net_obj_t *self = ctx;
    self->dest = dest;
    self->dest_size = dest_size;
    if (pool_kpu_lent()) {
        pool_quiet(true);
    }
    return kpu_layer_start(words, bus(weights), bus(bn), bus(act), eight_bit, dest ? self->landing : NULL, dest_size);
}

static int hw_queue(void *ctx, const uint64_t words[12], const uint8_t *weights, const uint8_t *bn, const uint8_t *act,
    bool eight_bit) {
    (void)ctx;
    if (pool_kpu_lent()) {
        pool_quiet(true);
    }
    return kpu_layer_queue(words, bus(weights), bus(bn), bus(act), eight_bit);
}

static int hw_poll(void *ctx) {
    modkpu_net_obj_t *self = ctx;
    int ret = kpu_layer_poll();
    if (ret > 0 && self->dest != NULL) {
        const uint64_t *from = (const uint64_t *)self->landing;
        uint64_t *to = (uint64_t *)self->dest;
        // Results start at multiples of 8 bytes and have room for whole words.
        for (uint32_t n = (self->dest_size + 7) / 8; n > 0; --n) {
            *to++ = *from++;
        }
    }
    return ret;
}

static void hw_stop(void *ctx) {
    (void)ctx;
    kpu_layer_stop();
}

static const char *hw_waiting_for(void *ctx) {
    (void)ctx;
    return kpu_layer_waiting_for();
}

static int hw_write(void *ctx, uint32_t off, const uint8_t *src, uint32_t n) {
    (void)ctx;
    return kpu_ram_write(off, src, n);
}

static int hw_read(void *ctx, uint32_t off, uint8_t *dst, uint32_t n) {
    (void)ctx;
    return kpu_ram_read(off, dst, n);
}

#if KPU_WITH_SHARING
// Layers of the CPU are shared with the second hart when they take longer than it takes to wake it and to share.
#define SHARED_WORK (20000)
#define HART1_TIMEOUT_US (60000000) // a minute, for the largest layer that a loader accepts

static bool hart1_start(void (*fn)(void *arg), void *arg) {
    return hart1_run(fn, arg) == 0;
}

static bool hart1_done(void) {
    return hart1_wait(HART1_TIMEOUT_US) == 0;
}
#endif

int modkpu_hw_init(modkpu_net_obj_t *self, char *err) {
    kpu_init();
    self->backend = (kpu_backend_t) {
        .start = hw_start, .queue = hw_queue, .poll = hw_poll, .stop = hw_stop, .waiting_for = hw_waiting_for,
        .max_dest = MODKPU_LANDING_MAX, .write = hw_write, .read = hw_read, .ram = kpu_ram_words(), .ctx = self,
        #if KPU_WITH_SHARING
        .helper = { .start = hart1_start, .wait = hart1_done, .min_work = SHARED_WORK },
        #endif
    };
    int ret = claim_kpu_ram(self, err);
    if (ret != KPU_OK) {
        return ret;
    }
    uint32_t largest = 0;
    for (uint32_t i = 0; i < self->net.n_nodes; ++i) {
        const kpu_node_t *node = &self->net.nodes[i];
        if (node->op == KPU_OP_CONV && node->p.conv.to_main) {
            uint32_t bytes = (uint32_t)node->p.conv.out.w * node->p.conv.out.h * node->p.conv.out.c;
            largest = bytes <= MODKPU_LANDING_MAX && bytes > largest ? bytes : largest;
        }
    }
    if (largest != 0) {
        self->landing = core_alloc(NULL, largest + 8, 64, true);
        if (self->landing == NULL) {
            return kpu_fail(err, KPU_ERR_NO_MEM, "no room for a buffer of %u bytes for results", (unsigned)largest);
        }
    }
    return KPU_OK;
}

void modkpu_hw_deinit(modkpu_net_obj_t *self) {
    release_kpu_ram(self);
    if (self->landing != NULL) {
        core_free(NULL, self->landing);
        self->landing = NULL;
    }
}
