/*
 * Kendryte K210: SPI2, the slave (DesignWare apb_ssi 4.01)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_mmio.h"
#include "hw/k210/k210_spi_slave.h"
#include "trace.h"

REG32(CTRLR0, 0x00)
    FIELD(CTRLR0, TMOD, 8, 2)
    FIELD(CTRLR0, SLV_OE, 10, 1)    /* 1 = the output stays off */
    FIELD(CTRLR0, DFS, 16, 5)
REG32(CTRLR1, 0x04)
REG32(SSIENR, 0x08)
REG32(MWCR, 0x0c)
REG32(TXFTLR, 0x18)
REG32(RXFTLR, 0x1c)
REG32(TXFLR, 0x20)
REG32(RXFLR, 0x24)
REG32(SR, 0x28)
    FIELD(SR, TFNF, 1, 1)
    FIELD(SR, TFE, 2, 1)
    FIELD(SR, RFNE, 3, 1)
    FIELD(SR, RFF, 4, 1)
    FIELD(SR, TXE, 5, 1)
REG32(IMR, 0x2c)
REG32(ISR, 0x30)
REG32(RISR, 0x34)
    FIELD(RISR, TXE, 0, 1)
    FIELD(RISR, TXO, 1, 1)
    FIELD(RISR, RXU, 2, 1)
    FIELD(RISR, RXO, 3, 1)
    FIELD(RISR, RXF, 4, 1)
REG32(TXOICR, 0x38)
REG32(RXOICR, 0x3c)
REG32(RXUICR, 0x40)
REG32(MSTICR, 0x44)
REG32(ICR, 0x48)
REG32(DMACR, 0x4c)
REG32(DMATDLR, 0x50)
REG32(DMARDLR, 0x54)
REG32(IDR, 0x58)
REG32(SSIC_VERSION, 0x5c)
REG32(DR0, 0x60)
REG32(DR35, 0xec)
REG32(ENDIAN, 0x118)

#define SSIC_VERSION 0x3430312a /* "401*" */

enum { TMOD_BOTH, TMOD_TX, TMOD_RX };

static bool enabled(K210SpiSlaveState *s)
{
    return s->regs[R_SSIENR] & 1;
}

static unsigned frame_bits(K210SpiSlaveState *s)
{
    return FIELD_EX32(s->regs[R_CTRLR0], CTRLR0, DFS) + 1;
}

static uint32_t raw_status(K210SpiSlaveState *s)
{
    uint32_t r = s->sticky;

    r = FIELD_DP32(r, RISR, TXE,
                   fifo32_num_used(&s->tx) <= s->regs[R_TXFTLR]);
    r = FIELD_DP32(r, RISR, RXF,
                   fifo32_num_used(&s->rx) > s->regs[R_RXFTLR]);
    return enabled(s) ? r : s->sticky;
}

static void update(K210SpiSlaveState *s)
{
    uint32_t dmacr = enabled(s) ? s->regs[R_DMACR] : 0;

    qemu_set_irq(s->irq, (raw_status(s) & s->regs[R_IMR]) != 0);
    qemu_set_irq(s->dma_rx, dmacr & 1 ? fifo32_num_used(&s->rx) : 0);
    qemu_set_irq(s->dma_tx, dmacr & 2 ? fifo32_num_free(&s->tx) : 0);
}

/* The master has clocked a frame: one comes in while one goes out. */
static void exchange(K210SpiSlaveState *s)
{
    unsigned tmod = FIELD_EX32(s->regs[R_CTRLR0], CTRLR0, TMOD);
    unsigned bytes = s->frame_bytes;
    uint32_t out = 0;
    uint8_t answer[4];

    if (tmod != TMOD_RX && !fifo32_is_empty(&s->tx)) {
        out = fifo32_pop(&s->tx);
    }
    if (tmod != TMOD_TX) {
        if (fifo32_is_full(&s->rx)) {
            s->sticky |= R_RISR_RXO_MASK;
            k210_guest_error("k210-spi2: receive FIFO overrun");
        } else {
            fifo32_push(&s->rx, extract32(s->frame, 0, frame_bits(s)));
        }
    }
    trace_k210_spi_slave_frame(s->frame, out);
    for (unsigned i = 0; i < bytes; i++) {
        answer[i] = FIELD_EX32(s->regs[R_CTRLR0], CTRLR0, SLV_OE)
                    ? 0xff : out >> (8 * (bytes - 1 - i));
    }
    qemu_chr_fe_write_all(&s->chr, answer, bytes);
    s->frame = 0;
    s->frame_bytes = 0;
}

