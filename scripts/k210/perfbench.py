# SPDX-License-Identifier: MIT
"""MicroPython's own perf_bench suite on an emulated board, counted in instructions (--icount).

    python -m k210.perfbench [NAME ...]

Results are compared with CPython's, as upstream's run-perfbench.py does.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from k210 import paths
from k210.board import Board
from k210.emulator import Config
from k210.errors import K210Error, ScriptError

# What upstream uses for boards of about 100 MHz with 100 KB of heap: every benchmark runs, in seconds.
N, M = 100, 100
INSTRUCTIONS_PER_US = 250  # as k210.emulator.ICOUNT has it
TIMEOUT = 300


@dataclass(frozen=True)
class Result:
    """One benchmark: millions of instructions, or why there are none."""

    name: str
    millions: float = 0.0
    skipped: str = ""


def suite() -> Path:
    sources = os.environ.get("MICROPY_DIR") or paths.BUILD / "src" / "micropython-src"
    return Path(sources) / "tests" / "perf_bench"


def host_result(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    return done.stdout.strip().split(" ", 2)[-1] if done.returncode == 0 else ""


def measure(board: Board, folder: Path, name: str) -> Result:
    script = "\n".join([(folder / f"{name}.py").read_text(), (folder / "benchrun.py").read_text(), f"bm_run({N}, {M})"])
    try:
        output = board.exec(script, timeout=TIMEOUT).strip()
    except ScriptError as e:
        if "invalid micropython decorator" in str(e):
            return Result(name, skipped="there is no native emitter for 64-bit RISC-V")
        raise
    if "SKIP" in output:
        return Result(name, skipped=output.removeprefix("-1 -1").strip())
    us, _, result = output.split(" ", 2)
    expected = host_result(script)
    if expected and result not in (expected, "None") and not same(result, expected):
        raise K210Error(f"perf_bench/{name}: the board's result is {result[:80]}, CPython's {expected[:80]}")
    return Result(name, int(us) * INSTRUCTIONS_PER_US / 1e6)


def same(a: str, b: str) -> bool:
    """Floats may differ in the last digits of their text."""
    try:
        return abs(float(a) - float(b)) <= 1e-9 * abs(float(b))
    except ValueError:
        return False


def run(config: Config, names: list[str] | None = None) -> Iterator[Result]:
    folder = suite()
    found = sorted(p.stem for p in folder.glob("*.py") if p.stem != "benchrun")
    with Board.start(replace(config, icount=True)) as board:
        for name in names or found:
            board.reset()
            yield measure(board, folder, name)


def main() -> int:
    try:
        for result in run(Config(), sys.argv[1:]):
            print(f"{result.name:24} {result.skipped or f'{result.millions:10.3f} M instructions'}", flush=True)
    except K210Error as e:
        print(f"k210: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
