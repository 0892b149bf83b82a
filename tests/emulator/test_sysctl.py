# SPDX-License-Identifier: MIT
"""SYSCTL: clock tree, PLLs, gates, resets and their causes, DMA selectors, pad banks."""

import pytest
from qtest import QTest

SYSCTL = 0x5044_0000
PLL0, PLL1, PLL2, LOCK = SYSCTL + 8, SYSCTL + 0xC, SYSCTL + 0x10, SYSCTL + 0x18
SEL0, EN_CENT, EN_PERI, SOFT_RESET, PERI_RESET = (SYSCTL + o for o in (0x20, 0x28, 0x2C, 0x30, 0x34))
TH0, TH1, TH2, TH3, TH5, TH6 = (SYSCTL + o for o in (0x38, 0x3C, 0x40, 0x44, 0x4C, 0x50))
RESET_STATUS, DMA_SEL0, DMA_SEL1, POWER_SEL = (SYSCTL + o for o in (0x60, 0x64, 0x68, 0x6C))
PWRD, OUT_EN, RESET, BYPASS = 1 << 21, 1 << 25, 1 << 20, 1 << 23
MHZ = 1_000_000
# a clock of each kind and its bit in EN_PERI
GATES = [("dma", 1), ("ai", 2), ("dvp", 3), ("fft", 4), ("gpio", 5), ("spi0", 6), ("spi3", 9), ("i2s1", 11)]
GATES += [("i2c2", 15), ("uart1", 16), ("uart3", 18), ("aes", 19), ("timer2", 23), ("wdt0", 24), ("sha", 26)]
GATES += [("otp", 27), ("rtc", 29)]


@pytest.fixture
def q():
    with QTest() as qtest:
        yield qtest


def hz(q, name):
    """Frequency of a clock output, 0 when it is off."""
    period = q.qom_get(f"/machine/soc/sysctl/{name}", "qtest-clock-period")
    return round(1e9 * 2**32 / period) if period else 0


def test_state_at_reset(q):
    assert hz(q, "cpu") == 390 * MHZ
    assert hz(q, "apb0") == hz(q, "apb1") == hz(q, "apb2") == 195 * MHZ
    assert hz(q, "ai") == 299 * MHZ
    assert hz(q, "wdt0") == 13 * MHZ and hz(q, "rtc") == 26 * MHZ
    assert q.readl(SYSCTL + 4) == 26_000_000
    assert q.readl(LOCK) & 3 == 3 and q.readl(LOCK) >> 8 & 1 and q.readl(LOCK) >> 16 & 1
    assert q.readl(RESET_STATUS) == 1 << 1


def pll(clkr, clkf, clkod):
    return clkr | clkf << 4 | clkod << 10 | clkf << 14


def test_pll0_change_as_drivers_do_it(q):
    q.clearbits(SEL0, 1)
    assert hz(q, "cpu") == 26 * MHZ
    q.clearbits(PLL0, OUT_EN)
    q.clearbits(PLL0, PWRD)
    assert q.readl(LOCK) & 3 == 0
    q.writel(PLL0, pll(0, 61, 1) | q.readl(PLL0) & ~0xFFFFF)  # 26 * 62 / 2 = 806
    q.setbits(PLL0, PWRD)
    q.clearbits(PLL0, RESET)
    q.setbits(PLL0, RESET)
    assert q.readl(LOCK) & 3 == 0, "no lock while in reset"
    q.clearbits(PLL0, RESET)
    q.wait_until(lambda: q.readl(LOCK) & 3 == 3, limit_ns=1_000_000, step_ns=1000)
    q.setbits(LOCK, 1 << 2)  # slip clear, written by every driver
    q.setbits(PLL0, OUT_EN)
    q.setbits(SEL0, 1)
    assert hz(q, "cpu") == 403 * MHZ
    assert hz(q, "spi0") == 403 * MHZ


def test_aclk_and_apb_dividers(q):
    for div, ratio in enumerate((2, 4, 8, 16)):
        q.writel(SEL0, 1 | div << 1 | 2 << 3 | 3 << 6 | 4 << 9)
        assert hz(q, "cpu") == 780 * MHZ // ratio
        assert hz(q, "apb0") == 780 * MHZ // ratio // 3
        assert abs(hz(q, "apb1") - 780 * MHZ / ratio / 4) < 2
        assert abs(hz(q, "apb2") - 780 * MHZ / ratio / 5) < 2


def test_bypass_gives_the_reference(q):
    q.setbits(PLL1, BYPASS)
    assert hz(q, "ai") == 26 * MHZ


