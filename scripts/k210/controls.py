# SPDX-License-Identifier: MIT
"""Ways to start a board anew when its prompt does not answer: reset key, power."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from k210.emulator import Emulator
from k210.wiring import DTR_IS_RESET, RISE_TIME

__tracebackhide__ = True  # a failed test's report ends at the test's own line

__all__ = ["RISE_TIME"]

PULSE = 0.1
POWER_OFF_TIME = 1.0


class Controls(Protocol):
    """What can be done to a board from outside. None: that cannot be done here."""

    reset: Callable[[], None] | None
    power: Callable[[bool], None] | None


class NoControls:
    """A board of which only the serial line's data is at hand."""

    reset: Callable[[], None] | None = None
    power: Callable[[bool], None] | None = None


class EmulatorControls:
    """The emulator's reset key and plug."""

    def __init__(self, emulator: Emulator) -> None:
        self.reset = emulator.reset
        self.power: Callable[[bool], None] | None = emulator.power


class LineControls:
    """DTR and RTS of a serial port, wired to reset and boot as on the board; power from elsewhere."""

    def __init__(self, port: Any, board: str, power: Callable[[bool], None] | None = None) -> None:
        self._port = port
        self._swap = board in DTR_IS_RESET
        self.power = power

    def _set(self, reset: bool, boot: bool) -> None:
        # One after the other: with both asserted the wiring does nothing.
        if self._swap:
            self._port.rts, self._port.dtr = boot, reset
        else:
            self._port.dtr, self._port.rts = boot, reset

    def reset(self) -> None:
        """The reset pin low for a moment, the boot pin left alone."""
        self._set(reset=True, boot=False)
        time.sleep(PULSE)
        self._set(reset=False, boot=False)

    def isp(self) -> None:
        """A reset with the boot pin low when the reset pin rises: the boot ROM waits for a program."""
        self._set(reset=True, boot=False)
        time.sleep(PULSE)
        # The reset pin rises slowly, so the boot pin is low in time.
        self._set(reset=False, boot=True)
        time.sleep(PULSE)
        self._set(reset=False, boot=False)


def has_lines(url: str) -> bool:
    """Whether a port carries DTR and RTS: socket:// and pseudo-terminals do not."""
    return url.startswith("rfc2217://") or ("://" not in url and not url.startswith("/dev/pts/"))
