/*
 * Kendryte K210: count the cycles of a Clock that may change its rate
 *
 * A counter driven by a Clock input cannot be computed from the time since
 * reset alone, because software changes dividers and gates while it runs.
 * K210Ticks keeps the cycles counted up to the last change and adds those
 * since then.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_TICKS_H
#define HW_K210_TICKS_H

#include "hw/clock.h"
#include "migration/vmstate.h"
#include "qemu/timer.h"

typedef struct K210Ticks {
    uint64_t base;      /* cycles counted before epoch_ns */
    int64_t epoch_ns;   /* virtual time of the last change of the clock */
} K210Ticks;

/* Cycles counted up to now; stands still while the clock is gated. */
static inline uint64_t k210_ticks_now(const K210Ticks *t, const Clock *clk)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    if (!clock_is_enabled(clk) || now <= t->epoch_ns) {
        return t->base;
    }
    return t->base + clock_ns_to_ticks(clk, now - t->epoch_ns);
}

/* Call with the old rate still in force: from ClockPreUpdate. */
static inline void k210_ticks_rebase(K210Ticks *t, const Clock *clk)
{
    t->base = k210_ticks_now(t, clk);
    t->epoch_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

/*
 * The first virtual time at which k210_ticks_now() is at least @tick, or
 * INT64_MAX when the clock does not run.
 */
static inline int64_t k210_ticks_deadline(const K210Ticks *t, const Clock *clk,
                                          uint64_t tick)
{
    uint64_t ns;

    if (!clock_is_enabled(clk)) {
        return INT64_MAX;
    }
    if (tick <= t->base) {
        return t->epoch_ns;
    }
    ns = clock_ticks_to_ns(clk, tick - t->base);
    /* clock_ticks_to_ns() rounds down and saturates at INT64_MAX. */
    if (ns >= INT64_MAX - t->epoch_ns - 1) {
        return INT64_MAX;
    }
    if (clock_ns_to_ticks(clk, ns) < tick - t->base) {
        ns++;
    }
    return t->epoch_ns + ns;
}

extern const VMStateDescription vmstate_k210_ticks;

#define VMSTATE_K210_TICKS(_field, _state) \
    VMSTATE_STRUCT(_field, _state, 1, vmstate_k210_ticks, K210Ticks)

#endif
