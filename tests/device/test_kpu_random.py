# SPDX-License-Identifier: MIT
"""Random KPU models on a board, in memory and streamed, give what `k210 model simulate` gives, to the bit.

K210_RANDOM_KPU=300 makes so many of each version.
"""

from __future__ import annotations

import ast
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from kpu_board import built_file

from k210.board import Board
from k210.emulator import Config
from k210.model.load import parse
from k210.model.simulate import outputs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from random_kpu import random_kpu

COUNT = int(os.environ.get("K210_RANDOM_KPU", "5"))
FIRST = int(os.environ.get("K210_RANDOM_SEED", "0"))
LARGE = int(3.9e6)
START, END = 0x140000, 0xD00000
PER_BOARD = 60

pytestmark = [pytest.mark.timeout(200 + 10 * COUNT), pytest.mark.emulator_only]

RUN = """
import KPU as kpu, k210, binascii, gc
def once(at, stream, data_at, n):
    with kpu.load(at, stream=stream) as net:
        for i in range(2):
            kpu.forward(net, k210.flash_read(data_at, n))
        return net.mode(), [binascii.crc32(kpu.get_output(net, i)) for i in range(len(net.outputs()))]
def run(*args):
    try:
        return once(*args)
    except (OSError, ValueError) as e:
        # A host with no time for the emulator looks like a flash that does not answer.
        if "timed out" not in str(e) and "(-116)" not in str(e):
            raise
        return once(*args)
free = kpu.memory()['free'], kpu.memory()['kpu_free']
"""
LOST = "gc.collect()\nprint((kpu.memory()['free'], kpu.memory()['kpu_free']) == free or (free, kpu.memory()))"


def batches(models: list[tuple[str, bytes, bytes]]) -> list[list[tuple[str, bytes, bytes]]]:
    """So many at a time as the flash holds."""
    out: list[list] = [[]]
    room = END - START
    for model in models:
        size = len(model[1]) + len(model[2]) + 512
        if size > room or len(out[-1]) == PER_BOARD:
            out.append([])
            room = END - START
        out[-1].append(model)
        room -= size
    return out


def compare(models: list[tuple[str, bytes, bytes]]) -> None:
    for number, batch in enumerate(batches(models)):
        flash, places = b"", []
        for name, model, data in batch:
            at = []
            for blob in (model, data):
                flash += bytes(-len(flash) % 256)
                at.append(START + len(flash))
                flash += blob
            places.append((name, *at, len(data)))
        path = built_file(f"random_kpu_{os.getpid()}_{number}.dat", flash)
        with Board.start(Config(flash=(f"{path}@0x{START:x}",), strict=True)) as board:
            board.exec(RUN)
            for (name, at, data_at, n), (_, model, data) in zip(places, batch, strict=True):
                results = outputs(parse(model), [np.frombuffer(data, np.uint8)])
                want = [zlib.crc32(r.astype(np.uint8).tobytes()) for r in results]
                out = board.exec(f"for s in (False, True):\n    print(run({at}, s, {data_at}, {n}))", timeout=60)
                got = [ast.literal_eval(line) for line in out.splitlines()]
                assert got[0] == ("real-time", want), name
                assert got[1][1] == want, name
            assert board.exec(LOST).strip() == "True"
        path.unlink()


@pytest.mark.parametrize("version", [3, 4, 5])
def test_random_models(version: int) -> None:
    compare([(f"v{version} {seed}", *random_kpu(seed, version)) for seed in range(FIRST, FIRST + COUNT)])


@pytest.mark.parametrize("version", [3, 4, 5])
def test_models_of_many_weights(version: int) -> None:
    name = f"v{version}, {LARGE} bytes"
    compare([(name, *random_kpu(FIRST, version, LARGE))])
