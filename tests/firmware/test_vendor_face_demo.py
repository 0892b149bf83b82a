# SPDX-License-Identifier: MIT
"""The vendor's face detection demo, as its repository carries it, on the emulated KD233.

Nobody here wrote that program: it drives PLLs, FPIOA, SPI3 flash, the NT35310 LCD by DMA, an OV5640 over
the SCCB engine, DVP interrupts in burst mode and the KPU with its own runtime. The file is not part of this
repository. Get face_detect/kfpkg/kfpkg.kfpkg of github.com/kendryte/kendryte-standalone-demo and put it as
face_detect.kfpkg into the folder that K210_THIRD_PARTY_DIR names.
"""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from third_party import third_party

from k210.emulator import Config, Emulator

SHA256 = "1725d10f8fc67c00313f7ef7bc27dad145629a4051049cbb7fdddf004c7c8e5c"
# Where the model's reference output puts the astronaut's face (x1, y1, x2, y2).
FACE = (117, 23, 165, 86)


@pytest.fixture
def demo(data) -> Iterator[Emulator]:
    package = third_party("face_detect.kfpkg", SHA256)
    picture = data("images/astronaut_320x240.ppm")
    config = Config(board="kd233", flash=(str(package),), camera=picture, firmware=False)
    with Emulator(config) as emulator:
        yield emulator


def wait_for_pictures(emulator: Emulator, n: int, timeout: float = 120) -> None:
    deadline = time.monotonic() + timeout
    while emulator.pictures() < n:
        assert emulator.alive, emulator.messages()
        assert time.monotonic() < deadline, f"{emulator.pictures()} pictures; it printed:\n{emulator.serial_log()}"
        time.sleep(0.1)


def pure_red(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return (pixels[:, :, 0] > 240) & (pixels[:, :, 1] < 16) & (pixels[:, :, 2] < 16)


def test_box_around_the_face(demo, data, golden):
    wait_for_pictures(demo, 3)  # the first one clears the screen
    lcd = demo.screenshot()
    print(demo.serial_log())
    assert lcd.size == (320, 240)
    rows, columns = np.nonzero(pure_red(lcd))
    box = columns.min(), rows.min(), columns.max(), rows.max()
    assert np.abs(np.subtract(box, FACE)).max() <= 6, f"box at {box}"

    # Outside of the box the LCD shows what the camera sees, in 5-6-5 bits.
    camera = np.asarray(Image.open(data("images/astronaut_320x240.ppm")).convert("RGB")).astype(int)
    difference = np.abs(np.asarray(lcd).astype(int) - camera).max(axis=2)
    difference[pure_red(lcd)] = 0
    assert (difference > 8).mean() < 0.001
    golden.check(lcd, "vendor_face_demo", tolerance=8, pixels=0.002)


def test_runs_without_guest_errors(data):
    package = third_party("face_detect.kfpkg", SHA256)
    picture = data("images/astronaut_320x240.ppm")
    config = Config(board="kd233", flash=(str(package),), camera=picture, firmware=False, strict=True)
    with Emulator(config) as emulator:
        wait_for_pictures(emulator, 3)
        emulator.check_guest()
