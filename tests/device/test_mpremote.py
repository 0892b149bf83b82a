# SPDX-License-Identifier: MIT
"""`k210 emulate` together with the stock mpremote, over a pseudo-terminal, TCP and RFC 2217."""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent

pytestmark = [pytest.mark.timeout(180), pytest.mark.emulator_only]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=["pty", "tcp", "rfc2217"])
def port(request: pytest.FixtureRequest, k210_command: Callable[..., list[str]]) -> Iterator[str]:
    """The serial port of an emulated board, as `k210 emulate` prints it."""
    kind = request.param if request.param == "pty" else f"{request.param}:{free_port()}"
    with subprocess.Popen(k210_command("emulate", "--serial", kind), stdout=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdout
        line = emulator.stdout.readline()
        assert line.startswith("serial: "), line
        yield line.removeprefix("serial: ").strip()
        emulator.send_signal(signal.SIGTERM)
        assert emulator.wait(10) == 0


@pytest.fixture
def mpremote(port: str) -> Callable[..., str]:
    """Runs one mpremote command; its output."""

    def run(*arguments: str) -> str:
        command = [str(BIN / "mpremote"), "connect", port, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.replace("\r\n", "\n")

    return run


def test_exec(mpremote: Callable[..., str]) -> None:
    assert mpremote("exec", "print(6 * 7)") == "42\n"


def test_eval(mpremote: Callable[..., str]) -> None:
    assert mpremote("eval", "2 ** 10") == "1024\n"


def test_run(mpremote: Callable[..., str], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.platform)\n")
    assert mpremote("run", str(script)) == "k210\n"


def test_cp_there_and_back(mpremote: Callable[..., str], tmp_path: Path) -> None:
    there, back = tmp_path / "there.bin", tmp_path / "back.bin"
    there.write_bytes(os.urandom(5000))
    mpremote("cp", str(there), ":copy.bin")
    assert "copy.bin" in mpremote("ls")
    mpremote("cp", ":copy.bin", str(back))
    assert back.read_bytes() == there.read_bytes()
    mpremote("rm", ":copy.bin")
    assert "copy.bin" not in mpremote("ls")


def test_mount_runs_a_module_of_the_host(mpremote: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "hostmodule.py").write_text("VALUE = 11\n")
    output = mpremote("mount", str(tmp_path), "exec", "import hostmodule; print(hostmodule.VALUE)")
    assert output.splitlines()[-1] == "11"


class Terminal:
    """A program on a terminal of its own, as a user has it."""

    def __init__(self, *command: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)
        self.seen = b""

    def write(self, data: bytes) -> None:
        os.write(self.fd, data)

    def expect(self, text: bytes, timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} in {self.seen!r}"
            if select.select([self.fd], [], [], left)[0]:
                self.seen += os.read(self.fd, 4096)
        self.seen = self.seen.partition(text)[2]

    def close(self) -> int:
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


# mpremote's terminal waits on a file descriptor, which its network ports have not.
@pytest.mark.parametrize("port", ["pty"], indirect=True)
def test_repl_and_ctrl_c_against_a_busy_loop(port: str) -> None:
    terminal = Terminal(str(BIN / "mpremote"), "connect", port, "repl")
    try:
        terminal.expect(b"exit this shell")
        time.sleep(0.5)  # until mpremote has switched its terminal to raw
        terminal.write(b"\r")
        terminal.expect(b">>> ")
        terminal.write(b"print(6 * 7)\r")
        terminal.expect(b"\n42\r\n>>> ")
        terminal.write(b"while True: pass\r")
        terminal.expect(b"... ")
        terminal.write(b"\r\r")
        time.sleep(0.5)
        terminal.write(b"\x03")
        terminal.expect(b"KeyboardInterrupt")
        terminal.expect(b">>> ")
        terminal.write(b"print(11 * 11)\r")
        terminal.expect(b"\n121\r\n>>> ")
        terminal.write(b"\x1d")
    finally:
        terminal.close()


def test_ctrl_c_ends_the_emulator(k210_command: Callable[..., list[str]]) -> None:
    """Without a traceback, and QEMU goes along."""
    with subprocess.Popen(
        k210_command("emulate"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as emulator:
        assert emulator.stdout and emulator.stderr
        assert emulator.stdout.readline().startswith("serial: /dev/pts/")
        emulator.send_signal(signal.SIGINT)
        assert emulator.wait(10) == 0
        assert emulator.stderr.read() == ""
