// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "fpioa.h"
#include "mmio.h"
#include "sysctl.h"
#include "time.h"

#define FPIOA_IO(pad) (FPIOA_BASE + 4 * (pad))
#define FPIOA_TIE_EN(k) (FPIOA_BASE + 0xC0 + 4 * (k))
#define FPIOA_TIE_VAL(k) (FPIOA_BASE + 0xE0 + 4 * (k))

#define IO_FUNCTION (0xFF)
#define IO_DRIVE_SHIFT (8)
#define IO_DATA_IS_OE (1u << 14)
#define IO_DATA_INVERT (1u << 15)
#define IO_LEVEL (1u << 31)
#define IO_PULL_UP (1u << 16)
#define IO_PULL_DOWN (1u << 17)
#define IO_SLOW (1u << 19)
#define IO_SCHMITT (1u << 23)

// Pad settings by kind of function: output enable, drive, input enable, Schmitt trigger, pull-up.
enum {
    PAD_NONE = 0,
    PAD_IN = 0x00900000,
    PAD_OUT = 0x00001F00,
    PAD_GPIO = 0x00901F00,
    PAD_SPI = 0x00B03F00,
    PAD_I2C = 0x00991000,
    PAD_SCCB = 0x00993000,
    PAD_INT13 = 0x00910000,
    PAD_INT14 = 0x00991F00,
};

// The last function of each run of functions of one kind.
static const struct {
    uint8_t last;
    uint32_t settings;
} kinds[] = {
    { FPIOA_JTAG_TMS, PAD_IN },
    { FPIOA_JTAG_TDO, PAD_OUT },
    { FPIOA_SPI0_D7, PAD_SPI },
    { FPIOA_SPI0_SS3, PAD_OUT },
    { FPIOA_SPI0_ARB, PAD_IN },
    { FPIOA_SPI0_SCLK, PAD_OUT },
    { FPIOA_UARTHS_RX, PAD_IN },
    { FPIOA_UARTHS_TX, PAD_OUT },
    { FPIOA_RESV7, PAD_IN },
    { FPIOA_CLK_I2C1, PAD_OUT },
    { FPIOA_GPIO7, PAD_GPIO },
    { FPIOA_UART1_RX, PAD_IN },
    { FPIOA_UART1_TX, PAD_OUT },
    { FPIOA_UART2_RX, PAD_IN },
    { FPIOA_UART2_TX, PAD_OUT },
    { FPIOA_UART3_RX, PAD_IN },
    { FPIOA_UART3_TX, PAD_OUT },
    { FPIOA_SPI1_D7, PAD_SPI },
    { FPIOA_SPI1_SS3, PAD_OUT },
    { FPIOA_SPI1_ARB, PAD_IN },
    { FPIOA_SPI1_SCLK, PAD_OUT },
    { FPIOA_SPI_SLAVE_D0, PAD_SPI },
    { FPIOA_SPI_SLAVE_SCLK, PAD_IN },
    { FPIOA_I2S0_WS, PAD_OUT },
    { FPIOA_I2S0_IN_D3, PAD_IN },
    { FPIOA_I2S1_WS, PAD_OUT },
    { FPIOA_I2S1_IN_D3, PAD_IN },
    { FPIOA_I2S2_WS, PAD_OUT },
    { FPIOA_I2S2_IN_D3, PAD_IN },
    { FPIOA_I2S2_OUT_D3, PAD_OUT },
    { FPIOA_RESV5, PAD_NONE },
    { FPIOA_I2C2_SDA, PAD_I2C },
    { FPIOA_CMOS_PWDN, PAD_OUT },
    { FPIOA_CMOS_D7, PAD_IN },
    { FPIOA_SCCB_SDA, PAD_SCCB },
    { FPIOA_UART1_SIR_IN, PAD_IN },
    { FPIOA_UART1_RS485_EN, PAD_OUT },
    { FPIOA_UART2_SIR_IN, PAD_IN },
    { FPIOA_UART2_RS485_EN, PAD_OUT },
    { FPIOA_UART3_SIR_IN, PAD_IN },
    { FPIOA_INTERNAL8, PAD_OUT },
    { FPIOA_INTERNAL12, PAD_IN },
    { FPIOA_INTERNAL13, PAD_INT13 },
    { FPIOA_INTERNAL14, PAD_INT14 },
    { FPIOA_INTERNAL17, PAD_IN },
    { FPIOA_CONSTANT, PAD_NONE },
    { FPIOA_INTERNAL18, PAD_IN },
    { FPIOA_DEBUG31, PAD_OUT },
};

