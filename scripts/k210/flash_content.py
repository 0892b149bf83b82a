# SPDX-License-Identifier: MIT
"""Whether the flash of a board that is already running holds what a test needs."""

import ast
import hashlib
from collections.abc import Sequence

from k210 import paths
from k210.errors import K210Error, ScriptError
from k210.firmware import Prompt
from k210.image import FlashPart, load_arguments

__tracebackhide__ = True  # a failed test's report ends at the test's own line

ASK = """
def _digest(start, n):
    import hashlib, k210
    s = hashlib.sha256()
    while n:
        some = min(n, 8192)
        s.update(k210.flash_read(start, some))
        start += some
        n -= some
    return s.digest()
"""


class FlashContent:
    """Remembers what has been found in the flash of one board; models do not go away by themselves."""

    def __init__(self, name: str) -> None:
        self._size = paths.flash_size(name)
        self._there: set[tuple[int, bytes]] = set()

    def missing(self, board: Prompt, arguments: Sequence[str]) -> str:
        """The first of the FILE[@ADDR] arguments that is not in the flash; empty when all are."""
        parts = load_arguments(list(arguments), self._size)
        unknown = [p for p in parts if (p.address, _digest(p)) not in self._there]
        if not unknown:
            return ""
        places = [(p.address, len(p.flash_bytes())) for p in unknown]
        try:
            found = ast.literal_eval(board.exec(f"{ASK}print([_digest(a, n) for a, n in {places}])", timeout=120))
        except (ScriptError, ValueError, SyntaxError) as e:
            raise K210Error(f"the board does not tell what is in its flash: {e}") from None
        for part, digest in zip(unknown, found, strict=True):
            if digest != _digest(part):
                return part.describe()
            self._there.add((part.address, digest))
        return ""


def _digest(part: FlashPart) -> bytes:
    return hashlib.sha256(part.flash_bytes()).digest()
