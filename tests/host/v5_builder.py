# SPDX-License-Identifier: MIT
"""Writes kmodel v5 files with one stackvm module for tests, in the numbering of any nncase release."""

from __future__ import annotations

import struct

import numpy as np

INPUT, OUTPUT, RDATA, DATA = 0, 1, 2, 3
U8, F32 = 4, 9

# Columns: 1.0 beta, 1.0.0, 1.1, 1.3, 1.4-1.5, 1.6-1.9.
RELEASES = ["1.0b", "1.0", "1.1", "1.3", "1.4", "1.6"]
NUMBERS = {
    "binary": (1, 1, 1, 1, 1, 1),
    "convert": (7, 7, 7, 7, 7, 8),
    "copy": (8, 8, 8, 8, 8, 9),
    "dequantize": (9, 10, 10, 10, 10, 11),
    "pad": (0x10, 0x12, 0x12, 0x13, 0x13, 0x13),
    "quantize": (0x11, 0x13, 0x13, 0x14, 0x14, 0x14),
    "reduce": (0x12, 0x14, 0x16, 0x17, 0x17, 0x17),
    "reduce_window2d": (0x13, 0x16, 0x19, 0x1A, 0x1A, 0x1A),
    "resize_image": (0x14, 0x17, 0x1A, 0x1B, 0x1B, 0x1B),
    "sigmoid": (None, None, None, 0x1D, 0x1D, 0x1D),
    "slice": (0x15, 0x18, 0x1B, 0x1E, 0x1E, 0x1E),
    "softmax": (None, None, None, None, None, 0x1F),
    "transpose": (0x19, 0x1C, 0x20, 0x24, 0x24, 0x24),
    "unary": (0x1A, 0x1D, 0x21, 0x26, 0x26, 0x26),
}


def strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Packed strides as nncase writes them: 0 for dimensions of size 1."""
    out, step = [], 1
    for n in reversed(shape):
        out.append(0 if n == 1 else step)
        step *= n
    return tuple(reversed(out))


class Program:
    """Byte code for one function. Registers are handed out by shape()."""

    def __init__(self, release: str = "1.6"):
        self.release = RELEASES.index(release)
        self.code = b""
        self.registers = 0
        self.rdata = b""
        self.data = 0

    def op(self, *code: int | bytes) -> Program:
        self.code += b"".join(c if isinstance(c, bytes) else bytes([c]) for c in code)
        return self

    def int(self, v: int) -> Program:
        return self.op(3) if v == 0 else self.op(4) if v == 1 else self.op(2, struct.pack("<i", v))

    def float(self, v: float) -> Program:
        return self.op(5, struct.pack("<f", v))

    def buffer(self, location: int, offset: int = 0) -> Program:
        return self.op(0x17, location, 0, struct.pack("<I", offset))

    def shape(self, values: tuple[int, ...]) -> int:
        for v in values:
            self.int(v)
        self.op(0x31, self.registers, len(values))
        self.registers += 1
        return self.registers - 1

    def padding(self, before: int, after: int) -> Program:
        self.int(before).int(after)
        return self.int(0) if self.release >= 2 else self

    def paddings(self, register: int, pads: list[tuple[int, int]]) -> Program:
        for p in pads:
            self.padding(*p)
        return self.op(0x32, register, len(pads))

    def const(self, values: np.ndarray) -> int:
        at = len(self.rdata)
        self.rdata += values.tobytes() + bytes(-values.nbytes % 8)
        return at

    def tensor(self, name: str, *operands: int | bytes) -> Program:
        number = NUMBERS[name][self.release]
        assert number is not None, f"{name} does not exist in {RELEASES[self.release]}"
        return self.op(0x5E, struct.pack("<H", number), *operands)

    def model(self, data: np.ndarray, out_shape: tuple[int, ...], out_dtype: int = F32) -> bytes:
        in_dtype = U8 if data.dtype == np.uint8 else F32
        size = int(np.prod(out_shape)) * (4 if out_dtype == F32 else 1)
        text = self.code + b"\x59"

        def tensors(location: int, dtype: int, nbytes: int, shape: tuple[int, ...]) -> bytes:
            ranges = struct.pack("<BBHII", location, dtype, 0, 0, nbytes)
            return ranges + struct.pack(f"<I{len(shape)}I", len(shape), *shape)

        body = tensors(INPUT, in_dtype, data.nbytes, data.shape) + tensors(OUTPUT, out_dtype, size, out_shape)
        body += bytes(-len(body) % 8)
        function = struct.pack("<8I", 32, 32 + len(body), data.nbytes, size, 1, 1, 0, len(text)) + body
        pools = struct.pack("<II", RDATA, len(self.rdata)) + struct.pack("<II", DATA, self.data)
        at = 32 + 48 + len(pools) + len(function)
        sections = b""
        for name, blob in ((b".rdata", self.rdata), (b".text", text)):
            gap = -(at + len(sections) + 32) % 8
            sections += struct.pack("<16s4I", name, 0, gap, len(blob), 0) + bytes(gap) + blob
        module = 48 + len(pools) + len(function) + len(sections)
        module += -module % 8
        head = struct.pack("<4s7I", b"LDMK", 5, 32, 0, 8, 1, 0, 0)
        head += struct.pack("<16s8I", b"stackvm", 1, 48, module, 2, 0, 2, 1, 0)
        out = head + pools + function + sections
        return out + bytes(32 + module - len(out))
