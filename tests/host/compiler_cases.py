# SPDX-License-Identifier: MIT
"""Small networks for the compiler: every operation alone, in the forms that exporters write."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx_nets import Net

# name: what adds the nodes and gives the output, shape of the input, opset
CASES: dict[str, tuple[Callable[[Net], str], tuple[int, ...], int]] = {}


def case(name: str, make: Callable[[Net], str], shape: tuple[int, ...] = (1, 3, 16, 16), opset: int = 13) -> None:
    CASES[name] = (make, shape, opset)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def head(n: Net, x: str = "x", ic: int = 3, oc: int = 8, **more) -> str:
    """A first convolution, so that what is tested has a map of u8 before it."""
    return n.conv(x, ic, oc, **more)


ACTIVATIONS = ["relu", "relu6", "leaky", "silu", "hswish", "mish", "Sigmoid", "Tanh", "Elu", "Selu", "Softplus"]
ACTIVATIONS += ["HardSigmoid", "Softsign", "Exp", "Abs", "Neg"]
for kind in ACTIVATIONS:
    case(f"act_{kind}", lambda n, kind=kind: n.act(head(n), kind))
case("act_Sqrt", lambda n: n.op("Sqrt", n.op("Abs", head(n))))
case("HardSwish", lambda n: n.op("HardSwish", head(n)), opset=14)
case("Mish18", lambda n: n.op("Mish", head(n)), opset=18)
case("Gelu20", lambda n: n.op("Gelu", head(n)), opset=20)
case(
    "gelu_erf",
    lambda n: (
        lambda x: n.op(
            "Mul",
            n.op("Mul", x, n.op("Add", n.op("Erf", n.op("Div", x, n.const(1.41421356))), n.const(1.0))),
            n.const(0.5),
        )
    )(head(n)),
)
case("prelu1", lambda n: n.op("PRelu", head(n), n.const([[[0.2]]])))
case("prelu8", lambda n: n.op("PRelu", head(n), n.const(np.linspace(0, 0.5, 8).reshape(8, 1, 1))))
case("prelu8_conv", lambda n: n.conv(n.op("PRelu", head(n), n.const(np.linspace(0, 0.5, 8).reshape(8, 1, 1))), 8, 4))
CONVS = [(1, 1, 0, 1), (3, 1, 1, 1), (3, 1, 0, 1), (3, 2, 1, 1), (3, 2, 0, 1), (1, 2, 0, 1), (5, 1, 2, 1), (7, 2, 3, 1)]
CONVS += [
    (5, 2, 2, 1),
    (3, 3, 1, 1),
    (4, 4, 0, 1),
    (2, 2, 0, 1),
    (2, 1, 0, 1),
    (4, 2, 1, 1),
    (3, 1, 2, 2),
    (3, 1, 3, 3),
]
CONVS += [(3, 2, 2, 2), (7, 1, 3, 1), (6, 3, 2, 1), (3, 1, 2, 1), (11, 4, 2, 1)]
for k, s, p, d in CONVS:
    case(
        f"conv_k{k}s{s}p{p}d{d}",
        lambda n, k=k, s=s, p=p, d=d: n.op("Relu", n.conv("x", 3, 8, k, s, pads=[p] * 4, dilation=d)),
        (1, 3, 17, 18),
    )
    case(
        f"conv_k{k}s{s}p{p}d{d}e",
        lambda n, k=k, s=s, p=p, d=d: n.op("Relu", n.conv("x", 3, 8, k, s, pads=[p] * 4, dilation=d)),
        (1, 3, 24, 32),
    )
for pads in [(0, 0, 1, 1), (1, 1, 0, 0), (0, 1, 2, 1), (2, 0, 1, 3)]:
    for s in (1, 2):
        case(
            f"conv_pads{pads}s{s}",
            lambda n, pads=pads, s=s: n.op("Relu", n.conv("x", 3, 8, 3, s, pads=list(pads))),
            (1, 3, 17, 20),
        )
for k, s, p in [(3, 1, 1), (3, 2, 1), (3, 2, 0), (5, 1, 2), (5, 2, 2), (1, 1, 0), (7, 1, 3)]:
    case(
        f"dw_k{k}s{s}p{p}",
        lambda n, k=k, s=s, p=p: n.op("Relu", n.conv(n.op("Relu", head(n)), 8, 8, k, s, pads=[p] * 4, groups=8)),
        (1, 3, 18, 20),
    )
    case(
        f"dw_k{k}s{s}p{p}_pw",
        lambda n, k=k, s=s, p=p: n.op(
            "Relu", n.conv(n.conv(n.op("Relu", head(n)), 8, 8, k, s, pads=[p] * 4, groups=8), 8, 12, 1)
        ),
        (1, 3, 18, 20),
    )
case("dw_big", lambda n: n.op("Relu", n.conv(n.op("Relu", head(n, oc=72)), 72, 72, 5, 1, groups=72)))
case("group2", lambda n: n.op("Relu", n.conv(n.op("Relu", head(n)), 8, 12, 3, 1, groups=2)))
case("group4s2", lambda n: n.op("Relu", n.conv(n.op("Relu", head(n)), 8, 16, 3, 2, groups=4)))
case("group_big", lambda n: n.act(n.conv(n.op("Relu", head(n, oc=128)), 128, 128, 3, 1, groups=4), "silu"))
case("dw_mult", lambda n: n.op("Relu", n.conv(n.op("Relu", head(n)), 8, 16, 3, 1, groups=8)))
case(
    "rect_kernel",
    lambda n: n.op(
        "Relu", n.op("Conv", "x", n.const(n.rng.normal(size=(8, 3, 1, 3))), kernel_shape=[1, 3], pads=[0, 1, 0, 1])
    ),
)
case(
    "rect_kernel2",
    lambda n: n.op(
        "Relu", n.op("Conv", "x", n.const(n.rng.normal(size=(8, 3, 5, 1))), kernel_shape=[5, 1], pads=[2, 0, 2, 0])
    ),
)
case(
    "rect_stride",
    lambda n: n.op(
        "Relu",
        n.op(
            "Conv",
            "x",
            n.const(n.rng.normal(size=(8, 3, 3, 3))),
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            strides=[2, 1],
        ),
    ),
)
case(
    "same_upper",
    lambda n: n.op(
        "Relu",
        n.op(
            "Conv",
            "x",
            n.const(n.rng.normal(size=(8, 3, 3, 3))),
            kernel_shape=[3, 3],
            auto_pad="SAME_UPPER",
            strides=[2, 2],
        ),
    ),
)
case(
    "same_lower",
    lambda n: n.op(
        "Relu",
        n.op(
            "Conv",
            "x",
            n.const(n.rng.normal(size=(8, 3, 3, 3))),
            kernel_shape=[3, 3],
            auto_pad="SAME_LOWER",
            strides=[2, 2],
        ),
    ),
    (1, 3, 17, 17),
)
for k, s, p, cm in [
    (2, 2, 0, 0),
    (2, 2, 0, 1),
    (3, 2, 1, 0),
    (3, 2, 0, 1),
    (3, 1, 1, 0),
    (4, 4, 0, 0),
    (2, 1, 0, 0),
    (5, 1, 2, 0),
    (3, 3, 0, 0),
    (13, 1, 6, 0),
]:
    for t in ("MaxPool", "AveragePool"):
        case(
            f"{t}_k{k}s{s}p{p}c{cm}",
            lambda n, k=k, s=s, p=p, cm=cm, t=t: n.conv(
                n.op(t, n.op("Relu", head(n)), kernel_shape=[k, k], strides=[s, s], pads=[p] * 4, ceil_mode=cm), 8, 6, 1
            ),
            (1, 3, 17, 19),
        )
        case(
            f"{t}_tail_k{k}s{s}p{p}c{cm}",
            lambda n, k=k, s=s, p=p, cm=cm, t=t: n.op(
                t, n.op("Relu", head(n)), kernel_shape=[k, k], strides=[s, s], pads=[p] * 4, ceil_mode=cm
            ),
            (1, 3, 16, 20),
        )
case(
    "avgpool_incl",
    lambda n: n.conv(
        n.op(
            "AveragePool", n.op("Relu", head(n)), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, count_include_pad=1
        ),
        8,
        6,
        1,
    ),
)
case(
    "avg_signed",
    lambda n: n.conv(n.op("AveragePool", head(n), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), 8, 6, 1),
)
case("add", lambda n: n.conv(n.op("Add", n.op("Relu", head(n)), head(n)), 8, 6, 3))
case("add_relu", lambda n: n.conv(n.op("Relu", n.op("Add", head(n), head(n))), 8, 6, 3))
case("sub", lambda n: n.conv(n.op("Sub", n.op("Relu", head(n)), head(n)), 8, 6, 3))
case("mul", lambda n: n.conv(n.op("Mul", n.op("Relu", head(n)), head(n)), 8, 6, 3))
case(
    "div",
    lambda n: n.conv(n.op("Div", n.op("Relu", head(n)), n.op("Add", n.op("Sigmoid", head(n)), n.const(0.5))), 8, 6, 3),
)
case("minmax", lambda n: n.conv(n.op("Max", n.op("Min", head(n), head(n)), head(n)), 8, 6, 3))
case(
    "se",
    lambda n: (
        lambda x: n.conv(
            n.op(
                "Mul", x, n.op("Sigmoid", n.conv(n.op("Relu", n.conv(n.op("GlobalAveragePool", x), 8, 4, 1)), 4, 8, 1))
            ),
            8,
            6,
            3,
        )
    )(n.op("Relu", head(n))),
)
case(
    "se_hsig",
    lambda n: (
        lambda x: n.conv(
            n.op(
                "Mul",
                x,
                n.op(
                    "HardSigmoid",
                    n.conv(n.op("Relu", n.conv(n.op("ReduceMean", x, axes=[2, 3]), 8, 4, 1)), 4, 8, 1),
                    alpha=1 / 6,
                ),
            ),
            8,
            6,
            3,
        )
    )(n.op("Relu", head(n))),
)
case("concat_act", lambda n: n.conv(n.op("Concat", n.op("Relu", head(n)), n.op("Sigmoid", head(n)), axis=1), 16, 6, 3))
case(
    "resize2",
    lambda n: n.conv(
        n.op(
            "Resize",
            n.op("Relu", head(n)),
            "",
            n.const(np.array([1, 1, 2, 2], np.float32)),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        8,
        6,
        3,
    ),
)
case(
    "resize_hp",
    lambda n: n.conv(
        n.op("Resize", n.op("Relu", head(n)), "", n.const(np.array([1, 1, 2, 2], np.float32)), mode="nearest"), 8, 6, 3
    ),
)
case(
    "resize_sizes",
    lambda n: n.conv(
        n.op(
            "Resize",
            n.op("Relu", head(n)),
            "",
            "",
            n.const(ints(1, 8, 24, 40)),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        8,
        6,
        3,
    ),
)
case(
    "resize_lin",
    lambda n: n.conv(
        n.op("Resize", n.op("Relu", head(n)), "", n.const(np.array([1, 1, 2, 2], np.float32)), mode="linear"), 8, 6, 3
    ),
)
case(
    "resize_lin_ac",
    lambda n: n.conv(
        n.op(
            "Resize",
            n.op("Relu", head(n)),
            "",
            n.const(np.array([1, 1, 2, 2], np.float32)),
            mode="linear",
            coordinate_transformation_mode="align_corners",
        ),
        8,
        6,
        3,
    ),
)
case(
    "resize_down",
    lambda n: n.conv(
        n.op(
            "Resize",
            n.op("Relu", head(n)),
            "",
            n.const(np.array([1, 1, 0.5, 0.5], np.float32)),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        8,
        6,
        3,
    ),
)
case(
    "upsample9",
    lambda n: n.conv(
        n.op("Upsample", n.op("Relu", head(n)), n.const(np.array([1, 1, 2, 2], np.float32)), mode="nearest"), 8, 6, 3
    ),
    opset=9,
)
case(
    "gap_fc",
    lambda n: n.op(
        "Softmax",
        n.op(
            "Gemm",
            n.op("Flatten", n.op("GlobalAveragePool", n.op("Relu", head(n)))),
            n.const(n.rng.normal(size=(8, 10))),
            n.const(n.rng.normal(size=10)),
        ),
    ),
)
case(
    "fc_chain",
    lambda n: n.op(
        "Gemm",
        n.op(
            "Relu",
            n.op(
                "Gemm",
                n.op("Flatten", n.op("Relu", head(n, oc=4, s=2))),
                n.const(n.rng.normal(size=(256, 120)) * 0.1),
                n.const(n.rng.normal(size=120)),
            ),
        ),
        n.const(n.rng.normal(size=(120, 10)) * 0.1),
        n.const(n.rng.normal(size=10)),
    ),
)
case(
    "fc_big",
    lambda n: n.op(
        "Gemm",
        n.op(
            "Relu",
            n.op(
                "Gemm",
                n.op("Flatten", n.op("Relu", head(n))),
                n.const(n.rng.normal(size=(2048, 120)) * 0.03),
                n.const(n.rng.normal(size=120)),
            ),
        ),
        n.const(n.rng.normal(size=(120, 10)) * 0.1),
        n.const(n.rng.normal(size=10)),
    ),
)
case(
    "mlp",
    lambda n: n.op(
        "MatMul",
        n.op("Relu", n.op("MatMul", "x", n.const(n.rng.normal(size=(4, 10))))),
        n.const(n.rng.normal(size=(10, 3))),
    ),
    (1, 4),
)
case("transpose_out", lambda n: n.op("Transpose", head(n), perm=[0, 2, 3, 1]))
case(
    "yolo5d",
    lambda n: n.op(
        "Sigmoid",
        n.op("Transpose", n.op("Reshape", n.conv("x", 3, 18, 1), n.const(ints(1, 3, 6, 16, 16))), perm=[0, 1, 3, 4, 2]),
    ),
)
case(
    "split",
    lambda n: (lambda p: n.conv(n.op("Concat", p[1], n.op("Relu", p[0]), axis=1), 8, 6, 3))(
        n.op("Split", head(n), n.const(ints(4, 4)), outputs=2, axis=1)
    ),
)
case(
    "split_yolov8",
    lambda n: (lambda p: n.op("Concat", n.op("Add", p[0], p[1]), n.op("Sub", p[0], p[1]), axis=1))(
        n.op("Split", n.op("Reshape", head(n), n.const(ints(1, 8, 256))), n.const(ints(4, 4)), outputs=2, axis=1)
    ),
)
case(
    "shuffle",
    lambda n: n.conv(
        n.op(
            "Reshape",
            n.op(
                "Transpose",
                n.op("Reshape", n.op("Relu", head(n)), n.const(ints(1, 2, 4, 16, 16))),
                perm=[0, 2, 1, 3, 4],
            ),
            n.const(ints(1, 8, 16, 16)),
        ),
        8,
        6,
        3,
    ),
)
case(
    "deconv2",
    lambda n: n.op(
        "Relu",
        n.op(
            "ConvTranspose",
            n.op("Relu", head(n)),
            n.const(n.rng.normal(size=(8, 5, 2, 2)) * 0.3),
            n.const(n.rng.normal(size=5)),
            kernel_shape=[2, 2],
            strides=[2, 2],
        ),
    ),
)
case(
    "deconv4",
    lambda n: n.op(
        "Relu",
        n.op(
            "ConvTranspose",
            n.op("Relu", head(n)),
            n.const(n.rng.normal(size=(8, 5, 4, 4)) * 0.3),
            kernel_shape=[4, 4],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
        ),
    ),
)
case(
    "deconv3",
    lambda n: n.conv(
        n.op(
            "ConvTranspose",
            n.op("Relu", head(n)),
            n.const(n.rng.normal(size=(8, 5, 3, 3)) * 0.3),
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
            output_padding=[1, 1],
        ),
        5,
        3,
    ),
)
case(
    "deconv_dw",
    lambda n: n.conv(
        n.op(
            "ConvTranspose",
            n.op("Relu", head(n)),
            n.const(n.rng.normal(size=(8, 1, 4, 4)) * 0.3),
            kernel_shape=[4, 4],
            strides=[2, 2],
            pads=[1, 1, 1, 1],
            group=8,
        ),
        8,
        3,
    ),
)
case("d2s", lambda n: n.op("DepthToSpace", n.conv("x", 3, 12, 3), blocksize=2))
case("d2s_crd", lambda n: n.op("DepthToSpace", n.conv("x", 3, 12, 3), blocksize=2, mode="CRD"))
case("s2d", lambda n: n.conv(n.op("SpaceToDepth", "x", blocksize=2), 12, 8, 3))
case("pad", lambda n: n.conv(n.op("Pad", "x", n.const(ints(0, 0, 1, 2, 0, 0, 3, 0))), 3, 8, 3, pads=[0] * 4))
case(
    "pad_reflect",
    lambda n: n.conv(n.op("Pad", "x", n.const(ints(0, 0, 1, 1, 0, 0, 1, 1)), mode="reflect"), 3, 8, 3, pads=[0] * 4),
)
case(
    "pad_edge",
    lambda n: n.conv(
        n.op("Pad", n.op("Relu", head(n)), n.const(ints(0, 0, 1, 1, 0, 0, 1, 1)), mode="edge"), 8, 8, 3, pads=[0] * 4
    ),
)
case("bn_first", lambda n: head(n, n.bn("x", 3)))
case("bn_after_relu", lambda n: n.conv(n.bn(n.op("Relu", head(n)), 8), 8, 6, 3))
case(
    "norm_in",
    lambda n: head(
        n,
        n.op(
            "Div",
            n.op(
                "Sub",
                n.op("Mul", "x", n.const(1 / 255.0)),
                n.const(np.array([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)),
            ),
            n.const(np.array([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)),
        ),
    ),
)
case(
    "tiny_maps",
    lambda n: n.conv(n.op("Relu", n.conv(n.op("Relu", n.conv("x", 3, 8, 3, 2)), 8, 8, 3, 2)), 8, 8, 3, 2),
    (1, 3, 10, 10),
)
case("tiny_1x1", lambda n: n.conv(n.op("Relu", n.conv("x", 12, 20, 1)), 20, 7, 1), (1, 12, 1, 1))
case("tiny_2x3", lambda n: n.conv(n.op("Relu", n.conv("x", 12, 20, 3)), 20, 7, 3), (1, 12, 2, 3))
case(
    "conv1d",
    lambda n: n.op(
        "Relu",
        n.op(
            "Conv",
            n.op("Relu", n.op("Conv", "x", n.const(n.rng.normal(size=(8, 4, 3))), kernel_shape=[3], pads=[1, 1])),
            n.const(n.rng.normal(size=(8, 8, 5)) * 0.3),
            kernel_shape=[5],
            pads=[2, 2],
            strides=[2],
        ),
    ),
    (1, 4, 64),
)
case("lsm", lambda n: n.op("LogSoftmax", n.op("Flatten", n.op("GlobalMaxPool", head(n))), axis=1))
case("softmax_ax1", lambda n: n.op("Softmax", head(n), axis=1))
case(
    "l2norm",
    lambda n: (lambda x: n.op("Div", x, n.op("ReduceL2", x, axes=[1], keepdims=1)))(
        n.op("Flatten", n.op("GlobalAveragePool", head(n)))
    ),
)
case("two_acts", lambda n: (lambda x: n.op("Concat", n.op("Relu", x), n.op("Sigmoid", x), axis=1))(head(n)))
case(
    "two_acts_conv",
    lambda n: (lambda x: n.conv(n.op("Concat", n.op("Relu", x), n.op("Sigmoid", x), axis=1), 16, 8))(head(n)),
)
case("crelu", lambda n: (lambda x: n.conv(n.op("Relu", n.op("Concat", x, n.op("Neg", x), axis=1)), 16, 8))(head(n)))
case(
    "attn",
    lambda n: (lambda q, k, v: n.op("MatMul", n.op("Softmax", n.op("MatMul", q, k), axis=-1), v))(
        n.op("Reshape", n.conv("x", 3, 8, 1), n.const(ints(1, 64, 8))),
        n.op("Reshape", n.conv("x", 3, 8, 1), n.const(ints(1, 8, 64))),
        n.op("Reshape", n.conv("x", 3, 8, 1), n.const(ints(1, 64, 8))),
    ),
    (1, 3, 8, 8),
)
case("gather_idx", lambda n: n.op("Gather", head(n), n.const(ints(0, 3, 1)), axis=1))
case(
    "slice_neg",
    lambda n: n.conv(
        n.op(
            "Slice",
            "x",
            n.const(
                ints(
                    -1,
                )
            ),
            n.const(
                ints(
                    -100,
                )
            ),
            n.const(
                ints(
                    1,
                )
            ),
            n.const(
                ints(
                    -1,
                )
            ),
        ),
        3,
        4,
    ),
)
case(
    "expand",
    lambda n: n.op("Add", head(n), n.op("Expand", n.op("GlobalAveragePool", head(n)), n.const(ints(1, 8, 16, 16)))),
)
case(
    "const_add_map",
    lambda n: n.conv(n.op("Add", n.op("Relu", head(n)), n.const(n.rng.normal(size=(1, 8, 16, 16)))), 8, 4),
)
case(
    "reducesum",
    lambda n: n.op(
        "ReduceSum",
        head(n),
        n.const(
            ints(
                1,
            )
        ),
        keepdims=0,
    ),
)
case(
    "clip_pool_relu",
    lambda n: n.conv(n.op("Relu", n.op("MaxPool", n.bn(head(n), 8), kernel_shape=[2, 2], strides=[2, 2])), 8, 4),
)
case("oc_split", lambda n: n.conv(n.op("Relu", n.conv("x", 600, 8, 3)), 8, 4), (1, 600, 4, 4))
case("loads", lambda n: n.op("Relu", n.conv("x", 512, 420, 3)), (1, 512, 4, 4))
case("wide", lambda n: n.conv(n.op("Relu", n.conv("x", 1, 4, 3, 2)), 4, 4, 3), (1, 1, 20, 512))
case("pow2", lambda n: n.op("Pow", head(n), n.const(2.0)))
case("tile", lambda n: n.conv(n.op("Tile", n.op("Relu", head(n)), n.const(ints(1, 2, 1, 1))), 16, 4))
case("identity_out", lambda n: n.op("Identity", "x"))
case("mean2", lambda n: n.conv(n.op("Mean", head(n), head(n)), 8, 4))
