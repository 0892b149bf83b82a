// SPDX-License-Identifier: MIT
#include <errno.h>

#include "bounce.h"
#include "dmac.h"
#include "fft.h"
#include "mmio.h"
#include "sysctl.h"

#define FFT_INPUT_FIFO (FFT_BASE + 0x00)
#define FFT_CTRL (FFT_BASE + 0x08)
#define FFT_FIFO_CTRL (FFT_BASE + 0x10)
#define FFT_INTR_MASK (FFT_BASE + 0x18)
#define FFT_INTR_CLEAR (FFT_BASE + 0x20)
#define FFT_OUTPUT_FIFO (FFT_BASE + 0x38)

#define CTRL_INVERSE (1u << 3)
#define CTRL_SHIFT(s) ((s) << 4)
#define CTRL_ENABLE (1u << 13)
#define CTRL_DMA_SEND (1u << 14)

#define FIFO_RUN (7) // no flush
#define TIMEOUT_US (1000000)

static int run(int from, int to, uint8_t *buffer, unsigned points) {
    dmac_xfer_t output = {
        .src = FFT_OUTPUT_FIFO,
        .dst = (uintptr_t)buffer + BOUNCE_BYTES / 2,
        .dst_inc = true,
        .src_width = DMAC_WIDTH_64,
        .dst_width = DMAC_WIDTH_64,
        .src_burst = DMAC_BURST_4,
        .dst_burst = DMAC_BURST_4,
        .count = points / 2,
        .request = DMA_REQ_FFT_RX,
        .direction = DMAC_PERIPHERAL_TO_MEM,
    };
    dmac_xfer_t input = output;
    input.src = (uintptr_t)buffer;
    input.dst = FFT_INPUT_FIFO;
    input.src_inc = true;
    input.dst_inc = false;
    input.request = DMA_REQ_FFT_TX;
    input.direction = DMAC_MEM_TO_PERIPHERAL;
    int err = dmac_start(to, &output);
    err = err == 0 ? dmac_start(from, &input) : err;
    err = err == 0 ? dmac_wait(from, TIMEOUT_US) : err;
    return err == 0 ? dmac_wait(to, TIMEOUT_US) : err;
}

int fft_run(fft_point_t *data, unsigned points, unsigned shift, bool inverse) {
    unsigned code = points == 512 ? 0 : points == 256 ? 1 : points == 128 ? 2 : 3;
    if ((code == 3 && points != 64) || shift > 0x1FF) {
        return -EINVAL;
    }
    uint8_t *buffer = bounce_take();
    if (buffer == NULL) {
        return -EBUSY;
    }
    int from = dmac_claim("fft"), to = dmac_claim("fft");
    int err = from < 0 || to < 0 ? -EBUSY : 0;
    if (err == 0) {
        sysctl_clock_enable(CLOCK_FFT, true);
        sysctl_reset_peripheral(CLOCK_FFT);
        *mmio64(FFT_INTR_MASK) = 1;
        *mmio64(FFT_INTR_CLEAR) = 1;
        *mmio64(FFT_FIFO_CTRL) = FIFO_RUN;
        // With the real part in the low half, mode 0 is the forward transform.
        *mmio64(FFT_CTRL) = code | (inverse ? CTRL_INVERSE : 0) | CTRL_SHIFT(shift) | CTRL_ENABLE | CTRL_DMA_SEND;
        bounce_copy_in(buffer, (const uint8_t *)data, points * sizeof(*data));
        err = run(from, to, buffer, points);
        bounce_copy_out((uint8_t *)data, buffer + BOUNCE_BYTES / 2, points * sizeof(*data));
        *mmio64(FFT_CTRL) = 0;
    }
    dmac_release(from);
    dmac_release(to);
    bounce_give();
    return err;
}
