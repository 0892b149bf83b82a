# SPDX-License-Identifier: MIT
"""Joins feature maps without copying: the layers write them side by side into AI memory.

A concat along the channels is then nothing to do, and an add is a 1x1 convolution over both operands.
"""

from __future__ import annotations

import numpy as np

from k210.compiler import graph as g
from k210.compiler.graph import Graph, Op
from k210.compiler.legal import LOAD_BYTES, MAX_CHANNELS, MAX_LOADS, MIN_SIDE
from k210.model.kpu import LINES, lines_of, pixel_layout

MAX_ADD = 160  # channels; the convolution has 2 * channels^2 weights
MAX_SHARE = 0.6  # of AI memory for one joined map


class Joiner:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made = graph.producers()
        self.users = graph.consumers()
        self.taken: set[str] = set()

    def _layer(self, name: str) -> bool:
        op = self.made.get(name)
        return isinstance(op, g.Conv) and not op.cpu

    def _fits(self, parts: list[str]) -> bool:
        """Whole lines for every part but the last, and room for all."""
        shapes = [self.graph.shape(n) for n in parts]
        if any(len(s) != 4 or s[0] != 1 for s in shapes) or len(set(parts)) != len(parts):
            return False
        _, _, h, w = shapes[0]
        channels = [s[1] for s in shapes]
        group, _ = pixel_layout(w)
        if any(c % group for c in channels[:-1]) or not min(h, w) >= MIN_SIDE or sum(channels) > MAX_CHANNELS:
            return False
        return lines_of(sum(channels), h, w) <= MAX_SHARE * LINES and not self.taken.intersection(parts)

    def concats(self) -> None:
        for op in self.graph.ops:
            if not isinstance(op, g.Concat) or op.axis != 1 or op.output in self.graph.outputs:
                continue
            readers = self.users[op.output]
            if not readers or not all(isinstance(u, g.Conv) and not u.cpu for u in readers):
                continue
            if any(n in self.graph.constants for n in op.inputs) or not any(map(self._layer, op.inputs)):
                continue
            if self._fits(op.inputs):
                op.joined = True
                self.taken.update(op.inputs)

    def adds(self) -> None:
        ops: list[Op] = []
        for op in self.graph.ops:
            if isinstance(op, g.Binary) and self._can_add(op):
                ops += self._add(op)
                self.made[op.output] = ops[-1]
            else:
                ops.append(op)
        self.graph.ops = ops

    def _can_add(self, op: g.Binary) -> bool:
        if op.kind not in ("add", "sub") or not all(map(self._layer, op.inputs)) or not self._fits(op.inputs):
            return False
        shapes = [self.graph.shape(n) for n in (*op.inputs, op.output)]
        c = shapes[0][1]
        if len(set(shapes)) != 1 or c > MAX_ADD or -(-c // (LOAD_BYTES // (2 * c))) > MAX_LOADS:
            return False
        # An operand that is also part of the network's own result is needed by the CPU anyway.
        return bool(self.users[op.output])

    def _add(self, op: g.Binary) -> list[Op]:
        n, c, h, w = self.graph.shape(op.output)
        both = self.graph.new((n, 2 * c, h, w), "both")
        same = np.eye(c, dtype=np.float32)
        weight = np.concatenate([same, -same if op.kind == "sub" else same], 1)[:, :, None, None]
        act = g.X
        if not np.isinf(op.low):
            act = g.Expr("max", (act, g.Expr("const", (), op.low)))
        if not np.isinf(op.high):
            act = g.Expr("min", (act, g.Expr("const", (), op.high)))
        conv = g.Conv(op.name, [both], op.output, weight=weight, bias=np.zeros(c, np.float32), act=act)
        conv.before, conv.full = self.graph.new((n, c, h, w), "before"), self.graph.new((n, c, h, w), "full")
        self.taken.update(op.inputs)
        return [g.Concat(op.name, list(op.inputs), both, axis=1, joined=True), conv]


def join(graph: Graph) -> None:
    joiner = Joiner(graph)
    joiner.concats()
    joiner.adds()
