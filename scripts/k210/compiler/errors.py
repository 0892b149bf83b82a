# SPDX-License-Identifier: MIT
"""How far the values of the compiled model are from those of the float network, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from k210.compiler import floats
from k210.compiler.calibration import Calibration
from k210.compiler.graph import Graph
from k210.compiler.machine import Buffer, Machine, Node
from k210.model.load import parse
from k210.model.v3 import ProgramV3
from k210.model.v4 import ProgramV4


@dataclass
class Sums:
    """Over all inputs: products of float and compiled values, and the squares of their difference."""

    both: float = 0.0
    want: float = 0.0
    got: float = 0.0
    error: float = 0.0
    worst: float = 0.0

    def add(self, want: np.ndarray, got: np.ndarray) -> None:
        a, b = want.ravel().astype(np.float64), got.ravel().astype(np.float64)
        self.both += float(a @ b)
        self.want += float(a @ a)
        self.got += float(b @ b)
        self.error += float(np.square(a - b).sum())
        self.worst = max(self.worst, float(np.abs(a - b).max()))

    @property
    def cosine(self) -> float:
        size = np.sqrt(self.want * self.got)
        return self.both / size if size > 0 else 1.0 if self.want == self.got else 0.0

    @property
    def snr(self) -> float:
        """Decibel."""
        if self.error <= 1e-20 * max(self.want, 1e-30):
            return 200.0
        return float(10 * np.log10(max(self.want, 1e-30) / self.error))


@dataclass
class LayerError:
    number: int
    node: Node
    sums: Sums = field(default_factory=Sums)


def _real(machine: Machine, node: Node, program: ProgramV3 | ProgramV4, result: np.ndarray | None) -> np.ndarray | None:
    """What the node computed, as real numbers."""
    if node.kind == "kpu":
        return machine.quants[node.value].real(result) if result is not None else None
    place = node.writes[0]
    if not isinstance(place, Buffer):
        return None
    raw = program.main_bytes(place.start, place.size).view("<f4" if place.dtype == "f4" else np.uint8)
    if place.dtype == "f4":
        return raw
    return machine.quants[node.value].real(raw)


def measure(
    graph: Graph, machine: Machine, data: bytes, calibration: Calibration, count: int, quiet: bool = False
) -> tuple[list[LayerError], list[Sums]]:
    """For the nodes that make a value of the network, and for the outputs."""
    rows: dict[int, LayerError] = {}
    outs = [Sums() for _ in graph.outputs]
    picks: Sequence[int] = np.unique(np.linspace(0, calibration.count - 1, count).round().astype(int)).tolist()
    for number in tqdm(picks, desc="comparing", unit="input", disable=True if quiet else None, leave=False):
        inputs = calibration.one(number)
        values: dict[str, np.ndarray] = {}
        wanted = {n.value for n in machine.nodes}
        want = floats.run(graph, inputs, lambda n, v, k=values, w=wanted: k.__setitem__(n, v) if n in w else None)
        program = parse(data)
        assert isinstance(program, (ProgramV3, ProgramV4))
        for i, name in enumerate(graph.inputs):
            program.set_input(i, calibration.model_input(name, inputs[name]))
        for i, (node, step) in enumerate(zip(machine.nodes, program.steps(), strict=True)):
            result = step.run()
            known = values.get(node.value)
            found = None if known is None else _real(machine, node, program, result)
            if found is None or known is None or found.size != known.size or node.kind in ("upload", "quantize"):
                continue
            rows.setdefault(i, LayerError(i, node)).sums.add(known, found)
        for i, y in enumerate(want):
            outs[i].add(y, program.output(i))
    return [rows[i] for i in sorted(rows)], outs
