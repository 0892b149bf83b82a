# SPDX-License-Identifier: MIT
"""Builds the KPU core for the host and wraps it for the tests."""

from __future__ import annotations

import ctypes as ct
import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "tests" / "kpu"
MODULE = ROOT / "modules" / "kpu"
CORE = [p for p in sorted(MODULE.glob("*.c")) if not p.name.startswith("modkpu")]
CFLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", f"-I{HERE}", f"-I{MODULE}"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]

DTYPES = [np.float32, np.uint8, np.int8, np.int16, np.int32, np.int64, np.uint16, np.uint32]
F32, U8, I8, I16, I32, I64, U16, U32 = range(8)


def data_path(name: str) -> Path:
    """A file of the test data pack; skips (or fails where CI demands the data) without it."""
    root = Path(os.environ.get("K210_TEST_DATA", ROOT / ".." / "shared" / "data"))
    path = root / name
    if not path.exists():
        text = f"test data {path} is missing (K210_TEST_DATA)"
        if os.environ.get("K210_REQUIRE_TEST_DATA") == "1":
            pytest.fail(text)
        pytest.skip(text)
    return path


def floats(*shape: int, seed: int = 1) -> np.ndarray:
    """Normally distributed test data, mean 0 and deviation 2."""
    return np.random.default_rng(seed).normal(0, 2, shape).astype(np.float32)


