# SPDX-License-Identifier: MIT
"""Writes kmodel v5 files with one stackvm module for tests, in the numbering of any nncase release."""

from __future__ import annotations

import struct

import numpy as np

INPUT, OUTPUT, RDATA, DATA = 0, 1, 2, 3
I8, I16, I32, I64, U8, U16, U32, F32 = 0, 1, 2, 3, 4, 5, 6, 9
DTYPES = {
    I8: np.int8, I16: np.int16, I32: np.int32, I64: np.int64, U8: np.uint8, U16: np.uint16, U32: np.uint32,
    F32: np.float32,
}  # fmt: skip

RELEASES = ["1.0b", "1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.9"]
# The number in each release from the first that has the function; one number for all is the same everywhere.
_NUMBERS = {
    "batch_to_space": "0", "binary": "1", "broadcast": "2", "compare": "- - - - - - 4 4", "conv2d": "5 5 5 5 5 5 6 6",
    "convert": "7 7 7 7 7 7 8 8", "copy": "8 8 8 8 8 8 9 9", "cumsum": "- 9 9 9 9 9 a a",
    "dequantize": "9 a a a a a b b", "equal": "- - - - b b - -", "gather": "a b b b c c c c",
    "gather_nd": "b c c c d d d d", "hardmax": "- d d d e e e e", "lut1d": "d f f f 10 10 10 10",
    "matmul": "- - - - 11 11 11 11", "onehot": "f 11 11 11 12 12 12 12", "pad": "10 12 12 12 13 13 13 13",
    "quantize": "11 13 13 13 14 14 14 14", "random_normal": "- - 14 14 15 15 15 15",
    "reduce": "12 14 16 16 17 17 17 17", "reduce_arg": "- 15 17 17 18 18 18 18",
    "reduce_prod": "- - 18 18 19 19 19 19", "reduce_window2d": "13 16 19 19 1a 1a 1a 1a",
    "resize_image": "14 17 1a 1a 1b 1b 1b 1b", "roi_align": "- - - 1b 1c 1c 1c 1c", "sigmoid": "- - - 1c 1d 1d 1d 1d",
    "slice": "15 18 1b 1d 1e 1e 1e 1e", "softmax": "- - - - - - 1f 1f", "space_to_batch": "- - - - - - 20 20",
    "ternary": "- - 1f 21 22 22 22 22", "topk": "- - - 22 23 23 23 23", "transpose": "19 1c 20 23 24 24 24 24",
    "trilu": "- - - 24 25 25 25 25", "unary": "1a 1d 21 25 26 26 26 26", "gru": "- - - - - - 27 27",
    "tflite_detection_postprocess": "- - - - - - 28 28", "layer_norm": "- - - - - - 29 29",
    "compress": "- - - - - - 2a 2a", "gather_elements": "- - - - - - 2b 2b",
}  # fmt: skip
NUMBERS = {
    name: [None if n == "-" else int(n, 16) for n in (line.split() if " " in line else [line] * len(RELEASES))]
    for name, line in _NUMBERS.items()
}


def releases_of(name: str) -> list[str]:
    return [r for r, n in zip(RELEASES, NUMBERS[name], strict=True) if n is not None]


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

    @property
    def names_shapes(self) -> bool:
        """binary and matmul name the shape of their result."""
        return self.release >= RELEASES.index("1.4")

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

    def padding(self, before: int, after: int, interior: int = 0) -> Program:
        self.int(before).int(after)
        return self.int(interior) if self.release >= 2 else self

    def paddings(self, register: int, pads: list[tuple[int, ...]]) -> Program:
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
        in_dtype = next(k for k, v in DTYPES.items() if v == data.dtype)
        size = int(np.prod(out_shape)) * np.dtype(DTYPES[out_dtype]).itemsize
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
