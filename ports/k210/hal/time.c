// SPDX-License-Identifier: MIT
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

static uint64_t ticks_to_us(uint64_t ticks) {
    // In two parts, because ticks * 1000000 would overflow after some weeks.
    return ticks / ticks_hz * 1000000 + ticks % ticks_hz * 1000000 / ticks_hz;
}

uint64_t hal_time_us(void) {
    return base_us + ticks_to_us(*mmio64(MTIME) - base_ticks);
}

void hal_time_clock_changed(uint32_t cpu_hz) {
    uintptr_t irq = hal_irq_disable();
    uint64_t now = *mmio64(MTIME);
    // mtime starts anywhere after a reset that is not a power-on.
    base_us = base_ticks == 0 ? 0 : base_us + ticks_to_us(now - base_ticks);
    base_ticks = now;
    ticks_hz = cpu_hz / MTIME_DIVIDER;
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
    uint64_t now = hal_time_us();
    if (!woken && deadline_us > now) {
        uint64_t us = deadline_us - now;
        if (us > 1000000) {
            // Nobody sleeps longer without a look around; this also keeps the product small.
            us = 1000000;
        }
        *mmio64(MTIMECMP) = *mmio64(MTIME) + us * ticks_hz / 1000000 + 1;
        __asm__ volatile ("csrs mie, %0" : : "r" (MIE_MTIE));
        // Wakes up for enabled interrupts although mstatus.MIE is off; they are taken below.
        __asm__ volatile ("wfi" : : : "memory");
        __asm__ volatile ("csrc mie, %0" : : "r" (MIE_MTIE));
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
