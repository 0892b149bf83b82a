# SPDX-License-Identifier: MIT
"""UART1..3: THRE quirk, FIFOs, interrupts, pacing, DMA, in the ways the vendor SDK and others use them."""

import time

import dma
import pytest
from qtest import QTest

SYSCTL = 0x50440000
BASE = [0, 0x50210000, 0x50220000, 0x50230000]
RBR, IER, IIR, LCR, MCR, LSR, USR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x7C
TFL, RFL, SRR, DLF, CPR, UCV, CTR = 0x80, 0x84, 0x88, 0xC0, 0xF4, 0xF8, 0xFC
APB0 = 195_000_000
BIT_NS = 1e9 / 115200
CHAR_NS = int(10 * BIT_NS) + 1


@pytest.fixture
def q():
    with QTest(serials=4) as q:
        q.irq_intercept_in("/machine/soc/plic")
        yield q


def configure(q, n, baud=115200):
    """The standalone SDK's uart_init and uart_configure."""
    q.setbits(SYSCTL + 0x34, 1 << (15 + n))
    q.clearbits(SYSCTL + 0x34, 1 << (15 + n))
    divisor = APB0 // baud
    q.setbits(BASE[n] + LCR, 0x80)
    q.writel(BASE[n] + IER, divisor >> 12)
    q.writel(BASE[n] + RBR, divisor >> 4 & 0xFF)
    q.writel(BASE[n] + DLF, divisor & 15)
    q.writel(BASE[n] + LCR, 0)
    q.writel(BASE[n] + LCR, 3)
    q.clearbits(BASE[n] + LCR, 0x80)
    q.setbits(BASE[n] + IER, 0x80)
    q.writel(BASE[n] + IIR, 0x39)


def receive(q, n, data):
    """Sends bytes to the UART, which takes one per character time."""
    q.serial_write(data, line=n)
    for _ in range(len(data) + 1):
        level = q.readl(BASE[n] + RFL)
        for _ in range(50):  # the socket is read in host time
            if q.readl(BASE[n] + RFL) > level:
                break
            time.sleep(0.002)
        q.clock_step(CHAR_NS)


def test_ids(q):
    assert q.readl(BASE[1] + CTR) == 0x44570110
    assert q.readl(BASE[1] + UCV) == 0x3430312A
    assert q.readl(BASE[1] + CPR) >> 16 & 0xFF == 1  # FIFO of 16


@pytest.mark.parametrize("n", [1, 2, 3])
def test_send_as_the_vendor_does(q, n):
    configure(q, n)
    assert not q.readl(BASE[n] + LSR) & 0x20  # PTIME: bit 5 says "full"
    for c in b"Hello, world. 0123456789":
        q.wait_until(lambda: not q.readl(BASE[n] + LSR) & 0x20)
        q.writel(BASE[n] + RBR, c)
    q.wait_until(lambda: q.readl(BASE[n] + LSR) & 0x40)
    assert q.serial_read(b"9", line=n) == b"Hello, world. 0123456789"


def test_full_flag_comes_with_16_waiting(q):
    configure(q, 1)
    for i in range(17):  # one goes to the shift register at once
        assert not q.readl(BASE[1] + LSR) & 0x20
        assert q.readl(BASE[1] + TFL) == max(0, i - 1)
        q.writel(BASE[1] + RBR, i)
    assert q.readl(BASE[1] + LSR) & 0x60 == 0x20
    assert q.readl(BASE[1] + USR) & 0x7 == 1
    q.clock_step(CHAR_NS)
    assert not q.readl(BASE[1] + LSR) & 0x20


