# SPDX-License-Identifier: MIT
"""The lcd core against a small model of a panel that executes its command bytes."""

from __future__ import annotations

import ctypes as ct
import itertools
import random
from dataclasses import dataclass, field

import numpy as np
import pytest
from image_core import GRAYSCALE, RGB565, Picture, Rect, from_rgb, lib, to565

ResetFn = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_bool)
DelayFn = ct.CFUNCTYPE(None, ct.c_void_p, ct.c_uint32)
CommandFn = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_uint8, ct.POINTER(ct.c_uint8), ct.c_size_t)
PixelsFn = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.POINTER(ct.c_uint32), ct.c_size_t, ct.c_bool)
WaitFn = ct.CFUNCTYPE(ct.c_int, ct.c_void_p)
MY, MX, MV = 0x80, 0x40, 0x20
ETIMEDOUT = -110


class Bus(ct.Structure):
    _fields_ = [
        ("reset", ResetFn),
        ("delay_ms", DelayFn),
        ("command", CommandFn),
        ("pixels", PixelsFn),
        ("wait", WaitFn),
        ("ctx", ct.c_void_p),
    ]


class Offset(ct.Structure):
    _fields_ = [("x", ct.c_uint16), ("y", ct.c_uint16)]


class Panel(ct.Structure):
    _fields_ = [
        ("width", ct.c_int32),
        ("height", ct.c_int32),
        ("invert", ct.c_bool),
        ("dir", ct.c_uint8),
        ("offset", Offset * 2),
        ("controller", ct.c_int),
    ]


class Lcd(ct.Structure):
    _fields_ = [
        ("panel", Panel),
        ("bus", ct.POINTER(Bus)),
        ("words", ct.c_void_p),
        ("w", ct.c_int32),
        ("h", ct.c_int32),
        ("dir", ct.c_uint8),
        ("rotation", ct.c_uint8),
        ("mirror", ct.c_bool),
        ("bgr", ct.c_bool),
        ("screen", ct.c_void_p),
    ]


class Point(ct.Structure):
    _fields_ = [("x", ct.c_int32), ("y", ct.c_int32)]


@dataclass
class Glass:
    """A controller with 320x320 pixels of memory: windows, MADCTL and memory writes, as the data sheet says."""

    memory: np.ndarray = field(default_factory=lambda: np.full((400, 400), 0x5555, np.uint16))
    log: list[tuple[int, list[int]]] = field(default_factory=list)
    madctl: int = 0
    columns: tuple[int, int] = (0, 0)
    rows: tuple[int, int] = (0, 0)
    in_reset: bool = False
    on: bool = False
    inverted: bool = False
    slept_out: bool = False
    time: int = 0
    pending: bool = False
    fail: int = 0
    cursor: tuple[int, int] = (0, 0)

    def command(self, cmd: int, data: list[int]) -> None:
        assert not self.pending, "command while pixels are on their way"
        assert not self.in_reset
        self.log.append((cmd, data))
        if cmd == 0x01:
            self.madctl, self.on, self.inverted, self.slept_out = 0, False, False, False
        elif cmd == 0x11:
            self.slept_out = True
        elif cmd == 0x21:
            self.inverted = True
        elif cmd == 0x29:
            self.on = True
        elif cmd == 0x36:
            (self.madctl,) = data
        elif cmd in (0x2A, 0x2B):
            span = (data[0] << 8 | data[1], data[2] << 8 | data[3])
            assert span[0] <= span[1]
            if cmd == 0x2A:
                self.columns = span
            else:
                self.rows = span
        elif cmd == 0x2C:
            self.cursor = (self.columns[0], self.rows[0])
        elif cmd == 0x3A:
            assert data == [0x55]

    def pixel(self, value: int) -> None:
        x, y = self.cursor
        self.memory[y, x] = value
        x += 1
        if x > self.columns[1]:
            x, y = self.columns[0], y + 1
            if y > self.rows[1]:
                y = self.rows[0]
        self.cursor = (x, y)


