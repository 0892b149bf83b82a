// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "dmac.h"
#include "kpu.h"
#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"

#define KPU_LAYER_FIFO (KPU_BASE + 0x00)
#define KPU_INT_STATUS (KPU_BASE + 0x08)
#define KPU_INT_MASK (KPU_BASE + 0x18)
#define KPU_INT_CLEAR (KPU_BASE + 0x20)
#define KPU_FIFO_THRESHOLD (KPU_BASE + 0x28)
#define KPU_FIFO_DATA_OUT (KPU_BASE + 0x30)
#define KPU_EIGHT_BIT_MODE (KPU_BASE + 0x40)

#define INT_CALC_DONE (1u << 0)
#define INT_ALL (7u)
#define FIFO_THRESHOLD(full, empty) ((full) | (empty) << 4)

#define WORD0_INT_EN (1ull << 0)
#define WORD11_SEND_DATA_OUT (1ull << 0)

// The window that every bus master reaches. The other one at 0x80600000 goes through the cache.
#define KPU_RAM_BASE (0x40600000u)
#define UNCACHED_START (0x40000000u)
#define UNCACHED_END (0x40600000u)

// Below this a copy by the CPU is faster than setting up a transfer.
#define DMA_MIN_BYTES (512)
#define UPLOAD_TIMEOUT_US (500000)

enum { IDLE, WAIT_IRQ, WAIT_DMA };

static struct {
    int state;
    unsigned queued;
    int dma; // channel of the result, -1 = none
    uint64_t looked, waited;
    volatile bool done;
    const char *waiting_for;
} kpu = { .dma = -1, .waiting_for = "nothing" };

static void irq_handler(void *arg) {
    (void)arg;
    *mmio64(KPU_INT_CLEAR) = INT_ALL;
    *mmio64(KPU_INT_MASK) = INT_ALL;
    kpu.done = true;
}

static void quiet(void) {
    *mmio64(KPU_INT_CLEAR) = INT_ALL;
    *mmio64(KPU_INT_MASK) = INT_ALL;
    *mmio64(KPU_FIFO_THRESHOLD) = FIFO_THRESHOLD(10, 1);
}

void kpu_init(void) {
    if (kpu.state != IDLE) {
        return;
    }
    sysctl_clock_enable(CLOCK_AI, true);
    sysctl_reset_peripheral(CLOCK_AI);
    quiet();
    plic_set_handler(IRQ_KPU, 4, irq_handler, NULL);
    plic_enable(IRQ_KPU, true);
}

static void end_layer(void) {
    if (kpu.dma >= 0) {
        dmac_release(kpu.dma);
        kpu.dma = -1;
    }
    kpu.state = IDLE;
}

static int start_output(void *dest, uint32_t dest_size) {
    int ch = dmac_claim("KPU result");
    if (ch < 0) {
        kpu.waiting_for = "a free DMA channel";
        return ch;
    }
    dmac_xfer_t x = {
        .src = KPU_FIFO_DATA_OUT, .dst = (uint32_t)(uintptr_t)dest,
        .src_inc = false, .dst_inc = true,
        .src_width = DMAC_WIDTH_64, .dst_width = DMAC_WIDTH_64,
        .src_burst = DMAC_BURST_8, .dst_burst = DMAC_BURST_8,
        .count = (dest_size + 7) / 8, .request = DMA_REQ_KPU, .direction = DMAC_PERIPHERAL_TO_MEM,
    };
    int ret = dmac_start(ch, &x);
    if (ret < 0) {
        dmac_release(ch);
        kpu.waiting_for = "the DMA channel of the result";
        return ret;
    }
    kpu.dma = ch;
    return 0;
}

static void push(const uint64_t w[12]) {
    __asm__ volatile ("fence rw, rw" : : : "memory");
    for (unsigned i = 0; i < 12; ++i) {
        *mmio64(KPU_LAYER_FIFO) = w[i];
    }
}

static void add_tables(uint64_t w[12], const uint64_t words[12], const void *weights, const void *bn, const void *act) {
    memcpy(w, words, 12 * sizeof(w[0]));
    w[4] |= (uint64_t)(uint32_t)(uintptr_t)bn << 32;
    w[5] |= (uint64_t)(uint32_t)(uintptr_t)weights << 32;
    w[7] |= (uint64_t)(uint32_t)(uintptr_t)act << 32;
}

int kpu_layer_queue(const uint64_t words[12], const void *weights, const void *bn, const void *act, bool eight_bit) {
    if (kpu.state != IDLE || kpu.queued >= KPU_QUEUE_MAX - 1) {
        kpu.waiting_for = "the layers before";
        return -EBUSY;
    }
    uint64_t w[12];
    add_tables(w, words, weights, bn, act);
    if (kpu.queued++ == 0) {
        quiet();
        *mmio64(KPU_EIGHT_BIT_MODE) = eight_bit;
    }
    push(w);
    return 0;
}

int kpu_layer_start(const uint64_t words[12], const void *weights, const void *bn, const void *act,
    bool eight_bit, void *dest, uint32_t dest_size) {
    if (kpu.state != IDLE) {
        kpu.waiting_for = "the layer before";
        return -EBUSY;
    }
    uint64_t w[12];
    add_tables(w, words, weights, bn, act);
    if (kpu.queued == 0) {
        quiet();
        *mmio64(KPU_EIGHT_BIT_MODE) = eight_bit;
    }
    if (dest != NULL) {
        // The end of the DMA is the end of the layer, so the KPU itself need not interrupt.
        int ret = start_output(dest, dest_size);
        if (ret < 0) {
            kpu_layer_stop();
            return ret;
        }
        w[11] |= WORD11_SEND_DATA_OUT;
        kpu.state = WAIT_DMA;
        kpu.waiting_for = "the DMA of the KPU's result";
    } else {
        w[0] |= WORD0_INT_EN;
        kpu.done = false;
        *mmio64(KPU_INT_MASK) = INT_ALL & ~INT_CALC_DONE;
        kpu.state = WAIT_IRQ;
        kpu.waiting_for = "the calc_done interrupt of the KPU";
    }
    kpu.queued = 0;
    kpu.looked = hal_time_us();
    kpu.waited = 0;
    push(w);
    return 0;
}

