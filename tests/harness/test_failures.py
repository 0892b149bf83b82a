# SPDX-License-Identifier: MIT
"""Failures of boards, and what a test run says about them: a screen full at most, with the reason on top."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from foreign import foreign_board, outcomes, run_pytest
from noisy import NoisyLine
from PIL import Image

from k210 import paths
from k210.firmware import NOTE
from k210.target import PortTarget, Settings, Wanted

SCREEN = 48  # lines
pytestmark = pytest.mark.timeout(400)

HANG = """
def test_hang(board):
    board.exec("print('working')\\nimport micropython\\nmicropython.kbd_intr(-1)\\nwhile True: pass", timeout=2)


def test_after_hang(board):
    assert board.exec("print(1)") == "1\\n"
"""
EXCEPTION = """
def test_exception(board):
    board.exec("def f(x):\\n    raise ValueError('no good')\\nf(1)")
"""
CRASH = """
import pytest


@pytest.mark.k210(strict=False)
def test_crash(board):
    board.exec("print('before')\\nimport machine\\nmachine.mem32[0x70000000]")


def test_after_crash(board):
    assert board.exec("print(1)") == "1\\n"
"""
PICTURE = """
def test_picture(board, golden):
    board.exec("import lcd\\nlcd.init()\\nlcd.clear(lcd.RED)\\nlcd.fill_rectangle(40, 40, 80, 80, lcd.BLUE)")
    golden.check(board.screenshot(), "red", tolerance=8)
"""
NOISE = """
def test_noise(board):
    assert board.exec("print('a', '(ten bad' + ' bytes)', 'b')") == "a (ten bad bytes) b\\n"


def test_after_noise(board):
    assert board.exec("print(1)") == "1\\n"
"""
GONE = """
import os, signal


def test_gone(board):
    os.kill(int(os.environ["BOARD_PID"]), signal.SIGKILL)
    board.exec("import time\\nfor i in range(100):\\n    print(i)\\n    time.sleep_ms(100)")


def test_after_gone(board):
    board.exec("print(1)")
"""
GOOD = """
def test_good(board):
    assert board.exec("print(1)") == "1\\n"
"""


class Run:
    """A test run of one file in a folder of its own."""

    def __init__(self, folder: Path, source: str, *arguments: str, timeout: float = 300) -> None:
        self.folder = folder
        (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:labgrid -p no:cacheprovider\ntimeout = 120\n")
        (folder / "test_it.py").write_text(source)
        self.process = run_pytest([str(folder), "--k210-report", str(folder / "report"), *arguments], timeout, folder)
        self.text = self.process.stdout + self.process.stderr
        junit = folder / "report" / "junit.xml"
        self.results = {n.split("::")[1]: o for n, o in outcomes(junit).items()} if junit.exists() else {}

    def about(self, test: str) -> str:
        """What the report says about a failed test."""
        found = re.search(rf"^_+ (?:ERROR at setup of )?{test} _+$\n(.*?)(?=^_+ |^=+ )", self.text, re.M | re.S)
        assert found, self.text
        assert len(found[1].splitlines()) <= SCREEN, f"more than a screen:\n{found[1]}"
        return found[1]

    def kept(self, test: str, name: str) -> Path:
        (path,) = (self.folder / "report").glob(f"*{test}*/{name}")
        return path


def check_hang(run: Run, how: str) -> None:
    about = run.about("test_hang")
    assert "HANG: the script did not end within 2 s, and Ctrl-C did not stop it. It does not answer." in about
    assert "    working" in about
    assert run.results["test_after_hang"] == "passed"
    assert f"{how}, before test_it.py::test_after_hang" in run.text


def check_crash(run: Run) -> None:
    about = run.about("test_crash")
    assert "CRASH: the board started anew in the middle of the script. FATAL: load access fault on hart 0" in about
    assert "    before" in about
    assert run.results["test_after_crash"] == "passed"


def test_on_the_emulator(tmp_path: Path) -> None:
    (tmp_path / "goldens").mkdir()
    Image.new("RGB", (320, 240), (255, 0, 0)).save(tmp_path / "goldens" / "red.png")
    run = Run(tmp_path, HANG + EXCEPTION + CRASH + PICTURE)
    check_hang(run, "reset key")
    check_crash(run)
    about = run.about("test_exception")
    assert "EXCEPTION on the board: ValueError: no good" in about
    assert 'File "<stdin>", line 2, in f' in about
    assert "Virtual time: " in about
    about = run.about("test_picture")
    assert re.search(r"WRONG PICTURE: red: 8\.33% of the pixels differ", about)
    assert Image.open(run.kept("test_picture", "red-diff.png")).size == (968, 240)
    assert Image.open(run.kept("test_picture", "lcd.png")).getpixel((50, 50)) == (0, 0, 255)
    assert b"working" in run.kept("test_hang", "serial.log").read_bytes()
    html = (tmp_path / "report" / "report.html").read_text()
    assert html.count("data:image/png;base64") + html.count("image/png") >= 2
    assert run.process.returncode == 1


def test_on_a_board_with_reset_lines(tmp_path: Path) -> None:
    with foreign_board("rfc2217") as url:
        run = Run(tmp_path, HANG + CRASH + GOOD, "--k210", url)
    check_hang(run, "reset key")
    check_crash(run)
    assert run.results["test_good"] == "passed"


def test_board_that_nothing_can_reset(tmp_path: Path) -> None:
    with foreign_board("tcp") as url:
        run = Run(tmp_path, HANG, "--k210", url)
    assert "HANG: " in run.about("test_hang")
    about = run.about("test_after_hang")
    assert "BOARD GONE: the board at socket://" in about
    assert "does not come back. Tried soft reset: no MicroPython prompt" in about


def test_port_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("tcp", "rfc2217"):
        folder = tmp_path / kind
        folder.mkdir()
        with foreign_board(kind, pid=lambda n: monkeypatch.setenv("BOARD_PID", str(n))) as url:
            run = Run(folder, GONE, "--k210", url)
        about = run.about("test_gone")
        assert f"BOARD GONE: lost the serial port {url}" in about
        about = run.about("test_after_gone")
        assert re.search("BOARD GONE: (no board any more: |cannot open the serial port |lost the serial port )", about)


def test_noise_of_a_wrong_baud_rate(tmp_path: Path) -> None:
    with foreign_board("tcp") as url:
        line = NoisyLine(int(url.rpartition(":")[2]))
        try:
            run = Run(tmp_path, NOISE, "--k210", line.url)
        finally:
            line.close()
    about = run.about("test_noise")
    assert "NOISE: 9 bytes that are no text came over the serial line" in about or "NOISE: 10 bytes" in about, about
    assert run.results["test_after_noise"] == "passed"


def other_build(folder: Path) -> Path:
    """The same firmware with another build id."""
    data = bytearray(paths.firmware(paths.DEFAULT_BOARD).read_bytes())
    at = data.find(NOTE) + len(NOTE)
    data[at : at + 20] = os.urandom(20)
    path = folder / "other.bin"
    path.write_bytes(data)
    return path


def test_wrong_firmware_is_refused(tmp_path: Path) -> None:
    other = other_build(tmp_path)
    with foreign_board("tcp") as url:
        run = Run(tmp_path, GOOD + EXCEPTION, "--k210", url, "--k210-firmware", str(other))
        any_run = Run(tmp_path, GOOD, "--k210", url, "--k210-firmware", "any")
    about = run.about("test_good")
    assert f"WRONG FIRMWARE: the board at {url} runs " in about
    assert "It cannot be flashed here" in about
    assert "the board runs the wrong firmware" in run.text
    assert "test_exception" not in run.results, "the run did not end"
    assert any_run.results == {"test_good": "passed"}


def test_wrong_firmware_is_flashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flashing itself takes minutes (below, and tests/device/test_flash_command.py): here it changes the board."""
    other = other_build(tmp_path)
    calls = []
    with foreign_board("rfc2217") as before, foreign_board("rfc2217", ["--flash", str(other)]) as after:
        settings = Settings(before, paths.DEFAULT_BOARD, (), strict=True, icount=False, firmware=str(other))
        target = PortTarget(settings, before)

        def program(port: str, file: Path, others: tuple[str, ...], name: str) -> None:
            calls.append((port, file, others, name))
            assert target.current is None, "the port is still open"
            target.port = after

        monkeypatch.setattr("k210.firmware.program", program)
        try:
            for _ in range(2):
                assert target.board(Wanted()).exec("print(1)") == "1\n"
        finally:
            target.close()
    assert calls == [(before, other, (), paths.DEFAULT_BOARD)]


