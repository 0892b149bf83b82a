// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

#include "gpiohs.h"
#include "mmio.h"
#include "plic.h"
#include "time.h"

#define GPIOHS_INPUT_VAL (GPIOHS_BASE + 0x00)
#define GPIOHS_INPUT_EN (GPIOHS_BASE + 0x04)
#define GPIOHS_OUTPUT_EN (GPIOHS_BASE + 0x08)
#define GPIOHS_OUTPUT_VAL (GPIOHS_BASE + 0x0C)
#define GPIOHS_RISE_IE (GPIOHS_BASE + 0x18)
#define GPIOHS_RISE_IP (GPIOHS_BASE + 0x1C)
#define GPIOHS_FALL_IE (GPIOHS_BASE + 0x20)
#define GPIOHS_FALL_IP (GPIOHS_BASE + 0x24)

static struct {
    void (*fn)(void *arg);
    void *arg;
} handlers[GPIOHS_COUNT];

static void set_bit(uintptr_t addr, unsigned n, bool on) {
    uintptr_t irq = hal_irq_disable();
    mmio32_update(addr, 1u << n, on ? 1u << n : 0);
    hal_irq_restore(irq);
}

void gpiohs_output(unsigned n, bool value) {
    if (n >= GPIOHS_COUNT) {
        return;
    }
    set_bit(GPIOHS_OUTPUT_VAL, n, value);
    set_bit(GPIOHS_OUTPUT_EN, n, true);
    set_bit(GPIOHS_INPUT_EN, n, true); // to read the pad back
}

void gpiohs_input(unsigned n) {
    if (n >= GPIOHS_COUNT) {
        return;
    }
    set_bit(GPIOHS_OUTPUT_EN, n, false);
    set_bit(GPIOHS_INPUT_EN, n, true);
}

bool gpiohs_is_output(unsigned n) {
    return n < GPIOHS_COUNT && (*mmio32(GPIOHS_OUTPUT_EN) >> n & 1) != 0;
}

void gpiohs_write(unsigned n, bool value) {
    if (n < GPIOHS_COUNT) {
        set_bit(GPIOHS_OUTPUT_VAL, n, value);
    }
}

bool gpiohs_read(unsigned n) {
    return n < GPIOHS_COUNT && (*mmio32(GPIOHS_INPUT_VAL) >> n & 1) != 0;
}

static void dispatch(void *arg) {
    unsigned n = (uintptr_t)arg;
    // Pending bits are cleared by writing 1: write only this pin's, or others' edges are lost.
    *mmio32(GPIOHS_RISE_IP) = 1u << n;
    *mmio32(GPIOHS_FALL_IP) = 1u << n;
    if (handlers[n].fn != NULL) {
        handlers[n].fn(handlers[n].arg);
    }
}

void gpiohs_irq(unsigned n, unsigned edges, void (*fn)(void *arg), void *arg) {
    if (n >= GPIOHS_COUNT) {
        return;
    }
    if (fn == NULL) {
        edges = 0;
    }
    plic_enable(IRQ_GPIOHS0 + n, false);
    set_bit(GPIOHS_RISE_IE, n, false);
    set_bit(GPIOHS_FALL_IE, n, false);
    handlers[n].fn = fn;
    handlers[n].arg = arg;
    if (edges == 0) {
        return;
    }
    // Edges are latched while the interrupt is off, too: forget the old ones.
    *mmio32(GPIOHS_RISE_IP) = 1u << n;
    *mmio32(GPIOHS_FALL_IP) = 1u << n;
    set_bit(GPIOHS_RISE_IE, n, (edges & GPIOHS_RISING) != 0);
    set_bit(GPIOHS_FALL_IE, n, (edges & GPIOHS_FALLING) != 0);
    plic_set_handler(IRQ_GPIOHS0 + n, 2, dispatch, (void *)(uintptr_t)n);
    plic_enable(IRQ_GPIOHS0 + n, true);
}
