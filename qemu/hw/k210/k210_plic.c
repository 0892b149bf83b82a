/*
 * Kendryte K210: platform-level interrupt controller
 *
 * The registers are those of SiFive's PLIC, and so is the behaviour of the
 * gateways, which QEMU's model of it lacks: a source that is still active
 * when its interrupt is completed becomes pending again, and one that goes
 * away before it is claimed stays pending.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "hw/irq.h"
#include "hw/k210/k210_plic.h"
#include "hw/k210/k210_strict.h"
#include "migration/vmstate.h"
#include "trace.h"

#define PLIC_PRIORITY   0x000000
#define PLIC_PENDING    0x001000
#define PLIC_ENABLE     0x002000
#define ENABLE_STRIDE   0x80
#define PLIC_CONTEXT    0x200000
#define CONTEXT_STRIDE  0x1000
#define PLIC_SIZE       0x4000000

#define MAX_PRIORITY    7

static bool get_bit(const uint32_t *words, unsigned id)
{
    return extract32(words[id / 32], id % 32, 1);
}

static void put_bit(uint32_t *words, unsigned id, bool value)
{
    words[id / 32] = deposit32(words[id / 32], id % 32, 1, value);
}

/* The pending interrupt of the highest priority, the lowest id of these. */
static unsigned plic_best(K210PlicState *s, unsigned ctx)
{
    unsigned best = 0, best_priority = 0;

    for (int w = 0; w < K210_PLIC_WORDS; w++) {
        uint32_t bits = s->pending[w] & s->enable[ctx][w];

        while (bits) {
            unsigned id = w * 32 + ctz32(bits);

            bits &= bits - 1;
            if (s->priority[id] > best_priority) {
                best = id;
                best_priority = s->priority[id];
            }
        }
    }
    return best;
}

static void plic_update(K210PlicState *s)
{
    for (int ctx = 0; ctx < K210_PLIC_CONTEXTS; ctx++) {
        unsigned id = plic_best(s, ctx);

        qemu_set_irq(s->eip[ctx], id && s->priority[id] > s->threshold[ctx]);
    }
}

/* A gateway lets one request through until that has been completed. */
static void plic_gateway(K210PlicState *s, unsigned id)
{
    if (get_bit(s->level, id) && !get_bit(s->in_flight, id)) {
        put_bit(s->in_flight, id, true);
        put_bit(s->pending, id, true);
    }
}

static void plic_set_source(void *opaque, int id, int level)
{
    K210PlicState *s = opaque;

    if (!id || get_bit(s->level, id) == !!level) {
        return;
    }
    trace_k210_plic_source(id, level);
    put_bit(s->level, id, level);
    if (level) {
        plic_gateway(s, id);
        plic_update(s);
    }
}

static unsigned plic_claim(K210PlicState *s, unsigned ctx)
{
    unsigned id = plic_best(s, ctx);

    if (id) {
        put_bit(s->pending, id, false);
        plic_update(s);
    }
    trace_k210_plic_claim(ctx, id);
    return id;
}

static void plic_complete(K210PlicState *s, unsigned ctx, uint32_t id)
{
    trace_k210_plic_complete(ctx, id);
    if (id >= K210_PLIC_SOURCES) {
        k210_guest_error("k210-plic: completion of source %u, which does not"
                         " exist", id);
        return;
    }
    if (get_bit(s->pending, id)) {
        return;     /* not claimed, so there is nothing to complete */
    }
    put_bit(s->in_flight, id, false);
    plic_gateway(s, id);
    plic_update(s);
}

static uint64_t plic_read(void *opaque, hwaddr addr, unsigned size)
{
    K210PlicState *s = opaque;

    if (addr < 4 * K210_PLIC_SOURCES) {
        return s->priority[addr / 4];
    }
    if (addr >= PLIC_PENDING && addr < PLIC_PENDING + 4 * K210_PLIC_WORDS) {
        return s->pending[(addr - PLIC_PENDING) / 4];
    }
    if (addr >= PLIC_ENABLE &&
        addr < PLIC_ENABLE + ENABLE_STRIDE * K210_PLIC_CONTEXTS) {
        unsigned word = (addr % ENABLE_STRIDE) / 4;

        return word < K210_PLIC_WORDS
               ? s->enable[(addr - PLIC_ENABLE) / ENABLE_STRIDE][word] : 0;
    }
    if (addr >= PLIC_CONTEXT &&
        addr < PLIC_CONTEXT + CONTEXT_STRIDE * K210_PLIC_CONTEXTS) {
        unsigned ctx = (addr - PLIC_CONTEXT) / CONTEXT_STRIDE;

        switch (addr % CONTEXT_STRIDE) {
        case 0:
            return s->threshold[ctx];
        case 4:
            return plic_claim(s, ctx);
        }
    }
    /* Drivers written for more sources walk over the whole register file. */
    return 0;
}

