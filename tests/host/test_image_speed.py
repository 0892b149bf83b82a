# SPDX-License-Identifier: MIT
"""What has a fast way in the image core gives the same there as in the plain one, wherever rows begin and end."""

import ctypes as ct
import io

import cv2
import numpy as np
import pytest
from image_core import BINARY, GRAYSCALE, RGB565, Picture, lib, load, save, to565
from PIL import Image
from vision_core import Filter, Other, gray, ranges, run, whole

WIDTHS = (1, 3, 7, 8, 9, 16, 31, 64, 100)
VIS_MEDIAN, VIS_CONV, VIS_BLEND = 1, 4, 12


def luma(rgb: np.ndarray) -> np.ndarray:
    v = rgb.astype(np.int64)
    return ((77 * v[..., 0] + 150 * v[..., 1] + 29 * v[..., 2] + 128) >> 8).astype(np.uint8)


def every_colour() -> Picture:
    p = Picture(256, 256)
    p.data[:] = np.arange(65536, dtype=np.uint16).view(np.uint8)
    return p


def test_every_colour_has_its_gray() -> None:
    p, out = every_colour(), Picture(256, 256, GRAYSCALE)
    lib().image_convert(out.ref, p.ref)
    assert np.array_equal(out.values(), luma(p.rgb()))


def test_every_colour_goes_to_planes_and_back() -> None:
    p = Picture(256, 256, planes=True)
    p.data[:] = every_colour().data
    lib().image_pix_to_ai(p.ref)
    assert np.array_equal(p.planes.reshape(3, 256, 256).transpose(1, 2, 0), p.rgb())
    p.data[:] = 0
    lib().image_ai_to_pix(p.ref)
    assert np.array_equal(p.data, every_colour().data)


@pytest.mark.parametrize("w", WIDTHS)
def test_gray_in_rows_of_any_length(w: int) -> None:
    p, out = Picture(w, 5).fill_random(w), np.zeros(5 * w, np.uint8)
    lib().vis_gray_part(p.ref, whole(p), ct.c_void_p(out.ctypes.data))
    assert np.array_equal(out.reshape(5, w), luma(p.rgb()))


@pytest.mark.parametrize("w", WIDTHS)
@pytest.mark.parametrize("alpha", [0, 1, 100, 255, 256])
def test_blending_in_rows_of_any_length(w: int, alpha: int) -> None:
    p, q, row = Picture(w, 4).fill_random(1), Picture(w + 3, 4).fill_random(2), np.arange(w + 3)
    under = p.rgb().astype(np.int64)
    for x in (0, 1, -3):
        p = Picture(w, 4).fill_random(1)
        lib().image_draw_image(p.ref, q.ref, x, 0, 1.0, 1.0, alpha, None)
        to = row + x
        seen = (to >= 0) & (to < w)
        want = under.copy()
        over = q.rgb().astype(np.int64)[:, row[seen]]
        want[:, to[seen]] = (want[:, to[seen]] * (256 - alpha) + over * alpha + 128) >> 8
        assert np.array_equal(p.values(), to565(want))
    a, b = gray(np.arange(4 * w, dtype=np.uint8).reshape(4, w)), Picture(w, 4, GRAYSCALE).fill_random(3)
    want = (a.values().astype(int) * alpha + b.values().astype(int) * (256 - alpha) + 128) >> 8
    assert (
        run(lambda work: lib().vis_math(a.ref, work, VIS_BLEND, ct.byref(Other(ct.addressof(b.c), 0)), alpha, None))
        == 0
    )
    assert np.array_equal(a.values(), want)


@pytest.mark.parametrize("w", WIDTHS)
def test_median_of_nine(w: int) -> None:
    a = np.random.default_rng(w).integers(0, 256, (6, w), np.uint8)
    p, f = gray(a), Filter(VIS_MEDIAN, 1, 0.5)
    assert run(lambda work: lib().vis_filter(p.ref, work, ct.byref(f))) == 0
    assert np.array_equal(p.values(), cv2.medianBlur(a, 3))


