# SPDX-License-Identifier: MIT
"""Modules machine, time, os, Maix, fpioa_manager, board and k210."""

import time

import pytest

from k210.board import Board
from k210.errors import ScriptError


def test_identity(board: Board) -> None:
    assert board.exec("import os\nprint(os.uname().machine)") == "Sipeed Maix Bit with K210\n"
    assert (
        board.exec("import sys\nprint(sys.implementation._machine, sys.platform)") == "Sipeed Maix Bit with K210 k210\n"
    )
    assert board.exec("import sys\nprint(sys.implementation.name, sys.byteorder, sys.maxsize)") == (
        "micropython little 9223372036854775807\n"
    )


def test_help_lists_modules(board: Board) -> None:
    names = board.exec("help('modules')").split()
    wanted = (
        "Maix board fpioa_manager machine time os gc select json re struct asyncio hashlib binascii deflate framebuf"
    )
    assert not set(wanted.split()) - {name.removesuffix("/__init__") for name in names}


def test_cpu_frequency(board: Board) -> None:
    assert board.eval("__import__('machine').freq()") == 403_000_000
    assert board.eval("__import__('Maix').freq.get()") == (403, 398)


@pytest.mark.parametrize("hz", [26_000_000, 200_000_000, 416_000_000])
def test_frequency_can_change_and_time_and_serial_go_on(board: Board, hz: int) -> None:
    try:
        code = (
            f"import machine, time\nt = time.ticks_us()\nmachine.freq({hz})\nprint(machine.freq())\n"
            "a = time.ticks_us()\nc = time.ticks_cpu()\ntime.sleep_ms(100)\n"
            "us = time.ticks_diff(time.ticks_us(), a)\ncycles = time.ticks_diff(time.ticks_cpu(), c)\n"
            "print(us, cycles, time.ticks_diff(a, t) >= 0)"
        )
        real, us, cycles, monotonic = board.exec(code).split()
        assert abs(int(real) - hz) < hz * 0.02
        assert 100_000 <= int(us) < 200_000
        assert int(cycles) / int(us) == pytest.approx(int(real) / 1e6, rel=0.05)
        assert monotonic == "True"
    finally:
        board.exec("import machine\nmachine.freq(403_000_000)")


@pytest.mark.parametrize("hz", [0, -1, 1_000_000, 900_000_000])
def test_impossible_frequency(board: Board, hz: int) -> None:
    with pytest.raises(ScriptError, match="ValueError: CPU frequency"):
        board.exec(f"import machine\nmachine.freq({hz})")


def test_sleep_takes_its_time(board: Board) -> None:
    start = time.monotonic()
    us = board.eval("(lambda t: (t.sleep(0.5), t.ticks_us())[1] - 0)(__import__('time'))")
    assert us > 500_000
    assert time.monotonic() - start >= 0.45


@pytest.mark.parametrize("us", [10, 1000, 2500, 30000])
def test_sleep_us(board: Board, us: int) -> None:
    code = f"import time\nt = time.ticks_us()\ntime.sleep_us({us})\nprint(time.ticks_diff(time.ticks_us(), t))"
    assert us <= int(board.exec(code)) < us + 50_000


def test_wall_clock_can_be_set(board: Board) -> None:
    code = (
        "import machine, time\nr = machine.RTC()\nr.datetime((2024, 2, 29, 0, 12, 34, 56, 0))\n"
        "print(r.datetime()[:7], time.localtime()[:6], time.time())\n"
        "print(time.set_time((2022, 1, 2, 3, 4, 5)), time.localtime()[:6])"
    )
    assert board.exec(code) == (
        "(2024, 2, 29, 3, 12, 34, 56) (2024, 2, 29, 12, 34, 56) 762525296\nTrue (2022, 1, 2, 3, 4, 5)\n"
    )


def test_clock_measures_frame_rates(board: Board) -> None:
    code = "import time\nc = time.clock()\nfor i in range(5):\n    c.tick()\n    time.sleep_ms(50)\n    f = c.fps()\n"
    code += "print(f)"
    assert 5 < float(board.exec(code)) <= 20


def test_unique_id_is_stable(board: Board) -> None:
    first = board.eval("__import__('machine').unique_id()")
    assert len(first) == 32
    assert board.eval("__import__('machine').unique_id()") == first


def test_reset_and_its_cause(board: Board) -> None:
    board.exec_and_restart("import machine\nmachine.reset()")
    assert board.exec("import machine\nprint(machine.reset_cause() == machine.SOFT_RESET)") == "True\n"