// A gap between two looks counts at most this: a callback, or a busy host below an emulator.
#define LOOK_US (5000)

int kpu_layer_poll(void) {
    if (kpu.state == IDLE) {
        return -EINVAL;
    }
    // Look at the clock first: a layer that ended while this code did not run is not late.
    uint64_t now = hal_time_us(), gap = now - kpu.looked;
    kpu.looked = now;
    kpu.waited += gap < LOOK_US ? gap : LOOK_US;
    bool late = kpu.waited > KPU_LAYER_TIMEOUT_US;
    int ret;
    if (kpu.state == WAIT_DMA) {
        ret = dmac_busy(kpu.dma) ? 0 : dmac_wait(kpu.dma, 0) < 0 ? -EIO : 1;
    } else {
        ret = kpu.done;
    }
    if (ret == 0 && late) {
        ret = -ETIMEDOUT;
    }
    if (ret < 0) {
        kpu_layer_stop();
    } else if (ret > 0) {
        __asm__ volatile ("fence rw, rw" : : : "memory");
        end_layer();
    }
    return ret;
}

void kpu_layer_stop(void) {
    if (kpu.state != IDLE || kpu.queued != 0) {
        *mmio64(KPU_INT_MASK) = INT_ALL;
        kpu.queued = 0;
        end_layer();
        // Half a layer in the FIFO, or a stream that nobody reads, would spoil the next run.
        sysctl_reset_peripheral(CLOCK_AI);
        quiet();
    }
}

const char *kpu_layer_waiting_for(void) {
    return kpu.waiting_for;
}

static int upload_by_dma(uintptr_t dst, uintptr_t src, uint32_t n) {
    int ch = dmac_claim("KPU input");
    if (ch < 0) {
        return ch;
    }
    dmac_xfer_t x = {
        .src = (uint32_t)src, .dst = (uint32_t)dst, .src_inc = true, .dst_inc = true,
        .src_width = DMAC_WIDTH_64, .dst_width = DMAC_WIDTH_64,
        .src_burst = DMAC_BURST_16, .dst_burst = DMAC_BURST_16,
        .count = n / 8, .request = -1, .direction = DMAC_MEM_TO_MEM,
    };
    int ret = dmac_start(ch, &x);
    if (ret == 0) {
        kpu.waiting_for = "the DMA of the KPU's input";
        ret = dmac_wait(ch, UPLOAD_TIMEOUT_US);
    }
    dmac_release(ch);
    return ret;
}

int kpu_ram_write(uint32_t off, const void *src_in, uint32_t n) {
    if (off > KPU_RAM_SIZE || n > KPU_RAM_SIZE - off) {
        return -EINVAL;
    }
    uintptr_t dst = KPU_RAM_BASE + off;
    uintptr_t at = (uintptr_t)src_in;
    if (n >= DMA_MIN_BYTES && ((dst | at | n) & 7) == 0 && at >= UNCACHED_START && n <= UNCACHED_END - at
        && at < UNCACHED_END) {
        int ret = upload_by_dma(dst, at, n);
        if (ret != -EBUSY) {
            return ret;
        }
        // All channels taken: the CPU can do it, too.
    }
    const uint8_t *src = src_in;
    for (; n > 0 && (dst & 7); --n) {
        *(volatile uint8_t *)dst++ = *src++;
    }
    if (((uintptr_t)src & 7) == 0) {
        for (; n >= 8; n -= 8, dst += 8, src += 8) {
            *(volatile uint64_t *)dst = *(const uint64_t *)src;
        }
    }
    for (; n >= 8; n -= 8, dst += 8, src += 8) {
        uint64_t v;
        memcpy(&v, src, 8);
        *(volatile uint64_t *)dst = v;
    }
    for (; n > 0; --n) {
        *(volatile uint8_t *)dst++ = *src++;
    }
    return 0;
}

int kpu_ram_read(uint32_t off, void *dst_out, uint32_t n) {
    if (off > KPU_RAM_SIZE || n > KPU_RAM_SIZE - off) {
        return -EINVAL;
    }
    uintptr_t src = KPU_RAM_BASE + off;
    uint8_t *dst = dst_out;
    for (; n > 0 && (src & 7); --n) {
        *dst++ = *(volatile uint8_t *)src++;
    }
    if (((uintptr_t)dst & 7) == 0) {
        for (; n >= 8; n -= 8, src += 8, dst += 8) {
            *(uint64_t *)dst = *(volatile uint64_t *)src;
        }
    }
    for (; n >= 8; n -= 8, src += 8, dst += 8) {
        uint64_t v = *(volatile uint64_t *)src;
        memcpy(dst, &v, 8);
    }
    for (; n > 0; --n) {
        *dst++ = *(volatile uint8_t *)src++;
    }
    return 0;
}

volatile uint64_t *kpu_ram_words(void) {
    return (volatile uint64_t *)(uintptr_t)KPU_RAM_BASE;
}
