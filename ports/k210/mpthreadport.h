/*
 * SPDX-License-Identifier: MIT
 *
 * Threads of Python. All run on hart 0 and take turns where MicroPython can be interrupted: between bytecodes
 * (after a millisecond), while one sleeps or waits, and for a lock. With MicroPython's global lock two threads
 * never run Python at the same time anyway, so the second hart would bring nothing to them; it stays free for
 * work in C (hal/hart1.h), and drivers never see a switch in their middle.
 */
#ifndef K210_MPTHREADPORT_H
#define K210_MPTHREADPORT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    volatile bool locked;
} mp_thread_mutex_t;

// The main thread; before and after everything else.
void thread_init(void);
void thread_deinit(void);

// Whether there is another thread than the main one.
bool thread_others(void);

// Nothing to do before deadline_us (hal_time_us() scale) or an interrupt: lets the others run, or sleeps.
// May return early.
void thread_idle(uint64_t deadline_us);

// For the garbage collector: the stacks of the threads that do not run.
void thread_gc_collect(void);

#endif
