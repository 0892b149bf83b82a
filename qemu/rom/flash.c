/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot flash: a W25Q-like part on SPI3. */

#include "rom.h"

#define CTRLR0      0x00
#define CTRLR1      0x04
#define SSIENR      0x08
#define SER         0x10
#define BAUDR       0x14
#define TXFLR       0x20
#define RXFLR       0x24
#define SR          0x28
#define IMR         0x2c
#define DMACR       0x4c
#define DMARDLR     0x54
#define DR          0x60
#define SPI_CTRLR0  0xf4
#define ENDIAN      0x118

/* CTRLR0 of the DWC_ssi: frame size - 1, then the modes */
#define TMOD_TX     (1 << 10)
#define TMOD_RX     (2 << 10)
#define TMOD_EEPROM (3 << 10)
#define QUAD        (2 << 22)

/* 8-bit instruction on one line, address and mode on four, 4 wait clocks */
#define QUAD_IO     (1 | 8 << 2 | 2 << 8 | 4 << 11)

#define DMA_SEL0    0x64
#define DMA_SSI3_RX 6
#define DMAC(o)     (*(volatile uint64_t *)(uintptr_t)(0x50000000 + (o)))
#define DMA_CFG     0x10
#define DMA_CHEN    0x18
#define CH_SAR      0x100
#define CH_DAR      0x108
#define CH_BLOCK_TS 0x110
#define CH_CTL      0x118
#define CH_CFG      0x120
#define CH_INTSTATUS_EN 0x180
#define DMA_RESET   0x58
#define UNCACHED    0x40000000u

/* The controller counts this many frames, and its FIFO holds this many. */
#define MAX_WORDS   65536
#define FIFO        32
#define RETRIES     1000000

#define CMD_WRITE_ENABLE    0x06
#define CMD_STATUS1         0x05
#define CMD_STATUS2         0x35
#define CMD_WRITE_STATUS2   0x31
#define CMD_JEDEC_ID        0x9f
#define CMD_QUAD_READ       0xeb
#define CMD_READ            0x03
#define STATUS2_QE          0x02
#define MANUFACTURER_ST     0x20

static bool quad;

static void begin(uint32_t ctrlr0, uint32_t spi_ctrlr0, uint32_t frames)
{
    SPI3(SER) = 0;
    SPI3(SSIENR) = 0;
    SPI3(CTRLR0) = ctrlr0;
    SPI3(SPI_CTRLR0) = spi_ctrlr0;
    SPI3(CTRLR1) = frames - 1;
    SPI3(SSIENR) = 1;
}

/* Waits for the end of the transfer. */
static void end(void)
{
    for (int i = 0; i < RETRIES && (SPI3(SR) & 5) != 4; i++) {
    }
    SPI3(SER) = 0;
    SPI3(SSIENR) = 0;
}

/* A plain command: sends bytes, then receives up to FIFO bytes. */
static void command(const uint8_t *tx, uint32_t tx_size, uint8_t *rx,
                    uint32_t rx_size)
{
    begin(7 | (rx_size ? TMOD_EEPROM : TMOD_TX), 0, rx_size ? rx_size : 1);
    for (uint32_t i = 0; i < tx_size; i++) {
        SPI3(DR) = tx[i];
    }
    SPI3(SER) = 1;
    for (int i = 0; rx_size && i < RETRIES && SPI3(RXFLR) < rx_size; i++) {
    }
    for (uint32_t i = 0; i < rx_size; i++) {
        rx[i] = SPI3(DR);
    }
    end();
}

static uint8_t status(uint8_t cmd)
{
    uint8_t r;

    command(&cmd, 1, &r, 1);
    return r;
}

static void enable_quad(void)
{
    const uint8_t write_enable = CMD_WRITE_ENABLE;
    uint8_t write[2] = { CMD_WRITE_STATUS2, status(CMD_STATUS2) | STATUS2_QE };

    command(&write_enable, 1, NULL, 0);
    command(write, 2, NULL, 0);
    for (int i = 0; i < RETRIES && (status(CMD_STATUS1) & 1); i++) {
    }
}

