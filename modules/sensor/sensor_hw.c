// SPDX-License-Identifier: MIT
#include <errno.h>

#include "py/mpconfig.h"

#include "hal/dvp.h"
#include "hal/fpioa.h"
#include "hal/hart1.h"
#include "hal/i2c.h"
#include "hal/sysctl.h"
#include "hal/time.h"

#include "sensor_hw.h"

// Board data; the defaults are the wiring of the Maix family.
#ifndef MICROPY_HW_CAM_SDA
#define MICROPY_HW_CAM_SDA (40)
#define MICROPY_HW_CAM_SCL (41)
#define MICROPY_HW_CAM_RST (42)
#define MICROPY_HW_CAM_VSYNC (43)
#define MICROPY_HW_CAM_PWDN (44)
#define MICROPY_HW_CAM_HREF (45)
#define MICROPY_HW_CAM_XCLK (46)
#define MICROPY_HW_CAM_PCLK (47)
#endif

#define SCCB_HZ (100000)
#define SCCB_TIMEOUT_US (50000)
#define HART1_TIMEOUT_US (100000)

const sensor_pins_t sensor_hw_pins = {
    .sda = MICROPY_HW_CAM_SDA, .scl = MICROPY_HW_CAM_SCL, .rst = MICROPY_HW_CAM_RST, .vsync = MICROPY_HW_CAM_VSYNC,
    .pwdn = MICROPY_HW_CAM_PWDN, .href = MICROPY_HW_CAM_HREF, .xclk = MICROPY_HW_CAM_XCLK,
    .pclk = MICROPY_HW_CAM_PCLK, .i2c = 2,
};

static unsigned sccb_i2c;

int32_t sensor_hw_init(const sensor_pins_t *p, uint32_t xclk_hz) {
    static const uint8_t sda[] = { FPIOA_I2C0_SDA, FPIOA_I2C1_SDA, FPIOA_I2C2_SDA };
    static const uint8_t scl[] = { FPIOA_I2C0_SCLK, FPIOA_I2C1_SCLK, FPIOA_I2C2_SCLK };
    if (p->i2c >= I2C_COUNT) {
        return -EINVAL;
    }
    sccb_i2c = p->i2c;
    const struct {
        uint8_t pad, function;
    } pads[] = {
        { p->sda, sda[p->i2c] }, { p->scl, scl[p->i2c] },
        { p->rst, FPIOA_CMOS_RST }, { p->vsync, FPIOA_CMOS_VSYNC }, { p->pwdn, FPIOA_CMOS_PWDN },
        { p->href, FPIOA_CMOS_HREF }, { p->xclk, FPIOA_CMOS_XCLK }, { p->pclk, FPIOA_CMOS_PCLK },
    };
    for (size_t i = 0; i < sizeof(pads) / sizeof(pads[0]); i++) {
        int ret = fpioa_set(pads[i].pad, pads[i].function);
        if (ret) {
            return ret;
        }
    }
    sysctl_spi_dvp_data_enable(true);
    uint32_t xclk = dvp_init(xclk_hz);
    int32_t hz = i2c_init(sccb_i2c, SCCB_HZ);
    return hz < 0 ? hz : (int32_t)xclk;
}

void sensor_hw_deinit(void) {
    dvp_deinit();
    i2c_deinit(sccb_i2c);
}

static size_t put_reg(uint8_t *buf, uint16_t reg, bool wide) {
    size_t n = 0;
    if (wide) {
        buf[n++] = (uint8_t)(reg >> 8);
    }
    buf[n++] = (uint8_t)reg;
    return n;
}

static int bus_write(void *ctx, uint8_t addr, uint16_t reg, bool wide, uint8_t value) {
    (void)ctx;
    uint8_t buf[3];
    size_t n = put_reg(buf, reg, wide);
    buf[n++] = value;
    return i2c_transfer(sccb_i2c, addr, buf, n, NULL, 0, SCCB_TIMEOUT_US);
}

// SCCB knows no repeated start: two transactions.
static int bus_read(void *ctx, uint8_t addr, uint16_t reg, bool wide, uint8_t *value) {
    (void)ctx;
    uint8_t buf[2];
    size_t n = put_reg(buf, reg, wide);
    int ret = i2c_transfer(sccb_i2c, addr, buf, n, NULL, 0, SCCB_TIMEOUT_US);
    return ret ? ret : i2c_transfer(sccb_i2c, addr, NULL, 0, value, 1, SCCB_TIMEOUT_US);
}

static void bus_reset_line(void *ctx, bool high) {
    (void)ctx;
    dvp_reset_line(high);
}

static void bus_power_down_line(void *ctx, bool high) {
    (void)ctx;
    dvp_power_down_line(high);
}

static void bus_delay(void *ctx, uint32_t ms) {
    (void)ctx;
    uint64_t end = hal_time_us() + ms * 1000u;
    while (hal_time_us() < end) {
        hal_idle();
    }
}

const sensor_bus_t sensor_hw_bus = {
    bus_write, bus_read, bus_reset_line, bus_power_down_line, bus_delay, NULL, NULL,
};

typedef struct {
    uint8_t *p;
    size_t n;
} span_t;

static void swap_span(void *arg) {
    const span_t *s = arg;
    image_swap_words(s->p, s->p, s->n);
}

void sensor_hw_fix_pixels(void *p, size_t n) {
    static span_t other; // hart 1 may outlive this call if it times out
    size_t half = n / 2 & ~(size_t)7;
    other = (span_t) { (uint8_t *)p + half, n - half };
    bool shared = hart1_run(swap_span, &other) == 0;
    image_swap_words(p, p, half);
    if (!shared) {
        swap_span(&other);
    } else {
        hart1_wait(HART1_TIMEOUT_US);
    }
}
