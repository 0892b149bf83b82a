# SPDX-License-Identifier: MIT
"""Random chains of KPU layers as kmodel v3, v4 and v5: every pool type, odd registers, batches, two outputs."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import kpu_reference as ref
import numpy as np
import v3_builder
import v4_builder
from big_model import conv_node
from v3_builder import u32
from v5_builder import INPUT, OUTPUT, RDATA, U8, Program, strides

HALF = 16384  # lines of KPU RAM for each of two maps
LOAD_BYTES = 30720  # of weights at a time
AI = 64  # v5's number of KPU RAM


@dataclass
class Step:
    """One KPU layer, with what the builders of the three formats want to know."""

    layer: ref.Layer
    words: list[int]
    batches: int
    main: int | None = None  # place of its result in the working buffer

    def __post_init__(self) -> None:
        self.weights, self.bn, self.act = ref.tables(self.layer)

    @property
    def count(self) -> int:
        return self.batches * int(np.prod(self.layer.out_shape))


@dataclass
class Chain:
    steps: list[Step]
    batches: int
    input: np.ndarray  # batches x channels x height x width

    @property
    def outputs(self) -> list[Step]:
        return [s for s in self.steps if s.main is not None]


def _layer(rng: np.random.Generator, shape: tuple[int, int, int], eight_bit: bool, most: int) -> ref.Layer:
    channels, height, width = shape
    pools = [p for p, step in ref.STRIDE.items() if step <= min(width, height)]
    kernel = 1 if channels > 48 and rng.random() < 0.5 else int(rng.choice([1, 3]))
    out = int(rng.integers(1, most + 1))
    if rng.random() < 0.25:
        out = max(out, 48)  # as many parameter loads
    options = {"channels": channels, "height": height, "width": width, "out": out, "kernel": kernel}
    return ref.random_layer(rng, eight_bit=eight_bit, pool=int(rng.choice(pools)), **options)


def _per_load(rng: np.random.Generator, layer: ref.Layer) -> int:
    one = layer.weights[0].size * (1 if layer.eight_bit else 2)
    most = min(max(LOAD_BYTES // one, 1), layer.out_channels)
    least = -(-layer.out_channels // 64)
    if rng.random() < 0.3:
        return min(max(least, -(-layer.out_channels // 48)), most)
    return int(rng.integers(least, max(most, least) + 1))


def random_chain(seed: int, version: int, weights: int = 0) -> Chain:
    """weights: about so many bytes of them, in wide layers at the end."""
    rng = np.random.default_rng([seed, version])
    eight_bit = version != 3 or rng.random() < 0.6
    batches = int(rng.integers(2, 4)) if version != 3 and rng.random() < 0.4 else 1
    shape = (int(rng.integers(1, 40)), int(rng.integers(3, 24)), int(rng.integers(4, 90)))
    if weights:
        shape = (shape[0], min(shape[1], 8), min(shape[2], 16))
    width = 1 if eight_bit else 2
    chain = Chain([], batches, rng.integers(0, 256, (batches, *shape)).astype(np.uint8))
    count, made = int(rng.integers(2, 7)), 0
    while len(chain.steps) < count or made < weights - 9 * width * shape[0]:
        if len(chain.steps) >= count:
            shape_out = min(512, (weights - made) // (9 * width * shape[0]))
            layer = ref.random_layer(
                rng, channels=shape[0], height=shape[1], width=shape[2], out=shape_out, kernel=3, pool=0,
                eight_bit=eight_bit, depthwise=False,
            )  # fmt: skip
        else:
            layer = _layer(rng, shape, eight_bit, 100)
        places = []
        for i, (c, h, w) in enumerate((shape, layer.out_shape)):
            free = HALF - batches * ref.layout(w, h, c)[3]
            half = HALF * ((len(chain.steps) + i) % 2)
            places.append((half, free))
        # Input where the last layer left it, output anywhere in the other half.
        src = chain.steps[-1].words[1] >> 32 if chain.steps else int(rng.integers(0, places[0][1] + 1))
        dst = places[1][0] + int(rng.integers(0, places[1][1] + 1))
        words = ref.words(layer, (0, 0, 0), (src, dst), _per_load(rng, layer))
        chain.steps.append(Step(layer, words, batches))
        shape = layer.out_shape
        made += layer.weights.size * width
    for i in {len(chain.steps) - 1, int(rng.integers(len(chain.steps)))}:
        chain.steps[i].main = 0
    at = 0
    for step in chain.outputs:
        step.main = at
        at += -(-step.count // 64) * 64
    return chain


def _main_size(chain: Chain) -> int:
    last = chain.outputs[-1]
    return last.main + -(-last.count // 64) * 64


def as_v3(chain: Chain) -> bytes:
    outputs = [(s.main, 4 * s.count) for s in chain.outputs]
    model = v3_builder.Model(_main_size(chain), outputs, flags=int(chain.steps[0].layer.eight_bit))
    for step in chain.steps:
        model.conv(step)
    return model.build()


def as_v4(chain: Chain) -> bytes:
    """The input is in the working buffer and comes to the KPU by an upload; without batches it may be there already."""
    data = chain.input
    first = chain.steps[0].words[1] & 0x7FFF
    direct = chain.batches == 1 and first % 2 == 0
    size = _main_size(chain)
    place, ram = u32(v4_builder.MAIN, 1, size, data.size), u32(v4_builder.RAM, 1, first * 64, 0)
    if direct:
        c, h, w = data.shape[1:]
        place = u32(v4_builder.RAM, 1, first * 64, ref.layout(w, h, c)[3] * 64)
    nodes = [] if direct else [(0x2001, place + ram + u32(*data.shape))]
    total = len(nodes) + len(chain.steps)
    head = struct.pack("<4s9I", b"LDMK", 4, 0, 1, 0, size + -(-data.size // 8) * 8, total, 1, len(chain.outputs), 0)
    head += place + u32(*data.shape)
    for step in chain.outputs:
        head += u32(v4_builder.MAIN, 1, step.main, step.count)
    headers = b"".join(u32(code, len(body)) for code, body in nodes)
    bodies = b"".join(body for _, body in nodes)
    at = len(head) + 8 * total
    for step in chain.steps:
        sent = step.main is not None
        main = u32(v4_builder.MAIN, 1, step.main, step.count) if sent else bytes(16)
        body = bytearray(conv_node(step, at + len(bodies), main))
        body[16:20] = u32(step.batches)
        headers += u32(0x2002, len(body))
        bodies += bytes(body)
    return head + headers + bodies


def _range(location: int, start: int, size: int) -> bytes:
    return struct.pack("<BBHII", location, U8, 0, start, size)


def _shape(shape: tuple[int, ...]) -> bytes:
    return u32(len(shape), *shape)


def _k210_text(chain: Chain, download: bool) -> tuple[bytes, bytes]:
    """Records and tables of the K210 module."""
    data = chain.input
    first = (chain.steps[0].words[1] & 0x7FFF) * 64
    text = u32(0) + _range(INPUT, 0, data.size) + _range(AI, first, data.size) + u32(*data.shape)
    rdata = b""
    for step in chain.steps:
        places = []
        for blob, align in ((step.weights, 8), (step.bn, 8), (step.act, 256)):
            rdata += bytes(-len(rdata) % align)
            places.append(_range(RDATA, len(rdata), len(blob)))
            rdata += blob
        later = download and step is chain.steps[-1]
        sent = step.main is not None and not later
        text += u32(2) + b"".join(places)
        text += _range(OUTPUT, step.main or 0, step.count if sent else 0) + u32(step.batches)
        text += struct.pack("<12Q", *step.words)
        if later:
            result = _range(AI, (step.words[1] >> 32) * 64, step.count) + _range(OUTPUT, step.main or 0, step.count)
            text += u32(1) + result + u32(step.batches, *step.layer.out_shape)
    return text, rdata


def _module(at: int, name: bytes, align: int, function: bytes, sections: list[tuple[bytes, bytes]]) -> bytes:
    blob = b""
    start = at + 48 + len(function)
    for title, body in sections:
        gap = -(start + len(blob) + 32) % align
        blob += struct.pack("<16s4I", title, 0, gap, len(body), 0) + bytes(gap) + body
    size = 48 + len(function) + len(blob)
    pad = -size % 8
    return struct.pack("<16s8I", name, 1, 48, size + pad, 0, 0, len(sections), 1, 0) + function + blob + bytes(pad)


def _function(
    ins: list[tuple[bytes, tuple]], outs: list[tuple[bytes, tuple]], pools: tuple[int, int], text: int
) -> bytes:
    body = b""
    for group in (ins, outs):
        body += b"".join(place for place, _ in group) + b"".join(_shape(shape) for _, shape in group)
    body += bytes(-len(body) % 8)
    return u32(32, 32 + len(body), *pools, len(ins), len(outs), 0, text) + body


def as_v5(chain: Chain, download: bool = False) -> bytes:
    """A stackvm function that calls one function of a K210 module; download: the last result comes by a record."""
    data = chain.input
    shapes = [(s.batches, *s.layer.out_shape) for s in chain.outputs]
    ins = [(_range(INPUT, 0, data.size), data.shape)]
    outs = [(_range(OUTPUT, s.main or 0, s.count), shape) for s, shape in zip(chain.outputs, shapes, strict=True)]
    pools = (-(-data.size // 64) * 64, _main_size(chain))
    program = Program()
    arguments = [
        (INPUT, 0, data.shape),
        *((OUTPUT, s.main or 0, x) for s, x in zip(chain.outputs, shapes, strict=True)),
    ]
    for location, start, shape in arguments:
        registers = program.shape(shape), program.shape(strides(shape))
        program.buffer(location, start).int(U8).int(registers[0]).int(registers[1])
    program.op(0x5E, struct.pack("<HIHBB", 3, 0, 1, 1, len(outs)), 0x59)
    text, rdata = _k210_text(chain, download)
    first = _module(32, b"stackvm", 8, _function(ins, outs, pools, len(program.code)), [(b".text", program.code)])
    k210 = _function(ins, outs, pools, len(text))
    second = _module(32 + len(first), b"k210", 256, k210, [(b".rdata", rdata), (b".text", text)])
    return struct.pack("<4s7I", b"LDMK", 5, 32, 0, 256, 2, 0, 0) + first + second


def random_kpu(seed: int, version: int, weights: int = 0) -> tuple[bytes, bytes]:
    """A model and an input for it."""
    chain = random_chain(seed, version, weights)
    build = {3: as_v3, 4: as_v4, 5: lambda c: as_v5(c, seed % 2 == 1)}[version]
    return build(chain), chain.input.tobytes()
