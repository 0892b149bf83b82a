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
// or 1 %), or -EINVAL. Whether a running one can be stopped again is not known, so there is no stop.
int32_t wdt_start(unsigned n, uint32_t timeout_ms);
void wdt_feed(unsigned n);

#endif
