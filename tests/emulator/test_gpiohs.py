# SPDX-License-Identifier: MIT
"""GPIOHS: input, output, edge and level interrupts."""

import pytest
from qtest import QTest

BASE = 0x3800_1000
INPUT_VAL, INPUT_EN, OUTPUT_EN, OUTPUT_VAL, OUTPUT_XOR = (BASE + o for o in (0, 4, 8, 0xC, 0x40))
RISE, FALL, HIGH, LOW = BASE + 0x18, BASE + 0x20, BASE + 0x28, BASE + 0x30  # IE; IP is at +4
PIN, PAD = 9, 25
BIT = 1 << PIN


@pytest.fixture
def q():
    with QTest() as qtest:
        qtest.irq_intercept_out("/machine/soc/gpiohs")
        qtest.writel(INPUT_EN, 0xFFFF_FFFF)
        drive(qtest, 0)
        for kind in (RISE, FALL, HIGH, LOW):
            qtest.writel(kind + 4, 0xFFFF_FFFF)
        yield qtest


def drive(q, level):
    q.set_irq_in("/machine/soc/fpioa", "pad-in", PAD, level)


def test_input_needs_its_enable(q):
    drive(q, 1)
    assert q.readl(INPUT_VAL) & BIT
    q.writel(INPUT_EN, 0)
    assert not q.readl(INPUT_VAL) & BIT


def test_rising_edge(q):
    q.writel(RISE, BIT)
    assert not q.irq(PIN)
    drive(q, 1)
    assert q.irq(PIN) and q.readl(RISE + 4) & BIT
    drive(q, 0)
    assert q.irq(PIN), "an edge stays pending"
    q.writel(RISE + 4, BIT)
    assert not q.irq(PIN) and not q.readl(RISE + 4) & BIT


def test_falling_edge(q):
    q.writel(FALL, BIT)
    drive(q, 1)
    assert not q.irq(PIN)
    drive(q, 0)
    assert q.irq(PIN)
    q.writel(FALL + 4, BIT)
    assert not q.irq(PIN)


def test_high_level_holds(q):
    q.writel(HIGH, BIT)
    drive(q, 1)
    assert q.irq(PIN)
    q.writel(HIGH + 4, BIT)
    assert q.irq(PIN), "the level is still there"
    drive(q, 0)
    assert q.irq(PIN), "and has been latched"
    q.writel(HIGH + 4, BIT)
    assert not q.irq(PIN)


def test_low_level_holds(q):
    drive(q, 1)
    q.writel(LOW + 4, BIT)
    q.writel(LOW, BIT)
    assert not q.irq(PIN)
    drive(q, 0)
    assert q.irq(PIN)


def test_pending_latches_while_disabled(q):
    drive(q, 1)
    assert q.readl(RISE + 4) & BIT and not q.irq(PIN)
    q.writel(RISE, BIT)
    assert q.irq(PIN)


def test_clearing_is_by_ones(q):
    drive(q, 1)
    q.writel(RISE + 4, 0)
    assert q.readl(RISE + 4) & BIT
    q.writel(RISE + 4, 0xFFFF_FFFF)
    assert not q.readl(RISE + 4) & BIT


def test_output_xor(q):
    q.writel(OUTPUT_EN, BIT)
    q.writel(OUTPUT_XOR, BIT)
    assert q.readl(INPUT_VAL) & BIT
    q.writel(OUTPUT_VAL, BIT)
    assert not q.readl(INPUT_VAL) & BIT


def test_every_pin_has_its_own_interrupt(q):
    q.writel(RISE, 0xFFFF_FFFF)
    for pin in range(32):
        q.set_irq_in("/machine/soc/fpioa", "pad-in", 16 + pin, 0)
        q.writel(RISE + 4, 0xFFFF_FFFF)
        assert not q.irq(pin)
        q.set_irq_in("/machine/soc/fpioa", "pad-in", 16 + pin, 1)
        assert q.irq(pin) and q.plic_pending(34 + pin)
