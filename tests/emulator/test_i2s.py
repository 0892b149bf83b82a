# SPDX-License-Identifier: MIT
"""I2S0..2: sound files, pacing by the bit clock, FIFOs, interrupts, DMA in both packings; APU registers."""

import struct
import wave

import dma
import pytest
from qtest import QemuError, QTest

SYSCTL = 0x50440000
BASE = [0x50250000, 0x50260000, 0x50270000]
APU = 0x50250200
IER, IRER, ITER, CER, CCR = 0x00, 0x04, 0x08, 0x0C, 0x10
LEFT, RIGHT, RER, TER, RCR, TCR, ISR, IMR, ROR, TOR, RFCR, TFCR = range(0x20, 0x50, 4)
RXDMA, TXDMA = 0x1C0, 0x1C8
DIVIDE_16, DMA_TX, DMA_RX, WS_32 = 1 << 10, 1 << 8, 1 << 9, 2 << 3


def clocks(q, n, divider=100):
    """PLL2 as left by the reset; the sample rate that results with 32-bit word selects."""
    if n < 2:
        shift = 16 * n
        q.writel(SYSCTL + 0x44, (q.readl(SYSCTL + 0x44) & ~(0xFFFF << shift)) | (divider - 1) << shift)
    else:
        q.writel(SYSCTL + 0x48, (q.readl(SYSCTL + 0x48) & ~0xFFFF) | (divider - 1))


def setup(q, n, *, rx=(), tx=(), bits=2, ccr=0):
    clocks(q, n)
    base = BASE[n]
    q.writel(base + IER, 1)
    q.writel(base + CER, 0)
    q.writel(base + CCR, WS_32 | 1 << 5 | ccr)
    q.writel(base + CER, 1)
    for channel in range(4):
        c = base + 0x40 * channel
        q.writel(c + RER, channel in rx)
        q.writel(c + TER, channel in tx)
        q.writel(c + RCR, bits)
        q.writel(c + TCR, bits)
        q.writel(c + RFCR, 3)
        q.writel(c + TFCR, 3)
        q.writel(c + IMR, 0x33)
    q.writel(base + IRER, bool(rx))
    q.writel(base + ITER, bool(tx))


def rate(q, n):
    """Measures the frame rate through the receiver's FIFO."""
    setup(q, n, rx=(0,))
    q.writel(BASE[n] + RFCR, 9)
    start = q.clock_ns()
    took = q.wait_until(lambda: q.readl(BASE[n] + ISR) & 1, step_ns=1000)
    assert start + took == q.clock_ns()
    q.writel(BASE[n] + IER, 0)
    return 10 / (took * 1e-9)


