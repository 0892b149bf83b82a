# SPDX-License-Identifier: MIT
"""The image core against straightforward Python and Pillow."""

from __future__ import annotations

import contextlib
import ctypes as ct
import io
import itertools
import math
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_core import (
    BINARY,
    BUILD,
    GRAYSCALE,
    IMAGE,
    RGB565,
    SANITIZE,
    CodecError,
    Picture,
    Rect,
    build,
    from_rgb,
    lib,
    load,
    save,
    to565,
)
from kpu_core import data_path
from PIL import Image

W, H = 41, 29
BMP, PNM, JPG = 0, 1, 2
ON = 0xFFFF
HUGE = [-(2**31), -(2**24) - 3, -1000, -1, 0, 5, W - 1, W, 1000, 2**24 + 3, 2**31 - 1]


def drawn(name: str, *args: int, w: int = W, h: int = H) -> np.ndarray:
    """What a drawing function sets in a black picture."""
    p = Picture(w, h)
    getattr(lib(), f"image_draw_{name}")(p.ref, *args)
    return p.values() != 0


def random_rgb(w: int, h: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)


# ---- sizes and colours ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("w", "h", "fmt", "size"),
    [
        (320, 240, RGB565, 153600),
        (320, 240, GRAYSCALE, 76800),
        (33, 2, BINARY, 16),
        (0, 5, RGB565, 0),
        (5, -1, RGB565, 0),
        (32768, 1, RGB565, 0),
        (32767, 32767, RGB565, 32767 * 32767 * 2),
        (5, 5, 99, 0),
    ],
)
def test_bytes(w: int, h: int, fmt: int, size: int) -> None:
    assert lib().image_bytes(w, h, fmt) == size


def test_colours_of_maixpy_are_swapped_rgb565() -> None:
    assert lib().image_color(RGB565, 255, 0, 0) == 0x00F8
    assert lib().image_color(RGB565, 0, 255, 0) == 0xE007
    assert lib().image_color(RGB565, 0, 0, 255) == 0x1F00
    assert lib().image_color(GRAYSCALE, 255, 255, 255) == 255
    assert lib().image_color(GRAYSCALE, 0, 0, 0) == 0
    assert lib().image_color(BINARY, 200, 200, 200) == 1


def test_pixels_are_big_endian() -> None:
    p = Picture(4, 2)
    lib().image_set(p.ref, 1, 0, lib().image_color(RGB565, 255, 0, 0))
    assert p.data[:4].tolist() == [0, 0, 0xF8, 0]


@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE, BINARY])
def test_get_gives_what_set_put(fmt: int) -> None:
    p, rng = Picture(37, 9, fmt), random.Random(3)
    top = {RGB565: 0xFFFF, GRAYSCALE: 255, BINARY: 1}[fmt]
    wanted = {(x, y): rng.randint(0, top) for x in range(37) for y in range(9)}
    for (x, y), v in wanted.items():
        lib().image_set(p.ref, x, y, v)
    assert all(lib().image_get(p.ref, x, y) == v for (x, y), v in wanted.items())
    p.check()


def test_isqrt() -> None:
    for n in [*range(200), 2**32 - 1, 2**32, 2**52 - 1, 2**63 - 1, 2**64 - 1]:
        assert lib().image_isqrt(n) == math.isqrt(n)


# ---- lines ------------------------------------------------------------------------------------------


