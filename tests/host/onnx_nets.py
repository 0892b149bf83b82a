# SPDX-License-Identifier: MIT
"""Builds ONNX networks with random weights: small ones for single operations, and the shapes of well-known ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """Adds nodes one after the other; each method gives the name of its result."""

    def __init__(self, shape: tuple[int, ...] = (1, 3, 32, 32), seed: int = 0, opset: int = 13) -> None:
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
        self.count = 0

    def input(self, name: str, shape: tuple[int, ...]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def const(self, data: np.ndarray | list | float) -> str:
        data = np.asarray(data)
        if data.dtype == np.float64:
            data = data.astype(np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(data, name))
        return name

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes) -> str | list[str]:
        self.count += 1
        names = [f"{kind.lower()}_{self.count}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}_{self.count}", **attributes))
        return names if outputs > 1 else names[0]

    def conv(self, x: str, ic: int, oc: int, k: int = 3, s: int = 1, pads=None, groups: int = 1, bias: bool = True,
             dilation: int = 1) -> str:  # fmt: skip
        w = self.rng.normal(0, np.sqrt(2 / (k * k * ic / groups)), (oc, ic // groups, k, k))
        p = dilation * (k - 1) // 2
        extra = [self.const(self.rng.normal(0, 0.1, oc))] if bias else []
        return self.op("Conv", x, self.const(w), *extra, kernel_shape=[k, k], strides=[s, s], group=groups,
                       dilations=[dilation, dilation], pads=pads or [p, p, p, p])  # fmt: skip

    def bn(self, x: str, c: int) -> str:
        r = self.rng
        tables = (r.uniform(0.6, 1.6, c), r.normal(0, 0.2, c), r.normal(0, 0.2, c), r.uniform(0.5, 1.5, c))
        return self.op("BatchNormalization", x, *(self.const(t) for t in tables))

    def act(self, x: str, kind: str) -> str:
        if kind == "relu":
            return self.op("Relu", x)
        if kind == "relu6":
            return self.op("Clip", x, self.const(np.float32(0)), self.const(np.float32(6)))
        if kind == "leaky":
            return self.op("LeakyRelu", x, alpha=0.1)
        if kind == "silu":
            return self.op("Mul", x, self.op("Sigmoid", x))
        if kind == "hswish":
            gate = self.op("Clip", self.op("Add", x, self.const(3.0)), self.const(0.0), self.const(6.0))
            return self.op("Div", self.op("Mul", x, gate), self.const(6.0))
        if kind == "mish":
            return self.op("Mul", x, self.op("Tanh", self.op("Softplus", x)))
        return x if kind == "none" else self.op(kind, x)

    def block(self, x: str, ic: int, oc: int, k: int = 3, s: int = 1, groups: int = 1, act: str = "relu") -> str:
        return self.act(self.bn(self.conv(x, ic, oc, k, s, groups=groups, bias=False), oc), act)

    def model(self, *outputs: str) -> onnx.ModelProto:
        # Shapes of outputs are found by onnx itself.
        out = [helper.make_value_info(o, onnx.TypeProto()) for o in outputs]
        graph = helper.make_graph(self.nodes, "net", self.inputs, out, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        inferred = onnx.shape_inference.infer_shapes(model)
        known = {v.name: v for v in [*inferred.graph.value_info, *inferred.graph.output]}
        del model.graph.output[:]
        for o in outputs:
            value = known.get(o)
            if value is not None and value.type.HasField("tensor_type"):
                model.graph.output.append(value)
            else:
                model.graph.output.append(helper.make_tensor_value_info(o, TensorProto.FLOAT, None))
        return model

    def save(self, path: Path, *outputs: str) -> Path:
        onnx.save(self.model(*outputs), path)
        return path


# ---- networks as people train them -----------------------------------------------------------------


def mobilenet_v1(size: int = 128, width: float = 0.25, classes: int = 10, act: str = "relu6") -> tuple[Net, list[str]]:
    net = Net((1, 3, size, size), 1)

    def w(c: int) -> int:
        return max(8, int(c * width))

    x = net.block("x", 3, w(32), 3, 2, act=act)
    plan = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2)]
    plan += [(512, 512, 1)] * 5 + [(512, 1024, 2), (1024, 1024, 1)]
    for a, b, s in plan:
        x = net.block(x, w(a), w(a), 3, s, groups=w(a), act=act)
        x = net.block(x, w(a), w(b), 1, act=act)
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    fc = net.rng.normal(0, 1 / np.sqrt(w(1024)), (classes, w(1024)))
    x = net.op("Gemm", x, net.const(fc), net.const(net.rng.normal(0, 0.1, classes)), transB=1)
    return net, [net.op("Softmax", x, axis=1)]


def mobilenet_v2(size: int = 96, width: float = 0.35, classes: int = 10) -> tuple[Net, list[str]]:
    net = Net((1, 3, size, size), 2)

    def w(c: int) -> int:
        return max(8, int(c * width) // 8 * 8)

    x = net.block("x", 3, w(32), 3, 2, act="relu6")
    c = w(32)
    for t, out, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2)]:
        for i in range(n):
            y = net.block(x, c, c * t, 1, act="relu6") if t > 1 else x
            y = net.block(y, c * t, c * t, 3, s if i == 0 else 1, groups=c * t, act="relu6")
            y = net.block(y, c * t, w(out), 1, act="none")
            x = net.op("Add", x, y) if i or (s == 1 and c == w(out)) else y
            c = w(out)
    x = net.op("Flatten", net.op("GlobalAveragePool", net.block(x, c, 256, 1, act="relu6")))
    fc = net.rng.normal(0, 1 / 16, (256, classes))
    return net, [net.op("MatMul", x, net.const(fc))]


def yolov2_tiny(size: int = 224, width: int = 8, anchors: int = 5, classes: int = 3) -> tuple[Net, list[str]]:
    net = Net((1, 3, size, size), 3)
    x, c = "x", 3
    for i in range(5):
        x = net.block(x, c, width << i, act="leaky")
        x = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        c = width << i
    x = net.block(x, c, c * 2, act="leaky")
    x = net.block(x, c * 2, c * 2, act="leaky")
    return net, [net.conv(x, c * 2, anchors * (5 + classes), 1)]


def yolov3_tiny(size: int = 224, width: int = 8, classes: int = 4) -> tuple[Net, list[str]]:
    net = Net((1, 3, size, size), 4)
    x, c = "x", 3
    skip = ""
    for i in range(5):
        x = net.block(x, c, width << i, act="leaky")
        c = width << i
        skip = x if i == 4 else skip
        x = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.block(x, c, c * 2, act="leaky")
    x = net.op("MaxPool", x, kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1])
    mid = net.block(net.block(x, c * 2, c * 4, act="leaky"), c * 4, c, 1, act="leaky")
    first = net.conv(net.block(mid, c, c * 2, act="leaky"), c * 2, 3 * (5 + classes), 1)
    up = net.block(mid, c, c // 2, 1, act="leaky")
    scales = net.const(np.array([1, 1, 2, 2], np.float32))
    up = net.op("Resize", up, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric",
                nearest_mode="floor")  # fmt: skip
    joined = net.op("Concat", up, skip, axis=1)
    second = net.conv(net.block(joined, c // 2 + c, c, act="leaky"), c, 3 * (5 + classes), 1)
    return net, [first, second]


def resnet18(size: int = 96, width: int = 16, classes: int = 10, big_stem: bool = True) -> tuple[Net, list[str]]:
    net = Net((1, 3, size, size), 5)
    x = net.block("x", 3, width, 7 if big_stem else 3, 2)
    x = net.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    c = width
    for stage in range(4):
        for i in range(2):
            out, s = width << stage, 2 if stage and not i else 1
            y = net.block(net.block(x, c, out, 3, s), out, out, act="none")
            short = net.block(x, c, out, 1, s, act="none") if s > 1 or c != out else x
            x = net.op("Relu", net.op("Add", y, short))
            c = out
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    fc = net.rng.normal(0, 1 / np.sqrt(c), (classes, c))
    return net, [net.op("Gemm", x, net.const(fc), net.const(np.zeros(classes)), transB=1)]


def squeezenet(size: int = 96, classes: int = 10) -> tuple[Net, list[str]]:
    net = Net((1, 3, size, size), 6)
    x = net.op("Relu", net.conv("x", 3, 32, 3, 2, pads=[0, 0, 0, 0]))
    x = net.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    c = 32
    for i, (squeeze, expand) in enumerate([(8, 32), (8, 32), (16, 64), (16, 64), (24, 96), (24, 96)]):
        s = net.op("Relu", net.conv(x, c, squeeze, 1))
        a = net.op("Relu", net.conv(s, squeeze, expand, 1))
        b = net.op("Relu", net.conv(s, squeeze, expand, 3))
        x = net.op("Concat", a, b, axis=1)
        c = 2 * expand
        if i in (1, 3):
            x = net.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    x = net.op("Relu", net.conv(net.op("Dropout", x), c, classes, 1))
    return net, [net.op("Softmax", net.op("Flatten", net.op("GlobalAveragePool", x)), axis=1)]


def yolox_nano(size: int = 224, width: float = 0.25, classes: int = 80) -> tuple[Net, list[str]]:
    """Focus, CSP stages of depthwise convolutions with SiLU, SPP, PAN and a decoupled head; one joined output."""
    net = Net((1, 3, size, size), 7, 11)
    act = "silu"

    def w(c: int) -> int:
        return int(c * width)

    def dw(x: str, a: int, b: int, s: int = 1) -> str:
        return net.block(net.block(x, a, a, 3, s, groups=a, act=act), a, b, 1, act=act)

    def csp(x: str, a: int, b: int, n: int, shortcut: bool = True) -> str:
        half = b // 2
        p, q = net.block(x, a, half, 1, act=act), net.block(x, a, half, 1, act=act)
        for _ in range(n):
            y = dw(net.block(p, half, half, 1, act=act), half, half)
            p = net.op("Add", y, p) if shortcut else y
        return net.block(net.op("Concat", p, q, axis=1), b, b, 1, act=act)

    def ints(*v: int) -> str:
        return net.const(np.array(v, np.int64))

    def half(x: str, axis: int, start: int) -> str:
        return net.op("Slice", x, ints(start), ints(2**31 - 1), ints(axis), ints(2))

    parts = [half(half("x", 2, r), 3, c) for c in (0, 1) for r in (0, 1)]
    x = net.block(net.op("Concat", *parts, axis=1), 12, w(64), act=act)
    x = csp(dw(x, w(64), w(128), 2), w(128), w(128), 1)
    c3 = csp(dw(x, w(128), w(256), 2), w(256), w(256), 3)
    c4 = csp(dw(c3, w(256), w(512), 2), w(512), w(512), 3)
    x = dw(c4, w(512), w(1024), 2)
    s = net.block(x, w(1024), w(512), 1, act=act)
    pools = [net.op("MaxPool", s, kernel_shape=[k, k], strides=[1, 1], pads=[k // 2] * 4) for k in (5, 9, 13)]
    x = net.block(net.op("Concat", s, *pools, axis=1), w(512) * 4, w(1024), 1, act=act)
    c5 = csp(x, w(1024), w(1024), 1, False)
    scales = net.const(np.array([1, 1, 2, 2], np.float32))

    def up(x: str) -> str:
        return net.op("Resize", x, net.const(np.zeros(0, np.float32)), scales, mode="nearest",
                      coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip

    p5 = net.block(c5, w(1024), w(512), 1, act=act)
    x = csp(net.op("Concat", up(p5), c4, axis=1), w(1024), w(512), 1, False)
    p4 = net.block(x, w(512), w(256), 1, act=act)
    o3 = csp(net.op("Concat", up(p4), c3, axis=1), w(512), w(256), 1, False)
    o4 = csp(net.op("Concat", dw(o3, w(256), w(256), 2), p4, axis=1), w(512), w(512), 1, False)
    o5 = csp(net.op("Concat", dw(o4, w(512), w(512), 2), p5, axis=1), w(1024), w(1024), 1, False)
    heads = []
    for x, c in ((o3, w(256)), (o4, w(512)), (o5, w(1024))):
        stem = net.block(x, c, w(256), 1, act=act)
        cls, reg = (dw(dw(stem, w(256), w(256)), w(256), w(256)) for _ in range(2))
        scores = net.op("Sigmoid", net.conv(cls, w(256), classes, 1))
        boxes, there = net.conv(reg, w(256), 4, 1), net.op("Sigmoid", net.conv(reg, w(256), 1, 1))
        heads.append(net.op("Concat", boxes, there, scores, axis=1))
    flat = []
    for x in heads:
        shape = net.op("Shape", x)
        batch = net.op("Gather", shape, net.const(np.int64(0)), axis=0)
        rows = net.op("Gather", shape, net.const(np.int64(1)), axis=0)
        target = net.op("Concat", net.op("Unsqueeze", batch, axes=[0]), net.op("Unsqueeze", rows, axes=[0]),
                        ints(-1), axis=0)  # fmt: skip
        flat.append(net.op("Reshape", x, target))
    return net, [net.op("Transpose", net.op("Concat", *flat, axis=2), perm=[0, 2, 1])]


NETWORKS = {
    "mobilenet_v1": mobilenet_v1, "mobilenet_v2": mobilenet_v2, "yolov2_tiny": yolov2_tiny, "yolov3_tiny": yolov3_tiny,
    "resnet18": resnet18, "squeezenet": squeezenet, "yolox_nano": yolox_nano,
}  # fmt: skip
