// SPDX-License-Identifier: MIT
#include <errno.h>

#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"
#include "uart.h"

#define UART_RBR (0x00) // THR when written, DLL while LCR.7 is set
#define UART_IER (0x04) // DLH while LCR.7 is set
#define UART_IIR (0x08) // FCR when written
#define UART_LCR (0x0C)
#define UART_MCR (0x10)
#define UART_LSR (0x14)
#define UART_USR (0x7C)
#define UART_TFL (0x80)
#define UART_RFL (0x84)
#define UART_DLF (0xC0)

#define IER_RX (1u << 0)
#define IER_TX (1u << 1)
#define IER_LINE (1u << 2)
#define IIR_ID (15)
#define IIR_NONE (1)
#define IIR_BUSY (7)
#define IIR_TIMEOUT (12)
#define FCR_ENABLE (1u << 0)
#define FCR_RESET (3u << 1)
#define FCR_RX_HALF (2u << 6)
#define LCR_STOP (1u << 2)
#define LCR_PARITY (1u << 3)
#define LCR_EVEN (1u << 4)
#define LCR_BREAK (1u << 6)
#define LCR_DLAB (1u << 7)
#define LSR_DATA (1u << 0)
#define LSR_OVERRUN (1u << 1)
#define LSR_PARITY (1u << 2)
#define LSR_FRAMING (1u << 3)
#define LSR_BREAK (1u << 4)
#define LSR_TEMT (1u << 6)
#define USR_TX_NOT_FULL (1u << 1)

#define TX_BUFFER (512) // a power of two
#define IRQ_PRIORITY (6)
#define SERVICES_MAX (64)

static struct {
    bool running;
    uart_config_t config;
    volatile size_t rx_in, rx_out; // indices; one place stays free
    uint8_t tx_buffer[TX_BUFFER];
    volatile uint32_t tx_in, tx_out; // counters
    uart_errors_t errors;
} ports[UART_COUNT];

static uintptr_t base_of(unsigned n) {
    return UART_BASE(n + 1);
}

// The divisor counts sixteenths.
static uint32_t divisor_of(uint32_t baud) {
    uint32_t hz = sysctl_clock_hz(CLOCK_APB0);
    return baud == 0 ? 0 : (hz + baud / 2) / baud;
}

static int set_divisor(unsigned n) {
    uint32_t d = divisor_of(ports[n].config.baud);
    if (d < 16 || d >= 1u << 20) {
        return -EINVAL;
    }
    uintptr_t b = base_of(n);
    uint32_t lcr = *mmio32(b + UART_LCR) & ~LCR_DLAB;
    uintptr_t irq = hal_irq_disable();
    *mmio32(b + UART_LCR) = lcr | LCR_DLAB;
    *mmio32(b + UART_IER) = d >> 12;
    *mmio32(b + UART_RBR) = d >> 4 & 0xFF;
    *mmio32(b + UART_DLF) = d & 15;
    *mmio32(b + UART_LCR) = lcr;
    hal_irq_restore(irq);
    return 0;
}

uint32_t uart_rate(unsigned n) {
    uint32_t d = n < UART_COUNT ? divisor_of(ports[n].config.baud) : 0;
    return d == 0 ? 0 : sysctl_clock_hz(CLOCK_APB0) / d;
}

static void store(unsigned n, uint8_t c) {
    size_t next = ports[n].rx_in + 1 == ports[n].config.rx_size ? 0 : ports[n].rx_in + 1;
    if (next != ports[n].rx_out && ports[n].config.rx_size != 0) {
        ports[n].config.rx_buffer[ports[n].rx_in] = c;
        ports[n].rx_in = next;
    } else {
        ++ports[n].errors.lost;
    }
}

// Takes what is in the receiver's FIFO, but leaves the last `keep` characters: a character that stays
// makes the core tell when the line has become idle. Returns events. With interrupts off.
static unsigned drain(unsigned n, unsigned keep) {
    uintptr_t b = base_of(n);
    unsigned events = 0;
    for (unsigned i = 0; i < SERVICES_MAX; ++i) {
        // Reading it clears the flags, which belong to the oldest character.
        uint32_t lsr = *mmio32(b + UART_LSR);
        ports[n].errors.overrun += (lsr & LSR_OVERRUN) != 0;
        ports[n].errors.parity += (lsr & LSR_PARITY) != 0;
        if (!(lsr & LSR_DATA)) {
            break;
        }
        if (lsr & LSR_BREAK) {
            ++ports[n].errors.breaks;
            events |= UART_EVENT_BREAK;
            (void)*mmio32(b + UART_RBR); // its character is not one
            continue;
        }
        ports[n].errors.framing += (lsr & LSR_FRAMING) != 0;
        if (*mmio32(b + UART_RFL) <= keep) {
            break;
        }
        store(n, *mmio32(b + UART_RBR));
        events |= UART_EVENT_RX;
    }
    return events;
}

// Moves characters from the buffer to the FIFO. With interrupts off.
static void pump(unsigned n) {
    uintptr_t b = base_of(n);
    while (ports[n].tx_out != ports[n].tx_in && (*mmio32(b + UART_USR) & USR_TX_NOT_FULL)) {
        *mmio32(b + UART_RBR) = ports[n].tx_buffer[ports[n].tx_out % TX_BUFFER];
        ports[n].tx_out = ports[n].tx_out + 1;
    }
}

