/*
 * Kendryte K210: platform-level interrupt controller
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_PLIC_H
#define HW_K210_PLIC_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_PLIC "k210-plic"
OBJECT_DECLARE_SIMPLE_TYPE(K210PlicState, K210_PLIC)

#define K210_PLIC_SOURCES  66   /* ids 1..65 */
#define K210_PLIC_WORDS    3
#define K210_PLIC_CONTEXTS 4    /* hart 0 M, hart 0 S, hart 1 M, hart 1 S */

/* GPIO inputs: source ids. Named GPIO outputs "eip"[4]: one per context. */
struct K210PlicState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    qemu_irq eip[K210_PLIC_CONTEXTS];

    uint8_t priority[K210_PLIC_SOURCES];
    uint32_t level[K210_PLIC_WORDS];
    uint32_t pending[K210_PLIC_WORDS];
    uint32_t in_flight[K210_PLIC_WORDS];
    uint32_t enable[K210_PLIC_CONTEXTS][K210_PLIC_WORDS];
    uint8_t threshold[K210_PLIC_CONTEXTS];
};

#endif
