// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "time.h"
#include "mmio.h"

#define MTIMECMP (CLINT_BASE + 0x4000)
#define MTIME (CLINT_BASE + 0xBFF8)

#define MTIME_DIVIDER (50)
#define MIE_MTIE (1u << 7)
#define IDLE_US (50)

// mtime = base_ticks was base_us; ticks_hz is the rate since then. 390 MHz is what the ROM leaves.
static uint64_t base_ticks;
static uint64_t base_us;
static uint64_t ticks_hz = 390000000 / MTIME_DIVIDER;
static volatile bool woken;

static struct {
    uint64_t deadline_us;
    void (*fn)(void);
} alarms[HAL_ALARMS];

static uint64_t ticks_to_us(uint64_t ticks) {
    // In two parts, because ticks * 1000000 would overflow after some weeks.
    return ticks / ticks_hz * 1000000 + ticks % ticks_hz * 1000000 / ticks_hz;
}

uint64_t hal_time_us(void) {
    return base_us + ticks_to_us(*mmio64(MTIME) - base_ticks);
}

static uint64_t next_alarm(void) {
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < HAL_ALARMS; ++i) {
        if (alarms[i].fn != NULL && alarms[i].deadline_us < next) {
            next = alarms[i].deadline_us;
        }
    }
    return next;
}

// Never more than a second ahead: nobody sleeps longer without a look around, the product stays small,
// and a clock that changes in between does not matter.
static void set_compare(uint64_t deadline_us) {
    uint64_t now = hal_time_us();
    uint64_t us = deadline_us <= now ? 0 : deadline_us - now < 1000000 ? deadline_us - now : 1000000;
    *mmio64(MTIMECMP) = *mmio64(MTIME) + us * ticks_hz / 1000000 + 1;
    __asm__ volatile ("csrs mie, %0" : : "r" (MIE_MTIE));
}

// The timer interrupt for the next alarm, if there is one. With interrupts off.
static void rearm(void) {
    uint64_t next = next_alarm();
    if (next == UINT64_MAX) {
        __asm__ volatile ("csrc mie, %0" : : "r" (MIE_MTIE));
    } else {
        set_compare(next);
    }
}

void hal_alarm_set(enum hal_alarm alarm, uint64_t deadline_us, void (*fn)(void)) {
    uintptr_t irq = hal_irq_disable();
    alarms[alarm].deadline_us = deadline_us;
    alarms[alarm].fn = deadline_us == UINT64_MAX ? NULL : fn;
    rearm();
    hal_irq_restore(irq);
}

void hal_time_irq(void) {
    for (unsigned i = 0; i < HAL_ALARMS; ++i) {
        if (alarms[i].fn != NULL && alarms[i].deadline_us <= hal_time_us()) {
            void (*fn)(void) = alarms[i].fn;
            alarms[i].fn = NULL;
            fn();
        }
    }
    rearm();
}

void hal_time_clock_changed(uint32_t cpu_hz) {
    uintptr_t irq = hal_irq_disable();
    uint64_t now = *mmio64(MTIME);
    // mtime starts anywhere after a reset that is not a power-on.
    base_us = base_ticks == 0 ? 0 : base_us + ticks_to_us(now - base_ticks);
    base_ticks = now;
    ticks_hz = cpu_hz / MTIME_DIVIDER;
    rearm();
    hal_irq_restore(irq);
}

void hal_delay_us(uint32_t us) {
    uint64_t start = hal_time_us();
    // One more, because the first microsecond may be nearly over.
    while (hal_time_us() - start <= us) {
    }
}

void hal_sleep_until(uint64_t deadline_us) {
    uintptr_t irq = hal_irq_disable();
    if (!woken && deadline_us > hal_time_us()) {
        uint64_t alarm = next_alarm();
        set_compare(deadline_us < alarm ? deadline_us : alarm);
        // Wakes up for enabled interrupts although mstatus.MIE is off; they are taken below.
        __asm__ volatile ("wfi" : : : "memory");
        rearm();
    }
    woken = false;
    hal_irq_restore(irq);
}

void hal_idle(void) {
    hal_sleep_until(hal_time_us() + IDLE_US);
}

void hal_wake(void) {
    woken = true;
}
