/*
 * SPDX-License-Identifier: MIT
 *
 * System controller: PLLs, clock tree, peripheral resets, DMA request routing, pad banks, reset.
 */
#ifndef K210_HAL_SYSCTL_H
#define K210_HAL_SYSCTL_H

#include <stdbool.h>
#include <stdint.h>

// Peripherals have the number of their bit in CLK_EN_PERI and PERI_RESET.
enum sysctl_clock {
    CLOCK_ROM = 0,
    CLOCK_DMA = 1,
    CLOCK_AI = 2,
    CLOCK_DVP = 3,
    CLOCK_FFT = 4,
    CLOCK_GPIO = 5,
    CLOCK_SPI0 = 6,
    CLOCK_SPI1 = 7,
    CLOCK_SPI2 = 8,
    CLOCK_SPI3 = 9,
    CLOCK_I2S0 = 10,
    CLOCK_I2S1 = 11,
    CLOCK_I2S2 = 12,
    CLOCK_I2C0 = 13,
    CLOCK_I2C1 = 14,
    CLOCK_I2C2 = 15,
    CLOCK_UART1 = 16,
    CLOCK_UART2 = 17,
    CLOCK_UART3 = 18,
    CLOCK_AES = 19,
    CLOCK_FPIOA = 20,
    CLOCK_TIMER0 = 21,
    CLOCK_TIMER1 = 22,
    CLOCK_TIMER2 = 23,
    CLOCK_WDT0 = 24,
    CLOCK_WDT1 = 25,
    CLOCK_SHA = 26,
    CLOCK_OTP = 27,
    CLOCK_RTC = 29,
    CLOCK_PERIPHERALS = 30,
    // Not peripherals: only for sysctl_clock_hz().
    CLOCK_IN0 = 32,
    CLOCK_PLL0,
    CLOCK_PLL1,
    CLOCK_PLL2,
    CLOCK_CPU,
    CLOCK_APB0,
    CLOCK_APB1,
    CLOCK_APB2,
};

// DMA request numbers (DMA_SEL fields).
enum {
    DMA_REQ_SPI0_RX = 0,
    DMA_REQ_SPI0_TX = 1,
    DMA_REQ_SPI1_RX = 2,
    DMA_REQ_SPI1_TX = 3,
    DMA_REQ_SPI2_RX = 4,
    DMA_REQ_SPI2_TX = 5,
    DMA_REQ_SPI3_RX = 6,
    DMA_REQ_SPI3_TX = 7,
    DMA_REQ_I2C0_RX = 8, // TX is RX + 1, I2Cn is 8 + 2 * n
    DMA_REQ_UART1_RX = 14, // TX is RX + 1, UARTn is 14 + 2 * (n - 1)
    DMA_REQ_AES = 20,
    DMA_REQ_SHA256 = 21,
    DMA_REQ_KPU = 22,
    DMA_REQ_FFT_RX = 23,
    DMA_REQ_FFT_TX = 24,
    DMA_REQ_I2S0_TX = 25, // RX is TX + 1, I2Sn is 25 + 2 * n
    DMA_REQ_I2S0_BF_DIR = 31,
    DMA_REQ_I2S0_BF_VOICE = 32,
};

enum sysctl_reset_cause {
    RESET_CAUSE_PIN,
    RESET_CAUSE_WDT0,
    RESET_CAUSE_WDT1,
    RESET_CAUSE_SOFT,
};

// Switches the clock of a peripheral (and the bus it hangs on) on or off.
void sysctl_clock_enable(enum sysctl_clock clock, bool on);

// Pulses the reset line of a peripheral.
void sysctl_reset_peripheral(enum sysctl_clock clock);

// Sets the divider field of a peripheral clock. Most clocks are parent / (2 * (threshold + 1)),
// AI, DVP and ROM are parent / (threshold + 1). -EINVAL if there is no divider or it is out of range.
int sysctl_clock_threshold(enum sysctl_clock clock, uint32_t threshold);

// Frequency computed from the registers; 0 for a clock without a known rate.
uint32_t sysctl_clock_hz(enum sysctl_clock clock);

// SPI3 and TIMER0..2 run from PLL0 or, with on = false, from the crystal.
void sysctl_clock_from_pll0(enum sysctl_clock clock, bool on);

// Sets PLL n (0..2) as near to hz as it goes; returns the real frequency or a negative errno.
// PLL0 also feeds the CPU, the SPIs, I2Cs and TIMERs: use sysctl_set_cpu_hz() for it.
int64_t sysctl_pll_set(unsigned n, uint32_t hz);

// What sysctl_pll_set() would make of hz; 0 if it is out of reach.
uint32_t sysctl_pll_nearest(uint32_t hz);

// Divider of an I2S's master clock output: PLL2 / (2 * (threshold + 1)).
void sysctl_i2s_mclk_threshold(unsigned n, uint32_t threshold);

// Sets PLL0 to 2 * hz. Time stays right; UARTHS keeps its baud rate. Returns the real CPU
// frequency or a negative errno. Drivers that keep a divider of PLL0 or APB ask to be told below.
int64_t sysctl_set_cpu_hz(uint32_t hz);

// Calls fn after each change of the CPU clock, and with it of PLL0 and the buses. Once per function;
// there is room for a handful.
void sysctl_on_clock_change(void (*fn)(void));

// Clock of KPU and AI SRAM: PLL1 / (threshold + 1). Returns the real frequency or a negative errno.
int64_t sysctl_set_ai_hz(uint32_t hz);

// Connects DMA channel ch (0..5) to a peripheral's request.
void sysctl_dma_select(unsigned ch, unsigned request);

// Pads of bank n are 6 n .. 6 n + 5. The choice has to match the board's supply.
void sysctl_bank_1v8(unsigned bank, bool is_1v8);

// Gives the dedicated SPI0_D0..D7 and DVP_D0..D7 pins to SPI0 and DVP.
void sysctl_spi_dvp_data_enable(bool on);

enum sysctl_reset_cause sysctl_reset_cause(void);

// Resets the whole chip; it starts again from the boot ROM.
__attribute__((noreturn)) void sysctl_reset_chip(void);

#endif
