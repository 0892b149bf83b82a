# SPDX-License-Identifier: MIT
"""The LCD of the Maix boards, written through SPI0 in octal format."""

import io

import pytest
from board_io import MISC, OUT, SPI_DVP_DATA, Spi, gpiohs_output, map_pad
from PIL import Image
from qtest import QTest

SELECT, RST, DC = 3, 30, 31
BYTE_AS_ADDRESS = 2 << 2 | 2  # one byte goes out as the address, both phases on eight lanes
BYTE_AS_INSTRUCTION = 2 << 8 | 2


class Lcd:
    def __init__(self, q):
        self.q = q
        map_pad(q, 36, 15, OUT)
        map_pad(q, 37, 54, OUT)
        map_pad(q, 38, 55, OUT)
        map_pad(q, 39, 17, OUT)
        q.setbits(MISC, SPI_DVP_DATA)
        gpiohs_output(q, RST, 0)
        gpiohs_output(q, RST, 1)
        self.spi = Spi(q, 0)

    def command(self, command, *data):
        gpiohs_output(self.q, DC, 0)
        self.spi.send([command], select=SELECT, lanes=3, command=BYTE_AS_INSTRUCTION)
        if data:
            gpiohs_output(self.q, DC, 1)
            self.spi.send(list(data), select=SELECT, lanes=3, command=BYTE_AS_ADDRESS)

    def start(self, madctl):
        for command, *data in ([0x01], [0x11], [0x3A, 0x55], [0x36, madctl], [0x13], [0x29]):
            self.command(command, *data)

    def window(self, x0, y0, x1, y1):
        self.command(0x2A, x0 >> 8, x0 & 255, x1 >> 8, x1 & 255)
        self.command(0x2B, y0 >> 8, y0 & 255, y1 >> 8, y1 & 255)

    def shot(self):
        path = self.q.directory / "shot.ppm"
        self.q.qmp("screendump", filename=str(path))
        return Image.open(io.BytesIO(path.read_bytes())).convert("RGB")


@pytest.fixture
def lcd():
    with QTest() as q:
        yield Lcd(q)


RED, GREEN = (0xF8, 0x00), (0x07, 0xE0)

# Where the pixels (0,0) and (1,0) of the writer end up in the picture that is upright with A0h: MY mirrors and
# MX mirrors the axis they own, MV exchanges them.
CORNERS = {
    0xA0: ((0, 0), (1, 0)),
    0xE0: ((0, 239), (1, 239)),
    0x20: ((319, 0), (318, 0)),
    0x60: ((319, 239), (318, 239)),
    0x00: ((319, 0), (319, 1)),
    0x40: ((319, 239), (319, 238)),
    0x80: ((0, 0), (0, 1)),
    0xC0: ((0, 239), (0, 238)),
}


@pytest.mark.parametrize("madctl", CORNERS, ids=hex)
def test_orientation(lcd, madctl):
    lcd.start(madctl)
    lcd.window(0, 0, 1, 0)
    lcd.command(0x2C, *RED, *GREEN)
    shot = lcd.shot()
    first, second = CORNERS[madctl]
    assert shot.size == (320, 240)
    assert shot.getpixel(first) == (255, 0, 0)
    assert shot.getpixel(second) == (0, 255, 0)
    lit = [xy for xy in ((x, y) for x in range(320) for y in range(240)) if shot.getpixel(xy) != (0, 0, 0)]
    assert sorted(lit) == sorted([first, second])


def test_32_bit_frames_carry_two_pixels(lcd):
    lcd.start(0xA0)
    lcd.window(10, 20, 13, 20)
    lcd.command(0x2C)
    gpiohs_output(lcd.q, DC, 1)
    lcd.spi.send([0xF800_07E0, 0x001F_FFFF], select=SELECT, bits=32, lanes=3, command=8 << 2 | 2)
    shot = lcd.shot()
    assert [shot.getpixel((10 + i, 20)) for i in range(4)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


def test_window_wraps_and_pictures_are_counted(lcd):
    lcd.start(0xA0)
    before = lcd.q.qom_get("/machine/lcd", "pictures")
    lcd.window(5, 5, 6, 6)
    lcd.command(0x2C, *RED, *RED)
    assert lcd.q.qom_get("/machine/lcd", "painting"), "half of the window"
    lcd.command(0x3C, *RED, *RED, *GREEN)
    shot = lcd.shot()
    assert shot.getpixel((5, 5)) == (0, 255, 0), "the fifth pixel starts over"
    assert shot.getpixel((6, 6)) == (255, 0, 0)
    assert lcd.q.qom_get("/machine/lcd", "pictures") > before
    assert not lcd.q.qom_get("/machine/lcd", "painting")


def test_inversion_bgr_and_display_off(lcd):
    lcd.start(0xA8)
    lcd.window(0, 0, 0, 0)
    lcd.command(0x2C, *RED)
    assert lcd.shot().getpixel((0, 0)) == (0, 0, 255), "red and blue are swapped"
    lcd.command(0x21)
    assert lcd.shot().getpixel((0, 0)) == (255, 255, 0)
    lcd.command(0x28)
    assert lcd.shot().getpixel((0, 0)) == (0, 0, 0)


def test_nothing_arrives_without_the_select_pad(lcd):
    lcd.start(0xA0)
    map_pad(lcd.q, 36, 29, OUT)  # GPIOHS5
    gpiohs_output(lcd.q, 5, 1)
    lcd.window(0, 0, 0, 0)
    lcd.command(0x2C, *RED)
    assert lcd.shot().getpixel((0, 0)) == (0, 0, 0)
