# SPDX-License-Identifier: MIT
"""What happened, in a few lines, when a test fails: the first thing to read in a report."""

import re

from k210.errors import BoardCrashed, BoardGone, K210Error, ScriptError, ScriptTimeout, WrongFirmware
from k210.golden import WrongPicture

LAST_LINES = 3
SHOWN = 24
# The answer to the wish for raw paste mode: its window size is binary.
RAW_PASTE = re.compile(rb"R(\x00|\x01..)", re.DOTALL)
# Control characters that belong to a console: raw REPL, bell, backspace, tab, line ends, terminal codes.
CONTROLS = "\x01\x02\x03\x04\x05\x07\b\t\n\r\x1b"


def noise(log: bytes) -> bytes:
    """The bytes of a serial log that are no text: not UTF-8, or control characters that nobody sends."""
    log = RAW_PASTE.sub(b"", log)
    text = log.decode(errors="surrogateescape")
    bad = [c for c in text if "\udc80" <= c <= "\udcff" or (c < " " and c not in CONTROLS) or c == "\x7f"]
    return "".join(bad).encode(errors="surrogateescape")


def _last(text: str) -> str:
    lines = [line for line in text.replace("\r", "").splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-LAST_LINES:]) or "    (nothing)"


def what_happened(error: BaseException | None, log: bytes) -> str:
    """A title and a sentence or two."""
    found = noise(log)
    parts = [_about(error)] if error is not None else []
    if found:
        text = (
            f"NOISE: {len(found)} bytes that are no text came over the serial line: {found[:SHOWN]!r}. "
            "A wrong baud rate, a loose cable or a missing ground look like this."
        )
        # It explains an error of the line's protocol, and perhaps one of the test.
        if type(error) is K210Error:
            parts.insert(0, text)
        else:
            parts.append(text)
    return "\n".join(parts)


def _about(error: BaseException) -> str:
    if isinstance(error, BoardCrashed):
        return f"CRASH: {error}\nThe last lines before:\n{_last(_before_crash(error.output))}"
    if isinstance(error, WrongFirmware):
        return f"WRONG FIRMWARE: {error}"
    if isinstance(error, BoardGone):
        return f"BOARD GONE: {error}"
    if isinstance(error, ScriptTimeout):
        state = "It took Ctrl-C and is at its prompt." if error.answers else "It does not answer."
        return f"HANG: {error}. {state}\nThe last lines that it printed:\n{_last(error.output)}"
    if isinstance(error, ScriptError):
        return f"EXCEPTION on the board: {error.traceback.strip().splitlines()[-1]}"
    if isinstance(error, WrongPicture):
        return f"WRONG PICTURE: {error}"
    if isinstance(error, K210Error):
        return f"ERROR: {error}"
    return (
        f"The test itself says no: {type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
    )


def _before_crash(output: str) -> str:
    cut = output.find("FATAL:")
    return output[: cut if cut >= 0 else output.rfind("MicroPython ")]
