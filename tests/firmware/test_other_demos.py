# SPDX-License-Identifier: MIT
"""Demos that others have built, each of which goes its own way with the chip.

The files are not part of this repository. Put them into the folder that K210_THIRD_PARTY_DIR names:

| Name there | From |
|---|---|
| dan_NAME.bin | src/NAME/NAME.bin of github.com/sipeed/LicheeDan_K210_examples |
| dan_face_kmodel.kfpkg | src/face_detect_kmodel_flash/kfpkg/face_detect_kmodel_flash.kfpkg of the same |
| freertos_face.kfpkg | face_detect/kfpkg/kfpkg.kfpkg of github.com/kendryte/kendryte-freertos-demo |
| yolo3_pub.kfpkg | yolo3_frame_test_public/kfpkg/kpu_yolov3.kfpkg of github.com/EunseongBoo/kendryte_mobile_yolo |
"""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from third_party import third_party

from k210.emulator import Config, Emulator

SHA256 = {
    "dan_dvp_ov.bin": "6c20113cbfad501da13d3a2c2b1a7e6fee2a12d0864a9bd7dc884514d5c30827",
    "dan_face_detect.bin": "476355f6e16e1b3a22a35e7a08886b33ebfdafdd4d6d69aff80df7bd87aaa772",
    "dan_hello_world.bin": "16de27a37cf744ba2e97484e09ddafbcf51e7037904c5fd0269a81bf5888fc4b",
    "dan_jpeg_decode.bin": "a88949def1e2580e5c69b271b54c07ada5c580fe596bb1e7d86ad5eb8e9b444c",
    "dan_kpu_conv.bin": "caeb39f45bef1ece315d2c55198c3d157db5f5a966ddb1bbfc89cdde960893b3",
    "dan_lvgl.bin": "3dc64645ba8ed181b07512302191af4617c527d903c7d5e391b19cbf0d86839c",
    "dan_mnist.bin": "ba6451b7a0cfc4b7f0a646ba62c79ef3757f35b25db59d611cc238b107d2aa00",
    "dan_sd_card.bin": "2d2b6ad77524ecbb756e43f6555bef8b6b80c6c26d447a701af5734cae66c637",
    "dan_wav_test.bin": "b25cb9796011f33d7c4ed15de99e4138eb4aa6bf288aaca208a7d07136c1a293",
    "dan_face_kmodel.kfpkg": "aca4b6f8b6a41f0c535648280827af8441dc2f40c88160a795727b05c0ca8d9b",
    "freertos_face.kfpkg": "db752fd30aa8bfc1605a95d56ba6551b70be20e13cc16ca039685a77a5aa5ab8",
    "yolo3_pub.kfpkg": "40acb42a7e6308f049d2614680341365cfda519f401040b61c289581300d0373",
}
FACE = (117, 23, 165, 86)  # x1, y1, x2, y2 of the astronaut's, as the reference model finds it
MIRRORED = (319 - FACE[2], FACE[1], 319 - FACE[0], FACE[3])  # Sipeed's demos set the OV2640's mirror bit


def start(name: str, **parts: object) -> Emulator:
    return Emulator(Config(flash=(str(third_party(name, SHA256[name])),), firmware=False, **parts))