static void plic_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{
    K210PlicState *s = opaque;

    if (addr < 4 * K210_PLIC_SOURCES) {
        s->priority[addr / 4] = addr ? value & MAX_PRIORITY : 0;
        plic_update(s);
    } else if (addr >= PLIC_ENABLE &&
               addr < PLIC_ENABLE + ENABLE_STRIDE * K210_PLIC_CONTEXTS) {
        static const uint32_t valid[K210_PLIC_WORDS] = {
            0xfffffffe, 0xffffffff, 0x3,
        };
        unsigned word = (addr % ENABLE_STRIDE) / 4;

        if (word < K210_PLIC_WORDS) {
            s->enable[(addr - PLIC_ENABLE) / ENABLE_STRIDE][word] =
                value & valid[word];
            plic_update(s);
        }
    } else if (addr >= PLIC_CONTEXT &&
               addr < PLIC_CONTEXT + CONTEXT_STRIDE * K210_PLIC_CONTEXTS) {
        unsigned ctx = (addr - PLIC_CONTEXT) / CONTEXT_STRIDE;

        switch (addr % CONTEXT_STRIDE) {
        case 0:
            s->threshold[ctx] = value & MAX_PRIORITY;
            plic_update(s);
            break;
        case 4:
            plic_complete(s, ctx, value);
            break;
        }
    }
}

static const MemoryRegionOps plic_ops = {
    .read = plic_read,
    .write = plic_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* The lines' levels belong to their sources and survive. */
static void plic_reset_hold(Object *obj, ResetType type)
{
    K210PlicState *s = K210_PLIC(obj);

    memset(s->priority, 0, sizeof(s->priority));
    memset(s->pending, 0, sizeof(s->pending));
    memset(s->in_flight, 0, sizeof(s->in_flight));
    memset(s->enable, 0, sizeof(s->enable));
    memset(s->threshold, 0, sizeof(s->threshold));
    plic_update(s);
}

static void plic_reset_exit(Object *obj, ResetType type)
{
    K210PlicState *s = K210_PLIC(obj);

    for (int id = 1; id < K210_PLIC_SOURCES; id++) {
        plic_gateway(s, id);
    }
    plic_update(s);
}

static const VMStateDescription vmstate_plic = {
    .name = TYPE_K210_PLIC,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8_ARRAY(priority, K210PlicState, K210_PLIC_SOURCES),
        VMSTATE_UINT32_ARRAY(level, K210PlicState, K210_PLIC_WORDS),
        VMSTATE_UINT32_ARRAY(pending, K210PlicState, K210_PLIC_WORDS),
        VMSTATE_UINT32_ARRAY(in_flight, K210PlicState, K210_PLIC_WORDS),
        VMSTATE_UINT32_2DARRAY(enable, K210PlicState, K210_PLIC_CONTEXTS,
                               K210_PLIC_WORDS),
        VMSTATE_UINT8_ARRAY(threshold, K210PlicState, K210_PLIC_CONTEXTS),
        VMSTATE_END_OF_LIST()
    }
};

static void plic_init(Object *obj)
{
    K210PlicState *s = K210_PLIC(obj);

    memory_region_init_io(&s->mmio, obj, &plic_ops, s, TYPE_K210_PLIC,
                          PLIC_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    qdev_init_gpio_in(DEVICE(obj), plic_set_source, K210_PLIC_SOURCES);
    qdev_init_gpio_out_named(DEVICE(obj), s->eip, "eip", K210_PLIC_CONTEXTS);
}

static void plic_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "K210 interrupt controller";
    dc->vmsd = &vmstate_plic;
    rc->phases.hold = plic_reset_hold;
    rc->phases.exit = plic_reset_exit;
}

static const TypeInfo plic_info[] = {
    {
        .name = TYPE_K210_PLIC,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210PlicState),
        .instance_init = plic_init,
        .class_init = plic_class_init,
    },
};

DEFINE_TYPES(plic_info)
