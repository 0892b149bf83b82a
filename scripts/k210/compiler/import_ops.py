# SPDX-License-Identifier: MIT
"""What the ONNX operations mean in the compiler's graph."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from k210.compiler import expr as ex
from k210.compiler import import_shapes as shapes
from k210.compiler.expr import Expr, X
from k210.compiler.graph import Act, Affine, Binary, Conv, MatMul, Pool, Reduce, Reshape, Softmax
from k210.compiler.importer import Node, Value


def _window(n: Node, size: list[int], shape: tuple[int, ...]) -> tuple[list[int], list[int], list[int]]:
    """Strides, dilations and pads (begins, then ends) with auto_pad worked out."""
    rank = len(size)
    stride = n.ints("strides") or [1] * rank
    dilation = n.ints("dilations") or [1] * rank
    pads = n.ints("pads") or [0] * 2 * rank
    auto = n.attribute("auto_pad", "NOTSET")
    if len(stride) != rank or len(dilation) != rank or len(pads) != 2 * rank or min(stride + dilation + size) < 1:
        raise n.fail(f"strides, dilations or pads do not fit a kernel of {rank} dimensions")
    if auto == "VALID":
        pads = [0] * 2 * rank
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        for i in range(rank):
            reach = (size[i] - 1) * dilation[i] + 1
            out = -(-shape[2 + i] // stride[i])
            total = max((out - 1) * stride[i] + reach - shape[2 + i], 0)
            small, large = total // 2, total - total // 2
            pads[i], pads[rank + i] = (small, large) if auto == "SAME_UPPER" else (large, small)
    return stride, dilation, pads


def _picture(n: Node, what: str) -> tuple[str, tuple[int, ...], bool]:
    """Input 0 as N, C, H, W; a row of pixels (N, C, L) gets height 1, which the last value says."""
    x, shape = n.value(), n.shape()
    if len(shape) == 4:
        return x, shape, False
    if len(shape) != 3:
        raise n.fail(f"{what} of {len(shape) - 2} dimensions are not supported; the K210 has two")
    flat = (*shape[:2], 1, shape[2])
    return n.emit(Reshape, [x], flat), flat, True


def _flat_again(n: Node, y: str, flat: bool) -> str:
    if not flat:
        return y
    shape = n.graph.shape(y)
    return n.emit(Reshape, [y], (*shape[:2], shape[3]))


def _two(values: list[int], flat: bool, fill: int) -> tuple[int, int]:
    return (fill, values[0]) if flat else (values[0], values[1])


def conv(n: Node) -> str:
    w = n.weights(1, "weights")
    bias = n.weights(2, "bias values") if n.input(2) is not None else np.zeros(w.shape[0], np.float32)
    groups = int(n.attribute("group", 1))
    original = n.shape()
    if len(original) != w.ndim:
        raise n.fail(f"the weights have {w.ndim} dimensions, the input has {len(original)}")
    stride, dilation, pads = _window(n, list(w.shape[2:]), original)
    x, shape, flat = _picture(n, "convolutions")
    if flat:
        w, pads = w[:, :, None], [0, pads[0], 0, pads[1]]
    if shape[1] != w.shape[1] * groups or w.shape[0] % groups or bias.shape != (w.shape[0],):
        raise n.fail(f"weights {w.shape} with {groups} groups do not fit {shape[1]} channels")
    sd, dd = _two(stride, flat, 1), _two(dilation, flat, 1)
    size = [(shape[2 + i] + pads[i] + pads[2 + i] - (w.shape[2 + i] - 1) * dd[i] - 1) // sd[i] + 1 for i in range(2)]
    y = n.emit(
        Conv, [x], (shape[0], w.shape[0], *size), weight=w, bias=bias, groups=groups, stride=sd,
        pads=(pads[0], pads[1], pads[2], pads[3]), dilation=dd,
    )  # fmt: skip
    return _flat_again(n, y, flat)


def conv_transpose(n: Node) -> str:
    """As convolutions of the input, one for each position inside a stride; their results are interleaved."""
    w = n.weights(1, "weights")  # in channels, out channels / groups, rows, columns
    shape, groups = n.shape(), int(n.attribute("group", 1))
    if len(shape) != 4 or w.ndim != 4 or w.shape[0] != shape[1]:
        raise n.fail(f"weights {w.shape} do not fit an input of {shape}")
    per, outs = w.shape[0] // groups, w.shape[1]
    bias = n.weights(2, "bias values") if n.input(2) is not None else np.zeros(outs * groups, np.float32)
    stride, dilation, pads = _window(n, list(w.shape[2:]), shape)
    extra = n.ints("output_padding") or [0, 0]
    reach = [(w.shape[2 + i] - 1) * dilation[i] + 1 for i in range(2)]
    full = [(shape[2 + i] - 1) * stride[i] + reach[i] + extra[i] for i in range(2)]
    wanted = n.ints("output_shape")
    auto = n.attribute("auto_pad", "NOTSET")
    if wanted or auto.startswith("SAME"):
        wanted = wanted or [shape[2 + i] * stride[i] for i in range(2)]
        for i in range(2):
            total = max(full[i] - wanted[i], 0)
            before = total - total // 2 if auto == "SAME_LOWER" else total // 2
            pads[i], pads[2 + i] = before, full[i] - wanted[i] - before
    # To the form of a convolution: out channels, in channels / groups, kernel turned round, dilation filled in.
    w = w.reshape(groups, per, outs, *w.shape[2:]).swapaxes(1, 2).reshape(groups * outs, per, *w.shape[2:])
    kernel = np.zeros((*w.shape[:2], *reach), np.float32)
    kernel[:, :, :: dilation[0], :: dilation[1]] = w
    size = [full[i] - pads[i] - pads[2 + i] for i in range(2)]
    channels = groups * outs
    parts = []
    for r in range(stride[0]):
        for c in range(stride[1]):
            # Result pixel q*stride + phase is the sum over taps t with (q*stride + phase + pad - t) divisible by it.
            part, lead, count = kernel, [0, 0], [0, 0]
            for i, phase in enumerate((r, c)):
                first = (phase + pads[i]) % stride[i]
                part = part[:, :, first :: stride[i]] if i == 0 else part[:, :, :, first :: stride[i]]
                lead[i] = (phase + pads[i]) // stride[i]
                count[i] = -(-(size[i] - phase) // stride[i])
            taps = [part.shape[2], part.shape[3]]
            if 0 in taps:
                part, taps = np.zeros((*part.shape[:2], 1, 1), np.float32), [1, 1]
            before = [taps[i] - 1 - lead[i] for i in range(2)]
            after = [count[i] - 1 + lead[i] - (shape[2 + i] - 1) for i in range(2)]
            most = [-(-size[i] // stride[i]) for i in range(2)]
            y = n.emit(
                Conv, [n.value()], (shape[0], channels, *most),
                weight=np.ascontiguousarray(part[:, :, ::-1, ::-1]), bias=bias, groups=groups,
                pads=(before[0], before[1], after[0] + most[0] - count[0], after[1] + most[1] - count[1]),
            )  # fmt: skip
            parts.append(y)
    if len(parts) == 1:
        return parts[0]
    return shapes.interleave(n, parts, (stride[0], stride[1]), (size[0], size[1]))


def batch_norm(n: Node) -> str:
    if n.attribute("training_mode", 0):
        raise n.fail("it is in training mode; export the network in evaluation mode")
    scale, shift, mean, var = (
        n.weights(i, what).astype(np.float64) for i, what in enumerate(("scales", "shifts", "means", "variances"), 1)
    )
    mul = scale / np.sqrt(var + float(n.attribute("epsilon", 1e-5)))
    if not np.isfinite(mul).all():
        raise n.fail("a variance below zero gives NaN")
    return n.emit(
        Affine, [n.value()], n.shape(), mul=mul.astype(np.float32), add=(shift - mean * mul).astype(np.float32)
    )


def act(function: Callable[[Node], Expr]) -> Callable[[Node], str]:
    return lambda n: n.emit(Act, [n.value()], n.shape(), expr=function(n))


def simple(name: str) -> Callable[[Node], str]:
    return act(lambda n: ex.apply(name, X))


def _number(n: Node, name: str, default: float) -> float:
    return float(n.attribute(name, default))


def clip(n: Node) -> str:
    low, high = n.attribute("min"), n.attribute("max")
    if n.opset >= 11:
        given = [n.optional(1, "lower limit"), n.optional(2, "upper limit")]
        low, high = (None if v is None or not v.size else float(v.ravel()[0]) for v in given)
    return n.emit(Act, [n.value()], n.shape(), expr=ex.clip(X, low, high))


def prelu(n: Node) -> str:
    slope = n.weights(1, "slopes")
    if slope.size == 1 or (slope == slope.ravel()[0]).all():
        return n.emit(Act, [n.value()], n.shape(), expr=ex.leaky(X, float(slope.ravel()[0])))
    # One table for all channels is what the KPU has; max(x, 0) + slope * min(x, 0) has the slopes as a constant.
    x, shape = n.value(), n.shape()
    above = n.emit(Act, [x], shape, expr=ex.relu(X))
    below = n.emit(Act, [x], shape, expr=ex.apply("min", X, 0.0))
    scaled = n.emit(Binary, [below, n.graph.constant(slope)], shape, kind="mul")
    return n.emit(Binary, [above, scaled], shape, kind="add")


def power(n: Node) -> str:
    exponent = n.constant(1, "exponent")
    if exponent.size != 1:
        raise n.fail("its exponent must be one number")
    value = float(exponent.ravel()[0])
    expr = ex.apply("mul", X, X) if value == 2 else ex.apply("sqrt", X) if value == 0.5 else ex.apply("pow", X, value)
    return n.emit(Act, [n.value()], n.shape(), expr=expr)


def binary(kind: str) -> Callable[[Node], Value]:
    def handler(n: Node) -> Value:
        result = n.input(0)
        for i in range(1, len(n.inputs)):
            result = two(n, kind, result, n.input(i))
        return result

    return handler


def mean(n: Node) -> Value:
    total = binary("add")(n)
    return two(n, "mul", total, np.float32(1 / len(n.inputs)))


def two(n: Node, kind: str, a: Value, b: Value) -> Value:
    """a, b: values or constants. A number or one number per channel makes a function of the other operand."""
    if not isinstance(a, str) and not isinstance(b, str):
        return np.asarray({"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
                           "min": np.minimum, "max": np.maximum}[kind](a, b), np.float32)  # fmt: skip
    known = (
        np.asarray(b if isinstance(a, str) else a, np.float32)
        if not (isinstance(a, str) and isinstance(b, str))
        else None
    )
    if known is None:
        sa, sb = n.graph.shape(a), n.graph.shape(b)
    else:
        known = np.asarray(b if isinstance(a, str) else a, np.float32)
        if not np.isfinite(known).all() and kind not in ("min", "max"):
            raise n.fail("its constant operand has values that are NaN or infinite")
        x = a if isinstance(a, str) else b
        if known.size == 1 and known.ndim <= len(n.graph.shape(x)):
            number = float(known.ravel()[0])
            expr = ex.apply(kind, X, number) if isinstance(a, str) else ex.apply(kind, number, X)
            return n.emit(Act, [x], n.graph.shape(x), expr=expr)
        per_channel = _per_channel(known, n.graph.shape(x))
        if per_channel is not None and (kind in ("add", "mul", "sub") or (kind == "div" and isinstance(a, str))):
            one, zero = np.ones_like(per_channel), np.zeros_like(per_channel)
            mul, add = {
                "add": (one, per_channel), "mul": (per_channel, zero),
                "sub": (one, -per_channel) if isinstance(a, str) else (-one, per_channel),
                "div": (one / np.where(per_channel == 0, np.nan, per_channel), zero),
            }[kind]  # fmt: skip
            if not np.isfinite(mul).all():
                raise n.fail("it divides by a constant 0")
            return n.emit(Affine, [x], n.graph.shape(x), mul=mul, add=add)
        sa = n.graph.shape(a) if isinstance(a, str) else known.shape
        sb = n.graph.shape(b) if isinstance(b, str) else known.shape
    try:
        shape = np.broadcast_shapes(sa, sb)
    except ValueError:
        raise n.fail(f"shapes {sa} and {sb} do not fit together") from None
    names = [v if isinstance(v, str) else n.graph.constant(np.asarray(v, np.float32)) for v in (a, b)]
    return n.emit(Binary, names, shape, kind=kind)


def _per_channel(known: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """The constant as one number for each channel of N, C, H, W or N, C, if it is that."""
    if len(shape) not in (2, 3, 4) or known.ndim > len(shape):
        return None
    full = (1,) * (len(shape) - known.ndim) + known.shape
    if full[1] != shape[1] or any(n != 1 for i, n in enumerate(full) if i != 1):
        return None
    return known.reshape(-1)


def pool(kind: str) -> Callable[[Node], str]:
    def handler(n: Node) -> str:
        size = n.ints("kernel_shape") or []
        original = n.shape()
        if len(size) != len(original) - 2:
            raise n.fail("its kernel does not fit the input")
        stride, dilation, pads = _window(n, size, original)
        if max(dilation) > 1:
            raise n.fail("pooling with dilation is not supported; use a pool without")
        x, shape, flat = _picture(n, "pools")
        if flat:
            pads = [0, pads[0], 0, pads[1]]
        k, s = _two(size, flat, 1), _two(stride, flat, 1)
        up = bool(n.attribute("ceil_mode", 0))
        out = []
        for i in range(2):
            room = shape[2 + i] + pads[i] + pads[2 + i] - k[i]
            count = (-(-room // s[i]) if up else room // s[i]) + 1
            if up and (count - 1) * s[i] >= shape[2 + i] + pads[i]:
                count -= 1
            # What a last, partial window lacks is padding that never counts.
            out.append(count)
        counted = bool(n.attribute("count_include_pad", 0)) and any(pads)
        short = [max((out[i] - 1) * s[i] + k[i] - shape[2 + i] - pads[i] - pads[2 + i], 0) for i in range(2)]
        if counted and any(short):
            raise n.fail("count_include_pad together with ceil_mode is not supported; pad so that the sizes fit")
        y = n.emit(
            Pool, [x], (*shape[:2], *out), kind=kind, size=k, stride=s, count_pad=counted,
            pads=(pads[0], pads[1], pads[2] + short[0], pads[3] + short[1]),
        )  # fmt: skip
        return _flat_again(n, y, flat)

    return handler


def global_pool(kind: str) -> Callable[[Node], str]:
    def handler(n: Node) -> str:
        shape = n.shape()
        axes = tuple(range(2, len(shape)))
        return n.emit(Reduce, [n.value()], (*shape[:2], *(1 for _ in axes)), kind=kind, axes=axes)

    return handler


def reduce(kind: str) -> Callable[[Node], str]:
    def handler(n: Node) -> str:
        shape = n.shape()
        axes = n.ints("axes", 1)
        if not axes:
            if n.attribute("noop_with_empty_axes", 0):
                return n.value()
            axes = list(range(len(shape)))
        found = tuple(sorted({n.axis(a, len(shape)) for a in axes}))
        kept = tuple(1 if i in found else d for i, d in enumerate(shape))
        y = n.emit(Reduce, [n.value()], kept, kind=kind, axes=found)
        if n.attribute("keepdims", 1):
            return y
        return n.emit(Reshape, [y], [d for i, d in enumerate(shape) if i not in found])

    return handler


def reduce_l2(n: Node) -> str:
    square = n.emit(Act, [n.value()], n.shape(), expr=ex.apply("mul", X, X))
    n.inputs[0] = square
    total = reduce("sum")(n)
    return n.emit(Act, [total], n.graph.shape(total), expr=ex.apply("sqrt", X))


def softmax(n: Node, log: bool = False) -> str:
    shape = n.shape()
    axis = n.axis(int(n.attribute("axis", -1 if n.opset >= 13 else 1)), len(shape))
    if n.opset < 13 and axis < len(shape) - 1 and math.prod(shape[axis + 1 :]) > 1:
        # The old meaning: over everything from the axis on.
        flat = (math.prod(shape[:axis]), math.prod(shape[axis:]))
        y = n.emit(Softmax, [n.emit(Reshape, [n.value()], flat)], flat, axis=1)
        y = n.emit(Reshape, [y], shape)
    else:
        y = n.emit(Softmax, [n.value()], shape, axis=axis)
    return n.emit(Act, [y], shape, expr=ex.apply("log", ex.apply("max", X, 1e-30))) if log else y


def gemm(n: Node) -> str:
    a, alpha, beta = n.value(0), _number(n, "alpha", 1), _number(n, "beta", 1)
    if n.attribute("transA", 0):
        a = n.emit(shapes.Transpose, [a], n.shape()[::-1], order=(1, 0))
    if isinstance(n.input(1), str):
        raise n.fail("its matrix B is computed while the network runs; use MatMul for that")
    b = n.weights(1, "weights") * np.float32(alpha)
    b = b.T if n.attribute("transB", 0) else b
    rows, inner = n.graph.shape(a)
    if b.shape[0] != inner:
        raise n.fail(f"a matrix of {b.shape} does not fit {inner} inputs")
    bias = n.optional(2, "bias")
    bias = np.zeros(b.shape[1], np.float32) if bias is None else n.weights(2, "bias values") * np.float32(beta)
    if bias.size not in (1, b.shape[1]):
        raise n.fail(f"its bias has the shape {bias.shape}; one number for each of {b.shape[1]} outputs is supported")
    bias = np.broadcast_to(bias.ravel(), (b.shape[1],)).copy()
    return n.emit(MatMul, [a, n.graph.constant(np.ascontiguousarray(b))], (rows, b.shape[1]), bias=bias)


def matmul(n: Node) -> str:
    sa, sb = n.shape(0), n.shape(1)
    for i in (0, 1):
        if not isinstance(n.input(i), str):
            n.weights(i, "weights")
    if len(sa) < 2 or len(sb) < 2 or sa[-1] != sb[-2]:
        raise n.fail(f"matrices of {sa} and {sb} do not fit, or have only one dimension")
    if len(sb) == 2 or math.prod(sb[:-2]) == 1:
        rows = (math.prod(sa[:-1]), sa[-1])
        a = n.value(0) if rows == sa else n.emit(Reshape, [n.value(0)], rows)
        b = n.input(1)
        known = n.graph.constant(np.asarray(b, np.float32).reshape(sb[-2:])) if not isinstance(b, str) else n.value(1)
        if isinstance(b, str) and len(sb) > 2:
            known = n.emit(Reshape, [known], sb[-2:])
        y = n.emit(MatMul, [a, known], (rows[0], sb[-1]))
        shape = (*np.broadcast_shapes(sa[:-2], sb[:-2]), sa[-2], sb[-1])
        return y if shape == (rows[0], sb[-1]) else n.emit(Reshape, [y], shape)
    if sa[:-2] != sb[:-2]:
        raise n.fail(f"matrices of {sa} and {sb}: broadcasting of the leading dimensions is not supported")
    return shapes.batched_matmul(n, sa, sb)


def lrn(n: Node) -> str:
    raise n.fail("local response normalization cannot run on the K210; train without it (batch normalization can)")


def instance_norm(n: Node) -> str:
    raise n.fail("it normalizes by the picture itself, which the K210 cannot; train with batch normalization")


HANDLERS: dict[str, Callable[[Node], Value | list[Value]]] = {
    "Conv": conv, "ConvTranspose": conv_transpose, "BatchNormalization": batch_norm,
    "Relu": act(lambda n: ex.relu(X)), "Clip": clip, "PRelu": prelu,
    "LeakyRelu": act(lambda n: ex.leaky(X, _number(n, "alpha", 0.01))),
    "HardSigmoid": act(lambda n: ex.hard_sigmoid(X, _number(n, "alpha", 0.2), _number(n, "beta", 0.5))),
    "HardSwish": act(lambda n: ex.apply("mul", X, ex.hard_sigmoid(X, 1 / 6, 0.5))),
    "Elu": act(lambda n: ex.elu(X, _number(n, "alpha", 1))),
    "Selu": act(lambda n: ex.elu(X, _number(n, "alpha", 1.67326319217681884765625),
                                 _number(n, "gamma", 1.05070102214813232421875))),
    "Celu": act(lambda n: ex.elu(ex.apply("div", X, _number(n, "alpha", 1)), 1, _number(n, "alpha", 1))),
    "Softplus": act(lambda n: ex.softplus(X)),
    "Softsign": act(lambda n: ex.apply("div", X, ex.apply("add", ex.apply("abs", X), 1.0))),
    "Mish": act(lambda n: ex.apply("mul", X, ex.apply("tanh", ex.softplus(X)))),
    "Gelu": act(lambda n: ex.gelu(X, n.attribute("approximate", "none") == "tanh")),
    "Swish": act(lambda n: ex.apply("mul", X, ex.apply("sigmoid", ex.apply("mul", X, _number(n, "alpha", 1))))),
    "ThresholdedRelu": act(lambda n: ex.apply("mul", X, ex.apply("max", ex.apply("sign", ex.apply(
        "sub", X, _number(n, "alpha", 1))), 0.0))),
    "Reciprocal": act(lambda n: ex.apply("div", 1.0, X)), "Pow": power,
    "Sigmoid": simple("sigmoid"), "Tanh": simple("tanh"), "Exp": simple("exp"), "Log": simple("log"),
    "Sqrt": simple("sqrt"), "Abs": simple("abs"), "Neg": simple("neg"), "Floor": simple("floor"),
    "Ceil": simple("ceil"), "Sin": simple("sin"), "Cos": simple("cos"), "Erf": simple("erf"),
    "Round": simple("round"), "Sign": simple("sign"),
    "Add": binary("add"), "Sub": binary("sub"), "Mul": binary("mul"), "Div": binary("div"), "Min": binary("min"),
    "Max": binary("max"), "Sum": binary("add"), "Mean": mean,
    "MaxPool": pool("max"), "AveragePool": pool("mean"),
    "GlobalAveragePool": global_pool("mean"), "GlobalMaxPool": global_pool("max"),
    "ReduceMean": reduce("mean"), "ReduceSum": reduce("sum"), "ReduceMax": reduce("max"), "ReduceMin": reduce("min"),
    "ReduceL2": reduce_l2, "Softmax": softmax, "LogSoftmax": lambda n: softmax(n, True),
    "Gemm": gemm, "MatMul": matmul, "LRN": lrn, "InstanceNormalization": instance_norm,
    **shapes.HANDLERS,
}  # fmt: skip
