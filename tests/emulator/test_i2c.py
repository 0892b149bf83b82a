# SPDX-License-Identifier: MIT
"""I2C controllers, talking to the camera sensor on the board's bus as MaixPy does."""

import pytest
from board_io import I2C, IN, OUT, map_pad
from qtest import QTest

BASE = 0x502A_0000  # I2C2
CON, TAR, DATA_CMD, HCNT, LCNT = (BASE + o for o in (0x00, 0x04, 0x10, 0x14, 0x18))
RAW, CLR_TX_ABRT, ENABLE, STATUS = BASE + 0x34, BASE + 0x54, BASE + 0x6C, BASE + 0x70
TXFLR, RXFLR, ABRT = BASE + 0x74, BASE + 0x78, BASE + 0x80
DVP_CMOS = 0x5043_0010
READ, STOP_DET, TX_ABRT = 0x100, 1 << 9, 1 << 6
OV2640 = 0x30


@pytest.fixture
def q():
    with QTest() as qtest:
        map_pad(qtest, 41, 130, I2C)
        map_pad(qtest, 40, 131, I2C)
        map_pad(qtest, 42, 133, OUT)
        map_pad(qtest, 44, 134, OUT)
        map_pad(qtest, 46, 132, OUT)
        map_pad(qtest, 47, 137, IN)
        qtest.writel(DVP_CMOS, 0x0001_0103)  # clock on, reset high, not powered down
        qtest.writel(ENABLE, 0)
        qtest.writel(CON, 0x63)
        qtest.writel(HCNT, 500)
        qtest.writel(LCNT, 500)
        target(qtest, OV2640)
        yield qtest


def target(q, address):
    q.writel(ENABLE, 0)
    q.writel(TAR, address)
    q.writel(ENABLE, 1)


def idle(q):
    return q.readl(STATUS) & 5 == 4


def run(q, *entries):
    for entry in entries:
        q.writel(DATA_CMD, entry)
    return q.wait_until(lambda: idle(q), step_ns=1000)


def read_register(q, number):
    run(q, number)
    run(q, READ)
    assert q.readl(RXFLR) == 1
    return q.readl(DATA_CMD)


def test_register_pointer_survives_the_stop(q):
    assert [read_register(q, n) for n in (0x0A, 0x0B, 0x1C, 0x1D)] == [0x26, 0x42, 0x7F, 0xA2]


def test_write_restart_read_in_one_transaction(q):
    run(q, 0x0A, READ)
    assert q.readl(DATA_CMD) == 0x26


def test_stop_comes_by_itself_when_the_fifo_runs_dry(q):
    assert not q.readl(RAW) & STOP_DET
    run(q, 0x0A)
    assert q.readl(RAW) & STOP_DET


def test_registers_keep_what_is_written(q):
    run(q, 0xFF, 0x00)
    run(q, 0x5A, 0x50)
    assert read_register(q, 0x5A) == 0x50
    run(q, 0xFF, 0x01)
    assert read_register(q, 0x5A) != 0x50, "the other bank"


def test_absent_target_aborts_and_holds_the_fifo_flushed(q):
    target(q, 0x21)
    run(q, 0x0A, 0x55)
    assert q.readl(ABRT) & 1 and q.readl(RAW) & TX_ABRT
    q.writel(DATA_CMD, 0x0A)
    assert q.readl(TXFLR) == 0
    q.readl(CLR_TX_ABRT)
    assert q.readl(ABRT) == 0
    q.writel(DATA_CMD, 0x0A)
    assert q.readl(TXFLR) == 1


def test_nobody_answers_on_other_pads(q):
    map_pad(q, 40, 120, 0)
    run(q, 0x0A)
    assert q.readl(ABRT) & 1


@pytest.mark.parametrize("cmos", [0x0000_0103, 0x0101_0103, 0x0001_0003], ids=["reset", "power-down", "no clock"])
def test_sleeping_sensor_does_not_answer(q, cmos):
    q.writel(DVP_CMOS, cmos)
    run(q, 0x0A)
    assert q.readl(ABRT) & 1


def test_byte_time_follows_the_counters(q):
    fast = run(q, 0x0A)
    q.writel(HCNT, 5000)
    q.writel(LCNT, 5000)
    slow = run(q, 0x0A)
    assert slow == pytest.approx(10 * fast, rel=0.1)


def test_sixteen_bytes_need_two_fifos(q):
    for n in range(8):
        q.writel(DATA_CMD, n)
    assert q.readl(TXFLR) == 8 and not q.readl(STATUS) & 2
    q.wait_until(lambda: q.readl(TXFLR) < 8, step_ns=1000)
    assert q.readl(STATUS) & 2


def test_a_program_that_ran_late_keeps_its_transfer(q):
    """Nobody looked in between: a read command a little after the register number still follows a RESTART."""
    q.writel(DATA_CMD, 0x0A)
    q.clock_step(1_000_000)
    assert not q.readl(TXFLR)
    q.writel(DATA_CMD, READ)
    assert not q.readl(RAW) & STOP_DET
    q.wait_until(lambda: q.readl(RXFLR), step_ns=1000)
    assert q.readl(DATA_CMD) == 0x26
    q.clock_step(30_000_000)
    q.writel(DATA_CMD, 0x0B)
    assert q.readl(RAW) & STOP_DET, "after a longer pause there was one"


def test_stop_interrupt_is_on_time(q):
    q.irq_intercept_out("/machine/soc/i2c2")
    q.writel(BASE + 0x30, STOP_DET)
    q.writel(DATA_CMD, 0x0A)
    q.clock_step(300_000)
    assert q.irq(0)
    q.readl(BASE + 0x60)
    assert not q.irq(0)


def test_the_next_target_needs_no_pause(q):
    """M5StickV's first firmware scans the bus without ever clearing ENABLE."""
    run(q, 0x0A, READ)
    q.readl(DATA_CMD)
    q.writel(DATA_CMD, 0x0B)
    q.writel(TAR, 0x21)
    assert q.readl(TAR) == OV2640, "not while there is something to send"
    q.wait_until(lambda: not q.readl(TXFLR), step_ns=1000)
    q.writel(TAR, 0x21)
    assert q.readl(TAR) == 0x21 and idle(q)
    run(q, 0x0A)
    assert q.readl(ABRT) & 1
    q.readl(CLR_TX_ABRT)
    q.writel(TAR, OV2640)
    run(q, 0x0A, READ)
    assert q.readl(DATA_CMD) == 0x26
