# SPDX-License-Identifier: MIT
"""What the `board` fixture promises, on the emulator and on a board."""

from pathlib import Path

import pytest

from k210.board import Board
from k210.errors import ScriptError, ScriptTimeout


def test_exec_returns_what_was_printed(board: Board) -> None:
    assert board.exec("print('hello')\nprint(1, 2)") == "hello\n1 2\n"


def test_eval_gives_the_value(board: Board) -> None:
    assert board.eval("[1, 'two', 3.5]") == [1, "two", 3.5]


def test_exception_comes_with_output_and_traceback(board: Board) -> None:
    with pytest.raises(ScriptError) as error:
        board.exec("print('before')\nraise ValueError('no good')")
    assert error.value.output == "before\n"
    assert "ValueError: no good" in error.value.traceback
    assert board.exec("print('alive')") == "alive\n"


def test_busy_loop_times_out_and_the_board_lives(board: Board) -> None:
    with pytest.raises(ScriptTimeout) as error:
        board.exec("print('start')\nwhile True: pass", timeout=1)
    assert error.value.output == "start\n"
    assert board.exec("print('alive')") == "alive\n"


def test_run_takes_a_script_of_the_host(board: Board, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("for i in range(3):\n    print(i)\n")
    assert board.run(script) == "0\n1\n2\n"


def test_long_script_and_long_output(board: Board) -> None:
    code = "total = 0\n" + "".join(f"total += {i}\n" for i in range(1000)) + "print(total)\nprint('x' * 20000)"
    assert board.exec(code) == f"{sum(range(1000))}\n{'x' * 20000}\n"


def test_soft_reset_forgets_names(board: Board) -> None:
    board.exec("kept = 1")
    assert board.exec("print(kept)") == "1\n"
    board.reset()
    with pytest.raises(ScriptError, match="NameError"):
        board.exec("print(kept)")


def test_hard_reset_comes_back_to_the_prompt(board: Board) -> None:
    board.exec("kept = 1")
    board.reset(hard=True)
    with pytest.raises(ScriptError, match="NameError"):
        board.exec("print(kept)")


def test_files_go_and_come_back(board: Board) -> None:
    content = bytes(range(256)) * 9
    board.put(content, "fixture.bin")
    assert board.get("fixture.bin") == content
    board.exec("import os\nos.remove('fixture.bin')")