void fpioa_init(void) {
    sysctl_clock_enable(CLOCK_FPIOA, true);
    for (unsigned k = 0; k < FPIOA_FUNCTIONS / 32; ++k) {
        // The bus arbitration inputs of SPI0 and SPI1 must read 1, or they never become master.
        uint32_t tie = 0;
        if (k == FPIOA_SPI0_ARB / 32) {
            tie |= 1u << FPIOA_SPI0_ARB % 32;
        }
        if (k == FPIOA_SPI1_ARB / 32) {
            tie |= 1u << FPIOA_SPI1_ARB % 32;
        }
        *mmio32(FPIOA_TIE_VAL(k)) = tie;
        *mmio32(FPIOA_TIE_EN(k)) = tie;
    }
}

static uint32_t settings_of(unsigned function) {
    size_t i = 0;
    while (kinds[i].last < function) {
        ++i;
    }
    return kinds[i].settings;
}

int fpioa_get(unsigned pad) {
    return pad < FPIOA_PADS ? (int)(*mmio32(FPIOA_IO(pad)) & IO_FUNCTION) : -EINVAL;
}

bool fpioa_level(unsigned pad) {
    return pad < FPIOA_PADS && (*mmio32(FPIOA_IO(pad)) & IO_LEVEL) != 0;
}

int fpioa_pad_of(unsigned function) {
    for (unsigned pad = 0; pad < FPIOA_PADS; ++pad) {
        if (fpioa_get(pad) == (int)function) {
            return pad;
        }
    }
    return -1;
}

int fpioa_set(unsigned pad, unsigned function) {
    if (pad >= FPIOA_PADS || function >= FPIOA_FUNCTIONS) {
        return -EINVAL;
    }
    uintptr_t irq = hal_irq_disable();
    if (function != FPIOA_RESV0) {
        for (unsigned other = 0; other < FPIOA_PADS; ++other) {
            if (other != pad && fpioa_get(other) == (int)function) {
                *mmio32(FPIOA_IO(other)) = FPIOA_RESV0;
            }
        }
    }
    *mmio32(FPIOA_IO(pad)) = settings_of(function) | function;
    hal_irq_restore(irq);
    return 0;
}

static int update(unsigned pad, uint32_t mask, uint32_t value) {
    if (pad >= FPIOA_PADS) {
        return -EINVAL;
    }
    uintptr_t irq = hal_irq_disable();
    mmio32_update(FPIOA_IO(pad), mask, value);
    hal_irq_restore(irq);
    return 0;
}

int fpioa_set_pull(unsigned pad, enum fpioa_pull pull) {
    uint32_t value = pull == FPIOA_PULL_UP ? IO_PULL_UP : pull == FPIOA_PULL_DOWN ? IO_PULL_DOWN : 0;
    return update(pad, IO_PULL_UP | IO_PULL_DOWN, value);
}

// The output enable of such a function is 1.
int fpioa_force(unsigned pad, int level) {
    return update(pad, IO_DATA_IS_OE | IO_DATA_INVERT,
        level < 0 ? 0 : level == 0 ? IO_DATA_IS_OE | IO_DATA_INVERT : IO_DATA_IS_OE);
}

int fpioa_set_slew(unsigned pad, bool slow) {
    return update(pad, IO_SLOW, slow ? IO_SLOW : 0);
}

int fpioa_set_schmitt(unsigned pad, bool on) {
    return update(pad, IO_SCHMITT, on ? IO_SCHMITT : 0);
}

int fpioa_set_drive(unsigned pad, unsigned strength) {
    if (strength > 15) {
        return -EINVAL;
    }
    return update(pad, 15u << IO_DRIVE_SHIFT, strength << IO_DRIVE_SHIFT);
}
