# SPDX-License-Identifier: MIT
"""Random small networks of everything that the compiler takes, for tests that compare results."""

from __future__ import annotations

import numpy as np
from onnx_nets import Net

ACTIVATIONS = ["relu", "relu6", "leaky", "silu", "hswish", "mish", "Sigmoid", "Tanh", "Elu", "none"]


def random_net(seed: int) -> tuple[Net, list[str], tuple[int, ...]]:
    """A network, its outputs and the shape of its input."""
    rng = np.random.default_rng(seed)
    shape = (1, int(rng.integers(1, 5)), int(rng.integers(6, 40)), int(rng.integers(6, 72)))
    net = Net(shape, seed, int(rng.choice([11, 13, 17])))
    # Values that are there, with channels, height and width.
    maps: list[tuple[str, int, int, int]] = [("x", *shape[1:])]
    for _ in range(int(rng.integers(3, 9))):
        made = _step(net, rng, maps)
        if made:
            maps.append(made)
    name, c, h, w = maps[-1]
    if name == "x":
        maps.append((net.conv(name, c, 4), 4, h, w))
    outputs = [maps[-1][0]]
    used = {i for node in net.nodes for i in node.input}
    outputs += [m[0] for m in maps[1:-1] if m[0] not in used][:2]
    return net, _ends(net, rng, outputs, maps), shape


def _step(net: Net, rng: np.random.Generator, maps: list) -> tuple[str, int, int, int] | None:
    x, c, h, w = maps[-1] if rng.random() < 0.75 else maps[int(rng.integers(len(maps)))]
    act = str(rng.choice(ACTIVATIONS))
    kind = str(rng.choice(["conv", "conv", "conv", "depthwise", "pool", "binary", "concat", "resize", "move", "se"]))
    if kind == "conv" or len(maps) == 1:
        k = int(rng.choice([1, 3, 3, 3, 5, 2]))
        s = int(rng.choice([1, 1, 1, 2, 3])) if min(h, w) > 8 else 1
        pads = [int(p) for p in rng.integers(0, k, 4)] if rng.random() < 0.4 else [k // 2] * 4
        oh, ow = ((d + pads[i] + pads[2 + i] - k) // s + 1 for i, d in enumerate((h, w)))
        if min(oh, ow) < 1:
            return None
        oc = int(rng.integers(1, 24))
        y = net.act(net.bn(net.conv(x, c, oc, k, s, pads=pads), oc), act)
        return y, oc, oh, ow
    if kind == "depthwise":
        s = int(rng.choice([1, 2])) if min(h, w) > 8 else 1
        y = net.act(net.conv(x, c, c, 3, s, groups=c), act)
        return y, c, -(-h // s), -(-w // s)
    if kind == "pool":
        k, s = ((2, 2), (4, 4), (3, 2), (3, 1), (2, 1))[int(rng.integers(5))]
        if min(h, w) < k:
            return None
        y = net.op(str(rng.choice(["MaxPool", "AveragePool"])), x, kernel_shape=[k, k], strides=[s, s])
        return y, c, (h - k) // s + 1, (w - k) // s + 1
    same = [m for m in maps if m[2:] == (h, w) and m[0] != x]
    if kind == "binary" and same:
        other, oc, _, _ = same[int(rng.integers(len(same)))]
        if oc != c:
            other = net.conv(other, oc, c, 1)
        y = net.op(str(rng.choice(["Add", "Sub", "Mul", "Max"])), x, other)
        return net.act(y, str(rng.choice(["none", "relu"]))), c, h, w
    if kind == "concat" and same:
        parts = [(x, c), *((m[0], m[1]) for m in same[:2])]
        return net.op("Concat", *(p[0] for p in parts), axis=1), sum(p[1] for p in parts), h, w
    if kind == "resize" and h * w < 600:
        scales = net.const(np.array([1, 1, 2, 2], np.float32))
        y = net.op("Resize", x, net.const(np.zeros(0, np.float32)), scales, mode="nearest",
                   coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
        return y, c, 2 * h, 2 * w
    if kind == "move" and c % 2 == 0:
        shape = net.const(np.array([1, 2, c // 2, h, w], np.int64))
        y = net.op("Transpose", net.op("Reshape", x, shape), perm=[0, 2, 1, 3, 4])
        return net.op("Reshape", y, net.const(np.array([1, c, h, w], np.int64))), c, h, w
    if kind == "se":
        gate = net.op("Sigmoid", net.conv(net.op("GlobalAveragePool", x), c, c, 1))
        return net.op("Mul", x, gate), c, h, w
    return None


def _ends(net: Net, rng: np.random.Generator, outputs: list[str], maps: list) -> list[str]:
    """Some outputs as they are, others behind what networks end with."""
    sizes = {m[0]: m[1:] for m in maps}
    found = []
    for y in outputs:
        c, _, _ = sizes[y]
        end = int(rng.integers(5))
        if end == 1:
            y = net.op("Flatten", net.op("GlobalAveragePool", y))
            y = net.op("Gemm", y, net.const(rng.normal(0, 0.3, (c, 5))), net.const(rng.normal(0, 0.1, 5)))
        elif end == 2:
            y = net.op("Softmax", net.op("Flatten", net.op("GlobalMaxPool", y)), axis=1)
        elif end == 3:
            y = net.op("Transpose", y, perm=[0, 2, 3, 1])
        found.append(y)
    return list(dict.fromkeys(found))
