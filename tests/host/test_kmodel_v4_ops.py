# SPDX-License-Identifier: MIT
"""The CPU nodes of kmodel v4 against numpy, in files made here."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from kpu_core import KpuError, Net, floats, octets
from v3_builder import f32, u32
from v4_builder import FLT_MAX, Model

pytestmark = pytest.mark.usefixtures("no_leak")


def run(model: Model, data: np.ndarray) -> np.ndarray:
    with Net(model.build()) as net:
        net.set_input(data.tobytes())
        net.run()
        return net.output().copy()


def i32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


NO_CLAMP = f32(-FLT_MAX, FLT_MAX)


def rs(v: np.ndarray, s: int) -> np.ndarray:
    return (v + (1 << (s - 1))) >> s if s > 0 else v


BINARY = [np.add, np.subtract, np.multiply, np.divide, np.minimum, np.maximum]


@pytest.mark.parametrize("op", range(6))
@pytest.mark.parametrize(
    ("sa", "sb"),
    [
        ((2, 3, 4, 5), (2, 3, 4, 5)),
        ((2, 3, 4, 5), (1, 3, 1, 1)),
        ((1, 1, 4, 5), (2, 3, 1, 1)),
        ((1, 1, 1, 5), (1, 1, 4, 1)),
    ],
)
def test_binary(op, sa, sb):
    a, b = floats(*sa), floats(*sb, seed=2)
    out = np.broadcast_shapes(sa, sb)
    m = Model()
    m.add(0, m.input(a), m.const(b), m.output(int(np.prod(out))), u32(op, *sa, *sb, *out), f32(-3, 2.5))
    assert np.allclose(run(m, a), np.clip(BINARY[op](a, b), -3, 2.5).ravel(), atol=1e-6)


def test_binary_shapes_must_fit():
    a = floats(1, 1, 2, 3)
    m = Model()
    m.add(0, m.input(a), m.const(a), m.output(6), u32(0, 1, 1, 2, 3, 1, 1, 3, 2, 1, 1, 2, 3), NO_CLAMP)
    with pytest.raises(KpuError, match="dimension"):
        Net(m.build()).close()


@pytest.mark.parametrize("op", range(6))
def test_quantized_binary(op):
    shape = (1, 3, 4, 5)
    a, b = octets(*shape), octets(1, 3, 1, 1, seed=2)
    params = (-100, 300, 4, -7, 90, 3, 11, 5, 9)
    m = Model()
    m.add(0x11, m.input(a), m.const(b), m.output(60, "u1"), u32(op, *shape, 1, 3, 1, 1, *shape), i32(*params))
    x = rs((a.astype(np.int64) + params[0]) * params[1], params[2])
    y = rs((b.astype(np.int64) + params[3]) * params[4], params[5]) + 0 * x
    if op == 3:  # C division
        v = np.array([int((int(p) + int(int(q) / 2)) / int(q)) for p, q in zip(x.ravel(), y.ravel(), strict=True)])
        v = v.reshape(shape)
    else:
        v = BINARY[op](x, y)
    assert np.array_equal(run(m, a), np.clip(rs(v * params[7], params[8]) + params[6], 0, 255).ravel())


UNARY = [np.abs, np.ceil, np.cos, np.exp, np.floor, np.log, np.negative, lambda x: 1 / np.sqrt(x), np.sin, np.square]


@pytest.mark.parametrize("op", range(10))
def test_unary(op):
    a = np.abs(floats(40)) if op in (5, 7) else floats(40)
    m = Model()
    m.add(0x0E, m.input(a), m.output(40), u32(op))
    assert np.allclose(run(m, a), UNARY[op](a), rtol=1e-5, atol=1e-5)


def test_quantize_rounds_ties_to_even():
    a = np.array([0.5, 1.5, 2.5, -0.5, 300, -300, np.nan], np.float32)
    m = Model()
    m.add(6, m.input(a), m.output(7, "u1"), i32(2), f32(1))
    assert run(m, a).tolist() == [2, 4, 4, 2, 255, 0, 0]


def test_dequantize():
    a = octets(33)
    m = Model()
    m.add(3, m.input(a), m.output(33), i32(-9), f32(17.5))
    assert np.array_equal(run(m, a), (a.astype(np.float32) + 9) / np.float32(17.5))


def test_table():
    a, table = octets(30), octets(256, seed=3)
    m = Model()
    m.add(0x12, m.input(a), m.const(table), m.output(30, "u1"))
    assert np.array_equal(run(m, a), table[a])


@pytest.mark.parametrize("dtype", ["f4", "u1"])
@pytest.mark.parametrize("perm", [(0, 2, 3, 1), (3, 1, 0, 2), (0, 1, 2, 3), (1, 0, 3, 2)])
def test_transpose(perm, dtype):
    a = floats(2, 3, 4, 5) if dtype == "f4" else octets(2, 3, 4, 5)
    m = Model()
    m.add(0x0C, m.input(a), m.output(120, dtype), u32(2, 3, 4, 5, *perm))
    assert np.array_equal(run(m, a), a.transpose(perm).ravel())


@pytest.mark.parametrize("perm", [(0, 1, 2, 2), (0, 1, 2, 4), (0xFFFFFFFF, 1, 2, 3)])
def test_transpose_needs_a_permutation(perm):
    a = floats(2, 3, 4, 5)
    m = Model()
    m.add(0x0C, m.input(a), m.output(120), u32(2, 3, 4, 5, *perm))
    with pytest.raises(KpuError, match="order of dimensions"):
        Net(m.build()).close()


@pytest.mark.parametrize(
    ("begin", "end", "step"),
    [((0, 0, 0, 0), (2, 3, 4, 5), (1, 1, 1, 1)), ((0, 1, 0, 1), (1, 3, 4, 5), (1, 1, 2, 2)),
     ((1, 2, 3, 4), (-1, -1, -1, -1), (-1, -2, -1, -3))],
)  # fmt: skip
def test_strided_slice(begin, end, step):
    a = floats(2, 3, 4, 5)
    ends = [None if e < 0 else e for e in end]
    want = a[tuple(slice(b, e, s) for b, e, s in zip(begin, ends, step, strict=True))]
    m = Model()
    m.add(0x0D, m.input(a), m.output(want.size), u32(2, 3, 4, 5), i32(*begin, *end, *step), bytes(20))
    assert np.array_equal(run(m, a), want.ravel())


@pytest.mark.parametrize("slices", [((0, 0, 0, 0), (3, 3, 4, 5)), ((-1, 0, 0, 0), (2, 3, 4, 5)), ((0,) * 4, (0,) * 4)])
def test_slice_must_stay_inside(slices):
    a = floats(2, 3, 4, 5)
    m = Model()
    m.add(0x0D, m.input(a), m.output(200), u32(2, 3, 4, 5), i32(*slices[0], *slices[1], 1, 1, 1, 1), bytes(20))
    with pytest.raises(KpuError, match="slice"):
        Net(m.build()).close()


@pytest.mark.parametrize("dtype", ["f4", "u1"])
@pytest.mark.parametrize(
    "pads", [((0, 0), (0, 0), (0, 1), (0, 0)), ((0, 0), (1, 2), (2, -1), (-1, 3)), ((0, 0), (0, 0), (-2, 6), (-4, 9))]
)
def test_pad(pads, dtype):
    a = floats(2, 3, 4, 5) if dtype == "f4" else octets(2, 3, 4, 5)
    fill = f32(1.5) if dtype == "f4" else bytes([77, 1, 2, 3])
    cropped = a[tuple(slice(max(0, -b), n - max(0, -e)) for (b, e), n in zip(pads, a.shape, strict=True))]
    want = np.pad(cropped, [(max(0, b), max(0, e)) for b, e in pads], constant_values=1.5 if dtype == "f4" else 77)
    m = Model()
    m.add(5, m.input(a), m.output(want.size, dtype), u32(2, 3, 4, 5), *(i32(*p) for p in pads), u32(0), fill)
    assert np.array_equal(run(m, a), want.ravel())


def test_pad_that_crops_everything():
    a = octets(1, 1, 1, 4)
    m = Model()
    m.add(5, m.input(a), m.output(3, "u1"), u32(1, 1, 1, 4), i32(0, 0, 0, 0, 0, 0, -4, 3), u32(0), bytes([9, 0, 0, 0]))
    assert run(m, a).tolist() == [9, 9, 9]


def test_memory_copy_and_concat():
    a, b = octets(2, 3), octets(2, 2, seed=4)
    m = Model()
    source, copy = m.input(a), m.main(6, "u1")
    m.add(9, source, copy)
    m.add(1, m.output(16, "u1"), u32(1, 2, 3), copy, m.const(b), source, u32(3, 2, 3))
    assert np.array_equal(run(m, a), np.concatenate([a, b, a], 1).ravel())


@pytest.mark.parametrize(("op", "function"), list(enumerate([np.mean, np.min, np.max, np.sum])))
@pytest.mark.parametrize("axes", [(3,), (2, 3), (1,), (0, 1, 2, 3)])
def test_reduce(op, function, axes):
    a = floats(2, 3, 4, 5)
    want = function(a, axis=axes, keepdims=True)
    init = {1: FLT_MAX, 2: -FLT_MAX}.get(op, 0)
    m = Model()
    m.add(7, m.input(a), m.output(want.size), u32(op, 2, 3, 4, 5, *want.shape), f32(init))
    assert np.allclose(run(m, a), want.ravel(), atol=1e-5)


def windows(x, oh, ow, fh, fw, sh, sw, dh, dw, ph, pw):
    """For every output pixel the taps inside the picture: (oy, ox, ky list, kx list, y list, x list)."""
    for oy in range(oh):
        ky = [k for k in range(fh) if 0 <= oy * sh - ph + k * dh < x.shape[2]]
        for ox in range(ow):
            kx = [k for k in range(fw) if 0 <= ox * sw - pw + k * dw < x.shape[3]]
            yield oy, ox, ky, kx, [oy * sh - ph + k * dh for k in ky], [ox * sw - pw + k * dw for k in kx]


GEOMETRY = [
    (3, 3, 1, 1, 1, 1, 1, 1, 1, 1), (2, 3, 2, 1, 1, 1, 0, 0, 0, 1),
    (3, 2, 2, 2, 2, 1, 2, 2, 0, 0), (1, 1, 2, 2, 1, 1, -1, 0, 0, -1),
]  # fmt: skip


def out_size(n, before, after, f, d, s):
    return (n + before + after - ((f - 1) * d + 1) + s) // s


@pytest.mark.parametrize("geometry", GEOMETRY)
@pytest.mark.parametrize("op", [0, 2, 3])
def test_reduce_window(geometry, op):
    fh, fw, sh, sw, dh, dw, p0, p1, p2, p3 = geometry
    a = floats(1, 2, 9, 8)
    oh, ow = out_size(9, p0, p1, fh, dh, sh), out_size(8, p2, p3, fw, dw, sw)
    want = np.zeros((1, 2, oh, ow), np.float32)
    for oy, ox, _, _, ys, xs in windows(a, oh, ow, fh, fw, sh, sw, dh, dw, p0, p2):
        part = a[:, :, ys][:, :, :, xs]
        want[:, :, oy, ox] = {0: part.mean, 2: part.max, 3: part.sum}[op]((2, 3))
    m = Model()
    m.add(8, m.input(a), m.output(want.size), u32(op, *a.shape), i32(p0, p1, p2, p3), u32(fh, fw, sh, sw, dh, dw),
          f32(-FLT_MAX if op == 2 else 0, -1, 4))  # fmt: skip
    assert np.allclose(run(m, a), np.clip(want, -1, 4).ravel(), atol=1e-5)


@pytest.mark.parametrize("geometry", GEOMETRY)
@pytest.mark.parametrize(("groups", "ic", "oc"), [(1, 3, 4), (2, 4, 6), (4, 4, 4)])
def test_conv2d(geometry, groups, ic, oc):
    fh, fw, sh, sw, dh, dw, p0, p1, p2, p3 = geometry
    a, w, b = floats(1, ic, 9, 8), floats(oc, ic // groups, fh, fw, seed=2), floats(oc, seed=3)
    oh, ow = out_size(9, p0, p1, fh, dh, sh), out_size(8, p2, p3, fw, dw, sw)
    want = np.zeros((1, oc, oh, ow), np.float32)
    for oy, ox, ky, kx, ys, xs in windows(a, oh, ow, fh, fw, sh, sw, dh, dw, p0, p2):
        for o in range(oc):
            g = o // (oc // groups)
            part = a[0, g * ic // groups : (g + 1) * ic // groups][:, ys][:, :, xs]
            want[0, o, oy, ox] = (part * w[o][:, ky][:, :, kx]).sum() + b[o]
    m = Model()
    m.add(2, m.input(a), m.output(want.size), u32(*a.shape, groups, oc), i32(p0, p1, p2, p3),
          u32(fh, fw, sh, sw, dh, dw), f32(-5, 5), w.tobytes(), b.tobytes())  # fmt: skip
    assert np.allclose(run(m, a), np.clip(want, -5, 5).ravel(), atol=1e-4)


def test_quantized_conv2d():
    a, w = octets(1, 4, 6, 5), octets(6, 2, 3, 3, seed=2)
    b = np.random.default_rng(3).integers(-9000, 9000, 6, np.int32)
    in_off, w_off, mul, shift, out_off = -120, -130, 77, 14, 100
    want = np.zeros((6, 6, 5), np.uint8)
    for oy, ox, ky, kx, ys, xs in windows(a, 6, 5, 3, 3, 1, 1, 1, 1, 1, 1):
        for o in range(6):
            part = a[0, o // 3 * 2 : o // 3 * 2 + 2][:, ys][:, :, xs].astype(np.int64) + in_off
            acc = (part * (w[o][:, ky][:, :, kx].astype(np.int64) + w_off)).sum() + b[o]
            want[o, oy, ox] = np.clip(rs(acc * mul, shift) + out_off, 0, 255)
    m = Model()
    m.add(0x0F, m.input(a), m.output(180, "u1"), u32(*a.shape, 2, 6), i32(1, 1, 1, 1), u32(3, 3, 1, 1, 1, 1),
          i32(in_off, w_off, mul, shift, out_off), b.tobytes(), w.tobytes())  # fmt: skip
    assert np.array_equal(run(m, a), want.ravel())


def test_conv2d_transpose():
    a, w = floats(1, 4, 3, 4), floats(6, 2, 3, 3, seed=2)
    oh, ow = 6, 8
    want = np.zeros((6, oh + 2, ow + 2), np.float32)
    for ic in range(4):
        g = ic // 2
        for iy in range(3):
            for ix in range(4):
                for o in range(g * 3, g * 3 + 3):
                    want[o, iy * 2 : iy * 2 + 3, ix * 2 : ix * 2 + 3] += a[0, ic, iy, ix] * w[o, ic % 2]
    want = want[:, 1 : oh + 1, 1 : ow + 1]
    m = Model()
    m.add(0x13, m.input(a), m.output(want.size), u32(*a.shape, 1, 6, oh, ow, 2), i32(1, 0, 1, 0),
          u32(3, 3, 2, 2, 1, 1), NO_CLAMP, w.tobytes(), np.full(6, 100, np.float32).tobytes())  # fmt: skip
    assert np.allclose(run(m, a), want.ravel(), atol=1e-4)


def test_matmul():
    a, b, bias = floats(3, 7), floats(7, 5, seed=2), floats(5, seed=3)
    m = Model()
    m.add(4, m.input(a), m.const(b), m.output(15), u32(3, 7, 5), f32(-4, 4), bias.tobytes())
    assert np.allclose(run(m, a), np.clip(a @ b + bias, -4, 4).ravel(), atol=1e-5)


def test_quantized_matmul():
    a, b = octets(3, 7), octets(7, 5, seed=2)
    bias = np.array([1000, -1000, 0, 5, 123456], np.int32)
    m = Model()
    m.add(0x10, m.input(a), m.const(b), m.output(15, "u1"), u32(3, 7, 5), i32(-128, -100, 33, 12, 60), bias.tobytes())
    acc = (a.astype(np.int64) - 128) @ (b.astype(np.int64) - 100) + bias
    assert np.array_equal(run(m, a), np.clip(rs(acc * 33, 12) + 60, 0, 255).ravel())


@pytest.mark.parametrize("dtype", ["f4", "u1"])
@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize(("oh", "ow"), [(8, 10), (3, 2), (1, 1)])
def test_resize(dtype, align, mode, oh, ow):
    a = floats(1, 2, 4, 5) if dtype == "f4" else octets(1, 2, 4, 5)
    f = np.float32

    def taps(out, size):
        corners = align and not mode and out > 1
        ratio = f(size - 1) / f(out - 1) if corners else f(size) / f(out)
        v = np.arange(out, dtype=f) * ratio
        low = np.minimum(v.astype(int), size - 1)
        return low, np.minimum(low + 1, size - 1), v - low.astype(f)

    (y0, y1, fy), (x0, x1, fx) = taps(oh, 4), taps(ow, 5)
    if mode:
        want = a[:, :, y0][:, :, :, x0]
    else:
        fy = fy[:, None]
        x = a.astype(f)
        rows = [
            (x[:, :, ys][:, :, :, xs], wy * wx)
            for ys, wy in ((y0, 1 - fy), (y1, fy))
            for xs, wx in ((x0, 1 - fx), (x1, fx))
        ]
        want = sum(v * weight for v, weight in rows)
    m = Model()
    m.add(0x0A, m.input(a), m.output(2 * oh * ow, dtype), u32(*a.shape, oh, ow, mode), bytes([align]))
    got = run(m, a)
    if dtype == "u1" and not mode:
        assert np.abs(got - np.floor(want.ravel() + 1e-4)).max() <= 1
    else:
        assert np.allclose(got, want.ravel(), atol=1e-5)


def test_softmax():
    a = floats(4, 6)
    m = Model()
    m.add(0x0B, m.input(a), m.output(24), u32(6, 4), f32(0.7))
    e = np.exp((a - a.max(1, keepdims=True)) * 0.7)
    assert np.allclose(run(m, a), (e / e.sum(1, keepdims=True)).ravel(), atol=1e-6)


def nnil(*code: int | float) -> bytes:
    return b"".join(struct.pack("<f", c) if isinstance(c, float) else bytes([c]) for c in code)


def test_nnil():
    """x / (1 + exp(-x)) clamped to -0.1..3, with a nop, dup and pop on the way."""
    a = floats(30)
    code = nnil(0x03, 0x00, 0x05, 0x03, 0x26, 0x23, 0x40, 0x43, 0x01, 0x02, 0x06, -0.1, 0x06, 3.0, 0x80, 0xA0)
    m = Model()
    m.add(0x14, m.input(a), m.output(30), code)
    assert np.allclose(run(m, a), np.clip(a / (1 + np.exp(-a)), -0.1, 3), atol=1e-5)


@pytest.mark.parametrize(
    "code", [nnil(0x03), nnil(0xA0), nnil(0x40, 0xA0), nnil(*[0x05] * 65, 0xA0), nnil(0x03, 0x99, 0xA0), nnil(0x02)]
)
def test_nnil_code_is_checked(code):
    m = Model()
    m.add(0x14, m.input(floats(4)), m.output(4), code)
    with pytest.raises(KpuError, match="byte code"):
        Net(m.build()).close()


@pytest.mark.parametrize("opcode", [0x15, 0x1001, 0x2003, 0xFFFFFFFF])
def test_unknown_opcodes(opcode):
    m = Model()
    m.add(opcode, m.input(floats(4)), m.output(4), bytes(100))
    with pytest.raises(KpuError):
        Net(m.build()).close()
