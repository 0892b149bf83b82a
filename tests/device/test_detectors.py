# SPDX-License-Identifier: MIT
"""The detector examples with real models and pictures, and the post-processing functions that they use."""

import re
from pathlib import Path

import pytest

from k210.board import Board
from k210.golden import Golden

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FRAMES = 2

pytestmark = pytest.mark.timeout(300)

Line = tuple[str, float, tuple[int, int, int, int]]


def watch(board: Board, name: str) -> list[Line]:
    """Runs an example until it has shown some pictures; the things it found (name, score, left, top, right, bottom)."""
    chunks: list[bytes] = []
    last = board.pictures() + FRAMES
    script = (EXAMPLES / name).read_bytes()
    assert not board.stream(script, chunks.append, timeout=200, until=lambda: board.pictures() >= last)
    lines = b"".join(chunks).decode().splitlines()
    found = []
    for line in lines:
        match = re.fullmatch(r"(.+) (\d\.\d\d) \((\d+), (\d+), (\d+), (\d+)\)", line)
        assert match, lines
        x, y, w, h = (int(match[i]) for i in range(3, 7))
        found.append((match[1], float(match[2]), (x, y, x + w, y + h)))
    return found


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    return common / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - common)


def has(found: list[Line], name: str, box: tuple[int, int, int, int]) -> bool:
    return any(n == name and overlap(b, box) > 0.5 for n, _, b in found)


# Where things are in the pictures, on the 320x240 LCD (dog.jpg has 768x576 pixels).
DOG, BICYCLE, FACE = (54, 92, 130, 226), (52, 52, 236, 178), (113, 29, 168, 82)
REAR_OF_BICYCLE = (116, 68, 240, 175)


@pytest.mark.k210(flash=["models/yolo_v4.kmodel@0x300000"], camera="images/dog.jpg")
def test_voc_finds_bicycle_and_dog(board: Board, golden: Golden) -> None:
    found = watch(board, "voc_detect.py")
    assert has(found, "bicycle", BICYCLE) and has(found, "dog", DOG), found
    golden.check(board.screenshot(), "voc_dog", tolerance=9, pixels=0.01)


@pytest.mark.k210(flash=["models/slim-320_v4.kmodel@0x300000"], camera="images/astronaut.png")
def test_ultra_light_model_finds_the_face(board: Board, golden: Golden) -> None:
    found = watch(board, "face_ssd.py")
    assert has(found, "face", FACE) and all(overlap(box, FACE) > 0.5 for _, _, box in found), found
    golden.check(board.screenshot(), "face_ssd_astronaut", tolerance=9, pixels=0.01)


@pytest.mark.k210(flash=["models/yolox_nano_224_v5.kmodel@0x300000"], camera="images/dog.jpg")
def test_yolox_finds_bicycle_and_animal(board: Board, golden: Golden) -> None:
    """So small a model sees where the dog is, not that it is one."""
    found = watch(board, "yolox_detect.py")
    assert has(found, "bicycle", REAR_OF_BICYCLE), found
    assert any(overlap(box, DOG) > 0.7 for _, _, box in found), found
    golden.check(board.screenshot(), "yolox_dog", tolerance=9, pixels=0.01)


# ---- on their own ----------------------------------------------------------------------------

PREAMBLE = """
import KPU as kpu, array
def error(f, *a, **k):
    try:
        return f(*a, **k)
    except Exception as e:
        return '%s: %s' % (type(e).__name__, e)
def floats(n, v=0):
    return array.array('f', [v] * n)
"""


def run(board: Board, code: str) -> list[str]:
    return board.exec(PREAMBLE + code).splitlines()


def test_classes(board: Board) -> None:
    out = run(
        board,
        """
x = array.array('f', [1, 3, 2, 3])
print(['%.3f' % v for v in kpu.softmax(x)], kpu.argmax(x), kpu.topk(x, 3))
print(kpu.argmax([5, 7, 1]), kpu.topk(array.array('i', [-3, 9, 4]), 2), kpu.argmax(b'\\x01\\x05'))
print(error(kpu.topk, x, 5), error(kpu.topk, x, 0), error(kpu.softmax, []), error(kpu.argmax, 3), sep='|')
""",
    )
    assert out[0] == "['0.054', '0.399', '0.147', '0.399'] 1 [(1, 3.0), (3, 3.0), (2, 2.0)]"
    assert out[1] == "1 [(1, 9.0), (2, 4.0)] 1"
    errors = out[2].split("|")
    assert errors[:3] == [
        "ValueError: 5 of 4 numbers",
        "ValueError: 0 of 4 numbers",
        "ValueError: there are no numbers",
    ]
    assert errors[3].startswith("TypeError")


