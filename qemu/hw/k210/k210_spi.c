/*
 * Kendryte K210: SPI0, SPI1 (DesignWare apb_ssi 4.01) and SPI3 (DWC_ssi 1.01)
 *
 * Registers and the execute-in-place window; frames and their time are in
 * k210_spi_wire.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_cpu.h"
#include "hw/k210/k210_mmio.h"
#include "k210_spi_internal.h"
#include "trace.h"

static uint32_t spi_ctrlr0_mask(K210SpiState *s)
{
    /* Software tells the layouts apart by which bits stay 0. */
    return s->index == 3 ? 0x00cf7fdf : 0x007ffff0;
}

static bool spi_reg_exists(K210SpiState *s, unsigned reg)
{
    if (reg >= R_DR && reg <= R_DR_LAST) {
        return true;
    }
    if (reg >= R_XIP_MODE_BITS && reg < R_ENDIAN) {
        return s->index == 3;
    }
    /* 0xf8 is a hole that the vendor's struct copies over. */
    return reg <= R_ENDIAN;
}

static uint64_t spi_read(void *opaque, hwaddr offset, unsigned size)
{
    K210SpiState *s = opaque;
    unsigned reg = offset >> 2;
    uint32_t value;

    if (!k210_mmio_ok(k210_spi_name(s), false, offset, size)) {
        return 0;
    }
    if (!spi_reg_exists(s, reg)) {
        k210_mmio_no_register(k210_spi_name(s), false, offset);
        return 0;
    }
    k210_spi_run(s);

    switch (reg) {
    case R_TXFLR:
        value = MIN(s->tx.num, K210_SPI_FIFO);
        break;
    case R_RXFLR:
        value = MIN(s->rx.num, K210_SPI_FIFO);
        break;
    case R_SR:
        value = 0;
        value = FIELD_DP32(value, SR, BUSY, k210_spi_busy(s));
        value = FIELD_DP32(value, SR, TFNF, s->tx.num < K210_SPI_FIFO);
        value = FIELD_DP32(value, SR, TFE, s->tx.num == 0);
        value = FIELD_DP32(value, SR, RFNE, s->rx.num != 0);
        value = FIELD_DP32(value, SR, RFF, s->rx.num >= K210_SPI_FIFO);
        break;
    case R_ISR:
        value = k210_spi_risr(s) & s->regs[R_IMR];
        break;
    case R_RISR:
        value = k210_spi_risr(s);
        break;
    case R_TXOICR:
        value = !!(s->sticky & R_RISR_TXO_MASK);
        s->sticky &= ~R_RISR_TXO_MASK;
        break;
    case R_RXOICR:
        value = !!(s->sticky & R_RISR_RXO_MASK);
        s->sticky &= ~R_RISR_RXO_MASK;
        break;
    case R_RXUICR:
        value = !!(s->sticky & R_RISR_RXU_MASK);
        s->sticky &= ~R_RISR_RXU_MASK;
        break;
    case R_MSTICR:
        value = !!(s->sticky & R_RISR_MST_MASK);
        s->sticky &= ~R_RISR_MST_MASK;
        break;
    case R_ICR:
        value = !!s->sticky;
        s->sticky = 0;
        break;
    case R_SSIC_VERSION:
        value = s->index == 3 ? 0x3130312a : 0x3430312a;
        break;
    case R_IDR:
    case R_XRXOICR:
        value = 0;
        break;
    case R_DR ... R_DR_LAST:
        if (s->rx.num) {
            value = k210_spi_fifo_pop(&s->rx);
            /* There is room again: a waiting receive goes on. */
            k210_spi_run(s);
        } else {
            value = 0;
            s->sticky |= R_RISR_RXU_MASK;
        }
        break;
    default:
        value = s->regs[reg];
        break;
    }
    k210_spi_update(s);
    return value;
}

