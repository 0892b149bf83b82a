// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "mmio.h"
#include "sysctl.h"
#include "time.h"
#include "uarths.h"

#define SYSCTL_PLL(n) (SYSCTL_BASE + 0x08 + 4 * (n))
#define SYSCTL_PLL_LOCK (SYSCTL_BASE + 0x18)
#define SYSCTL_CLK_SEL0 (SYSCTL_BASE + 0x20)
#define SYSCTL_CLK_EN_CENT (SYSCTL_BASE + 0x28)
#define SYSCTL_CLK_EN_PERI (SYSCTL_BASE + 0x2C)
#define SYSCTL_SOFT_RESET (SYSCTL_BASE + 0x30)
#define SYSCTL_PERI_RESET (SYSCTL_BASE + 0x34)
#define SYSCTL_CLK_TH(n) (SYSCTL_BASE + 0x38 + 4 * (n))
#define SYSCTL_MISC (SYSCTL_BASE + 0x54)
#define SYSCTL_RESET_STATUS (SYSCTL_BASE + 0x60)
#define SYSCTL_DMA_SEL(ch) (SYSCTL_BASE + 0x64 + 4 * ((ch) / 5))
#define SYSCTL_POWER_SEL (SYSCTL_BASE + 0x6C)

#define IN0_HZ (26000000)
#define VCO_MIN_HZ (350000000)
#define VCO_MAX_HZ (1750000000)
#define PLL_LOCK_US (1000000)

// PLL register. "pwrd" means powered, whatever its name suggests.
#define PLL_CLKR(v) ((v) & 15)
#define PLL_CLKF(v) ((v) >> 4 & 63)
#define PLL_CLKOD(v) ((v) >> 10 & 15)
#define PLL_FIELDS (0xFFFFF)
#define PLL_RESET (1u << 20)
#define PLL_PWRD (1u << 21)
#define PLL_BYPASS (1u << 23)
#define PLL_OUT_EN (1u << 25)
#define PLL2_CKIN_SEL(v) ((v) >> 26 & 3)

#define SEL0_ACLK_PLL0 (1u << 0)
#define SEL0_ACLK_DIV(v) ((v) >> 1 & 3)
#define SEL0_APB(v, n) ((v) >> (3 + 3 * (n)) & 7)
#define SEL0_SPI3_PLL0 (1u << 12)
#define SEL0_TIMER_PLL0(n) (1u << (13 + (n)))

#define MISC_SPI_DVP_DATA (1u << 10)

// Where the divider of a peripheral clock is. A width of 0 means there is none.
typedef struct {
    uint8_t reg, shift, width;
} threshold_t;

static const threshold_t thresholds[CLOCK_PERIPHERALS] = {
    [CLOCK_ROM] = { 0, 16, 4 },
    [CLOCK_AI] = { 0, 8, 4 },
    [CLOCK_DVP] = { 0, 12, 4 },
    [CLOCK_SPI0] = { 1, 0, 8 },
    [CLOCK_SPI1] = { 1, 8, 8 },
    [CLOCK_SPI2] = { 1, 16, 8 },
    [CLOCK_SPI3] = { 1, 24, 8 },
    [CLOCK_TIMER0] = { 2, 0, 8 },
    [CLOCK_TIMER1] = { 2, 8, 8 },
    [CLOCK_TIMER2] = { 2, 16, 8 },
    [CLOCK_I2S0] = { 3, 0, 16 },
    [CLOCK_I2S1] = { 3, 16, 16 },
    [CLOCK_I2S2] = { 4, 0, 16 },
    [CLOCK_I2C0] = { 5, 8, 8 },
    [CLOCK_I2C1] = { 5, 16, 8 },
    [CLOCK_I2C2] = { 5, 24, 8 },
    [CLOCK_WDT0] = { 6, 0, 8 },
    [CLOCK_WDT1] = { 6, 8, 8 },
};

static void update(uintptr_t addr, uint32_t mask, uint32_t value) {
    uintptr_t irq = hal_irq_disable();
    mmio32_update(addr, mask, value);
    hal_irq_restore(irq);
}