def test_normal_meaning_of_bit_5_without_ptime(q):
    configure(q, 1)
    q.writel(BASE[1] + IER, 0)
    assert q.readl(BASE[1] + LSR) & 0x60 == 0x60
    q.writel(BASE[1] + RBR, 1)
    q.writel(BASE[1] + RBR, 2)
    assert q.readl(BASE[1] + LSR) & 0x60 == 0
    q.clock_step(CHAR_NS)
    assert q.readl(BASE[1] + LSR) & 0x60 == 0x20
    q.clock_step(CHAR_NS)
    assert q.readl(BASE[1] + LSR) & 0x60 == 0x60


@pytest.mark.parametrize("baud", [9600, 115200, 1_500_000])
def test_characters_take_their_time(q, baud):
    configure(q, 1, baud)
    for i in range(16):
        q.writel(BASE[1] + RBR, i)
    step = max(100, int(1e9 / baud / 10))
    took = q.wait_until(lambda: q.readl(BASE[1] + LSR) & 0x40, step_ns=step)
    assert took == pytest.approx(16 * 10 * 1e9 / baud, rel=0.02)


def test_clock_gate_stops_the_line(q):
    configure(q, 1)
    q.clearbits(SYSCTL + 0x2C, 1 << 16)
    q.writel(BASE[1] + RBR, 0x55)
    q.clock_step(10 * CHAR_NS)
    assert q.readl(BASE[1] + TFL) == 1
    q.setbits(SYSCTL + 0x2C, 1 << 16)
    q.clock_step(2 * CHAR_NS)
    assert q.readl(BASE[1] + LSR) & 0x40
    assert q.serial_read(b"U", line=1) == b"U"


def test_receive_interrupt(q):
    configure(q, 2)
    q.setbits(BASE[2] + IER, 1)
    receive(q, 2, b"a")
    assert q.irq(12)
    assert q.readl(BASE[2] + IIR) & 0xF == 4
    assert q.readl(BASE[2] + LSR) & 1
    assert q.readl(BASE[2] + RBR) == ord("a")
    assert not q.irq(12) and not q.readl(BASE[2] + LSR) & 1
    assert q.readl(BASE[2] + IIR) & 0xF == 1


def test_character_timeout_below_the_trigger(q):
    configure(q, 1)
    q.writel(BASE[1] + IIR, 0x81)  # trigger at 8
    q.setbits(BASE[1] + IER, 1)
    receive(q, 1, b"abc")
    assert q.readl(BASE[1] + RFL) == 3
    q.clock_step(4 * CHAR_NS)
    assert q.irq(11) and q.readl(BASE[1] + IIR) & 0xF == 0xC
    assert [q.readl(BASE[1] + RBR) for _ in range(3)] == list(b"abc")
    assert not q.irq(11)


def test_transmit_interrupt_at_the_trigger(q):
    configure(q, 1)  # TX trigger code 3: 8 entries
    q.setbits(BASE[1] + IER, 2)
    assert q.irq(11)  # empty already
    assert q.readl(BASE[1] + IIR) & 0xF == 2
    assert not q.irq(11)  # reading IIR acknowledges
    for i in range(17):
        q.writel(BASE[1] + RBR, i)
    q.clock_step(7 * CHAR_NS)
    assert not q.irq(11)
    q.clock_step(CHAR_NS)
    assert q.irq(11) and q.readl(BASE[1] + IIR) & 0xF == 2


def test_sixteen_bit_divisor_without_fifo(q):
    """The FreeRTOS driver: no DLF, no FCR, TX by LSR.6."""
    divisor = APB0 // (16 * 115200)
    q.writel(BASE[3] + LCR, 0x80)
    q.writel(BASE[3] + RBR, divisor & 0xFF)
    q.writel(BASE[3] + IER, divisor >> 8)
    q.writel(BASE[3] + LCR, 3)
    q.writel(BASE[3] + IER, 1)
    for c in b"ok\n":
        q.wait_until(lambda: q.readl(BASE[3] + LSR) & 0x40)
        q.writel(BASE[3] + RBR, c)
    q.wait_until(lambda: q.readl(BASE[3] + LSR) & 0x40)
    assert q.serial_read(b"\n", line=3) == b"ok\n"


