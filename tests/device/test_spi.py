# SPDX-License-Identifier: MIT
"""machine.SPI with a card in the board's slot, rates in virtual time, MaixPy's keywords, errors."""

import re
from pathlib import Path

import pytest

from k210.board import Board
from k210.errors import ScriptError

CARD = Path(__file__).parent


@pytest.mark.k210(icount=True)
@pytest.mark.parametrize(("hz", "count"), [(100_000, 160), (1_000_000, 3200), (8_000_000, 3200), (25_000_000, 32000)])
def test_rate(board: Board, hz: int, count: int) -> None:
    """Frames follow each other nearly without a pause; the printed rate is the real one."""
    code = f"""
from machine import SPI
import time
s = SPI(SPI.SPI1, mode=SPI.MODE_MASTER, baudrate={hz}, polarity=0, phase=0, bits=8, firstbit=SPI.MSB,
        sck=8, mosi=9, miso=10)
print(s)
b = bytearray({count})
for f in (lambda: s.write(b), lambda: s.readinto(b), lambda: s.write_readinto(b, b)):
    t = time.ticks_us()
    f()
    print(time.ticks_diff(time.ticks_us(), t))
"""
    first, *times = board.exec(code).splitlines()
    match = re.search(
        r"id=1, mode=0, baudrate=(\d+), polarity=0, phase=0, bits=8, firstbit=0, sck=8, mosi=9, miso=10$", first
    )
    assert match
    real = int(match[1])
    assert 0.85 * hz <= real <= hz
    for us in times:
        assert int(us) == pytest.approx(count * 8e6 / real, rel=0.05 if hz < 20_000_000 else 0.12, abs=40)


@pytest.mark.emulator_only
@pytest.mark.k210(sdcard=CARD)
def test_sd_card_answers(board: Board) -> None:
    """CMD0 and CMD8 by hand on the board's slot: idle state, and the check pattern comes back."""
    code = """
from machine import SPI
s = SPI(SPI.SPI1, mode=SPI.MODE_MASTER, baudrate=400000, sck=27, mosi=28, miso=26, cs0=29, cs1=15)
s.write(b'\\xff' * 10, cs=SPI.CS1)
def command(n, argument, crc, more):
    frame = bytes((0x40 | n,)) + argument.to_bytes(4, 'big') + bytes((crc,)) + b'\\xff' * (8 + more)
    answer = bytearray(len(frame))
    s.write_readinto(frame, answer, cs=SPI.CS0)
    at = next(i for i in range(6, len(answer)) if not answer[i] & 0x80)
    return answer[at:at + 1 + more]
print(command(0, 0, 0x95, 0), command(8, 0x1AA, 0x87, 4))
"""
    assert board.exec(code) == r"bytearray(b'\x01') bytearray(b'\x01\x00\x00\x01\xaa')" + "\n"


def test_chip_selects_frames_and_words(board: Board) -> None:
    """Nobody answers: the input is high. Select lines go up again, wide frames and bit order work."""
    code = """
from machine import SPI, Pin
s = SPI(1, baudrate=1000000, bits=16, sck=8, mosi=9, miso=10, cs0=11, cs3=12)
print(s.read(4, 0x1234), s.write(b'1234', cs=SPI.CS3))
print(Pin(11)(), Pin(12)(), str(s)[-14:])
s.init(mode=SPI.MODE_MASTER, baudrate=1000000, firstbit=SPI.LSB, sck=8, mosi=9, miso=10)
b = bytearray(3)
s.write_readinto(b'abc', b)
print(b, s.write(0), s.write(0xFFFFFFFF), s.read(0), s.read(2, write=1, cs=SPI.CS0))
s.deinit()
from Maix import FPIOA
print(FPIOA().get_function(8) == FPIOA.RESV0)
"""
    assert board.exec(code).splitlines() == [
        r"b'\xff\xff\xff\xff' None",
        "1 1 cs0=11, cs3=12",
        r"bytearray(b'\xff\xff\xff') None None b'' b'\xff\xff'",
        "True",
    ]


def test_micropythons_spelling_and_soft_spi(board: Board) -> None:
    code = """
from machine import SPI, Pin
s = SPI(0, 2000000, sck=Pin(8), mosi=Pin(9), miso=Pin(10))
print(s.read(2))
s = SPI(SPI.SPI_SOFT, baudrate=100000, sck=18, mosi=19, miso=20)
b = bytearray(2)
s.write_readinto(b'ab', b)
print(b, str(s)[:8])
s.write(b'xy')
"""
    assert board.exec(code) == "b'\\xff\\xff'\nbytearray(b'\\x00\\x00') [MAIXPY]\n"


def test_lcd_and_spi0_take_turns(board: Board) -> None:
    code = """
import lcd
from machine import SPI
lcd.init()
s = SPI(SPI.SPI0, baudrate=10000000)
for i in range(20):
    lcd.clear(i * 1000)
    s.write(b'between the pictures')
lcd.clear(0xF800)
print('done')
"""
    assert board.exec(code) == "done\n"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("SPI(3)", "ValueError: .*spi id error"),
        ("SPI(9)", "ValueError: .*spi id error"),
        ("SPI(SPI.SPI2)", "NotImplementedError: .*SPI2 only for slave mode"),
        ("SPI(1, mode=5)", "ValueError: .*spi mode error"),
        ("SPI(1, mode=SPI.MODE_MASTER_4)", "NotImplementedError: .*only standard mode"),
        ("SPI(1, mode=SPI.MODE_SLAVE)", "ValueError: .*slave mode only for SPI2"),
        ("SPI(1, baudrate=0)", "ValueError: .*baudrate.freq. value error"),
        ("SPI(1, baudrate=-1)", "ValueError: .*baudrate.freq. value error"),
        ("SPI(1, baudrate=100)", "ValueError: .*baudrate.freq. value error"),
        ("SPI(1, polarity=2)", "ValueError: .*polarity"),
        ("SPI(1, phase=-1)", "ValueError: .*phase"),
        ("SPI(1, bits=3)", "ValueError: .*bits should be 4~32"),
        ("SPI(1, firstbit=2)", "ValueError: .*firstbit"),
        ("SPI(1, sck=48)", "ValueError: pin 48"),
        ("SPI(1, sck=8, mosi=8)", "ValueError: .*different pins"),
        ("SPI(1, cs0=4)", "ValueError: pin 4 cannot be GPIOHS0, it is used by UARTHS_RX"),
        ("SPI(1, bits=16).write(b'123')", "ValueError: .*3 bytes are not whole frames of 16 bits"),
        ("SPI(1).write(b'123', cs=4)", "ValueError: .*cs should be"),
        ("SPI(1).read(-1)", "ValueError: .*nbytes"),
        ("SPI(1).write_readinto(b'12', bytearray(3))", "ValueError: .*buffers must be the same length"),
        ("SPI(SPI.SPI_SOFT, sck=8)", "ValueError: .*needs sck, mosi and miso"),
        ("s = SPI(1); s.deinit(); s.read(1)", "OSError: .*transfer on deinitialized SPI"),
        ("SPI(1, sck=8, mosi=9); SPI(0, sck=9)", "ValueError: pin 9 cannot be SPI0_SCLK, it is used by SPI1_D0"),
    ],
)
def test_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        board.exec(f"from machine import SPI\n{call}")
