/*
 * Kendryte K210: KPU (neural network accelerator)
 *
 * A layer starts when its twelve words are in the FIFO and the one before is
 * done. Its tables and input are read at the start; the result is worked out
 * on a thread of its own and appears when the layer ends in virtual time, so
 * that a run does not depend on how fast the host is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "exec/address-spaces.h"
#include "exec/memory.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_kpu.h"
#include "hw/k210/k210_kpu_threads.h"
#include "hw/k210/k210_strict.h"
#include "hw/k210/k210_caches.h"
#include "trace.h"

REG64(LAYER_ARGUMENT_FIFO, 0x00)
REG64(INT_STATUS, 0x08)
REG64(INT_RAW, 0x10)
REG64(INT_MASK, 0x18)
REG64(INT_CLEAR, 0x20)
REG64(FIFO_THRESHOLD, 0x28)
    FIELD(FIFO_THRESHOLD, FULL, 0, 4)
    FIELD(FIFO_THRESHOLD, EMPTY, 4, 4)
REG64(FIFO_DATA_OUT, 0x30)
REG64(FIFO_CTRL, 0x38)
    FIELD(FIFO_CTRL, DMA_FLUSH_N, 0, 1)
    FIELD(FIFO_CTRL, CFG_FLUSH_N, 2, 1)
REG64(EIGHT_BIT_MODE, 0x40)

enum {
    INT_CALC_DONE = 1,
    INT_ALMOST_EMPTY = 2,
    INT_ALMOST_FULL = 4,
    INT_ALL = 7,
};

#define UNCACHED_BASE   0x40000000u
#define AIRAM_BASE      0x40600000u
#define CACHED_BASE     0x80000000u
#define CACHED_SIZE     0x00800000u
/* Compilers align to 256, yet a program of the vendor runs with 32. */
#define ACT_ALIGN       8
#define STREAM_MAX      (16u << 20)

/* A layer is computed in this many pieces, by as many threads as there are. */
#define PARTS           8
#define HELPERS_MAX     1       /* the guest wants to run as well */

static void start_layer(K210KpuState *s);

static void update_irq(K210KpuState *s)
{
    qemu_set_irq(s->irq, s->int_raw & ~s->int_mask);
}

static void set_interrupt(K210KpuState *s, uint32_t bit)
{
    s->int_raw |= bit;
    trace_k210_kpu_interrupt(s->int_raw, s->int_mask);
    update_irq(s);
}

static uint32_t queued_layers(K210KpuState *s)
{
    return s->queued / K210_KPU_LAYER_WORDS;
}

static void update_dma(K210KpuState *s)
{
    qemu_set_irq(s->dma_rx, DIV_ROUND_UP(s->stream_len - s->stream_pos, 8));
}

/* The worker */

static void *worker(void *opaque)
{
    K210KpuState *s = opaque;

    qemu_mutex_lock(&s->lock);
    while (s->job != K210_KPU_QUIT) {
        if (s->job == K210_KPU_WORK) {
            qemu_mutex_unlock(&s->lock);
            k210_kpu_compute(s->arith, k210_kpu_threads_run, s->threads,
                             PARTS);
            qemu_mutex_lock(&s->lock);
            if (s->job == K210_KPU_WORK) {
                s->job = K210_KPU_READY;
            }
            qemu_cond_broadcast(&s->cond);
        } else {
            qemu_cond_wait(&s->cond, &s->lock);
        }
    }
    qemu_mutex_unlock(&s->lock);
    return NULL;
}

static void post(K210KpuState *s, int job)
{
    qemu_mutex_lock(&s->lock);
    s->job = job;
    qemu_cond_broadcast(&s->cond);
    qemu_mutex_unlock(&s->lock);
}

/* Waits until the worker does not touch s->arith any more. */
static void join(K210KpuState *s)
{
    qemu_mutex_lock(&s->lock);
    while (s->job == K210_KPU_WORK) {
        qemu_cond_wait(&s->cond, &s->lock);
    }
    s->job = K210_KPU_IDLE;
    qemu_mutex_unlock(&s->lock);
}

