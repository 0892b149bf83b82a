# SPDX-License-Identifier: MIT
"""`k210 run` on the emulator: output, exit status, --frames, --timeout, --lcd."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.emulator_only

FILL = "import lcd\nlcd.init()\nlcd.clear((255, 0, 0))\n"


@pytest.fixture
def run(tmp_path: Path, k210_command: Callable[..., list[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        script = tmp_path / "script.py"
        script.write_text(code)
        command = k210_command("run", str(script), *arguments)
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    return call


def test_script_that_ends_well(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    result = run("print('hello')\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "hello\n", "")


def test_exception_is_status_1_with_the_traceback(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    result = run("print('before')\n1 / 0\n")
    assert result.returncode == 1
    assert result.stdout == "before\n"
    assert "ZeroDivisionError" in result.stderr and "line 2" in result.stderr
    assert "scripts/k210" not in result.stderr  # the board's traceback, not ours


def test_time_out_is_status_2(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    result = run("print('loop')\nwhile True: pass\n", "--timeout", "2")
    assert result.returncode == 2
    assert result.stdout == "loop\n"
    assert "did not end within 2 s" in result.stderr


def test_output_comes_while_the_script_runs(tmp_path: Path, k210_command: Callable[..., list[str]]) -> None:
    script = tmp_path / "script.py"
    script.write_text("import time\nprint('first')\ntime.sleep(3)\nprint('second')\n")
    with subprocess.Popen(k210_command("run", str(script)), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "first\n"
        first = time.monotonic()
        assert process.stdout.readline() == "second\n"
        assert time.monotonic() - first > 1.5
        assert process.wait(20) == 0


def test_lcd_picture_is_written(run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    picture = tmp_path / "out" / "lcd.png"
    result = run(FILL, "--lcd", str(picture))
    assert result.returncode == 0, result.stderr
    with Image.open(picture) as lcd:
        assert lcd.size == (320, 240)
        red, green, blue = lcd.convert("RGB").getpixel((160, 120))
    assert red > 240 and green < 10 and blue < 10


def test_frames_stop_an_endless_script(run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    code = FILL + "n = 0\nwhile True:\n    n += 1\n    lcd.clear((0, 0, 255))\n    print(n)\n"
    result = run(code, "--frames", "4", "--timeout", "60", "--lcd", str(tmp_path / "lcd.png"))
    assert result.returncode == 0, result.stderr
    assert "KeyboardInterrupt" not in result.stdout + result.stderr
    with Image.open(tmp_path / "lcd.png") as lcd:
        assert lcd.convert("RGB").getpixel((160, 120))[2] > 240


def test_prompt_over_stdio(k210_command: Callable[..., list[str]]) -> None:
    command = k210_command("emulate", "--serial", "stdio")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == b"serial: stdio\n"
        process.stdin.write(b"print(6 * 7)\r\n")
        process.stdin.flush()
        seen = b""
        while b"\n42\r\n" not in seen:
            byte = process.stdout.read(1)
            assert byte, seen
            seen += byte
        process.stdin.write(b"\x1d")
        process.stdin.flush()
        assert process.wait(20) == 0


def test_strict_stops_the_program_and_says_where(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    # The serial line takes its time: what is printed right before the stop would stay in the transmitter.
    code = "import machine, time\nprint('before')\ntime.sleep_ms(100)\nmachine.mem32[0x50440F00] = 1\nprint('after')\n"
    result = run(code, "--strict")
    assert result.returncode not in (0, 1, 2)
    assert result.stdout.startswith("before") and "after" not in result.stdout
    assert "strict: hart 0 pc 0x" in result.stderr and "0x50440f00" in result.stderr
