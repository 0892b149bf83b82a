# SPDX-License-Identifier: MIT
"""Finding a camera, its driver, windows and the hand-over of frames, with sensors made of a dictionary."""

from __future__ import annotations

import ctypes as ct
from dataclasses import dataclass, field

import pytest
from image_core import ERR_LEN, Rect, lib

WriteFn = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_uint8, ct.c_uint16, ct.c_bool, ct.c_uint8)
ReadFn = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_uint8, ct.c_uint16, ct.c_bool, ct.POINTER(ct.c_uint8))
LineFn = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_bool)
DelayFn = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_uint32)
PrintFn = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_char_p)
NACK, NO_DEVICE, INVALID = -6, -19, -22
ALL, OV, GC = 0, 1, 2


class Bus(ct.Structure):
    _fields_ = [
        ("write", WriteFn),
        ("read", ReadFn),
        ("reset_line", LineFn),
        ("power_down_line", LineFn),
        ("delay_ms", DelayFn),
        ("print", PrintFn),
        ("ctx", ct.c_void_p),
    ]


class Driver(ct.Structure):
    _fields_ = [
        ("name", ct.c_char_p),
        ("addr", ct.c_uint8),
        ("wide", ct.c_bool),
        ("family", ct.c_uint8),
        ("wire", ct.c_int),
        ("xclk_hz", ct.c_uint32),
        *(
            (name, ct.c_void_p)
            for name in ("match", "init", "set_size", "can_window", "set_hmirror", "set_vflip", "set_colorbar")
        ),
        *((name, ct.c_void_p) for name in ("set_contrast", "set_brightness", "set_saturation", "set_gainceiling")),
        *((name, ct.c_void_p) for name in ("set_auto_gain", "get_gain_db", "set_auto_exposure", "get_exposure_us")),
    ]


class Sensor(ct.Structure):
    _fields_ = [
        ("bus", ct.POINTER(Bus)),
        ("driver", ct.POINTER(Driver)),
        ("addr", ct.c_uint8),
        ("id", ct.c_uint16),
        ("xclk_hz", ct.c_uint32),
        ("hmirror", ct.c_bool),
        ("vflip", ct.c_bool),
    ]


@dataclass
class Chip:
    """An OV2640 as seen on the bus: two banks of registers, does not answer in reset or power-down."""

    addr: int = 0x30
    ident: tuple[int, int] = (0x26, 0x42)
    reset_active: bool = False  # level of the line that holds the chip in reset
    banks: list[dict[int, int]] = field(default_factory=lambda: [{}, {}])
    bank: int = 1
    resets: int = 0
    in_reset: bool = False
    powered_down: bool = False
    history: list[tuple[int, int, int]] = field(default_factory=list)

    def answers(self, addr: int) -> bool:
        return addr == self.addr and not self.in_reset and not self.powered_down

    def write(self, reg: int, value: int) -> None:
        self.history.append((self.bank, reg, value))
        if reg == 0xFF:
            self.bank = value & 1
        elif self.bank == 1 and reg == 0x12 and value & 0x80:
            self.resets += 1
            self.banks, self.bank = [{}, {}], 1
        else:
            self.banks[self.bank][reg] = value

    def read(self, reg: int) -> int:
        if reg == 0xFF:
            return self.bank
        if self.bank == 1 and reg in (0x0A, 0x0B):
            return self.ident[reg - 0x0A]
        return self.banks[self.bank].get(reg, 0)


