# SPDX-License-Identifier: MIT
"""GPIO (8 pins): levels through the pad matrix, interrupts by level and edge."""

import pytest
from qtest import QTest

BASE, FPIOA = 0x50200000, 0x502B0000
DATA, DIRECTION = 0x00, 0x04
ENABLE, MASK, LEVEL, POLARITY, STATUS, RAW = 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44
EOI, EXT_PORT, BOTH = 0x4C, 0x50, 0x68
GPIO_CLASS, PULL_UP = 0x00901F00, 1 << 16


@pytest.fixture
def q():
    with QTest() as q:
        q.irq_intercept_in("/machine/soc/plic")
        for n in range(8, 16):  # have these functions after reset, and the board's LEDs pull some of them up
            q.writel(FPIOA + 4 * n, 120)
        yield q


def pad(q, n, gpio, word=GPIO_CLASS):
    q.writel(FPIOA + 4 * n, word | (56 + gpio))


def drive(q, n, level):
    q.set_irq_in("/machine/soc/fpioa", "pad-in", n, level)


@pytest.mark.parametrize("gpio", range(8))
def test_output_reaches_the_pad(q, gpio):
    pad(q, 8 + gpio, gpio)
    q.setbits(BASE + DIRECTION, 1 << gpio)
    for level in (1, 0, 1):
        q.writel(BASE + DATA, level << gpio)
        assert q.readl(FPIOA + 4 * (8 + gpio)) >> 31 == level
        assert q.readl(BASE + EXT_PORT) == level << gpio


def test_input_sees_the_pad(q):
    pad(q, 20, 5)
    drive(q, 20, 1)
    assert q.readl(BASE + EXT_PORT) == 1 << 5
    drive(q, 20, 0)
    assert q.readl(BASE + EXT_PORT) == 0


def test_input_direction_does_not_drive(q):
    pad(q, 20, 0, GPIO_CLASS | PULL_UP)
    drive(q, 20, 2)
    q.writel(BASE + DATA, 0)
    assert q.readl(FPIOA + 80) >> 31 == 1
    q.writel(BASE + DIRECTION, 1)
    assert q.readl(FPIOA + 80) >> 31 == 0


def test_unmapped_function_reads_0(q):
    assert q.readl(BASE + EXT_PORT) & ~0xFF == 0
    for n in range(8, 16):
        q.writel(FPIOA + 4 * n, 120)
    assert q.readl(BASE + EXT_PORT) == 0


@pytest.mark.parametrize("rising", [0, 1])
def test_edge_interrupt(q, rising):
    pad(q, 20, 3)
    drive(q, 20, 1 - rising)
    q.writel(BASE + LEVEL, 8)
    q.writel(BASE + POLARITY, rising << 3)
    q.writel(BASE + ENABLE, 8)
    assert not q.irq(23)
    drive(q, 20, rising)
    assert q.irq(23) and q.readl(BASE + STATUS) == 8
    drive(q, 20, 1 - rising)
    assert q.irq(23)
    q.writel(BASE + EOI, 8)
    assert not q.irq(23) and q.readl(BASE + STATUS) == 0


def test_both_edges(q):
    pad(q, 20, 3)
    drive(q, 20, 0)
    q.writel(BASE + BOTH, 8)
    q.writel(BASE + ENABLE, 8)
    for level in (1, 0):
        drive(q, 20, level)
        assert q.irq(23)
        q.writel(BASE + EOI, 8)
        assert not q.irq(23)


def test_level_interrupt_follows_the_pin(q):
    pad(q, 20, 7)
    drive(q, 20, 1)
    q.writel(BASE + POLARITY, 0)
    q.writel(BASE + ENABLE, 0x80)
    assert not q.irq(23)
    drive(q, 20, 0)
    assert q.irq(23)
    q.writel(BASE + EOI, 0x80)
    assert q.irq(23)
    drive(q, 20, 1)
    assert not q.irq(23)


def test_mask_keeps_raw_status(q):
    pad(q, 20, 0)
    drive(q, 20, 0)
    q.writel(BASE + LEVEL, 1)
    q.writel(BASE + POLARITY, 1)
    q.writel(BASE + MASK, 1)
    q.writel(BASE + ENABLE, 1)
    drive(q, 20, 1)
    assert q.readl(BASE + RAW) == 1 and q.readl(BASE + STATUS) == 0 and not q.irq(23)
    q.writel(BASE + MASK, 0)
    assert q.irq(23)
