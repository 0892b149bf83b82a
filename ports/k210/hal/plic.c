// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "mmio.h"
#include "plic.h"
#include "time.h"

#define PLIC_PRIORITY(irq) (PLIC_BASE + 4 * (irq))
#define PLIC_ENABLE(irq) (PLIC_BASE + 0x2000 + 4 * ((irq) / 32)) // context 0: hart 0, M mode
#define PLIC_THRESHOLD (PLIC_BASE + 0x200000)
#define PLIC_CLAIM (PLIC_BASE + 0x200004)
#define MIE_MEIE (1u << 11)

static struct {
    plic_handler_t fn;
    void *arg;
} handlers[IRQ_COUNT];

void plic_init(void) {
    for (unsigned irq = 1; irq < IRQ_COUNT; ++irq) {
        *mmio32(PLIC_PRIORITY(irq)) = 0;
    }
    *mmio32(PLIC_THRESHOLD) = 0;
    // What the ROM or an earlier program left claimed would block its source for ever. The PLIC
    // takes a completion only of a source that is enabled; with priority 0 none can interrupt.
    for (unsigned irq = 1; irq < IRQ_COUNT; ++irq) {
        plic_enable(irq, true);
        *mmio32(PLIC_CLAIM) = irq;
        plic_enable(irq, false);
    }
    __asm__ volatile ("csrs mie, %0" : : "r" (MIE_MEIE));
}

void plic_set_handler(unsigned irq, unsigned prio, plic_handler_t fn, void *arg) {
    if (irq == 0 || irq >= IRQ_COUNT) {
        return;
    }
    uintptr_t state = hal_irq_disable();
    handlers[irq].fn = fn;
    handlers[irq].arg = arg;
    *mmio32(PLIC_PRIORITY(irq)) = fn == NULL ? 0 : prio;
    hal_irq_restore(state);
}

void plic_enable(unsigned irq, bool on) {
    if (irq == 0 || irq >= IRQ_COUNT) {
        return;
    }
    uintptr_t state = hal_irq_disable();
    mmio32_update(PLIC_ENABLE(irq), 1u << (irq % 32), on ? 1u << (irq % 32) : 0);
    hal_irq_restore(state);
}

void plic_dispatch(void) {
    uint32_t irq;
    while ((irq = *mmio32(PLIC_CLAIM)) != 0) {
        if (irq < IRQ_COUNT && handlers[irq].fn != NULL) {
            handlers[irq].fn(handlers[irq].arg);
        } else {
            // A level source without handler would come back for ever.
            plic_enable(irq, false);
        }
        *mmio32(PLIC_CLAIM) = irq;
    }
}
