# SPDX-License-Identifier: MIT
"""The emulator is killed at random points while a script writes: what was closed is whole afterwards.

K210_POWER_CUTS=1000 for the long run, K210_POWER_CUT_SEED for another one.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from power_cuts import PowerCuts

from k210.emulator import Config

CUTS = int(os.environ.get("K210_POWER_CUTS", "2"))
SEED = int(os.environ.get("K210_POWER_CUT_SEED", "1"))

pytestmark = [pytest.mark.emulator_only, pytest.mark.timeout(120 + 60 * CUTS)]


@pytest.fixture
def config(pytestconfig: pytest.Config, tmp_path: Path) -> Config:
    if pytestconfig.getoption("--k210") != "emulator":
        pytest.skip("only the emulator can lose its power at any moment")
    # Not strict: that would make the harts slower, and other tests watch over the same accesses.
    return Config(
        board=pytestconfig.getoption("--k210-board"),
        flash_file=tmp_path / "flash.img",
    )


def test_flash(config: Config) -> None:
    """littlefs: every step is done or it is not."""
    cuts = PowerCuts("/flash", config, SEED)
    while cuts.cuts < CUTS:
        cuts.cut()
        print(f"{cuts.cuts} cuts, {cuts.steps} steps, {dict(cuts.left)}", flush=True)
    cuts.look()


def make_card(image: Path, options: list[str]) -> None:
    image.unlink(missing_ok=True)
    with image.open("wb") as f:
        f.truncate(64 << 20)
    tool = shutil.which(options[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
    assert tool, f"there is no {options[0]}"
    subprocess.run([tool, *options[1:], str(image)], check=True, capture_output=True)


@pytest.mark.parametrize(
    "options",
    [["mkfs.fat", "-F", "16"], ["mkfs.fat", "-F", "32", "-s", "1"]],
    ids=["fat16", "fat32"],
)
def test_sd(config: Config, tmp_path: Path, options: list[str]) -> None:
    """FAT: closed files are whole. A rename that was cut may leave both names, which is then a new card's turn."""
    image = tmp_path / "card.img"
    card = Config(**{**vars(config), "sdcard": image})
    done = steps = doubles = 0
    while done < CUTS:
        make_card(image, options)
        cuts = PowerCuts("/sd", card, SEED + doubles, most=0.5)
        while done + cuts.cuts < CUTS and not cuts.left["both"]:
            cuts.cut()
            print(f"{done + cuts.cuts} cuts, {steps + cuts.steps} steps, {dict(cuts.left)}, {doubles} both", flush=True)
        if not cuts.left["both"]:
            cuts.look()
        done, steps, doubles = done + cuts.cuts, steps + cuts.steps, doubles + cuts.left["both"]
