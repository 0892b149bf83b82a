# SPDX-License-Identifier: MIT
"""Host side of the K210 project: emulator front end, flash images, boards, pytest plugin."""

from k210.errors import K210Error

__version__ = "0.1.0"
__all__ = ["K210Error"]
