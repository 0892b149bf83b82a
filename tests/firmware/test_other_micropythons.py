# SPDX-License-Identifier: MIT
"""MicroPython ports for the K210 that others have built, on the emulator up to their prompt and beyond.

The files are not part of this repository. Put them into the folder that K210_THIRD_PARTY_DIR names:

| Name there | From |
|---|---|
| lobo.kfpkg | firmware/MicroPython.kfpkg of github.com/loboris/MicroPython_K210_LoBo |
| lobo_twotasks.kfpkg | firmware/twotasks/MicroPython.kfpkg of the same |
| lobo_ota.kfpkg | firmware/ota/MicroPython.kfpkg of the same: Kboot, which reads the flash by SPI3's XIP window |
| m5stickv.kfpkg | 01_Preparing/M5StickV_Firmware_1022_beta.kfpkg of github.com/bavensky/AI4Kids_M5StickV |
| maixpy.bin | maixpy.bin of github.com/yuexi-yuan/K210-develop: MaixPy 0.6.2 |
"""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import serial
from PIL import Image

from k210.emulator import Config, Emulator

SHA256 = {
    "lobo.kfpkg": "6ad05d076fbe212d9a8282e48dca6171491676ae6ca1ac9e18e4dbe90e07a215",
    "lobo_twotasks.kfpkg": "091f6dce252d13217612711e192a8fd67bdb827bfab63e6c2216e9fbbe969f70",
    "lobo_ota.kfpkg": "8a27313badba3889ef91d0be4c4ab8a00c7795ef7bf3ae22e07768d0bf3da266",
    "m5stickv.kfpkg": "295ed81538feefbccf25094dd246f7b3791bef75792f3942d660b2b413ea823b",
    "maixpy.bin": "6aa94772beda5f0ac2368cd28fca97feee8b2dc275b9baa8b0fa2556e95f0ada",
}
PROMPT = b">>> "


def third_party(name: str) -> Path:
    folder = os.environ.get("K210_THIRD_PARTY_DIR")
    if not folder:
        pytest.skip("K210_THIRD_PARTY_DIR is not set")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"there is no {path}")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[name], f"{path} is another version"
    return path


class Prompt:
    """The REPL of a foreign firmware as a person at a terminal uses it."""

    def __init__(self, emulator: Emulator) -> None:
        self.port = serial.serial_for_url(emulator.serial_url, timeout=120)
        # What is sent before the emulator has noticed the connection is lost.
        while any("disconnected" in line["filename"] for line in emulator.qmp("query-chardev")):
            time.sleep(0.02)
        emulator.resume()

    def wait(self) -> str:
        text = self.port.read_until(PROMPT)
        assert text.endswith(PROMPT), text.decode(errors="replace")
        return text.decode(errors="replace")

    def type(self, line: str) -> str:
        self.port.write(line.encode() + b"\r\n")
        return self.wait().split("\n", 1)[1]


def start(name: str, **options: object) -> Emulator:
    return Emulator(Config(flash=(str(third_party(name)),), firmware=False, paused=True, **options))


@pytest.mark.parametrize("name", ["lobo.kfpkg", "lobo_twotasks.kfpkg", "lobo_ota.kfpkg"])
def test_lobo(name):
    with start(name) as emulator:
        repl = Prompt(emulator)
        banner = repl.wait()
        assert "MicroPython-FreeRTOS by LoBo" in banner
        if name == "lobo_ota.kfpkg":
            assert "K210 bootloader by LoBo" in banner and "Starting at 0x80000000" in banner
        assert repl.type("1+2").startswith("3")
        assert "boot.py" in repl.type("import os; os.listdir('/flash')")


@pytest.fixture
def maixpy(data) -> Iterator[Prompt]:
    model = f"{data('models/detect.kmodel')}@0x300000"
    flash = (str(third_party("maixpy.bin")), model)
    camera = data("images/astronaut_320x240.ppm")
    config = Config(flash=flash, firmware=False, paused=True, camera=camera)
    with Emulator(config) as emulator:
        repl = Prompt(emulator)
        assert "MicroPython v0.6.2" in repl.wait()
        yield repl


def test_maixpy_finds_the_face(maixpy):
    maixpy.type("import sensor, image, lcd, KPU as kpu; lcd.init(); sensor.reset()")
    maixpy.type("sensor.set_pixformat(sensor.RGB565); sensor.set_framesize(sensor.QVGA); sensor.run(1)")
    maixpy.type("task = kpu.load(0x300000)")
    anchors = "(1.889,2.5245,2.9465,3.94056,3.99987,5.3658,5.155437,6.92275,6.718375,9.01025)"
    maixpy.type(f"ok = kpu.init_yolo2(task, 0.5, 0.3, 5, {anchors})")
    maixpy.type("found = kpu.run_yolo2(task, sensor.snapshot())")
    assert maixpy.type("len(found)").startswith("1")
    x, y, w, h = eval(maixpy.type("tuple(found[0].rect())").splitlines()[0])
    assert 20 < w < 80 and 40 < h < 90 and y < 40, (x, y, w, h)


def test_maixpy_files_and_identity(maixpy):
    assert maixpy.type("f = open('/flash/x.txt', 'w'); n = f.write('hello' * 500); f.close(); n").startswith("2500")
    assert maixpy.type("open('/flash/x.txt').read() == 'hello' * 500").startswith("True")
    assert maixpy.type("import machine; len(machine.unique_id())").startswith("32")


def test_m5stickv_demo(data):
    """M5Stack's own firmware: power chip and buttons by I2C and pads, start-up sound, OV7740, faces on the LCD."""
    picture = data("images/astronaut_320x240.ppm")
    config = Config(board="m5stickv", flash=(str(third_party("m5stickv.kfpkg")),), firmware=False, camera=picture)
    with Emulator(config) as emulator:

        def shows_the_camera() -> bool:
            # The middle of the camera's picture, with a box around the face.
            wanted = np.asarray(Image.open(picture).convert("RGB")).astype(int)[53:188, 40:280]
            shot = np.asarray(emulator.screenshot()).astype(int)
            return bool((np.abs(shot - wanted).max(axis=2) > 40).mean() < 0.05)

        deadline = time.monotonic() + 120
        while '"classid":0' not in emulator.serial_log() or not shows_the_camera():
            assert emulator.alive and time.monotonic() < deadline, emulator.serial_log()
            time.sleep(0.3)