def octets(*shape: int, seed: int = 1) -> np.ndarray:
    """Evenly distributed bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def model(name: str) -> bytes:
    return data_path(f"models/{name}").read_bytes()


def planes(name: str) -> bytes:
    """A binary PPM as planar R, G, B bytes."""
    raw = data_path(f"images/{name}").read_bytes()
    magic, width, height, depth = raw.split(maxsplit=4)[:4]
    assert magic == b"P6" and depth == b"255"
    w, h = int(width), int(height)
    pixels = np.frombuffer(raw[-w * h * 3 :], np.uint8).reshape(h, w, 3)
    return pixels.transpose(2, 0, 1).tobytes()


def compile_c(out: Path, sources: list[Path], flags: list[str]) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    deps = [*sources, *MODULE.glob("*.h"), *HERE.glob("*.h")]
    if not out.exists() or out.stat().st_mtime < max(p.stat().st_mtime for p in deps):
        cc = os.environ.get("CC", "gcc").split()
        subprocess.run([*cc, *CFLAGS, *flags, *map(str, sources), "-lm", "-o", str(out)], check=True)
    return out


class Node(ct.Structure):
    _fields_ = [(n, ct.c_uint32) for n in ("code", "is_conv", "c", "h", "w", "result_size", "dtype")] + [
        ("name", ct.c_char_p)
    ]


class Tensor(ct.Structure):
    _fields_ = [(n, ct.c_uint32) for n in ("dtype", "size", "c", "h", "w")]


class Box(ct.Structure):
    _fields_ = [(n, ct.c_uint32) for n in ("x1", "y1", "x2", "y2", "class_id")] + [("prob", ct.c_float)]


@cache
def lib() -> ct.CDLL:
    path = compile_c(
        BUILD / "libkpu_host.so", [*CORE, HERE / "kpu_host.c", HERE / "kpu_soft.c"], ["-O2", "-shared", "-fPIC"]
    )
    so = ct.CDLL(str(path))
    so.host_open.restype = ct.c_void_p
    so.host_open_streamed.restype = ct.c_void_p
    so.host_streamed.argtypes = [ct.c_void_p, ct.c_int]
    so.host_fail_read.argtypes = [ct.c_void_p, ct.c_int]
    so.host_nodes.argtypes = [ct.c_void_p]
    so.host_node.argtypes = [ct.c_void_p, ct.c_uint32, ct.POINTER(Node)]
    so.host_tensors.argtypes = [ct.c_void_p, ct.c_int]
    so.host_tensor.argtypes = [ct.c_void_p, ct.c_int, ct.c_uint32, ct.POINTER(Tensor)]
    so.host_input.argtypes = [ct.c_void_p, ct.c_uint32, ct.c_char_p, ct.c_size_t, ct.c_char_p]
    so.host_run.argtypes = [ct.c_void_p, ct.c_uint32, ct.c_int, ct.c_int, ct.c_char_p]
    so.host_result.argtypes = [ct.c_void_p, ct.c_void_p, ct.c_size_t, ct.c_char_p]
    so.host_output.argtypes = [ct.c_void_p, ct.c_uint32, ct.c_void_p, ct.c_size_t]
    so.host_close.argtypes = [ct.c_void_p]
    so.host_limits.argtypes = [ct.c_size_t, ct.c_int]
    return so


class KpuError(Exception):
    def __init__(self, code: int, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


def _check(code: int, err: ct.Array) -> None:
    if code:
        raise KpuError(code, err.value.decode())


def measure(data: bytes, limit: int | None = None) -> int:
    err, size = ct.create_string_buffer(160), ct.c_uint32()
    _check(lib().host_measure(data, len(data), len(data) if limit is None else limit, ct.byref(size), err), err)
    return size.value


class Net:
    """A loaded model. compute=False only touches memory, for tests of the checks."""

    # Where models of tests go to become the fuzzer's corpus.
    corpus = os.environ.get("K210_FUZZ_CORPUS")

    def __init__(self, data: bytes, compute: bool = True):
        if self.corpus and len(data) <= 4096:
            (Path(self.corpus) / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        self.err = ct.create_string_buffer(160)
        status = ct.c_int()
        self.h = lib().host_open(data, len(data), int(compute), ct.byref(status), self.err)
        _check(status.value, self.err)

    def __enter__(self) -> Net:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        lib().host_close(self.h)
        self.h = None

    @property
    def nodes(self) -> list[Node]:
        out = []
        for i in range(lib().host_nodes(self.h)):
            out.append(Node())
            lib().host_node(self.h, i, ct.byref(out[-1]))
        return out

    def _tensors(self, outputs: int) -> list[Tensor]:
        out = []
        for i in range(lib().host_tensors(self.h, outputs)):
            out.append(Tensor())
            lib().host_tensor(self.h, outputs, i, ct.byref(out[-1]))
        return out

    @property
    def inputs(self) -> list[Tensor]:
        return self._tensors(0)

    @property
    def outputs(self) -> list[Tensor]:
        return self._tensors(1)

    def set_input(self, data: bytes, i: int = 0) -> None:
        _check(lib().host_input(self.h, i, data, len(data), self.err), self.err)

    def run(self, end: int | None = None, go_on: bool = False, fail_at: int = 0) -> None:
        end = lib().host_nodes(self.h) if end is None else end
        _check(lib().host_run(self.h, end, int(go_on), fail_at, self.err), self.err)

    def result(self, size: int) -> bytes:
        buf = ct.create_string_buffer(size)
        _check(lib().host_result(self.h, buf, size, self.err), self.err)
        return buf.raw

    def output(self, i: int = 0) -> np.ndarray:
        t = self.outputs[i]
        out = np.zeros(t.size, np.uint8)
        assert lib().host_output(self.h, i, out.ctypes.data, t.size) == 0
        return out.view(DTYPES[t.dtype])


class Streamed(Net):
    """The same with the weights read while it runs; budget = bytes of the file that may stay in memory."""

    def __init__(self, data: bytes, *, slots: int = 2, slot_size: int = 16384, budget: int = 0, compute: bool = True):
        self.err = ct.create_string_buffer(160)
        status = ct.c_int()
        self.h = lib().host_open_streamed(
            data, len(data), int(compute), slots, slot_size, budget, ct.byref(status), self.err
        )
        _check(status.value, self.err)

    def figure(self, what: str) -> int:
        return lib().host_streamed(self.h, ["total", "gaps", "reads", "slot_size"].index(what))

    def fail_read(self, at: int) -> None:
        lib().host_fail_read(self.h, at)


def yolo2(
    data: np.ndarray,
    grid: tuple[int, int],
    net: tuple[int, int],
    anchors: list[float],
    threshold: float,
    nms: float,
    n_anchors: int | None = None,
) -> list[Box]:
    """Decodes; data is flat float32 of C*gh*gw, grid and net are (w, h)."""
    so, err, n = lib(), ct.create_string_buffer(160), ct.c_uint32()
    data = np.ascontiguousarray(data, np.float32)
    table = (ct.c_float * len(anchors))(*anchors)
    boxes = (Box * 4096)()
    ret = so.host_yolo2(
        data.ctypes.data_as(ct.POINTER(ct.c_float)),
        grid[0],
        grid[1],
        data.size // (grid[0] * grid[1]),
        net[0],
        net[1],
        ct.c_float(threshold),
        ct.c_float(nms),
        table,
        len(anchors) // 2 if n_anchors is None else n_anchors,
        boxes,
        len(boxes),
        ct.byref(n),
        err,
    )
    _check(ret, err)
    return list(boxes[: n.value])


def live_blocks() -> int:
    return lib().host_live_blocks()


def limits(memory: int = 64 << 20, fail_at: int = 0) -> None:
    lib().host_limits(memory, fail_at)
