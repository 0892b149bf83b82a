# SPDX-License-Identifier: MIT
"""Camera pictures for the emulator."""

from pathlib import Path

import pytest
from PIL import Image

from k210.camera import ppm, write_source
from k210.errors import K210Error


def test_ppm_of_any_mode_is_rgb_of_its_own_size() -> None:
    grey = Image.new("L", (3, 2), 100)
    assert ppm(grey) == b"P6\n3 2\n255\n" + bytes([100]) * 18


def test_picture_is_not_scaled(tmp_path: Path) -> None:
    Image.new("RGB", (7, 5), "red").save(tmp_path / "a.png")
    write_source(tmp_path / "a.png", tmp_path / "out.ppm")
    assert (tmp_path / "out.ppm").read_bytes() == b"P6\n7 5\n255\n" + b"\xff\x00\x00" * 35


def test_turned_photo_is_turned_back(tmp_path: Path) -> None:
    photo = Image.new("RGB", (4, 2), "red")
    exif = photo.getexif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    photo.save(tmp_path / "a.jpg", exif=exif)
    write_source(tmp_path / "a.jpg", tmp_path / "out.ppm")
    assert (tmp_path / "out.ppm").read_bytes().startswith(b"P6\n2 4\n")


def test_folder_becomes_pictures_in_order_of_names(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in (("b.png", "blue"), ("a.bmp", "red")):
        Image.new("RGB", (1, 1), colour).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    write_source(folder, tmp_path / "out.ppm")
    assert (tmp_path / "out.ppm").read_bytes() == b"P6\n1 1\n255\n\xff\x00\x00P6\n1 1\n255\n\x00\x00\xff"


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"text")
    (tmp_path / "empty").mkdir()
    for name, message in (("a.png", "not a picture"), ("none.png", "no camera picture"), ("empty", "no pictures")):
        with pytest.raises(K210Error, match=message):
            write_source(tmp_path / name, tmp_path / "out.ppm")
    assert not (tmp_path / "out.ppm").exists()
