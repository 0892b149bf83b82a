# SPDX-License-Identifier: MIT
"""FFT against numpy within the tolerance of 16-bit arithmetic, by DMA as the vendor driver does it."""

import dma
import numpy as np
import pytest
from qtest import QTest

BASE, SYSCTL = 0x42000000, 0x50440000
INPUT, CTRL, FIFO_CTRL, INTR_MASK, INTR_CLEAR, STATUS, STATUS_RAW, OUTPUT = range(0, 0x40, 8)
POINTS = {512: 0, 256: 1, 128: 2, 64: 3}
ENABLE, DMA_SEND = 1 << 13, 1 << 14
FORWARD, BACKWARD = 1, 0  # the vendor's names of the mode bit, with its packing


def tolerance(n):
    """Unscaled stages double the loss of the products before them, which are rounded down."""
    return n / 5


@pytest.fixture
def q():
    with QTest() as q:
        yield q


def control(n, mode, shift, input_mode=0, data_mode=0):
    return POINTS[n] | mode << 3 | shift << 4 | ENABLE | DMA_SEND | input_mode << 15 | data_mode << 17


def signal(n, amplitude=100):
    t = np.arange(n) / n
    return np.round(
        amplitude * (np.cos(2 * np.pi * 5 * t) + 0.5 * np.sin(2 * np.pi * 17 * t) + 0.25j * np.cos(2 * np.pi * 20 * t))
    )


def pack(z, imag_first=True):
    """The vendor's order in memory: I1 R1 I2 R2 as int16."""
    first, second = (z.imag, z.real) if imag_first else (z.real, z.imag)
    return np.stack([first, second], axis=1).astype("<i2").tobytes()


def unpack(data, imag_first=True):
    v = np.frombuffer(data, "<i2").astype(float).reshape(-1, 2)
    return v[:, 1] + 1j * v[:, 0] if imag_first else v[:, 0] + 1j * v[:, 1]


