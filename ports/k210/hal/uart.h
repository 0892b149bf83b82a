/*
 * SPDX-License-Identifier: MIT
 *
 * UART1..3, interrupt driven both ways. Route the pads with hal/fpioa.h (FPIOA_UARTn_RX/TX).
 */
#ifndef K210_HAL_UART_H
#define K210_HAL_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART_COUNT (3)

enum uart_parity { UART_PARITY_NONE, UART_PARITY_ODD, UART_PARITY_EVEN };
enum uart_stop { UART_STOP_1, UART_STOP_1_5, UART_STOP_2 };

// Events, in interrupt context.
#define UART_EVENT_RX (1) // characters have arrived
#define UART_EVENT_RX_IDLE (2) // and then none for about four character times
#define UART_EVENT_TX_IDLE (4) // the last character has gone to the shift register
#define UART_EVENT_BREAK (8)

typedef struct {
    uint32_t baud;
    uint8_t bits; // 5..8
    enum uart_parity parity;
    enum uart_stop stop; // 1.5 with 5 bits only, 2 with 6..8: the core has one bit for both
    // The receiver's buffer; size 0 = no reception. The sender's is in the driver.
    uint8_t *rx_buffer;
    size_t rx_size;
    void (*event)(void *arg, unsigned events);
    void *arg;
} uart_config_t;

// What went wrong since uart_init().
typedef struct {
    uint32_t lost; // buffer full
    uint32_t overrun; // hardware FIFO full: interrupts were off for too long
    uint32_t parity, framing, breaks;
} uart_errors_t;

// n = 0..2 is UART1..3. Clock on, reset. -EINVAL when the rate or format is not possible.
int uart_init(unsigned n, const uart_config_t *config);
void uart_deinit(unsigned n);
bool uart_running(unsigned n);

// The rate that the divider gives now.
uint32_t uart_rate(unsigned n);

size_t uart_rx_count(unsigned n);
int uart_rx_char(unsigned n); // -1 if there is none
void uart_errors(unsigned n, uart_errors_t *errors);

size_t uart_tx_free(unsigned n);
size_t uart_tx(unsigned n, const void *data, size_t len); // takes what fits
bool uart_tx_done(unsigned n); // the line is idle
void uart_break(unsigned n, bool on);

#endif
