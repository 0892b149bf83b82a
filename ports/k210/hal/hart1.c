// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "hart1.h"
#include "mmio.h"
#include "time.h"

#define CLINT_MSIP(hart) (CLINT_BASE + 4 * (hart))
#define MIE_MSIE (1u << 3)

// Opened by hart 0 when .bss is clear. In .data, because hart 1 may read it before that.
uint32_t hart1_gate __attribute__((section(".data"))) = 0;

static void (*volatile job)(void *arg);
static void *volatile job_arg;
static volatile bool arrived;
static volatile uint32_t jobs;

void hart1_main(void) {
    __asm__ volatile ("csrs mie, %0" : : "r" (MIE_MSIE));
    arrived = true;
    for (;;) {
        // The order clear, look, sleep loses no wake-up: msip set after the look ends the wfi.
        *mmio32(CLINT_MSIP(1)) = 0;
        __asm__ volatile ("fence rw, rw" : : : "memory");
        void (*fn)(void *) = job;
        if (fn == NULL) {
            __asm__ volatile ("wfi" : : : "memory");
            continue;
        }
        __asm__ volatile ("fence.i" : : : "memory");
        fn(job_arg);
        __asm__ volatile ("fence rw, rw" : : : "memory");
        job = NULL;
        __asm__ volatile ("fence rw, rw" : : : "memory");
        *mmio32(CLINT_MSIP(0)) = 1;
    }
}

int hart1_run(void (*fn)(void *arg), void *arg) {
    if (!arrived) {
        return -ENODEV;
    }
    if (job != NULL) {
        return -EBUSY;
    }
    jobs += 1;
    *mmio32(CLINT_MSIP(0)) = 0;
    job_arg = arg;
    __asm__ volatile ("fence rw, rw" : : : "memory");
    job = fn;
    __asm__ volatile ("fence rw, rw" : : : "memory");
    *mmio32(CLINT_MSIP(1)) = 1;
    return 0;
}

bool hart1_busy(void) {
    return job != NULL;
}

// Sleeps until hart 1 rings, another interrupt comes, or a millisecond is over. The bell only ends the wfi: it is off
// wherever it could become an interrupt.
static void sleep(void) {
    uintptr_t irq = hal_irq_disable();
    __asm__ volatile ("csrs mie, %0" : : "r" (MIE_MSIE));
    if (job != NULL) {
        hal_sleep_until(hal_time_us() + 1000);
    }
    __asm__ volatile ("csrc mie, %0" : : "r" (MIE_MSIE));
    hal_irq_restore(irq);
}

int hart1_wait(uint32_t timeout_us) {
    uint64_t start = hal_time_us(), gone = 0;
    while (job != NULL && gone <= timeout_us) {
        gone = hal_time_us() - start;
        if (gone > HAL_SPIN_US) {
            sleep();
        }
    }
    bool ok = job == NULL;
    __asm__ volatile ("fence rw, rw" : : : "memory");
    return ok ? 0 : -ETIMEDOUT;
}

uint32_t hart1_jobs(void) {
    return jobs;
}
