// SPDX-License-Identifier: MIT
#include <errno.h>

#include "i2c.h"
#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"

#define I2C_CON (0x00)
#define I2C_TAR (0x04)
#define I2C_SAR (0x08)
#define I2C_DATA_CMD (0x10)
#define I2C_SS_SCL_HCNT (0x14)
#define I2C_SS_SCL_LCNT (0x18)
#define I2C_FS_SCL_HCNT (0x1C)
#define I2C_FS_SCL_LCNT (0x20)
#define I2C_INTR_STAT (0x2C)
#define I2C_INTR_MASK (0x30)
#define I2C_RX_TL (0x38)
#define I2C_TX_TL (0x3C)
#define I2C_CLR_RD_REQ (0x50)
#define I2C_CLR_TX_ABRT (0x54)
#define I2C_CLR_STOP_DET (0x60)
#define I2C_CLR_START_DET (0x64)
#define I2C_ENABLE (0x6C)
#define I2C_STATUS (0x70)
#define I2C_TXFLR (0x74)
#define I2C_RXFLR (0x78)
#define I2C_TX_ABRT_SOURCE (0x80)
#define I2C_DMA_CR (0x88)

#define CON_MASTER (1u << 0)
#define CON_SPEED_STANDARD (1u << 1)
#define CON_SPEED_FAST (2u << 1)
#define CON_TEN_BIT_SLAVE (1u << 3)
#define CON_STOP_DET_IF_ADDRESSED (1u << 7)
#define CON_RESTART_EN (1u << 5)
#define CON_SLAVE_DISABLE (1u << 6)
#define DATA_CMD_READ (1u << 8)
#define ENABLE_ON (1u << 0)
#define ENABLE_TX_CMD_BLOCK (1u << 2)
#define STATUS_ACTIVITY (1u << 0)
#define STATUS_TFE (1u << 2)
#define ABRT_ADDR_NOACK (1u << 0)

#define INT_RX_FULL (1u << 2)
#define INT_RD_REQ (1u << 5)
#define INT_STOP_DET (1u << 9)
#define INT_START_DET (1u << 10)

#define IRQ_PRIORITY (6)
#define SERVICES_MAX (64)
#define FIFO_DEPTH (8)
#define CLOCK_THRESHOLD (3)
#define MIN_COUNT (6)
#define MAX_COUNT (65525)
#define LOOK_US (1000)

static struct {
    i2c_slave_t slave;
    bool start; // a START was seen, perhaps of a transfer to somebody else
    bool addressed; // since then, or before
    bool asked; // SCL is held until a byte is given
    uint8_t request; // the number of the last request
} slaves[I2C_COUNT];

#define SLAVE_INTERRUPTS (INT_RX_FULL | INT_RD_REQ | INT_STOP_DET | INT_START_DET)

// Only what follows a START tells whether it was for this slave.
static void note_start(unsigned n) {
    if (slaves[n].start) {
        const i2c_slave_t *s = &slaves[n].slave;
        s->event(s->arg, slaves[n].addressed ? I2C_SLAVE_RESTART : I2C_SLAVE_START);
        slaves[n].start = false;
        slaves[n].addressed = true;
    }
}

static void take_bytes(unsigned n) {
    uintptr_t b = I2C_BASE(n);
    const i2c_slave_t *s = &slaves[n].slave;
    while (*mmio32(b + I2C_RXFLR) != 0) {
        note_start(n);
        s->receive(s->arg, (uint8_t)*mmio32(b + I2C_DATA_CMD));
    }
}

static void slave_irq(void *arg) {
    unsigned n = (uintptr_t)arg;
    uintptr_t b = I2C_BASE(n);
    const i2c_slave_t *s = &slaves[n].slave;
    uint32_t status;
    for (unsigned i = 0; i < SERVICES_MAX && (status = *mmio32(b + I2C_INTR_STAT)) != 0; ++i) {
        if (status & INT_START_DET) {
            // What a write before this RESTART has left belongs to it.
            if (slaves[n].addressed) {
                take_bytes(n);
            }
            (void)*mmio32(b + I2C_CLR_START_DET);
            slaves[n].start = true;
        }
        take_bytes(n);
        if (status & INT_RD_REQ) {
            note_start(n);
            *mmio32(b + I2C_INTR_MASK) = SLAVE_INTERRUPTS & ~INT_RD_REQ;
            slaves[n].asked = true;
            s->request(s->arg, ++slaves[n].request);
        }
        if (status & INT_STOP_DET) {
            (void)*mmio32(b + I2C_CLR_STOP_DET);
            if (slaves[n].asked) {
                // The master has given up waiting.
                (void)*mmio32(b + I2C_CLR_RD_REQ);
                *mmio32(b + I2C_INTR_MASK) = SLAVE_INTERRUPTS;
                slaves[n].asked = false;
            }
            take_bytes(n);
            note_start(n);
            slaves[n].addressed = false;
            s->event(s->arg, I2C_SLAVE_STOP);
        }
    }
}

