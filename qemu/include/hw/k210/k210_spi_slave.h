/*
 * Kendryte K210: SPI2, the slave (DesignWare apb_ssi 4.01)
 *
 * The master outside is a character device (property "chardev"): each group
 * of bytes that makes up a frame (most significant byte first) is clocked
 * into the slave, and the frame the slave sends meanwhile goes back.
 *
 * One interrupt; named GPIO outputs "dma-rx" and "dma-tx": FIFO entries that
 * can be moved.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_SPI_SLAVE_H
#define HW_K210_SPI_SLAVE_H

#include "chardev/char-fe.h"
#include "hw/sysbus.h"
#include "qemu/fifo32.h"
#include "qom/object.h"

#define TYPE_K210_SPI_SLAVE "k210-spi-slave"
OBJECT_DECLARE_SIMPLE_TYPE(K210SpiSlaveState, K210_SPI_SLAVE)

#define K210_SPI_SLAVE_FIFO 32
#define K210_SPI_SLAVE_NREGS (0x120 / 4)

struct K210SpiSlaveState {
    SysBusDevice parent_obj;

    MemoryRegion mmio;
    CharBackend chr;
    Clock *clk;
    qemu_irq irq;
    qemu_irq dma_rx;
    qemu_irq dma_tx;

    uint32_t regs[K210_SPI_SLAVE_NREGS];
    uint32_t sticky;    /* overflow and underflow interrupts */
    uint32_t frame;     /* bytes of a frame received so far */
    uint32_t frame_bytes;
    Fifo32 rx;
    Fifo32 tx;
};

#endif
