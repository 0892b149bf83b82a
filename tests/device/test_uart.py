# SPDX-License-Identifier: MIT
"""machine.UART: MaixPy's and MicroPython's way, UART to UART, loss of characters, events, errors."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from k210.board import Board
from k210.errors import ScriptError

# The core's own loop-back: what it sends it receives.
LOOP = """
from machine import UART, mem32
import time
def loop(*args, **kw):
    u = UART(*args, **kw)
    mem32[0x50210010 + 0x10000 * args[0]] = 0x10
    return u
"""


def run(board: Board, code: str) -> list[str]:
    return board.exec(LOOP + code).splitlines()


@pytest.fixture
def cable(tmp_path: Path, board_with: Callable[..., Board]) -> Board:
    """A board whose UART1 and UART2 are connected with each other."""
    socket = tmp_path / "cable"
    arguments = ("-serial", f"unix:{socket},server=on,wait=off", "-serial", f"unix:{socket}")
    return board_with(qemu_arguments=arguments)


def test_maixpy_constructor_and_text(board: Board) -> None:
    lines = run(board, "u = UART(UART.UART1, 115200, 8, 0, 0, timeout=1000, read_buf_len=4096)\nprint(u)")
    assert lines == ["[MAIXPY]UART1:( baudrate=115200, bits=8, parity=None, stop=1)"]
    lines = run(board, "print(UART(UART.UART3, 9600, 7, UART.PARITY_EVEN, 2))\nprint(UART(1, stop=1.5, bits=5))")
    assert lines == [
        "[MAIXPY]UART3:( baudrate=9600, bits=7, parity=even, stop=2)",
        "[MAIXPY]UART2:( baudrate=115200, bits=5, parity=None, stop=1.5)",
    ]


def test_reading_waits_for_a_gap_only(board: Board) -> None:
    code = """
u = loop(0, 115200, timeout=1000, read_buf_len=4096)
print(u.write(b'one\\ntwo\\nthree'), u.read(), u.read(), u.readchar())
u.write(b'one\\ntwo\\n')
time.sleep_ms(5)
print(u.any(), u.readline(), u.readchar(), u.read(1), u.readline())
b = bytearray(8)
u.write(b'12345')
print(u.readinto(b), b, u.readinto(b))
u.write(b'a\\nb\\n')
time.sleep_ms(5)
print(list(u))
t = time.ticks_ms()
print(u.read(3), time.ticks_diff(time.ticks_ms(), t) < 500)
"""
    assert run(board, code) == [
        r"13 b'one\ntwo\nthree' None -1",
        r"8 b'one\n' 116 b'w' b'o\n'",
        r"5 bytearray(b'12345\x00\x00\x00') None",
        r"[b'a\n', b'b\n']",
        "None True",
    ]


@pytest.mark.k210(icount=True)
def test_timeout_counts_when_pins_are_given(board: Board) -> None:
    code = """
u = loop(0, 115200, tx=7, rx=6, timeout=70)
t = time.ticks_ms()
print(u.read(3), time.ticks_diff(time.ticks_ms(), t))
u = loop(0, 115200, tx=7, rx=6)
t = time.ticks_ms()
print(u.read(3), time.ticks_diff(time.ticks_ms(), t))
from Maix import FPIOA
f = FPIOA()
print(f.get_function(7) == FPIOA.UART1_TX, f.get_function(6) == FPIOA.UART1_RX)
u.deinit()
print(f.get_function(7) == FPIOA.RESV0, u.read(), u.any())
"""
    assert run(board, code) == ["None 70", "None 0", "True True", "True b'' 0"]


@pytest.mark.k210(icount=True)
@pytest.mark.parametrize("baud", [1200, 9600, 115200, 1_500_000])
def test_writing_takes_the_time_of_the_line(board: Board, baud: int) -> None:
    """10 bits a character, within 0.1 % and what the calls take. At high rates the divider's steps show
    (0.25 % at 1.5 Mbaud), and the pause before each refill of the FIFO."""
    count = max(20, baud // 100)
    code = f"""
u = UART(0, {baud})
t = time.ticks_us()
u.write(bytes({count}))
u.flush()
print(time.ticks_diff(time.ticks_us(), t), u.txdone())
"""
    us, done = run(board, code)[0].split()
    assert done == "True"
    assert int(us) == pytest.approx(count * 10e6 / baud, rel=1e-3 if baud <= 115200 else 2e-2, abs=50)


@pytest.mark.emulator_only
@pytest.mark.parametrize("baud", [9600, 115200, 921600])
def test_uart_to_uart(cable: Board, baud: int) -> None:
    code = f"""
from machine import UART
a = UART(UART.UART1, {baud}, tx=8, rx=9, timeout=2000, timeout_char=500, rxbuf=1024)
b = UART(UART.UART2, {baud}, tx=10, rx=11, timeout=2000, timeout_char=500, rxbuf=1024)
data = bytes(i * 7 & 255 for i in range(600))
back = bytes(reversed(data))
a.write(data)
b.write(back)
print(b.read(600) == data, a.read(600) == back, a.errors(), b.errors())
"""
    assert cable.exec(code) == "True True (0, 0, 0, 0, 0) (0, 0, 0, 0, 0)\n"


def test_lost_characters_are_told_and_the_rest_is_there(board: Board) -> None:
    code = """
