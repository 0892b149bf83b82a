// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"
#include "timer.h"

#define LOAD_COUNT(t, c) (TIMER_BASE(t) + 0x14 * (c) + 0x00)
#define CONTROL(t, c) (TIMER_BASE(t) + 0x14 * (c) + 0x08)
#define EOI(t, c) (TIMER_BASE(t) + 0x14 * (c) + 0x0C)
#define INTSTAT_ALL(t) (TIMER_BASE(t) + 0xA0)
#define LOAD_COUNT2(t, c) (TIMER_BASE(t) + 0xB0 + 4 * (c))

#define CONTROL_ENABLE (1u << 0)
#define CONTROL_RELOAD (1u << 1)
#define CONTROL_MASK (1u << 2)
#define CONTROL_PWM (1u << 3)

#define IRQ_PRIORITY (4)
#define NS_PER_S (1000000000ull)
// A phase lasts load + 1 clocks.
#define CLOCKS_MAX (1ull << 32)

typedef struct {
    bool running, periodic, pwm;
    uint64_t period_ns, millihertz;
    uint32_t high;
    uint32_t rounds, left; // interrupts per period, and still to come in this one
    void (*fn)(void *arg);
    void *arg;
} channel_t;

static channel_t channels[TIMER_COUNT][TIMER_CHANNELS];

static uint32_t clock_hz(unsigned t) {
    return sysctl_clock_hz(CLOCK_TIMER0 + t);
}

static void off(unsigned t, unsigned c) {
    *mmio32(CONTROL(t, c)) = CONTROL_MASK;
    (void)*mmio32(EOI(t, c));
}

static void irq_handler(void *arg) {
    unsigned t = (uintptr_t)arg / 2, first = (uintptr_t)arg % 2 * 2;
    for (unsigned c = first; c < first + 2; ++c) {
        channel_t *ch = &channels[t][c];
        if (!(*mmio32(INTSTAT_ALL(t)) >> c & 1)) {
            continue;
        }
        (void)*mmio32(EOI(t, c));
        if (!ch->running || --ch->left != 0) {
            continue;
        }
        ch->left = ch->rounds;
        if (!ch->periodic) {
            off(t, c);
            ch->running = false;
        }
        if (ch->fn != NULL) {
            ch->fn(ch->arg);
        }
    }
}

// a * b / c without overflow of the product, for b and c below 2^32.
static uint64_t scale(uint64_t a, uint64_t b, uint64_t c) {
    return a / c * b + a % c * b / c;
}

static int program(unsigned t, unsigned c) {
    channel_t *ch = &channels[t][c];
    if (ch->period_ns == 0 || ch->period_ns > TIMER_PERIOD_MAX_NS) {
        return -EINVAL;
    }
    uint64_t clocks = scale(ch->period_ns, clock_hz(t), NS_PER_S);
    if (clocks < 2) {
        return -EINVAL;
    }
    uint64_t rounds = (clocks + CLOCKS_MAX - 1) / CLOCKS_MAX;
    if (rounds > UINT32_MAX) {
        return -EINVAL;
    }
    ch->rounds = ch->left = rounds;
    off(t, c);
    *mmio32(LOAD_COUNT(t, c)) = (clocks + rounds / 2) / rounds - 1;
    *mmio32(CONTROL(t, c)) = CONTROL_RELOAD | CONTROL_ENABLE;
    return 0;
}

static int64_t program_pwm(unsigned t, unsigned c, bool start) {
    channel_t *ch = &channels[t][c];
    uint64_t hz = clock_hz(t);
    uint64_t period = ch->millihertz == 0 ? 0 : (hz * 1000 + ch->millihertz / 2) / ch->millihertz;
    if (period < 2 || period > CLOCKS_MAX) {
        return -EINVAL;
    }
    uint64_t high = ((period * ch->high >> 31) + 1) / 2;
    high = ch->high == UINT32_MAX || high >= period ? period - 1 : high == 0 ? 1 : high;
    if (start) {
        off(t, c);
    }
    *mmio32(LOAD_COUNT(t, c)) = period - high - 1;
    *mmio32(LOAD_COUNT2(t, c)) = high - 1;
    if (start) {
        *mmio32(CONTROL(t, c)) = CONTROL_PWM | CONTROL_MASK | CONTROL_RELOAD | CONTROL_ENABLE;
    }
    return (int64_t)((hz * 1000 + period / 2) / period);
}

static void clock_changed(void) {
    for (unsigned t = 0; t < TIMER_COUNT; ++t) {
        for (unsigned c = 0; c < TIMER_CHANNELS; ++c) {
            if (channels[t][c].running && channels[t][c].pwm) {
                program_pwm(t, c, false);
            } else if (channels[t][c].running) {
                program(t, c);
            }
        }
    }
}

static void prepare(unsigned t) {
    static bool ready[TIMER_COUNT];
    enum sysctl_clock clock = CLOCK_TIMER0 + t;
    if (ready[t]) {
        return;
    }
    ready[t] = true;
    sysctl_on_clock_change(clock_changed);
    sysctl_clock_enable(clock, true);
    sysctl_reset_peripheral(clock);
    sysctl_clock_from_pll0(clock, true);
    sysctl_clock_threshold(clock, 0);
    for (unsigned half = 0; half < 2; ++half) {
        plic_set_handler(IRQ_TIMER0A + 2 * t + half, IRQ_PRIORITY, irq_handler, (void *)(uintptr_t)(2 * t + half));
        plic_enable(IRQ_TIMER0A + 2 * t + half, true);
    }
}

int timer_start(unsigned t, unsigned c, uint64_t period_ns, bool periodic, void (*fn)(void *arg), void *arg) {
    if (t >= TIMER_COUNT || c >= TIMER_CHANNELS) {
        return -EINVAL;
    }
    prepare(t);
    timer_stop(t, c);
    uintptr_t irq = hal_irq_disable();
    channel_t *ch = &channels[t][c];
    *ch = (channel_t) { .periodic = periodic, .period_ns = period_ns, .fn = fn, .arg = arg };
    int err = program(t, c);
    ch->running = err == 0;
    hal_irq_restore(irq);
    return err;
}

int64_t timer_pwm(unsigned t, unsigned c, uint64_t millihertz, uint32_t high) {
    if (t >= TIMER_COUNT || c >= TIMER_CHANNELS) {
        return -EINVAL;
    }
    prepare(t);
    channel_t *ch = &channels[t][c];
    bool start = !ch->running || !ch->pwm;
    if (start) {
        timer_stop(t, c);
    }
    channel_t before = *ch;
    *ch = (channel_t) { .pwm = true, .running = true, .millihertz = millihertz, .high = high };
    int64_t real = program_pwm(t, c, start);
    if (real < 0) {
        *ch = before;
    }
    return real;
}

void timer_stop(unsigned t, unsigned c) {
    if (t < TIMER_COUNT && c < TIMER_CHANNELS && channels[t][c].running) {
        uintptr_t irq = hal_irq_disable();
        off(t, c);
        channels[t][c].running = false;
        hal_irq_restore(irq);
    }
}

bool timer_running(unsigned t, unsigned c) {
    return t < TIMER_COUNT && c < TIMER_CHANNELS && channels[t][c].running;
}
