# SPDX-License-Identifier: MIT
"""From the rewritten graph to nodes of the machine: who computes in u8, who in float, what is converted where."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from k210.compiler import graph as g
from k210.compiler import nnil
from k210.compiler.graph import Graph, Op
from k210.compiler.importer import shape_text
from k210.compiler.layer import MEAN_POOLS, Quant, blank, build, quant, quantized_multiplier
from k210.compiler.legal import tails
from k210.compiler.machine import Buffer, Machine, Map, Node, four
from k210.compiler.stats import Seen
from k210.errors import K210Error

BIG_MATRIX = 1 << 15  # weights of a matrix that are worth 8 bits on the CPU


@dataclass
class Settings:
    """How values become steps. input_quants: for inputs that are given as u8."""

    method: str = "minmax"
    percentile: float = 99.99
    bias_correction: bool = True
    version: int = 4
    quiet: bool = False
    dry: bool = False  # only where and when, no numbers
    input_quants: dict[str, Quant] = field(default_factory=dict)


class Lowering:
    def __init__(self, graph: Graph, seen: dict[str, Seen], settings: Settings) -> None:
        self.graph, self.seen, self.settings = graph, seen, settings
        self.late = tails(graph)
        self.native: dict[str, str] = {}
        self.domain: dict[Op, str] = {}
        self._parent: dict[str, str] = {}
        self.quants: dict[str, Quant] = {}
        self.nodes: list[Node] = []
        self.have: dict[tuple[str, str], Buffer | Map] = {}
        self.makers: dict[str, Node] = {}
        self.homes: dict[str, Map] = {}  # where a part of a joined map goes
        self.titles = {op.output: op.name for op in graph.ops}
        self.op: Op

    # ---- who computes how ------------------------------------------------------------------------

    def decide(self) -> None:
        """Where each operation computes, and the steps of each value."""
        self._decide()
        self._measure()

    def _decide(self) -> None:
        for name in self.graph.inputs:
            self.native[name] = "u8" if name in self.settings.input_quants else "f32"
        for op in self.graph.ops:
            self.domain[op] = self._choose(op)
            self.native[op.output] = self.domain[op]
            same = isinstance(op, (*g.MOVES, g.Resize, g.Pool)) or getattr(op, "copy", False)
            if self.domain[op] == "u8" and same:
                for name in self._sharers(op):
                    self._join(name, op.output)

    def _choose(self, op: Op) -> str:
        late = op.output in self.late
        kinds = [self.native[n] for n in op.inputs if n in self.native]
        if isinstance(op, g.Conv) or self._pools_bytes(op):
            return "u8"
        if isinstance(op, (g.Pool, g.Reduce, g.Softmax)) or (isinstance(op, g.Resize) and op.kind == "linear"):
            return "f32"
        if isinstance(op, g.MatMul):
            known = self.graph.constants.get(op.inputs[1])
            return "u8" if known is not None and known.size > BIG_MATRIX else "f32"
        if isinstance(op, g.Concat):
            if late:
                roots = {self._root(n) for n in op.inputs}
                return "u8" if len(roots) == 1 and set(kinds) == {"u8"} else "f32"
            return "u8" if "u8" in kinds else "f32"
        if isinstance(op, g.MOVES):
            return kinds[0] if kinds else "f32"
        if isinstance(op, g.Binary) and op.kind == "div":
            return "f32"
        return "u8" if "u8" in kinds and not late else "f32"

    def _pools_bytes(self, op: Op) -> bool:
        """Version 3 has a max pool of bytes and none of floats; version 4 the other way round."""
        return self.settings.version == 3 and isinstance(op, g.Pool) and op.kind == "max"

    def _root(self, name: str) -> str:
        while name in self._parent:
            name = self._parent[name]
        return name

    def _join(self, a: str, b: str) -> None:
        """Both have the same steps."""
        a, b = self._root(a), self._root(b)
        if a != b:
            self._parent[b] = a

    def _sharers(self, op: Op) -> list[str]:
        """The inputs that have the same steps as the output. An input of the model keeps its own in a concat."""
        names = [n for n in op.inputs if n not in self.graph.constants]
        fixed = {self._root(n) for n in self.settings.input_quants}
        if len({self._root(n) for n in names}) > 1:
            names = [n for n in names if self._root(n) not in fixed]
        return names

    def _measure(self) -> None:
        """The steps of every value, from what was seen of it and of those that share them."""
        ranges: dict[str, tuple[float, float]] = {}

        def widen(root: str, low: float, high: float) -> None:
            old = ranges.get(root, (0.0, 0.0))
            ranges[root] = (min(old[0], low), max(old[1], high))

        for name, seen in self.seen.items():
            if seen.runs and name in self.graph.shapes:
                widen(self._root(name), *seen.range(self.settings.method, self.settings.percentile))
        for op in self.graph.ops:
            if isinstance(op, g.Conv) and op.pool in MEAN_POOLS and op.full in self.seen:
                seen = self.seen[op.full]
                widen(self._root(op.output), *seen.range(self.settings.method, self.settings.percentile))
        fixed = {self._root(n): q for n, q in self.settings.input_quants.items()}
        for name in self.graph.shapes:
            root = self._root(name)
            self.quants[name] = fixed.get(root) or quant(*ranges.get(root, (0.0, 0.0)))

    # ---- places ----------------------------------------------------------------------------------

    def count(self, name: str) -> int:
        return int(np.prod(self.graph.shape(name), dtype=np.int64))

    def add(self, kind: str, reads: list, writes: list, **fields) -> Node:
        node = Node(kind, self.op.name, reads, writes, fields, value=self.op.output)
        self.nodes.append(node)
        return node

    def need(self, name: str, where: str) -> Buffer | Map:
        """The value as u8 or f32 in main memory, or as a map in AI memory; converts it if it is not there yet."""
        found = self.have.get((name, where))
        if found:
            return found
        if name in self.graph.constants:
            data = self.graph.constants[name]
            steps = self.quants[name]
            if where == "u8":
                made = Buffer(name, "u1", data.size, steps.steps(data))
            else:
                made = Buffer(name, "f4", data.size, np.asarray(data, "<f4"))
            self.have[name, where] = made
            return made
        steps = self.quants[name]
        if where == "ai":
            source = self.need(name, "u8")
            made = Map(name, four(self.graph.shape(name))[1:])
            self.add("upload", [source], [made], shape=self.graph.shape(name)).value = name
        elif where == "u8":
            maker = self.makers.get(name)
            made = Buffer(name, "u1", self.count(name))
            if maker is not None:
                maker.writes.append(made)
            else:
                self._convert("quantize", name, self.need(name, "f32"), made)
        else:
            made = Buffer(name, "f4", self.count(name))
            self._convert("dequantize", name, self.need(name, "u8"), made)
        self.have[name, where] = made
        return made

    def _convert(self, kind: str, name: str, source: Buffer | Map, target: Buffer) -> None:
        node = self.add(kind, [source], [target], quant=self.quants[name])
        node.value, node.name = name, self.titles.get(name, f"input {self.graph.labels.get(name, name)}")

    def result(self, name: str, where: str) -> Buffer:
        made = Buffer(name, "u1" if where == "u8" else "f4", self.count(name))
        self.have[name, where] = made
        return made

    # ---- operations ------------------------------------------------------------------------------

    def run(self) -> Machine:
        self.decide()
        users = self.graph.consumers()
        inputs: list[Buffer | Map] = []
        for name in self.graph.inputs:
            shape = self.graph.shape(name)
            direct = all(isinstance(u, g.Conv) and not u.cpu for u in users[name]) and name not in self.graph.outputs
            if self.native[name] == "u8" and direct and users[name] and len(shape) == 4 and shape[0] == 1:
                place: Buffer | Map = Map(name, shape[1:])
                self.have[name, "ai"] = place
            else:
                place = self.result(name, self.native[name])
            inputs.append(place)
        self._find_homes()
        bar = tqdm(
            self.graph.ops, desc="quantizing", unit="step", leave=False,
            disable=True if self.settings.quiet or self.settings.dry else None,
        )  # fmt: skip
        for op in bar:
            self.op = op
            node = getattr(self, f"_{type(op).__name__.lower()}")(op)
            if isinstance(node, Node):
                node.value = op.output
                node.quant = self.quants[op.output] if self.domain[op] == "u8" else None
        outputs = []
        for name in self.graph.outputs:
            place = self.need(name, "f32")
            assert isinstance(place, Buffer)
            if place in outputs or place in inputs:
                copy = Buffer(name, "f4", place.count)
                self.add("copy", [place], [copy])
                place = copy
            outputs.append(place)
        graph = self.graph
        return Machine(
            self.nodes, inputs, [graph.shape(n) for n in graph.inputs], [graph.labels[n] for n in graph.inputs],
            outputs, [graph.shape(n) for n in graph.outputs], [graph.labels.get(n, n) for n in graph.outputs],
            self.quants,
        )  # fmt: skip

    def _conv(self, op: g.Conv) -> Node:
        source, result = self.quants[op.inputs[0]], self.quants[op.output]
        seen = self.seen.get(op.inputs[0])
        if op.cpu:
            return self._cpu_conv(op, source, result)
        if self.settings.dry:
            layer = blank(op)
        else:
            mean = seen.mean if seen else None
            layer = build(op, source, result, self.seen.get(op.before), mean, self.settings.bias_correction)
        place = self.homes.get(op.output) or Map(op.output, four(self.graph.shape(op.output))[1:])
        node = self.add("kpu", [self.need(op.inputs[0], "ai")], [place])
        node.conv, node.layer = op, layer
        self.have[op.output, "ai"] = place
        self.makers[op.output] = node
        return node

    def _cpu_conv(self, op: g.Conv, source: Quant, result: Quant) -> Node:
        """Whole numbers on the CPU; functions that are no clamp by a table behind it."""
        plain = op.act.identity
        middle = result if plain else quant(*self._before(op))
        low, high = float(op.weight.min()), float(op.weight.max())
        steps = quant(low, high)
        w = steps.steps(op.weight)
        bias = np.rint(op.bias / (source.scale * steps.scale)).astype(np.int64)
        mul, shift = quantized_multiplier(source.scale * steps.scale / middle.scale)
        target = self.result(op.output, "u8") if plain else Buffer(op.output, "u1", self.count(op.output))
        node = self.add(
            "qconv", [self.need(op.inputs[0], "u8")], [target], shape=self.graph.shape(op.inputs[0]), conv=op,
            in_off=-int(source.zero), w_off=-int(steps.zero), mul=mul, shift=shift, out_off=int(middle.zero), bias=bias,
            weights=w,
        )  # fmt: skip
        return node if plain else self._lookup(op, target, op.act, middle, result)

    def _before(self, op: g.Conv) -> tuple[float, float]:
        seen = self.seen.get(op.before)
        return seen.range("minmax", 100) if seen and seen.runs else (-1.0, 1.0)

    def _lookup(self, op: Op, source: Buffer, function, middle: Quant, result: Quant) -> Node:
        with np.errstate(all="ignore"):
            values = np.asarray(function(middle.real(np.arange(256)).astype(np.float64)))
        data = result.steps(np.nan_to_num(values, nan=0.0, posinf=1e30, neginf=-1e30))
        table = Buffer(f"table of {op.name}", "u1", 256, data)
        return self.add("table", [source, table], [self.result(op.output, "u8")])

    def _act(self, op: g.Act) -> Node:
        if self.domain[op] == "u8":
            source = self.need(op.inputs[0], "u8")
            assert isinstance(source, Buffer)
            return self._lookup(op, source, op.expr, self.quants[op.inputs[0]], self.quants[op.output])
        if self.settings.version == 3 and str(op.expr) == "sigmoid(x)":
            return self.add("sigmoid", [self.need(op.inputs[0], "f32")], [self.result(op.output, "f32")])
        code = nnil.assemble(op.expr)
        if code is None:
            raise self.graph.fail(op, f"the function {op.expr} cannot be computed on the K210's CPU")
        return self.add("nnil", [self.need(op.inputs[0], "f32")], [self.result(op.output, "f32")], code=code)

    def _binary(self, op: g.Binary) -> Node:
        shapes = merge_broadcast([self.graph.shape(n) for n in (*op.inputs, op.output)])
        if shapes is None:
            known = shape_text(self.graph.shape(op.output))
            raise self.graph.fail(op, f"broadcasting to {known} is too much; repeat one operand before (Expand)")
        where = self.domain[op]
        if where == "u8":
            for name in op.inputs:
                if name in self.graph.constants:
                    data = self.graph.constants[name]
                    self.quants[name] = quant(float(data.min()), float(data.max()))
        places = [self.need(n, where) for n in op.inputs]
        if where == "f32":
            return self.add("binary", places, [self.result(op.output, where)], op=op.kind, shapes=shapes,
                            limits=(op.low, op.high))  # fmt: skip
        a, b = (self.quants[n] for n in op.inputs)
        y = self.quants[op.output]
        if op.kind == "mul":
            mul, shift = quantized_multiplier(a.scale * b.scale / y.scale)
            scales = [-int(a.zero), 1, 0, -int(b.zero), 1, 0, int(y.zero), mul, shift]
        else:
            shift = 16
            while shift > 0 and max(a.scale, b.scale) / y.scale * 2.0**shift >= 1 << 22:
                shift -= 1
            factors = [round(q.scale / y.scale * 2.0**shift) for q in (a, b)]
            scales = [-int(a.zero), factors[0], 0, -int(b.zero), factors[1], 0, int(y.zero), 1, shift]
        return self.add("qbinary", places, [self.result(op.output, where)], op=op.kind, shapes=shapes, scales=scales)

    def _four(self, op: Op, name: str) -> tuple[int, int, int, int]:
        shape = self.graph.shape(name)
        if len(shape) > 4:
            squeezed = tuple(d for d in shape if d != 1)
            if len(squeezed) > 4:
                raise self.graph.fail(op, f"a shape of {len(shape)} dimensions ({shape_text(shape)}); there are four")
            shape = squeezed
        return four(shape)

    def _pool(self, op: g.Pool) -> Node:
        if self.domain[op] == "u8":
            return self.add(
                "qpool", [self.need(op.inputs[0], "u8")], [self.result(op.output, "u8")],
                shape=self._four(op, op.inputs[0]), pool=op, size=self.graph.shape(op.output)[2:],
            )  # fmt: skip
        return self.add(
            "reduce_window", [self.need(op.inputs[0], "f32")], [self.result(op.output, "f32")],
            shape=self._four(op, op.inputs[0]), pool=op,
        )  # fmt: skip

    def _reduce(self, op: g.Reduce) -> Node:
        shape = self.graph.shape(op.inputs[0])
        kept = tuple(1 if i in op.axes else d for i, d in enumerate(shape))
        if len(shape) > 4:
            merged = merge_broadcast([shape, kept, shape])
            if merged is None:
                raise self.graph.fail(op, f"reducing {shape_text(shape)} is too much; reduce one axis after the other")
            shape, kept = merged[0], merged[1]
        return self.add(
            "reduce", [self.need(op.inputs[0], "f32")], [self.result(op.output, "f32")],
            op=op.kind, in_shape=four(shape), out_shape=four(kept),
        )  # fmt: skip

    def _softmax(self, op: g.Softmax) -> Node:
        shape = self.graph.shape(op.inputs[0])
        inner = shape[op.axis]
        after = int(np.prod(shape[op.axis + 1 :], dtype=np.int64))
        source = self.need(op.inputs[0], "f32")
        count = self.count(op.output)
        if after == 1:
            return self.add("softmax", [source], [self.result(op.output, "f32")], inner=inner, outer=count // inner)
        outer = count // inner // after
        turned, soft = Buffer(op.output, "f4", count), Buffer(op.output, "f4", count)
        self.add("transpose", [source], [turned], shape=(1, outer, inner, after), order=(0, 1, 3, 2))
        self.add("softmax", [turned], [soft], inner=inner, outer=count // inner)
        result = self.result(op.output, "f32")
        return self.add("transpose", [soft], [result], shape=(1, outer, after, inner), order=(0, 1, 3, 2))

    def _matmul(self, op: g.MatMul) -> Node:
        (rows, inner), columns = self.graph.shape(op.inputs[0]), self.graph.shape(op.output)[1]
        bias = np.zeros(columns, np.float32) if op.bias is None else op.bias
        size = {"rows": rows, "inner": inner, "columns": columns}
        if self.domain[op] == "f32":
            places = [self.need(n, "f32") for n in op.inputs]
            return self.add("matmul", places, [self.result(op.output, "f32")], bias=bias, **size)
        data = self.graph.constants[op.inputs[1]]
        self.quants[op.inputs[1]] = quant(float(data.min()), float(data.max()))
        a, b, y = self.quants[op.inputs[0]], self.quants[op.inputs[1]], self.quants[op.output]
        mul, shift = quantized_multiplier(a.scale * b.scale / y.scale)
        places = [self.need(n, "u8") for n in op.inputs]
        whole = np.rint(bias / (a.scale * b.scale)).astype(np.int64)
        return self.add(
            "qmatmul", places, [self.result(op.output, "u8")], bias=whole, a_off=-int(a.zero), b_off=-int(b.zero),
            mul=mul, shift=shift, out_off=int(y.zero), **size,
        )  # fmt: skip

    # ---- moves -----------------------------------------------------------------------------------

    def _concat(self, op: g.Concat) -> Node | None:
        where = self.domain[op]
        if op.output in self.homes:
            self._joined(op)
            return None
        shape = self.graph.shape(op.output)
        inner = int(np.prod(shape[op.axis + 1 :], dtype=np.int64)) * (4 if where == "f32" else 1)
        outer = int(np.prod(shape[: op.axis], dtype=np.int64))
        if where == "u8":
            places = [self._as_steps(n, self.quants[op.output]) for n in op.inputs]
        else:
            places = [self.need(n, where) for n in op.inputs]
        dims = [self.graph.shape(n)[op.axis] for n in op.inputs]
        return self.add("concat", places, [self.result(op.output, where)], inner=inner, outer=outer, dims=dims)

    def _as_steps(self, name: str, steps: Quant) -> Buffer | Map:
        """The value in u8 with other steps than its own, by a table."""
        if name in self.graph.constants:
            data = self.graph.constants[name]
            return Buffer(name, "u1", data.size, steps.steps(data))
        source = self.need(name, "u8")
        own = self.quants[name]
        if own == steps:
            return source
        table = Buffer(f"table of {name}", "u1", 256, steps.steps(own.real(np.arange(256))))
        target = Buffer(name, "u1", self.count(name))
        self.add("table", [source, table], [target]).value = ""
        return target

    def _find_homes(self) -> None:
        for op in self.graph.ops:
            if isinstance(op, g.Concat) and op.joined and self.domain[op] == "u8":
                whole = Map(op.output, four(self.graph.shape(op.output))[1:])
                self.homes[op.output] = whole
                at = 0
                for name in op.inputs:
                    part = Map(name, four(self.graph.shape(name))[1:], whole=whole, offset=at)
                    self.homes[name] = part
                    at += part.lines

    def _joined(self, op: g.Concat) -> None:
        """Parts that no layer has written yet are uploaded to their places."""
        for name in op.inputs:
            part = self.homes[name]
            if self.have.get((name, "ai")) is not part:
                source = self._as_steps(name, self.quants[op.output])
                self.add("upload", [source], [part], shape=self.graph.shape(name)).value = name
        self.have[op.output, "ai"] = self.homes[op.output]

    def _slice(self, op: g.Slice) -> Node:
        where = self.domain[op]
        source, result = self.graph.shape(op.inputs[0]), self.graph.shape(op.output)
        axes = [i for i, d in enumerate(source) if d != 1]
        if len(axes) > 4:
            raise self.graph.fail(op, f"slicing {len(axes)} dimensions ({shape_text(source)}) is not supported")
        lead = 4 - len(axes)
        begin = [0] * lead + [op.begin[i] for i in axes]
        step = [1] * lead + [op.step[i] for i in axes]
        count = [1] * lead + [result[i] for i in axes]
        end = [b + (n - 1) * s + (1 if s > 0 else -1) for b, n, s in zip(begin, count, step, strict=True)]
        shape = tuple([1] * lead + [source[i] for i in axes])
        return self.add("slice", [self.need(op.inputs[0], where)], [self.result(op.output, where)],
                        shape=shape, begin=begin, end=end, step=step)  # fmt: skip

    def _pad(self, op: g.Pad) -> Node:
        where = self.domain[op]
        source = self.graph.shape(op.inputs[0])
        axes = [i for i, d in enumerate(source) if d != 1 or any(op.pads[i])]
        if len(axes) > 4:
            raise self.graph.fail(op, f"padding {len(axes)} dimensions ({shape_text(source)}) is not supported")
        lead = 4 - len(axes)
        steps = self.quants[op.output]
        value = int(steps.steps(np.array([op.value]))[0]) if where == "u8" else float(op.value)
        return self.add(
            "pad", [self.need(op.inputs[0], where)], [self.result(op.output, where)], value=value,
            shape=tuple([1] * lead + [source[i] for i in axes]), pads=[(0, 0)] * lead + [op.pads[i] for i in axes],
        )  # fmt: skip

    def _transpose(self, op: g.Transpose) -> Node | None:
        where = self.domain[op]
        shape, order = squeeze_order(self.graph.shape(op.inputs[0]), op.order)
        source = self.need(op.inputs[0], where)
        if order == tuple(range(len(order))):
            self.have[op.output, where] = source
            return None
        moves = [order] if len(order) <= 4 else block_swaps(order)
        node = None
        for number, move in enumerate(moves):
            now, merged = squeeze_order(shape, move)
            lead = 4 - len(now)
            full = tuple(range(lead)) + tuple(i + lead for i in merged)
            last = number == len(moves) - 1
            count = self.count(op.output)
            assert isinstance(source, Buffer)
            target = self.result(op.output, where) if last else Buffer(op.output, source.dtype, count)
            node = self.add("transpose", [source], [target], shape=four(now), order=full)
            shape, source = tuple(shape[i] for i in move), target
        return node

    def _reshape(self, op: g.Reshape) -> None:
        where = self.domain[op]
        self.have[op.output, where] = self.need(op.inputs[0], where)

    def _resize(self, op: g.Resize) -> Node:
        where = self.domain[op]
        return self.add(
            "resize", [self.need(op.inputs[0], where)], [self.result(op.output, where)],
            shape=self.graph.shape(op.inputs[0]), size=self.graph.shape(op.output)[2:], nearest=op.kind == "nearest",
            align=op.align,
        )  # fmt: skip

    def _affine(self, op: g.Affine) -> Node:
        raise K210Error(f"node {op.name}: a scale per channel was left over")


def squeeze_order(shape: tuple[int, ...], order: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same transpose with as few dimensions as possible: none of size 1, and neighbours that stay so as one."""
    kept = [i for i, d in enumerate(shape) if d != 1]
    new = {old: i for i, old in enumerate(kept)}
    turned = [new[i] for i in order if i in new]
    sizes = [shape[i] for i in kept]
    runs: list[list[int]] = []
    for i in turned:
        if runs and i == runs[-1][-1] + 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    ranks = sorted(range(len(runs)), key=lambda k: runs[k][0])
    place = {k: i for i, k in enumerate(ranks)}
    merged = tuple(int(np.prod([sizes[i] for i in runs[k]], dtype=np.int64)) for k in ranks)
    return merged, tuple(place[k] for k in range(len(runs)))


def block_swaps(order: tuple[int, ...]) -> list[tuple[int, ...]]:
    """A transpose as several that each move one dimension to its place: four dimensions are enough for that."""
    moves, now = [], list(range(len(order)))
    for place, wanted in enumerate(order):
        at = now.index(wanted)
        if at != place:
            moves.append((*range(place), at, *range(place, at), *range(at + 1, len(order))))
            now.insert(place, now.pop(at))
    return moves


def merge_broadcast(shapes: list[tuple[int, ...]]) -> list[tuple[int, int, int, int]] | None:
    """The shapes of two operands and their result with four dimensions, neighbours that behave alike as one."""
    rank = max(map(len, shapes))
    if rank <= 4:
        return [four(s) for s in shapes]
    full = [(1,) * (rank - len(s)) + tuple(s) for s in shapes]
    runs: list[list[int]] = []
    for i in range(rank):
        if full[-1][i] == 1:
            continue
        alike = runs and all((s[i] == 1) == (s[runs[-1][0]] == 1) for s in full)
        if alike:
            runs[-1].append(i)
        else:
            runs.append([i])
    if len(runs) > 4:
        return None
    return [four(tuple(int(np.prod([s[i] for i in run], dtype=np.int64)) for run in runs)) for s in full]
