/*
 * SPDX-License-Identifier: MIT
 *
 * W25Q-like SPI NOR flash on SPI3.
 */
#ifndef K210_HAL_FLASH_H
#define K210_HAL_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLASH_SECTOR (4096)
#define FLASH_PAGE (256)

// 0, or -ENODEV if nothing sensible answers.
int flash_init(void);

uint32_t flash_id(void); // JEDEC id: manufacturer << 16 | type << 8 | log2 of the size; 0 = none
uint32_t flash_size(void); // bytes, 0 = none
int flash_unique_id(uint8_t id[8]);

// Any address and length inside the part, any buffer. 0, -EINVAL (outside the part), -ENODEV,
// -EIO, -ETIMEDOUT.
int flash_read(uint32_t addr, void *buf, size_t n);
int flash_program(uint32_t addr, const void *buf, size_t n); // splits at pages; only clears bits
int flash_erase_sector(uint32_t addr); // the 4 KiB sector that holds addr

// A read that goes on by itself, by DMA and interrupt.
typedef struct {
    uint32_t addr;
    uint32_t *words; // uncached, 64-byte aligned, with room for n rounded up to 8
    size_t n;
    bool raw; // leave every 32-bit word as it comes, the first byte of flash as the most significant one
    // private
    size_t requested, received, swapped;
    volatile int status;
    uint64_t deadline;
} flash_job_t;

// Starts job, whose first four fields are set; ends the one before first. 0, -EINVAL, -ENODEV, -EBUSY
// (no DMA channel).
int flash_read_start(flash_job_t *job);
// 1 when all bytes are there, 0 while they are read, -EIO, -ETIMEDOUT, or -ECANCELED after a stop. Puts
// bytes in order that have come in meanwhile, so it is worth calling now and then. Other functions of
// this file wait for the job's end.
int flash_read_poll(flash_job_t *job);
void flash_read_stop(flash_job_t *job);

// The clock of reads: at most hz. For parts and boards that can do more than the default.
void flash_set_read_hz(uint32_t hz);
uint32_t flash_read_hz(void); // what comes out

#endif
