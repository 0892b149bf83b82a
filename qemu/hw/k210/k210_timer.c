/*
 * Kendryte K210: TIMER0..TIMER2 (DesignWare timers, 4 channels each)
 *
 * A channel counts phases: down from the load value to 0, then a new phase.
 * With PWM on, phases take LOAD_COUNT (output low) and LOAD_COUNT2 (output
 * high) in turn. A phase lasts load + 1 clocks, as in the plain core.
 *
 * Phases are computed from the clock's cycle count when somebody looks; the
 * QEMU timer exists for interrupts and for edges at the output. A masked
 * channel faster than MASKED_PERIOD_NS shows samples of its output there
 * instead of each edge, so that a fast PWM does not stop the emulator.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/registerfields.h"
#include "hw/k210/k210_mmio.h"
#include "hw/k210/k210_timer.h"
#include "trace.h"

#define CHANNEL_STRIDE 0x14
#define CHANNEL_END (CHANNEL_STRIDE * K210_TIMER_CHANNELS)
#define MASKED_PERIOD_NS 5000

REG32(LOAD_COUNT, 0x00)
REG32(CURRENT_VALUE, 0x04)
REG32(CONTROL, 0x08)
    FIELD(CONTROL, ENABLE, 0, 1)
    FIELD(CONTROL, MODE, 1, 1)      /* 1 = reload LOAD_COUNT */
    FIELD(CONTROL, INT_MASK, 2, 1)
    FIELD(CONTROL, PWM, 3, 1)
REG32(EOI, 0x0c)
REG32(INTSTAT, 0x10)
REG32(INTSTAT_ALL, 0xa0)
REG32(EOI_ALL, 0xa4)
REG32(RAW_INTSTAT, 0xa8)
REG32(COMP_VERSION, 0xac)
REG32(LOAD_COUNT2, 0xb0)
REG32(LOAD_COUNT2_END, 0xc0)

#define TIMER_COMP_VERSION 0x3231312a /* "211*": not published */

static bool enabled(K210TimerChannel *c)
{
    return c->control & R_CONTROL_ENABLE_MASK;
}

static bool masked(K210TimerChannel *c)
{
    return c->control & R_CONTROL_INT_MASK_MASK;
}

static uint64_t next_phase_len(K210TimerChannel *c, bool high)
{
    if (!(c->control & R_CONTROL_MODE_MASK)) {
        return 1ull << 32;
    }
    if ((c->control & R_CONTROL_PWM_MASK) && high) {
        return (uint64_t)c->load2 + 1;
    }
    return (uint64_t)c->load + 1;
}

static void update_irqs(K210TimerState *s)
{
    for (int line = 0; line < 2; line++) {
        K210TimerChannel *c = &s->ch[2 * line];

        qemu_set_irq(s->irq[line], (c[0].raw && !masked(&c[0])) ||
                                   (c[1].raw && !masked(&c[1])));
    }
}

static void update_output(K210TimerChannel *c)
{
    K210TimerState *s = c->parent;

    qemu_set_irq(s->toggle[c - s->ch], c->high);
}

/* Account for the phases that have ended. */
static void catch_up(K210TimerChannel *c)
{
    K210TimerState *s = c->parent;
    uint64_t now, pair;

    if (!enabled(c) || c->paused) {
        return;
    }
    now = k210_ticks_now(&s->ticks, s->clk);
    if (now - c->phase_start < c->phase_len) {
        return;
    }
    c->phase_start += c->phase_len;
    c->high = !c->high;
    c->raw = true;
    c->phase_len = next_phase_len(c, c->high);

    /* Whole pairs change nothing: skip them at once. */
    pair = c->phase_len + next_phase_len(c, !c->high);
    c->phase_start += (now - c->phase_start) / pair * pair;
    if (now - c->phase_start >= c->phase_len) {
        c->phase_start += c->phase_len;
        c->high = !c->high;
        c->phase_len = next_phase_len(c, c->high);
    }
}

static void schedule(K210TimerChannel *c)
{
    K210TimerState *s = c->parent;
    int64_t deadline, soonest;

    if (!enabled(c) || c->paused) {
        timer_del(&c->timer);
        return;
    }
    deadline = k210_ticks_deadline(&s->ticks, s->clk,
                                   c->phase_start + c->phase_len);
    if (masked(c)) {
        soonest = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + MASKED_PERIOD_NS;
        deadline = MAX(deadline, soonest);
    }
    if (deadline == INT64_MAX) {
        timer_del(&c->timer);
    } else {
        timer_mod(&c->timer, deadline);
    }
}

