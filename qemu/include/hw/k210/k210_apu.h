/*
 * Kendryte K210: APU, the beam former of I2S0
 *
 * Registers only: they keep what is written, no direction search and no voice
 * stream is computed. Named GPIO lines: input "reset" and output "irq", to
 * I2S0; outputs "dma-rx"[2] (direction buffer, voice buffer) stay at 0.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_APU_H
#define HW_K210_APU_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_APU "k210-apu"
OBJECT_DECLARE_SIMPLE_TYPE(K210ApuState, K210_APU)

#define K210_APU_SIZE 0x138

struct K210ApuState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq;
    qemu_irq dma_rx[2];

    uint32_t regs[K210_APU_SIZE / 4];
};

#endif
