/*
 * SPDX-License-Identifier: MIT
 *
 * UARTHS, the console: 8 data bits, no parity, interrupt driven both ways.
 */
#ifndef K210_HAL_UARTHS_H
#define K210_HAL_UARTHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Must be a power of two. The hardware FIFO holds 8 characters, 40 us at 2 Mbaud.
#define UARTHS_RX_BUFFER (4096)
#define UARTHS_TX_BUFFER (1024)

void uarths_init(uint32_t baud);

// Waits for pending output, then changes the rate. -EINVAL if the CPU clock cannot make it.
int uarths_set_baud(uint32_t baud);
uint32_t uarths_baud(void);

// Sees each received character in interrupt context; true = it was dealt with, do not store it.
void uarths_set_rx_hook(bool (*hook)(uint8_t c));

size_t uarths_rx_count(void);
int uarths_rx_char(void); // -1 if there is none
uint32_t uarths_rx_lost(void); // characters lost because the buffer was full

// Blocks while the buffer is full; the transmitter always drains at the baud rate. Only if
// nothing at all moves for a second the rest is given up and the count is short.
size_t uarths_tx(const void *data, size_t n);
size_t uarths_tx_free(void);
void uarths_tx_flush(void);

// Polled output that needs no interrupts, for traps.
void uarths_tx_emergency(const char *s, size_t n);

// For sysctl.c: waits until the transmitter is empty; recomputes the divider from the CPU clock.
void uarths_clock_changing(void);
void uarths_clock_changed(void);

#endif
