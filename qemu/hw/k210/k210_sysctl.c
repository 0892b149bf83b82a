/*
 * Kendryte K210: system controller
 *
 *  IN0 26 MHz --+-------------------------------> wdt, rtc, (timer, spi3)
 *               +-> PLL0 --+-> /(2 << aclk_div) -> ACLK -> cpu, sram, rom, dma,
 *               |          |                               fft, dvp, apb0..2
 *               |          +-> spi0..3, i2c, timer
 *               +-> PLL1 ----> ai
 *               +-> PLL2 ----> i2s (PLL2 may also take PLL0 or PLL1)
 *
 * Every output is a Clock; a gate or a stopped PLL gives period 0. Dividers
 * and gates of the leaves are one table.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/irq.h"
#include "hw/qdev-clock.h"
#include "hw/registerfields.h"
#include "hw/k210/k210_reg32.h"
#include "hw/k210/k210_strict.h"
#include "hw/k210/k210_sysctl.h"
#include "migration/vmstate.h"
#include "system/runstate.h"
#include "trace.h"

REG32(GIT_ID, 0x00)
REG32(CLK_FREQ, 0x04)
REG32(PLL0, 0x08)
    FIELD(PLL0, CLKR, 0, 4)
    FIELD(PLL0, CLKF, 4, 6)
    FIELD(PLL0, CLKOD, 10, 4)
    FIELD(PLL0, BWADJ, 14, 6)
    FIELD(PLL0, RESET, 20, 1)
    FIELD(PLL0, PWRD, 21, 1)
    FIELD(PLL0, BYPASS, 23, 1)
    FIELD(PLL0, OUT_EN, 25, 1)
REG32(PLL1, 0x0c)
REG32(PLL2, 0x10)
    FIELD(PLL2, CKIN_SEL, 26, 2)
REG32(PLL_LOCK, 0x18)
REG32(ROM_ERROR, 0x1c)
REG32(CLK_SEL0, 0x20)
    FIELD(CLK_SEL0, ACLK_SEL, 0, 1)
    FIELD(CLK_SEL0, ACLK_DIV, 1, 2)
    FIELD(CLK_SEL0, APB0, 3, 3)
    FIELD(CLK_SEL0, APB1, 6, 3)
    FIELD(CLK_SEL0, APB2, 9, 3)
    FIELD(CLK_SEL0, SPI3, 12, 1)
    FIELD(CLK_SEL0, TIMER0, 13, 1)
REG32(CLK_SEL1, 0x24)
REG32(CLK_EN_CENT, 0x28)
REG32(CLK_EN_PERI, 0x2c)
REG32(SOFT_RESET, 0x30)
REG32(PERI_RESET, 0x34)
REG32(CLK_TH0, 0x38)
REG32(CLK_TH1, 0x3c)
REG32(CLK_TH2, 0x40)
REG32(CLK_TH3, 0x44)
REG32(CLK_TH4, 0x48)
REG32(CLK_TH5, 0x4c)
REG32(CLK_TH6, 0x50)
REG32(MISC, 0x54)
    FIELD(MISC, SPI_DVP_DATA, 10, 1)
REG32(PERI, 0x58)
    FIELD(PERI, TIMER_PAUSE, 0, 12)
    FIELD(PERI, SPI_XIP, 12, 4)
REG32(SPI_SLEEP, 0x5c)
REG32(RESET_STATUS, 0x60)
    FIELD(RESET_STATUS, CLEAR, 0, 1)
REG32(DMA_SEL0, 0x64)
REG32(DMA_SEL1, 0x68)
REG32(POWER_SEL, 0x6c)

#define IN0_HZ          26000000
/* Time from the end of a PLL's reset to its lock; the real value is unknown. */
#define PLL_LOCK_NS     10000

/* Parents of the leaf clocks; the last two choose by CLK_SEL0 bits. */
enum { P_IN0, P_ACLK, P_APB0, P_APB1, P_APB2, P_PLL0, P_PLL1, P_PLL2,
       P_SEL_SPI3, P_SEL_TIMER0, P_SEL_TIMER1, P_SEL_TIMER2 };

typedef struct K210ClockDef {
    const char *name;
    uint8_t parent;
    /* divider: (field + 1) or 2 * (field + 1); th_reg 0 = none */
    uint8_t th_reg, th_shift, th_bits, th_mul;
    /* gate: enable register (0 = always on) and bit */
    uint8_t en_reg, en_bit;
} K210ClockDef;

