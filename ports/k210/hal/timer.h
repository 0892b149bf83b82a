/*
 * SPDX-License-Identifier: MIT
 *
 * TIMER0..2 with four channels each: one-shot and periodic interrupts, and PWM.
 *
 * All run from PLL0 / 2 (about 403 MHz), so that fast PWM has fine steps; periods longer than the 32-bit
 * counter are made of several rounds. When PLL0 changes (machine.freq), running channels are set anew.
 */
#ifndef K210_HAL_TIMER_H
#define K210_HAL_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_COUNT (3)
#define TIMER_CHANNELS (4)
#define TIMER_PERIOD_MAX_NS (1000000000000000000ull)

// Starts (or restarts) a channel; fn(arg) is called in interrupt context. -EINVAL for a period of less
// than two clocks or more than the maximum.
int timer_start(unsigned timer, unsigned channel, uint64_t period_ns, bool periodic, void (*fn)(void *arg), void *arg);
void timer_stop(unsigned timer, unsigned channel);
bool timer_running(unsigned timer, unsigned channel);

// PWM on FPIOA_TIMERn_TOGGLE1 + channel: frequency in millihertz, share of high in 1/2^32 (0xFFFFFFFF is
// full). A change of a running channel takes effect without a glitch at the end of its period. The core
// cannot do exactly 0 and 100 %: each level lasts at least one clock (fpioa_force() can). Returns the real frequency
// in millihertz, -EINVAL if it cannot be made.
int64_t timer_pwm(unsigned timer, unsigned channel, uint64_t millihertz, uint32_t high);

#endif