def wait(emulator: Emulator, condition: Callable[[], object], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert emulator.alive, emulator.messages()
        assert time.monotonic() < deadline, emulator.serial_log()
        time.sleep(0.2)


def printed(emulator: Emulator, text: str) -> None:
    wait(emulator, lambda: text in emulator.serial_log())


def box(picture: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int] | None:
    pixels = np.asarray(picture).astype(int)
    rows, columns = np.nonzero(np.abs(pixels - colour).max(axis=2) < 16)
    return (columns.min(), rows.min(), columns.max(), rows.max()) if len(rows) else None


def mirrored_picture(shot: Image.Image, file: Path) -> bool:
    camera = np.asarray(Image.open(file).convert("RGB")).astype(int)[:, ::-1]
    return bool((np.abs(np.asarray(shot).astype(int) - camera).max(axis=2) > 24).mean() < 0.02)


def test_both_harts_print():
    with start("dan_hello_world.bin") as emulator:
        printed(emulator, "Core 0 Hello world")
        printed(emulator, "Core 1 Hello world")


def test_camera_on_the_lcd(data):
    picture = data("images/astronaut_320x240.ppm")
    with start("dan_dvp_ov.bin", camera=picture) as emulator:
        printed(emulator, "manuf_id:0x7fa2,device_id:0x2642")
        wait(emulator, lambda: mirrored_picture(emulator.screenshot(), picture))


@pytest.mark.parametrize("name", ["dan_face_kmodel.kfpkg", "dan_face_detect.bin"])
def test_face_by_the_first_kpu_driver(data, name):
    """It keeps up to 22 layers of a v1 model in the KPU's queue at once."""
    with start(name, camera=data("images/astronaut_320x240.ppm")) as emulator:

        def found() -> bool:
            at = box(emulator.screenshot(), (255, 0, 0))
            return at is not None and bool(np.abs(np.subtract(at, MIRRORED)).max() <= 6)

        if name == "dan_face_kmodel.kfpkg":
            wait(emulator, found)
        else:  # its model wants larger faces; it shows the camera's picture and goes on
            printed(emulator, "REGION LAYER INIT")
            wait(emulator, lambda: emulator.pictures() > 30)


def test_convolution_in_16_bit_mode(data):
    """Edges, by a 3x3 layer with 16-bit weights."""
    with start("dan_kpu_conv.bin", camera=data("images/astronaut_320x240.ppm")) as emulator:
        printed(emulator, "enter 3x3 kernel")

        def dark_with_edges() -> bool:
            grey = np.asarray(emulator.screenshot().convert("L"))[60:220, 20:300]
            return bool((grey < 32).mean() > 0.6 and (grey > 128).mean() > 0.01)

        wait(emulator, dark_with_edges)


def test_jpeg_and_lvgl_on_the_lcd():
    for name, colours in (("dan_jpeg_decode.bin", 2000), ("dan_lvgl.bin", 100)):
        with start(name) as emulator:
            wait(emulator, lambda e=emulator, n=colours: len(e.screenshot().getcolors(1 << 17) or ()) >= n)


def test_digits(data):
    with start("dan_mnist.bin", camera=data("images/astronaut_320x240.ppm")) as emulator:
        printed(emulator, "i_max=")


def test_sound():
    with start("dan_wav_test.bin") as emulator:
        printed(emulator, "decode finish 1")


@pytest.mark.skipif(not shutil.which("mkfs.fat"), reason="mkfs.fat (dosfstools) is not installed")
def test_card_on_spi0_with_fatfs(tmp_path):
    """The card is high-capacity, and its pads carry SPI0.

    Under icount, because the program has a race of its own: both harts print at once, and the lock functions of
    its C library are empty (0x8000FF4A to 0x8000FF50 are bare returns), so that both can be in malloc together. A
    later malloc then gives 0, which becomes the DMA's destination, and the mount fails. On the chip hart 1 is
    through its first printf before hart 0 gets there; threads of a host that run freely keep no such order. ``-d
    exec`` with a filter on malloc's entry and exit shows it: 16 of 30 starts had both harts inside, and 7 of these
    failed; none of the 14 failed that had one after the other.
    """
    card = tmp_path / "card.img"
    with card.open("wb") as image:
        image.truncate(4 << 30)
    subprocess.run(["mkfs.fat", "-F", "32", str(card)], check=True, stdout=subprocess.DEVNULL)
    with start("dan_sd_card.bin", sdcard=card, icount=True) as emulator:
        printed(emulator, "Write 1024 bytes to 0:test.txt ok")


def test_face_with_freertos(data):
    """Both harts under FreeRTOS, OV5640, NT35310."""
    with start("freertos_face.kfpkg", board="kd233", camera=data("images/astronaut_320x240.ppm")) as emulator:
        printed(emulator, "ID: 5640")

        def found() -> bool:
            at = box(emulator.screenshot(), (255, 0, 0))
            return at is not None and bool(np.abs(np.subtract(at, FACE)).max() <= 6)

        wait(emulator, found)


def test_yolov3_on_a_built_in_picture():
    with start("yolo3_pub.kfpkg", board="kd233") as emulator:
        wait(emulator, lambda: box(emulator.screenshot(), (0, 255, 0)))
