// SPDX-License-Identifier: MIT
//
// The boot, top to bottom. start.S has set up the stack and cleared .bss, and parked hart 1.
#include <stddef.h>

#include "py/builtin.h"
#include "py/compile.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#if MICROPY_PY_NETWORK
#include "extmod/modnetwork.h"
#endif
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"
#include "hal/cache.h"
#include "hal/dmac.h"
#include "hal/flash.h"
#include "hal/fpioa.h"
#include "hal/gpiohs.h"
#include "hal/plic.h"
#include "hal/sysctl.h"
#include "hal/time.h"
#include "board_start.h"
#include "machine_periph.h"
#include "machine_pin.h"
#include "pool.h"
#include "trap.h"

extern uint8_t _stack0_bottom[], _stack0_top[], _pool_start[], _pool_end[];

#define PAD_ISP_RX (4)
#define PAD_ISP_TX (5)
#define PAD_BOOT_KEY (16)
#define BOOT_KEY_SETTLE_US (20)
#define PAD_FIRST_USER (6) // below are JTAG and the console

#define MSTATUS_MIE (8)

// Modules with hardware to stop at a soft reset define these; they are called if linked in.
__attribute__((weak)) void k210_media_deinit(void) {
}
__attribute__((weak)) void maix_gpio_deinit(void) {
}
__attribute__((weak)) void maix_i2s_deinit(void) {
}
__attribute__((weak)) void k210_lcd_deinit(void) {
}
__attribute__((weak)) void k210_sensor_deinit(void) {
}
__attribute__((weak)) void k210_kpu_deinit(void) {
}

static void init_clocks(void) {
    hal_time_clock_changed(sysctl_clock_hz(CLOCK_CPU));
    sysctl_reset_cause(); // before something else clears it
    sysctl_set_cpu_hz(MICROPY_HW_CPU_HZ);
    sysctl_set_ai_hz(MICROPY_HW_AI_HZ);
    // The AI SRAM hangs the bus without its clock.
    sysctl_clock_enable(CLOCK_AI, true);
}

// Frees all pads that nothing on the chip needs, so that every function can be found unused.
static void init_pads(void) {
    fpioa_init();
    for (unsigned pad = PAD_FIRST_USER; pad < FPIOA_PADS; ++pad) {
        fpioa_set(pad, FPIOA_RESV0);
    }
    fpioa_set(PAD_ISP_RX, FPIOA_UARTHS_RX);
    fpioa_set(PAD_ISP_TX, FPIOA_UARTHS_TX);
    for (unsigned bank = 0; bank < 8; ++bank) {
        sysctl_bank_1v8(bank, MICROPY_HW_BANKS_1V8 >> bank & 1);
    }
}

// Whoever holds the BOOT key a moment after the reset (during the reset it means "download" to the ROM)
// gets the prompt, whatever boot.py does.
static bool boot_key_held(void) {
    int function = fpioa_get(PAD_BOOT_KEY);
    if (function != FPIOA_RESV0) {
        // A script has left its function on the pad: this is a soft reset.
        unsigned n = function - FPIOA_GPIOHS0;
        return n < GPIOHS_COUNT && !gpiohs_is_output(n) && !gpiohs_read(n);
    }
    for (unsigned n = 0; n < GPIOHS_COUNT; ++n) {
        if (fpioa_pad_of(FPIOA_GPIOHS0 + n) < 0) {
            fpioa_set(PAD_BOOT_KEY, FPIOA_GPIOHS0 + n);
            fpioa_set_pull(PAD_BOOT_KEY, FPIOA_PULL_UP);
            gpiohs_input(n);
            hal_delay_us(BOOT_KEY_SETTLE_US);
            bool held = !gpiohs_read(n);
            fpioa_set(PAD_BOOT_KEY, FPIOA_RESV0);
            return held;
        }
    }
    return false;
}

int main(void) {
    // start.S cleared .bss through the cache; devices' buffers in there must not be hit by late write-backs.
    cache_evict();
    init_clocks();
    k210_restore_clock();
    plic_init();
    init_pads();
    mp_hal_stdio_init();
    __asm__ volatile ("csrs mstatus, %0" : : "r" (MSTATUS_MIE));
    dmac_init();
    board_start();
    flash_init(); // without flash there is no file system, but a REPL

    pool_init(_pool_start, _pool_end);
    uint8_t *heap = pool_alloc_low(MICROPY_HW_GC_HEAP, "gc heap");
    if (heap == NULL) {
        fatal("no memory for the heap");
    }

    thread_init();
    mp_cstack_init_with_top(_stack0_top, _stack0_top - _stack0_bottom);

    for (;;) {
        gc_init(heap, heap + MICROPY_HW_GC_HEAP);
        mp_init();
        #if MICROPY_PY_NETWORK
        mod_network_init();
        #endif
        readline_init0();

        // Mounts /flash and sets sys.path. It catches its own errors: the REPL must come up.
        pyexec_frozen_module("_boot.py", false);

        bool safe = boot_key_held();
        if (safe) {
            mp_printf(MP_PYTHON_PRINTER, "BOOT key held: boot.py and main.py are left out\n");
        }
        int ret = safe ? 0 : pyexec_file_if_exists("boot.py");
        if (!(ret & PYEXEC_FORCED_EXIT) && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL && ret != 0) {
            ret = pyexec_file_if_exists("main.py");
        }
        if (!(ret & PYEXEC_FORCED_EXIT)) {
            while ((pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl()) == 0) {
            }
        }

        mp_printf(MP_PYTHON_PRINTER, "MPY: soft reboot\n");
        thread_deinit();
        k210_media_deinit();
        #if MICROPY_PY_NETWORK
        mod_network_deinit();
        #endif
        machine_timer_deinit_all();
        machine_pwm_deinit_all();
        machine_uart_deinit_all();
        #if MICROPY_PY_MACHINE_SPI
        machine_spi_deinit_all();
        #endif
        #if MICROPY_HW_I2C_SLAVE
        machine_i2c_deinit_all();
        #endif
        #if MICROPY_PY_MACHINE_I2S
        machine_i2s_deinit_all();
        #endif
        maix_i2s_deinit();
        machine_wdt_deinit_all();
        maix_gpio_deinit();
        k210_kpu_deinit();
        k210_sensor_deinit();
        k210_lcd_deinit();
        machine_pin_deinit();
        gc_sweep_all(); // runs finalisers, and gives all heap areas but the first back to the pool
        mp_deinit();
    }
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    thread_gc_collect();
    gc_collect_end();
}

size_t gc_get_max_new_split(void) {
    if (pool_largest() < MICROPY_HW_GC_HEAP) {
        pool_reclaim(false);
    }
    return pool_largest();
}

void nlr_jump_fail(void *val) {
    (void)val;
    fatal("uncaught exception");
}

void abort(void) {
    fatal("abort");
}
