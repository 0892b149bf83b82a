# SPDX-License-Identifier: MIT
"""The vision core against OpenCV and numpy where they define the same operation: statistics, pixels, filters."""

from __future__ import annotations

import ctypes as ct
import itertools
import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from image_core import BINARY, GRAYSCALE, RGB565, Picture, from_rgb, lib, to565
from kpu_core import data_path
from PIL import Image
from vision_core import (
    Filter,
    Hist,
    Other,
    Rotation,
    Scale,
    Similarity,
    Stats,
    bits,
    get_bits,
    gray,
    ranges,
    run,
    whole,
)

MEAN, MEDIAN, MODE, MIDPOINT, CONV, BILATERAL = range(6)
ADD, SUB, RSUB, MUL, MUL_INVERT, DIV, RDIV, MOD, RMOD, MIN, MAX, DIFFERENCE, BLEND = range(13)


def noise(w: int = 53, h: int = 37, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w), np.uint8)


def photo(w: int = 96, h: int = 64) -> np.ndarray:
    with Image.open(data_path("images/astronaut_320x240.ppm")) as p:
        return np.asarray(p.convert("L").resize((w, h)))


def photo_rgb(w: int = 96, h: int = 64) -> np.ndarray:
    with Image.open(data_path("images/chelsea_320x240.ppm")) as p:
        return np.asarray(p.convert("RGB").resize((w, h)))


# ---- colours ----------------------------------------------------------------------------------------


def lab_of(rgb: tuple[int, int, int]) -> tuple[int, ...]:
    out = (ct.c_int8 * 3)()
    lib().vis_rgb_to_lab(*rgb, out)
    return tuple(out)


def test_lab_is_that_of_opencv() -> None:
    colours = np.array(list(itertools.product(range(0, 256, 15), repeat=3)), np.uint8)
    got = np.array([lab_of(tuple(map(int, c))) for c in colours])
    # OpenCV interpolates in tables of its own: the definition is what must be met.
    assert np.abs(got - cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]).max() < 1
    c = colours / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = (
        linear
        @ np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]).T
    )
    t = xyz / (0.950456, 1, 1.088754)
    f = np.where(t > 216 / 24389, np.cbrt(t), t * 24389 / 27 / 116 + 16 / 116)
    wanted = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    assert np.abs(got - wanted).max() < 0.6
    assert lab_of((0, 0, 0)) == (0, 0, 0)
    assert lab_of((255, 255, 255)) == (100, 0, 0)


def test_lab_there_and_back() -> None:
    rgb = (ct.c_uint8 * 3)()
    for colour in itertools.product((0, 60, 130, 255), repeat=3):
        lab = lab_of(colour)
        lib().vis_lab_to_rgb((ct.c_int * 3)(*lab), rgb)
        wanted = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_LAB2RGB)[0, 0] * 255
        assert np.abs(np.array(rgb[:]) - wanted).max() <= 3
        assert max(abs(a - b) for a, b in zip(rgb, colour, strict=True)) <= 24


def test_rainbow_runs_from_blue_to_red() -> None:
    lib().vis_rainbow.restype = ct.c_uint16
    hues = []
    for level in range(256):
        v = int.from_bytes(lib().vis_rainbow(level).to_bytes(2, "little"), "big")
        r, g, b = v >> 11 << 3, (v >> 5 & 63) << 2, (v & 31) << 3
        hues.append(int(cv2.cvtColor(np.array([[[r, g, b]]], np.uint8), cv2.COLOR_RGB2HSV)[0, 0, 0]))
    assert abs(hues[0] - 120) <= 2
    assert hues[255] == 0
    assert all(a >= b - 1 for a, b in itertools.pairwise(hues))


# ---- statistics -------------------------------------------------------------------------------------


def histogram(p: Picture, thresholds: list[tuple[int, ...]] | None = None, invert: bool = False, bins: int = 0) -> list:
    h, result = Hist(), []

    def call(w: ct.c_void_p) -> int:
        t = thresholds or []
        ret = lib().vis_histogram(
            ct.byref(h), w, p.ref, whole(p), ranges(t), ct.c_size_t(len(t)), invert, (ct.c_uint * 3)(bins, bins, bins)
        )
        result.extend(np.array(h.bin[c][: h.bins[c]], np.float32) for c in range(h.channels))
        return ret

    assert run(call) == 0
    return result


