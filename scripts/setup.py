# SPDX-License-Identifier: MIT
"""Besides pyproject.toml: an installed package takes the boards' data along, which lie outside of it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BOARDS = Path(__file__).resolve().parent.parent / "boards"


class BuildWithBoards(build_py):
    """boards/NAME/board.json as k210/boards/NAME.json."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            folder = Path(self.build_lib) / "k210" / "boards"
            folder.mkdir(parents=True, exist_ok=True)
            for file in BOARDS.glob("*/board.json"):
                shutil.copyfile(file, folder / f"{file.parent.name}.json")


setup(cmdclass={"build_py": BuildWithBoards})
