# SPDX-License-Identifier: MIT
"""Models of any size, with weights that matter: change a byte of them, and the result changes."""

from __future__ import annotations

import struct

import numpy as np
import v4_builder
from v3_builder import Conv, Model, u32

# Channels of a camera picture on its way to 10x7 pixels: width, height, in, out, pool type.
HEAD = [(320, 240, 3, 16, 3), (80, 60, 16, 32, 3), (20, 15, 32, 384, 1)]
WIDTH, HEIGHT = 10, 7
# Pairs of 3x3 layers between these; both take 64 parameter loads, the most that the KPU can do.
INNER, OUTER = 512, 384
CLASSES = 16
LINES = 32768


def layer(
    rng: np.random.Generator, w: int, h: int, ic: int, oc: int, *, k: int, pool: int = 0, src: int, dst: int, main=None
):
    """Results spread over 0..255; every channel has scales of its own."""
    taps = k * k * ic
    weights = rng.integers(0, 256, (oc, taps), np.uint8)
    shift = max(round(np.log2(2.2 * np.sqrt(taps))), 0)
    act = [(-(1 << 35), 0, 0, 0), (-(1 << 34), 0, 0, 5), (0, 1, shift, 30)]
    bn = [(int(rng.integers(1, 40)), int(rng.integers(-99, 99)), 10) for _ in range(oc)]
    per_load = max(1, min(oc, 30720 // taps))
    return Conv(
        w, h, ic, oc, weights, bn, act, src=src, dst=dst, main=main, k=k, pool=pool, per_load=per_load, arg_x=-128
    )


def layers(size: int, seed: int) -> list[Conv]:
    """As many layers as a file of about `size` bytes has; the first one takes a 320x240 picture."""
    rng = np.random.default_rng(seed)
    out: list[Conv] = []

    def add(w: int, h: int, ic: int, oc: int, **args) -> None:
        # Maps are at the lower end of KPU RAM and in its middle in turn.
        places = (0, LINES // 2) if len(out) % 2 == 0 else (LINES // 2, 0)
        out.append(layer(rng, w, h, ic, oc, src=places[0], dst=places[1], **args))

    for w, h, ic, oc, pool in HEAD:
        add(w, h, ic, oc, k=3 if ic < 32 else 1, pool=pool)
    channels = HEAD[-1][3]
    used = sum(len(c.weights) + 8 * 512 for c in out)
    while size - used > OUTER * INNER * 9 + 400000:
        wider = INNER if channels == OUTER else OUTER
        add(WIDTH, HEIGHT, channels, wider, k=3)
        channels = wider
        used += len(out[-1].weights) + 8 * channels + 400
    # What is left: a layer as wide as it has to be, then a small one with the result.
    wide = min(max((size - used - CLASSES * 1024) // (channels * 9 + 8), 8), 64 * (30720 // (channels * 9)), 1024)
    add(WIDTH, HEIGHT, channels, wide, k=3)
    add(WIDTH, HEIGHT, wide, CLASSES, k=1, main=0)
    return out


def big_v3(size: int, seed: int = 1) -> bytes:
    """A kmodel v3 of exactly `size` bytes."""
    result = WIDTH * HEIGHT * CLASSES
    model = Model(-(-result // 8) * 8, [(0, 4 * result)])
    for conv in layers(size, seed):
        model.conv(conv)
    data = bytearray(model.build())
    missing = size - len(data)
    if not 0 <= missing < 900000:
        raise ValueError(f"{size} bytes wanted, the layers take {len(data)}")
    # The last body may be longer than its contents.
    header = 28 + 8 + 8 * (len(model.layers) - 1) + 4
    struct.pack_into("<I", data, header, struct.unpack_from("<I", data, header)[0] + missing)
    return bytes(data) + bytes(missing)


def conv_node(conv: Conv, at: int, main: bytes) -> bytes:
    """Body of a v4 KPU convolution that starts at a file offset."""
    body = bytearray(main + u32(1, 0) + bytes(96))
    words = list(conv.words)
    words[11] |= main[12:16] != bytes(4)
    for word, blob in ((4, conv.bn), (7, conv.act), (5, conv.weights)):
        padding = -(at + len(body)) % 256
        words[word] = (words[word] & 0xFFFFFFFF) | padding << 32
        body += bytes(padding) + blob
    body[24:120] = struct.pack("<12Q", *words)
    return bytes(body + bytes(-len(body) % 8))


def big_v4(size: int, seed: int = 1) -> bytes:
    """A kmodel v4 with as many layers."""
    convs = layers(size, seed)
    result = WIDTH * HEIGHT * CLASSES
    head = struct.pack("<4s9I", b"LDMK", 4, 0, 1, 0, -(-result // 8) * 8, len(convs), 1, 1, 0xCCCCCCCC)
    first = convs[0].words[1] & 0x7FFF
    head += u32(v4_builder.RAM, 1, first * 64, 3 * 5 * 240 * 64) + u32(1, 3, 240, 320)
    head += u32(v4_builder.MAIN, 1, 0, result)
    at = len(head) + 8 * len(convs)
    headers, bodies = b"", b""
    for conv in convs:
        main = u32(v4_builder.MAIN, 1, 0, result) if conv.main is not None else bytes(16)
        body = conv_node(conv, at + len(bodies), main)
        headers += u32(0x2002, len(body))
        bodies += body
    return head + headers + bodies


def picture(seed: int = 1) -> bytes:
    """Planes of 3x240x320 that are not all the same."""
    return np.random.default_rng(seed).integers(0, 256, 3 * 240 * 320, np.uint8).tobytes()
