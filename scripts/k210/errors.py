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
    """A script, or the board itself, did not come to an end in time.

    output: what had been printed; answers: whether the board took the Ctrl-C that followed.
    """

    def __init__(self, message: str, output: str = "", answers: bool = False) -> None:
        super().__init__(message)
        self.output = output
        self.answers = answers


class BoardCrashed(K210Error):
    """The board started anew in the middle of a script. output: what it printed until then."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class BoardGone(K210Error):
    """There is no board any more: its port has gone, or nothing brings it back to a prompt."""


class WrongFirmware(K210Error):
    """The board runs another firmware than the one that the tests are for."""


class EmulatorOnly(K210Error):
    """Asked of a board what it cannot do, mostly of a real one what only the emulator can.
    The pytest plugin turns it into a skip."""
