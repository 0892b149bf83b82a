# SPDX-License-Identifier: MIT
"""Where things lie in the repository and what can be said otherwise by the environment."""

import json
import os
from pathlib import Path

from k210.errors import K210Error

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
DEFAULT_BOARD = "maix_bit"
DEFAULT_FLASH_SIZE = 16 << 20


def emulator_binary() -> Path:
    """The QEMU to start: K210_QEMU, or the one of `make emulator`."""
    path = Path(os.environ.get("K210_QEMU") or BUILD / "qemu" / "qemu-system-riscv64")
    if not path.is_file():
        raise K210Error(f"there is no emulator at {path}; `make emulator` builds it")
    return path


def firmware(board: str) -> Path:
    """The flash image payload of `make firmware BOARD=...`."""
    path = BUILD / board / "firmware.bin"
    if path.is_file():
        return path
    known = sorted(p.parent.name for p in (ROOT / "boards").glob("*/mpconfigboard.h"))
    if board not in known:
        raise K210Error(f"there is no board {board!r}; there are {', '.join(known) or 'none'}")
    raise K210Error(f"there is no firmware at {path}; `make firmware BOARD={board}` builds it")


def flash_size(board: str) -> int:
    """Bytes of the board's flash: k210.flash_size of its board.json, else 16 MiB."""
    try:
        return int(json.loads((ROOT / "boards" / board / "board.json").read_text())["k210"]["flash_size"])
    except (FileNotFoundError, KeyError):
        return DEFAULT_FLASH_SIZE


def test_data() -> Path:
    """The folder with models and pictures for tests and for `make run`."""
    return Path(os.environ.get("K210_TEST_DATA") or ROOT.parent / "shared" / "data")
