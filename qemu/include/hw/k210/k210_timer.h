/*
 * Kendryte K210: TIMER0..TIMER2 (DesignWare timers, 4 channels each)
 *
 * Clock input "clk". Interrupt 0 serves channels 0 and 1, interrupt 1
 * channels 2 and 3. Named GPIO output "toggle"[4]: the PWM outputs.
 * Named GPIO input "pause"[4]: the pause bits of SYSCTL's PERI register.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_TIMER_H
#define HW_K210_TIMER_H

#include "hw/sysbus.h"
#include "hw/k210/k210_ticks.h"
#include "qom/object.h"

#define TYPE_K210_TIMER "k210-timer"
OBJECT_DECLARE_SIMPLE_TYPE(K210TimerState, K210_TIMER)

#define K210_TIMER_CHANNELS 4

typedef struct K210TimerChannel {
    K210TimerState *parent;
    QEMUTimer timer;

    uint32_t load;
    uint32_t load2;
    uint32_t control;
    bool raw;           /* interrupt before the mask */
    bool high;          /* level of the toggle output */
    bool paused;
    /* The phase being counted: its first tick and its length in ticks. */
    uint64_t phase_start;
    uint64_t phase_len;
    uint64_t paused_left; /* ticks to go when the pause bit was set */
} K210TimerChannel;

struct K210TimerState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq[2];
    qemu_irq toggle[K210_TIMER_CHANNELS];
    uint32_t index;

    K210Ticks ticks;
    K210TimerChannel ch[K210_TIMER_CHANNELS];
};

#endif