// The bus that a peripheral's registers hang on, as bit of CLK_EN_CENT; 0 = none.
static uint32_t bus_of(enum sysctl_clock clock) {
    switch (clock) {
        case CLOCK_GPIO:
        case CLOCK_SPI2:
        case CLOCK_I2S0:
        case CLOCK_I2S1:
        case CLOCK_I2S2:
        case CLOCK_I2C0:
        case CLOCK_I2C1:
        case CLOCK_I2C2:
        case CLOCK_UART1:
        case CLOCK_UART2:
        case CLOCK_UART3:
        case CLOCK_FPIOA:
        case CLOCK_TIMER0:
        case CLOCK_TIMER1:
        case CLOCK_TIMER2:
        case CLOCK_SHA:
            return 1u << 3;
        case CLOCK_AES:
        case CLOCK_WDT0:
        case CLOCK_WDT1:
        case CLOCK_OTP:
        case CLOCK_RTC:
        case CLOCK_DVP:
            return 1u << 4;
        case CLOCK_SPI0:
        case CLOCK_SPI1:
        case CLOCK_SPI3:
            return 1u << 5;
        default:
            return 0;
    }
}

void sysctl_clock_enable(enum sysctl_clock clock, bool on) {
    if (clock >= CLOCK_PERIPHERALS) {
        return;
    }
    if (on) {
        update(SYSCTL_CLK_EN_CENT, bus_of(clock), bus_of(clock));
    }
    update(SYSCTL_CLK_EN_PERI, 1u << clock, on ? 1u << clock : 0);
}

void sysctl_reset_peripheral(enum sysctl_clock clock) {
    if (clock >= CLOCK_PERIPHERALS) {
        return;
    }
    update(SYSCTL_PERI_RESET, 1u << clock, 1u << clock);
    hal_delay_us(10);
    update(SYSCTL_PERI_RESET, 1u << clock, 0);
}

int sysctl_clock_threshold(enum sysctl_clock clock, uint32_t threshold) {
    if (clock >= CLOCK_PERIPHERALS || thresholds[clock].width == 0
        || threshold >> thresholds[clock].width != 0) {
        return -EINVAL;
    }
    const threshold_t *t = &thresholds[clock];
    update(SYSCTL_CLK_TH(t->reg), ((1u << t->width) - 1) << t->shift, threshold << t->shift);
    return 0;
}

static uint32_t threshold_of(enum sysctl_clock clock) {
    const threshold_t *t = &thresholds[clock];
    return *mmio32(SYSCTL_CLK_TH(t->reg)) >> t->shift & ((1u << t->width) - 1);
}

static uint32_t pll_hz(unsigned n) {
    uint32_t v = *mmio32(SYSCTL_PLL(n));
    uint64_t in = IN0_HZ;
    if (n == 2 && PLL2_CKIN_SEL(v) != 0) {
        in = pll_hz(PLL2_CKIN_SEL(v) == 1 ? 0 : 1);
    }
    if (v & PLL_BYPASS) {
        return in;
    }
    return in * (PLL_CLKF(v) + 1) / ((PLL_CLKR(v) + 1) * (PLL_CLKOD(v) + 1));
}

uint32_t sysctl_clock_hz(enum sysctl_clock clock) {
    uint32_t sel = *mmio32(SYSCTL_CLK_SEL0);
    switch (clock) {
        case CLOCK_IN0:
        case CLOCK_RTC:
            return IN0_HZ;
        case CLOCK_PLL0:
        case CLOCK_PLL1:
        case CLOCK_PLL2:
            return pll_hz(clock - CLOCK_PLL0);
        case CLOCK_CPU:
        case CLOCK_DMA:
        case CLOCK_FFT:
            return sel & SEL0_ACLK_PLL0 ? pll_hz(0) / (2u << SEL0_ACLK_DIV(sel)) : IN0_HZ;
        case CLOCK_ROM:
        case CLOCK_DVP:
            return sysctl_clock_hz(CLOCK_CPU) / (threshold_of(clock) + 1);
        case CLOCK_APB0:
        case CLOCK_APB1:
        case CLOCK_APB2:
            return sysctl_clock_hz(CLOCK_CPU) / (SEL0_APB(sel, clock - CLOCK_APB0) + 1);
        case CLOCK_GPIO:
        case CLOCK_UART1:
        case CLOCK_UART2:
        case CLOCK_UART3:
        case CLOCK_FPIOA:
        case CLOCK_SHA:
            return sysctl_clock_hz(CLOCK_APB0);
        case CLOCK_AES:
        case CLOCK_OTP:
            return sysctl_clock_hz(CLOCK_APB1);
        case CLOCK_AI:
            return pll_hz(1) / (threshold_of(clock) + 1);
        case CLOCK_SPI0:
        case CLOCK_SPI1:
        case CLOCK_SPI2:
        case CLOCK_I2C0:
        case CLOCK_I2C1:
        case CLOCK_I2C2:
            return pll_hz(0) / (2 * (threshold_of(clock) + 1));
        case CLOCK_SPI3:
            return (sel & SEL0_SPI3_PLL0 ? pll_hz(0) : IN0_HZ) / (2 * (threshold_of(clock) + 1));
        case CLOCK_TIMER0:
        case CLOCK_TIMER1:
        case CLOCK_TIMER2:
            return (sel & SEL0_TIMER_PLL0(clock - CLOCK_TIMER0) ? pll_hz(0) : IN0_HZ)
                   / (2 * (threshold_of(clock) + 1));
        case CLOCK_I2S0:
        case CLOCK_I2S1:
        case CLOCK_I2S2:
            return pll_hz(2) / (2 * (threshold_of(clock) + 1));
        case CLOCK_WDT0:
        case CLOCK_WDT1:
            return IN0_HZ / (2 * (threshold_of(clock) + 1));
        default:
            return 0;
    }
}

