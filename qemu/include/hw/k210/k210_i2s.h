/*
 * Kendryte K210: I2S0..2 (DesignWare I2S, master)
 *
 * Clock input "clk" is the bit clock SCLK. One interrupt. Named GPIO outputs
 * "dma-rx" and "dma-tx": words that RXDMA and TXDMA can move.
 *
 * Properties: "wav-out" (path: everything sent, 16-bit PCM, two channels for
 * each transmitter enabled at the first sample), "wav-in" (path of a 16-bit
 * mono or stereo file that all receivers hear from the first frame on, played
 * at its own rate; silence after its end), "wav-loop" (start it again). "%d"
 * in a path stands for the block's number, for use with -global; both paths
 * may be changed at run time.
 *
 * I2S0 shares interrupt and reset with the APU: input "apu-irq", output
 * "apu-reset".
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_I2S_H
#define HW_K210_I2S_H

#include "hw/sysbus.h"
#include "hw/k210/k210_ticks.h"
#include "hw/k210/k210_wav.h"
#include "qemu/notify.h"
#include "qom/object.h"

#define TYPE_K210_I2S "k210-i2s"
OBJECT_DECLARE_SIMPLE_TYPE(K210I2sState, K210_I2S)

#define K210_I2S_CHANNELS 4
/* The trigger fields go up to 16; the datasheet's byte counts fit no driver. */
#define K210_I2S_FIFO 16

typedef struct K210I2sFifo {
    uint32_t data[K210_I2S_FIFO];
    uint32_t pos, used;
} K210I2sFifo;

/* False: the FIFO is full. */
static inline bool k210_i2s_fifo_push(K210I2sFifo *f, uint32_t v)
{
    if (f->used == K210_I2S_FIFO) {
        return false;
    }
    f->data[(f->pos + f->used++) % K210_I2S_FIFO] = v;
    return true;
}

/* False: the FIFO is empty. */
static inline bool k210_i2s_fifo_pop(K210I2sFifo *f, uint32_t *v)
{
    if (!f->used) {
        return false;
    }
    *v = f->data[f->pos];
    f->pos = (f->pos + 1) % K210_I2S_FIFO;
    f->used--;
    return true;
}

/* Empties the left and the right FIFO of a channel. */
static inline void k210_i2s_fifo_clear(K210I2sFifo f[2])
{
    f[0].used = f[0].pos = f[1].used = f[1].pos = 0;
}

typedef struct K210I2sChannel {
    K210I2sFifo tx[2];  /* left, right */
    K210I2sFifo rx[2];
    uint32_t rer, ter, rcr, tcr, imr, rfcr, tfcr;
    bool rx_overrun, tx_overrun;
} K210I2sChannel;

struct K210I2sState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq irq;
    qemu_irq dma_rx;
    qemu_irq dma_tx;
    qemu_irq apu_reset;
    QEMUTimer timer;
    Notifier exit;
    uint32_t index;
    char *wav_out;
    char *wav_in;
    bool wav_loop;

    K210WavWriter out;
    bool out_failed;
    uint8_t out_mask;       /* transmitters in the file */
    K210WavData in;
    uint64_t frame;         /* frames since the receiver was started */

    K210Ticks ticks;
    uint64_t next_frame;    /* tick at which the running frame ends */
    uint32_t ier, irer, iter, cer, ccr;
    uint32_t rx_phase;      /* position in the cycle of RXDMA */
    uint32_t tx_phase;
    bool apu_irq;
    K210I2sChannel ch[K210_I2S_CHANNELS];
};

#endif
