# SPDX-License-Identifier: MIT
"""Which firmware a board runs, and whether it is the one that a file holds."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from k210 import flash, paths
from k210.errors import K210Error, ScriptError, WrongFirmware
from k210.image import load_arguments

__tracebackhide__ = True  # a failed test's report ends at the test's own line

# The linker's note as it stands in the program: sizes of name and digest, type, name.
NOTE = bytes.fromhex("04000000 14000000 03000000") + b"GNU\0"
DIGEST = 20
PROBE = """
import sys
try:
    import k210
    _b = k210.build()
except (ImportError, AttributeError):
    _b = ('', '')
print((sys.version, getattr(sys.implementation, '_machine', ''), _b[0], _b[1]))
"""


class Prompt(Protocol):
    """What is needed of a Board here."""

    def exec(self, code: str | bytes, timeout: float | None = ...) -> str: ...


@dataclass(frozen=True)
class Identity:
    """What a board says about its firmware. commit and build_id are empty for other people's."""

    version: str
    machine: str
    commit: str
    build_id: str

    def __str__(self) -> str:
        build = f"commit {self.commit}, build {self.build_id[:12]}" if self.build_id else "which tells no build id"
        return f"{self.version} ({self.machine or 'unknown board'}), {build}"


def identify(board: Prompt) -> Identity:
    """Asks the board."""
    try:
        values = ast.literal_eval(board.exec(PROBE, timeout=20).strip())
        return Identity(*(str(value) for value in values))
    except (ScriptError, ValueError, SyntaxError, TypeError) as e:
        raise K210Error(f"the board does not say what firmware it runs: {e}") from None


def build_id(file: Path, board: str) -> str:
    """The build id of a firmware.bin or .kfpkg."""
    for part in load_arguments([str(file)], paths.flash_size(board)):
        at = part.data.find(NOTE)
        if part.address == 0 and at >= 0 and len(part.data) >= at + len(NOTE) + DIGEST:
            return part.data[at + len(NOTE) :][:DIGEST].hex()
    raise K210Error(f"{file} holds no build id; it is no firmware of this project, or one from before build ids")


def check(board: Prompt, file: Path, name: str, where: str) -> Identity:
    """Refuses a board that runs something else than the file."""
    wanted, found = build_id(file, name), identify(board)
    if found.build_id != wanted:
        raise WrongFirmware(
            f"the board at {where} runs {found}; the tests are for {file}, build {wanted[:12]}. "
            "Flash it with --k210-firmware FILE, or test what is there with --k210-firmware any"
        )
    return found


def program(port: str, file: Path, others: Sequence[str], name: str) -> None:
    """Flashes the firmware and what else belongs into the flash."""
    flash.flash(port, [str(file), *others], name, paths.flash_size(name))
