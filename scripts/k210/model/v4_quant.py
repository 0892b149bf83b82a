# SPDX-License-Identifier: MIT
"""The arithmetic of v4's CPU nodes that no other version has."""

import numpy as np

from k210.errors import K210Error
from k210.model import ops
from k210.model.kmodel import elements
from k210.model.reader import Reader

MAX_SIDE = 4096
NNIL_DEPTH = 64


def spread(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Broadcast: an index beyond the dimension of an input becomes 0."""
    index = [np.where(np.arange(n) < have, np.arange(n), 0) for n, have in zip(shape, x.shape, strict=True)]
    return x[np.ix_(*index)]


def check_window(pads, size, stride, dilation, what: str) -> None:
    values = [*size, *stride, *dilation]
    if min(values) < 1 or max(values) > MAX_SIDE or max(map(abs, (*pads[0], *pads[1]))) > MAX_SIDE:
        raise K210Error(f"{what} has an impossible window: the model is damaged")


def window_sizes(shape, pads, size, stride, dilation) -> tuple[int, int]:
    rows, columns = (
        ops.window_size(n, p, f, s, d) for n, p, f, s, d in zip(shape, pads, size, stride, dilation, strict=True)
    )
    return rows, columns


class Geometry:
    """groups, output channels, paddings, kernel, stride and dilation as convolutions have them in their body."""

    def __init__(self, r: Reader, what: str, out_channels: int | None = None) -> None:
        self.groups = r.i32()
        self.out_channels = r.i32() if out_channels is None else out_channels
        self.pads = (r.unpack("2i"), r.unpack("2i"))
        self.size, self.stride, self.dilation = r.unpack("2i"), r.unpack("2i"), r.unpack("2i")
        check_window(self.pads, self.size, self.stride, self.dilation, what)

    def weights(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        return (self.out_channels, shape[1] // self.groups, *self.size)

    def result(self, shape: tuple[int, ...], what: str, transposed: bool = False) -> tuple[int, int, int, int]:
        elements(shape, what)
        if self.groups < 1 or shape[1] % self.groups or self.out_channels % self.groups or self.out_channels < 1:
            raise K210Error(f"{what} has {self.groups} groups for {shape[1]} channels: the model is damaged")
        if transposed:
            return shape
        return (shape[0], self.out_channels, *window_sizes(shape[2:], self.pads, self.size, self.stride, self.dilation))

    def convolve(self, x: np.ndarray, w: np.ndarray, out: tuple[int, ...]) -> np.ndarray:
        return ops.conv2d(x, w, self.groups, out[2:], self.pads, self.stride, self.dilation)

    def convolve_back(self, x: np.ndarray, w: np.ndarray, out: tuple[int, ...]) -> np.ndarray:
        """Transposed convolution: every pixel is spread over the window that would have made it."""
        n, channels, height, width = x.shape
        per, outs = channels // self.groups, self.out_channels // self.groups
        y = np.zeros(out, np.float32)
        x = x.reshape(n, self.groups, per, height, width)
        grouped = w.reshape(self.groups, outs, per, *self.size)
        for r in range(self.size[0]):
            for c in range(self.size[1]):
                part = np.einsum("gok,ngkhw->ngohw", grouped[..., r, c], x).reshape(n, -1, height, width)
                rows = np.arange(height) * self.stride[0] - self.pads[0][0] + r * self.dilation[0]
                columns = np.arange(width) * self.stride[1] - self.pads[1][0] + c * self.dilation[1]
                good_r, good_c = (rows >= 0) & (rows < out[2]), (columns >= 0) & (columns < out[3])
                y[:, :, rows[good_r][:, None], columns[good_c]] += part[:, :, good_r][..., good_c]
        return y


def pad(x: np.ndarray, pads, value) -> np.ndarray:
    """Constant padding; negative numbers crop."""
    crop = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pads, strict=True))
    return np.pad(x[crop], [(max(a, 0), max(b, 0)) for a, b in pads], constant_values=value)


def slice_index(shape, begin, end, stride, what: str) -> list[np.ndarray]:
    index = []
    for n, b, e, s in zip(shape, begin, end, stride, strict=True):
        if s == 0:
            raise K210Error(f"{what} has a stride of 0: the model is damaged")
        picked = range(b, e, s)
        if len(picked) and not (0 <= picked[0] < n and 0 <= picked[-1] < n):
            raise K210Error(f"{what} takes {b} to {e} of a dimension of {n}: the model is damaged")
        index.append(np.array(picked, np.int64))
    return index


def binary(op: int, a: np.ndarray, b: np.ndarray, shape: tuple[int, ...], scales: tuple[int, ...]) -> np.ndarray:
    a_off, a_mul, a_shift, b_off, b_mul, b_shift, out_off, out_mul, out_shift = scales
    p = ops.shift_ties_up((spread(a, shape).astype(np.int64) + a_off) * a_mul, a_shift)
    q = ops.shift_ties_up((spread(b, shape).astype(np.int64) + b_off) * b_mul, b_shift)
    if op == 3:
        top, bottom = p + divide(q, np.int64(2)), q
        v = divide(top, bottom)
    else:
        v = (np.add, np.subtract, np.multiply, None, np.minimum, np.maximum)[op](p, q)
    return np.clip(ops.shift_ties_up(v * out_mul, out_shift) + out_off, 0, 255)


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As C divides: toward zero. By zero gives 0."""
    safe = np.where(b == 0, 1, b)
    q = np.abs(a) // np.abs(safe) * np.sign(a) * np.sign(safe)
    return np.where(b == 0, 0, q)


def nnil_code(r: Reader) -> list[tuple[int, float]]:
    """The byte code up to its return, as instruction and number."""
    code = []
    while r.left():
        (op,) = r.unpack("B")
        code.append((op, r.f32() if op == 0x06 else 0.0))
        if op == 0xA0:
            return code
    raise K210Error(f"{r.what} has byte code without a return: the model is damaged")


def nnil(code: list[tuple[int, float]], x: np.ndarray, what: str) -> np.ndarray:
    """Runs the byte code on all elements at once."""
    stack: list[np.ndarray] = []
    unary = [np.abs, np.ceil, np.cos, np.exp, np.floor, np.log, np.negative, None, np.sin, np.square]
    two = [np.add, np.subtract, np.multiply, np.divide, np.minimum, np.maximum]
    for op, number in code:
        need = 1 if op in (1, 2, 0xA0) or 0x20 <= op <= 0x29 else 2 if 0x40 <= op <= 0x45 else 3 if op == 0x80 else 0
        if len(stack) < need or len(stack) > NNIL_DEPTH:
            raise K210Error(f"{what} has byte code that uses its stack wrongly: the model is damaged")
        if op == 0x00:
            pass
        elif op == 0x01:
            stack.append(stack[-1])
        elif op == 0x02:
            stack.pop()
        elif op in (0x03, 0x04, 0x05, 0x06):
            values = {0x03: x, 0x04: 0.0, 0x05: 1.0, 0x06: number}
            stack.append(np.broadcast_to(np.asarray(values[op], np.float32), x.shape))
        elif 0x20 <= op <= 0x29:
            f = unary[op - 0x20]
            v = stack.pop()
            stack.append(f(v) if f else 1 / np.sqrt(v))
        elif 0x40 <= op <= 0x45:
            b, a = stack.pop(), stack.pop()
            stack.append(two[op - 0x40](a, b))
        elif op == 0x80:
            high, low, v = stack.pop(), stack.pop(), stack.pop()
            stack.append(np.minimum(np.maximum(v, low), high))
        elif op == 0xA0:
            return stack[-1]
        else:
            raise K210Error(f"{what} has the unknown byte code 0x{op:02x}: the model is damaged")
    raise K210Error(f"{what} has byte code without a return: the model is damaged")
