# SPDX-License-Identifier: MIT
"""The vision core for the tests: structures, pictures and calls with a work area."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable, Sequence

import numpy as np
from image_core import BINARY, GRAYSCALE, Picture, Rect, lib

PI, PF = ct.POINTER(ct.c_int32), ct.c_float
ENOMEM = -12


class Work(ct.Structure):
    _fields_ = [("blocks", ct.c_void_p)]


class List(ct.Structure):
    _fields_ = [("items", ct.c_void_p), ("n", ct.c_size_t), ("room", ct.c_size_t), ("size", ct.c_size_t)]


class Range(ct.Structure):
    _fields_ = [("lo", ct.c_int16 * 3), ("hi", ct.c_int16 * 3)]


class Hist(ct.Structure):
    _fields_ = [("channels", ct.c_uint), ("bins", ct.c_uint * 3), ("bin", ct.POINTER(ct.c_float) * 3)]


class Scale(ct.Structure):
    _fields_ = [("lo", ct.c_int), ("hi", ct.c_int)]


def ints(*names: str) -> list[tuple[str, type]]:
    return [(n, ct.c_int32) for name in names for n in name.split()]


class Stats(ct.Structure):
    _fields_ = ints("mean median mode stdev min max lq uq")


class Blob(ct.Structure):
    _fields_ = [
        *ints("x0 y0 x1 y1"),
        *((n, ct.c_uint32) for n in ("pixels", "code", "count")),
        *((n, ct.c_int64) for n in ("sx", "sy", "sxx", "syy", "sxy")),
    ]


class BlobOptions(ct.Structure):
    _fields_ = [*ints("x_stride y_stride area_threshold pixels_threshold"), ("invert", ct.c_bool)]


class Line(ct.Structure):
    _fields_ = ints("x1 y1 x2 y2 length magnitude theta rho")


class Circle(ct.Structure):
    _fields_ = ints("x y r magnitude")


class CircleOptions(ct.Structure):
    _fields_ = ints("x_stride y_stride threshold x_margin y_margin r_margin r_min r_max r_step")


class Quad(ct.Structure):
    _fields_ = [("corner", ct.c_int32 * 2 * 4), *ints("x y w h magnitude")]


class Other(ct.Structure):
    _fields_ = [("img", ct.c_void_p), ("color", ct.c_uint32)]


class Filter(ct.Structure):
    _fields_ = [
        ("kind", ct.c_int), ("k", ct.c_int32), ("percentile", PF), ("bias", PF), ("kernel", ct.c_void_p), ("mul", PF),
        ("add", PF), ("color_sigma", PF), ("space_sigma", PF), ("threshold", ct.c_bool), ("invert", ct.c_bool),
        ("offset", ct.c_int32), ("mask", ct.c_void_p),
    ]  # fmt: skip


class Rotation(ct.Structure):
    _fields_ = [
        *((n, PF) for n in ("x_rotation", "y_rotation", "z_rotation", "x_translation", "y_translation", "zoom", "fov")),
        ("corners", ct.c_void_p),
    ]


class Displacement(ct.Structure):
    _fields_ = [(n, PF) for n in ("x", "y", "rotation", "scale", "response")]


class Keypoint(ct.Structure):
    _fields_ = [
        ("x", ct.c_int16), ("y", ct.c_int16), ("score", ct.c_uint16), ("angle", ct.c_uint16), ("octave", ct.c_uint16),
        ("desc", ct.c_uint8 * 32),
    ]  # fmt: skip


class KptMatch(ct.Structure):
    _fields_ = ints("cx cy x y w h count theta")


class Similarity(ct.Structure):
    _fields_ = [(n, PF) for n in ("mean", "stdev", "min", "max")]


def blocks() -> int:
    return ct.c_long.in_dll(lib(), "image_port_blocks").value


def fail_after(n: int) -> None:
    ct.c_long.in_dll(lib(), "image_port_left").value = n


def run(call: Callable[[ct.c_void_p], int]) -> int:
    """Calls with a work area and gives it back; nothing may be left over."""
    work, before = Work(), blocks()
    try:
        return call(ct.byref(work))
    finally:
        lib().vis_release(ct.byref(work))
        assert blocks() == before


def gray(a: np.ndarray) -> Picture:
    p = Picture(a.shape[1], a.shape[0], GRAYSCALE)
    p.data[:] = a.reshape(-1)
    return p


def bits(a: np.ndarray) -> Picture:
    """A binary image with ones where a is true."""
    p = Picture(a.shape[1], a.shape[0], BINARY)
    for y, x in zip(*np.nonzero(a), strict=True):
        lib().image_set(p.ref, int(x), int(y), 1)
    return p


def get_bits(p: Picture) -> np.ndarray:
    return np.array([[lib().image_get(p.ref, x, y) for x in range(p.c.w)] for y in range(p.c.h)], bool)


def whole(p: Picture) -> Rect:
    return Rect(0, 0, p.c.w, p.c.h)


def ranges(items: Sequence[Sequence[int]]) -> ct.Array[Range]:
    out = (Range * max(len(items), 1))()
    for r, item in zip(out, items, strict=False):
        for c in range(3):
            r.lo[c], r.hi[c] = (item[2 * c], item[2 * c + 1]) if len(item) > 2 * c else (-128, 255)
    return out


def find(name: str, kind: type, p: Picture, *args: object, roi: Rect | None = None) -> list[ct.Structure]:
    """Calls vis_find_<name>(out, work, image, roi, *args) and copies the items."""
    out, result = List(), []

    def call(w: ct.c_void_p) -> int:
        ret = getattr(lib(), f"vis_find_{name}")(ct.byref(out), w, p.ref, roi or whole(p), *args)
        for i in range(out.n if ret >= 0 else 0):
            result.append(kind.from_buffer_copy(ct.string_at(out.items + i * ct.sizeof(kind), ct.sizeof(kind))))
        return ret

    assert run(call) == 0
    p.check()
    return result
