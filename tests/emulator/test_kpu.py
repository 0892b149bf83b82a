# SPDX-License-Identifier: MIT
"""The KPU as a device: layer FIFO, interrupts, output stream, time."""

from __future__ import annotations

import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from qtest import QTest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))

import kpu_arith_lib as kal
import kpu_reference as ref
from test_dmac import Dmac
from test_kpu_arith import case, data_file

KPU = 0x4080_0000
FIFO, INT_STATUS, INT_RAW, INT_MASK, INT_CLEAR = 0x00, 0x08, 0x10, 0x18, 0x20
THRESHOLD, DATA_OUT, FIFO_CTRL, EIGHT_BIT = 0x28, 0x30, 0x38, 0x40
CALC_DONE, ALMOST_EMPTY, ALMOST_FULL = 1, 2, 4

AIRAM = 0x4060_0000
TABLES = 0x4010_0000
OUT = 0x4000_0000
SYSCTL = 0x5044_0000
CLK_EN_PERI, PERI_RESET = SYSCTL + 0x2C, SYSCTL + 0x34
AI_BIT = 1 << 2
KPU_IRQ = 25
KPU_REQUEST = 22


class Kpu:
    def __init__(self, q: QTest) -> None:
        self.q = q

    def get(self, reg: int) -> int:
        return self.q.readq(KPU + reg)

    def set(self, reg: int, value: int) -> None:
        self.q.writeq(KPU + reg, value)

    def setup(self, mask: int = 6, threshold: int = 0x1A, eight_bit: bool = True) -> None:
        self.set(INT_CLEAR, 7)
        self.set(THRESHOLD, threshold)
        self.set(EIGHT_BIT, eight_bit)
        self.set(INT_MASK, mask)

    def push(self, words: list[int]) -> None:
        for word in words:
            self.set(FIFO, word)

    def place(self, layer: ref.Layer, **options) -> list[int]:
        """Tables to main memory, input to AI SRAM; returns the layer's words."""
        addresses = []
        address = TABLES
        for table in ref.tables(layer):
            self.q.write(address, table)
            addresses.append(address)
            address += len(table) + 255 & ~255
        words = ref.words(layer, tuple(addresses), **options)
        ram = np.zeros(kal.RAM_SIZE, np.uint8)
        source = kal.Kpu.__new__(kal.Kpu)
        source.ram = ram
        kal.place_input(source, words, layer.x)
        start = 64 * kal.field(words, 1, 0, 15)
        channels, height, width = layer.x.shape
        self.q.write(AIRAM + start, ram[start : start + 64 * ref.layout(width, height, channels)[3]].tobytes())
        return words

    def output(self, words: list[int], shape: tuple[int, int, int]) -> np.ndarray:
        start = 64 * kal.field(words, 1, 32, 15)
        size = 64 * ref.layout(shape[2], shape[1], shape[0])[3]
        ram = np.zeros(kal.RAM_SIZE, np.uint8)
        ram[start : start + size] = np.frombuffer(self.q.read(AIRAM + start, size), np.uint8)
        source = kal.Kpu.__new__(kal.Kpu)
        source.ram = ram
        return kal.read_output(source, words, shape)

    def done(self) -> bool:
        return bool(self.get(INT_RAW) & CALC_DONE)


@pytest.fixture
def q() -> Iterator[QTest]:
    with QTest() as q:
        yield q


@pytest.fixture
def kpu(q: QTest) -> Kpu:
    return Kpu(q)


def small_layer(seed: int = 1, **fixed: object) -> ref.Layer:
    options = {"pool": 1, "width": 20, "height": 8, "channels": 3, "out": 5, "depthwise": False, "eight_bit": True}
    return ref.random_layer(np.random.default_rng(seed), **{**options, **fixed})


