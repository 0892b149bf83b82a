# SPDX-License-Identifier: MIT
"""The camera sensors besides the OV2640: ids, resets, sizes, windows and formats, seen through the DVP."""

import contextlib

import pytest
from qtest import QTest
from test_dvp import AI, CMOS, RGB, YUV, H, Port, W, noise, ppm, rgb565, triples


class Sensor(Port):
    """A port that talks to one sensor."""

    def __init__(self, q, device, wide=False):
        super().__init__(q)
        self.device, self.wide = device, wide

    def put(self, register, value):
        if self.wide:
            control = 1 | self.device | register >> 8 << 8 | (register & 255) << 16 | value << 24
            self.sccb(control, 3)
        else:
            self.sccb(1 | self.device | register << 8 | value << 16, 2)

    def put16(self, register, value):
        self.put(register, value >> 8)
        self.put(register + 1, value & 255)

    def get(self, register):
        if self.wide:
            self.sccb(1 | self.device | register >> 8 << 8 | (register & 255) << 16, 2)
        else:
            self.sccb(1 | self.device | register << 8, 1)
        self.sccb(self.device, 1)
        return self.q.readl(0x5043_0014) >> 24


@contextlib.contextmanager
def sensor(tmp_path, name, device, wide=False, picture=None, size=(W, H)):
    (tmp_path / "camera.ppm").write_bytes(ppm([picture or noise(1)], *size))
    with QTest(camera=str(tmp_path / "camera.ppm"), sensor=name) as q:
        yield Sensor(q, device, wide)


IDS = [
    ("ov5640", 0x78, True, {0x300A: 0x56, 0x300B: 0x40}),
    ("ov7740", 0x42, False, {0x0A: 0x77, 0x0B: 0x42, 0x1C: 0x7F, 0x1D: 0xA2}),
    ("gc0328", 0x42, False, {0xF0: 0x9D, 0x0A: 0, 0x0B: 0}),
    ("gc2145", 0x78, False, {0xF0: 0x21, 0xF1: 0x45}),
    ("gc0308", 0x42, False, {0x00: 0x9B}),
]


@pytest.mark.parametrize(("name", "device", "wide", "ids"), IDS)
def test_ids_are_read_only(tmp_path, name, device, wide, ids):
    with sensor(tmp_path, name, device, wide) as s:
        for register, value in ids.items():
            if value:
                s.put(register, 0x11)
            assert s.get(register) == value
        s.device = 0x60
        assert s.get(0x0A) == 0xFF  # nobody there


def test_two_byte_register_numbers_hide_from_a_one_byte_probe(tmp_path):
    """MaixPy's scan reads 0A and 0B of every address; an answer other than 0000 or FFFF would stop it."""
    with sensor(tmp_path, "ov5640", 0x78) as s:
        assert [s.get(r) for r in (0x1C, 0x1D, 0x0A, 0x0B)] == [0, 0, 0, 0]


def program_ov5640(s, w=W, h=H, fmt=0x61):
    """What matters of the vendor demo's table."""
    s.put(0x3103, 0x11)
    s.put(0x3008, 0x82)
    for register, value in {0x3035: 0x21, 0x3036: 90, 0x3037: 0x12, 0x3108: 0x01}.items():
        s.put(register, value)
    for register, value in {
        0x3800: 0, 0x3802: 8, 0x3804: 0xA3F, 0x3806: 0x79F, 0x3808: w, 0x380A: h, 0x380C: 0x758, 0x380E: 0x1F0,
    }.items():  # fmt: skip
        s.put16(register, value)
    s.put(0x4300, fmt)
    s.put(0x3008, 0x02)


def test_ov5640_rgb565(tmp_path):
    with sensor(tmp_path, "ov5640", 0x78, True) as s:
        program_ov5640(s)
        s.outputs(8 | RGB)
        s.frame()
        assert s.screen() == [rgb565(p) for p in triples(noise(1))]
        s.put(0x3821, 0x06)
        s.put(0x3820, 0x46)
        s.frame()
        assert s.screen() == [rgb565(p) for p in triples(noise(1))][::-1]


def test_ov5640_yuv(tmp_path):
    with sensor(tmp_path, "ov5640", 0x78, True) as s:
        program_ov5640(s, fmt=0x32)
        s.outputs(AI | YUV)
        s.frame()
        pairs = zip(s.planes(), triples(noise(1)), strict=True)
        assert max(abs(a - b) for p, q in pairs for a, b in zip(p, q, strict=True)) <= 2


