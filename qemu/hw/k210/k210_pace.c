/*
 * Kendryte K210: two harts on one count of instructions
 *
 * With -icount QEMU runs the harts in turn and virtual time goes on with the
 * instructions of both, so two harts would do no more than one. While both
 * work, an instruction therefore takes half of the time, and the turns are
 * short.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/seqlock.h"
#include "qemu/timer.h"
#include "hw/core/cpu.h"
#include "hw/k210/k210_pace.h"
#include "system/cpu-timers.h"
#include "system/cpu-timers-internal.h"
#include "system/runstate.h"

/* How far one hart may be ahead of the other. */
#define TURN_NS     20000

static QEMUTimer *turn;
static bool both_work;

/* Instructions that the second hart is ahead, and of all before this turn. */
static int64_t lead, before;

static void set_pace(bool both)
{
    int shift, now_shift;
    int64_t now;

    seqlock_write_lock(&timers_state.vm_clock_seqlock,
                       &timers_state.vm_clock_lock);
    shift = timers_state.icount_time_shift;
    now_shift = shift + (both_work ? 1 : 0) - (both ? 1 : 0);
    if (now_shift >= 0) {
        now = timers_state.qemu_icount_bias +
              (timers_state.qemu_icount << shift);
        qatomic_set(&timers_state.icount_time_shift, now_shift);
        qatomic_set_i64(&timers_state.qemu_icount_bias,
                        now - (timers_state.qemu_icount << now_shift));
        both_work = both;
    }
    seqlock_write_unlock(&timers_state.vm_clock_seqlock,
                         &timers_state.vm_clock_lock);
}

static void next_turn(void *opaque)
{
    if (both_work) {
        timer_mod(turn, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + TURN_NS);
    }
}

/* Snapshots know nothing of the pace. */
static void state_changed(void *opaque, bool running, RunState state)
{
    if (!running && both_work) {
        set_pace(false);
    }
}

void k210_pace_init(void)
{
    if (icount_enabled() == ICOUNT_PRECISE && !turn) {
        turn = timer_new_ns(QEMU_CLOCK_VIRTUAL, next_turn, NULL);
        qemu_add_vm_change_state_handler(state_changed, NULL);
    }
}

/* QEMU's turns are not equal. The one who is ahead leaves this one out. */
void k210_pace_turn_begins(CPUState *cs)
{
    if (!turn) {
        return;
    }
    before = qatomic_read_i64(&timers_state.qemu_icount);
    if (both_work && (cs->cpu_index ? lead : -lead) > 0) {
        cpu_exit(cs);
    }
}

void k210_pace_turn_ended(CPUState *cs)
{
    bool both = !cs->halted;
    CPUState *other;
    int64_t done;

    if (!turn) {
        return;
    }
    /* What was done until now was done at the old pace. */
    icount_update(cs);
    done = qatomic_read_i64(&timers_state.qemu_icount) - before;
    lead += cs->cpu_index ? done : -done;
    CPU_FOREACH(other) {
        if (other != cs) {
            both = both && (!other->halted || cpu_has_work(other));
        }
    }
    if (both != both_work) {
        set_pace(both);
        lead = 0;
        next_turn(NULL);
    }
}

void k210_pace_end_turn(void)
{
    if (turn && current_cpu) {
        cpu_exit(current_cpu);
    }
}