def test_histogram_of_gray() -> None:
    a = photo()
    (got,) = histogram(gray(a))
    assert np.allclose(got, np.bincount(a.reshape(-1), minlength=256) / a.size, atol=1e-6)
    (some,) = histogram(gray(a), [(100, 150)])
    inside = a[(a >= 100) & (a <= 150)]
    assert np.allclose(some, np.bincount(inside, minlength=256) / inside.size, atol=1e-6)
    (others,) = histogram(gray(a), [(100, 150), (200, 255)], invert=True)
    outside = a[~((a >= 100) & (a <= 150)) & (a < 200)]
    assert np.allclose(others, np.bincount(outside, minlength=256) / outside.size, atol=1e-6)


def test_histogram_of_colours() -> None:
    rgb = photo_rgb()
    p = from_rgb(rgb)
    labs = np.array([lab_of(tuple(map(int, c))) for c in p.rgb().reshape(-1, 3)])
    got = histogram(p)
    assert [len(h) for h in got] == [101, 256, 256]
    for c, low in enumerate((0, -128, -128)):
        wanted = np.bincount(labs[:, c] - low, minlength=len(got[c])) / len(labs)
        assert np.allclose(got[c], wanted, atol=1e-6)


def test_coarse_bins_keep_the_sum() -> None:
    (got,) = histogram(gray(photo()), bins=8)
    assert len(got) == 8
    assert got.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "picture", [photo, noise, lambda: np.full((5, 7), 77, np.uint8)], ids=["photo", "noise", "flat"]
)
def test_statistics(picture: Callable[[], np.ndarray]) -> None:
    a = picture()
    (h,) = histogram(gray(a))
    lib().vis_statistics.restype = Stats
    s = lib().vis_statistics(h.ctypes.data_as(ct.c_void_p), 256, Scale(0, 255))
    assert s.mean == round(a.mean())
    assert s.stdev == round(a.std())
    assert (s.min, s.max) == (a.min(), a.max())
    counts = np.bincount(a.reshape(-1), minlength=256)
    assert s.mode == counts.argmax()
    for got, q in ((s.lq, 0.25), (s.median, 0.5), (s.uq, 0.75)):
        assert got == np.quantile(a, q, method="inverted_cdf")


def test_otsu_is_that_of_opencv() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a = np.clip(np.concatenate([rng.normal(60, 15, 600), rng.normal(170, 25, 400)]), 0, 255).astype(np.uint8)
        wanted, _ = cv2.threshold(a.reshape(25, 40), 0, 255, cv2.THRESH_OTSU)
        (h,) = histogram(gray(a.reshape(25, 40)))
        assert abs(lib().vis_otsu(h.ctypes.data_as(ct.c_void_p), 256, Scale(0, 255)) - wanted) <= 1


def test_similarity_of_equal_and_inverted_pictures() -> None:
    a = photo()
    s = Similarity()
    assert run(lambda w: lib().vis_similarity(ct.byref(s), w, gray(a).ref, gray(a).ref)) == 0
    assert (s.mean, s.min, s.max) == (1, 1, 1)
    assert run(lambda w: lib().vis_similarity(ct.byref(s), w, gray(a).ref, gray(255 - a).ref)) == 0
    assert s.min < 0 and s.mean < 0.5


# ---- thresholds and bits ----------------------------------------------------------------------------


def binary(p: Picture, t: list[tuple[int, ...]], invert: bool = False, zero: bool = False) -> None:
    out = p.ref
    assert run(lambda w: lib().vis_binary(out, w, p.ref, ranges(t), ct.c_size_t(len(t)), invert, zero, None)) == 0


def test_binary_of_gray() -> None:
    a = photo()
    wanted = cv2.inRange(a, np.array(50), np.array(120))
    p = gray(a)
    binary(p, [(50, 120)])
    assert (p.values() == wanted).all()
    p = gray(a)
    binary(p, [(50, 120)], invert=True)
    assert (p.values() == 255 - wanted).all()
    p = gray(a)
    binary(p, [(50, 120)], zero=True)
    assert (p.values() == np.where(wanted, 0, a)).all()


