# SPDX-License-Identifier: MIT
"""CPU operations that several kmodel versions share, on numpy arrays. Integers are exact."""

import math
from collections.abc import Iterator

import numpy as np

from k210.errors import K210Error

F32 = np.float32
MAX_WINDOW_TAPS = 1 << 28


def half_away(x: np.ndarray) -> np.ndarray:
    return np.trunc(x + np.copysign(F32(0.5), x))


def to_u8(x: np.ndarray) -> np.ndarray:
    """Clamps to 0..255; what is no number becomes 0."""
    with np.errstate(invalid="ignore"):
        return np.clip(np.nan_to_num(x, nan=0.0), 0, 255).astype(np.uint8)


def shift_ties_up(v: np.ndarray, s: int) -> np.ndarray:
    """Rounding shift of v4: 64 bit, half goes up."""
    return (v + (1 << min(s, 62) - 1)) >> min(s, 62) if s > 0 else v


def shift_v3(v: np.ndarray, s: int) -> np.ndarray:
    """Rounding shift of v3: half goes up when positive; odd negative values end one too low."""
    if s <= 0:
        return v
    u = v >> min(s - 1, 63)
    return (u >> 1) + np.where(u & 1 == 1, np.where(u >= 0, 1, -1), 0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-x))).astype(F32)


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[F32])(x)


def softmax(x: np.ndarray, axis: int = -1, beta: float = 1.0) -> np.ndarray:
    e = np.exp((x - x.max(axis, keepdims=True)) * F32(beta))
    return e / e.sum(axis, keepdims=True)


def clamp(x: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return np.minimum(np.maximum(x, F32(limits[0])), F32(limits[1]))


def window_size(size: int, pad: tuple[int, int], f: int, stride: int, dilation: int) -> int:
    return max((size + sum(pad) - ((f - 1) * dilation + 1) + stride) // max(stride, 1), 0)


def windows(
    x: np.ndarray,
    pads: tuple[tuple[int, int], tuple[int, int]],
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    out: tuple[int, int],
    fill: float = 0,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """For each tap of a window of `size`: row, column and the pixels (..., out h, out w) it meets. Pads may crop."""
    if size[0] * size[1] * out[0] * out[1] > MAX_WINDOW_TAPS:
        raise K210Error(f"a window of {size} over {out} results would take for ever: the model is damaged")
    reach = [(o - 1) * s + (f - 1) * d + 1 for o, s, f, d in zip(out, stride, size, dilation, strict=True)]
    grown = x
    for axis, ((before, _), need) in enumerate(zip(pads, reach, strict=True), x.ndim - 2):
        if before < 0:
            grown = np.take(grown, range(-before, grown.shape[axis]), axis)
        width = [(0, 0)] * x.ndim
        width[axis] = (max(before, 0), max(need - grown.shape[axis] - max(before, 0), 0))
        grown = np.pad(grown, width, constant_values=fill)
    for r in range(size[0]):
        for c in range(size[1]):
            y, i = r * dilation[0], c * dilation[1]
            rows = slice(y, y + (out[0] - 1) * stride[0] + 1, stride[0])
            part = grown[..., rows, i : i + (out[1] - 1) * stride[1] + 1 : stride[1]]
            if part.shape[-2:] != tuple(out):
                raise K210Error(f"a window of {size} cannot make {out} results: the model is damaged")
            yield r, c, part


def conv2d(x: np.ndarray, w: np.ndarray, groups: int, out: tuple[int, int], pads, stride, dilation) -> np.ndarray:
    """x N, C, H, W; w out channels, C/groups, fh, fw. Exact for integers, no bias."""
    n, channels = x.shape[:2]
    per, outs = channels // groups, w.shape[0] // groups
    kind = np.int64 if np.issubdtype(w.dtype, np.integer) else F32
    y = np.zeros((n, groups, outs, *out), kind)
    grouped = w.reshape(groups, outs, per, *w.shape[2:]).astype(kind)
    for r, c, part in windows(x.astype(kind), pads, w.shape[2:], stride, dilation, out):
        y += np.einsum("gok,ngkhw->ngohw", grouped[..., r, c], part.reshape(n, groups, per, *out), optimize=True)
    return y.reshape(n, -1, *out)


def reduce_window(
    x: np.ndarray, op: int, init: float, out: tuple[int, int], pads, size, stride, dilation
) -> np.ndarray:
    """0 mean (of the taps inside the picture), 1 min, 2 max, 3 sum."""
    start = F32(init)
    y = np.full((*x.shape[:2], *out), start, F32)
    inside = np.ones((1, 1, *x.shape[2:]), F32)
    count = np.zeros((1, 1, *out), F32)
    neutral = {1: np.inf, 2: -np.inf}.get(op, 0)
    for _, _, part in windows(x.astype(F32), pads, size, stride, dilation, out, neutral):
        y = np.minimum(y, part) if op == 1 else np.maximum(y, part) if op == 2 else y + part
    if op == 0:
        for _, _, part in windows(inside, pads, size, stride, dilation, out):
            count += part
        y = y / np.maximum(count, 1)
    return y


def nearest(count_in: int, count_out: int) -> np.ndarray:
    """Source index for each result, as v3 and v4 choose it."""
    ratio = F32(count_in) / F32(max(count_out, 1))
    return np.minimum(np.floor(np.arange(count_out, dtype=F32) * ratio).astype(np.int64), count_in - 1)


def bilinear(x: np.ndarray, out: tuple[int, int], ratio: tuple[float, float], offset: float = 0) -> np.ndarray:
    """Four taps around (o + offset) * ratio - offset, clamped at the edges. x: ..., H, W; result f32."""
    taps = []
    for size, wanted, step in zip(x.shape[-2:], out, ratio, strict=True):
        at = (np.arange(wanted, dtype=F32) + F32(offset)) * F32(step) - F32(offset)
        at = np.maximum(at, 0)
        low = np.minimum(np.floor(at).astype(np.int64), size - 1)
        taps.append((low, np.minimum(low + 1, size - 1), (at - low).astype(F32)))
    (y0, y1, fy), (x0, x1, fx) = taps
    fy, fx, v = fy[:, None], fx[None, :], x.astype(F32)
    one = F32(1)
    a, b = v[..., y0[:, None], x0] * (one - fx) * (one - fy), v[..., y0[:, None], x1] * fx * (one - fy)
    c, d = v[..., y1[:, None], x0] * (one - fx) * fy, v[..., y1[:, None], x1] * fx * fy
    return a + b + c + d
