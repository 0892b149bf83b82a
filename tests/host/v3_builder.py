# SPDX-License-Identifier: MIT
"""Writes small kmodel v3 files for tests."""

from __future__ import annotations

import struct

import numpy as np


def u32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *(v & 0xFFFFFFFF for v in values))


def f32(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def _align(n: int, a: int) -> int:
    return -n % a


def row_layout(w: int) -> tuple[int, int]:
    """(channels per line, lines per row) of a map of width w."""
    return (4, 1) if w <= 16 else (2, 1) if w <= 32 else (1, (w + 63) // 64)


POOL_STEP = [1, 2, 2, 4, 4, 2, 2, 4, 1, 1]


class Conv:
    """One KPU layer with its tables; keyword arguments are the fields of the layer words."""

    def __init__(self, w, h, ic, oc, weights, bn, act, *, src, dst, main=None, k=1, pool=0, depthwise=False, **fields):
        self.main = main
        self.size = (w // POOL_STEP[pool]) * (h // POOL_STEP[pool]) * oc
        ow, oh = w // POOL_STEP[pool], h // POOL_STEP[pool]
        per_load = fields.get("per_load", oc)
        bits = 8 if weights.dtype == np.uint8 else 16
        channel = k * k * (1 if depthwise else ic) * bits // 8
        ig, ir = row_layout(w)
        og, orow = row_layout(ow)
        g = fields.get
        words = [0] * 12
        words[0] = depthwise << 3
        words[1] = src | dst << 32
        words[2] = (ic - 1) | (oc - 1) << 32 | (per_load - 1) << 48
        words[3] = (w - 1) | (h - 1) << 10 | (ow - 1) << 32 | (oh - 1) << 42
        words[4] = (k == 3) | pool << 4 | 1 << 10 | 15 << 16 | g("pad", 0) << 24
        words[5] = 1 | (-(-oc // per_load) - 1) << 1 | per_load * channel << 15
        words[7] = ir * h | ir << 16 | ig << 28 | 1 << 31
        words[8] = orow * oh | orow << 16 | og << 20
        words[9] = (
            g("shr_w", 0) | g("shr_x", 0) << 4 | (g("arg_w", 0) & 0xFFFFFF) << 8 | (g("arg_x", 0) & 0xFFFFFF) << 32
        )
        words[10] = g("arg_add", 0) & 0xFFFFFFFFFF
        words[11] = (ow * oh - 1) << 16 | (ow * oh * oc - 1) << 32
        self.words = words
        self.weights = weights.tobytes()
        self.bn = b"".join(struct.pack("<Q", (m & 0xFFFFFF) | (a & 0xFFFFFFFF) << 24 | s << 56) for m, a, s in bn)
        segments = [*act, *([(0x7_FFFF_FFF0, 0, 0, 255)] * (16 - len(act)))]
        self.act = b"".join(
            struct.pack("<Q", s | (m & 0xFFFF) << 8 | (start & 0xFFFFFFFFF) << 24) for start, m, s, _ in segments
        ) + bytes(b for *_, b in segments)


class Model:
    """Collects layers; build() gives the file."""

    def __init__(self, main_size: int, outputs: list[tuple[int, int]], flags: int = 1, first_line: int = 0):
        self.main_size, self.outputs, self.flags, self.first_line = main_size, outputs, flags, first_line
        self.layers: list[tuple[int, bytes | Conv]] = []  # a Conv, or what looks like one

    def add(self, code: int, body: bytes) -> Model:
        """A CPU layer; body without the flags word."""
        self.layers.append((code, u32(1) + body))
        return self

    def conv(self, layer: Conv) -> Model:
        self.layers.append((10240, layer))
        return self

    def build(self) -> bytes:
        at = 28 + 8 * len(self.outputs) + 8 * len(self.layers)
        heads, bodies = b"", b""
        for code, body in self.layers:
            if not isinstance(body, bytes):
                body = self._conv_body(body, at)
            body += bytes(_align(len(body), 8))
            heads += u32(code, len(body))
            bodies += body
            at += len(body)
        head = u32(3, self.flags, 0, len(self.layers), self.first_line, self.main_size, len(self.outputs))
        return head + b"".join(u32(*o) for o in self.outputs) + heads + bodies

    @staticmethod
    def _conv_body(conv: Conv, at: int) -> bytes:
        body = bytearray(24)
        places = []
        for blob, align in (
            (struct.pack("<12Q", *conv.words), 8), (conv.weights, 128), (conv.bn, 128), (conv.act, 256),
        ):  # fmt: skip
            body += bytes(_align(at + len(body), align))
            places.append(at + len(body))
            body += blob
        body[0:24] = u32(conv.main is not None, conv.main or 0, *places)
        return bytes(body)
