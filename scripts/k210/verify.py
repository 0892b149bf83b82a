# SPDX-License-Identifier: MIT
"""Reads a board's flash back through its firmware and compares it with what was written."""

import ast
import hashlib
from collections.abc import Sequence

from k210.board import Board
from k210.errors import K210Error, ScriptError
from k210.image import FlashPart

__tracebackhide__ = True  # a failed test's report ends at the test's own line

PIECE = 65536

# Digests of the digests of the pieces: the accelerator takes a piece at a time.
READ = """
import k210, hashlib
def digest(at, n):
    whole = hashlib.sha256()
    for i in range(at, at + n, {piece}):
        whole.update(hashlib.sha256(k210.flash_read(i, min({piece}, at + n - i))).digest())
    return whole.digest()
print([digest(at, n) for at, n in {places!r}])
"""


def _places(part: FlashPart) -> tuple[int, bytes]:
    """Address and bytes that must be there. Flashing tools set bits of their own in the flag byte before a
    program, and the digest behind it covers that byte."""
    if part.bootable:
        return part.address + 1, part.flash_bytes()[1 : 5 + len(part.data)]
    return part.address, part.flash_bytes()


def digest(data: bytes) -> bytes:
    whole = hashlib.sha256()
    for at in range(0, len(data), PIECE):
        whole.update(hashlib.sha256(data[at : at + PIECE]).digest())
    return whole.digest()


def verify(port: str, parts: Sequence[FlashPart], board: str) -> str:
    """A sentence about what was compared; K210Error names the parts that are not as they should be."""
    wanted = [_places(part) for part in parts]
    code = READ.format(piece=PIECE, places=[(at, len(data)) for at, data in wanted])
    try:
        with Board(port=port, name=board) as target:
            found = ast.literal_eval(target.exec(code, timeout=120))
    except ScriptError:
        return "Not read back: what runs on the board is not this firmware."
    except K210Error as e:
        return f"Not read back: there is no prompt ({e})."
    wrong = [part.name for part, (_, data), got in zip(parts, wanted, found, strict=True) if got != digest(data)]
    if wrong:
        raise K210Error(
            f"the flash does not hold what was written: {', '.join(wrong)}. Flash again, perhaps slower (--baud)"
        )
    return f"Read back and found right: {sum(len(data) for _, data in wanted)} bytes."
