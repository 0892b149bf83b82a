/*
 * Kendryte K210: system controller (clocks, resets, DMA requests, pad banks)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_SYSCTL_H
#define HW_K210_SYSCTL_H

#include "hw/clock.h"
#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_SYSCTL "k210-sysctl"
OBJECT_DECLARE_SIMPLE_TYPE(K210SysctlState, K210_SYSCTL)

#define K210_SYSCTL_NREGS  32
#define K210_SYSCTL_NPLL   3
#define K210_SYSCTL_NDMA   6

/* Clock outputs; the names are in k210_sysctl.c, e.g. "cpu", "spi0", "wdt1". */
enum K210ClockId {
    K210_CLK_ACLK, K210_CLK_CPU, K210_CLK_SRAM0, K210_CLK_SRAM1,
    K210_CLK_APB0, K210_CLK_APB1, K210_CLK_APB2,
    K210_CLK_ROM, K210_CLK_DMA, K210_CLK_AI, K210_CLK_DVP, K210_CLK_FFT,
    K210_CLK_GPIO, K210_CLK_SPI0, K210_CLK_SPI1, K210_CLK_SPI2, K210_CLK_SPI3,
    K210_CLK_I2S0, K210_CLK_I2S1, K210_CLK_I2S2,
    K210_CLK_I2C0, K210_CLK_I2C1, K210_CLK_I2C2,
    K210_CLK_UART1, K210_CLK_UART2, K210_CLK_UART3,
    K210_CLK_AES, K210_CLK_FPIOA,
    K210_CLK_TIMER0, K210_CLK_TIMER1, K210_CLK_TIMER2,
    K210_CLK_WDT0, K210_CLK_WDT1, K210_CLK_SHA, K210_CLK_OTP, K210_CLK_RTC,
    K210_CLK_MCLK0, K210_CLK_MCLK1, K210_CLK_MCLK2,
    K210_CLK_COUNT
};

/* Causes of a reset as RESET_STATUS shows them after it. */
enum K210ResetCause {
    K210_RESET_PIN = 1 << 1,
    K210_RESET_WDT0 = 1 << 2,
    K210_RESET_WDT1 = 1 << 3,
    K210_RESET_SOFT = 1 << 4,
};

/*
 * Named GPIO outputs:  "xip"[4]          PERI.spiN_xip_en
 *                      "timer-pause"[12] PERI.timerN_pause
 *                      "spi-dvp-data"[1] MISC.spi_dvp_data_enable
 * Named GPIO inputs:   "wdt-reset"[2]    a rising edge resets the chip
 */
struct K210SysctlState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *in0;
    Clock *out[K210_CLK_COUNT];
    qemu_irq xip[4];
    qemu_irq timer_pause[12];
    qemu_irq spi_dvp_data;

    /* What PERI_RESET bit n resets; set by the machine, NULL = nothing. */
    DeviceState *reset_target[32];

    uint32_t regs[K210_SYSCTL_NREGS];
    int64_t lock_time[K210_SYSCTL_NPLL];
    uint32_t next_cause;
};

/* Handshake selector of a DMA channel (DMA_SEL0/1), 0..63. */
unsigned k210_sysctl_dma_sel(K210SysctlState *s, unsigned channel);

/* True if the dedicated D0..D7 pins are routed to SPI0 and DVP. */
bool k210_sysctl_spi_dvp_data(K210SysctlState *s);

/* Pad voltage of a bank (0..7): true = 1.8 V, false = 3.3 V. */
bool k210_sysctl_bank_is_1v8(K210SysctlState *s, unsigned bank);

/* Resets the chip; @cause is what RESET_STATUS shows afterwards. */
void k210_sysctl_request_reset(K210SysctlState *s, enum K210ResetCause cause);

#endif