/* AI SRAM belongs to the KPU while it computes */

static uint64_t guard_read(void *opaque, hwaddr addr, unsigned size)
{
    K210KpuState *s = opaque;
    uint8_t buf[8] = { 0 };

    k210_guest_error("AI SRAM: read of %u bytes at offset 0x%06" HWADDR_PRIx
                     " while the KPU computes", size, addr);
    address_space_read(&s->as, addr, MEMTXATTRS_UNSPECIFIED, buf, size);
    return ldq_le_p(buf);
}

static void guard_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    K210KpuState *s = opaque;
    uint8_t buf[8];

    k210_guest_error("AI SRAM: write of %u bytes at offset 0x%06" HWADDR_PRIx
                     " while the KPU computes", size, addr);
    stq_le_p(buf, value);
    address_space_write(&s->as, addr, MEMTXATTRS_UNSPECIFIED, buf, size);
}

static const MemoryRegionOps guard_ops = {
    .read = guard_read,
    .write = guard_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

/* Only a strict machine looks: changing the memory map is slow. */
static void set_running(K210KpuState *s, bool running)
{
    static const hwaddr window[2] = { AIRAM_BASE, AIRAM_BASE + CACHED_BASE -
                                                  UNCACHED_BASE };

    s->running = running;
    for (int i = 0; i < 2; i++) {
        MemoryRegion *guard = &s->guard[i];
        bool mapped = memory_region_is_mapped(guard);

        if (running && k210_is_strict() && !mapped) {
            memory_region_add_subregion_overlap(get_system_memory(),
                                                window[i], guard, 10);
        } else if (mapped) {
            memory_region_set_enabled(guard, running && k210_is_strict());
        }
    }
}

/* Layers */

static bool fetch(void *opaque, uint32_t addr, void *buf, size_t len)
{
    k210_caches_device("k210-kpu", addr, len, false);
    return address_space_read(&address_space_memory, addr,
                              MEMTXATTRS_UNSPECIFIED, buf, len) == MEMTX_OK;
}

static void check_address(const char *what, uint32_t addr)
{
    /* There are no caches here, so only a strict machine minds. */
    if (k210_is_strict() && addr >= CACHED_BASE &&
        addr - CACHED_BASE < CACHED_SIZE) {
        k210_guest_error("k210-kpu: cached address 0x%08x of the %s", addr,
                         what);
    }
}

static void check_layer(const K210KpuLayer *l)
{
    if (k210_kpu_maps_overlap(l)) {
        k210_guest_error("k210-kpu: input at line %u and output at line %u "
                         "overlap", l->in.line, l->out.line);
    }
    if (l->load_act) {
        if (l->act_addr % ACT_ALIGN) {
            k210_guest_error("k210-kpu: activation table at 0x%08x is not "
                             "aligned to %d", l->act_addr, ACT_ALIGN);
        }
        check_address("activation table", l->act_addr);
    }
    if (l->load_bn) {
        check_address("BN table", l->bn_addr);
    }
    if (l->load_weights && !l->bypass_conv) {
        check_address("weights", l->weights_addr);
    }
}

static const char *kind(const K210KpuLayer *l)
{
    if (l->bypass_conv) {
        return "no convolution";
    }
    return l->depthwise ? l->kernel == 1 ? "depthwise 1x1" : "depthwise 3x3"
                        : l->kernel == 1 ? "1x1" : "3x3";
}

/* Reads the layer's tables and input and sets the worker to it. */
static void begin(K210KpuState *s)
{
    char err[K210_KPU_ERR_SIZE];

    s->failed = !k210_kpu_begin(s->arith, s->layer, s->layer_eight_bit,
                                memory_region_get_ram_ptr(s->airam), fetch, s,
                                err);
    if (s->failed) {
        k210_guest_error("k210-kpu: %s", err);
        return;
    }
    post(s, K210_KPU_WORK);
}

static void start_layer(K210KpuState *s)
{
    const K210KpuLayer *l = k210_kpu_layer(s->arith);
    uint64_t cycles = 1;

    if (s->running || queued_layers(s) == 0) {
        return;
    }
    if (!clock_is_enabled(s->clk)) {
        k210_guest_error("k210-kpu: layer waits, but the AI clock is off");
        return;
    }
    memcpy(s->layer, s->queue, sizeof(s->layer));
    s->queued -= K210_KPU_LAYER_WORDS;
    memmove(s->queue, s->queue + K210_KPU_LAYER_WORDS,
            s->queued * sizeof(s->queue[0]));
    s->layer_eight_bit = s->eight_bit;
    begin(s);
    set_running(s, true);
    if (!s->failed) {
        check_layer(l);
        cycles = k210_kpu_cycles(l);
        trace_k210_kpu_layer(l->in.channels, l->in.height, l->in.width,
                             l->out.channels, l->out.height, l->out.width,
                             kind(l), l->pool_type, cycles, l->int_en);
    }
    timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                        clock_ticks_to_ns(s->clk, MAX(cycles, 1)));
    if (queued_layers(s) <= FIELD_EX32(s->fifo_threshold, FIFO_THRESHOLD,
                                       EMPTY)) {
        set_interrupt(s, INT_ALMOST_EMPTY);
    }
}

