/*
 * SPDX-License-Identifier: MIT
 *
 * Time from the CLINT's mtime counter, and bounded waiting.
 *
 * mtime runs at CPU clock / 50 and changes with it; sysctl_set_cpu_hz() tells this file, so the
 * microseconds below stay monotonic and correct across clock changes.
 */
#ifndef K210_HAL_TIME_H
#define K210_HAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

// Waits shorter than this are spun, longer ones sleep between polls.
#define HAL_SPIN_US (20)

// Microseconds since start-up.
uint64_t hal_time_us(void);

// Busy delay, at least us microseconds.
void hal_delay_us(uint32_t us);

// Sleeps until an interrupt or for a short while (about 50 us), whichever is first.
// Call it inside polling loops: it is what keeps an emulated CPU from spinning.
void hal_idle(void);

// Sleeps until an interrupt or the deadline (hal_time_us() scale). An interrupt that came since the
// last call of this or of hal_idle() counts, so testing for an event and then sleeping is safe.
void hal_sleep_until(uint64_t deadline_us);

// Alarms: fn is called once in interrupt context at deadline_us (hal_time_us() scale) or a little later.
// fn may set its alarm again. UINT64_MAX switches an alarm off.
enum hal_alarm { HAL_ALARM_TIMER, HAL_ALARM_USER, HAL_ALARMS };
void hal_alarm_set(enum hal_alarm alarm, uint64_t deadline_us, void (*fn)(void));

// For the trap handler: the timer interrupt.
void hal_time_irq(void);

// For the trap handler: an interrupt was served, sleepers have to look again.
void hal_wake(void);

// Cycle counter of this hart.
static inline uint64_t hal_cycles(void) {
    uint64_t n;
    __asm__ volatile ("csrr %0, mcycle" : "=r" (n));
    return n;
}

// Machine interrupt enable of this hart. hal_irq_restore() takes what hal_irq_disable() returned.
static inline uintptr_t hal_irq_disable(void) {
    uintptr_t state;
    __asm__ volatile ("csrrci %0, mstatus, 8" : "=r" (state) : : "memory");
    return state & 8;
}

static inline void hal_irq_restore(uintptr_t state) {
    __asm__ volatile ("csrs mstatus, %0" : : "r" (state & 8) : "memory");
}

// Time between two looks counts at most this much in HAL_WAIT: an emulator on a busy host stands still now and then,
// while its clock goes on.
#define HAL_LOOK_US (1000)

// Waits until cond is true; the value is false if that did not happen within timeout_us.
#define HAL_WAIT(cond, timeout_us) \
    ({ \
        uint64_t hal_wait_last_ = hal_time_us(), hal_wait_gone_ = 0; \
        uint64_t hal_wait_limit_ = (timeout_us); \
        bool hal_wait_ok_; \
        while (!(hal_wait_ok_ = (cond))) { \
            uint64_t hal_wait_now_ = hal_time_us(), hal_wait_gap_ = hal_wait_now_ - hal_wait_last_; \
            hal_wait_gone_ += hal_wait_gap_ < HAL_LOOK_US ? hal_wait_gap_ : HAL_LOOK_US; \
            hal_wait_last_ = hal_wait_now_; \
            if (hal_wait_gone_ > hal_wait_limit_) { \
                hal_wait_ok_ = (cond); \
                break; \
            } \
            if (hal_wait_gone_ > HAL_SPIN_US) { \
                hal_idle(); \
            } \
        } \
        hal_wait_ok_; \
    })

// For sysctl.c: the CPU clock has just changed.
void hal_time_clock_changed(uint32_t cpu_hz);

#endif
