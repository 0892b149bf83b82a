# SPDX-License-Identifier: MIT
"""Writes a kmodel of version 4."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np

from k210.compiler.legal import LOAD_BYTES
from k210.compiler.machine import Buffer, Machine, Map, Node, four
from k210.errors import K210Error
from k210.model.kpu import LINE, pixel_layout

CONSTANTS, MAIN, AI = 0, 1, 2
FLT_MAX = 3.4028234663852886e38
HEADER = 40
TABLE_ALIGN = 256
BINARY_CODES = {"add": 0, "sub": 1, "mul": 2, "div": 3, "min": 4, "max": 5}
REDUCE_CODES = {"mean": 0, "min": 1, "max": 2, "sum": 3}
REDUCE_START = {"mean": 0.0, "sum": 0.0, "min": FLT_MAX, "max": -FLT_MAX}


def pack(fields: str, *values: float) -> bytes:
    return struct.pack("<" + fields, *values)


def place(p: Buffer | Map, size: int | None = None) -> bytes:
    """A memory range."""
    if isinstance(p, Map):
        return pack("4I", AI, 1, p.line * LINE, p.lines * LINE)
    memory = MAIN if p.data is None else CONSTANTS
    return pack("4I", memory, p.dtype == "u1", p.start, p.size)


def no_place() -> bytes:
    return pack("4I", MAIN, 1, 0, 0)


def shape(s: Sequence[int]) -> bytes:
    return pack("4i", *four(tuple(s)))


CLAMP = pack("2f", -FLT_MAX, FLT_MAX)


def clamp(low: float, high: float) -> bytes:
    return pack("2f", max(low, -FLT_MAX), min(high, FLT_MAX))


def words(node: Node, parameters: tuple[int, int, int] = (0, 0, 0)) -> list[int]:
    """The twelve words of a KPU layer. parameters: what goes to the addresses of weights, BN and activation."""
    conv, layer = node.conv, node.layer
    source, result = node.reads[0], next(p for p in node.writes if isinstance(p, Map))
    assert conv is not None and layer is not None and isinstance(source, Map)
    (ic, ih, iw), (oc, oh, ow) = source.shape, result.shape
    k = conv.weight.shape[2]
    each = k * k if conv.depthwise else ic * k * k
    per_load = oc if conv.depthwise else min(oc, LOAD_BYTES // each)
    loads = -(-oc // per_load)
    group_in, row_in = pixel_layout(iw)
    group_out, row_out = pixel_layout(ow)
    copied = any(isinstance(p, Buffer) for p in node.writes)
    w = [0] * 12
    w[0] = 8 if conv.depthwise else 0
    w[1] = source.line | result.line << 32
    w[2] = (ic - 1) | (oc - 1) << 32 | (per_load - 1) << 48
    w[3] = (iw - 1) | (ih - 1) << 10 | (ow - 1) << 32 | (oh - 1) << 42
    w[4] = (1 if k == 3 else 0) | conv.pool << 4 | 1 << 10 | 15 << 16 | layer.pad << 24 | parameters[1] << 32
    w[5] = 1 | (loads - 1) << 1 | (per_load * each) << 15 | parameters[0] << 32
    w[7] = (row_in * ih) | row_in << 16 | group_in << 28 | 1 << 31 | parameters[2] << 32
    w[8] = (row_out * oh) | row_out << 16 | group_out << 20
    w[9] = (layer.arg_w & 0xFFFFFF) << 8 | (layer.arg_x & 0xFFFFFF) << 32
    w[10] = layer.arg_add & (1 << 40) - 1
    w[11] = int(copied) | (oh * ow - 1) << 16 | (oc * oh * ow - 1) << 32
    return w


class WriterV4:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def file(self) -> bytes:
        m = self.machine
        constants = b"".join(c.data.tobytes() + bytes(-c.size % 8) for c in m.constants() if c.data is not None)
        at = HEADER + 32 * len(m.inputs) + 16 * len(m.outputs) + len(constants) + 8 * len(m.nodes)
        heads, bodies = [], []
        for node in m.nodes:
            code, body = self._node(node, at)
            body += bytes(-len(body) % 8)
            heads.append(pack("2I", code, len(body)))
            bodies.append(body)
            at += len(body)
        head = b"LDMK" + pack(
            "9I", 4, 0, 1, len(constants), m.main_size, len(m.nodes), len(m.inputs), len(m.outputs), 0
        )
        inputs = b"".join(map(place, m.inputs)) + b"".join(map(shape, m.input_shapes))
        return b"".join([head, inputs, *map(place, m.outputs), constants, *heads, *bodies])

    def _node(self, node: Node, at: int) -> tuple[int, bytes]:
        if node.kind == "kpu":
            return 0x2002, self._kpu(node, at)
        handler = HANDLERS.get(node.kind)
        if handler is None:
            raise K210Error(f"node {node.name}: kmodel v4 has no {node.kind}")
        code, body = handler(node)
        return code, body

    def _kpu(self, node: Node, at: int) -> bytes:
        layer = node.layer
        assert layer is not None
        copy = next((p for p in node.writes if isinstance(p, Buffer)), None)
        here = at + 24 + 96
        pads, blobs = [], []
        for blob in (layer.bn, layer.activation, layer.weights):
            gap = -here % TABLE_ALIGN
            pads.append(gap)
            blobs.append(bytes(gap) + blob)
            here += gap + len(blob)
        body = (place(copy) if copy else no_place()) + pack("2i", 1, 0)
        return body + pack("12Q", *words(node, (pads[2], pads[0], pads[1]))) + b"".join(blobs)


def _io(node: Node) -> bytes:
    return place(node.reads[0]) + place(node.writes[0])


def _quantize(node: Node) -> bytes:
    q = node.fields["quant"]
    return _io(node) + pack("if", round(q.zero), np.float32(1 / q.scale))


def _pad(node: Node) -> bytes:
    f = node.fields
    pads = b"".join(pack("2i", *p) for p in f["pads"])
    floats = node.reads[0].dtype == "f4"  # type: ignore[union-attr]
    value = pack("f", f["value"]) if floats else pack("B3x", int(f["value"]))
    return _io(node) + pack("4i", *f["shape"]) + pads + pack("I", 0 if floats else 1) + value


def _concat(node: Node) -> bytes:
    f = node.fields
    ranges = b"".join(map(place, node.reads))
    dims = b"".join(pack("i", d) for d in f["dims"])
    return place(node.writes[0]) + pack("2iI", f["inner"], f["outer"], len(node.reads)) + ranges + dims


def _slice(node: Node) -> bytes:
    f = node.fields
    return _io(node) + b"".join(pack("4i", *f[n]) for n in ("shape", "begin", "end", "step")) + bytes(20)


def _transpose(node: Node) -> bytes:
    return _io(node) + pack("4i", *node.fields["shape"]) + pack("4i", *node.fields["order"])


def _resize(node: Node) -> bytes:
    f = node.fields
    return _io(node) + shape(f["shape"]) + pack("3iB3x", *f["size"], int(f["nearest"]), int(f["align"]))


def _softmax(node: Node) -> bytes:
    return _io(node) + pack("2if", node.fields["inner"], node.fields["outer"], 1.0)


def _reduce(node: Node) -> bytes:
    f = node.fields
    return _io(node) + pack("i", REDUCE_CODES[f["op"]]) + shape(f["in_shape"]) + shape(f["out_shape"]) + pack(
        "f", REDUCE_START[f["op"]])  # fmt: skip


def _reduce_window(node: Node) -> bytes:
    pool = node.fields["pool"]
    top, left, bottom, right = pool.pads
    size = pack("10i", top, bottom, left, right, *pool.size, *pool.stride, 1, 1)
    return _io(node) + pack("i", REDUCE_CODES[pool.kind]) + shape(node.fields["shape"]) + size + pack(
        "f", REDUCE_START[pool.kind]) + CLAMP  # fmt: skip


def _binary(node: Node) -> bytes:
    f = node.fields
    places = b"".join(map(place, (*node.reads, node.writes[0])))
    return places + pack("i", BINARY_CODES[f["op"]]) + b"".join(map(shape, f["shapes"])) + clamp(*f["limits"])


def _qbinary(node: Node) -> bytes:
    f = node.fields
    places = b"".join(map(place, (*node.reads, node.writes[0])))
    return places + pack("i", BINARY_CODES[f["op"]]) + b"".join(map(shape, f["shapes"])) + pack("9i", *f["scales"])


def _matmul(node: Node) -> bytes:
    f = node.fields
    places = b"".join(map(place, (*node.reads, node.writes[0])))
    return places + pack("3i", f["rows"], f["inner"], f["columns"]) + CLAMP + f["bias"].astype("<f4").tobytes()


def _qmatmul(node: Node) -> bytes:
    f = node.fields
    places = b"".join(map(place, (*node.reads, node.writes[0])))
    numbers = pack("8i", *(f[n] for n in ["rows", "inner", "columns", "a_off", "b_off", "mul", "shift", "out_off"]))
    return places + numbers + f["bias"].astype("<i4").tobytes()


def _qconv(node: Node) -> bytes:
    f = node.fields
    conv = f["conv"]
    oc, _, kh, kw = conv.weight.shape
    top, left, bottom, right = conv.pads
    numbers = pack("2i", conv.groups, oc) + pack("10i", top, bottom, left, right, kh, kw, *conv.stride, *conv.dilation)
    offsets = pack("5i", *(f[n] for n in ["in_off", "w_off", "mul", "shift", "out_off"]))
    return (
        _io(node) + shape(f["shape"]) + numbers + offsets + f["bias"].astype("<i4").tobytes() + f["weights"].tobytes()
    )


def _table(node: Node) -> bytes:
    return place(node.reads[0]) + place(node.reads[1]) + place(node.writes[0])


def _upload(node: Node) -> bytes:
    target = node.writes[0]
    assert isinstance(target, Map)
    return place(node.reads[0]) + place(target) + shape(target.shape)


def _coded(code: int, body: Callable[[Node], bytes]) -> Callable[[Node], tuple[int, bytes]]:
    return lambda node: (code, body(node))


HANDLERS: dict[str, Callable[[Node], tuple[int, bytes]]] = {
    "binary": _coded(0x00, _binary), "concat": _coded(0x01, _concat), "dequantize": _coded(0x03, _quantize),
    "matmul": _coded(0x04, _matmul), "pad": _coded(0x05, _pad), "quantize": _coded(0x06, _quantize),
    "reduce": _coded(0x07, _reduce), "reduce_window": _coded(0x08, _reduce_window), "copy": _coded(0x09, _io),
    "resize": _coded(0x0A, _resize), "softmax": _coded(0x0B, _softmax), "transpose": _coded(0x0C, _transpose),
    "slice": _coded(0x0D, _slice), "qconv": _coded(0x0F, _qconv), "qmatmul": _coded(0x10, _qmatmul),
    "qbinary": _coded(0x11, _qbinary), "table": _coded(0x12, _table),
    "nnil": _coded(0x14, lambda node: _io(node) + node.fields["code"]), "upload": _coded(0x2001, _upload),
}  # fmt: skip
