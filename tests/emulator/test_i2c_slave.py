# SPDX-License-Identifier: MIT
"""An I2C controller as slave, with the vendor SDK's set-up, and the emulator's master on its pads."""

import pytest
from board_io import I2C, map_pad
from qtest import QemuError, QTest

BASE = 0x5028_0000  # I2C0
MASTER = "/machine/i2c-master"
RX_FULL, RD_REQ, RX_DONE, STOP, START, GEN_CALL = 1 << 2, 1 << 5, 1 << 7, 1 << 9, 1 << 10, 1 << 11


@pytest.fixture
def q():
    with QTest("-d", "guest_errors") as q:
        q.irq_intercept_in("/machine/soc/plic")
        map_pad(q, 28, 126, I2C)
        map_pad(q, 29, 127, I2C)
        setup(q, 0x24)
        yield q


def setup(q, address, con=1 << 1 | 1 << 7):
    q.writel(BASE + 0x6C, 0)
    q.writel(BASE + 0x00, con)  # speed, STOP only when addressed
    q.writel(BASE + 0x14, 37)
    q.writel(BASE + 0x18, 40)
    q.writel(BASE + 0x08, address)
    q.writel(BASE + 0x38, 0)
    q.writel(BASE + 0x3C, 0)
    q.writel(BASE + 0x30, RX_FULL | START | STOP | RD_REQ)
    q.writel(BASE + 0x6C, 1)


def serve(q, transfer, answers=b""):
    """The vendor's interrupt handler, until the master has finished; its result, what arrived, the events."""
    q.qom_set(MASTER, "transfer", transfer)
    answers, arrived, events = list(answers), [], []
    for _ in range(500):
        q.clock_step(20_000)
        if not q.irq(8):
            if result := q.qom_get(MASTER, "result"):
                return result, bytes(arrived), events
            continue
        status = q.readl(BASE + 0x2C)
        if status & START:
            events.append("start")
            q.readl(BASE + 0x64)
        if status & RX_FULL:
            arrived.append(q.readl(BASE + 0x10))
        if status & RD_REQ:
            q.writel(BASE + 0x10, answers.pop(0) if answers else 0xFF)
            q.readl(BASE + 0x50)
        if status & STOP:
            events.append("stop")
            q.readl(BASE + 0x60)
    raise AssertionError("the master did not finish")


def test_master_writes(q):
    result, arrived, events = serve(q, "24 w0102aaff")
    assert (result, arrived) == ("ok", b"\x01\x02\xaa\xff")
    assert events == ["start", "stop"]


def test_master_reads_at_the_speed_of_the_program(q):
    assert serve(q, "24 r3", b"\x11\x22\x33")[0] == "ok 11 22 33"
    assert q.readl(BASE + 0x34) & RX_DONE, "the master did not acknowledge the last byte"


def test_register_read_with_a_restart(q):
    result, arrived, events = serve(q, "24 w05 r2", b"\x77\x78")
    assert (result, arrived) == ("ok 77 78", b"\x05")
    assert events == ["start", "start", "stop"]


def test_another_address_is_not_answered(q):
    result, arrived, events = serve(q, "25 w01")
    assert (result, arrived) == ("nack", b"") and "stop" not in events


def test_ten_bit_address(q):
    setup(q, 0x2A5, con=1 << 1 | 1 << 7 | 1 << 3)
    assert serve(q, "2a5 w42")[:2] == ("ok", b"\x42")
    assert serve(q, "25 w42")[0] == "nack", "the low seven bits are not the address"


def test_general_call(q):
    q.writel(BASE + 0x30, GEN_CALL)
    q.qom_set(MASTER, "transfer", "0 w06")
    q.clock_step(400_000)
    assert q.irq(8) and q.qom_get(MASTER, "result") == "ok"
    assert q.readl(BASE + 0x10) == 6
    q.readl(BASE + 0x68)
    assert not q.irq(8)


def test_bytes_that_nobody_takes_are_lost(q):
    q.writel(BASE + 0x30, 0)
    q.qom_set(MASTER, "transfer", "24 w" + "00" * 9)
    q.clock_step(2_000_000)
    assert q.readl(BASE + 0x78) == 8 and q.readl(BASE + 0x34) & 2
    assert "k210-i2c0: RX FIFO overrun" in q.log


def test_a_silent_slave_holds_the_master_up(q):
    q.writel(BASE + 0x30, 0)
    q.qom_set(MASTER, "transfer", "24 r1")
    q.clock_step(10_000_000)
    assert q.qom_get(MASTER, "result") == "" and q.readl(BASE + 0x70) & 0x41 == 0x41
    q.clock_step(20_000_000)
    assert q.qom_get(MASTER, "result") == "timeout"


def test_not_mapped_or_disabled_means_nobody_there(q):
    q.writel(BASE + 0x6C, 0)
    assert serve(q, "24 w01")[0] == "nack"
    q.writel(BASE + 0x6C, 1)
    map_pad(q, 28, 120, 0)
    assert serve(q, "24 w01")[0] == "nack"


@pytest.mark.parametrize("bad", ["", "24", "24 x1", "24 w1", "400 w00", "24 r0", "24 r257", "24 wzz"])
def test_nonsense_is_refused(q, bad):
    with pytest.raises(QemuError, match="expected"):
        q.qom_set(MASTER, "transfer", bad)


def test_master_with_ten_bit_address_finds_nobody(q):
    q.writel(BASE + 0x6C, 0)
    q.writel(BASE + 0x00, 0x63)
    q.writel(BASE + 0x04, 1 << 12 | 0x230)
    q.writel(BASE + 0x6C, 1)
    q.writel(BASE + 0x10, 1)
    q.clock_step(5_000_000)
    assert q.readl(BASE + 0x80) == 2, "10-bit address not acknowledged"
