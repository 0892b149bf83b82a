# SPDX-License-Identifier: MIT
"""The KPU: the twelve words of a layer, AI memory, time, and arithmetic that is exact to the bit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from k210.errors import K210Error

LINE = 64
LINES = 32768
AI_BYTES = LINE * LINES
ACTIVATION_BYTES = 144
CLOCK_HZ = 400_000_000
WEIGHT_BYTES_PER_S = 294_912 / 0.339e-3  # published measurement: what a layer of 4x4 pixels takes
OVERHEAD = 1.025
WIDE = 1 << 62  # numbers from here on are computed as Python's, so that no product wraps

POOL_NAMES = ["", "max 2\u00d72", "mean 2\u00d72", "max 4\u00d74", "mean 4\u00d74", "stride 2", "stride 2 right"]
POOL_NAMES += ["stride 4", "mean 2\u00d72 /1", "max 2\u00d72 /1"]
POOL_STEP = [1, 2, 2, 4, 4, 2, 2, 4, 1, 1]
BLOCK_BYTES = 24 << 20  # of pixels laid out for one matrix product


def bits(word: int, low: int, count: int) -> int:
    return word >> low & (1 << count) - 1


def signed(value: int, count: int) -> int:
    return value - (1 << count) if value >> count - 1 else value


def pixel_layout(width: int) -> tuple[int, int]:
    """Channels per line and lines per row of a map as compilers lay it out."""
    return (4 if width <= 16 else 2 if width <= 32 else 1), -(-width // LINE)


def lines_of(channels: int, height: int, width: int) -> int:
    group, row = pixel_layout(width)
    return row * height * -(-channels // min(max(channels, 1), group))


@dataclass(frozen=True)
class Map:
    """Where a feature map lies in AI memory. channel_lines: from one channel group to the next."""

    line: int
    channels: int
    height: int
    width: int
    group: int
    row_lines: int
    channel_lines: int

    @classmethod
    def usual(cls, line: int, channels: int, height: int, width: int) -> "Map":
        group, row = pixel_layout(width)
        return cls(line, channels, height, width, group, row, row * height)

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    def lines(self) -> int:
        """As the file lays it out: the step of batches, and the time model's unit."""
        return self.row_lines * self.height * -(-self.channels // min(self.channels, self.group))

    def used(self) -> tuple[int, int]:
        groups = -(-self.channels // self.group)
        last = (groups - 1) * self.channel_lines + (self.height - 1) * self.row_lines + -(-self.width // LINE)
        return self.line, self.line + last

    def index(self) -> np.ndarray:
        """Byte numbers in AI memory, shape C, H, W."""
        c, y, x = (np.arange(n, dtype=np.int32) for n in self.shape)
        channel = (
            self.line * LINE + c // self.group * (self.channel_lines * LINE) + c % self.group * (LINE // self.group)
        )
        index = channel[:, None, None] + (y * (self.row_lines * LINE))[:, None] + x
        if index.size and index.max() >= AI_BYTES:
            raise K210Error(f"a feature map at line {self.line} goes past the end of AI memory: the model is damaged")
        return index

    def moved(self, lines: int) -> "Map":
        return Map(self.line + lines, *self.shape, self.group, self.row_lines, self.channel_lines)


def activation_tables(data: bytes) -> tuple[np.ndarray, ...]:
    """Start, factor, shift and bias of the 16 segments."""
    words = np.frombuffer(data[:128], "<u8")
    start = (words << np.uint64(4)).view(np.int64) >> 28
    mul = (words >> np.uint64(8)).astype(np.uint16).view(np.int16).astype(np.int64)
    shift = (words & np.uint64(0xFF)).astype(np.int64)
    return start, mul, shift, np.frombuffer(data[128:ACTIVATION_BYTES], np.uint8).astype(np.int64)


def activate(b: np.ndarray, tables: tuple[np.ndarray, ...]) -> np.ndarray:
    """The piecewise linear function with its rounding: half to even for products >= 0."""
    start, mul, shift, bias = tables
    if (np.diff(start) >= 0).all():
        segment = np.maximum(np.searchsorted(start, b.ravel(), "left").reshape(b.shape) - 1, 0)
    else:
        segment = np.zeros(b.shape, np.int64)
        for i in range(16):
            segment[b > start[i]] = i
    p = (b - start[segment]) * mul[segment]
    # An int64 is below 2^61 here, so that larger shifts give the same.
    s = (shift if b.dtype == object else np.minimum(shift, 62))[segment].astype(b.dtype)
    q = p >> s
    rest = p - (q << s)
    half = np.where(s > 0, np.left_shift(1, np.maximum(s - 1, 0), dtype=b.dtype), np.abs(rest) + 1)
    up = (rest > half) | ((rest == half) & ((q & 1) == 1))
    q += np.where(up, np.where(p >= 0, 1, -1), 0)
    return np.clip(q + bias[segment], 0, 255).astype(np.uint8)


def pool(full: np.ndarray, kind: int) -> np.ndarray:
    """Pooling of u8 C, H, W after the activation."""
    step = POOL_STEP[kind]
    height, width = full.shape[1] // step, full.shape[2] // step
    if kind in (1, 2, 3, 4):
        blocks = full[:, : height * step, : width * step].reshape(-1, height, step, width, step)
        if kind in (1, 3):
            return blocks.max((2, 4))
        return (blocks.sum((2, 4), dtype=np.uint32) // (step * step)).astype(np.uint8)
    if kind in (5, 6, 7):
        right = 1 if kind == 6 else 0
        return full[:, : height * step : step, right : width * step : step]
    if kind == 8:
        wide = np.pad(full, ((0, 0), (0, 1), (0, 1)), "edge").astype(np.uint16)
        return ((wide[:, :-1, :-1] + wide[:, 1:, :-1] + wide[:, :-1, 1:] + wide[:, 1:, 1:]) // 4).astype(np.uint8)
    if kind == 9:
        wide = np.pad(full, ((0, 0), (0, 1), (0, 1)))
        return np.maximum(
            np.maximum(wide[:, :-1, :-1], wide[:, 1:, :-1]), np.maximum(wide[:, :-1, 1:], wide[:, 1:, 1:])
        )
    return full


@dataclass
class KpuLayer:
    """One layer as its words and tables say."""

    words: Sequence[int]
    eight_bit: bool = True
    weights: bytes = field(default=b"", repr=False)
    bn: bytes = field(default=b"", repr=False)
    activation: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        w = self.words
        self.depthwise = bool(bits(w[0], 3, 1))
        self.kernel = {0: 1, 1: 3}.get(bits(w[4], 0, 3), 0)
        self.pool = bits(w[4], 4, 4)
        self.first_stride = bool(bits(w[4], 8, 1))
        self.bypass = bool(bits(w[4], 9, 1))
        if not self.kernel:
            raise K210Error(f"a KPU layer has kernel type {bits(w[4], 0, 3)}; there are 0 (1x1) and 1 (3x3)")
        if self.pool >= len(POOL_STEP):
            raise K210Error(f"a KPU layer has pool type {self.pool}; there are 0 to {len(POOL_STEP) - 1}")
        self.pad = bits(w[4], 24, 8)
        self.arg_x, self.shr_x = signed(bits(w[9], 32, 24), 24), bits(w[9], 4, 4)
        self.arg_w, self.shr_w = signed(bits(w[9], 8, 24), 24), bits(w[9], 0, 4)
        self.arg_add = signed(bits(w[10], 0, 40), 40)
        self.source = self._map("input", bits(w[1], 0, 15), (2, 0), (3, 0), w[7], bits(w[7], 28, 3))
        self.result = self._map("output", bits(w[1], 32, 15), (2, 32), (3, 32), w[8], bits(w[8], 20, 3))
        if (self.depthwise or self.bypass) and self.source.channels != self.result.channels:
            raise K210Error(
                f"a depthwise KPU layer has {self.source.channels} inputs and {self.result.channels} outputs"
            )
        step = POOL_STEP[self.pool] * (2 if self.first_stride else 1)
        limit = [-(-n // 2) if self.first_stride else n for n in self.source.shape[1:]]
        limit = [n // POOL_STEP[self.pool] for n in limit]
        if self.result.height > limit[0] or self.result.width > limit[1]:
            raise K210Error(
                f"a KPU layer should make {self.result.width}x{self.result.height} pixels out of "
                f"{self.source.width}x{self.source.height} with step {step}: the model is damaged"
            )

    def _map(self, what: str, line: int, c: tuple, size: tuple, layout: int, group: int) -> Map:
        if group not in (1, 2, 4):
            raise K210Error(f"the {what} of a KPU layer has {group} channels per line; there are 1, 2 and 4")
        words = self.words
        height = bits(words[size[0]], size[1] + 10, 9) + 1
        width = bits(words[size[0]], size[1], 10) + 1
        return Map(
            line, bits(words[c[0]], c[1], 10) + 1, height, width, group, bits(layout, 16, 4), bits(layout, 0, 15)
        )

    @property
    def weight_count(self) -> int:
        inputs = 1 if self.depthwise else self.source.channels
        return 0 if self.bypass else self.result.channels * inputs * self.kernel**2

    @property
    def weight_bytes(self) -> int:
        return self.weight_count * (1 if self.eight_bit else 2)

    @property
    def bn_bytes(self) -> int:
        return 8 * self.result.channels

    @property
    def parameter_bytes(self) -> int:
        return self.weight_bytes + self.bn_bytes + ACTIVATION_BYTES

    def describe(self) -> str:
        if self.bypass:
            return "none"
        return f"{self.kernel}\u00d7{self.kernel}"

    def seconds(self) -> float:
        """One line of pixels times one 3x3 kernel (or eight 1x1) per cycle, and the time to fetch the weights."""
        cycles = float(self.source.lines())
        if not (self.depthwise or self.bypass):
            cycles *= self.result.channels / (1 if self.kernel == 3 else 8)
        return cycles * OVERHEAD / CLOCK_HZ + self.weight_bytes / WEIGHT_BYTES_PER_S

    def macs(self) -> int:
        return self.weight_count * self.source.height * self.source.width

    def _sums(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sum of products, of pixels and of weights; doubles hold all of them exactly."""
        k, out = self.kernel, self.result.channels
        w = np.frombuffer(self.weights, np.uint8 if self.eight_bit else "<u2")[: self.weight_count]
        c, h, width = x.shape
        border = k // 2
        x = np.pad(x, ((0, 0), (border, border), (border, border)), constant_values=self.pad)
        if self.depthwise:
            w = w.reshape(out, k * k).astype(np.int64)
            total, plain = np.zeros((c, h, width), np.int64), np.zeros((c, h, width), np.int64)
            for i in range(k * k):
                part = x[:, i // k : i // k + h, i % k : i % k + width]
                total += part * w[:, i, None, None]
                plain += part
            return total, plain, w.sum(1)
        w = w.reshape(out, c * k * k)
        # A row of ones behind the weights makes the same product give the sum of the pixels.
        matrix = np.vstack([w, np.ones((1, c * k * k))]).astype(np.float64)
        total = np.empty((out + 1, h, width), np.int64)
        rows = max(1, BLOCK_BYTES // (8 * c * k * k * width))
        for y in range(0, h, rows):
            n = min(rows, h - y)
            block = np.empty((c, k, k, n, width))
            for dy in range(k):
                for dx in range(k):
                    block[:, dy, dx] = x[:, y + dy : y + dy + n, dx : dx + width]
            total[:, y : y + n] = (matrix @ block.reshape(c * k * k, n * width)).reshape(out + 1, n, width)
        return total[:-1], total[-1:], w.sum(1, dtype=np.int64)

    def compute(self, x: np.ndarray) -> np.ndarray:
        """u8 C, H, W in and out."""
        if self.bypass:
            v = x.astype(np.int64)
        else:
            v, plain, w_sums = self._sums(x)
            fixed = (self.arg_w * w_sums >> self.shr_w) + self.arg_add * (1 if self.depthwise else x.shape[0])
            v += self.arg_x * plain >> self.shr_x
            v += fixed[:, None, None]
        bn = np.frombuffer(self.bn, "<u8")[: self.result.channels]
        mul = (bn << np.uint64(40)).view(np.int64) >> 40
        add = (bn >> np.uint64(24)).astype(np.uint32).view(np.int32).astype(np.int64)
        shift = (bn >> np.uint64(56) & np.uint64(15)).astype(np.int64)
        if self.first_stride:
            v = v[:, ::2, ::2]
        if np.abs(v).max(initial=0) * float(np.abs(mul).max(initial=0)) >= WIDE:
            v = v.astype(object)
        v = (v * mul[:, None, None] >> shift[:, None, None]) + add[:, None, None]
        v = v.astype(np.int64 if np.abs(v).max(initial=0) < WIDE >> 17 else object)
        full = activate(v, activation_tables(self.activation))
        _, height, width = self.result.shape
        return np.ascontiguousarray(pool(full, self.pool)[:, :height, :width])

    def run(self, ai: np.ndarray, batches: int = 1) -> np.ndarray:
        """Reads AI memory, writes AI memory; gives the results of all batches as u8 batch, C, H, W."""
        results = []
        for batch in range(batches):
            source = self.source.moved(batch * self.source.lines())
            result = self.result.moved(batch * self.result.lines())
            y = self.compute(ai[source.index()])
            ai[result.index()] = y
            results.append(y)
        return np.stack(results)

    def lines(self, batches: int = 1) -> list[tuple[int, int]]:
        """AI memory that the layer touches."""
        used = []
        for m in (self.source, self.result):
            first, end = m.used()
            used.append((first, end + (batches - 1) * m.lines()))
        return used