def test_fast_line_in_batches(q):
    """1500000 baud: what came while nobody looked is there at the next look, and no more than that."""
    configure(q, 3, 1_500_000)
    q.serial_write(bytes(range(64)), line=3)
    for _ in range(100):  # the socket is read in host time
        if q.readl(BASE[3] + RFL):
            break
        time.sleep(0.002)
    time.sleep(0.05)
    q.clock_step(6667 * 10 + 500)  # the first begins after the set-up
    assert q.readl(BASE[3] + RFL) == 10
    got = bytes(q.readl(BASE[3] + RBR) for _ in range(10))
    assert q.readl(BASE[3] + RFL) == 0
    q.clock_step(1_000_000)
    assert q.readl(BASE[3] + RFL) == 16, "the host is held back"
    for _ in range(54):
        got += bytes([q.readl(BASE[3] + RBR)])
        q.clock_step(7000)
    assert got == bytes(range(64))


def test_input_waits_for_the_receiver(q):
    """Between one UART and the next on the USB pads, as when a flash stub starts, the host's bytes wait."""
    for n in (4, 5):
        q.writel(0x502B_0000 + 4 * n, 0x0090_0000 | 68 + n - 4)
    q.serial_write(b"\xc0\xd2\xc0")
    time.sleep(0.05)
    q.clock_step(5_000_000)
    configure(q, 3)
    got = b""
    for _ in range(10):
        q.clock_step(200_000)
        while q.readl(BASE[3] + LSR) & 1:
            got += bytes([q.readl(BASE[3] + RBR)])
    assert got == b"\xc0\xd2\xc0"


def test_loopback(q):
    configure(q, 1)
    q.writel(BASE[1] + MCR, 0x10)
    for c in b"loop":
        q.writel(BASE[1] + RBR, c)
    q.clock_step(5 * CHAR_NS)
    assert bytes(q.readl(BASE[1] + RBR) for _ in range(4)) == b"loop"


def test_dma_send(q):
    configure(q, 1)
    text = b"by direct memory access\n"
    q.write(0x80001000, b"".join(bytes([c, 0, 0, 0]) for c in text))
    dma.start(q, 0, 0x80001000, BASE[1], len(text), request=15, kind=dma.MEM_PER)
    dma.wait(q, 0)
    q.wait_until(lambda: q.readl(BASE[1] + LSR) & 0x40)
    assert q.serial_read(b"\n", line=1) == text


def test_dma_receive(q):
    configure(q, 1)
    dma.start(q, 2, BASE[1], 0x80001000, 5, request=14, kind=dma.PER_MEM)
    q.serial_write(b"12345", line=1)
    deadline = time.monotonic() + 5
    while q.readq(dma.DMAC + 0x18) & 4:
        assert time.monotonic() < deadline
        q.clock_step(CHAR_NS)
    assert q.read(0x80001000, 20)[::4] == b"12345"


def test_soft_reset_and_shadow_registers(q):
    configure(q, 1)
    assert q.readl(BASE[1] + 0x98) == 1 and q.readl(BASE[1] + 0xA0) == 3 and q.readl(BASE[1] + 0x94) == 1
    q.writel(BASE[1] + 0x9C, 2)
    assert q.readl(BASE[1] + 0x9C) == 2
    q.writel(BASE[1] + SRR, 1)
    assert q.readl(BASE[1] + LCR) == 0 and q.readl(BASE[1] + 0x98) == 0


def test_misuse_is_reported():
    with QTest("-d", "guest_errors", serials=2) as q:
        configure(q, 1)
        for i in range(18):
            q.writel(BASE[1] + RBR, i)
        assert "k210-uart1: transmit FIFO overrun, 0x11 was lost" in q.log
        q.readl(BASE[1] + 0xE0)
        assert "k210-uart1: read of no register at 0xe0" in q.log
