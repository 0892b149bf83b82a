// SPDX-License-Identifier: MIT
#include "gpio.h"
#include "mmio.h"
#include "sysctl.h"
#include "time.h"

#define GPIO_DATA_OUTPUT (GPIO_BASE + 0x00)
#define GPIO_DIRECTION (GPIO_BASE + 0x04)
#define GPIO_EXT_PORT (GPIO_BASE + 0x50)

static void set_bit(uintptr_t addr, unsigned n, bool on) {
    if (n < GPIO_COUNT) {
        uintptr_t irq = hal_irq_disable();
        mmio32_update(addr, 1u << n, on ? 1u << n : 0);
        hal_irq_restore(irq);
    }
}

void gpio_init(void) {
    sysctl_clock_enable(CLOCK_GPIO, true);
}

void gpio_output(unsigned n, bool value) {
    set_bit(GPIO_DATA_OUTPUT, n, value);
    set_bit(GPIO_DIRECTION, n, true);
}

void gpio_input(unsigned n) {
    set_bit(GPIO_DIRECTION, n, false);
}

bool gpio_is_output(unsigned n) {
    return n < GPIO_COUNT && (*mmio32(GPIO_DIRECTION) >> n & 1) != 0;
}

void gpio_write(unsigned n, bool value) {
    set_bit(GPIO_DATA_OUTPUT, n, value);
}

// The input register does not follow a pin that is an output.
bool gpio_read(unsigned n) {
    return n < GPIO_COUNT && (*mmio32(gpio_is_output(n) ? GPIO_DATA_OUTPUT : GPIO_EXT_PORT) >> n & 1) != 0;
}
