/*
 * Kendryte K210: DMA controller (DesignWare AXI DMAC, six channels)
 *
 * Named GPIO input "hs"[64]: DMA requests, indexed by the value of SYSCTL
 * DMA_SEL. The level is the number of FIFO entries that the peripheral can
 * deliver or take right now.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_DMAC_H
#define HW_K210_DMAC_H

#include "hw/clock.h"
#include "hw/k210/k210_sysctl.h"
#include "hw/sysbus.h"
#include "qemu/timer.h"
#include "qom/object.h"

#define TYPE_K210_DMAC "k210-dmac"
OBJECT_DECLARE_SIMPLE_TYPE(K210DmacState, K210_DMAC)

#define K210_DMAC_CHANNELS 6
#define K210_DMAC_REQUESTS 64
/* Source bytes that did not fill a destination beat yet. */
#define K210_DMAC_LEFT 128

typedef struct K210DmacChannel {
    K210DmacState *dmac;
    unsigned n;
    qemu_irq irq;
    QEMUTimer *timer;

    /* Registers as software sees them. */
    uint64_t sar, dar, block_ts, ctl, cfg, llp;
    uint64_t swhs[2];           /* source, destination */
    uint64_t axi_id, axi_qos, sstatar, dstatar;
    uint32_t sstat, dstat;
    uint32_t int_en, int_status, int_signal;

    bool enabled, suspended;
    /* What the channel waits for before its next block. */
    uint8_t wait;

    /* The block being moved. */
    uint64_t src, dst, block_ctl;
    uint32_t items, done;       /* in units of the source width */
    bool in_block;
    uint32_t step;              /* items that the running timer stands for */
    uint8_t left[K210_DMAC_LEFT];
    uint32_t left_len;
} K210DmacChannel;

struct K210DmacState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    K210SysctlState *sysctl;

    uint64_t cfg;
    uint32_t com_int_en, com_int_status, com_int_signal;
    int32_t level[K210_DMAC_REQUESTS];
    K210DmacChannel ch[K210_DMAC_CHANNELS];
    uint8_t *buffer;
};

#endif
