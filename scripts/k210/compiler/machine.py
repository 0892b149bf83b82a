# SPDX-License-Identifier: MIT
"""The program for the chip before it has addresses: nodes that run one after the other over buffers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from k210.compiler.graph import Conv
from k210.compiler.layer import LayerData, Quant
from k210.model.kpu import lines_of

MAIN_ALIGN = 8


@dataclass(eq=False)
class Buffer:
    """A place in main memory (bytes), or in the constants when it has data."""

    value: str
    dtype: str  # u1 or f4
    count: int
    data: np.ndarray | None = None
    start: int = -1

    @property
    def size(self) -> int:
        return self.count * (4 if self.dtype == "f4" else 1)


@dataclass(eq=False)
class Map:
    """A feature map in AI memory; it may be a part of another one, so many lines behind its start."""

    value: str
    shape: tuple[int, int, int]
    start: int = -1
    whole: Map | None = None
    offset: int = 0

    @property
    def line(self) -> int:
        return self.start if self.whole is None else self.whole.line + self.offset

    @property
    def root(self) -> Map:
        return self if self.whole is None else self.whole.root

    @property
    def lines(self) -> int:
        return lines_of(*self.shape)


@dataclass(eq=False)
class Node:
    """kind: the operation as the writers know it. reads and writes: what must be there when it runs."""

    kind: str
    name: str  # the ONNX node
    reads: list[Buffer | Map]
    writes: list[Buffer | Map]
    fields: dict[str, Any] = field(default_factory=dict)
    conv: Conv | None = None
    layer: LayerData | None = None
    value: str = ""  # of the graph, that the node makes
    quant: Quant | None = None  # of that value, when it is u8


@dataclass
class Machine:
    nodes: list[Node]
    inputs: list[Buffer | Map]
    input_shapes: list[tuple[int, ...]]
    input_names: list[str]
    outputs: list[Buffer]
    output_shapes: list[tuple[int, ...]]
    output_names: list[str]
    quants: dict[str, Quant]
    main_size: int = 0
    lines_used: int = 0

    def maps(self) -> list[Map]:
        return _unique(self, Map)

    def buffers(self) -> list[Buffer]:
        return [b for b in _unique(self, Buffer) if b.data is None]

    def constants(self) -> list[Buffer]:
        return [b for b in _unique(self, Buffer) if b.data is not None]


def _unique(machine: Machine, kind: type) -> list:
    everything = [*machine.inputs, *(p for n in machine.nodes for p in (*n.reads, *n.writes)), *machine.outputs]
    return list(dict.fromkeys(p for p in everything if isinstance(p, kind)))


def four(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The shape with four dimensions, if it has no more."""
    full = (1,) * (4 - len(shape)) + tuple(shape)
    return full[0], full[1], full[2], full[3]