def test_decoders_of_arrays(board: Board) -> None:
    """One cell of each detector, worked out by hand."""
    out = run(
        board,
        """
cell = array.array('f', [0, 0, 0, 0, 9, -9, 9])
print(kpu.yolo2(cell, (0.5, 0.25), (100, 200), grid=(1, 1))[0])
print(kpu.yolo3([cell], [(40, 60)], (100, 200), grids=[(1, 1)])[0].rect())
more = dict(grids=[(1, 1)], fractions=True, entries_last=True, size=(50, 50))
print(kpu.yolo3([cell], [(0.4, 0.3)], (100, 200), **more)[0].rect())
print(kpu.yolox(array.array('f', [0.5, 0.5, 0, 0, 0.9, 0.1, 0.8]), (32, 32), strides=(32,))[0])
p = kpu.priors((64, 64), (32,), ((16,),))
print(len(p), p[0:4])
found = kpu.ssd(array.array('f', [0.1, 0.9] + [0.9, 0.1] * 3), floats(16), p, (64, 64))
print(len(found), found[0].rect(), found[0].classid(), '%.2f' % found[0].value())
print(kpu.yolo2(floats(7, -9), (1, 1), (100, 100), grid=(1, 1)))
""",
    )
    assert out[0].startswith('{"x":25, "y":75, "w":50, "h":50, "value":0.99') and '"classid":1' in out[0]
    assert out[1:3] == ["(30, 70, 40, 60)", "(15, 17, 20, 15)"]
    assert out[3].startswith('{"x":0, "y":0, "w":32, "h":32, "value":0.72') and '"objnum":1' in out[3]
    assert out[4] == "16 array('f', [0.25, 0.25, 0.25, 0.25])"
    assert out[5] == "1 (8, 8, 16, 16) 0 0.90"
    assert out[6] == "[]"


BAD = {
    "kpu.yolo2(floats(7), (1, 1), (100, 100))": "grid=",
    "kpu.yolo2(floats(8), (1, 1, 1, 1, 1, 1), (100, 100), grid=(2, 1))": "8 numbers, 2 x 1 cells with 3 anchors",
    "kpu.yolo2(floats(7), (1, -2), (100, 100), grid=(1, 1))": "number 1 of the anchors",
    "kpu.yolo2(floats(7), (1, 2, 3), (100, 100), grid=(1, 1))": "3 numbers of anchors",
    "kpu.yolo2(bytes(28), (1, 1), (100, 100), grid=(1, 1))": "bytes, not floats",
    "kpu.yolo2(5, (1, 1), (100, 100), grid=(1, 1))": "array of floats",
    "kpu.yolo2(floats(7), (1, 1), (0, 100), grid=(1, 1))": "size 0",
    "kpu.yolo2(floats(7), (1, 1), (9, 9), grid=(1, 1), threshold=1.5)": "threshold is 150 percent",
    "kpu.yolo2(floats(7), (1, 1), (9, 9), grid=(1, 1), nms=-1)": "nms is -100 percent",
    "kpu.yolo2(floats(7), (1, 1), (9, 9), grid=(1, 1), most=0)": "most is 0",
    "kpu.yolo3([floats(7)], [(1, 1), (1, 1)], (9, 9))": "1 outputs, 2 lists of anchors",
    "kpu.yolox(floats(100), (224, 224))": "100 numbers, a net of 224 x 224 has 1029 cells",
    "kpu.yolox(floats(100), (224, 224), strides=(0,))": "stride 0",
    "kpu.ssd(floats(7), floats(16), floats(16), (9, 9))": "7 scores and 16 numbers of boxes do not fit 4 priors",
    "kpu.priors((64, 64), (8, 16), ((1,),))": "2 strides and 1 lists of sizes",
    "kpu.priors((60000, 60000), (1,), ((1,),))": "priors are too many",
}


def test_bad_arguments(board: Board) -> None:
    code = "\n".join(f"print(error(lambda: {call}))" for call in BAD)
    for line, (call, text) in zip(run(board, code), BAD.items(), strict=True):
        assert line.startswith(("ValueError: ", "TypeError: ")) and text in line, (call, line)
    assert board.exec("print(6 * 7)") == "42\n"