static void refresh(K210TimerChannel *c)
{
    catch_up(c);
    update_output(c);
    schedule(c);
    update_irqs(c->parent);
}

static void k210_timer_expire(void *opaque)
{
    K210TimerChannel *c = opaque;

    refresh(c);
    trace_k210_timer_expire(c->parent->index, c - c->parent->ch, c->high);
}

static void set_control(K210TimerChannel *c, uint32_t v)
{
    K210TimerState *s = c->parent;
    bool was = enabled(c);

    c->control = v & 0xf;
    if (enabled(c) && !was) {
        c->phase_start = k210_ticks_now(&s->ticks, s->clk);
        c->phase_len = (uint64_t)c->load + 1;
        c->paused_left = c->phase_len;
        c->high = false;
    } else if (!enabled(c)) {
        /* Disabling takes the output low and the interrupt away. */
        c->high = false;
        c->raw = false;
    }
}

static uint32_t current_value(K210TimerChannel *c)
{
    K210TimerState *s = c->parent;
    uint64_t done;

    if (!enabled(c)) {
        return 0;
    }
    if (c->paused) {
        return c->paused_left - 1;
    }
    done = k210_ticks_now(&s->ticks, s->clk) - c->phase_start;
    return c->phase_len - 1 - done;
}

static void k210_timer_set_pause(void *opaque, int n, int level)
{
    K210TimerState *s = opaque;
    K210TimerChannel *c = &s->ch[n];
    uint64_t now;

    if (c->paused == !!level) {
        return;
    }
    catch_up(c);
    now = k210_ticks_now(&s->ticks, s->clk);
    if (level) {
        c->paused_left = c->phase_len - (now - c->phase_start);
    } else {
        c->phase_start = now + c->paused_left - c->phase_len;
    }
    c->paused = level;
    refresh(c);
}

static uint32_t status(K210TimerState *s, bool raw)
{
    uint32_t r = 0;

    for (int i = 0; i < K210_TIMER_CHANNELS; i++) {
        K210TimerChannel *c = &s->ch[i];

        catch_up(c);
        r |= (c->raw && (raw || !masked(c))) << i;
    }
    return r;
}

static uint32_t channel_read(K210TimerChannel *c, hwaddr reg)
{
    catch_up(c);
    switch (reg) {
    case A_LOAD_COUNT:
        return c->load;
    case A_CURRENT_VALUE:
        return current_value(c);
    case A_CONTROL:
        return c->control;
    case A_EOI:
        c->raw = false;
        return 0;
    default: /* INTSTAT */
        return c->raw && !masked(c);
    }
}

static uint64_t k210_timer_read(void *opaque, hwaddr addr, unsigned size)
{
    K210TimerState *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_TIMER, false, addr, size)) {
        return 0;
    }
    if (addr < CHANNEL_END) {
        r = channel_read(&s->ch[addr / CHANNEL_STRIDE], addr % CHANNEL_STRIDE);
    } else if (addr >= A_LOAD_COUNT2 && addr < A_LOAD_COUNT2_END) {
        r = s->ch[(addr - A_LOAD_COUNT2) / 4].load2;
    } else if (addr == A_INTSTAT_ALL) {
        r = status(s, false);
    } else if (addr == A_EOI_ALL) {
        status(s, true);
        for (int i = 0; i < K210_TIMER_CHANNELS; i++) {
            s->ch[i].raw = false;
        }
    } else if (addr == A_RAW_INTSTAT) {
        r = status(s, true);
    } else if (addr == A_COMP_VERSION) {
        r = TIMER_COMP_VERSION;
    } else {
        k210_mmio_no_register(TYPE_K210_TIMER, false, addr);
    }
    update_irqs(s);
    trace_k210_timer_read(s->index, addr, r);
    return r;
}

static void k210_timer_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    K210TimerState *s = opaque;
    K210TimerChannel *c;

    trace_k210_timer_write(s->index, addr, value);
    if (!k210_mmio_ok(TYPE_K210_TIMER, true, addr, size)) {
        return;
    }
    if (addr >= A_LOAD_COUNT2 && addr < A_LOAD_COUNT2_END) {
        c = &s->ch[(addr - A_LOAD_COUNT2) / 4];
        catch_up(c);
        c->load2 = value;
    } else if (addr < CHANNEL_END) {
        c = &s->ch[addr / CHANNEL_STRIDE];
        catch_up(c);
        switch (addr % CHANNEL_STRIDE) {
        case A_LOAD_COUNT:
            c->load = value; /* counts from the next phase on */
            break;
        case A_CONTROL:
            set_control(c, value);
            break;
        default:
            k210_mmio_read_only(TYPE_K210_TIMER, addr);
        }
    } else if (addr >= A_INTSTAT_ALL && addr <= A_COMP_VERSION) {
        k210_mmio_read_only(TYPE_K210_TIMER, addr);
        return;
    } else {
        k210_mmio_no_register(TYPE_K210_TIMER, true, addr);
        return;
    }
    refresh(c);
}