static int k210_spi_slave_can_receive(void *opaque)
{
    K210SpiSlaveState *s = opaque;

    return enabled(s) && !fifo32_is_full(&s->rx) ? 1 : 0;
}

static void k210_spi_slave_receive(void *opaque, const uint8_t *buf, int size)
{
    K210SpiSlaveState *s = opaque;

    for (int i = 0; i < size; i++) {
        s->frame = s->frame << 8 | buf[i];
        if (++s->frame_bytes >= DIV_ROUND_UP(frame_bits(s), 8)) {
            exchange(s);
        }
    }
    update(s);
}

static uint32_t read_dr(K210SpiSlaveState *s)
{
    if (fifo32_is_empty(&s->rx)) {
        s->sticky |= R_RISR_RXU_MASK;
        return 0;
    }
    qemu_chr_fe_accept_input(&s->chr);
    return fifo32_pop(&s->rx);
}

static void write_dr(K210SpiSlaveState *s, uint32_t v)
{
    if (!enabled(s) || fifo32_is_full(&s->tx)) {
        s->sticky |= enabled(s) ? R_RISR_TXO_MASK : 0;
        k210_guest_error("k210-spi2: write to DR while the FIFO is %s",
                         enabled(s) ? "full" : "disabled");
        return;
    }
    fifo32_push(&s->tx, extract32(v, 0, frame_bits(s)));
}

static uint32_t read_sr(K210SpiSlaveState *s)
{
    uint32_t r = 0;

    r = FIELD_DP32(r, SR, TFNF, !fifo32_is_full(&s->tx));
    r = FIELD_DP32(r, SR, TFE, fifo32_is_empty(&s->tx));
    r = FIELD_DP32(r, SR, RFNE, !fifo32_is_empty(&s->rx));
    r = FIELD_DP32(r, SR, RFF, fifo32_is_full(&s->rx));
    return r;
}

/* Reads the old value of sticky bits and clears them. */
static uint32_t clear_sticky(K210SpiSlaveState *s, uint32_t bits)
{
    bool was = s->sticky & bits;

    s->sticky &= ~bits;
    return was;
}

static uint64_t k210_spi_slave_read(void *opaque, hwaddr addr, unsigned size)
{
    K210SpiSlaveState *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_SPI_SLAVE, false, addr, size)) {
        return 0;
    }
    switch (addr) {
    case A_TXFLR:
        r = fifo32_num_used(&s->tx);
        break;
    case A_RXFLR:
        r = fifo32_num_used(&s->rx);
        break;
    case A_SR:
        r = read_sr(s);
        break;
    case A_ISR:
        r = raw_status(s) & s->regs[R_IMR];
        break;
    case A_RISR:
        r = raw_status(s);
        break;
    case A_TXOICR:
        r = clear_sticky(s, R_RISR_TXO_MASK);
        break;
    case A_RXOICR:
        r = clear_sticky(s, R_RISR_RXO_MASK);
        break;
    case A_RXUICR:
        r = clear_sticky(s, R_RISR_RXU_MASK);
        break;
    case A_MSTICR:
        break;
    case A_ICR:
        r = clear_sticky(s, UINT32_MAX);
        break;
    case A_SSIC_VERSION:
        r = SSIC_VERSION;
        break;
    case A_DR0 ... A_DR35:
        r = read_dr(s);
        break;
    default:
        if (addr >= sizeof(s->regs)) {
            k210_mmio_no_register(TYPE_K210_SPI_SLAVE, false, addr);
            break;
        }
        r = s->regs[addr / 4];
    }
    update(s);
    trace_k210_spi_slave_read(addr, r);
    return r;
}

