# SPDX-License-Identifier: MIT
"""Every board's own firmware on an emulated board with its own parts."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from k210.board import Board

pytestmark = [pytest.mark.emulator_only, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Kind:
    """What the firmware says of a board."""

    board: str
    machine: str
    size: tuple[int, int]
    sensor: int = 0x2642
    rotation: int = 0  # with which the picture stands upright


KINDS = [
    Kind("maix_bit", "Sipeed Maix Bit", (320, 240)),
    Kind("maix_dock", "Sipeed Maix Dock", (320, 240)),
    Kind("maix_go", "Sipeed Maix Go", (320, 240)),
    Kind("maixduino", "Sipeed Maixduino", (320, 240)),
    Kind("maix_cube", "Sipeed Maix Cube", (240, 240), sensor=0x7742),
    Kind("maix_amigo", "Sipeed Maix Amigo", (480, 320), sensor=0x7742),
    Kind("m5stickv", "M5StickV", (240, 135), sensor=0x7742, rotation=2),
]
BOARDS = [pytest.param(k, marks=pytest.mark.k210(board=k.board), id=k.board) for k in KINDS]


def quarters() -> Image.Image:
    """Red, green, blue, white in the corners: tells a turned, a mirrored and a miscoloured picture."""
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:120, :160], picture[:120, 160:] = (255, 0, 0), (0, 255, 0)
    picture[120:, :160], picture[120:, 160:] = (0, 0, 255), (255, 255, 255)
    return Image.fromarray(picture)


@pytest.mark.parametrize("kind", BOARDS)
def test_camera_to_display(board: Board, kind: Kind) -> None:
    board.show(quarters())
    code = f"""
import os, sensor, lcd
lcd.init()
lcd.rotation({kind.rotation}) if {kind.rotation} else None
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
lcd.display(sensor.snapshot())
print(os.uname().machine)
print((lcd.width(), lcd.height()), hex(sensor.get_id()))
lcd.deinit()
"""
    machine, facts = board.exec(code).splitlines()
    assert machine == f"{kind.machine} with K210"
    assert facts == f"{kind.size} {hex(kind.sensor)}"
    screen = np.asarray(board.screenshot().convert("RGB"), np.int16)
    assert screen.shape == (kind.size[1], kind.size[0], 3)
    h, w = screen.shape[:2]
    dy, dx = min(h, 240) // 4, min(w, 320) // 4
    found = [screen[h // 2 + y * dy, w // 2 + x * dx] for y in (-1, 1) for x in (-1, 1)]
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    assert np.abs(np.array(found) - wanted).max() <= 16, found


@pytest.mark.parametrize("kind", BOARDS)
def test_leds_have_their_names(board: Board, kind: Kind) -> None:
    names = {"red": "LED_R", "green": "LED_G", "blue": "LED_B", "white": "LED_W"}
    if kind.board not in ("maix_cube", "maix_amigo", "m5stickv"):
        del names["white"]
    setup = "from fpioa_manager import fm\nfrom Maix import GPIO\nfrom board import board_info\n"
    for led, name in names.items():
        for level in (0, 1):
            board.exec(
                f"{setup}fm.register(board_info.{name}, fm.fpioa.GPIO0)\nled = GPIO(GPIO.GPIO0, GPIO.OUT)\n"
                f"led.value({level})"
            )
            lit = {other: board.led(other) for other in names}
            assert lit == {other: other == led and level == 0 for other in names}
        board.exec(f"{setup}fm.unregister(board_info.{name})")


@pytest.mark.parametrize(
    ("scl", "sda", "registers"),
    [
        pytest.param(24, 27, {0x27: 0x20, 0x28: 0x0C, 0x36: 0xCC}, marks=pytest.mark.k210(board="maix_amigo")),
        pytest.param(28, 29, {0x12: 0xFF, 0x23: 0x08, 0x28: 0xF0}, marks=pytest.mark.k210(board="m5stickv")),
    ],
)
def test_the_power_chip_is_set_up(board: Board, scl: int, sda: int, registers: dict[int, int]) -> None:
    code = f"from machine import I2C\ni = I2C(0, scl={scl}, sda={sda})\n"
    code += "\n".join(f"print(i.readfrom_mem(0x34, {r}, 1)[0])" for r in registers)
    assert board.exec(code).split() == [str(v) for v in registers.values()]


@pytest.mark.k210(board="m5stickv")
def test_type_1_is_the_panel_of_an_m5stickv(board: Board) -> None:
    board.exec("import lcd\nlcd.init(type=1, freq=15000000, color=lcd.RED)\nprint(lcd.width(), lcd.height())")
    assert board.screenshot().convert("RGB").getcolors() == [(240 * 135, (255, 0, 0))]


# ---- /flash/config.json -----------------------------------------------------------------------------


@pytest.fixture
def config(board: Board) -> Generator[Board, None, None]:
    yield board
    board.exec("import os\ntry:\n os.remove('/flash/config.json')\nexcept OSError:\n pass")


def test_config_json_changes_the_display(config: Board) -> None:
    config.put(b'{"type": "x", "lcd": {"width": 240, "height": 200, "dir": 96}, "other": [1]}', "/flash/config.json")
    code = """
import lcd
from Maix import config
lcd.init()
print(lcd.width(), lcd.height(), config.get_value("other", 0), config.get_value("none", 7))
"""
    assert config.exec(code) == "240 200 [1] 7\n"


def test_config_json_moves_the_camera(config: Board) -> None:
    config.put(b'{"sensor": {"pin_sda": 20, "pin_clk": 21}}', "/flash/config.json")
    code = "import sensor\ntry:\n sensor.reset()\nexcept OSError as e:\n print(e)"
    assert "Reset Failed" in config.exec(code)  # there is no camera at these pins
    config.put(b'{"sensor": {"pin_sda": 48}}', "/flash/config.json")
    code = code.replace("OSError", "ValueError")
    assert config.exec(code) == "/flash/config.json: pin_sda must be 0 to 47, not 48\n"


@pytest.mark.parametrize("text", [b"", b"{", b"[1, 2]", b'{"lcd": 3, "sensor": null}', b"\xff\x00"])
def test_a_broken_config_json_keeps_nothing_from_working(config: Board, text: bytes) -> None:
    config.put(text, "/flash/config.json")
    lines = config.exec("import lcd, sensor\nlcd.init()\nsensor.reset()\nprint(lcd.width())").splitlines()
    assert lines[-1] == "320"
    assert all(line.startswith("[Warning] /flash/config.json: ") for line in lines[:-1])


@pytest.mark.k210(board="m5stickv")
def test_power_chip_by_the_names_of_m5stack(board: Board) -> None:
    code = """
from pmu import axp192
axp = axp192()
axp.enableADCs(True)
print(3000 < axp.getVbatVoltage() < 4300, 4500 < axp.getUSBVoltage() < 5500, 0 < axp.getTemperature() < 60)
axp.setScreenBrightness(9)
print(axp._read(0x91))
axp.enablePMICSleepMode(True)
import time
time.sleep(1.1)
axp.enablePMICSleepMode(False)
print(axp.getKeyStatus())
try:
    axp.setScreenBrightness(99)
except ValueError as e:
    print(e)
"""
    told = ["True True True", str(0x90), "-1", "brightness: 0 to 15, not 99"]
    assert board.exec(code).splitlines() == told