static void spi_push(K210SpiState *s, uint32_t value)
{
    if (!k210_spi_enabled(s)) {
        k210_guest_error("%s: write to DR while SSIENR is 0 is lost",
                         k210_spi_name(s));
    } else if (!k210_spi_tx_room(s)) {
        s->sticky |= R_RISR_TXO_MASK;
        k210_guest_error("%s: TX FIFO overflow", k210_spi_name(s));
    } else {
        k210_spi_fifo_push(&s->tx, value);
    }
}

static void spi_write(void *opaque, hwaddr offset, uint64_t val,
                      unsigned size)
{
    K210SpiState *s = opaque;
    unsigned reg = offset >> 2;
    uint32_t value = val;

    if (!k210_mmio_ok(k210_spi_name(s), true, offset, size)) {
        return;
    }
    if (!spi_reg_exists(s, reg)) {
        k210_mmio_no_register(k210_spi_name(s), true, offset);
        return;
    }
    if (reg >= R_DR && reg <= R_DR_LAST && k210_spi_dma_tx_on(s)) {
        /*
         * A DMA burst must be in the FIFO as a whole before the wire goes on.
         * A FIFO that runs dry between its words would end a command early.
         */
        spi_push(s, value);
        k210_spi_update_lines(s);
        k210_spi_kick(s);
        return;
    }
    k210_spi_run(s);

    switch (reg) {
    case R_CTRLR0:
    case R_CTRLR1:
    case R_BAUDR:
    case R_SPI_CTRLR0:
    case R_MWCR:
        if (reg == R_CTRLR0) {
            value &= spi_ctrlr0_mask(s);
        } else if (reg != R_SPI_CTRLR0) {
            value &= 0xffff;
        }
        if (k210_spi_enabled(s)) {
            if (value != s->regs[reg]) {
                k210_guest_error("%s: write to register 0x%x while SSIENR is "
                                 "1 is not taken",
                                 k210_spi_name(s), (unsigned)offset);
            }
            break;
        }
        s->regs[reg] = value;
        break;
    case R_SSIENR:
        s->regs[reg] = value & 1;
        if (!(value & 1)) {
            k210_spi_abort(s);
            k210_spi_fifo_clear(&s->tx);
            k210_spi_fifo_clear(&s->rx);
        }
        trace_k210_spi_enable(s->index, value & 1, s->regs[R_CTRLR0],
                              s->regs[R_SPI_CTRLR0], s->regs[R_CTRLR1]);
        break;
    case R_SER:
        value &= (1u << K210_SPI_NUM_CS) - 1;
        if (value != s->regs[reg]) {
            if (s->selected) {
                k210_spi_abort(s);
            }
            s->regs[reg] = value;
        }
        break;
    case R_TXFTLR:
    case R_RXFTLR:
        if (value < K210_SPI_FIFO) {
            s->regs[reg] = value;
        }
        break;
    case R_IMR:
        s->regs[reg] = value & 0x7f;
        break;
    case R_DMACR:
        s->regs[reg] = value & 3;
        break;
    case R_DMATDLR:
    case R_DMARDLR:
        s->regs[reg] = value & (K210_SPI_FIFO - 1);
        break;
    case R_DR ... R_DR_LAST:
        spi_push(s, value);
        break;
    case R_TXFLR:
    case R_RXFLR:
    case R_SR:
    case R_ISR ... R_ICR:
    case R_IDR:
    case R_SSIC_VERSION:
    case R_XRXOICR:
        /* read only */
        break;
    default:
        s->regs[reg] = value;
        break;
    }
    k210_spi_run(s);
    k210_spi_update(s);
}

static const MemoryRegionOps spi_ops = K210_MMIO_OPS(spi_read, spi_write);

/*
 * Whether the window's command is a read of the flash with as many mode and
 * wait bits as that takes. Then a load can look into the cells at once; with
 * anything else, it gets what the bits on the wire give.
 */
