# SPDX-License-Identifier: MIT
"""How long a node takes: the KPU by the published measurements, the CPU by cycles counted in our firmware."""

from __future__ import annotations

import math

from k210.compiler.machine import Buffer, Map, Node
from k210.compiler.write_v4 import words
from k210.model.kpu import CLOCK_HZ, KpuLayer

START = 3000  # cycles to get a node going
KPU_START = 9000  # the same for a KPU layer, with its interrupt
# Cycles for each element of the result, unless named otherwise.
PER_RESULT = {
    "quantize": 30, "dequantize": 12, "pad": 4, "slice": 8, "transpose": 8, "resize": 10, "table": 6, "copy": 3,
    "binary": 20, "qbinary": 45, "softmax": 110,
}  # fmt: skip
PER_TAP = 12  # of a pool
PER_PRODUCT = {"matmul": 8, "qmatmul": 8, "qconv": 12}
PER_INSTRUCTION = 25  # of nnil byte code
PER_BYTE_MOVED = 2  # into or out of AI memory, and by concat
PER_REDUCED = 10


def layer_of(node: Node) -> KpuLayer:
    return KpuLayer(words(node))


def seconds(node: Node) -> float:
    if node.kind == "kpu":
        copied = sum(p.size for p in node.writes if isinstance(p, Buffer))
        return layer_of(node).seconds() + (KPU_START + PER_BYTE_MOVED * copied) / CLOCK_HZ
    return (START + cycles(node)) / CLOCK_HZ


def cycles(node: Node) -> float:
    target = node.writes[0]
    count = math.prod(target.shape) if isinstance(target, Map) else target.count
    f = node.fields
    if node.kind == "upload":
        return PER_BYTE_MOVED * count
    if node.kind == "concat":
        assert isinstance(target, Buffer)
        return PER_BYTE_MOVED * target.size + 200 * len(node.reads) * f["outer"]
    if node.kind == "reduce":
        return PER_REDUCED * math.prod(f["in_shape"])
    if node.kind == "reduce_window":
        return PER_TAP * count * math.prod(f["pool"].size)
    if node.kind in ("matmul", "qmatmul"):
        return PER_PRODUCT[node.kind] * f["rows"] * f["inner"] * f["columns"]
    if node.kind == "qconv":
        return PER_PRODUCT["qconv"] * count * math.prod(f["conv"].weight.shape[1:])
    if node.kind == "nnil":
        return PER_INSTRUCTION * count * len(f["code"])
    return PER_RESULT[node.kind] * count
