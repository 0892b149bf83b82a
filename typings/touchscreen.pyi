# SPDX-License-Identifier: MIT
"""Touch screens: NS2009 and FT6X36."""

from typing import Any

FT62XX: int
NS2009: int
STATUS_IDLE: int
STATUS_MOVE: int
STATUS_PRESS: int
STATUS_RELEASE: int

def init(i2c: Any = None, type: int | None = None, cal: tuple[int, ...] | None = None) -> None: ...
def read() -> tuple[int, int, int]:
    """(status, x, y)"""

def calibrate() -> tuple[int, ...]: ...
