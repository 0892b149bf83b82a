# SPDX-License-Identifier: MIT
"""An emulated board that the tests know by its serial port only, as if it were a real one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from k210 import paths

K210 = str(Path(sys.executable).parent / "k210")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def foreign_board(
    kind: str = "tcp", arguments: Sequence[str] = (), pid: Callable[[int], object] | None = None
) -> Iterator[str]:
    """The port of a board: socket:// (kind tcp; nothing but data) or rfc2217:// (with reset and boot lines).
    pid gets the number of the process that is the board."""
    port = free_port()
    command = [K210, "emulate", "--serial", f"{kind}:{port}", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout
            line = emulator.stdout.readline()
            assert line.startswith("serial: "), "the emulator did not start"
            if pid:
                pid(emulator.pid)
            yield line.removeprefix("serial: ").strip()
        finally:
            emulator.send_signal(signal.SIGTERM)
            try:
                emulator.wait(20)
            except subprocess.TimeoutExpired:
                emulator.kill()


def run_pytest(
    arguments: Sequence[str], timeout: float = 300, cwd: Path = paths.ROOT
) -> subprocess.CompletedProcess[str]:
    """A test run of its own, with the same Python."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=cwd,
        env=environment,
    )


def outcomes(junit: Path) -> dict[str, str]:
    """What became of each test: passed, failed, or why it was skipped."""
    from xml.etree import ElementTree

    found = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        problem = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        if problem is None:
            found[name] = "passed"
        elif problem.tag == "skipped":
            found[name] = f"skipped: {problem.get('message')}"
        else:
            found[name] = "failed"
    return found
