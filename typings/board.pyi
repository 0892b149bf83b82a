# SPDX-License-Identifier: MIT
"""The board's pins by MaixPy's names."""

from typing import Any

class board_info:
    """An attribute for every pin that the board or /flash/config.json names: board_info.LED_R"""

    @staticmethod
    def get(key: str, default: Any = None) -> Any: ...
    @staticmethod
    def set(key: str, value: Any = None) -> None: ...
    @staticmethod
    def all() -> list[str]: ...
    @staticmethod
    def load(values: dict[str, Any]) -> None: ...
    def __getattr__(self, name: str) -> int: ...
