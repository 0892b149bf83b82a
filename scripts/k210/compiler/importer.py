# SPDX-License-Identifier: MIT
"""Reads an ONNX file into the compiler's graph. What is constant is computed here; shapes must be fixed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from k210.compiler.graph import Graph, Op
from k210.errors import K210Error

OLDEST_OPSET, NEWEST_OPSET = 7, 28
MAX_ELEMENTS = 1 << 26
FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)

Value = str | np.ndarray | None  # a value of the graph, a constant, or an input that was left out


class Node:
    """One ONNX node with its inputs looked up. fail() makes the error that names it."""

    def __init__(self, importer: Importer, proto: onnx.NodeProto, number: int) -> None:
        self.importer = importer
        self.graph = importer.graph
        self.opset = importer.opset
        self.op = proto.op_type
        self.title = f"{proto.name or f'number {number}'} ({proto.op_type})"
        self.outputs = list(proto.output)
        self.attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute if not a.ref_attr_name}
        self.inputs: list[Value] = [importer.lookup(name, self) for name in proto.input]

    def fail(self, text: str) -> K210Error:
        return K210Error(f"node {self.title}: {text}")

    def attribute(self, name: str, default: Any = None) -> Any:
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def input(self, number: int) -> Value:
        return self.inputs[number] if number < len(self.inputs) else None

    def value(self, number: int = 0) -> str:
        """An input as a value of the graph; a constant becomes one."""
        found = self.input(number)
        if found is None:
            raise self.fail(f"input {number} is missing")
        return found if isinstance(found, str) else self.graph.constant(self.weights(number, "constants"))

    def optional(self, number: int, what: str) -> np.ndarray | None:
        """An input that must be a constant if it is there."""
        found = self.input(number)
        if isinstance(found, str):
            raise self.fail(f"its {what} is computed while the network runs; it must be a constant")
        return found

    def constant(self, number: int, what: str) -> np.ndarray:
        found = self.optional(number, what)
        if found is None:
            raise self.fail(f"its {what} is missing")
        return found

    def weights(self, number: int, what: str) -> np.ndarray:
        """A constant of floats, all of them finite."""
        data = np.asarray(self.constant(number, what), np.float32)
        if not np.isfinite(data).all():
            bad = int(np.size(data) - np.isfinite(data).sum())
            raise self.fail(f"{bad} of its {data.size} {what} are NaN or infinite: train or export the network again")
        return data

    def ints(self, name: str, number: int | None = None) -> list[int] | None:
        """Numbers that older opsets have as attribute and newer ones as input."""
        if name in self.attributes:
            given = self.attributes[name]
            return [int(v) for v in (given if isinstance(given, (list, tuple)) else [given])]
        found = None if number is None else self.optional(number, name)
        return None if found is None else [int(v) for v in np.atleast_1d(found)]

    def shape(self, number: int = 0) -> tuple[int, ...]:
        return self.graph.shape(self.value(number))

    def axis(self, axis: int, rank: int) -> int:
        if not -rank <= axis < rank:
            raise self.fail(f"axis {axis} does not exist, the input has {rank} dimensions")
        return axis % rank

    def emit(self, kind: Callable[..., Op], inputs: Sequence[str], shape: Sequence[int], /, **fields: Any) -> str:
        """Adds an operation; gives its output."""
        if min(shape, default=1) < 1 or int(np.prod(shape, dtype=np.int64)) > MAX_ELEMENTS:
            raise self.fail(f"its result would have the shape {shape_text(shape)}")
        out = self.graph.new(shape, self.outputs[0] or self.op)
        self.graph.ops.append(kind(self.title, list(inputs), out, **fields))
        return out


def shape_text(shape: Sequence[object]) -> str:
    return "\u00d7".join(map(str, shape)) or "scalar"


class Importer:
    def __init__(self, model: onnx.ModelProto, shapes: dict[str, tuple[int, ...]]) -> None:
        self.model = model
        self.graph = Graph()
        self.values: dict[str, Value] = {"": None}
        self.opset = self._opset()
        self._given = dict(shapes)
        self._folder: dict[tuple[bytes, int], Any] = {}

    def _opset(self) -> int:
        opset = 0
        for entry in self.model.opset_import:
            if entry.domain in ("", "ai.onnx"):
                opset = entry.version
        newest = min(NEWEST_OPSET, onnx.defs.onnx_opset_version())
        if not OLDEST_OPSET <= opset <= newest:
            first = self.model.graph.node[0] if self.model.graph.node else None
            where = f", first node {first.name or 'number 0'} ({first.op_type})" if first else ""
            raise K210Error(
                f"the network has opset {opset}{where}; known are {OLDEST_OPSET} to {newest}: "
                "export it with a known one, such as opset_version=17"
            )
        return opset

    def lookup(self, name: str, node: Node) -> Value:
        if name not in self.values:
            raise node.fail(f"its input {name!r} comes from nowhere: the file is damaged or not in order")
        return self.values[name]

    def run(self) -> Graph:
        from k210.compiler.import_ops import HANDLERS

        proto = self.model.graph
        for tensor in proto.initializer:
            self.values[tensor.name] = self._array(tensor)
        for tensor in proto.sparse_initializer:
            raise K210Error(f"constant {tensor.values.name}: sparse constants are not supported; export dense ones")
        for info in proto.input:
            if info.name not in self.values:
                self.values[info.name] = self._input(info)
        for name in self._given:
            known = ", ".join(self.graph.labels.values())
            raise K210Error(f"--input-shape names {name!r}; the network has {known}")
        if not self.graph.inputs:
            raise K210Error("the network has no input")
        for number, item in enumerate(proto.node):
            self._node(item, number, HANDLERS)
        if not proto.output:
            raise K210Error("the network has no output")
        for info in proto.output:
            self._output(info.name)
        self.graph.prune()
        return self.graph

    def _array(self, tensor: onnx.TensorProto) -> np.ndarray:
        try:
            return numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError) as e:
            raise K210Error(f"constant {tensor.name!r} cannot be read: {e}") from None

    def _input(self, info: onnx.ValueInfoProto) -> str:
        kind = info.type.tensor_type
        if not info.type.HasField("tensor_type"):
            raise K210Error(f"input {info.name} is no tensor")
        if kind.elem_type not in (*FLOATS, onnx.TensorProto.UINT8):
            name = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
            raise K210Error(f"input {info.name} has type {name}; it must be float (or uint8)")
        dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in kind.shape.dim]
        given = self._given.pop(info.name, None)
        if given is not None:
            fits = len(given) == len(dims) or not kind.HasField("shape")
            if not fits or any(isinstance(d, int) and 0 < d != g for d, g in zip(dims, given, strict=False)):
                raise K210Error(
                    f"--input-shape {info.name}={','.join(map(str, given))} does not fit {shape_text(dims)}"
                )
            dims = list(given)
        if not kind.HasField("shape") and given is None:
            dims = ["?"]
        if any(not isinstance(d, int) or d < 1 for d in dims):
            user = next((n for n in self.model.graph.node if info.name in n.input), None)
            node = f" (read by node {user.name or 'without a name'}, {user.op_type})" if user else ""
            example = ",".join(str(d) if isinstance(d, int) and d > 0 else str(n) for d, n in
                               zip(dims, [1, 3, 224, 224, 1, 1, 1, 1], strict=False))  # fmt: skip
            raise K210Error(
                f"input {info.name}{node} has the dynamic shape {shape_text(dims)}; the K210 needs fixed sizes: "
                f"export without dynamic axes, or give them, like --input-shape {info.name}={example}"
            )
        if int(np.prod(dims, dtype=np.int64)) > MAX_ELEMENTS:
            raise K210Error(f"input {info.name} has the shape {shape_text(dims)}, far more than a K210 can hold")
        value = self.graph.new(dims, info.name)
        self.graph.inputs.append(value)
        self.graph.labels[value] = info.name
        return value

    def _output(self, name: str) -> None:
        found = self.values.get(name)
        if found is None:
            raise K210Error(f"output {name} is not computed by any node")
        if not isinstance(found, str):
            raise K210Error(f"output {name} does not depend on the input; remove it from the network")
        if found in self.graph.outputs or found in self.graph.inputs:
            from k210.compiler.graph import Reshape

            copy = self.graph.new(self.graph.shape(found), name)
            self.graph.ops.append(Reshape(f"output {name}", [found], copy))
            found = copy
        self.graph.outputs.append(found)
        self.graph.labels[found] = name

    def _node(self, proto: onnx.NodeProto, number: int, handlers: dict[str, Callable]) -> None:
        title = f"{proto.name or f'number {number}'} ({proto.op_type})"
        if proto.domain not in ("", "ai.onnx"):
            raise K210Error(
                f"node {title}: operations of the domain {proto.domain!r} are not known; export with standard ONNX ones"
            )
        node = Node(self, proto, number)
        values = [v for v in node.inputs if v is not None]
        if all(isinstance(v, np.ndarray) for v in values) and not any(a.HasField("g") for a in proto.attribute):
            results = self._fold(proto, node)
        else:
            handler = handlers.get(proto.op_type)
            if handler is None:
                raise node.fail(
                    "this operation is not known to the compiler; rewrite that part of the network, or end the network "
                    "before it and compute the rest in the script"
                )
            results = handler(node)
        if isinstance(results, (str, np.ndarray)):
            results = [results]
        for name, result in zip(proto.output, results, strict=False):
            if name:
                self.values[name] = result
        for name in proto.output[len(results) :]:
            if name and self._used(name):
                raise node.fail(f"its output {name!r} is not supported")

    def _used(self, name: str) -> bool:
        return any(name in n.input for n in self.model.graph.node) or any(
            name == o.name for o in self.model.graph.output
        )

    def _fold(self, proto: onnx.NodeProto, node: Node) -> list[np.ndarray]:
        """Computes a node whose inputs are all constants."""
        from onnx.reference import ReferenceEvaluator

        names = [n for n in dict.fromkeys(proto.input) if n]
        inputs = [onnx.helper.make_value_info(n, onnx.TypeProto()) for n in names]
        outputs = [onnx.helper.make_value_info(n, onnx.TypeProto()) for n in proto.output if n]
        graph = onnx.helper.make_graph([proto], "constant", inputs, outputs)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", self.opset)])
        try:
            with np.errstate(all="ignore"):
                found = ReferenceEvaluator(model).run(None, {n: self.values[n] for n in names})
        except Exception as e:  # whatever onnx has to say about a node that it cannot compute
            raise node.fail(f"it has only constant inputs, but computing it failed: {e}") from None
        results = iter(found)
        return [np.asarray(next(results)) if n else np.zeros(0) for n in proto.output]


def read(path: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Graph:
    """The network in an ONNX file. shapes: sizes for inputs that the file leaves open."""
    try:
        model = onnx.load(path)
    except FileNotFoundError as e:
        missing = e.filename or path
        raise K210Error(f"there is no {missing}") from None
    except OSError as e:
        raise K210Error(f"{path} cannot be read: {e.strerror or e}") from None
    except Exception as e:  # protobuf's DecodeError, onnx's ValidationError for external data
        raise K210Error(f"{path} is no ONNX file that can be read: {e}") from None
    if not model.HasField("graph") or not model.opset_import:
        raise K210Error(f"{path} is no ONNX file: it has no graph")
    if model.functions:
        from onnx import inliner

        model = inliner.inline_local_functions(model)
    return Importer(model, shapes or {}).run()
