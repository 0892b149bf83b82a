# SPDX-License-Identifier: MIT
"""The KPU module beyond one model and one picture: endurance, several models and inputs, faces."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from kpu_board import MODEL_AT, built_file, planes_file, run

from k210.board import Board

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
import v4_builder
from random_kpu import random_kpu
from v3_builder import u32
from v4_builder import FLT_MAX

FACE = [f"models/detect.kmodel@0x{MODEL_AT:x}", *planes_file("images/astronaut_320x240.ppm")]
pytestmark = [pytest.mark.timeout(7200), pytest.mark.k210(flash=FACE)]

# K210_KPU_ROUNDS=10000 for the full campaign.
ROUNDS = int(os.environ.get("K210_KPU_ROUNDS", "120"))
BATCH = 500

# Small models of the three formats, with weights to stream, and inputs for them.
SMALL_AT = 0x800000
SMALL = [random_kpu(*which) for which in ((99, 3), (97, 4), (104, 5))]


def small_models() -> tuple[str, list[tuple[int, int, int, int]]]:
    """Their file for the flash; where each model and its input are, and their sizes."""
    blob, places = b"", []
    for model, data in SMALL:
        blob += bytes(-len(blob) % 256)
        places.append((SMALL_AT + len(blob), len(model), SMALL_AT + len(blob) + len(model), len(data)))
        blob += model + data
    return f"{built_file('small_models.dat', blob)}@0x{SMALL_AT:x}", places


SMALL_FILE, PLACES = small_models()

ENDURANCE = f"""
import os
places = {PLACES}
cases = []
for n, (at, size, data_at, data_size) in enumerate(places):
    data = k210.flash_read(data_at, data_size)
    name = '/flash/%d.kmodel' % n
    with open(name, 'wb') as f:
        f.write(k210.flash_read(at, size))
    m = k210.flash_read(at, size)
    for source in (at, name, m):
        for stream in (False, True, None):
            cases.append((source, stream, data))
bad = bytes(spoiled(8, 7, 4000)), bytes(model(40000)), 0xC00000, '/flash/none.kmodel', '/flash/short.kmodel'
with open('/flash/short.kmodel', 'wb') as f:
    f.write(m[:3000])
