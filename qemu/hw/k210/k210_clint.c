/*
 * Kendryte K210: core-local interruptor
 *
 * The layout is that of every SiFive CLINT. QEMU's ACLINT fixes its time base
 * when it is created; here mtime follows the CPU clock, which software changes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/core/cpu.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/k210/k210_clint.h"
#include "hw/k210/k210_pace.h"
#include "hw/k210/k210_strict.h"
#include "migration/vmstate.h"
#include "trace.h"

#define CLINT_MSIP      0x0000
#define CLINT_MTIMECMP  0x4000
#define CLINT_MTIME     0xbff8
#define CLINT_SIZE      0xc000

/*
 * A hart of the chip notices within a few cycles that another one has set its
 * msip, and RustSBI clears it again at once. A host's thread wakes up later,
 * so a pulse this short holds the line until the hart has run for a while.
 */
#define PULSE_NS        (100 * SCALE_US)
#define PULSE_STEP_NS   (20 * SCALE_US)
#define PULSE_STEPS     5000        /* at most, for a hart that sleeps */
#define PULSE_LAST      10          /* of them once it runs */

static uint64_t cycles_at(uint64_t base, int64_t base_ns, uint64_t period,
                          int64_t now)
{
    uint64_t hi, lo;

    if (!period || now <= base_ns) {
        return base;
    }
    /* ns * 2^32 / period, with a 96-bit intermediate */
    lo = (uint64_t)(now - base_ns) << 32;
    hi = (uint64_t)(now - base_ns) >> 32;
    divu128(&lo, &hi, period);
    return base + lo;
}

uint64_t k210_clint_cycles(K210ClintState *s)
{
    uint64_t base, period;
    int64_t base_ns, now;
    unsigned start;

    do {
        start = seqlock_read_begin(&s->lock);
        base = s->base_cycles;
        base_ns = s->base_ns;
        period = s->period;
        now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    } while (seqlock_read_retry(&s->lock, start));
    return cycles_at(base, base_ns, period, now);
}

static uint64_t clint_mtime(K210ClintState *s)
{
    return k210_clint_cycles(s) / K210_CLINT_DIVIDER + s->mtime_offset;
}

/* The virtual time at which mtime reaches @mtime, or -1 if it never does. */
static int64_t clint_ns_of(K210ClintState *s, uint64_t mtime)
{
    uint64_t ticks = mtime - s->mtime_offset;
    uint64_t cycles, hi, lo;

    if (!s->period || ticks > UINT64_MAX / K210_CLINT_DIVIDER / 2) {
        return -1;
    }
    cycles = ticks * K210_CLINT_DIVIDER;
    if (cycles <= s->base_cycles) {
        return s->base_ns;
    }
    mulu64(&lo, &hi, cycles - s->base_cycles, s->period);
    if (hi >> 30) {
        return -1;
    }
    /* round up, so that the comparison holds when the timer fires */
    return s->base_ns + (int64_t)((hi << 32) | (lo >> 32)) + 1;
}

static void clint_update_timer(K210ClintState *s, int hart)
{
    bool pending = clint_mtime(s) >= s->mtimecmp[hart];
    int64_t ns;

    qemu_set_irq(s->mtip_irq[hart], pending);
    if (pending) {
        timer_del(s->timer[hart]);
        return;
    }
    ns = clint_ns_of(s, s->mtimecmp[hart]);
    if (ns < 0) {
        timer_del(s->timer[hart]);
    } else {
        timer_mod(s->timer[hart], ns);
    }
}

static void clint_timer0(void *opaque)
{
    clint_update_timer(opaque, 0);
}

static void clint_timer1(void *opaque)
{
    clint_update_timer(opaque, 1);
}

static void clint_rebase(K210ClintState *s, int64_t now)
{
    uint64_t cycles = cycles_at(s->base_cycles, s->base_ns, s->period, now);

    seqlock_write_begin(&s->lock);
    s->base_cycles = cycles;
    s->base_ns = now;
    s->period = clock_get(s->clk);
    seqlock_write_end(&s->lock);
}

