# SPDX-License-Identifier: MIT
"""The tensor functions of v5. Each takes its operands and the stack and gives inputs, result and how to compute it."""

from collections.abc import Callable

import numpy as np

from k210.errors import K210Error
from k210.model import ops, stackvm, v4_quant, v5_axis
from k210.model.kmodel import Step
from k210.model.v5_tensors import Found, axes_of, check_writable, damaged, dense, in_out, view
from k210.model.v5_vm import Vm

BINARY = [
    np.add, np.subtract, np.multiply, np.divide, np.minimum, np.maximum, np.power, np.floor_divide, np.mod,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_and, np.logical_or, np.logical_xor,
]  # fmt: skip
COMPARE = [np.equal, np.not_equal, np.greater, np.greater_equal, np.less, np.less_equal]
UNARY: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "abs": np.abs, "acos": np.arccos, "asin": np.arcsin, "ceil": np.ceil, "cos": np.cos, "exp": np.exp,
    "floor": np.floor, "log": np.log, "neg": np.negative, "round": np.rint, "rsqrt": lambda x: 1 / np.sqrt(x),
    "sign": np.sign, "sin": np.sin, "sqrt": np.sqrt, "square": np.square, "tanh": np.tanh,
    "logical_not": np.logical_not, "bit_not": np.invert, "erf": lambda x: ops.erf(x),
}  # fmt: skip


def tensor_step(vm: Vm, name: str, operands: tuple) -> Step:
    if name not in HANDLERS:
        raise K210Error(f"the model uses the operation {name!r}, which is not supported")
    xs, y, f = HANDLERS[name](vm, *operands)
    check_writable(y)

    def run() -> None:
        with np.errstate(all="ignore"):
            y[...] = np.broadcast_to(f(), y.shape)

    return Step(name, [x.shape for x in xs], y.shape, y.dtype.name, run)


def same(vm: Vm, dt: int, s: int, t: int, t_out: int, f: Callable[[np.ndarray], np.ndarray]) -> Found:
    x, y = in_out(vm, dt, s, t, vm.shape(s), t_out)
    return [x], y, lambda: f(x)


def binary(vm: Vm, dt: int, s1: int, t1: int, s2: int, t2: int, *rest) -> Found:
    t_out, op, low, high = rest[-4:]
    try:
        shape = np.broadcast_shapes(vm.shape(s1), vm.shape(s2))
    except ValueError:
        raise damaged("binary", f"the shapes {vm.shape(s1)} and {vm.shape(s2)}") from None
    if len(rest) == 5 and vm.shape(rest[0]) != shape:
        raise damaged("binary", f"a result of {vm.shape(rest[0])} instead of {shape}")
    y = view(vm, dt, shape, t_out)
    b = view(vm, dt, vm.shape(s2), t2)
    a = view(vm, dt, vm.shape(s1), t1)

    def run() -> np.ndarray:
        v = BINARY[op](a, b)
        return ops.clamp(v, (low, high)) if v.dtype.kind == "f" else v

    return [a, b], y, run


def compare(vm: Vm, dt: int, s1: int, t1: int, s2: int, t2: int, s_out: int, t_out: int, op: int) -> Found:
    y = view(vm, stackvm.DTYPES.index("uint8"), vm.shape(s_out), t_out)
    b, a = view(vm, dt, vm.shape(s2), t2), view(vm, dt, vm.shape(s1), t1)
    return [a, b], y, lambda: COMPARE[op](a, b)


def equal(vm: Vm, dt: int, s1: int, t1: int, s2: int, t2: int, t_out: int) -> Found:
    place, b, a = vm.address(), view(vm, dt, vm.shape(s2), t2), view(vm, dt, vm.shape(s1), t1)
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise damaged("equal", f"the shapes {a.shape} and {b.shape}") from None
    return [a, b], place.strided("uint8", shape, vm.shape(t_out)), lambda: a == b