class Camera:
    def __init__(self, chip: Chip | None) -> None:
        self.chip, self.lines = chip, []
        self.time = 0

        def write(_: int, addr: int, reg: int, wide: bool, value: int) -> int:
            if not chip or not chip.answers(addr):
                return NACK
            chip.write(reg, value)
            return 0

        def read(_: int, addr: int, reg: int, wide: bool, value: ct.Array) -> int:
            if not chip or not chip.answers(addr):
                return NACK
            value[0] = chip.read(reg)
            return 0

        def reset_line(_: int, high: bool) -> None:
            if chip:
                chip.in_reset = high == chip.reset_active
                if chip.in_reset:
                    chip.banks, chip.bank = [{}, {}], 1

        def power_down_line(_: int, high: bool) -> None:
            if chip:
                chip.powered_down = high

        def delay(_: int, ms: int) -> None:
            self.time += ms

        def show(_: int, line: bytes) -> None:
            self.lines.append(line.decode())

        self.bus = Bus(
            WriteFn(write), ReadFn(read), LineFn(reset_line), LineFn(power_down_line), DelayFn(delay), PrintFn(show)
        )
        self.c = Sensor(ct.pointer(self.bus), xclk_hz=24000000)
        self.err = ct.create_string_buffer(ERR_LEN)

    def probe(self, family: int = ALL) -> int:
        return lib().sensor_probe(ct.byref(self.c), family, self.err)

    def call(self, name: str, *args: object, types: tuple[type, ...] = (ct.c_int,)) -> int:
        address = getattr(self.c.driver.contents, name)
        assert address
        return ct.CFUNCTYPE(ct.c_int, ct.POINTER(Sensor), *types)(address)(ct.byref(self.c), *args)

    def ready(self) -> Camera:
        assert self.probe() == 0
        assert self.call("init", types=()) == 0
        return self


# ---- finding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reset_active", [False, True])
def test_ov2640_is_found_whatever_its_reset_level(reset_active: bool) -> None:
    camera = Camera(Chip(reset_active=reset_active))
    assert camera.probe() == 0
    assert camera.c.id == 0x2642
    assert camera.c.driver.contents.name == b"ov2640"
    assert camera.lines == ["[MAIXPY]: find ov2640", "[MAIXPY]: find ov sensor"]
    assert not camera.chip.in_reset
    assert not camera.chip.powered_down


def test_ov2640_is_found_again_though_its_dsp_bank_is_selected() -> None:
    camera = Camera(Chip())
    camera.ready()
    assert camera.chip.bank == 0
    assert camera.probe() == 0


def test_no_camera_tells_what_was_tried() -> None:
    camera = Camera(None)
    assert camera.probe() == NO_DEVICE
    assert camera.lines == ["[MAIXPY]: no sensor"]
    text = camera.err.value.decode()
    assert text.startswith("Reset Failed")
    for part in ("ov2640 at 0x30", "ov7740 at 0x21", "gc0328 at 0x21", "gc2145 at 0x3c"):
        assert part in text
    assert "nobody answers" in text
    assert not camera.c.driver
    assert camera.time < 1000


def test_another_part_at_the_address_is_named() -> None:
    camera = Camera(Chip(ident=(0x77, 0x42)))
    assert camera.probe() == NO_DEVICE
    assert "0x30 answers with another id" in camera.err.value.decode()


def test_family_without_this_sensor() -> None:
    assert Camera(Chip()).probe(GC) == NO_DEVICE
    assert Camera(Chip()).probe(OV) == 0


# ---- OV2640 -----------------------------------------------------------------------------------------


def test_init_resets_and_gives_yuv() -> None:
    camera = Camera(Chip()).ready()
    dsp, sensor = camera.chip.banks
    assert camera.chip.resets == 1
    assert dsp[0xDA] == 0x01  # UYVY
    assert dsp[0x05] == 0
    assert dsp[0xE0] == 0
    assert sensor[0x12] == 0x40
    assert (dsp[0xC0] * 8, dsp[0xC1] * 8) == (800, 600)


SizeTypes = (ct.c_int32, ct.c_int32, Rect)


