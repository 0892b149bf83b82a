# SPDX-License-Identifier: MIT
"""Damaged models on a board: each ends in an exception whose sentence names the fault, or runs; nothing is lost.

A few run by default; K210_MUTATED_MODELS=500 runs so many. The strict emulator stops at whatever a real KPU or DMA
controller would not take, and what happens must be what the same C code does on the host.
"""

import os
import random
import struct
import sys
from pathlib import Path

import pytest

from k210.board import Board
from k210.pytest_plugin import TestData

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from kpu_core import KpuError, Net, limits, measure

COUNT = int(os.environ.get("K210_MUTATED_MODELS", "27"))
BASES = [
    "iris_v3.kmodel", "mnist.kmodel", "detect.kmodel", "iris_v4.kmodel", "slim-320_v4.kmodel", "synth_v5/n_a.kmodel",
    "synth_v5/n_b.kmodel", "synth_v5/n_d.kmodel", "synth_v5/n_e.kmodel",
]  # fmt: skip
ADDRESS = [0x300000 + 0x80000 * i for i in range(len(BASES))]
INTERESTING = [0, 1, 2, 3, 4, 7, 8, 255, 256, 1024, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF]

pytestmark = [
    pytest.mark.timeout(300 + 8 * COUNT),
    pytest.mark.k210(flash=[f"models/{name}@0x{at:x}" for name, at in zip(BASES, ADDRESS, strict=True)]),
]

# result(...): what became of one model. Its sentence, or the size of its first output.
PREAMBLE = """
import KPU as kpu, k210, gc
def result(addr, size, edits, n_in):
    data = bytearray(k210.flash_read(addr, size))
    for at, value in edits:
        data[at:at + len(value)] = value
    try:
        net = kpu.load(data)
    except (OSError, ValueError, MemoryError) as e:
        return 'load', type(e).__name__, str(e)
    try:
        fmap = kpu.forward(net, bytes(n_in))
        return 'ran', len(fmap), ''
    except (OSError, ValueError, MemoryError) as e:
        return 'run', type(e).__name__, str(e)
    finally:
        kpu.deinit(net)
def taken():
    gc.collect()
    memory = kpu.memory()
    return gc.mem_alloc(), memory['models'], memory['kpu_models'], memory['images']
"""


def mutate(data: bytes, rng: random.Random) -> list[tuple[int, bytes]]:
    """Some changed words. Most bytes of a model are weights, where a change does nothing: prefer small numbers."""
    edits = []
    for _ in range(rng.randint(1, 2)):
        for attempt in range(200):
            at = rng.randrange(min(len(data), 1024 if attempt % 2 else len(data)) - 4) & ~3
            (word,) = struct.unpack_from("<I", data, at)
            if word < 0x200000:
                break
        kind = rng.randrange(4)
        word = (
            word ^ 1 << rng.randrange(32) if kind == 0 else rng.choice(INTERESTING) if kind == 1
            else rng.getrandbits(32) if kind == 2 else word + rng.randint(-32, 32)
        )  # fmt: skip
        edits.append((at, struct.pack("<I", word & 0xFFFFFFFF)))
    return edits


def on_host(data: bytes) -> tuple[int, tuple]:
    """Input bytes that the model wants, and what becomes of it."""
    limits(16 << 20)
    try:
        net = Net(data[: measure(data)])
    except KpuError as e:
        return 0, ("load", e.text)
    with net:
        size = net.inputs[0].size
        try:
            net.set_input(bytes(size))
            net.run()
        except KpuError as e:
            return size, ("run", e.text)
        return size, ("ran", net.output().size)


def test_damaged_models(board: Board, data: TestData) -> None:
    rng = random.Random(int(os.environ.get("K210_MUTATED_SEED", "1")))
    board.exec(PREAMBLE)
    sizes = [data(f"models/{name}").stat().st_size for name in BASES]

    def good_ones_run() -> tuple[int, ...]:
        """What is taken after them: by Python objects, models, images. Not what is free: how far the heap has grown
        into the pool depends on where in it the last living object happens to be."""
        assert board.eval(f"result({ADDRESS[2]}, {sizes[2]}, [], 230400)[:2]") == ("ran", 9000)
        assert board.eval(f"result({ADDRESS[0]}, {sizes[0]}, [], 16)[:2]") == ("ran", 3)
        return board.eval("taken()")

    before = good_ones_run()
    outcomes: dict[str, int] = {}
    for number in range(COUNT):
        base = number % len(BASES)
        good = data(f"models/{BASES[base]}").read_bytes()
        edits = mutate(good, rng)
        bad = bytearray(good)
        for at, value in edits:
            bad[at : at + 4] = value
        size, want = on_host(bytes(bad))
        got = board.eval(f"result({ADDRESS[base]}, {len(good)}, {edits}, {size})")
        note = (BASES[base], edits, want, got)
        outcomes[got[0]] = outcomes.get(got[0], 0) + 1
        if got[1] == "MemoryError" or "no room" in str(got[2]):
            continue  # the board has less of it than the host
        assert got[0] == want[0], note
        if got[0] == "ran":
            # Not the numbers: the board's expf and the host's differ in the last bit.
            assert got[1] == want[1], note
        else:
            assert want[1] in got[2] and len(want[1]) > 8, note
    print(outcomes)
    assert outcomes.get("ran", 0) and outcomes.get("load", 0), outcomes
    after = good_ones_run()
    print(before, after)
    assert after[1:] == before[1:] == (0, 0, 0)
    # A stale word on the stack may keep a small object alive.
    assert after[0] < before[0] + 16384
