# SPDX-License-Identifier: MIT
"""A labgrid farm on this machine: a real coordinator and exporter, two emulated boards as places, tests queued
on both. Everything on the loopback interface."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from foreign import K210, free_port, outcomes, run_pytest

from k210.errors import K210Error
from k210.farm import Lease, client, strategy_for

START_TIMEOUT = 60.0
pytestmark = pytest.mark.timeout(400)

TESTS = """
import pathlib, pytest, time

@pytest.mark.parametrize("n", range(6))
def test_board(board, n):
    (pathlib.Path(__file__).parent / f"port-{n}").write_text(board.port)
    assert board.exec(f"import time\\ntime.sleep_ms(300)\\nprint({n})") == f"{n}\\n"
"""


def wait_for(process: subprocess.Popen[str], log: Path, text: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, f"no {text!r} within {START_TIMEOUT:.0f} s: {log.read_text()}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """lab-0 and lab-1 at a coordinator that LG_COORDINATOR names."""
    folder = tmp_path_factory.mktemp("farm")
    address = f"127.0.0.1:{free_port()}"
    patch = pytest.MonkeyPatch()
    patch.setenv("LG_COORDINATOR", address)
    # Two that work here at the same time must not be one to the coordinator.
    patch.setenv("LG_USERNAME", "tests")
    started: list[subprocess.Popen[str]] = []

    def start(name: str, command: list[str], ready: str) -> None:
        log = folder / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, text=True, cwd=folder)
        started.append(process)
        wait_for(process, log, ready)

    bin_folder = Path(sys.executable).parent
    try:
        start("coordinator", [str(bin_folder / "labgrid-coordinator"), "-l", address], "")
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                client("places")
                break
            except K210Error:
                assert time.monotonic() < deadline, (folder / "coordinator.log").read_text()
        start("farm", [K210, "farm", "--emulators", "2", "--name", "lab"], "place: lab-1")
        yield
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        patch.undo()


@pytest.fixture
def strategy(farm: None) -> Iterator[Any]:
    lease = Lease("board=maix_bit", wait=60)
    strategy = strategy_for(lease.place, "maix_bit")
    yield strategy
    strategy.close()
    lease.release()


def project(folder: Path, source: str) -> Path:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:labgrid -p no:cacheprovider\ntimeout = 120\n")
    (folder / "test_it.py").write_text(source)
    return folder


def test_tests_are_shared_between_two_places(farm: None, tmp_path: Path) -> None:
    project(tmp_path, TESTS)
    arguments = [str(tmp_path), "-n", "2", "--k210", "labgrid:emulator=yes", "--k210-report", str(tmp_path / "r")]
    process = run_pytest(arguments, 200, tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert list(outcomes(tmp_path / "r" / "junit.xml").values()) == ["passed"] * 6
    ports = {(tmp_path / f"port-{n}").read_text() for n in range(6)}
    assert len(ports) == 2
    assert client("who").split() in ([], ["User", "Host", "Place", "Changed"]), "a place was not given back"
    assert not re.search("state: (waiting|allocated|acquired)", client("reservations"))


def test_runs_wait_for_their_turn(farm: None, tmp_path: Path) -> None:
    project(tmp_path, TESTS)
    leases = [Lease("lab-0", wait=60), Lease("emulator=yes", wait=60)]
    assert [lease.place for lease in leases] == ["lab-0", "lab-1"]
    command = [sys.executable, "-m", "pytest", str(tmp_path), "-q", "--k210", "labgrid:lab-0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + START_TIMEOUT
        while "state: waiting" not in client("reservations"):
            assert run.poll() is None
            assert time.monotonic() < deadline, "the second run did not queue up"
        assert not (tmp_path / "port-0").exists()
        leases[0].release()
        text, _ = run.communicate(timeout=120)
    assert run.returncode == 0, text
    leases[1].release()
    assert (tmp_path / "port-5").exists()


def test_nobody_waits_for_ever(farm: None) -> None:
    lease = Lease("lab-1", wait=60)
    try:
        with pytest.raises(K210Error, match="no free place for lab-1 within 3 s"):
            Lease("lab-1", wait=3)
    finally:
        lease.release()
    with pytest.raises(K210Error, match="lab-7"):
        Lease("lab-7", wait=3)
    assert not re.search("state: (waiting|allocated|acquired)", client("reservations"))


def test_strategy(strategy: Any) -> None:
    """Power, prompt, boot ROM: as labgrid's own users call it."""
    s = strategy
    s.transition("repl")
    assert s.board.exec("print(6 * 7)") == "42\n"
    s.board.exec("ram = 1")
    s.transition("off")
    assert s.power.get() is False
    s.transition("repl")
    assert s.power.get() is True
    assert s.board.exec("print('ram' in globals())") == "False\n"
    s.transition("isp")
    assert isp_answers(s.serial.url)
    s.transition("repl")
    assert s.board.exec("print(6 * 7)") == "42\n"


def isp_answers(url: str) -> bool:
    """The boot ROM's greeting, as flashing tools do it: opcode C2, and E0 for well done."""
    import serial

    with serial.serial_for_url(url, baudrate=115200, timeout=0.2, do_not_open=False) as port:
        for _ in range(10):
            port.write(b"\xc0\xc2" + bytes(14) + b"\xc0")
            if re.search(rb"\xc0\xc2\xe0", port.read(64)):
                return True
    return False


def test_power_cycle_reaches_the_board(strategy: Any, tmp_path: Path) -> None:
    s = strategy
    s.transition("repl")
    board = s.board
    board.exec("ram = 1")
    board.power_cycle()
    assert board.exec("print('ram' in globals())") == "False\n"
    assert os.environ["LG_COORDINATOR"].startswith("127.0.0.1:")
