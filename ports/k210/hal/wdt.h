/*
 * SPDX-License-Identifier: MIT
 *
 * WDT0 and WDT1: reset the chip when not fed in time.
 */
#ifndef K210_HAL_WDT_H
#define K210_HAL_WDT_H

#include <stdint.h>

#define WDT_COUNT (2)
#define WDT_TIMEOUT_MAX_MS (330000)

// Starts (or restarts) watchdog n. Returns the real time-out in ms, the next possible one (steps of 5 ms
// or 1 %), or -EINVAL. With fn the first time-out calls fn(arg) in interrupt context and the second one,
// as much later, resets the chip; without, the first one does.
int32_t wdt_start(unsigned n, uint32_t timeout_ms, void (*fn)(void *arg), void *arg);

// The plain core cannot be stopped once it runs. Vendor software does it, by these steps.
void wdt_stop(unsigned n);
void wdt_feed(unsigned n);

#endif