void i2c_slave_answer(unsigned n, uint8_t request, uint8_t byte) {
    if (n >= I2C_COUNT) {
        return;
    }
    uintptr_t b = I2C_BASE(n);
    // The next request must not come before this one is cleared.
    uintptr_t irq = hal_irq_disable();
    if (slaves[n].asked && slaves[n].request == request) {
        slaves[n].asked = false;
        // A byte that no master took any more was flushed, and holds the FIFO empty.
        (void)*mmio32(b + I2C_CLR_TX_ABRT);
        *mmio32(b + I2C_DATA_CMD) = byte;
        (void)*mmio32(b + I2C_CLR_RD_REQ);
        *mmio32(b + I2C_INTR_MASK) = SLAVE_INTERRUPTS;
    }
    hal_irq_restore(irq);
}

int i2c_slave_init(unsigned n, uint16_t addr, bool ten_bits, const i2c_slave_t *slave) {
    if (n >= I2C_COUNT || addr >= (ten_bits ? 0x400 : 0x80)) {
        return -EINVAL;
    }
    uintptr_t b = I2C_BASE(n);
    enum sysctl_clock clock = CLOCK_I2C0 + n;
    plic_enable(IRQ_I2C0 + n, false);
    sysctl_clock_enable(clock, true);
    sysctl_clock_threshold(clock, CLOCK_THRESHOLD);
    sysctl_reset_peripheral(clock);
    slaves[n].slave = *slave;
    slaves[n].start = slaves[n].addressed = slaves[n].asked = false;
    *mmio32(b + I2C_ENABLE) = 0;
    *mmio32(b + I2C_CON) = CON_SPEED_STANDARD | CON_STOP_DET_IF_ADDRESSED | (ten_bits ? CON_TEN_BIT_SLAVE : 0);
    *mmio32(b + I2C_SAR) = addr;
    *mmio32(b + I2C_RX_TL) = 0;
    *mmio32(b + I2C_DMA_CR) = 0;
    *mmio32(b + I2C_INTR_MASK) = SLAVE_INTERRUPTS;
    plic_set_handler(IRQ_I2C0 + n, IRQ_PRIORITY, slave_irq, (void *)(uintptr_t)n);
    plic_enable(IRQ_I2C0 + n, true);
    *mmio32(b + I2C_ENABLE) = ENABLE_ON;
    return 0;
}

int32_t i2c_init(unsigned n, uint32_t hz) {
    if (n >= I2C_COUNT || hz == 0) {
        return -EINVAL;
    }
    plic_enable(IRQ_I2C0 + n, false);
    uintptr_t b = I2C_BASE(n);
    enum sysctl_clock clock = CLOCK_I2C0 + n;
    sysctl_clock_enable(clock, true);
    sysctl_clock_threshold(clock, CLOCK_THRESHOLD);
    sysctl_reset_peripheral(clock);
    uint32_t in = sysctl_clock_hz(clock);
    uint32_t half = (in + 2 * hz - 1) / (2 * hz);
    half = half < MIN_COUNT ? MIN_COUNT : half > MAX_COUNT ? MAX_COUNT : half;
    *mmio32(b + I2C_ENABLE) = 0;
    *mmio32(b + I2C_CON) = CON_MASTER | CON_SLAVE_DISABLE | CON_RESTART_EN
        | (hz <= 100000 ? CON_SPEED_STANDARD : CON_SPEED_FAST);
    // Vendor software only ever writes the standard-mode counters; which pair counts is not known.
    *mmio32(b + I2C_SS_SCL_HCNT) = half;
    *mmio32(b + I2C_SS_SCL_LCNT) = half;
    *mmio32(b + I2C_FS_SCL_HCNT) = half;
    *mmio32(b + I2C_FS_SCL_LCNT) = half;
    *mmio32(b + I2C_INTR_MASK) = 0;
    *mmio32(b + I2C_DMA_CR) = 0;
    *mmio32(b + I2C_RX_TL) = 0;
    *mmio32(b + I2C_TX_TL) = 0;
    *mmio32(b + I2C_ENABLE) = ENABLE_ON;
    return (int32_t)(in / (2 * half));
}