/* Puts the result where guest and bus masters see it. */
static void store_result(K210KpuState *s)
{
    const uint8_t *stream;
    size_t len, start, length;

    k210_kpu_output_range(k210_kpu_layer(s->arith), &start, &length);
    if (length) {
        hwaddr mapped = length;
        uint8_t *out = address_space_map(&s->as, start, &mapped, true,
                                         MEMTXATTRS_UNSPECIFIED);

        assert(mapped == length);
        k210_kpu_finish(s->arith, out - start);
        address_space_unmap(&s->as, out, mapped, true, mapped);
    }

    stream = k210_kpu_stream(s->arith, &len);
    if (!len) {
        return;
    }
    if (s->stream_pos < s->stream_len) {
        qemu_log_mask(LOG_GUEST_ERROR, "k210-kpu: %u bytes of the layer "
                      "before were not read\n",
                      s->stream_len - s->stream_pos);
    }
    /* What was left over comes first. */
    if (s->stream_pos) {
        memmove(s->stream, s->stream + s->stream_pos,
                s->stream_len - s->stream_pos);
    }
    s->stream_len -= s->stream_pos;
    s->stream_pos = 0;
    if (s->stream_len + len > STREAM_MAX) {
        /* The chip would not go on, but the host's memory has an end too. */
        k210_guest_error("k210-kpu: nobody reads FIFO_DATA_OUT");
        return;
    }
    if (s->stream_len + len + 8 > s->stream_size) {
        s->stream_size = s->stream_len + len + 8;
        s->stream = g_realloc(s->stream, s->stream_size);
    }
    memcpy(s->stream + s->stream_len, stream, len);
    s->stream_len += len;
    while (s->stream_len % 8) {
        s->stream[s->stream_len++] = 0;
    }
}

static void layer_done(void *opaque)
{
    K210KpuState *s = opaque;
    bool int_en = s->layer[0] & 1;

    if (s->stopped) {
        return;                 /* goes on when the property is cleared */
    }
    if (!s->failed) {
        join(s);
        store_result(s);
    }
    set_running(s, false);
    trace_k210_kpu_done(s->stream_len - s->stream_pos, queued_layers(s));
    update_dma(s);
    if (int_en) {
        set_interrupt(s, INT_CALC_DONE);
    }
    start_layer(s);
}

