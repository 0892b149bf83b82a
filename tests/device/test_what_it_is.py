# SPDX-License-Identifier: MIT
"""What a board tells about itself: its build, and what its LCD shows."""

import numpy as np
import pytest

from k210 import firmware, frame, paths
from k210.board import Board
from k210.errors import K210Error, ScriptError

DRAW = """
import lcd, image
lcd.init()
lcd.clear(lcd.NAVY)
i = image.Image(size=(101, 51))
i.draw_circle(30, 25, 20, color=(0, 255, 255), fill=True)
for r, m in ((0, False), (1, False), (2, True), (3, False)):
    lcd.rotation(r)
    lcd.mirror(m)
    lcd.fill_rectangle(5 + 20 * r, 120, 15, 30, lcd.RED)
    lcd.draw_string(10, 20 + 20 * r, 'turned %d' % r, lcd.WHITE, lcd.BLUE)
    lcd.display(i, oft=(60, 5 + 30 * r))
"""


def kept(board: Board) -> np.ndarray:
    picture = frame.from_text(board.exec(frame.SEND, timeout=120))
    assert not isinstance(picture, str), picture
    return np.asarray(picture, np.int16)


def test_build_id_is_that_of_the_file(board: Board) -> None:
    found = firmware.identify(board)
    assert found.machine.endswith("with K210")
    assert "MicroPython" in found.version
    assert found.commit
    try:
        wanted = firmware.build_id(paths.firmware(paths.DEFAULT_BOARD), paths.DEFAULT_BOARD)
    except K210Error as e:
        pytest.skip(str(e))
    assert found.build_id == wanted


@pytest.mark.emulator_only
def test_kept_screen_is_what_the_glass_shows(board: Board) -> None:
    board.exec(frame.KEEP + DRAW)
    assert (kept(board) == np.asarray(board.screenshot(), np.int16)).all()
    board.exec("import lcd\nlcd.bgr_to_rgb(True)")
    assert (kept(board) == np.asarray(board.screenshot(), np.int16)).all()
    board.exec("lcd.deinit()")
    assert (kept(board) == np.asarray(board.screenshot(), np.int16)).all()


def test_screen_is_kept_only_when_asked_for(board: Board) -> None:
    board.reset()
    board.exec("import lcd, k210\nlcd.init()\nfree = k210.pool_free()[0]")
    assert board.eval("lcd.screen()") is None
    assert board.exec("lcd.keep_screen(True)\nprint(lcd.screen(), free - k210.pool_free()[0] >= 153600)") == (
        "(320, 240) True\n"
    )
    assert board.eval("len(lcd.screen(239, 1))") == 640
    for arguments in ("240, 1", "-1", "0, 241", "0, -1"):
        with pytest.raises(ScriptError, match="ValueError: .* rows from row .* are not in a picture of 240 rows"):
            board.exec(f"lcd.screen({arguments})")
    assert board.exec("lcd.keep_screen(False)\nprint(lcd.screen(), free == k210.pool_free()[0])") == "None True\n"
