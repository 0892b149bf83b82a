// SPDX-License-Identifier: MIT
// Included by extmod/modmachine.c via MICROPY_PY_MACHINE_INCLUDEFILE.

#include "py/mphal.h"
#include "hal/flash.h"
#include "hal/sysctl.h"
#include "hal/time.h"
#include "hal/uarths.h"
#include "machine_periph.h"
#include "machine_pin.h"
#include "machine_sdcard.h"

#if MICROPY_VFS_FAT
#define SDCARD_ENTRY { MP_ROM_QSTR(MP_QSTR_SDCard), MP_ROM_PTR(&machine_sdcard_type) },
#else
#define SDCARD_ENTRY
#endif

// MaixPy's numbers.
#define CAUSE_HARD (0)
#define CAUSE_SOFT (1)
#define CAUSE_WDT (2)
#define CAUSE_WDT1 (3)

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type) }, \
    { MP_ROM_QSTR(MP_QSTR_RTC), MP_ROM_PTR(&machine_rtc_type) }, \
    SDCARD_ENTRY \
    { MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&k210_timer_type) }, \
    { MP_ROM_QSTR(MP_QSTR_PWM), MP_ROM_PTR(&k210_pwm_type) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT), MP_ROM_PTR(&k210_wdt_type) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(CAUSE_HARD) }, \
    { MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(CAUSE_HARD) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(CAUSE_SOFT) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(CAUSE_WDT) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT1_RESET), MP_ROM_INT(CAUSE_WDT1) },

static void mp_machine_idle(void) {
    mp_event_wait_ms(1);
}

NORETURN static void mp_machine_reset(void) {
    uarths_clock_changing(); // let the last characters out
    mp_hal_time_ns(); // leaves the wall clock for the next start
    sysctl_reset_chip();
}

static mp_int_t mp_machine_reset_cause(void) {
    switch (sysctl_reset_cause()) {
        case RESET_CAUSE_WDT0:
            return CAUSE_WDT;
        case RESET_CAUSE_WDT1:
            return CAUSE_WDT1;
        case RESET_CAUSE_SOFT:
            return CAUSE_SOFT;
        default:
            return CAUSE_HARD;
    }
}

// 32 bytes as in MaixPy, whose way to them is not published: the flash's serial number, then words mixed from it
// (the finaliser of splitmix64, which is a bijection).
static mp_obj_t mp_machine_unique_id(void) {
    uint64_t id[4];
    mp_hal_check(flash_unique_id((uint8_t *)&id[0]));
    for (unsigned i = 1; i < MP_ARRAY_SIZE(id); ++i) {
        uint64_t z = id[i - 1] + 0x9E3779B97F4A7C15ull;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ z >> 27) * 0x94D049BB133111EBull;
        id[i] = z ^ z >> 31;
    }
    return mp_obj_new_bytes((const uint8_t *)id, sizeof(id));
}

static mp_obj_t mp_machine_get_freq(void) {
    return MP_OBJ_NEW_SMALL_INT(mp_hal_get_cpu_freq());
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_int_t hz = mp_obj_get_int(args[0]);
    // Above 600 MHz nobody has seen it work, below 26 MHz the PLL cannot go.
    if (hz < 26000000 || hz > 600000000 || sysctl_set_cpu_hz(hz) < 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("CPU frequency %d is not between 26000000 and 600000000"), (int)hz);
    }
}

static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        mp_event_wait_indefinite();
    } else {
        mp_hal_delay_ms(mp_obj_get_int(args[0]));
    }
}

// There is no power-down mode: sleep, then start afresh, which is what programs see of it.
NORETURN static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    mp_machine_lightsleep(n_args, args);
    mp_machine_reset();
}
