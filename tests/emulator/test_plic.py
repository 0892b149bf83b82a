# SPDX-License-Identifier: MIT
"""PLIC: priorities, contexts, claim and complete, level-triggered gateways."""

import pytest
from qtest import QTest

PLIC = 0x0C00_0000
PENDING, ENABLE, CONTEXT = PLIC + 0x1000, PLIC + 0x2000, PLIC + 0x20_0000
PATH = "/machine/soc/plic"
GPIOHS5 = 34 + 5


@pytest.fixture
def q():
    with QTest() as qtest:
        qtest.irq_intercept_out(PATH, "eip")
        yield qtest


def source(q, number, level):
    q.set_irq_in(PATH, None, number, level)


def enable(q, ctx, *ids):
    for i in ids:
        q.setbits(ENABLE + 0x80 * ctx + 4 * (i // 32), 1 << i % 32)


def claim(q, ctx):
    return q.readl(CONTEXT + 0x1000 * ctx + 4)


def complete(q, ctx, number):
    q.writel(CONTEXT + 0x1000 * ctx + 4, number)


@pytest.mark.parametrize("number", [1, 27, 33, 34, 65])
def test_delivery(q, number):
    q.writel(PLIC + 4 * number, 1)
    enable(q, 0, number)
    source(q, number, 1)
    assert q.plic_pending(number) and q.irq(0) and not q.irq(2)
    assert claim(q, 0) == number
    assert not q.plic_pending(number) and not q.irq(0)
    source(q, number, 0)
    complete(q, 0, number)
    assert not q.irq(0) and claim(q, 0) == 0


def test_level_still_high_comes_back(q):
    q.writel(PLIC + 4 * 33, 1)
    enable(q, 0, 33)
    source(q, 33, 1)
    assert claim(q, 0) == 33
    assert not q.irq(0), "not again before it is completed"
    complete(q, 0, 33)
    assert q.irq(0) and claim(q, 0) == 33


def test_pulse_stays_pending(q):
    q.writel(PLIC + 4 * 33, 1)
    enable(q, 0, 33)
    source(q, 33, 1)
    source(q, 33, 0)
    assert q.irq(0) and claim(q, 0) == 33


def test_priority_and_id_order(q):
    for number, priority in ((10, 2), (20, 7), (30, 2), (65, 7)):
        q.writel(PLIC + 4 * number, priority)
        enable(q, 0, number)
        source(q, number, 1)
    assert [claim(q, 0) for _ in range(5)] == [20, 65, 10, 30, 0]


def test_threshold(q):
    q.writel(PLIC + 4 * 5, 3)
    enable(q, 0, 5)
    q.writel(CONTEXT, 3)
    source(q, 5, 1)
    assert not q.irq(0)
    q.writel(CONTEXT, 2)
    assert q.irq(0)
    assert q.readl(CONTEXT) == 2


def test_priority_0_is_off_and_7_the_most(q):
    enable(q, 0, 5)
    source(q, 5, 1)
    assert not q.irq(0) and claim(q, 0) == 0
    q.writel(PLIC + 4 * 5, 0xFFFF_FFFF)
    assert q.readl(PLIC + 4 * 5) == 7 and q.irq(0)


def test_first_claim_wins(q):
    q.writel(PLIC + 4 * 24, 1)
    enable(q, 0, 24)
    enable(q, 2, 24)
    source(q, 24, 1)
    assert q.irq(0) and q.irq(2)
    assert claim(q, 2) == 24 and claim(q, 0) == 0
    assert not q.irq(0) and not q.irq(2)


def test_gpiohs_reaches_its_source(q):
    """The machine's wiring: GPIOHS pin 5 on pad IO21 is source 39."""
    q.writel(0x3800_1004, 1 << 5)
    q.writel(0x3800_1018, 1 << 5)
    q.set_irq_in("/machine/soc/fpioa", "pad-in", 21, 1)
    assert q.plic_pending(GPIOHS5)
