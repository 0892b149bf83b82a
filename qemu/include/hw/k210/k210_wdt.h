/*
 * Kendryte K210: WDT0 and WDT1 (DesignWare watchdog)
 *
 * Clock input "clk", one interrupt, named GPIO output "reset": raised when
 * the watchdog bites. SYSCTL records the cause and resets the chip.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_WDT_H
#define HW_K210_WDT_H

#include "hw/sysbus.h"
#include "hw/k210/k210_ticks.h"
#include "qom/object.h"

#define TYPE_K210_WDT "k210-wdt"
OBJECT_DECLARE_SIMPLE_TYPE(K210WdtState, K210_WDT)

struct K210WdtState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq;
    qemu_irq bite;
    QEMUTimer timer;
    uint32_t index;

    K210Ticks ticks;
    uint64_t end;       /* tick at which the count reaches 0 */
    uint32_t cr;
    uint32_t torr;
    bool stat;
};

#endif