void sysctl_clock_from_pll0(enum sysctl_clock clock, bool on) {
    uint32_t bit = 0;
    if (clock == CLOCK_SPI3) {
        bit = SEL0_SPI3_PLL0;
    } else if (clock >= CLOCK_TIMER0 && clock <= CLOCK_TIMER2) {
        bit = SEL0_TIMER_PLL0(clock - CLOCK_TIMER0);
    }
    update(SYSCTL_CLK_SEL0, bit, on ? bit : 0);
}

// Finds the factors nearest to hz. The reference divider stays 1: 26 MHz / 2 would already be
// below the phase detector's minimum. Returns the register fields, 0 if hz is out of reach.
static uint32_t pll_search(uint32_t hz) {
    uint32_t best = 0, best_error = UINT32_MAX;
    for (uint32_t f = 0; f < 64; ++f) {
        uint64_t vco = (uint64_t)IN0_HZ * (f + 1);
        if (vco < VCO_MIN_HZ || vco > VCO_MAX_HZ) {
            continue;
        }
        for (uint32_t od = 0; od < 16; ++od) {
            uint32_t out = vco / (od + 1);
            uint32_t error = out > hz ? out - hz : hz - out;
            if (error < best_error) {
                best_error = error;
                best = f << 14 | od << 10 | f << 4; // loop bandwidth = feedback factor
            }
        }
    }
    return best_error > hz / 8 ? 0 : best;
}

uint32_t sysctl_pll_nearest(uint32_t hz) {
    uint32_t fields = pll_search(hz);
    return fields == 0 ? 0 : (uint64_t)IN0_HZ * (PLL_CLKF(fields) + 1) / ((PLL_CLKR(fields) + 1) * (PLL_CLKOD(fields) + 1));
}

void sysctl_i2s_mclk_threshold(unsigned n, uint32_t threshold) {
    unsigned shift = n == 0 ? 16 : n == 1 ? 24 : 0;
    update(SYSCTL_CLK_TH(n < 2 ? 4 : 5), 0xFFu << shift, (threshold & 0xFF) << shift);
}

static bool pll_locked(unsigned n) {
    uint32_t lock = *mmio32(SYSCTL_PLL_LOCK);
    if (n == 0 ? (lock & 3) == 3 : (lock >> (8 * n) & 1) != 0) {
        return true;
    }
    *mmio32(SYSCTL_PLL_LOCK) = lock | 1u << (8 * n + 2); // clear the slip flag, or PLL0 may never lock
    return false;
}

static int pll_program(unsigned n, uint32_t fields) {
    uintptr_t reg = SYSCTL_PLL(n);
    uint32_t ckin = n == 2 ? 3u << 26 : 0;
    mmio32_update(reg, PLL_OUT_EN, 0);
    mmio32_update(reg, PLL_PWRD, 0);
    mmio32_update(reg, PLL_FIELDS | PLL_BYPASS | ckin, fields);
    mmio32_update(reg, PLL_PWRD, PLL_PWRD);
    hal_delay_us(1);
    mmio32_update(reg, PLL_RESET, 0);
    mmio32_update(reg, PLL_RESET, PLL_RESET);
    hal_delay_us(1);
    mmio32_update(reg, PLL_RESET, 0);
    bool locked = HAL_WAIT(pll_locked(n), PLL_LOCK_US);
    mmio32_update(reg, PLL_OUT_EN, PLL_OUT_EN);
    return locked ? 0 : -ETIMEDOUT;
}