def round(i):
    source, stream, data = cases[i % len(cases)]
    net = kpu.load(source, stream=stream, buffer=2048 << i % 4)
    crc = [binascii.crc32(kpu.forward(net, data))]
    for k in range(1, len(net.outputs())):
        crc.append(binascii.crc32(kpu.get_output(net, k)))
    how = i % 4
    if how == 0:
        kpu.deinit(net)
    elif how == 1:
        net.deinit()
        kpu.deinit(net)
    elif how == 2:
        with net:
            pass
    # how == 3: the garbage collector finds it
    if i % 7 == 0:
        error(kpu.load, bad[i // 7 % len(bad)])
    return crc
def state():
    gc.collect()
    m = kpu.memory()
    return [m[k] for k in ('free', 'largest', 'models', 'kpu_models', 'kpu_free', 'images', 'heap')], gc.mem_alloc()
want = [round(i) for i in range(len(cases))]
for i in range(len(cases)):
    round(i)
net = None
print(state(), len(k210.pool()))
"""


@pytest.mark.k210(flash=[*FACE, SMALL_FILE])
def test_load_run_deinit_loses_no_byte(board: Board) -> None:
    """All formats in turn from flash, files and bytes, in memory, streamed and as it fits; errors in between."""
    before = run(board, ENDURANCE, timeout=600).strip()
    start, heap, blocks = ast.literal_eval(before.replace(") ", ", ").lstrip("("))
    for first in range(0, ROUNDS, BATCH):
        out = run(
            board,
            f"""
for i in range({first}, {min(first + BATCH, ROUNDS)}):
    if round(i) != want[i % len(cases)]:
        print('round', i)
print(state(), len(k210.pool()))
""",
            timeout=3000,
        ).strip()
        now, now_heap, now_blocks = ast.literal_eval(out.replace(") ", ", ").lstrip("("))
        # Free memory to the byte; of Python objects a stale word on the stack may keep one alive.
        assert (now, now_blocks) == (start, blocks) and now_heap - heap < 8192, (first, before, out)
        if ROUNDS > BATCH:
            print(min(first + BATCH, ROUNDS), "rounds:", out, flush=True)
    run(board, "for name in os.listdir('/flash'):\n    if name.endswith('.kmodel'): os.remove('/flash/' + name)")


def test_soft_reset_frees_models(board: Board) -> None:
    code = f"nets = [kpu.load({MODEL_AT}, stream=s) for s in (True, False, True)]\nkpu.forward(nets[0], planes())\n"
    first = ast.literal_eval(run(board, "print(kpu.memory())"))
    run(board, code)
    board.reset()
    again = ast.literal_eval(run(board, "print(kpu.memory())"))
    assert [first[k] for k in ("free", "models", "kpu_free")] == [again[k] for k in ("free", "models", "kpu_free")]


def test_kpu_that_never_answers(board: Board) -> None:
    if board.emulator is None:
        pytest.skip("only the emulated KPU can be stopped")
    run(board, f"net = kpu.load({MODEL_AT}); p = planes(); want = binascii.crc32(kpu.forward(net, p))")
    board.emulator.set("/machine/soc/kpu", "stopped", True)
    try:
        out = run(
            board,
            """
import time
for n in (3, 0):
    kpu.set_layers(net, n)
    t = time.ticks_ms()
    print(error(kpu.forward, net, p))
    print(time.ticks_diff(time.ticks_ms(), t))
""",
        ).splitlines()
    finally:
        board.emulator.set("/machine/soc/kpu", "stopped", False)
    for text in out[0::2]:
        assert text.startswith("OSError: ERR_RUN_MODEL: maybe model dirty: layer ") and "timed out waiting for" in text
    assert all(600 <= int(ms) <= 1000 for ms in out[1::2])
    assert run(board, "print(binascii.crc32(kpu.forward(net, p)) == want)") == "True\n"


def two_inputs() -> bytes:
    """out0 = a + b, out1 = a * b, for two inputs of 1x2x3 floats."""
    shape = u32(1, 1, 2, 3)
    model = v4_builder.Model()
    a = model.input(np.zeros((1, 2, 3), np.float32))
    b = model.input(np.zeros((1, 2, 3), np.float32))
    clamp = np.array([-FLT_MAX, FLT_MAX], "<f4").tobytes()
    for op in (0, 2):
        model.add(0x00, a, b, model.output(6), u32(op), shape, shape, shape, clamp)
    return model.build()


def test_several_inputs_and_outputs(board: Board) -> None:
    out = run(
        board,
        f"""
from array import array
net = kpu.load({two_inputs()!r})
print(net.inputs(), net.outputs())
a, b = [1, 2, 3, 4, 5, 6], array('f', [10, 20, 30, 40, 50, 60])
fmap = kpu.forward(net, [a, b])
print(list(fmap), list(kpu.get_output(net, 1)), fmap.shape())
print(list(memoryview(fmap)), len(memoryview(fmap)))
print(error(kpu.forward, net, a))
print(error(kpu.forward, net, [a]))
print(error(kpu.forward, net, [a, [1]]))
print(len(kpu.forward(net, (a, b))), error(kpu.get_output, net, 2))
""",
    ).splitlines()
    tensor = ("f", (1, 2, 3), 24)
    assert ast.literal_eval(f"({out[0].replace('] [', '], [')})") == ([tensor] * 2, [tensor] * 2)
    assert out[1] == "[11.0, 22.0, 33.0, 44.0, 55.0, 66.0] [10.0, 40.0, 90.0, 160.0, 250.0, 360.0] (1, 2, 3)"
    assert out[2] == "[11.0, 22.0, 33.0, 44.0, 55.0, 66.0] 6"
    assert "2 inputs" in out[3] and "2 inputs" in out[4]
    assert "ValueError" in out[5] and "the model wants 6" in out[5]
    assert out[6].startswith("6 OSError: get_output err: output 2")


def test_shapes_of_a_real_model(board: Board) -> None:
    out = run(board, f"net = kpu.load({MODEL_AT})\nprint(net.inputs())\nprint(net.outputs())")
    inputs, outputs = (ast.literal_eval(line) for line in out.splitlines())
    assert inputs == [("B", (3, 240, 320), 230400)]
    assert outputs == [("f", (30, 15, 20), 36000)]


def test_faces(board: Board) -> None:
    out = run(
        board,
        """
from array import array
a = [0.5, -1.0, 0.25, 0.0]
c = kpu.face_encode(a)
print(type(c), len(c), [x - 256 if x > 127 else x for x in c])
print(kpu.face_compare(c, kpu.face_encode(tuple(3 * x for x in a))))
print(kpu.face_compare(c, kpu.face_encode(array('f', [-x for x in a]))))
print(round(kpu.face_compare(c, kpu.face_encode([1.0, 0.5, 0.0, 9.0])), 1))
print(kpu.face_compare(c, bytes(4)))
print(error(kpu.face_compare, c, c[:3]))
print(error(kpu.face_encode, [0.0] * 513))
print(error(kpu.face_encode, []))
print(error(kpu.face_encode, 5))
print(error(kpu.face_encode, ['x']))
""",
    ).splitlines()
    assert out[0] == "<class 'bytearray'> 4 [64, -127, 32, 0]"
    assert out[1:3] == ["100.0", "0.0"]
    assert float(out[3]) == 50.0 or 45 < float(out[3]) < 55
    assert out[4] == "0.0"
    assert "must in same dim" in out[5] and "feature dim <=512" in out[6] and "ValueError" in out[7]
    assert "TypeError" in out[8] and "TypeError" in out[9]
