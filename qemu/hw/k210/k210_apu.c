/*
 * Kendryte K210: APU, the beam former of I2S0
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/registerfields.h"
#include "migration/vmstate.h"
#include "hw/k210/k210_apu.h"
#include "hw/k210/k210_mmio.h"
#include "trace.h"

/* Offsets from the block's own base, 0x200 into the slot of I2S0. */
REG32(CH_CFG, 0x00)
    FIELD(CH_CFG, SOUND_CH_EN, 0, 8)
    FIELD(CH_CFG, TARGET_DIR, 8, 4)
    FIELD(CH_CFG, AUDIO_GAIN, 12, 11)
    FIELD(CH_CFG, DATA_SRC, 24, 1)
    FIELD(CH_CFG, WE, 28, 4)
REG32(CTL, 0x04)
    FIELD(CTL, DIR_SEARCH_EN, 0, 1)
    FIELD(CTL, STREAM_GEN_EN, 4, 1)
    FIELD(CTL, WE, 8, 5)
REG32(DIR_BIDX, 0x08)
REG32(PRE_FIR0, 0x88)
REG32(POST_FIR0, 0xac)
REG32(PRE_FIR1, 0xd0)
REG32(POST_FIR1, 0xf4)
REG32(DWSZ_CFG, 0x118)
REG32(FFT_CFG, 0x11c)
REG32(SOBUF_DMA_RDATA, 0x120)
REG32(VOBUF_DMA_RDATA, 0x124)
REG32(INT_STAT, 0x128)
REG32(INT_MASK, 0x12c)
REG32(SATURATION_COUNTER, 0x130)
REG32(SATURATION_LIMITS, 0x134)

/* Keeps the fields whose write-enable bit is not set. */
static uint32_t with_enables(uint32_t old, uint32_t v, const uint32_t *fields,
                             unsigned n, unsigned we_shift)
{
    uint32_t mask = 0;

    for (unsigned i = 0; i < n; i++) {
        if (v & (1u << (we_shift + i))) {
            mask |= fields[i];
        }
    }
    return (old & ~mask) | (v & mask);
}

static uint64_t k210_apu_read(void *opaque, hwaddr addr, unsigned size)
{
    K210ApuState *s = opaque;
    uint64_t r = 0;

    if (!k210_mmio_ok(TYPE_K210_APU, false, addr, size)) {
        return 0;
    }
    if (addr == A_SOBUF_DMA_RDATA || addr == A_VOBUF_DMA_RDATA) {
        qemu_log_mask(LOG_UNIMP, "k210-apu: no samples are computed\n");
    } else {
        r = s->regs[addr / 4];
    }
    trace_k210_apu_read(addr, r);
    return r;
}

static void k210_apu_write(void *opaque, hwaddr addr, uint64_t value,
                           unsigned size)
{
    static const uint32_t cfg_fields[] = {
        R_CH_CFG_SOUND_CH_EN_MASK, R_CH_CFG_TARGET_DIR_MASK,
        R_CH_CFG_AUDIO_GAIN_MASK, R_CH_CFG_DATA_SRC_MASK,
    };
    static const uint32_t ctl_fields[] = { 1 << 0, 1 << 1, 1 << 4, 1 << 5,
                                           1 << 6 };
    K210ApuState *s = opaque;
    uint32_t *reg = &s->regs[addr / 4];
    uint32_t v = value;

    trace_k210_apu_write(addr, v);
    if (!k210_mmio_ok(TYPE_K210_APU, true, addr, size)) {
        return;
    }
    switch (addr) {
    case A_CH_CFG:
        *reg = with_enables(*reg, v, cfg_fields, ARRAY_SIZE(cfg_fields),
                            R_CH_CFG_WE_SHIFT);
        break;
    case A_CTL:
        *reg = with_enables(*reg, v, ctl_fields, ARRAY_SIZE(ctl_fields),
                            R_CTL_WE_SHIFT);
        if (*reg & (R_CTL_DIR_SEARCH_EN_MASK | R_CTL_STREAM_GEN_EN_MASK)) {
            qemu_log_mask(LOG_UNIMP, "k210-apu: beam forming started; no"
                          " samples will come\n");
        }
        break;
    case A_INT_STAT:
        *reg &= ~v;
        break;
    case A_SOBUF_DMA_RDATA: case A_VOBUF_DMA_RDATA: case A_SATURATION_COUNTER:
        k210_mmio_read_only(TYPE_K210_APU, addr);
        break;
    default: /* A table of coefficients and delays, all of it used. */
        *reg = v;
    }
}

static const MemoryRegionOps k210_apu_ops =
    K210_MMIO_OPS(k210_apu_read, k210_apu_write);

static void reset_registers(K210ApuState *s)
{
    memset(s->regs, 0, sizeof(s->regs));
    qemu_set_irq(s->irq, 0);
    qemu_set_irq(s->dma_rx[0], 0);
    qemu_set_irq(s->dma_rx[1], 0);
}

static void k210_apu_reset_line(void *opaque, int n, int level)
{
    if (level) {
        reset_registers(opaque);
    }
}

static void k210_apu_reset_hold(Object *obj, ResetType type)
{
    reset_registers(K210_APU(obj));
}

static const VMStateDescription vmstate_k210_apu = {
    .name = TYPE_K210_APU,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210ApuState, K210_APU_SIZE / 4),
        VMSTATE_CLOCK(clk, K210ApuState),
        VMSTATE_END_OF_LIST()
    }
};

static void k210_apu_init(Object *obj)
{
    K210ApuState *s = K210_APU(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &k210_apu_ops, s, TYPE_K210_APU,
                          K210_APU_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    qdev_init_gpio_out_named(dev, &s->irq, "irq", 1);
    qdev_init_gpio_out_named(dev, s->dma_rx, "dma-rx", 2);
    qdev_init_gpio_in_named(dev, k210_apu_reset_line, "reset", 1);
    s->clk = qdev_init_clock_in(dev, "clk", NULL, NULL, 0);
}

static void k210_apu_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &vmstate_k210_apu;
    dc->desc = "K210 APU (registers only)";
    RESETTABLE_CLASS(klass)->phases.hold = k210_apu_reset_hold;
}

static const TypeInfo k210_apu_types[] = {
    {
        .name = TYPE_K210_APU,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210ApuState),
        .instance_init = k210_apu_init,
        .class_init = k210_apu_class_init,
    },
};
DEFINE_TYPES(k210_apu_types)
