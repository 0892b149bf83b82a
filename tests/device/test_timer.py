# SPDX-License-Identifier: MIT
"""machine.Timer and machine.PWM, measured in virtual time."""

import itertools

import pytest

from k210.board import Board
from k210.errors import ScriptError

PERIODS = """
from machine import Timer, PWM, Pin, time_pulse_us
import time, micropython
def beats(n, *args, **kw):
    seen = []
    t = Timer(*args, callback=lambda t: seen.append(time.ticks_us()), **kw)
    end = time.ticks_add(time.ticks_ms(), 5000)
    while len(seen) < n + 1 and time.ticks_diff(end, time.ticks_ms()) > 0:
        time.sleep_ms(1)
    t.deinit()
    return time.ticks_diff(seen[n], seen[0]) / n
"""


@pytest.mark.k210(icount=True)
@pytest.mark.parametrize(
    ("arguments", "us"),
    [
        ("Timer.TIMER0, Timer.CHANNEL0, mode=Timer.MODE_PERIODIC, period=10", 10_000),
        ("Timer.TIMER1, Timer.CHANNEL3, mode=Timer.MODE_PERIODIC, period=2500, unit=Timer.UNIT_US", 2_500),
        ("Timer.TIMER2, Timer.CHANNEL1, mode=Timer.MODE_PERIODIC, period=1234567, unit=Timer.UNIT_NS", 1_234.567),
        ("Timer.TIMER2, Timer.CHANNEL2, mode=Timer.MODE_PERIODIC, period=3000000, unit=Timer.UNIT_NS", 3_000),
        ("0, mode=Timer.PERIODIC, freq=200", 5_000),
        ("-1, mode=Timer.PERIODIC, period=7", 7_000),
        ("freq=400", 2_500),
    ],
)
def test_period(board: Board, arguments: str, us: float) -> None:
    """Within 0.1 % over 100 beats."""
    mean = float(board.exec(f"{PERIODS}print(beats(100, {arguments}))"))
    assert mean == pytest.approx(us, rel=1e-3)


@pytest.mark.k210(icount=True)
def test_long_period_has_several_rounds(board: Board) -> None:
    """The 32-bit counter runs for 10.6 s at 403 MHz."""
    code = PERIODS + (
        "t0 = time.ticks_us()\nseen = []\n"
        "t = Timer(0, 0, mode=Timer.MODE_ONE_SHOT, period=25, unit=Timer.UNIT_S,"
        " callback=lambda t: seen.append(time.ticks_us()))\n"
        "while not seen and time.ticks_diff(time.ticks_us(), t0) < 40000000:\n    time.sleep_ms(100)\n"
        "print(time.ticks_diff(seen[0], t0))"
    )
    assert int(board.exec(code, timeout=120)) == pytest.approx(25e6, rel=1e-3)


@pytest.mark.k210(icount=True)
def test_one_shot_start_stop_restart(board: Board) -> None:
    code = (
        PERIODS
        + """
seen = []
t = Timer(Timer.TIMER0, Timer.CHANNEL1, mode=Timer.MODE_ONE_SHOT, period=5,
          callback=lambda t: seen.append(t), arg='me', start=False)
time.sleep_ms(20)
print(len(seen), t.callback_arg(), t.period())
t.start()
time.sleep_ms(20)
print(len(seen), seen[0] is t)
t.restart()
time.sleep_ms(2)
t.stop()
time.sleep_ms(20)
print(len(seen))
t.period(2000, Timer.UNIT_US)
t.callback(lambda t: seen.append('other'))
t.start()
time.sleep_ms(20)
print(len(seen), seen[-1])
t.init(mode=Timer.MODE_PERIODIC, period=1, callback=lambda t: seen.append(3))
time.sleep_ms(10)
t.deinit()
print(8 <= seen.count(3) <= 10)
"""
    )
    assert board.exec(code) == "0 me 5\n1 True\n1\n2 other\nTrue\n"


@pytest.mark.k210(icount=True)
def test_timers_do_not_disturb_each_other(board: Board) -> None:
    code = (
        PERIODS
        + """
counts = [0] * 5
def counter(i):
    def tick(t):
        counts[i] += 1
    return tick
ts = [Timer(0, i, mode=Timer.MODE_PERIODIC, period=5 * (i + 1), callback=counter(i)) for i in range(4)]
ts.append(Timer(-1, period=4, callback=counter(4)))
time.sleep_ms(121)
ts[0].deinit()
ts[3].stop()
time.sleep_ms(120)
print(counts)
"""
    )
    assert board.exec(code) == "[24, 24, 16, 6, 60]\n"


