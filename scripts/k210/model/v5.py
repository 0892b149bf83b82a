# SPDX-License-Identifier: MIT
"""kmodel v5 (nncase 1.x): modules with functions; a stack machine that calls runs of KPU layers."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from k210.errors import K210Error
from k210.model import stackvm
from k210.model.kmodel import Program, Step, Tensor, check_memory, elements, new_ai_memory, span
from k210.model.kpu import ACTIVATION_BYTES, KpuLayer
from k210.model.reader import Reader
from k210.model.v4 import ai_maps, check_batches, kpu_step, upload_step
from k210.model.v5_vm import Address, Vm

INPUT, OUTPUT, RDATA, DATA, SHARED, AI = 0, 1, 2, 3, 4, 64
UPLOAD, DOWNLOAD, CONV2D, COPY = range(4)


@dataclass(frozen=True)
class Range:
    location: int
    dtype: int
    shared: int
    start: int
    size: int


@dataclass
class Function:
    inputs: list[tuple[Range, tuple[int, ...]]]
    outputs: list[tuple[Range, tuple[int, ...]]]
    pools: tuple[int, int]
    entry: int
    text_size: int


@dataclass
class Module:
    kind: str
    functions: list[Function] = field(default_factory=list)
    pools: dict[int, int] = field(default_factory=dict)
    sections: dict[str, bytes] = field(default_factory=dict)
    memory: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)


def read_range(r: Reader) -> Range:
    location, dtype, shared, start, size = r.unpack("BBHII")
    if dtype >= len(stackvm.DTYPES):
        raise K210Error(f"{r.what} has data type {dtype}: the model is damaged")
    return Range(location, dtype, shared, start, size)


def _check_writable(y: np.ndarray) -> None:
    if not y.flags.writeable:
        raise K210Error("a K210 function writes to its constants: the model is damaged")


def _shape(r: Reader) -> tuple[int, ...]:
    rank = r.u32()
    if rank > 8:
        raise K210Error(f"{r.what} has a shape of {rank} dimensions: the model is damaged")
    return r.unpack(f"{rank}I")


class ProgramV5(Program):
    version = 5

    def __init__(self, data: bytes) -> None:
        header = Reader(data, what="the header")
        _, _, size, _flags, _alignment, count, entry_module, entry_function = header.unpack("8I")
        if size == 0:
            raise K210Error("this v5 model was written before nncase 1.0.0-beta1, which is known but not supported")
        if size != 32 or count > 64:
            raise K210Error(f"the v5 header has {size} bytes and names {count} modules: the model is damaged")
        self.modules, at = [], size
        for number in range(count):
            module, at = self._module(data, at, number)
            self.modules.append(module)
        self.size = at
        self._ai = new_ai_memory()
        self.target = "K210" if any(m.kind == "k210" for m in self.modules) else "CPU"
        if entry_module >= count or entry_function >= len(self.modules[entry_module].functions):
            raise K210Error("the entry function of the model does not exist: the model is damaged")
        self._entry = self.modules[entry_module]
        if self._entry.kind != "stackvm":
            raise K210Error(f"the model starts in a module of type {self._entry.kind!r}; only stackvm can be run")
        self._function = self._entry.functions[entry_function]
        self._memory()
        texts = [self.text(m, f) for m in self.modules if m.kind == "stackvm" for f in m.functions]
        self.release = self._find_release(stackvm.candidates(texts))
        self.facts = {"compiler": f"nncase {stackvm.RELEASES[self.release]} (numbering of its operations)"}
        self.facts["modules"] = ", ".join(f"{m.kind} ({len(m.functions)} functions)" for m in self.modules)

    def _module(self, data: bytes, at: int, number: int) -> tuple[Module, int]:
        r = Reader(data, at, what=f"module {number}")
        name, version, header, size, pools, shared, sections, functions, _ = r.unpack("16s8I")
        kind = name.rstrip(b"\0").decode("ascii", "replace")
        if kind not in ("stackvm", "k210"):
            raise K210Error(f"module {number} is of the unknown type {kind!r}")
        if version != 1 or header != 48 or size < 48:
            raise K210Error(f"module {number} has version {version} and a header of {header} bytes: damaged or too new")
        r = Reader(data, at, at + size, f"module {number}")
        r.skip_to(header)
        module = Module(kind)
        for _ in range(pools):
            location, bytes_ = r.unpack("B3xI")
            module.pools[location] = max(bytes_, module.pools.get(location, 0))
        for _ in range(shared):
            index, bytes_ = r.unpack("II")
            module.memory[SHARED, index] = np.zeros(check_memory(bytes_, f"shared memory of {r.what}"), np.uint8)
        for _ in range(functions):
            module.functions.append(self._read_function(r))
        inner: list[tuple[str, int, int]] = []
        for _ in range(sections):
            title, flags, start, length, _ = r.unpack("16s4I")
            title_text = title.rstrip(b"\0").decode("ascii", "replace")
            if flags & 1:
                inner.append((title_text, start, length))
            else:
                r.bytes(start)
                module.sections[title_text] = r.bytes(length)
        rdata = module.sections.get(".rdata", b"")
        for title_text, start, length in inner:
            module.sections[title_text] = Reader(rdata, min(start, len(rdata)), what=title_text).bytes(length)
        return module, at + size

    def _read_function(self, r: Reader) -> Function:
        start = r.at
        _, size, in_pool, out_pool, inputs, outputs, entry, text = r.unpack("8I")
        if size < 32 or start + size > r.end:
            raise K210Error(f"a function of {r.what} has {size} bytes: cut off or damaged")
        part = Reader(r.data, r.at, start + size, f"a function of {r.what}")
        lists = []
        for count in (inputs, outputs):
            ranges = [read_range(part) for _ in range(min(count, part.left() // 12 + 1))]
            lists.append([(place, _shape(part)) for place in ranges])
        r.skip_to(start + size - r.start)
        pools = (check_memory(in_pool, "an input pool"), check_memory(out_pool, "an output pool"))
        return Function(lists[0], lists[1], pools, entry, text)

    def text(self, module: Module, function: Function) -> bytes:
        text = module.sections.get(".text", b"")
        return Reader(text, min(function.entry, len(text)), what="the byte code").bytes(function.text_size)

    def _memory(self) -> None:
        total = 0
        for module in self.modules:
            module.memory[RDATA, 0] = np.frombuffer(module.sections.get(".rdata", b""), np.uint8)
            size = check_memory(module.pools.get(DATA, 0), "a data pool")
            module.memory[DATA, 0] = np.zeros(size, np.uint8)
            module.memory[AI, 0] = self._ai
            total += size
        self._in, self._out = (np.zeros(n, np.uint8) for n in self._function.pools)
        self.main_memory = total + self._in.size + self._out.size
        self.inputs, self.outputs = (
            [self._tensor(place, shape, memory) for place, shape in tensors]
            for tensors, memory in ((self._function.inputs, self._in), (self._function.outputs, self._out))
        )

    def _tensor(self, place: Range, shape: tuple[int, ...], memory: np.ndarray) -> Tensor:
        count, dtype = elements(shape, "an input or output"), stackvm.DTYPES[place.dtype]
        if dtype == "bfloat16":
            raise K210Error("the model has inputs or outputs of type bfloat16, which is not supported")
        span(memory, place.start, count * np.dtype(dtype).itemsize, "an input or output")
        return Tensor(dtype, count, shape)

    def _find_release(self, fits: list[int]) -> int:
        """Of the numberings that decode, the newest one whose operations make sense together."""
        errors = []
        for release in fits:
            self.release = release
            try:
                for _ in self.steps():
                    pass
                return release
            except K210Error as e:
                errors.append(e)
        raise errors[0]

    def _view(self, memory: np.ndarray, place: Range, shape: tuple[int, ...]) -> np.ndarray:
        kind = np.dtype(stackvm.DTYPES[place.dtype])
        flat = span(memory, place.start, elements(shape, "a tensor") * kind.itemsize, "an input or output")
        return flat.view(kind).reshape(shape)

    def set_input(self, number: int, data: np.ndarray) -> None:
        place, shape = self._function.inputs[number]
        self._view(self._in, place, shape)[...] = data.reshape(shape)

    def output(self, number: int) -> np.ndarray:
        return self._view(self._out, *self._function.outputs[number]).copy()

    def steps(self) -> Iterator[Step]:
        inputs = [(place.start, Address(self._in, place.start)) for place, _ in self._function.inputs]
        outputs = [(place.start, Address(self._out, place.start)) for place, _ in self._function.outputs]
        yield from Vm(self, self._entry, self._function, inputs, outputs).run()

    def call(
        self, module: int, function: int, inputs: list[Address], outputs: list[Address], depth: int
    ) -> Iterator[Step]:
        """A function of any module with the addresses of its arguments."""
        if module >= len(self.modules) or function >= len(self.modules[module].functions):
            raise K210Error(f"the model calls function {function} of module {module}, which does not exist: damaged")
        target = self.modules[module]
        f = target.functions[function]
        if len(inputs) != len(f.inputs) or len(outputs) != len(f.outputs) or depth > 16:
            raise K210Error("the model calls a function with a wrong number of arguments: damaged")
        ins = [(place.start, a) for (place, _), a in zip(f.inputs, inputs, strict=True)]
        outs = [(place.start, a) for (place, _), a in zip(f.outputs, outputs, strict=True)]
        if target.kind == "stackvm":
            yield from Vm(self, target, f, ins, outs, depth).run()
        else:
            yield from self._k210(target, f, {INPUT: dict(ins), OUTPUT: dict(outs)})

    def _k210(self, module: Module, f: Function, arguments: dict[int, dict[int, Address]]) -> Iterator[Step]:
        r = Reader(self.text(module, f), what="the text of a K210 function")

        def address(place: Range) -> Address:
            if place.location in arguments:
                if place.start not in arguments[place.location]:
                    raise K210Error(f"a K210 function uses an argument at {place.start} that it does not have: damaged")
                return arguments[place.location][place.start]
            memory = module.memory.get((place.location, place.shared if place.location == SHARED else 0))
            if memory is None:
                raise K210Error(f"a K210 function uses memory {place.location}, which does not exist: damaged")
            return Address(memory, place.start)

        def octets(place: Range, shape: tuple[int, ...]) -> np.ndarray:
            return address(place).flat("uint8", elements(shape, "a feature map")).reshape(shape)

        while r.left():
            code = r.unpack("B3x")[0]
            if code == UPLOAD:
                source, place, shape = read_range(r), read_range(r), r.unpack("4I")
                yield upload_step(self._ai, octets(source, shape), place.start, "a KPU upload")
            elif code == DOWNLOAD:
                place, result, shape = read_range(r), read_range(r), r.unpack("4I")
                yield self._download(place.start, octets(result, shape))
            elif code == CONV2D:
                yield self._conv(module, r, octets)
            elif code == COPY:
                source, result, shape = read_range(r), read_range(r), r.unpack("4I")
                x, y = (address(p).strided(stackvm.DTYPES[p.dtype], shape, r.unpack("4I")) for p in (source, result))
                _check_writable(y)
                yield Step("K210 copy", [x.shape], y.shape, y.dtype.name, lambda x=x, y=y: np.copyto(y, x))
            else:
                raise K210Error(f"a K210 function has the unknown operation {code}: the model is damaged or too new")

    def _download(self, start: int, y: np.ndarray) -> Step:
        maps = ai_maps(y.shape, start, "a KPU download")
        _check_writable(y)

        def run() -> None:
            for part, place in zip(y, maps, strict=True):
                part[...] = self._ai[place.index()]

        return Step("KPU download", [y.shape], y.shape, "uint8", run, lines=[m.used() for m in maps])

    def _conv(self, module: Module, r: Reader, octets) -> Step:
        weights, bn, activation, copy = (read_range(r) for _ in range(4))
        batches = check_batches(r.u32(), "a KPU layer")
        layer = KpuLayer(r.unpack("12Q"))
        rdata = module.sections.get(".rdata", b"")

        def table(place: Range, size: int) -> bytes:
            if place.location != RDATA:
                raise K210Error("a table of a KPU layer does not lie in the constants: the model is damaged")
            return Reader(rdata, min(place.start, len(rdata)), what=".rdata").bytes(size)

        layer.weights, layer.bn = table(weights, layer.weight_bytes), table(bn, layer.bn_bytes)
        layer.activation = table(activation, ACTIVATION_BYTES)
        y = octets(copy, (batches, *layer.result.shape)) if copy.size else None
        if y is not None:
            _check_writable(y)
        return kpu_step(self._ai, layer, batches, y)
