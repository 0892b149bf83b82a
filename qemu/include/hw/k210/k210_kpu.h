/*
 * Kendryte K210: KPU (neural network accelerator)
 *
 * Named GPIO output "dma-rx": 64-bit words of the output stream that can be
 * read now (handshake 22). Link "airam": the 2 MiB of AI SRAM.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_KPU_H
#define HW_K210_KPU_H

#include "hw/clock.h"
#include "hw/k210/k210_kpu_arith.h"
#include "hw/sysbus.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "qom/object.h"

#define TYPE_K210_KPU "k210-kpu"
OBJECT_DECLARE_SIMPLE_TYPE(K210KpuState, K210_KPU)

/*
 * Layers that wait. The thresholds count to 15; the vendor's first driver
 * pushes twice 12 in a row, because the event of the first layer that was
 * taken is still pending when it unmasks the interrupt. So stores beyond the
 * FIFO must be held back by the bus: here the words of that many layers wait.
 */
#define K210_KPU_QUEUE 48

struct K210KpuState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    MemoryRegion guard[2];      /* over AI SRAM while a layer runs, strict */
    MemoryRegion *airam;
    AddressSpace as;            /* AI SRAM alone, as the KPU sees it */
    Clock *clk;
    qemu_irq irq;
    qemu_irq dma_rx;
    QEMUTimer *timer;

    uint32_t int_raw, int_mask, fifo_threshold, fifo_ctrl;
    bool eight_bit;

    uint64_t queue[K210_KPU_QUEUE * K210_KPU_LAYER_WORDS];
    uint32_t queued;            /* words */
    uint32_t write_low;         /* lower half of a word written in halves */

    uint64_t layer[K210_KPU_LAYER_WORDS];
    bool running;
    bool failed;                /* the layer was illegal: no result */
    bool stopped;               /* by property: no layer ends */
    bool layer_eight_bit;

    uint8_t *stream;            /* what FIFO_DATA_OUT still has */
    uint32_t stream_size, stream_pos, stream_len;

    K210KpuArith *arith;
    struct K210KpuThreads *threads;
    QemuThread worker;
    QemuMutex lock;
    QemuCond cond;
    enum { K210_KPU_IDLE, K210_KPU_WORK, K210_KPU_READY, K210_KPU_QUIT } job;
};

#endif
