/*
 * Kendryte K210: FFT accelerator (64 to 512 points, 16-bit complex)
 *
 * Clock input "clk" (ACLK), one interrupt, named GPIO outputs "dma-tx"
 * (64-bit words INPUT_FIFO takes, handshake 24) and "dma-rx" (words that
 * OUTPUT_FIFO holds, handshake 23).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_FFT_H
#define HW_K210_FFT_H

#include "hw/sysbus.h"
#include "qemu/timer.h"
#include "qom/object.h"

#define TYPE_K210_FFT "k210-fft"
OBJECT_DECLARE_SIMPLE_TYPE(K210FftState, K210_FFT)

#define K210_FFT_MAX 512

/*
 * In-place transform of 1 << @log2n points. Stage k divides by two when bit k
 * of @shift is set. Results wider than 16 bits are clipped; *@clipped counts
 * them.
 */
void k210_fft_transform(int16_t *re, int16_t *im, unsigned log2n,
                        bool inverse, uint32_t shift, unsigned *clipped);

struct K210FftState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq;
    qemu_irq dma_rx;
    qemu_irq dma_tx;
    QEMUTimer timer;

    uint32_t ctrl;
    uint32_t fifo_ctrl;
    uint32_t intr_mask;
    bool done;
    bool working;

    int16_t re[K210_FFT_MAX];
    int16_t im[K210_FFT_MAX];
    uint32_t in;        /* int16 values taken so far */
    uint32_t out;       /* points given out */
    bool has_output;
    uint32_t high_half; /* of a 64-bit register accessed by halves */
    uint32_t low_half;
};

#endif
