# SPDX-License-Identifier: MIT
"""The first thing that people run: the face detector of a MaixPy tutorial, byte for byte, on the emulator."""

import ast
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from k210.board import Board
from k210.errors import ScriptTimeout
from k210.golden import Golden
from k210.pytest_plugin import TestData

SCRIPT = "scripts/seed_face_detect.py"
MODEL = "models/face_model_at_0x300000.kfpkg"
FACE = (117, 23, 165, 86)  # of images/astronaut.png on the 320x240 LCD
FRAMES = 3

pytestmark = pytest.mark.timeout(300)


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common / (sum(areas) - common)


def watch(board: Board, script: Path, frames: int) -> str:
    """Runs an endless script until it has shown so many pictures; what it printed."""
    chunks: list[bytes] = []
    last = board.pictures() + frames
    assert not board.stream(script.read_bytes(), chunks.append, timeout=120, until=lambda: board.pictures() >= last)
    return b"".join(chunks).decode()


@pytest.mark.k210(flash=[MODEL], camera="images/astronaut.png")
def test_face_is_found_and_shown(board: Board, data: TestData, golden: Golden) -> None:
    lines = watch(board, data(SCRIPT), FRAMES).splitlines()
    assert lines, "the script printed no detection"
    for line in lines:
        found = ast.literal_eval(line)
        box = (found["x"], found["y"], found["x"] + found["w"], found["y"] + found["h"])
        assert overlap(box, FACE) >= 0.7, line
        assert found["value"] >= 0.8, line
        assert (found["classid"], found["index"], found["objnum"]) == (0, 0, 1), line
    # Rounding to RGB565 and back may move a level; the rectangle's own pixels must not.
    golden.check(board.screenshot(), "face_astronaut", tolerance=9, pixels=0.002)


@pytest.mark.k210(flash=[MODEL])
def test_grey_picture_has_no_face(board: Board, data: TestData) -> None:
    board.show(Image.new("RGB", (320, 240), (128, 128, 128)))
    assert watch(board, data(SCRIPT), FRAMES) == ""


@pytest.mark.k210(flash=[MODEL])
def test_picture_can_change_while_the_script_runs(board: Board, data: TestData) -> None:
    board.show(Image.new("RGB", (320, 240), (128, 128, 128)))
    changes: list[float] = []

    def change() -> None:
        while board.pictures() < start + FRAMES:
            time.sleep(0.02)
        board.show(data("images/astronaut.png"))
        changes.append(time.monotonic())

    start = board.pictures()
    thread = threading.Thread(target=change)
    thread.start()
    printed: list[float] = []
    done = threading.Event()

    def output(_: bytes) -> None:
        printed.append(time.monotonic())
        done.set()

    assert not board.stream(data(SCRIPT).read_bytes(), output, timeout=120, until=done.is_set)
    thread.join()
    assert printed[0] >= changes[0]


@pytest.mark.k210(flash=[MODEL], camera="images/astronaut.png")
def test_endless_script_can_be_stopped_and_the_prompt_is_back(board: Board, data: TestData) -> None:
    with pytest.raises(ScriptTimeout):
        board.exec(data(SCRIPT).read_bytes(), timeout=5)
    assert board.exec("print(6 * 7)") == "42\n"