def rounded_line(x0: int, y0: int, x1: int, y1: int) -> set[tuple[int, int]]:
    """The nearest pixel to the ideal line for each step along the longer axis."""
    n = max(abs(x1 - x0), abs(y1 - y0))
    if n == 0:
        return {(x0, y0)}
    return {
        (x0 + sign(x1 - x0) * ((2 * abs(x1 - x0) * i + n) // (2 * n)),
         y0 + sign(y1 - y0) * ((2 * abs(y1 - y0) * i + n) // (2 * n)))
        for i in range(n + 1)
    }  # fmt: skip


def sign(v: int) -> int:
    return (v > 0) - (v < 0)


def mask(points: set[tuple[int, int]]) -> np.ndarray:
    m = np.zeros((H, W), bool)
    for x, y in points:
        if 0 <= x < W and 0 <= y < H:
            m[y, x] = True
    return m


def test_thin_lines_are_the_nearest_pixels() -> None:
    rng = random.Random(7)
    for _ in range(500):
        x0, x1 = (rng.randint(-20, W + 20) for _ in "ab")
        y0, y1 = (rng.randint(-20, H + 20) for _ in "ab")
        # Ties are broken from the upper end.
        ends = (x0, y0, x1, y1) if y0 <= y1 else (x1, y1, x0, y0)
        assert (drawn("line", x0, y0, x1, y1, ON, 1) == mask(rounded_line(*ends))).all(), (x0, y0, x1, y1)


def pen(t: int) -> list[tuple[int, int]]:
    lo, hi = -(t // 2), (t - 1) // 2
    mid = lo + hi
    reach = range(lo, hi + 1)
    return [(x, y) for x in reach for y in reach if (2 * x - mid) ** 2 + (2 * y - mid) ** 2 <= t * t]


@pytest.mark.parametrize("t", [2, 3, 4, 7, 12])
def test_thick_lines_are_strokes_of_a_round_pen(t: int) -> None:
    rng = random.Random(t)
    for _ in range(60):
        x0, x1 = (rng.randint(-10, W + 10) for _ in "ab")
        y0, y1 = (rng.randint(-10, H + 10) for _ in "ab")
        ends = (x0, y0, x1, y1) if y0 <= y1 else (x1, y1, x0, y0)
        stroke = {(x + px, y + py) for x, y in rounded_line(*ends) for px, py in pen(t)}
        got, wanted = drawn("line", x0, y0, x1, y1, ON, t), mask(stroke)
        # The core fills each row between its outermost pixels: it may close a pinhole, not more.
        assert (got | wanted == got).all()
        assert (got & ~wanted).sum() <= 2


def test_line_and_thickness_of_any_size_end_soon() -> None:
    rng = random.Random(5)
    for _ in range(400):
        args = [rng.choice(HUGE) for _ in range(4)]
        drawn("line", *args, ON, rng.choice([-5, 0, 1, 2, 100, 5000, 2**31 - 1]))
    assert drawn("line", -(2**31), 10, 2**31 - 1, 10, ON, 1)[10].all()
    assert drawn("line", 0, 0, W, H, ON, 2**31 - 1).all()
    assert not drawn("line", 0, 0, W, H, ON, 0).any()


# ---- rectangles -------------------------------------------------------------------------------------


def test_rectangle_frame_lies_around_its_edge() -> None:
    m = drawn("rectangle", 5, 4, 20, 10, ON, 1, False)
    wanted = np.zeros((H, W), bool)
    wanted[4:14, 5:25] = True
    wanted[5:13, 6:24] = False
    assert (m == wanted).all()
    m = drawn("rectangle", 5, 4, 20, 10, ON, 4, False)
    wanted[:] = False
    wanted[2:15, 3:26] = True
    wanted[6:11, 7:22] = False
    assert (m == wanted).all()


def test_rectangle_filled_is_what_pillow_fills() -> None:
    rng = random.Random(2)
    for _ in range(200):
        x, y = rng.randint(-50, 60), rng.randint(-50, 60)
        w, h = rng.randint(-5, 80), rng.randint(-5, 80)
        wanted = np.zeros((H, W), bool)
        if w > 0 and h > 0:
            wanted[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = True
        assert (drawn("rectangle", x, y, w, h, ON, 3, True) == wanted).all(), (x, y, w, h)


def test_rectangles_of_any_size_end_soon() -> None:
    for x, y, w, h in itertools.product(HUGE[::2], HUGE[1::2], HUGE[::3], HUGE[1::3]):
        drawn("rectangle", x, y, w, h, ON, 2**31 - 1, False)
    assert drawn("rectangle", 0, 0, 10, 10, ON, 2**31 - 1, False).all()
    assert not drawn("rectangle", 3, 3, -4, 5, ON, 1, True).any()


# ---- circles, ellipses ------------------------------------------------------------------------------


@pytest.mark.parametrize("r", range(14))
def test_disc_is_symmetrical_and_round(r: int) -> None:
    m = drawn("circle", 20, 14, r, ON, 1, True)
    y, x = np.mgrid[:H, :W]
    assert (m == ((x - 20) ** 2 + (y - 14) ** 2 <= r * r + r)).all()


@pytest.mark.parametrize(("r", "t"), [(1, 1), (5, 1), (10, 1), (10, 2), (10, 5), (13, 20)])
def test_ring_is_closed_and_as_thick_as_asked(r: int, t: int) -> None:
    m = drawn("circle", 20, 14, r, ON, t, False)
    assert (m == m[:, ::-1][:, [(2 * (W // 2) - i - (W - 1)) % W for i in range(W)]]).all() or W % 2
    row = m[14, 20:]
    edge = r + (t - 1) // 2
    assert row[max(edge - t + 1, 0) : edge + 1].all()
    assert not row[edge + 1 :].any()
    if edge - t >= 0:
        assert not m[14, 20]
        # Closed: what can be reached from the centre does not include a corner.
        seen, todo = {(20, 14)}, [(20, 14)]
        while todo:
            x, y = todo.pop()
            for nx, ny in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                if 0 <= nx < W and 0 <= ny < H and not m[ny, nx] and (nx, ny) not in seen:
                    seen.add((nx, ny))
                    todo.append((nx, ny))
        assert (0, 0) not in seen


def test_ellipse_with_equal_radii_is_a_disc() -> None:
    for rotation in (0, 30, 90, -45, 725):
        m = drawn("ellipse", 20, 14, 10, 10, rotation, ON, 1, True)
        y, x = np.mgrid[:H, :W]
        assert (m == ((x - 20) ** 2 + (y - 14) ** 2 <= 10.5**2)).all()


def test_ellipse_turned_by_90_degrees_swaps_its_radii() -> None:
    assert (drawn("ellipse", 20, 14, 12, 5, 0, ON, 2, False) == drawn("ellipse", 20, 14, 5, 12, 90, ON, 2, False)).all()


def test_round_shapes_of_any_size_end_soon() -> None:
    for x, y, r in itertools.product(HUGE, HUGE[::2], HUGE):
        drawn("circle", x, y, r, ON, 2**31 - 1, False)
        drawn("ellipse", x, y, r, 5, 45, ON, 3, False)
        drawn("ellipse", x, y, r, r, 45, ON, 3, True)
    assert not drawn("circle", 10, 10, -1, ON, 1, True).any()


def test_cross_and_arrow() -> None:
    m = drawn("cross", 20, 14, ON, 3, 1)
    assert m.sum() == 13
    assert m[14, 17:24].all()
    assert m[11:18, 20].all()
    for args in itertools.product(HUGE[::3], repeat=4):
        drawn("arrow", *args, ON, 2**31 - 1, 3)
        drawn("cross", args[0], args[1], ON, args[2], 1)
    m = drawn("arrow", 5, 14, 35, 14, ON, 10, 1)
    assert m[14, 5:36].all()
    assert m[9, 25]
    assert m[19, 25]


# ---- text -------------------------------------------------------------------------------------------


def test_font_is_made_from_its_drawing() -> None:
    made = subprocess.run([sys.executable, IMAGE / "makefont.py"], check=True, capture_output=True, text=True).stdout
    assert made == (IMAGE / "font8x12.c").read_text()


def test_all_glyphs_differ() -> None:
    glyphs = [tuple(lib().image_font_glyph(c)[:12]) for c in range(0x20, 0x7F)]
    assert len(set(glyphs)) == len(glyphs)
    assert lib().image_font_glyph(0x20)[:12] == [0] * 12
    box = lib().image_font_glyph(0x7F)[:12]
    assert lib().image_font_glyph(0x1234)[:12] == box
    assert any(box)


def text(s: str, scale: float = 1, mono: bool = True, w: int = 200, h: int = 60) -> np.ndarray:
    p = Picture(w, h)
    raw = s.encode()
    lib().image_draw_text(p.ref, 0, 0, raw, len(raw), ON, scale, 0, 2, mono)
    return p.values() != 0


def glyph(c: str) -> np.ndarray:
    return np.array([[b >> (7 - x) & 1 for x in range(8)] for b in lib().image_font_glyph(ord(c))[:12]], bool)


def test_text_is_glyph_after_glyph() -> None:
    m = text("Ab?")
    for i, c in enumerate("Ab?"):
        assert (m[:12, 8 * i : 8 * i + 8] == glyph(c)).all()
    assert not m[12:].any()
    assert not m[:, 24:].any()


def test_text_scales_and_wraps() -> None:
    assert (text("A", 2)[:24, :16] == glyph("A").repeat(2, 0).repeat(2, 1)).all()
    m = text("A\nB\r\nC")
    for i, c in enumerate("ABC"):
        assert (m[14 * i : 14 * i + 12, :8] == glyph(c)).all()
    assert text("A", 0.5)[:6, :4].any()
    assert not text("A", 0.5)[6:].any()


def test_proportional_text_is_narrower_and_as_wide_as_measured() -> None:
    w, h = ct.c_int32(), ct.c_int32()
    raw = b"Illi, world"
    lib().image_text_size(raw, len(raw), 1, 0, 2, False, ct.byref(w), ct.byref(h))
    m = text(raw.decode(), mono=False)
    columns = np.flatnonzero(m.any(0))
    assert columns[0] == 0
    assert columns[-1] < w.value < 8 * len(raw)
    assert h.value == 12


def test_one_box_for_a_character_of_several_bytes() -> None:
    assert (text("é") == text("\x7f")).all()
    assert (text("人") == text("\x7f")).all()


def test_text_of_any_size_ends_soon() -> None:
    p = Picture(W, H)
    for x, y, scale in itertools.product(HUGE, HUGE, [1e-9, 0.3, 7.7, 1e4, 1e30]):
        lib().image_draw_text(p.ref, x, y, b"Hi\nyou", 6, ON, scale, 2**31 - 1, -(2**31), False)
    p.check()


# ---- copies -----------------------------------------------------------------------------------------


def test_copy_of_a_part() -> None:
    rgb = random_rgb(W, H)
    src, dst = from_rgb(rgb), Picture(7, 5)
    lib().image_copy_scaled(dst.ref, src.ref, Rect(3, 4, 7, 5))
    assert (dst.values() == to565(rgb[4:9, 3:10])).all()
    large = Picture(14, 15)
    lib().image_copy_scaled(large.ref, src.ref, Rect(3, 4, 7, 5))
    assert (large.values() == to565(rgb[4:9, 3:10].repeat(3, 0).repeat(2, 1))).all()


def test_cut_is_black_outside() -> None:
    rgb = random_rgb(W, H)
    src, dst = from_rgb(rgb), Picture(20, 20)
    dst.fill_random()
    lib().image_cut(dst.ref, src.ref, -5, H - 10)
    wanted = np.zeros((20, 20), np.uint16)
    wanted[:10, 5:] = to565(rgb[H - 10 :, :15])
    assert (dst.values() == wanted).all()
    for x, y in itertools.product(HUGE, HUGE):
        lib().image_cut(dst.ref, src.ref, x, y)
    dst.check()


@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE, BINARY])
@pytest.mark.parametrize("size", [(1, 1), (20, 14), (41, 29), (100, 100), (7, 80)])
def test_resize_of_a_plain_colour_is_that_colour(fmt: int, size: tuple[int, int]) -> None:
    src, dst = Picture(W, H, fmt), Picture(*size, fmt)
    value = {RGB565: 0x1234, GRAYSCALE: 77, BINARY: 1}[fmt]
    lib().image_fill(src.ref, value)
    lib().image_resize(dst.ref, src.ref)
    got = {lib().image_get(dst.ref, x, y) for x in range(size[0]) for y in range(size[1])}
    assert got == {value}
    dst.check()


def test_gray_shrinks_to_the_mean() -> None:
    src, dst = Picture(40, 30, GRAYSCALE).fill_random(), Picture(8, 10, GRAYSCALE)
    lib().image_resize(dst.ref, src.ref)
    mean = src.values().reshape(10, 3, 8, 5).mean(axis=(1, 3))
    assert np.abs(dst.values() - mean).max() <= 0.5


def test_gray_enlarges_as_pillow_does() -> None:
    src, dst = Picture(20, 15, GRAYSCALE).fill_random(), Picture(60, 45, GRAYSCALE)
    lib().image_resize(dst.ref, src.ref)
    wanted = np.asarray(Image.fromarray(src.values()).resize((60, 45), Image.Resampling.BILINEAR), np.int16)
    assert np.abs(dst.values().astype(np.int16) - wanted).max() <= 2


def test_colours_enlarge_as_pillow_does() -> None:
    src, dst = from_rgb(random_rgb(20, 15)), Picture(70, 45)
    lib().image_resize(dst.ref, src.ref)
    wanted = np.asarray(Image.fromarray(src.rgb()).resize((70, 45), Image.Resampling.BILINEAR), np.int16)
    difference = np.abs(dst.rgb().astype(np.int16) - wanted)
    assert difference.mean() < 5
    assert difference.max() <= 24  # three roundings to 5 bits


def test_draw_image_clips_scales_and_blends() -> None:
    rgb, base = random_rgb(10, 8, 2), random_rgb(W, H, 3)
    src = from_rgb(rgb)
    dst = from_rgb(base)
    lib().image_draw_image(dst.ref, src.ref, -3, H - 4, 1, 1, 256, None)
    wanted = to565(base)
    wanted[H - 4 :, :7] = to565(rgb)[:4, 3:]
    assert (dst.values() == wanted).all()

    dst = from_rgb(base)
    lib().image_draw_image(dst.ref, src.ref, 2, 3, 2, 1, 256, None)
    assert (dst.values()[3:11, 2:22] == to565(rgb).repeat(2, 1)).all()

    dst = Picture(10, 8)
    lib().image_draw_image(dst.ref, src.ref, 0, 0, 1, 1, 128, None)
    assert np.abs(dst.rgb().astype(int) - src.rgb().astype(int) / 2).max() <= 8

    dst = from_rgb(base)
    for x, y, s in itertools.product(HUGE, HUGE[::2], [0, -1, 1e-6, 3, 1e9, float("nan"), float("inf")]):
        lib().image_draw_image(dst.ref, src.ref, x, y, s, s, 256, None)
    dst.check()


def test_draw_image_with_mask_and_other_formats() -> None:
    rgb = random_rgb(10, 8, 2)
    src, dst, m = from_rgb(rgb), Picture(10, 8), Picture(10, 8, BINARY)
    lib().image_set(m.ref, 4, 5, 1)
    lib().image_draw_image(dst.ref, src.ref, 0, 0, 1, 1, 256, m.ref)
    wanted = np.zeros((8, 10), np.uint16)
    wanted[5, 4] = to565(rgb)[5, 4]
    assert (dst.values() == wanted).all()
    gray = Picture(10, 8, GRAYSCALE)
    lib().image_draw_image(gray.ref, src.ref, 0, 0, 1, 1, 256, None)
    luma = src.rgb() @ np.array([0.299, 0.587, 0.114])
    assert np.abs(gray.values() - luma).max() <= 1.5


# ---- conversion -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(320, 240), (40, 31), (7, 3), (1, 1)])
def test_planes_hold_expanded_pixels_and_go_back(size: tuple[int, int]) -> None:
    p = Picture(*size, planes=True).fill_random()
    lib().image_pix_to_ai(p.ref)
    assert p.planes is not None
    assert (p.planes.reshape(3, size[1], size[0]) == p.rgb().transpose(2, 0, 1)).all()
    before = p.data.copy()
    p.data[:] = 0
    lib().image_ai_to_pix(p.ref)
    assert (p.data == before).all()


def test_words_are_reversed() -> None:
    src = np.arange(64, dtype=np.uint8)
    dst = np.zeros(64, np.uint8)
    lib().image_swap_words(ct.c_void_p(dst.ctypes.data), ct.c_void_p(src.ctypes.data), ct.c_size_t(64))
    assert (dst.view("<u4") == src.view(">u4")).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 33])
@pytest.mark.parametrize("shift", [0, 2])
def test_words_for_the_lcd(n: int, shift: int) -> None:
    src = np.random.default_rng(n).integers(0, 256, 2 * n + 8, np.uint8)
    words = np.zeros((n + 1) // 2 + 1, "<u4")
    words[-1] = 0xDEADBEEF
    lib().image_pixels_to_words(ct.c_void_p(words.ctypes.data), ct.c_void_p(src.ctypes.data + shift), ct.c_size_t(n))
    pixels = src[shift : shift + 2 * n].view(">u2")
    got = np.stack([words[:-1] >> 16, words[:-1] & 0xFFFF], axis=1).reshape(-1)
    assert (got[:n] == pixels).all()
    assert words[-1] == 0xDEADBEEF


@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE, BINARY])
@pytest.mark.parametrize("to", [RGB565, GRAYSCALE, BINARY])
def test_conversion_between_all_formats(fmt: int, to: int) -> None:
    src, dst = Picture(37, 11, fmt).fill_random(), Picture(37, 11, to)
    lib().image_convert(dst.ref, src.ref)
    dst.check()
    for x, y in itertools.product(range(37), range(11)):
        v = lib().image_get(src.ref, x, y)
        rgb = [ct.c_uint8() for _ in "rgb"]
        lib().image_color_to_rgb(fmt, v, *map(ct.byref, rgb))
        wanted = v if fmt == to else lib().image_color(to, *(c.value for c in rgb))
        assert lib().image_get(dst.ref, x, y) == wanted


@pytest.mark.parametrize("to", [GRAYSCALE, BINARY])
def test_conversion_in_place(to: int) -> None:
    src, other = Picture(37, 11).fill_random(), Picture(37, 11, to)
    lib().image_convert(other.ref, src.ref)
    same = Picture(37, 11, to)
    same.c.pix = src.c.pix
    lib().image_convert(same.ref, src.ref)
    assert (src.data[: other.size] == other.data).all()


# ---- affine -----------------------------------------------------------------------------------------


def similarity(src: list[tuple[float, float]], dst: list[tuple[float, float]]) -> np.ndarray | str:
    t, err = (ct.c_float * 9)(), ct.create_string_buffer(160)
    points = [(ct.c_float * 2 * max(len(p), 1))(*[(ct.c_float * 2)(*xy) for xy in p]) for p in (src, dst)]
    if lib().image_similarity(*points, ct.c_size_t(len(src)), t, err):
        return err.value.decode()
    return np.array(t).reshape(3, 3)


def test_similarity_is_found_exactly_and_in_the_mean() -> None:
    angle, scale, rng = 0.4, 1.7, np.random.default_rng(2)
    true = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) * scale
    dst = rng.uniform(0, 128, (5, 2))
    src = dst @ true.T + (30, -12)
    t = similarity([tuple(p) for p in src], [tuple(p) for p in dst])
    assert np.allclose(t, [[*true[0], 30], [*true[1], -12], [0, 0, 1]], atol=1e-3)
    noisy = src + rng.normal(0, 1, src.shape)
    t = similarity([tuple(p) for p in noisy], [tuple(p) for p in dst])
    # numpy's least squares of the same four unknowns
    rows = [r for x, y in dst for r in ((x, -y, 1, 0), (y, x, 0, 1))]
    a, b, tx, ty = np.linalg.lstsq(np.array(rows), noisy.reshape(-1), rcond=None)[0]
    assert np.allclose(t, [[a, -b, tx], [b, a, ty], [0, 0, 1]], atol=1e-3)


def test_similarity_of_too_little() -> None:
    assert "two pairs" in str(similarity([], []))
    assert "two pairs" in str(similarity([(1, 2)], [(1, 2)]))
    assert "all the same" in str(similarity([(1, 2), (3, 4)], [(5, 5), (5, 5)]))


def test_warp_samples_the_planes() -> None:
    src, dst = Picture(40, 30, planes=True), Picture(20, 16, planes=True)
    assert src.planes is not None
    assert dst.planes is not None
    src.planes[:] = np.random.default_rng(3).integers(0, 256, src.planes.size, np.uint8)
    planes = src.planes.reshape(3, 30, 40).astype(float)
    lib().image_warp_ai(dst.ref, src.ref, (ct.c_float * 9)(1, 0, 7, 0, 1, 5, 0, 0, 1))
    assert (dst.planes.reshape(3, 16, 20) == planes[:, 5:21, 7:27]).all()
    lib().image_warp_ai(dst.ref, src.ref, (ct.c_float * 9)(1, 0, 7.5, 0, 1, 5, 0, 0, 1))
    mean = (planes[:, 5:21, 7:27] + planes[:, 5:21, 8:28]) / 2
    assert np.abs(dst.planes.reshape(3, 16, 20) - mean).max() <= 1
    lib().image_warp_ai(dst.ref, src.ref, (ct.c_float * 9)(1, 0, -4, 0, 1, 28, 0, 0, 1))
    got = dst.planes.reshape(3, 16, 20)
    assert (got[:, :2, 4:] == planes[:, 28:, :16]).all()
    assert not got[:, 2:].any()
    assert not got[:, :, :4].any()
    for v in (1e30, -1e30, float("nan"), float("inf")):
        lib().image_warp_ai(dst.ref, src.ref, (ct.c_float * 9)(v, v, v, v, v, v, v, v, v))
    assert not dst.planes.any()


# ---- files ------------------------------------------------------------------------------------------


def file_of(rgb: np.ndarray, fmt: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, fmt, **options)
    return out.getvalue()


def test_ppm_keeps_all_eight_bits_in_the_planes() -> None:
    rgb = random_rgb(133, 17)
    p = load(file_of(rgb, "PPM"), planes=True)
    assert p.planes is not None
    assert (p.values() == to565(rgb)).all()
    assert (p.planes.reshape(3, 17, 133) == rgb.transpose(2, 0, 1)).all()


def test_pgm_becomes_grayscale() -> None:
    gray = random_rgb(133, 17)[..., 0].copy()
    p = load(file_of(gray, "PPM"), planes=True)
    assert p.c.format == GRAYSCALE
    assert (p.values() == gray).all()
    assert (p.planes == gray.reshape(-1)).all()


def test_pnm_headers() -> None:
    p = load(b"P6 # made by hand\n#another\n2\t1 \n15\n" + bytes([15, 0, 0, 0, 15, 99]))
    assert p.rgb().tolist() == [[[255, 0, 0], [0, 255, 255]]]


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", -5, "too early"),
        (b"P", -5, "too early"),
        (b"GIF89a", -22, "format not supported"),
        (b"P6\n10 10\n65535\n", -22, "65535"),
        (b"P6\n10 10\n0\n", -22, "largest sample"),
        (b"P6\n0 10\n255\n", -22, "0x10"),
        (b"P6\n-5 10\n255\n", -22, "bad character"),
        (b"P6\n99999999999999999 10\n255\n", -22, "bad character"),
        (b"P6\n70000 1\n255\n", -22, "70000"),
        (b"P6\n10 10\n255\n" + bytes(299), -5, "too early"),
        (b"P6\n10 # no end of comment", -5, "too early"),
        (b"BM" + bytes(60), -22, "header"),
    ],
)
def test_broken_files_are_named(data: bytes, code: int, words: str) -> None:
    with pytest.raises(CodecError, match=words) as e:
        load(data)
    assert e.value.code == code


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (133, 17), (64, 5)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_bmp_of_pillow(size: tuple[int, int], mode: str) -> None:
    picture = Image.fromarray(random_rgb(*size)).convert(mode)
    out = io.BytesIO()
    picture.save(out, "BMP")
    p = load(out.getvalue())
    if mode in ("L", "1"):
        assert (p.values() == np.asarray(picture.convert("L"))).all()
    else:
        assert (p.values() == to565(np.asarray(picture.convert("RGB")))).all()


def bmp(w: int, h: int, bpp: int, pixels: bytes, compression: int = 0, extra: bytes = b"") -> bytes:
    head = np.array([40, w, h], "<i4").tobytes() + np.array([1, bpp], "<u2").tobytes()
    head += np.array([compression, len(pixels), 0, 0, 0, 0], "<u4").tobytes() + extra
    offset = 14 + len(head)
    return b"BM" + np.array([offset + len(pixels), 0, offset], "<u4").tobytes() + head + pixels


def test_bmp_with_16_bits() -> None:
    pixels = np.array([0x7C00, 0x03E0, 0x001F, 0x7FFF], "<u2").tobytes()
    colours = [[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]]
    assert load(bmp(4, 1, 16, pixels)).rgb().tolist() == colours
    masks = np.array([0xF800, 0x07E0, 0x001F], "<u4").tobytes()
    pixels = np.array([0xF800, 0x07E0, 0x001F, 0xFFFF], "<u2").tobytes()
    assert load(bmp(4, -1, 16, pixels, 3, masks)).rgb().tolist() == colours


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bmp(4, 1, 24, bytes(12), 1), "compression 1"),
        (bmp(4, 1, 23, bytes(12)), "23 bits"),
        (bmp(-4, 1, 24, bytes(12)), "-4x1"),
        (bmp(4, -(2**31), 24, bytes(12)), "4x0"),
        (bmp(4, 40000, 24, bytes(12)), "4x40000"),
        (bmp(4, 1, 24, bytes(11)), "too early"),
        (bmp(4, 1, 32, bytes(11), 3), "too early"),
    ],
)
def test_bmp_that_cannot_be_read(data: bytes, words: str) -> None:
    with pytest.raises(CodecError, match=words):
        load(data)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (133, 17), (64, 64)])
