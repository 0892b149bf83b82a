# SPDX-License-Identifier: MIT
"""_thread: turns, locks, garbage collection, soft reset, interrupts; MicroPython's suite has more."""

import pytest

from k210.board import Board
from k210.errors import ScriptTimeout


def test_threads_take_turns_while_both_compute(board: Board) -> None:
    code = """
import _thread, time
counts = [0, 0]
stop = False
def worker(n):
    while not stop:
        counts[n] += 1
for n in (0, 1):
    _thread.start_new_thread(worker, (n,))
time.sleep_ms(200)
stop = True
time.sleep_ms(20)
print(min(counts) > max(counts) // 5 > 0)
"""
    assert board.exec(code) == "True\n"


def test_sleepers_wake_in_time(board: Board) -> None:
    code = """
import _thread, time
done = []
def sleeper(ms):
    t = time.ticks_ms()
    time.sleep_ms(ms)
    done.append((ms, time.ticks_diff(time.ticks_ms(), t) - ms))
for ms in (150, 50, 100):
    _thread.start_new_thread(sleeper, (ms,))
while len(done) < 3:
    time.sleep_ms(5)
print([d[0] for d in done], all(0 <= d[1] < 50 for d in done))
"""
    assert board.exec(code) == "[50, 100, 150] True\n"


def test_lock_and_collector(board: Board) -> None:
    code = """
import _thread, gc, time
lock = _thread.allocate_lock()
total = 0
left = 4
def worker(n):
    global total, left
    keep = [bytes((n, i & 255)) * 20 for i in range(200)]
    for i in range(200):
        with lock:
            v = total
            if i % 50 == 0:
                gc.collect()
                time.sleep_ms(1)
            total = v + 1
        assert keep[i] == bytes((n, i & 255)) * 20
    with lock:
        left -= 1
for n in range(4):
    _thread.start_new_thread(worker, (n,))
while left:
    time.sleep_ms(5)
print(total)
"""
    assert board.exec(code) == "800\n"


def test_ctrl_c_ends_a_deadlock(board: Board) -> None:
    code = "import _thread\nl = _thread.allocate_lock()\nl.acquire()\nl.acquire()"
    with pytest.raises(ScriptTimeout) as error:
        board.exec(code, timeout=0.5)
    assert error.value.answers
    assert board.exec("print('alive')") == "alive\n"


def test_threads_end_at_a_soft_reset_and_their_stacks_are_free(board: Board) -> None:
    free = board.eval("__import__('k210').pool_free()")
    for _ in range(3):
        board.exec(
            "import _thread\ndef f():\n    while True:\n        pass\n"
            "for i in range(5):\n    _thread.start_new_thread(f, ())"
        )
        board.reset()
        assert board.eval("__import__('k210').pool_free()") == free


def test_interrupts_and_timers_with_threads(board: Board) -> None:
    code = """
import _thread, time
from machine import Timer, Pin
n = hits = 0
def tick(t):
    global n
    n += 1
def edge(p):
    global hits
    hits += 1
stop = False
def work():
    while not stop:
        sum(range(50))
_thread.start_new_thread(work, ())
p = Pin(21, Pin.OUT, value=0)
p.irq(edge, Pin.IRQ_RISING, hard=True)
t = Timer(-1, period=2, callback=tick, hard=True)
for i in range(50):
    p(1)
    p(0)
    time.sleep_ms(1)
t.deinit()
p.irq(None)
stop = True
print(hits, n > 10)
"""
    assert board.exec(code) == "50 True\n"


def test_errors(board: Board) -> None:
    code = """
import _thread, time
def bad():
    raise ValueError('in the thread')
_thread.start_new_thread(bad, ())
time.sleep_ms(20)
_thread.stack_size(1 << 30)
try:
    _thread.start_new_thread(bad, ())
except ValueError as e:
    print(e)
_thread.stack_size(512 * 1024)
threads = 0
def wait():
    while not done:
        time.sleep_ms(10)
done = False
try:
    while True:
        _thread.start_new_thread(wait, ())
        threads += 1
except OSError as e:
    print(e)
done = True
time.sleep_ms(100)
print(threads > 3)
"""
    lines = board.exec(code).splitlines()
    assert "Unhandled exception in thread" in lines[0]
    assert "ValueError: in the thread" in lines
    assert lines[-3:] == [
        "a stack of 1073741824 bytes is more than 524288",
        "no memory for the 524288 bytes of a thread's stack",
        "True",
    ]
