# SPDX-License-Identifier: MIT
"""Where things lie in the repository and what can be said otherwise by the environment."""

import json
import os
from pathlib import Path
from typing import Any

from k210.errors import K210Error

__tracebackhide__ = True  # a failed test's report ends at the test's own line

PACKAGE = Path(__file__).resolve().parent
# The checkout: around this file, or K210_HOME for a package that was installed elsewhere.
ROOT = Path(os.environ["K210_HOME"]) if os.environ.get("K210_HOME") else PACKAGE.parents[1]
BUILD = ROOT / "build"
DEFAULT_BOARD = "maix_bit"
DEFAULT_FLASH_SIZE = 16 << 20
HINT = "K210_HOME names a checkout where `make emulator firmware` has been run"


def _in_checkout() -> bool:
    return (ROOT / "boards").is_dir()


def emulator_binary() -> Path:
    """The QEMU to start: K210_QEMU, or the one of `make emulator`."""
    path = Path(os.environ.get("K210_QEMU") or BUILD / "qemu" / "qemu-system-riscv64")
    if not path.is_file():
        if not _in_checkout() and not os.environ.get("K210_QEMU"):
            raise K210Error(f"where is the emulator? K210_QEMU names qemu-system-riscv64, or {HINT}")
        raise K210Error(f"there is no emulator at {path}; `make emulator` builds it")
    return path


def firmware(board: str) -> Path:
    """The flash image payload: K210_FIRMWARE, or that of `make firmware BOARD=...`."""
    named = os.environ.get("K210_FIRMWARE")
    if named:
        if not Path(named).is_file():
            raise K210Error(f"K210_FIRMWARE: there is no file {named}")
        return Path(named)
    path = BUILD / board / "firmware.bin"
    if path.is_file():
        return path
    if not _in_checkout():
        raise K210Error(f"where is the firmware of {board}? K210_FIRMWARE names firmware.bin, or {HINT}")
    known = sorted(p.parent.name for p in (ROOT / "boards").glob("*/mpconfigboard.h"))
    if board not in known:
        raise K210Error(f"there is no board {board!r}; there are {', '.join(known) or 'none'}")
    raise K210Error(f"there is no firmware at {path}; `make firmware BOARD={board}` builds it")


def board_data(board: str) -> dict[str, Any]:
    """The board.json of a board: of the checkout, or as it was installed with this package; else empty."""
    for path in (ROOT / "boards" / board / "board.json", PACKAGE / "boards" / f"{board}.json"):
        if path.is_file():
            data: dict[str, Any] = json.loads(path.read_text())
            return data
    return {}


def flash_size(board: str) -> int:
    """Bytes of the board's flash: k210.flash_size of its board.json, else 16 MiB."""
    return int(board_data(board).get("k210", {}).get("flash_size", DEFAULT_FLASH_SIZE))


def test_data() -> Path:
    """The folder with models and pictures for tests and for `make run`."""
    return Path(os.environ.get("K210_TEST_DATA") or ROOT.parent / "shared" / "data")
