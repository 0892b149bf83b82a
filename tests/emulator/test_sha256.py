# SPDX-License-Identifier: MIT
"""SHA256 against hashlib, in the register orders of the drivers that are known to work on the chip."""

import hashlib
import struct

import dma
import pytest
from qtest import QTest

BASE, SYSCTL = 0x502C0000, 0x50440000
DATA_IN, NUM, FUNC0, FUNC1 = 0x20, 0x28, 0x2C, 0x34
EN_BIG = 1 | 1 << 16


@pytest.fixture
def q():
    with QTest() as q:
        yield q


def message(length):
    return bytes((7 * i + (i >> 8)) & 0xFF for i in range(length))


def padded(data):
    blocks = (len(data) + 64 + 8) // 64
    return data + b"\x80" + bytes(64 * blocks - len(data) - 9) + struct.pack(">Q", 8 * len(data)), blocks


def reset(q):
    q.setbits(SYSCTL + 0x34, 1 << 26)
    q.clearbits(SYSCTL + 0x34, 1 << 26)


def feed(q, data):
    for (word,) in struct.iter_unpack("<I", data):
        assert not q.readl(BASE + FUNC1) >> 8 & 1
        q.writel(BASE + DATA_IN, word)


def digest(q):
    assert q.readl(BASE + FUNC0) & 1
    return b"".join(struct.pack("<I", q.readl(BASE + 4 * (7 - i))) for i in range(8))


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000])
def test_vendor_sdk_order(q, length):
    data, blocks = padded(message(length))
    reset(q)
    assert not q.readl(BASE + FUNC0) & 1
    q.writel(BASE + NUM, blocks)
    q.clearbits(BASE + FUNC1, 1)
    q.writel(BASE + FUNC0, EN_BIG)
    feed(q, data[:-4])
    assert not q.readl(BASE + FUNC0) & 1
    feed(q, data[-4:])
    assert digest(q) == hashlib.sha256(message(length)).digest()


def test_again_without_reset_and_num_last(q):
    for length in (3, 200, 64):
        data, blocks = padded(message(length))
        q.writel(BASE + FUNC0, EN_BIG)
        q.writel(BASE + NUM, blocks)
        feed(q, data)
        assert digest(q) == hashlib.sha256(message(length)).digest()


@pytest.mark.parametrize("length", [10, 500])
def test_freertos_order_by_dma(q, length):
    data, blocks = padded(message(length))
    for _ in range(2):  # dma_en is never cleared
        q.write(0x80001000, data)
        q.writel(BASE + FUNC0, EN_BIG)
        q.writel(BASE + NUM, blocks)
        dma.start(q, 3, 0x80001000, BASE + DATA_IN, len(data) // 4, request=21, kind=dma.MEM_PER, msize=16)
        q.writel(BASE + FUNC1, 1)
        dma.wait(q, 3)
        q.wait_until(lambda: q.readl(BASE + FUNC0) & 1)
        assert digest(q) == hashlib.sha256(message(length)).digest()


def test_many_blocks(q):
    data, blocks = padded(message(20_000))
    q.writel(BASE + NUM, blocks)
    q.writel(BASE + FUNC0, EN_BIG)
    q.write(0x80001000, data)
    q.writel(BASE + FUNC1, 1)
    dma.start(q, 0, 0x80001000, BASE + DATA_IN, len(data) // 4, request=21, kind=dma.MEM_PER, msize=16)
    dma.wait(q, 0)
    assert q.readl(BASE + NUM) == blocks | blocks << 16
    assert digest(q) == hashlib.sha256(message(20_000)).digest()


def test_data_without_a_start_is_a_guest_error():
    with QTest("-d", "guest_errors") as q:
        q.writel(BASE + DATA_IN, 1)
        assert "k210-sha256: data while no digest is being made" in q.log