static void k210_spi_slave_write(void *opaque, hwaddr addr, uint64_t value,
                                 unsigned size)
{
    K210SpiSlaveState *s = opaque;

    trace_k210_spi_slave_write(addr, value);
    if (!k210_mmio_ok(TYPE_K210_SPI_SLAVE, true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_SSIENR:
        s->regs[R_SSIENR] = value & 1;
        if (!(value & 1)) {
            fifo32_reset(&s->rx);
            fifo32_reset(&s->tx);
            s->frame = s->frame_bytes = 0;
        } else {
            qemu_chr_fe_accept_input(&s->chr);
        }
        break;
    case A_CTRLR0: case A_CTRLR1:
        if (enabled(s)) {
            k210_guest_error("k210-spi2: register 0x%02" HWADDR_PRIx
                             " written while enabled", addr);
            break;
        }
        s->regs[addr / 4] = value & (addr == A_CTRLR0 ? 0x7ffff0 : 0xffff);
        break;
    case A_TXFTLR: case A_RXFTLR: case A_DMATDLR: case A_DMARDLR:
        if (value < K210_SPI_SLAVE_FIFO) {
            s->regs[addr / 4] = value;
        }
        break;
    case A_IMR: case A_DMACR: case A_MWCR: case A_ENDIAN:
        s->regs[addr / 4] = value & 0x7f;
        break;
    case A_DR0 ... A_DR35:
        write_dr(s, value);
        break;
    case A_TXFLR ... A_SR: case A_ISR ... A_ICR: case A_IDR:
    case A_SSIC_VERSION:
        k210_mmio_read_only(TYPE_K210_SPI_SLAVE, addr);
        break;
    default:
        /* The master's registers are there in the map but do nothing. */
        if (addr >= sizeof(s->regs)) {
            k210_mmio_no_register(TYPE_K210_SPI_SLAVE, true, addr);
        } else {
            qemu_log_mask(LOG_UNIMP, "k210-spi2: write to 0x%02" HWADDR_PRIx
                          "\n", addr);
        }
    }
    update(s);
}

static const MemoryRegionOps k210_spi_slave_ops =
    K210_MMIO_OPS(k210_spi_slave_read, k210_spi_slave_write);

static void k210_spi_slave_reset_hold(Object *obj, ResetType type)
{
    K210SpiSlaveState *s = K210_SPI_SLAVE(obj);

    memset(s->regs, 0, sizeof(s->regs));
    s->regs[R_CTRLR0] = 7 << R_CTRLR0_DFS_SHIFT;
    s->regs[R_IMR] = 0x3f;
    s->sticky = 0;
    s->frame = s->frame_bytes = 0;
    fifo32_reset(&s->rx);
    fifo32_reset(&s->tx);
    update(s);
}

static const VMStateDescription vmstate_k210_spi_slave = {
    .name = TYPE_K210_SPI_SLAVE,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210SpiSlaveState, K210_SPI_SLAVE_NREGS),
        VMSTATE_UINT32(sticky, K210SpiSlaveState),
        VMSTATE_UINT32(frame, K210SpiSlaveState),
        VMSTATE_UINT32(frame_bytes, K210SpiSlaveState),
        VMSTATE_FIFO32(rx, K210SpiSlaveState),
        VMSTATE_FIFO32(tx, K210SpiSlaveState),
        VMSTATE_CLOCK(clk, K210SpiSlaveState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_spi_slave_init(Object *obj)
{
    K210SpiSlaveState *s = K210_SPI_SLAVE(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_spi_slave_ops, s,
                          TYPE_K210_SPI_SLAVE, 0x200);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, &s->dma_rx, "dma-rx", 1);
    qdev_init_gpio_out_named(dev, &s->dma_tx, "dma-tx", 1);
    s->clk = qdev_init_clock_in(dev, "clk", NULL, NULL, 0);
    fifo32_create(&s->rx, K210_SPI_SLAVE_FIFO);
    fifo32_create(&s->tx, K210_SPI_SLAVE_FIFO);
}

static void k210_spi_slave_finalize(Object *obj)
{
    K210SpiSlaveState *s = K210_SPI_SLAVE(obj);

    fifo32_destroy(&s->rx);
    fifo32_destroy(&s->tx);
}

static void k210_spi_slave_realize(DeviceState *dev, Error **errp)
{
    K210SpiSlaveState *s = K210_SPI_SLAVE(dev);

    qemu_chr_fe_set_handlers(&s->chr, k210_spi_slave_can_receive,
                             k210_spi_slave_receive, NULL, NULL, s, NULL,
                             true);
}

static const Property k210_spi_slave_properties[] = {
    DEFINE_PROP_CHR("chardev", K210SpiSlaveState, chr),
};

static void k210_spi_slave_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->realize = k210_spi_slave_realize;
    dc->vmsd = &vmstate_k210_spi_slave;
    dc->desc = "K210 SPI2 (slave)";
    device_class_set_props(dc, k210_spi_slave_properties);
    RESETTABLE_CLASS(klass)->phases.hold = k210_spi_slave_reset_hold;
}

static const TypeInfo k210_spi_slave_types[] = {
    {
        .name = TYPE_K210_SPI_SLAVE,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210SpiSlaveState),
        .instance_init = k210_spi_slave_init,
        .instance_finalize = k210_spi_slave_finalize,
        .class_init = k210_spi_slave_class_init,
    },
};
DEFINE_TYPES(k210_spi_slave_types)
