# SPDX-License-Identifier: MIT
"""What values were seen during calibration, and the range that is worth 256 steps."""

from __future__ import annotations

import numpy as np

BINS = 2048
SAMPLES = 1 << 16  # of one array, for the histogram; minimum and maximum see all of it
METHODS = ("minmax", "percentile", "kl", "mse")


class Seen:
    """Minimum, maximum, histogram and the mean of each channel of one value over all calibration inputs."""

    def __init__(self) -> None:
        self.low, self.high = np.inf, -np.inf
        self.reach = 0.0  # the bins go from -reach to +reach
        self.bins = np.zeros(BINS, np.float64)
        self.total: np.ndarray | None = None
        self.square = 0.0
        self.runs = 0

    def add(self, x: np.ndarray) -> None:
        self.low = min(self.low, float(x.min()))
        self.high = max(self.high, float(x.max()))
        self.runs += 1
        if x.ndim == 4:
            mean = x.mean((0, 2, 3), dtype=np.float64)
            self.total = mean if self.total is None else self.total + mean
        flat = x.ravel()
        if flat.size > SAMPLES:
            flat = flat[:: -(-flat.size // SAMPLES)]
        self.square += float(np.square(flat, dtype=np.float64).mean())
        top = max(abs(self.low), abs(self.high), 1e-30)
        if not self.reach:
            self.reach = top
        while top > self.reach:
            half = self.bins.reshape(-1, 2).sum(1)
            self.bins[:] = 0
            self.bins[BINS // 4 : BINS // 4 * 3] = half
            self.reach *= 2
        index = np.minimum(((flat + self.reach) * (BINS / 2 / self.reach)).astype(np.int64), BINS - 1)
        self.bins += np.bincount(np.maximum(index, 0), minlength=BINS)

    @property
    def mean(self) -> np.ndarray | None:
        return None if self.total is None else self.total / max(self.runs, 1)

    @property
    def centers(self) -> np.ndarray:
        return (np.arange(BINS) + 0.5) * (2 * self.reach / BINS) - self.reach

    def range(self, method: str, percentile: float) -> tuple[float, float]:
        """low and high; 0 is always inside."""
        low, high = min(self.low, 0.0), max(self.high, 0.0)
        if method == "minmax" or not self.bins.sum():
            return low, high
        if method == "percentile":
            a, b = self._percentile(percentile)
        elif method == "mse":
            a, b = self._least_squares()
        else:
            a, b = self._divergence()
        return max(low, min(a, 0.0)), min(high, max(b, 0.0))

    def _percentile(self, percentile: float) -> tuple[float, float]:
        rising = np.cumsum(self.bins) / self.bins.sum()
        outside = (1 - percentile / 100) / 2
        width = 2 * self.reach / BINS
        first, last = np.searchsorted(rising, outside, "right"), np.searchsorted(rising, 1 - outside)
        return float(first * width - self.reach), float((min(last, BINS - 1) + 1) * width - self.reach)

    def _least_squares(self) -> tuple[float, float]:
        """The cut on both sides with the least mean square of clipping and rounding together."""
        x, share = self.centers, self.bins / self.bins.sum()
        low, high = min(self.low, 0.0), max(self.high, 0.0)
        parts = np.linspace(0.3, 1.0, 57)
        above = np.array([(share * np.square(np.maximum(x - high * p, 0))).sum() for p in parts])
        below = np.array([(share * np.square(np.maximum(low * p - x, 0))).sum() for p in parts])
        step = (high * parts[:, None] - low * parts) / 255
        total = above[:, None] + below + np.square(step) / 12
        i, j = np.unravel_index(int(total.argmin()), total.shape)
        return low * parts[j], high * parts[i]

    def _divergence(self) -> tuple[float, float]:
        """The cut on both sides for which 256 steps tell the most (least Kullback-Leibler divergence)."""
        used = np.flatnonzero(self.bins)
        first, end = int(used[0]), int(used[-1]) + 1
        zero = BINS // 2
        best, choice = np.inf, (first, end)
        for part in np.linspace(0.2, 1.0, 65):
            a = min(zero, zero - round((zero - first) * part))
            b = max(zero + 1, zero + round((end - zero) * part))
            if b - a < 8:
                continue
            found = _kl(self.bins, a, b)
            if found < best:
                best, choice = found, (a, b)
        width = 2 * self.reach / BINS
        return choice[0] * width - self.reach, choice[1] * width - self.reach


def _kl(bins: np.ndarray, a: int, b: int) -> float:
    p = bins[a:b].copy()
    kept = p.copy()
    p[0] += bins[:a].sum()
    p[-1] += bins[b:].sum()
    levels = min(256, b - a)
    group = np.arange(b - a) * levels // (b - a)
    total, filled = np.bincount(group, kept, levels), np.bincount(group, kept > 0, levels)
    q = np.where(kept > 0, (total / np.maximum(filled, 1))[group], 0)
    p = (p + 1e-7 * p.sum() / len(p)) / (p.sum() * (1 + 1e-7))
    q = (q + 1e-7 * max(q.sum(), 1) / len(q)) / (max(q.sum(), 1) * (1 + 1e-7))
    return float((p * np.log(p / q)).sum())
