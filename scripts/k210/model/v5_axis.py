# SPDX-License-Identifier: MIT
"""Tensor functions of v5 that pick by index, work along a dimension or choose between tensors."""

from collections.abc import Callable

import numpy as np

from k210.model import ops, stackvm
from k210.model.v5_tensors import Found, axes_of, check_writable, damaged, dense, in_out, view
from k210.model.v5_vm import Vm


def _in_range(index: np.ndarray, size: int, name: str) -> np.ndarray:
    if index.size and (index.min() < -size or index.max() >= size):
        raise damaged(name, "an index outside its input")
    return index


def gather(vm: Vm, dt: int, s: int, s_out: int, t: int, t_out: int, s_indices: int, axis: int) -> Found:
    index = dense(vm, "int32", vm.shape(s_indices))
    x, y = in_out(vm, dt, s, t, vm.shape(s_out), t_out)
    if axis >= x.ndim or y.shape != x.shape[:axis] + index.shape + x.shape[axis + 1 :]:
        raise damaged("gather", f"indices of {index.shape} along {axis} of {x.shape} for a result of {y.shape}")
    return [x], y, lambda: np.take(x, _in_range(index, x.shape[axis], "gather"), axis).reshape(y.shape)


def gather_nd(vm: Vm, dt: int, s: int, s_out: int, t: int, t_out: int, s_indices: int, batch: int) -> Found:
    index = dense(vm, "int32", vm.shape(s_indices))
    x, y = in_out(vm, dt, s, t, vm.shape(s_out), t_out)
    if (
        not index.ndim
        or batch >= index.ndim
        or batch + index.shape[-1] > x.ndim
        or x.shape[:batch] != index.shape[:batch]
    ):
        raise damaged("gather_nd", f"indices of {index.shape} for {x.shape}")

    def run() -> np.ndarray:
        for i in range(index.shape[-1]):
            _in_range(index[..., i], x.shape[batch + i], "gather_nd")
        groups = x.reshape(-1, *x.shape[batch:]), index.reshape(-1, *index.shape[batch:])
        return np.stack([a[tuple(np.moveaxis(b, -1, 0))] for a, b in zip(*groups, strict=True)]).reshape(y.shape)

    return [x], y, run


def gather_elements(vm: Vm, s: int, s_indices: int, axis: int) -> Found:
    y = dense(vm, "float32", vm.shape(s_indices))
    index = dense(vm, "int64", vm.shape(s_indices))
    x = dense(vm, "float32", vm.shape(s))
    (axis,) = axes_of((axis,), x.ndim, "gather_elements")
    if x.ndim != index.ndim or any(
        a < b for i, (a, b) in enumerate(zip(x.shape, index.shape, strict=True)) if i != axis
    ):
        raise damaged("gather_elements", f"indices of {index.shape} for {x.shape}")

    def run() -> np.ndarray:
        part = x[tuple(slice(None) if i == axis else slice(n) for i, n in enumerate(index.shape))]
        return np.take_along_axis(part, _in_range(index, x.shape[axis], "gather_elements"), axis)

    return [x], y, run


def onehot(vm: Vm, dt: int, s_indices: int, s_out: int, t_out: int, axis: int, negative: int) -> Found:
    kind = stackvm.DTYPES[dt]
    y = view(vm, dt, vm.shape(s_out), t_out)
    off, on = dense(vm, kind, ()), dense(vm, kind, ())
    vm.address()
    index = dense(vm, "int32", vm.shape(s_indices))
    (axis,) = axes_of((axis,), y.ndim, "onehot")
    if index.shape != y.shape[:axis] + y.shape[axis + 1 :]:
        raise damaged("onehot", f"indices of {index.shape} for {y.shape}")

    def run() -> np.ndarray:
        depth = y.shape[axis]
        at = np.where((index < 0) & bool(negative), index + depth, index)
        places = np.arange(depth).reshape([-1 if i == axis else 1 for i in range(y.ndim)])
        return np.where(np.expand_dims(at, axis) == places, on, off)

    return [index], y, run


def cumsum(vm: Vm, dt: int, s: int, axis: int, exclusive: int, reverse: int) -> Found:
    kind, shape = stackvm.DTYPES[dt], vm.shape(s)
    y, x = dense(vm, kind, shape), dense(vm, kind, shape)
    (axis,) = axes_of((axis,), x.ndim, "cumsum")

    def run() -> np.ndarray:
        v = np.flip(x, axis) if reverse else x
        total = np.cumsum(v, axis, x.dtype)
        total = total - v if exclusive and x.dtype.kind == "i" else total
        if exclusive and x.dtype.kind == "f":  # no difference of large sums
            first = tuple(slice(1) if i == axis else slice(None) for i in range(x.ndim))
            body = tuple(slice(-1) if i == axis else slice(None) for i in range(x.ndim))
            total = np.concatenate([np.zeros_like(total[first]), total[body]], axis)
        return np.flip(total, axis) if reverse else total

    return [x], y, run


def hardmax(vm: Vm, dt: int, s: int, t: int, axis: int) -> Found:
    y = dense(vm, stackvm.DTYPES[dt], vm.shape(s))
    x = view(vm, dt, vm.shape(s), t)
    (axis,) = axes_of((axis,), x.ndim, "hardmax")

    def run() -> np.ndarray:
        v = np.zeros_like(y)
        np.put_along_axis(v, np.expand_dims(np.argmax(x, axis), axis), 1, axis)
        return v

    return [x], y, run


