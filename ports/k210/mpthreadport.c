// SPDX-License-Identifier: MIT
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"
#include "pool.h"

#if MICROPY_PY_THREAD

#define STACK_MIN (12 * 1024) // 4 KiB of it are the margin of MicroPython's stack check
#define STACK_DEFAULT (24 * 1024)
#define STACK_MAX (512 * 1024)
#define SLICE_US (1000)
#define SLEEP_US (1000)
#define FRAME_WORDS (26) // thread_switch.S
#define MSTATUS_MIE (8)

extern uint8_t _stack0_top[];

void thread_switch(void **save_sp, void *new_sp);

typedef struct _thread_t {
    struct _thread_t *next; // in a ring
    mp_state_thread_t *state;
    void *sp, *stack_top;
    void *(*entry)(void *);
    void *arg;
    uint64_t idle_until; // 0 = has something to do
    bool finished;
} thread_t;

static thread_t main_thread;
static thread_t *current = &main_thread;
static uint64_t slice_end;

void thread_init(void) {
    main_thread = (thread_t) { .next = &main_thread, .state = &mp_state_ctx.thread, .stack_top = _stack0_top };
    current = &main_thread;
}

// Soft reset: the others end where they are.
void thread_deinit(void) {
    for (thread_t *t = main_thread.next; t != &main_thread;) {
        thread_t *next = t->next;
        pool_free(t);
        t = next;
    }
    thread_init();
}

bool thread_others(void) {
    return main_thread.next != &main_thread;
}

void thread_gc_collect(void) {
    for (thread_t *t = current->next; t != current; t = t->next) {
        if (!t->finished) {
            gc_collect_root(&t->arg, 1);
            gc_collect_root(t->sp, ((uintptr_t)t->stack_top - (uintptr_t)t->sp) / sizeof(void *));
        }
    }
}

static void free_finished(void) {
    for (thread_t *t = current; t->next != current;) {
        if (t->next->finished && t->next != &main_thread) {
            thread_t *gone = t->next;
            t->next = gone->next;
            pool_free(gone);
        } else {
            t = t->next;
        }
    }
}

static bool may_switch(void) {
    // Not in an interrupt handler, nor where interrupts are off.
    uintptr_t mstatus;
    __asm__ volatile ("csrr %0, mstatus" : "=r" (mstatus));
    return (mstatus & MSTATUS_MIE) != 0;
}

// Lets the next thread run.
static void yield(void) {
    thread_t *next = current->next;
    while (next->finished) {
        next = next->next;
    }
    slice_end = hal_time_us() + SLICE_US;
    if (next != current) {
        thread_t *from = current;
        current = next;
        thread_switch(&from->sp, next->sp);
        // Here again, after a round: the stack of one that has ended is not in use any more.
        free_finished();
    }
}

void thread_idle(uint64_t deadline_us) {
    if (!thread_others() || !may_switch()) {
        hal_sleep_until(deadline_us);
        return;
    }
    current->idle_until = deadline_us;
    uint64_t earliest = deadline_us, now = hal_time_us();
    bool all = true;
    for (thread_t *t = current->next; t != current; t = t->next) {
        if (!t->finished) {
            all = all && t->idle_until > now;
            earliest = MIN(earliest, t->idle_until);
        }
    }
    if (all) {
        // Only one of the threads sees the interrupt that ends this, so look around soon.
        hal_sleep_until(MIN(earliest, now + SLEEP_US));
    }
    yield();
    current->idle_until = 0;
}

mp_state_thread_t *mp_thread_get_state(void) {
    return current->state;
}

void mp_thread_set_state(mp_state_thread_t *state) {
    current->state = state;
}

mp_uint_t mp_thread_get_id(void) {
    return (mp_uint_t)current;
}

void mp_thread_start(void) {
}

void mp_thread_finish(void) {
    current->finished = true;
}

// The first function of each thread.
static void trampoline(void) {
    free_finished();
    current->entry(current->arg);
    for (;;) {
        yield(); // never to return
    }
}

mp_uint_t mp_thread_create(void *(*entry)(void *), void *arg, size_t *stack_size) {
    size_t size = *stack_size == 0 ? STACK_DEFAULT : *stack_size;
    if (size > STACK_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a stack of %u bytes is more than %u"), (unsigned)size, STACK_MAX);
    }
    size = (MAX(size, STACK_MIN) + 63) & ~(size_t)63;
    thread_t *t = pool_alloc_low(sizeof(thread_t) + 64 + size, "thread");
    if (t == NULL) {
        // Perhaps the heap has areas that are empty.
        gc_collect();
        t = pool_alloc_low(sizeof(thread_t) + 64 + size, "thread");
    }
    if (t == NULL) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("no memory for the %u bytes of a thread's stack"), (unsigned)size);
    }
    uintptr_t top = ((uintptr_t)t + sizeof(thread_t) + 64 + size) & ~(uintptr_t)63;
    void **frame = (void **)top - FRAME_WORDS;
    for (size_t i = 0; i < FRAME_WORDS; ++i) {
        frame[i] = NULL;
    }
    frame[0] = (void *)trampoline;
    *t = (thread_t) { .next = current->next, .sp = frame, .stack_top = (void *)top, .entry = entry, .arg = arg };
    current->next = t;
    *stack_size = size;
    return (mp_uint_t)t;
}

void mp_thread_mutex_init(mp_thread_mutex_t *mutex) {
    mutex->locked = false;
}

int mp_thread_mutex_lock(mp_thread_mutex_t *mutex, int wait) {
    if (mutex == &MP_STATE_VM(gil_mutex)) {
        // Nobody else can have it. This is where a thread that computes lets the others run.
        if (thread_others() && hal_time_us() > slice_end && may_switch()) {
            yield();
        }
        return 1;
    }
    while (mutex->locked) {
        if (!wait) {
            return 0;
        }
        if (!may_switch()) {
            return -MP_EAGAIN; // an interrupt handler cannot wait
        }
        mp_handle_pending(true); // Ctrl-C
        thread_idle(hal_time_us() + SLEEP_US);
    }
    mutex->locked = true;
    return 1;
}

void mp_thread_mutex_unlock(mp_thread_mutex_t *mutex) {
    if (mutex != &MP_STATE_VM(gil_mutex)) {
        mutex->locked = false;
    }
}

#endif
