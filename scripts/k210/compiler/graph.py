# SPDX-License-Identifier: MIT
"""The compiler's own graph: a few kinds of float operations on values with fixed shapes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from k210.compiler.expr import Expr, X
from k210.errors import K210Error


@dataclass(eq=False)
class Op:
    """name: the ONNX node that it comes from, for messages. inputs: values or constants of the graph."""

    name: str
    inputs: list[str]
    output: str


@dataclass(eq=False)
class Conv(Op):
    """weight: out channels, in channels / groups, rows, columns. act: what follows; pool: pool type of the KPU."""

    weight: np.ndarray
    bias: np.ndarray
    groups: int = 1
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    dilation: tuple[int, int] = (1, 1)
    act: Expr = X
    pool: int = 0
    copy: bool = False  # the convolution does nothing, it is there for its pool
    cpu: bool = False  # no form for the KPU was found
    before: str = ""  # names of the result before activation and before pooling, for calibration
    full: str = ""

    @property
    def depthwise(self) -> bool:
        return self.groups > 1 and self.weight.shape[1] == 1 and self.weight.shape[0] == self.groups


@dataclass(eq=False)
class Act(Op):
    """An element-wise function of one input."""

    expr: Expr


@dataclass(eq=False)
class Affine(Op):
    """x * mul + add with one pair for each channel (dimension 1)."""

    mul: np.ndarray
    add: np.ndarray


@dataclass(eq=False)
class Binary(Op):
    """add, sub, mul, div, min, max with broadcasting; one input may be a constant. low, high: limits of the result."""

    kind: str
    low: float = -np.inf
    high: float = np.inf


@dataclass(eq=False)
class Pool(Op):
    """max or mean. count_pad: padding counts for the mean."""

    kind: str
    size: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int]
    count_pad: bool = False


@dataclass(eq=False)
class Reduce(Op):
    """mean, sum, min, max over axes; the output has them with size 1 or not at all."""

    kind: str
    axes: tuple[int, ...]


@dataclass(eq=False)
class Softmax(Op):
    axis: int


@dataclass(eq=False)
class MatMul(Op):
    """a @ b + bias; b may be a constant of two dimensions."""

    bias: np.ndarray | None = None


@dataclass(eq=False)
class Concat(Op):
    """joined: the parts are written side by side into AI memory, nothing is copied."""

    axis: int
    joined: bool = False


@dataclass(eq=False)
class Slice(Op):
    begin: tuple[int, ...]
    step: tuple[int, ...]  # how many there are says the output's shape


@dataclass(eq=False)
class Pad(Op):
    """pads: before and after for each dimension; negative ones crop."""

    pads: tuple[tuple[int, int], ...]
    value: float = 0.0


@dataclass(eq=False)
class Transpose(Op):
    order: tuple[int, ...]


@dataclass(eq=False)
class Reshape(Op):
    pass


@dataclass(eq=False)
class Resize(Op):
    """Of the two last of four dimensions. kind: nearest, or linear with `align` (corners)."""

    kind: str
    align: bool = False


MOVES = (Concat, Slice, Pad, Transpose, Reshape)  # values stay what they are

T = TypeVar("T", bound=Op)


@dataclass
class Graph:
    """ops are in an order in which they can run."""

    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)  # names of inputs and outputs in the file
    _count: int = 0

    def new(self, shape: Iterable[int], hint: str = "v") -> str:
        self._count += 1
        name = f"{hint}.{self._count}"
        self.shapes[name] = tuple(int(n) for n in shape)
        return name

    def constant(self, data: np.ndarray) -> str:
        name = self.new(data.shape, "const")
        self.constants[name] = data
        return name

    def shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name]

    def producers(self) -> dict[str, Op]:
        return {op.output: op for op in self.ops}

    def consumers(self) -> dict[str, list[Op]]:
        users: dict[str, list[Op]] = {name: [] for name in self.shapes}
        for op in self.ops:
            for name in dict.fromkeys(op.inputs):
                users[name].append(op)
        return users

    def replace(self, old: str, new: str) -> None:
        """Everyone who reads `old` reads `new`."""
        for op in self.ops:
            op.inputs = [new if name == old else name for name in op.inputs]
        self.outputs = [new if name == old else name for name in self.outputs]

    def prune(self) -> None:
        """Drops what no output needs."""
        needed = set(self.outputs)
        kept = []
        for op in reversed(self.ops):
            if op.output in needed:
                needed.update(op.inputs)
                kept.append(op)
        self.ops = kept[::-1]
        self.constants = {name: data for name, data in self.constants.items() if name in needed}

    def fail(self, op: Op, text: str) -> K210Error:
        return K210Error(f"node {op.name}: {text}")