void i2c_deinit(unsigned n) {
    if (n < I2C_COUNT) {
        plic_enable(IRQ_I2C0 + n, false);
        *mmio32(I2C_BASE(n) + I2C_ENABLE) = 0;
        sysctl_clock_enable(CLOCK_I2C0 + n, false);
    }
}

// Clears an abort; what is left in the FIFOs goes with the disable.
static void restart(uintptr_t b) {
    (void)*mmio32(b + I2C_CLR_TX_ABRT);
    *mmio32(b + I2C_ENABLE) = 0;
    *mmio32(b + I2C_ENABLE) = ENABLE_ON;
    hal_delay_us(10);
}

static int abort_code(uintptr_t b) {
    uint32_t source = *mmio32(b + I2C_TX_ABRT_SOURCE);
    return source == 0 ? 0 : source & ABRT_ADDR_NOACK ? -ENXIO : -EIO;
}

int i2c_transfer(unsigned n, uint8_t addr, const uint8_t *tx, size_t n_tx, uint8_t *rx, size_t n_rx,
    uint32_t timeout_us) {
    if (n >= I2C_COUNT || addr > 0x7F || n_tx + n_rx == 0) {
        return -EINVAL;
    }
    uintptr_t b = I2C_BASE(n);
    uint64_t last = hal_time_us(), waited = 0;
    // TAR is only taken while the core is off.
    *mmio32(b + I2C_ENABLE) = 0;
    *mmio32(b + I2C_TAR) = addr;
    // A pause between two bytes would be a STOP: nothing leaves until the FIFO is full. A core built
    // without that bit sends at once, which interrupts must not delay. Longer transfers have the time
    // of eight bytes for each refill.
    *mmio32(b + I2C_ENABLE) = ENABLE_ON | ENABLE_TX_CMD_BLOCK;
    size_t sent = 0, got = 0, total = n_tx + n_rx;
    uintptr_t irq = hal_irq_disable();
    for (; sent < total && sent < FIFO_DEPTH; ++sent) {
        *mmio32(b + I2C_DATA_CMD) = sent < n_tx ? tx[sent] : DATA_CMD_READ;
    }
    *mmio32(b + I2C_ENABLE) = ENABLE_ON;
    hal_irq_restore(irq);
    int err = 0;
    while (err == 0) {
        // Never more read commands under way than the RX FIFO can take.
        while (sent < total && *mmio32(b + I2C_TXFLR) < FIFO_DEPTH
               && (sent < n_tx || sent - n_tx - got < FIFO_DEPTH)) {
            *mmio32(b + I2C_DATA_CMD) = sent < n_tx ? tx[sent] : DATA_CMD_READ;
            ++sent;
        }
        while (got < n_rx && *mmio32(b + I2C_RXFLR) != 0) {
            rx[got++] = (uint8_t)*mmio32(b + I2C_DATA_CMD);
        }
        err = abort_code(b);
        if (err == 0 && sent == total && got == n_rx
            && (*mmio32(b + I2C_STATUS) & (STATUS_ACTIVITY | STATUS_TFE)) == STATUS_TFE) {
            // The last byte of a write may have been refused meanwhile.
            err = abort_code(b);
            break;
        }
        // A long gap between two looks is an emulator on a busy host standing still, not a slow device.
        uint64_t now = hal_time_us();
        waited += now - last < LOOK_US ? now - last : LOOK_US;
        last = now;
        if (err == 0 && waited > timeout_us) {
            err = -ETIMEDOUT;
        }
        // About half a byte at 100 kHz: the FIFOs bridge that.
        hal_idle();
    }
    if (err < 0) {
        restart(b);
    }
    return err;
}
