# SPDX-License-Identifier: MIT
"""The camera port with an OV2640 in front of a known picture: frames into memory, flags, cropping, SCCB."""

import random

import pytest
from board_io import IN, MISC, OUT, SPI_DVP_DATA, map_pad
from qtest import QemuError, QTest

BASE = 0x5043_0000
CFG, R_ADDR, G_ADDR, B_ADDR, CMOS, SCCB_CFG, SCCB_CTL, STS, RGB_ADDR = (
    BASE + o for o in (0, 4, 8, 0xC, 0x10, 0x14, 0x18, 0x20, 0x28)
)
START, FINISH, ARM, SCCB_EN = 1, 1 << 8, 1 << 16, 1 << 24
START_INT, FINISH_INT, AI, DISPLAY, AUTO, BURST = 1, 2, 4, 8, 16, 1 << 8
RGB, YUV, Y = 0, 1 << 9, 3 << 9
W, H = 320, 240
PLANES, SCREEN = 0x8010_0000, 0x4020_0000
SCCB_SCLK, SCCB_SDA, SCCB_WORD = 146, 147, 0x0099_3000


def ppm(pictures, w=W, h=H):
    return b"".join(b"P6\n%d %d\n255\n" % (w, h) + p for p in pictures)


def noise(seed, w=W, h=H):
    """Random pixels, equal in pairs so that 4:2:2 chroma loses nothing."""
    r = random.Random(seed)
    return b"".join(bytes([r.randrange(256) for _ in range(3)]) * 2 for _ in range(w * h // 2))


class Port:
    def __init__(self, q):
        self.q = q
        for pad, function, word in ((43, 135, IN), (45, 136, IN), (47, 137, IN), (46, 132, OUT), (42, 133, OUT)):
            map_pad(q, pad, function, word)
        map_pad(q, 44, 134, OUT)
        map_pad(q, 41, SCCB_SCLK, SCCB_WORD)
        map_pad(q, 40, SCCB_SDA, SCCB_WORD)
        q.setbits(MISC, SPI_DVP_DATA)
        q.writel(CMOS, 0x0001_0103)
        q.writel(SCCB_CFG, 0x00FF_FF00)

    def sccb(self, control, byte_num):
        self.q.writel(SCCB_CFG, 0x00FF_FF00 | byte_num)
        self.q.writel(SCCB_CTL, control)
        self.q.writel(STS, SCCB_EN | SCCB_EN << 1)
        self.q.wait_until(lambda: not self.q.readl(STS) & SCCB_EN)

    def write(self, register, value, device=0x60):
        self.sccb(1 | device | register << 8 | value << 16, 2)

    def read(self, register, device=0x60):
        self.sccb(1 | device | register << 8, 1)
        self.sccb(device, 1)
        return self.q.readl(SCCB_CFG) >> 24

    def sensor(self, *, rgb=False, w=W, h=H, reg04=0):
        """SVGA array, the whole of it scaled to w*h."""
        self.write(0xFF, 1)
        self.write(0x12, 0x40)
        self.write(0x04, reg04)
        self.write(0xFF, 0)
        table = {0xC0: 100, 0xC1: 75, 0x51: 200, 0x52: 150, 0x53: 0, 0x54: 0, 0x55: 0, 0x57: 0}
        table |= {0x5A: w // 4 & 255, 0x5B: h // 4 & 255, 0x5C: (w // 4) >> 8 & 3 | ((h // 4) >> 8 & 1) << 2}
        table |= {0xDA: 8 if rgb else 1, 0x05: 0}
        for register, value in table.items():
            self.write(register, value)

    def outputs(self, flags, w=W, h=H):
        burst = 32 if flags & BURST else 8
        self.q.writel(CFG, flags | w // burst << 12 | h << 20)
        for address, value in ((R_ADDR, PLANES), (G_ADDR, PLANES + w * h), (B_ADDR, PLANES + 2 * w * h)):
            self.q.writel(address, value)
        self.q.writel(RGB_ADDR, SCREEN)

    def wait(self, flag):
        self.q.wait_until(lambda: self.q.readl(STS) & flag, step_ns=500_000, limit_ns=300_000_000)

    def clear(self, flag):
        self.q.writel(STS, flag | flag << 1)

    def frame(self):
        self.clear(START)
        self.wait(START)
        self.clear(START)
        self.clear(FINISH)
        self.q.writel(STS, ARM | ARM << 1)
        self.wait(FINISH)
        self.clear(FINISH)

    def planes(self, w=W, h=H):
        data = self.q.read(PLANES, 3 * w * h)
        return [tuple(p) for p in zip(data[: w * h], data[w * h : 2 * w * h], data[2 * w * h :], strict=True)]

    def screen(self, w=W, h=H):
        data = self.q.read(SCREEN, 2 * w * h)
        pixels = []
        for i in range(0, len(data), 4):
            word = int.from_bytes(data[i : i + 4], "little")
            pixels += [word >> 16, word & 0xFFFF]  # the first pixel is in the upper half
        return pixels


def triples(data):
    return [tuple(data[i : i + 3]) for i in range(0, len(data), 3)]


def rgb565(p):
    return p[0] >> 3 << 11 | p[1] >> 2 << 5 | p[2] >> 3


@pytest.fixture
def port(tmp_path):
    (tmp_path / "camera.ppm").write_bytes(ppm([noise(1)]))
    with QTest(camera=str(tmp_path / "camera.ppm")) as q:
        yield Port(q)


def test_rgb565_reaches_both_outputs(port):
    port.sensor(rgb=True)
    port.outputs(AI | DISPLAY | RGB)
    port.frame()
    source = triples(noise(1))
    assert port.screen() == [rgb565(p) for p in source]
    expanded = [(r & 0xF8 | r >> 5, g & 0xFC | g >> 6, b & 0xF8 | b >> 5) for r, g, b in source]
    assert port.planes() == expanded


def test_yuv_picture_survives_within_rounding(port):
    port.sensor()
    port.outputs(AI | DISPLAY | YUV)
    port.frame()
    # Saturated colours may leave the cube by rounding; two steps are the most that both conversions lose.
    worst = max(
        abs(a - b) for p, q in zip(port.planes(), triples(noise(1)), strict=True) for a, b in zip(p, q, strict=True)
    )
    assert worst <= 2


def test_y_format_fills_the_first_plane_only(port):
    port.sensor()
    port.outputs(AI | Y)
    port.q.write(PLANES + W * H, b"\xa5" * 16)
    port.frame()
    source = triples(noise(1))
    luma = port.q.read(PLANES, W * H)
    assert max(abs(y - (0.299 * r + 0.587 * g + 0.114 * b)) for y, (r, g, b) in zip(luma, source, strict=True)) <= 1
    assert port.q.read(PLANES + W * H, 16) == b"\xa5" * 16


def test_top_left_part_is_kept_and_sets_the_pitch(port):
    port.sensor(rgb=True)
    port.outputs(DISPLAY | RGB | BURST, w=160, h=100)
    port.frame()
    source = triples(noise(1))
    assert port.screen(160, 100) == [rgb565(source[y * W + x]) for y in range(100) for x in range(160)]


@pytest.mark.parametrize("reg04", [0x80, 0x40], ids=["mirror", "flip"])
def test_mirror_and_flip(port, reg04):
    port.sensor(rgb=True, reg04=reg04)
    port.outputs(DISPLAY | RGB)
    port.frame()
    source = triples(noise(1))
    rows = [source[y * W : (y + 1) * W] for y in range(H)]
    rows = [row[::-1] for row in rows] if reg04 == 0x80 else rows[::-1]
    assert port.screen() == [rgb565(p) for row in rows for p in row]


def test_sensor_is_pulled_off_and_put_back(port):
    """No frames and no answer meanwhile; afterwards it wants to be set up again."""
    port.sensor(rgb=True)
    port.outputs(DISPLAY | RGB)
    port.frame()
    port.q.qom_set("/machine/cam", "plugged", False)
    port.q.clock_step(100_000_000)
    before = port.q.qom_get("/machine/soc/dvp", "frames")
    port.q.clock_step(200_000_000)
    assert port.q.qom_get("/machine/soc/dvp", "frames") == before
    port.q.qom_set("/machine/cam", "plugged", True)
    port.sensor(rgb=True)
    port.frame()
    assert port.q.qom_get("/machine/soc/dvp", "frames") > before


def test_scaling_averages(tmp_path):
    left_right = bytes([200, 100, 50]) * 160 + bytes([40, 80, 120]) * 160
    (tmp_path / "camera.ppm").write_bytes(ppm([left_right * 240]))
    with QTest(camera=str(tmp_path / "camera.ppm")) as q:
        port = Port(q)
        port.sensor(rgb=True, w=64, h=48)
        port.outputs(DISPLAY | RGB, w=64, h=48)
        port.frame()
        screen = port.screen(64, 48)
        assert set(screen[:32]) == {rgb565((200, 100, 50))} and set(screen[32:64]) == {rgb565((40, 80, 120))}


def test_unarmed_frame_only_starts(port):
    port.sensor()
    port.outputs(DISPLAY | YUV)
    before = port.q.qom_get("/machine/soc/dvp", "frames")
    port.wait(START)
    port.clear(START)
    port.wait(START)
    assert not port.q.readl(STS) & FINISH
    assert port.q.qom_get("/machine/soc/dvp", "frames") == before


def test_flags_change_only_with_their_write_enable(port):
    port.sensor()
    port.outputs(DISPLAY | YUV)
    port.wait(START)
    port.q.writel(STS, START)
    assert port.q.readl(STS) & START, "no write enable"
    port.q.writel(STS, START << 1)
    assert port.q.readl(STS) & START, "no bit"
    assert not port.q.readl(STS) & (START | FINISH | ARM) << 1, "write enables read 0"
    port.clear(START)
    assert not port.q.readl(STS) & START
    port.q.writel(STS, ARM | ARM << 1)
    assert port.q.readl(STS) & ARM
    port.q.writel(STS, ARM << 1)
    assert not port.q.readl(STS) & ARM


def test_arming_ends_with_the_frame_and_auto_rearms(port):
    port.sensor()
    port.outputs(DISPLAY | YUV)
    port.frame()
    assert not port.q.readl(STS) & ARM
    port.q.setbits(CFG, AUTO)
    before = port.q.qom_get("/machine/soc/dvp", "frames")
    port.q.clock_step(200_000_000)
    assert port.q.qom_get("/machine/soc/dvp", "frames") >= before + 4


def test_interrupts_follow_their_enables(port):
    port.q.irq_intercept_out("/machine/soc/dvp")
    port.sensor()
    port.outputs(DISPLAY | YUV)
    port.wait(START)
    assert not port.q.irq(0)
    port.q.setbits(CFG, START_INT)
    assert port.q.irq(0)
    port.clear(START)
    assert not port.q.irq(0)


def test_each_frame_shows_the_next_picture(tmp_path):
    solid = [bytes(color) * (W * H) for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    (tmp_path / "film.ppm").write_bytes(ppm(solid))
    with QTest(camera=str(tmp_path / "film.ppm")) as q:
        port = Port(q)
        port.sensor(rgb=True)
        port.outputs(DISPLAY | RGB, w=8, h=4)
        q.qom_set("/machine/cam", "source", str(tmp_path / "film.ppm"))
        seen = []
        for _ in range(4):
            port.frame()
            seen.append(port.screen(8, 4)[0])
        order = [0xF800, 0x07E0, 0x001F, 0x001F]
        first = order.index(seen[0])
        # A frame may go by between two armed ones; none comes twice before the last.
        assert first <= 1 and seen == sorted(seen, key=order.index) and seen[-1] == 0x001F


def test_bad_picture_files_are_refused_with_a_sentence(port, tmp_path):
    for name, data, words in (
        ("text.ppm", b"hello", "not a binary PPM"),
        ("short.ppm", b"P6 4 4 255\n123", "needs 48 bytes"),
        ("huge.ppm", b"P6 60000 60000 255\n", "60000x60000"),
        ("deep.ppm", b"P6 4 4 65535\n" + bytes(96), "maximum"),
        ("empty.ppm", b"", "empty"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(QemuError, match=words):
            port.q.qom_set("/machine/cam", "source", str(tmp_path / name))
    with pytest.raises(QemuError, match="No such file"):
        port.q.qom_set("/machine/cam", "source", str(tmp_path / "missing.ppm"))
    assert port.q.qom_get("/machine/cam", "source").endswith("camera.ppm"), "the old picture stays"


def test_no_frames_without_clock_or_sensor(port):
    port.sensor()
    port.outputs(DISPLAY | YUV)
    port.q.writel(CMOS, 0x0001_0003)
    port.clear(START)
    port.q.clock_step(500_000_000)
    assert not port.q.readl(STS) & START


def test_absent_sensor_reads_ff_and_sends_nothing():
    with QTest(sensor="none") as q:
        port = Port(q)
        assert port.read(0x0A) == 0xFF
        port.outputs(DISPLAY | YUV)
        q.clock_step(500_000_000)
        assert not q.readl(STS) & START


def test_sccb_reads_ids_and_other_devices_read_ff(port):
    assert [port.read(r) for r in (0x0A, 0x0B)] == [0x26, 0x42]
    assert port.read(0x0A, device=0x42) == 0xFF


def test_strict_mode_names_a_cached_address():
    with QTest(strict="on") as q:
        port = Port(q)
        port.sensor()
        port.outputs(DISPLAY | YUV)
        q.writel(RGB_ADDR, SCREEN + 0x4000_0000)
        q.writel(STS, ARM | ARM << 1)
        q.clock_step(200_000_000)
        q.wait_event("STOP")
        assert "k210-dvp: cached address 0x80200000 of the display picture" in q.log