def test_ov5640_frame_rate_and_sleep(tmp_path):
    with sensor(tmp_path, "ov5640", 0x78, True) as s:
        program_ov5640(s)
        s.q.writel(CMOS, 0x0001_0107)  # 195 MHz / 16 = 12.2 MHz
        s.outputs(8 | RGB)
        for _ in range(2):
            s.clear(1)
            s.wait(1)
        start = s.q.clock_ns()
        for _ in range(10):
            s.clear(1)
            s.wait(1)
        assert 10e9 / (s.q.clock_ns() - start) == pytest.approx(29.4, rel=0.05)
        s.put(0x3008, 0x42)
        s.q.clock_step(100_000_000)
        s.clear(1)
        s.q.clock_step(200_000_000)
        assert not s.q.readl(0x5043_0020) & 1


def test_ov5640_soft_reset_brings_the_table_back(tmp_path):
    with sensor(tmp_path, "ov5640", 0x78, True) as s:
        s.put(0x3808, 0x12)
        s.put(0x3008, 0x82)
        assert s.get(0x3808) == 2592 >> 8 and s.get(0x3008) == 2


def test_ov7740(tmp_path):
    with sensor(tmp_path, "ov7740", 0x42) as s:
        s.put(0x12, 0x80)
        s.put(0x0C, 0x02)
        s.put(0x31, W // 4)
        s.put(0x32, H // 2)
        s.outputs(AI | YUV)
        s.frame()
        wanted = triples(noise(1))
        assert max(abs(a - b) for p, q in zip(s.planes(), wanted, strict=True) for a, b in zip(p, q, strict=True)) <= 2
        s.put(0x0C, 0x02 | 0x80)
        s.frame()
        rows = [wanted[y * W : (y + 1) * W] for y in range(H)][::-1]
        flipped = [p for row in rows for p in row]
        assert max(abs(a - b) for p, q in zip(s.planes(), flipped, strict=True) for a, b in zip(p, q, strict=True)) <= 2


GC_FORMAT = {"gc0308": 0x24, "gc0328": 0x44, "gc2145": 0x84}
GC_SUBSAMPLE = {"gc0308": (1, 0x54), "gc0328": (0, 0x59), "gc2145": (0, 0x99)}


@pytest.mark.parametrize(("name", "device"), [("gc0308", 0x42), ("gc0328", 0x42)])
def test_gc_subsampled_whole(tmp_path, name, device):
    with sensor(tmp_path, name, device) as s:
        s.put(0xFE, 0x80)
        s.put(GC_FORMAT[name], 0x06)
        page, register = GC_SUBSAMPLE[name]
        s.put(0xFE, page)
        s.put(register, 0x22)
        s.put(0xFE, 0)
        s.outputs(8 | RGB)
        s.frame()
        assert s.screen() == [rgb565(p) for p in triples(noise(1))]
        s.put(0x14 if name == "gc0308" else 0x17, 1)
        s.frame()
        pixels = triples(noise(1))
        mirrored = [pixels[y * W : (y + 1) * W][::-1] for y in range(H)]
        assert s.screen() == [rgb565(p) for row in mirrored for p in row]


@pytest.mark.parametrize(
    ("name", "device", "array", "crop", "start", "size"),
    [
        ("gc0308", 0x42, (640, 480), (0x46, 0x80), {0x47: 20, 0x48: 40}, 0x49),
        ("gc0328", 0x42, (640, 480), (0x50, 0x01), {0x52: 20, 0x54: 40}, 0x55),
        ("gc2145", 0x78, (1600, 1200), (0x90, 0x01), {0x92: 20, 0x94: 40}, 0x95),
    ],
)
def test_gc_window(tmp_path, name, device, array, crop, start, size):
    picture = noise(3, *array)
    with sensor(tmp_path, name, device, picture=picture, size=array) as s:
        s.put(GC_FORMAT[name], 0x06)
        s.put(*crop)
        for register, value in start.items():
            s.put(register, value)
        s.put16(size, 64)
        s.put16(size + 2, 96)
        s.outputs(8 | RGB, 96, 64)
        s.frame()
        pixels = triples(picture)
        wanted = [pixels[(20 + y) * array[0] + 40 + x] for y in range(64) for x in range(96)]
        assert s.screen(96, 64) == [rgb565(p) for p in wanted]


def test_gc_pages(tmp_path):
    with sensor(tmp_path, "gc0328", 0x42) as s:
        s.put(0x20, 0xA0)
        s.put(0xFE, 1)
        assert s.get(0x20) == 0 and s.get(0xF0) == 0x9D
        s.put(0x20, 0xA1)
        s.put(0xFE, 0)
        assert s.get(0x20) == 0xA0
        s.put(0xFE, 0x80)
        assert s.get(0x20) == 0