#define DIV1(r, s, b)   R_CLK_TH##r, s, b, 1
#define DIV2(r, s, b)   R_CLK_TH##r, s, b, 2
#define NODIV           0, 0, 0, 0
#define CENT(b)         R_CLK_EN_CENT, b
#define EN(b)           R_CLK_EN_PERI, b
#define NOGATE          0, 0

static const K210ClockDef clock_defs[K210_CLK_COUNT] = {
    [K210_CLK_ACLK]   = { "aclk",   P_ACLK, NODIV, NOGATE },
    [K210_CLK_CPU]    = { "cpu",    P_ACLK, NODIV, CENT(0) },
    [K210_CLK_SRAM0]  = { "sram0",  P_ACLK, DIV1(0, 0, 4), CENT(1) },
    [K210_CLK_SRAM1]  = { "sram1",  P_ACLK, DIV1(0, 4, 4), CENT(2) },
    [K210_CLK_APB0]   = { "apb0",   P_APB0, NODIV, CENT(3) },
    [K210_CLK_APB1]   = { "apb1",   P_APB1, NODIV, CENT(4) },
    [K210_CLK_APB2]   = { "apb2",   P_APB2, NODIV, CENT(5) },
    [K210_CLK_ROM]    = { "rom",    P_ACLK, DIV1(0, 16, 4), EN(0) },
    [K210_CLK_DMA]    = { "dma",    P_ACLK, NODIV, EN(1) },
    [K210_CLK_AI]     = { "ai",     P_PLL1, DIV1(0, 8, 4), EN(2) },
    [K210_CLK_DVP]    = { "dvp",    P_ACLK, DIV1(0, 12, 4), EN(3) },
    [K210_CLK_FFT]    = { "fft",    P_ACLK, NODIV, EN(4) },
    [K210_CLK_GPIO]   = { "gpio",   P_APB0, NODIV, EN(5) },
    [K210_CLK_SPI0]   = { "spi0",   P_PLL0, DIV2(1, 0, 8), EN(6) },
    [K210_CLK_SPI1]   = { "spi1",   P_PLL0, DIV2(1, 8, 8), EN(7) },
    [K210_CLK_SPI2]   = { "spi2",   P_PLL0, DIV2(1, 16, 8), EN(8) },
    [K210_CLK_SPI3]   = { "spi3",   P_SEL_SPI3, DIV2(1, 24, 8), EN(9) },
    [K210_CLK_I2S0]   = { "i2s0",   P_PLL2, DIV2(3, 0, 16), EN(10) },
    [K210_CLK_I2S1]   = { "i2s1",   P_PLL2, DIV2(3, 16, 16), EN(11) },
    [K210_CLK_I2S2]   = { "i2s2",   P_PLL2, DIV2(4, 0, 16), EN(12) },
    [K210_CLK_I2C0]   = { "i2c0",   P_PLL0, DIV2(5, 8, 8), EN(13) },
    [K210_CLK_I2C1]   = { "i2c1",   P_PLL0, DIV2(5, 16, 8), EN(14) },
    [K210_CLK_I2C2]   = { "i2c2",   P_PLL0, DIV2(5, 24, 8), EN(15) },
    [K210_CLK_UART1]  = { "uart1",  P_APB0, NODIV, EN(16) },
    [K210_CLK_UART2]  = { "uart2",  P_APB0, NODIV, EN(17) },
    [K210_CLK_UART3]  = { "uart3",  P_APB0, NODIV, EN(18) },
    [K210_CLK_AES]    = { "aes",    P_APB1, NODIV, EN(19) },
    [K210_CLK_FPIOA]  = { "fpioa",  P_APB0, NODIV, EN(20) },
    [K210_CLK_TIMER0] = { "timer0", P_SEL_TIMER0, DIV2(2, 0, 8), EN(21) },
    [K210_CLK_TIMER1] = { "timer1", P_SEL_TIMER1, DIV2(2, 8, 8), EN(22) },
    [K210_CLK_TIMER2] = { "timer2", P_SEL_TIMER2, DIV2(2, 16, 8), EN(23) },
    [K210_CLK_WDT0]   = { "wdt0",   P_IN0,  DIV2(6, 0, 8), EN(24) },
    [K210_CLK_WDT1]   = { "wdt1",   P_IN0,  DIV2(6, 8, 8), EN(25) },
    [K210_CLK_SHA]    = { "sha",    P_APB0, NODIV, EN(26) },
    [K210_CLK_OTP]    = { "otp",    P_APB1, NODIV, EN(27) },
    [K210_CLK_RTC]    = { "rtc",    P_IN0,  NODIV, EN(29) },
    [K210_CLK_MCLK0]  = { "mclk0",  P_PLL2, DIV2(4, 16, 8), EN(10) },
    [K210_CLK_MCLK1]  = { "mclk1",  P_PLL2, DIV2(4, 24, 8), EN(11) },
    [K210_CLK_MCLK2]  = { "mclk2",  P_PLL2, DIV2(5, 0, 8), EN(12) },
};

