# SPDX-License-Identifier: MIT
"""For tests that start the k210 command themselves."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def k210_command(request: pytest.FixtureRequest) -> "K210Command":
    """Gives the command line of `k210 emulate` or `k210 run` with the board and flash of this test run."""
    return K210Command(request.config)


class K210Command:
    def __init__(self, options: pytest.Config) -> None:
        self._parts = ["--board", options.getoption("--k210-board")]
        for file in options.getoption("--k210-flash"):
            self._parts += ["--flash", file]
        self._strict = options.getoption("--k210-strict") == "on"

    def __call__(self, command: str, *arguments: str, strict: bool = True) -> list[str]:
        """strict=False is for programs of others that do what a real chip only just forgives."""
        parts = [*self._parts, "--strict"] if strict and self._strict else self._parts
        return [str(Path(sys.executable).parent / "k210"), command, *arguments, *parts]
