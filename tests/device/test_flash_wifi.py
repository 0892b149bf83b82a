# SPDX-License-Identifier: MIT
"""`k210 flash-wifi` through a board: the loader of the ESP8285 is a model, all between it and esptool is not."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from k210 import flash_wifi
from k210.board import Board
from k210.errors import K210Error
from k210.netmodel import EspRom

pytestmark = pytest.mark.emulator_only


@pytest.fixture(scope="module")
def rom() -> EspRom:
    return EspRom()


def flash(board: Board, image: Path, address: int) -> None:
    flash_wifi.through_board(board, "esp8285", flash_wifi.BAUDRATE, [(address, image)])


@pytest.mark.timeout(300)
def test_image_arrives(board_with: Callable[..., Board], rom: EspRom, tmp_path: Path) -> None:
    board = board_with(wifi=rom)
    image = tmp_path / "at.bin"
    image.write_bytes(b"\xc0\xdb\x03\x04" * 300 + os.urandom(4000))
    flash(board, image, 0x10000)
    assert rom.flash[0x10000 : 0x10000 + image.stat().st_size] == image.read_bytes()
    assert rom.stub
    assert board.eval("6 * 7") == 42


@pytest.mark.timeout(300)
def test_no_loader(board_with: Callable[..., Board], rom: EspRom, tmp_path: Path, monkeypatch) -> None:
    """GPIO0 was high: esptool says so, and the prompt is back."""
    board = board_with(wifi=rom)
    image = tmp_path / "at.bin"
    image.write_bytes(bytes(100))
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **k: run([*command[:3], "--connect-attempts", "1", *command[3:]], **k)
    )
    rom.answers = False
    try:
        with pytest.raises(K210Error, match="esptool ended with status"):
            flash(board, image, 0)
    finally:
        rom.answers = True
    assert board.eval("6 * 7") == 42