/* Bits of each register that keep what is written. */
static const uint32_t write_mask[K210_SYSCTL_NREGS] = {
    [R_PLL0] = 0x07ffffff,
    [R_PLL1] = 0x03ffffff,
    [R_PLL2] = 0x0fffffff,
    [R_PLL_LOCK] = 0x000c0c0c,
    [R_CLK_SEL0] = 0x0000ffff,
    [R_CLK_SEL1] = 0x00000001,
    [R_CLK_EN_CENT] = 0xffffffff,
    [R_CLK_EN_PERI] = 0xffffffff,
    [R_PERI_RESET] = 0xffffffff,
    [R_CLK_TH0] = 0x000fffff,
    [R_CLK_TH1] = 0xffffffff,
    [R_CLK_TH2] = 0x00ffffff,
    [R_CLK_TH3] = 0xffffffff,
    [R_CLK_TH4] = 0xffffffff,
    [R_CLK_TH5] = 0xffffffff,
    [R_CLK_TH6] = 0x0000ffff,
    [R_MISC] = 0xffffffff,
    [R_PERI] = 0xffffffff,
    [R_SPI_SLEEP] = 0x0000000f,
    [R_DMA_SEL0] = 0x3fffffff,
    [R_DMA_SEL1] = 0x0000003f,
    [R_POWER_SEL] = 0x000000ff,
};

/*
 * Reset values: the vendor published none. The PLL, selector and gate values
 * are what software finds when the boot ROM starts it; see hardware-notes.md.
 */
static const uint32_t reset_value[K210_SYSCTL_NREGS] = {
    [R_CLK_FREQ] = IN0_HZ,
    /* 26 MHz * 60 / 2 = 780 MHz */
    [R_PLL0] = (59 << R_PLL0_CLKF_SHIFT) | (1 << R_PLL0_CLKOD_SHIFT) |
               (59 << R_PLL0_BWADJ_SHIFT) | R_PLL0_PWRD_MASK |
               R_PLL0_OUT_EN_MASK,
    /* 26 MHz * 23 / 2 = 299 MHz */
    [R_PLL1] = (22 << R_PLL0_CLKF_SHIFT) | (1 << R_PLL0_CLKOD_SHIFT) |
               (22 << R_PLL0_BWADJ_SHIFT) | R_PLL0_PWRD_MASK |
               R_PLL0_OUT_EN_MASK,
    /* 26 MHz * 26 / 15 = 45.07 MHz */
    [R_PLL2] = (25 << R_PLL0_CLKF_SHIFT) | (14 << R_PLL0_CLKOD_SHIFT) |
               (25 << R_PLL0_BWADJ_SHIFT) | R_PLL0_PWRD_MASK |
               R_PLL0_OUT_EN_MASK,
    [R_CLK_SEL0] = R_CLK_SEL0_ACLK_SEL_MASK | (1 << R_CLK_SEL0_APB0_SHIFT) |
                   (1 << R_CLK_SEL0_APB1_SHIFT) | (1 << R_CLK_SEL0_APB2_SHIFT),
    [R_CLK_EN_CENT] = 0x0000003f,
    [R_CLK_EN_PERI] = 0x2fffffff,
};

static bool pll_powered(uint32_t pll)
{
    return FIELD_EX32(pll, PLL0, PWRD) && !FIELD_EX32(pll, PLL0, RESET);
}

