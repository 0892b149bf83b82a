# SPDX-License-Identifier: MIT
"""An SD card for the emulator: an image file as it is, or a folder copied into a FAT image."""

import shutil
import subprocess
from pathlib import Path

from k210.errors import K210Error

SMALLEST = 64 << 20  # a card needs a power of two; mkfs.fat makes FAT16 of this


def card_image(source: Path, scratch: Path) -> Path:
    """The image to give to the emulator. For a folder it lies in scratch: what the board writes is
    lost at the end, and the folder stays as it was."""
    if source.is_file():
        size = source.stat().st_size
        if size == 0 or size & (size - 1):
            raise K210Error(f"{source} has {size} bytes; an SD card image needs a power of two, like 64 MiB")
        return source
    if not source.is_dir():
        raise K210Error(f"there is no SD card image or folder {source}")
    return _fat_image(source, scratch / "sdcard.img")


def _fat_image(folder: Path, image: Path) -> Path:
    for tool, package in (("mkfs.fat", "dosfstools"), ("mcopy", "mtools")):
        if not _find(tool):
            raise K210Error(f"a folder as SD card needs {tool} (Debian package {package})")
    content = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    size = SMALLEST
    while size < content * 2:
        size *= 2
    with image.open("wb") as file:
        file.truncate(size)
    _run([_find("mkfs.fat"), "-n", "K210", str(image)])
    entries = sorted(str(p) for p in folder.iterdir())
    if entries:
        _run([_find("mcopy"), "-s", "-i", str(image), *entries, "::/"])
    return image


def _find(tool: str) -> str:
    """mkfs.fat lies in /usr/sbin, which is not on everybody's PATH."""
    return shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin") or ""


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise K210Error(f"{Path(command[0]).name} failed: {result.stderr.strip() or result.stdout.strip()}")
