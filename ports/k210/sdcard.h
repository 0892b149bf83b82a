/*
 * SPDX-License-Identifier: MIT
 *
 * SD and MMC cards in SPI mode, without Python and without registers. Every block and every command
 * carries its CRC in both directions. Source: SD Physical Layer Simplified Specification 8.00, chapter 7.
 *
 * All functions return 0 or a negative errno: -ENODEV (nobody answers), -EMEDIUMTYPE (another card than
 * before), -EIO (the card reports an error, or a CRC is wrong three times), -ETIMEDOUT, -EROFS.
 */
#ifndef K210_SDCARD_H
#define K210_SDCARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SD_BLOCK (512)

typedef struct {
    void (*select)(void *ctx, bool on);
    // Full duplex; tx NULL sends FFh, rx NULL drops what comes.
    int (*transfer)(void *ctx, const uint8_t *tx, uint8_t *rx, size_t n);
    void (*set_hz)(void *ctx, uint32_t hz);
    uint64_t (*now_us)(void *ctx);
    void *ctx;
} sd_bus_t;

typedef struct {
    const sd_bus_t *bus;
    bool ready;             // has been through sd_init() and has not failed since
    bool known;             // cid is that of the card that was found first
    bool by_block;          // high capacity: addresses are block numbers
    bool mmc;
    uint32_t blocks;
    uint8_t csd[16], cid[16];
} sd_card_t;

void sd_open(sd_card_t *card, const sd_bus_t *bus);

// Finds the card and its size. A card that was found before must be the same one.
int sd_init(sd_card_t *card);

// n blocks from block on. A card that has been out for a moment is initialised again.
int sd_read(sd_card_t *card, uint32_t block, uint8_t *data, uint32_t n);
int sd_write(sd_card_t *card, uint32_t block, const uint8_t *data, uint32_t n);

// Blocks that a CSD register tells; 0 when it makes no sense.
uint32_t sd_csd_blocks(const uint8_t csd[16], bool mmc);

#endif
