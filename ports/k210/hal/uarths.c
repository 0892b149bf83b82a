// SPDX-License-Identifier: MIT
#include <errno.h>

#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"
#include "uarths.h"

#define UARTHS_TXDATA (UARTHS_BASE + 0x00)
#define UARTHS_RXDATA (UARTHS_BASE + 0x04)
#define UARTHS_TXCTRL (UARTHS_BASE + 0x08)
#define UARTHS_RXCTRL (UARTHS_BASE + 0x0C)
#define UARTHS_IE (UARTHS_BASE + 0x10)
#define UARTHS_IP (UARTHS_BASE + 0x14)
#define UARTHS_DIV (UARTHS_BASE + 0x18)

#define DATA_FLAG (1u << 31) // TXDATA: full, RXDATA: empty
#define CTRL_ENABLE (1u << 0)
#define CTRL_WATERMARK(n) ((n) << 16)
#define INT_TX (1u << 0) // level < watermark
#define INT_RX (1u << 1) // level > watermark

#define TX_WATERMARK (4)
#define TX_STUCK_US (1000000)

static uint8_t rx_buffer[UARTHS_RX_BUFFER];
static volatile uint32_t rx_in, rx_out; // counters, used modulo the size
static volatile uint32_t rx_lost;
static bool (*rx_hook)(uint8_t c);

static uint8_t tx_buffer[UARTHS_TX_BUFFER];
static volatile uint32_t tx_in, tx_out;

static uint32_t baud_rate;

static int set_divider(void) {
    uint32_t hz = sysctl_clock_hz(CLOCK_CPU);
    uint32_t divider = (hz + baud_rate / 2) / baud_rate;
    if (divider < 2 || divider > 0x10000) {
        return -EINVAL;
    }
    *mmio32(UARTHS_DIV) = divider - 1;
    return 0;
}

// Moves characters from the buffer to the FIFO. With interrupts off.
static void tx_pump(void) {
    while (tx_out != tx_in && !(*mmio32(UARTHS_TXDATA) & DATA_FLAG)) {
        *mmio32(UARTHS_TXDATA) = tx_buffer[tx_out % UARTHS_TX_BUFFER];
        tx_out = tx_out + 1;
    }
    *mmio32(UARTHS_IE) = tx_out != tx_in ? INT_RX | INT_TX : INT_RX;
}

static void irq_handler(void *arg) {
    (void)arg;
    uint32_t data;
    while (!((data = *mmio32(UARTHS_RXDATA)) & DATA_FLAG)) {
        uint8_t c = data;
        if (rx_hook != NULL && rx_hook(c)) {
            continue;
        }
        if (rx_in - rx_out < UARTHS_RX_BUFFER) {
            rx_buffer[rx_in % UARTHS_RX_BUFFER] = c;
            rx_in = rx_in + 1;
        } else {
            rx_lost = rx_lost + 1;
        }
    }
    tx_pump();
}

void uarths_init(uint32_t baud) {
    baud_rate = baud;
    rx_in = rx_out = 0;
    tx_in = tx_out = 0;
    set_divider();
    *mmio32(UARTHS_TXCTRL) = CTRL_ENABLE | CTRL_WATERMARK(TX_WATERMARK);
    *mmio32(UARTHS_RXCTRL) = CTRL_ENABLE | CTRL_WATERMARK(0);
    *mmio32(UARTHS_IE) = INT_RX;
    plic_set_handler(IRQ_UARTHS, 7, irq_handler, NULL);
    plic_enable(IRQ_UARTHS, true);
}

int uarths_set_baud(uint32_t baud) {
    uint32_t old = baud_rate;
    if (baud == 0) {
        return -EINVAL;
    }
    uarths_clock_changing();
    baud_rate = baud;
    int err = set_divider();
    if (err < 0) {
        baud_rate = old;
    }
    return err;
}

uint32_t uarths_baud(void) {
    return baud_rate;
}

void uarths_set_rx_hook(bool (*hook)(uint8_t c)) {
    rx_hook = hook;
}

size_t uarths_rx_count(void) {
    return rx_in - rx_out;
}

int uarths_rx_char(void) {
    if (rx_in == rx_out) {
        return -1;
    }
    uint8_t c = rx_buffer[rx_out % UARTHS_RX_BUFFER];
    rx_out = rx_out + 1;
    return c;
}

uint32_t uarths_rx_lost(void) {
    return rx_lost;
}

size_t uarths_tx_free(void) {
    return UARTHS_TX_BUFFER - (tx_in - tx_out);
}

static bool tx_room(void) {
    // Also pump here: interrupts may be off.
    uintptr_t irq = hal_irq_disable();
    tx_pump();
    hal_irq_restore(irq);
    return uarths_tx_free() != 0;
}

size_t uarths_tx(const void *data, size_t n) {
    const uint8_t *p = data;
    size_t done = 0;
    while (done < n) {
        if (!tx_room() && !HAL_WAIT(tx_room(), TX_STUCK_US)) {
            break;
        }
        uintptr_t irq = hal_irq_disable();
        while (done < n && uarths_tx_free() != 0) {
            tx_buffer[tx_in % UARTHS_TX_BUFFER] = p[done++];
            tx_in = tx_in + 1;
        }
        tx_pump();
        hal_irq_restore(irq);
    }
    return done;
}

// One character at a time while there is movement.
void uarths_tx_flush(void) {
    while (tx_in != tx_out) {
        uint32_t before = tx_out;
        if (!HAL_WAIT(tx_room() && tx_out != before, TX_STUCK_US)) {
            return;
        }
    }
}

void uarths_tx_emergency(const char *s, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        uint64_t start = hal_time_us();
        while ((*mmio32(UARTHS_TXDATA) & DATA_FLAG) && hal_time_us() - start < 20000) {
        }
        *mmio32(UARTHS_TXDATA) = (uint8_t)s[i];
    }
}

void uarths_clock_changing(void) {
    if (baud_rate == 0) {
        return;
    }
    uarths_tx_flush();
    // The FIFO's last 8 characters and the shift register have no "idle" flag: wait the time they take.
    hal_delay_us(10 * 10 * 1000000ull / baud_rate);
}

void uarths_clock_changed(void) {
    if (baud_rate != 0) {
        set_divider();
    }
}