uint32_t flash_init(void)
{
    const uint8_t cmd = CMD_JEDEC_ID;
    uint8_t id[3];

    SYSCTL(0x20) |= 1 << 12;                /* SPI3 from PLL0 */
    SYSCTL(0x3c) &= 0x00ffffff;             /* / 2 */
    SYSCTL(0x2c) |= 1 << 9;
    SPI3(SSIENR) = 0;
    SPI3(IMR) = 0;
    SPI3(DMACR) = 0;
    SPI3(BAUDR) = 8;
    SPI3(ENDIAN) = 0;
    command(&cmd, 1, id, 3);
    if ((id[0] == 0 || id[0] == 0xff) && id[0] == id[1] && id[1] == id[2]) {
        return 0;
    }
    quad = id[0] != MANUFACTURER_ST;
    if (quad && !(status(CMD_STATUS2) & STATUS2_QE)) {
        enable_quad();
        quad = status(CMD_STATUS2) & STATUS2_QE;
    }
    return id[0] << 16 | id[1] << 8 | id[2];
}

static uint32_t swap(uint32_t x)
{
    x = (x & 0x00ff00ff) << 8 | (x >> 8 & 0x00ff00ff);
    return x << 16 | x >> 16;
}

/*
 * Words by DMA channel 0, which loses nothing however late we are. They come
 * with the first byte as the most significant one.
 */
static bool read_words(uint32_t address, uint8_t *to, uint32_t words)
{
    uint32_t *out = (uint32_t *)to;
    bool done;

    SYSCTL(DMA_SEL0) = DMA_SSI3_RX;
    DMAC(DMA_CFG) = 3;
    DMAC(CH_CFG) = 2ull << 32;                  /* peripheral to memory */
    DMAC(CH_SAR) = 0x54000000 + DR;
    DMAC(CH_DAR) = (uintptr_t)to - UNCACHED;
    /* 32-bit items one by one, source fixed, masters 1 and 2 */
    DMAC(CH_CTL) = 1 << 2 | 1 << 4 | 2 << 8 | 2 << 11;
    DMAC(CH_BLOCK_TS) = words - 1;
    DMAC(CH_INTSTATUS_EN) = 0;      /* or its interrupt stays in the PLIC */
    DMAC(DMA_CHEN) = 1 << 8 | 1;

    begin(31 | TMOD_RX | QUAD, QUAD_IO, words);
    SPI3(DMARDLR) = 0;
    SPI3(DMACR) = 1;
    SPI3(DR) = CMD_QUAD_READ;
    SPI3(DR) = address << 8;
    SPI3(SER) = 1;
    for (int i = 0; i < RETRIES && DMAC(DMA_CHEN) & 1; i++) {
        for (int n = 0; n < 200; n++) {         /* leave the bus alone */
            __asm__ volatile("");
        }
    }
    done = !(DMAC(DMA_CHEN) & 1);
    DMAC(DMA_CHEN) = 1 << 8;
    DMAC(DMA_RESET) = 1;
    SYSCTL(DMA_SEL0) = 0;
    SPI3(SER) = 0;
    SPI3(SSIENR) = 0;
    SPI3(DMACR) = 0;
    while (words--) {
        *out = swap(*out);
        out++;
    }
    return done;
}

static void read_bytes(uint32_t address, uint8_t *to, uint32_t size)
{
    uint8_t cmd[4] = { CMD_READ, address >> 16, address >> 8, address };

    command(cmd, 4, to, size);
}

/* @to must be 4-byte aligned. */
bool flash_read(uint32_t address, uint8_t *to, uint32_t size)
{
    while (size) {
        uint32_t n = size < FIFO ? size : FIFO;

        if (quad && size >= 4) {
            n = size / 4 < MAX_WORDS ? size / 4 : MAX_WORDS;
            if (!read_words(address, to, n)) {
                return false;
            }
            n *= 4;
        } else {
            read_bytes(address, to, n);
        }
        address += n;
        to += n;
        size -= n;
    }
    return true;
}
