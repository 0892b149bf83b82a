# SPDX-License-Identifier: MIT
"""TIMER0..2: counting, interrupts, acknowledge registers, PWM outputs, pause bits."""

import pytest
from qtest import QTest

SYSCTL, FPIOA = 0x50440000, 0x502B0000
PERI, TH2 = SYSCTL + 0x58, SYSCTL + 0x40
BASE = [0x502D0000, 0x502E0000, 0x502F0000]
LOAD, VALUE, CONTROL, EOI, INTSTAT = 0x00, 0x04, 0x08, 0x0C, 0x10
INTSTAT_ALL, EOI_ALL, RAW, LOAD2 = 0xA0, 0xA4, 0xA8, 0xB0
ENABLE, USER, MASK, PWM = 1, 2, 4, 8
TICK_NS = 1e9 / 13e6  # IN0 / 2, as at reset


@pytest.fixture
def q():
    with QTest() as q:
        q.irq_intercept_in("/machine/soc/plic")
        yield q


def start(q, timer, channel, load, control=ENABLE | USER):
    base = BASE[timer] + 0x14 * channel
    q.writel(base + CONTROL, 0)
    q.writel(base + LOAD, load)
    q.writel(base + CONTROL, control)
    return base


@pytest.mark.parametrize("timer", [0, 1, 2])
@pytest.mark.parametrize("channel", [0, 1, 2, 3])
def test_interrupt_on_the_right_line(q, timer, channel):
    line = 14 + 2 * timer + channel // 2
    base = start(q, timer, channel, 12999)  # 1 ms
    q.clock_step(999_000)
    assert not q.irq(line)
    q.clock_step(2_000)
    assert q.irq(line)
    assert [n for n in range(14, 20) if q.irq(n)] == [line]
    assert q.readl(BASE[timer] + INTSTAT_ALL) == 1 << channel
    assert q.readl(base + INTSTAT) == 1
    q.readl(base + EOI)
    assert not q.irq(line)
    assert q.readl(BASE[timer] + INTSTAT_ALL) == 0


def test_periods_do_not_drift(q):
    start(q, 0, 0, 12999)
    times = []
    for _ in range(50):
        while not q.irq(14):
            now = q.clock_step(1_000)
        times.append(now)
        q.readl(BASE[0] + EOI)
    assert times[-1] - times[0] == pytest.approx(49e6, abs=2000)


def test_counts_down(q):
    base = start(q, 0, 1, 999_999)
    first = q.readl(base + VALUE)
    q.clock_step(1_000_000)
    assert first - q.readl(base + VALUE) == pytest.approx(13_000, abs=1)


def test_free_running_starts_at_load_and_wraps_to_all_ones(q):
    base = start(q, 0, 0, 12, ENABLE)
    q.clock_step(2_000)
    assert q.readl(BASE[0] + RAW) & 1
    assert q.readl(base + VALUE) > 0xFFFF_FF00


def test_mask_hides_status_but_not_raw_status(q):
    start(q, 0, 0, 100, ENABLE | USER | MASK)
    q.clock_step(20_000)
    assert q.readl(BASE[0] + RAW) == 1
    assert q.readl(BASE[0] + INTSTAT_ALL) == 0
    assert not q.irq(14)
    q.writel(BASE[0] + CONTROL, ENABLE | USER)
    assert q.irq(14)


def test_eoi_all_clears_every_channel(q):
    for channel in range(4):
        start(q, 1, channel, 100)
    q.clock_step(8_000)
    assert q.readl(BASE[1] + INTSTAT_ALL) == 0xF
    q.readl(BASE[1] + EOI_ALL)
    assert q.readl(BASE[1] + INTSTAT_ALL) == 0
    assert not q.irq(16) and not q.irq(17)


def test_disabling_clears_the_interrupt(q):
    base = start(q, 0, 0, 100)
    q.clock_step(8_000)
    assert q.irq(14)
    q.writel(base + CONTROL, 0)
    assert not q.irq(14)


def test_new_load_counts_from_the_next_phase(q):
    base = start(q, 0, 0, 12999)
    q.clock_step(500_000)
    q.writel(base + LOAD, 25999)
    q.clock_step(501_000)
    assert q.irq(14)
    q.readl(base + EOI)
    q.clock_step(1_900_000)
    assert not q.irq(14)
    q.clock_step(102_000)
    assert q.irq(14)


def test_pwm_output_reaches_its_pad(q):
    pad, low, high = 12, 9_999, 2_999  # 13000 clocks = 1 ms, 23 % high
    q.writel(FPIOA + 4 * pad, 0x1F00 | 193)  # TIMER0_TOGGLE4
    q.writel(BASE[0] + 0x14 * 3 + LOAD, low)
    q.writel(BASE[0] + LOAD2 + 12, high)
    q.writel(BASE[0] + 0x14 * 3 + CONTROL, 0xF)
    samples = []
    for _ in range(400):
        q.clock_step(10_000)
        samples.append(q.readl(FPIOA + 4 * pad) >> 31)
    assert sum(samples) / len(samples) == pytest.approx(0.2308, abs=0.01)
    assert samples[0] == 0  # a period begins with its low phase
    assert not q.irq(15)
    q.writel(BASE[0] + 0x14 * 3 + CONTROL, 4)
    assert q.readl(FPIOA + 4 * pad) >> 31 == 0


def test_clock_divider_changes_the_rate_while_counting(q):
    base = start(q, 0, 0, 129_999)  # 10 ms at 13 MHz
    q.clock_step(5_000_000)
    q.writel(TH2, 1)  # 6.5 MHz: the other half takes 10 ms
    q.clock_step(9_900_000)
    assert not q.irq(14)
    q.clock_step(200_000)
    assert q.irq(14)
    assert q.readl(base + CONTROL) == ENABLE | USER


def test_pause_bit_stops_the_channel(q):
    base = start(q, 1, 2, 12999)
    q.clock_step(400_000)
    q.setbits(PERI, 1 << 6)  # timer1 channel 2
    value = q.readl(base + VALUE)
    q.clock_step(5_000_000)
    assert q.readl(base + VALUE) == value and not q.irq(17)
    q.clearbits(PERI, 1 << 6)
    q.clock_step(590_000)
    assert not q.irq(17)
    q.clock_step(20_000)
    assert q.irq(17)


def test_sysctl_reset_stops_everything(q):
    base = start(q, 2, 0, 100)
    q.clock_step(8_000)
    q.setbits(SYSCTL + 0x34, 1 << 23)
    q.clearbits(SYSCTL + 0x34, 1 << 23)
    assert not q.irq(18)
    assert q.readl(base + CONTROL) == 0 and q.readl(base + LOAD) == 0


def test_wrong_accesses_are_guest_errors():
    with QTest("-d", "guest_errors") as q:
        q.readw(BASE[0] + 2)
        q.readb(BASE[0])
        q.readl(BASE[0] + 0x60)
        q.writel(BASE[0] + VALUE, 1)
        assert "misaligned 2-byte read at 0x002" in q.log
        assert "1-byte read at 0x000" in q.log
        assert "read at 0x060, where there is no register" in q.log
        assert "write to read-only register 0x004" in q.log
