# SPDX-License-Identifier: MIT
"""The comparison with golden pictures."""

from pathlib import Path

import pytest
from PIL import Image

from k210.golden import Golden


@pytest.fixture
def pictures(tmp_path: Path) -> Golden:
    golden = Golden(tmp_path / "goldens", tmp_path / "report")
    Golden(golden.folder, golden.report, update=True).check(Image.new("RGB", (10, 10), (100, 0, 0)), "red")
    return golden


def test_equal_and_within_tolerance(pictures: Golden) -> None:
    pictures.check(Image.new("RGB", (10, 10), (100, 0, 0)), "red")
    pictures.check(Image.new("RGB", (10, 10), (104, 0, 0)), "red", tolerance=4)


def test_difference_is_reported_with_a_picture(pictures: Golden) -> None:
    with pytest.raises(AssertionError, match="100.00% of the pixels"):
        pictures.check(Image.new("RGB", (10, 10), (105, 0, 0)), "red", tolerance=4)
    assert Image.open(pictures.report / "red-diff.png").size == (38, 10)


def test_share_of_pixels(pictures: Golden) -> None:
    picture = Image.new("RGB", (10, 10), (100, 0, 0))
    picture.putpixel((0, 0), (0, 0, 0))
    pictures.check(picture, "red", pixels=0.01)
    with pytest.raises(AssertionError):
        pictures.check(picture, "red", pixels=0.009)


def test_other_size_and_missing_picture(pictures: Golden) -> None:
    with pytest.raises(AssertionError, match="the golden one"):
        pictures.check(Image.new("RGB", (9, 10)), "red")
    with pytest.raises(AssertionError, match="no golden picture"):
        pictures.check(Image.new("RGB", (9, 10)), "blue")
