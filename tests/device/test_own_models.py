# SPDX-License-Identifier: MIT
"""What `make run` runs: our detector on the board equals the simulator to the bit and reads the sample picture."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from kpu_board import built_file, run
from PIL import Image

from k210 import paths
from k210.board import Board
from k210.golden import Golden
from k210.model import simulate
from k210.model.load import load

EXAMPLES = paths.ROOT / "examples"
DETECTOR = EXAMPLES / "models/digit_detector.kmodel"
CLASSIFIER = EXAMPLES / "models/digit_classifier.kmodel"
PICTURES = sorted((EXAMPLES / "train/heldout").glob("*.jpg"))[:4]
PLANES_AT = 0x600000
FRAMES = 3
# The digits of examples/digits.png with their boxes, by eye.
NUMBERS = "27 30 048169 1245"

pytestmark = pytest.mark.timeout(300)


def planes(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.ascontiguousarray(np.asarray(picture.convert("RGB")).transpose(2, 0, 1))


def all_planes() -> str:
    out = built_file("heldout.rgb", b"".join(planes(p).tobytes() for p in PICTURES))
    return f"{out}@0x{PLANES_AT:x}"


@pytest.mark.k210(flash=[f"{DETECTOR}@0x300000", all_planes()])
def test_detector_equals_the_simulator(board: Board) -> None:
    program = load(DETECTOR)
    wanted = [zlib.crc32(simulate.outputs(program, [planes(p)])[0].astype("<f4").tobytes()) for p in PICTURES]
    out = run(
        board,
        f"""
net = kpu.load(0x300000)
for i in range({len(PICTURES)}):
    print(binascii.crc32(kpu.forward(net, k210.flash_read({PLANES_AT} + i * 230400, 230400))))
net.deinit()
""",
    )
    assert [int(line) for line in out.split()] == wanted


@pytest.mark.k210(flash=[f"{CLASSIFIER}@0x300000"])
def test_classifier_equals_the_simulator(board: Board) -> None:
    """KPU layers to the bit; the softmax on the CPU to a float's rounding."""
    ink = np.zeros((1, 8, 8), np.uint8)
    ink[0, 1:7, 3:5] = 240
    wanted = simulate.outputs(load(CLASSIFIER), [ink])[0].ravel()
    code = f"""
net = kpu.load(0x300000)
print(*kpu.forward(net, bytes.fromhex('{ink.tobytes().hex()}'))[:])
"""
    got = np.array([float(v) for v in run(board, code).split()])
    assert got.shape == (10,) and np.abs(got - wanted).max() < 1e-6
    assert got.argmax() == 1


@pytest.mark.emulator_only
@pytest.mark.k210(flash=[f"{DETECTOR}@0x300000"], camera=str(EXAMPLES / "digits.png"))
def test_sample_picture_is_read(board: Board, golden: Golden) -> None:
    chunks: list[bytes] = []
    last = board.pictures() + FRAMES
    script = (EXAMPLES / "digit_detect.py").read_bytes()
    assert not board.stream(script, chunks.append, timeout=120, until=lambda: board.pictures() >= last)
    lines = b"".join(chunks).decode().splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    assert found and all(f["value"] > 0.5 for f in found)
    numbers = {line for line in lines if line.startswith("numbers: ")}
    assert numbers == {f"numbers: {NUMBERS}"}
    golden.check(board.screenshot(), "digits", tolerance=9, pixels=0.002)


@pytest.mark.emulator_only
@pytest.mark.k210(flash=[f"{CLASSIFIER}@0x300000"])
def test_drawn_digits_are_read(board: Board, golden: Golden) -> None:
    lines = board.run(EXAMPLES / "digit_classify.py", timeout=120).splitlines()
    assert [line.split(",")[0:2] for line in lines] == [[f"drawn {i}", f" read {i}"] for i in range(10)]
    golden.check(board.screenshot(), "handwritten", tolerance=9, pixels=0.002)
