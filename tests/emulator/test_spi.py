# SPDX-License-Identifier: MIT
"""The SPI masters themselves, mostly through their loop-back: FIFOs, flags, gating, interrupts, DMA, time.

What goes over the wires is in test_spi_flash and test_st7789.
"""

import random

import dma
import pytest
from board_io import Spi
from qtest import QTest

SSIENR, SER, BAUDR, TXFTLR, RXFTLR, TXFLR, RXFLR, SR = 0x08, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x28
IMR, ISR, RISR, TXOICR, RXOICR, RXUICR, ICR, DMACR, TDLR = 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x48, 0x4C, 0x50
VERSION, DR, ENDIAN = 0x5C, 0x60, 0x118
BUSY, TFNF, TFE, RFNE, RFF = 1, 2, 4, 8, 16
TXE, TXO, RXU, RXO, RXF = 1, 2, 4, 8, 16
TXRX, TX, RX, EEPROM = range(4)


@pytest.fixture
def q():
    with QTest() as q:
        yield q


def loop_back(spi, *, tmod=TXRX, bits=8, frames=1):
    """What is sent comes back; the serial clock is 1 MHz or less."""
    spi.setup(tmod=tmod, bits=bits, frames=frames)
    spi.write(SSIENR, 0)
    spi.write(BAUDR, 400)
    spi.q.setbits(spi.base, 1 << (13 if spi.newer else 11))
    spi.write(SSIENR, 1)


@pytest.fixture(params=[0, 1, 3])
def spi(q, request):
    return Spi(q, request.param)


def test_software_can_tell_the_layouts_apart(spi):
    spi.write(0, 0xFFFF_FFFF)
    low_dfs = spi.read(0) & 0xF
    assert low_dfs == (0xF if spi.newer else 0)
    assert spi.read(VERSION).to_bytes(4, "big") == (b"101*" if spi.newer else b"401*")


def test_depth_can_be_found_through_the_threshold(spi):
    depth = 1
    while True:
        spi.write(TXFTLR, depth)
        if spi.read(TXFTLR) != depth:
            break
        depth += 1
    assert depth == 32


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_frames_of_every_width_come_back(spi, bits):
    loop_back(spi, bits=bits)
    words = [0x89AB_CDEF >> (32 - bits), 1, (1 << bits) - 1]
    for word in words:
        spi.write(DR, word)
    assert spi.read(TXFLR) == 3 and spi.read(SR) == TFNF, "nothing moves without a select"
    spi.write(SER, 1)
    assert spi.read(SR) & BUSY
    spi.wait(lambda: spi.read(SR) & (TFE | BUSY) == TFE)
    assert spi.read(RXFLR) == 3
    assert [spi.read(DR) for _ in words] == words
    assert spi.read(SR) == TFNF | TFE


def test_frames_take_the_time_of_their_bits(q):
    spi = Spi(q, 0)
    loop_back(spi, bits=32)
    spi.write(SER, 1)
    spi.write(SSIENR, 0)
    spi.write(SSIENR, 1)
    start = q.clock_step(1)
    for word in range(10):
        spi.write(DR, word)
    while spi.read(SR) & BUSY:
        now = q.clock_step(1000)
    hz = 780e6 / 2 / 400  # PLL0 as at reset, halved, divided by BAUDR
    assert now - start == pytest.approx(320 / hz * 1e9, abs=2500)


def test_full_and_overrun_fifos(spi):
    loop_back(spi)
    for word in range(32):
        spi.write(DR, word)
    assert not spi.read(SR) & TFNF and not spi.read(RISR) & TXO
    spi.write(DR, 99)
    assert spi.read(RISR) & TXO and spi.read(TXFLR) == 32
    assert spi.read(TXOICR) == 1 and not spi.read(RISR) & TXO
    spi.write(SER, 1)
    spi.wait(lambda: spi.read(SR) & (TFE | BUSY) == TFE)
    assert spi.read(SR) & RFF and not spi.read(RISR) & RXO
    spi.write(DR, 77)
    spi.wait(lambda: spi.read(RISR) & RXO)
    assert [spi.read(DR) for _ in range(32)] == list(range(32)), "the frame too many is lost"
    assert spi.read(RXOICR) == 1 and not spi.read(RISR) & RXO
    assert spi.read(DR) == 0 and spi.read(RISR) & RXU
    assert spi.read(ICR) == 1 and not spi.read(RISR) & (RXU | RXO | TXO)


def test_disabling_empties_both_fifos(spi):
    loop_back(spi)
    spi.write(SER, 1)
    for word in range(8):
        spi.write(DR, word)
    spi.wait(lambda: spi.read(RXFLR) >= 2)
    spi.write(SSIENR, 0)
    assert spi.read(TXFLR) == 0 and spi.read(RXFLR) == 0 and not spi.read(SR) & BUSY


