# SPDX-License-Identifier: MIT
"""SPI2, the slave: frames in both directions, the bytes of the master come from a socket."""

import socket
import time

import dma
import pytest
from qtest import QTest

BASE = 0x50240000
CTRLR0, SSIENR, TXFTLR, RXFTLR, TXFLR, RXFLR, SR = 0x00, 0x08, 0x18, 0x1C, 0x20, 0x24, 0x28
IMR, ISR, RISR, DMACR, VERSION, DR = 0x2C, 0x30, 0x34, 0x4C, 0x5C, 0x60


@pytest.fixture
def link(tmp_path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "spi"))
    server.listen(1)
    with QTest("-chardev", f"socket,id=m,path={tmp_path}/spi", "-global", "k210-spi-slave.chardev=m") as q:
        master, _ = server.accept()
        master.settimeout(5)
        yield q, master
        master.close()
    server.close()


def poll(q, register, value):
    deadline = time.monotonic() + 5
    while q.readl(BASE + register) != value:
        assert time.monotonic() < deadline, hex(q.readl(BASE + register))


def test_bytes_both_ways(link):
    q, master = link
    q.irq_intercept_in("/machine/soc/plic")
    q.writel(BASE + CTRLR0, 7 << 16)
    q.writel(BASE + IMR, 0x10)
    q.writel(BASE + RXFTLR, 7)
    q.writel(BASE + SSIENR, 1)
    for c in b"ABCDEFGH":
        q.writel(BASE + DR, c)
    master.sendall(b"01234567")
    poll(q, RXFLR, 8)
    assert q.irq(3) and q.readl(BASE + ISR) == 0x10
    assert bytes(q.readl(BASE + DR) for _ in range(8)) == b"01234567"
    assert not q.irq(3)
    assert master.recv(8, socket.MSG_WAITALL) == b"ABCDEFGH"
    assert q.readl(BASE + SR) == 0x06


def test_wide_frames_and_output_disable(link):
    q, master = link
    q.writel(BASE + CTRLR0, 31 << 16 | 1 << 10)
    q.writel(BASE + SSIENR, 1)
    q.writel(BASE + DR, 0x12345678)
    master.sendall(b"\x11\x22\x33\x44")
    poll(q, RXFLR, 1)
    assert q.readl(BASE + DR) == 0x11223344
    assert master.recv(4, socket.MSG_WAITALL) == b"\xff" * 4


def test_dma_receive(link):
    q, master = link
    q.writel(BASE + CTRLR0, 7 << 16 | 2 << 8)
    q.writel(BASE + DMACR, 1)
    q.writel(BASE + SSIENR, 1)
    dma.start(q, 0, BASE + DR, 0x80001000, 6, request=4, kind=dma.PER_MEM)
    master.sendall(b"abcdef")
    deadline = time.monotonic() + 5
    while q.readq(dma.DMAC + 0x18) & 1:
        assert time.monotonic() < deadline
        q.clock_step(10_000)
    assert q.read(0x80001000, 24)[::4] == b"abcdef"


def test_registers():
    with QTest("-d", "guest_errors") as q:
        assert q.readl(BASE + VERSION) == 0x3430312A
        q.writel(BASE + TXFTLR, 31)
        q.writel(BASE + TXFTLR, 32)
        assert q.readl(BASE + TXFTLR) == 31
        q.writel(BASE + CTRLR0, 0xFFFFFFFF)
        assert q.readl(BASE + CTRLR0) & 0xF == 0
        q.writel(BASE + DR, 1)
        assert "k210-spi2: write to DR while the FIFO is disabled" in q.log
