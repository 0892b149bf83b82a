# SPDX-License-Identifier: MIT
"""What a test can do to an emulated board from outside, and that the next test finds it as it was."""

from pathlib import Path

import pytest

from k210.board import Board
from k210.errors import K210Error, ScriptError

pytestmark = pytest.mark.emulator_only
BOOT_KEY = "from machine import Pin\nprint(Pin(16, Pin.IN, Pin.PULL_UP)())"
MODEL = "models/mnist.kmodel@0x300000"


def test_key(board: Board) -> None:
    assert board.exec(BOOT_KEY) == "1\n"
    board.press("boot")
    assert board.exec(BOOT_KEY) == "0\n"
    board.release("boot")
    assert board.exec(BOOT_KEY) == "1\n"
    board.press("boot")


def test_key_of_the_last_test_is_let_go(board: Board) -> None:
    assert board.exec(BOOT_KEY) == "1\n"
    with pytest.raises(K210Error, match="maix_bit has no key 'fire'; it has boot"):
        board.press("fire")
    # A soft reset leaves the pad to the pin that read it.
    board.reset(hard=True)


def test_leds(board: Board) -> None:
    board.exec("from machine import Pin\nPin('LED_R', Pin.OUT, value=0)\nPin('LED_G', Pin.OUT, value=1)")
    assert board.led("red")
    assert not board.led("green")
    with pytest.raises(K210Error, match="no LED 'pink'; it has blue, green, red"):
        board.led("pink")


def test_power(board: Board) -> None:
    board.put(b"kept", "kept.txt")
    board.exec("import machine\nram = 1")
    board.power_cycle()
    assert board.get("kept.txt") == b"kept"
    with pytest.raises(ScriptError, match="NameError"):
        board.exec("print(ram)")
    board.exec("import os\nos.remove('kept.txt')")


def test_time_stands_still_without_power(board: Board) -> None:
    before = board.virtual_time()
    board.exec("import time\ntime.sleep_ms(200)")
    assert board.virtual_time() - before >= 0.2
    board.cut_power()
    off = board.virtual_time()
    assert board.virtual_time() == off
    board.power_cycle()
    assert board.exec("print(1)") == "1\n"


@pytest.mark.k210(flash=[MODEL])
def test_kpu_that_stops(board: Board) -> None:
    board.exec("import KPU as kpu\ntask = kpu.load(0x300000)")
    run = "print(len(kpu.forward(task, bytes(28 * 28))[:]))"
    assert board.exec(run) == "10\n"
    board.stop_kpu()
    with pytest.raises(ScriptError, match="OSError: .*timed out waiting for"):
        board.exec(run)
    assert board.exec("print(6 * 7)") == "42\n"


@pytest.mark.k210(flash=[MODEL])
def test_kpu_goes_on(board: Board) -> None:
    board.exec("import KPU as kpu\nkpu.load(0x300000)")
    assert board.emulator
    assert board.emulator.get("/machine/soc/kpu", "stopped") is False


def test_strictness(board: Board) -> None:
    poke = "import machine\nmachine.mem32[0x38001000 + 0x11C] = 1\nprint('done')"
    board.set_strict(False)
    assert board.exec(poke) == "done\n"
    board.set_strict(True)
    with pytest.raises(K210Error, match="the emulator stopped the program: .*unknown register 0x11c"):
        board.exec(poke)


def test_after_a_strict_stop(board: Board) -> None:
    assert board.exec("print('alive')") == "alive\n"


def test_card_comes_and_goes(board: Board, tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "hello.txt").write_text("from the card")
    assert board.emulator
    board.insert_card(folder)
    inserted = board.emulator.qmp("query-block")
    assert any(d.get("inserted") for d in inserted if d.get("qdev") == "/machine/sd/card")
    board.eject_card()
    ejected = board.emulator.qmp("query-block")
    assert not any(d.get("inserted") for d in ejected if d.get("qdev") == "/machine/sd/card")
    with pytest.raises(K210Error, match="no SD card image or folder"):
        board.insert_card(tmp_path / "none")
