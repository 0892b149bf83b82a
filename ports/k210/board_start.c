// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "py/mpconfig.h"

#include "hal/fpioa.h"
#include "hal/gpiohs.h"
#include "hal/i2c.h"
#include "board_start.h"

#ifdef MICROPY_HW_PMU_REGS

#ifndef MICROPY_HW_PMU_ADDR
#define MICROPY_HW_PMU_ADDR (0x34) // X-Powers AXP173 and AXP192
#endif
#define PMU_I2C (0)
#define PMU_HZ (100000)
#define PMU_TIMEOUT_US (10000)

static void start_pmu(void) {
    static const uint8_t regs[][2] = { MICROPY_HW_PMU_REGS };
    fpioa_set(MICROPY_HW_PMU_SCL, FPIOA_I2C0_SCLK);
    fpioa_set(MICROPY_HW_PMU_SDA, FPIOA_I2C0_SDA);
    int ret = i2c_init(PMU_I2C, PMU_HZ) < 0 ? -1 : 0;
    // A board that runs without its power chip has other troubles; the prompt comes up all the same.
    for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]) && ret == 0; i++) {
        ret = i2c_transfer(PMU_I2C, MICROPY_HW_PMU_ADDR, regs[i], 2, NULL, 0, PMU_TIMEOUT_US);
    }
    i2c_deinit(PMU_I2C);
    fpioa_set(MICROPY_HW_PMU_SCL, FPIOA_RESV0);
    fpioa_set(MICROPY_HW_PMU_SDA, FPIOA_RESV0);
}

#else

static void start_pmu(void) {
}

#endif

#ifdef MICROPY_HW_PADS_HIGH

#define GPIOHS_DRIVERS (29) // this one and the next two: SD card and LCD

// Scripts take GPIOHS numbers from below.
static void start_pads(void) {
    static const uint8_t pads[] = { MICROPY_HW_PADS_HIGH };
    unsigned n = GPIOHS_DRIVERS;
    for (size_t i = 0; i < sizeof(pads); i++) {
        gpiohs_output(--n, true);
        fpioa_set(pads[i], FPIOA_GPIOHS0 + n);
    }
}

#else

static void start_pads(void) {
}

#endif

void board_start(void) {
    start_pmu();
    start_pads();
}