def geometry(dsp: dict[int, int]) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Output size, window size and window offset that the registers say."""
    out = (4 * (dsp[0x5A] | (dsp[0x5C] & 3) << 8), 4 * (dsp[0x5B] | (dsp[0x5C] >> 2 & 1) << 8))
    window = (4 * (dsp[0x51] | (dsp[0x55] >> 3 & 1) << 8), 4 * (dsp[0x52] | (dsp[0x55] >> 7 & 1) << 8))
    offset = (dsp[0x53] | (dsp[0x55] & 7) << 8, dsp[0x54] | (dsp[0x55] >> 4 & 7) << 8)
    return out, window, offset


@pytest.mark.parametrize(
    ("size", "roi", "window", "offset"),
    [
        ((320, 240), (0, 0, 320, 240), (800, 600), (0, 0)),
        ((640, 480), (0, 0, 640, 480), (800, 600), (0, 0)),
        ((320, 240), (48, 8, 224, 224), (560, 560), (120, 20)),
        ((240, 240), (0, 0, 240, 240), (600, 600), (100, 0)),
        ((160, 120), (80, 40, 80, 80), (400, 400), (400, 200)),
        ((800, 600), (0, 0, 800, 600), (800, 600), (0, 0)),
    ],
)
def test_windows_are_parts_of_the_whole_scene(
    size: tuple[int, int], roi: tuple[int, int, int, int], window: tuple[int, int], offset: tuple[int, int]
) -> None:
    camera = Camera(Chip()).ready()
    assert camera.call("set_size", *size, Rect(*roi), types=SizeTypes) == 0
    assert geometry(camera.chip.banks[0]) == (roi[2:], window, offset)


def test_every_frame_size_stays_inside_the_array() -> None:
    w, h = ct.c_int32(), ct.c_int32()
    camera = Camera(Chip()).ready()
    for n in range(-1, 40):
        if not lib().sensor_framesize(n, ct.byref(w), ct.byref(h)):
            assert not 1 <= n <= 26
            continue
        ret = camera.call("set_size", w.value, h.value, Rect(0, 0, w.value, h.value), types=SizeTypes)
        if w.value > 800 or h.value > 600 or w.value % 4 or h.value % 4:
            assert ret == INVALID
            continue
        assert ret == 0
        out, window, offset = geometry(camera.chip.banks[0])
        assert out == (w.value, h.value)
        assert all(o <= s for o, s in zip(out, window, strict=True))
        assert all(o + s <= a for o, s, a in zip(offset, window, (800, 600), strict=True))
        # The same scale in both directions: nothing is squeezed.
        assert abs(window[0] / out[0] - window[1] / out[1]) < 0.15


def test_mirror_flip_and_bar_change_only_their_bits() -> None:
    camera = Camera(Chip()).ready()
    sensor = camera.chip.banks[1]
    before = dict(sensor)
    for name in ("set_hmirror", "set_vflip", "set_colorbar"):
        assert camera.call(name, True, types=(ct.c_bool,)) == 0
    assert sensor[0x04] == before[0x04] | 0x80 | 0x40 | 0x10
    assert sensor[0x12] == before[0x12] | 0x02
    for name in ("set_hmirror", "set_vflip", "set_colorbar"):
        assert camera.call(name, False, types=(ct.c_bool,)) == 0
    assert sensor == before


@pytest.mark.parametrize("name", ["set_contrast", "set_brightness", "set_saturation"])
def test_levels_out_of_range_are_refused(name: str) -> None:
    camera = Camera(Chip()).ready()
    assert [camera.call(name, level) for level in (-3, -2, 0, 2, 3)] == [INVALID, 0, 0, 0, INVALID]


def test_gain_and_exposure_read_back_what_was_set() -> None:
    camera = Camera(Chip()).ready()
    db, us = ct.c_float(), ct.c_int32()
    floats, nan = (ct.c_bool, ct.c_float, ct.c_float), float("nan")
    for wanted in (0.0, 6.0, 12.0, 20.0, 28.0):
        assert camera.call("set_auto_gain", False, wanted, nan, types=floats) == 0
        assert camera.call("get_gain_db", ct.byref(db), types=(ct.c_void_p,)) == 0
        assert abs(db.value - wanted) < 0.6
    assert not camera.chip.banks[1][0x13] & 0x04
    for wanted in (500, 10000, 33000):
        assert camera.call("set_auto_exposure", False, wanted, types=(ct.c_bool, ct.c_int32)) == 0
        assert camera.call("get_exposure_us", ct.byref(us), types=(ct.c_void_p,)) == 0
        assert abs(us.value - wanted) <= 50
    assert not camera.chip.banks[1][0x13] & 0x01


def test_a_sensor_that_stops_answering_is_an_error() -> None:
    camera = Camera(Chip()).ready()
    camera.chip.powered_down = True
    assert camera.call("set_hmirror", True, types=(ct.c_bool,)) == NACK
    assert camera.call("set_size", 320, 240, Rect(0, 0, 320, 240), types=SizeTypes) == NACK
    assert camera.call("init", types=()) == NACK


# ---- windows ----------------------------------------------------------------------------------------


def window(*roi: int, w: int = 320, h: int = 240) -> tuple[int, int, int, int] | str:
    out, err = Rect(), ct.create_string_buffer(ERR_LEN)
    array = (ct.c_int32 * max(len(roi), 1))(*roi)
    if lib().sensor_window(w, h, array, ct.c_size_t(len(roi)), ct.byref(out), err):
        return err.value.decode()
    return out.tuple


def test_window() -> None:
    assert window(224, 224) == (48, 8, 224, 224)
    assert window(16, 8, 64, 32) == (16, 8, 64, 32)
    assert window(320, 240) == (0, 0, 320, 240)


@pytest.mark.parametrize(
    ("roi", "words"),
    [
        ((), "must either be (x, y, w, h) or (w, h)"),
        ((1, 2, 3), "must either be"),
        ((4, 16), "too small"),
        ((0, 0, 16, -8), "too small"),
        ((328, 240), "outside the bounds"),
        ((-1, 0, 16, 16), "outside the bounds"),
        ((305, 0, 16, 16), "outside the bounds"),
        ((2**31 - 1, 0, 16, 16), "outside the bounds"),
        ((20, 16), "value must be multiple of 8"),
    ],
)
def test_bad_windows(roi: tuple[int, ...], words: str) -> None:
    assert words in str(window(*roi))


# ---- frames -----------------------------------------------------------------------------------------


class Frames(ct.Structure):
    _fields_ = [
        ("count", ct.c_int),
        ("filling", ct.c_int),
        ("ready", ct.c_int),
        ("taken", ct.c_int),
        ("wanted", ct.c_bool),
        ("stale", ct.c_bool),
        ("running", ct.c_bool),
    ]

    def __getattr__(self, name: str) -> object:
        return lambda *args: getattr(lib(), f"frames_{name}")(ct.byref(self), *args)


def frames(count: int) -> Frames:
    f = Frames()
    lib().frames_init(ct.byref(f), count)
    return f


NONE = -1


def test_one_buffer_is_filled_only_on_request() -> None:
    f = frames(1)
    assert f.begin() == NONE
    f.want(False)
    assert f.take() == NONE
    assert f.begin() == 0
    assert f.begin() == NONE
    f.end()
    assert f.take() == 0
    assert f.take() == NONE
    assert f.begin() == NONE  # the script is looking at it
    f.want(False)
    assert f.begin() == 0


def test_two_buffers_never_fill_the_one_in_use() -> None:
    f = frames(2)
    assert f.begin() == 0
    f.end()
    assert f.begin() == NONE  # finished, not fetched: it waits
    last = f.take()
    for _ in range(10):
        f.want(False)
        filling = f.begin()
        assert filling != last
        f.end()
        last = f.take()
        assert last == filling


def test_a_fresh_frame_begins_after_the_request() -> None:
    f = frames(2)
    f.begin()
    f.end()
    f.want(True)
    assert f.take() == NONE  # finished before
    f.begin()
    f.want(True)
    f.end()
    assert f.take() == NONE  # under way before
    assert f.begin() != NONE
    f.end()
    assert f.take() != NONE


def test_a_request_of_one_buffer_is_not_met_by_the_frame_under_way() -> None:
    f = frames(1)
    f.want(False)
    f.begin()
    f.want(False)  # the first one was given up
    f.end()
    assert f.take() == NONE
    assert f.begin() == 0
    f.end()
    assert f.take() == 0


@pytest.mark.parametrize("taken", [0, 1])
def test_shrinking_keeps_the_picture_in_use(taken: int) -> None:
    f = frames(2)
    for _ in range(taken + 1):
        f.begin()
        f.end()
        assert f.take() != NONE
    f.begin()
    f.end()
    f.shrink(taken)
    assert (f.count, f.taken, f.ready) == (1, 0, NONE)
    assert f.begin() == NONE
    f.want(False)
    assert f.begin() == 0


def test_flush_drops_a_finished_frame() -> None:
    for count in (1, 2):
        f = frames(count)
        f.want(False)
        f.begin()
        f.end()
        f.flush()
        assert f.take() == NONE