static void push_word(K210KpuState *s, uint64_t word)
{
    if (!FIELD_EX32(s->fifo_ctrl, FIFO_CTRL, CFG_FLUSH_N)) {
        return;
    }
    if (s->queued == ARRAY_SIZE(s->queue)) {
        k210_guest_error("k210-kpu: layer argument FIFO is full, word lost");
        return;
    }
    s->queue[s->queued++] = word;
    if (s->queued % K210_KPU_LAYER_WORDS) {
        return;
    }
    start_layer(s);
    if (s->queued && queued_layers(s) >= FIELD_EX32(s->fifo_threshold,
                                                    FIFO_THRESHOLD, FULL)) {
        set_interrupt(s, INT_ALMOST_FULL);
    }
}

static void clock_changed(void *opaque, ClockEvent event)
{
    K210KpuState *s = opaque;

    if (!clock_is_enabled(s->clk)) {
        if (s->running) {
            k210_guest_error("k210-kpu: AI clock switched off while a layer "
                             "runs");
        }
        return;
    }
    start_layer(s);
}

/* Registers */

static uint64_t pop_stream(K210KpuState *s, bool last_half)
{
    uint64_t v;

    if (s->stream_pos >= s->stream_len) {
        k210_guest_error("k210-kpu: FIFO_DATA_OUT is empty");
        return 0;
    }
    v = ldq_le_p(s->stream + s->stream_pos);
    if (last_half) {
        s->stream_pos += 8;
        update_dma(s);
    }
    return v;
}

static void flush_fifos(K210KpuState *s)
{
    if (!FIELD_EX32(s->fifo_ctrl, FIFO_CTRL, DMA_FLUSH_N)) {
        s->stream_pos = s->stream_len = 0;
        update_dma(s);
    }
    if (!FIELD_EX32(s->fifo_ctrl, FIFO_CTRL, CFG_FLUSH_N)) {
        s->queued = 0;
    }
}

static bool access_ok(hwaddr addr, unsigned size, bool write)
{
    if (size < 4 || addr % size) {
        k210_guest_error("k210-kpu: %u-byte %s at 0x%02" HWADDR_PRIx
                         ", the registers are 64 bits wide", size,
                         write ? "write" : "read", addr);
        return false;
    }
    return true;
}

static uint64_t k210_kpu_read(void *opaque, hwaddr addr, unsigned size)
{
    K210KpuState *s = opaque;
    uint64_t v = 0;

    if (!access_ok(addr, size, false)) {
        return 0;
    }
    switch (addr & ~7ull) {
    case A_LAYER_ARGUMENT_FIFO:
    case A_INT_CLEAR:
        break;
    case A_INT_STATUS:
        v = s->int_raw & ~s->int_mask;
        break;
    case A_INT_RAW:
        v = s->int_raw;
        break;
    case A_INT_MASK:
        v = s->int_mask;
        break;
    case A_FIFO_THRESHOLD:
        v = s->fifo_threshold;
        break;
    case A_FIFO_DATA_OUT:
        v = pop_stream(s, size == 8 || (addr & 4));
        break;
    case A_FIFO_CTRL:
        v = s->fifo_ctrl;
        break;
    case A_EIGHT_BIT_MODE:
        v = s->eight_bit;
        break;
    default:
        k210_guest_error("k210-kpu: read at 0x%02" HWADDR_PRIx
                         ", where there is no register", addr);
        break;
    }
    if (size == 4) {
        v = (uint32_t)(v >> (addr & 4) * 8);
    }
    trace_k210_kpu_read(addr, v);
    return v;
}

