# SPDX-License-Identifier: MIT
"""The ONNX operations that move values: reshape, transpose, slice, concat, pad, resize and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from k210.compiler.graph import Concat, MatMul, Pad, Reshape, Resize, Slice, Transpose
from k210.compiler.importer import FLOATS, Node, Value


def identity(n: Node) -> str:
    return n.value()


def cast(n: Node) -> str:
    if int(n.attribute("to", 1)) not in FLOATS:
        raise n.fail("casting to whole numbers is not supported; remove the cast (everything is computed as float)")
    return n.value()


def shape_of(n: Node) -> np.ndarray:
    shape = np.array(n.shape(), np.int64)
    end = n.attribute("end")
    return shape[int(n.attribute("start", 0)) : None if end is None else int(end)]


def size_of(n: Node) -> np.ndarray:
    return np.array(math.prod(n.shape()), np.int64)


def reshaped(n: Node, shape: Sequence[int]) -> str:
    """The input with another shape of the same size."""
    old = n.shape()
    if math.prod(shape) != math.prod(old):
        raise n.fail(f"{old} cannot take the shape {tuple(shape)}")
    return n.value() if tuple(shape) == old else n.emit(Reshape, [n.value()], shape)


def reshape(n: Node) -> str:
    old = n.shape()
    wanted = n.ints("shape", 1)
    if wanted is None:
        raise n.fail("its shape is missing")
    zero = bool(n.attribute("allowzero", 0))
    if not zero and any(d == 0 and i >= len(old) for i, d in enumerate(wanted)):
        raise n.fail(f"a 0 in the shape {wanted} stands for a dimension that the input does not have")
    shape = [old[i] if d == 0 and not zero else d for i, d in enumerate(wanted)]
    if shape.count(-1) == 1:
        rest = -math.prod(shape)
        shape[shape.index(-1)] = math.prod(old) // rest if rest else 0
    return reshaped(n, shape)


def flatten(n: Node) -> str:
    shape = n.shape()
    axis = int(n.attribute("axis", 1))
    axis = axis + len(shape) if axis < 0 else axis
    return reshaped(n, (math.prod(shape[:axis]), math.prod(shape[axis:])))


def squeeze(n: Node) -> str:
    shape = n.shape()
    axes = n.ints("axes", 1)
    found = [i for i, d in enumerate(shape) if d == 1] if axes is None else [n.axis(a, len(shape)) for a in axes]
    if any(shape[i] != 1 for i in found):
        raise n.fail(f"axes {axes} of {shape} do not all have size 1")
    return reshaped(n, [d for i, d in enumerate(shape) if i not in found])


def unsqueeze(n: Node) -> str:
    shape, axes = list(n.shape()), n.ints("axes", 1)
    if axes is None:
        raise n.fail("its axes are missing")
    rank = len(shape) + len(axes)
    for axis in sorted(n.axis(a, rank) for a in axes):
        shape.insert(axis, 1)
    return reshaped(n, shape)


def transpose(n: Node) -> str:
    shape = n.shape()
    order = n.ints("perm") or list(range(len(shape)))[::-1]
    if sorted(order) != list(range(len(shape))):
        raise n.fail(f"the order {order} does not fit {len(shape)} dimensions")
    return n.emit(Transpose, [n.value()], [shape[i] for i in order], order=tuple(order))


def concat(n: Node) -> str:
    values = [n.value(i) for i in range(len(n.inputs))]
    known = [n.graph.shape(v) for v in values]
    axis = n.axis(int(n.attribute("axis", 1)), len(known[0]))
    if any(s[:axis] + s[axis + 1 :] != known[0][:axis] + known[0][axis + 1 :] for s in known):
        raise n.fail(f"shapes {known} cannot be joined along axis {axis}")
    if len(values) == 1:
        return values[0]
    shape = list(known[0])
    shape[axis] = sum(s[axis] for s in known)
    return n.emit(Concat, values, shape, axis=axis)


def sliced(n: Node, x: str, begin: list[int], count: list[int], step: list[int]) -> str:
    shape = n.graph.shape(x)
    if min(count) < 1:
        raise n.fail(f"nothing is left of {shape}")
    if tuple(count) == shape and all(s == 1 for s in step):
        return x
    return n.emit(Slice, [x], count, begin=tuple(begin), step=tuple(step))


def slice_(n: Node) -> str:
    shape = n.shape()
    starts, ends = n.ints("starts", 1), n.ints("ends", 2)
    if starts is None or ends is None:
        raise n.fail("its starts or ends are missing")
    axes = n.ints("axes", 3) or list(range(len(starts)))
    steps = n.ints("steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise n.fail("starts, ends, axes and steps do not fit together")
    begin, count, step = [0] * len(shape), list(shape), [1] * len(shape)
    for start, end, axis, by in zip(starts, ends, axes, steps, strict=True):
        axis = n.axis(axis, len(shape))
        picked = range(*slice(start, end, by).indices(shape[axis]))
        # An end that ONNX means as "before the first" is far below zero; python's slice takes it as it is.
        begin[axis], count[axis], step[axis] = (picked[0] if len(picked) else 0), len(picked), by
    return sliced(n, n.value(), begin, count, step)


def split(n: Node) -> list[str]:
    shape = n.shape()
    axis = n.axis(int(n.attribute("axis", 0)), len(shape))
    sizes = n.ints("split", 1)
    if sizes is None:
        parts = int(n.attribute("num_outputs", len(n.outputs)))
        each = -(-shape[axis] // parts)
        sizes = [min(each, shape[axis] - i * each) for i in range(parts)]
    if sum(sizes) != shape[axis]:
        raise n.fail(f"parts of {sizes} do not make {shape[axis]}")
    results, at = [], 0
    for size in sizes:
        begin, count = [0] * len(shape), list(shape)
        begin[axis], count[axis] = at, size
        results.append(sliced(n, n.value(), begin, count, [1] * len(shape)))
        at += size
    return results


def gather(n: Node) -> str:
    """Only with indices that are known and evenly spaced, or one by one."""
    shape = n.shape()
    axis = n.axis(int(n.attribute("axis", 0)), len(shape))
    index = n.constant(1, "index")
    flat = [int(i) % shape[axis] for i in index.ravel()]
    if not flat or any(not -shape[axis] <= int(i) < shape[axis] for i in index.ravel()):
        raise n.fail(f"index {index.tolist()} does not fit {shape[axis]}")
    steps = set(np.diff(flat).tolist())
    count = list(shape)
    if len(steps) <= 1 and 0 not in steps:
        begin, step = [0] * len(shape), [1] * len(shape)
        begin[axis], count[axis], step[axis] = flat[0], len(flat), steps.pop() if steps else 1
        y = sliced(n, n.value(), begin, count, step)
    else:
        parts = []
        for i in flat:
            begin, one = [0] * len(shape), list(shape)
            begin[axis], one[axis] = i, 1
            parts.append(sliced(n, n.value(), begin, one, [1] * len(shape)))
        count[axis] = len(flat)
        y = n.emit(Concat, parts, count, axis=axis)
    wanted = (*shape[:axis], *index.shape, *shape[axis + 1 :])
    return y if n.graph.shape(y) == wanted else n.emit(Reshape, [y], wanted)


def pad(n: Node) -> str:
    shape = n.shape()
    mode = n.attribute("mode", "constant")
    pads = n.ints("pads", 1) or n.ints("paddings")
    if pads is None:
        raise n.fail("its pads are missing")
    given = n.optional(2, "value")
    value = float(n.attribute("value", 0.0)) if given is None or not given.size else float(given.ravel()[0])
    axes = [n.axis(a, len(shape)) for a in (n.ints("axes", 3) or range(len(shape)))]
    pairs = [(0, 0)] * len(shape)
    for i, axis in enumerate(axes):
        pairs[axis] = (pads[i], pads[i + len(axes)])
    size = [d + a + b for d, (a, b) in zip(shape, pairs, strict=True)]
    if not any(map(any, pairs)):
        return n.value()
    if mode == "constant":
        return n.emit(Pad, [n.value()], size, pads=tuple(pairs), value=value)
    if mode not in ("edge", "reflect"):
        raise n.fail(f"padding of mode {mode!r} is not supported; use constant, edge or reflect")
    y = n.value()
    for axis, (before, after) in enumerate(pairs):
        if before < 0 or after < 0:
            raise n.fail("negative padding needs mode constant")
        if before or after:
            y = _mirror(n, y, axis, before, after, mode)
    return y


def _mirror(n: Node, x: str, axis: int, before: int, after: int, mode: str) -> str:
    shape = n.graph.shape(x)
    size = shape[axis]
    if mode == "reflect" and max(before, after) >= size:
        raise n.fail(f"reflecting {max(before, after)} of {size} values is not possible")

    def piece(start: int, count: int, step: int) -> str:
        begin, counts, steps = [0] * len(shape), list(shape), [1] * len(shape)
        begin[axis], counts[axis], steps[axis] = start, count, step
        return sliced(n, x, begin, counts, steps)

    edge = mode == "edge"
    first = [piece(0, 1, 1)] * before if edge else [piece(before, before, -1)] if before else []
    last = [piece(size - 1, 1, 1)] * after if edge else [piece(size - 2, after, -1)] if after else []
    grown = list(shape)
    grown[axis] += before + after
    return n.emit(Concat, [*first, x, *last], grown, axis=axis)


def expand(n: Node) -> str:
    shape = n.shape()
    wanted = n.ints("shape", 1)
    if wanted is None:
        raise n.fail("its shape is missing")
    return repeated(n, np.broadcast_shapes(shape, tuple(wanted)))


def tile(n: Node) -> str:
    shape = n.shape()
    repeats = n.ints("repeats", 1) or []
    if len(repeats) != len(shape):
        raise n.fail(f"repeats {repeats} do not fit {shape}")
    y = n.value()
    for axis, count in enumerate(repeats):
        if count > 1:
            grown = list(n.graph.shape(y))
            grown[axis] *= count
            y = n.emit(Concat, [y] * count, grown, axis=axis)
    return y


def repeated(n: Node, wanted: tuple[int, ...]) -> str:
    """The input repeated along dimensions of size 1."""
    shape = n.shape()
    y = reshaped(n, (1,) * (len(wanted) - len(shape)) + shape)
    for axis, size in enumerate(wanted):
        now = list(n.graph.shape(y))
        if now[axis] != size:
            now[axis] = size
            y = n.emit(Concat, [y] * size, now, axis=axis)
    return y


def resize(n: Node) -> str:
    shape = n.shape()
    if len(shape) != 4:
        raise n.fail(f"resizing of {len(shape)} dimensions is not supported; use N, C, H, W")
    old = n.op == "Upsample" or n.opset < 11
    if old:
        scales = n.attribute("scales")
        scales = n.optional(1, "scales") if scales is None else np.asarray(scales)
        sizes = None
    else:
        scales, sizes = n.optional(2, "scales"), n.optional(3, "sizes")
        axes = n.ints("axes")
        if axes:
            full = [1.0] * 4 if sizes is None or not sizes.size else list(shape)
            for a, v in zip(axes, scales if sizes is None or not sizes.size else sizes, strict=True):
                full[n.axis(a, 4)] = v
            scales, sizes = (np.array(full), None) if sizes is None or not sizes.size else (None, np.array(full))
    if sizes is not None and sizes.size:
        size = [int(v) for v in sizes]
    elif scales is not None and scales.size == 4:
        size = [math.floor(d * float(s) + 1e-6) for d, s in zip(shape, scales, strict=True)]
    else:
        raise n.fail("it has neither scales nor sizes")
    if tuple(size[:2]) != shape[:2]:
        raise n.fail(f"it changes {shape} to {tuple(size)}; only height and width may change")
    if tuple(size) == shape:
        return n.value()
    mode = n.attribute("mode", "nearest")
    how = n.attribute("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    if mode == "nearest":
        rounding = n.attribute("nearest_mode", "floor" if old else "round_prefer_floor")
        return nearest(n, size, how, rounding)
    if mode in ("linear", "bilinear"):
        if n.attribute("antialias", 0):
            raise n.fail("resizing with antialias is not supported; use mode nearest, or a pool")
        return linear(n, size, how)
    raise n.fail(f"resizing of mode {mode!r} is not supported; use nearest or linear")


def _source(n: Node, size_in: int, size_out: int, how: str) -> np.ndarray:
    o = np.arange(size_out, dtype=np.float64)
    ratio = size_in / size_out
    if how == "asymmetric":
        return o * ratio
    if how in ("half_pixel", "pytorch_half_pixel"):
        if how == "pytorch_half_pixel" and size_out == 1:
            return o * 0
        return (o + 0.5) * ratio - 0.5
    if how == "align_corners":
        return o * ((size_in - 1) / max(size_out - 1, 1))
    raise n.fail(f"resizing with the coordinates {how!r} is not supported; use asymmetric")


def nearest(n: Node, size: list[int], how: str, rounding: str) -> str:
    """The kmodel takes floor(o * in / out); everything that comes to the same is that, the rest gathers lines."""
    shape = n.shape()
    y = n.value()
    index = []
    for axis in (2, 3):
        at = _source(n, shape[axis], size[axis], how)
        picked = {
            "floor": np.floor(at), "ceil": np.ceil(at), "round_prefer_floor": np.ceil(at - 0.5),
            "round_prefer_ceil": np.floor(at + 0.5),
        }.get(rounding)  # fmt: skip
        if picked is None:
            raise n.fail(f"nearest_mode {rounding!r} is not known")
        index.append(np.clip(picked, 0, shape[axis] - 1).astype(int))
    plain = [np.minimum(np.floor(np.arange(size[a], dtype=np.float32) * np.float32(shape[a] / size[a])).astype(int),
                        shape[a] - 1) for a in (2, 3)]  # fmt: skip
    if all((i == p).all() for i, p in zip(index, plain, strict=True)):
        return n.emit(Resize, [y], size, kind="nearest")
    for axis, picked in zip((2, 3), index, strict=True):
        now = list(n.graph.shape(y))
        steps = np.unique(np.diff(picked))
        begin, count, step = [0, 0, 0, 0], list(now), [1, 1, 1, 1]
        if len(picked) == 1 or (len(steps) == 1 and steps[0] > 0):
            begin[axis], count[axis] = int(picked[0]), len(picked)
            step[axis] = int(steps[0]) if len(picked) > 1 else 1
            y = sliced(n, y, begin, count, step)
            continue
        parts = []
        for i in picked:
            begin, count = [0, 0, 0, 0], list(now)
            begin[axis], count[axis] = int(i), 1
            parts.append(sliced(n, y, begin, count, [1] * 4))
        now[axis] = len(picked)
        y = n.emit(Concat, parts, now, axis=axis)
    return y


def linear(n: Node, size: list[int], how: str) -> str:
    shape = n.shape()
    x = n.value()
    if how == "align_corners":
        return n.emit(Resize, [x], size, kind="linear", align=True)
    if how == "asymmetric":
        return n.emit(Resize, [x], size, kind="linear")
    # Half pixels: pad by repeating the edge, resize to whole factors with the corners aligned, and cut.
    factors = [size[2] // shape[2], size[3] // shape[3]]
    if size[2] != factors[0] * shape[2] or size[3] != factors[1] * shape[3] or max(factors) > 8:
        raise n.fail("linear resizing by half pixels needs a whole factor up to 8; use mode nearest or align_corners")
    y = x
    for axis in (2, 3):
        y = _mirror(n, y, axis, 1, 1, "edge")
    fine = [(shape[a] + 1) * 2 * f + 1 for a, f in zip((2, 3), factors, strict=True)]
    y = n.emit(Resize, [y], (*size[:2], *fine), kind="linear", align=True)
    # Sample k of the fine grid lies at k/(2f) - 1; result o at (o + 0.5)/f - 0.5 = (2o + 1 + f)/(2f) - 1.
    return sliced(n, y, [0, 0, 1 + factors[0], 1 + factors[1]], list(size), [1, 1, 2, 2])


def space_to_depth(n: Node) -> str:
    block, (b, c, h, w) = int(n.attribute("blocksize", 1)), n.shape()
    if h % block or w % block:
        raise n.fail(f"{h}\u00d7{w} is no multiple of the block {block}")
    parts = []
    for r in range(block):
        for k in range(block):
            parts.append(sliced(n, n.value(), [0, 0, r, k], [b, c, h // block, w // block], [1, 1, block, block]))
    return n.emit(Concat, parts, (b, c * block * block, h // block, w // block), axis=1)


def depth_to_space(n: Node) -> str:
    block, (b, c, h, w) = int(n.attribute("blocksize", 1)), n.shape()
    out = c // (block * block)
    if c % (block * block) or b != 1:
        raise n.fail(f"{c} channels do not make blocks of {block}\u00d7{block}")
    if n.attribute("mode", "DCR") == "DCR":
        y = n.emit(Reshape, [n.value()], (block, block, out, h, w))
        y = n.emit(Transpose, [y], (out, h, block, w, block), order=(2, 3, 0, 4, 1))
    else:
        y = n.emit(Reshape, [n.value()], (out, block, block, h, w))
        y = n.emit(Transpose, [y], (out, h, block, w, block), order=(0, 3, 1, 4, 2))
    return n.emit(Reshape, [y], (b, out, h * block, w * block))


def interleave(n: Node, parts: list[str], stride: tuple[int, int], size: tuple[int, int]) -> str:
    """Pictures that hold the pixels (r, c) of each stride x stride block, row by row, as one picture of `size`."""
    b, c, h, w = n.graph.shape(parts[0])
    y = n.emit(Concat, parts, (b, c * len(parts), h, w), axis=1)
    y = n.emit(Reshape, [y], (stride[0], stride[1], c, h, w))
    y = n.emit(Transpose, [y], (c, h, stride[0], w, stride[1]), order=(2, 3, 0, 4, 1))
    y = n.emit(Reshape, [y], (b, c, h * stride[0], w * stride[1]))
    return sliced(n, y, [0, 0, 0, 0], [b, c, *size], [1, 1, 1, 1])


def batched_matmul(n: Node, sa: tuple[int, ...], sb: tuple[int, ...]) -> str:
    """One product after the other; there is no operation for all of them."""
    count = math.prod(sa[:-2])
    if count > 64:
        raise n.fail(f"{count} products in one MatMul are too many for the K210")
    a = n.emit(Reshape, [n.value(0)], (count, *sa[-2:]))
    b = n.emit(Reshape, [n.value(1)], (count, *sb[-2:]))
    parts = []
    for i in range(count):
        pair = []
        for x, s in ((a, sa), (b, sb)):
            one = sliced(n, x, [i, 0, 0], [1, *s[-2:]], [1, 1, 1])
            pair.append(n.emit(Reshape, [one], s[-2:]))
        y = n.emit(MatMul, pair, (sa[-2], sb[-1]))
        parts.append(n.emit(Reshape, [y], (1, sa[-2], sb[-1])))
    y = n.emit(Concat, parts, (count, sa[-2], sb[-1]), axis=0) if count > 1 else parts[0]
    return n.emit(Reshape, [y], (*sa[:-2], sa[-2], sb[-1]))


HANDLERS: dict[str, Callable[[Node], Value | list[Value]]] = {
    "Identity": identity, "Dropout": identity, "Cast": cast, "CastLike": identity, "Shape": shape_of, "Size": size_of,
    "Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose,
    "Concat": concat, "Slice": slice_, "Split": split, "Gather": gather, "Pad": pad, "Expand": expand, "Tile": tile,
    "Resize": resize, "Upsample": resize, "SpaceToDepth": space_to_depth, "DepthToSpace": depth_to_space,
}  # fmt: skip
