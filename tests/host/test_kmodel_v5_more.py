# SPDX-License-Identifier: MIT
"""The less usual tensor functions of kmodel v5 against numpy, in the numbering of every release that has them."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from kpu_core import KpuError, Net, floats
from v5_builder import (
    DATA,
    DTYPES,
    F32,
    I8,
    I16,
    I32,
    I64,
    INPUT,
    OUTPUT,
    RDATA,
    RELEASES,
    U8,
    U16,
    U32,
    Program,
    releases_of,
    strides,
)  # fmt: skip

NO_CLAMP = struct.pack("<ff", -np.inf, np.inf)


pytestmark = pytest.mark.usefixtures("no_leak")


def integers(*shape: int, low: int = -9, high: int = 10, dtype: type = np.int32) -> np.ndarray:
    return np.random.default_rng(3).integers(low, high, shape).astype(dtype)


def run(p: Program, data: np.ndarray, out_shape: tuple[int, ...], out_dtype: int = F32) -> np.ndarray:
    with Net(p.model(data, out_shape, out_dtype)) as net:
        net.set_input(data.tobytes())
        net.run()
        return net.output().reshape(out_shape).copy()


def regs(p: Program, *shapes: tuple[int, ...]) -> list[int]:
    return [p.shape(s) for s in shapes]


def both(p: Program, shape: tuple[int, ...]) -> list[int]:
    """Registers of a shape and of its strides."""
    return regs(p, shape, strides(shape))


def in_out(p: Program) -> Program:
    return p.buffer(INPUT).buffer(OUTPUT)


def per_release(name: str):
    return pytest.mark.parametrize("release", releases_of(name))


# ---- windows and products --------------------------------------------------------------------


def conv(a: np.ndarray, w: np.ndarray, b: np.ndarray, groups: int, stride: int, dilation: int, pad: int) -> np.ndarray:
    wide = np.pad(a, [(0, 0), (0, 0), (pad, pad), (pad, pad)]).astype(np.float64)
    per, outs = a.shape[1] // groups, w.shape[0] // groups
    size = [(n - ((f - 1) * dilation + 1)) // stride + 1 for n, f in zip(wide.shape[2:], w.shape[2:], strict=True)]
    y = np.zeros((a.shape[0], w.shape[0], *size))
    for o in range(w.shape[0]):
        g = o // outs
        for r in range(w.shape[2]):
            for c in range(w.shape[3]):
                part = wide[:, g * per : (g + 1) * per, r * dilation :: stride, c * dilation :: stride]
                y[:, o] += (part[:, :, : size[0], : size[1]] * w[o, :, r, c][None, :, None, None]).sum(1)
    return (y + b[None, :, None, None]).astype(np.float32)


@per_release("conv2d")
@pytest.mark.parametrize(("groups", "stride", "dilation"), [(1, 1, 1), (2, 2, 2), (4, 1, 2)])
def test_conv2d(release, groups, stride, dilation):
    a, w, b = floats(2, 4, 9, 10), floats(8, 4 // groups, 3, 3, seed=2), floats(8, seed=3)
    want = conv(a, w, b, groups, stride, dilation, 2)
    p = Program(release)
    s, t, sw, tw, tb, to = [*both(p, a.shape), *both(p, w.shape), p.shape((1,)), p.shape(strides(want.shape))]
    p.buffer(INPUT).buffer(RDATA, p.const(w)).buffer(RDATA, p.const(b)).buffer(OUTPUT).padding(2, 2).padding(2, 2)
    numbers = struct.pack("<5H", groups, stride, stride, dilation, dilation)
    p.tensor("conv2d", F32, s, t, sw, tw, tb, to, numbers, struct.pack("<ff", -20, 20))
    assert np.allclose(run(p, a, want.shape), np.clip(want, -20, 20), atol=1e-4)


@per_release("matmul")
def test_matmul(release):
    a, b, bias = floats(6, 5), floats(5, 7, seed=2), floats(7, seed=3)
    p = Program(release)
    s1, t1, s2, t2, so, to = [*both(p, a.shape), *both(p, b.shape), *both(p, (6, 7))]
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(RDATA, p.const(bias)).buffer(OUTPUT)
    registers = [s1, t1, s2, t2, so, to] if p.names_shapes else [s1, s2]
    p.tensor("matmul", *registers, struct.pack("<ff", -5, 8))
    assert np.allclose(run(p, a, (6, 7)), np.clip(a @ b + bias, -5, 8), atol=1e-4)


@pytest.mark.parametrize("shape_b", [(3, 5, 4), (1, 5, 4), (2, 1, 5, 4), (5, 4)])
def test_matmul_of_batches(shape_b):
    a, b = floats(2, 3, 6, 5), floats(*shape_b, seed=2)
    want = a @ b
    p = Program()
    s1, t1, s2, t2, so, to = [*both(p, a.shape), *both(p, b.shape), *both(p, want.shape)]
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(RDATA, p.const(np.zeros(4, np.float32))).buffer(OUTPUT)
    p.tensor("matmul", s1, t1, s2, t2, so, to, NO_CLAMP)
    assert np.allclose(run(p, a, want.shape), want, atol=1e-4)


@per_release("gru")
@pytest.mark.parametrize("direction", [0, 1, 2])
@pytest.mark.parametrize("before", [0, 1])
def test_gru(release, direction, before):
    if before and release != "1.9":
        pytest.skip("only 1.9 has it")
    steps, batch, size, n, dirs = 4, 2, 3, 5, 1 + (direction == 2)
    x, h0 = floats(steps, batch, size), floats(dirs, batch, n, seed=9)
    w, r, b = floats(dirs, 3, n, size, seed=2), floats(dirs, 3, n, n, seed=3), floats(dirs, 6, n, seed=4)
    p = Program(release)
    p.data = dirs * batch * n * 4
    p.buffer(INPUT)
    for part in (w, r, b, h0):
        p.buffer(RDATA, p.const(part))
    p.buffer(OUTPUT).buffer(DATA)
    s, sw = p.shape(x.shape), p.shape((dirs, 3 * n, size))
    p.tensor("gru", s, sw, direction, *([before] if release == "1.9" else []))
    want = np.zeros((steps, dirs, batch, n))
    for d in range(dirs):
        h = h0[d].astype(np.float64)
        for i in range(steps)[:: -1 if direction == 1 or d == 1 else 1]:
            z, reset = (1 / (1 + np.exp(-(x[i] @ w[d, g].T + b[d, g] + h @ r[d, g].T + b[d, 3 + g]))) for g in (0, 1))
            part = reset * (h @ r[d, 2].T + b[d, 5]) if before else (reset * h) @ r[d, 2].T + b[d, 5]
            h = (1 - z) * np.tanh(x[i] @ w[d, 2].T + b[d, 2] + part) + z * h
            want[i, d] = h
    assert np.allclose(run(p, x, want.shape), want, atol=1e-4)


# ---- several tensors -------------------------------------------------------------------------

COMPARE = [np.equal, np.not_equal, np.greater, np.greater_equal, np.less, np.less_equal]


@pytest.mark.parametrize("op", range(6))
@pytest.mark.parametrize("dtype", [F32, I32, I64])
def test_compare(op, dtype):
    a, b = (integers(2, 3, 4, dtype=DTYPES[dtype], low=n, high=3) for n in (-3, -2))
    b = b[:, :1]
    p = Program()
    s1, t1, s2, t2 = [*both(p, a.shape), *both(p, b.shape)]
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(OUTPUT).tensor("compare", dtype, s1, t1, s2, t2, s1, t1, op)
    assert np.array_equal(run(p, a, a.shape, U8), COMPARE[op](a, b))


@per_release("equal")
def test_equal(release):
    a, b = integers(3, 4, low=-1, high=2), integers(4, low=-1, high=2)
    p = Program(release)
    s1, t1, s2, t2 = [*both(p, a.shape), *both(p, b.shape)]
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(OUTPUT).tensor("equal", I32, s1, t1, s2, t2, t1)
    assert np.array_equal(run(p, a, a.shape, U8), a == b)


@per_release("ternary")
def test_ternary(release):
    a, b, c = np.round(floats(2, 1, 4)), floats(2, 3, 4, seed=2), floats(3, 1, seed=3)
    p = Program(release)
    s1, t1, s2, t2, s3, t3 = [*both(p, a.shape), *both(p, b.shape), *both(p, c.shape)]
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(RDATA, p.const(c)).buffer(OUTPUT)
    p.tensor("ternary", F32, s1, t1, s2, t2, s3, t3, t2)
    assert np.array_equal(run(p, a, b.shape), np.where(a != 0, b, c))


INTEGER_BINARY = {
    0: np.add, 1: np.subtract, 2: np.multiply, 3: lambda a, b: np.trunc(a / b), 4: np.minimum, 5: np.maximum,
    7: np.floor_divide, 8: np.mod, 9: np.bitwise_and, 10: np.bitwise_or, 11: np.bitwise_xor, 12: np.logical_and,
    13: np.logical_or, 14: np.logical_xor,
}  # fmt: skip


@pytest.mark.parametrize("op", INTEGER_BINARY)
@pytest.mark.parametrize("dtype", [I32, I64])
def test_binary_of_integers(op, dtype):
    a, b = integers(60, dtype=DTYPES[dtype]), integers(60, low=1, high=5, dtype=DTYPES[dtype])
    b[::2] *= -1
    p = Program()
    s, t = both(p, (60,))
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(OUTPUT).tensor("binary", dtype, s, t, s, t, s, t, op, NO_CLAMP)
    assert np.array_equal(run(p, a, (60,), dtype), INTEGER_BINARY[op](a, b).astype(a.dtype))


@pytest.mark.parametrize("op", [12, 13, 14])
def test_logic_of_floats(op):
    a, b = np.round(floats(40)), np.round(floats(40, seed=2))
    p = Program()
    s, t = both(p, (40,))
    p.buffer(INPUT).buffer(RDATA, p.const(b)).buffer(OUTPUT).tensor("binary", F32, s, t, s, t, s, t, op, NO_CLAMP)
    assert np.array_equal(run(p, a, (40,)), INTEGER_BINARY[op](a, b))


@per_release("lut1d")
def test_table(release):
    a, table = integers(3, 5, low=0, high=256, dtype=np.uint8), integers(256, low=0, high=256, dtype=np.uint8)
    p = Program(release)
    s, t, to = [*both(p, a.shape), p.shape((1, 3))]  # the result lies column by column
    p.buffer(INPUT).buffer(RDATA, p.const(table)).buffer(OUTPUT).int(0).int(255)
    p.tensor("lut1d", U8, s, t, to, struct.pack("<H", 256))
    assert np.array_equal(run(p, a, (5, 3), U8), table[a].T)


# ---- one by one ------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [I8, U8, I16, U16, I32, U32, I64])
def test_convert_floats(to):
    limit = np.iinfo(DTYPES[to])
    a = np.array([-3e9, -130.7, -1, -0.4, 0, 0.9, 3.5, 130.2, 40000, 70000, 3e9, 5e9], np.float32)
    p = Program()
    s, t = both(p, a.shape)
    in_out(p).tensor("convert", F32, to, s, t, t)
    assert np.array_equal(run(p, a, a.shape, to), np.clip(np.trunc(a.astype(np.float64)), limit.min, limit.max))


@pytest.mark.parametrize("source", [I8, U8, I16, U16, I32, I64])
def test_convert_to_floats_and_wider(source):
    a = integers(50, low=-100 if source not in (U8, U16) else 0, high=100, dtype=DTYPES[source])
    for to in (F32, I64):
        p = Program()
        s, t = both(p, a.shape)
        in_out(p).tensor("convert", source, to, s, t, t)
        assert np.array_equal(run(p, a, a.shape, to), a)


def test_quantize_to_signed():
    a = floats(60)
    p = Program()
    p.data = 64
    s, t = both(p, a.shape)
    p.buffer(INPUT).buffer(DATA).float(40).float(-3).tensor("quantize", F32, I8, s, t, t)
    p.buffer(DATA).buffer(OUTPUT).float(0.025).float(1).tensor("dequantize", I8, F32, s, t, t)
    q = np.clip(np.rint(a * np.float32(40) - 3), -128, 127).astype(np.float32)
    assert np.allclose(run(p, a, a.shape), q * np.float32(0.025) + 1)


@pytest.mark.parametrize(
    ("op", "f"), [(0, np.abs), (8, np.negative), (14, np.square), (16, np.invert), (17, np.logical_not)]
)
def test_unary_of_integers(op, f):
    a = integers(40)
    p = Program()
    s, t = both(p, a.shape)
    in_out(p).tensor("unary", I32, s, t, t, op)
    assert np.array_equal(run(p, a, a.shape, I32), f(a))


def test_erf():
    a = floats(40)
    p = Program()
    s, t = both(p, a.shape)
    in_out(p).tensor("unary", F32, s, t, t, 18)
    assert np.allclose(run(p, a, a.shape), np.vectorize(math.erf)(a), atol=1e-6)


# ---- moving ----------------------------------------------------------------------------------


@per_release("broadcast")
def test_broadcast(release):
    a = floats(3, 1, 4)
    p = Program(release)
    s, t, so, to = [*both(p, a.shape), *both(p, (2, 3, 5, 4))]
    in_out(p).tensor("broadcast", F32, s, t, so, to)
    assert np.array_equal(run(p, a, (2, 3, 5, 4)), np.broadcast_to(a, (2, 3, 5, 4)))


@pytest.mark.parametrize("dtype", [F32, U8, I16, I64])
@pytest.mark.parametrize(
    ("shape", "perm"),
    [((2, 3, 4, 5, 6), (4, 0, 2, 1, 3)), ((1, 2, 2, 2, 3, 4), (0, 1, 4, 2, 5, 3)),
     ((2, 2, 2, 2, 2, 2), (5, 4, 3, 2, 1, 0)), ((2, 1, 2, 3, 1, 2, 2, 3), (7, 0, 1, 4, 2, 3, 6, 5))],
)  # fmt: skip
def test_transpose_of_many_dimensions(shape, perm, dtype):
    a = integers(*shape, low=0, high=99, dtype=DTYPES[dtype])
    want = a.transpose(perm)
    p = Program()
    s, t, to, order = [*both(p, shape), p.shape(strides(want.shape)), p.shape(perm)]
    in_out(p).tensor("transpose", dtype, s, t, to, order)
    assert np.array_equal(run(p, a, want.shape, dtype), want)


def test_slice_backwards_of_five_dimensions():
    a = integers(2, 3, 4, 5, 6)
    want = a[::-1, 1:, ::2, 3:0:-2, 1:5]
    p = Program()
    s, t, to, begin, end, step = [
        *both(p, a.shape), *regs(p, strides(want.shape), (1, 1, 0, 3, 1), (-1, 3, 4, 0, 5), (-1, 1, 2, -2, 1)),
    ]  # fmt: skip
    in_out(p).tensor("slice", I32, s, t, to, begin, end, step)
    assert np.array_equal(run(p, a, want.shape, I32), want)


@pytest.mark.parametrize(("mode", "name"), [(1, "reflect"), (2, "symmetric"), (3, "edge")])
def test_pad_with_the_edge(mode, name):
    a = integers(1, 2, 4, 5)
    pads = [(0, 0), (1, 0), (2, 1), (3, 2)]
    want = np.pad(a, pads, name)
    p = Program()
    s, t, to = [*both(p, a.shape), p.shape(strides(want.shape))]
    p.paddings(0, pads)
    in_out(p).int(0).tensor("pad", I32, s, t, to, 0, mode)
    assert np.array_equal(run(p, a, want.shape, I32), want)


@pytest.mark.parametrize("release", RELEASES[2:])
@pytest.mark.parametrize("before", [2, -3])
def test_pad_between_elements(release, before):
    """What a transposed convolution is made of."""
    a = floats(1, 2, 4, 5)
    wide = np.full((1, 2, 7, 13), 0.5, np.float32)
    wide[:, :, ::2, ::3] = a
    want = np.pad(wide, [(0, 0), (0, 0), (1, 2), (max(before, 0), 1)], constant_values=0.5)[..., max(-before, 0) :]
    p = Program(release)
    s, t, to = [*both(p, a.shape), p.shape(strides(want.shape))]
    p.paddings(0, [(0, 0), (0, 0), (1, 2, 1), (before, 1, 2)])
    in_out(p).float(0.5).tensor("pad", F32, s, t, to, 0, 0)
    assert np.array_equal(run(p, a, want.shape), want)


@per_release("batch_to_space")
@pytest.mark.parametrize("crops", [[(0, 0), (0, 0)], [(1, 0), (2, 1)]])
def test_batch_to_space(release, crops):
    a = floats(12, 3, 4, 5)
    whole = a.reshape(2, 3, 2, 3, 4, 5).transpose(2, 3, 4, 0, 5, 1).reshape(2, 3, 8, 15)
    (top, bottom), (left, right) = crops
    want = whole[:, :, top : 8 - bottom, left : 15 - right]
    p = Program(release)
    s, t, to, block = [*both(p, a.shape), *regs(p, strides(want.shape), (2, 3))]
    p.paddings(1, crops)
    in_out(p).tensor("batch_to_space", F32, s, t, to, block, 1)
    assert np.array_equal(run(p, a, want.shape), want)


@per_release("space_to_batch")
@pytest.mark.parametrize("pads", [[(0, 0), (0, 0)], [(1, 1), (3, 2)], [(2, 0), (0, 5)]])
def test_space_to_batch(release, pads):
    a = floats(2, 3, 8, 10)
    if pads[1] == (0, 0):
        a = floats(2, 3, 8, 9)
    wide = np.pad(a, [(0, 0), (0, 0), *pads])
    h, w = wide.shape[2] // 2, wide.shape[3] // 3
    want = wide.reshape(2, 3, h, 2, w, 3).transpose(3, 5, 0, 1, 2, 4).reshape(12, 3, h, w)
    p = Program(release)
    s, t, to, block = [*both(p, a.shape), *regs(p, strides(want.shape), (2, 3))]
    p.paddings(1, pads)
    in_out(p).tensor("space_to_batch", F32, s, t, to, block, 1)
    assert np.array_equal(run(p, a, want.shape), want)


# ---- along dimensions ------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [(0,), (1, 3), (0, 2, 4), (4,), (1, 2)])
@pytest.mark.parametrize("op", range(4))
def test_reduce_any_axes(axes, op):
    a = floats(2, 3, 4, 3, 2)
    want = [np.mean, np.min, np.max, np.sum][op](a, axes)
    p = Program()
    s, t, to, ax = [*both(p, a.shape), p.shape(strides(want.shape)), p.shape(axes)]
    in_out(p).float(0).tensor("reduce", F32, s, t, to, op, ax, 0)
    assert np.allclose(run(p, a, want.shape), want, atol=1e-5)


@pytest.mark.parametrize("dtype", [I32, I64])
@pytest.mark.parametrize("op", [1, 2, 3])
def test_reduce_integers(dtype, op):
    a = integers(3, 4, 5, dtype=DTYPES[dtype])
    want = [None, np.min, np.max, np.sum][op](a, 1, keepdims=True)
    p = Program()
    s, t, to, ax = [*both(p, a.shape), p.shape(strides(want.shape)), p.shape((1,))]
    in_out(p).int(0).tensor("reduce", dtype, s, t, to, op, ax, 1)
    assert np.array_equal(run(p, a, want.shape, dtype), want)


@per_release("reduce_prod")
def test_reduce_product(release):
    a = floats(3, 4, 5)
    want = a.prod(1)
    p = Program(release)
    s, t, to, ax = [*both(p, a.shape), p.shape(strides(want.shape)), p.shape((1,))]
    kind = [F32] if p.release >= RELEASES.index("1.6") else []
    in_out(p).tensor("reduce_prod", *kind, s, t, to, ax, 0)
    assert np.allclose(run(p, a, want.shape), want, rtol=1e-5)


@per_release("reduce_arg")
@pytest.mark.parametrize("op", [0, 1])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("dtype", [I32, I64])
def test_reduce_arg(release, op, last, dtype):
    a = np.round(floats(3, 9, 4))
    v = np.flip(a, 1) if last else a
    want = np.argmax(v, 1) if op else np.argmin(v, 1)
    want = 8 - want if last else want
    p = Program(release)
    s, t, to, ax = [*both(p, a.shape), p.shape(strides(want.shape)), p.shape((1,))]
    in_out(p).tensor("reduce_arg", F32, s, t, dtype, to, op, ax, 0, last)
    assert np.array_equal(run(p, a, want.shape, dtype), want)


@per_release("cumsum")
@pytest.mark.parametrize(("exclusive", "reverse"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_cumsum(release, exclusive, reverse):
    a = floats(3, 4, 5)
    v = np.flip(a, 1) if reverse else a
    want = np.cumsum(v, 1)
    want = np.concatenate([np.zeros((3, 1, 5)), want[:, :-1]], 1) if exclusive else want
    want = np.flip(want, 1) if reverse else want
    p = Program(release)
    s = p.shape(a.shape)
    in_out(p).tensor("cumsum", F32, s, struct.pack("<iBB", 1, exclusive, reverse))
    assert np.allclose(run(p, a, a.shape), want, atol=1e-5)


def test_cumsum_of_integers():
    a = integers(3, 4)
    p = Program()
    s = p.shape(a.shape)
    in_out(p).tensor("cumsum", I32, s, struct.pack("<iBB", 1, 1, 0))
    assert np.array_equal(run(p, a, a.shape, I32), np.cumsum(a, 1) - a)


@per_release("hardmax")
def test_hardmax(release):
    a = floats(3, 4, 5)
    p = Program(release)
    s, t = both(p, a.shape)
    in_out(p).tensor("hardmax", F32, s, t, struct.pack("<i", 1))
    want = (np.arange(4)[:, None] == a.argmax(1)[:, None]).astype(np.float32)
    assert np.array_equal(run(p, a, a.shape), want)


@per_release("topk")
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("which", ["values", "places"])
def test_topk(release, largest, which):
    a = np.round(floats(2, 20, 3))  # with equal ones
    order = np.argsort(-a if largest else a, 1, kind="stable")[:, :6]
    p = Program(release)
    p.data = 1024
    s, t, so, to = [*both(p, a.shape), *both(p, (2, 6, 3))]
    p.buffer(INPUT)
    _ = p.buffer(OUTPUT).buffer(DATA) if which == "values" else p.buffer(DATA).buffer(OUTPUT)
    p.tensor("topk", F32, s, t, so, to, so, to, struct.pack("<qiBB", 6, 1, largest, 1))
    want = np.take_along_axis(a, order, 1) if which == "values" else order
    assert np.array_equal(run(p, a, (2, 6, 3), F32 if which == "values" else I64), want)


@per_release("trilu")
@pytest.mark.parametrize("k", [-2, 0, 3])
@pytest.mark.parametrize("upper", [0, 1])
def test_trilu(release, k, upper):
    a = floats(2, 5, 6)
    p = Program(release)
    s = p.shape(a.shape)
    in_out(p).tensor("trilu", F32, s, upper, struct.pack("<q", k))
    assert np.array_equal(run(p, a, a.shape), np.triu(a, k) if upper else np.tril(a, k))


@per_release("layer_norm")
def test_layer_norm(release):
    a, scale, bias = floats(3, 4, 5), floats(4, 5, seed=2), floats(4, 5, seed=3)
    p = Program(release)
    s = p.shape(a.shape)
    p.buffer(INPUT).buffer(RDATA, p.const(scale)).buffer(RDATA, p.const(bias)).buffer(OUTPUT)
    p.tensor("layer_norm", F32, s, struct.pack("<if", 1, 1e-3))
    rest = a - a.mean((1, 2), keepdims=True)
    want = rest / np.sqrt((rest**2).mean((1, 2), keepdims=True) + 1e-3) * scale + bias
    assert np.allclose(run(p, a, a.shape), want, atol=1e-4)


# ---- by index --------------------------------------------------------------------------------


@per_release("gather")
@pytest.mark.parametrize("dtype", [F32, U8, I64])
def test_gather(release, dtype):
    a, index = integers(2, 5, 3, low=0, high=99, dtype=DTYPES[dtype]), np.array([[4, 0], [-1, 2]], np.int32)
    want = np.take(a, index, 1)
    p = Program(release)
    s, t, so, to, si = [*both(p, a.shape), *both(p, want.shape), p.shape(index.shape)]
    p.buffer(INPUT).buffer(OUTPUT).buffer(RDATA, p.const(index)).tensor("gather", dtype, s, so, t, to, si, 1)
    assert np.array_equal(run(p, a, want.shape, dtype), want)


@per_release("gather_nd")
@pytest.mark.parametrize("batch", [0, 1])
def test_gather_nd(release, batch):
    a = floats(2, 4, 5, 3)
    index = np.array([[[1, 2], [0, -1], [3, 0]], [[1, 1], [0, 4], [2, 2]]], np.int32)
    index[..., 0] %= 2 if batch == 0 else 4
    if batch == 0:
        want = a[index[..., 0], index[..., 1] % 4]
        index[..., 1] %= 4
    else:
        want = np.stack([a[i][index[i, :, 0], index[i, :, 1]] for i in range(2)])
    p = Program(release)
    s, t, so, to, si = [*both(p, a.shape), *both(p, want.shape), p.shape(index.shape)]
    p.buffer(INPUT).buffer(OUTPUT).buffer(RDATA, p.const(index)).tensor("gather_nd", F32, s, so, t, to, si, batch)
    assert np.array_equal(run(p, a, want.shape), want)


@per_release("gather_elements")
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gather_elements(release, axis):
    a = floats(4, 5, 3)
    index = integers(3, 4, 2, low=-3, high=3, dtype=np.int64)
    part = a[tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(index.shape))]
    p = Program(release)
    s, si = regs(p, a.shape, index.shape)
    p.buffer(INPUT).buffer(RDATA, p.const(index)).buffer(OUTPUT)
    p.tensor("gather_elements", s, si, struct.pack("<i", axis))
    assert np.array_equal(run(p, a, index.shape), np.take_along_axis(part, index, axis))


@per_release("onehot")
@pytest.mark.parametrize("negative", [0, 1])
def test_onehot(release, negative):
    index = np.array([[0, 3, -1], [2, 9, 1]], np.int32)
    p = Program(release)
    si, so, to = p.shape(index.shape), *both(p, (2, 4, 3))
    constants = [p.const(np.array([v], np.float32)) for v in (4, 2.5, -1)]
    p.buffer(INPUT)
    for at in constants:
        p.buffer(RDATA, at)
    p.buffer(OUTPUT).tensor("onehot", F32, si, so, to, 1, negative)
    at = np.where(index < 0, index + 4, index) if negative else index
    assert np.array_equal(run(p, index, (2, 4, 3)), np.where(at[:, None] == np.arange(4)[:, None], 2.5, -1))


# ---- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["random_normal", "roi_align", "tflite_detection_postprocess", "compress"])
def test_known_but_missing_functions_are_named(name):
    p = Program("1.9")
    p.tensor(name, bytes(40))
    with pytest.raises(KpuError, match=name.upper()):
        run(p, floats(8), (8,))


def test_index_outside_its_tensor():
    a = np.array([0, 1, 7], np.int32)
    p = Program()
    s, t, si = [*both(p, (4,)), p.shape((3,))]
    p.buffer(RDATA, p.const(floats(4))).buffer(OUTPUT).buffer(INPUT).tensor("gather", F32, s, si, t, t, si, 0)
    with pytest.raises(KpuError, match="leaves its tensor"):
        run(p, a, (3,))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda p, s, t: in_out(p).tensor("cumsum", F32, s, struct.pack("<iBB", 2, 0, 0)),
            "dimension that does not exist",
        ),
        (lambda p, s, t: in_out(p).tensor("cumsum", F32, s, struct.pack("<iBB", 0, 2, 0)), "stack is wrong|operands"),
        (lambda p, s, t: in_out(p).tensor("convert", F32, 8, s, t, t), "half or double"),
        (lambda p, s, t: in_out(p).tensor("convert", F32, 99, s, t, t), "unknown data type"),
        (lambda p, s, t: in_out(p).tensor("copy", F32, s, t, p.registers), "not as many strides"),
        (lambda p, s, t: in_out(p).tensor("trilu", F32, p.shape((8,)), 1, struct.pack("<q", 0)), "less than two"),
        (lambda p, s, t: in_out(p).tensor("copy", I64, s, t, t), "64 bytes where 32 are left"),
        (lambda p, s, t: in_out(p).int(1).tensor("copy", F32, s, t, t), "where 0 are left"),
    ],
)
def test_bad_operands(make, text):
    p = Program()
    s, t = both(p, (8,))
    make(p, s, t)
    with pytest.raises(KpuError, match=text):
        run(p, floats(8), (8,))