@pytest.mark.emulator_only
def test_clock_goes_on_after_resets(board: Board) -> None:
    """By machine.reset(), by the reset key and by the watchdog; what passes until the start is lost."""
    board.exec("import machine\nmachine.RTC().datetime((2024, 2, 29, 0, 12, 0, 0, 0))")
    board._transport.exec_raw_no_follow("import machine\nmachine.reset()")
    board._wait_for_prompt()
    board._enter_raw_repl(soft_reset=False)
    first = board.eval("__import__('time').time()")
    assert 762523200 <= first < 762523200 + 60
    board.reset(hard=True)
    second = board.eval("__import__('time').time()")
    assert first <= second < first + 60
    board._transport.exec_raw_no_follow("import machine\nmachine.WDT(timeout=300)\nwhile True:\n    pass")
    board._wait_for_prompt()
    board._enter_raw_repl(soft_reset=False)
    assert second <= board.eval("__import__('time').time()") < second + 60


def test_random_bytes_differ(board: Board) -> None:
    code = "import os\na, b = os.urandom(32), os.urandom(32)\nprint(len(a), a != b, len(set(a)) > 15)"
    assert board.exec(code) == "32 True True\n"


def test_pin_output_reads_back(board: Board) -> None:
    code = (
        "from machine import Pin\np = Pin(21, Pin.OUT, value=1)\nprint(p(), p.value(), p.id())\np.off()\nprint(p())\n"
        "p.toggle()\nprint(p())\nprint(Pin('LED_R').id(), Pin.board.LED_G.id(), Pin.cpu.IO21 is p)"
    )
    assert board.exec(code) == "1 1 21\n0\n1\n13 12 True\n"


def test_pin_input_follows_its_pull(board: Board) -> None:
    code = "from machine import Pin\nprint(Pin(22, Pin.IN, Pin.PULL_UP)(), Pin(23, Pin.IN, Pin.PULL_DOWN)())"
    assert board.exec(code) == "1 0\n"


def test_pin_interrupt(board: Board) -> None:
    code = """
from machine import Pin
import time
seen = []
p = Pin(21, Pin.OUT, value=0)
p.irq(lambda pin: seen.append(pin()), Pin.IRQ_RISING | Pin.IRQ_FALLING)
for level in (1, 0, 1):
    p(level)
    time.sleep_ms(5)
p.irq(None)
p(0)
time.sleep_ms(5)
print(seen)
"""
    assert board.exec(code) == "[1, 0, 1]\n"


def test_hard_pin_interrupt(board: Board) -> None:
    """The handler runs at once, before the next line, and may call functions."""
    code = """
from machine import Pin
import micropython
micropython.alloc_emergency_exception_buf(100)
count = 0
def step(n):
    return n + 1 if n < 100 else 0
def handler(pin):
    global count
    count = step(step(step(count)))
p = Pin(21, Pin.OUT, value=0)
p.irq(handler, Pin.IRQ_RISING, hard=True)
for i in range(10):
    p(1)
    p(0)
p.irq(None)
print(count)
"""
    assert board.exec(code) == "30\n"


@pytest.mark.parametrize("hard", [True, False])
def test_pin_interrupts_come_in_order(board: Board, hard: bool) -> None:
    """Of several pins, both edges, also while the handlers have to wait."""
    code = f"""
from machine import Pin, disable_irq, enable_irq
import time
pins = [Pin(n, Pin.OUT, value=0) for n in (20, 21, 22, 23)]
seen = [None] * 8
count = 0
def handler(pin):
    global count
    seen[count] = pin
    count += 1
for p in pins:
    p.irq(handler, priority=1, wake=None, hard={hard})
order = (2, 0, 3, 1, 0, 2, 1, 3)
for n in order:
    pins[n].toggle()
time.sleep_ms(5)
print([pins.index(p) for p in seen] == list(order), count)
for p in pins:
    p.irq(None)
try:
    pins[0].irq(handler, wake=1)
except ValueError as e:
    print(e)
"""
    assert board.exec(code) == "True 8\nwake: the chip has no sleep that a pin could end\n"


def test_lightsleep_and_idle(board: Board) -> None:
    """Both end by themselves; a pin's interrupt is served meanwhile."""
    code = """
import machine, time
from machine import Pin, Timer
p = Pin(21, Pin.OUT, value=0)
seen = []
p.irq(lambda pin: seen.append(pin()), Pin.IRQ_RISING)
t = Timer(-1, mode=Timer.ONE_SHOT, period=20, callback=lambda t: p(1))
start = time.ticks_us()
machine.lightsleep(100)
print(time.ticks_diff(time.ticks_us(), start) >= 100000, seen)
for n in range(10):
    machine.idle()
p.irq(None)
"""
    assert board.exec(code) == "True [1]\n"


