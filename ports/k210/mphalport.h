/*
 * SPDX-License-Identifier: MIT
 */
#ifndef K210_MPHALPORT_H
#define K210_MPHALPORT_H

#include "py/obj.h"
#include "hal/sysctl.h"
#include "hal/time.h"

#if !MICROPY_PY_THREAD
// Without threads (mpthreadport.h).
static inline void thread_init(void) {
}

static inline void thread_deinit(void) {
}

static inline void thread_gc_collect(void) {
}

static inline void thread_idle(uint64_t deadline_us) {
    hal_sleep_until(deadline_us);
}
#endif

#define MICROPY_BEGIN_ATOMIC_SECTION()     hal_irq_disable()
#define MICROPY_END_ATOMIC_SECTION(state)  hal_irq_restore(state)

// Sleeps until an interrupt or for timeout_ms (negative: no limit).
#define MICROPY_INTERNAL_WFE(timeout_ms)   mp_hal_wait_for_event(timeout_ms)
void mp_hal_wait_for_event(mp_int_t timeout_ms);

void mp_hal_stdio_init(void);
void mp_hal_set_interrupt_char(int c);

// Raises OSError for a negative errno of the HAL, returns err otherwise.
int mp_hal_check(int err);

static inline mp_uint_t mp_hal_ticks_us(void) {
    return hal_time_us();
}

static inline mp_uint_t mp_hal_ticks_ms(void) {
    return hal_time_us() / 1000;
}

static inline mp_uint_t mp_hal_ticks_cpu(void) {
    return hal_cycles();
}

static inline mp_uint_t mp_hal_get_cpu_freq(void) {
    return sysctl_clock_hz(CLOCK_CPU);
}

static inline void mp_hal_delay_us_fast(mp_uint_t us) {
    hal_delay_us(us);
}

#define mp_hal_quiet_timing_enter()         MICROPY_BEGIN_ATOMIC_SECTION()
#define mp_hal_quiet_timing_exit(irq_state) MICROPY_END_ATOMIC_SECTION(irq_state)

// Wall clock, kept as an offset to the time since start-up. Seconds since 2000-01-01.
void k210_set_epoch_seconds(uint64_t seconds);

// At the start: goes on from before a reset, at 2000-01-01 after power-on.
void k210_restore_clock(void);

// C-level pins are pads; each one in use as GPIO has a GPIOHS behind it (machine_pin.h).
#define MP_HAL_PIN_FMT "%u"
#define mp_hal_pin_obj_t unsigned
#define MP_HAL_PIN_MODE_INPUT  (0)
#define MP_HAL_PIN_MODE_OUTPUT (1)
#define MP_HAL_PIN_PULL_NONE   (0)
#define MP_HAL_PIN_PULL_UP     (1)
#define MP_HAL_PIN_PULL_DOWN   (2)

mp_hal_pin_obj_t mp_hal_get_pin_obj(mp_obj_t pin_in);
void mp_hal_pin_input(mp_hal_pin_obj_t pin);
void mp_hal_pin_output(mp_hal_pin_obj_t pin);
void mp_hal_pin_open_drain(mp_hal_pin_obj_t pin);
int mp_hal_pin_read(mp_hal_pin_obj_t pin);
void mp_hal_pin_write(mp_hal_pin_obj_t pin, int value);
void mp_hal_pin_od_low(mp_hal_pin_obj_t pin);
void mp_hal_pin_od_high(mp_hal_pin_obj_t pin);

static inline unsigned mp_hal_pin_name(mp_hal_pin_obj_t pin) {
    return pin;
}

#endif
