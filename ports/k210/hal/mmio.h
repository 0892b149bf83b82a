/*
 * SPDX-License-Identifier: MIT
 *
 * Base addresses and register access.
 */
#ifndef K210_HAL_MMIO_H
#define K210_HAL_MMIO_H

#include <stdint.h>

#define CLINT_BASE (0x02000000u)
#define PLIC_BASE (0x0C000000u)
#define UARTHS_BASE (0x38000000u)
#define GPIOHS_BASE (0x38001000u)
#define KPU_BASE (0x40800000u)
#define FFT_BASE (0x42000000u)
#define DMAC_BASE (0x50000000u)
#define GPIO_BASE (0x50200000u)
#define UART_BASE(n) (0x50210000u + 0x10000u * ((n) - 1)) // n = 1..3
#define I2S_BASE(n) (0x50250000u + 0x10000u * (n))
#define I2C_BASE(n) (0x50280000u + 0x10000u * (n))
#define FPIOA_BASE (0x502B0000u)
#define SHA256_BASE (0x502C0000u)
#define TIMER_BASE(n) (0x502D0000u + 0x10000u * (n))
#define WDT_BASE(n) (0x50400000u + 0x10000u * (n))
#define OTP_BASE (0x50420000u)
#define DVP_BASE (0x50430000u)
#define SYSCTL_BASE (0x50440000u)
#define AES_BASE (0x50450000u)
#define RTC_BASE (0x50460000u)
#define SPI0_BASE (0x52000000u)
#define SPI1_BASE (0x53000000u)
#define SPI3_BASE (0x54000000u)

static inline volatile uint32_t *mmio32(uintptr_t addr) {
    return (volatile uint32_t *)addr;
}

static inline volatile uint64_t *mmio64(uintptr_t addr) {
    return (volatile uint64_t *)addr;
}

// Replaces the bits of mask; value is already in place.
static inline void mmio32_update(uintptr_t addr, uint32_t mask, uint32_t value) {
    *mmio32(addr) = (*mmio32(addr) & ~mask) | (value & mask);
}

#endif