@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE, BINARY])
@pytest.mark.parametrize("kind", [BMP, PNM])
def test_saved_files_are_read_by_pillow_and_by_us(size: tuple[int, int], fmt: int, kind: int) -> None:
    p = Picture(*size, fmt).fill_random()
    data = save(p, kind)
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert picture.mode == ("RGB" if fmt == RGB565 else "L") or fmt != RGB565
        seen = np.asarray(picture.convert("RGB"))
    again = load(data)
    if fmt == RGB565:
        assert (seen == p.rgb()).all()
        assert (again.data == p.data).all()
    elif fmt == GRAYSCALE:
        assert (seen[..., 0] == p.values()).all()
        assert (again.data == p.data).all()
    else:
        assert set(seen.reshape(-1)) <= {0, 255}
        bits = [[lib().image_get(p.ref, x, y) for x in range(size[0])] for y in range(size[1])]
        assert (seen[..., 0] == np.array(bits) * 255).all()


def test_save_of_a_part_and_a_full_disk() -> None:
    rgb = random_rgb(50, 40)
    p = from_rgb(rgb)
    part = load(save(p, BMP, (10, 5, 13, 9)))
    assert (part.values() == to565(rgb[5:14, 10:23])).all()
    for kind in (BMP, PNM, JPG):
        with pytest.raises(CodecError, match="cannot write"):
            save(p, kind, room=1000)


