# SPDX-License-Identifier: MIT
"""kmodel v3 (nncase 0.1): layers in file order that meet in main memory and AI memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from k210.errors import K210Error
from k210.model import ops
from k210.model.kmodel import Program, Step, Tensor, check_memory, elements, new_ai_memory, span
from k210.model.kpu import ACTIVATION_BYTES, LINES, KpuLayer, Map
from k210.model.reader import Reader

CONV = 10240
FLOAT_INPUT = (1, 5, 9, 11, 14, 15, 18, 20, 22, 25)
NAMES = {
    1: "add", 2: "quantized add", 3: "global max pool", 4: "quantized global max pool", 5: "global average pool",
    6: "quantized global average pool", 7: "max pool", 8: "quantized max pool", 9: "average pool",
    10: "quantized average pool", 11: "quantize", 12: "dequantize", 13: "requantize", 14: "L2 normalization",
    15: "softmax", 16: "concat", 17: "quantized concat", 18: "fully connected", 19: "quantized fully connected",
    20: "tensorflow flatten", 21: "quantized tensorflow flatten", 22: "resize nearest",
    23: "quantized resize nearest", 24: "channelwise dequantize", 25: "logistic", 10240: "KPU conv",
    10241: "add padding", 10242: "remove padding", 10243: "upload",
}  # fmt: skip
HEADER_BYTES = 28
MISSING_AT_END = 7  # the writer aligned the last body without writing the padding


@dataclass(frozen=True)
class _Layer:
    number: int
    kind: int
    at: int
    end: int


class ProgramV3(Program):
    version = 3
    target = "K210"

    def __init__(self, data: bytes, swapped: bool = False) -> None:
        header = Reader(data, what="the header")
        _, flags, arch, count, lowest, main, outputs = header.unpack("7I")
        if arch != 0:
            raise K210Error(f"the v3 model is for architecture {arch}, the K210 is 0")
        self.eight_bit = bool(flags & 1)
        if lowest > LINES:
            raise K210Error(f"the model's lowest AI memory line is {lowest}; there are {LINES}")
        self.lowest_line = lowest
        self.main_memory = check_memory(main, "the working buffer")
        self._main = np.zeros(main + 8, np.uint8)
        self._ai = new_ai_memory()
        self._data = data
        places = [header.unpack("II") for _ in range(min(outputs, header.left() // 8 + 1))]
        heads = [header.unpack("II") for _ in range(min(count, header.left() // 8 + 1))]
        self._layers, at = [], header.at
        for number, (kind, size) in enumerate(heads):
            end = at + size
            if number == len(heads) - 1 and len(data) < end <= len(data) + MISSING_AT_END:
                end = len(data)
            if end > len(data):
                raise K210Error(
                    f"layer {number} should end at byte {end}, but the model has only {len(data)}: cut off or damaged"
                )
            if kind not in NAMES:
                raise K210Error(f"layer {number} has the unknown type {kind}")
            self._layers.append(_Layer(number, kind, at, end))
            at += size
        if not self._layers:
            raise K210Error("the model has no layers")
        self.size = self._layers[-1].end
        self.facts = {"weights": "8 bit" if self.eight_bit else "16 bit"}
        if swapped:
            self.facts["words"] = "swapped (as load_flash of MaixPy wants them)"
        steps = list(self.steps())
        self._steps = steps
        self.inputs = [self._find_input(steps[0])]
        self._places = places
        self.outputs = [self._find_output(number, steps) for number in range(len(places))]

    def _find_input(self, first: Step) -> Tensor:
        if first.layer:
            return Tensor("uint8", elements(first.in_shapes[0], "the input"), first.in_shapes[0])
        if not first.in_shapes or self._layers[0].kind in (16, 17):
            raise K210Error(f"the first layer is {first.name!r}, which does not have one input")
        kind = "float32" if self._layers[0].kind in FLOAT_INPUT else "uint8"
        return Tensor(kind, elements(first.in_shapes[0], "the input"), first.in_shapes[0])

    def _find_output(self, number: int, steps: list[Step]) -> Tensor:
        """The file gives bytes only; type and shape are those of the last layer that writes there."""
        offset, size = self._places[number]
        for layer, step in reversed(list(zip(self._layers, steps, strict=True))):
            where = self._written(layer)
            if where == offset:
                item = np.dtype(step.dtype).itemsize
                made = elements(step.out_shape, step.name)
                count = made if made <= size // item else size // item
                span(self._main, offset, count * item, f"output {number}")
                return Tensor(step.dtype, count, step.out_shape if count == made else None)
        span(self._main, offset, size, f"output {number}")
        return Tensor("float32", size // 4, None)

    def _written(self, layer: _Layer) -> int | None:
        """Offset in main memory where the layer's result goes."""
        r = Reader(self._data, layer.at, layer.end, f"layer {layer.number}")
        flags, first, second = r.unpack("3I")
        if layer.kind == CONV:
            return first if flags & 1 else None
        if layer.kind in (10241, 10243):
            return None
        if layer.kind in (16, 17):
            return first
        if layer.kind in (1, 2):
            return r.u32()
        return second

    def set_input(self, number: int, data: np.ndarray) -> None:
        first = self._steps[0]
        if first.layer:
            self._ai[first.layer.source.index()] = data.reshape(first.in_shapes[0])
        else:
            r = Reader(self._data, self._layers[0].at + 4, self._layers[0].end)
            tensor = self.inputs[0]
            self._view(tensor.dtype, r.u32(), tensor.count, "the input")[:] = data.ravel()

    def main_bytes(self, start: int, size: int) -> np.ndarray:
        """Main memory as it is after the steps that have run."""
        return span(self._main, start, size, "main memory")

    def output(self, number: int) -> np.ndarray:
        tensor = self.outputs[number]
        flat = self._view(tensor.dtype, self._places[number][0], tensor.count, f"output {number}")
        return flat.reshape(tensor.shape or (-1,)).copy()

    def steps(self) -> Iterator[Step]:
        self._made: list[tuple[int, int, str]] = []
        for layer in self._layers:
            name = NAMES[layer.kind]
            r = Reader(self._data, layer.at, layer.end, f"layer {layer.number} ({name})")
            handler = HANDLERS.get(layer.kind)
            if not handler:
                raise K210Error(f"layer {layer.number} is {name!r} (type {layer.kind}), which no K210 program can run")
            step = handler(self, r, r.u32(), f"layer {layer.number} ({name})")
            step.name = name
            where = self._written(layer)
            if where is not None:
                size = elements(step.out_shape, name) * np.dtype(step.dtype).itemsize
                self._made.append((where, where + size, step.dtype))
            yield step

    def _view(self, dtype: str, offset: int, count: int, what: str) -> np.ndarray:
        return span(self._main, offset, count * np.dtype(dtype).itemsize, what).view(dtype)

    def map_step(
        self, what: str, kinds: tuple[str, str], places: tuple[int, int],
        shapes: tuple[tuple[int, ...], tuple[int, ...]], f: Callable[[np.ndarray], np.ndarray], parameters: int = 0,
    ) -> Step:  # fmt: skip
        """A layer with one source and one result in main memory."""
        x = self._view(kinds[0], places[0], elements(shapes[0], what), what).reshape(shapes[0])
        y = self._view(kinds[1], places[1], elements(shapes[1], what), what).reshape(shapes[1])

        def run() -> None:
            y[...] = f(x)

        return Step("", [shapes[0]], shapes[1], y.dtype.name, run, parameters=parameters)

    def conv(self, r: Reader, flags: int, what: str) -> Step:
        main_out, layer_off, weights_off, bn_off, act_off = r.unpack("5I")
        words = Reader(self._data, min(layer_off, len(self._data)), what=what).unpack("12Q")
        layer = KpuLayer(words, self.eight_bit)

        def table(at: int, size: int) -> bytes:
            return Reader(self._data, min(at, len(self._data)), what=f"a table of {what}").bytes(size)

        layer.weights = table(weights_off, layer.weight_bytes)
        layer.bn, layer.activation = table(bn_off, layer.bn_bytes), table(act_off, ACTIVATION_BYTES)
        copy = None
        if flags & 1:
            copy = self._view("u1", main_out, elements(layer.result.shape, what), what).reshape(layer.result.shape)

        def run() -> np.ndarray:
            y = layer.run(self._ai)
            if copy is not None:
                copy[...] = y[0]
            return y

        return Step(
            "", [layer.source.shape], layer.result.shape, "uint8", run, layer, 1, layer.parameter_bytes, layer.lines()
        )

    def add(self, r: Reader, _: int, what: str) -> Step:
        a, b, out, count = r.unpack("4I")
        va, vb, y = (self._view("f4", at, count, what) for at in (a, b, out))

        def run() -> None:
            y[...] = va + vb

        return Step("", [(count,), (count,)], (count,), "float32", run)

    def quantized_add(self, r: Reader, _: int, what: str) -> Step:
        a, b, out, count = r.unpack("4I")
        a_off, a_mul, a_shift, b_off, b_mul, b_shift, o_off, o_mul, o_shift = r.unpack("9i")
        va, vb, y = (self._view("u1", at, count, what) for at in (a, b, out))

        def run() -> None:
            p = (va.astype(np.int64) + a_off) * a_mul
            q = (vb.astype(np.int64) + b_off) * b_mul
            s, t = max(a_shift, 0), max(b_shift, 0)
            v = (p + q) >> s if s == t else (p >> s) + (q >> t)
            y[...] = np.clip(ops.shift_v3(v * o_mul, o_shift) + o_off, 0, 255)

        return Step("", [(count,), (count,)], (count,), "uint8", run)

    def global_average(self, r: Reader, _: int, what: str) -> Step:
        source, out, size, channels = r.unpack("4I")
        return self.map_step(what, ("f4", "f4"), (source, out), ((channels, size), (channels,)), lambda x: x.mean(1))

    def pool(self, r: Reader, _: int, what: str) -> Step:
        source, out, in_w, in_h, in_c, out_w, out_h, out_c, k_w, k_h, s_w, s_h, pad_w, pad_h = r.unpack("14I")
        if in_c != out_c or not k_w * k_h * s_w * s_h or max(k_w, k_h, s_w, s_h, pad_w, pad_h) > 1024:
            raise K210Error(f"{what} has impossible sizes: the model is damaged")
        octets = what.endswith("(quantized max pool)")
        kind = "u1" if octets else "f4"
        pads = ((pad_h, 0), (pad_w, 0))

        def run(x: np.ndarray) -> np.ndarray:
            op = (2, 0) if octets else (0, 0)
            return ops.reduce_window(x[None], *op, (out_h, out_w), pads, (k_h, k_w), (s_h, s_w), (1, 1))[0]

        # Windows may end outside the picture; windows() pads as far as the last one reaches.
        return self.map_step(what, (kind, kind), (source, out), ((in_c, in_h, in_w), (out_c, out_h, out_w)), run)

    def quantize(self, r: Reader, _: int, what: str) -> Step:
        source, out, count, scale, bias = r.unpack("3I2f")

        def run(x: np.ndarray) -> np.ndarray:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                return ops.to_u8(ops.half_away((x - np.float32(bias)) * (np.float32(1) / np.float32(scale))))

        return self.map_step(what, ("f4", "u1"), (source, out), ((count,), (count,)), run)

    def dequantize(self, r: Reader, _: int, what: str) -> Step:
        source, out, count, scale, bias = r.unpack("3I2f")
        return self.map_step(
            what, ("u1", "f4"), (source, out), ((count,), (count,)),
            lambda x: x.astype(np.float32) * np.float32(scale) + np.float32(bias),
        )  # fmt: skip

    def requantize(self, r: Reader, _: int, what: str) -> Step:
        source, out, count = r.unpack("3I")
        table = r.array("u1", 256)
        return self.map_step(what, ("u1", "u1"), (source, out), ((count,), (count,)), lambda x: table[x], 256)

    def l2(self, r: Reader, _: int, what: str) -> Step:
        source, out, count = r.unpack("3I")
        return self.map_step(
            what, ("f4", "f4"), (source, out), ((count,), (count,)),
            lambda x: x / np.sqrt(np.maximum((x * x).sum(), np.float32(1e-10))),
        )  # fmt: skip

    def softmax(self, r: Reader, _: int, what: str) -> Step:
        source, out, count = r.unpack("3I")
        return self.map_step(what, ("f4", "f4"), (source, out), ((count,), (count,)), ops.softmax)

    def concat(self, r: Reader, _: int, what: str) -> Step:
        out, n = r.unpack("2I")
        parts = [r.unpack("2I") for _ in range(min(n, r.left() // 8 + 1))]
        views = [self._view("u1", start, size, what) for start, size in parts]
        y = self._view("u1", out, sum(size for _, size in parts), what)

        def run() -> None:
            at = 0
            for v in views:
                y[at : at + v.size] = v
                at += v.size

        # The layer moves bytes; what they are is known from who wrote the first part.
        kind = "float32" if what.endswith("(concat)") else "uint8"
        if parts:
            kind = next((t for start, end, t in reversed(self._made) if start <= parts[0][0] < end), kind)
        item = np.dtype(kind).itemsize
        return Step("", [(v.size // item,) for v in views], (y.size // item,), kind, run)

    def fully_connected(self, r: Reader, _: int, what: str) -> Step:
        source, out, inputs, outputs, activation = r.unpack("5I")
        weights = r.array("<f4", inputs * outputs).reshape(outputs, inputs)
        bias = r.array("<f4", outputs)
        limits = {1: (0.0, np.inf), 2: (0.0, 6.0)}.get(activation, (-np.inf, np.inf))
        return self.map_step(
            what, ("f4", "f4"), (source, out), ((inputs,), (outputs,)),
            lambda x: ops.clamp(weights @ x + bias, limits), 4 * (weights.size + bias.size),
        )  # fmt: skip

    def flatten(self, r: Reader, _: int, what: str) -> Step:
        source, out, w, h, c = r.unpack("5I")
        return self.map_step(
            what, ("f4", "f4"), (source, out), ((c, h, w), (h, w, c)), lambda x: x.transpose(1, 2, 0).copy()
        )

    def resize(self, r: Reader, _: int, what: str) -> Step:
        source, out, w, h, c, out_w, out_h = r.unpack("7I")
        if not w * h:
            raise K210Error(f"{what} has an empty input: the model is damaged")
        kind = "u1" if what.endswith("(quantized resize nearest)") else "f4"
        shapes = ((c, h, w), (c, out_h, out_w))
        elements(shapes[1], what)
        rows, columns = ops.nearest(h, out_h), ops.nearest(w, out_w)
        return self.map_step(what, (kind, kind), (source, out), shapes, lambda x: x[:, rows][:, :, columns])

    def channelwise_dequantize(self, r: Reader, _: int, what: str) -> Step:
        source, out, channels, size = r.unpack("4I")
        table = r.array("<f4", 2 * channels).reshape(channels, 2)
        shape = (channels, size)
        return self.map_step(
            what, ("u1", "f4"), (source, out), (shape, shape), lambda x: x * table[:, :1] + table[:, 1:], table.nbytes
        )

    def logistic(self, r: Reader, _: int, what: str) -> Step:
        source, out, count = r.unpack("3I")
        return self.map_step(what, ("f4", "f4"), (source, out), ((count,), (count,)), ops.sigmoid)

    def add_padding(self, r: Reader, _: int, what: str) -> Step:
        source, line, channels = r.unpack("3I")
        x = self._view("u1", source, channels, what)
        place = Map.usual(line, max(channels, 1), 4, 4)
        place.index()

        def run() -> None:
            self._ai[place.index()[:, 0, 0]] = x

        return Step("", [(channels,)], (channels, 4, 4), "uint8", run, lines=[place.used()])

    def remove_padding(self, r: Reader, _: int, what: str) -> Step:
        source, out, channels = r.unpack("3I")
        return self.map_step(what, ("u1", "u1"), (source, out), ((channels, 16), (channels,)), lambda x: x[:, 0])

    def upload(self, r: Reader, _: int, what: str) -> Step:
        source, line, w, h, c = r.unpack("5I")
        x = self._view("u1", source, elements((c, h, w), what), what).reshape(c, h, w)
        if not x.size:
            raise K210Error(f"{what} has an empty input: the model is damaged")
        place = Map.usual(line, c, h, w)
        if place.used()[1] > LINES:
            raise K210Error(f"{what} goes past the end of AI memory: the model is damaged")

        def run() -> None:
            self._ai[place.index()] = x

        return Step("", [x.shape], x.shape, "uint8", run, lines=[place.used()])


HANDLERS: dict[int, Callable[[ProgramV3, Reader, int, str], Step]] = {
    1: ProgramV3.add, 2: ProgramV3.quantized_add, 5: ProgramV3.global_average, 8: ProgramV3.pool, 9: ProgramV3.pool,
    11: ProgramV3.quantize, 12: ProgramV3.dequantize, 13: ProgramV3.requantize, 14: ProgramV3.l2,
    15: ProgramV3.softmax, 16: ProgramV3.concat, 17: ProgramV3.concat, 18: ProgramV3.fully_connected,
    20: ProgramV3.flatten, 22: ProgramV3.resize, 23: ProgramV3.resize, 24: ProgramV3.channelwise_dequantize,
    25: ProgramV3.logistic, CONV: ProgramV3.conv, 10241: ProgramV3.add_padding, 10242: ProgramV3.remove_padding,
    10243: ProgramV3.upload,
}  # fmt: skip