def test_one_layer_with_interrupt(kpu: Kpu, q: QTest) -> None:
    layer = small_layer()
    words = kpu.place(layer, int_en=True)
    kpu.setup()
    kpu.push(words)
    assert not kpu.done()
    assert not q.plic_pending(KPU_IRQ)
    assert not kpu.output(words, layer.out_shape).any()
    q.wait_until(kpu.done, step_ns=100)
    np.testing.assert_array_equal(kpu.output(words, layer.out_shape), ref.run(layer))
    assert kpu.get(INT_STATUS) == CALC_DONE
    assert q.plic_pending(KPU_IRQ)
    kpu.set(INT_CLEAR, 7)
    assert kpu.get(INT_RAW) == 0


def test_result_is_not_visible_early(kpu: Kpu, q: QTest) -> None:
    """However fast the host is, AI SRAM changes when the chip would be done, and at that moment only."""
    layer = small_layer(width=64, height=32, channels=8, out=9, kernel=3)
    words = kpu.place(layer, int_en=True)
    kpu.setup()
    kpu.push(words)
    steps = 0
    while not kpu.done():
        assert not kpu.output(words, layer.out_shape).any()
        q.clock_step(1000)
        steps += 1
    assert kpu.output(words, layer.out_shape).any()
    # 32 lines, 8 inputs, 9 outputs: 2304 clocks and a little more. PLL1 decides how long a clock is.
    assert steps >= 2


@pytest.mark.parametrize("eight_bit", [False, True])
def test_weight_size_register(kpu: Kpu, q: QTest, eight_bit: bool) -> None:
    layer = small_layer(5, eight_bit=eight_bit)
    words = kpu.place(layer, int_en=True)
    kpu.setup(eight_bit=eight_bit)
    kpu.push(words)
    q.wait_until(kpu.done, step_ns=1000)
    np.testing.assert_array_equal(kpu.output(words, layer.out_shape), ref.run(layer))


