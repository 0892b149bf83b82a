# SPDX-License-Identifier: MIT
"""What a kmodel of any version is to the tools: inputs, outputs, and steps that compute one after the other."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from k210.errors import K210Error
from k210.model.kpu import AI_BYTES, KpuLayer

MAX_MAIN_MEMORY = 64 << 20  # far beyond any K210; a damaged header should not take the computer's memory


def check_memory(size: int, what: str) -> int:
    if size > MAX_MAIN_MEMORY:
        raise K210Error(f"{what} should have {size} bytes; a K210 has 6 MiB, so the model is damaged")
    return size


@dataclass(frozen=True)
class Tensor:
    """An input or output. shape: None when the file does not say; then it is flat with `count` values."""

    dtype: str  # numpy's name
    count: int
    shape: tuple[int, ...] | None

    def describe(self) -> str:
        return f"{self.dtype} {shape_text(self.shape or (self.count,))}"

    def as_json(self) -> dict:
        return {"dtype": self.dtype, "count": self.count, "shape": list(self.shape) if self.shape else None}


@dataclass
class Step:
    """One layer, node or operation. run() computes it and gives the result of a KPU layer, else None."""

    name: str
    in_shapes: list[tuple[int, ...]]
    out_shape: tuple[int, ...]
    dtype: str
    run: Callable[[], np.ndarray | None]
    layer: KpuLayer | None = None
    batches: int = 1
    parameters: int = 0  # bytes of weights and tables
    work: int = 0  # multiplications, taps or instructions, where their number is not that of the results
    lines: list[tuple[int, int]] = field(default_factory=list)  # AI memory touched: first line, end


class Program(ABC):
    """A parsed model with its memory.

    steps() may be called again for every run. Who only looks at the steps does not run them; then nothing
    is computed. The arrays of a step belong to the program and change with later steps.
    """

    version: int
    target: str
    size: int  # bytes of the model in the file
    main_memory: int
    inputs: list[Tensor]
    outputs: list[Tensor]
    facts: dict[str, str]  # further rows for the header of `info`
    lowest_line: int | None = None

    @abstractmethod
    def steps(self) -> Iterator[Step]: ...

    @abstractmethod
    def set_input(self, number: int, data: np.ndarray) -> None: ...

    @abstractmethod
    def output(self, number: int) -> np.ndarray: ...


def elements(shape: tuple[int, ...], what: str) -> int:
    """Product of the dimensions, which must make sense."""
    if any(d < 0 for d in shape) or math.prod(shape) > MAX_MAIN_MEMORY:
        raise K210Error(f"{what} has the impossible shape {shape_text(shape)}: the model is damaged")
    return math.prod(shape)


def shape_text(shape: tuple[int, ...]) -> str:
    return "\u00d7".join(map(str, shape)) or "1"


def new_ai_memory() -> np.ndarray:
    return np.zeros(AI_BYTES, np.uint8)


def span(memory: np.ndarray, start: int, size: int, what: str) -> np.ndarray:
    """Bytes start..start+size of a memory, checked."""
    if start < 0 or size < 0 or start + size > memory.size:
        raise K210Error(f"{what} reaches from byte {start} to {start + size} of {memory.size}: the model is damaged")
    return memory[start : start + size]
