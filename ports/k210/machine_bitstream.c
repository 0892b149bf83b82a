// SPDX-License-Identifier: MIT
//
// machine.bitstream(): WS2812 and the like, timed by the CPU's cycle counter.
#include "py/mphal.h"
#include "hal/gpiohs.h"
#include "machine_pin.h"

static void wait_until(uint64_t cycle) {
    while ((int64_t)(hal_cycles() - cycle) < 0) {
    }
}

// timing_ns: high and low of a 0, high and low of a 1.
void machine_bitstream_high_low(mp_hal_pin_obj_t pin, uint32_t *timing_ns, const uint8_t *buf, size_t len) {
    uint64_t hz = mp_hal_get_cpu_freq();
    uint32_t cycles[4];
    for (unsigned i = 0; i < 4; ++i) {
        cycles[i] = timing_ns[i] * hz / 1000000000;
    }
    unsigned n = machine_pin_gpiohs(pin);
    mp_hal_pin_output(pin);
    mp_uint_t irq = mp_hal_quiet_timing_enter();
    uint64_t next = hal_cycles();
    for (size_t i = 0; i < len; ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            const uint32_t *t = &cycles[(buf[i] << bit & 0x80) ? 2 : 0];
            gpiohs_write(n, true);
            next += t[0];
            wait_until(next);
            gpiohs_write(n, false);
            next += t[1];
            wait_until(next);
        }
    }
    mp_hal_quiet_timing_exit(irq);
}
