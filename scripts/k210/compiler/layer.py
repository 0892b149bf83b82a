# SPDX-License-Identifier: MIT
"""The numbers of one KPU layer: weights, BN table and activation table out of a float convolution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from k210.compiler import table as tables
from k210.compiler.graph import Conv
from k210.compiler.stats import Seen

MAX_MUL, MAX_BN_SHIFT = 1 << 22, 15
MAX_B = 1 << 34
STEPS = 1 << 22  # of b over the range that was seen: fine enough for 256 results, coarse enough for 15-bit slopes
MEAN_POOLS = {2: 4, 4: 16, 8: 4}


@dataclass(frozen=True)
class Quant:
    """x = (q - zero) * scale. zero is whole except for an input whose range is given."""

    scale: float
    zero: float

    def real(self, q: np.ndarray) -> np.ndarray:
        return ((q.astype(np.float64) - self.zero) * self.scale).astype(np.float32)

    def steps(self, x: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(np.asarray(x, np.float64) / self.scale + self.zero), 0, 255).astype(np.uint8)


def quant(low: float, high: float) -> Quant:
    """256 steps over a range that contains 0, so that 0 is one of them."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255
    if not scale > 1e-30:
        return Quant(1.0, 0.0)
    return Quant(float(np.float32(scale)), float(np.clip(round(-low / scale), 0, 255)))


@dataclass
class LayerData:
    """What goes into the file besides the words that say where maps lie."""

    weights: bytes
    bn: bytes
    activation: bytes
    pad: int
    arg_x: int
    arg_w: int
    arg_add: int
    table: tables.Table
    weight_error: float  # of the quantized weights, relative to them


def _weight_steps(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Weights as bytes, the real value of a step for each output channel, and the zero of all of them."""
    flat = w.reshape(w.shape[0], -1).astype(np.float64)
    low, high = np.minimum(flat.min(1), 0), np.maximum(flat.max(1), 0)
    zeros = np.arange(1, 255)
    # For each zero the step that every channel would need; the zero with the least total of squares is the best.
    need = np.maximum(high[:, None] / (255 - zeros), -low[:, None] / zeros)
    share = np.square(np.maximum(need, 1e-30) / np.maximum(need.min(1, keepdims=True), 1e-30))
    zero = int(zeros[share.sum(0).argmin()])
    scale = np.maximum(need[:, zero - 1], 1e-12)
    steps = np.clip(np.rint(flat / scale[:, None] + zero), 0, 255)
    return steps.reshape(w.shape).astype(np.uint8), scale, zero


def build(
    op: Conv, source: Quant, result: Quant, before: Seen | None, mean: np.ndarray | None, correct: bool
) -> LayerData:
    """source, result: steps of input and output; before: results of the convolution in calibration; mean: of each
    input channel, for the correction of the bias by what rounding the weights does on average."""
    k = op.weight.shape[2]
    w, scale, zero = _weight_steps(op.weight)
    real = (w.astype(np.float64) - zero) * scale[:, None, None, None]
    lost = real - op.weight
    bias = op.bias.astype(np.float64)
    if correct and mean is not None:
        taps = lost.sum((2, 3))
        bias = bias - (taps[:, 0] * mean if op.depthwise else taps @ mean)
    pad = int(np.clip(round(source.zero), 0, 255))
    # A zero between two steps (only inputs have that) is a constant for each channel.
    bias = bias + (pad - source.zero) * source.scale * real.sum((1, 2, 3))
    one = source.scale * scale  # real value of a step of the sum, for each channel
    low, high = _reach(op, bias, before)
    step = _step_of_b(op, one, bias, w, zero, high - low)
    mul, shift, add = _bn(one / step, bias / step)
    shrink = MEAN_POOLS.get(op.pool, 1)
    # The mean of a pool is cut, not rounded: what that loses on average goes on top before it.
    lift = (shrink - 1) / (2 * shrink)

    def function(x: np.ndarray) -> np.ndarray:
        return np.asarray(op.act(np.asarray(x, np.float64))) / result.scale + result.zero + lift

    seen = (before.centers, before.bins) if before is not None and before.runs else None
    table = tables.fit(function, low, high, step, seen)
    bn = [
        int(m) & 0xFFFFFF | (int(a) & 0xFFFFFFFF) << 24 | int(s) << 56 for m, a, s in zip(mul, add, shift, strict=True)
    ]
    size = float(np.sqrt(np.square(op.weight.astype(np.float64)).sum()))
    return LayerData(
        weights=w.tobytes(), bn=np.array(bn, "<u8").tobytes(), activation=table.words(), pad=pad,
        arg_x=-zero, arg_w=-pad, arg_add=k * k * pad * zero, table=table,
        weight_error=float(np.sqrt(np.square(lost).sum())) / max(size, 1e-30),
    )  # fmt: skip


def blank(op: Conv) -> LayerData:
    """The sizes of a layer without its numbers, for a plan before calibration."""
    table = tables.Table([], 0.0, 0.0)
    return LayerData(bytes(op.weight.size), bytes(8 * op.weight.shape[0]), bytes(144), 0, 0, 0, 0, table, 0.0)


def _reach(op: Conv, bias: np.ndarray, before: Seen | None) -> tuple[float, float]:
    """Where the results of the convolution lie."""
    if before is not None and before.runs:
        low, high = before.low, before.high
    else:
        low, high = float(bias.min()), float(bias.max())
    if not high - low > 1e-9 * max(abs(low), abs(high), 1e-6):
        middle, width = (low + high) / 2, max(abs(low), abs(high), 1e-6)
        low, high = middle - width, middle + width
    return low, high


def _step_of_b(op: Conv, one: np.ndarray, bias: np.ndarray, w: np.ndarray, zero: int, width: float) -> float:
    """The real value of one step of b. Coarser than wanted where b or the factors would not fit their bits."""
    most = np.abs(w.astype(np.int64) - zero).reshape(w.shape[0], -1).sum(1) * 255.0
    limit = float((most * one + np.abs(bias)).max())
    step = width / STEPS
    step = max(step, limit / MAX_B, float(np.abs(bias).max()) / (1 << 30))
    step = max(step, float(one.max()) * (1 << 0) / (MAX_MUL - 1))
    return step


def _bn(factor: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """factor as mul / 2^shift with as many bits as fit."""
    shift = np.full(len(factor), MAX_BN_SHIFT)
    for _ in range(MAX_BN_SHIFT):
        shift = np.where((np.rint(factor * 2.0**shift) >= MAX_MUL) & (shift > 0), shift - 1, shift)
    mul = np.minimum(np.rint(factor * 2.0**shift), MAX_MUL - 1)
    return mul.astype(np.int64), shift.astype(np.int64), np.rint(bias).astype(np.int64)


def quantized_multiplier(value: float, bits: int = 15) -> tuple[int, int]:
    """mul and shift for the rounding shifts of CPU layers: mul / 2^shift is near to the value."""
    if value == 0:
        return 0, 0
    shift = bits - 1 - math.floor(math.log2(abs(value)))
    shift = max(0, min(shift, 31))
    return round(value * 2.0**shift), shift
