# SPDX-License-Identifier: MIT
"""Builds the C cores of image, lcd and sensor for the host and wraps them for the tests."""

from __future__ import annotations

import ctypes as ct
import hashlib
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "tests" / "image"
FUZZ = ROOT / "tests" / "fuzz"
IMAGE, LCD, SENSOR = (ROOT / "modules" / name for name in ("image", "lcd", "sensor"))
IMAGE_FILES = (
    *("affine", "image", "compose", "convert", "draw", "font8x12", "scale", "text"),
    *("image_codecs", "image_stream", "inflate", "io_bmp", "io_png", "io_pnm"),
    *("jpeg_blocks", "jpeg_decode", "jpeg_encode", "jpeg_levels"),
)
CORE = [
    *(IMAGE / f"{name}.c" for name in IMAGE_FILES),
    *sorted((IMAGE / "vision").glob("*.c")),
    ROOT / "tests" / "host" / "image_port.c",
    LCD / "lcd_core.c",
    *(SENSOR / f"{name}.c" for name in ("frames", "galaxycore", "ov2640", "ov5640", "ov7740", "sensor_core")),
]
CFLAGS = [
    "-std=gnu11",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-g",
    "-I",
    str(IMAGE),
    "-I",
    str(LCD),
    "-I",
    str(SENSOR),
    "-pthread",
]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]

BINARY, RGB565, GRAYSCALE, JPEG = 0, 2, 4, 5
ERR_LEN = 160
GUARD = 64  # bytes before and after the pixels that must not change
GUARD_BYTE = 0xA5


def compiler() -> list[str]:
    return os.environ.get("CC", "gcc").split()


def newest(*files: Path) -> float:
    return max(p.stat().st_mtime for p in files)


def headers() -> list[Path]:
    return [*IMAGE.rglob("*.h"), *LCD.glob("*.h"), *SENSOR.glob("*.h"), *FUZZ.glob("*.h")]


def core_objects(flags: Iterable[str], core: Iterable[Path] = CORE) -> list[Path]:
    """The cores as object files, which all programs with the same flags share."""
    return compiled([*compiler(), *CFLAGS, *flags], core)


def compiled(cc: list[str], sources: Iterable[Path]) -> list[Path]:
    changed = newest(*headers())
    folder = BUILD / f"objects-{hashlib.sha256(' '.join(cc).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in sources:
        out = folder / f"{source.parent.name}-{source.stem}.o"
        if not out.exists() or out.stat().st_mtime < max(changed, newest(source)):
            # Another test process may be at it too: only a finished file gets the name.
            partial = out.with_suffix(f".{os.getpid()}")
            subprocess.run([*cc, "-c", str(source), "-o", str(partial)], check=True)
            partial.rename(out)
        objects.append(out)
    return objects


def build(out: Path, flags: Iterable[str], extra: Iterable[Path] = (), link: Iterable[str] = ()) -> Path:
    """Compiles the cores (and extra files) when something has changed. link: flags for extra files and linker only."""
    flags, extra = list(flags), list(extra)
    if not out.exists() or out.stat().st_mtime < newest(*CORE, *extra, *headers()):
        objects = core_objects([f for f in flags if f != "-shared"])
        partial = out.with_suffix(f".{os.getpid()}")
        cc = [*compiler(), *CFLAGS, *flags, *link]
        subprocess.run([*cc, *map(str, [*extra, *objects]), "-lm", "-o", str(partial)], check=True)
        partial.rename(out)
    return out


class CImage(ct.Structure):
    _fields_ = [
        ("w", ct.c_int32),
        ("h", ct.c_int32),
        ("format", ct.c_int),
        ("pix", ct.c_void_p),
        ("ai", ct.c_void_p),
        ("size", ct.c_size_t),
    ]


class Rect(ct.Structure):
    _fields_ = [(n, ct.c_int32) for n in "xywh"]

    @property
    def tuple(self) -> tuple[int, int, int, int]:
        return self.x, self.y, self.w, self.h


class Info(ct.Structure):
    _fields_ = [
        ("w", ct.c_int32),
        ("h", ct.c_int32),
        ("format", ct.c_int),
        ("planes", ct.c_bool),
        ("codec", ct.c_void_p),
        ("state", ct.c_uint32 * 2048),
    ]


ReadFn = ct.CFUNCTYPE(ct.c_size_t, ct.c_void_p, ct.c_void_p, ct.c_size_t)


class Io(ct.Structure):
    _fields_ = [("read", ReadFn), ("write", ReadFn)]


