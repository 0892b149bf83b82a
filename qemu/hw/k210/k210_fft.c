/*
 * Kendryte K210: FFT accelerator (64 to 512 points, 16-bit complex)
 *
 * A 64-bit word carries two points; in each the low half is the real and the
 * high half the imaginary part. The vendor driver names them the other way
 * round and selects the inverse transform, which comes to the same thing.
 *
 * What happens to bits that do not fit is not published: products are
 * rounded down, sums are clipped to 16 bits.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_fft.h"
#include "hw/k210/k210_strict.h"
#include "trace.h"
#include <math.h>

REG64(INPUT_FIFO, 0x00)
REG64(CTRL, 0x08)
    FIELD(CTRL, POINT, 0, 3)
    FIELD(CTRL, MODE, 3, 1)
    FIELD(CTRL, SHIFT, 4, 9)
    FIELD(CTRL, ENABLE, 13, 1)
    FIELD(CTRL, DMA_SEND, 14, 1)
    FIELD(CTRL, INPUT_MODE, 15, 2)
    FIELD(CTRL, DATA_MODE, 17, 1)
REG64(FIFO_CTRL, 0x10)
    FIELD(FIFO_CTRL, RESP_FLUSH_N, 0, 1)
    FIELD(FIFO_CTRL, CMD_FLUSH_N, 1, 1)
    FIELD(FIFO_CTRL, GS_FLUSH_N, 2, 1)
REG64(INTR_MASK, 0x18)
REG64(INTR_CLEAR, 0x20)
REG64(STATUS, 0x28)
REG64(STATUS_RAW, 0x30)
    FIELD(STATUS_RAW, DONE, 0, 1)
    FIELD(STATUS_RAW, WORKING, 1, 1)
REG64(OUTPUT_FIFO, 0x38)

enum { INPUT_RIRI, INPUT_REAL, INPUT_PLANES };

static int16_t clip(int64_t v, unsigned *clipped)
{
    if (v > INT16_MAX || v < INT16_MIN) {
        (*clipped)++;
        return v > 0 ? INT16_MAX : INT16_MIN;
    }
    return v;
}

void k210_fft_transform(int16_t *re, int16_t *im, unsigned log2n,
                        bool inverse, uint32_t shift, unsigned *clipped)
{
    unsigned n = 1 << log2n;

    /* Decimation in time: bit-reversed order first. */
    for (unsigned i = 0; i < n; i++) {
        unsigned j = revbit32(i) >> (32 - log2n);

        if (i < j) {
            int16_t t = re[i];

            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
    }
    for (unsigned stage = 0; stage < log2n; stage++) {
        unsigned half = 1 << stage;
        unsigned s = extract32(shift, stage, 1);

        for (unsigned k = 0; k < half; k++) {
            double angle = M_PI * k / half;
            int32_t wr = lrint(cos(angle) * 32768);
            int32_t wi = lrint(sin(angle) * 32768) * (inverse ? 1 : -1);

            for (unsigned a = k; a < n; a += 2 * half) {
                unsigned b = a + half;
                int64_t tr = ((int64_t)re[b] * wr - (int64_t)im[b] * wi) >> 15;
                int64_t ti = ((int64_t)re[b] * wi + (int64_t)im[b] * wr) >> 15;
                int64_t ar = re[a], ai = im[a];

                re[a] = clip((ar + tr) >> s, clipped);
                im[a] = clip((ai + ti) >> s, clipped);
                re[b] = clip((ar - tr) >> s, clipped);
                im[b] = clip((ai - ti) >> s, clipped);
            }
        }
    }
}

static unsigned log2_points(K210FftState *s)
{
    return 9 - MIN(FIELD_EX32(s->ctrl, CTRL, POINT), 3);
}

static unsigned points(K210FftState *s)
{
    return 1 << log2_points(s);
}

static unsigned input_mode(K210FftState *s)
{
    return FIELD_EX32(s->ctrl, CTRL, INPUT_MODE);
}

static unsigned values_expected(K210FftState *s)
{
    return input_mode(s) == INPUT_REAL ? points(s) : 2 * points(s);
}

static unsigned values_per_word(K210FftState *s)
{
    return FIELD_EX32(s->ctrl, CTRL, DATA_MODE) ? 2 : 4;
}

static void update(K210FftState *s)
{
    unsigned room = 0, ready = 0;
    unsigned per_word = values_per_word(s);

    if ((s->ctrl & R_CTRL_ENABLE_MASK) && !s->working && !s->has_output) {
        room = DIV_ROUND_UP(values_expected(s) - s->in, per_word);
    }
    if (s->has_output && (s->ctrl & R_CTRL_DMA_SEND_MASK)) {
        ready = DIV_ROUND_UP(points(s) - s->out, per_word / 2);
    }
    qemu_set_irq(s->irq, s->done && !(s->intr_mask & 1));
    qemu_set_irq(s->dma_tx, room);
    qemu_set_irq(s->dma_rx, ready);
}

static void flush(K210FftState *s)
{
    timer_del(&s->timer);
    s->in = s->out = 0;
    s->working = s->has_output = false;
}

