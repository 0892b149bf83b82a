# SPDX-License-Identifier: MIT
"""The emulator's KPU arithmetic as a Python object, for tests and the benchmark.

The C files under qemu/hw/k210 need no QEMU: they are compiled into a shared library of their own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ["k210_kpu_arith.c", "k210_kpu_layer.c", "k210_kpu_kernels.c"]
RAM_SIZE = 2 << 20
CHUNK = 192  # room for the error text

READ = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t)


def test_data() -> Path:
    return Path(os.environ.get("K210_TEST_DATA", ROOT.parent / "shared" / "data"))


def build(directory: Path, *flags: str) -> ctypes.CDLL:
    """Compiles the arithmetic; returns the loaded library."""
    out = directory / "libk210kpu.so"
    cc = os.environ.get("CC") or shutil.which("cc") or "gcc"
    sources = [str(ROOT / "qemu" / "hw" / "k210" / s) for s in SOURCES]
    subprocess.run(
        [cc, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-shared", "-fPIC",
         *flags, "-I", str(ROOT / "qemu" / "include"), *sources, "-o", str(out)],
        check=True,
    )  # fmt: skip
    lib = ctypes.CDLL(str(out))
    void, size = ctypes.c_void_p, ctypes.c_size_t
    lib.k210_kpu_arith_new.restype = void
    lib.k210_kpu_arith_free.argtypes = [void]
    lib.k210_kpu_arith_reset.argtypes = [void]
    lib.k210_kpu_begin.restype = ctypes.c_bool
    lib.k210_kpu_begin.argtypes = [void, void, ctypes.c_bool, void, READ, void, ctypes.c_char_p]
    lib.k210_kpu_compute.argtypes = [void, void, void, ctypes.c_uint]
    lib.k210_kpu_finish.argtypes = [void, void]
    lib.k210_kpu_stream.restype = void
    lib.k210_kpu_stream.argtypes = [void, ctypes.POINTER(size)]
    lib.k210_kpu_layer.restype = void
    lib.k210_kpu_layer.argtypes = [void]
    lib.k210_kpu_cycles.restype = ctypes.c_uint64
    lib.k210_kpu_cycles.argtypes = [void]
    lib.k210_kpu_maps_overlap.restype = ctypes.c_bool
    lib.k210_kpu_maps_overlap.argtypes = [void]
    lib.k210_kpu_kernel_name.restype = ctypes.c_char_p
    lib.k210_kpu_force_portable.argtypes = [ctypes.c_bool]
    return lib


class KpuError(Exception):
    pass


class Kpu:
    """KPU RAM, a main memory (a bytearray at bus address `base`) and the arithmetic between them."""

    def __init__(self, lib: ctypes.CDLL, memory: bytes = b"", base: int = 0x8000_0000) -> None:
        self.lib = lib
        self.ram = np.zeros(RAM_SIZE, np.uint8)
        self.memory = memory
        self.base = base
        self.handle = lib.k210_kpu_arith_new()
        assert self.handle
        self._read = READ(self._fetch)

    def close(self) -> None:
        self.lib.k210_kpu_arith_free(self.handle)
        self.handle = None

    def _fetch(self, _opaque: int, addr: int, buf: int, length: int) -> bool:
        offset = addr - self.base
        if offset < 0 or offset + length > len(self.memory):
            return False
        ctypes.memmove(buf, self.memory[offset : offset + length], length)
        return True

    def begin(self, words: list[int], eight_bit: bool = True) -> None:
        raw = (ctypes.c_uint64 * 12)(*words)
        err = ctypes.create_string_buffer(CHUNK)
        if not self.lib.k210_kpu_begin(self.handle, raw, eight_bit, self.ram.ctypes.data, self._read, None, err):
            raise KpuError(err.value.decode())

    def compute(self, parts: int = 0) -> None:
        self.lib.k210_kpu_compute(self.handle, None, None, parts)

    def finish(self) -> None:
        self.lib.k210_kpu_finish(self.handle, self.ram.ctypes.data)

    def run(self, words: list[int], eight_bit: bool = True) -> bytes:
        """One layer; returns its output stream."""
        self.begin(words, eight_bit)
        self.compute()
        self.finish()
        return self.stream()

    def stream(self) -> bytes:
        n = ctypes.c_size_t()
        p = self.lib.k210_kpu_stream(self.handle, ctypes.byref(n))
        return ctypes.string_at(p, n.value) if n.value else b""

    def cycles(self) -> int:
        return self.lib.k210_kpu_cycles(self.lib.k210_kpu_layer(self.handle))


def field(words: list[int] | tuple[int, ...], word: int, shift: int, length: int) -> int:
    return words[word] >> shift & ((1 << length) - 1)


@dataclass
class Conv:
    """One KPU layer of a model, its tables as offsets into the file."""

    words: list[int]
    eight_bit: bool
    to_main: bool

    @property
    def in_shape(self) -> tuple[int, int, int]:
        w = self.words
        return field(w, 2, 0, 10) + 1, field(w, 3, 10, 9) + 1, field(w, 3, 0, 10) + 1

    @property
    def out_shape(self) -> tuple[int, int, int]:
        w = self.words
        return field(w, 2, 32, 10) + 1, field(w, 3, 42, 9) + 1, field(w, 3, 32, 10) + 1

    def placed(self, base: int, send: bool) -> list[int]:
        """The words as a driver would push them, the file lying at bus address `base`."""
        w = list(self.words)
        for i in (4, 5, 7):
            w[i] += base << 32
        w[11] = w[11] & ~1 | send
        return w


def convs_v3(data: bytes) -> Iterator[Conv]:
    version, flags, _arch, count, _line, _main, outputs = struct.unpack_from("<7I", data)
    assert version == 3
    headers = 28 + 8 * outputs
    body = headers + 8 * count
    for i in range(count):
        kind, size = struct.unpack_from("<2I", data, headers + 8 * i)
        if kind == 10240:
            to_main, _out, layer, weights, bn, act = struct.unpack_from("<6I", data, body)
            w = list(struct.unpack_from("<12Q", data, layer))
            w[4] = w[4] & 0xFFFF_FFFF | bn << 32
            w[5] = w[5] & 0xFFFF_FFFF | weights << 32
            w[7] = w[7] & 0xFFFF_FFFF | act << 32
            yield Conv(w, bool(flags & 1), bool(to_main & 1))
        body += size


def convs_v4(data: bytes) -> Iterator[Conv]:
    _m, version, _f, _t, constants, _main, nodes, inputs, outputs, _r = struct.unpack_from("<10I", data)
    assert data[:4] == b"LDMK" and version == 4
    headers = 40 + 32 * inputs + 16 * outputs + constants
    body = headers + 8 * nodes
    for i in range(nodes):
        kind, size = struct.unpack_from("<2I", data, headers + 8 * i)
        if kind == 0x2002:
            to_main = struct.unpack_from("<I", data, body + 12)[0] != 0
            w = list(struct.unpack_from("<12Q", data, body + 24))
            bn = body + 120 + (w[4] >> 32)
            act = bn + 8 * (field(w, 2, 32, 10) + 1) + (w[7] >> 32)
            weights = act + 144 + (w[5] >> 32)
            w[4] = w[4] & 0xFFFF_FFFF | bn << 32
            w[5] = w[5] & 0xFFFF_FFFF | weights << 32
            w[7] = w[7] & 0xFFFF_FFFF | act << 32
            yield Conv(w, True, to_main)
        body += size


def place_map(ram: np.ndarray, line: int, group: int, row: int, step: int, chw: np.ndarray) -> None:
    """Writes a feature map to KPU RAM in the given layout."""
    for c, plane in enumerate(chw):
        for y, pixels in enumerate(plane):
            at = 64 * (line + c // group * step + y * row) + c % group * (64 // group)
            ram[at : at + len(pixels)] = pixels


def read_map(ram: np.ndarray, line: int, group: int, row: int, step: int, shape: tuple[int, int, int]) -> np.ndarray:
    out = np.empty(shape, np.uint8)
    for c in range(shape[0]):
        for y in range(shape[1]):
            at = 64 * (line + c // group * step + y * row) + c % group * (64 // group)
            out[c, y] = ram[at : at + shape[2]]
    return out


def place_input(kpu: Kpu, words: list[int], chw: np.ndarray) -> None:
    w = words
    place_map(kpu.ram, field(w, 1, 0, 15), field(w, 7, 28, 3), field(w, 7, 16, 4), field(w, 7, 0, 15), chw)


def read_output(kpu: Kpu, words: list[int], shape: tuple[int, int, int]) -> np.ndarray:
    w = words
    return read_map(kpu.ram, field(w, 1, 32, 15), field(w, 8, 20, 3), field(w, 8, 16, 4), field(w, 8, 0, 15), shape)


def read_ppm(path: Path) -> np.ndarray:
    """A binary PPM as planar RGB (3, height, width)."""
    data = path.read_bytes()
    magic, width, height, top = data.split(None, 4)[:4]
    assert magic == b"P6" and top == b"255"
    w, h = int(width), int(height)
    return np.frombuffer(data[-3 * w * h :], np.uint8).reshape(h, w, 3).transpose(2, 0, 1).copy()


def temporary_library(*flags: str) -> ctypes.CDLL:
    return build(Path(tempfile.mkdtemp(prefix="k210-kpu-")), *flags)