def test_binary_of_colours() -> None:
    p = from_rgb(photo_rgb())
    labs = np.array([[lab_of(tuple(map(int, c))) for c in row] for row in p.rgb()])
    inside = ((labs >= (20, -5, 10)) & (labs <= (70, 30, 60))).all(axis=2)
    binary(p, [(20, 70, -5, 30, 10, 60)])
    assert (p.values() == np.where(inside, 0xFFFF, 0)).all()
    assert 0.05 < inside.mean() < 0.95


BITS = [
    lambda a, b: a & b, lambda a, b: ~(a & b), lambda a, b: a | b, lambda a, b: ~(a | b), lambda a, b: a ^ b,
    lambda a, b: ~(a ^ b),
]  # fmt: skip


@pytest.mark.parametrize("op", range(6))
@pytest.mark.parametrize("masked", [False, True])
def test_bitwise(op: int, masked: bool) -> None:
    a, b = noise(), noise(seed=2)
    m = noise(seed=3) > 127
    p, q, mask = gray(a), gray(b), bits(m)
    ret = run(
        lambda w: lib().vis_bitwise(p.ref, w, op, ct.byref(Other(ct.addressof(q.c), 0)), mask.ref if masked else None)
    )
    assert ret == 0
    wanted = BITS[op](a, b)
    assert (p.values() == (np.where(m, wanted, a) if masked else wanted)).all()
    p = gray(a)
    run(lambda w: lib().vis_bitwise(p.ref, w, op, ct.byref(Other(None, 0x5A)), None))
    assert (p.values() == BITS[op](a, np.uint8(0x5A))).all()
    p, q = bits(a > 99), bits(b > 99)
    run(lambda w: lib().vis_bitwise(p.ref, w, op, ct.byref(Other(ct.addressof(q.c), 0)), None))
    assert (get_bits(p) == BITS[op](a > 99, b > 99)).all()


def test_invert() -> None:
    a = noise()
    p = gray(a)
    lib().vis_invert(p.ref)
    assert (p.values() == 255 - a).all()
    p = Picture(13, 3).fill_random()
    before = p.values()
    lib().vis_invert(p.ref)
    assert (p.values() == 0xFFFF - before).all()


@pytest.mark.parametrize("k", [1, 2, 4])
def test_erode_and_dilate_are_those_of_opencv(k: int) -> None:
    a = (cv2.GaussianBlur(noise(), (0, 0), 2) > 127).astype(np.uint8) * 255
    kernel = np.ones((2 * k + 1, 2 * k + 1), np.uint8)
    for name, op, threshold in (("erode", cv2.erode, kernel.size - 1), ("dilate", cv2.dilate, 0)):
        p = gray(a)
        assert run(lambda w, p=p, n=name, t=threshold: getattr(lib(), f"vis_{n}")(p.ref, w, k, t, None)) == 0
        assert (p.values() == op(a, kernel, borderType=cv2.BORDER_REPLICATE)).all()
        q = bits(a > 0)
        run(lambda w, p=q, n=name, t=threshold: getattr(lib(), f"vis_{n}")(p.ref, w, k, t, None))
        assert (get_bits(q) == (op(a, kernel, borderType=cv2.BORDER_REPLICATE) > 0)).all()