def smooth(w: int, h: int) -> np.ndarray:
    """A picture that JPEG can keep: slow waves in all colours."""
    y, x = np.mgrid[:h, :w]
    return np.stack([127 + 120 * np.sin(x / a + y / b) for a, b in ((9, 14), (15, 11), (21, 30))], axis=2).astype(
        np.uint8
    )


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (16, 16), (17, 33), (133, 50)])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("restart", [0, 3])
def test_jpeg_of_pillow(size: tuple[int, int], subsampling: int, restart: int) -> None:
    data = file_of(smooth(*size), "JPEG", quality=95, subsampling=subsampling, restart_marker_blocks=restart)
    p = load(data, planes=True)
    with Image.open(io.BytesIO(data)) as picture:
        wanted = np.asarray(picture.convert("RGB"), np.int16)
    assert p.planes is not None
    got = p.planes.reshape(3, size[1], size[0]).transpose(1, 2, 0).astype(np.int16)
    # Pillow interpolates halved colours, we repeat them.
    assert np.abs(got - wanted).mean() < (1 if subsampling == 0 else 4)
    assert np.abs(got - wanted).max() <= (3 if subsampling == 0 else 48)


@pytest.mark.parametrize("size", [(1, 1), (40, 24), (133, 50)])
def test_gray_jpeg_of_pillow(size: tuple[int, int]) -> None:
    data = file_of(smooth(*size)[..., 0].copy(), "JPEG", quality=90, optimize=True)
    p = load(data)
    with Image.open(io.BytesIO(data)) as picture:
        assert np.abs(p.values().astype(np.int16) - np.asarray(picture, np.int16)).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 33), (133, 50)])