def broadcast(vm: Vm, dt: int, s: int, t: int, s_out: int, t_out: int) -> Found:
    x, y = in_out(vm, dt, s, t, vm.shape(s_out), t_out)
    return [x], y, lambda: x


def convert(vm: Vm, dt: int, dt_out: int, s: int, t: int, t_out: int) -> Found:
    x, y = in_out(vm, dt, s, t, vm.shape(s), t_out, dt_out)

    def run() -> np.ndarray:
        if x.dtype.kind != "f" or y.dtype.kind == "f":
            return x.astype(y.dtype)
        limits = np.iinfo(y.dtype)
        # Doubles, because 32-bit limits are no floats. The largest 64-bit number is no double either.
        v = np.clip(np.trunc(np.nan_to_num(x).astype(np.float64)), limits.min, limits.max)
        top = v >= float(limits.max)
        return np.where(top, limits.max, np.where(top, 0, v).astype(y.dtype))

    return [x], y, run


def quantize(vm: Vm, dt: int, dt_out: int, s: int, t: int, t_out: int) -> Found:
    bias, scale = np.float32(vm.number()), np.float32(vm.number())
    x, y = in_out(vm, dt, s, t, vm.shape(s), t_out, dt_out)
    if y.dtype.kind not in "iu":
        raise damaged("quantize", f"a result of type {y.dtype}")
    limits = np.iinfo(y.dtype)
    return [x], y, lambda: np.clip(np.nan_to_num(np.rint(x * scale + bias)), limits.min, limits.max).astype(y.dtype)


def dequantize(vm: Vm, dt: int, dt_out: int, s: int, t: int, t_out: int) -> Found:
    bias, scale = np.float32(vm.number()), np.float32(vm.number())
    x, y = in_out(vm, dt, s, t, vm.shape(s), t_out, dt_out)
    return [x], y, lambda: x.astype(np.float32) * scale + bias


def conv2d(vm: Vm, dt: int, s: int, t: int, s_w: int, t_w: int, t_bias: int, t_out: int, groups: int, *rest) -> Found:
    sh, sw, dh, dw, low, high = rest
    pad_w, pad_h = vm.window_padding(), vm.window_padding()
    place, bias_at, w_at = vm.address(), vm.address(), vm.address()
    kind = stackvm.DTYPES[dt]
    x = view(vm, dt, vm.shape(s), t)
    w = w_at.strided(kind, vm.shape(s_w), vm.shape(t_w))
    if x.ndim != 4 or w.ndim != 4 or not groups or x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise damaged("conv2d", f"weights of {w.shape} for {x.shape}")
    pads, size = (pad_h, pad_w), w.shape[2:]
    v4_quant.check_window(pads, size, (sh, sw), (dh, dw), "conv2d")
    shape = (x.shape[0], w.shape[0], *v4_quant.window_sizes(x.shape[2:], pads, size, (sh, sw), (dh, dw)))
    bias = bias_at.strided(kind, (w.shape[0],), vm.shape(t_bias))
    y = place.strided(kind, shape, vm.shape(t_out))

    def run() -> np.ndarray:
        v = ops.conv2d(x, w, groups, shape[2:], pads, (sh, sw), (dh, dw)) + bias[:, None, None]
        return ops.clamp(v, (low, high))

    return [x], y, run


def lut1d(vm: Vm, dt: int, s: int, t: int, t_out: int, length: int) -> Found:
    vm.number()
    vm.number()
    place, table_at = vm.address(), vm.address()
    x = view(vm, dt, vm.shape(s), t)
    if x.dtype != np.uint8 or length != 256:
        raise K210Error(f"the model uses 'lut1d' with {length} entries of {x.dtype}, which is not supported")
    y, table = place.strided("uint8", x.shape, vm.shape(t_out)), table_at.flat("uint8", 256)
    return [x], y, lambda: table[x]


