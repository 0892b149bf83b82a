# SPDX-License-Identifier: MIT
"""Films: MJPEG in AVI files."""

from image import Image

class _Avi:
    def play(self) -> int:
        """Shows the next picture when it is time for it. 0: the end."""
    def capture(self, img: Image) -> int:
        """The next picture into img."""
    def record(self, img: Image) -> int: ...
    def record_finish(self) -> None: ...
    def volume(self, percent: int = ...) -> int: ...
    def close(self) -> None: ...
    def deinit(self) -> None: ...
    def __del__(self) -> None: ...

def open(
    path: str,
    *,
    record: bool = False,
    interval: int = 100000,
    quality: int = 50,
    width: int | None = None,
    height: int | None = None,
    audio: bool = False,
    sample_rate: int = 44100,
    channels: int = 1,
) -> _Avi: ...