static void k210_fft_done(void *opaque)
{
    K210FftState *s = opaque;
    unsigned clipped = 0;

    k210_fft_transform(s->re, s->im, log2_points(s),
                       FIELD_EX32(s->ctrl, CTRL, MODE),
                       FIELD_EX32(s->ctrl, CTRL, SHIFT), &clipped);
    trace_k210_fft_done(points(s), FIELD_EX32(s->ctrl, CTRL, MODE), clipped);
    s->working = false;
    s->has_output = true;
    s->done = true;
    s->in = s->out = 0;
    update(s);
}

static void begin(K210FftState *s)
{
    /* One butterfly per clock [our assumption; no time is published]. */
    uint64_t cycles = (uint64_t)points(s) / 2 * log2_points(s);

    s->working = true;
    if (input_mode(s) == INPUT_REAL) {
        memset(s->im, 0, sizeof(s->im));
    }
    if (clock_is_enabled(s->clk)) {
        timer_mod(&s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                             clock_ticks_to_ns(s->clk, cycles));
    }
}

static void put_value(K210FftState *s, int16_t v)
{
    unsigned i = s->in++;

    switch (input_mode(s)) {
    case INPUT_REAL:
        s->re[i] = v;
        break;
    case INPUT_PLANES:
        *(i < points(s) ? &s->re[i] : &s->im[i - points(s)]) = v;
        break;
    default:
        *(i & 1 ? &s->im[i / 2] : &s->re[i / 2]) = v;
        break;
    }
}

static void input(K210FftState *s, uint64_t word)
{
    if (!(s->ctrl & R_CTRL_ENABLE_MASK)) {
        k210_guest_error("k210-fft: input while CTRL.enable is 0");
        return;
    }
    if (s->working || s->has_output) {
        k210_guest_error("k210-fft: input before the last result was read");
        return;
    }
    for (unsigned i = 0; i < values_per_word(s); i++) {
        if (s->in < values_expected(s)) {
            put_value(s, word >> (16 * i));
        }
    }
    if (s->in >= values_expected(s)) {
        begin(s);
    }
}

static uint32_t get_point(K210FftState *s)
{
    unsigned i = s->out++;
    uint32_t r = (uint16_t)s->re[i] | (uint32_t)(uint16_t)s->im[i] << 16;

    if (s->out >= points(s)) {
        s->has_output = false;
        s->out = 0;
    }
    return r;
}

static uint64_t output(K210FftState *s)
{
    uint64_t r;

    if (!s->has_output) {
        k210_guest_error("k210-fft: OUTPUT_FIFO read while it is empty");
        return 0;
    }
    r = get_point(s);
    if (values_per_word(s) == 4 && s->has_output) {
        r |= (uint64_t)get_point(s) << 32;
    }
    return r;
}

static uint64_t reg_read(K210FftState *s, hwaddr addr)
{
    uint64_t r = 0;

    switch (addr) {
    case A_CTRL:
        return s->ctrl;
    case A_FIFO_CTRL:
        return s->fifo_ctrl;
    case A_INTR_MASK:
        return s->intr_mask;
    case A_STATUS:
        return s->done && !(s->intr_mask & 1);
    case A_STATUS_RAW:
        r = FIELD_DP64(r, STATUS_RAW, DONE, s->done);
        return FIELD_DP64(r, STATUS_RAW, WORKING, s->working);
    case A_OUTPUT_FIFO:
        return output(s);
    case A_INPUT_FIFO: case A_INTR_CLEAR:
        return 0;
    default:
        k210_guest_error("k210-fft: read at 0x%02" HWADDR_PRIx
                         ", where there is no register", addr);
        return 0;
    }
}

static void reg_write(K210FftState *s, hwaddr addr, uint64_t v)
{
    switch (addr) {
    case A_INPUT_FIFO:
        input(s, v);
        break;
    case A_CTRL:
        /* A transform starts from empty FIFOs when its shape changes. */
        if ((s->ctrl ^ v) & (R_CTRL_ENABLE_MASK | R_CTRL_POINT_MASK |
                             R_CTRL_INPUT_MODE_MASK | R_CTRL_DATA_MODE_MASK)) {
            flush(s);
        }
        s->ctrl = v & 0x3ffff;
        if (FIELD_EX32(s->ctrl, CTRL, POINT) > 3) {
            k210_guest_error("k210-fft: CTRL.point has no value %u",
                             (unsigned)FIELD_EX32(s->ctrl, CTRL, POINT));
        }
        break;
    case A_FIFO_CTRL:
        s->fifo_ctrl = v & 7;
        if (s->fifo_ctrl != 7) {
            flush(s);
        }
        break;
    case A_INTR_MASK:
        s->intr_mask = v & 1;
        break;
    case A_INTR_CLEAR:
        if (v & 1) {
            s->done = false;
        }
        break;
    case A_STATUS: case A_STATUS_RAW: case A_OUTPUT_FIFO:
        k210_guest_error("k210-fft: write to read-only register 0x%02"
                         HWADDR_PRIx, addr);
        break;
    default:
        k210_guest_error("k210-fft: write at 0x%02" HWADDR_PRIx
                         ", where there is no register", addr);
    }
    update(s);
}

