// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "flash.h"
#include "spi.h"
#include "time.h"

#define CMD_WRITE_ENABLE (0x06)
#define CMD_READ_STATUS1 (0x05)
#define CMD_READ_STATUS2 (0x35)
#define CMD_WRITE_STATUS1 (0x01)
#define CMD_WRITE_STATUS2 (0x31)
#define CMD_JEDEC_ID (0x9F)
#define CMD_UNIQUE_ID (0x4B)
#define CMD_READ_QUAD_IO (0xEB)
#define CMD_PROGRAM_QUAD (0x32)
#define CMD_ERASE_SECTOR (0x20)

#define STATUS1_BUSY (1)
#define STATUS2_QE (2)

#define FLASH_HZ (42000000)
// Far beyond the part's limits, see MARGIN_US in spi.c.
#define PROGRAM_TIMEOUT_US (1000000) // typically 0.7 ms, 3 ms at most
#define ERASE_TIMEOUT_US (3000000) // typically 45 ms, 400 ms at most
#define STATUS_TIMEOUT_US (1000000)

#define BOUNCE_WORDS (1024)

// Only the DMA sees these, through the uncached alias; whole cache lines.
static uint32_t bounce_memory[BOUNCE_WORDS] __attribute__((aligned(64)));
#define BOUNCE ((uint32_t *)((uintptr_t)bounce_memory - 0x40000000u))

static uint32_t jedec_id;
static uint32_t size;

static const spi_config_t standard = {
    .port = 3, .mode = 0, .bits = 8, .hz = FLASH_HZ, .format = SPI_STANDARD,
};

// 32-bit frames, so that one DMA beat moves four bytes; the first byte of flash is the most
// significant one. The mode byte 0 of the EB command travels as the last byte of the address.
static const spi_config_t quad_read = {
    .port = 3, .mode = 0, .bits = 32, .hz = FLASH_HZ, .format = SPI_QUAD, .trans = SPI_TRANS_ADDRESS_WIDE,
    .inst_bits = 8, .addr_bits = 32, .wait_cycles = 4,
};

static const spi_config_t quad_program = {
    .port = 3, .mode = 0, .bits = 32, .hz = FLASH_HZ, .format = SPI_QUAD, .trans = SPI_TRANS_STANDARD,
    .inst_bits = 8, .addr_bits = 24,
};

static int command(uint32_t cmd) {
    return spi_write(&standard, &cmd, 1, NULL, 0);
}

static int read_register(uint32_t cmd, uint8_t *value) {
    return spi_read(&standard, &cmd, 1, value, 1);
}

static bool is_ready(int *err) {
    uint8_t status = 0;
    *err = read_register(CMD_READ_STATUS1, &status);
    return *err < 0 || !(status & STATUS1_BUSY);
}

static int wait_ready(uint32_t timeout_us) {
    int err = 0;
    return HAL_WAIT(is_ready(&err), timeout_us) ? err : -ETIMEDOUT;
}

static int write_register(uint32_t cmd, const uint8_t *values, size_t n) {
    int err = command(CMD_WRITE_ENABLE);
    if (err == 0) {
        err = spi_write(&standard, &cmd, 1, values, n);
    }
    return err < 0 ? err : wait_ready(STATUS_TIMEOUT_US);
}

// Old parts write status 2 together with status 1, newer ones by itself: try both.
static int enable_quad(void) {
    uint8_t status[2] = { 0, 0 };
    int err = read_register(CMD_READ_STATUS2, &status[1]);
    if (err < 0 || (status[1] & STATUS2_QE)) {
        return err;
    }
    status[1] |= STATUS2_QE;
    err = write_register(CMD_WRITE_STATUS2, &status[1], 1);
    uint8_t check = 0;
    if (err == 0) {
        err = read_register(CMD_READ_STATUS2, &check);
    }
    if (err == 0 && !(check & STATUS2_QE)) {
        err = write_register(CMD_WRITE_STATUS1, status, 2);
        if (err == 0) {
            err = read_register(CMD_READ_STATUS2, &check);
        }
    }
    return err < 0 ? err : check & STATUS2_QE ? 0 : -EIO;
}

