# SPDX-License-Identifier: MIT
"""The program on the board."""

from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "lamp.py"


@pytest.fixture
def lamp(board):
    """A board that has imported lamp.py."""
    board.put(SOURCE, "lamp.py")
    board.exec("import lamp")
    yield board
    board.exec("import os\nos.remove('lamp.py')")
