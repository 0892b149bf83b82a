// SPDX-License-Identifier: MIT
#include <errno.h>

#include "dmac.h"
#include "mmio.h"
#include "spi.h"
#include "sysctl.h"
#include "time.h"

#define SPI_CTRLR0 (0x00)
#define SPI_CTRLR1 (0x04)
#define SPI_SSIENR (0x08)
#define SPI_SER (0x10)
#define SPI_BAUDR (0x14)
#define SPI_TXFLR (0x20)
#define SPI_RXFLR (0x24)
#define SPI_SR (0x28)
#define SPI_IMR (0x2C)
#define SPI_DMACR (0x4C)
#define SPI_DMATDLR (0x50)
#define SPI_DMARDLR (0x54)
#define SPI_DR (0x60)
#define SPI_SPI_CTRLR0 (0xF4)
#define SPI_ENDIAN (0x118)

#define SR_BUSY (1u << 0)
#define SR_TFE (1u << 2)
#define DMACR_RX (1u << 0)
#define DMACR_TX (1u << 1)

#define FIFO_DEPTH (32)
// The RX FIFO may lose frames when it is exactly full.
#define MAX_IN_FLIGHT (FIFO_DEPTH - 1)
#define MAX_RX_FRAMES (65536)

enum { TMOD_BOTH, TMOD_TX, TMOD_RX, TMOD_EEPROM };

typedef struct {
    uintptr_t base;
    enum sysctl_clock clock;
    // SPI3 is a newer core with CTRLR0's fields elsewhere.
    uint8_t dfs_shift, mode_shift, tmod_shift, format_shift;
} spi_port_t;

static const spi_port_t ports[4] = {
    [0] = { SPI0_BASE, CLOCK_SPI0, 16, 6, 8, 21 },
    [1] = { SPI1_BASE, CLOCK_SPI1, 16, 6, 8, 21 },
    [3] = { SPI3_BASE, CLOCK_SPI3, 0, 8, 10, 22 },
};

// The DMA write that spi_wait() has to end and the DMA read that spi_read_dma_end() has to; ch < 0 = none.
static struct {
    int ch;
} dma_write[4] = { { -1 }, { -1 }, { -1 }, { -1 } }, dma_read[4] = { { -1 }, { -1 }, { -1 }, { -1 } };

static bool config_ok(const spi_config_t *c) {
    return (c->port == 0 || c->port == 1 || c->port == 3) && c->cs < 4 && c->mode < 4
           && c->bits >= 4 && c->bits <= 32 && c->hz != 0 && c->addr_bits <= 60 && c->wait_cycles < 32;
}

static uint32_t baud_divider(const spi_config_t *c) {
    uint32_t hz = sysctl_clock_hz(ports[c->port].clock);
    uint32_t divider = (hz + c->hz - 1) / c->hz;
    divider += divider & 1;
    return divider < 2 ? 2 : divider > 65534 ? 65534 : divider;
}

uint32_t spi_rate(const spi_config_t *c) {
    return config_ok(c) ? sysctl_clock_hz(ports[c->port].clock) / baud_divider(c) : 0;
}

int spi_init(unsigned port) {
    if (port > 3 || ports[port].base == 0) {
        return -EINVAL;
    }
    const spi_port_t *p = &ports[port];
    sysctl_clock_enable(p->clock, true);
    sysctl_clock_from_pll0(p->clock, true);
    sysctl_clock_threshold(p->clock, 0);
    sysctl_reset_peripheral(p->clock);
    *mmio32(p->base + SPI_SSIENR) = 0;
    *mmio32(p->base + SPI_SER) = 0;
    *mmio32(p->base + SPI_IMR) = 0;
    return 0;
}

static void setup(const spi_config_t *c, unsigned tmod, size_t rx_frames, uint32_t dmacr) {
    const spi_port_t *p = &ports[c->port];
    uintptr_t b = p->base;
    *mmio32(b + SPI_SER) = 0;
    *mmio32(b + SPI_SSIENR) = 0;
    *mmio32(b + SPI_IMR) = 0;
    *mmio32(b + SPI_BAUDR) = baud_divider(c);
    *mmio32(b + SPI_CTRLR0) = (uint32_t)(c->bits - 1) << p->dfs_shift | (uint32_t)c->mode << p->mode_shift
        | (uint32_t)tmod << p->tmod_shift | (uint32_t)c->format << p->format_shift;
    uint32_t inst_l = c->inst_bits == 0 ? 0 : c->inst_bits <= 4 ? 1 : c->inst_bits <= 8 ? 2 : 3;
    *mmio32(b + SPI_SPI_CTRLR0) = c->format == SPI_STANDARD ? 0
        : (uint32_t)c->wait_cycles << 11 | inst_l << 8 | (uint32_t)(c->addr_bits / 4) << 2 | c->trans;
    *mmio32(b + SPI_CTRLR1) = rx_frames == 0 ? 0 : rx_frames - 1;
    *mmio32(b + SPI_ENDIAN) = c->swap;
    *mmio32(b + SPI_DMATDLR) = FIFO_DEPTH / 2;
    *mmio32(b + SPI_DMARDLR) = 0;
    *mmio32(b + SPI_DMACR) = dmacr;
    *mmio32(b + SPI_SSIENR) = 1;
}

