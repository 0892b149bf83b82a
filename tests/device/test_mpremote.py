# SPDX-License-Identifier: MIT
"""`k210 emulate` together with the stock mpremote, over a pseudo-terminal, TCP and RFC 2217."""

import ast
import datetime
import hashlib
import http.server
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

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
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup nothing else would end it
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

    def close(self) -> None:
        os.close(self.fd)
        deadline = time.monotonic() + 10
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise AssertionError("the program did not end with its terminal")
            time.sleep(0.05)


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


class Index(http.server.BaseHTTPRequestHandler):
    """A package index as micropython.org has it, with one package of two files and a dependency."""

    FILES: ClassVar[dict[str, bytes]] = {
        "greeting/__init__.py": b"from words import HELLO\n",
        "greeting/more.py": b"LONG = 'x' * 3000\n" * 50,
        "words.py": b"HELLO = 'hello from the index'\n",
    }

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        def hashed(*names: str) -> list[list[str]]:
            return [[n, hashlib.sha256(self.FILES[n]).hexdigest()[:8]] for n in names]

        packages = {
            "greeting": {"hashes": hashed("greeting/__init__.py", "greeting/more.py"), "deps": [["words", "latest"]]},
            "words": {"hashes": hashed("words.py"), "deps": []},
        }
        kind, *rest = self.path.strip("/").split("/")
        body = None
        if kind == "package" and rest[1] in packages:
            body = json.dumps({"version": "1.0", **packages[rest[1]]}).encode()
        elif kind == "file":
            body = next((d for d in self.FILES.values() if hashlib.sha256(d).hexdigest()[:8] == rest[1]), None)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(body or b"")


@pytest.fixture
def index() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


pty_only = pytest.mark.parametrize("port", ["pty"], indirect=True)


@pty_only
def test_mip_installs_from_an_index(mpremote: Callable[..., str], index: str) -> None:
    text = mpremote("mip", "install", "--index", index, "--no-mpy", "greeting")
    assert "Done" in text
    assert mpremote("exec", "import greeting, greeting.more; print(greeting.HELLO, len(greeting.more.LONG))") == (
        "hello from the index 3000\n"
    )
    assert "exists" in mpremote("mip", "install", "--index", index, "--no-mpy", "greeting").lower()
    mpremote("rm", "-r", ":lib/greeting", "+", "rm", ":lib/words.py")


@pty_only
def test_trees(mpremote: Callable[..., str], tmp_path: Path) -> None:
    """cp -r there and back, tree, sha256sum, df, rm -r."""
    there = tmp_path / "there"
    (there / "deep" / "deeper").mkdir(parents=True)
    contents = {"one.txt": b"1", "deep/two.bin": os.urandom(3000), "deep/deeper/three.txt": b"", "deep/a b.txt": b"4"}
    for name, data in contents.items():
        (there / name).write_bytes(data)
    mpremote("cp", "-r", str(there), ":")
    tree = mpremote("tree", "-s", ":there")
    assert "three.txt" in tree and "3000" in tree
    digest = mpremote("sha256sum", ":there/deep/two.bin").split()[-1]
    assert digest == hashlib.sha256(contents["deep/two.bin"]).hexdigest()
    assert re.search(r"/flash\s+\S*3", mpremote("df")) or "flash" in mpremote("df")
    back = tmp_path / "back"
    back.mkdir()
    mpremote("cp", "-r", ":there", str(back))
    assert {str(p.relative_to(back / "there")): p.read_bytes() for p in back.rglob("*") if p.is_file()} == contents
    mpremote("rm", "-r", ":there")
    assert "there" not in mpremote("ls")


@pty_only
def test_resume_and_soft_reset(mpremote: Callable[..., str]) -> None:
    mpremote("exec", "kept = 5")
    assert mpremote("resume", "eval", "kept") == "5\n"
    assert mpremote("resume", "exec", "print('kept' in globals())", "soft-reset", "eval", "'kept' in globals()") == (
        "True\nFalse\n"
    )
    assert mpremote("exec", "print('kept' in globals())") == "False\n"


@pty_only
def test_rtc(mpremote: Callable[..., str]) -> None:
    mpremote("rtc", "--set")
    year, month, day, weekday, *_ = ast.literal_eval(mpremote("rtc"))
    now = datetime.datetime.now()
    assert (year, month, day, weekday) == (now.year, now.month, now.day, now.weekday())


@pty_only
def test_edit(mpremote: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The editor is a program that changes the file it is given."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/old/new/ "$1"\necho \'print(2)\' >>"$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    mpremote("exec", "f = open('edited.py', 'w'); f.write('# old\\n'); f.close()")
    mpremote("edit", ":edited.py")
    assert mpremote("cat", ":edited.py") == "# new\nprint(2)\n"
    assert mpremote("exec", "import edited") == "2\n"
    mpremote("rm", ":edited.py")


@pty_only
def test_chains_and_failures(mpremote: Callable[..., str], port: str, tmp_path: Path) -> None:
    chain = mpremote("touch", ":t", "+", "mkdir", ":m", "+", "rmdir", ":m", "+", "rm", ":t", "+", "eval", "1 + 1")
    assert chain.splitlines()[-1] == "2"
    command = [str(BIN / "mpremote"), "connect", port]
    for arguments, message in (
        (("exec", "1 / 0"), "ZeroDivisionError: divide by zero"),
        (("cat", ":missing"), "No such file"),
        (("rm", ":missing"), "No such file"),
        (("romfs", "query"), "romfs"),
    ):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0 or "not" in done.stdout, arguments
        assert message.lower() in (done.stdout + done.stderr).lower(), done
    script = tmp_path / "endless.py"
    script.write_text("print('started')\nwhile True:\n    pass\n")
    # A background job of a shell, as some CI runners are, hands on that Ctrl-C is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        running = subprocess.Popen([*command, "run", str(script)], stdout=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with running:
        try:
            assert running.stdout
            assert running.stdout.readline() == "started\n"
            running.send_signal(signal.SIGINT)
            running.wait(20)
        finally:
            running.kill()
    assert mpremote("eval", "6 * 7") == "42\n"
