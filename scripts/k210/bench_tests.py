# SPDX-License-Identifier: MIT
"""For `make bench`: how many tests per minute run on 1, 2, 4 and 8 emulators, and what an emulator costs."""

import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from k210.board import Board
from k210.emulator import Config
from k210.errors import K210Error

TESTS = 64
WORKERS = (1, 2, 4, 8)
RUN_TIMEOUT = 600
# What a test of a user's project does: some Python on the board, a file, the LCD.
SOURCE = f"""
import pytest


@pytest.mark.parametrize("n", range({TESTS}))
def test_board(board, n):
    board.put(b"x" * 64, "f.txt")
    code = "import lcd, os\\nlcd.init()\\nlcd.clear(lcd.RED)\\nos.remove('f.txt')\\nprint(sum(range(1000)))"
    assert board.exec(code) == "499500\\n"
    assert board.screenshot().getpixel((5, 5)) == (255, 0, 0)
"""


@dataclass(frozen=True)
class Throughput:
    """One run: tests per minute, start of pytest and emulators included."""

    workers: int
    per_minute: float


def throughput(board: str, workers: int) -> Throughput:
    with tempfile.TemporaryDirectory(prefix="k210-bench-") as folder:
        (Path(folder) / "pytest.ini").write_text("[pytest]\naddopts = -p no:labgrid -p no:cacheprovider\n")
        (Path(folder) / "test_speed.py").write_text(SOURCE)
        # More emulators than cores are slow: only virtual time keeps the firmware's time-outs out of it.
        options = ["-q", "-n", str(workers), "--k210-board", board, "--k210-icount"]
        command = [sys.executable, "-m", "pytest", *options, folder]
        start = time.monotonic()
        result = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT, check=False, cwd=folder)
        seconds = time.monotonic() - start
    if result.returncode:
        raise K210Error(f"tests on {workers} emulators failed: {result.stdout.strip().splitlines()[-1:]}")
    return Throughput(workers, TESTS / seconds * 60)


def memory(config: Config, count: int = 2) -> tuple[float, float]:
    """MiB of one emulator at its prompt, with others running: its share of memory (PSS), and all it sees (RSS)."""
    with ExitStack() as stack:
        boards = [stack.enter_context(Board.start(config)) for _ in range(count)]
        emulator = boards[0].emulator
        assert emulator
        text = Path(f"/proc/{emulator.pid}/smaps_rollup").read_text()
    found = dict(re.findall(r"^(Pss|Rss):\s+(\d+) kB", text, re.MULTILINE))
    return int(found["Pss"]) / 1024, int(found["Rss"]) / 1024
