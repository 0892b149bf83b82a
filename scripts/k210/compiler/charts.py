# SPDX-License-Identifier: MIT
"""Pictures for the reports: bars for each layer, and memory over the run of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

INK, SOFT, GRID, PAPER = (32, 32, 32), (110, 110, 110), (222, 222, 222), (255, 255, 255)
BLUE, ORANGE, GREEN, RED = (38, 103, 176), (226, 124, 32), (70, 150, 80), (196, 48, 48)
PALETTE = [
    (76, 120, 168), (245, 133, 24), (84, 162, 75), (228, 87, 86), (114, 183, 178), (178, 121, 162), (238, 202, 59),
    (157, 117, 93),
]  # fmt: skip
MARGIN = 64
MAX_WIDTH = 6000


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@dataclass
class Bars:
    """One value per row and series; None leaves a gap."""

    title: str
    unit: str
    labels: Sequence[str]
    series: dict[str, Sequence[float | None]]
    colors: Sequence[tuple[int, int, int]] = (BLUE, ORANGE)
    limit: float | None = None  # a line at this value, and bars below it in red


def _nice(top: float) -> float:
    """A round step that divides the axis into four to eight."""
    step = 1e-12
    while top / step > 8:
        for factor in (2, 2.5, 2):
            step *= factor
            if top / step <= 8:
                break
    return step


def bars(chart: Bars) -> Image.Image:
    """Horizontal bars, one row per label, so that names can be read."""
    names = [s if len(s) <= 44 else s[:41] + "..." for s in chart.labels]
    each = 12 * len(chart.series) + 6
    left = MARGIN + max((int(font(12).getlength(n)) for n in names), default=0)
    width, height = left + 640 + MARGIN, 96 + each * len(names) + 40
    image = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN / 2, 14), chart.title, INK, font(18))
    x = left
    for (name, _), color in zip(chart.series.items(), chart.colors, strict=False):
        draw.rectangle((x, 50, x + 12, 62), color)
        draw.text((x + 18, 48), name, INK, font(13))
        x += 40 + int(font(13).getlength(name))
    values = [v for s in chart.series.values() for v in s if v is not None]
    top = max([*values, chart.limit or 0, 1e-9])
    step = _nice(top)
    scale = 600 / (step * -(-top // step))
    tick = 0.0
    while tick <= step * -(-top // step) + step / 2:
        at = left + tick * scale
        draw.line((at, 76, at, height - 34), GRID)
        text = f"{tick:g}"
        draw.text((at - font(11).getlength(text) / 2, height - 30), text, SOFT, font(11))
        tick += step
    draw.text((left + 608, height - 30), chart.unit, SOFT, font(11))
    for row, name in enumerate(names):
        y = 80 + row * each
        draw.text((left - 8 - font(12).getlength(name), y + each / 2 - 9), name, INK, font(12))
        for k, (series, color) in enumerate(zip(chart.series.values(), chart.colors, strict=False)):
            value = series[row]
            if value is None:
                continue
            low = chart.limit is not None and value < chart.limit
            draw.rectangle((left, y + 12 * k + 1, left + max(value, 0) * scale, y + 12 * k + 10), RED if low else color)
            draw.text((left + max(value, 0) * scale + 5, y + 12 * k - 2), f"{value:.3g}", SOFT, font(11))
    if chart.limit is not None:
        draw.line((left + chart.limit * scale, 76, left + chart.limit * scale, height - 36), RED)
    return image


@dataclass
class Block:
    """A place in memory from one step to another."""

    label: str
    first: int
    last: int
    start: int
    size: int


@dataclass
class Memory:
    title: str
    steps: int
    size: int  # how much there is, or is used
    unit: str
    divisor: float
    blocks: list[Block]


def memory(chart: Memory) -> Image.Image:
    """Steps from left to right, addresses upwards: what lies where, and when."""
    cell = min(max(900 / max(chart.steps, 1), 6), 48)
    width, height = int(cell * chart.steps) + 2 * MARGIN + 40, 460
    image = Image.new("RGB", (min(max(width, 520), MAX_WIDTH), height), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN / 2, 14), chart.title, INK, font(18))
    left, bottom, tall = MARGIN + 24, height - 44, height - 44 - 56
    top = max(chart.size, 1)
    step = _nice(top / chart.divisor)
    tick = 0.0
    while tick <= top / chart.divisor:
        y = bottom - tick * chart.divisor / top * tall
        draw.line((left, y, left + cell * chart.steps, y), GRID)
        text = f"{tick:g}"
        draw.text((left - 8 - font(11).getlength(text), y - 7), text, SOFT, font(11))
        tick += step
    draw.text((8, 44), chart.unit, SOFT, font(11))
    for number, block in enumerate(chart.blocks):
        x0, x1 = left + max(block.first, 0) * cell, left + (min(block.last, chart.steps - 1) + 1) * cell
        y0 = bottom - (block.start + block.size) / top * tall
        y1 = bottom - block.start / top * tall
        color = PALETTE[number % len(PALETTE)]
        draw.rectangle((x0, y0, max(x1 - 1, x0 + 1), max(y1 - 1, y0)), color, PAPER)
        if y1 - y0 > 13 and x1 - x0 > 20:
            text = block.label
            while text and font(11).getlength(text) > x1 - x0 - 6:
                text = text[:-1]
            draw.text((x0 + 3, (y0 + y1) / 2 - 7), text, PAPER, font(11))
    draw.line((left, bottom, left + cell * chart.steps, bottom), INK)
    draw.text((left, bottom + 8), "steps of the model, from first to last", SOFT, font(12))
    return image


def stack(images: Sequence[Image.Image]) -> Image.Image:
    """One below the other."""
    width, height = max(i.width for i in images), sum(i.height for i in images)
    out = Image.new("RGB", (width, height), PAPER)
    y = 0
    for image in images:
        out.paste(image, (0, y))
        y += image.height
    return out