@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE, BINARY])
@pytest.mark.parametrize("quality", [1, 50, 95, 100])
def test_our_jpeg_is_as_good_as_the_one_of_pillow(size: tuple[int, int], fmt: int, quality: int) -> None:
    rgb = from_rgb(smooth(*size))
    p = Picture(*size, fmt)
    lib().image_convert(p.ref, rgb.ref)
    data = save(p, JPG, quality=quality)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "JPEG"
        seen = np.asarray(picture.convert("RGB"), np.int16)
    # The reference: Pillow's own encoder with the same tables and the same source.
    source = np.zeros((size[1], size[0], 3), np.uint8)
    c = [ct.c_uint8() for _ in "rgb"]
    for x, y in itertools.product(range(size[0]), range(size[1])):
        lib().image_color_to_rgb(fmt, lib().image_get(p.ref, x, y), *map(ct.byref, c))
        source[y, x] = [v.value for v in c]
    theirs = file_of(source if fmt == RGB565 else source[..., 0].copy(), "JPEG", quality=quality, subsampling=2)
    with Image.open(io.BytesIO(theirs)) as picture:
        reference = np.asarray(picture.convert("RGB"), np.int16)
    assert np.abs(seen - source).mean() <= np.abs(reference - source).mean() + 1
    assert len(data) <= len(theirs) * 1.1 + 50
    again = load(data)
    assert again.c.format == (RGB565 if fmt == RGB565 else GRAYSCALE)