static bool access_ok(hwaddr addr, unsigned size)
{
    if (size < 4 || addr & (size - 1)) {
        k210_guest_error("k210-fft: %u-byte access at 0x%02" HWADDR_PRIx
                         ", the registers are 64 bits wide", size, addr);
        return false;
    }
    return true;
}

/* By halves: the low half of a FIFO fetches the word, the high half keeps. */
static uint64_t k210_fft_read(void *opaque, hwaddr addr, unsigned size)
{
    K210FftState *s = opaque;
    uint64_t r;

    if (!access_ok(addr, size)) {
        return 0;
    }
    if (size == 4 && (addr & 4)) {
        r = addr == A_OUTPUT_FIFO + 4 ? s->high_half
                                      : reg_read(s, addr - 4) >> 32;
    } else {
        r = reg_read(s, addr);
        s->high_half = r >> 32;
    }
    update(s);
    trace_k210_fft_read(addr, r);
    return size == 4 ? (uint32_t)r : r;
}

static void k210_fft_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    K210FftState *s = opaque;

    trace_k210_fft_write(addr, value);
    if (!access_ok(addr, size)) {
        return;
    }
    if (size == 8 || (!(addr & 4) && addr != A_INPUT_FIFO)) {
        reg_write(s, addr, value);
    } else if (addr == A_INPUT_FIFO) {
        s->low_half = value;
        if (FIELD_EX32(s->ctrl, CTRL, DATA_MODE)) {
            reg_write(s, addr, value);
        }
    } else if (addr == A_INPUT_FIFO + 4) {
        if (!FIELD_EX32(s->ctrl, CTRL, DATA_MODE)) {
            reg_write(s, A_INPUT_FIFO, value << 32 | s->low_half);
        }
    } /* the high halves of the others hold nothing */
}

static const MemoryRegionOps k210_fft_ops = {
    .read = k210_fft_read,
    .write = k210_fft_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static void k210_fft_clock_update(void *opaque, ClockEvent event)
{
    K210FftState *s = opaque;

    if (s->working && !timer_pending(&s->timer)) {
        begin(s);
    }
}

static void k210_fft_reset_hold(Object *obj, ResetType type)
{
    K210FftState *s = K210_FFT(obj);

    flush(s);
    s->ctrl = 0;
    s->fifo_ctrl = 7;
    s->intr_mask = 0;
    s->done = false;
    s->low_half = s->high_half = 0;
    memset(s->re, 0, sizeof(s->re));
    memset(s->im, 0, sizeof(s->im));
    update(s);
}

static int k210_fft_post_load(void *opaque, int version_id)
{
    K210FftState *s = opaque;

    return s->in > values_expected(s) || s->out >= K210_FFT_MAX ? -EINVAL : 0;
}

static const VMStateDescription vmstate_k210_fft = {
    .name = TYPE_K210_FFT,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = k210_fft_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_TIMER(timer, K210FftState),
        VMSTATE_UINT32(ctrl, K210FftState),
        VMSTATE_UINT32(fifo_ctrl, K210FftState),
        VMSTATE_UINT32(intr_mask, K210FftState),
        VMSTATE_BOOL(done, K210FftState),
        VMSTATE_BOOL(working, K210FftState),
        VMSTATE_INT16_ARRAY(re, K210FftState, K210_FFT_MAX),
        VMSTATE_INT16_ARRAY(im, K210FftState, K210_FFT_MAX),
        VMSTATE_UINT32(in, K210FftState),
        VMSTATE_UINT32(out, K210FftState),
        VMSTATE_BOOL(has_output, K210FftState),
        VMSTATE_UINT32(high_half, K210FftState),
        VMSTATE_UINT32(low_half, K210FftState),
        VMSTATE_CLOCK(clk, K210FftState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_fft_init(Object *obj)
{
    K210FftState *s = K210_FFT(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_fft_ops, s, TYPE_K210_FFT,
                          0x1000);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, &s->dma_rx, "dma-rx", 1);
    qdev_init_gpio_out_named(dev, &s->dma_tx, "dma-tx", 1);
    s->clk = qdev_init_clock_in(dev, "clk", k210_fft_clock_update, s,
                                ClockUpdate);
    timer_init_ns(&s->timer, QEMU_CLOCK_VIRTUAL, k210_fft_done, s);
}

static void k210_fft_finalize(Object *obj)
{
    timer_del(&K210_FFT(obj)->timer);
}

static void k210_fft_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_fft;
    dc->desc = "K210 FFT accelerator";
    RESETTABLE_CLASS(klass)->phases.hold = k210_fft_reset_hold;
}

static const TypeInfo k210_fft_types[] = {
    {
        .name = TYPE_K210_FFT,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210FftState),
        .instance_init = k210_fft_init,
        .instance_finalize = k210_fft_finalize,
        .class_init = k210_fft_class_init,
    },
};
DEFINE_TYPES(k210_fft_types)