static void k210_kpu_write(void *opaque, hwaddr addr, uint64_t v,
                           unsigned size)
{
    K210KpuState *s = opaque;
    hwaddr reg = addr & ~7ull;

    trace_k210_kpu_write(addr, v);
    if (!access_ok(addr, size, true)) {
        return;
    }
    if (reg == A_LAYER_ARGUMENT_FIFO) {
        if (size == 8) {
            push_word(s, v);
        } else if (addr & 4) {
            push_word(s, v << 32 | s->write_low);
        } else {
            s->write_low = v;
        }
        return;
    }
    if (addr & 4) {
        return;                 /* nothing in the upper halves */
    }
    switch (reg) {
    case A_INT_MASK:
        s->int_mask = v & INT_ALL;
        break;
    case A_INT_CLEAR:
        s->int_raw &= ~v;
        break;
    case A_FIFO_THRESHOLD:
        s->fifo_threshold = v & 0xff;
        break;
    case A_FIFO_CTRL:
        s->fifo_ctrl = v & 0x1f;
        flush_fifos(s);
        break;
    case A_EIGHT_BIT_MODE:
        s->eight_bit = v & 1;
        break;
    case A_INT_STATUS: case A_INT_RAW: case A_FIFO_DATA_OUT:
        k210_guest_error("k210-kpu: write to read-only register 0x%02"
                         HWADDR_PRIx, addr);
        break;
    default:
        k210_guest_error("k210-kpu: write at 0x%02" HWADDR_PRIx
                         ", where there is no register", addr);
        break;
    }
    update_irq(s);
}

static const MemoryRegionOps k210_kpu_ops = {
    .read = k210_kpu_read,
    .write = k210_kpu_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 8 },
};

/* Life of the device */

static void k210_kpu_reset_hold(Object *obj, ResetType type)
{
    K210KpuState *s = K210_KPU(obj);

    timer_del(s->timer);
    join(s);
    set_running(s, false);
    k210_kpu_arith_reset(s->arith);
    s->int_raw = 0;
    s->int_mask = INT_ALL;
    s->fifo_threshold = 0;
    s->fifo_ctrl = 0x1f;        /* no driver writes it: not flushing */
    s->eight_bit = false;
    s->queued = s->write_low = 0;
    s->failed = false;
    s->stream_pos = s->stream_len = 0;
    update_irq(s);
    update_dma(s);
}

static void k210_kpu_realize(DeviceState *dev, Error **errp)
{
    K210KpuState *s = K210_KPU(dev);

    if (!s->airam || memory_region_size(s->airam) != K210_KPU_RAM_SIZE) {
        error_setg(errp, "k210-kpu: link \"airam\" must be set to the 2 MiB "
                   "of AI SRAM");
        return;
    }
    s->arith = k210_kpu_arith_new();
    if (!s->arith) {
        error_setg(errp, "k210-kpu: out of memory");
        return;
    }
    address_space_init(&s->as, s->airam, TYPE_K210_KPU);
    s->threads = k210_kpu_threads_new(MIN(g_get_num_processors() - 1,
                                          HELPERS_MAX));
    qemu_thread_create(&s->worker, "k210-kpu", worker, s,
                       QEMU_THREAD_JOINABLE);
}

static void k210_kpu_unrealize(DeviceState *dev)
{
    K210KpuState *s = K210_KPU(dev);

    timer_del(s->timer);
    join(s);
    post(s, K210_KPU_QUIT);
    qemu_thread_join(&s->worker);
    k210_kpu_threads_free(s->threads);
    k210_kpu_arith_free(s->arith);
    address_space_destroy(&s->as);
}

/*
 * Property "stopped": no layer ends any more, as if the block had died. For
 * tests of what a program does then.
 */
static bool kpu_get_stopped(Object *obj, Error **errp)
{
    return K210_KPU(obj)->stopped;
}

static void kpu_set_stopped(Object *obj, bool value, Error **errp)
{
    K210KpuState *s = K210_KPU(obj);

    s->stopped = value;
    if (!value && s->running && !timer_pending(s->timer)) {
        timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    }
}

