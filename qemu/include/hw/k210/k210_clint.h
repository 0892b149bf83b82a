/*
 * Kendryte K210: core-local interruptor (software and timer interrupts)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_CLINT_H
#define HW_K210_CLINT_H

#include "hw/clock.h"
#include "hw/sysbus.h"
#include "qemu/seqlock.h"
#include "qom/object.h"

#define TYPE_K210_CLINT "k210-clint"
OBJECT_DECLARE_SIMPLE_TYPE(K210ClintState, K210_CLINT)

#define K210_CLINT_NHARTS 2
/* mtime counts the CPU clock divided by this. */
#define K210_CLINT_DIVIDER 50

/*
 * Clock input "clk" = CPU clock. Named GPIO outputs "msip"[2], "mtip"[2].
 * The count of CPU cycles since the last reset is kept here as well, because
 * mtime and mcycle must stay in the ratio 1:50 over every clock change.
 */
struct K210ClintState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq msip_irq[K210_CLINT_NHARTS];
    qemu_irq mtip_irq[K210_CLINT_NHARTS];
    QEMUTimer *timer[K210_CLINT_NHARTS];

    /* Cycles counted at base_ns, from where on the period holds. */
    QemuSeqLock lock;
    uint64_t base_cycles;
    int64_t base_ns;
    uint64_t period;

    uint64_t mtime_offset;
    uint64_t mtimecmp[K210_CLINT_NHARTS];
    uint32_t msip[K210_CLINT_NHARTS];

    /* Lines that stay up for a while after msip was cleared. */
    QEMUTimer *pulse[K210_CLINT_NHARTS];
    int64_t msip_set_ns[K210_CLINT_NHARTS];
    uint16_t pulse_left[K210_CLINT_NHARTS];
};

/* CPU cycles since reset; callable from a vCPU thread without the BQL. */
uint64_t k210_clint_cycles(K210ClintState *s);

#endif
