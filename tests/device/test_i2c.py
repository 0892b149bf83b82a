# SPDX-License-Identifier: MIT
"""machine.I2C with MaixPy's keywords, bit-banged buses, and lines that are held."""

import time
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


def test_bit_banged_bus_reaches_the_camera(board: Board) -> None:
    code = """
import sensor
from machine import I2C, SoftI2C, Pin
sensor.reset()
hard = I2C(I2C.I2C2, freq=100000, scl=41, sda=40)
hard.writeto_mem(0x30, 0xff, b"\\1")
wanted = hard.readfrom_mem(0x30, 0x0a, 2), hard.scan()
hard.deinit()
soft = I2C(I2C.I2C3, freq=100000, scl=41, sda=40)
print(wanted == (soft.readfrom_mem(0x30, 0x0a, 2), soft.scan()), wanted)
soft.writeto_mem(0x30, 0xff, b"\\0")
print(soft.readfrom_mem(0x30, 0xff, 1))
sensor.reset()
"""
    found, register = board.exec(code).splitlines()[-2:]
    assert found.startswith("True (b'&") and found.endswith("[48])")
    assert register == "b'\\x00'"


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


SLAVE = """
from machine import I2C
import time
seen = []
memory = bytearray(b'0123456789abcdef')
pointer = first = 0
def on_receive(byte):
    global pointer, first
    seen.append(byte)
    if first:
        pointer, first = byte, 0
    else:
        memory[pointer & 15] = byte
        pointer += 1
def on_transmit():
    global pointer
    pointer += 1
    seen.append("read")
    return memory[pointer - 1 & 15]
def on_event(event):
    global first
    seen.append(("start", "restart", "stop")[event])
    first = event == I2C.I2C_EV_START
def slave(**more):
    return I2C(I2C.I2C0, mode=I2C.MODE_SLAVE, scl=28, sda=29, **more)
"""
START = SLAVE + "i = slave(addr=0x24, on_receive=on_receive, on_transmit=on_transmit, on_event=on_event)\n"


def master(board: Board, transfer: str) -> str:
    """What another master on these pads gets."""
    assert board.emulator
    board.emulator.set("/machine/i2c-master", "transfer", transfer)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        result = str(board.emulator.get("/machine/i2c-master", "result"))
        if result:
            return result
        time.sleep(0.02)
    return "no end"


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_slave_is_a_memory(board: Board) -> None:
    """16 bytes behind address 24: a write sets the place, then the bytes. The callbacks run at the prompt, too."""
    board.exec(START)
    assert master(board, "24 w0241424344") == "ok"
    assert board.exec("print(seen)\nseen.clear()") == "['start', 2, 65, 66, 67, 68, 'stop']\n"
    assert master(board, "24 w02 r5") == "ok 41 42 43 44 36"
    reads = ["read"] * 5
    assert board.eval("seen") == ["start", 2, "restart", *reads, "stop"]
    assert master(board, "25 w00") == "nack"
    assert master(board, "24 r2") == "ok 37 38"
    assert board.eval("seen[-4:]") == ["start", "read", "read", "stop"], "a START for somebody else was told"
    assert board.exec("print(memory[:8], i)") == (
        "bytearray(b'01ABCD67') I2C(0, scl=28, sda=29, mode=I2C.MODE_SLAVE, addr=0x24)\n"
    )
    board.reset()
    assert master(board, "24 w00") == "nack"


