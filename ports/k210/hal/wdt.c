// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "wdt.h"

#define WDT_CR(n) (WDT_BASE(n) + 0x00)
#define WDT_TORR(n) (WDT_BASE(n) + 0x04)
#define WDT_CRR(n) (WDT_BASE(n) + 0x0C)

#define WDT_EOI(n) (WDT_BASE(n) + 0x14)

#define CR_ENABLE (1u << 0)
#define CR_INTERRUPT_FIRST (1u << 1) // without: reset at the first time-out
#define CRR_FEED (0x76)
#define IN0_KHZ (26000)

// One period is 2^(16 + TOP) clocks of IN0 / (2 * (threshold + 1)). The smallest TOP that can do it leaves
// the finest steps for the divider.
static int find_period(uint32_t timeout_ms, uint32_t *top, uint32_t *threshold) {
    for (*top = 0; *top < 16; ++*top) {
        uint64_t clocks = 1ull << (16 + *top);
        uint64_t divider = ((uint64_t)timeout_ms * IN0_KHZ + 2 * clocks - 1) / (2 * clocks);
        if (divider <= 256) {
            *threshold = divider == 0 ? 0 : divider - 1;
            return 2 * (*threshold + 1) * clocks / IN0_KHZ;
        }
    }
    return -EINVAL;
}

static struct {
    void (*fn)(void *arg);
    void *arg;
} handlers[WDT_COUNT];

static void irq_handler(void *arg) {
    unsigned n = (uintptr_t)arg;
    // The flag stays, or the next time-out would be a first one again; feeding clears it.
    plic_enable(IRQ_WDT0 + n, false);
    if (handlers[n].fn != NULL) {
        handlers[n].fn(handlers[n].arg);
    }
}

int32_t wdt_start(unsigned n, uint32_t timeout_ms, void (*fn)(void *arg), void *arg) {
    uint32_t top, threshold;
    if (n >= WDT_COUNT || timeout_ms == 0 || timeout_ms > WDT_TIMEOUT_MAX_MS) {
        return -EINVAL;
    }
    int32_t real_ms = find_period(timeout_ms, &top, &threshold);
    if (real_ms < 0) {
        return real_ms;
    }
    enum sysctl_clock clock = CLOCK_WDT0 + n;
    sysctl_reset_peripheral(clock);
    sysctl_clock_threshold(clock, threshold);
    sysctl_clock_enable(clock, true);
    *mmio32(WDT_TORR(n)) = top | top << 4;
    *mmio32(WDT_CRR(n)) = CRR_FEED;
    handlers[n].fn = fn;
    handlers[n].arg = arg;
    plic_set_handler(IRQ_WDT0 + n, 7, fn == NULL ? NULL : irq_handler, (void *)(uintptr_t)n);
    plic_enable(IRQ_WDT0 + n, fn != NULL);
    *mmio32(WDT_CR(n)) = CR_ENABLE | (fn != NULL ? CR_INTERRUPT_FIRST : 0);
    return real_ms;
}

void wdt_feed(unsigned n) {
    if (n < WDT_COUNT) {
        *mmio32(WDT_CRR(n)) = CRR_FEED;
        if (handlers[n].fn != NULL) {
            plic_enable(IRQ_WDT0 + n, true);
        }
    }
}

void wdt_stop(unsigned n) {
    if (n < WDT_COUNT) {
        plic_enable(IRQ_WDT0 + n, false);
        *mmio32(WDT_CRR(n)) = CRR_FEED;
        *mmio32(WDT_CR(n)) = 0;
        (void)*mmio32(WDT_EOI(n));
        sysctl_reset_peripheral(CLOCK_WDT0 + n);
        sysctl_clock_enable(CLOCK_WDT0 + n, false);
    }
}
