# SPDX-License-Identifier: MIT
"""CLINT: mtime follows the CPU clock, mtimecmp and msip raise their interrupts."""

import pytest
from qtest import QTest

MSIP, MTIMECMP, MTIME = 0x0200_0000, 0x0200_4000, 0x0200_BFF8
SEL0, PLL0 = 0x5044_0020, 0x5044_0008
CLINT = "/machine/soc/clint"
NEVER = (1 << 64) - 1


@pytest.fixture
def q():
    with QTest() as qtest:
        yield qtest


def test_mtime_is_cpu_clock_over_50(q):
    start = q.readq(MTIME)
    q.clock_step(1_000_000)
    assert q.readq(MTIME) - start == 7800


def test_mtime_follows_clock_changes(q):
    q.clock_step(1_000_000)
    start = q.readq(MTIME)
    q.clearbits(SEL0, 1)  # CPU from the 26 MHz crystal
    assert q.readq(MTIME) - start <= 1, "a change of rate is no jump"
    q.clock_step(1_000_000)
    assert abs(q.readq(MTIME) - start - 520) <= 1
    start = q.readq(MTIME)
    q.setbits(SEL0, 1)
    q.clock_step(1_000_000)
    assert abs(q.readq(MTIME) - start - 7800) <= 1


def test_halves_can_be_read_and_written(q):
    q.clock_step(1_000_000)
    assert q.readl(MTIME) == 7800 and q.readl(MTIME + 4) == 0
    q.writel(MTIMECMP, 0x89AB_CDEF)
    q.writel(MTIMECMP + 4, 0x0123_4567)
    assert q.readq(MTIMECMP) == 0x0123_4567_89AB_CDEF
    assert q.readl(MTIMECMP + 4) == 0x0123_4567
    q.writeq(MTIME, 0x1_0000_0000)
    assert q.readl(MTIME + 4) == 1


@pytest.mark.parametrize("hart", [0, 1])
def test_timer_interrupt(q, hart):
    q.irq_intercept_out(CLINT, "mtip")
    assert not q.irq(hart)
    q.writeq(MTIMECMP + 8 * hart, q.readq(MTIME) + 78)  # 10 us
    q.clock_step(9_900)
    assert not q.irq(hart)
    q.clock_step(200)
    assert q.irq(hart)
    assert not q.irq(1 - hart)
    q.writeq(MTIMECMP + 8 * hart, NEVER)
    assert not q.irq(hart)


def test_timer_follows_clock_changes(q):
    q.irq_intercept_out(CLINT, "mtip")
    q.writeq(MTIMECMP, q.readq(MTIME) + 7800)  # 1 ms at 390 MHz
    q.clock_step(500_000)
    q.clearbits(SEL0, 1)  # 26 MHz: the rest takes 15 times as long, 7.5 ms
    q.clock_step(7_400_000)
    assert not q.irq(0)
    q.clock_step(200_000)
    assert q.irq(0)


def test_time_in_the_past_is_pending_at_once(q):
    q.irq_intercept_out(CLINT, "mtip")
    q.clock_step(1000)
    q.writeq(MTIMECMP, 0)
    assert q.irq(0)


@pytest.mark.parametrize("hart", [0, 1])
def test_software_interrupt(q, hart):
    q.irq_intercept_out(CLINT, "msip")
    q.writel(MSIP + 4 * hart, 0xFFFF_FFFF)
    assert q.irq(hart) and q.readl(MSIP + 4 * hart) == 1
    q.writel(MSIP + 4 * hart, 0)
    assert not q.irq(hart)


def test_reset(q):
    q.irq_intercept_out(CLINT, "mtip")
    q.writel(MSIP + 4, 1)
    q.writeq(MTIMECMP, 0)
    q.clock_step(1_000_000)
    q.qmp("system_reset")
    q.clock_step(1000)
    assert q.readl(MSIP + 4) == 0 and not q.irq(0)
    assert q.readq(MTIME) < 100