static void irq_handler(void *arg) {
    unsigned n = (uintptr_t)arg, events = 0;
    uintptr_t b = base_of(n);
    uint32_t id;
    for (unsigned i = 0; i < SERVICES_MAX && (id = *mmio32(b + UART_IIR) & IIR_ID) != IIR_NONE; ++i) {
        if (id == IIR_BUSY) {
            (void)*mmio32(b + UART_USR);
        } else if (id == IIR_TIMEOUT) {
            events |= drain(n, 0) | UART_EVENT_RX_IDLE;
        } else if (id == 4) {
            events |= drain(n, 1);
        } else if (id == 2) {
            pump(n);
            if (ports[n].tx_out == ports[n].tx_in && *mmio32(b + UART_TFL) == 0) {
                mmio32_update(b + UART_IER, IER_TX, 0);
                events |= UART_EVENT_TX_IDLE;
            }
        } else {
            events |= drain(n, 0); // line status
        }
    }
    if (events != 0 && ports[n].config.event != NULL) {
        ports[n].config.event(ports[n].config.arg, events);
    }
}

static void clock_changed(void) {
    for (unsigned n = 0; n < UART_COUNT; ++n) {
        if (ports[n].running) {
            set_divisor(n);
        }
    }
}

int uart_init(unsigned n, const uart_config_t *config) {
    uint32_t d = divisor_of(config->baud);
    if (n >= UART_COUNT || config->bits < 5 || config->bits > 8 || d < 16 || d >= 1u << 20
        || (config->stop == UART_STOP_1_5) > (config->bits == 5)) {
        return -EINVAL;
    }
    uart_deinit(n);
    sysctl_on_clock_change(clock_changed);
    enum sysctl_clock clock = CLOCK_UART1 + n;
    sysctl_clock_enable(clock, true);
    sysctl_reset_peripheral(clock);
    ports[n].config = *config;
    ports[n].rx_in = ports[n].rx_out = 0;
    ports[n].tx_in = ports[n].tx_out = 0;
    ports[n].errors = (uart_errors_t) { 0 };
    uintptr_t b = base_of(n);
    // IER.7 (THRE mode) stays off: it would change the meaning of LSR.5.
    *mmio32(b + UART_IER) = 0;
    *mmio32(b + UART_LCR) = (config->bits - 5u) | (config->stop != UART_STOP_1 ? LCR_STOP : 0)
        | (config->parity != UART_PARITY_NONE ? LCR_PARITY : 0) | (config->parity == UART_PARITY_EVEN ? LCR_EVEN : 0);
    *mmio32(b + UART_MCR) = 0;
    set_divisor(n);
    *mmio32(b + UART_IIR) = FCR_ENABLE | FCR_RESET | FCR_RX_HALF;
    ports[n].running = true;
    plic_set_handler(IRQ_UART1 + n, IRQ_PRIORITY, irq_handler, (void *)(uintptr_t)n);
    plic_enable(IRQ_UART1 + n, true);
    *mmio32(b + UART_IER) = config->rx_size != 0 ? IER_RX | IER_LINE : 0;
    return 0;
}

void uart_deinit(unsigned n) {
    if (n < UART_COUNT && ports[n].running) {
        plic_enable(IRQ_UART1 + n, false);
        *mmio32(base_of(n) + UART_IER) = 0;
        ports[n].running = false;
        sysctl_clock_enable(CLOCK_UART1 + n, false);
    }
}

bool uart_running(unsigned n) {
    return n < UART_COUNT && ports[n].running;
}

size_t uart_rx_count(unsigned n) {
    if (!uart_running(n) || ports[n].config.rx_size == 0) {
        return 0;
    }
    uintptr_t irq = hal_irq_disable();
    drain(n, 1); // less than half a FIFO has not interrupted yet
    size_t in = ports[n].rx_in, out = ports[n].rx_out;
    size_t waiting = *mmio32(base_of(n) + UART_RFL);
    hal_irq_restore(irq);
    return (in >= out ? in - out : in + ports[n].config.rx_size - out) + waiting;
}

int uart_rx_char(unsigned n) {
    if (!uart_running(n) || ports[n].config.rx_size == 0) {
        return -1;
    }
    if (ports[n].rx_in == ports[n].rx_out) {
        uintptr_t irq = hal_irq_disable();
        drain(n, 0);
        hal_irq_restore(irq);
        if (ports[n].rx_in == ports[n].rx_out) {
            return -1;
        }
    }
    uint8_t c = ports[n].config.rx_buffer[ports[n].rx_out];
    ports[n].rx_out = ports[n].rx_out + 1 == ports[n].config.rx_size ? 0 : ports[n].rx_out + 1;
    return c;
}

void uart_errors(unsigned n, uart_errors_t *errors) {
    if (n < UART_COUNT) {
        *errors = ports[n].errors;
    }
}

size_t uart_tx_free(unsigned n) {
    return uart_running(n) ? TX_BUFFER - (ports[n].tx_in - ports[n].tx_out) : 0;
}

size_t uart_tx(unsigned n, const void *data, size_t len) {
    const uint8_t *p = data;
    size_t done = 0;
    if (!uart_running(n)) {
        return 0;
    }
    uintptr_t irq = hal_irq_disable();
    pump(n);
    while (done < len && ports[n].tx_in - ports[n].tx_out < TX_BUFFER) {
        ports[n].tx_buffer[ports[n].tx_in % TX_BUFFER] = p[done++];
        ports[n].tx_in = ports[n].tx_in + 1;
    }
    pump(n);
    if (done != 0) {
        mmio32_update(base_of(n) + UART_IER, IER_TX, IER_TX);
    }
    hal_irq_restore(irq);
    return done;
}

bool uart_tx_done(unsigned n) {
    return !uart_running(n) || (ports[n].tx_in == ports[n].tx_out && (*mmio32(base_of(n) + UART_LSR) & LSR_TEMT) != 0);
}

void uart_break(unsigned n, bool on) {
    if (uart_running(n)) {
        mmio32_update(base_of(n) + UART_LCR, LCR_BREAK, on ? LCR_BREAK : 0);
    }
}