def test_words_in_halves(kpu: Kpu, q: QTest) -> None:
    layer = small_layer(2)
    words = kpu.place(layer, int_en=True, send=True)
    kpu.setup()
    for word in words:
        q.writel(KPU + FIFO, word & 0xFFFF_FFFF)
        q.writel(KPU + FIFO + 4, word >> 32)
    q.wait_until(kpu.done, step_ns=1000)
    expected = ref.run(layer)
    np.testing.assert_array_equal(kpu.output(words, layer.out_shape), expected)
    data = expected.tobytes()
    data += bytes(-len(data) % 8)
    stream = b""
    for i in range(len(data) // 8):
        if i % 2:
            stream += q.readq(KPU + DATA_OUT).to_bytes(8, "little")
        else:
            stream += q.readl(KPU + DATA_OUT).to_bytes(4, "little") + q.readl(KPU + DATA_OUT + 4).to_bytes(4, "little")
    assert stream == data


def test_cached_and_uncached_parameter_addresses(kpu: Kpu, q: QTest) -> None:
    layer = small_layer(3)
    words = kpu.place(layer, int_en=True)
    for i in (4, 5, 7):
        words[i] += 0x4000_0000 << 32
    kpu.setup()
    kpu.push(words)
    q.wait_until(kpu.done, step_ns=1000)
    np.testing.assert_array_equal(kpu.output(words, layer.out_shape), ref.run(layer))


def test_almost_empty_is_an_event(kpu: Kpu, q: QTest) -> None:
    layer = small_layer(width=64, height=60, kernel=3)
    words = kpu.place(layer)
    kpu.setup(mask=5, threshold=0x1A)
    q.clock_step(1_000_000)
    assert kpu.get(INT_RAW) == 0  # an idle, empty FIFO says nothing
    kpu.push(words)
    assert kpu.get(INT_STATUS) == ALMOST_EMPTY
    assert q.plic_pending(KPU_IRQ)
    kpu.set(INT_CLEAR, 7)
    assert kpu.get(INT_RAW) == 0
    for _ in range(3):
        kpu.push(words)
    assert kpu.get(INT_RAW) == 0
    q.clock_step(1)
    # The second layer leaves two behind, the third leaves one: only that is almost empty.
    seen = 0
    for _ in range(4000):
        q.clock_step(1000)
        if kpu.get(INT_RAW) & ALMOST_EMPTY:
            seen += 1
            kpu.set(INT_CLEAR, 7)
    assert seen == 2
    assert kpu.get(INT_RAW) == 0


def test_almost_full_and_many_layers(kpu: Kpu, q: QTest) -> None:
    layer = small_layer(width=64, height=30, kernel=3)  # some microseconds each
    words = kpu.place(layer, int_en=True)
    kpu.setup(mask=7, threshold=0x1A)
    for _ in range(10):
        kpu.push(words)
    assert not kpu.get(INT_RAW) & ALMOST_FULL
    kpu.push(words)  # one runs, ten wait
    assert kpu.get(INT_RAW) & ALMOST_FULL
    kpu.push(words)
    kpu.set(INT_CLEAR, 7)
    done = 0
    for _ in range(20000):
        q.clock_step(1000)
        if kpu.done():
            done += 1
            kpu.set(INT_CLEAR, CALC_DONE)
            if done == 12:
                break
    assert done == 12
    np.testing.assert_array_equal(kpu.output(words, layer.out_shape), ref.run(layer))


def test_more_layers_than_the_fifo_holds(kpu: Kpu, q: QTest) -> None:
    """The vendor's first driver pushes 12 and, as the event of the first is still pending, another 10 at once."""
    layer = small_layer(width=64, height=30, kernel=3)
    words = kpu.place(layer, int_en=True)
    kpu.setup(mask=7, threshold=0x1C)
    for _ in range(12):
        kpu.push(words)
    kpu.set(INT_MASK, 5)
    assert kpu.get(INT_STATUS) == ALMOST_EMPTY, "of the layer that was taken first"
    kpu.set(INT_CLEAR, 7)
    for _ in range(10):
        kpu.push(words)
    done = 0
    for _ in range(40000):
        q.clock_step(1000)
        if kpu.done():
            done += 1
            kpu.set(INT_CLEAR, CALC_DONE)
            if done == 22:
                break
    assert done == 22, "none is lost, the bus holds the rest back"


def test_int_en_and_mask(kpu: Kpu, q: QTest) -> None:
    layer = small_layer()
    kpu.setup(mask=7)
    kpu.push(kpu.place(layer, int_en=False))
    q.clock_step(10_000_000)
    assert not kpu.done()
    kpu.push(kpu.place(layer, int_en=True))
    q.clock_step(10_000_000)
    assert kpu.done()
    assert kpu.get(INT_STATUS) == 0
    assert not q.plic_pending(KPU_IRQ)
    kpu.set(INT_MASK, 6)
    assert q.plic_pending(KPU_IRQ)


def test_output_by_dma(kpu: Kpu, q: QTest) -> None:
    """As the vendor's v3 runner does it: the channel waits for the KPU, its interrupt is the next step."""
    layer = small_layer(4, width=21, height=9, pool=0)
    expected = ref.run(layer).tobytes()
    assert len(expected) % 8
    words = kpu.place(layer, send=True)
    q.write(OUT, b"\xee" * 2048)
    dmac = Dmac(q)
    dmac.select(5, KPU_REQUEST)
    kpu.setup(mask=7)
    count = -(-len(expected) // 8)
    dmac.set(5, 0x80, 2)
    dmac.start(5, KPU + DATA_OUT, OUT, count, 3, src_fixed=True, tt_fc=2, msize=2)
    q.clock_step(1_000_000)
    assert dmac.enabled(5)
    kpu.push(words)
    assert q.read(OUT, 8) == b"\xee" * 8
    dmac.wait(5, step_ns=100)
    assert q.plic_pending(27 + 5)
    assert q.read(OUT, len(expected)) == expected
    assert q.read(OUT + 8 * count, 8) == b"\xee" * 8
    # When the DMA is done the layer is complete in AI SRAM.
    np.testing.assert_array_equal(kpu.output(words, layer.out_shape).tobytes(), expected)


def test_full_add_stream(kpu: Kpu, q: QTest) -> None:
    layer = small_layer(6, pool=0)
    kpu.setup(mask=7)
    kpu.push(kpu.place(layer, send=True, full_add=True, int_en=True))
    q.wait_until(kpu.done, step_ns=1000)
    sums = [kpu.get(DATA_OUT) for _ in range(layer.out_channels)]
    assert sums == ref.run(layer).reshape(layer.out_channels, -1).sum(axis=1).tolist()


def test_flush_and_empty_stream() -> None:
    with QTest("-d", "guest_errors") as q:
        kpu = Kpu(q)
        assert kpu.get(FIFO_CTRL) == 0x1F
        layer = small_layer(6, pool=0)
        words = kpu.place(layer, send=True, int_en=True)
        kpu.setup(mask=7)
        kpu.push(words)
        q.wait_until(kpu.done, step_ns=1000)
        kpu.get(DATA_OUT)
        kpu.set(FIFO_CTRL, 0x1E)
        kpu.set(FIFO_CTRL, 0x1F)
        assert kpu.get(DATA_OUT) == 0
        assert "k210-kpu: FIFO_DATA_OUT is empty" in q.log
        kpu.set(INT_CLEAR, 7)
        kpu.push(words[:5])
        kpu.set(FIFO_CTRL, 0x1B)
        kpu.set(FIFO_CTRL, 0x1F)
        kpu.push(words)
        q.wait_until(kpu.done, step_ns=1000)


def test_nothing_runs_without_a_clock() -> None:
    with QTest("-d", "guest_errors") as q:
        kpu = Kpu(q)
        layer = small_layer()
        words = kpu.place(layer, int_en=True)
        kpu.setup()
        q.clearbits(CLK_EN_PERI, AI_BIT)
        kpu.push(words)
        q.clock_step(100_000_000)
        assert not kpu.done()
        assert "k210-kpu: layer waits, but the AI clock is off" in q.log
        q.setbits(CLK_EN_PERI, AI_BIT)
        q.wait_until(kpu.done, step_ns=1000)
        np.testing.assert_array_equal(kpu.output(words, layer.out_shape), ref.run(layer))


def test_peripheral_reset_forgets_the_queue(kpu: Kpu, q: QTest) -> None:
    layer = small_layer(width=64, height=60)
    words = kpu.place(layer, int_en=True)
    kpu.setup()
    kpu.push(words)
    kpu.push(words)
    q.setbits(PERI_RESET, AI_BIT)
    q.clearbits(PERI_RESET, AI_BIT)
    assert kpu.get(INT_RAW) == 0
    assert kpu.get(INT_MASK) == 7
    q.clock_step(100_000_000)
    assert kpu.get(INT_RAW) == 0
    assert not kpu.output(words, layer.out_shape).any()


def test_illegal_layer_is_reported_and_ends() -> None:
    with QTest("-d", "guest_errors") as q:
        kpu = Kpu(q)
        layer = small_layer()
        words = kpu.place(layer, int_en=True)
        kpu.setup()
        bad = list(words)
        bad[4] = bad[4] & ~0xF0 | 0xF0
        kpu.push(bad)
        q.wait_until(kpu.done, step_ns=1000)
        assert "k210-kpu: pool_type 15 does not exist" in q.log
        assert not kpu.output(words, layer.out_shape).any()
        bad = list(words)
        bad[5] = bad[5] & 0xFFFF_FFFF | 0x9000_0000 << 32
        kpu.set(INT_CLEAR, 7)
        kpu.push(bad)
        q.wait_until(kpu.done, step_ns=1000)
        assert "k210-kpu: parameter memory at 0x90000000 cannot be read" in q.log


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: w.__setitem__(1, 5 | 6 << 32), "input at line 5 and output at line 6 overlap"),
        (lambda w: w.__setitem__(7, w[7] + (4 << 32)), "is not aligned to 8"),
        (lambda w: w.__setitem__(4, w[4] + (0x4000_0000 << 32)), "k210-kpu: cached address 0x80"),
        (lambda w: w.__setitem__(3, w[3] ^ 1 << 32), "pooled by type 1 gives 10x4"),
    ],
)
def test_strict_machine_stops(change, sentence: str) -> None:
    with QTest(strict="on") as q:
        kpu = Kpu(q)
        words = kpu.place(small_layer(), int_en=True)
        change(words)
        kpu.setup()
        kpu.push(words)
        q.wait_event("STOP")
        assert sentence in q.log


