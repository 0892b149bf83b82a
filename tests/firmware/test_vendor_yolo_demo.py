# SPDX-License-Identifier: MIT
"""The vendor's demo of a 20-class detector, as its repository carries it, on the emulated KD233.

It checks the OV5640's id, asks for a 50 MHz camera clock, draws text pixel by pixel and keeps two display
buffers, which the face detection demo does not. Get kpu/kfpkg/kfpkg.kfpkg of
github.com/kendryte/kendryte-standalone-demo and put it as kpu.kfpkg into the folder that
K210_THIRD_PARTY_DIR names.
"""

import time

import numpy as np
from PIL import Image
from third_party import third_party

from k210.emulator import Config, Emulator

SHA256 = "cb24d6798ca0eda8acce596ec4be14ec9a7ec6699c274132721ee046324c5220"
BICYCLE = (59, 54, 226, 190)


def pure_green(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture).astype(int)
    return (pixels[:, :, 1] > 240) & (pixels[:, :, 0] < 16) & (pixels[:, :, 2] < 16)


def test_bicycle(data, golden):
    package = third_party("kpu.kfpkg", SHA256)
    picture = data("images/dog_320x240.ppm")
    config = Config(board="kd233", flash=(str(package),), camera=picture, firmware=False, strict=True)
    with Emulator(config) as emulator:
        deadline = time.monotonic() + 120
        while "system start" not in emulator.serial_log():
            emulator.check_guest()
            assert time.monotonic() < deadline, emulator.serial_log()
            time.sleep(0.1)
        assert "ID: 5640" in emulator.serial_log()
        # A frame is drawn first, then its box in five pieces: take the picture with all of them.
        lcd, best, seen = emulator.screenshot(), 0, 0
        while seen < 20:
            assert time.monotonic() < deadline, f"{seen} pictures with a box"
            shot = emulator.screenshot()
            green = int(pure_green(shot).sum())
            seen += green > 500
            if green > best:
                lcd, best = shot, green
            time.sleep(0.02)
        emulator.check_guest()
    rows, columns = np.nonzero(pure_green(lcd))
    box = columns.min(), rows.min(), columns.max(), rows.max()
    assert np.abs(np.subtract(box, BICYCLE)).max() <= 6, f"box at {box}"
    # The frame, and the label that is cut out of green; the rest is the camera's picture.
    golden.check(Image.fromarray(np.where(pure_green(lcd), 255, 0).astype(np.uint8)), "vendor_yolo_box", pixels=0.002)
    camera = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    difference = np.abs(np.asarray(lcd).astype(int) - camera).max(axis=2)
    difference[box[1] : box[1] + 20, box[0] : box[0] + 60] = 0  # the label
    difference[pure_green(lcd)] = 0
    assert (difference > 8).mean() < 0.001