static void shutdown(uintptr_t b) {
    *mmio32(b + SPI_SER) = 0;
    *mmio32(b + SPI_SSIENR) = 0;
    *mmio32(b + SPI_DMACR) = 0;
}

static uint32_t get_frame(const spi_config_t *c, const void *data, size_t i) {
    return c->bits <= 8 ? ((const uint8_t *)data)[i]
        : c->bits <= 16 ? ((const uint16_t *)data)[i] : ((const uint32_t *)data)[i];
}

static void put_frame(const spi_config_t *c, void *data, size_t i, uint32_t value) {
    if (c->bits <= 8) {
        ((uint8_t *)data)[i] = value;
    } else if (c->bits <= 16) {
        ((uint16_t *)data)[i] = value;
    } else {
        ((uint32_t *)data)[i] = value;
    }
}

// Twice the time the wires need, and a margin: an emulator on a busy host may be stopped for a while.
#define MARGIN_US (1000000)

static uint32_t timeout_us(const spi_config_t *c, size_t frames) {
    uint64_t bits = (uint64_t)(frames + 4) * c->bits;
    return 2 * bits * 1000000 / (spi_rate(c) + 1) + MARGIN_US;
}

static bool is_idle(uintptr_t b) {
    return (*mmio32(b + SPI_SR) & (SR_TFE | SR_BUSY)) == SR_TFE;
}

static int busy_check(const spi_config_t *c) {
    if (!config_ok(c)) {
        return -EINVAL;
    }
    return dma_write[c->port].ch >= 0 || dma_read[c->port].ch >= 0 ? -EBUSY : 0;
}

int spi_write(const spi_config_t *c, const uint32_t *head, size_t n_head, const void *data, size_t frames) {
    int err = busy_check(c);
    if (err < 0 || n_head + frames == 0) {
        return err;
    }
    uintptr_t b = ports[c->port].base;
    setup(c, TMOD_TX, 0, 0);
    size_t sent = 0, total = n_head + frames;
    // The FIFO is filled before the first bit goes out, so that short commands go out in one piece.
    for (bool selected = false; sent < total; selected = true) {
        size_t room = 0;
        if (!HAL_WAIT((room = FIFO_DEPTH - *mmio32(b + SPI_TXFLR)) != 0, timeout_us(c, FIFO_DEPTH))) {
            err = -ETIMEDOUT;
            break;
        }
        for (; room != 0 && sent < total; --room, ++sent) {
            *mmio32(b + SPI_DR) = sent < n_head ? head[sent] : get_frame(c, data, sent - n_head);
        }
        if (!selected) {
            *mmio32(b + SPI_SER) = 1u << c->cs;
        }
    }
    if (err == 0 && !HAL_WAIT(is_idle(b), timeout_us(c, FIFO_DEPTH))) {
        err = -ETIMEDOUT;
    }
    shutdown(b);
    return err;
}

// EEPROM mode sends the head and then receives; receive mode has to be started by a dummy word in
// standard format.
static void start_read(const spi_config_t *c, const uint32_t *head, size_t n_head) {
    uintptr_t b = ports[c->port].base;
    for (size_t i = 0; i < n_head; ++i) {
        *mmio32(b + SPI_DR) = head[i];
    }
    if (n_head == 0 && c->format == SPI_STANDARD) {
        *mmio32(b + SPI_DR) = 0xFFFFFFFF;
    }
    *mmio32(b + SPI_SER) = 1u << c->cs;
}

int spi_read(const spi_config_t *c, const uint32_t *head, size_t n_head, void *data, size_t frames) {
    int err = busy_check(c);
    if (err < 0 || frames == 0) {
        return err;
    }
    if (frames > MAX_RX_FRAMES || n_head > FIFO_DEPTH) {
        return -EINVAL;
    }
    uintptr_t b = ports[c->port].base;
    setup(c, n_head != 0 ? TMOD_EEPROM : TMOD_RX, frames, 0);
    start_read(c, head, n_head);
    for (size_t got = 0; got < frames;) {
        size_t level = 0;
        if (!HAL_WAIT((level = *mmio32(b + SPI_RXFLR)) != 0, timeout_us(c, FIFO_DEPTH))) {
            err = -ETIMEDOUT;
            break;
        }
        for (; level != 0 && got < frames; --level) {
            put_frame(c, data, got++, *mmio32(b + SPI_DR));
        }
    }
    shutdown(b);
    return err;
}

