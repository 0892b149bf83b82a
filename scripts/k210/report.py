# SPDX-License-Identifier: MIT
"""What stays of a failed test: a sentence about it, the serial log, the LCD's picture, virtual time."""

import base64
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from k210.board import Board
from k210.diagnose import what_happened
from k210.emulator import save_picture
from k210.errors import BoardGone, EmulatorOnly, K210Error, ScriptTimeout
from k210.golden import WrongPicture

SERIAL_LINES = 20  # of the end of the log, so that a failure fits on a screen
MESSAGE_LINES = 6
MAX_LINE = 160
VIRTUAL = "k210_virtual_seconds"


def folder_name(nodeid: str) -> str:
    """A test's folder in the report."""
    return re.sub(r"[^\w.=-]+", "_", nodeid.replace("/", ".")).strip("_.")[:150]


def _end(text: str, lines: int) -> str:
    kept = [line[:MAX_LINE] for line in text.replace("\r", "").replace("\x04", "").strip().splitlines()]
    return "\n".join(kept[-lines:])


class FailureReport:
    """Gathers the evidence of one failed test from the board, and puts it into a folder and the report."""

    def __init__(self, folder: Path, board: Board | None, since: int, started: float | None) -> None:
        self._folder = folder
        self._board = board
        self._since = since  # the log's position when the test began
        self._started = started  # virtual time then

    def fill(self, report: pytest.TestReport, error: BaseException | None) -> None:
        log = self._board.serial_bytes(self._since) if self._board else b""
        happened = what_happened(error, log)
        if self._board is None and not isinstance(error, K210Error):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        lines = [happened]
        seconds = self._virtual_seconds()
        if seconds is not None:
            lines.append(f"Virtual time: {seconds:.3f} s")
        lines.append(f"Everything about it: {self._folder}")
        report.sections.insert(0, ("what happened", "\n".join(lines)))
        (self._folder / "what-happened.txt").write_text("\n".join(lines) + "\n")
        if self._board:
            (self._folder / "serial.log").write_bytes(log)
            report.sections.append(("end of the serial log", _end(log.decode(errors="replace"), SERIAL_LINES)))
            if self._board.emulator:
                messages = self._board.emulator.messages()
                if messages:
                    (self._folder / "emulator.log").write_text(messages + "\n")
                    report.sections.append(("messages of the emulator", _end(messages, MESSAGE_LINES)))
        self._pictures(report, error)

    def _virtual_seconds(self) -> float | None:
        if self._board and self._board.emulator and self._started is not None:
            with suppress(K210Error):
                return self._board.virtual_time() - self._started
        return None

    def _pictures(self, report: pytest.TestReport, error: BaseException | None) -> None:
        pictures = []
        lcd = self._screenshot(error)
        if lcd:
            save_picture(lcd, self._folder / "lcd.png")
            pictures.append(("LCD", self._folder / "lcd.png"))
        if isinstance(error, WrongPicture):
            pictures.append(("wanted, got, difference", error.seen))
        add_pictures(report, pictures)

    def _screenshot(self, error: BaseException | None) -> Image.Image | None:
        board = self._board
        if board is None or isinstance(error, BoardGone):
            return None
        if not board.emulator and isinstance(error, ScriptTimeout) and not error.answers:
            return None  # asking would only take more time
        with suppress(K210Error, EmulatorOnly, OSError):
            return board.screenshot()
        return None


def add_pictures(report: pytest.TestReport, pictures: list[tuple[str, Path]]) -> None:
    """For pytest-html, if it is installed."""
    try:
        from pytest_html import extras
    except ImportError:
        return
    found: list[Any] = getattr(report, "extras", [])
    for name, path in pictures:
        with suppress(OSError):
            found.append(extras.png(base64.b64encode(path.read_bytes()).decode(), name))
    report.extras = found  # type: ignore[attr-defined]
