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
static spi_config_t quad_read = {
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

static int wait_job(void);

// Inside the part, and nobody else is using it.
static int check_range(uint32_t addr, size_t n) {
    return size == 0 ? -ENODEV : addr > size || n > size - addr ? -EINVAL : wait_job();
}

int flash_unique_id(uint8_t id[8]) {
    const uint32_t head[5] = { CMD_UNIQUE_ID, 0, 0, 0, 0 };
    int err = check_range(0, 0);
    return err < 0 ? err : spi_read(&standard, head, 5, id, 8);
}

// ---- reading ------------------------------------------------------------------------------------

static flash_job_t *running;

// Pieces of a job: the first ones are put in order while the next ones come in.
#define PIECE (16384)
// More than any read takes: 16 MiB at 10 MHz are 3.4 s. An emulator on a busy host may stand still for a second.
#define JOB_TIMEOUT_US(n) (3000000 + (n) / 2)

static void request_piece(flash_job_t *job);

static void piece_done(void *arg, int status) {
    flash_job_t *job = arg;
    spi_read_dma_end(3);
    if (status < 0) {
        job->status = status;
    } else {
        job->received = job->requested;
        if (job->received < job->n) {
            request_piece(job);
            return;
        }
        job->status = 1;
    }
    running = NULL;
}

// In interrupt context, or with interrupts off.
static void request_piece(flash_job_t *job) {
    size_t n = job->n - job->requested < PIECE ? job->n - job->requested : PIECE;
    const uint32_t head[2] = { CMD_READ_QUAD_IO, (job->addr + (uint32_t)job->requested) << 8 };
    uint32_t *words = job->words + job->requested / 4;
    job->requested += n;
    int err = spi_read_dma_start(&quad_read, head, 2, words, (n + 3) / 4, piece_done, job);
    if (err < 0) {
        job->status = err;
        running = NULL;
    }
}

// The first byte of flash is the most significant one of a word: turns the words round.
static void swap_words(flash_job_t *job, size_t end) {
    uint64_t *p = (uint64_t *)job->words + job->swapped / 8;
    uint64_t *last = (uint64_t *)job->words + (end + 7) / 8;
    for (; p < last; ++p) {
        uint64_t v = *p;
        v = (v & 0x00FF00FF00FF00FFull) << 8 | (v >> 8 & 0x00FF00FF00FF00FFull);
        *p = (v & 0x0000FFFF0000FFFFull) << 16 | (v >> 16 & 0x0000FFFF0000FFFFull);
    }
    job->swapped = end;
}

int flash_read_start(flash_job_t *job) {
    int err = check_range(job->addr, job->n);
    if (err < 0 || ((uintptr_t)job->words & 7) || job->n == 0) {
        return err < 0 ? err : -EINVAL;
    }
    job->requested = job->received = job->swapped = 0;
    job->status = 0;
    job->deadline = hal_time_us() + JOB_TIMEOUT_US(job->n);
    uintptr_t irq = hal_irq_disable();
    running = job;
    request_piece(job);
    hal_irq_restore(irq);
    return job->status < 0 ? job->status : 0;
}

int flash_read_poll(flash_job_t *job) {
    // Look at the clock first: what came in while this code did not run is not late.
    bool late = hal_time_us() > job->deadline;
    int status = job->status;
    __asm__ volatile ("fence rw, rw" : : : "memory");
    size_t received = job->received;
    if (!job->raw && received != job->swapped) {
        swap_words(job, received);
    }
    if (status == 0 && late) {
        flash_read_stop(job);
        job->status = status = -ETIMEDOUT;
    }
    return status;
}

void flash_read_stop(flash_job_t *job) {
    uintptr_t irq = hal_irq_disable();
    if (running == job) {
        running = NULL;
        spi_read_dma_end(3);
        job->status = -ECANCELED;
    }
    hal_irq_restore(irq);
}

static bool job_has_ended(void) {
    uintptr_t irq = hal_irq_disable();
    flash_job_t *job = running;
    hal_irq_restore(irq);
    return job == NULL || flash_read_poll(job) != 0;
}

static int wait_job(void) {
    return running == NULL || HAL_WAIT(job_has_ended(), 10000000) ? 0 : -ETIMEDOUT;
}

void flash_set_read_hz(uint32_t hz) {
    wait_job();
    quad_read.hz = hz;
}

uint32_t flash_read_hz(void) {
    return spi_rate(&quad_read);
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

// ---- writing ------------------------------------------------------------------------------------

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
