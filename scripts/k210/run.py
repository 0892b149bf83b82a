# SPDX-License-Identifier: MIT
"""`k210 run`: one script on a fresh emulator or on a board."""

import sys
from collections.abc import Callable
from pathlib import Path

from k210 import frame
from k210.board import Board
from k210.emulator import Config, save_picture
from k210.errors import K210Error, ScriptError, ScriptTimeout

ENDED, EXCEPTION, TIMEOUT = 0, 1, 2


def _print(data: bytes) -> None:
    sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
    sys.stdout.buffer.flush()


def run(
    script: Path,
    config: Config | None,
    port: str = "",
    frames: int | None = None,
    timeout: float | None = None,
    lcd: Path | None = None,
) -> int:
    """Runs the script on a fresh emulator (config) or on the board at port; the exit status of `k210 run`."""
    try:
        code = script.read_bytes()
    except OSError as e:
        raise K210Error(f"cannot read the script {script}: {e.strerror}") from None
    if config is None and frames is not None:
        raise K210Error("--frames needs the emulator: a board does not tell how many pictures its LCD has had")
    try:
        with Board.start(config) if config else Board(port=port) as board:
            if lcd is not None and config is None:
                board.exec(frame.KEEP)  # the LCD of a board cannot be read back
            try:
                board.stream(code, _print, timeout, _stop_after(board, frames))
            except (ScriptError, ScriptTimeout):
                _save_lcd(board, lcd)
                raise
            _save_lcd(board, lcd)
            return ENDED
    except ScriptError as e:
        sys.stdout.flush()
        print(e.traceback, end="", file=sys.stderr)
        return EXCEPTION
    except ScriptTimeout as e:
        print(f"k210: {e}", file=sys.stderr)
        return TIMEOUT


def _save_lcd(board: Board, path: Path | None) -> None:
    if path is not None:
        save_picture(board.screenshot(), path)


def _stop_after(board: Board, frames: int | None) -> Callable[[], bool] | None:
    if frames is None:
        return None
    last = board.pictures() + frames
    return lambda: board.pictures() >= last
