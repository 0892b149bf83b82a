#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs MicroPython's own test suite against emulated boards, or a real one (--port).

The suite's tests/run-tests.py does the work, over the REPL like everybody else. This script starts
the boards, copies the files that tests open, leaves out what excludes.txt lists, and adds up.
"""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BIN = Path(sys.executable).parent
DIRECTORIES = (
    "basics",
    "extmod",
    "float",
    "import",
    "io",
    "micropython",
    "misc",
    "stress",
    "thread",
    "unicode",
)

RETRY_MAX = 3


@dataclass
class Outcome:
    passed: int = 0
    cases: int = 0
    second: int = 0
    skipped: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.passed += other.passed
        self.cases += other.cases
        self.skipped += other.skipped
        self.failed += other.failed
        self.broken += other.broken


def read_excludes() -> set[str]:
    lines = (line.split("#")[0].split() for line in (HERE / "excludes.txt").read_text().splitlines())
    return {fields[0] for fields in lines if fields}


def copy_suite(micropython: Path, target: Path) -> Path:
    """The sources may be read-only, and some tests write files when CPython runs them for comparison."""
    shutil.rmtree(target, ignore_errors=True)
    for name in ("tests", "tools"):
        shutil.copytree(micropython / name, target / name, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(target):
        Path(folder).chmod(0o755)
    return target / "tests"


def find_tests(suite: Path, wanted: list[str]) -> list[str]:
    """Paths relative to the suite; wanted are directories or files of it."""
    tests: list[str] = []
    for name in wanted or DIRECTORIES:
        path = suite / name
        found = sorted(path.glob("*.py")) if path.is_dir() else [path]
        if not found or not all(f.is_file() for f in found):
            sys.exit(f"{name} is neither a test nor a directory of tests in {suite}")
        tests += [str(f.relative_to(suite)) for f in found]
    return tests


@contextlib.contextmanager
def emulated_board(board: str) -> Iterator[str]:
    """An emulator of its own; the value is its serial port."""
    command = [BIN / "k210", "emulate", "--board", board, "--serial", "pty"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            if not line.startswith("serial: "):
                raise RuntimeError(f"k210 emulate said {line!r} instead of its serial port")
            yield line.removeprefix("serial: ").strip()
        finally:
            process.terminate()


def mpremote(port: str, *arguments: str | Path) -> None:
    command = [BIN / "mpremote", "connect", port, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")


def needs_files(test: str) -> bool:
    return test.split("/")[0] in ("import", "io", "unicode")


def copy_files(port: str, suite: Path, tests: list[str]) -> None:
    """What tests expect around them: unittest, data files, and modules to import."""
    mpremote(
        port,
        "exec",
        "import os\nfor d in ('lib', 'data'):\n    if d not in os.listdir(): os.mkdir(d)",
    )
    mpremote(port, "cp", HERE / "unittest.py", ":lib/")
    data = [p for d in ("io", "unicode") for p in sorted((suite / d / "data").iterdir())]
    mpremote(port, "cp", *data, ":data/")
    modules = [p for p in sorted((suite / "import").iterdir()) if p.suffix != ".exp"]
    mpremote(port, "cp", "-r", *modules, ":/flash/")


def run_suite(port: str, suite: Path, tests: list[str], results: Path) -> Outcome:
    results.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "run-tests.py",
        "-t",
        f"port:{port}",
        "-r",
        results,
        "-j",
        "1",
        *tests,
    ]
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    outcome = Outcome()
    seen: set[str] = set()
    with subprocess.Popen(
        command,
        cwd=suite,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        tail: list[str] = []
        for line in process.stdout:
            tail = [*tail[-19:], line]
            verdict = re.match(r"(pass|skip|FAIL)\s+(\S+\.py)", line)
            if verdict:
                print(line, end="", flush=True)
                seen.add(verdict[2])
                if verdict[1] == "pass":
                    outcome.passed += 1
                else:
                    (outcome.skipped if verdict[1] == "skip" else outcome.failed).append(verdict[2])
            elif match := re.match(r"\d+ tests performed \((\d+) individual", line):
                outcome.cases += int(match[1])
    # The suite gives up as a whole when the board no longer answers.
    outcome.broken = [t for t in tests if t not in seen]
    if outcome.broken:
        print("".join(tail), end="")
    return outcome


def run_on(port: str, suite: Path, tests: list[str], results: Path) -> Outcome:
    copy_files(port, suite, tests)
    return run_suite(port, suite, tests, results)


def run_shard(board: str, suite: Path, tests: list[str], results: Path) -> Outcome:
    with emulated_board(board) as port:
        return run_on(port, suite, tests, results)


def share(tests: list[str], jobs: int) -> list[list[str]]:
    """Deals the tests out to the boards; those that need files stay together, because copying takes time."""
    shards: list[list[str]] = [[] for _ in range(jobs)]
    shards[0] = [t for t in tests if needs_files(t)]
    for test in tests:
        if not needs_files(test):
            min(shards, key=len).append(test)
    return shards


def retry(outcome: Outcome, board: str, suite: Path, results: Path) -> None:
    """Some tests measure time, which a busy host stretches: gives a few failures a second chance, alone."""
    if not 0 < len(outcome.failed) <= RETRY_MAX or outcome.broken:
        return
    print(f"Once more, on a board of their own: {' '.join(outcome.failed)}")
    again = run_shard(board, suite, outcome.failed, results)
    outcome.passed += again.passed
    outcome.failed, outcome.broken = again.failed, again.broken
    outcome.second = again.passed


def report(outcome: Outcome, excluded: list[str]) -> None:
    performed = outcome.passed + len(outcome.failed)
    print(f"{performed} tests performed ({outcome.cases} individual testcases)")
    print(f"{outcome.passed} tests passed")
    if outcome.second:
        print(f"{outcome.second} of them at the second attempt")
    print(f"{len(excluded)} tests excluded (see tests/upstream/excludes.txt)")
    if outcome.skipped:
        print(f"{len(outcome.skipped)} tests skipped: {' '.join(sorted(outcome.skipped))}")
    if outcome.broken:
        print(f"{len(outcome.broken)} tests not run, the board stopped answering: {' '.join(outcome.broken)}")
    if outcome.failed:
        print(f"{len(outcome.failed)} tests failed: {' '.join(sorted(outcome.failed))}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "tests",
        nargs="*",
        help="directories or files of the suite (default: all that apply)",
    )
    parser.add_argument("--board", default="maix_bit")
    parser.add_argument("--port", help="a real board's serial port instead of emulators")
    parser.add_argument("--jobs", type=int, default=3, help="number of emulators (default: 3)")
    parser.add_argument(
        "--results",
        type=Path,
        default=ROOT / "build" / "upstream",
        help="outputs of failed tests",
    )
    arguments = parser.parse_args()

    micropython = Path(os.environ.get("MICROPY_DIR") or ROOT / "build" / "src" / "micropython-src").resolve()
    results: Path = arguments.results.resolve()
    suite = copy_suite(micropython, results / "suite")
    excludes = read_excludes()
    tests = find_tests(suite, arguments.tests)
    unknown = excludes - set(find_tests(suite, []))
    if unknown:
        sys.exit(f"excludes.txt names tests that do not exist: {' '.join(sorted(unknown))}")
    excluded = [] if arguments.tests else [t for t in tests if t in excludes]
    tests = [t for t in tests if t not in excluded]

    outcome = Outcome()
    if arguments.port:
        outcome = run_on(arguments.port, suite, tests, results)
    else:
        jobs = max(1, min(arguments.jobs, len(tests)))
        with ThreadPoolExecutor(jobs) as pool:
            runs = [
                pool.submit(run_shard, arguments.board, suite, shard, results / str(n))
                for n, shard in enumerate(share(tests, jobs))
                if shard
            ]
            for run in runs:
                outcome.add(run.result())
        retry(outcome, arguments.board, suite, results / "again")
    report(outcome, excluded)
    return 1 if outcome.failed or outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
