# SPDX-License-Identifier: MIT
"""The minimal firmware: 5.5 MiB of model in memory, frame buffers in free KPU RAM."""

from __future__ import annotations

import ast
import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from kpu_board import built_file

from k210 import paths
from k210.board import Board
from k210.emulator import Config
from k210.model.load import parse
from k210.model.simulate import outputs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from big_model import big_v3

pytestmark = [pytest.mark.timeout(900)]

SIZE = 5767168  # 5.5 MiB
FIRMWARE = paths.BUILD / "maix_bit-minimal" / "firmware.bin"
TEXT_MAX = 350 * 1024
HEAP = 48 * 1024
SLACK = 5 * 1024  # for the tables of the layers and the working buffer


@pytest.fixture(scope="module")
def minimal() -> Path:
    if not FIRMWARE.exists():
        pytest.skip("no minimal firmware (make test builds it)")
    return FIRMWARE


def test_size(minimal: Path) -> None:
    sizes = json.loads((minimal.parent / "size.json").read_text())
    assert sizes["text"] < TEXT_MAX
    assert sizes["free"] >= SIZE + HEAP + SLACK


CODE = """
import KPU as kpu, k210, gc, binascii, sensor, lcd
def load():
    return kpu.load(0x100000, stream=False)
def camera():
    lcd.init()
    sensor.reset()
    sensor.set_pixformat(sensor.RGB565)
    sensor.set_framesize(sensor.QVGA)
    sensor.run(1)
    sensor.skip_frames(2)
"""

SHOW = """
print(net.mode(), net.memory())
for i in range(3):
    img = sensor.snapshot()
    fmap = kpu.forward(net, img)
    lcd.display(img)
    print(binascii.crc32(fmap))
print(kpu.memory())
"""


@pytest.mark.parametrize("order", ["net = load()\ncamera()\n", "camera()\nnet = load()\n"], ids=["model", "camera"])
def test_model_of_five_and_a_half_mebibytes(minimal: Path, order: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--k210") != "emulator":
        pytest.skip("needs the minimal firmware in flash")
    data = big_v3(SIZE)
    (want,) = outputs(parse(data), [np.zeros(230400, np.uint8)])
    crc = zlib.crc32(want.astype(np.uint8).tobytes())
    camera = built_file("black.ppm", b"P6 320 240 255\n" + bytes(230400))
    flash = (str(minimal), f"{built_file(f'big_v3_{SIZE}.kmodel', data)}@0x100000")
    with Board.start(Config(flash=flash, camera=camera, strict=True)) as board:
        out = board.exec(CODE + order + SHOW, timeout=300).splitlines()
    mode, _, text = out[0].partition(" ")
    assert mode == "real-time" and ast.literal_eval(text)["model"] == SIZE
    assert out[1:4] == [str(crc)] * 3
    memory = ast.literal_eval(out[4])
    assert memory["kpu_images"] > 300000 and memory["models"] > SIZE


USEFUL = """
import KPU as kpu, os, sys, json, time, machine, gc, binascii
from Maix import GPIO, FPIOA
def error(f, *a):
    try:
        f(*a)
    except Exception as e:
        return type(e).__name__ + ': ' + str(e)
with open('/flash/x.json', 'w') as f:
    f.write(json.dumps({'pi': 3.25, 'l': [1, 2]}))
print(json.loads(open('/flash/x.json').read())['pi'], 'x.json' in os.listdir('/flash'))
print([round(v, 3) for v in kpu.forward(kpu.load(0x200000), [5.1, 3.5, 1.4, 0.2])[:]])
print(error(kpu.load, 0x300000))
print(error(kpu.load, 0x100000, False), error(kpu.load, 'x.kmodel'))
try:
    kpu.load(0x400000, stream=False)
except MemoryError as e:
    print(e)
net = kpu.load(0x400000)
print(net.mode(), len(kpu.forward(net, bytes(230400))))
"""


def test_still_useful(minimal: Path, request: pytest.FixtureRequest, data: Callable[[str], Path]) -> None:
    """Files, both older formats, streaming what is too large for memory; v5 is named as what is left out."""
    if request.config.getoption("--k210") != "emulator":
        pytest.skip("needs the minimal firmware in flash")
    larger = 6 << 20
    models = [(data("models/iris_v4.kmodel"), 0x200000), (data("models/synth_v5/n_a.kmodel"), 0x300000)]
    models.append((built_file(f"big_v3_{larger}.kmodel", big_v3(larger)), 0x400000))
    flash = (str(minimal), *(f"{path}@0x{at:x}" for path, at in models))
    with Board.start(Config(flash=flash, strict=True)) as board:
        out = board.exec(USEFUL, timeout=120).splitlines()
    assert out[0] == "3.25 True"
    (want,) = outputs(parse(models[0][0].read_bytes()), [np.array([5.1, 3.5, 1.4, 0.2], np.float32)])
    assert np.allclose(ast.literal_eval(out[1]), want.ravel(), atol=0.002)
    assert "2002" in out[2] and "kmodel v5" in out[2] and "full one" in out[2]
    wanted, largest, missing = (int(w) for w in out[4].replace(",", " ").split() if w.isdigit())
    assert wanted == larger and missing == wanted - largest
    assert out[5] == "streamed 1120"
