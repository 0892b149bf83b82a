/*
 * Kendryte K210: SHA256 accelerator
 *
 * Named GPIO output "dma-tx": words that can be written now (handshake 21).
 * The block has no interrupt.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_SHA256_H
#define HW_K210_SHA256_H

#include "hw/sysbus.h"
#include "qom/object.h"

#define TYPE_K210_SHA256 "k210-sha256"
OBJECT_DECLARE_SIMPLE_TYPE(K210Sha256State, K210_SHA256)

struct K210Sha256State {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    Clock *clk;
    qemu_irq dma_tx;

    uint32_t h[8];
    uint32_t block[16];     /* message words, as the compression wants them */
    uint32_t words;         /* of the block being filled */
    uint32_t num;           /* blocks of the message: 1..65536 */
    uint32_t done;          /* blocks hashed */
    uint32_t func0;         /* without en */
    uint32_t func1;
    bool busy;
    bool finished;
};

#endif
