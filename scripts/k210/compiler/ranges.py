# SPDX-License-Identifier: MIT
"""Keeps fine steps where a concat would force coarse ones.

The parts of a concat share their steps. A value that other layers read, too, would lose precision for all of them
when another part has a far larger range. Then a layer that changes nothing but the steps goes between: it costs
microseconds.
"""

from __future__ import annotations

import numpy as np

from k210.compiler import graph as g
from k210.compiler.graph import Graph, Op
from k210.compiler.legal import MAX_CHANNELS, MIN_SIDE
from k210.compiler.lower import Lowering, Settings
from k210.compiler.stats import Seen

COARSER = 1.5  # times the steps that the value alone would have
PASSES = 8


def keep_ranges(graph: Graph, seen: dict[str, Seen], settings: Settings) -> None:
    for _ in range(PASSES):
        lowering = Lowering(graph, seen, settings)
        lowering.decide()
        if not _split(graph, seen, settings, lowering):
            return


def _split(graph: Graph, seen: dict[str, Seen], settings: Settings, lowering: Lowering) -> bool:
    made, users = graph.producers(), graph.consumers()
    changed = False
    for op in list(graph.ops):
        if not isinstance(op, (*g.MOVES, g.Resize)) or lowering.domain[op] != "u8":
            continue
        for number, name in enumerate(op.inputs):
            maker = made.get(name)
            if not isinstance(maker, g.Conv) or maker.cpu or len(users[name]) < 2 or not _possible(graph, name):
                continue
            low, high = seen[name].range(settings.method, settings.percentile)
            if lowering.quants[name].scale <= COARSER * max(high - low, 1e-30) / 255:
                continue
            op.inputs[number] = _between(graph, seen, op, name)
            changed = True
    return changed


def _possible(graph: Graph, name: str) -> bool:
    shape = graph.shape(name)
    return len(shape) == 4 and shape[0] == 1 and shape[1] <= MAX_CHANNELS and min(shape[2:]) >= MIN_SIDE


def _between(graph: Graph, seen: dict[str, Seen], op: Op, name: str) -> str:
    """A depthwise 1x1 layer with weights of 1 before the operation."""
    shape = graph.shape(name)
    c = shape[1]
    fresh = graph.new(shape, name.rpartition(".")[0] or name)
    conv = g.Conv(
        f"steps for {op.name}", [name], fresh, weight=np.ones((c, 1, 1, 1), np.float32),
        bias=np.zeros(c, np.float32), groups=c,
    )  # fmt: skip
    conv.before, conv.full = graph.new(shape, "before"), graph.new(shape, "full")
    for value in (fresh, conv.before, conv.full):
        seen[value] = seen[name]
    graph.ops.insert(graph.ops.index(op), conv)
    return fresh