@pytest.mark.parametrize("pin", ["48", "-1", "'IO48'", "'LED_X'"])
def test_no_such_pin(board: Board, pin: str) -> None:
    with pytest.raises(ScriptError, match="ValueError: .*pin"):
        board.exec(f"from machine import Pin\nPin({pin})")


def test_soft_i2c_finds_nobody(board: Board) -> None:
    code = "from machine import Pin, SoftI2C\nprint(SoftI2C(scl=Pin(24), sda=Pin(25)).scan())"
    assert board.exec(code) == "[]\n"


@pytest.mark.needs("camera")
def test_i2c_talks_to_the_camera(board: Board) -> None:
    """The camera's control bus is an I2C bus like any other; the OV2640 says 0x26 0x4x in its bank 1."""
    code = (
        "import sensor\nsensor.reset()\nfrom machine import I2C\n"
        "i = I2C(I2C.I2C2, mode=I2C.MODE_MASTER, scl=41, sda=40, freq=100000)\nprint(i)\n"
        "print([hex(a) for a in i.scan()])\nprint(i.writeto_mem(0x30, 0xFF, b'\\x01'))\n"
        "print(i.writeto(0x30, b'\\x0a'), i.readfrom(0x30, 1))"
    )
    lines = board.exec(code).splitlines()
    assert lines[-4:] == [lines[-4], "['0x30']", "None", "1 b'&'"]
    assert lines[-4].startswith("I2C(2, scl=41, sda=40, freq=")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("I2C(0, scl=20)", "ValueError: .*pin.scl/sda. error"),
        ("I2C(0, scl=20, sda=20)", "ValueError: .*pin.scl/sda. error"),
        ("I2C(0, scl=20, sda=21, freq=0)", "ValueError: freq"),
        ("I2C(0, mode=1)", "ValueError: .*addr.addr size error"),
        ("I2C(0, scl=20, sda=21).readfrom(0x42, 1)", "OSError: .*ENODEV"),
        ("I2C(0, scl=20, sda=21).writeto(0x42, b'1')", "OSError: .*ENODEV"),
        ("I2C(0, scl=20, sda=21).writeto(0x342, b'1')", "OSError: .*EINVAL"),
        ("I2C(0, scl=20, sda=21).writeto(0x42, b'1', False)", "OSError: .*EOPNOTSUPP"),
    ],
)
def test_i2c_errors(board: Board, code: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        board.exec(f"from machine import I2C\n{code}")


def test_watchdog_resets_when_not_fed(board: Board) -> None:
    text = board.exec_and_restart(
        "import machine, time\nw = machine.WDT(timeout=500)\n"
        "for i in range(8):\n    time.sleep_ms(200)\n    w.feed()\nprint('fed')\ntime.sleep(100)"
    )
    assert "fed" in text
    assert board.exec("import machine\nprint(machine.reset_cause() == machine.WDT_RESET)") == "True\n"


@pytest.mark.parametrize("arguments", ["2", "0, 0", "0, -5", "0, 400000"])
def test_watchdog_errors(board: Board, arguments: str) -> None:
    with pytest.raises(ScriptError, match="ValueError: WDT"):
        board.exec(f"import machine\nmachine.WDT({arguments})")


def test_old_names(board: Board) -> None:
    code = """
from fpioa_manager import *
print(fm.register(8), board_info.PIN9, fm.board_info.PIN17)
"""
    assert board.exec(code) == "Please enter Pin and function\n-1 9 17\n"


def test_fpioa_manager(board: Board) -> None:
    code = (
        "from fpioa_manager import fm\nfrom Maix import GPIO\n"
        "fm.register(21, fm.fpioa.GPIOHS3)\nprint(fm.get_pin_by_function(fm.fpioa.GPIOHS3))\n"
        "fm.register(22, fm.fpioa.GPIOHS3)\nprint(fm.get_pin_by_function(fm.fpioa.GPIOHS3))\n"
        "g = GPIO(GPIO.GPIOHS3, GPIO.OUT)\ng.value(1)\nprint(g, g.value(), g.mode() == GPIO.OUT)\n"
        "fm.unregister(22)\nprint(fm.get_pin_by_function(fm.fpioa.GPIOHS3))"
    )
    assert board.exec(code) == ("21\n[Warning] function is used by fm.fpioa.GPIOHS3(pin:21)\n22\nPin(3) 1 True\nNone\n")


def test_slow_gpio(board: Board) -> None:
    code = (
        "from fpioa_manager import fm\nfrom Maix import GPIO\nfm.register(21, fm.fpioa.GPIO2)\n"
        "g = GPIO(GPIO.GPIO2, GPIO.OUT)\ng.value(1)\nprint(g.value(), end=' ')\ng.value(0)\nprint(g.value())\n"
        "g = GPIO(GPIO.GPIO2, GPIO.PULL_UP)\nprint(g.value())\nfm.unregister(21)"
    )
    assert board.exec(code) == "1 0\n1\n"


def test_gpio_interrupt_of_maixpy(board: Board) -> None:
    code = """
from fpioa_manager import fm
from Maix import GPIO
import time
fm.register(21, fm.fpioa.GPIOHS5)
seen = []
g = GPIO(GPIO.GPIOHS5, GPIO.OUT, value=1)
g.irq(lambda pin: seen.append(pin.value()), GPIO.IRQ_FALLING)
for level in (0, 1, 0):
    g.value(level)
    time.sleep_ms(5)
g.disirq()
g.value(1)
g.value(0)
time.sleep_ms(5)
print(seen)
fm.unregister(21)
"""
    assert board.exec(code) == "[0, 0]\n"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("FPIOA().set_function(48, 24)", "Don't have this Pin"),
        ("FPIOA().set_function(5, 256)", "This function is invalid"),
        ("GPIO(40)", "invalid pin"),
        ("GPIO(GPIO.GPIOHS0, 7)", "arg error"),
        ("GPIO(GPIO.GPIOHS0, GPIO.OUT, GPIO.PULL_UP)", "not allowed to pull"),
        ("utils.flash_read(0xFFFFFF, 2)", "outside of the flash"),
    ],
)
def test_maix_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"from Maix import FPIOA, GPIO, utils\n{call}")


