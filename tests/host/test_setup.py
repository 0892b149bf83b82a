# SPDX-License-Identifier: MIT
"""The set-up scripts: what they say when something is missing, and how they show a build."""

import os
import subprocess
from pathlib import Path

from k210 import paths

SETUP = paths.ROOT / "scripts" / "setup"


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SETUP / name), *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=paths.ROOT
    )


def in_common(code: str) -> subprocess.CompletedProcess[str]:
    """Runs shell code with the functions of common.sh."""
    command = ["sh", "-euc", f'. "$(dirname "$0")/common.sh"\n{code}', str(SETUP / "test")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_folder_without_qemu(tmp_path: Path) -> None:
    result = script("emulator.sh", str(tmp_path))
    assert result.returncode != 0
    assert "does not hold the sources of QEMU (QEMU_DIR)" in result.stderr


def test_qemu_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "Kconfig").touch()
    (tmp_path / "VERSION").write_text("9.2.0\n")
    result = script("emulator.sh", str(tmp_path))
    assert result.returncode != 0
    assert "is QEMU 9.2.0" in result.stderr


def test_folder_without_micropython(tmp_path: Path) -> None:
    result = script("firmware.sh", paths.DEFAULT_BOARD, str(tmp_path))
    assert result.returncode != 0
    assert "does not hold the sources of MicroPython (MICROPY_DIR)" in result.stderr


def test_unknown_board_lists_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "py").mkdir()
    (tmp_path / "py" / "mkrules.mk").touch()
    result = script("firmware.sh", "esp32", str(tmp_path))
    assert result.returncode != 0
    assert "no board esp32" in result.stderr and paths.DEFAULT_BOARD in result.stderr


def test_sources_of_the_users_own_are_not_fetched(tmp_path: Path) -> None:
    result = script("sources.sh", "qemu", str(tmp_path))
    assert (result.returncode, result.stdout) == (0, "")


def test_run_names_what_it_needs(tmp_path: Path) -> None:
    result = script("run.sh", paths.DEFAULT_BOARD, str(tmp_path / "m.kmodel"), "c.png", "s.py", "3")
    assert result.returncode != 0
    for name in ("MODEL=", "CAMERA=", "SCRIPT=", "K210_TEST_DATA", "m.kmodel"):
        assert name in result.stderr


def test_failing_command_shows_the_end_of_its_log() -> None:
    result = in_common("logged test-failing 'Doing something' sh -c 'seq 100; exit 7'\necho not reached")
    assert result.returncode == 1
    assert "Doing something" in result.stdout and "not reached" not in result.stdout
    assert "100" in result.stderr and "status 7" in result.stderr
    assert "\n69\n" not in result.stderr


def test_command_that_works_stays_quiet() -> None:
    result = in_common("logged test-quiet 'Doing something' seq 100\necho reached")
    assert result.returncode == 0
    assert result.stdout.splitlines() == ["k210: Doing something (build/logs/test-quiet.log)", "reached"]
    assert (paths.BUILD / "logs" / "test-quiet.log").read_text().endswith("100\n")


def test_locked_step_waits_for_the_other(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = f"lock test.lock\necho in >> {trace}\nsleep 0.5\necho out >> {trace}"
    command = ["sh", "-euc", f'. "$(dirname "$0")/common.sh"\n{code}', str(SETUP / "test")]
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) for _ in range(2)]
    assert [run.wait(30) for run in runs] == [0, 0]
    assert trace.read_text().split() == ["in", "out", "in", "out"]