int64_t sysctl_pll_set(unsigned n, uint32_t hz) {
    uint32_t fields = pll_search(hz);
    if (n > 2 || fields == 0) {
        return -EINVAL;
    }
    if (n == 0) {
        return sysctl_set_cpu_hz(hz / 2) < 0 ? -EINVAL : (int64_t)pll_hz(0);
    }
    int err = pll_program(n, fields);
    return err < 0 ? err : (int64_t)pll_hz(n);
}

static void (*clock_listeners[8])(void);

void sysctl_on_clock_change(void (*fn)(void)) {
    for (unsigned i = 0; i < sizeof(clock_listeners) / sizeof(clock_listeners[0]); ++i) {
        if (clock_listeners[i] == NULL || clock_listeners[i] == fn) {
            clock_listeners[i] = fn;
            return;
        }
    }
}

int64_t sysctl_set_cpu_hz(uint32_t hz) {
    if (hz > VCO_MAX_HZ / 2) {
        return -EINVAL;
    }
    uint32_t fields = pll_search(2 * hz);
    if (fields == 0) {
        return -EINVAL;
    }
    uarths_clock_changing();
    uintptr_t irq = hal_irq_disable();
    // PLL0 feeds the CPU: run from the crystal while it is reprogrammed.
    mmio32_update(SYSCTL_CLK_SEL0, SEL0_ACLK_PLL0, 0);
    hal_time_clock_changed(IN0_HZ);
    int err = pll_program(0, fields);
    if (err == 0) {
        mmio32_update(SYSCTL_CLK_SEL0, SEL0_ACLK_PLL0 | 3u << 1, SEL0_ACLK_PLL0);
    }
    hal_time_clock_changed(sysctl_clock_hz(CLOCK_CPU));
    hal_irq_restore(irq);
    uarths_clock_changed();
    for (unsigned i = 0; i < sizeof(clock_listeners) / sizeof(clock_listeners[0]) && clock_listeners[i] != NULL; ++i) {
        clock_listeners[i]();
    }
    return err < 0 ? err : (int64_t)sysctl_clock_hz(CLOCK_CPU);
}

int64_t sysctl_set_ai_hz(uint32_t hz) {
    if (hz == 0 || hz > VCO_MAX_HZ) {
        return -EINVAL;
    }
    // PLL1 reaches down to about 22 MHz by itself, so its own divider is enough.
    sysctl_clock_threshold(CLOCK_AI, 0);
    return sysctl_pll_set(1, hz);
}

void sysctl_dma_select(unsigned ch, unsigned request) {
    if (ch < 6) {
        unsigned shift = 6 * (ch % 5);
        update(SYSCTL_DMA_SEL(ch), 63u << shift, request << shift);
    }
}

void sysctl_bank_1v8(unsigned bank, bool is_1v8) {
    if (bank < 8) {
        update(SYSCTL_POWER_SEL, 1u << bank, is_1v8 ? 1u << bank : 0);
    }
}

void sysctl_spi_dvp_data_enable(bool on) {
    update(SYSCTL_MISC, MISC_SPI_DVP_DATA, on ? MISC_SPI_DVP_DATA : 0);
}

enum sysctl_reset_cause sysctl_reset_cause(void) {
    static int8_t cause = -1;
    if (cause < 0) {
        uint32_t status = *mmio32(SYSCTL_RESET_STATUS);
        if (status & 1u << 2) {
            cause = RESET_CAUSE_WDT0;
        } else if (status & 1u << 3) {
            cause = RESET_CAUSE_WDT1;
        } else if (status & 1u << 4) {
            cause = RESET_CAUSE_SOFT;
        } else {
            cause = RESET_CAUSE_PIN;
        }
        *mmio32(SYSCTL_RESET_STATUS) = status | 1; // clear, so that the next cause is seen alone
    }
    return cause;
}

void sysctl_reset_chip(void) {
    hal_irq_disable();
    for (;;) {
        *mmio32(SYSCTL_SOFT_RESET) = 1;
        __asm__ volatile ("wfi");
    }
}
