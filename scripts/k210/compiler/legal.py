# SPDX-License-Identifier: MIT
"""Rewrites convolutions, matrices and pools into what the KPU takes: 1x1 and 3x3, stride 1, its own pools.

Everything here is exact in float: zeros are added to kernels, pixels are moved, nothing is approximated.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from k210.compiler import graph as g
from k210.compiler.graph import Graph, Op
from k210.compiler.layer import MEAN_POOLS
from k210.model.kpu import LINES, lines_of

MIN_SIDE, MAX_WIDTH, MAX_HEIGHT, MAX_CHANNELS = 4, 512, 512, 1024
LOAD_BYTES, MAX_LOADS = 30 * 1024, 64
MAX_DENSE_BYTES = 128 << 10  # what a grouped convolution may grow to when zeros fill the other groups
MAX_IDENTITY = 256  # channels of a convolution that only pools
MAX_FLOAT_MATRIX = 8192  # weights that the CPU multiplies in float at the end of a network


class Rewriter:
    """Goes through the operations once; what replaces them goes to `out`."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.out: list[Op] = []
        self.op: Op

    # ---- making operations -----------------------------------------------------------------------

    def emit(self, kind: type[Op], inputs: list[str], shape: tuple[int, ...], output: str = "", /, **fields) -> str:
        output = output or self.graph.new(shape, "legal")
        self.out.append(kind(self.op.name, inputs, output, **fields))
        return output

    def pad(self, x: str, top: int, left: int, bottom: int, right: int, value: float = 0.0) -> str:
        """Grows or (negative) crops a picture."""
        if not (top or left or bottom or right):
            return x
        n, c, h, w = self.graph.shape(x)
        shape = (n, c, h + top + bottom, w + left + right)
        return self.emit(g.Pad, [x], shape, pads=((0, 0), (0, 0), (top, bottom), (left, right)), value=value)

    def crop(self, x: str, top: int, left: int, height: int, width: int, step: int = 1, output: str = "") -> str:
        n, c, h, w = self.graph.shape(x)
        if (top, left, height, width, step) == (0, 0, h, w, 1) and not output:
            return x
        shape = (n, c, height, width)
        return self.emit(g.Slice, [x], shape, output, begin=(0, 0, top, left), step=(1, 1, step, step))

    # ---- convolutions ----------------------------------------------------------------------------

    def conv(self, op: g.Conv) -> None:
        n = self.graph.shape(op.inputs[0])[0]
        if n != 1:
            raise self.graph.fail(op, f"a batch of {n} pictures cannot run on the K210; export with batch size 1")
        if (op.groups > 1 and not op.depthwise) or (op.depthwise and not self._simple_depthwise(op)):
            op = self._ungroup(op)
        if op.cpu:
            self.out.append(op)
            return
        weight, x, pads = op.weight, op.inputs[0], op.pads
        _, _, oh, ow = self._full_shape(op)
        weight = _dilated(weight, op.dilation)
        if op.stride == (2, 2) and self._pool_stride(op, weight):
            return
        if op.stride != (1, 1):
            if op.depthwise:
                self._strided_depthwise(op)
                return
            x, weight, pads = self._space_to_depth(op, x, weight, pads, (oh, ow))
        if max(weight.shape[2:]) > 3:
            self._blocks(op, x, weight, pads, (oh, ow))
            return
        self._small(op, x, weight, pads, (oh, ow), op.output)

    def _full_shape(self, op: g.Conv) -> tuple[int, ...]:
        """The result before pooling."""
        n, _, h, w = self.graph.shape(op.inputs[0])
        size = [
            (d + op.pads[i] + op.pads[2 + i] - (op.weight.shape[2 + i] - 1) * op.dilation[i] - 1) // op.stride[i] + 1
            for i, d in enumerate((h, w))
        ]
        return (n, op.weight.shape[0], *size)

    def _simple_depthwise(self, op: g.Conv) -> bool:
        reach = [(k - 1) * d + 1 for k, d in zip(op.weight.shape[2:], op.dilation, strict=True)]
        return max(reach) <= 3 and op.stride in ((1, 1), (2, 2))

    def _ungroup(self, op: g.Conv) -> g.Conv:
        """Groups as one convolution with zeros, where that stays small; else the CPU computes it."""
        oc, per, kh, kw = op.weight.shape
        inputs = per * op.groups
        if oc * inputs * kh * kw > MAX_DENSE_BYTES or inputs > MAX_CHANNELS:
            return dataclasses.replace(op, cpu=True)
        dense = np.zeros((oc, inputs, kh, kw), np.float32)
        outs = oc // op.groups
        for i in range(op.groups):
            rows, columns = slice(i * outs, (i + 1) * outs), slice(i * per, (i + 1) * per)
            dense[rows, columns] = op.weight[rows]
        return dataclasses.replace(op, weight=dense, groups=1)

    def _pool_stride(self, op: g.Conv, weight: np.ndarray) -> bool:
        """Stride 2 as the pool that keeps pixel (0, 0) of four."""
        kh, kw = weight.shape[2:]
        top, left = op.pads[:2]
        if op.depthwise or op.pool or (kh, kw) not in ((1, 1), (3, 3)) or (top, left) != (kh // 2, kw // 2):
            return False
        _, _, h, w = self.graph.shape(op.inputs[0])
        _, _, oh, ow = self.graph.shape(op.output)
        x = self.pad(op.inputs[0], 0, 0, max(2 * oh - h, 0), max(2 * ow - w, 0))
        _, _, h, w = self.graph.shape(x)
        if min(oh, ow) < MIN_SIDE or (h // 2, w // 2) != (oh, ow):
            return False
        self.kpu(op, x, weight, op.output, pool=5)
        return True

    def _strided_depthwise(self, op: g.Conv) -> None:
        """Depthwise layers do not pool: at full size, then every second pixel."""
        n, c, oh, ow = self.graph.shape(op.output)
        _, _, h, w = self.graph.shape(op.inputs[0])
        full = (
            h + op.pads[0] + op.pads[2] - op.weight.shape[2] + 1,
            w + op.pads[1] + op.pads[3] - op.weight.shape[3] + 1,
        )
        middle = self.graph.new((n, c, *full), "full")
        self._small(op, op.inputs[0], op.weight, op.pads, full, middle)
        self.crop(middle, 0, 0, oh, ow, 2, op.output)

    def _space_to_depth(self, op: g.Conv, x: str, w: np.ndarray, pads, out: tuple[int, int]):
        """Stride s as stride 1 over s x s times as many channels of 1/s the size."""
        step, (n, c, h, width) = op.stride, self.graph.shape(x)
        lead = [-pads[i] % step[i] for i in range(2)]  # zeros above and left of the kernel, so that blocks line up
        taps = [-(-(w.shape[2 + i] + lead[i]) // step[i]) for i in range(2)]
        grown = np.zeros((*w.shape[:2], taps[0] * step[0], taps[1] * step[1]), np.float32)
        grown[:, :, lead[0] : lead[0] + w.shape[2], lead[1] : lead[1] + w.shape[3]] = w
        grown = grown.reshape(w.shape[0], c, taps[0], step[0], taps[1], step[1])
        grown = grown.transpose(0, 3, 5, 1, 2, 4).reshape(w.shape[0], -1, *taps)
        before = [(pads[i] + lead[i]) // step[i] for i in range(2)]
        blocks = [-(-d // step[i]) for i, d in enumerate((h, width))]
        x = self.pad(x, 0, 0, blocks[0] * step[0] - h, blocks[1] * step[1] - width)
        parts = []
        for r in range(step[0]):
            for k in range(step[1]):
                parts.append(self.emit(
                    g.Slice, [x], (n, c, *blocks), begin=(0, 0, r, k), step=(1, 1, step[0], step[1])))  # fmt: skip
        x = self.emit(g.Concat, parts, (n, c * len(parts), *blocks), axis=1)
        after = [out[i] - 1 + taps[i] - before[i] - blocks[i] for i in range(2)]
        return x, grown, (before[0], before[1], after[0], after[1])

    def _blocks(self, op: g.Conv, x: str, w: np.ndarray, pads, out: tuple[int, int]) -> None:
        """A large kernel as 3x3 pieces, each over a copy of the picture that is moved to its place."""
        rows, columns = _chunks(w.shape[2]), _chunks(w.shape[3])
        small = 3 if len(rows) > 1 or w.shape[2] > 1 else 1
        size_w = 3 if w.shape[3] > 1 else 1
        halo = (1 if small == 3 else 0, 1 if size_w == 3 else 0)
        n, c, h, width = self.graph.shape(x)
        if op.depthwise:
            raise self.graph.fail(op, "this depthwise kernel is too large; use 3x3")
        want = (out[0] + 2 * halo[0], out[1] + 2 * halo[1])
        parts, kernels = [], []
        for r0, r1 in rows:
            for c0, c1 in columns:
                piece = np.zeros((w.shape[0], w.shape[1], small, size_w), np.float32)
                piece[:, :, : r1 - r0, : c1 - c0] = w[:, :, r0:r1, c0:c1]
                if not piece.any():
                    continue
                # Row i of the copy is row i + r0 - top of the picture; the copy starts with the halo.
                top, left = pads[0] - r0, pads[1] - c0
                parts.append(self.pad(x, top, left, want[0] - h - top, want[1] - width - left))
                kernels.append(piece)
        if not parts:
            parts, kernels = (
                [self.pad(x, 0, 0, want[0] - h, want[1] - width)],
                [np.zeros((*w.shape[:2], small, size_w))],
            )
        if c * len(parts) > MAX_CHANNELS:
            raise self.graph.fail(
                op, f"its kernel of {w.shape[2]}\u00d7{w.shape[3]} over {c} channels needs {c * len(parts)} channels "
                f"of 3\u00d73 pieces, the KPU takes {MAX_CHANNELS}: use 3\u00d73 kernels or fewer channels"
            )  # fmt: skip
        y = self.emit(g.Concat, parts, (n, c * len(parts), *want), axis=1) if len(parts) > 1 else parts[0]
        self._small(op, y, np.concatenate(kernels, 1).astype(np.float32), (0, 0, 0, 0), out, op.output)

    def _small(self, op: g.Conv, x: str, w: np.ndarray, pads, out: tuple[int, int], output: str) -> None:
        """A kernel up to 3x3 with stride 1: as 1x1 without or 3x3 with a padding of 1."""
        kh, kw = w.shape[2:]
        if (kh, kw) == (1, 1):
            x = self.pad(x, *pads)
            self._on_kpu(op, x, w, (0, 0), out, output)
            return
        offset, cut, grow = [], [], []
        for size, before in ((kh, pads[0]), (kw, pads[1])):
            # The first tap meets pixel -before of the picture; inside a 3-tap kernel around 0 it is tap 1 - before.
            place = min(max(1 - before, 0), 3 - size)
            offset.append(place)
            shift = 1 - before - place  # by how much the wanted results lie lower than those with padding 1
            cut.append(max(shift, 0))
            grow.append(max(-shift, 0))
        full = np.zeros((*w.shape[:2], 3, 3), np.float32)
        full[:, :, offset[0] : offset[0] + kh, offset[1] : offset[1] + kw] = w
        x = self.pad(x, grow[0], grow[1], 0, 0)
        _, _, h, width = self.graph.shape(x)
        need = (cut[0] + out[0], cut[1] + out[1])
        x = self.pad(x, 0, 0, max(need[0] - h, 0), max(need[1] - width, 0))
        self._on_kpu(op, x, full, (cut[0], cut[1]), out, output)

    def _on_kpu(
        self, op: g.Conv, x: str, w: np.ndarray, at: tuple[int, int], out: tuple[int, int], output: str
    ) -> None:
        """A legal kernel; the wanted results are the `out` ones from `at`. Small pictures get 4x4 pixels."""
        _, _, h, width = self.graph.shape(x)
        x = self.pad(x, 0, 0, max(MIN_SIDE - h, 0), max(MIN_SIDE - width, 0))
        _, _, h, width = self.graph.shape(x)
        if at == (0, 0) and out == (h, width):
            self.kpu(op, x, w, output, op.pool)
            return
        if op.pool:
            raise self.graph.fail(op, "a pool was joined to a convolution that cannot have it")
        full = self.graph.new((1, w.shape[0], h, width), "full")
        self.kpu(op, x, w, full)
        self.crop(full, at[0], at[1], out[0], out[1], 1, output)

    def kpu(self, op: g.Conv, x: str, w: np.ndarray, output: str, pool: int = 0) -> None:
        """One layer of the KPU, or several with a part of the output channels each."""
        _, c, h, width = self.graph.shape(x)
        oc, k = w.shape[0], w.shape[2]
        groups = op.groups if op.depthwise else 1
        if width > MAX_WIDTH or h > MAX_HEIGHT:
            raise self.graph.fail(
                op, f"its input of {width}\u00d7{h} pixels is larger than the KPU takes "
                f"({MAX_WIDTH}\u00d7{MAX_HEIGHT}): use a smaller picture"
            )  # fmt: skip
        if c > MAX_CHANNELS:
            raise self.graph.fail(op, f"its {c} input channels are more than the {MAX_CHANNELS} that the KPU takes")
        _, _, oh, ow = self.graph.shape(output)
        need = lines_of(c, h, width) + lines_of(oc if oc <= MAX_CHANNELS else MAX_CHANNELS, oh, ow)
        if need > LINES:
            maps = f"its input {c}\u00d7{h}\u00d7{width} and output {oc}\u00d7{oh}\u00d7{ow}"
            raise self.graph.fail(
                op, f"{maps} need {need * 64 >> 10:,} KiB, "
                f"the KPU has {LINES * 64 >> 10:,} KiB: use a smaller picture, fewer channels, or stride 2 here"
            )  # fmt: skip
        most = min(MAX_CHANNELS, MAX_LOADS * (LOAD_BYTES // (c * k * k))) if groups == 1 else MAX_CHANNELS
        pads = (k // 2,) * 4
        if oc <= most:
            self.emit(g.Conv, [x], (), output, weight=w, bias=op.bias, groups=groups, pads=pads, act=op.act, pool=pool)
            return
        if groups > 1:
            raise self.graph.fail(op, f"its {oc} channels are more than the {MAX_CHANNELS} that the KPU takes")
        parts = []
        for i in range(0, oc, most):
            one = slice(i, min(i + most, oc))
            shape = (1, one.stop - one.start, oh, ow)
            parts.append(self.emit(
                g.Conv, [x], shape, weight=w[one], bias=op.bias[one], pads=pads, act=op.act, pool=pool))  # fmt: skip
        self.emit(g.Concat, parts, (), output, axis=1)

    # ---- other operations ------------------------------------------------------------------------

    def matmul(self, op: g.MatMul, tail: bool) -> None:
        """Fully connected layers as 1x1 convolutions over 4x4 pixels of which one counts."""
        rows, inner = self.graph.shape(op.inputs[0])
        known = self.graph.constants.get(op.inputs[1])
        if known is None or rows > MAX_WIDTH or (tail and known.size <= MAX_FLOAT_MATRIX):
            self.out.append(op)
            return
        columns = known.shape[1]
        if inner > MAX_CHANNELS or (rows > 1 and rows * inner < 4096):
            self.out.append(op)
            return
        bias = np.zeros(columns, np.float32) if op.bias is None else op.bias
        weight = np.ascontiguousarray(known.T)[:, :, None, None]
        if rows == 1:
            x = self.emit(g.Reshape, [op.inputs[0]], (1, inner, 1, 1))
            y = self.graph.new((1, columns, 1, 1), "fc")
        else:
            x = self.emit(g.Reshape, [op.inputs[0]], (1, 1, rows, inner))
            x = self.emit(g.Transpose, [x], (1, inner, 1, rows), order=(0, 3, 1, 2))
            y = self.graph.new((1, columns, 1, rows), "fc")
        conv = g.Conv(op.name, [x], y, weight=weight, bias=bias)
        self.conv(conv)
        if rows > 1:
            y = self.emit(g.Transpose, [y], (1, 1, rows, columns), order=(0, 2, 3, 1))
        self.emit(g.Reshape, [y], (), op.output)

    def affine(self, op: g.Affine, tail: bool) -> None:
        """One factor per channel: a depthwise 1x1 convolution, or two operations of the CPU at the end."""
        shape = self.graph.shape(op.output)
        if len(shape) != 4 or tail or shape[0] != 1 or shape[1] > MAX_CHANNELS:
            side = (1, -1) + (1,) * (len(shape) - 2)
            x = op.inputs[0]
            if (op.mul != 1).any():
                y = self.graph.new(shape, "scaled") if op.add.any() else op.output
                x = self.emit(g.Binary, [x, self.graph.constant(op.mul.reshape(side))], shape, y, kind="mul")
            if x != op.output:
                self.emit(g.Binary, [x, self.graph.constant(op.add.reshape(side))], shape, op.output, kind="add")
            return
        c = shape[1]
        groups = c if c > 1 else 1
        self.conv(g.Conv(op.name, op.inputs, op.output, weight=op.mul.reshape(c, 1, 1, 1), bias=op.add, groups=groups))

    def pool(self, op: g.Pool, tail: bool) -> None:
        """A pool that no convolution took up: the KPU pools behind a convolution that does nothing."""
        if op.count_pad:
            op = dataclasses.replace(op, inputs=[self.pad(op.inputs[0], *op.pads)], pads=(0, 0, 0, 0), count_pad=False)
        shape = self.graph.shape(op.inputs[0])
        kind = pool_type(op, shape, self.graph.shape(op.output))
        if kind and not tail and shape[1] <= MAX_IDENTITY and shape[0] == 1:
            same = np.eye(shape[1], dtype=np.float32)[:, :, None, None]
            self.kpu(
                g.Conv(op.name, [], "", weight=same, bias=np.zeros(shape[1], np.float32)),
                op.inputs[0],
                same,
                op.output,
                kind,
            )
            return
        if op.kind == "max" and op.size[0] * op.size[1] > 9 and min(op.size) > 1:
            # Rows first, then columns: far fewer comparisons.
            n, c, _, w = shape
            oh = self.graph.shape(op.output)[2]
            middle = self.emit(
                g.Pool, [op.inputs[0]], (n, c, oh, w), kind="max", size=(op.size[0], 1), stride=(op.stride[0], 1),
                pads=(op.pads[0], 0, op.pads[2], 0),
            )  # fmt: skip
            op = dataclasses.replace(
                op, inputs=[middle], size=(1, op.size[1]), stride=(1, op.stride[1]), pads=(0, op.pads[1], 0, op.pads[3])
            )
        self.out.append(op)


def _dilated(w: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    if dilation == (1, 1):
        return w
    size = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]
    wide = np.zeros((*w.shape[:2], *size), np.float32)
    wide[:, :, :: dilation[0], :: dilation[1]] = w
    return wide


def _chunks(size: int) -> list[tuple[int, int]]:
    return [(i, min(i + 3, size)) for i in range(0, size, 3)]


def pool_type(op: g.Pool, source: tuple[int, ...], result: tuple[int, ...]) -> int:
    """The KPU's pool that does the same, or 0."""
    if min(result[2:]) < MIN_SIDE or min(source[2:]) < MIN_SIDE:
        return 0
    if op.size == op.stride and op.size in ((2, 2), (4, 4)) and not any(op.pads[:2]):
        step = op.size[0]
        if result[2:] == (source[2] // step, source[3] // step):
            return (1 if op.kind == "max" else 2) + (2 if step == 4 else 0)
    if op.kind == "max" and op.size == (2, 2) and op.stride == (1, 1) and op.pads == (0, 0, 1, 1):
        return 9
    return 0


def _join_pools(graph: Graph) -> None:
    """Pools into the convolution before them, where the KPU has both in one layer."""
    made, users = graph.producers(), graph.consumers()
    for op in list(graph.ops):
        conv = made.get(op.inputs[0])
        if not isinstance(op, g.Pool) or not isinstance(conv, g.Conv):
            continue
        if conv.pool or conv.stride != (1, 1) or conv.depthwise or op.inputs[0] in graph.outputs:
            continue
        shape = graph.shape(conv.inputs[0])
        kind = pool_type(op, graph.shape(op.inputs[0]), graph.shape(op.output))
        if kind and len(users[op.inputs[0]]) == 1 and _plain(conv) and min(shape[2:]) >= MIN_SIDE:
            conv.pool, conv.output = kind, op.output
            graph.ops.remove(op)


def _plain(conv: g.Conv) -> bool:
    """A convolution that becomes one KPU layer as it is."""
    k = conv.weight.shape[2:]
    return k in ((1, 1), (3, 3)) and conv.pads == (k[0] // 2,) * 4 and conv.dilation == (1, 1) and conv.groups == 1


def _subsample_later(graph: Graph) -> None:
    """Depthwise with stride 2 before a 1x1 convolution: the stride moves to that one, which can have it."""
    users = graph.consumers()
    for op in graph.ops:
        if not (isinstance(op, g.Conv) and op.depthwise and op.stride == (2, 2) and op.weight.shape[2:] == (3, 3)):
            continue
        if len(users[op.output]) != 1 or op.output in graph.outputs or op.pads[:2] != (1, 1) or op.dilation != (1, 1):
            continue
        user = users[op.output][0]
        if not (isinstance(user, g.Conv) and _plain(user) and user.weight.shape[2] == 1 and user.stride == (1, 1)):
            continue
        n, c, h, w = graph.shape(op.inputs[0])
        oh, ow = graph.shape(op.output)[2:]
        if user.pool or h % 2 or w % 2 or (oh, ow) != (h // 2, w // 2) or min(oh, ow) < MIN_SIDE:
            continue
        if lines_of(c, h, w) + lines_of(graph.shape(user.output)[1], oh, ow) > LINES:
            continue
        op.stride, op.pads = (1, 1), (1, 1, 1, 1)
        full = graph.new((n, c, h, w), "full")
        op.output, user.inputs, user.stride = full, [full], (2, 2)


def tails(graph: Graph) -> set[str]:
    """Values from which no convolution is reached any more: they may be floats."""
    heavy: set[str] = set()
    for op in reversed(graph.ops):
        if (isinstance(op, g.Conv) and not op.cpu) or op.output in heavy:
            heavy.update(op.inputs)
    return set(graph.shapes) - heavy


def legalize(graph: Graph) -> None:
    _subsample_later(graph)
    _join_pools(graph)
    late = tails(graph)
    rewriter = Rewriter(graph)
    for op in graph.ops:
        rewriter.op = op
        if isinstance(op, g.Conv):
            rewriter.conv(op)
        elif isinstance(op, g.MatMul):
            rewriter.matmul(op, op.output in late)
        elif isinstance(op, g.Affine):
            rewriter.affine(op, op.output in late)
        elif isinstance(op, g.Pool):
            rewriter.pool(op, op.output in late)
        else:
            rewriter.out.append(op)
    graph.ops = rewriter.out
    graph.prune()
    for op in graph.ops:
        if isinstance(op, g.Conv):
            shape = rewriter._full_shape(op)
            op.before = graph.new(shape, "before")
            if op.pool in MEAN_POOLS:
                op.full = graph.new(shape, "full")


def weights_of(graph: Graph) -> int:
    return sum(math.prod(op.weight.shape) for op in graph.ops if isinstance(op, g.Conv))
