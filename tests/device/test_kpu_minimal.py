# SPDX-License-Identifier: MIT
"""The minimal firmware: 5.5 MiB of model in memory, frame buffers in free KPU RAM."""

from __future__ import annotations

import ast
import json
import sys
import zlib
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


@pytest.fixture(scope="module")
def minimal() -> Path:
    if not FIRMWARE.exists():
        pytest.skip("no minimal firmware; it is still 52,672 bytes too large for 5.5 MiB (VARIANT=minimal builds it)")
    return FIRMWARE


def test_size(minimal: Path) -> None:
    sizes = json.loads((minimal.parent / "size.json").read_text())
    assert sizes["text"] < TEXT_MAX
    assert sizes["free"] >= SIZE


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