int flash_init(void) {
    jedec_id = size = 0;
    int err = spi_init(3);
    if (err < 0) {
        return err;
    }
    uint32_t cmd = CMD_JEDEC_ID;
    uint8_t id[3];
    err = wait_ready(ERASE_TIMEOUT_US); // a reset may have come during an erase
    if (err == 0) {
        err = spi_read(&standard, &cmd, 1, id, sizeof(id));
    }
    if (err < 0) {
        return err;
    }
    // The third byte is the size's logarithm on all known parts: 1 MiB to 16 MiB fit 24-bit addresses.
    if (id[0] == 0 || id[0] == 0xFF || id[2] < 20 || id[2] > 24) {
        return -ENODEV;
    }
    err = enable_quad();
    if (err < 0) {
        return err;
    }
    jedec_id = (uint32_t)id[0] << 16 | id[1] << 8 | id[2];
    size = 1u << id[2];
    return 0;
}

uint32_t flash_id(void) {
    return jedec_id;
}

uint32_t flash_size(void) {
    return size;
}

int flash_unique_id(uint8_t id[8]) {
    const uint32_t head[5] = { CMD_UNIQUE_ID, 0, 0, 0, 0 };
    return size == 0 ? -ENODEV : spi_read(&standard, head, 5, id, 8);
}

static int check_range(uint32_t addr, size_t n) {
    return size == 0 ? -ENODEV : addr > size || n > size - addr ? -EINVAL : 0;
}

int flash_read(uint32_t addr, void *buf, size_t n) {
    int err = check_range(addr, n);
    uint8_t *to = buf;
    while (err == 0 && n != 0) {
        size_t chunk = n < 4 * BOUNCE_WORDS ? n : 4 * BOUNCE_WORDS;
        size_t words = (chunk + 3) / 4;
        const uint32_t head[2] = { CMD_READ_QUAD_IO, addr << 8 };
        err = spi_read_dma(&quad_read, head, 2, BOUNCE, words);
        if (err < 0) {
            break;
        }
        if (((uintptr_t)to & 3) == 0) {
            for (size_t i = 0; i < chunk / 4; ++i) {
                ((uint32_t *)to)[i] = __builtin_bswap32(BOUNCE[i]);
            }
        } else {
            for (size_t i = 0; i < chunk / 4; ++i) {
                uint32_t v = __builtin_bswap32(BOUNCE[i]);
                memcpy(to + 4 * i, &v, 4);
            }
        }
        if (chunk % 4 != 0) {
            uint32_t v = __builtin_bswap32(BOUNCE[chunk / 4]);
            memcpy(to + chunk / 4 * 4, &v, chunk % 4);
        }
        addr += chunk;
        to += chunk;
        n -= chunk;
    }
    return err;
}

// Programs inside one page. Frames are 32 bits: the bytes around the ends stay as they are,
// because programming FF changes nothing.
static int program_page(uint32_t addr, const uint8_t *from, size_t n) {
    uint32_t start = addr & ~3u, end = (addr + n + 3) & ~3u;
    uint8_t bytes[FLASH_PAGE];
    memset(bytes, 0xFF, end - start);
    memcpy(bytes + (addr - start), from, n);
    for (size_t i = 0; i < (end - start) / 4; ++i) {
        const uint8_t *b = bytes + 4 * i;
        BOUNCE[i] = (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    int err = command(CMD_WRITE_ENABLE);
    if (err == 0) {
        const uint32_t head[2] = { CMD_PROGRAM_QUAD, start };
        err = spi_write_dma(&quad_program, head, 2, BOUNCE, (end - start) / 4, false, NULL, NULL);
    }
    if (err == 0) {
        err = spi_wait(3, PROGRAM_TIMEOUT_US);
    }
    return err < 0 ? err : wait_ready(PROGRAM_TIMEOUT_US);
}

int flash_program(uint32_t addr, const void *buf, size_t n) {
    int err = check_range(addr, n);
    const uint8_t *from = buf;
    while (err == 0 && n != 0) {
        size_t room = FLASH_PAGE - addr % FLASH_PAGE;
        size_t chunk = n < room ? n : room;
        err = program_page(addr, from, chunk);
        addr += chunk;
        from += chunk;
        n -= chunk;
    }
    return err;
}

int flash_erase_sector(uint32_t addr) {
    int err = check_range(addr, 1);
    if (err == 0) {
        err = command(CMD_WRITE_ENABLE);
    }
    if (err == 0) {
        const uint32_t head[4] = { CMD_ERASE_SECTOR, addr >> 16 & 0xFF, addr >> 8 & 0xFF, addr & 0xFF };
        err = spi_write(&standard, head, 4, NULL, 0);
    }
    return err < 0 ? err : wait_ready(ERASE_TIMEOUT_US);
}
