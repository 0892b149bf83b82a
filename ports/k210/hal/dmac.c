// SPDX-License-Identifier: MIT
#include <errno.h>

#include "dmac.h"
#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"

#define DMAC_CFG (DMAC_BASE + 0x10)
#define DMAC_CHEN (DMAC_BASE + 0x18)
#define DMAC_COM_INTCLEAR (DMAC_BASE + 0x38)
#define DMAC_RESET (DMAC_BASE + 0x58)

#define DMAC_CH(ch) (DMAC_BASE + 0x100 + 0x100 * (ch))
#define CH_SAR (0x00)
#define CH_DAR (0x08)
#define CH_BLOCK_TS (0x10)
#define CH_CTL (0x18)
#define CH_CFG (0x20)
#define CH_INTSTATUS_EN (0x80)
#define CH_INTSTATUS (0x88)
#define CH_INTSIGNAL_EN (0x90)
#define CH_INTCLEAR (0x98)

#define CFG_ENABLE (3) // controller and its interrupts
#define CHEN_ENABLE(ch) (1ull << (ch) | 1ull << ((ch) + 8))
#define CHEN_DISABLE(ch) (1ull << ((ch) + 8))
#define CHEN_ABORT(ch) (1ull << ((ch) + 32) | 1ull << ((ch) + 40))

#define CTL_SMS_MASTER1 (0ull << 0)
#define CTL_DMS_MASTER2 (1ull << 2)
#define CTL_SRC_FIXED (1ull << 4)
#define CTL_DST_FIXED (1ull << 6)
#define CTL_SRC_WIDTH(w) ((uint64_t)(w) << 8)
#define CTL_DST_WIDTH(w) ((uint64_t)(w) << 11)
#define CTL_SRC_BURST(b) ((uint64_t)(b) << 14)
#define CTL_DST_BURST(b) ((uint64_t)(b) << 18)

#define CFG_FLOW(f) ((uint64_t)(f) << 32)
#define CFG_SRC_SOFTWARE (1ull << 35)
#define CFG_DST_SOFTWARE (1ull << 36)
#define CFG_SRC_PER(n) ((uint64_t)(n) << 39)
#define CFG_DST_PER(n) ((uint64_t)(n) << 44)

#define INT_DONE (1u << 1)
#define INT_ERRORS (0x1F7FE0u) // bus, linked list and register errors

static struct {
    const char *owner;
    volatile bool running;
    volatile int status;
    void (*done)(void *arg, int status);
    void *arg;
} channels[DMAC_CHANNELS];

// Closes the books on a channel that the hardware has switched off. With interrupts off.
static void finish(unsigned ch) {
    uint64_t status = *mmio64(DMAC_CH(ch) + CH_INTSTATUS);
    *mmio64(DMAC_CH(ch) + CH_INTCLEAR) = 0xFFFFFFFF;
    if (!channels[ch].running) {
        return;
    }
    channels[ch].running = false;
    channels[ch].status = status & INT_ERRORS ? -EIO : 0;
    if (channels[ch].done != NULL) {
        channels[ch].done(channels[ch].arg, channels[ch].status);
    }
}

static void irq_handler(void *arg) {
    unsigned ch = (uintptr_t)arg;
    if (*mmio64(DMAC_CHEN) >> ch & 1) {
        // An error that did not stop the channel: stop it here.
        *mmio64(DMAC_CHEN) = CHEN_DISABLE(ch);
    }
    finish(ch);
}

void dmac_init(void) {
    sysctl_clock_enable(CLOCK_DMA, true);
    *mmio64(DMAC_RESET) = 1;
    HAL_WAIT(!(*mmio64(DMAC_RESET) & 1), 100000);
    *mmio64(DMAC_COM_INTCLEAR) = 0x10F;
    *mmio64(DMAC_CFG) = 0;
    HAL_WAIT(*mmio64(DMAC_CFG) == 0, 100000);
    for (unsigned ch = 0; ch < DMAC_CHANNELS; ++ch) {
        *mmio64(DMAC_CHEN) = CHEN_DISABLE(ch);
        *mmio64(DMAC_CH(ch) + CH_INTSTATUS_EN) = 0;
        plic_set_handler(IRQ_DMAC0 + ch, 5, irq_handler, (void *)(uintptr_t)ch);
        plic_enable(IRQ_DMAC0 + ch, true);
    }
    *mmio64(DMAC_CFG) = CFG_ENABLE;
}

int dmac_claim(const char *owner) {
    uintptr_t irq = hal_irq_disable();
    int found = -EBUSY;
    for (int ch = 0; ch < DMAC_CHANNELS; ++ch) {
        if (channels[ch].owner == NULL) {
            channels[ch].owner = owner;
            found = ch;
            break;
        }
    }
    hal_irq_restore(irq);
    return found;
}