def transform(q, n, mode, shift, data):
    q.setbits(SYSCTL + 0x34, 1 << 4)
    q.clearbits(SYSCTL + 0x34, 1 << 4)
    q.writeq(BASE + CTRL, control(n, mode, shift))
    q.write(0x80010000, data)
    dma.start(q, 1, BASE + OUTPUT, 0x80020000, n // 2, request=23, kind=dma.PER_MEM, bits=64, msize=4)
    dma.start(q, 0, 0x80010000, BASE + INPUT, n // 2, request=24, kind=dma.MEM_PER, bits=64, msize=4)
    dma.wait(q, 0)
    dma.wait(q, 1)
    return q.read(0x80020000, 4 * n)


@pytest.mark.parametrize("n", POINTS)
def test_forward_in_the_vendors_packing(q, n):
    x = signal(n, 100 if n > 128 else 200)
    out = unpack(transform(q, n, FORWARD, 0, pack(x)))
    assert np.abs(out - np.fft.fft(x)).max() < tolerance(n)


@pytest.mark.parametrize("mode, line", [(FORWARD, 7), (BACKWARD, 64 - 7)])
def test_direction(q, mode, line):
    x = np.round(300 * np.exp(2j * np.pi * 7 * np.arange(64) / 64))
    assert np.argmax(np.abs(unpack(transform(q, 64, mode, 0, pack(x))))) == line


@pytest.mark.parametrize("n", POINTS)
def test_there_and_back(q, n):
    x = signal(n)
    stages = n.bit_length() - 1
    spectrum = transform(q, n, FORWARD, 0, pack(x))
    back = unpack(transform(q, n, BACKWARD, (1 << stages) - 1, spectrum))
    assert np.abs(back - x).max() < 8


def test_real_part_low_takes_mode_0_as_forward(q):
    x = signal(256)
    out = unpack(transform(q, 256, 0, 0, pack(x, imag_first=False)), imag_first=False)
    assert np.abs(out - np.fft.fft(x)).max() < tolerance(256)


def test_shift_halves_each_chosen_stage(q):
    x = signal(512, 1000)
    out = unpack(transform(q, 512, FORWARD, 0b010101010, pack(x)))
    assert np.abs(out - np.fft.fft(x) / 16).max() < 32


def test_impulse_and_constant(q):
    impulse = np.zeros(64)
    impulse[0] = 1000
    assert np.all(unpack(transform(q, 64, FORWARD, 0, pack(impulse + 0j))) == 1000)
    out = unpack(transform(q, 64, FORWARD, 0, pack(np.full(64, 100) + 0j)))
    assert out[0] == 6400 and np.abs(out[1:]).max() == 0


def test_real_input_and_planes_by_the_cpu(q):
    n = 64
    x = signal(n)
    q.writeq(BASE + CTRL, control(n, 0, 0, input_mode=1))
    for i in range(0, n, 4):
        q.writeq(BASE + INPUT, int.from_bytes(x.real[i : i + 4].astype("<i2").tobytes(), "little"))
    q.clock_step(1_000_000)
    out = unpack(b"".join(q.readq(BASE + OUTPUT).to_bytes(8, "little") for _ in range(n // 2)), imag_first=False)
    assert np.abs(out - np.fft.fft(x.real)).max() < tolerance(n)

    q.writeq(BASE + CTRL, control(n, 0, 0, input_mode=2, data_mode=1))
    planes = np.concatenate([x.real, x.imag]).astype("<i2")
    for i in range(0, 2 * n, 2):
        q.writeq(BASE + INPUT, int.from_bytes(planes[i : i + 2].tobytes(), "little"))
    q.clock_step(1_000_000)
    out = unpack(b"".join((q.readq(BASE + OUTPUT) & 0xFFFFFFFF).to_bytes(4, "little") for _ in range(n)), False)
    assert np.abs(out - np.fft.fft(x)).max() < tolerance(n)


def test_interrupt_and_status(q):
    q.irq_intercept_in("/machine/soc/plic")
    q.writeq(BASE + CTRL, control(64, 0, 0))
    for _ in range(32):
        q.writeq(BASE + INPUT, 0)
    assert q.readq(BASE + STATUS_RAW) == 2 and not q.irq(26)
    q.clock_step(100_000)
    assert q.readq(BASE + STATUS_RAW) == 1 and q.readq(BASE + STATUS) == 1 and q.irq(26)
    q.writeq(BASE + INTR_MASK, 1)
    assert q.readq(BASE + STATUS) == 0 and not q.irq(26)
    q.writeq(BASE + INTR_MASK, 0)
    q.writeq(BASE + INTR_CLEAR, 1)
    assert q.readq(BASE + STATUS_RAW) == 0 and not q.irq(26)


def test_registers_by_halves(q):
    n, x = 64, signal(64)
    q.writel(BASE + CTRL, control(n, 0, 0))
    assert q.readl(BASE + CTRL) == control(n, 0, 0) and q.readl(BASE + CTRL + 4) == 0
    data = np.frombuffer(pack(x, imag_first=False), "<u4")
    for i in range(0, n, 2):
        q.writel(BASE + INPUT, int(data[i]))
        q.writel(BASE + INPUT + 4, int(data[i + 1]))
    q.clock_step(1_000_000)
    out = b""
    for _ in range(n // 2):
        out += q.readl(BASE + OUTPUT).to_bytes(4, "little") + q.readl(BASE + OUTPUT + 4).to_bytes(4, "little")
    assert np.abs(unpack(out, imag_first=False) - np.fft.fft(x)).max() < tolerance(n)


def test_misuse_is_reported():
    with QTest("-d", "guest_errors") as q:
        q.readq(BASE + OUTPUT)
        q.writeq(BASE + INPUT, 0)
        q.readw(BASE + CTRL)
        assert "OUTPUT_FIFO read while it is empty" in q.log
        assert "input while CTRL.enable is 0" in q.log
        assert "2-byte access at 0x08" in q.log