@pytest.mark.skipif(os.environ.get("K210_LONG_TESTS") != "1", reason="takes minutes; K210_LONG_TESTS=1")
@pytest.mark.timeout(2000)
def test_wrong_firmware_is_flashed_for_real(tmp_path: Path) -> None:
    other = other_build(tmp_path)
    arguments = ["--k210-firmware", str(other), "-s", "-o", "timeout=1500"]
    with foreign_board("rfc2217") as url:
        run = Run(tmp_path, GOOD + GOOD.replace("good", "again"), "--k210", url, *arguments, timeout=1600)
        assert run.results == {"test_good": "passed", "test_again": "passed"}, run.text
        assert run.text.count("k210: flashing") == 1
        again = Run(tmp_path, GOOD, "--k210", url, *arguments)
    assert again.results == {"test_good": "passed"}
    assert "k210: flashing" not in again.text


def test_no_board_at_the_port(tmp_path: Path) -> None:
    run = Run(tmp_path, GOOD, "--k210", "socket://127.0.0.1:9")
    assert "BOARD GONE: cannot open the serial port socket://127.0.0.1:9" in run.about("test_good")


def test_flakes_are_counted(tmp_path: Path) -> None:
    source = """
import itertools
n = itertools.count()
def test_flaky(board):
    assert board.exec("print(1)") == ("1\\n" if next(n) % 4 else "2\\n")
def test_steady(board):
    board.exec("print(1)")
"""
    run = Run(tmp_path, source, "--count", "8", "--tb=no", "-q")
    assert "test_it.py::test_flaky: flaky, 2 of 8 runs failed" in run.text
    assert "1 tests passed each time" in run.text
    assert '"failed": 2' in (tmp_path / "report" / "repetitions.json").read_text()


def test_more_workers_than_boards(tmp_path: Path) -> None:
    run = Run(tmp_path, GOOD, "--k210", "/dev/ttyUSB0", "-n", "2")
    assert "names 1 board(s), so -n can be 1 at most" in run.text


def test_unknown_feature(tmp_path: Path) -> None:
    source = "import pytest\n\n@pytest.mark.needs('laser')\ndef test_laser(board): pass\n"
    source += "@pytest.mark.needs('wifi')\ndef test_wifi(board): pass\n"
    source += "@pytest.mark.board_only\ndef test_board(board): pass\n"
    run = Run(tmp_path, source)
    assert "needs('laser'): there are battery, camera, " in run.text
    assert run.results["test_wifi"] == "skipped: needs wifi: maix_bit has no wifi"
    assert run.results["test_board"] == "skipped: needs a real board"
    assert isinstance(run.process, subprocess.CompletedProcess)
