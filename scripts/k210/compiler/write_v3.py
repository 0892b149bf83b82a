# SPDX-License-Identifier: MIT
"""Writes a kmodel of version 3, which old MaixPy firmware takes, too. It has fewer operations than version 4."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from k210.compiler.machine import Buffer, Machine, Map, Node
from k210.compiler.write_v4 import words
from k210.errors import K210Error
from k210.model.kpu import LINES

HEADER, OUTPUT, LAYER = 28, 8, 8
WRITES_MAIN = 1
CONV, UPLOAD = 10240, 10243
WEIGHTS_ALIGN, BN_ALIGN, ACTIVATION_ALIGN = 128, 128, 256


def pack(fields: str, *values: float) -> bytes:
    return struct.pack("<" + fields, *values)


def _start(place: Buffer | Map) -> int:
    return place.line if isinstance(place, Map) else place.start


class WriterV3:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def file(self) -> bytes:
        m = self.machine
        self._check()
        at = HEADER + OUTPUT * len(m.outputs) + LAYER * len(m.nodes)
        heads, bodies = [], []
        for node in m.nodes:
            if node.kind == "kpu":
                kind, body = CONV, self._conv(node, at)
            else:
                kind, rest = _layer(node)
                body = pack("I", WRITES_MAIN) + rest
            body += bytes(-len(body) % 8)
            heads.append(pack("2I", kind, len(body)))
            bodies.append(body)
            at += len(body)
        lowest = min((p.line for p in m.maps()), default=LINES)
        outputs = b"".join(pack("2I", o.start, o.count * 4) for o in m.outputs)
        head = pack("7I", 3, 1, 0, len(m.nodes), lowest, m.main_size, len(m.outputs))
        return b"".join([head, outputs, *heads, *bodies])

    def _check(self) -> None:
        m = self.machine
        if len(m.inputs) != 1 or not isinstance(m.inputs[0], Map) or m.nodes[0].kind != "kpu":
            raise K210Error(
                f"node {m.nodes[0].name}: a kmodel v3 takes one input of bytes that goes straight to a convolution; "
                "compile as v4, or give --input-range and let the network begin with a convolution"
            )
        if m.nodes[0].reads[0] is not m.inputs[0]:
            raise K210Error(
                f"node {m.nodes[0].name}: the first layer of a kmodel v3 must read the input; compile as v4"
            )

    def _conv(self, node: Node, at: int) -> bytes:
        layer = node.layer
        assert layer is not None
        main = next((p for p in node.writes if isinstance(p, Buffer)), None)
        here = at + 24
        offsets, parts = [], []
        w = words(node)
        w[11] &= ~1
        for blob, align in (
            (pack("12Q", *w), 8), (layer.weights, WEIGHTS_ALIGN), (layer.bn, BN_ALIGN),
            (layer.activation, ACTIVATION_ALIGN),
        ):  # fmt: skip
            gap = -here % align
            offsets.append(here + gap)
            parts.append(bytes(gap) + blob)
            here += gap + len(blob)
        head = pack("2I", WRITES_MAIN if main else 0, main.start if main else 0)
        return head + pack("4I", *offsets) + b"".join(parts)


def _layer(node: Node) -> tuple[int, bytes]:
    handler = HANDLERS.get(node.kind)
    found = handler(node) if handler else None
    if found is None:
        raise K210Error(
            f"node {node.name}: kmodel v3 has no layer for this ({node.kind}); "
            "compile as v4, or end the network before it"
        )
    return found


def _io(node: Node) -> bytes:
    return pack("2I", _start(node.reads[0]), _start(node.writes[0]))


def _count(node: Node) -> int:
    target = node.writes[0]
    assert isinstance(target, Buffer)
    return target.count


def _in_main(node: Node) -> bool:
    return all(not isinstance(p, Buffer) or p.data is None for p in node.reads)


def _dequantize(node: Node) -> tuple[int, bytes]:
    q = node.fields["quant"]
    return 12, _io(node) + pack("I2f", _count(node), q.scale, -q.zero * q.scale)


def _quantize(node: Node) -> tuple[int, bytes]:
    q = node.fields["quant"]
    return 11, _io(node) + pack("I2f", _count(node), q.scale, -q.zero * q.scale)


def _table(node: Node) -> tuple[int, bytes]:
    data = node.reads[1].data  # type: ignore[union-attr]
    return 13, _io(node) + pack("I", _count(node)) + data.tobytes()


def _softmax(node: Node) -> tuple[int, bytes] | None:
    if node.fields["outer"] != 1:
        return None
    return 15, _io(node) + pack("I", node.fields["inner"])


def _concat(node: Node) -> tuple[int, bytes] | None:
    if node.fields["outer"] != 1 or not _in_main(node):
        return None
    target = node.writes[0]
    assert isinstance(target, Buffer)
    ranges = b"".join(pack("2I", p.start, p.size) for p in node.reads if isinstance(p, Buffer))
    return 16 if target.dtype == "f4" else 17, pack("2I", target.start, len(node.reads)) + ranges


def _resize(node: Node) -> tuple[int, bytes] | None:
    f = node.fields
    n, c, h, w = f["shape"]
    if not f["nearest"] or n != 1:
        return None
    floats = node.writes[0].dtype == "f4"  # type: ignore[union-attr]
    return 22 if floats else 23, _io(node) + pack("6I", w, h, c, f["size"][1], f["size"][0], 0)


def _upload(node: Node) -> tuple[int, bytes]:
    target = node.writes[0]
    assert isinstance(target, Map)
    c, h, w = target.shape
    return UPLOAD, _io(node) + pack("3I", w, h, c)


def _qbinary(node: Node) -> tuple[int, bytes] | None:
    f = node.fields
    if f["op"] != "add" or len({tuple(s) for s in f["shapes"]}) != 1 or not _in_main(node):
        return None
    # The same factors as in v4; v3 shifts both together when their shifts are equal, and multiplies then.
    a_off, a_mul, _, b_off, b_mul, _, o_off, _, o_shift = f["scales"]
    places = pack("3I", _start(node.reads[0]), _start(node.reads[1]), _start(node.writes[0]))
    return 2, places + pack("I9i", _count(node), a_off, a_mul, 0, b_off, b_mul, 0, o_off, 1, o_shift)


def _binary(node: Node) -> tuple[int, bytes] | None:
    f = node.fields
    plain = f["op"] == "add" and np.isinf(f["limits"]).all()
    if not plain or len({tuple(s) for s in f["shapes"]}) != 1 or not _in_main(node):
        return None
    places = pack("3I", _start(node.reads[0]), _start(node.reads[1]), _start(node.writes[0]))
    return 1, places + pack("I", _count(node))


def _reduce(node: Node) -> tuple[int, bytes] | None:
    f = node.fields
    n, c, h, w = f["in_shape"]
    if f["op"] != "mean" or n != 1 or tuple(f["out_shape"]) != (1, c, 1, 1):
        return None
    return 5, _io(node) + pack("2I", h * w, c)


def _pool(node: Node) -> tuple[int, bytes] | None:
    pool, (n, c, h, w) = node.fields["pool"], node.fields["shape"]
    if pool.kind != "mean" or n != 1:
        return None
    oh, ow = ((d + pool.pads[i] + pool.pads[2 + i] - pool.size[i]) // pool.stride[i] + 1 for i, d in enumerate((h, w)))
    sizes = pack("6I", w, h, c, ow, oh, c)
    window = pack("6I", pool.size[1], pool.size[0], pool.stride[1], pool.stride[0], pool.pads[1], pool.pads[0])
    return 9, _io(node) + sizes + window + pack("I", 0)


def _max_pool(node: Node) -> tuple[int, bytes] | None:
    f = node.fields
    pool, (n, c, h, w), (oh, ow) = f["pool"], f["shape"], f["size"]
    if n != 1:
        return None
    sizes = pack("6I", w, h, c, ow, oh, c)
    window = pack("6I", pool.size[1], pool.size[0], pool.stride[1], pool.stride[0], pool.pads[1], pool.pads[0])
    return 8, _io(node) + sizes + window


def _sigmoid(node: Node) -> tuple[int, bytes]:
    return 25, _io(node) + pack("I", _count(node))


def _matmul(node: Node) -> tuple[int, bytes] | None:
    f, known = node.fields, node.reads[1]
    if f["rows"] != 1 or not isinstance(known, Buffer) or known.data is None:
        return None
    weights = np.ascontiguousarray(known.data.reshape(f["inner"], f["columns"]).T, "<f4")
    return 18, _io(node) + pack("3I", f["inner"], f["columns"], 0) + weights.tobytes() + f["bias"].astype(
        "<f4"
    ).tobytes()


HANDLERS: dict[str, Callable[[Node], tuple[int, bytes] | None]] = {
    "dequantize": _dequantize, "quantize": _quantize, "table": _table, "softmax": _softmax, "concat": _concat,
    "resize": _resize, "upload": _upload, "qbinary": _qbinary, "binary": _binary, "reduce": _reduce,
    "reduce_window": _pool, "matmul": _matmul, "qpool": _max_pool, "sigmoid": _sigmoid,
}  # fmt: skip