def test_strict_machine_guards_ai_sram_while_a_layer_runs() -> None:
    with QTest(strict="on") as q:
        kpu = Kpu(q)
        layer = small_layer(width=64, height=60)
        words = kpu.place(layer, int_en=True)
        kpu.setup()
        kpu.push(words)
        q.wait_until(kpu.done, step_ns=10_000)
        np.testing.assert_array_equal(kpu.output(words, layer.out_shape), ref.run(layer))
        kpu.push(words)
        q.readl(0x8060_0100)
        q.wait_event("STOP")
        assert "AI SRAM: read of 4 bytes at offset 0x000100 while the KPU computes" in q.log


def test_wrong_accesses_are_reported() -> None:
    with QTest("-d", "guest_errors") as q:
        q.writeb(KPU + INT_MASK, 0)
        q.readq(KPU + 0x48)
        q.writeq(KPU + INT_RAW, 1)
        log = q.log
    assert "k210-kpu: 1-byte write at 0x18" in log
    assert "k210-kpu: read at 0x48, where there is no register" in log
    assert "k210-kpu: write to read-only register 0x10" in log


def test_face_model_through_the_device(kpu: Kpu, q: QTest) -> None:
    """All layers of a real model, the last one by DMA, as the vendor's v3 runner drives them."""
    expected = case("detect_astronaut")
    data = data_file("models", expected["model"]).read_bytes()
    q.write(TABLES, data)
    convs = list(kal.convs_v3(data))
    picture = kal.read_ppm(data_file("images", "astronaut_320x240.ppm"))
    first = convs[0].words
    q.write(AIRAM + 64 * kal.field(first, 1, 0, 15), picture.tobytes())  # 320 is a multiple of 64
    kpu.setup()
    for i, (conv, crc) in enumerate(zip(convs, expected["layers_crc32"], strict=True)):
        words = conv.placed(TABLES, False)
        words[0] |= 1
        kpu.set(INT_CLEAR, 7)
        kpu.push(words)
        q.wait_until(kpu.done, step_ns=10_000)
        out = kpu.output(words, conv.out_shape)
        assert f"{zlib.crc32(out.tobytes()):08x}" == crc, f"layer {i}"


