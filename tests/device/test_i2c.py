# SPDX-License-Identifier: MIT
"""machine.I2C with MaixPy's keywords, bit-banged buses, and lines that are held."""

from collections.abc import Iterator

import pytest

from k210.board import Board
from k210.errors import ScriptError

CAMERA = "import sensor\nsensor.reset()\nfrom machine import I2C\n"


@pytest.mark.emulator_only
def test_registers_of_the_camera(board: Board) -> None:
    """The OV2640's second bank has its id in registers 0A and 0B."""
    code = (
        CAMERA
        + """
i = I2C(I2C.I2C2, mode=I2C.MODE_MASTER, scl=41, sda=40, gscl=0, gsda=0, freq=100000, timeout=1000, addr=0, addr_size=7)
i.writeto_mem(0x30, 0xFF, 1)
i.writeto_mem(0x30, 0xFF, b'\\x01', mem_size=8)
print(i.readfrom_mem(0x30, 0x0A, 1, mem_size=8), i.readfrom_mem(0x30, 0x0A, 1))
b = bytearray(1)
i.readfrom_mem_into(0x30, 0x0A, b, mem_size=8)
print(b, i.scan())
"""
    )
    assert board.exec(code).splitlines()[-2:] == ["b'&' b'&'", "bytearray(b'&') [48]"]


@pytest.mark.parametrize("bus", ["I2C3", "I2C4", "I2C5", "I2C_SOFT"])
def test_bit_banged_buses(board: Board, bus: str) -> None:
    code = f"""
from machine import I2C
from fpioa_manager import fm
i = I2C(I2C.{bus}, freq=100000, scl=24, sda=35, gscl=fm.fpioa.GPIOHS1, gsda=fm.fpioa.GPIOHS2)
print(i.scan(), fm.fpioa.get_function(24) == fm.fpioa.GPIOHS1)
try:
    i.readfrom_mem(0x40, 1, 2, mem_size=16)
except OSError as e:
    print(e.errno)
"""
    assert board.exec(code) == "[] True\n19\n"


@pytest.fixture
def held(board: Board) -> Iterator[Board]:
    """Pad 22 pulls pad 20 down."""
    board.emulator.set("/machine/soc/fpioa", "jumpers", "20-22")
    board.exec("from machine import Pin\nPin(22, Pin.OUT, value=0)")
    yield board
    board.exec("from machine import Pin\nPin(22, Pin.IN)")
    board.emulator.set("/machine/soc/fpioa", "jumpers", "")


@pytest.mark.emulator_only
@pytest.mark.parametrize(("scl", "sda", "name"), [(20, 21, "SCL"), (21, 20, "SDA")])
@pytest.mark.parametrize("call", ["scan()", "readfrom(0x40, 1)", "writeto(0x40, b'1')", "readfrom_mem(0x40, 1, 1)"])
def test_held_line_is_named(held: Board, scl: int, sda: int, name: str, call: str) -> None:
    with pytest.raises(ScriptError, match=rf"OSError: I2C0: {name} \(pin 20\) is held low"):
        held.exec(f"from machine import I2C\nI2C(I2C.I2C0, scl={scl}, sda={sda}).{call}")


@pytest.mark.emulator_only
def test_held_line_of_a_bit_banged_bus(held: Board) -> None:
    with pytest.raises(ScriptError, match="OSError: .*ETIMEDOUT"):
        held.exec("from machine import I2C\nI2C(I2C.I2C3, scl=20, sda=21).writeto(0x40, b'1')")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("I2C(7)", r"I2C: I2C\(7\) doesn't exist"),
        ("I2C(-1, scl=20, sda=21)", r"I2C: I2C\(-1\) doesn't exist"),
        ("I2C(3)", "pin.scl/sda. error"),
        ("I2C(3, scl=20, sda=21, gscl=5)", "gpio.scl/sda. error"),
        ("I2C(0, scl=20, sda=48)", "pin 48"),
        ("I2C(0, scl=4, sda=20)", "pin 4 cannot be I2C0_SCLK, it is used by UARTHS_RX"),
        ("I2C(0, scl=20, sda=21, addr_size=10)", "addr size error"),
        ("I2C(0, scl=20, sda=21).readfrom_mem(1, 2, 3, mem_size=7)", "mem_size error"),
        ("I2C(0, scl=20, sda=21).readfrom_mem(1, 2, 3, mem_size=40)", "mem_size error"),
    ],
)
def test_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"from machine import I2C\n{call}")