int spi_transfer(const spi_config_t *c, const void *tx, void *rx, size_t frames) {
    int err = busy_check(c);
    if (err < 0 || frames == 0) {
        return err;
    }
    if (c->format != SPI_STANDARD) {
        return -EINVAL;
    }
    uintptr_t b = ports[c->port].base;
    setup(c, TMOD_BOTH, 0, 0);
    *mmio32(b + SPI_SER) = 1u << c->cs;
    for (size_t sent = 0, got = 0; got < frames;) {
        while (sent < frames && sent - got < MAX_IN_FLIGHT) {
            *mmio32(b + SPI_DR) = tx != NULL ? get_frame(c, tx, sent) : 0xFFFFFFFF;
            ++sent;
        }
        size_t level = 0;
        if (!HAL_WAIT((level = *mmio32(b + SPI_RXFLR)) != 0, timeout_us(c, FIFO_DEPTH))) {
            err = -ETIMEDOUT;
            break;
        }
        for (; level != 0 && got < frames; --level, ++got) {
            uint32_t value = *mmio32(b + SPI_DR);
            if (rx != NULL) {
                put_frame(c, rx, got, value);
            }
        }
    }
    shutdown(b);
    return err;
}

int spi_write_dma(const spi_config_t *c, const uint32_t *head, size_t n_head, const uint32_t *words,
    size_t frames, bool fill, void (*done)(void *arg, int status), void *arg) {
    int err = busy_check(c);
    if (err < 0) {
        return err;
    }
    if (frames == 0 || frames > DMAC_MAX_COUNT || n_head > FIFO_DEPTH) {
        return -EINVAL;
    }
    int ch = dmac_claim("spi");
    if (ch < 0) {
        return ch;
    }
    uintptr_t b = ports[c->port].base;
    setup(c, TMOD_TX, 0, DMACR_TX);
    for (size_t i = 0; i < n_head; ++i) {
        *mmio32(b + SPI_DR) = head[i];
    }
    dmac_xfer_t x = {
        .src = (uintptr_t)words,
        .dst = b + SPI_DR,
        .src_inc = !fill,
        .src_width = DMAC_WIDTH_32,
        .dst_width = DMAC_WIDTH_32,
        .src_burst = DMAC_BURST_4,
        .dst_burst = DMAC_BURST_4,
        .count = frames,
        .request = DMA_REQ_SPI0_TX + 2 * c->port,
        .direction = DMAC_MEM_TO_PERIPHERAL,
        .done = done,
        .arg = arg,
    };
    dma_write[c->port].ch = ch;
    err = dmac_start(ch, &x);
    if (err < 0) {
        dma_write[c->port].ch = -1;
        dmac_release(ch);
        shutdown(b);
        return err;
    }
    *mmio32(b + SPI_SER) = 1u << c->cs;
    return 0;
}

bool spi_busy(unsigned port) {
    return port < 4 && dma_write[port].ch >= 0
           && (dmac_busy(dma_write[port].ch) || !is_idle(ports[port].base));
}

int spi_wait(unsigned port, uint32_t timeout) {
    if (port >= 4 || dma_write[port].ch < 0) {
        return 0;
    }
    int ch = dma_write[port].ch;
    int err = dmac_wait(ch, timeout);
    if (err == 0 && !HAL_WAIT(is_idle(ports[port].base), timeout)) {
        err = -ETIMEDOUT;
    }
    shutdown(ports[port].base);
    dmac_release(ch);
    dma_write[port].ch = -1;
    return err;
}

int spi_read_dma_start(const spi_config_t *c, const uint32_t *head, size_t n_head, uint32_t *words, size_t frames,
    void (*done)(void *arg, int status), void *arg) {
    int err = busy_check(c);
    if (err < 0) {
        return err;
    }
    if (frames == 0 || frames > MAX_RX_FRAMES || n_head > FIFO_DEPTH) {
        return -EINVAL;
    }
    int ch = dmac_claim("spi");
    if (ch < 0) {
        return ch;
    }
    setup(c, n_head != 0 ? TMOD_EEPROM : TMOD_RX, frames, DMACR_RX);
    dmac_xfer_t x = {
        .src = ports[c->port].base + SPI_DR,
        .dst = (uintptr_t)words,
        .dst_inc = true,
        .src_width = DMAC_WIDTH_32,
        .dst_width = DMAC_WIDTH_32,
        .src_burst = DMAC_BURST_1,
        .dst_burst = DMAC_BURST_1,
        .count = frames,
        .request = DMA_REQ_SPI0_RX + 2 * c->port,
        .direction = DMAC_PERIPHERAL_TO_MEM,
        .done = done,
        .arg = arg,
    };
    dma_read[c->port].ch = ch;
    err = dmac_start(ch, &x);
    if (err < 0) {
        spi_read_dma_end(c->port);
        return err;
    }
    start_read(c, head, n_head);
    return 0;
}

void spi_read_dma_end(unsigned port) {
    if (port < 4 && dma_read[port].ch >= 0) {
        shutdown(ports[port].base);
        dmac_release(dma_read[port].ch);
        dma_read[port].ch = -1;
    }
}

int spi_read_dma(const spi_config_t *c, const uint32_t *head, size_t n_head, uint32_t *words, size_t frames) {
    int err = spi_read_dma_start(c, head, n_head, words, frames, NULL, NULL);
    if (err == 0) {
        err = dmac_wait(dma_read[c->port].ch, timeout_us(c, frames));
        spi_read_dma_end(c->port);
    }
    return err;
}
