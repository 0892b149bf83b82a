# SPDX-License-Identifier: MIT
"""Writes small kmodel v4 files for tests."""

from __future__ import annotations

import struct

import numpy as np
from v3_builder import u32

CONST, MAIN, RAM = 0, 1, 2
FLT_MAX = 3.4028234663852886e38


def pad8(blob: bytes) -> bytes:
    return blob + bytes(-len(blob) % 8)


class Model:
    """main(array or shape) hands out places in the working buffer, const(array) in the constants."""

    def __init__(self) -> None:
        self.main_size = 0
        self.constants = b""
        self.nodes: list[tuple[int, bytes]] = []
        self.inputs: list[tuple[bytes, tuple[int, ...]]] = []
        self.outputs: list[bytes] = []

    def main(self, count: int, dtype: str) -> bytes:
        size = count * np.dtype(dtype).itemsize
        at = self.main_size
        self.main_size += -(-size // 8) * 8
        return u32(MAIN, dtype == "u1", at, size)

    def const(self, data: np.ndarray) -> bytes:
        at = len(self.constants)
        self.constants += pad8(data.tobytes())
        return u32(CONST, data.dtype == np.uint8, at, data.nbytes)

    def input(self, data: np.ndarray) -> bytes:
        shape = (1,) * (4 - data.ndim) + data.shape
        place = self.main(data.size, "u1" if data.dtype == np.uint8 else "f4")
        self.inputs.append((place, shape))
        return place

    def output(self, count: int, dtype: str = "f4") -> bytes:
        place = self.main(count, dtype)
        self.outputs.append(place)
        return place

    def add(self, opcode: int, *body: bytes) -> Model:
        self.nodes.append((opcode, pad8(b"".join(body))))
        return self

    def build(self) -> bytes:
        head = struct.pack("<4s9I", b"LDMK", 4, 0, 1, len(self.constants), self.main_size, len(self.nodes),
                           len(self.inputs), len(self.outputs), 0xCCCCCCCC)  # fmt: skip
        head += b"".join(place for place, _ in self.inputs) + b"".join(u32(*shape) for _, shape in self.inputs)
        head += b"".join(self.outputs) + self.constants
        return head + b"".join(u32(c, len(b)) for c, b in self.nodes) + b"".join(b for _, b in self.nodes)
