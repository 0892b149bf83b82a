# SPDX-License-Identifier: MIT
"""Errors that a user can do something about. The command line prints them as one sentence."""


class K210Error(Exception):
    """Anything the tools refuse or cannot do; the text is a sentence for the user."""


class ScriptError(K210Error):
    """A script on the board ended with an exception.

    output: what the script had printed; traceback: MicroPython's text of the exception.
    """

    def __init__(self, output: str, traceback: str) -> None:
        super().__init__(traceback)
        self.output = output
        self.traceback = traceback


class ScriptTimeout(K210Error):
    """A script, or the board itself, did not come to an end in time. output: what had been printed."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class EmulatorOnly(K210Error):
    """Asked of a real board what only the emulator can do. The pytest plugin turns it into a skip."""
