# SPDX-License-Identifier: MIT
"""What the tests of the KPU module share: the flash of the board and helpers that run there."""

import os
from pathlib import Path

import numpy as np

from k210 import paths
from k210.board import Board

MODEL_AT = 0x300000
PICTURE_AT = 0x600000
PLANES_AT = 0x680000
EMPTY_AT = 0x900000
EXPECTED_AT = 0xA00000  # .npy files: 128 bytes of header, then the numbers
PICTURE = "images/astronaut_320x240.ppm"


def built_file(name: str, content: bytes) -> Path:
    """A file of the build folder for the emulator's flash."""
    out = paths.BUILD / "tests" / "kpu" / name
    out.parent.mkdir(parents=True, exist_ok=True)
    # Tests may run in parallel: never an incomplete file.
    new = out.with_suffix(f".{os.getpid()}")
    new.write_bytes(content)
    new.rename(out)
    return out


def planes_file(picture: str) -> list[str]:
    """The picture as R, G, B planes in a file for the flash; nothing without test data (the tests then skip)."""
    source = paths.test_data() / picture
    if not source.exists():
        return []
    pixels = np.frombuffer(source.read_bytes()[-230400:], np.uint8).reshape(240, 320, 3)
    out = built_file(Path(picture).with_suffix(".rgb").name, pixels.transpose(2, 0, 1).tobytes())
    return [f"{out}@0x{PLANES_AT:x}"]


FLASH = [
    f"models/detect.kmodel@0x{MODEL_AT:x}",
    f"{PICTURE}@0x{PICTURE_AT:x}",
    "models/mnist.kmodel@0x700000",
    f"expected/detect_astronaut.out0.npy@0x{EXPECTED_AT:x}",
    *planes_file(PICTURE),
]

ANCHORS = "(1.889, 2.5245, 2.9465, 3.94056, 3.99987, 5.3658, 5.155437, 6.92275, 6.718375, 9.01025)"

# planes: the picture as R, G, B bytes; error(f): what f raises; model: a copy of the model to spoil;
# worst: the largest difference to an expected output.
PREAMBLE = f"""
import KPU as kpu, k210, gc, binascii, struct
def planes():
    return k210.flash_read({PLANES_AT}, 230400)
def error(f, *a):
    try:
        f(*a)
    except Exception as e:
        return type(e).__name__ + ": " + str(e).replace("\\r\\n", " ")
    return "no error"
def model(n=388776):
    return bytearray(k210.flash_read({MODEL_AT}, n))
def worst(fmap, addr={EXPECTED_AT}):
    from array import array
    want = array("f", k210.flash_read(addr + 128, fmap.size()))
    return max(abs(a - b) for a, b in zip(fmap, want))
def spoiled(off, value, n=388776):
    m = model(n)
    struct.pack_into("<I", m, off, value)
    return m
"""


def run(board: Board, code: str, timeout: float = 120) -> str:
    return board.exec(PREAMBLE + code, timeout=timeout)


def last(text: str) -> str:
    return text.strip().splitlines()[-1]