def matmul(vm: Vm, *operands) -> Found:
    low, high = operands[-2:]
    registers = operands[:-2]
    old = len(registers) == 2
    s1, s2 = (registers[0], registers[1]) if old else (registers[0], registers[2])
    sizes = vm.shape(s1), vm.shape(s2)
    if any(len(s) < 2 for s in sizes) or sizes[0][-1] != sizes[1][-2]:
        raise damaged("matmul", f"the shapes {sizes[0]} and {sizes[1]}")
    out = (*np.broadcast_shapes(sizes[0][:-2], sizes[1][:-2]), sizes[0][-2], sizes[1][-1])
    place, bias_at, b_at, a_at = vm.address(), vm.address(), vm.address(), vm.address()
    if old:
        y, a, b = (
            p.flat("float32", int(np.prod(n))).reshape(n) for p, n in ((place, out), (a_at, sizes[0]), (b_at, sizes[1]))
        )
    else:
        y = place.strided("float32", vm.shape(registers[4]), vm.shape(registers[5]))
        a = a_at.strided("float32", sizes[0], vm.shape(registers[1]))
        b = b_at.strided("float32", sizes[1], vm.shape(registers[3]))
    bias = bias_at.flat("float32", out[-1])
    return [a, b], y, lambda: ops.clamp(a @ b + bias, (low, high))


def pad(vm: Vm, dt: int, s: int, t: int, t_out: int, register: int, mode: int) -> Found:
    pads = vm.paddings.get(register)
    shape = vm.shape(s)
    if pads is None or len(pads) != len(shape):
        raise damaged("pad", "no padding for each dimension")
    value = vm.number()
    out = tuple(n + (n - 1) * inner + a + b for n, (a, b, inner) in zip(shape, pads, strict=True))
    limits = [n - 1 if mode == 1 else n if mode == 2 else 1 << 31 for n in shape]
    if mode and any(p[2] or max(p) > top or min(p) < 0 for top, p in zip(limits, pads, strict=True)):
        raise damaged("pad", "more padding than pixels")
    if any(n < 1 for n in out) or any(p[2] < 0 for p in pads):
        raise damaged("pad", f"a result of {out}")
    x, y = in_out(vm, dt, s, t, out, t_out)

    def run() -> np.ndarray:
        outside = [p[:2] for p in pads]
        if mode:
            return np.pad(x, outside, {1: "reflect", 2: "symmetric", 3: "edge"}[mode])
        if not any(p[2] for p in pads):
            return v4_quant.pad(x, outside, np.asarray(value).astype(x.dtype))
        wide = np.full([n + (n - 1) * p[2] for n, p in zip(shape, pads, strict=True)], value, x.dtype)
        wide[tuple(slice(None, None, p[2] + 1) for p in pads)] = x
        return v4_quant.pad(wide, outside, np.asarray(value).astype(x.dtype))

    return [x], y, run


def reduce(vm: Vm, dt: int, s: int, t: int, t_out: int, op: int, s_axes: int, keep: int) -> Found:
    init = vm.number()
    shape = vm.shape(s)
    axes = axes_of(vm.shape(s_axes), len(shape), "reduce")
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    out = kept if keep else tuple(n for i, n in enumerate(shape) if i not in axes)
    x, y = in_out(vm, dt, s, t, out, t_out)

    def run() -> np.ndarray:
        f = [np.mean, np.min, np.max, np.sum][op]
        v = f(x, axis=axes) + (x.dtype.type(init) if op == 3 else 0)
        return np.asarray(v).reshape(out)

    return [x], y, run


def reduce_arg(
    vm: Vm, dt: int, s: int, t: int, dt_out: int, t_out: int, op: int, s_axes: int, keep: int, last: int
) -> Found:
    shape = vm.shape(s)
    axes = axes_of(vm.shape(s_axes), len(shape), "reduce_arg")
    if len(axes) != 1 or not shape[axes[0]]:
        raise damaged("reduce_arg", f"the axes {axes}")
    axis = axes[0]
    out = (*shape[:axis], *((1,) if keep else ()), *shape[axis + 1 :])
    x, y = in_out(vm, dt, s, t, out, t_out, dt_out)

    def run() -> np.ndarray:
        f = np.argmax if op else np.argmin
        v = shape[axis] - 1 - f(np.flip(x, axis), axis) if last else f(x, axis)
        return v.reshape(out)

    return [x], y, run


