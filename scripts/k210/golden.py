# SPDX-License-Identifier: MIT
"""Pictures that tests compare with: tolerance, and a picture of the difference for the report."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from k210.emulator import save_picture

__tracebackhide__ = True
GAP = 4  # pixels between the three pictures of a report


class WrongPicture(AssertionError):
    """A picture that is not the golden one. seen: the file that shows it."""

    def __init__(self, message: str, seen: Path) -> None:
        super().__init__(message)
        self.seen = seen


@dataclass(frozen=True)
class Golden:
    """Compares with pictures in a folder.

    folder: where the golden pictures lie; report: where pictures of differences go; update: write the
    golden pictures instead of comparing.
    """

    folder: Path
    report: Path
    update: bool = False

    def check(self, picture: Image.Image, name: str, tolerance: int = 0, pixels: float = 0.0) -> None:
        """Fails unless at most the fraction `pixels` of all pixels differs by more than `tolerance`
        levels in a colour."""
        golden_path = self.folder / f"{name}.png"
        if self.update:
            save_picture(picture, golden_path)
            return
        if not golden_path.exists():
            seen = self._save(picture, f"{name}.png")
            raise WrongPicture(
                f"there is no golden picture {golden_path}; look at {seen} and, when it is right, "
                "run again with --update-goldens",
                seen,
            )
        with Image.open(golden_path) as opened:
            golden = opened.convert("RGB")
        if golden.size != picture.size:
            seen = self._save(picture, f"{name}.png")
            raise WrongPicture(f"{name}: the picture is {picture.size}, the golden one {golden.size}; see {seen}", seen)
        wanted, got = np.asarray(golden, dtype=np.int16), np.asarray(picture.convert("RGB"), dtype=np.int16)
        difference = np.abs(wanted - got).max(axis=2)
        wrong = float((difference > tolerance).mean())
        if wrong > pixels:
            seen = self._save(side_by_side(golden, picture, difference > tolerance), f"{name}-diff.png")
            raise WrongPicture(
                f"{name}: {wrong:.2%} of the pixels differ by more than {tolerance} levels (allowed {pixels:.2%}, "
                f"largest difference {int(difference.max())}); wanted, got and the difference are in {seen}",
                seen,
            )

    def _save(self, picture: Image.Image, name: str) -> Path:
        path = self.report / name
        save_picture(picture, path)
        return path


def side_by_side(wanted: Image.Image, got: Image.Image, wrong: np.ndarray) -> Image.Image:
    """Wanted, got, and where they differ (red on a faint copy)."""
    width, height = wanted.size
    marked = np.asarray(wanted.convert("L").convert("RGB")) // 4
    marked[wrong] = (255, 0, 0)
    sheet = Image.new("RGB", (3 * width + 2 * GAP, height), "white")
    for n, picture in enumerate((wanted, got, Image.fromarray(marked))):
        sheet.paste(picture, (n * (width + GAP), 0))
    return sheet