def write_wav(path, frames, channels=2, framerate=8000):
    with wave.open(str(path), "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(2)
        f.setframerate(framerate)
        f.writeframes(b"".join(struct.pack("<h", v) for v in frames))


@pytest.fixture
def q(tmp_path):
    with QTest("-global", f"k210-i2s.wav-out={tmp_path}/out%d.wav") as q:
        q.irq_intercept_in("/machine/soc/plic")
        yield q


def test_frame_rate_follows_the_divider(q):
    first = rate(q, 0)
    hz = q.readl(SYSCTL + 0x10)
    clkr, clkf, clkod = hz & 15, hz >> 4 & 63, hz >> 10 & 15
    pll2 = 26e6 * (clkf + 1) / ((clkr + 1) * (clkod + 1))
    assert first == pytest.approx(pll2 / 200 / 64, rel=0.02)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_polled_playback_lands_in_a_wav_file(q, n, tmp_path):
    setup(q, n, tx=(0,))
    samples = [(i * 1000 - 8000, 7 - i) for i in range(16)]
    for left, right in samples:
        q.writel(BASE[n] + LEFT, left)
        q.writel(BASE[n] + RIGHT, right)
    q.clock_step(10_000_000)
    q.writel(BASE[n] + IER, 0)
    with wave.open(str(tmp_path / f"out{n}.wav")) as f:
        assert f.getnchannels() == 2 and f.getsampwidth() == 2
        got = list(struct.iter_unpack("<hh", f.readframes(16)))
    assert got == samples


@pytest.mark.parametrize("bits, code, shift", [(24, 4, 8), (32, 5, 16)])
def test_wider_samples(q, bits, code, shift, tmp_path):
    setup(q, 0, tx=(1,), bits=code)
    q.writel(BASE[0] + 0x40 + LEFT, -12345 << shift)
    q.writel(BASE[0] + 0x40 + RIGHT, 23456 << shift)
    q.clock_step(1_000_000)
    q.writel(BASE[0] + IER, 0)
    with wave.open(str(tmp_path / "out0.wav")) as f:
        assert next(struct.iter_unpack("<hh", f.readframes(1))) == (-12345, 23456)


@pytest.mark.parametrize("divide", [False, True])
def test_dma_playback(q, divide, tmp_path):
    n, frames = 0, 500
    setup(q, n, tx=(0,), ccr=DMA_TX | (DIVIDE_16 if divide else 0))
    pcm = [((i * 37) % 2000 - 1000, (i * 91) % 3000 - 1500) for i in range(frames)]
    if divide:  # ordinary interleaved 16-bit stereo
        data, items = b"".join(struct.pack("<hh", *f) for f in pcm), frames
    else:
        data, items = b"".join(struct.pack("<ii", *f) for f in pcm), 2 * frames
    q.write(0x80010000, data)
    dma.start(q, 1, 0x80010000, BASE[n] + TXDMA, items, request=25, kind=dma.MEM_PER, msize=4)
    dma.wait(q, 1)
    q.clock_step(10_000_000)
    q.writel(BASE[n] + IER, 0)
    with wave.open(str(tmp_path / "out0.wav")) as f:
        assert list(struct.iter_unpack("<hh", f.readframes(frames))) == pcm


def test_dma_capture(tmp_path):
    write_wav(tmp_path / "in.wav", [v for i in range(4000) for v in (i, -i)], framerate=23_297)
    with QTest("-global", f"k210-i2s.wav-in={tmp_path}/in.wav") as q:
        setup(q, 0, rx=(0,), ccr=DMA_RX)
        dma.start(q, 0, BASE[0] + RXDMA, 0x80010000, 400, request=26, kind=dma.PER_MEM)
        dma.wait(q, 0)
        got = [struct.unpack("<hxxhxx", q.read(0x80010000 + 8 * i, 8)) for i in range(200)]
        assert all(left == -right for left, right in got)
        lefts = [left for left, _ in got]
        assert lefts == sorted(lefts) and lefts[-1] > 50
        q.writel(BASE[0] + IER, 0)


def test_wav_in_is_silent_after_its_end_and_can_be_changed(tmp_path):
    write_wav(tmp_path / "a.wav", [100] * 50, channels=1)
    write_wav(tmp_path / "b.wav", [200] * 50_000, channels=1)
    with QTest("-global", f"k210-i2s.wav-in={tmp_path}/a.wav") as q:
        setup(q, 0, rx=(2,))
        port = BASE[0] + 0x80
        q.clock_step(300_000)
        assert q.readl(port + LEFT) == 100 and q.readl(port + RIGHT) == 100
        q.clock_step(20_000_000)
        for _ in range(16):
            q.readl(port + LEFT), q.readl(port + RIGHT)
        q.clock_step(300_000)
        assert q.readl(port + LEFT) == 0
        q.qom_set("/machine/soc/i2s0", "wav-in", str(tmp_path / "b.wav"))
        for _ in range(16):
            q.readl(port + LEFT), q.readl(port + RIGHT)
        q.clock_step(300_000)
        assert q.readl(port + LEFT) == 200
        with pytest.raises(QemuError, match="No such file"):
            q.qom_set("/machine/soc/i2s0", "wav-in", str(tmp_path / "none.wav"))
        (tmp_path / "bad.wav").write_bytes(b"RIFF\0\0\0\0WAVEdata\xff\xff\xff\xff")
        with pytest.raises(QemuError, match="only WAV files with 16-bit PCM"):
            q.qom_set("/machine/soc/i2s0", "wav-in", str(tmp_path / "bad.wav"))


def test_interrupts(q):
    setup(q, 1, rx=(0,), tx=(0,))
    assert not q.irq(6)
    q.writel(BASE[1] + IMR, 0x23)  # transmitter wants data
    assert q.irq(6) and q.readl(BASE[1] + ISR) & 0x10
    for _ in range(8):
        q.writel(BASE[1] + LEFT, 1)
        q.writel(BASE[1] + RIGHT, 1)
    assert not q.irq(6)
    q.clock_step(10_000_000)
    assert q.irq(6)
    q.writel(BASE[1] + IMR, 0x32)  # receiver has data
    assert q.irq(6)
    q.writel(BASE[1] + IMR, 0x31)  # it has lost some
    assert q.irq(6) and q.readl(BASE[1] + ISR) & 2
    q.readl(BASE[1] + ROR)
    assert not q.irq(6)


def test_overrun_is_reported():
    with QTest("-d", "guest_errors") as q:
        setup(q, 0, tx=(0,))
        for _ in range(17):
            q.writel(BASE[0] + LEFT, 1)
        assert "k210-i2s0: transmit FIFO 0 overrun" in q.log
        assert q.readl(BASE[0] + ISR) & 0x20
        q.readl(BASE[0] + TOR)
        assert not q.readl(BASE[0] + ISR) & 0x20
        assert q.readl(BASE[0] + 0x1FC) == 0x445701A0


def test_apu_registers_have_write_enables(q):
    q.writel(APU, 0xFFFFFFFF & ~(0xF << 28))
    assert q.readl(APU) == 0
    q.writel(APU, 1 << 28 | 0xFF)
    q.writel(APU, 1 << 30 | 0x400 << 12 | 0x0F)
    assert q.readl(APU) == 0x4000FF
    q.writel(APU + 4, 1 << 12 | 1 << 6)
    assert q.readl(APU + 4) == 1 << 6
    q.writel(APU + 0x8, 0x01020304)
    assert q.readl(APU + 0x8) == 0x01020304
    q.setbits(SYSCTL + 0x34, 1 << 10)
    q.clearbits(SYSCTL + 0x34, 1 << 10)
    assert q.readl(APU + 0x8) == 0 and q.readl(BASE[0] + CCR) == 0


def test_dma_after_half_a_pair():
    """A transfer that ends with a left sample leaves the right FIFO ahead of it, which must not overrun then."""
    with QTest("-d", "guest_errors") as q:
        setup(q, 1, tx=(3,), ccr=DMA_TX)
        for items in (33, 101, 40):
            dma.start(q, 2, 0x8001_0000, BASE[1] + TXDMA, items, request=27, kind=dma.MEM_PER)
            dma.wait(q, 2)
            q.clock_step(10_000_000)
        assert not q.readl(BASE[1] + 0xC0 + ISR) & 0x20
        assert "overrun" not in q.log