def reduce_window2d(vm: Vm, dt: int, op: int, s: int, t: int, t_out: int, *rest) -> Found:
    fh, fw, sh, sw, dh, dw, low, high = rest
    pad_w, pad_h = vm.window_padding(), vm.window_padding()
    shape = vm.shape(s)
    geometry = ((pad_h, pad_w), (fh, fw), (sh, sw), (dh, dw))
    v4_quant.check_window(*geometry, "reduce_window2d")
    if len(shape) != 4:
        raise damaged("reduce_window2d", f"the shape {shape}")
    out = (*shape[:2], *v4_quant.window_sizes(shape[2:], *geometry))
    y = view(vm, dt, out, t_out)
    init = vm.number()
    x = view(vm, dt, shape, t)
    return [x], y, lambda: ops.clamp(ops.reduce_window(x, op, init, out[2:], *geometry), (low, high))


def resize_image(vm: Vm, dt: int, s: int, t: int, t_out: int, align: int, half: int, mode: int) -> Found:
    place, source = vm.address(), vm.address()
    out_w, out_h = vm.int(), vm.int()
    shape = vm.shape(s)
    if len(shape) != 4 or not all(shape) or min(out_w, out_h) < 1:
        raise damaged("resize_image", f"the shape {shape}")
    kind = stackvm.DTYPES[dt]
    x = source.strided(kind, shape, vm.shape(t))
    y = place.strided(kind, (*shape[:2], out_h, out_w), vm.shape(t_out))
    pairs = list(zip(shape[2:], (out_h, out_w), strict=True))
    ratio = [(a - 1) / (b - 1) if align and b > 1 else a / b for a, b in pairs]

    def run() -> np.ndarray:
        if mode == 0:
            return ops.bilinear(x, (out_h, out_w), (ratio[0], ratio[1]), 0.5 if half else 0).astype(x.dtype)
        index = []
        for (size, wanted), step in zip(pairs, ratio, strict=True):
            at = (np.arange(wanted, dtype=np.float32) + np.float32(0.5 * half)) * np.float32(step)
            at = ops.half_away(at) if align else np.floor(at)
            index.append(np.clip(at, 0, size - 1).astype(np.int64))
        return x[:, :, index[0]][..., index[1]]

    return [x], y, run


def sigmoid(vm: Vm, dt: int, s: int, t: int, t_out: int | None = None) -> Found:
    if t_out is not None:
        return same(vm, dt, s, t, t_out, ops.sigmoid)
    y = dense(vm, stackvm.DTYPES[dt], vm.shape(s))  # 1.2
    x = view(vm, dt, vm.shape(s), t)
    return [x], y, lambda: ops.sigmoid(x)


def slice_(vm: Vm, dt: int, s: int, t: int, t_out: int, s_begin: int, s_end: int, s_stride: int) -> Found:
    shape = vm.shape(s)
    parts = [vm.shape(r) for r in (s_begin, s_end, s_stride)]
    if any(len(p) != len(shape) for p in parts):
        raise damaged("slice", "no limits for each dimension")
    begin, end, stride = parts
    end = tuple(min(e, n) for e, n in zip(end, shape, strict=True))
    index = v4_quant.slice_index(shape, begin, end, stride, "a slice")
    x, y = in_out(vm, dt, s, t, tuple(len(i) for i in index), t_out)
    return [x], y, lambda: x[np.ix_(*index)]


def softmax(vm: Vm, dt: int, s: int, t: int, t_out: int, axis: int, beta: float) -> Found:
    (axis,) = axes_of((axis,), len(vm.shape(s)), "softmax")
    return same(vm, dt, s, t, t_out, lambda x: ops.softmax(x, axis, beta))