class Screen:
    """An lcd_t on a Glass."""

    def __init__(self, width: int = 320, height: int = 240, invert: bool = False, direction: int = 0xA0) -> None:
        self.glass = g = Glass()
        self._waits = 0

        def reset(_: int, active: bool) -> None:
            g.in_reset = active

        def delay(_: int, ms: int) -> None:
            g.time += ms

        def command(_: int, cmd: int, data: ct.Array, n: int) -> int:
            if g.fail:
                return g.fail
            g.command(cmd, [data[i] for i in range(n)])
            return 0

        def pixels(_: int, words: ct.Array, n: int, fill: bool) -> int:
            assert not g.pending
            address = ct.addressof(words.contents)
            assert self.buffer.ctypes.data <= address
            assert address + 4 * (1 if fill else n) <= self.buffer.ctypes.data + self.buffer.nbytes
            for i in range(n):
                word = words[0 if fill else i]
                g.pixel(word >> 16)
                g.pixel(word & 0xFFFF)
            g.pending = True
            return g.fail

        def wait(_: int) -> int:
            g.pending = False
            return g.fail

        self.bus = Bus(ResetFn(reset), DelayFn(delay), CommandFn(command), PixelsFn(pixels), WaitFn(wait), None)
        panel = Panel(width, height, invert, direction)
        self.buffer = np.zeros(lib().lcd_words(ct.byref(panel)), np.uint32)
        self.c = Lcd(panel, ct.pointer(self.bus), self.buffer.ctypes.data)

    def start(self, color: int = 0) -> Screen:
        assert lib().lcd_start(ct.byref(self.c), color) == 0
        return self

    def show(self, p: Picture, roi: tuple[int, int, int, int] | None = None, at: tuple[int, int] | None = None) -> int:
        point = ct.byref(Point(*at)) if at else None
        return lib().lcd_show(ct.byref(self.c), p.ref, Rect(*(roi or (0, 0, p.c.w, p.c.h))), point)

    def fill(self, x: int, y: int, w: int, h: int, color: int) -> int:
        return lib().lcd_fill(ct.byref(self.c), Rect(x, y, w, h), color)

    def seen(self) -> np.ndarray:
        """The screen as the present direction addresses it."""
        i = 0 if self.c.dir & MV else 1
        x, y = self.c.panel.offset[i].x, self.c.panel.offset[i].y
        return self.glass.memory[y : y + self.c.h, x : x + self.c.w].copy()


def random_rgb(w: int, h: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)


def swap(v: int) -> int:
    return (v << 8 | v >> 8) & 0xFFFF


# ---- start ------------------------------------------------------------------------------------------


def test_start_sequence() -> None:
    s = Screen().start()
    assert [c for c, _ in s.glass.log] == [0x01, 0x11, 0x3A, 0x36, 0x13, 0x2A, 0x2B, 0x2C, 0x29]
    assert dict(s.glass.log)[0x36] == [0xA0]
    assert s.glass.on
    assert s.glass.slept_out
    assert not s.glass.inverted
    assert s.glass.time >= 50 + 50 + 50 + 120
    assert (s.seen() == 0).all()


def test_start_with_inversion_and_colour() -> None:
    s = Screen(240, 240, invert=True).start(0x00F8)
    assert s.glass.inverted
    assert (s.seen() == 0xF800).all()


def test_a_panel_that_does_not_take_bytes_is_an_error() -> None:
    s = Screen()
    s.glass.fail = ETIMEDOUT
    assert lib().lcd_start(ct.byref(s.c), 0) == ETIMEDOUT
    assert not s.glass.on


# ---- directions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rotation", "mirror", "direction"),
    [
        (0, False, 0xA0), (1, False, 0x00), (2, False, 0x60), (3, False, 0xC0),
        (0, True, 0x20), (1, True, 0x40), (2, True, 0xE0), (3, True, 0x80),
    ],
)  # fmt: skip
def test_rotation(rotation: int, mirror: bool, direction: int) -> None:
    s = Screen().start()
    assert lib().lcd_set_rotation(ct.byref(s.c), rotation, mirror) == 0
    assert s.glass.madctl == direction
    assert (s.c.w, s.c.h) == ((320, 240) if rotation % 2 == 0 else (240, 320))


def test_bgr_bit_stays_with_every_direction() -> None:
    s = Screen(direction=0x28).start()
    assert s.glass.madctl == 0x28
    lib().lcd_set_rotation(ct.byref(s.c), 1, False)
    assert s.glass.madctl == 0x08
    lib().lcd_set_bgr(ct.byref(s.c), True)
    assert s.glass.madctl == 0x00
    lib().lcd_set_bgr(ct.byref(s.c), False)
    assert s.glass.madctl == 0x08


def test_offsets_follow_the_direction() -> None:
    s = Screen(240, 135)
    s.c.panel.offset[0].x, s.c.panel.offset[0].y = 40, 52
    s.c.panel.offset[1].x, s.c.panel.offset[1].y = 52, 40
    s.start()
    data = dict(s.glass.log)
    assert data[0x2A] == [0, 40, 1, 23]
    assert data[0x2B] == [0, 52, 0, 186]
    lib().lcd_set_rotation(ct.byref(s.c), 1, False)
    s.fill(0, 0, 135, 240, 0)
    data = dict(s.glass.log)
    assert data[0x2A] == [0, 52, 0, 186]
    assert data[0x2B] == [0, 40, 1, 23]