def test_snapshot_in_the_middle_of_a_layer(tmp_path: Path) -> None:
    layer = small_layer(width=64, height=60, kernel=3, pool=0)
    saved = f"file:{tmp_path}/state"

    def wait_migrated(q: QTest) -> None:
        for _ in range(200):
            if q.qmp("query-migrate").get("status") == "completed":
                return
            time.sleep(0.05)
        raise AssertionError(q.qmp("query-migrate"))

    with QTest() as q:
        kpu, dmac = Kpu(q), Dmac(q)
        words = kpu.place(layer, int_en=True, send=True)
        dmac.select(5, KPU_REQUEST)
        kpu.setup()
        expected = ref.run(layer).tobytes()
        dmac.start(5, KPU + DATA_OUT, OUT, len(expected) // 8, 3, src_fixed=True, tt_fc=2, msize=2)
        kpu.push(words)
        kpu.push(words)
        q.clock_step(500)
        assert not kpu.done()
        q.qmp("migrate", uri=saved)
        wait_migrated(q)
    with QTest("-incoming", saved) as q:
        wait_migrated(q)
        kpu, dmac = Kpu(q), Dmac(q)
        assert not kpu.done()
        assert dmac.enabled(5)
        q.wait_until(kpu.done, step_ns=100)
        assert kpu.output(words, layer.out_shape).tobytes() == expected
        kpu.set(INT_CLEAR, 7)
        dmac.wait(5)
        assert q.read(OUT, len(expected)) == expected
        q.wait_until(kpu.done, step_ns=1000, limit_ns=10_000_000)  # the layer that waited in the FIFO
