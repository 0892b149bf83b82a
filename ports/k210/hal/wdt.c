// SPDX-License-Identifier: MIT
#include <errno.h>

#include "mmio.h"
#include "sysctl.h"
#include "wdt.h"

#define WDT_CR(n) (WDT_BASE(n) + 0x00)
#define WDT_TORR(n) (WDT_BASE(n) + 0x04)
#define WDT_CRR(n) (WDT_BASE(n) + 0x0C)

#define CR_ENABLE (1u << 0) // without CR.rmod: reset at the first time-out
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

int32_t wdt_start(unsigned n, uint32_t timeout_ms) {
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
    *mmio32(WDT_CR(n)) = CR_ENABLE;
    return real_ms;
}

void wdt_feed(unsigned n) {
    if (n < WDT_COUNT) {
        *mmio32(WDT_CRR(n)) = CRR_FEED;
    }
}
