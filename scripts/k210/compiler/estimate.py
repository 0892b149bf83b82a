# SPDX-License-Identifier: MIT
"""How long a step takes: the KPU by the published measurements, the CPU by cycles counted in our firmware."""

from __future__ import annotations

import math

from k210.compiler.machine import Buffer, Map, Node
from k210.compiler.write_v4 import words
from k210.model.kmodel import Step
from k210.model.kpu import CLOCK_HZ, KpuLayer

START = 2000  # cycles to get a step going
KPU_START = 2500  # the same for a KPU layer, with its interrupt
PER_BYTE_MOVED = 1  # by concat
PER_ROW = 220  # of a map that goes into or out of AI memory
PER_WINDOW = 130  # of a pool, besides its taps
# Cycles for each of a step's units: results, or what `work` counts.
CYCLES = {
    "quantize": 80, "dequantize": 9, "pad": 4, "slice": 11, "transpose": 11, "resize": 65, "table": 6, "copy": 3,
    "binary": 20, "qbinary": 45, "softmax": 110, "reduce": 10, "reduce_window": 10, "matmul": 8, "qmatmul": 8,
    "conv": 12, "qconv": 12, "nnil": 25, "upload": PER_ROW, "concat": PER_BYTE_MOVED, "unary": 60,
    "qpool": 8, "sigmoid": 150,
}  # fmt: skip
PER_PIECE = 200  # of a concat
# The names that the reader of v4 gives to the same.
STEP_KINDS = {
    "quantize": "quantize", "dequantize": "dequantize", "pad": "pad", "strided_slice": "slice",
    "transpose": "transpose", "resize_image": "resize", "table lookup": "table", "memory_copy": "copy",
    "binary": "binary", "quantized binary": "qbinary", "softmax": "softmax", "reduce": "reduce",
    "reduce_window2d": "reduce_window", "matmul": "matmul", "quantized matmul": "qmatmul", "conv2d": "conv",
    "conv2d transpose": "conv", "quantized conv2d": "qconv", "nnil unary": "nnil", "KPU upload": "upload",
    "concat": "concat", "unary": "unary",
}  # fmt: skip


def layer_of(node: Node) -> KpuLayer:
    return KpuLayer(words(node))


def seconds(node: Node) -> float:
    """Of a node of the compiler."""
    if node.kind == "kpu":
        shapes = [p.shape for p in node.writes if isinstance(p, Map)]
        copied = any(isinstance(p, Buffer) for p in node.writes)
        rows = shapes[0][0] * shapes[0][1] if copied else 0
        return layer_of(node).seconds() + (KPU_START + PER_ROW * rows) / CLOCK_HZ
    return (START + CYCLES[node.kind] * _units(node)) / CLOCK_HZ


def _units(node: Node) -> float:
    target = node.writes[0]
    count = math.prod(target.shape) if isinstance(target, Map) else target.count
    f = node.fields
    if node.kind == "concat":
        assert isinstance(target, Buffer)
        return target.size + PER_PIECE / PER_BYTE_MOVED * len(node.reads) * f["outer"]
    if node.kind == "reduce":
        return math.prod(f["in_shape"])
    if node.kind == "upload":
        assert isinstance(target, Map)
        return target.shape[0] * target.shape[1]
    if node.kind in ("reduce_window", "qpool"):
        return count * (math.prod(f["pool"].size) + PER_WINDOW / CYCLES["reduce_window"])
    if node.kind in ("matmul", "qmatmul"):
        return f["rows"] * f["inner"] * f["columns"]
    if node.kind == "qconv":
        return count * math.prod(f["conv"].weight.shape[1:])
    if node.kind == "nnil":
        return count * len(f["code"])
    return count


def step_seconds(step: Step) -> float | None:
    """Of a step of a kmodel file; None for kinds that nobody has measured."""
    if step.layer:
        return (step.layer.seconds() + KPU_START / CLOCK_HZ) * step.batches
    kind = STEP_KINDS.get(step.name)
    if kind is None:
        return None
    count = step.work or math.prod(step.out_shape)
    if kind == "upload":
        count = math.prod(step.out_shape[:-1])
    if kind == "reduce_window":
        count += math.prod(step.out_shape) * PER_WINDOW // CYCLES[kind]
    if kind == "reduce":
        count = math.prod(step.in_shapes[0])
    if kind == "concat":
        item = 4 if step.dtype == "float32" else 1
        count = count * item + PER_PIECE // PER_BYTE_MOVED * sum(s[0] for s in step.in_shapes)
    return (START + CYCLES[kind] * count) / CLOCK_HZ