@pytest.mark.parametrize(
    "kernel",
    [
        [1, 2, 1, 2, 4, 2, 1, 2, 1],
        [-1, -2, -1, -2, 12, -2, -1, -2, -1],
        [1, 0, -1, 2, 0, -2, 1, 0, -1],  # a column times a row
        [1, 2, 1, 2, 4, 2, 1, 2, 2],  # not quite
        [0, -1, 0, -1, 5, -1, 0, -1, 0],
        [1, 300, 1, 300, 90000, 300, 1, 300, 1],  # too many sums for a table
        [-1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25],
        [1, 4, 6, 4, 1, 4, 16, 24, 16, 4, 6, 24, -7, 24, 6, 4, 16, 24, 16, 4, 1, 4, 6, 4, 1],
        [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, -1, -1, 8, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
    ],
)
@pytest.mark.parametrize("w", [1, 8, 13])
def test_any_kernel(kernel: list[int], w: int) -> None:
    side = int(len(kernel) ** 0.5)
    k = side // 2
    a = np.random.default_rng(w).integers(0, 256, (5, w), np.uint8)
    wide = np.pad(a.astype(np.int64), k, mode="edge")
    sums = sum(
        kernel[j * side + i] * wide[j : j + 5, i : i + w] for j in range(side) for i in range(side)
    )  # fmt: skip
    mul = np.float32(1 / 16)
    p = gray(a)
    numbers = (ct.c_int32 * len(kernel))(*kernel)
    f = Filter(VIS_CONV, k, kernel=ct.addressof(numbers), mul=mul, add=0.25)
    assert run(lambda work: lib().vis_filter(p.ref, work, ct.byref(f))) == 0
    v = sums.astype(np.float32) * mul + np.float32(0.25)
    assert np.array_equal(p.values(), np.where(v > 0, np.where(v < 255, (v + np.float32(0.5)).astype(int), 255), 0))


@pytest.mark.parametrize("shift", [0, 2, 4])
@pytest.mark.parametrize("n", [2, 4, 6, 320])
def test_gray_words_for_the_lcd(n: int, shift: int) -> None:
    a = np.random.default_rng(n).integers(0, 256, n + shift, np.uint8)
    out = np.zeros(n // 2 + 2, np.uint32)
    lib().image_grays_to_words(ct.c_void_p(out.ctypes.data), ct.c_void_p(a.ctypes.data + shift), ct.c_size_t(n))
    v = to565(np.repeat(a[shift:, None], 3, axis=1)).astype(np.uint32)
    assert np.array_equal(out, np.append(v[::2] << 16 | v[1::2], [0, 0]))


@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE, BINARY])
def test_text_is_the_same_inside_and_beside_the_edge(fmt: int) -> None:
    """A glyph that is cut by the edge goes bit by bit."""
    wide, narrow = Picture(64, 40, fmt), Picture(23, 19, fmt)
    value = 1 if fmt == BINARY else 0xA5
    for p in (wide, narrow):
        for y, text in ((0, b"Qg1"), (11, b"ij~W")):
            lib().image_draw_text(p.ref, 1, y, text, len(text), value, 1.0, 0, 0, y == 0)
    for y in range(19):
        row = [lib().image_get(wide.ref, x, y) for x in range(23)]
        assert row == [lib().image_get(narrow.ref, x, y) for x in range(23)]


@pytest.mark.parametrize(
    ("size", "to"), [((320, 240), (160, 120)), ((31, 17), (64, 5)), ((5, 9), (4, 30)), ((9, 4), (1, 1))]
)
@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE, BINARY])
def test_nearest_pixels(size: tuple[int, int], to: tuple[int, int], fmt: int) -> None:
    p, q = Picture(*size, fmt).fill_random(), Picture(*to, fmt)
    lib().image_copy_scaled(q.ref, p.ref, whole(p))
    xs, ys = (np.arange(n) * m // n for n, m in zip(to, size, strict=True))
    for y in range(0, to[1], 3):
        got = [lib().image_get(q.ref, x, y) for x in range(to[0])]
        assert got == [lib().image_get(p.ref, int(x), int(ys[y])) for x in xs]


def test_ranges_exclude_the_pixels_of_earlier_ones() -> None:
    p, out = Picture(40, 30, GRAYSCALE).fill_random(), Picture(40, 30, BINARY)
    limits = ranges([(10, 60), (50, 90), (200, 255)])
    a = p.values()
    want = ((a >= 10) & (a <= 90)) | (a >= 200)
    for invert in (False, True):
        ret = run(lambda w: lib().vis_binary(out.ref, w, p.ref, limits, ct.c_size_t(3), invert, False, None))  # noqa: B023
        assert ret == 0
        got = [[lib().image_get(out.ref, x, y) for x in range(40)] for y in range(30)]
        assert np.array_equal(np.array(got, bool), want != invert)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("size", [(320, 240), (321, 97), (100, 300)])
def test_two_processors_decode_what_one_does(mode: str, subsampling: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    rough = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    out = io.BytesIO()
    rough.convert(mode).save(out, "JPEG", quality=85, subsampling=subsampling, restart_marker_blocks=7)
    helps = ct.c_long.in_dll(lib(), "image_port_helps")
    started = ct.c_long.in_dll(lib(), "image_port_started")
    try:
        helps.value = 0
        alone = load(out.getvalue()).data.copy()
        helps.value, before = 1, started.value
        together = load(out.getvalue()).data
    finally:
        helps.value = 1
    assert started.value > before
    assert np.array_equal(alone, together)
    assert ct.c_long.in_dll(lib(), "image_port_blocks").value == 0


@pytest.mark.parametrize("fmt", [RGB565, GRAYSCALE])
@pytest.mark.parametrize("size", [(320, 240), (161, 97)])
def test_two_processors_encode_what_one_does(fmt: int, size: tuple[int, int]) -> None:
    p = Picture(*size, fmt).fill_random()
    files = []
    for name, value, usual in (("helps", 1, 1), ("helps", 0, 1), ("left", 0, -1)):
        switch = ct.c_long.in_dll(lib(), f"image_port_{name}")
        switch.value = value
        files.append(save(p, 2, quality=60))
        switch.value = usual
    assert files[0] == files[1] == files[2]
    assert ct.c_long.in_dll(lib(), "image_port_blocks").value == 0


def test_a_picture_without_work_memory() -> None:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(out, "JPEG", quality=85)
    left = ct.c_long.in_dll(lib(), "image_port_left")
    with_memory = load(out.getvalue()).data.copy()
    try:
        left.value = 0
        without = load(out.getvalue()).data
    finally:
        left.value = -1
    assert np.array_equal(with_memory, without)
