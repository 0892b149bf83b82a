# SPDX-License-Identifier: MIT
"""The LCD of the Maix boards, written through SPI0 in octal format."""

import io

import pytest
from board_io import MISC, OUT, SPI_DVP_DATA, Spi, gpiohs_output, map_pad
from PIL import Image
from qtest import QemuError, QTest

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


def lines(lcd):
    """Colours of the 320 rows of the frame memory: row r is column 319 - r of an A0h picture written in 00h."""
    shot = lcd.shot()
    return [shot.getpixel((319 - r, 0)) for r in range(320)]


def paint_rows(lcd):
    lcd.start(0x00)
    for row, (high, low) in enumerate((RED, GREEN)):
        lcd.window(0, row, 0, row)
        lcd.command(0x2C, high, low)


def test_vertical_scrolling(lcd):
    """Two fixed rows on top; the others show what is three rows further on, and wrap around."""
    paint_rows(lcd)
    lcd.window(0, 4, 0, 4)
    lcd.command(0x2C, *RED)
    lcd.command(0x33, 0, 2, 318 >> 8, 318 & 255, 0, 0)
    lcd.command(0x37, 0, 5)
    seen = lines(lcd)
    assert seen[:2] == [(255, 0, 0), (0, 255, 0)], "the fixed rows"
    assert [r for r, colour in enumerate(seen) if colour == (255, 0, 0)] == [0, 319]
    lcd.command(0x37, 0, 3)
    assert [r for r, colour in enumerate(lines(lcd)) if colour == (255, 0, 0)] == [0, 3]
    lcd.command(0x13)
    assert [r for r, colour in enumerate(lines(lcd)) if colour == (255, 0, 0)] == [0, 4]


def test_partial_and_idle_mode(lcd):
    paint_rows(lcd)
    lcd.command(0x30, 0, 1, 0, 9)
    lcd.command(0x12)
    assert lines(lcd)[:2] == [(0, 0, 0), (0, 255, 0)]
    lcd.command(0x13)
    lcd.window(0, 2, 1, 2)
    lcd.command(0x2C, 0x84, 0x10, 0x7B, 0xEF)  # just above and just below the middle
    lcd.command(0x39)
    shot = lcd.shot()
    assert [shot.getpixel((317, y)) for y in (0, 1)] == [(255, 255, 255), (0, 0, 0)]


def read(lcd, command, count):
    """As over a parallel bus with its read strobe: a dummy byte, then the answer."""
    gpiohs_output(lcd.q, DC, 0)
    lcd.spi.send([command], select=SELECT, lanes=3, command=BYTE_AS_INSTRUCTION)
    gpiohs_output(lcd.q, DC, 1)
    lcd.spi.setup(tmod=0)
    lcd.spi.write(0x10, 1 << SELECT)
    got = []
    for _ in range(count + 1):
        lcd.spi.write(0x60, 0)
        lcd.spi.wait(lambda: lcd.spi.read(0x24))
        got.append(lcd.spi.read(0x60))
    lcd.spi.write(0x10, 0)
    return got[1:]


def test_reading_back(lcd):
    paint_rows(lcd)
    assert read(lcd, 0x04, 3) == [0x85, 0x85, 0x52]
    assert [read(lcd, c, 1)[0] for c in (0xDA, 0xDB, 0xDC)] == [0x85, 0x85, 0x52]
    assert read(lcd, 0x0C, 1) == [0x55] and read(lcd, 0x0A, 1) == [0x80 | 0x10 | 8 | 4]
    lcd.window(0, 0, 0, 1)
    assert read(lcd, 0x2E, 6) == [0xFC, 0, 0, 0, 0xFC, 0]
    lcd.command(0x36, 0xA8)
    assert read(lcd, 0x0B, 1) == [0xA8]


@pytest.mark.parametrize(
    ("panel", "command", "answer"),
    [("ili9341", 0xD3, [0, 0x93, 0x41]), ("ili9486", 0xD3, [0, 0x94, 0x86]), ("nt35310", 0xD4, [1, 0x53, 0x10])],
)
def test_other_panels_on_a_board(panel, command, answer):
    with QTest(panel=panel) as q:
        assert read(Lcd(q), command, 3) == answer


def test_without_a_panel():
    with QTest(panel="none") as q, pytest.raises(QemuError, match="lcd"):
        q.qom_get("/machine/lcd", "pictures")
    with pytest.raises(QemuError, match="there is no LCD 'oled'"):
        QTest(panel="oled")


def test_bytes_for_others_do_not_reach_the_lcd(lcd):
    """Its write strobe is a pad: with something else on that, the controller talks to another part."""
    paint_rows(lcd)
    map_pad(lcd.q, 39, 55, OUT)
    lcd.command(0x28)
    map_pad(lcd.q, 39, 17, OUT)
    assert lines(lcd)[0] == (255, 0, 0)


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