# ---- pixels -----------------------------------------------------------------------------------------


def centred(rgb: np.ndarray, w: int, h: int) -> np.ndarray:
    """A simple picture of what lcd.display() shows without oft."""
    out = np.zeros((h, w), np.uint16)
    v = to565(rgb)
    x, y = (w - rgb.shape[1]) // 2, (h - rgb.shape[0]) // 2
    for dy, dx in itertools.product(range(v.shape[0]), range(v.shape[1])):
        if 0 <= x + dx < w and 0 <= y + dy < h:
            out[y + dy, x + dx] = v[dy, dx]
    return out


@pytest.mark.parametrize("screen", [(320, 240), (40, 30), (41, 31)])
@pytest.mark.parametrize("size", [(320, 240), (40, 30), (41, 31), (17, 50), (60, 9), (1, 1)])
def test_show_centres_pads_and_crops(screen: tuple[int, int], size: tuple[int, int]) -> None:
    s = Screen(*screen).start(0xFFFF)
    rgb = random_rgb(*size)
    assert s.show(from_rgb(rgb)) == 0
    assert (s.seen() == centred(rgb, *screen)).all()


@pytest.mark.parametrize("at", [(0, 0), (3, 2), (-5, -4), (30, 20), (39, 29)])
@pytest.mark.parametrize("size", [(40, 30), (13, 11), (60, 50)])
def test_show_at_a_place_leaves_the_rest_alone(at: tuple[int, int], size: tuple[int, int]) -> None:
    s = Screen(40, 30).start(0x3412)
    rgb = random_rgb(*size)
    assert s.show(from_rgb(rgb), at=at) == 0
    wanted = np.full((30, 40), 0x1234, np.uint16)
    v = to565(rgb)
    for dy, dx in itertools.product(range(size[1]), range(size[0])):
        if 0 <= at[0] + dx < 40 and 0 <= at[1] + dy < 30:
            wanted[at[1] + dy, at[0] + dx] = v[dy, dx]
    assert (s.seen() == wanted).all()


def test_show_of_a_part() -> None:
    s = Screen(40, 30).start()
    rgb = random_rgb(60, 50)
    assert s.show(from_rgb(rgb), roi=(7, 9, 11, 13), at=(4, 5)) == 0
    assert (s.seen()[5:18, 4:15] == to565(rgb[9:22, 7:18])).all()
    assert s.show(from_rgb(rgb), roi=(7, 9, 11, 13)) == 0
    assert (s.seen() == centred(rgb[9:22, 7:18], 40, 30)).all()


def test_gray_is_shown_as_gray() -> None:
    s, p = Screen(40, 30).start(), Picture(40, 30, GRAYSCALE).fill_random()
    assert s.show(p) == 0
    assert (s.seen() == to565(np.repeat(p.values()[..., None], 3, axis=2))).all()


def test_nothing_visible_sends_nothing() -> None:
    s = Screen(40, 30).start()
    before = len(s.glass.log)
    far = 2**31 - 1
    for at in [(40, 0), (0, 30), (-50, 0), (0, -50), (far, far), (-far - 1, 0)]:
        assert s.show(Picture(50, 50), at=at) == 0
    assert len(s.glass.log) == before


def test_memory_is_not_touched_while_pixels_are_on_their_way() -> None:
    """The bus asserts it: every call has to wait first."""
    s = Screen(40, 30).start()
    p = Picture(40, 30)
    for _ in range(3):
        s.show(p)
        assert s.glass.pending
        s.fill(1, 1, 5, 5, 0)
        lib().lcd_text(ct.byref(s.c), 0, 0, b"x", ct.c_size_t(1), 0, 0)
        lib().lcd_set_rotation(ct.byref(s.c), 2, False)


def test_errors_of_the_bus_come_back() -> None:
    s, p = Screen(40, 30).start(), Picture(40, 30)
    s.glass.fail = ETIMEDOUT
    assert s.show(p) == ETIMEDOUT
    assert s.fill(0, 0, 1, 1, 0) == ETIMEDOUT
    assert lib().lcd_text(ct.byref(s.c), 0, 0, b"x", ct.c_size_t(1), 0, 0) == ETIMEDOUT


