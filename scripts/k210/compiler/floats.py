# SPDX-License-Identifier: MIT
"""Computes the graph in float with numpy: the reference for calibration and for the error report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from k210.compiler import graph as g
from k210.compiler.graph import Graph, Op
from k210.errors import K210Error

F32 = np.float32
BLOCK = 16 << 20  # bytes of pixels laid out for one matrix product


def _padded(x: np.ndarray, pads: Sequence[int], fill: float) -> np.ndarray:
    top, left, bottom, right = pads
    x = x[:, :, max(-top, 0) : x.shape[2] - max(-bottom, 0), max(-left, 0) : x.shape[3] - max(-right, 0)]
    grow = ((0, 0), (0, 0), (max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)))
    return np.pad(x, grow, constant_values=F32(fill)) if any(map(any, grow)) else x


def _taps(x: np.ndarray, op: g.Conv | g.Pool, size: Sequence[int], out: Sequence[int]) -> Iterator[tuple]:
    """For each tap of the window the pixels that it meets."""
    dilation = op.dilation if isinstance(op, g.Conv) else (1, 1)
    sy, sx = op.stride
    for r in range(size[0]):
        for c in range(size[1]):
            y, i = r * dilation[0], c * dilation[1]
            yield r, c, x[:, :, y : y + (out[0] - 1) * sy + 1 : sy, i : i + (out[1] - 1) * sx + 1 : sx]


def convolve(op: g.Conv, x: np.ndarray, pad_value: float = 0.0) -> np.ndarray:
    """Convolution and bias, before activation and pooling."""
    oc, per, kh, kw = op.weight.shape
    reach = [(k - 1) * d + 1 for k, d in zip((kh, kw), op.dilation, strict=True)]
    x = _padded(x, op.pads, pad_value)
    out = [(x.shape[2 + i] - reach[i]) // op.stride[i] + 1 for i in range(2)]
    bias = op.bias[:, None, None]
    if op.depthwise:
        y = np.zeros((x.shape[0], oc, *out), F32)
        for r, c, part in _taps(x, op, (kh, kw), out):
            y += part * op.weight[:, 0, r, c][:, None, None]
        return y + bias
    y = np.empty((x.shape[0], oc, *out), F32)
    outs = oc // op.groups
    for n in range(x.shape[0]):
        for group in range(op.groups):
            part = x[n : n + 1, group * per : (group + 1) * per]
            w = op.weight[group * outs : (group + 1) * outs].reshape(outs, -1)
            y[n, group * outs : (group + 1) * outs] = _product(op, part, w, (kh, kw), out)
    return y + bias


def _product(op: g.Conv, x: np.ndarray, w: np.ndarray, size: tuple[int, int], out: Sequence[int]) -> np.ndarray:
    """One picture, one group: the taps side by side, times the weights, a block of rows at a time."""
    per = x.shape[1]
    y = np.empty((w.shape[0], *out), F32)
    if size == (1, 1) and op.stride == (1, 1):
        return (w @ x[0].reshape(per, -1)).reshape(y.shape)
    views = [part[0] for _, _, part in _taps(x, op, size, out)]
    rows = max(1, BLOCK // (4 * w.shape[1] * out[1]))
    for start in range(0, out[0], rows):
        count = min(rows, out[0] - start)
        block = np.empty((per, len(views), count, out[1]), F32)
        for i, view in enumerate(views):
            block[:, i] = view[:, start : start + count]
        y[:, start : start + count] = (w @ block.reshape(w.shape[1], -1)).reshape(-1, count, out[1])
    return y


def kpu_pool(x: np.ndarray, kind: int) -> np.ndarray:
    """The pool types of the KPU in float. Their means are sums / n, without rounding."""
    from k210.model.kpu import POOL_STEP

    step = POOL_STEP[kind]
    h, w = x.shape[2] // step, x.shape[3] // step
    if kind in (1, 2, 3, 4):
        blocks = x[:, :, : h * step, : w * step].reshape(*x.shape[:2], h, step, w, step)
        return blocks.max((3, 5)) if kind in (1, 3) else blocks.mean((3, 5), dtype=F32)
    if kind in (5, 6, 7):
        return x[:, :, : h * step : step, (1 if kind == 6 else 0) : w * step : step]
    if kind in (8, 9):
        wide = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)), "edge")
        four = np.stack([wide[:, :, :-1, :-1], wide[:, :, 1:, :-1], wide[:, :, :-1, 1:], wide[:, :, 1:, 1:]])
        return four.max(0) if kind == 9 else four.mean(0, dtype=F32)
    return x


def pool(op: g.Pool, x: np.ndarray) -> np.ndarray:
    wide = _padded(x, op.pads, -np.inf if op.kind == "max" else 0)
    out = [(wide.shape[2 + i] - op.size[i]) // op.stride[i] + 1 for i in range(2)]
    y: np.ndarray | None = None
    for _, _, part in _taps(wide, op, op.size, out):
        y = part.copy() if y is None else np.maximum(y, part) if op.kind == "max" else y + part
    if op.kind == "max":
        return y
    if op.count_pad:
        return y / F32(op.size[0] * op.size[1])
    ones = _padded(np.ones((1, 1, *x.shape[2:]), F32), op.pads, 0)
    count = np.zeros((1, 1, *out), F32)
    for _, _, part in _taps(ones, op, op.size, out):
        count += part
    return y / np.maximum(count, 1)


def _resize(op: g.Resize, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    from k210.model import ops

    if op.kind == "nearest":
        return x[:, :, ops.nearest(x.shape[2], shape[2])][..., ops.nearest(x.shape[3], shape[3])]
    ratio = [(a - 1) / max(b - 1, 1) if op.align else a / b for a, b in zip(x.shape[2:], shape[2:], strict=True)]
    return ops.bilinear(x, shape[2:], (ratio[0], ratio[1]))


BINARY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "min": np.minimum, "max": np.maximum}
REDUCE = {"mean": np.mean, "sum": np.sum, "min": np.min, "max": np.max}


def _softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def _slice(op: g.Slice, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    index = []
    for b, s, n in zip(op.begin, op.step, shape, strict=True):
        end = b + (n - 1) * s + (1 if s > 0 else -1)
        index.append(slice(b, None if end < 0 else end, s))
    return x[tuple(index)]


def _pad(op: g.Pad, x: np.ndarray) -> np.ndarray:
    crop = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, op.pads, strict=True))
    return np.pad(x[crop], [(max(a, 0), max(b, 0)) for a, b in op.pads], constant_values=F32(op.value))


def compute(graph: Graph, op: Op, inputs: list[np.ndarray], keep: Callable[[str, np.ndarray], None]) -> np.ndarray:
    """One operation. keep: is told of values inside of an operation that have a name."""
    x = inputs[0]
    shape = graph.shape(op.output)
    match op:
        case g.Conv():
            y = convolve(op, x)
            if op.before:
                keep(op.before, y)
            y = op.act(y)
            if op.full:
                keep(op.full, y)
            return kpu_pool(y, op.pool)
        case g.Act():
            return op.expr(x)
        case g.Affine():
            side = (1, -1) + (1,) * (x.ndim - 2)
            return x * op.mul.reshape(side) + op.add.reshape(side)
        case g.Binary():
            with np.errstate(all="ignore"):
                y = BINARY[op.kind](x, inputs[1])
            return y if np.isinf([op.low, op.high]).all() else np.clip(y, op.low, op.high)
        case g.Pool():
            return pool(op, x)
        case g.Reduce():
            return REDUCE[op.kind](x, axis=op.axes, keepdims=True).reshape(shape)
        case g.Softmax():
            return _softmax(x, op.axis)
        case g.MatMul():
            y = x @ inputs[1]
            return y if op.bias is None else y + op.bias
        case g.Concat():
            return np.concatenate(inputs, op.axis)
        case g.Slice():
            return _slice(op, x, shape)
        case g.Pad():
            return _pad(op, x)
        case g.Transpose():
            return x.transpose(op.order)
        case g.Reshape():
            return x.reshape(shape)
        case g.Resize():
            return _resize(op, x, shape)
    raise K210Error(f"node {op.name}: cannot be computed")


def run(
    graph: Graph,
    inputs: dict[str, np.ndarray],
    keep: Callable[[str, np.ndarray], None] = lambda name, value: None,
) -> list[np.ndarray]:
    """The outputs. keep is told of every value; each is dropped after its last reader."""
    last: dict[str, Op] = {}
    for op in graph.ops:
        for name in op.inputs:
            last[name] = op
    values = {name: np.asarray(v, F32).reshape(graph.shape(name)) for name, v in inputs.items()}
    for name, value in values.items():
        keep(name, value)
    for op in graph.ops:
        found = [values[n] if n in values else np.asarray(graph.constants[n], F32) for n in op.inputs]
        y = np.asarray(compute(graph, op, found, keep), F32)
        if y.shape != graph.shape(op.output):
            raise K210Error(f"node {op.name}: computed {y.shape} instead of {graph.shape(op.output)}")
        keep(op.output, y)
        values[op.output] = y
        for name in op.inputs:
            if last[name] is op and name not in graph.outputs:
                values.pop(name, None)
    return [values[name] for name in graph.outputs]