def topk(vm: Vm, dt: int, s: int, t: int, s1: int, t1: int, s2: int, t2: int, k: int, axis: int, largest: int, _: int):
    z = view(vm, stackvm.DTYPES.index("int64"), vm.shape(s2), t2)
    x, y = in_out(vm, dt, s, t, vm.shape(s1), t1)
    (axis,) = axes_of((axis,), x.ndim, "topk")
    want = tuple(k if i == axis else n for i, n in enumerate(x.shape))
    if y.shape != want or z.shape != want or not 0 < k <= x.shape[axis]:
        raise damaged("topk", f"a result of {y.shape} for {k} of {x.shape}")
    check_writable(z)

    def run() -> np.ndarray:
        order = np.argsort(-x if largest else x, axis, kind="stable")
        z[...] = np.take(order, range(k), axis)
        return np.take_along_axis(x, z, axis)

    return [x], y, run


def trilu(vm: Vm, dt: int, s: int, upper: int, k: int) -> Found:
    kind, shape = stackvm.DTYPES[dt], vm.shape(s)
    y, x = dense(vm, kind, shape), dense(vm, kind, shape)
    if x.ndim < 2:
        raise damaged("trilu", f"the shape {shape}")
    k = max(-(1 << 31), min(k, 1 << 31))
    return [x], y, lambda: np.triu(x, k) if upper else np.tril(x, k)


def ternary(vm: Vm, dt: int, s1: int, t1: int, s2: int, t2: int, s3: int, t3: int, t_out: int) -> Found:
    place, c_at, b_at, a_at = vm.address(), vm.address(), vm.address(), vm.address()
    kind = stackvm.DTYPES[dt]
    a = a_at.strided("float32", vm.shape(s1), vm.shape(t1))
    b = b_at.strided(kind, vm.shape(s2), vm.shape(t2))
    c = c_at.strided(kind, vm.shape(s3), vm.shape(t3))
    try:
        shape = np.broadcast_shapes(a.shape, b.shape, c.shape)
    except ValueError:
        raise damaged("ternary", f"the shapes {a.shape}, {b.shape} and {c.shape}") from None
    return [a, b, c], place.strided(kind, shape, vm.shape(t_out)), lambda: np.where(a != 0, b, c)


def layer_norm(vm: Vm, dt: int, s: int, axis: int, epsilon: float) -> Found:
    kind, shape = stackvm.DTYPES[dt], vm.shape(s)
    (axis,) = axes_of((axis,), len(shape), "layer_norm")
    y, bias, scale, x = (dense(vm, kind, n) for n in (shape, shape[axis:], shape[axis:], shape))
    over = tuple(range(axis, len(shape)))

    def run() -> np.ndarray:
        rest = x - x.mean(over, keepdims=True)
        return rest / np.sqrt((rest * rest).mean(over, keepdims=True) + np.float32(epsilon)) * scale + bias

    return [x], y, run


def reduce_prod(vm: Vm, *operands: int) -> Found:
    dt, s, t, t_out, s_axes, keep = operands if len(operands) == 6 else (stackvm.DTYPES.index("float32"), *operands)
    shape = vm.shape(s)
    axes = axes_of(vm.shape(s_axes), len(shape), "reduce_prod")
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    out = kept if keep else tuple(n for i, n in enumerate(shape) if i not in axes)
    x, y = in_out(vm, dt, s, t, out, t_out)
    return [x], y, lambda: np.asarray(np.prod(x, axes, x.dtype)).reshape(out)


def gru(vm: Vm, s: int, s_w: int, direction: int, linear_before_reset: int = 0) -> Found:
    shape, w_shape = vm.shape(s), vm.shape(s_w)
    if (
        len(shape) != 3
        or len(w_shape) != 3
        or w_shape[1] % 3
        or w_shape[2] != shape[2]
        or w_shape[0] != 1 + (direction == 2)
    ):
        raise damaged("gru", f"weights of {w_shape} for {shape}")
    steps, batch, _ = shape
    dirs, n = w_shape[0], w_shape[1] // 3
    sizes = [(dirs, batch, n), (steps, dirs, batch, n), (dirs, batch, n), (dirs, 6, n), (dirs, 3, n, n), w_shape, shape]
    last, y, start, bias, r, w, x = (dense(vm, "float32", size) for size in sizes)
    check_writable(last)

    def run() -> np.ndarray:
        result = np.zeros_like(y)
        for d in range(dirs):
            h, wd = start[d].copy(), w[d].reshape(3, n, -1)
            for i in range(steps)[:: -1 if d == 1 or direction == 1 else 1]:
                a = [x[i] @ wd[g].T + bias[d, g] for g in range(3)]
                z, reset = (ops.sigmoid(a[g] + h @ r[d, g].T + bias[d, 3 + g]) for g in range(2))
                if linear_before_reset:
                    part = reset * (h @ r[d, 2].T + bias[d, 5])
                else:
                    part = (reset * h) @ r[d, 2].T + bias[d, 5]
                h = (1 - z) * np.tanh(a[2] + part) + z * h
                result[i, d] = h
            last[d] = h
        return result

    return [x], y, run


HANDLERS: dict[str, Callable[..., Found]] = {
    "gather": gather, "gather_nd": gather_nd, "gather_elements": gather_elements, "onehot": onehot, "cumsum": cumsum,
    "hardmax": hardmax, "topk": topk, "trilu": trilu, "ternary": ternary, "layer_norm": layer_norm,
    "reduce_prod": reduce_prod, "gru": gru,
}  # fmt: skip
