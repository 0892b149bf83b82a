# SPDX-License-Identifier: MIT
"""What the emulated camera sees: any picture, folder or video as binary PPM (P6) for the emulator.

The emulated sensor scales as a real one would be set up to, so pictures keep their own size here.
A file for the emulator holds one or more P6 pictures one after the other: frame n shows picture n.
"""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from k210.errors import K210Error

VIDEO_SUFFIXES = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v"}
PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".webp", ".tif", ".tiff"}
WEBCAM = "webcam"
WEBCAM_PERIOD = 0.1  # seconds; each picture is a file and a QMP command


def ppm(picture: Image.Image) -> bytes:
    """A picture as binary PPM."""
    rgb = picture.convert("RGB")
    return b"P6\n%d %d\n255\n" % rgb.size + rgb.tobytes()


def open_picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            # Phones store a turned picture and say so in its EXIF data.
            return ImageOps.exif_transpose(picture).convert("RGB")
    except FileNotFoundError:
        raise K210Error(f"there is no camera picture {path}") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as e:
        raise K210Error(f"{path} is not a picture that can be read: {e}") from None


def pictures(source: Path) -> Iterator[Image.Image]:
    """The pictures of a file, a folder (in the order of the names) or a video."""
    if source.is_dir():
        files = sorted(p for p in source.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
        if not files:
            raise K210Error(f"the camera folder {source} has no pictures")
        yield from map(open_picture, files)
    elif source.suffix.lower() in VIDEO_SUFFIXES and source.is_file():
        yield from _video(str(source))
    else:
        yield open_picture(source)


def write_source(source: Path, output: Path) -> None:
    """Writes the emulator's camera file for a picture, folder or video; complete or not at all."""
    temporary = output.with_name(output.name + ".new")
    with temporary.open("wb") as file:
        for picture in pictures(source):
            file.write(ppm(picture))
    os.replace(temporary, output)


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise K210Error("videos and webcams need OpenCV: build/venv/bin/pip install opencv-python-headless") from None
    return cv2


def _frames(capture: Any, cv2: Any) -> Iterator[Image.Image]:
    while True:
        good, frame = capture.read()
        if not good:
            return
        yield Image.fromarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def _video(name: str) -> Iterator[Image.Image]:
    cv2 = _opencv()
    capture = cv2.VideoCapture(name)
    empty = True
    for picture in _frames(capture, cv2):
        empty = False
        yield picture
    capture.release()
    if empty:
        raise K210Error(f"{name} has no video frames that OpenCV can read")


class Webcam:
    """Feeds the pictures of the computer's camera to show() from a thread, until stop()."""

    def __init__(self, show: Callable[[Image.Image], None], device: int = 0) -> None:
        self._cv2 = _opencv()
        self._capture = self._cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise K210Error(f"there is no webcam number {device} that OpenCV can open")
        self._show = show
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webcam", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for picture in _frames(self._capture, self._cv2):
            try:
                self._show(picture)
            except K210Error:  # the emulator has gone
                return
            if self._stop.wait(WEBCAM_PERIOD):
                return

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)
        self._capture.release()
