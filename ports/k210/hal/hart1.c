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
    }
}

int hart1_run(void (*fn)(void *arg), void *arg) {
    if (!arrived) {
        return -ENODEV;
    }
    if (job != NULL) {
        return -EBUSY;
    }
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

int hart1_wait(uint32_t timeout_us) {
    bool ok = HAL_WAIT(job == NULL, timeout_us);
    __asm__ volatile ("fence rw, rw" : : : "memory");
    return ok ? 0 : -ETIMEDOUT;
}