static void clint_clock_changed(void *opaque, ClockEvent event)
{
    K210ClintState *s = opaque;

    clint_rebase(s, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    for (int i = 0; i < K210_CLINT_NHARTS; i++) {
        clint_update_timer(s, i);
    }
}

static uint64_t *clint_reg64(K210ClintState *s, hwaddr addr)
{
    unsigned n = (addr - CLINT_MTIMECMP) / 8;

    return addr >= CLINT_MTIMECMP && n < K210_CLINT_NHARTS ? &s->mtimecmp[n]
                                                            : NULL;
}

static uint64_t clint_read(void *opaque, hwaddr addr, unsigned size)
{
    K210ClintState *s = opaque;
    uint64_t *reg = clint_reg64(s, addr);
    unsigned shift = (addr & 4) * 8;
    uint64_t r = 0;

    if (addr / 4 < K210_CLINT_NHARTS) {
        r = s->msip[addr / 4];
        if (size == 8 && addr == 0) {
            r |= (uint64_t)s->msip[1] << 32;
        }
    } else if (reg) {
        r = *reg >> shift;
    } else if (addr >= CLINT_MTIME) {
        r = clint_mtime(s) >> shift;
    } else {
        k210_guest_error("k210-clint: read of unknown register 0x%" HWADDR_PRIx,
                         addr);
    }
    trace_k210_clint_read(addr, size, r);
    return r;
}

static bool clint_is_pulse(K210ClintState *s, unsigned hart)
{
    return current_cpu && current_cpu->cpu_index != hart &&
           qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - s->msip_set_ns[hart] <
           PULSE_NS;
}

static void clint_set_msip(K210ClintState *s, unsigned hart, uint32_t value)
{
    uint32_t old = s->msip[hart];
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    s->msip[hart] = value & 1;
    if (s->msip[hart]) {
        s->msip_set_ns[hart] = now;
    } else if (old && clint_is_pulse(s, hart)) {
        s->pulse_left[hart] = PULSE_STEPS;
        timer_mod(s->pulse[hart], now + PULSE_STEP_NS);
        return;
    }
    timer_del(s->pulse[hart]);
    qemu_set_irq(s->msip_irq[hart], s->msip[hart]);
    if (s->msip[hart]) {
        k210_pace_end_turn();
    }
}

static void clint_pulse(K210ClintState *s, unsigned hart)
{
    CPUState *cs = qemu_get_cpu(hart);

    if (!cs->halted && s->pulse_left[hart] > PULSE_LAST) {
        s->pulse_left[hart] = PULSE_LAST;
    }
    if (--s->pulse_left[hart]) {
        timer_mod(s->pulse[hart],
                  qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + PULSE_STEP_NS);
    } else {
        qemu_set_irq(s->msip_irq[hart], 0);
    }
}

static void clint_pulse0(void *opaque)
{
    clint_pulse(opaque, 0);
}

static void clint_pulse1(void *opaque)
{
    clint_pulse(opaque, 1);
}

/* Replaces the half of a 64-bit register that a 32-bit write hits. */
static uint64_t clint_merge(uint64_t old, hwaddr addr, uint64_t value,
                            unsigned size)
{
    return size == 8 ? value : deposit64(old, (addr & 4) * 8, 32, value);
}

static void clint_write(void *opaque, hwaddr addr, uint64_t value,
                        unsigned size)
{
    K210ClintState *s = opaque;
    uint64_t *reg = clint_reg64(s, addr);

    trace_k210_clint_write(addr, size, value);
    if (addr / 4 < K210_CLINT_NHARTS) {
        clint_set_msip(s, addr / 4, value);
        if (size == 8 && addr == 0) {
            clint_set_msip(s, 1, value >> 32);
        }
    } else if (reg) {
        *reg = clint_merge(*reg, addr, value, size);
        clint_update_timer(s, reg - s->mtimecmp);
    } else if (addr >= CLINT_MTIME) {
        uint64_t now = clint_mtime(s);

        s->mtime_offset += clint_merge(now, addr, value, size) - now;
        for (int i = 0; i < K210_CLINT_NHARTS; i++) {
            clint_update_timer(s, i);
        }
    } else {
        k210_guest_error("k210-clint: write of 0x%" PRIx64
                         " to unknown register 0x%" HWADDR_PRIx, value, addr);
    }
}

static const MemoryRegionOps clint_ops = {
    .read = clint_read,
    .write = clint_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 8 },
};

