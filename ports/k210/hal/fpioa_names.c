// SPDX-License-Identifier: MIT
#include <stddef.h>

#include "fpioa.h"

// A run of functions: names[i] with # replaced by `number` (or, without names, the prefix and a number
// that counts up).
typedef struct {
    uint8_t first, count;
    uint8_t number; // of the peripheral, or the first one of the count
    const char *const *names;
    const char *prefix;
} run_t;

static const char *const jtag[] = { "JTAG_TCLK", "JTAG_TDI", "JTAG_TMS", "JTAG_TDO" };
static const char *const spi[] = {
    "SPI#_D0", "SPI#_D1", "SPI#_D2", "SPI#_D3", "SPI#_D4", "SPI#_D5", "SPI#_D6", "SPI#_D7",
    "SPI#_SS0", "SPI#_SS1", "SPI#_SS2", "SPI#_SS3", "SPI#_ARB", "SPI#_SCLK",
};
static const char *const uarths[] = { "UARTHS_RX", "UARTHS_TX", "RESV6", "RESV7", "CLK_SPI1", "CLK_I2C1" };
static const char *const uart[] = { "UART#_RX", "UART#_TX" };
static const char *const slave[] = { "SPI_SLAVE_D0", "SPI_SLAVE_SS", "SPI_SLAVE_SCLK" };
static const char *const i2s[] = {
    "I2S#_MCLK", "I2S#_SCLK", "I2S#_WS", "I2S#_IN_D0", "I2S#_IN_D1", "I2S#_IN_D2", "I2S#_IN_D3",
    "I2S#_OUT_D0", "I2S#_OUT_D1", "I2S#_OUT_D2", "I2S#_OUT_D3",
};
static const char *const i2c[] = { "I2C#_SCLK", "I2C#_SDA" };
static const char *const cmos[] = {
    "CMOS_XCLK", "CMOS_RST", "CMOS_PWDN", "CMOS_VSYNC", "CMOS_HREF", "CMOS_PCLK", "CMOS_D0", "CMOS_D1", "CMOS_D2",
    "CMOS_D3", "CMOS_D4", "CMOS_D5", "CMOS_D6", "CMOS_D7", "SCCB_SCLK", "SCCB_SDA",
};
static const char *const modem[] = {
    "UART#_CTS", "UART#_DSR", "UART#_DCD", "UART#_RI", "UART#_SIR_IN", "UART#_DTR", "UART#_RTS", "UART#_OUT2",
    "UART#_OUT1", "UART#_SIR_OUT", "UART#_BAUD", "UART#_RE", "UART#_DE", "UART#_RS485_EN",
};
static const char *const clk2[] = { "CLK_SPI2", "CLK_I2C2" };

static const run_t runs[] = {
    { FPIOA_JTAG_TCLK, 4, 0, jtag, NULL },
    { FPIOA_SPI0_D0, 14, 0, spi, NULL },
    { FPIOA_UARTHS_RX, 6, 0, uarths, NULL },
    { FPIOA_GPIOHS0, 32, 0, NULL, "GPIOHS" },
    { FPIOA_GPIO0, 8, 0, NULL, "GPIO" },
    { FPIOA_UART1_RX, 2, 1, uart, NULL },
    { FPIOA_UART2_RX, 2, 2, uart, NULL },
    { FPIOA_UART3_RX, 2, 3, uart, NULL },
    { FPIOA_SPI1_D0, 14, 1, spi, NULL },
    { FPIOA_SPI_SLAVE_D0, 3, 0, slave, NULL },
    { FPIOA_I2S0_MCLK, 11, 0, i2s, NULL },
    { FPIOA_I2S1_MCLK, 11, 1, i2s, NULL },
    { FPIOA_I2S2_MCLK, 11, 2, i2s, NULL },
    { FPIOA_RESV0, 6, 0, NULL, "RESV" },
    { FPIOA_I2C0_SCLK, 2, 0, i2c, NULL },
    { FPIOA_I2C1_SCLK, 2, 1, i2c, NULL },
    { FPIOA_I2C2_SCLK, 2, 2, i2c, NULL },
    { FPIOA_CMOS_XCLK, 16, 0, cmos, NULL },
    { FPIOA_UART1_CTS, 14, 1, modem, NULL },
    { FPIOA_UART2_CTS, 14, 2, modem, NULL },
    { FPIOA_UART3_CTS, 14, 3, modem, NULL },
    { FPIOA_TIMER0_TOGGLE1, 4, 1, NULL, "TIMER0_TOGGLE" },
    { FPIOA_TIMER1_TOGGLE1, 4, 1, NULL, "TIMER1_TOGGLE" },
    { FPIOA_TIMER2_TOGGLE1, 4, 1, NULL, "TIMER2_TOGGLE" },
    { FPIOA_CLK_SPI2, 2, 0, clk2, NULL },
};

static void put_number(char *to, unsigned value) {
    unsigned digits = value >= 100 ? 3 : value >= 10 ? 2 : 1;
    to[digits] = 0;
    while (digits != 0) {
        to[--digits] = '0' + value % 10;
        value /= 10;
    }
}

void fpioa_name(unsigned function, char name[FPIOA_NAME_MAX]) {
    const char *from = "function ";
    unsigned number = function, hash = 0;
    bool counted = true;
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); ++i) {
        if (function >= runs[i].first && function < (unsigned)runs[i].first + runs[i].count) {
            unsigned nth = function - runs[i].first;
            counted = runs[i].names == NULL;
            from = counted ? runs[i].prefix : runs[i].names[nth];
            number = runs[i].number + (counted ? nth : 0);
            hash = runs[i].number;
            break;
        }
    }
    unsigned n = 0;
    for (; from[n] != 0; ++n) {
        name[n] = from[n] == '#' ? (char)('0' + hash) : from[n];
    }
    name[n] = 0;
    if (counted) {
        put_number(name + n, number);
    }
}