/* Output frequency of a PLL in Hz, 0 when it gives no clock. */
static double pll_hz(K210SysctlState *s, int n)
{
    uint32_t pll = s->regs[R_PLL0 + n];
    double ref = IN0_HZ;

    if (n == 2) {
        switch (FIELD_EX32(pll, PLL2, CKIN_SEL)) {
        case 1:
            ref = pll_hz(s, 0);
            break;
        case 2:
            ref = pll_hz(s, 1);
            break;
        }
    }
    if (!FIELD_EX32(pll, PLL0, OUT_EN)) {
        return 0;
    }
    if (FIELD_EX32(pll, PLL0, BYPASS)) {
        return ref;
    }
    if (!pll_powered(pll)) {
        return 0;
    }
    return ref * (FIELD_EX32(pll, PLL0, CLKF) + 1) /
           ((FIELD_EX32(pll, PLL0, CLKR) + 1) *
            (FIELD_EX32(pll, PLL0, CLKOD) + 1));
}

static double aclk_hz(K210SysctlState *s)
{
    uint32_t sel = s->regs[R_CLK_SEL0];

    if (!FIELD_EX32(sel, CLK_SEL0, ACLK_SEL)) {
        return IN0_HZ;
    }
    return pll_hz(s, 0) / (2 << FIELD_EX32(sel, CLK_SEL0, ACLK_DIV));
}

static double parent_hz(K210SysctlState *s, unsigned parent)
{
    uint32_t sel = s->regs[R_CLK_SEL0];

    switch (parent) {
    case P_IN0:
        return IN0_HZ;
    case P_ACLK:
        return aclk_hz(s);
    case P_APB0:
        return aclk_hz(s) / (FIELD_EX32(sel, CLK_SEL0, APB0) + 1);
    case P_APB1:
        return aclk_hz(s) / (FIELD_EX32(sel, CLK_SEL0, APB1) + 1);
    case P_APB2:
        return aclk_hz(s) / (FIELD_EX32(sel, CLK_SEL0, APB2) + 1);
    case P_PLL0:
    case P_PLL1:
    case P_PLL2:
        return pll_hz(s, parent - P_PLL0);
    case P_SEL_SPI3:
        return FIELD_EX32(sel, CLK_SEL0, SPI3) ? pll_hz(s, 0) : IN0_HZ;
    default:
        return extract32(sel, R_CLK_SEL0_TIMER0_SHIFT + parent - P_SEL_TIMER0,
                         1) ? pll_hz(s, 0) : IN0_HZ;
    }
}

/* True if the bus that a leaf hangs on is clocked. */
static bool bus_enabled(K210SysctlState *s, unsigned parent)
{
    switch (parent) {
    case P_APB0:
    case P_APB1:
    case P_APB2:
        return extract32(s->regs[R_CLK_EN_CENT], 3 + parent - P_APB0, 1);
    default:
        return true;
    }
}

static uint64_t clock_period(K210SysctlState *s, unsigned id)
{
    const K210ClockDef *d = &clock_defs[id];
    double hz = parent_hz(s, d->parent);

    if (d->en_reg && !extract32(s->regs[d->en_reg], d->en_bit, 1)) {
        return 0;
    }
    if (hz == 0 || !bus_enabled(s, d->parent)) {
        return 0;
    }
    if (d->th_reg) {
        hz /= d->th_mul *
              (extract32(s->regs[d->th_reg], d->th_shift, d->th_bits) + 1.0);
    }
    return CLOCK_PERIOD_1SEC / hz + 0.5;
}

static void sysctl_update_clocks(K210SysctlState *s)
{
    bool changed[K210_CLK_COUNT];

    /* Set all before any consumer is told, so that none sees a mixture. */
    for (int i = 0; i < K210_CLK_COUNT; i++) {
        changed[i] = clock_set(s->out[i], clock_period(s, i));
    }
    for (int i = 0; i < K210_CLK_COUNT; i++) {
        if (changed[i]) {
            trace_k210_sysctl_clock(clock_defs[i].name,
                                    clock_get_hz(s->out[i]));
            clock_propagate(s->out[i]);
        }
    }
    if (!clock_is_enabled(s->out[K210_CLK_CPU])) {
        k210_guest_error("k210-sysctl: the CPU has no clock (CLK_SEL0 0x%x,"
                         " PLL0 0x%x, CLK_EN_CENT 0x%x)", s->regs[R_CLK_SEL0],
                         s->regs[R_PLL0], s->regs[R_CLK_EN_CENT]);
    }
}

