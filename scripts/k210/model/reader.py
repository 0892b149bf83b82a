# SPDX-License-Identifier: MIT
"""Reads little-endian fields; every access is checked against the end of the bytes."""

import struct

import numpy as np

from k210.errors import K210Error


class Reader:
    """A position in `data`, which ends at `end`. what: what the bytes are, for the error."""

    def __init__(self, data: bytes, at: int = 0, end: int | None = None, what: str = "the file") -> None:
        self.data = data
        self.start = at
        self.at = at
        self.end = len(data) if end is None else end
        self.what = what
        if not 0 <= at <= self.end <= len(data):
            raise K210Error(
                f"{what} should lie at {at} to {self.end}, but the model has only {len(data)} bytes: cut off or damaged"
            )

    def bytes(self, count: int) -> bytes:
        if count < 0 or self.at + count > self.end:
            raise K210Error(
                f"{self.what} ends at byte {self.end}, but {count} bytes are needed at byte {self.at}: "
                "the model is cut off or damaged"
            )
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, fields: str) -> tuple:
        fields = "<" + fields
        return struct.unpack(fields, self.bytes(struct.calcsize(fields)))

    def u32(self) -> int:
        return self.unpack("I")[0]

    def i32(self) -> int:
        return self.unpack("i")[0]

    def f32(self) -> float:
        return self.unpack("f")[0]

    def array(self, dtype: str, count: int) -> np.ndarray:
        if count < 0:
            raise K210Error(f"{self.what} asks for {count} values: the model is damaged")
        return np.frombuffer(self.bytes(count * np.dtype(dtype).itemsize), dtype)

    def skip_to(self, offset: int) -> None:
        """To a byte counted from where this reader began."""
        if not 0 <= offset <= self.end - self.start:
            raise K210Error(f"{self.what} has no byte {offset}: the model is cut off or damaged")
        self.at = self.start + offset

    def left(self) -> int:
        return self.end - self.at