def transpose(vm: Vm, dt: int, s: int, t: int, t_out: int, s_perm: int) -> Found:
    shape = vm.shape(s)
    order = axes_of(vm.shape(s_perm), len(shape), "transpose")
    if len(order) != len(shape):
        raise damaged("transpose", f"the order {order} for {len(shape)} dimensions")
    x, y = in_out(vm, dt, s, t, tuple(shape[i] for i in order), t_out)
    return [x], y, lambda: x.transpose(order)


def unary(vm: Vm, dt: int, s: int, t: int, t_out: int, op: int) -> Found:
    name = stackvm.UNARY[vm.release][op]
    if name not in UNARY:
        raise K210Error(f"the model uses the unary operation {name!r}, which is not supported")
    return same(vm, dt, s, t, t_out, UNARY[name])


def _blocks(vm: Vm, shape: tuple[int, ...], s_block: int, register: int) -> tuple[int, int, list[tuple[int, ...]]]:
    block, pads = vm.shape(s_block), vm.paddings.get(register)
    if len(shape) != 4 or len(block) != 2 or min(block) < 1 or pads is None or len(pads) != 2:
        raise damaged("space_to_batch", f"the shape {shape} and the block {block}")
    return block[0], block[1], pads


def space_to_batch(vm: Vm, dt: int, s: int, t: int, t_out: int, s_block: int, register: int) -> Found:
    n, c, h, w = shape = (*vm.shape(s), 0, 0, 0, 0)[: max(4, len(vm.shape(s)))][:4]
    bh, bw, pads = _blocks(vm, vm.shape(s), s_block, register)
    (top, bottom, _), (left, right, _) = pads
    height, width = h + top + bottom, w + left + right
    if height % bh or width % bw or min(top, bottom, left, right) < 0:
        raise damaged("space_to_batch", f"blocks of {bh}x{bw} for {height}x{width} pixels")
    x, y = in_out(vm, dt, s, t, (n * bh * bw, c, height // bh, width // bw), t_out)

    def run() -> np.ndarray:
        wide = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        parts = wide.reshape(shape[0], c, height // bh, bh, width // bw, bw)
        return parts.transpose(3, 5, 0, 1, 2, 4).reshape(y.shape)

    return [x], y, run


def batch_to_space(vm: Vm, dt: int, s: int, t: int, t_out: int, s_block: int, register: int) -> Found:
    bh, bw, crops = _blocks(vm, vm.shape(s), s_block, register)
    n, c, h, w = vm.shape(s)
    (top, bottom, _), (left, right, _) = crops
    if n % (bh * bw) or min(top, bottom, left, right) < 0 or top + bottom > h * bh or left + right > w * bw:
        raise damaged("batch_to_space", f"blocks of {bh}x{bw} for {n} batches")
    out = (n // (bh * bw), c, h * bh - top - bottom, w * bw - left - right)
    x, y = in_out(vm, dt, s, t, out, t_out)

    def run() -> np.ndarray:
        wide = x.reshape(bh, bw, out[0], c, h, w).transpose(2, 3, 4, 0, 5, 1).reshape(out[0], c, h * bh, w * bw)
        return wide[:, :, top : top + out[2], left : left + out[3]]

    return [x], y, run


HANDLERS: dict[str, Callable[..., Found]] = {
    **v5_axis.HANDLERS,
    "binary": binary, "compare": compare, "equal": equal, "broadcast": broadcast, "convert": convert,
    "quantize": quantize, "dequantize": dequantize, "conv2d": conv2d, "lut1d": lut1d, "matmul": matmul, "pad": pad,
    "reduce": reduce, "reduce_arg": reduce_arg, "reduce_window2d": reduce_window2d, "resize_image": resize_image,
    "slice": slice_, "softmax": softmax, "transpose": transpose, "unary": unary, "space_to_batch": space_to_batch,
    "batch_to_space": batch_to_space,
    "copy": lambda vm, dt, s, t, t_out: same(vm, dt, s, t, t_out, lambda x: x),
    "sigmoid": sigmoid,
}  # fmt: skip