static void sysctl_update_lines(K210SysctlState *s)
{
    uint32_t peri = s->regs[R_PERI];

    for (int i = 0; i < 4; i++) {
        qemu_set_irq(s->xip[i], extract32(peri, R_PERI_SPI_XIP_SHIFT + i, 1));
    }
    for (int i = 0; i < 12; i++) {
        qemu_set_irq(s->timer_pause[i],
                     extract32(peri, R_PERI_TIMER_PAUSE_SHIFT + i, 1));
    }
    qemu_set_irq(s->spi_dvp_data,
                 FIELD_EX32(s->regs[R_MISC], MISC, SPI_DVP_DATA));
}

static uint32_t pll_lock(K210SysctlState *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint32_t r = s->regs[R_PLL_LOCK];

    for (int i = 0; i < K210_SYSCTL_NPLL; i++) {
        if (pll_powered(s->regs[R_PLL0 + i]) && now >= s->lock_time[i]) {
            r |= 3 << (8 * i);
        }
    }
    return r;
}

static uint32_t sysctl_read32(K210SysctlState *s, hwaddr addr)
{
    uint32_t r = s->regs[addr / 4];

    if (addr == A_PLL_LOCK) {
        r = pll_lock(s);
    }
    trace_k210_sysctl_read(addr, r);
    return r;
}

/*
 * Resets a block alone. device_cold_reset() would reset the flash, card or
 * LCD on its bus as well, which have no reset line from here.
 */
static void reset_block(DeviceState *dev)
{
    const ResettablePhases *p = &RESETTABLE_GET_CLASS(dev)->phases;

    if (p->enter) {
        p->enter(OBJECT(dev), RESET_TYPE_COLD);
    }
    if (p->hold) {
        p->hold(OBJECT(dev), RESET_TYPE_COLD);
    }
    if (p->exit) {
        p->exit(OBJECT(dev), RESET_TYPE_COLD);
    }
}

static void sysctl_peri_reset(K210SysctlState *s, uint32_t old, uint32_t new)
{
    uint32_t rising = new & ~old;

    for (int i = 0; i < 32; i++) {
        if (extract32(rising, i, 1) && s->reset_target[i]) {
            reset_block(s->reset_target[i]);
        }
    }
}

static void sysctl_write32(K210SysctlState *s, hwaddr addr, uint32_t value)
{
    unsigned reg = addr / 4;
    uint32_t old = s->regs[reg];
    uint32_t new = (old & ~write_mask[reg]) | (value & write_mask[reg]);

    trace_k210_sysctl_write(addr, value);
    switch (addr) {
    case A_PLL0:
    case A_PLL1:
    case A_PLL2:
        s->regs[reg] = new;
        if (pll_powered(new) && !pll_powered(old)) {
            s->lock_time[reg - R_PLL0] =
                qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + PLL_LOCK_NS;
        }
        sysctl_update_clocks(s);
        break;
    case A_CLK_SEL0:
    case A_CLK_EN_CENT:
    case A_CLK_EN_PERI:
    case A_CLK_TH0:
    case A_CLK_TH1:
    case A_CLK_TH2:
    case A_CLK_TH3:
    case A_CLK_TH4:
    case A_CLK_TH5:
    case A_CLK_TH6:
        s->regs[reg] = new;
        sysctl_update_clocks(s);
        break;
    case A_SOFT_RESET:
        if (value & 1) {
            k210_sysctl_request_reset(s, K210_RESET_SOFT);
        }
        break;
    case A_PERI_RESET:
        s->regs[reg] = new;
        sysctl_peri_reset(s, old, new);
        break;
    case A_MISC:
    case A_PERI:
        s->regs[reg] = new;
        sysctl_update_lines(s);
        break;
    case A_RESET_STATUS:
        if (FIELD_EX32(value, RESET_STATUS, CLEAR)) {
            s->regs[reg] = R_RESET_STATUS_CLEAR_MASK;
        }
        break;
    case A_GIT_ID:
    case A_CLK_FREQ:
    case A_ROM_ERROR:
        k210_guest_error("k210-sysctl: write of 0x%x"
                         " to read-only register 0x%" HWADDR_PRIx, value, addr);
        break;
    default:
        if (!write_mask[reg]) {
            k210_guest_error("k210-sysctl: write of 0x%x" " to reserved"
                             " register 0x%" HWADDR_PRIx, value, addr);
        }
        s->regs[reg] = new;
        break;
    }
}