def test_hard_callback_runs_at_once(board: Board) -> None:
    code = (
        PERIODS
        + """
n = 0
def tick(t):
    global n
    n += 1
t = Timer(-1, period=1, callback=tick, hard=True)
end = time.ticks_ms() + 200
while n < 5 and time.ticks_ms() < end:
    pass
t.deinit()
print(n >= 5)
"""
    )
    assert board.exec(code) == "True\n"


def test_callbacks_end_at_a_soft_reset(board: Board) -> None:
    board.exec(
        "from machine import Timer\nt = Timer(0, 0, mode=Timer.PERIODIC, period=1, callback=lambda t: print('!'))\n"
        "v = Timer(period=1, callback=lambda t: print('!'))"
    )
    board.reset()
    assert board.exec("import time\ntime.sleep_ms(20)\nprint('quiet')") == "quiet\n"


def test_error_in_a_callback_is_printed_and_the_prompt_lives(board: Board) -> None:
    code = (
        PERIODS
        + "t = Timer(-1, mode=Timer.ONE_SHOT, period=1, callback=lambda t: 1 / 0)\ntime.sleep_ms(20)\nprint('on')"
    )
    output = board.exec(code)
    assert "ZeroDivisionError" in output
    assert output.endswith("on\n")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("Timer(3, 0)", "Invalid timer"),
        ("Timer(0, 4)", "Invalid timer"),
        ("Timer(-2, 0)", "Invalid timer"),
        ("Timer(0, 0, mode=3)", "Invalid mode"),
        ("Timer(0, 0, callback=5)", "Invalid callback"),
        ("Timer(0, 0, priority=0)", "Invalid priority"),
        ("Timer(0, 0, priority=8)", "Invalid priority"),
        ("Timer(0, 0, period=0)", "Invalid period or div"),
        ("Timer(0, 0, period=-1)", "Invalid period or div"),
        ("Timer(0, 0, period=1, unit=Timer.UNIT_NS)", "Invalid period or div"),
        ("Timer(0, 0, div=256)", "Invalid period or div"),
        ("Timer(0, 0, unit=4)", "unit error"),
        ("Timer(0, 0, freq=0)", "Invalid period or div"),
        ("PWM(Timer(0, 0, start=False), freq=1000, duty=50)", "Invalid timer"),
        ("PWM(Timer(0, 0, mode=Timer.MODE_PWM), freq=0, duty=50)", "Invalid freq"),
        ("PWM(Timer(0, 0, mode=Timer.MODE_PWM), freq=1000, duty=101)", "Invalid duty"),
        ("PWM(Timer(0, 0, mode=Timer.MODE_PWM), freq=1000, duty=-1)", "Invalid duty"),
        ("PWM(Timer(0, 0, mode=Timer.MODE_PWM), freq=1000, duty=50, pin=48)", "Invalid pin number 48"),
        ("PWM(21, freq=0)", "Invalid freq"),
        ("PWM(21, freq=1000, duty_u16=-1)", "duty_u16"),
        ("PWM(48, freq=1000)", "pin 48"),
        ("PWM(5, freq=1000)", "it is used by UARTHS_TX"),
        ("p = [PWM(18 + i, freq=1000, duty_u16=100) for i in range(13)]", "all twelve timer channels"),
        ("p = PWM(21, freq=1000); p.deinit(); p.freq(5)", "deinitialised"),
    ],
)
def test_errors(board: Board, call: str, message: str) -> None:
    with pytest.raises(ScriptError, match=f"ValueError: .*{message}"):
        board.exec(f"from machine import Timer, PWM\n{call}")


