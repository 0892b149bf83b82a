# SPDX-License-Identifier: MIT
"""The prompt: what a person or an IDE at the serial line sees, and that the board survives it all."""

import random
import re
import time
from collections.abc import Iterator

import pytest

from k210.board import Board
from k210.console import Console
from k210.errors import ScriptError

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
PROMPT = b">>> "


@pytest.fixture
def console(board: Board) -> Iterator[Console]:
    """The friendly prompt; the raw one is back afterwards."""
    with board.console() as console:
        yield console


def test_banner_and_nothing_else_at_a_soft_reset(console: Console) -> None:
    console.send(CTRL_D)
    text = console.read_until(PROMPT).decode()
    pattern = (
        r"\r\nMPY: soft reboot\r\n"
        r"MicroPython v1\.\d+\.\d+\S* on 20\d\d-\d\d-\d\d; Sipeed Maix Bit with K210\r\n"
        r'Type "help\(\)" for more information.\r\n>>> '
    )
    assert re.fullmatch(pattern, text), repr(text)
    assert console.silence(0.5) == b""


def test_line_editing_echo_and_result(console: Console) -> None:
    console.send(b"6*8\x7f7\r")
    assert console.read_until(b"42\r\n" + PROMPT).startswith(b"6*8")


@pytest.mark.parametrize(
    "line",
    [b"while True: pass\r\r", b"import time; time.sleep(100)\r", b"import select; select.poll().poll(100000)\r"],
    ids=["busy loop", "sleep", "poll"],
)
def test_ctrl_c_interrupts(console: Console, line: bytes) -> None:
    console.send(line)
    console.read_until(b"\n")
    time.sleep(0.3)
    start = time.monotonic()
    console.send(CTRL_C)
    assert b"KeyboardInterrupt:" in console.read_until(PROMPT)
    assert time.monotonic() - start < 3


def test_ctrl_c_interrupts_endless_output(console: Console) -> None:
    console.send(b"while True: print('x' * 100)\r\r")
    time.sleep(0.5)
    console.send(CTRL_C)
    assert b"KeyboardInterrupt:" in console.read_until(PROMPT)


def test_ctrl_c_can_be_caught(board: Board) -> None:
    code = (
        "try:\n    micropython.kbd_intr(3)\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    print('caught')"
    )
    assert board.exec("import micropython\n" + code) == "caught\n"


def test_paste_mode(console: Console) -> None:
    console.send(CTRL_E)
    console.read_until(b"=== ")
    console.send(b"for i in range(2):\r    print('paste', i)\r\rprint('end')\r")
    time.sleep(0.2)
    console.send(CTRL_D)
    text = console.read_until(PROMPT)
    assert b"paste 0\r\npaste 1\r\nend\r\n" in text


def test_raw_paste_takes_a_large_script_with_flow_control(board: Board) -> None:
    assert board.has_raw_paste
    lines = [f"x{i} = {i}" for i in range(3000)]
    assert board.exec("\n".join([*lines, "print(sum(globals()[f'x{i}'] for i in range(3000)))"])) == "4498500\n"
    assert board.has_raw_paste


def test_input_gets_the_line(console: Console) -> None:
    console.send(b"s = input('name? ')\r")
    console.read_until(b"name? ")
    console.send(b"K210\r")
    console.read_until(PROMPT)
    console.send(b"print(s + s)\r")
    assert b"K210K210\r\n" in console.read_until(PROMPT)


def test_much_type_ahead_is_not_lost(console: Console) -> None:
    console.send(b"import time; time.sleep(1); s = input()\r")
    console.read_until(b"\n")
    console.send(b"y" * 3000 + b"\r")
    console.read_until(PROMPT, 20)
    console.send(b"print('length', len(s))\r")
    assert b"length 3000\r\n" in console.read_until(PROMPT)


def test_output_is_complete(board: Board) -> None:
    text = board.exec("for i in range(2000):\n    print(i)")
    assert text == "".join(f"{i}\n" for i in range(2000))


def test_unicode_goes_both_ways(board: Board) -> None:
    assert (
        board.exec("print('Gr\u00fc\u00dfe \u4e2d\u6587 ' + chr(0x1F600))")
        == "Gr\u00fc\u00dfe \u4e2d\u6587 \U0001f600\n"
    )


def test_out_of_memory_is_an_exception(board: Board) -> None:
    with pytest.raises(ScriptError, match="MemoryError"):
        board.exec("a = []\nwhile True: a.append(bytearray(100000))")
    assert board.exec("a = None\nimport gc\ngc.collect()\nprint(len(bytearray(1_000_000)))") == "1000000\n"


