# SPDX-License-Identifier: MIT
"""The readers of printed codes for the tests, with their libraries."""

from __future__ import annotations

import ctypes as ct
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from image_core import BUILD, CORE, IMAGE, Picture, Rect, compiled, compiler, core_objects, headers, newest
from vision_core import List, Work, whole

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = {"quirc": "lib", "apriltag": "", "dmtx": ""}
POINTS = ct.c_int32 * 2 * 4


def source(name: str) -> Path:
    package = "libdmtx" if name == "dmtx" else name
    return Path(os.environ.get(f"{package.upper()}_DIR", ROOT / "build" / "src" / f"{package}-src"))


def image_core() -> list[Path]:
    return [p for p in CORE if IMAGE in p.parents or p.name == "image_port.c"]


def build(out: Path, flags: list[str], extra: list[Path], link: Iterable[str] = ()) -> Path:
    missing = [str(source(n)) for n in LIBRARIES if not source(n).exists()]
    if missing:
        text = f"no sources in {', '.join(missing)}: make firmware fetches them"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    codes = IMAGE / "codes"
    own = [codes / f"{n}.c" for n in ("bars_decode", "bars_scan", "lib_heap", "tag_pose")]
    ports = {codes / f"{n}_port.c": source(n) / folder for n, folder in LIBRARIES.items()}
    if out.exists() and out.stat().st_mtime > newest(*own, *ports, *extra, *CORE, *headers()):
        return out
    objects = core_objects([f for f in flags if f != "-shared"], [*image_core(), *own])
    cc = [*compiler(), "-std=gnu11", "-g", "-I", str(IMAGE), *flags]
    for port, include in ports.items():
        # memcpy() of nothing from nowhere is common in libraries.
        lax = ["-w", "-fno-sanitize=nonnull-attribute", "-I", str(include)]
        objects += compiled([c for c in [*cc, *lax] if c != "-shared"], [port])
    partial = out.with_suffix(f".{os.getpid()}")
    warn = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run([*cc, *warn, *link, *map(str, (*extra, *objects)), "-lm", "-o", str(partial)], check=True)
    partial.rename(out)
    return out


@cache
def codes() -> ct.CDLL:
    return ct.CDLL(str(build(BUILD / "libcodes.so", ["-O2", "-shared", "-fPIC"], [])))


class Qr(ct.Structure):
    _fields_ = [
        ("corner", POINTS),
        *((n, ct.c_int32) for n in ("version", "ecc_level", "mask", "data_type", "eci")),
        ("len", ct.c_size_t),
        ("payload", ct.c_void_p),
    ]


class Tag(ct.Structure):
    _fields_ = [
        ("corner", POINTS),
        *((n, ct.c_int32) for n in ("id", "family", "hamming")),
        *((n, ct.c_float) for n in ("cx", "cy", "rotation", "margin", "goodness")),
        ("h", ct.c_double * 9),
    ]


class Matrix(ct.Structure):
    _fields_ = [
        ("corner", POINTS),
        ("rotation", ct.c_float),
        *((n, ct.c_int32) for n in ("rows", "columns", "capacity", "padding")),
        ("len", ct.c_size_t),
        ("payload", ct.c_void_p),
    ]


class Bar(ct.Structure):
    _fields_ = [
        ("corner", POINTS),
        *((n, ct.c_int32) for n in ("x0", "y0", "x1", "y1", "type", "quality")),
        ("rotation", ct.c_float),
        ("len", ct.c_size_t),
        ("payload", ct.c_char * 80),
    ]


def find(name: str, kind: type, p: Picture, *args: object, roi: Rect | None = None) -> list[tuple[ct.Structure, bytes]]:
    """The codes of a picture, each with its payload."""
    out, work, result = List(), Work(), []
    try:
        ret = getattr(codes(), f"code_find_{name}")(ct.byref(out), ct.byref(work), p.ref, roi or whole(p), *args)
        assert ret == 0
        for i in range(out.n):
            c = kind.from_buffer_copy(ct.string_at(out.items + i * ct.sizeof(kind), ct.sizeof(kind)))
            text = b""
            if hasattr(c, "payload"):
                text = c.payload if isinstance(c.payload, bytes) else ct.string_at(c.payload, c.len)
            result.append((c, text))
    finally:
        codes().vis_release(ct.byref(work))
    assert ct.c_long.in_dll(codes(), "image_port_blocks").value == 0
    p.check()
    return result
