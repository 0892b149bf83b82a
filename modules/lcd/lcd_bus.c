// SPDX-License-Identifier: MIT
#include <errno.h>

#include "hal/fpioa.h"
#include "hal/gpiohs.h"
#include "hal/spi.h"
#include "hal/sysctl.h"
#include "hal/time.h"

#include "lcd_bus.h"

#define SPI_PORT (0)
#define SPI_CS (3)
#define GPIOHS_RST (30)
#define GPIOHS_DCX (31)
#define MAX_PARAMETERS (256)
#define MARGIN_US (1000000) // an emulator on a busy host may be stopped for a while

static struct {
    uint32_t hz;
    bool octal;
    uint32_t timeout_us; // of what is on its way
} bus;

static spi_config_t config(uint8_t bits, bool is_command) {
    spi_config_t c = {
        .port = SPI_PORT, .cs = SPI_CS, .mode = 0, .bits = bits, .hz = bus.hz,
        .format = bus.octal ? SPI_OCTAL : SPI_STANDARD, .trans = SPI_TRANS_ALL_WIDE,
    };
    // In octal format the core wants the first word as instruction or address; on the wires it is a
    // word like the others.
    if (bus.octal) {
        c.inst_bits = is_command ? bits : 0;
        c.addr_bits = is_command ? 0 : bits;
    }
    return c;
}

int lcd_bus_init(const lcd_pins_t *pins, uint32_t hz) {
    if (hz == 0) {
        return -EINVAL;
    }
    bus.hz = hz;
    bus.octal = pins->data < 0;
    sysctl_spi_dvp_data_enable(true);
    int ret = spi_init(SPI_PORT);
    if (ret == 0) {
        ret = fpioa_set(pins->rst, FPIOA_GPIOHS0 + GPIOHS_RST);
    }
    if (ret == 0) {
        ret = fpioa_set(pins->dcx, FPIOA_GPIOHS0 + GPIOHS_DCX);
    }
    if (ret == 0) {
        ret = fpioa_set(pins->cs, FPIOA_SPI0_SS0 + SPI_CS);
    }
    if (ret == 0) {
        ret = fpioa_set(pins->clk, FPIOA_SPI0_SCLK);
    }
    if (ret == 0 && pins->data >= 0) {
        ret = fpioa_set((unsigned)pins->data, FPIOA_SPI0_D0);
    }
    gpiohs_output(GPIOHS_RST, true);
    gpiohs_output(GPIOHS_DCX, true);
    return ret;
}

uint32_t lcd_bus_set_freq(uint32_t hz) {
    spi_wait(SPI_PORT, bus.timeout_us);
    bus.hz = hz;
    spi_config_t c = config(8, false);
    return spi_rate(&c);
}

static void bus_reset(void *ctx, bool active) {
    (void)ctx;
    gpiohs_write(GPIOHS_RST, !active);
}

static void bus_delay(void *ctx, uint32_t ms) {
    (void)ctx;
    uint64_t end = hal_time_us() + ms * 1000u;
    while (hal_time_us() < end) {
        hal_idle();
    }
}

static int bus_wait(void *ctx) {
    (void)ctx;
    return spi_wait(SPI_PORT, bus.timeout_us);
}

void lcd_bus_deinit(void) {
    bus_wait(NULL);
    bus.hz = 0;
}

static int bus_command(void *ctx, uint8_t cmd, const uint8_t *data, size_t n) {
    int ret = bus_wait(ctx);
    if (ret) {
        return ret;
    }
    if (n > MAX_PARAMETERS) {
        return -EINVAL;
    }
    spi_config_t c = config(8, true);
    gpiohs_write(GPIOHS_DCX, false);
    ret = spi_write(&c, NULL, 0, &cmd, 1);
    gpiohs_write(GPIOHS_DCX, true);
    if (ret == 0 && n) {
        c = config(8, false);
        ret = spi_write(&c, NULL, 0, data, n);
    }
    return ret;
}

static int bus_pixels(void *ctx, const uint32_t *words, size_t n, bool fill) {
    (void)ctx;
    spi_config_t c = config(32, false);
    uint32_t rate = spi_rate(&c);
    // Four times what the wires need: other masters share the memory.
    uint64_t clocks = (uint64_t)n * (bus.octal ? 4 : 32);
    bus.timeout_us = MARGIN_US + (uint32_t)(4 * clocks * 1000000 / (rate ? rate : 1));
    gpiohs_write(GPIOHS_DCX, true);
    return spi_write_dma(&c, NULL, 0, words, n, fill, NULL, NULL);
}

const lcd_bus_t lcd_bus = { bus_reset, bus_delay, bus_command, bus_pixels, bus_wait, NULL };
