/*
 * Kendryte K210: GPIOHS, 32 fast GPIOs of the SiFive kind
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_GPIOHS_H
#define HW_K210_GPIOHS_H

#include "hw/clock.h"
#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_GPIOHS "k210-gpiohs"
OBJECT_DECLARE_SIMPLE_TYPE(K210GpiohsState, K210_GPIOHS)

#define K210_GPIOHS_PINS  32
#define K210_GPIOHS_NREGS 17

/*
 * Named GPIO outputs "out"[32] and "oe"[32] (output enable), named GPIO
 * inputs "in"[32]; sysbus interrupts: one per pin.
 */
struct K210GpiohsState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq[K210_GPIOHS_PINS];
    qemu_irq out[K210_GPIOHS_PINS];
    qemu_irq oe[K210_GPIOHS_PINS];

    uint32_t regs[K210_GPIOHS_NREGS];
    uint32_t level;     /* at the pads */
    uint32_t out_now;   /* as told to the pads */
    uint32_t oe_now;
    uint32_t irq_now;
};

#endif