def test_jpeg_of_a_photograph() -> None:
    path = data_path("images/dog.jpg")
    with Image.open(path) as picture:
        wanted = np.asarray(picture.convert("RGB"), np.int16)
    got = load(path.read_bytes()).rgb().astype(np.int16)
    assert np.abs(got - wanted).mean() < 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d[:-200], "too early|damaged"),
        (lambda d: d[:300], "too early"),
        (lambda d: d[:2] + b"\xff\xd9", "no picture"),
        (lambda d: d.replace(b"\xff\xc0", b"\xff\xc2"), "progressive"),
        (lambda d: d.replace(b"\xff\xdb", b"\xff\xe5"), "no tables"),
        (lambda d: d.replace(b"\x22\x00\x02", b"\x44\x00\x02"), "sampling 4x4"),
        (lambda d: d.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"), "12 bits"),
    ],
)
def test_jpeg_that_cannot_be_read(change: Callable[[bytes], bytes], words: str) -> None:
    data = file_of(random_rgb(64, 64), "JPEG", subsampling=2)
    load(data)
    with pytest.raises(CodecError, match=words):
        load(change(data))


def test_motion_jpeg_leaves_out_the_usual_tables() -> None:
    data = file_of(random_rgb(64, 64), "JPEG", subsampling=2)
    assert data.count(b"\xff\xc4") == 4
    assert (load(data.replace(b"\xff\xc4", b"\xff\xe5")).values() == load(data).values()).all()


def test_damaged_jpeg_is_never_fatal() -> None:
    data, rng = file_of(random_rgb(40, 40), "JPEG"), random.Random(1)
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(rng.randint(1, 5)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        with contextlib.suppress(CodecError, AssertionError):
            load(bytes(broken))


# ---- the same under sanitizers ----------------------------------------------------------------------


def test_core_under_sanitizers(tmp_path: Path) -> None:
    """A C program draws and decodes at random; ASan and UBSan end it at the first fault."""
    program = build(BUILD / "stress", [*SANITIZE, "-O1"], [Path(__file__).with_name("image_stress.c")])
    result = subprocess.run([program, "3000"], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr[-4000:]
    assert "done" in result.stdout
