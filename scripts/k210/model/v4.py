# SPDX-License-Identifier: MIT
"""kmodel v4 (nncase 0.2): nodes in execution order over constants, main memory and AI memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from k210.errors import K210Error
from k210.model import ops, v4_quant
from k210.model.kmodel import Program, Step, Tensor, check_memory, elements, new_ai_memory, span
from k210.model.kpu import ACTIVATION_BYTES, AI_BYTES, LINE, KpuLayer, Map
from k210.model.reader import Reader

CONSTANTS, MAIN, AI = 0, 1, 2
KINDS = ["float32", "uint8"]
MISSING_AT_END = 7  # writers may leave out the padding of the last body
NAMES = {
    0x00: "binary", 0x01: "concat", 0x02: "conv2d", 0x03: "dequantize", 0x04: "matmul", 0x05: "pad",
    0x06: "quantize", 0x07: "reduce", 0x08: "reduce_window2d", 0x09: "memory_copy", 0x0A: "resize_image",
    0x0B: "softmax", 0x0C: "transpose", 0x0D: "strided_slice", 0x0E: "unary", 0x0F: "quantized conv2d",
    0x10: "quantized matmul", 0x11: "quantized binary", 0x12: "table lookup", 0x13: "conv2d transpose",
    0x14: "nnil unary", 0x1001: "CPU conv2d", 0x1002: "CPU depthwise conv2d", 0x1003: "CPU reduce_window2d",
    0x1004: "CPU quantized conv2d", 0x1005: "CPU quantized depthwise conv2d", 0x2001: "KPU upload",
    0x2002: "KPU conv2d",
}  # fmt: skip
BINARY = [np.add, np.subtract, np.multiply, np.divide, np.minimum, np.maximum]
UNARY: list[Callable[[np.ndarray], np.ndarray]] = [
    np.abs, np.ceil, np.cos, np.exp, np.floor, np.log, np.negative, lambda x: 1 / np.sqrt(x), np.sin, np.square,
]  # fmt: skip


@dataclass(frozen=True)
class Range:
    memory: int
    dtype: str
    start: int
    size: int


class ProgramV4(Program):
    version = 4

    def __init__(self, data: bytes) -> None:
        header = Reader(data, what="the header")
        _, _, _, target, constants, main, count, inputs, outputs, _ = header.unpack("10I")
        self.target = {0: "CPU", 1: "K210"}.get(target, f"unknown ({target})")
        self.main_memory = check_memory(main, "main memory")
        self.facts = {"constants": f"{constants:,} bytes"}
        if inputs + outputs > header.left() // 16 or count > header.left() // 8:
            raise K210Error(
                f"the header promises {inputs} inputs, {outputs} outputs and {count} nodes: cut off or damaged"
            )
        self._main = np.zeros(main, np.uint8)
        self._ai = new_ai_memory()
        self._in_places = [self.range(header) for _ in range(inputs)]
        shapes = [header.unpack("4i") for _ in range(inputs)]
        self._out_places = [self.range(header) for _ in range(outputs)]
        self._constants = np.frombuffer(header.bytes(constants), np.uint8)
        heads = [header.unpack("II") for _ in range(count)]
        self._data, self._nodes, at = data, [], header.at
        for number, (code, size) in enumerate(heads):
            what = f"node {number} ({NAMES.get(code, hex(code))})"
            if code not in HANDLERS:
                raise K210Error(f"{what} is an operation that this program does not know")
            end = at + size
            if number == count - 1 and len(data) < end <= len(data) + MISSING_AT_END:
                end = len(data)
            Reader(data, at, end, what)
            self._nodes.append((code, at, end, what))
            at += size
        self.size = min(at, len(data))
        self.inputs = []
        for number, (place, shape) in enumerate(zip(self._in_places, shapes, strict=True)):
            if place.memory != AI:
                self.out_view(place, f"input {number}", shape)
            self.inputs.append(Tensor(place.dtype, elements(shape, f"input {number}"), shape))
        steps = list(self.steps())
        self.outputs = [self._find_output(number, steps) for number in range(outputs)]

    def _find_output(self, number: int, steps: list[Step]) -> Tensor:
        """The file gives type and size; the shape is that of the last node that writes there."""
        place = self._out_places[number]
        count = self.view(place, f"output {number}").size
        for (_, at, end, what), step in reversed(list(zip(self._nodes, steps, strict=True))):
            made = self._result(Reader(self._data, at, end, what), step)
            if made and made.memory == place.memory and made.start == place.start:
                return Tensor(place.dtype, count, step.out_shape if elements(step.out_shape, what) == count else None)
        return Tensor(place.dtype, count, None)

    def _result(self, r: Reader, step: Step) -> Range | None:
        offset = {"concat": 0, "KPU conv2d": 0, "table lookup": 32}.get(step.name, 16)
        if "binary" in step.name or "matmul" in step.name:
            offset = 32
        r.skip_to(offset)
        return self.range(r)

    def range(self, r: Reader) -> Range:
        memory, kind, start, size = r.unpack("4I")
        if memory > AI or kind >= len(KINDS):
            raise K210Error(f"{r.what} names memory {memory} with data type {kind}: the model is damaged")
        return Range(memory, KINDS[kind], start, size)

    def view(self, place: Range, what: str, shape: tuple[int, ...] | None = None, dtype: str = "") -> np.ndarray:
        memory = (self._constants, self._main, self._ai)[place.memory]
        kind = np.dtype(dtype or place.dtype)
        count = place.size // kind.itemsize if shape is None else elements(shape, what)
        flat = span(memory, place.start, count * kind.itemsize, what).view(kind)
        return flat if shape is None else flat.reshape(shape)

    def set_input(self, number: int, data: np.ndarray) -> None:
        place, shape = self._in_places[number], self.inputs[number].shape
        if place.memory == AI:
            index = Map.usual(place.start // LINE, *shape[1:]).index()
            self._ai[index] = data.reshape(shape)[0]
        else:
            self.view(place, "the input", shape)[...] = data.reshape(shape)

    def main_bytes(self, start: int, size: int) -> np.ndarray:
        """Main memory as it is after the steps that have run."""
        return span(self._main, start, size, "main memory")

    def output(self, number: int) -> np.ndarray:
        flat = self.view(self._out_places[number], f"output {number}")
        return flat.reshape(self.outputs[number].shape or (-1,)).copy()

    def steps(self) -> Iterator[Step]:
        for code, at, end, what in self._nodes:
            step = HANDLERS[code](self, Reader(self._data, at, end, what), what)
            step.name = NAMES[code]
            yield step

    def out_view(self, place: Range, what: str, shape: tuple[int, ...] | None = None, dtype: str = "") -> np.ndarray:
        if place.memory == CONSTANTS:
            raise K210Error(f"{what} writes to the constants: the model is damaged")
        return self.view(place, what, shape, dtype)

    def step(
        self, xs: list[np.ndarray], y: np.ndarray, f: Callable[[], np.ndarray], parameters: int = 0, work: int = 0
    ) -> Step:
        def run() -> None:
            with np.errstate(all="ignore"):
                y[...] = f()

        return Step("", [x.shape for x in xs], y.shape, y.dtype.name, run, parameters=parameters, work=work)

    def binary(self, r: Reader, what: str) -> Step:
        a, b, out = self.range(r), self.range(r), self.range(r)
        op, shape_a, shape_b, shape = r.i32(), r.unpack("4i"), r.unpack("4i"), r.unpack("4i")
        limits = r.unpack("2f")
        va, vb, y = self.view(a, what, shape_a), self.view(b, what, shape_b), self.out_view(out, what, shape)
        if op not in range(len(BINARY)):
            raise K210Error(f"{what} has the unknown operation {op}")
        return self.step(
            [va, vb], y, lambda: ops.clamp(BINARY[op](v4_quant.spread(va, shape), v4_quant.spread(vb, shape)), limits)
        )

    def concat(self, r: Reader, what: str) -> Step:
        out, inner, outer, n = self.range(r), r.i32(), r.i32(), r.u32()
        if n > r.left() // 20:
            raise K210Error(f"{what} has {n} inputs: the model is damaged")
        parts = [self.range(r) for _ in range(n)]
        dims = [r.i32() for _ in range(n)]
        views = [self.view(p, what, (outer, inner * d), "u1") for p, d in zip(parts, dims, strict=True)]
        y = self.out_view(out, what, (outer, inner * sum(dims)), "u1")
        step = self.step(views, y, lambda: np.concatenate(views, 1))
        item = np.dtype(out.dtype).itemsize
        step.in_shapes = [(outer, d, inner // item) for d in dims]
        step.out_shape, step.dtype = (outer, sum(dims), inner // item), out.dtype
        return step

    def conv2d(self, r: Reader, what: str) -> Step:
        source, out, shape, g = self.range(r), self.range(r), r.unpack("4i"), v4_quant.Geometry(r, what)
        limits = r.unpack("2f")
        y_shape = g.result(shape, what)
        w = r.array("<f4", elements(g.weights(shape), what)).reshape(g.weights(shape))
        bias = r.array("<f4", g.out_channels)[:, None, None]
        x, y = self.view(source, what, shape), self.out_view(out, what, y_shape)
        return self.step([x], y, lambda: ops.clamp(g.convolve(x, w, y_shape) + bias, limits), w.nbytes + bias.nbytes,
                         w[0].size * y.size)  # fmt: skip

    def dequantize(self, r: Reader, what: str) -> Step:
        source, out, zero, scale = self.range(r), self.range(r), r.i32(), r.f32()
        x = self.view(source, what, dtype="u1")
        y = self.out_view(out, what, (x.size,), "f4")
        return self.step([x], y, lambda: (x.astype(np.float32) - np.float32(zero)) / np.float32(scale))

    def matmul(self, r: Reader, what: str) -> Step:
        a, b, out = self.range(r), self.range(r), self.range(r)
        rows, inner, columns = r.unpack("3i")
        limits, bias = r.unpack("2f"), r.array("<f4", columns)
        va, vb = self.view(a, what, (rows, inner)), self.view(b, what, (inner, columns))
        y = self.out_view(out, what, (rows, columns))
        return self.step([va, vb], y, lambda: ops.clamp(va @ vb + bias, limits), bias.nbytes, y.size * inner)

    def pad(self, r: Reader, what: str) -> Step:
        source, out, shape = self.range(r), self.range(r), r.unpack("4i")
        pads = [r.unpack("2i") for _ in range(4)]
        r.u32()
        raw = r.bytes(4)
        value = np.frombuffer(raw, source.dtype)[0]
        x = self.view(source, what, shape)
        y = self.out_view(out, what, tuple(n + a + b for n, (a, b) in zip(shape, pads, strict=True)))
        return self.step([x], y, lambda: v4_quant.pad(x, pads, value))

    def quantize(self, r: Reader, what: str) -> Step:
        source, out, zero, scale = self.range(r), self.range(r), r.i32(), r.f32()
        x = self.view(source, what, dtype="f4")
        y = self.out_view(out, what, (x.size,), "u1")
        return self.step([x], y, lambda: ops.to_u8(np.rint(x * np.float32(scale) + np.float32(zero))))

    def reduce(self, r: Reader, what: str) -> Step:
        source, out, op, shape, y_shape, init = (
            self.range(r), self.range(r), r.i32(), r.unpack("4i"), r.unpack("4i"), r.f32()
        )  # fmt: skip
        x, y = self.view(source, what, shape), self.out_view(out, what, y_shape)
        if op not in range(4) or any(b not in (1, a) for a, b in zip(shape, y_shape, strict=True)):
            raise K210Error(f"{what} cannot reduce {shape} to {y_shape} by operation {op}: the model is damaged")
        axes = tuple(i for i in range(4) if y_shape[i] != shape[i])

        def run() -> np.ndarray:
            if op in (1, 2):
                f = (np.minimum, np.maximum)[op - 1]
                return f.reduce(x, axes, keepdims=True, initial=init)
            total = x.sum(axes, keepdims=True) + np.float32(init)
            return total * np.float32(y.size / x.size) if op == 0 else total

        return self.step([x], y, run)

    def reduce_window(self, r: Reader, what: str) -> Step:
        source, out, op, shape = self.range(r), self.range(r), r.i32(), r.unpack("4i")
        pads, size, stride, dilation = (r.unpack("2i"), r.unpack("2i")), r.unpack("2i"), r.unpack("2i"), r.unpack("2i")
        init, limits = r.f32(), r.unpack("2f")
        v4_quant.check_window(pads, size, stride, dilation, what)
        y_shape = (*shape[:2], *v4_quant.window_sizes(shape[2:], pads, size, stride, dilation))
        x, y = self.view(source, what, shape), self.out_view(out, what, y_shape)
        return self.step(
            [x], y,
            lambda: ops.clamp(ops.reduce_window(x, op, init, y_shape[2:], pads, size, stride, dilation), limits),
            work=y.size * size[0] * size[1],
        )  # fmt: skip

    def copy(self, r: Reader, what: str) -> Step:
        source, out = self.range(r), self.range(r)
        x = self.view(source, what)
        y = self.out_view(out, what, (x.size,), source.dtype)
        return self.step([x], y, lambda: x.copy())

    def resize(self, r: Reader, what: str) -> Step:
        source, out, shape = self.range(r), self.range(r), r.unpack("4i")
        out_h, out_w, mode = r.unpack("3i")
        align = bool(r.unpack("B")[0])
        y_shape = (*shape[:2], out_h, out_w)
        x, y = self.view(source, what, shape), self.out_view(out, what, y_shape)
        if not x.size:
            raise K210Error(f"{what} has an empty input: the model is damaged")

        def run() -> np.ndarray:
            if mode == 1:
                return x[:, :, ops.nearest(shape[2], out_h)][..., ops.nearest(shape[3], out_w)]
            pairs = zip(shape[2:], y_shape[2:], strict=True)
            ratio = [(a - 1) / max(b - 1, 1) if align else a / b for a, b in pairs]
            return ops.bilinear(x, (out_h, out_w), (ratio[0], ratio[1]))

        return self.step([x], y, run)

    def softmax(self, r: Reader, what: str) -> Step:
        source, out, inner, outer, beta = self.range(r), self.range(r), *r.unpack("2if")
        x, y = self.view(source, what, (outer, inner)), self.out_view(out, what, (outer, inner))
        return self.step([x], y, lambda: ops.softmax(x, 1, beta))

    def transpose(self, r: Reader, what: str) -> Step:
        source, out, shape, order = self.range(r), self.range(r), r.unpack("4i"), r.unpack("4i")
        if sorted(order) != [0, 1, 2, 3]:
            raise K210Error(f"{what} has the impossible order {order}: the model is damaged")
        x = self.view(source, what, shape)
        y = self.out_view(out, what, tuple(shape[i] for i in order), source.dtype)
        return self.step([x], y, lambda: x.transpose(order).copy())

    def strided_slice(self, r: Reader, what: str) -> Step:
        source, out, shape = self.range(r), self.range(r), r.unpack("4i")
        begin, end, stride = r.unpack("4i"), r.unpack("4i"), r.unpack("4i")
        index = v4_quant.slice_index(shape, begin, end, stride, what)
        x = self.view(source, what, shape)
        y = self.out_view(out, what, tuple(len(i) for i in index), source.dtype)
        return self.step([x], y, lambda: x[np.ix_(*index)])

    def unary(self, r: Reader, what: str) -> Step:
        source, out, op = self.range(r), self.range(r), r.i32()
        if op not in range(len(UNARY)):
            raise K210Error(f"{what} has the unknown operation {op}")
        x = self.view(source, what, dtype="f4")
        y = self.out_view(out, what, (x.size,), "f4")
        return self.step([x], y, lambda: UNARY[op](x))

    def quantized_conv2d(self, r: Reader, what: str) -> Step:
        source, out, shape, g = self.range(r), self.range(r), r.unpack("4i"), v4_quant.Geometry(r, what)
        in_off, w_off, mul, shift, out_off = r.unpack("5i")
        y_shape = g.result(shape, what)
        bias = r.array("<i4", g.out_channels).astype(np.int64)[:, None, None]
        w = r.array("u1", elements(g.weights(shape), what)).reshape(g.weights(shape)).astype(np.int64) + w_off
        x, y = self.view(source, what, shape), self.out_view(out, what, y_shape)

        def run() -> np.ndarray:
            # Padding adds nothing to the sum, so the offset goes to the pixels before they are padded.
            acc = g.convolve(x.astype(np.int64) + in_off, w, y_shape) + bias
            return np.clip(ops.shift_ties_up(acc * mul, shift) + out_off, 0, 255)

        return self.step([x], y, run, w.size + 4 * bias.size, w[0].size * y.size)

    def quantized_matmul(self, r: Reader, what: str) -> Step:
        a, b, out = self.range(r), self.range(r), self.range(r)
        rows, inner, columns, a_off, b_off, mul, shift, out_off = r.unpack("8i")
        bias = r.array("<i4", columns).astype(np.int64)
        va, vb = self.view(a, what, (rows, inner)), self.view(b, what, (inner, columns))
        y = self.out_view(out, what, (rows, columns))

        def run() -> np.ndarray:
            acc = (va.astype(np.int64) + a_off) @ (vb.astype(np.int64) + b_off) + bias
            return np.clip(ops.shift_ties_up(acc * mul, shift) + out_off, 0, 255)

        return self.step([va, vb], y, run, 4 * bias.size, y.size * inner)

    def quantized_binary(self, r: Reader, what: str) -> Step:
        a, b, out = self.range(r), self.range(r), self.range(r)
        op, shape_a, shape_b, shape = r.i32(), r.unpack("4i"), r.unpack("4i"), r.unpack("4i")
        scales = r.unpack("9i")
        va, vb, y = self.view(a, what, shape_a), self.view(b, what, shape_b), self.out_view(out, what, shape)
        if op not in range(len(BINARY)):
            raise K210Error(f"{what} has the unknown operation {op}")
        return self.step([va, vb], y, lambda: v4_quant.binary(op, va, vb, shape, scales))

    def lookup(self, r: Reader, what: str) -> Step:
        source, table, out = self.range(r), self.range(r), self.range(r)
        x, t = self.view(source, what, dtype="u1"), self.view(table, what, (256,), "u1")
        y = self.out_view(out, what, (x.size,), "u1")
        return self.step([x], y, lambda: t[x], 256)

    def conv2d_transpose(self, r: Reader, what: str) -> Step:
        source, out, shape, y_shape = self.range(r), self.range(r), r.unpack("4i"), r.unpack("4i")
        g = v4_quant.Geometry(r, what, y_shape[1])
        limits = r.unpack("2f")
        g.result(shape, what, transposed=True)
        w = r.array("<f4", elements(g.weights(shape), what)).reshape(g.weights(shape))
        x, y = self.view(source, what, shape), self.out_view(out, what, y_shape)
        # The vendor's kernel reads the bias and leaves it out.
        return self.step([x], y, lambda: ops.clamp(g.convolve_back(x, w, y_shape), limits), w.nbytes)

    def nnil(self, r: Reader, what: str) -> Step:
        source, out = self.range(r), self.range(r)
        code = v4_quant.nnil_code(r)
        x = self.view(source, what, dtype="f4")
        v4_quant.nnil(code, x[:0], what)
        y = self.out_view(out, what, (x.size,), "f4")
        return self.step([x], y, lambda: v4_quant.nnil(code, x, what), work=y.size * len(code))

    def upload(self, r: Reader, what: str) -> Step:
        source, out, shape = self.range(r), self.range(r), r.unpack("4i")
        x = self.view(source, what, shape, "u1")
        return upload_step(self._ai, x, out.start, what)

    def kpu_conv2d(self, r: Reader, what: str) -> Step:
        copy, batches, _ = self.range(r), r.i32(), r.i32()
        words = r.unpack("12Q")
        layer = KpuLayer(words)
        r.bytes(words[4] >> 32)
        layer.bn = r.bytes(layer.bn_bytes)
        r.bytes(words[7] >> 32)
        layer.activation = r.bytes(ACTIVATION_BYTES)
        r.bytes(words[5] >> 32)
        layer.weights = r.bytes(layer.weight_bytes)
        y = self.out_view(copy, what, (check_batches(batches, what), *layer.result.shape), "u1") if copy.size else None
        return kpu_step(self._ai, layer, batches, y)


def check_batches(batches: int, what: str) -> int:
    if not 1 <= batches <= 4096:
        raise K210Error(f"{what} has {batches} batches: the model is damaged")
    return batches


def kpu_step(ai: np.ndarray, layer: KpuLayer, batches: int, copy: np.ndarray | None) -> Step:
    """A KPU layer of v4 or v5. copy: where its result goes in main memory."""

    def run() -> np.ndarray:
        y = layer.run(ai, batches)
        if copy is not None:
            copy[...] = y.reshape(copy.shape)
        return y

    shapes = [(batches, *m.shape) if batches > 1 else m.shape for m in (layer.source, layer.result)]
    return Step(
        "KPU conv2d", [shapes[0]], shapes[1], "uint8", run, layer, batches, layer.parameter_bytes, layer.lines(batches)
    )


def ai_maps(shape: tuple[int, ...], start: int, what: str) -> list[Map]:
    """One map per batch of N, C, H, W at a byte of AI memory."""
    n, c, h, w = shape
    if start % LINE or not n * c * h * w:
        raise K210Error(f"{what} has no valid place in AI memory: the model is damaged")
    first = Map.usual(start // LINE, c, h, w)
    if n > 4096 or start + n * first.lines() * LINE > AI_BYTES:
        raise K210Error(f"{what} goes past the end of AI memory: the model is damaged")
    return [first.moved(i * first.lines()) for i in range(n)]


def upload_step(ai: np.ndarray, x: np.ndarray, start: int, what: str) -> Step:
    maps = ai_maps(x.shape, start, what)

    def run() -> None:
        for part, place in zip(x, maps, strict=True):
            ai[place.index()] = part

    return Step("KPU upload", [x.shape], x.shape, "uint8", run, lines=[m.used() for m in maps])


HANDLERS: dict[int, Callable[[ProgramV4, Reader, str], Step]] = {
    0x00: ProgramV4.binary, 0x01: ProgramV4.concat, 0x02: ProgramV4.conv2d, 0x03: ProgramV4.dequantize,
    0x04: ProgramV4.matmul, 0x05: ProgramV4.pad, 0x06: ProgramV4.quantize, 0x07: ProgramV4.reduce,
    0x08: ProgramV4.reduce_window, 0x09: ProgramV4.copy, 0x0A: ProgramV4.resize, 0x0B: ProgramV4.softmax,
    0x0C: ProgramV4.transpose, 0x0D: ProgramV4.strided_slice, 0x0E: ProgramV4.unary,
    0x0F: ProgramV4.quantized_conv2d, 0x10: ProgramV4.quantized_matmul, 0x11: ProgramV4.quantized_binary,
    0x12: ProgramV4.lookup, 0x13: ProgramV4.conv2d_transpose, 0x14: ProgramV4.nnil, 0x2001: ProgramV4.upload,
    0x2002: ProgramV4.kpu_conv2d,
}  # fmt: skip
