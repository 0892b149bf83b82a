/*
 * Kendryte K210: SPI0, SPI1 (DesignWare apb_ssi 4.01) and SPI3 (DWC_ssi 1.01)
 *
 * QEMU interface:
 *  + property "index": 0, 1 or 3; selects the CTRLR0 layout and the version
 *  + MMIO region 0: the registers; for index 3 the whole 32 MiB slot, in which
 *    the execute-in-place window replaces the registers while "xip-en" is high
 *  + SysBus IRQ 0
 *  + Clock "clk": ssi_clk, before BAUDR
 *  + child bus "ssi"
 *  + named GPIO outputs "cs"[4]: chip selects, active low
 *  + named GPIO outputs "dma-rx", "dma-tx": number of FIFO entries that can
 *    be moved now
 *  + named GPIO input "xip-en": SYSCTL PERI.spi3_xip_en (index 3)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_K210_SPI_H
#define HW_K210_SPI_H

#include "hw/sysbus.h"
#include "hw/clock.h"
#include "hw/k210/k210_w25q.h"
#include "qom/object.h"

#define TYPE_K210_SPI "k210-spi"
OBJECT_DECLARE_SIMPLE_TYPE(K210SpiState, K210_SPI)

#define K210_SPI_NUM_CS     4
#define K210_SPI_FIFO       32
/* Entries a DMA transfer may be ahead of the wire; see k210_spi.c. */
#define K210_SPI_AHEAD      1024
#define K210_SPI_NUM_REGS   (0x120 / 4)
#define K210_XIP_BASE       0x54000000
#define K210_XIP_SIZE       0x02000000
#define K210_NO_CODE_PAGE   UINT64_MAX

typedef struct K210SpiFifo {
    uint32_t data[K210_SPI_AHEAD];
    uint32_t head;
    uint32_t num;
} K210SpiFifo;

struct K210SpiState {
    SysBusDevice parent_obj;

    MemoryRegion container;
    MemoryRegion iomem;
    MemoryRegion xip;
    SSIBus *bus;
    Clock *clk;
    QEMUTimer *timer;
    qemu_irq irq;
    qemu_irq cs[K210_SPI_NUM_CS];
    qemu_irq dma_rx;
    qemu_irq dma_tx;
    uint8_t index;

    uint32_t regs[K210_SPI_NUM_REGS];
    K210SpiFifo tx;
    K210SpiFifo rx;
    uint32_t sticky;        /* TXO, RXU, RXO, MST of RISR */

    /* Transfer engine; times are virtual nanoseconds in 1/256ths */
    int64_t now;            /* end of the last frame */
    int64_t frame_end;      /* end of the frame in the shifter */
    uint32_t phase;
    uint32_t rx_left;       /* frames still to be received */
    uint32_t frame_value;
    uint32_t frame_bits;
    uint32_t frame_kind;
    bool shifting;
    bool idle;              /* the last frame was not followed by another */
    bool no_clock_told;
    uint32_t selected;      /* chip selects that are low */

    bool xip_on;
    bool xip_plain;         /* the window's command is one of the flash's */
    K210W25qState *xip_flash;
    bool irq_level;
    uint32_t dma_rx_level;
    uint32_t dma_tx_level;
};

/*
 * Where instruction fetches from this page of the flash window are to go;
 * K210_NO_CODE_PAGE: to the window itself.
 */
hwaddr k210_spi_code_page(uint32_t offset);

#endif