def test_pll2_can_be_fed_by_the_others(q):
    base = pll(0, 0, 1) | PWRD | OUT_EN
    for sel, expected in ((0, 13), (1, 390), (2, 149.5)):
        q.writel(PLL2, base | sel << 26)
        assert abs(hz(q, "i2s0") - expected * MHZ / 2) < 2


def test_leaf_dividers(q):
    q.writel(TH1, 3 | 4 << 8 | 5 << 24)
    assert abs(hz(q, "spi0") - 780 * MHZ / 8) < 2
    assert abs(hz(q, "spi1") - 780 * MHZ / 10) < 2
    assert abs(hz(q, "spi3") - 26 * MHZ / 12) < 2, "SPI3 begins on the crystal"
    q.setbits(SEL0, 1 << 12)
    assert abs(hz(q, "spi3") - 780 * MHZ / 12) < 2
    q.writel(TH2, 1 | 2 << 8)
    assert hz(q, "timer0") == 26 * MHZ // 4
    q.setbits(SEL0, 1 << 14)
    assert abs(hz(q, "timer1") - 780 * MHZ / 6) < 2
    q.writel(TH0, 1 << 8 | 2 << 12)
    assert hz(q, "ai") == 299 * MHZ // 2
    assert hz(q, "dvp") == 130 * MHZ
    q.writel(TH3, 0x1234)
    assert abs(hz(q, "i2s0") - 26 * MHZ * 26 / 15 / 2 / 0x1235) < 2
    q.writel(TH5, 9 << 24)
    assert hz(q, "i2c2") == 39 * MHZ
    q.writel(TH6, 12 << 8)
    assert hz(q, "wdt1") == 1 * MHZ


@pytest.mark.parametrize(("name", "bit"), GATES)
def test_gates(q, name, bit):
    assert hz(q, name)
    q.clearbits(EN_PERI, 1 << bit)
    assert hz(q, name) == 0
    q.setbits(EN_PERI, 1 << bit)
    assert hz(q, name)


def test_bus_gate_stops_its_leaves(q):
    q.clearbits(EN_CENT, 1 << 3)
    assert hz(q, "apb0") == hz(q, "uart1") == hz(q, "gpio") == 0
    assert hz(q, "aes")


def test_soft_reset_and_its_cause(q):
    q.writel(RESET_STATUS, q.readl(RESET_STATUS) | 1)
    assert q.readl(RESET_STATUS) & 0x1E == 0
    q.writel(POWER_SEL, 0xC0)
    q.writel(SOFT_RESET, 1)
    q.wait_event("RESET")
    assert q.readl(RESET_STATUS) & 0x1E == 1 << 4
    assert q.readl(POWER_SEL) == 0
    q.qmp("system_reset")
    q.wait_event("RESET")
    assert q.readl(RESET_STATUS) & 0x1E == 1 << 1


@pytest.mark.parametrize("wdt", [0, 1])
def test_watchdog_line_resets(q, wdt):
    q.set_irq_in("/machine/soc/sysctl", "wdt-reset", wdt, 1)
    q.wait_event("RESET")
    assert q.readl(RESET_STATUS) & 0x1E == 1 << (2 + wdt)


def test_peripheral_reset(q):
    """Resetting FPIOA (bit 20) brings back the pads' functions."""
    q.writel(0x502B_0000 + 4 * 20, 222)
    assert q.readl(0x502B_0000 + 4 * 20) & 0xFF == 222
    q.setbits(PERI_RESET, 1 << 20)
    q.clearbits(PERI_RESET, 1 << 20)
    assert q.readl(0x502B_0000 + 4 * 20) & 0xFF == 24 + 4
    assert q.readl(PERI_RESET) == 0


def test_dma_selectors_keep_six_bits(q):
    q.writel(DMA_SEL0, 0xFFFF_FFFF)
    q.writel(DMA_SEL1, 0xFFFF_FFFF)
    assert q.readl(DMA_SEL0) == 0x3FFF_FFFF and q.readl(DMA_SEL1) == 0x3F


def test_ai_clock_off_hides_the_ai_sram(q):
    q.writel(0x8060_0000, 0x1234_5678)
    assert q.readl(0x4060_0000) == 0x1234_5678
    q.clearbits(EN_PERI, 1 << 2)
    assert q.readl(0x8060_0000) == 0
    q.setbits(EN_PERI, 1 << 2)
    assert q.readl(0x8060_0000) == 0x1234_5678
