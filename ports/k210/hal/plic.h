/*
 * SPDX-License-Identifier: MIT
 *
 * Platform-level interrupt controller. All sources are served by hart 0, one at a time.
 */
#ifndef K210_HAL_PLIC_H
#define K210_HAL_PLIC_H

#include <stdbool.h>

enum {
    IRQ_SPI0 = 1,
    IRQ_SPI1 = 2,
    IRQ_SPI2 = 3,
    IRQ_SPI3 = 4,
    IRQ_I2S0 = 5,
    IRQ_I2S1 = 6,
    IRQ_I2S2 = 7,
    IRQ_I2C0 = 8,
    IRQ_I2C1 = 9,
    IRQ_I2C2 = 10,
    IRQ_UART1 = 11,
    IRQ_UART2 = 12,
    IRQ_UART3 = 13,
    IRQ_TIMER0A = 14,
    IRQ_TIMER0B = 15,
    IRQ_TIMER1A = 16,
    IRQ_TIMER1B = 17,
    IRQ_TIMER2A = 18,
    IRQ_TIMER2B = 19,
    IRQ_RTC = 20,
    IRQ_WDT0 = 21,
    IRQ_WDT1 = 22,
    IRQ_GPIO = 23,
    IRQ_DVP = 24,
    IRQ_KPU = 25,
    IRQ_FFT = 26,
    IRQ_DMAC0 = 27, // + channel
    IRQ_UARTHS = 33,
    IRQ_GPIOHS0 = 34, // + pin
    IRQ_COUNT = 66,
};

// Handlers run in interrupt context on hart 0: short, no waiting, no Python objects.
typedef void (*plic_handler_t)(void *arg);

void plic_init(void);

// prio 1 (low) .. 7 (high) orders sources that are pending together. fn NULL removes the handler.
void plic_set_handler(unsigned irq, unsigned prio, plic_handler_t fn, void *arg);
void plic_enable(unsigned irq, bool on);

// For the trap handler: serves everything that is pending.
void plic_dispatch(void);

#endif
