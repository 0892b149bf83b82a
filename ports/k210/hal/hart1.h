/*
 * SPDX-License-Identifier: MIT
 *
 * The second hart runs helper jobs: plain C that touches memory (pixel conversion, CPU layers).
 * It takes no interrupts and must not call into MicroPython.
 */
#ifndef K210_HAL_HART1_H
#define K210_HAL_HART1_H

#include <stdbool.h>
#include <stdint.h>

// Starts fn(arg) on hart 1. 0, -EBUSY while another job runs, -ENODEV if hart 1 never arrived
// (it comes out of the boot ROM on its own account).
int hart1_run(void (*fn)(void *arg), void *arg);
bool hart1_busy(void);

// 0 when idle, -ETIMEDOUT.
int hart1_wait(uint32_t timeout_us);

// How many jobs were started. While that stays the same, its cache holds no lines of memory that it had not touched.
uint32_t hart1_jobs(void);

// For start.S: where hart 1 spends its life.
__attribute__((noreturn)) void hart1_main(void);

#endif