def test_fill_clips() -> None:
    rng = random.Random(4)
    for _ in range(200):
        s = Screen(20, 16).start()
        x, y, w, h = (rng.randint(-25, 30) for _ in range(4))
        assert s.fill(x, y, w, h, swap(0xABCD)) == 0
        wanted = np.zeros((16, 20), np.uint16)
        if w > 0 and h > 0:
            wanted[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = 0xABCD
        assert (s.seen() == wanted).all(), (x, y, w, h)


def test_text_is_a_line_of_cells_cut_at_the_edge() -> None:
    s = Screen(40, 30).start()
    text = b"Aq1&x!"
    assert lib().lcd_text(ct.byref(s.c), 9, 5, text, ct.c_size_t(len(text)), swap(0xF800), swap(0x001F)) == 0
    got = s.seen()
    for i in range(3):  # (40 - 9) / 8 cells
        bits = [[b >> (7 - x) & 1 for x in range(8)] for b in lib().image_font_glyph(text[i])[:12]]
        cell = np.where(np.array(bits, bool), 0xF800, 0x001F)
        assert (got[5:17, 9 + 8 * i : 17 + 8 * i] == cell).all()
    assert not got[:, 33:].any()
    before = len(s.glass.log)
    for x, y in [(-1, 0), (0, -1), (40, 0), (0, 19), (33, 0)]:
        assert lib().lcd_text(ct.byref(s.c), x, y, text, ct.c_size_t(6), 0, 0) == 0
    assert len(s.glass.log) == before


# ---- what the glass shows ---------------------------------------------------------------------------


def view(memory: np.ndarray, direction: int) -> np.ndarray:
    """The controller's memory [row, column] as a direction addresses it, by the data sheet's table."""
    memory = memory[:: -1 if direction & MY else 1, :: -1 if direction & MX else 1]
    return memory.T if direction & MV else memory


class Kept:
    """A Screen with lcd->screen, and the memory of its controller as it has to be."""

    def __init__(self, width: int, height: int, direction: int) -> None:
        self.s = Screen(width, height, direction=direction)
        self.screen = np.full(width * height, 0x7777, np.uint16)
        self.s.c.screen = self.screen.ctypes.data
        self.s.start(swap(0x1234))
        self.memory = np.full((width, height), 0x1234, np.uint16)

    def rows(self) -> np.ndarray:
        w, h = view(self.memory, self.s.c.panel.dir).shape[::-1]
        out = np.zeros((h, w), ">u2")
        for y in range(0, h, 7):
            n = min(7, h - y)
            part = np.zeros((n, w), ">u2")
            lib().lcd_screen_rows(ct.byref(self.s.c), y, n, part.ctypes.data_as(ct.POINTER(ct.c_uint8)))
            out[y : y + n] = part
        return out.astype(np.uint16)


@pytest.mark.parametrize("upright", [0xA0, 0x00, 0x60])
@pytest.mark.parametrize("direction", [0x00, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0, 0xE0])
@pytest.mark.parametrize("size", [(40, 30), (41, 31)])
def test_screen_is_the_upright_picture(upright: int, direction: int, size: tuple[int, int]) -> None:
    k = Kept(*size, upright)
    assert (k.rows() == 0x1234).all()
    assert lib().lcd_set_direction(ct.byref(k.s.c), direction) == 0
    wanted = view(k.memory, direction)
    rgb = random_rgb(11, 7)
    k.s.show(from_rgb(rgb), at=(3, 5))
    wanted[5:12, 3:14] = to565(rgb)
    k.s.fill(20, 2, 5, 9, swap(0xF00D))
    wanted[2:11, 20:25] = 0xF00D
    lib().lcd_text(ct.byref(k.s.c), 2, 15, b"A", ct.c_size_t(1), swap(0xFFFF), swap(0x0001))
    bits = np.array([[b >> (7 - x) & 1 for x in range(8)] for b in lib().image_font_glyph(ord("A"))[:12]], bool)
    wanted[15:27, 2:10] = np.where(bits, 0xFFFF, 0x0001)
    assert (k.rows() == view(k.memory, upright)).all()
    rgb = random_rgb(*wanted.shape[::-1])
    k.s.show(from_rgb(rgb))
    wanted[:] = to565(rgb)
    assert (k.rows() == view(k.memory, upright)).all()


def test_screen_with_red_and_blue_exchanged() -> None:
    k = Kept(40, 30, 0xA0)
    k.s.fill(0, 0, 40, 30, swap(0xF800))
    lib().lcd_set_bgr(ct.byref(k.s.c), True)
    assert (k.rows() == 0x001F).all()


def test_place() -> None:
    src, dst = Rect(), Rect()
    assert lib().lcd_place(320, 240, Rect(0, 0, 400, 300), None, ct.byref(src), ct.byref(dst))
    assert src.tuple == (40, 30, 320, 240)
    assert dst.tuple == (0, 0, 320, 240)
    assert lib().lcd_place(320, 240, Rect(5, 6, 100, 300), None, ct.byref(src), ct.byref(dst))
    assert src.tuple == (5, 36, 100, 240)
    assert dst.tuple == (110, 0, 100, 240)


def test_format_constant() -> None:
    assert RGB565 == 2
