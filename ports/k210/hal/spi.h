/*
 * SPDX-License-Identifier: MIT
 *
 * SPI0, SPI1 and SPI3 as masters, in standard, dual, quad and octal format.
 *
 * The core drops its slave select when the TX FIFO runs empty, so a polled write that is longer
 * than the FIFO (32 frames) may be cut in two by an interrupt: use a GPIO as chip select, or DMA.
 */
#ifndef K210_HAL_SPI_H
#define K210_HAL_SPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum spi_format { SPI_STANDARD, SPI_DUAL, SPI_QUAD, SPI_OCTAL };

// Which of instruction and address use the lanes of the format (the rest uses one line).
enum spi_trans { SPI_TRANS_STANDARD, SPI_TRANS_ADDRESS_WIDE, SPI_TRANS_ALL_WIDE };

typedef struct {
    uint8_t port; // 0, 1 or 3
    uint8_t cs; // slave select number 0..3 (hardware line; it has to be routed to matter)
    uint8_t mode; // 0..3, CPOL << 1 | CPHA
    uint8_t bits; // frame size 4..32
    uint32_t hz; // at most this
    enum spi_format format;
    // Only for dual, quad and octal:
    enum spi_trans trans;
    uint8_t inst_bits; // 0, 4, 8 or 16
    uint8_t addr_bits; // 0..60 in steps of 4
    uint8_t wait_cycles; // clocks between address and received data, 0..31
    bool swap; // swap the bytes of 32-bit words
} spi_config_t;

// Clock on and reset. Call once per port.
int spi_init(unsigned port);

// The rate that config gets with the present clocks.
uint32_t spi_rate(const spi_config_t *config);

// Frames in memory are uint8_t up to 8 bits, uint16_t up to 16, else uint32_t. head holds the words
// that go first: in standard format plain frames, else instruction and address (0..2 words).
// All return 0, -EINVAL or -ETIMEDOUT.
int spi_write(const spi_config_t *config, const uint32_t *head, size_t n_head, const void *data, size_t frames);
int spi_read(const spi_config_t *config, const uint32_t *head, size_t n_head, void *data, size_t frames);
int spi_transfer(const spi_config_t *config, const void *tx, void *rx, size_t frames); // full duplex, standard

// DMA: one 32-bit word of memory per frame whatever its size, uncached, 64-byte aligned.
// fill sends the same word for every frame. done may be NULL; it is called in interrupt context when
// the memory has been read, spi_wait() must still follow before the port is used again.
int spi_write_dma(const spi_config_t *config, const uint32_t *head, size_t n_head, const uint32_t *words,
    size_t frames, bool fill, void (*done)(void *arg, int status), void *arg);
bool spi_busy(unsigned port);
int spi_wait(unsigned port, uint32_t timeout_us);

// frames <= 65536. done is called in interrupt context when all frames are in memory or the DMA has
// failed; spi_read_dma_end() must follow, there or later, before the port is used again.
int spi_read_dma_start(const spi_config_t *config, const uint32_t *head, size_t n_head, uint32_t *words, size_t frames,
    void (*done)(void *arg, int status), void *arg);
void spi_read_dma_end(unsigned port);

// Blocks. frames <= 65536.
int spi_read_dma(const spi_config_t *config, const uint32_t *head, size_t n_head, uint32_t *words, size_t frames);

#endif