def test_interrupt_levels(q):
    spi = Spi(q, 1)
    q.irq_intercept_out("/machine/soc/spi1")
    loop_back(spi)
    spi.write(IMR, 0)
    spi.write(TXFTLR, 4)
    spi.write(RXFTLR, 2)
    for word in range(8):
        spi.write(DR, word)
    spi.write(IMR, TXE | RXF)
    assert not q.irq(0)
    spi.write(SER, 1)
    q.clock_step(2 * 8 * 1100)
    assert not q.irq(0), "two frames moved, no threshold reached"
    q.clock_step(3 * 8 * 1100)
    assert q.irq(0), "and nobody has touched a register"
    assert spi.read(ISR) == TXE | RXF
    spi.write(IMR, RXF)
    q.clock_step(200_000)
    while spi.read(RXFLR) > 2:
        spi.read(DR)
    assert not q.irq(0)


def test_receive_only_counts_its_frames(spi):
    loop_back(spi, tmod=RX, frames=5)
    spi.write(SER, 1)
    spi.q.clock_step(1_000_000)
    assert spi.read(RXFLR) == 0, "in standard format a dummy word starts it"
    spi.write(DR, 0)
    spi.wait(lambda: not spi.read(SR) & BUSY)
    assert spi.read(RXFLR) == 5
    assert [spi.read(DR) for _ in range(5)] == [0xFF] * 5, "the line is high meanwhile"


def test_receive_only_waits_for_a_slow_reader(spi):
    loop_back(spi, tmod=RX, frames=100)
    spi.write(SER, 1)
    spi.write(DR, 0)
    spi.q.clock_step(10_000_000)
    assert spi.read(RXFLR) == 32 and spi.read(SR) & BUSY
    got = 0
    while got < 100:
        spi.wait(lambda: spi.read(RXFLR))
        spi.read(DR)
        got += 1
    spi.q.clock_step(1_000_000)
    assert spi.read(RXFLR) == 0 and not spi.read(SR) & BUSY


def test_enhanced_receive_without_command_starts_with_the_select(q):
    spi = Spi(q, 3)
    spi.setup(tmod=RX, lanes=2, frames=3)
    q.clock_step(100_000)
    assert spi.read(RXFLR) == 0
    spi.write(SER, 1)
    spi.wait(lambda: spi.read(RXFLR) == 3)
    q.clock_step(100_000)
    assert spi.read(RXFLR) == 3 and not spi.read(SR) & BUSY


def test_more_command_words_start_no_second_transfer(q):
    spi = Spi(q, 3)
    spi.setup(tmod=RX, lanes=2, frames=3, command=2 << 8)
    spi.write(DR, 0x05)
    spi.write(SER, 1)
    for _ in range(5):
        spi.write(DR, 0x05)
        q.clock_step(10_000)
    assert spi.read(RXFLR) == 3 and not spi.read(SR) & BUSY


def test_configuration_waits_for_the_disabled_core(spi):
    loop_back(spi)
    before = spi.read(0)
    spi.write(0, 0)
    spi.write(BAUDR, 6)
    assert spi.read(0) == before and spi.read(BAUDR) == 400


def test_nothing_moves_while_the_clock_is_off(q):
    spi = Spi(q, 0)
    loop_back(spi)
    q.clearbits(0x5044_002C, 1 << 6)
    spi.write(SER, 1)
    spi.write(DR, 1)
    q.clock_step(1_000_000)
    assert spi.read(RXFLR) == 0
    q.setbits(0x5044_002C, 1 << 6)
    spi.wait(lambda: spi.read(RXFLR) == 1)


def test_dma_both_ways_at_wire_speed(q):
    """3000 words out and back: more than any FIFO, in about the time of their bits."""
    spi = Spi(q, 1)
    count = 3000
    words = random.Random(4).randbytes(4 * count)
    q.write(0x8000_0000, words)
    loop_back(spi, bits=32)
    spi.write(SSIENR, 0)
    spi.write(BAUDR, 20)
    spi.write(DMACR, 3)
    spi.write(TDLR, 16)
    spi.write(SSIENR, 1)
    dma.start(q, 0, spi.base + DR, 0x8010_0000, count, request=2, kind=dma.PER_MEM, msize=1)
    dma.start(q, 1, 0x8000_0000, spi.base + DR, count, request=3, kind=dma.MEM_PER, msize=4)
    q.clock_step(1_000_000)
    assert 0 < spi.read(TXFLR) <= 32, "without a select the FIFO fills and waits"
    start = q.clock_step(1)
    spi.write(SER, 2)
    dma.wait(q, 0, step_ns=20_000)
    took = q.clock_step(1) - start
    assert q.read(0x8010_0000, 4 * count) == words
    assert took == pytest.approx(count * 32 * 20 / 390e6 * 1e9, rel=0.02)


def test_endian_swaps_the_bytes_of_words(q):
    spi = Spi(q, 0)
    loop_back(spi, bits=32)
    spi.write(ENDIAN, 1)
    spi.write(SER, 1)
    spi.write(DR, 0x0102_0304)
    spi.wait(lambda: spi.read(RXFLR))
    spi.write(ENDIAN, 0)
    assert spi.read(DR) == 0x0102_0304, "swapped on the way out and on the way in"


def test_strict_mode_names_mistakes():
    with QTest(strict="on") as q:
        spi = Spi(q, 3)
        spi.write(DR, 1)
        q.clock_step(1000)
        q.wait_event("STOP")
        assert "k210-spi3: write to DR while SSIENR is 0" in q.log