static uint64_t sysctl_read(void *opaque, hwaddr addr, unsigned size)
{
    return k210_reg32_part(sysctl_read32(opaque, addr & ~3ull), addr);
}

static void sysctl_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size)
{
    uint32_t old = size < 4 ? sysctl_read32(opaque, addr & ~3ull) : 0;

    sysctl_write32(opaque, addr & ~3ull,
                   k210_reg32_merge("k210-sysctl", old, addr, value, size));
}

static const MemoryRegionOps sysctl_ops =
    K210_REG32_OPS(sysctl_read, sysctl_write);

unsigned k210_sysctl_dma_sel(K210SysctlState *s, unsigned channel)
{
    assert(channel < K210_SYSCTL_NDMA);
    return extract32(s->regs[R_DMA_SEL0 + channel / 5], 6 * (channel % 5), 6);
}

bool k210_sysctl_spi_dvp_data(K210SysctlState *s)
{
    return FIELD_EX32(s->regs[R_MISC], MISC, SPI_DVP_DATA);
}

bool k210_sysctl_bank_is_1v8(K210SysctlState *s, unsigned bank)
{
    return extract32(s->regs[R_POWER_SEL], bank, 1);
}

void k210_sysctl_request_reset(K210SysctlState *s, enum K210ResetCause cause)
{
    s->next_cause = cause;
    trace_k210_sysctl_reset(cause);
    qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
}

static void sysctl_wdt_reset(void *opaque, int n, int level)
{
    if (level) {
        k210_sysctl_request_reset(opaque, n ? K210_RESET_WDT1 : K210_RESET_WDT0);
    }
}

static void sysctl_reset_hold(Object *obj, ResetType type)
{
    K210SysctlState *s = K210_SYSCTL(obj);

    memcpy(s->regs, reset_value, sizeof(s->regs));
    memset(s->lock_time, 0, sizeof(s->lock_time));
    s->regs[R_RESET_STATUS] = s->next_cause ? s->next_cause : K210_RESET_PIN;
    s->next_cause = 0;
    sysctl_update_clocks(s);
}

static void sysctl_reset_exit(Object *obj, ResetType type)
{
    sysctl_update_lines(K210_SYSCTL(obj));
}

static int sysctl_post_load(void *opaque, int version_id)
{
    K210SysctlState *s = opaque;

    for (int i = 0; i < K210_CLK_COUNT; i++) {
        clock_set(s->out[i], clock_period(s, i));
    }
    return 0;
}

static const VMStateDescription vmstate_sysctl = {
    .name = TYPE_K210_SYSCTL,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = sysctl_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, K210SysctlState, K210_SYSCTL_NREGS),
        VMSTATE_INT64_ARRAY(lock_time, K210SysctlState, K210_SYSCTL_NPLL),
        VMSTATE_UINT32(next_cause, K210SysctlState),
        VMSTATE_END_OF_LIST()
    }
};

static void sysctl_init(Object *obj)
{
    K210SysctlState *s = K210_SYSCTL(obj);
    DeviceState *dev = DEVICE(obj);

    memory_region_init_io(&s->mmio, obj, &sysctl_ops, s, TYPE_K210_SYSCTL,
                          K210_SYSCTL_NREGS * 4);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->mmio);
    for (int i = 0; i < K210_CLK_COUNT; i++) {
        s->out[i] = qdev_init_clock_out(dev, clock_defs[i].name);
    }
    qdev_init_gpio_out_named(dev, s->xip, "xip", ARRAY_SIZE(s->xip));
    qdev_init_gpio_out_named(dev, s->timer_pause, "timer-pause",
                             ARRAY_SIZE(s->timer_pause));
    qdev_init_gpio_out_named(dev, &s->spi_dvp_data, "spi-dvp-data", 1);
    qdev_init_gpio_in_named(dev, sysctl_wdt_reset, "wdt-reset", 2);
}

static void sysctl_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "K210 system controller";
    dc->vmsd = &vmstate_sysctl;
    rc->phases.hold = sysctl_reset_hold;
    rc->phases.exit = sysctl_reset_exit;
}

static const TypeInfo sysctl_info[] = {
    {
        .name = TYPE_K210_SYSCTL,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(K210SysctlState),
        .instance_init = sysctl_init,
        .class_init = sysctl_class_init,
    },
};

DEFINE_TYPES(sysctl_info)
