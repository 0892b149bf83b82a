# SPDX-License-Identifier: MIT
"""MicroPython's own suite as one test of `make test`."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(1800)
def test_micropython_suite(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--k210") != "emulator":
        pytest.skip("on a board: tests/upstream/run.py --port PORT")
    command = [
        sys.executable,
        str(Path(__file__).with_name("run.py")),
        "--board",
        pytestconfig.getoption("--k210-board"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (result.stdout + result.stderr).splitlines()
    verdicts = [line for line in lines if not line.startswith(("pass ", "skip "))]
    print("\n".join(verdicts))
    assert result.returncode == 0, "\n".join(verdicts[-20:])