static void k210_kpu_init(Object *obj)
{
    K210KpuState *s = K210_KPU(obj);
    SysBusDevice *sbd = SYS_BUS_DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_kpu_ops, s, TYPE_K210_KPU,
                          0x00c00000);
    for (int i = 0; i < 2; i++) {
        memory_region_init_io(&s->guard[i], obj, &guard_ops, s,
                              "k210.airam.busy", K210_KPU_RAM_SIZE);
    }
    sysbus_init_mmio(sbd, &s->mmio);
    sysbus_init_irq(sbd, &s->irq);
    s->clk = qdev_init_clock_in(DEVICE(obj), "clk", clock_changed, s,
                                ClockUpdate);
    qdev_init_gpio_out_named(DEVICE(obj), &s->dma_rx, "dma-rx", 1);
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, layer_done, s);
    qemu_mutex_init(&s->lock);
    qemu_cond_init(&s->cond);
}

static void k210_kpu_finalize(Object *obj)
{
    K210KpuState *s = K210_KPU(obj);

    timer_free(s->timer);
    g_free(s->stream);
    qemu_cond_destroy(&s->cond);
    qemu_mutex_destroy(&s->lock);
}

/* A running layer is worked out again from its input, which is untouched. */
static int k210_kpu_post_load(void *opaque, int version_id)
{
    K210KpuState *s = opaque;

    if (s->queued > ARRAY_SIZE(s->queue) || s->stream_pos > s->stream_len ||
        s->stream_len % 8) {
        return -EINVAL;
    }
    s->stream_size = s->stream_len;
    join(s);
    if (s->running && !s->failed) {
        begin(s);
    }
    set_running(s, s->running);
    return 0;
}

static const VMStateDescription vmstate_k210_kpu = {
    .name = TYPE_K210_KPU,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = k210_kpu_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_CLOCK(clk, K210KpuState),
        VMSTATE_TIMER_PTR(timer, K210KpuState),
        VMSTATE_UINT32(int_raw, K210KpuState),
        VMSTATE_UINT32(int_mask, K210KpuState),
        VMSTATE_UINT32(fifo_threshold, K210KpuState),
        VMSTATE_UINT32(fifo_ctrl, K210KpuState),
        VMSTATE_BOOL(eight_bit, K210KpuState),
        VMSTATE_UINT64_ARRAY(queue, K210KpuState,
                             K210_KPU_QUEUE * K210_KPU_LAYER_WORDS),
        VMSTATE_UINT32(queued, K210KpuState),
        VMSTATE_UINT32(write_low, K210KpuState),
        VMSTATE_UINT64_ARRAY(layer, K210KpuState, K210_KPU_LAYER_WORDS),
        VMSTATE_BOOL(running, K210KpuState),
        VMSTATE_BOOL(failed, K210KpuState),
        VMSTATE_BOOL(layer_eight_bit, K210KpuState),
        VMSTATE_UINT32(stream_pos, K210KpuState),
        VMSTATE_UINT32(stream_len, K210KpuState),
        VMSTATE_VBUFFER_ALLOC_UINT32(stream, K210KpuState, 1, NULL,
                                     stream_len),
        VMSTATE_END_OF_LIST()
    },
};

static const Property k210_kpu_properties[] = {
    DEFINE_PROP_LINK("airam", K210KpuState, airam, TYPE_MEMORY_REGION,
                     MemoryRegion *),
};

static void k210_kpu_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Kendryte K210 KPU";
    dc->realize = k210_kpu_realize;
    dc->unrealize = k210_kpu_unrealize;
    dc->vmsd = &vmstate_k210_kpu;
    device_class_set_props(dc, k210_kpu_properties);
    rc->phases.hold = k210_kpu_reset_hold;
    object_class_property_add_bool(klass, "stopped", kpu_get_stopped,
                                   kpu_set_stopped);
}

static const TypeInfo k210_kpu_info = {
    .name = TYPE_K210_KPU,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(K210KpuState),
    .instance_init = k210_kpu_init,
    .instance_finalize = k210_kpu_finalize,
    .class_init = k210_kpu_class_init,
};

static void k210_kpu_types(void)
{
    type_register_static(&k210_kpu_info);
}

type_init(k210_kpu_types)