u = loop(0, 115200, read_buf_len=100)
u.write(bytes(range(120)))
u.flush()
time.sleep_ms(5)
print(u.any())
r = u.read(100)
print(r == bytes(range(100)), u.errors()[0])
u.write(b'still alive')
print(u.read())
"""
    lines = run(board, code)
    assert re.fullmatch(
        r"\[Warning\] UART1: \d+ characters lost, read_buf_len=100 is too small for the pace of reading", lines.pop(1)
    )
    assert lines[0] in ("100", "101")
    assert lines[1].startswith("True ")
    assert 0 < int(lines[1].split()[1]) <= 20
    assert lines[2].endswith("still alive'")


@pytest.mark.k210(icount=True, strict=False)
def test_hardware_overrun_is_told(board: Board) -> None:
    """More characters than the FIFO holds while interrupts are off."""
    code = """
import machine
u = loop(0, 1000000)
mem32[0x50210004] = 0    # no interrupts of the UART at all
for i in range(40):
    mem32[0x50210000] = 65
    time.sleep_us(15)
mem32[0x50210004] = 5
print(u.read())
print(u.errors()[1] > 0)
"""
    lines = board.exec(LOOP + code).splitlines()
    assert lines[-1] == "True"
    assert any("AAAAAAAA" in line for line in lines)


@pytest.mark.k210(strict=False)
def test_events(board: Board) -> None:
    code = """
seen = []
u = loop(0, 115200)
u.irq(lambda u: seen.append(u.irq().flags()), UART.IRQ_RXIDLE | UART.IRQ_TXIDLE)
u.write(b'x' * 40)
time.sleep_ms(30)
print(any(f & UART.IRQ_TXIDLE for f in seen), any(f & UART.IRQ_RXIDLE for f in seen), u.read() == b'x' * 40)
seen.clear()
u.irq(None)
u.write(b'y')
time.sleep_ms(5)
print(seen)
u.irq(lambda u: seen.append(1), UART.IRQ_RX, hard=True)
u.write(b'z' * 20)
time.sleep_ms(10)
print(len(seen) > 0)
"""
    assert run(board, code) == ["True True True", "[]", "True"]


def test_polling_with_select(board: Board) -> None:
    code = """
import select
u = loop(1, 115200)
p = select.poll()
p.register(u, select.POLLIN)
print(p.poll(10))
u.write(b'q')
print(len(p.poll(1000)), u.read())
"""
    assert run(board, code) == ["[]", "1 b'q'"]


def test_asyncio_stream(board: Board) -> None:
    code = """
import asyncio
u = loop(0, 115200)
s = asyncio.StreamReader(u)
async def main():
    w = asyncio.StreamWriter(u, {})
    w.write(b'line one\\nrest')
    await w.drain()
    print(await s.readline(), await s.readexactly(4))
asyncio.run(main())
"""
    assert run(board, code) == [r"b'line one\n' b'rest'"]


def test_frequency_change_keeps_the_rate(board: Board) -> None:
    code = """
import machine
u = loop(0, 115200)
before = mem32[0x50210000 + 0xC0]
machine.freq(200000000)
u.write(b'slow')
print(u.read())
machine.freq(403000000)
u.write(b'fast')
print(u.read(), mem32[0x50210000 + 0xC0] == before)
"""
    assert run(board, code) == ["b'slow'", "b'fast' True"]


def test_console_is_a_uart_too(board: Board) -> None:
    code = "u = UART.repl_uart()\nprint(u, u.write(b'hi\\n'), u.any())"
    assert run(board, code) == ["hi", "[MAIXPY]UART5:( baudrate=115200, bits=8, parity=None, stop=1) 3 0"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("UART(3)", r"\[MAIXPY\]UART3:does not exist"),
        ("UART(-1)", "does not exist"),
        ("UART(0, 0)", "invalid baudrate 0"),
        ("UART(0, -5)", "invalid baudrate -5"),
        ("UART(0, 6000000)", "invalid baudrate 6000000"),
        ("UART(0, 50)", "invalid baudrate 50"),
        ("UART(0, 9600, 4)", "invalid data bits 4"),
        ("UART(0, 9600, 9)", "invalid data bits 9"),
        ("UART(0, 9600, 8, 3)", "invalid parity 3"),
        ("UART(0, 9600, 8, 0, 3)", "invalid stop bits"),
        ("UART(4, 9600, 7)", "invalid param"),
        ("UART(0, read_buf_len=1 << 30)", "read_buf_len"),
        ("UART(0, tx=48)", "pin 48 is not between 0 and 47"),
        ("UART(0, tx=7, rx=7)", "tx and rx are the same pin"),
        ("UART(0, tx=5)", "pin 5 cannot be UART1_TX, it is used by UARTHS_TX"),
        ("a = UART(0, tx=7); UART(1, tx=7)", "pin 7 cannot be UART2_TX, it is used by UART1_TX"),
        ("UART(0, 9600, invert=1)", "not supported"),
    ],
)
def test_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"from machine import UART\n{call}")
