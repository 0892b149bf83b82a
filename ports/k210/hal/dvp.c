// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>

#include "dvp.h"
#include "mmio.h"
#include "plic.h"
#include "sysctl.h"
#include "time.h"

#define DVP_CFG (DVP_BASE + 0x00)
#define DVP_R_ADDR (DVP_BASE + 0x04)
#define DVP_G_ADDR (DVP_BASE + 0x08)
#define DVP_B_ADDR (DVP_BASE + 0x0C)
#define DVP_CMOS_CFG (DVP_BASE + 0x10)
#define DVP_AXI (DVP_BASE + 0x1C)
#define DVP_STS (DVP_BASE + 0x20)
#define DVP_RGB_ADDR (DVP_BASE + 0x28)

#define CFG_START_INT (1u << 0)
#define CFG_FINISH_INT (1u << 1)
#define CFG_AI_OUTPUT (1u << 2)
#define CFG_DISPLAY_OUTPUT (1u << 3)
#define CFG_AUTO (1u << 4)
#define CFG_BURST_4 (1u << 8)
#define CFG_FORMAT_SHIFT (9)
#define CFG_FORMAT_MASK (3u << 9)
#define CFG_HREF_SHIFT (12)
#define CFG_LINE_SHIFT (20)
#define CFG_SIZE_MASK (0xFFu << CFG_HREF_SHIFT | 0x3FFu << CFG_LINE_SHIFT)

#define CMOS_CLK_ENABLE (1u << 8)
#define CMOS_RESET (1u << 16)
#define CMOS_POWER_DOWN (1u << 24)

// Every bit of STS is written together with its write enable, the next bit up.
#define STS_FRAME_START (1u << 0)
#define STS_FRAME_FINISH (1u << 8)
#define STS_DVP_EN (1u << 16)
#define STS_WE(bit) ((bit) << 1)

#define PIXELS_PER_BURST (8)
#define IRQ_PRIORITY (5)

// DVP_CFG.format
static const uint8_t format_code[] = { [DVP_RGB565] = 0, [DVP_YUV422] = 1, [DVP_Y] = 3 };

static struct {
    dvp_handler_t handler;
    uint32_t starts, stored;
    bool running, taking;
} dvp;

static void clear_status(uint32_t bits) {
    *mmio32(DVP_STS) = bits | STS_WE(bits);
}

uint32_t dvp_set_xclk(uint32_t hz) {
    uint32_t in = sysctl_clock_hz(CLOCK_APB1);
    uint32_t divider = hz == 0 ? 256 : (in + hz) / (2 * hz);
    divider = divider < 1 ? 1 : divider > 256 ? 256 : divider;
    mmio32_update(DVP_CMOS_CFG, 0xFF | CMOS_CLK_ENABLE, (divider - 1) | CMOS_CLK_ENABLE);
    return in / (2 * divider);
}

uint32_t dvp_init(uint32_t xclk_hz) {
    dvp_stop();
    sysctl_clock_enable(CLOCK_DVP, true);
    sysctl_reset_peripheral(CLOCK_DVP);
    *mmio32(DVP_CFG) = 0;
    *mmio32(DVP_AXI) = 0;
    clear_status(STS_FRAME_START | STS_FRAME_FINISH);
    return dvp_set_xclk(xclk_hz);
}

void dvp_deinit(void) {
    dvp_stop();
    mmio32_update(DVP_CMOS_CFG, CMOS_CLK_ENABLE, 0);
}

void dvp_reset_line(bool high) {
    mmio32_update(DVP_CMOS_CFG, CMOS_RESET, high ? CMOS_RESET : 0);
}

void dvp_power_down_line(bool high) {
    mmio32_update(DVP_CMOS_CFG, CMOS_POWER_DOWN, high ? CMOS_POWER_DOWN : 0);
}

void dvp_set_format(enum dvp_format format) {
    mmio32_update(DVP_CFG, CFG_FORMAT_MASK, (uint32_t)format_code[format] << CFG_FORMAT_SHIFT);
}

int dvp_set_size(unsigned width, unsigned height) {
    if (width == 0 || width % PIXELS_PER_BURST || width / PIXELS_PER_BURST > 0xFF || height == 0 || height > 0x3FF) {
        return -EINVAL;
    }
    mmio32_update(DVP_CFG, CFG_BURST_4 | CFG_SIZE_MASK,
        (width / PIXELS_PER_BURST) << CFG_HREF_SHIFT | height << CFG_LINE_SHIFT);
    return 0;
}

// The buffers are written after the start of the frame and before it is armed: the block takes the
// addresses when it is armed.
static void arm(const dvp_buffers_t *b) {
    uint32_t outputs = (b->display ? CFG_DISPLAY_OUTPUT : 0) | (b->r ? CFG_AI_OUTPUT : 0);
    *mmio32(DVP_RGB_ADDR) = b->display;
    *mmio32(DVP_R_ADDR) = b->r;
    *mmio32(DVP_G_ADDR) = b->g;
    *mmio32(DVP_B_ADDR) = b->b;
    mmio32_update(DVP_CFG, CFG_AI_OUTPUT | CFG_DISPLAY_OUTPUT, outputs);
    *mmio32(DVP_STS) = STS_DVP_EN | STS_WE(STS_DVP_EN);
}

static void dvp_irq(void *arg) {
    (void)arg;
    uint32_t status = *mmio32(DVP_STS);
    if (status & STS_FRAME_FINISH) {
        clear_status(STS_FRAME_FINISH);
        if (dvp.taking) {
            dvp.taking = false;
            dvp.stored++;
            dvp.handler.done(dvp.handler.arg);
        }
    }
    if (status & STS_FRAME_START) {
        dvp_buffers_t buffers = { 0 };
        dvp.starts++;
        // A frame that is still being stored cannot begin anew: its end comes first.
        if (!dvp.taking && dvp.handler.start(dvp.handler.arg, &buffers)) {
            dvp.taking = true;
            arm(&buffers);
        }
        clear_status(STS_FRAME_START);
    }
}

void dvp_start(const dvp_handler_t *handler) {
    dvp_stop();
    dvp.handler = *handler;
    dvp.starts = dvp.stored = 0;
    dvp.taking = false;
    dvp.running = true;
    clear_status(STS_FRAME_START | STS_FRAME_FINISH);
    plic_set_handler(IRQ_DVP, IRQ_PRIORITY, dvp_irq, NULL);
    mmio32_update(DVP_CFG, CFG_START_INT | CFG_FINISH_INT | CFG_AUTO, CFG_START_INT | CFG_FINISH_INT);
    plic_enable(IRQ_DVP, true);
}

void dvp_stop(void) {
    if (!dvp.running) {
        return;
    }
    uintptr_t state = hal_irq_disable();
    plic_enable(IRQ_DVP, false);
    dvp.running = dvp.taking = false;
    hal_irq_restore(state);
    // Outputs off: the rest of a frame that is under way goes nowhere. The size stays as it is.
    mmio32_update(DVP_CFG, CFG_START_INT | CFG_FINISH_INT | CFG_AUTO | CFG_AI_OUTPUT | CFG_DISPLAY_OUTPUT, 0);
    *mmio32(DVP_STS) = STS_WE(STS_DVP_EN);
    clear_status(STS_FRAME_START | STS_FRAME_FINISH);
    // What was already in the block's own buffer has reached memory after this.
    hal_delay_us(10);
}

bool dvp_running(void) {
    return dvp.running;
}

void dvp_counts(uint32_t *starts, uint32_t *stored) {
    *starts = dvp.starts;
    *stored = dvp.stored;
}
