# SPDX-License-Identifier: MIT
"""WDT0 and WDT1: the vendor driver's start sequence, kick, both stages, reset cause."""

import pytest
from qtest import QTest

SYSCTL = 0x50440000
RESET_STATUS = SYSCTL + 0x60
BASE = [0x50400000, 0x50410000]
CR, TORR, CCVR, CRR, STAT, EOI = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
KICK = 0x76
PERIOD_NS = 2**16 / 13e6 * 1e9  # TOP 0, th 0


@pytest.fixture
def q():
    with QTest("-no-reboot") as q:
        yield q


def start(q, n, top=0, rmod=1):
    q.setbits(SYSCTL + 0x34, 1 << (24 + n))
    q.clearbits(SYSCTL + 0x34, 1 << (24 + n))
    q.clearbits(SYSCTL + 0x50, 0xFF << (8 * n))
    q.setbits(BASE[n] + CR, rmod << 1)
    q.writel(BASE[n] + TORR, top | top << 4)
    q.writel(BASE[n] + CRR, KICK)
    q.setbits(BASE[n] + CR, 1)


@pytest.mark.parametrize("n", [0, 1])
def test_first_expiry_interrupts_second_resets(n):
    with QTest() as q:
        q.writel(RESET_STATUS, q.readl(RESET_STATUS) | 1)
        start(q, n)
        q.clock_step(int(PERIOD_NS * 0.99))
        assert q.readl(BASE[n] + STAT) == 0 and not q.plic_pending(21 + n)
        q.clock_step(int(PERIOD_NS * 0.02))
        assert q.readl(BASE[n] + STAT) == 1 and q.plic_pending(21 + n)
        q.clock_step(int(PERIOD_NS))
        q.wait_event("RESET")
        assert q.readl(RESET_STATUS) >> 2 & 3 == 1 << n
        assert q.readl(BASE[n] + CR) == 0


def test_mode_0_resets_at_once():
    with QTest() as q:
        start(q, 0, rmod=0)
        q.clock_step(int(PERIOD_NS * 1.01))
        q.wait_event("RESET")


@pytest.mark.parametrize("how", ["kick", "eoi"])
def test_service_in_time_prevents_the_reset(q, how):
    start(q, 0)
    for _ in range(10):
        q.clock_step(int(PERIOD_NS * 0.9))
        if how == "kick":
            q.writel(BASE[0] + CRR, KICK)
            assert q.readl(BASE[0] + STAT) == 0
        else:
            q.clock_step(int(PERIOD_NS * 0.1) + 1000)
            assert q.readl(BASE[0] + STAT) == 1
            q.writel(BASE[0] + EOI, q.readl(BASE[0] + EOI))
            assert q.readl(BASE[0] + STAT) == 0
    assert q.qmp("query-status")["running"]


def test_kick_reloads_the_counter(q):
    start(q, 0, top=4)
    q.clock_step(1_000_000)
    assert q.readl(BASE[0] + CCVR) == pytest.approx(2**20 - 13_000, abs=20)
    q.writel(BASE[0] + CRR, KICK)
    assert q.readl(BASE[0] + CCVR) == pytest.approx(2**20, abs=20)


def test_stop(q):
    start(q, 0)
    q.writel(BASE[0] + CRR, KICK)
    q.clearbits(BASE[0] + CR, 1)
    q.clock_step(int(PERIOD_NS * 5))
    assert q.readl(BASE[0] + STAT) == 0
    assert q.qmp("query-status")["running"]


def test_ids_and_wrong_kick():
    with QTest("-d", "guest_errors") as q:
        assert q.readl(BASE[1] + 0xFC) == 0x44570120
        q.writel(BASE[1] + CRR, 0x75)
        assert "k210-wdt1: CRR takes 0x76 only, not 0x75" in q.log