static bool spi_xip_is_plain(K210SpiState *s)
{
    uint32_t c = s->regs[R_XIP_CTRL];
    unsigned lanes = 1u << FIELD_EX32(c, XIP_CTRL, FRF);
    unsigned extra = FIELD_EX32(c, XIP_CTRL, WAIT_CYCLES) * lanes / 8;
    bool mode = FIELD_EX32(c, XIP_CTRL, MD_BITS_EN);

    if (mode) {
        extra += (2u << MIN(FIELD_EX32(c, XIP_CTRL, MD_BITS_L), 3)) / 8;
        if ((s->regs[R_XIP_MODE_BITS] & 0x30) == 0x20) {
            return false;
        }
    }
    if (!FIELD_EX32(c, XIP_CTRL, INST_EN) ||
        k210_spi_inst_bits(FIELD_EX32(c, XIP_CTRL, INST_L)) != 8 ||
        FIELD_EX32(c, XIP_CTRL, ADDR_L) != 6 || s->regs[R_XIP_SER] != 1) {
        return false;
    }
    switch (s->regs[R_XIP_INCR_INST]) {
    case 0x03:
        return extra == 0;
    case 0x0b:
        return extra == 1;
    case 0x3b:
        return extra == 2;
    case 0x6b:
        return extra == 4;
    case 0xbb:
        return extra == 1 && mode;
    case 0xeb:
        return extra == 3 && mode;
    default:
        return false;
    }
}

static K210W25qState *spi_find_flash(K210SpiState *s)
{
    BusChild *kid;

    QTAILQ_FOREACH(kid, &BUS(s->bus)->children, sibling) {
        Object *part = object_dynamic_cast(OBJECT(kid->child), TYPE_K210_W25Q);

        if (part) {
            return K210_W25Q(part);
        }
    }
    return NULL;
}

bool k210_spi_xip_peek(K210SpiState *s, hwaddr offset, unsigned size,
                       uint32_t *value)
{
    const uint8_t *cells;
    uint32_t total;

    if (!s->xip_plain || s->selected || !k210_spi_enabled(s)) {
        return false;
    }
    cells = k210_w25q_peek(s->xip_flash, s->regs[R_XIP_INCR_INST], &total);
    if (!cells) {
        return false;
    }
    *value = 0;
    while (size--) {
        *value = *value << 8 | cells[offset++ & (total - 1)];
    }
    return true;
}

/*
 * The window runs one read command per load. The controller shifts bytes in
 * as one frame of the load's size, so the first flash byte ends up in the
 * most significant place; single bytes come in flash order.
 */
static uint32_t spi_xip_load(K210SpiState *s, hwaddr offset, unsigned size)
{
    uint32_t c = s->regs[R_XIP_CTRL];
    unsigned lanes = 1u << FIELD_EX32(c, XIP_CTRL, FRF);
    unsigned wait = FIELD_EX32(c, XIP_CTRL, WAIT_CYCLES) * lanes / 8;
    unsigned inst = k210_spi_inst_bits(FIELD_EX32(c, XIP_CTRL, INST_L));
    unsigned addr = 4 * FIELD_EX32(c, XIP_CTRL, ADDR_L);
    uint32_t value = 0;

    if (k210_spi_xip_peek(s, offset, size, &value)) {
        return value;
    }
    if (!k210_spi_enabled(s) || !s->regs[R_XIP_SER]) {
        k210_guest_error("%s: load from the flash window with %s",
                         k210_spi_name(s),
                         k210_spi_enabled(s) ? "XIP_SER 0" : "SSIENR 0");
        return 0;
    }
    k210_spi_select(s, s->regs[R_XIP_SER] & (BIT(K210_SPI_NUM_CS) - 1));
    if (FIELD_EX32(c, XIP_CTRL, INST_EN) && inst) {
        k210_spi_shift(s, s->regs[R_XIP_INCR_INST], inst);
    }
    if (addr) {
        k210_spi_shift(s, offset, MIN(addr, 32));
    }
    if (FIELD_EX32(c, XIP_CTRL, MD_BITS_EN)) {
        /* length code 0..3 = 2, 4, 8, 16 bits */
        unsigned bits = 2u << MIN(FIELD_EX32(c, XIP_CTRL, MD_BITS_L), 3);

        k210_spi_shift(s, s->regs[R_XIP_MODE_BITS], bits);
    }
    while (wait--) {
        k210_spi_shift_byte(s, 0xff);
    }
    for (unsigned n = 0; n < size; n++) {
        value = (value << 8) | k210_spi_shift_byte(s, 0xff);
    }
    k210_spi_select(s, 0);
    return value;
}

