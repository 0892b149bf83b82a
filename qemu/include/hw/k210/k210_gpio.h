/*
 * Kendryte K210: GPIO (DesignWare APB GPIO, 8 pins)
 *
 * Named GPIO lines: outputs "out"[8] (levels), "oe"[8] (1 = pin is an
 * output), inputs "in"[8] (levels from the pads). One interrupt.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_GPIO_H
#define HW_K210_GPIO_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_GPIO "k210-gpio"
OBJECT_DECLARE_SIMPLE_TYPE(K210GpioState, K210_GPIO)

#define K210_GPIO_PINS 8
#define K210_GPIO_NREGS (0x80 / 4)

struct K210GpioState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq;
    qemu_irq out[K210_GPIO_PINS];
    qemu_irq oe[K210_GPIO_PINS];

    uint32_t regs[K210_GPIO_NREGS];
    uint8_t in;         /* levels at the inputs */
    uint8_t edges;      /* latched edge interrupts */
};

#endif