@cache
def lib() -> ct.CDLL:
    so = ct.CDLL(str(build(BUILD / "libimage.so", ["-O2", "-shared", "-fPIC"])))
    so.image_bytes.restype = ct.c_size_t
    so.image_get.restype = ct.c_uint32
    so.image_color.restype = ct.c_uint32
    so.image_isqrt.restype = ct.c_uint32
    so.image_isqrt.argtypes = [ct.c_uint64]
    so.image_font_glyph.restype = ct.POINTER(ct.c_uint8)
    so.image_draw_text.argtypes = [
        ct.c_void_p, ct.c_int32, ct.c_int32, ct.c_char_p, ct.c_size_t, ct.c_uint32, ct.c_float, ct.c_int32,
        ct.c_int32, ct.c_bool,
    ]  # fmt: skip
    so.image_text_size.argtypes = [
        ct.c_char_p, ct.c_size_t, ct.c_float, ct.c_int32, ct.c_int32, ct.c_bool, ct.c_void_p, ct.c_void_p,
    ]  # fmt: skip
    so.image_draw_image.argtypes = [
        ct.c_void_p, ct.c_void_p, ct.c_int32, ct.c_int32, ct.c_float, ct.c_float, ct.c_uint, ct.c_void_p,
    ]  # fmt: skip
    so.image_copy_scaled.argtypes = [ct.c_void_p, ct.c_void_p, Rect]
    so.image_write.argtypes = [ct.c_void_p, ct.c_void_p, Rect, ct.c_int, ct.c_int, ct.c_char_p]
    return so


class Picture:
    """An image_t with memory of its own between guard bytes; data is what scripts see as bytes."""

    def __init__(self, w: int, h: int, fmt: int = RGB565, planes: bool = False) -> None:
        self.size = lib().image_bytes(w, h, fmt)
        assert self.size
        self._memory = np.full(self.size + 2 * GUARD, GUARD_BYTE, np.uint8)
        self.data = self._memory[GUARD:-GUARD]
        self.data[:] = 0
        self.planes = np.zeros(w * h * (3 if fmt == RGB565 else 1), np.uint8) if planes else None
        self.c = CImage(w, h, fmt, self.data.ctypes.data, self.planes.ctypes.data if planes else None, self.size)
        self.c.keep = self._memory, self.planes  # for as long as somebody refers to the structure

    def check(self) -> None:
        """Nothing was written before or after the pixels."""
        assert (self._memory[:GUARD] == GUARD_BYTE).all()
        assert (self._memory[-GUARD:] == GUARD_BYTE).all()

    @property
    def ref(self) -> ct.c_void_p:
        return ct.byref(self.c)

    def values(self) -> np.ndarray:
        """RGB565 as ordinary numbers (red in the upper bits), or gray levels."""
        self.check()
        if self.c.format == RGB565:
            return self.data.view(">u2").reshape(self.c.h, self.c.w).astype(np.uint16)
        return self.data.reshape(self.c.h, self.c.w).copy()

    def rgb(self) -> np.ndarray:
        v = self.values().astype(np.uint32)
        r, g, b = v >> 11, v >> 5 & 63, v & 31
        return np.stack([r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2], axis=2).astype(np.uint8)

    def fill_random(self, seed: int = 1) -> Picture:
        self.data[:] = np.random.default_rng(seed).integers(0, 256, self.size, np.uint8)
        return self


def to565(rgb: np.ndarray) -> np.ndarray:
    v = rgb.astype(np.uint16)
    return v[..., 0] >> 3 << 11 | v[..., 1] >> 2 << 5 | v[..., 2] >> 3


def from_rgb(rgb: np.ndarray) -> Picture:
    p = Picture(rgb.shape[1], rgb.shape[0])
    p.data[:] = to565(rgb).astype(">u2").view(np.uint8).reshape(-1)
    return p


class Memory:
    """A byte source and sink for the codecs."""

    def __init__(self, data: bytes = b"", room: int = 1 << 30) -> None:
        self.data, self.pos, self.out, self.room = data, 0, bytearray(), room
        self.c = Io(ReadFn(self._read), ReadFn(self._write))

    def _read(self, _: int, buf: int, n: int) -> int:
        part = self.data[self.pos : self.pos + n]
        ct.memmove(buf, part, len(part))
        self.pos += len(part)
        return len(part)

    def _write(self, _: int, buf: int, n: int) -> int:
        n = min(n, self.room - len(self.out))
        self.out += ct.string_at(buf, n)
        return n


class CodecError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def load(data: bytes, planes: bool = False) -> Picture:
    io, info, err = Memory(data), Info(), ct.create_string_buffer(ERR_LEN)
    ret = lib().image_read_info(ct.byref(io.c), ct.byref(info), err)
    if ret:
        raise CodecError(ret, err.value.decode())
    p = Picture(info.w, info.h, info.format, planes)
    ret = lib().image_read_pixels(ct.byref(io.c), ct.byref(info), p.ref, err)
    p.check()
    if ret:
        raise CodecError(ret, err.value.decode())
    return p


def save(
    p: Picture, kind: int, roi: tuple[int, int, int, int] | None = None, room: int = 1 << 30, quality: int = 50
) -> bytes:
    io, err = Memory(room=room), ct.create_string_buffer(ERR_LEN)
    ret = lib().image_write(ct.byref(io.c), p.ref, Rect(*(roi or (0, 0, p.c.w, p.c.h))), kind, quality, err)
    if ret:
        raise CodecError(ret, err.value.decode())
    return bytes(io.out)