def test_endless_recursion_is_an_exception(board: Board) -> None:
    with pytest.raises(ScriptError, match="RuntimeError: maximum recursion depth exceeded"):
        board.exec("def f(): return f()\nf()")
    assert board.exec("print('alive')") == "alive\n"


def test_heap_grows_and_shrinks(board: Board) -> None:
    board.reset()
    before, grown, after, after_reset = board.exec(
        "import gc, k210\n"
        "def heap(): return sum(n for a, n, owner in k210.pool() if owner == 'gc heap')\n"
        "print(heap())\n"
        "b = bytearray(2_000_000)\nprint(heap())\n"
        "b = None\ngc.collect()\nprint(heap())\n"
        "print(gc.mem_free() + gc.mem_alloc())\n"
    ).split()
    assert int(before) == int(after) == 384 * 1024
    assert int(grown) > 2_400_000
    assert int(after_reset) > 5_000_000


def test_float_is_double(board: Board) -> None:
    assert board.exec("print(1.1 + 2.2 == 3.3, 1 / 3, 2.0**53 + 1)") == "False 0.3333333333333333 9007199254740992.0\n"


def test_interrupt_handlers_do_not_disturb_floats(board: Board) -> None:
    """A loop of doubles while characters keep the UART's interrupt busy."""
    code = """
import time, math
end = time.ticks_add(time.ticks_ms(), 500)
n = 0
while time.ticks_diff(end, time.ticks_ms()) > 0:
    x = 1.0
    for i in range(60):
        x = math.sqrt(x * 2.0 + 1.0)
    assert abs(x - 2.414213562373095) < 1e-14, x
    n += 1
    print(n, end=' ')
print('ok')
"""
    assert board.exec(code).endswith("ok\n")


@pytest.mark.k210(strict=False)
def test_fatal_trap_prints_registers_and_starts_again(console: Console) -> None:
    """machine.mem32 can hit what is not there; that is the user's right, and must not hang the board."""
    console.send(b"import machine; machine.mem32[0x70000000]\r")
    text = console.read_until(b"Resetting.\r\n")
    assert b"FATAL: load access fault on hart 0" in text
    assert re.search(rb"tval 0x0*70000000", text)
    assert re.search(rb"a0 0x[0-9a-f]{16}", text)
    assert b"MicroPython v1." in console.read_until(PROMPT)


@pytest.mark.parametrize("baud", [115_200, 921_600, 2_000_000])
def test_raw_paste_at_every_speed(board: Board, baud: int) -> None:
    """A real board's other end would have to change as well; here it is the pace of the characters that changes."""
    if not board.emulator:
        pytest.skip("the other end keeps its speed")
    try:
        board.exec(f"from machine import UART\nUART.repl_uart().init({baud})")
        lines = [f"x{i} = {i}  # {'some text ' * 3}" for i in range(600)]
        assert board.exec("\n".join([*lines, "print(sum(globals()[f'x{i}'] for i in range(600)))"])) == "179700\n"
        text = "all of the 1000 lines arrive "
        assert board.exec(f"for i in range(1000): print({text!r}, i)") == "".join(f"{text} {i}\n" for i in range(1000))
        assert board.has_raw_paste
    finally:
        board.exec("from machine import UART\nUART.repl_uart().init(115200)")


# Below, nothing may depend on how busy the host is: paste mode has no flow control.
@pytest.mark.k210(icount=True)
def test_huge_paste_at_the_friendly_prompt(board: Board) -> None:
    lines = [f"t{i} = '{'x' * 60}'" for i in range(250)]
    code = "\r".join([*lines, "print('pasted', sum(len(globals()['t%d' % i]) for i in range(250)))"])
    with board.console() as console:
        console.send(CTRL_E)
        console.read_until(b"=== ")
        console.send(code.encode())
        console.read_until(b"range(250)))", 60)
        console.send(CTRL_D)
        assert b"pasted 15000\r\n" in console.read_until(PROMPT, 60)


@pytest.mark.k210(icount=True)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_on_the_line(board: Board, seed: int) -> None:
    """Random bytes, control characters among them, do not kill the prompt."""
    board._transport.exit_raw_repl()
    board._transport.serial.write(random.Random(seed).randbytes(2000))
    seen, quiet = board.log_position(), time.monotonic() + 1
    while time.monotonic() < quiet:
        if board._read():
            quiet = time.monotonic() + 1
    assert board.log_position() > seen
    board.recover()
    assert board.exec("print('alive')") == "alive\n"
