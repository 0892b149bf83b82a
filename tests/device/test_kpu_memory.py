# SPDX-License-Identifier: MIT
"""The numbers of kpu.memory() and of MemoryError are true, and an error gives everything back."""

from __future__ import annotations

import ast

import pytest
from kpu_board import MODEL_AT, run

from k210.board import Board

YOLOX_AT = 0x400000
V4_AT = 0x600000
FLASH = [
    f"models/detect.kmodel@0x{MODEL_AT:x}",
    f"models/yolox_nano_224_v5.kmodel@0x{YOLOX_AT:x}",
    f"models/slim-320_v4.kmodel@0x{V4_AT:x}",
]
pytestmark = [pytest.mark.timeout(180), pytest.mark.k210(flash=FLASH)]

# fill(n): takes general memory, in blocks from the top (64 KB each, then 4 KB), until the largest
# piece has less than n bytes.
FILL = """
import image
def fill(n):
    junk = []
    for w, h in ((256, 128), (64, 32)):
        while kpu.memory()['largest'] >= n + 2 * w * h:
            junk.append(image.Image(size=(w, h)))
    return junk
def state():
    gc.collect()
    m = kpu.memory()
    # The heap may grow meanwhile, and an Image that is forgotten may live on for a moment.
    return [m['free'] + m['heap'] + m['images']] + [m[k] for k in ('models', 'kpu_models', 'kpu_free')]
"""


@pytest.mark.parametrize(("at", "stream"), [(MODEL_AT, False), (YOLOX_AT, False), (V4_AT, False), (YOLOX_AT, True)])
def test_missing_bytes_are_what_is_missing(board: Board, at: int, stream: bool) -> None:
    """Whoever frees as much as the error says gets one step further, until the model runs."""
    out = run(
        board,
        FILL
        + f"""
junk = fill(20000)
before = state()
said = 0
for attempt in range(200):
    try:
        net = kpu.load({at}, stream={stream})
        break
    except MemoryError as e:
        text = str(e)
        missing = int(text.split(',')[-1].split()[0]) if 'are missing' in text else print(text)
        assert state() == before, (state(), before)
        assert 'are missing' in text and missing > 0, text
        while missing > 0:
            img = junk.pop()
            missing -= 2 * img.width() * img.height()
        img = None
        before = state()
        said += 1
kind, shape, size = net.inputs()[0]
junk = None
gc.collect()
print(net.mode(), said, len(kpu.forward(net, bytes(size))) > 100)
net.deinit()
print(state()[0] == before[0], state()[1:])
""",
    ).splitlines()
    mode, said, ran = out[-2].split()
    assert mode == ("streamed" if stream else "real-time") and ran == "True"
    # The file, the layers, the working buffer, the landing place, buffers.
    assert 1 <= int(said) <= 12
    assert out[-1] == "True [0, 0, 2097152]"


def test_little_memory_loses_nothing(board: Board) -> None:
    """Whatever is left: the model runs, or there is an error, and then all is as before."""
    out = run(
        board,
        FILL
        + f"""
counts = [0, 0]
for at in {[YOLOX_AT, V4_AT]}:
    for left in (60000, 1500000):
        junk = fill(left)
        before = state()
        for stream in (None, True, False):
            try:
                with kpu.load(at, stream=stream) as net:
                    kpu.forward(net, bytes(net.inputs()[0][2]))
                counts[0] += 1
            except MemoryError:
                counts[1] += 1
            net = None
            if state() != before:
                print(at, left, stream, before, state())
        junk = None
        gc.collect()
print(counts)
print(state()[1:])
""",
        timeout=170,
    ).splitlines()
    ran, failed = ast.literal_eval(out[0])
    assert ran >= 2 and failed >= 5 and ran + failed == 12
    assert out[1] == "[0, 0, 2097152]"


def test_memory_adds_up(board: Board) -> None:
    out = run(
        board,
        f"""
nets = []
for stream in (False, True, None):
    for at in {[MODEL_AT, V4_AT]}:
        nets.append(kpu.load(at, stream=stream))
    m = kpu.memory()
    gc.collect()
    known = sum(n.memory()[k] for n in nets for k in ('model', 'buffers', 'layers', 'work'))
    print([m, known, gc.mem_alloc() + kpu.memory()['heap_free']])
""",
    ).splitlines()
    for line in out:
        memory, known, heap = ast.literal_eval(line)
        assert memory["firmware"] + memory["total"] == memory["sram"] == 6 << 20
        assert memory["models"] + memory["images"] + memory["heap"] + memory["free"] == memory["total"]
        assert memory["kpu_models"] + memory["kpu_images"] + memory["kpu_free"] == memory["kpu_ram"] == 2 << 20
        # Besides, a model has lists of its tensors, and a place where results land.
        assert known < memory["models"] < known + 6 * 70000
        # Of the heap a part is its own table.
        assert 0.9 * memory["heap"] < heap < memory["heap"]