def test_pwm_objects_of_maixpy(board: Board) -> None:
    code = """
from machine import Timer, PWM
from board import board_info
tim = Timer(Timer.TIMER0, Timer.CHANNEL0, mode=Timer.MODE_PWM)
ch = PWM(tim, freq=500000, duty=50, pin=board_info.LED_G)
print(ch.freq(), ch.duty(), ch.duty(75.5), ch.duty(), round(ch.freq(1000)))
ch.disable()
ch.enable()
s = repr(ch)
print(s[:12] + s[s.index(' '):])
from Maix import FPIOA
print(FPIOA().get_Pin_num(FPIOA.TIMER0_TOGGLE1))
try:
    Timer(Timer.TIMER2, Timer.CHANNEL3)
    PWM(20, freq=1000, duty_u16=1)
    print(FPIOA().get_function(20) == FPIOA.TIMER2_TOGGLE3)
except ValueError as e:
    print(e)
"""
    assert board.exec(code).splitlines() == [
        "500000 50 75.5 76 1000",
        "[MAIXPY]PWM: timer=0, channel=0, freq=1000, duty=75.50, enabled=1",
        "12",
        "True",
    ]


@pytest.fixture
def jumper(board: Board) -> Board:
    """Pads 20 and 21 are wired together."""
    board.wire("20-21")
    return board


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
@pytest.mark.parametrize(("hz", "share"), [(50, 0.075), (50, 0.5), (1000, 0.25), (1000, 0.9), (4000, 0.5)])
def test_pwm_at_the_pin(jumper: Board, hz: int, share: float) -> None:
    """Periods by interrupts, duty by polling; period within 0.1 % over 50 of them."""
    code = f"""{PERIODS}
import array
tim = Timer(Timer.TIMER0, Timer.CHANNEL2, mode=Timer.MODE_PWM)
p = PWM(tim, freq={hz}, duty={share * 100}, pin=20)
i = Pin(21, Pin.IN)
times = array.array('q', [0] * 60)
n = 0
def edge(pin):
    global n
    if n < 60:
        times[n] = time.ticks_us()
        n += 1
i.irq(edge, Pin.IRQ_RISING, hard=True)
while n < 51:
    time.sleep_ms(1)
i.irq(None)
print((times[50] - times[0]) / 50)
print([(time_pulse_us(i, 0), time_pulse_us(i, 1))[1] for k in range(3)])
"""
    period, pulses = jumper.exec(code).splitlines()
    assert float(period) == pytest.approx(1e6 / hz, rel=1e-3)
    for pulse in pulses.strip("[]").split(","):
        # The polling loop shares the processor with interrupts, such as those of the serial line.
        assert int(pulse) == pytest.approx(1e6 / hz * share, rel=1e-3, abs=10)


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_pwm_of_micropython_at_the_pin(jumper: Board) -> None:
    code = (
        PERIODS
        + """
p = PWM(Pin(20), freq=1000, duty_u16=0)
i = Pin(21, Pin.IN)
print(set(i() for k in range(2000)))
p.duty_u16(65535)
print(set(i() for k in range(2000)), p.duty_u16(), p.duty_ns())
p.duty_ns(250000)
print(p.duty_u16(), 200 <= (time_pulse_us(i, 0), time_pulse_us(i, 1))[1] <= 300)
p.freq(2000)
print(p.duty_ns(), p.freq(), p)
print(PWM(20) is p)
p.deinit()
print(i())
"""
    )
    assert jumper.exec(code).splitlines() == [
        "{0}",
        "{1} 65535 1000000",
        "16384 True",
        "250000 2000 PWM(Pin(IO20), freq=2000, duty_u16=32768)",
        "True",
        "0",
    ]


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_bitstream(board: Board) -> None:
    """WS2812's bits at the pad: each pulse is within 150 ns, and errors do not add up."""
    assert board.emulator
    timing = (400, 850, 800, 450)
    board.exec("import machine\np = machine.Pin(21, machine.Pin.OUT, value=0)")
    board.emulator.set("/machine/soc/fpioa", "probe", "21")
    board.exec(f"machine.bitstream(p, 0, {timing}, b'\\xa5\\x0f\\x80')")
    edges = [tuple(map(int, e.split(":"))) for e in board.emulator.get("/machine/soc/fpioa", "edges").split()]
    board.emulator.set("/machine/soc/fpioa", "probe", "")
    assert [level for _, level in edges] == [1, 0] * 24
    times = [t for t, _ in edges]
    bits = "".join(f"{byte:08b}" for byte in b"\xa5\x0f\x80")
    wanted = [ns for bit in bits for ns in (timing[2:] if bit == "1" else timing[:2])]
    took = [b - a for a, b in itertools.pairwise(times)]
    assert all(abs(a - b) <= 150 for a, b in zip(took, wanted, strict=False)), took
    assert abs(times[-1] - times[0] - sum(wanted[:-1])) <= 150