def while_running(board: Board, script: str, transfer: str, times: int) -> str:
    """What the script prints while another master transfers something."""
    board._transport.exec_raw_no_follow(script)
    results = {master(board, transfer) for _ in range(times)}
    output = board._transport.follow(20)[0].decode().replace("\r\n", "\n")
    return f"{results} {output}"


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_slave_while_a_script_runs(board: Board) -> None:
    board.exec(START)
    script = "n = 0\nwhile seen.count('stop') < 5:\n    n += 1\nprint(n > 0, seen.count('restart'))"
    assert while_running(board, script, "24 w0001 r4", 5) == "{'ok 31 32 33 34'} True 5\n"


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_slave_whose_callbacks_fail(board: Board) -> None:
    """The master gets FF, the exception is printed, and the slave goes on."""
    board.exec(
        SLAVE + "def fail(): raise ValueError('of transmit')\n"
        "i = slave(addr=0x24, on_receive=on_receive, on_transmit=fail, on_event=on_event)"
    )
    text = while_running(board, "while 'stop' not in seen: time.sleep_ms(1)", "24 r2", 1)
    assert text.startswith("{'ok ff ff'} I2C0: uncaught exception in on_transmit")
    assert text.count("ValueError: of transmit") == 2
    assert master(board, "24 w01") == "ok"
    board.exec("i.deinit()")
    assert master(board, "24 w01") == "nack"


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_master_that_gives_up(board: Board) -> None:
    """A slave that takes too long holds the clock; afterwards it answers the next one as if nothing had been."""
    board.exec(
        SLAVE + "def late():\n    time.sleep_ms(40)\n    return 1\n"
        "i = slave(addr=0x24, on_receive=on_receive, on_transmit=late, on_event=on_event)"
    )
    assert while_running(board, "while 'stop' not in seen: time.sleep_ms(1)", "24 r2", 1) == "{'timeout'} "
    board.exec(
        "def at_once(): return 7\ni = slave(addr=0x24, on_receive=on_receive, on_transmit=at_once, on_event=on_event)"
    )
    assert master(board, "24 r2") == "ok 07 07"
    board.exec(START)
    assert master(board, "24 w05 r2") == "ok 35 36"


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_slave_with_ten_bits(board: Board) -> None:
    board.exec(SLAVE + "slave(addr=0x2A5, addr_size=10, on_receive=on_receive, on_transmit=int, on_event=on_event)")
    assert master(board, "2a5 w42") == "ok"
    assert board.eval("seen") == ["start", 0x42, "stop"]


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_slave_that_is_not_served(board: Board) -> None:
    """While another callback runs, 252 notes fit; what is lost is told, and the bus goes on."""
    board.exec(
        START + "from machine import Pin, Timer\nboot = Pin(16, Pin.IN, Pin.PULL_UP)\ncount = 0\n"
        "def busy(t):\n    print('busy')\n    while boot():\n        time.sleep_ms(1)\n"
    )
    board._transport.exec_raw_no_follow(
        "Timer(-1, mode=Timer.ONE_SHOT, period=1, callback=busy)\nwhile boot():\n    time.sleep_ms(1)\n"
        "time.sleep_ms(1)\nprint(len(seen), seen[-1])"
    )
    deadline = time.monotonic() + 20
    while b"busy" not in board.serial_bytes() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert master(board, "24 w" + "55" * 200) == "ok"
    assert master(board, "24 w" + "55" * 100) == "ok"
    board.press("boot")
    output = board._transport.follow(20)[0].decode().splitlines()
    assert output == ["busy", "I2C0: 51 bytes from the master came too fast and are lost", "253 stop"]
    assert master(board, "24 w0001 r2") == "ok 55 55"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("addr=0x24, on_receive=on_receive, on_transmit=on_transmit", "callback error! A slave needs on_event"),
        ("addr=0x80, on_receive=on_receive, on_transmit=on_transmit, on_event=on_event", "addr/addr size error!.* 128"),
        ("addr=1, addr_size=8, on_receive=on_receive, on_transmit=on_transmit, on_event=on_event", "addr size error!"),
    ],
)
def test_slave_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"{SLAVE}slave({call})")


def test_slaves_make_no_transfers(board: Board) -> None:
    with pytest.raises(ScriptError, match="OSError: I2C0 is a slave"):
        board.exec(START + "i.writeto(0x30, b'1')")
    with pytest.raises(ScriptError, match="ValueError: .*mode error! A bit-banged bus is no slave"):
        board.exec("from machine import I2C\nI2C(I2C.I2C3, mode=I2C.MODE_SLAVE, scl=28, sda=29, addr=1)")
