# SPDX-License-Identifier: MIT
"""The friendly prompt of a board, character by character, as a person at the serial line has it."""

import time
from collections.abc import Callable

from k210.errors import K210Error, ScriptTimeout

__tracebackhide__ = True  # a failed test's report ends at the test's own line

PROMPT = b">>> "
IDLE = 0.005


class Console:
    """send, read_until and silence; see Board.console()."""

    def __init__(self, write: Callable[[bytes], object], read: Callable[[], bytes]) -> None:
        self._write = write
        self._read = read  # one byte, or nothing after a moment

    def send(self, data: bytes) -> None:
        self._write(data)

    def read_until(self, end: bytes = PROMPT, timeout: float = 10) -> bytes:
        """What comes up to and with end."""
        data = b""
        deadline = time.monotonic() + timeout
        while not data.endswith(end):
            if time.monotonic() > deadline:
                text = data.decode(errors="replace")
                raise ScriptTimeout(f"no {end!r} within {timeout:g} s, only {data[-300:]!r}", text)
            data += self._read()
        return data

    def silence(self, seconds: float) -> bytes:
        """What comes within this time although nothing should."""
        data = b""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            data += self._read()
        return data

    def command(self, line: str, timeout: float = 10) -> str:
        """Types a line and gives what the board printed before its next prompt, without the echo."""
        self._write(line.encode() + b"\r")
        text = self.read_until(PROMPT, timeout).decode(errors="replace").replace("\r\n", "\n")
        echo, newline, rest = text.partition("\n")
        if not newline:
            raise K210Error(f"the board did not take the line {line!r}: {echo!r}")
        return rest.removesuffix(PROMPT.decode())
