// SPDX-License-Identifier: MIT
#include <errno.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/misc.h"
#include "shared/runtime/interrupt_char.h"
#include "shared/timeutils/timeutils.h"
#include "hal/uarths.h"
#include "lfs2_assert.h"

// Wall clock minus time since start-up, in microseconds since the epoch (2000-01-01).
static uint64_t epoch_offset_us;

// The chip's own clock is lost at every reset. Memory is not: the wall clock is left there, past the cache,
// whenever somebody looks at it or sleeps, and goes on from there.
typedef struct {
    uint64_t epoch_offset_us, last_us, check;
} saved_clock_t;

#define CLOCK_CHECK (0x4B3231302052544Cull)

static saved_clock_t saved_clock_memory __attribute__((section(".noinit"), aligned(64)));

static void save_clock(void) {
    volatile saved_clock_t *saved = UNCACHED(&saved_clock_memory);
    uint64_t now = hal_time_us();
    saved->epoch_offset_us = epoch_offset_us;
    saved->last_us = now;
    saved->check = CLOCK_CHECK ^ epoch_offset_us ^ now;
}

void k210_restore_clock(void) {
    volatile saved_clock_t *saved = UNCACHED(&saved_clock_memory);
    if (saved->check == (CLOCK_CHECK ^ saved->epoch_offset_us ^ saved->last_us)) {
        epoch_offset_us = saved->epoch_offset_us + saved->last_us;
    }
}

// In interrupt context: Ctrl-C goes to the running program at once, past what is still in the buffer.
static bool stdin_hook(uint8_t c) {
    if (c != mp_interrupt_char) {
        return false;
    }
    mp_sched_keyboard_interrupt();
    return true;
}

void mp_hal_stdio_init(void) {
    uarths_init(MICROPY_HW_REPL_BAUD);
    uarths_set_rx_hook(stdin_hook);
}

uintptr_t mp_hal_stdio_poll(uintptr_t poll_flags) {
    uintptr_t ret = 0;
    if ((poll_flags & MP_STREAM_POLL_RD) && uarths_rx_count() != 0) {
        ret |= MP_STREAM_POLL_RD;
    }
    if ((poll_flags & MP_STREAM_POLL_WR) && uarths_tx_free() != 0) {
        ret |= MP_STREAM_POLL_WR;
    }
    #if MICROPY_PY_OS_DUPTERM
    ret |= mp_os_dupterm_poll(poll_flags);
    #endif
    return ret;
}

// Defined by the camera module, if it is linked in.
__attribute__((weak)) void k210_sensor_at_prompt(void) {
}

int mp_hal_stdin_rx_chr(void) {
    k210_sensor_at_prompt();
    for (;;) {
        int c = uarths_rx_char();
        if (c >= 0) {
            return c;
        }
        #if MICROPY_PY_OS_DUPTERM
        c = mp_os_dupterm_rx_chr();
        if (c >= 0) {
            return c;
        }
        #endif
        mp_event_wait_indefinite();
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *str, size_t len) {
    mp_uint_t ret = uarths_tx(str, len);
    #if MICROPY_PY_OS_DUPTERM
    mp_os_dupterm_tx_strn(str, len);
    #endif
    return ret;
}

void mp_hal_wait_for_event(mp_int_t timeout_ms) {
    save_clock();
    thread_idle(timeout_ms < 0 ? UINT64_MAX : hal_time_us() + 1000 * (uint64_t)timeout_ms);
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = hal_time_us() + 1000 * (uint64_t)ms;
    uint64_t now;
    mp_event_handle_nowait();
    while ((now = hal_time_us()) < end) {
        save_clock();
        thread_idle(end);
        mp_event_handle_nowait();
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = hal_time_us() + us;
    if (us >= 2000) {
        mp_hal_delay_ms(us / 1000 - 1);
    }
    while (hal_time_us() < end) {
    }
}

uint64_t mp_hal_time_ns(void) {
    // Nanoseconds since the port's epoch.
    save_clock();
    return (hal_time_us() + epoch_offset_us) * 1000;
}

void k210_set_epoch_seconds(uint64_t seconds) {
    epoch_offset_us = seconds * 1000000 - hal_time_us();
    save_clock();
}

int mp_hal_check(int err) {
    if (err < 0) {
        // The C library's numbers differ from MicroPython's for some errors.
        switch (-err) {
            case ETIMEDOUT:
                mp_raise_OSError(MP_ETIMEDOUT);
            case ENODEV:
                mp_raise_OSError(MP_ENODEV);
            case EBUSY:
                mp_raise_OSError(MP_EBUSY);
            case EINVAL:
                mp_raise_OSError(MP_EINVAL);
            case ENOMEM:
                mp_raise_OSError(MP_ENOMEM);
            default:
                mp_raise_OSError(MP_EIO);
        }
    }
    return err;
}

void k210_lfs2_assert_failed(void) {
    mp_raise_OSError(MP_EIO);
}

// There is no random number generator on the chip. Interrupt times against the CPU clock are the
// only entropy; good enough for games, not for keys.
uint32_t k210_random_u32(void) {
    static uint64_t state;
    // splitmix64
    state += 0x9E3779B97F4A7C15ull + hal_cycles();
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return (z ^ (z >> 31)) >> 16;
}