static const MemoryRegionOps k210_timer_ops =
    K210_MMIO_OPS(k210_timer_read, k210_timer_write);

static void k210_timer_clock_event(void *opaque, ClockEvent event)
{
    K210TimerState *s = opaque;

    if (event == ClockPreUpdate) {
        k210_ticks_rebase(&s->ticks, s->clk);
        return;
    }
    for (int i = 0; i < K210_TIMER_CHANNELS; i++) {
        refresh(&s->ch[i]);
    }
}

static void k210_timer_reset_hold(Object *obj, ResetType type)
{
    K210TimerState *s = K210_TIMER(obj);

    for (int i = 0; i < K210_TIMER_CHANNELS; i++) {
        K210TimerChannel *c = &s->ch[i];

        c->load = c->load2 = c->control = 0;
        c->raw = c->high = false;
        c->phase_start = 0;
        c->phase_len = 1;
        c->paused_left = 1;
        timer_del(&c->timer);
        update_output(c);
    }
    update_irqs(s);
}

static const VMStateDescription vmstate_k210_timer_channel = {
    .name = "k210-timer-channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_TIMER(timer, K210TimerChannel),
        VMSTATE_UINT32(load, K210TimerChannel),
        VMSTATE_UINT32(load2, K210TimerChannel),
        VMSTATE_UINT32(control, K210TimerChannel),
        VMSTATE_BOOL(raw, K210TimerChannel),
        VMSTATE_BOOL(high, K210TimerChannel),
        VMSTATE_BOOL(paused, K210TimerChannel),
        VMSTATE_UINT64(phase_start, K210TimerChannel),
        VMSTATE_UINT64(phase_len, K210TimerChannel),
        VMSTATE_UINT64(paused_left, K210TimerChannel),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_k210_timer = {
    .name = TYPE_K210_TIMER,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_K210_TICKS(ticks, K210TimerState),
        VMSTATE_STRUCT_ARRAY(ch, K210TimerState, K210_TIMER_CHANNELS, 1,
                             vmstate_k210_timer_channel, K210TimerChannel),
        VMSTATE_CLOCK(clk, K210TimerState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_timer_init(Object *obj)
{
    K210TimerState *s = K210_TIMER(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_timer_ops, s, TYPE_K210_TIMER,
                          0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq[0]);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq[1]);
    qdev_init_gpio_out_named(dev, s->toggle, "toggle", K210_TIMER_CHANNELS);
    qdev_init_gpio_in_named(dev, k210_timer_set_pause, "pause",
                            K210_TIMER_CHANNELS);
    s->clk = qdev_init_clock_in(dev, "clk", k210_timer_clock_event, s,
                                ClockPreUpdate | ClockUpdate);
    for (int i = 0; i < K210_TIMER_CHANNELS; i++) {
        s->ch[i].parent = s;
        timer_init_ns(&s->ch[i].timer, QEMU_CLOCK_VIRTUAL, k210_timer_expire,
                      &s->ch[i]);
    }
}

static void k210_timer_finalize(Object *obj)
{
    K210TimerState *s = K210_TIMER(obj);

    for (int i = 0; i < K210_TIMER_CHANNELS; i++) {
        timer_del(&s->ch[i].timer);
    }
}

static const Property k210_timer_properties[] = {
    DEFINE_PROP_UINT32("index", K210TimerState, index, 0),
};

static void k210_timer_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_timer;
    dc->desc = "K210 TIMER (DesignWare timers)";
    device_class_set_props(dc, k210_timer_properties);
    RESETTABLE_CLASS(klass)->phases.hold = k210_timer_reset_hold;
}

static const TypeInfo k210_timer_types[] = {
    {
        .name = TYPE_K210_TIMER,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210TimerState),
        .instance_init = k210_timer_init,
        .instance_finalize = k210_timer_finalize,
        .class_init = k210_timer_class_init,
    },
};
DEFINE_TYPES(k210_timer_types)
