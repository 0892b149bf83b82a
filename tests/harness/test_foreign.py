# SPDX-License-Identifier: MIT
"""The same tests on the emulator and on a board that can only be talked to: the same results, and a reason for
everything that is skipped there.

By default some of tests/device; K210_WHOLE_SUITE=1 takes all of it (about half an hour).
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from foreign import K210, foreign_board, outcomes, run_pytest
from kpu_board import FLASH
from PIL import Image

from k210 import paths

WHOLE = os.environ.get("K210_WHOLE_SUITE") == "1"
TIMEOUT = 5400 if WHOLE else 900
SOME = ["tests/device/test_board_fixture.py", "tests/device/test_first_light.py", "tests/device/test_lcd.py"]
CHOSEN = [] if WHOLE else ["-k", "not long_script and not init_again and not picture_can_change"]
# Why a test may be skipped on a real board though it runs on the emulator.
REASONS = re.compile(
    r"skipped: (needs the emulator|needs an emulator with |only the emulator can |the board's flash does not hold |"
    r"needs \w+: |needs a \w+; |no picture of the LCD: )"
)
pytestmark = pytest.mark.timeout(TIMEOUT + 60)


def flash_arguments() -> list[str]:
    """What tests/device/test_kpu.py and others want in the flash, where the test data is there."""
    files = []
    for name in FLASH:
        path = paths.test_data() / name
        if Path(str(path).rpartition("@")[0]).exists():
            files += ["--flash", str(path)]
    return files


def results(folder: Path, *arguments: str) -> dict[str, str]:
    tests = ["tests/device"] if WHOLE else SOME
    process = run_pytest(
        [*tests, *CHOSEN, "-q", "-p", "no:cacheprovider", "--k210-report", str(folder), *arguments], TIMEOUT
    )
    assert process.returncode in (0, 1), process.stdout[-3000:] + process.stderr[-1000:]
    return outcomes(folder / "junit.xml")


@pytest.fixture(scope="module")
def on_the_emulator(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return results(tmp_path_factory.mktemp("emulator"))


@pytest.mark.timeout(150)
def test_run_command_gets_the_lcd_of_a_board(tmp_path: Path) -> None:
    script, png = tmp_path / "script.py", tmp_path / "lcd.png"
    script.write_text("import lcd\nlcd.init()\nlcd.clear(lcd.BLUE)\nprint('shown')\n")
    with foreign_board() as url:
        command = [K210, "run", str(script), "--port", url, "--lcd", str(png)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (result.returncode, result.stdout) == (0, "shown\n"), result.stderr
    with Image.open(png) as picture:
        assert picture.size == (320, 240)
        assert picture.getpixel((100, 100)) == (0, 0, 255)


@pytest.mark.parametrize("kind", ["tcp", "rfc2217"] if not WHOLE else ["tcp"])
def test_same_results(kind: str, on_the_emulator: dict[str, str], tmp_path: Path) -> None:
    # Strict, as the emulator of the tests is, but with nobody to see it.
    with foreign_board(kind, flash_arguments()) as url:
        there = results(tmp_path, "--k210", url)
    assert set(there) == set(on_the_emulator)
    different, skipped = [], 0
    for name, outcome in on_the_emulator.items():
        if there[name] == outcome:
            continue
        if REASONS.match(there[name]):
            skipped += 1
            continue
        different.append(f"{name}: {outcome} on the emulator, {there[name]} at {url}")
    passed = sum(1 for outcome in there.values() if outcome == "passed")
    print(f"{len(there)} tests, {passed} passed at {url}, {skipped} skipped there only")
    assert not different, "\n".join(different)
    assert passed > 10
