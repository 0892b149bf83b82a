# SPDX-License-Identifier: MIT
"""The KPU's arithmetic written down slowly, from the description alone: one pixel at a time in Python integers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

STRIDE = {0: 1, 1: 2, 2: 2, 3: 4, 4: 4, 5: 2, 6: 2, 7: 4, 8: 1, 9: 1}


@dataclass
class Layer:
    """What a layer computes; where it lies in memory is added by `words`."""

    x: np.ndarray  # (channels, height, width)
    weights: np.ndarray  # (out, in, k, k), or (channels, 1, k, k) when depthwise
    bn: list[tuple[int, int, int]]  # mul, add, shift
    segments: list[tuple[int, int, int, int]]  # start, mul, shift, bias
    depthwise: bool = False
    pool: int = 0
    pad: int = 0
    arg_x: int = 0
    shr_x: int = 0
    arg_w: int = 0
    shr_w: int = 0
    arg_add: int = 0
    first_stride: bool = False
    bypass: bool = False
    eight_bit: bool = True
    extra: dict[str, int] = field(default_factory=dict)

    @property
    def kernel(self) -> int:
        return self.weights.shape[-1]

    @property
    def out_channels(self) -> int:
        return len(self.bn)

    @property
    def out_shape(self) -> tuple[int, int, int]:
        s = 2 if self.first_stride else STRIDE[self.pool]
        return self.out_channels, self.x.shape[1] // s, self.x.shape[2] // s


def rounded(p: int, s: int) -> int:
    if s == 0:
        return p
    q, f, half = p >> s, p & ((1 << s) - 1), 1 << (s - 1)
    sign = 1 if p >= 0 else -1
    if f > half or (f == half and q & 1):
        return q + sign
    return q


def activate(v: int, bn: tuple[int, int, int], segments: list[tuple[int, int, int, int]]) -> int:
    mul, add, shift = bn
    b = (v * mul >> shift) + add
    chosen = segments[0]
    for s in segments:
        if s[0] < b:
            chosen = s
    start, y_mul, y_shift, bias = chosen
    return min(max(rounded((b - start) * y_mul, y_shift) + bias, 0), 255)


def convolution(layer: Layer) -> np.ndarray:
    channels, height, width = layer.x.shape
    k = layer.kernel
    border = k // 2
    x = np.full((channels, height + 2 * border, width + 2 * border), layer.pad, np.int64)
    x[:, border : border + height, border : border + width] = layer.x
    out = np.zeros((layer.out_channels, height, width), np.uint8)
    for oc in range(layer.out_channels):
        if layer.bypass:
            for y in range(height):
                for i in range(width):
                    out[oc, y, i] = activate(int(layer.x[oc, y, i]), layer.bn[oc], layer.segments)
            continue
        w = layer.weights[oc].astype(np.int64)
        src = x[oc : oc + 1] if layer.depthwise else x
        total = (layer.arg_w * int(w.sum()) >> layer.shr_w) + layer.arg_add * src.shape[0]
        for y in range(height):
            for i in range(width):
                taps = src[:, y : y + k, i : i + k]
                v = int((taps * w).sum()) + (layer.arg_x * int(taps.sum()) >> layer.shr_x) + total
                out[oc, y, i] = activate(v, layer.bn[oc], layer.segments)
    return out


def pooled(layer: Layer, full: np.ndarray) -> np.ndarray:
    shape = layer.out_shape
    out = np.zeros(shape, np.uint8)
    s = 2 if layer.first_stride else STRIDE[layer.pool]
    height, width = full.shape[1:]
    for c in range(shape[0]):
        for y in range(shape[1]):
            for x in range(shape[2]):
                if layer.pool in (1, 2, 3, 4):
                    taps = [int(v) for v in full[c, y * s : y * s + s, x * s : x * s + s].flat]
                    value = max(taps) if layer.pool in (1, 3) else sum(taps) // (s * s)
                elif layer.pool == 6:
                    value = int(full[c, y * s, x * s + 1])
                elif layer.pool == 8:
                    value = (
                        sum(int(full[c, min(y + j, height - 1), min(x + i, width - 1)]) for j in (0, 1) for i in (0, 1))
                        // 4
                    )
                elif layer.pool == 9:
                    value = int(full[c, y : y + 2, x : x + 2].max())
                else:
                    value = int(full[c, y * s, x * s])
                out[c, y, x] = value
    return out


def run(layer: Layer) -> np.ndarray:
    return pooled(layer, convolution(layer))


def layout(width: int, height: int, channels: int) -> tuple[int, int, int, int]:
    """Group, lines per row, lines per channel group, lines of the whole map."""
    group = 4 if width <= 16 else 2 if width <= 32 else 1
    row = -(-width // 64)
    return group, row, row * height, row * height * -(-channels // min(channels, group))


def tables(layer: Layer) -> tuple[bytes, bytes, bytes]:
    """Weights, BN and activation as they lie in main memory."""
    bn = b"".join(
        ((mul & 0xFFFFFF) | (add & 0xFFFFFFFF) << 24 | shift << 56).to_bytes(8, "little")
        for mul, add, shift in layer.bn
    )
    act = b"".join(
        (shift | (mul & 0xFFFF) << 8 | (start & (1 << 36) - 1) << 24).to_bytes(8, "little")
        for start, mul, shift, _ in layer.segments
    ) + bytes(bias for *_, bias in layer.segments)
    kind = np.uint8 if layer.eight_bit else np.dtype("<u2")
    return layer.weights.astype(kind).tobytes(), bn, act


def words(
    layer: Layer,
    addresses: tuple[int, int, int],
    lines: tuple[int, int] = (0, 16384),
    per_load: int = 0,
    send: bool = False,
    full_add: bool = False,
    layouts: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
    int_en: bool = False,
) -> list[int]:
    """The twelve words; `addresses` are those of weights, BN and activation."""
    channels, height, width = layer.x.shape
    out, out_h, out_w = layer.out_shape
    layout_in, layout_out = layouts or (layout(width, height, channels), layout(out_w, out_h, out))
    per_load = per_load or out
    size = per_load * layer.weights[0].size * (1 if layer.eight_bit else 2)
    loads = -(-out // per_load)
    weights, bn, act = addresses
    return [
        int_en | full_add << 2 | layer.depthwise << 3,
        lines[0] | lines[1] << 32,
        (channels - 1) | (out - 1) << 32 | (per_load - 1) << 48,
        (width - 1) | (height - 1) << 10 | (out_w - 1) << 32 | (out_h - 1) << 42,
        (1 if layer.kernel == 3 else 0) | layer.pool << 4 | layer.first_stride << 8 | layer.bypass << 9
        | 1 << 10 | 15 << 16 | layer.pad << 24 | bn << 32,
        1 | (loads - 1) << 1 | size << 15 | weights << 32,
        0,
        layout_in[2] | layout_in[1] << 16 | layout_in[0] << 28 | 1 << 31 | act << 32,
        layout_out[2] | layout_out[1] << 16 | layout_out[0] << 20,
        layer.shr_w | layer.shr_x << 4 | (layer.arg_w & 0xFFFFFF) << 8 | (layer.arg_x & 0xFFFFFF) << 32,
        layer.arg_add & (1 << 40) - 1,
        send | ((out_w * out_h - 1) & 0xFFFF) << 16 | ((out_w * out_h * out if not full_add else 8 * out) - 1) << 32,
    ]  # fmt: skip


def random_layer(rng: np.random.Generator, **fixed: object) -> Layer:
    """A layer whose results are spread over 0..255 and hit ties, segment borders and both clamps."""

    def pick(name: str, value: object) -> object:
        return fixed.get(name, value)

    depthwise = bool(pick("depthwise", rng.random() < 0.3))
    kernel = int(pick("kernel", rng.choice([1, 3])))
    eight_bit = bool(pick("eight_bit", rng.random() < 0.7))
    pool = int(pick("pool", rng.integers(0, 10)))
    least = STRIDE[pool]
    width = int(pick("width", rng.integers(least, 70)))
    height = int(pick("height", rng.integers(least, 12)))
    channels = int(pick("channels", rng.integers(1, 9)))
    out = channels if depthwise else int(pick("out", rng.integers(1, 10)))
    top = 256 if eight_bit else 65536
    weights = rng.integers(0, top, (out, 1 if depthwise else channels, kernel, kernel))
    x = rng.integers(0, 256, (channels, height, width)).astype(np.uint8)
    if rng.random() < 0.2:
        weights[:] = top - 1
        x[:] = 255
    taps = weights[0].size
    zero_w, zero_x = int(rng.integers(0, top)), int(rng.integers(0, 256))
    shr_x, shr_w = int(rng.integers(0, 16)), int(rng.integers(0, 16))
    largest = (1 << 23) - 1
    spread = max(int(taps**0.5 * 255 * top / 4), 1)
    bn = []
    for _ in range(out):
        shift = int(rng.integers(0, 16))
        mul = int(rng.integers(-largest, largest + 1)) if rng.random() < 0.3 else int(rng.integers(1, 1 << 12))
        bn.append((mul, int(rng.integers(-(1 << 20), 1 << 20)), shift))
    reach = spread * 2000 >> 8
    starts = sorted({int(v) for v in rng.integers(-reach, reach + 1, 15)})
    segments = [(-(1 << 35), 0, 0, int(rng.integers(0, 256)))]
    negative = bool(pick("negative", rng.random() < 0.4))
    for s in starts[: int(rng.integers(1, 16))]:
        mul = int(rng.integers(-40 if negative else 0, 3000))
        shift = int(rng.integers(0, 30)) if rng.random() < 0.9 else int(rng.integers(30, 256))
        segments.append((s, mul, shift, int(rng.integers(0, 256))))
    if rng.random() < 0.3:
        # Ties: steps of exactly one half.
        segments = [(-(1 << 35), 0, 0, 7), (-3, 1, 1, 100), (9, -1 if negative else 3, 1, 50)]
        bn = [(1 if negative else 2, 0, 12) for _ in range(out)]
    while len(segments) < 16:
        segments.append(((1 << 35) - 20 + len(segments), 0, 0, 255))
    return Layer(
        x,
        weights,
        bn,
        segments,
        depthwise,
        pool,
        zero_x,
        arg_x=max(-(zero_w << shr_x), -largest) if rng.random() < 0.8 else 0,
        shr_x=shr_x,
        arg_w=max(-(zero_x << shr_w), -largest),
        shr_w=shr_w,
        arg_add=int(rng.integers(-(1 << 20), 1 << 20)) if rng.random() < 0.5 else kernel * kernel * zero_w * zero_x,
        eight_bit=eight_bit,
    )
