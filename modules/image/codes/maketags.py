#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tag25h7.h: `maketags.py > tag25h7.h` (half a minute; needs numpy).

A family of AprilTags is a lexicode (Olson, "AprilTag: A robust and flexible visual fiducial system", 2011): going
through all numbers in steps of a prime, from a start that java.util.Random gives, a number is taken when it differs
enough from all taken ones and from itself in every rotation, and when it takes enough rectangles to draw it.
"""

from collections.abc import Iterator

import numpy as np

PRIME = 982451653
CHUNK = 1 << 18


def java_random(seed: int) -> int:
    """The first nextLong() of java.util.Random(seed)."""
    state, halves = (seed ^ 0x5DEECE66D) % (1 << 48), []
    for _ in range(2):
        state = (state * 0x5DEECE66D + 0xB) % (1 << 48)
        half = state >> 16
        halves.append(half - (1 << 32) if half >> 31 else half)
    return (halves[0] << 32) + halves[1]


def rotated(v: np.ndarray, side: int) -> np.ndarray:
    """By a quarter turn; bits in rows, the most significant one at the top left."""
    out = np.zeros_like(v)
    for row in range(side):
        for column in range(side):
            bit = v >> np.uint64(side * side - 1 - (row * side + column)) & np.uint64(1)
            out |= bit << np.uint64(side * side - 1 - (column * side + side - 1 - row))
    return out


class Rectangles:
    """All rectangles of a picture, each in black and in white."""

    def __init__(self, side: int) -> None:
        spans = [(a, b) for a in range(side) for b in range(a, side)]
        masks = np.zeros((len(spans), len(spans), side, side), bool)
        for i, (y0, y1) in enumerate(spans):
            for k, (x0, x1) in enumerate(spans):
                masks[i, k, y0 : y1 + 1, x0 : x1 + 1] = True
        self.masks = masks.reshape(-1, side * side)
        self.counts = self.masks.astype(np.int32)

    def needed(self, picture: np.ndarray) -> int:
        """How many of them draw the picture, when each step takes one that mends most; the first one of equals."""
        out, n = np.full(picture.shape, -1), 0
        while (out != picture).any():
            right = (out == picture).astype(np.int32)
            gains = np.stack([self.counts @ ((picture == v).astype(np.int32) - right) for v in (0, 1)], axis=1)
            best, v = divmod(int(gains.argmax()), 2)
            out[self.masks[best]] = v
            n += 1
        return n


def family(side: int, distance: int, complexity: int, limit: int | None = None) -> Iterator[int]:
    """The codes one after the other; limit: of that many numbers only."""
    bits = side * side
    mask, limit = (1 << bits) - 1, limit or 1 << bits
    start = java_random(bits * 10000 + distance * 100 + complexity)
    rectangles = Rectangles(side)
    taken: list[np.uint64] = []

    def far(values: np.ndarray, code: np.uint64) -> np.ndarray:
        return values[np.bitwise_count(values ^ code) >= distance]

    for at in range(0, limit, CHUNK):
        steps = np.arange(at + 1, min(at + CHUNK, limit) + 1, dtype=np.uint64)
        values = steps * np.uint64(PRIME) + np.uint64(start % (1 << 64)) & np.uint64(mask)
        once = rotated(values, side)
        twice = rotated(once, side)
        differs = np.bitwise_count(np.stack([values ^ once, values ^ twice])) >= distance
        values = values[differs.all(axis=0)]
        for code in taken:
            values = far(values, code)
        while values.size:
            v, values = values[:1], values[1:]
            picture = int(v[0]) >> np.arange(bits) & 1
            if rectangles.needed(picture) < complexity:
                continue
            yield int(v[0])
            for _ in range(4):
                taken.append(v[0])
                values = far(values, v[0])
                v = rotated(v, side)


def main() -> None:
    codes = list(family(5, 7, 8))
    print("// SPDX-License-Identifier: MIT")
    print("// The codes of TAG25H7, from maketags.py: 25 bits in rows, the most significant one at the top left.")
    print("static const uint32_t codes_25h7[] = {")
    for i in range(0, len(codes), 10):
        print("    " + ", ".join(f"0x{c:07x}" for c in codes[i : i + 10]) + ",")
    print("};")


if __name__ == "__main__":
    main()
