/*
 * SPDX-License-Identifier: MIT
 *
 * W25Q-like SPI NOR flash on SPI3.
 */
#ifndef K210_HAL_FLASH_H
#define K210_HAL_FLASH_H

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

#endif