def test_board_info_knows_the_board(board: Board) -> None:
    assert (
        board.exec("from board import board_info as b\nprint(b.LED_R, b.LED_G, b.LED_B, b.BOOT_KEY)") == "13 12 14 16\n"
    )


def test_board_info_takes_config_json(board: Board) -> None:
    board.put(b'{"board_info": {"LED_R": 99, "MINE": 7}}', "/flash/config.json")
    board.reset()
    try:
        assert board.exec("from board import board_info as b\nprint(b.LED_R, b.MINE, b.LED_G)") == "99 7 12\n"
    finally:
        board.exec("import os\nos.remove('/flash/config.json')")
        board.reset()


def test_second_hart_takes_jobs(board: Board) -> None:
    assert board.exec("import k210\nprint([k210.harts() for i in range(3)])") == "[2, 2, 2]\n"


def test_misaligned_accesses_work(board: Board) -> None:
    """The cores trap on them; the firmware carries them out."""
    code = """
import uctypes, framebuf
b = bytearray(range(16))
layout = {"u": uctypes.UINT32 | 0, "i": uctypes.INT16 | 4, "f": uctypes.FLOAT64 | 6, "q": uctypes.UINT64 | 0}
for offset in range(8):
    data = bytearray(32)
    s = uctypes.struct(uctypes.addressof(data) + offset, layout, uctypes.NATIVE)
    s.u, s.i, s.f = 0xF1223344, -2, -1.5
    assert (s.u, s.i, s.f) == (0xF1223344, -2, -1.5), offset
    assert data[offset:offset + 6] == b"\\x44\\x33\\x22\\xf1\\xfe\\xff", data
    s.q = 0x8877665544332211
    assert s.q == 0x8877665544332211 and data[offset] == 0x11 and data[offset + 8] != 0x11
fb = framebuf.FrameBuffer(memoryview(bytearray(65))[1:], 8, 4, framebuf.RGB565)
fb.fill(0x1234)
print(hex(fb.pixel(7, 3)))
"""
    assert board.exec(code) == "0x1234\n"


def test_memory_figures_agree(board: Board) -> None:
    code = (
        "import k210, Maix\nfree, largest = k210.pool_free()\n"
        "print(free == Maix.utils.heap_free(), largest <= free, "
        "sum(n for a, n, o in k210.pool() if o is None and a < 0x80600000) == free)  # KPU RAM is listed, too"
    )
    assert board.exec(code) == "True True True\n"
