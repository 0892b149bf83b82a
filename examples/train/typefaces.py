# SPDX-License-Identifier: MIT
"""The typefaces that setup.sh fetched, and masks of text drawn with them."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/train/fonts"
# Cuts that a camera of 320x240 cannot show, and files that are no upright Latin text.
UNUSABLE = (
    "thin",
    "hairline",
    "extralight",
    "light",
    "outline",
    "weather",
    "seggchan",
    "tamil",
    "[wght]",
    "mono-italic",
)


@dataclass(frozen=True)
class Typefaces:
    text: tuple[str, ...]  # paths of font files
    segments: tuple[str, ...]  # those that look like a display


def _has_digits(path: Path) -> bool:
    """All ten digits there and of one height; old-style figures go up and down."""
    font = ImageFont.truetype(str(path), 60)
    boxes = [font.getbbox(d) for d in "0123456789"]
    heights = [b[3] - b[1] for b in boxes]
    masks = {bytes(font.getmask(d)) for d in "0123456789"}
    return len(masks) == 10 and min(heights) > 0.85 * max(heights) > 20


@functools.cache
def typefaces(unseen: bool) -> Typefaces:
    """The typefaces for training, or those that training never sees."""
    text, segments = [], []
    for line in (Path(__file__).parent / "fonts.txt").read_text().splitlines():
        package, *marks = line.split("#")[0].split() or [""]
        if not package or ("unseen" in marks) != unseen:
            continue
        files = sorted(p for p in (FOLDER / package).rglob("*") if p.suffix in (".ttf", ".otf"))
        if not files:
            raise SystemExit(f"there is no typeface under {FOLDER / package}; run examples/train/setup.sh first")
        for path in files:
            if not any(word in path.name.lower() for word in UNUSABLE) and _has_digits(path):
                (segments if "DSEG" in path.name else text).append(str(path))
    return Typefaces(tuple(text), tuple(segments))


@functools.lru_cache(maxsize=4096)
def font_of(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def size_for_height(path: str, height: float) -> int:
    """The font size at which digits are so many pixels high."""
    box = font_of(path, 100).getbbox("0")
    return max(6, round(100 * height / (box[3] - box[1])))


@functools.lru_cache(maxsize=20000)
def outline(path: str, size: int, char: str) -> np.ndarray:
    """Points x, y around the ink of a character, relative to where it is drawn."""
    mask, offset = font_of(path, size).getmask2(char, mode="L")
    ink = np.array(mask, np.uint8).reshape(mask.size[1], mask.size[0]) > 100
    rows = np.flatnonzero(ink.any(1))
    if not rows.size:
        return np.zeros((0, 2))
    left = ink[rows].argmax(1)
    right = ink.shape[1] - ink[rows, ::-1].argmax(1)
    points = np.concatenate([np.stack([left, rows], 1), np.stack([right, rows + 1], 1)])
    return points[:: max(1, len(points) // 40)].astype(float) + offset if len(points) < 40 else _hull(points) + offset


def _hull(points: np.ndarray) -> np.ndarray:
    """The points that are outermost in one of 32 directions."""
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    away = points @ np.stack([np.cos(angles), np.sin(angles)])
    return points[np.unique(away.argmax(0))].astype(float)


@dataclass
class Mark:
    """A digit with points around its ink."""

    digit: int
    points: np.ndarray


def draw_text(
    patch: Image.Image,
    xy: tuple[float, float],
    text: str,
    path: str,
    size: int,
    fill: tuple[int, ...],
    spacing: float = 0.0,
    stroke: tuple[int, tuple[int, ...]] | None = None,
) -> tuple[list[Mark], float]:
    """Draws text with its top left corner at xy; gives the digits and the width."""
    font, draw = font_of(path, size), ImageDraw.Draw(patch)
    top = font.getbbox("0")[1]
    x, y = xy[0], xy[1] - top
    marks = []
    for char in text:
        spot = (round(x), round(y))
        extra = {"stroke_width": stroke[0], "stroke_fill": stroke[1]} if stroke else {}
        draw.text(spot, char, font=font, fill=fill, **extra)
        if char.isdigit():
            marks.append(Mark(int(char), outline(path, size, char) + spot))
        x += font.getlength(char) + spacing
    return marks, x - spacing - xy[0]


def text_width(text: str, path: str, size: int, spacing: float = 0.0) -> float:
    font = font_of(path, size)
    return sum(font.getlength(c) + spacing for c in text) - spacing