static uint64_t spi_xip_read(void *opaque, hwaddr offset, unsigned size)
{
    uint32_t value = 0;

    if (!k210_cpu_is_fetching()) {
        return spi_xip_load(opaque, offset, size);
    }
    /* Instructions come in whole words, so they lie in flash like those. */
    for (unsigned n = 0; n < size; n += 2) {
        uint32_t word = spi_xip_load(opaque, (offset + n) & ~3ull, 4);

        value |= extract32(word, 8 * ((offset + n) & 2), 16) << 8 * n;
    }
    return value;
}

static void spi_xip_write(void *opaque, hwaddr offset, uint64_t val,
                          unsigned size)
{
    K210SpiState *s = opaque;

    k210_guest_error("%s: store to the flash window at 0x%x", k210_spi_name(s),
                     (unsigned)offset);
}

static const MemoryRegionOps spi_xip_ops = {
    .read = spi_xip_read,
    .write = spi_xip_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

static void spi_set_xip(void *opaque, int n, int level)
{
    K210SpiState *s = opaque;

    s->xip_on = level;
    if (s->index == 3) {
        /* The registers cannot change while the window hides them. */
        s->xip_flash = level ? spi_find_flash(s) : NULL;
        s->xip_plain = s->xip_flash && spi_xip_is_plain(s);
        k210_spi_code_forget();
        memory_region_set_enabled(&s->xip, level);
    }
}

static int spi_post_load(void *opaque, int version_id)
{
    spi_set_xip(opaque, 0, K210_SPI(opaque)->xip_on);
    return 0;
}

static void spi_clk_update(void *opaque, ClockEvent event)
{
    K210SpiState *s = opaque;

    if (event == ClockPreUpdate) {
        k210_spi_run(s);
    } else {
        s->no_clock_told = false;
        k210_spi_run(s);
        k210_spi_update(s);
    }
}

static void spi_reset_enter(Object *obj, ResetType type)
{
    K210SpiState *s = K210_SPI(obj);

    timer_del(s->timer);
    memset(s->regs, 0, sizeof(s->regs));
    s->regs[R_CTRLR0] = s->index == 3 ? 7 : 7 << R_CTRLR0_DFS_32_SHIFT;
    s->regs[R_IMR] = 0x3f;
    s->regs[R_SPI_CTRLR0] = 0x200;
    k210_spi_fifo_clear(&s->tx);
    k210_spi_fifo_clear(&s->rx);
    s->sticky = 0;
    k210_spi_forget(s);
}

static void spi_reset_hold(Object *obj, ResetType type)
{
    K210SpiState *s = K210_SPI(obj);

    s->selected = 0;
    for (unsigned i = 0; i < K210_SPI_NUM_CS; i++) {
        qemu_irq_raise(s->cs[i]);
    }
    s->irq_level = false;
    s->dma_rx_level = 0;
    s->dma_tx_level = 0;
    qemu_irq_lower(s->irq);
    qemu_set_irq(s->dma_rx, 0);
    qemu_set_irq(s->dma_tx, 0);
}

static void spi_init(Object *obj)
{
    K210SpiState *s = K210_SPI(obj);
    DeviceState *dev = DEVICE(obj);

    s->clk = qdev_init_clock_in(dev, "clk", spi_clk_update, s,
                                ClockPreUpdate | ClockUpdate);
    s->bus = ssi_create_bus(dev, "ssi");
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    qdev_init_gpio_out_named(dev, s->cs, "cs", K210_SPI_NUM_CS);
    qdev_init_gpio_out_named(dev, &s->dma_rx, "dma-rx", 1);
    qdev_init_gpio_out_named(dev, &s->dma_tx, "dma-tx", 1);
    qdev_init_gpio_in_named(dev, spi_set_xip, "xip-en", 1);
}

static void spi_realize(DeviceState *dev, Error **errp)
{
    K210SpiState *s = K210_SPI(dev);
    Object *obj = OBJECT(dev);

    if (s->index != 0 && s->index != 1 && s->index != 3) {
        error_setg(errp, "k210-spi: index must be 0, 1 or 3");
        return;
    }
    memory_region_init_io(&s->iomem, obj, &spi_ops, s, k210_spi_name(s), 0x200);
    if (s->index == 3) {
        memory_region_init(&s->container, obj, "k210-spi3-slot",
                           K210_XIP_SIZE);
        memory_region_add_subregion(&s->container, 0, &s->iomem);
        memory_region_init_io(&s->xip, obj, &spi_xip_ops, s, "k210-spi3-xip",
                              K210_XIP_SIZE);
        memory_region_set_enabled(&s->xip, false);
        memory_region_add_subregion_overlap(&s->container, 0, &s->xip, 1);
        sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->container);
        k210_spi_code_init(s, errp);
    } else {
        sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
    }
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, k210_spi_timer, s);
}

