# SPDX-License-Identifier: MIT
"""MaixPy's touchscreen and modules."""

import pytest

from k210.board import Board
from k210.errors import ScriptError

# A resistive controller of two lines: touched where `at` says, None = not at all.
NS2009 = """
import touchscreen as ts
class Bus:
    at = None
    def readfrom_mem(self, address, register, n):
        assert address == 0x48 and n == 2
        x, y = self.at or (0, 0)
        v = {0xC0: x, 0xD0: y, 0xE0: 900 if self.at else 3}[register]
        return bytes((v >> 4, v << 4 & 0xFF))
bus = Bus()
"""


def test_resistive_touch(board: Board) -> None:
    code = """
ts.init(i2c=bus, cal=(65536, 0, 0, 0, 131072, 65536 * 5, 65536))
print(ts.read())
bus.at = (100, 50)
print(ts.read(), ts.read())
bus.at = None
print(ts.read(), ts.read())
print(ts.STATUS_IDLE, ts.STATUS_RELEASE, ts.STATUS_PRESS, ts.STATUS_MOVE, ts.NS2009, ts.FT62XX)
"""
    assert board.exec(NS2009 + code).splitlines() == [
        "(0, 0, 0)",
        "(2, 100, 105) (3, 100, 105)",
        "(1, 100, 105) (0, 100, 105)",
        "0 1 2 3 0 1",
    ]


def test_calibration_finds_the_plane(board: Board) -> None:
    """The finger follows the cross that is on the screen."""
    code = """
import lcd
lcd.init()
class Finger(Bus):
    polls = 0
    def readfrom_mem(self, address, register, n):
        if register == 0xE0:
            self.polls += 1
            cross = crosses[self.polls // 20] if self.polls // 20 < len(crosses) else (0, 0)
            down = self.polls % 20 < 10
            self.at = (3900 - cross[0] * 11, 200 + cross[1] * 15) if down else None
        return super().readfrom_mem(address, register, n)
crosses = ((20, 20), (300, 20), (300, 220), (20, 220), (160, 120), (100, 60))
bus = Finger()
ts.init(i2c=bus)
bus.polls = -1
cal = ts.calibrate()
bus.polls = 99
print(len(cal), cal[6], ts.read())
"""
    length, scale, read = board.exec(NS2009 + code).split(maxsplit=2)
    assert (length, scale) == ("7", "65536")
    _, x, y = eval(read)
    assert abs(x - 100) <= 1
    assert abs(y - 60) <= 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ts.read()", "OSError: touchscreen.init"),
        ("ts.init(i2c=bus, cal=(1, 2))", "ValueError: tuple size must be 7"),
        ("ts.init(i2c=bus, cal=(1, 2, 3, 4, 5, 6, 0))", "ValueError: .*divisor"),
        ("ts.init(i2c=bus, type=7)", "ValueError: .*not 7"),
        ("ts.init()", "OSError|ValueError"),
    ],
)
def test_touch_errors(board: Board, code: str, words: str) -> None:
    with pytest.raises(ScriptError, match=words):
        board.exec(NS2009 + code)


@pytest.mark.emulator_only
@pytest.mark.k210(board="maix_amigo")
def test_capacitive_touch(board: Board) -> None:
    assert board.emulator
    board.exec("import lcd, touchscreen as ts\nlcd.init()\nts.init()\nprint(ts.read())")
    seen = []
    # Corners of the upright glass, 320x480; the picture lies on its side, 480x320.
    for points in ("10,20", "310,20", "310,470", ""):
        board.emulator.set("/machine/touch", "points", points)
        seen.append(board.exec("print(ts.read(), end='')"))
    assert seen == ["(2, 20, 309)", "(3, 20, 9)", "(3, 470, 9)", "(1, 470, 9)"]


def test_ws2812(board: Board) -> None:
    code = """
import machine, modules
sent = []
def bitstream(pin, kind, timing, data):
    sent.append((kind, sum(timing[:2]), sum(timing[2:]), bytes(data)))
modules.machine = type("M", (), {"bitstream": staticmethod(bitstream)})
leds = modules.ws2812(8, 3)
leds.set_led(1, (1, 2, 3))
leds.set_led(2, (255, 0, 128))
leds.display()
print(leds.ws_num(), sent)
for wrong in (lambda: leds.set_led(3, (0, 0, 0)), lambda: modules.ws2812(8, 0)):
    try:
        wrong()
    except ValueError as e:
        print(e)
"""
    assert board.exec(code).splitlines() == [
        "3 [(0, 1250, 1250, b'\\x00\\x00\\x00\\x02\\x01\\x03\\x00\\xff\\x80')]",
        "led 3 is not 0 to 2",
        "led_num must be at least 1, not 0",
    ]


def test_onewire_search(board: Board) -> None:
    """Three parts on a line that is made of Python, two of them alike but for the last bits."""
    code = """
import modules
from fpioa_manager import fm
fm.register(8, fm.fpioa.GPIOHS1)
w = modules.onewire(fm.fpioa.GPIOHS1)
def rom(n):
    seven = bytes((0x28, n & 255, n >> 8, 0, 0, 0, 0))
    return seven + bytes((w.crc8(seven),))
parts = [rom(n) for n in (0x1234, 0x1235, 0x0001)]
class Line:
    def reset(self, pin):
        self.left, self.bit, self.phase = [int.from_bytes(p, "little") for p in parts], 0, 0
        return bool(parts)
    def writebyte(self, pin, value):
        assert value == 0xF0
    def readbit(self, pin):
        bits = {p >> self.bit & 1 for p in self.left}
        self.phase += 1
        return int(bits == {1}) if self.phase % 2 else int(bits == {0})
    def writebit(self, pin, value):
        self.left = [p for p in self.left if p >> self.bit & 1 == value]
        self.bit += 1
    def crc8(self, data):
        return real.crc8(data)
real = w._bus
w._bus = Line()
found = w.search()
print(len(found), sorted(found) == sorted(parts))
parts = []
print(w.search())
"""
    assert board.exec(code) == "3 True\n[]\n"


def test_parts_on_no_pin(board: Board) -> None:
    for part in ("onewire", "ultrasonic"):
        with pytest.raises(ScriptError, match="fm.register"):
            board.exec(f"import modules\nfrom Maix import FPIOA\nmodules.{part}(FPIOA().GPIOHS7)")