def test_erode_by_count() -> None:
    a = (noise() > 100).astype(np.uint8) * 255
    p = gray(a)
    run(lambda w: lib().vis_erode(p.ref, w, 1, 5, None))
    around = cv2.filter2D(a // 255, -1, np.ones((3, 3)), borderType=cv2.BORDER_REPLICATE) - a // 255
    assert (p.values() == np.where((a > 0) & (around >= 5), 255, 0)).all()


@pytest.mark.parametrize(
    ("op", "cv"), list(enumerate([cv2.MORPH_OPEN, cv2.MORPH_CLOSE, cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT]))
)
def test_morphology(op: int, cv: int) -> None:
    a = (cv2.GaussianBlur(noise(), (0, 0), 1.5) > 127).astype(np.uint8) * 255
    p = gray(a)
    assert run(lambda w: lib().vis_morphology(p.ref, w, op, 1, 0, None)) == 0
    assert (p.values() == cv2.morphologyEx(a, cv, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)).all()


# ---- arithmetic -------------------------------------------------------------------------------------


def math_op(p: Picture, op: int, q: Picture | int, alpha: int = 0, mask: Picture | None = None) -> Picture:
    other = Other(None, q) if isinstance(q, int) else Other(ct.addressof(q.c), 0)
    assert run(lambda w: lib().vis_math(p.ref, w, op, ct.byref(other), alpha, mask.ref if mask else None)) == 0
    return p


EXACT = {
    ADD: cv2.add,
    SUB: cv2.subtract,
    RSUB: lambda a, b: cv2.subtract(b, a),
    MIN: cv2.min,
    MAX: cv2.max,
    DIFFERENCE: cv2.absdiff,
}


@pytest.mark.parametrize("op", EXACT)
@pytest.mark.parametrize("w", [1, 7, 8, 53])
def test_arithmetic_is_that_of_opencv(op: int, w: int) -> None:
    a, b = noise(w), noise(w, seed=2)
    a[:4], b[:4] = 255, 0
    b[2:6] = 255
    assert (math_op(gray(a), op, gray(b)).values() == EXACT[op](a, b)).all()
    assert (math_op(gray(a), op, 77).values() == EXACT[op](a, np.full_like(a, 77))).all()
    rgb, other = np.dstack([a, b, a ^ b]), np.dstack([b, a, b])
    p, q = from_rgb(rgb), from_rgb(other)
    wanted = to565(EXACT[op](p.rgb(), q.rgb()))
    assert (math_op(p, op, q).values() == wanted).all()


def test_scaled_arithmetic() -> None:
    a, b = noise().astype(np.int64), noise(seed=2).astype(np.int64)
    a[0], b[1] = 0, 0

    def got(op: int, alpha: int = 0) -> np.ndarray:
        return math_op(gray(a.astype(np.uint8)), op, gray(b.astype(np.uint8)), alpha).values().astype(np.int64)

    assert np.abs(got(MUL) - a * b / 255).max() <= 0.5
    assert np.abs(got(MUL_INVERT) - (255 - (255 - a) * (255 - b) / 255)).max() <= 0.5
    with np.errstate(divide="ignore"):
        assert (got(DIV) == np.where(b, np.minimum(a * 255 // np.maximum(b, 1), 255), 0)).all()
        assert (got(RDIV) == np.where(a, np.minimum(b * 255 // np.maximum(a, 1), 255), 0)).all()
        assert (got(MOD) == np.where(b, a * 255 % np.maximum(b, 1), 0)).all()
        assert (got(RMOD) == np.where(a, b * 255 % np.maximum(a, 1), 0)).all()
    assert np.abs(got(BLEND, 64) - (a * 64 + b * 192) / 256).max() <= 0.5
    assert (got(BLEND, 256) == a).all() and (got(BLEND, 0) == b).all()


def test_arithmetic_with_a_mask_and_another_format() -> None:
    a, m = noise(), noise(seed=3) > 127
    assert (math_op(gray(a), ADD, 50, mask=bits(m)).values() == np.where(m, cv2.add(a, np.full_like(a, 50)), a)).all()
    rgb = from_rgb(np.dstack([a, a, a]))
    got = math_op(gray(np.zeros_like(a)), ADD, rgb).values()
    assert np.abs(got.astype(int) - rgb.rgb()[..., 1]).max() <= 4


@pytest.mark.parametrize(("h", "v", "t"), list(itertools.product([False, True], repeat=3)))
def test_replace_mirrors_and_transposes(h: bool, v: bool, t: bool) -> None:
    a = noise(9, 5)
    p = gray(a)
    ret = run(lambda w: lib().vis_replace(p.ref, w, ct.byref(Other(ct.addressof(p.c), 0)), h, v, t, None))
    assert ret == 0
    wanted = a[:: -1 if v else 1, :: -1 if h else 1]
    assert (p.values() == (wanted.T if t else wanted)).all()


# ---- tone -------------------------------------------------------------------------------------------


def test_gamma() -> None:
    a = noise()
    for g, c, b in ((2.2, 1, 0), (0.5, 1.3, -0.1), (1, 0, 0.5), (1, -1, 1)):
        p = gray(a)
        run(lambda w, p=p, v=(g, c, b): lib().vis_gamma(p.ref, w, *map(ct.c_float, v)))
        wanted = np.clip((a / 255) ** (1 / g) * c + b, 0, 1) * 255
        assert np.abs(p.values() - wanted).max() < 0.51


def test_histeq_is_that_of_opencv() -> None:
    a = photo() // 2 + 30
    p = gray(a)
    assert run(lambda w: lib().vis_histeq(p.ref, w, None)) == 0
    assert np.abs(p.values().astype(int) - cv2.equalizeHist(a)).max() <= 1


@pytest.mark.parametrize("clip", [-1.0, 3.0])
def test_adaptive_histeq_is_the_clahe_of_opencv(clip: float) -> None:
    a = photo(128, 96)
    p = gray(a)
    assert run(lambda w: lib().vis_clahe(p.ref, w, ct.c_float(clip), None)) == 0
    wanted = cv2.createCLAHE(clipLimit=max(clip, 0), tileGridSize=(8, 8)).apply(a)
    assert np.abs(p.values().astype(int) - wanted).max() <= 2


def test_histeq_of_colours_keeps_them() -> None:
    p = from_rgb(photo_rgb() // 3)
    before = p.rgb().astype(int).mean(axis=(0, 1))
    run(lambda w: lib().vis_histeq(p.ref, w, None))
    after = p.rgb().astype(int).mean(axis=(0, 1))
    assert (after > before + 40).all()


def test_stretch_and_characters() -> None:
    a = (noise() // 4 + 80).astype(np.uint8)
    p = gray(a)
    run(lambda w: lib().vis_stretch(p.ref, w, 10, 240))
    wanted = 10 + (a.astype(int) - a.min()) * 230 / (int(a.max()) - int(a.min()))
    assert np.abs(p.values() - wanted).max() <= 0.51
    p = gray(a)
    lib().vis_sharpen_chars(p.ref, 0)
    assert (p.values().min(), p.values().max()) == (0, 255)


def test_light_invariants() -> None:
    rgb = photo_rgb()
    for name in ("chrominvar", "illuminvar"):
        results = []
        for gain in (0.5, 1):
            p = from_rgb((rgb * gain).astype(np.uint8))
            assert run(lambda w, p=p, n=name: getattr(lib(), f"vis_{n}")(p.ref, w)) == 0
            results.append(p.rgb().astype(int))
        bright = rgb.sum(axis=2) > 200
        assert np.median(np.abs(results[0] - results[1])[bright]) <= 8


def test_remove_shadows_takes_the_background() -> None:
    back = np.full((20, 30, 3), (120, 160, 90), np.uint8)
    shaded = back.copy()
    shaded[5:15, 8:20] //= 2
    shaded[2:4, 2:6] = (250, 20, 20)
    p, q = from_rgb(shaded), from_rgb(back)
    assert run(lambda w: lib().vis_remove_shadows(p.ref, w, q.ref)) == 0
    wanted = q.values()
    assert (p.values()[5:15, 8:20] == wanted[5:15, 8:20]).all()
    assert (p.values()[2:4, 2:6] != wanted[2:4, 2:6]).all()


# ---- filters ----------------------------------------------------------------------------------------


def filtered(p: Picture, kind: int, k: int, **args: object) -> np.ndarray:
    f = Filter(kind=kind, k=k, percentile=0.5, bias=0.5, mul=1, color_sigma=0.1, space_sigma=1)
    for name, value in args.items():
        setattr(f, name, value)
    assert run(lambda w: lib().vis_filter(p.ref, w, ct.byref(f))) == 0
    return p.values()


def kernel_of(name: str, k: int, sharp: bool) -> tuple[np.ndarray, int]:
    out = (ct.c_int32 * (2 * k + 1) ** 2)()
    fn = getattr(lib(), f"vis_kernel_{name}")
    fn.restype = ct.c_int64
    return np.ctypeslib.as_array(out).reshape(2 * k + 1, -1), fn(k, sharp, out)


@pytest.mark.parametrize("k", [0, 1, 2, 5])
@pytest.mark.parametrize("size", [(53, 37), (3, 2), (1, 1)])
def test_mean_and_median_are_those_of_opencv(k: int, size: tuple[int, int]) -> None:
    a = noise(*size)
    n = 2 * k + 1
    padded = cv2.copyMakeBorder(a, k, k, k, k, cv2.BORDER_REPLICATE)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (n, n)).reshape(*a.shape, -1)
    assert np.abs(filtered(gray(a), MEAN, k) - windows.mean(axis=2)).max() <= 0.5
    assert (filtered(gray(a), MEDIAN, k) == np.median(windows, axis=2)).all()
    assert (filtered(gray(a), MEDIAN, k, percentile=0) == windows.min(axis=2)).all()
    assert (filtered(gray(a), MEDIAN, k, percentile=1) == windows.max(axis=2)).all()
    middle = (windows.min(axis=2).astype(int) + windows.max(axis=2)) / 2
    assert np.abs(filtered(gray(a), MIDPOINT, k) - middle).max() <= 0.5
    few = a // 32 * 32
    got = filtered(gray(few), MODE, k)
    padded = cv2.copyMakeBorder(few, k, k, k, k, cv2.BORDER_REPLICATE)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (n, n)).reshape(*a.shape, -1)
    for y, x in itertools.product(range(a.shape[0]), range(a.shape[1])):
        assert got[y, x] == np.bincount(windows[y, x]).argmax()


def test_filters_of_colours_work_channel_by_channel() -> None:
    rgb = photo_rgb(31, 23)
    p = from_rgb(rgb)
    before = p.rgb()
    wanted = to565(cv2.medianBlur(before, 3))
    assert (filtered(p, MEDIAN, 1) == wanted).all()


def test_filter_of_bits_is_a_vote() -> None:
    a = noise() > 90
    p = bits(a)
    f = Filter(kind=MEDIAN, k=1, percentile=0.5)
    assert run(lambda w: lib().vis_filter(p.ref, w, ct.byref(f))) == 0
    assert (get_bits(p) == (cv2.medianBlur(a.astype(np.uint8) * 255, 3) > 0)).all()


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(("name", "sharp"), list(itertools.product(["gaussian", "laplacian"], [False, True])))
def test_kernels(name: str, sharp: bool, k: int) -> None:
    a = photo()
    kernel, total = kernel_of(name, k, sharp)
    if (name, sharp) == ("gaussian", False):
        assert (kernel[0] == [math.comb(2 * k, i) for i in range(2 * k + 1)]).all()
        assert total == kernel.sum() == 4 ** (2 * k)
    if (name, sharp) == ("laplacian", False):
        assert kernel.sum() == 0 and total == kernel[k, k]
    if sharp:
        assert kernel.sum() == total
    flat = kernel.astype(np.int32).copy()
    got = filtered(gray(a), CONV, k, kernel=flat.ctypes.data, mul=1 / total, add=3)
    wanted = cv2.filter2D(a.astype(np.float64), -1, kernel / total, borderType=cv2.BORDER_REPLICATE) + 3
    assert np.abs(got - np.clip(wanted, 0, 255)).max() <= 0.51


def test_bilateral() -> None:
    a = photo(40, 30)
    got = filtered(gray(a), BILATERAL, 2, color_sigma=0.1, space_sigma=1.5)
    p = np.pad(a.astype(float), 2, mode="edge")
    total, weight = np.zeros(a.shape), np.zeros(a.shape)
    for dy, dx in itertools.product(range(-2, 3), repeat=2):
        q = p[2 + dy : 2 + dy + 30, 2 + dx : 2 + dx + 40]
        g = np.exp(-(dx * dx + dy * dy) / 4.5) * np.exp(-(((q - a) / 255) ** 2) / 0.02)
        total += g * q
        weight += g
    assert np.abs(got - total / weight).max() <= 0.6


def test_adaptive_threshold() -> None:
    a = photo()
    mean = filtered(gray(a), MEAN, 3).astype(int)
    got = filtered(gray(a), MEAN, 3, threshold=True, offset=5)
    assert (got == np.where(mean - 5 < a, 255, 0)).all()
    got = filtered(gray(a), MEAN, 3, threshold=True, offset=5, invert=True)
    assert (got == np.where(mean - 5 < a, 0, 255)).all()


def test_filter_with_a_mask() -> None:
    a, m = noise(), noise(seed=5) > 127
    mask = bits(m)
    got = filtered(gray(a), MEDIAN, 1, mask=ct.addressof(mask.c))
    assert (got == np.where(m, filtered(gray(a), MEDIAN, 1), a)).all()


# ---- geometry ---------------------------------------------------------------------------------------


def test_pools() -> None:
    a = noise(30, 20)
    blocks = a.reshape(5, 4, 10, 3).transpose(0, 2, 1, 3).reshape(5, 10, 12)
    dst = Picture(10, 5, GRAYSCALE)
    lib().vis_mean_pool(dst.ref, gray(a).ref, 3, 4)
    assert (dst.values() == blocks.mean(axis=2).astype(np.uint8)).all()
    lib().vis_midpoint_pool(dst.ref, gray(a).ref, 3, 4, ct.c_float(0.5))
    assert (dst.values() == (blocks.min(axis=2).astype(int) + blocks.max(axis=2)) // 2).all()


def test_lens_corr_straightens_and_zooms() -> None:
    a = photo()
    p = gray(a)
    assert run(lambda w: lib().vis_lens_corr(p.ref, w, ct.c_float(1.8), ct.c_float(1))) == 0
    y, x = np.mgrid[0:64, 0:96]
    dx, dy = x - 48, y - 32
    r = np.hypot(dx, dy) * 1.8 / math.hypot(96, 64)
    scale = np.where(r > 0, np.arctan(r) / np.maximum(r, 1e-9), 1)
    wanted = a[np.rint(32 + dy * scale).astype(int), np.rint(48 + dx * scale).astype(int)]
    assert (p.values() == wanted).mean() > 0.97  # halves may be rounded either way


def rotated(a: np.ndarray, **args: float) -> np.ndarray:
    r = Rotation(zoom=1, fov=60)
    corners = args.pop("corners", None)
    for name, value in args.items():
        setattr(r, name, value)
    if corners is not None:
        keep = np.array(corners, np.float32)
        r.corners = keep.ctypes.data
    p = gray(a)
    assert run(lambda w: lib().vis_rotation_corr(p.ref, w, ct.byref(r))) == 0
    return p.values()


def test_rotation_corr() -> None:
    a = photo(64, 64)
    assert (rotated(a) == a).mean() > 0.99
    assert (rotated(a, z_rotation=90)[1:, :-1] == np.rot90(a, -1)[1:, :-1]).mean() > 0.95 or (
        rotated(a, z_rotation=90)[2:-2, 2:-2] == np.rot90(a, -1)[2:-2, 1:-3]
    ).mean() > 0.9
    moved = rotated(a, x_translation=8)
    shifts = [(moved[8:-8, 20:-20] == np.roll(a, s, axis=1)[8:-8, 20:-20]).mean() for s in range(-20, 21)]
    assert max(shifts) > 0.95 and np.argmax(shifts) - 20 == 8
    big = rotated(a, zoom=2)
    at = np.floor(32 + (np.arange(64) - 32) / 2 + 0.5).astype(int)
    assert (big == a[at][:, at]).mean() > 0.8  # halves may be rounded either way
    tilted = rotated(a, x_rotation=45)
    assert (tilted == 0).mean() > 0.05


def test_rotation_corr_by_corners_is_a_perspective() -> None:
    a = photo()
    corners = [(20, 10), (70, 5), (80, 60), (10, 50)]
    got = rotated(a, corners=corners)
    ends = np.array([(0, 0), (95, 0), (95, 63), (0, 63)], np.float32)
    m = cv2.getPerspectiveTransform(ends, np.array(corners, np.float32))
    wanted = cv2.warpPerspective(a, m, (96, 64), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    assert (got == wanted).mean() > 0.95


@pytest.mark.parametrize("log", [False, True])
def test_polar_there_and_back(log: bool) -> None:
    a = cv2.GaussianBlur(photo(128, 128), (0, 0), 2)
    p = gray(a)
    assert run(lambda w: lib().vis_polar(p.ref, w, log, False)) == 0
    assert np.abs(p.values().astype(int) - a).mean() > 10
    assert run(lambda w: lib().vis_polar(p.ref, w, log, True)) == 0
    y, x = np.mgrid[0:128, 0:128]
    ring = (np.hypot(x - 64, y - 64) > 4) & (np.hypot(x - 64, y - 64) < 50)
    assert np.abs(p.values().astype(int) - a)[ring].mean() < 8


# ---- regions ----------------------------------------------------------------------------------------


def test_flood_fill_is_that_of_opencv() -> None:
    a = cv2.GaussianBlur(noise(), (0, 0), 2)
    for seed, floating in ((0.1, 1), (1, 0.02), (0.1, 0.02)):
        p = gray(a)
        limits = ct.c_float(seed), ct.c_float(floating)
        assert run(lambda w, p=p, f=limits: lib().vis_flood_fill(p.ref, w, 20, 15, *f, 255, False, False, None)) == 0
        filled = p.values() != a
        limit = round(min(seed, 1) * 255)
        if floating == 1:
            mask = np.zeros((a.shape[0] + 2, a.shape[1] + 2), np.uint8)
            cv2.floodFill(
                a.copy(), mask, (20, 15), 255, limit, limit, cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY
            )
            assert (filled == (mask[1:-1, 1:-1] > 0)).all()
        assert filled[15, 20]
        assert (np.abs(a.astype(int) - int(a[15, 20]))[filled] <= limit).all()


def test_flood_fill_inverted_and_clearing() -> None:
    a = np.full((10, 12), 50, np.uint8)
    a[3:7, 3:9] = 200
    p = gray(a)
    run(lambda w: lib().vis_flood_fill(p.ref, w, 4, 4, ct.c_float(0.05), ct.c_float(0.05), 99, False, True, None))
    assert (p.values() == np.where(a == 200, 99, 0)).all()
    p = gray(a)
    run(lambda w: lib().vis_flood_fill(p.ref, w, 4, 4, ct.c_float(0.05), ct.c_float(0.05), 99, True, False, None))
    assert (p.values() == np.where(a == 200, 200, 99)).all()
    p = gray(a)
    assert run(lambda w: lib().vis_flood_fill(p.ref, w, 99, -4, ct.c_float(0), ct.c_float(0), 9, True, True, None)) == 0
    assert (p.values() == a).all()


def test_cartoon_gives_every_region_its_mean() -> None:
    rng = np.random.default_rng(3)
    a = np.where(np.arange(40)[None] < 20, 60, 180) + rng.integers(-2, 3, (30, 40))
    p = gray(a.astype(np.uint8))
    assert run(lambda w: lib().vis_cartoon(p.ref, w, ct.c_float(0.05), ct.c_float(0.05), None)) == 0
    got = p.values()
    assert len(np.unique(got)) == 2
    assert abs(int(got[0, 0]) - 60) <= 1 and abs(int(got[0, 39]) - 180) <= 1


def test_the_largest_domain() -> None:
    a = np.zeros((40, 60), np.uint8)
    a[0:2], a[-2:], a[:, 0:2], a[:, -2:] = 200, 200, 200, 200  # a frame
    a[10:30, 20:28] = 100
    a[18:22, 12:40] = 90
    out = Picture(60, 40, BINARY)
    assert run(lambda w: lib().vis_find_domain(out.ref, w, gray(a).ref, ct.c_float(0.8))) == 1
    inside = np.zeros_like(a, bool)
    inside[10:30, 20:28] = inside[18:22, 12:40] = True
    assert (get_bits(out) == inside).all()
    assert run(lambda w: lib().vis_find_domain(out.ref, w, gray(a * 0).ref, ct.c_float(0.8))) == 0


def test_formats_are_the_ones_of_the_script() -> None:
    assert (BINARY, RGB565, GRAYSCALE) == (0, 2, 4)