static const VMStateDescription vmstate_spi_fifo = {
    .name = "k210-spi-fifo",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(data, K210SpiFifo, K210_SPI_AHEAD),
        VMSTATE_UINT32(head, K210SpiFifo),
        VMSTATE_UINT32(num, K210SpiFifo),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_spi = {
    .name = TYPE_K210_SPI,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = spi_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_CLOCK(clk, K210SpiState),
        VMSTATE_TIMER_PTR(timer, K210SpiState),
        VMSTATE_UINT32_ARRAY(regs, K210SpiState, K210_SPI_NUM_REGS),
        VMSTATE_STRUCT(tx, K210SpiState, 1, vmstate_spi_fifo, K210SpiFifo),
        VMSTATE_STRUCT(rx, K210SpiState, 1, vmstate_spi_fifo, K210SpiFifo),
        VMSTATE_UINT32(sticky, K210SpiState),
        VMSTATE_INT64(now, K210SpiState),
        VMSTATE_INT64(frame_end, K210SpiState),
        VMSTATE_UINT32(phase, K210SpiState),
        VMSTATE_UINT32(rx_left, K210SpiState),
        VMSTATE_UINT32(frame_value, K210SpiState),
        VMSTATE_UINT32(frame_bits, K210SpiState),
        VMSTATE_UINT32(frame_kind, K210SpiState),
        VMSTATE_BOOL(shifting, K210SpiState),
        VMSTATE_BOOL(idle, K210SpiState),
        VMSTATE_BOOL(no_clock_told, K210SpiState),
        VMSTATE_UINT32(selected, K210SpiState),
        VMSTATE_BOOL(xip_on, K210SpiState),
        VMSTATE_BOOL(irq_level, K210SpiState),
        VMSTATE_UINT32(dma_rx_level, K210SpiState),
        VMSTATE_UINT32(dma_tx_level, K210SpiState),
        VMSTATE_END_OF_LIST()
    }
};

static const Property spi_properties[] = {
    DEFINE_PROP_UINT8("index", K210SpiState, index, 0),
};

static void spi_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Kendryte K210 SPI master";
    dc->realize = spi_realize;
    dc->vmsd = &vmstate_spi;
    rc->phases.enter = spi_reset_enter;
    rc->phases.hold = spi_reset_hold;
    device_class_set_props(dc, spi_properties);
}

static const TypeInfo spi_types[] = {
    {
        .name = TYPE_K210_SPI,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210SpiState),
        .instance_init = spi_init,
        .class_init = spi_class_init,
    },
};

DEFINE_TYPES(spi_types)
