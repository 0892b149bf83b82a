# SPDX-License-Identifier: MIT
"""UARTHS: FIFOs, watermarks, the time that characters take, and the serial line's pads."""

import time

import pytest
from qtest import QemuError, QTest

BASE = 0x3800_0000
TXDATA, RXDATA, TXCTRL, RXCTRL, IE, IP, DIV = (BASE + 4 * n for n in range(7))
FULL = EMPTY = 1 << 31
SEL0 = 0x5044_0020
CHAR_NS = 10 * 1_000_000_000 * 3385 / 390_000_000  # 115200 8N1 at 390 MHz


@pytest.fixture
def q():
    with QTest(serials=4) as qtest:
        qtest.irq_intercept_out("/machine/soc/uarths")
        qtest.writel(DIV, 3384)
        qtest.writel(TXCTRL, 1)
        qtest.writel(RXCTRL, 1)
        yield qtest


def receive(q, count, deadline=5.0):
    """Steps the clock a character at a time until count characters have come in."""
    data, end = [], time.monotonic() + deadline
    while len(data) < count and time.monotonic() < end:
        word = q.readl(RXDATA)
        if word & EMPTY:
            q.clock_step(round(CHAR_NS))
        else:
            data.append(word)
    return bytes(data)


def test_transmit_takes_its_time(q):
    start = q.clock_ns()
    q.writel(TXDATA, ord("A"))
    q.writel(TXDATA, ord("B"))
    q.clock_step(round(CHAR_NS * 0.9))
    with pytest.raises(QemuError):
        q.serial_read(b"A", timeout=0.1)
    q.clock_step(round(CHAR_NS * 0.2))
    assert q.serial_read(b"A") == b"A"
    q.clock_step(round(CHAR_NS))
    assert q.serial_read(b"B") == b"B"
    assert q.clock_ns() - start < 2.2 * CHAR_NS


def test_fifo_is_eight_deep(q):
    for n in range(9):  # one on the line, eight behind it
        assert not q.readl(TXDATA) & FULL
        q.writel(TXDATA, ord("0") + n)
    assert q.readl(TXDATA) & FULL
    q.clock_step(round(CHAR_NS * 1.1))
    assert not q.readl(TXDATA) & FULL
    q.clock_step(round(CHAR_NS * 9))
    assert q.serial_read(b"8") == b"012345678"


def test_two_stop_bits_and_clock_change(q):
    q.writel(TXCTRL, 3)
    q.writel(TXDATA, ord("x"))
    q.writel(TXDATA, ord("y"))
    assert abs(q.clock_step_next() - CHAR_NS * 1.1) < 1000
    q.clock_step_next()
    start = q.clock_ns()
    q.clearbits(SEL0, 1)  # 26 MHz: 15 times slower
    q.writel(TXDATA, ord("z"))
    assert abs(q.clock_step_next() - start - CHAR_NS * 1.1 * 15) < 1000


def test_transmit_watermark(q):
    q.writel(TXCTRL, 1 | 2 << 16)
    q.writel(IE, 1)
    assert q.readl(IP) & 1 and q.irq(0), "fewer than 2 characters"
    for c in b"abc":
        q.writel(TXDATA, c)
    assert not q.readl(IP) & 1 and not q.irq(0)
    q.clock_step(round(CHAR_NS * 1.1))
    assert q.irq(0)
    q.writel(TXCTRL, 1)
    assert not q.irq(0), "watermark 0 is never undercut"


def test_receive_and_watermark(q):
    q.writel(RXCTRL, 1 | 1 << 16)
    q.writel(IE, 2)
    q.serial_write(b"Hi!")
    q.wait_until(lambda: q.irq(0) or time.sleep(0.001), step_ns=round(CHAR_NS))
    assert q.readl(IP) & 2
    assert receive(q, 3) == b"Hi!"
    assert not q.irq(0) and q.readl(RXDATA) & EMPTY


def test_receive_is_paced_and_loses_nothing(q):
    data = bytes(range(256))
    q.serial_write(data)
    time.sleep(0.1)
    start = q.clock_ns()
    assert receive(q, 256) == data
    assert q.clock_ns() - start >= 250 * CHAR_NS


def test_disabled_receiver_takes_nothing(q):
    q.writel(RXCTRL, 0)
    q.serial_write(b"x")
    time.sleep(0.05)
    q.clock_step(round(CHAR_NS * 5))
    assert q.readl(RXDATA) & EMPTY


def test_host_that_does_not_read(q):
    """Output goes on at its pace, and what the host reads later is in order."""
    for n in range(3000):
        q.writel(TXDATA, n & 0xFF)
        q.clock_step(round(CHAR_NS) + 1)
        assert not q.readl(TXDATA) & FULL
    data = b""
    while len(data) < 3000:
        data += q.serial_read(bytes([(len(data)) & 0xFF]))
    assert data == bytes(n & 0xFF for n in range(3000))


def test_uart3_takes_over_the_usb_pads(q):
    """What flash stubs and vendor demos do: UART3 on IO4/IO5 instead of UARTHS."""
    fpioa, uart3 = 0x502B_0000, 0x5023_0000
    q.writel(fpioa + 4 * 4, 0x0090_0000 | 68)
    q.writel(fpioa + 4 * 5, 0x0000_1F00 | 69)
    divisor = 195_000_000 // 115200
    q.writel(uart3 + 0x0C, 0x83)
    q.writel(uart3 + 0x04, divisor >> 12)
    q.writel(uart3 + 0x00, divisor >> 4 & 0xFF)
    q.writel(uart3 + 0xC0, divisor & 15)
    q.writel(uart3 + 0x0C, 3)
    q.writel(uart3, ord("3"))
    q.writel(TXDATA, ord("h"))
    q.clock_step(round(CHAR_NS * 3))
    assert q.serial_read(timeout=0.2) == b"3"
    q.serial_write(b"u")
    q.wait_until(lambda: q.readl(uart3 + 0x14) & 1 or time.sleep(0.001), step_ns=round(CHAR_NS))
    assert q.readl(uart3) == ord("u")
    assert q.readl(RXDATA) & EMPTY


def test_uart1_elsewhere_has_its_own_line(q):
    uart1 = 0x5021_0000
    q.writel(uart1 + 0x0C, 0x83)
    q.writel(uart1 + 0x00, 105)
    q.writel(uart1 + 0x0C, 3)
    q.writel(uart1, ord("1"))
    q.clock_step(round(CHAR_NS * 3))
    assert q.serial_read(b"1", line=1) == b"1"
