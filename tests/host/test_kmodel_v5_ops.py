# SPDX-License-Identifier: MIT
"""The stack machine of kmodel v5 and its tensor functions against numpy, in the numbering of every release."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from kpu_core import KpuError, Net, floats, octets
from v5_builder import DATA, F32, INPUT, OUTPUT, RDATA, RELEASES, U8, Program, strides

NO_CLAMP = struct.pack("<ff", -np.inf, np.inf)


pytestmark = pytest.mark.usefixtures("no_leak")


def run(p: Program, data: np.ndarray, out_shape: tuple[int, ...], out_dtype: int = F32) -> np.ndarray:
    with Net(p.model(data, out_shape, out_dtype)) as net:
        net.set_input(data.tobytes())
        net.run()
        return net.output().reshape(out_shape).copy()


def regs(p: Program, *shapes: tuple[int, ...]) -> list[int]:
    return [p.shape(s) for s in shapes]


def in_out(p: Program) -> Program:
    return p.buffer(INPUT).buffer(OUTPUT)


everywhere = pytest.mark.parametrize("release", RELEASES)


@everywhere
def test_binary_repeats_shapes(release):
    a, b = floats(1, 3, 4, 5), floats(1, 3, 1, 1, seed=2)
    p = Program(release)
    s1, t1, s2, t2, so, to = regs(p, a.shape, strides(a.shape), b.shape, strides(b.shape), a.shape, strides(a.shape))
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(OUTPUT)
    shape = [so] if p.names_shapes else []
    p.tensor("binary", F32, s1, t1, s2, t2, *shape, to, 1, struct.pack("<ff", -1.5, 2))
    assert np.allclose(run(p, a, a.shape), np.clip(a - b, -1.5, 2), atol=1e-6)


BINARY = [np.add, np.subtract, np.multiply, np.divide, np.minimum, np.maximum, np.power, np.floor_divide, np.mod]


@pytest.mark.parametrize("op", range(9))
def test_binary_operations(op):
    a, b = np.abs(floats(40)) + 0.1, np.abs(floats(40, seed=2)) + 0.3
    p = Program()
    s, t = regs(p, (40,), (1,))
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(OUTPUT).tensor("binary", F32, s, t, s, t, s, t, op, NO_CLAMP)
    assert np.allclose(run(p, a, (40,)), BINARY[op](a, b), rtol=1e-5, atol=1e-5)


@everywhere
def test_quantize_and_back(release):
    a = floats(1, 2, 5, 7)
    p = Program(release)
    p.data = 80
    s, t = regs(p, a.shape, strides(a.shape))
    p.buffer(INPUT).buffer(DATA).float(20.5).float(130).tensor("quantize", F32, U8, s, t, t)
    p.buffer(DATA).buffer(OUTPUT).float(0.25).float(-3).tensor("dequantize", U8, F32, s, t, t)
    q = np.clip(np.rint(a * np.float32(20.5) + np.float32(130)), 0, 255).astype(np.float32)
    assert np.array_equal(run(p, a, a.shape), q * np.float32(0.25) - 3)


@everywhere
def test_transpose_and_strided_copy(release):
    """A 3-dimensional transpose into a part of a larger tensor."""
    a = floats(2, 3, 4)
    p = Program(release)
    s, t, to, perm = regs(p, a.shape, strides(a.shape), (30, 5, 1), (1, 2, 0))
    # Output (3, 6, 5): the (3, 4, 2) result in its corner, the rest from a copy of zeros.
    zero = p.const(np.zeros(90, np.float32))
    sz, tz = regs(p, (90,), (1,))
    p.buffer(RDATA, zero).buffer(OUTPUT).tensor("copy", F32, sz, tz, tz)
    in_out(p).tensor("transpose", F32, s, t, to, perm)
    want = np.zeros((3, 6, 5), np.float32)
    want[:, :4, :2] = a.transpose(1, 2, 0)
    assert np.array_equal(run(p, a, (3, 6, 5)), want)


@everywhere
def test_slice(release):
    a = octets(1, 3, 8, 9)
    p = Program(release)
    out = (1, 2, 4, 3)
    s, t, to, begin, end, step = regs(
        p, a.shape, strides(a.shape), strides(out), (0, 1, 0, 2), (1, 3, 8, 99), (1, 1, 2, 3)
    )
    in_out(p).tensor("slice", U8, s, t, to, begin, end, step)
    assert np.array_equal(run(p, a, out, U8), a[:, 1:3, 0:8:2, 2:99:3])


@everywhere
def test_pad_and_crop(release):
    a = floats(1, 2, 4, 5)
    p = Program(release)
    out = (1, 3, 3, 8)
    s, t, to = regs(p, a.shape, strides(a.shape), strides(out))
    p.paddings(2, [(0, 0), (1, 0), (-1, 0), (1, 2)])
    in_out(p).float(7.5).tensor("pad", F32, s, t, to, 2, 0)
    want = np.pad(a[:, :, 1:], [(0, 0), (1, 0), (0, 0), (1, 2)], constant_values=7.5)
    assert np.array_equal(run(p, a, out), want)


@everywhere
@pytest.mark.parametrize(("op", "function"), [(0, np.mean), (1, np.min), (2, np.max), (3, np.sum)])
@pytest.mark.parametrize("keep", [0, 1])
def test_reduce(release, op, function, keep):
    a = floats(1, 3, 4, 5)
    want = function(a, axis=(2, 3), keepdims=bool(keep))
    p = Program(release)
    s, t, to, axes = regs(p, a.shape, strides(a.shape), strides(want.shape), (2, -1))
    in_out(p).float(0).tensor("reduce", F32, s, t, to, op, axes, keep)
    assert np.allclose(run(p, a, want.shape), want, atol=1e-5)


@everywhere
@pytest.mark.parametrize("op", [0, 2])
def test_reduce_window(release, op):
    a = floats(1, 2, 7, 6)
    out = (1, 2, 4, 3)
    p = Program(release)
    s, t, to = regs(p, a.shape, strides(a.shape), strides(out))
    p.buffer(INPUT).float(-1e30 if op == 2 else 0).buffer(OUTPUT).padding(1, 1).padding(0, 1)
    p.tensor("reduce_window2d", F32, op, s, t, to, struct.pack("<6H", 3, 2, 2, 2, 1, 1), NO_CLAMP)
    want = np.zeros(out, np.float32)
    for oy in range(4):
        for ox in range(3):
            part = a[:, :, max(0, 2 * oy - 1) : 2 * oy + 2, 2 * ox : 2 * ox + 2]
            want[:, :, oy, ox] = part.max((2, 3)) if op == 2 else part.mean((2, 3))
    assert np.allclose(run(p, a, out), want, atol=1e-5)


@everywhere
def test_resize_nearest(release):
    a = octets(1, 2, 3, 4)
    out = (1, 2, 6, 10)
    p = Program(release)
    s, t, to = regs(p, a.shape, strides(a.shape), strides(out))
    p.int(6).int(10)
    in_out(p).tensor("resize_image", U8, s, t, to, 0, 0, 1)
    want = a[:, :, np.arange(6) * 3 // 6][:, :, :, np.arange(10) * 4 // 10]
    assert np.array_equal(run(p, a, out, U8), want)


def test_resize_bilinear_half_pixel():
    a = floats(1, 1, 4, 4)
    p = Program()
    s, t, to = regs(p, a.shape, strides(a.shape), strides((1, 1, 8, 8)))
    p.int(8).int(8)
    in_out(p).tensor("resize_image", F32, s, t, to, 0, 1, 0)
    v = np.maximum((np.arange(8) + 0.5) / 2 - 0.5, 0)
    low = v.astype(int)
    high, f = np.minimum(low + 1, 3), v - low
    rows = a[0, 0][low] * (1 - f)[:, None] + a[0, 0][high] * f[:, None]
    want = rows[:, low] * (1 - f) + rows[:, high] * f
    assert np.allclose(run(p, a, (1, 1, 8, 8))[0, 0], want, atol=1e-5)


UNARY = {
    "abs": np.abs, "acos": np.arccos, "asin": np.arcsin, "ceil": np.ceil, "cos": np.cos, "exp": np.exp,
    "floor": np.floor, "log": np.log, "neg": np.negative, "round": np.rint, "rsqrt": lambda x: 1 / np.sqrt(x),
    "sign": np.sign, "sin": np.sin, "sqrt": np.sqrt, "square": np.square, "tanh": np.tanh,
}  # fmt: skip


def unary_codes(release: str) -> list[str]:
    missing = {"1.0b": {"acos", "asin", "sign"}, "1.0": {"sign"}}.get(release, set())
    return [name for name in UNARY if name not in missing]


@pytest.mark.parametrize(("release", "name"), [(r, n) for r in ("1.0b", "1.0", "1.6", "1.9") for n in unary_codes(r)])
def test_unary(release, name):
    a = np.random.default_rng(5).uniform(0.05, 0.95, 50).astype(np.float32)
    p = Program(release)
    s, t = regs(p, (50,), (1,))
    # A pad in front makes the numbering of the release plain.
    p.data = 200
    p.paddings(0, [(0, 0)])
    p.buffer(INPUT).buffer(DATA).float(0).tensor("pad", F32, s, t, t, 0, 0)
    p.buffer(DATA).buffer(OUTPUT).tensor("unary", F32, s, t, t, unary_codes(release).index(name))
    assert np.allclose(run(p, a, (50,)), UNARY[name](a), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("release", ["1.2", "1.3", "1.4", "1.6"])
def test_sigmoid(release):
    a = floats(33)
    p = Program(release)
    s, t = regs(p, (33,), (1,))
    in_out(p).tensor("sigmoid", F32, s, t, *([] if release == "1.2" else [t]))
    assert np.allclose(run(p, a, (33,)), 1 / (1 + np.exp(-a)), atol=1e-6)


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_softmax(axis):
    a = floats(2, 3, 4, 5)
    p = Program()
    s, t = regs(p, a.shape, strides(a.shape))
    in_out(p).tensor("softmax", F32, s, t, t, struct.pack("<if", axis, 0.5))
    e = np.exp((a - a.max(axis, keepdims=True)) * 0.5)
    assert np.allclose(run(p, a, a.shape), e / e.sum(axis, keepdims=True), atol=1e-6)


def test_convert_saturates():
    a = np.array([-5, 0.4, 3.9, 254.6, 300], np.float32)
    p = Program()
    s, t = regs(p, (5,), (1,))
    in_out(p).tensor("convert", F32, U8, s, t, t)
    assert run(p, a, (5,), U8).tolist() == [0, 0, 3, 254, 255]


def test_stack_instructions():
    """nop, dup, pop and ldnull do what they say."""
    a = floats(8)
    p = Program()
    p.int(8).op(0x2F, 0x30, 0x00).op(0x31, 0, 1).int(1).op(0x31, 1, 1).op(0x01, 0x30)
    in_out(p).tensor("copy", F32, 0, 1, 1)
    assert np.array_equal(run(p, a, (8,)), a)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: p.buffer(INPUT, 100), "past the end of its memory"),
        (lambda p: p.buffer(9), "shared or unknown memory"),
        (lambda p: p.op(0x30), "stack is wrong"),
        (lambda p: p.op(0x2F), "stack is wrong"),
        (lambda p: [p.int(1) for _ in range(300)], "stack is wrong"),
        (lambda p: p.op(0x33), "instruction 33"),
        (lambda p: p.op(0xFF), "instruction ff"),
        (lambda p: p.op(0x5E, b"\x60\x00"), "tensor function 0x60"),
        (lambda p: p.op(0x31, 0, 9), "too many dimensions"),
        (lambda p: p.op(0x32, 99, 1), "too many padding registers"),
    ],
)
def test_bad_code(make, text):
    p = Program()
    make(p)
    with pytest.raises(KpuError, match=text):
        run(p, floats(8), (8,))


@pytest.mark.parametrize(
    ("shape", "stride", "text"),
    [((9,), (1,), "36 bytes where 32 are left"), ((8,), (2,), "60 bytes"), ((0,), (1,), "not positive"),
     ((-3,), (1,), "not positive"), ((8,), (-1,), "not positive"), ((1 << 20, 1 << 20), (0, 0), "too many elements")],
)  # fmt: skip
def test_tensors_stay_inside(shape, stride, text):
    p = Program()
    s, t = regs(p, shape, stride)
    in_out(p).tensor("copy", F32, s, t, t)
    with pytest.raises(KpuError, match=text):
        run(p, floats(8), (8,))


def test_constants_are_not_written():
    p = Program()
    s, t = regs(p, (8,), (1,))
    at = p.const(floats(8))
    p.buffer(INPUT).buffer(RDATA, at).tensor("copy", F32, s, t, t)
    with pytest.raises(KpuError, match="writes to constants"):
        run(p, floats(8), (8,))


def test_empty_program():
    with pytest.raises(KpuError, match="does nothing"):
        run(Program(), floats(8), (8,))
