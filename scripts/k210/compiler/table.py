# SPDX-License-Identifier: MIT
"""Fits the activation table of the KPU: a function in at most 16 straight pieces, none of which falls.

A falling piece would make negative products, whose rounding on the chip nobody has measured. So where a function
falls (as SiLU does left of its minimum), steps without slope follow it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

SEGMENTS = 16
LOWEST = -(1 << 35)
POINTS = 257
MAX_MUL, MAX_SHIFT = (1 << 15) - 1, 31


@dataclass(frozen=True)
class Segment:
    """y = (b - start) * mul / 2^shift + bias for b > start."""

    start: int
    mul: int
    shift: int
    bias: int


@dataclass
class Table:
    segments: list[Segment]
    rms: float  # error in steps of the output, weighted as the values occur, before rounding
    worst: float

    def words(self) -> bytes:
        """As the KPU reads it, 144 bytes."""
        full = list(self.segments)
        while len(full) < SEGMENTS:
            # Never reached: b stays below.
            full.append(Segment((1 << 35) - 1 - (SEGMENTS - 1 - len(full)), 0, 0, 255))
        words = [(s.shift & 0xFF) | (s.mul & 0xFFFF) << 8 | (s.start & (1 << 36) - 1) << 24 for s in full]
        return np.array(words, "<u8").tobytes() + bytes(s.bias for s in full)


def slope(value: float) -> tuple[int, int]:
    """mul and shift with mul / 2^shift near to the value."""
    if value <= 0:
        return 0, 0
    shift = MAX_SHIFT
    while shift and round(value * 2.0**shift) > MAX_MUL:
        shift -= 1
    return min(round(value * 2.0**shift), MAX_MUL), shift


def fit(
    function: Callable[[np.ndarray], np.ndarray],
    low: float,
    high: float,
    step: float,
    seen: tuple[np.ndarray, np.ndarray] | None = None,
) -> Table:
    """function: from the real result of the convolution to steps of the output (0..255 and beyond).

    low, high: where the results were in calibration; step: the real value of one step of b; seen: values and how
    often they occurred.
    """
    width = max(high - low, step * 512)
    middle = (low + high) / 2
    low, high = middle - width * 0.625, middle + width * 0.625  # a little more than was seen
    xs = np.unique(np.concatenate([np.linspace(low, high, POINTS), _corners(function, low, high)]))
    ys = np.clip(np.nan_to_num(function(xs), nan=0.0, posinf=1e6, neginf=-1e6), -64, 319)
    weights = _weights(xs, seen)
    straight = _straight(function, xs, ys, weights, step)
    segments = straight or _search(xs, ys, weights, step)
    return _judge(segments, function, xs, weights, step)


def _corners(function: Callable, low: float, high: float) -> np.ndarray:
    """Where the function bends or reaches the ends of the byte, found on a fine grid."""
    fine = np.linspace(low, high, 8193)
    y = np.clip(np.nan_to_num(function(fine), nan=0.0, posinf=1e6, neginf=-1e6), -1, 256)
    bend = np.abs(np.diff(y, 2))
    largest = np.argsort(bend)[-16:]
    return np.concatenate([fine[largest[bend[largest] > 1e-4] + 1], [0.0] if low < 0 < high else []])


def _weights(xs: np.ndarray, seen: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
    even = np.full(len(xs), 1 / len(xs))
    if seen is None or not seen[1].sum():
        return even
    index = np.clip(np.searchsorted(xs, seen[0]), 0, len(xs) - 1)
    often = np.bincount(index, seen[1], len(xs))
    often = np.convolve(often, [0.25, 0.5, 0.25], "same")
    return 0.8 * np.sqrt(often / often.sum() * even) + 0.2 * even


def _straight(function: Callable, xs: np.ndarray, ys: np.ndarray, weights: np.ndarray, step: float):
    """Functions of a few straight pieces (none, ReLU, leaky ReLU): exact, with starts where the result is whole."""
    inside = (ys > 0) & (ys < 255)
    if inside.sum() < 4:
        return None
    slopes = np.diff(ys) / np.diff(xs)
    pieces: list[list[int]] = []
    same = 1e-6 * max(float(np.abs(slopes).max()), 1e-12)
    for i in range(len(slopes)):
        if not (inside[i] or inside[i + 1]):
            continue
        if pieces and abs(slopes[i] - slopes[pieces[-1][0]]) < same and pieces[-1][1] == i:
            pieces[-1][1] = i + 1
        elif ys[i] <= 0 or ys[i + 1] >= 255:
            continue  # a piece that the clamp cuts; its neighbour goes on through it
        else:
            pieces.append([i, i + 1])
    if not pieces or len(pieces) > 6 or any(slopes[a] < 0 for a, _ in pieces):
        return None
    if any(e - s < 2 for s, e in pieces):
        return None
    first = max(pieces[0][0] - 1, 0)
    lines = [(slopes[s], xs[s], ys[s]) for s, _ in pieces]
    segments = [Segment(LOWEST, 0, 0, int(np.clip(round(float(ys[first])), 0, 255)))]
    for k, (m, x0, y0) in enumerate(lines):
        if m <= 0:
            segments.append(Segment(round(x0 / step), 0, 0, int(np.clip(round(float(y0)), 0, 255))))
            continue
        if k == 0:
            begin = 0.0 if ys[0] <= 0 else float(np.clip(np.floor(y0), 0, 255))
            begin = max(begin, float(segments[0].bias) if ys[first] > 0 else 0.0)
        else:
            begin = float(np.ceil(y0 - 1e-6))
        mul, shift = slope(m * step)
        if not mul:
            return None
        segments.append(Segment(round((x0 + (begin - y0) / m) / step), mul, shift, int(np.clip(begin, 0, 255))))
    starts = [s.start for s in segments]
    if any(b <= a for a, b in pairwise(starts)):
        return None
    end = pieces[-1][1]
    if end < len(xs) - 1 and ys[end] < 254.5 and ys[end + 1 :].max() < ys[end] + 1:
        segments.append(Segment(round(xs[end] / step), 0, 0, int(np.clip(round(float(ys[end])), 0, 255))))
    return segments


def _search(xs: np.ndarray, ys: np.ndarray, weights: np.ndarray, step: float) -> list[Segment]:
    """The best pieces between points of the grid, by dynamic programming. Each begins at a whole result."""
    n = len(xs)
    x, y = (xs - xs[0]) / (xs[-1] - xs[0]), ys
    w = weights / weights.sum()
    sums = [np.concatenate([[0.0], np.cumsum(w * v)]) for v in (np.ones(n), x, y, x * x, x * y, y * y)]
    i, j = np.meshgrid(np.arange(n), np.arange(n + 1), indexing="ij")
    s0, sx, sy, sxx, sxy, syy = (s[j] - s[i] for s in sums)
    x0 = x[i]
    cost = np.full((n, n + 1), np.inf)
    base, gain = np.zeros((n, n + 1)), np.zeros((n, n + 1))
    dx2 = np.maximum(sxx - 2 * x0 * sx + x0 * x0 * s0, 1e-18)
    dx = sx - x0 * s0
    for shift in (-1, 0, 1):
        start = np.clip(np.rint(y[i]) + shift, 0, 255)
        for flat in (False, True):
            rise = np.zeros_like(cost) if flat else np.maximum((sxy - x0 * sy - start * dx) / dx2, 0)
            level = np.clip(np.rint(sy / np.maximum(s0, 1e-18)), 0, 255) if flat else start
            error = (
                syy - 2 * level * sy + level * level * s0
                - 2 * rise * (sxy - x0 * sy - level * dx) + rise * rise * dx2
            )  # fmt: skip
            better = (error < cost) & (j > i)
            cost[better], base[better], gain[better] = error[better], level[better], rise[better]
    pieces = SEGMENTS - 1
    best = np.full((pieces + 1, n + 1), np.inf)
    came = np.zeros((pieces + 1, n + 1), np.int64)
    best[0, 0] = 0
    for k in range(1, pieces + 1):
        total = best[k - 1, :n, None] + cost
        came[k] = total.argmin(0)
        best[k] = total.min(0)
    count = int(np.argmin(best[:, n] + 1e-9 * np.arange(pieces + 1)))
    found, end = [], n
    for k in range(count, 0, -1):
        begin = int(came[k, end])
        found.append((begin, end))
        end = begin
    segments = [Segment(LOWEST, 0, 0, int(np.clip(round(float(ys[0])), 0, 255)))]
    span = xs[-1] - xs[0]
    for begin, end in reversed(found):
        at = round(xs[begin] / step) - 1
        mul, shift = slope(gain[begin, end] / span * step)
        segments.append(Segment(max(at, segments[-1].start + 1), mul, shift, int(base[begin, end])))
    return segments


def evaluate(segments: list[Segment], b: np.ndarray) -> np.ndarray:
    """Without rounding, clamped to the byte."""
    y = np.full(b.shape, float(segments[0].bias))
    for s in segments[1:]:
        here = b > s.start
        y[here] = (b[here] - s.start) * (s.mul / 2.0**s.shift) + s.bias
    return np.clip(y, 0, 255)


def _judge(segments: list[Segment], function: Callable, xs: np.ndarray, weights: np.ndarray, step: float) -> Table:
    found = evaluate(segments, xs / step)
    error = found - np.clip(np.nan_to_num(function(xs), nan=0.0, posinf=1e6, neginf=-1e6), 0, 255)
    rms = float(np.sqrt((weights * error * error).sum() / weights.sum()))
    return Table(segments, rms, float(np.abs(error).max()))