static void clint_reset_hold(Object *obj, ResetType type)
{
    K210ClintState *s = K210_CLINT(obj);
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    seqlock_write_begin(&s->lock);
    s->base_cycles = 0;
    s->base_ns = now;
    s->period = clock_get(s->clk);
    seqlock_write_end(&s->lock);
    s->mtime_offset = 0;
    for (int i = 0; i < K210_CLINT_NHARTS; i++) {
        /* No reset value is documented; this one keeps MTIP low. */
        s->mtimecmp[i] = UINT64_MAX;
        s->msip_set_ns[i] = INT64_MIN / 2;
        s->pulse_left[i] = PULSE_LAST;
        clint_set_msip(s, i, 0);
        clint_update_timer(s, i);
    }
}

static int clint_pre_save(void *opaque)
{
    K210ClintState *s = opaque;

    clint_rebase(s, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    return 0;
}

static const VMStateDescription vmstate_clint = {
    .name = TYPE_K210_CLINT,
    .version_id = 2,
    .minimum_version_id = 2,
    .pre_save = clint_pre_save,
    .fields = (const VMStateField[]) {
        VMSTATE_CLOCK(clk, K210ClintState),
        VMSTATE_UINT64(base_cycles, K210ClintState),
        VMSTATE_INT64(base_ns, K210ClintState),
        VMSTATE_UINT64(period, K210ClintState),
        VMSTATE_UINT64(mtime_offset, K210ClintState),
        VMSTATE_UINT64_ARRAY(mtimecmp, K210ClintState, K210_CLINT_NHARTS),
        VMSTATE_UINT32_ARRAY(msip, K210ClintState, K210_CLINT_NHARTS),
        VMSTATE_TIMER_PTR_ARRAY(timer, K210ClintState, K210_CLINT_NHARTS),
        VMSTATE_TIMER_PTR_ARRAY(pulse, K210ClintState, K210_CLINT_NHARTS),
        VMSTATE_INT64_ARRAY(msip_set_ns, K210ClintState, K210_CLINT_NHARTS),
        VMSTATE_UINT16_ARRAY(pulse_left, K210ClintState, K210_CLINT_NHARTS),
        VMSTATE_END_OF_LIST()
    }
};

static void clint_init(Object *obj)
{
    K210ClintState *s = K210_CLINT(obj);
    DeviceState *dev = DEVICE(obj);

    seqlock_init(&s->lock);
    memory_region_init_io(&s->mmio, obj, &clint_ops, s, TYPE_K210_CLINT,
                          CLINT_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    s->clk = qdev_init_clock_in(dev, "clk", clint_clock_changed, s,
                                ClockUpdate);
    qdev_init_gpio_out_named(dev, s->msip_irq, "msip", K210_CLINT_NHARTS);
    qdev_init_gpio_out_named(dev, s->mtip_irq, "mtip", K210_CLINT_NHARTS);
    s->timer[0] = timer_new_ns(QEMU_CLOCK_VIRTUAL, clint_timer0, s);
    s->timer[1] = timer_new_ns(QEMU_CLOCK_VIRTUAL, clint_timer1, s);
    s->pulse[0] = timer_new_ns(QEMU_CLOCK_VIRTUAL, clint_pulse0, s);
    s->pulse[1] = timer_new_ns(QEMU_CLOCK_VIRTUAL, clint_pulse1, s);
}

static void clint_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "K210 core-local interruptor";
    dc->vmsd = &vmstate_clint;
    rc->phases.hold = clint_reset_hold;
}

static const TypeInfo clint_info[] = {
    {
        .name = TYPE_K210_CLINT,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210ClintState),
        .instance_init = clint_init,
        .class_init = clint_class_init,
    },
};

DEFINE_TYPES(clint_info)