void dmac_release(int ch) {
    if (ch >= 0 && ch < DMAC_CHANNELS) {
        dmac_stop(ch);
        channels[ch].owner = NULL;
    }
}

const char *dmac_owner(int ch) {
    return ch >= 0 && ch < DMAC_CHANNELS ? channels[ch].owner : NULL;
}

int dmac_start(int ch, const dmac_xfer_t *x) {
    if (ch < 0 || ch >= DMAC_CHANNELS || x->count == 0 || x->count > DMAC_MAX_COUNT
        || (x->src & ((1u << x->src_width) - 1)) || (x->dst & ((1u << x->dst_width) - 1))
        || (x->request < 0) != (x->direction == DMAC_MEM_TO_MEM)) {
        return -EINVAL;
    }
    if (channels[ch].running) {
        return -EBUSY;
    }
    uintptr_t base = DMAC_CH(ch);
    *mmio64(base + CH_INTCLEAR) = 0xFFFFFFFF;
    *mmio64(DMAC_CHEN) = CHEN_DISABLE(ch);
    if (!HAL_WAIT(!(*mmio64(DMAC_CHEN) >> ch & 1), 100000)) {
        return -EBUSY;
    }
    // The handshake "peripheral" is the channel number; SYSCTL connects it to the real one.
    uint64_t cfg = CFG_FLOW(x->direction) | CFG_SRC_PER(ch) | CFG_DST_PER(ch);
    if (x->direction != DMAC_PERIPHERAL_TO_MEM) {
        cfg |= CFG_SRC_SOFTWARE;
    }
    if (x->direction != DMAC_MEM_TO_PERIPHERAL) {
        cfg |= CFG_DST_SOFTWARE;
    }
    if (x->request >= 0) {
        sysctl_dma_select(ch, x->request);
    }
    *mmio64(base + CH_CFG) = cfg;
    *mmio64(base + CH_SAR) = x->src;
    *mmio64(base + CH_DAR) = x->dst;
    *mmio64(base + CH_CTL) = CTL_SMS_MASTER1 | CTL_DMS_MASTER2
        | (x->src_inc ? 0 : CTL_SRC_FIXED) | (x->dst_inc ? 0 : CTL_DST_FIXED)
        | CTL_SRC_WIDTH(x->src_width) | CTL_DST_WIDTH(x->dst_width)
        | CTL_SRC_BURST(x->src_burst) | CTL_DST_BURST(x->dst_burst);
    *mmio64(base + CH_BLOCK_TS) = x->count - 1;
    *mmio64(base + CH_INTSTATUS_EN) = INT_DONE | INT_ERRORS;
    *mmio64(base + CH_INTSIGNAL_EN) = INT_DONE | INT_ERRORS;
    channels[ch].done = x->done;
    channels[ch].arg = x->arg;
    channels[ch].status = 0;
    channels[ch].running = true;
    __asm__ volatile ("fence rw, rw" : : : "memory");
    *mmio64(DMAC_CHEN) = CHEN_ENABLE(ch);
    return 0;
}

bool dmac_busy(int ch) {
    if (ch < 0 || ch >= DMAC_CHANNELS || !channels[ch].running) {
        return false;
    }
    // Look at the hardware, too: interrupts may be off.
    uintptr_t irq = hal_irq_disable();
    if (channels[ch].running && !(*mmio64(DMAC_CHEN) >> ch & 1)) {
        finish(ch);
    }
    bool busy = channels[ch].running;
    hal_irq_restore(irq);
    return busy;
}

int dmac_wait(int ch, uint32_t timeout_us) {
    if (ch < 0 || ch >= DMAC_CHANNELS) {
        return -EINVAL;
    }
    if (!HAL_WAIT(!dmac_busy(ch), timeout_us)) {
        dmac_stop(ch);
        return -ETIMEDOUT;
    }
    __asm__ volatile ("fence rw, rw" : : : "memory");
    return channels[ch].status;
}

void dmac_stop(int ch) {
    if (ch < 0 || ch >= DMAC_CHANNELS) {
        return;
    }
    channels[ch].running = false;
    *mmio64(DMAC_CHEN) = CHEN_DISABLE(ch);
    if (!HAL_WAIT(!(*mmio64(DMAC_CHEN) >> ch & 1), 100000)) {
        // A peripheral that stopped asking keeps the channel waiting for ever.
        *mmio64(DMAC_CHEN) = CHEN_ABORT(ch);
        HAL_WAIT(!(*mmio64(DMAC_CHEN) >> ch & 1), 100000);
    }
    *mmio64(DMAC_CH(ch) + CH_INTCLEAR) = 0xFFFFFFFF;
}
