# SPDX-License-Identifier: MIT
"""Things with digits on them: plates, road signs, meters, displays, price tags, keypads."""

import colorsys
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from typefaces import Mark, Typefaces, draw_text, size_for_height, text_width

Rng = np.random.Generator
Colour = tuple[int, int, int]
Sign = tuple[Image.Image, list[Mark]]


def colour(rng: Rng, low: float = 0.0, high: float = 1.0, saturation: float = 1.0) -> Colour:
    """A random colour of a brightness between low and high."""
    r, g, b = colorsys.hsv_to_rgb(rng.random(), saturation * rng.random(), rng.uniform(low, high))
    return round(255 * r), round(255 * g), round(255 * b)


def light(c: Colour) -> float:
    return (0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]) / 255


def pair(rng: Rng) -> tuple[Colour, Colour]:
    """Ground and ink that can be told apart."""
    while True:
        ground = colour(rng, saturation=rng.choice([0.2, 1.0]))
        ink = colour(rng, saturation=rng.choice([0.0, 0.3, 1.0]))
        if abs(light(ground) - light(ink)) > 0.3:
            return ground, ink


def number(rng: Rng, low: int, high: int) -> str:
    return "".join(str(rng.integers(10)) for _ in range(rng.integers(low, high + 1)))


def blank(width: float, height: float) -> Image.Image:
    return Image.new("RGBA", (max(8, round(width)), max(8, round(height))), (0, 0, 0, 0))


def plate(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """A house number or number plate: ink on a board, often with a rim."""
    path, ground_ink = rng.choice(faces.text), pair(rng)
    ground, ink = ground_ink
    size, spacing = size_for_height(path, h), h * rng.uniform(0.0, 0.15)
    text = number(rng, 1, 4)
    if rng.random() < 0.25:
        letters = "".join(rng.choice(list("ABCDEFHKLMNPRTUVWXY")) for _ in range(rng.integers(1, 3)))
        text = rng.choice([letters + " " + text, text + letters, letters + "-" + text])
    mx, my = h * rng.uniform(0.2, 0.7), h * rng.uniform(0.2, 0.6)
    width = text_width(text, path, size, spacing)
    patch = blank(width + 2 * mx, h + 2 * my)
    draw, radius = ImageDraw.Draw(patch), h * rng.choice([0.0, 0.1, 0.3])
    box = (0, 0, patch.width - 1, patch.height - 1)
    draw.rounded_rectangle(box, radius, fill=ground)
    if rng.random() < 0.5:
        inset = h * rng.uniform(0.04, 0.12)
        inner = (inset, inset, patch.width - 1 - inset, patch.height - 1 - inset)
        draw.rounded_rectangle(inner, radius, outline=ink, width=max(1, round(h * 0.05)))
    if rng.random() < 0.3:
        for x in (0.06, 0.94):
            r = h * 0.05
            cx, cy = patch.width * x, patch.height / 2
            draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=colour(rng, 0.2, 0.7, 0.1))
    return patch, draw_text(patch, (mx, my), text, path, size, ink, spacing)[0]


def round_sign(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """A speed limit, a route or a billiard ball: digits in a disc."""
    path = rng.choice(faces.text)
    size, text = size_for_height(path, h), number(rng, 1, 3)
    width = text_width(text, path, size)
    outer = np.hypot(width, h) * rng.uniform(1.15, 1.5)
    patch = blank(outer, outer)
    draw = ImageDraw.Draw(patch)
    if rng.random() < 0.5:
        rim, ground, ink = (200, 20, 30), (250, 250, 245), (15, 15, 15)
    else:
        ground, ink = pair(rng)
        rim = colour(rng)
    draw.ellipse((0, 0, outer - 1, outer - 1), fill=rim)
    edge = outer * rng.uniform(0.02, 0.09)
    draw.ellipse((edge, edge, outer - 1 - edge, outer - 1 - edge), fill=ground)
    return patch, draw_text(patch, ((outer - width) / 2, (outer - h) / 2), text, path, size, ink)[0]


def display(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """Seven-segment digits, glowing on dark or dark on a liquid crystal."""
    path = rng.choice(faces.segments)
    size = size_for_height(path, h)
    text = number(rng, 1, 5)
    if len(text) > 2 and rng.random() < 0.4:
        text = text[:-2] + rng.choice([":", "."]) + text[-2:]
    mx, my = h * rng.uniform(0.2, 0.6), h * rng.uniform(0.2, 0.5)
    width = text_width(text, path, size)
    patch = blank(width + 2 * mx, h + 2 * my)
    draw = ImageDraw.Draw(patch)
    if rng.random() < 0.7:
        ground = colour(rng, 0.02, 0.18)
        ink = [(255, 40, 30), (60, 255, 90), (60, 190, 255), (255, 190, 40), (240, 250, 255)][rng.integers(5)]
        ghost, glow = 0.12, True
    else:
        ground, ink, ghost, glow = (165, 185, 150), (25, 35, 30), 0.06, False
    frame = rng.uniform(0, 0.15) * h
    draw.rounded_rectangle((0, 0, patch.width - 1, patch.height - 1), h * 0.1, fill=colour(rng, 0.1, 0.8, 0.3))
    draw.rectangle((frame, frame, patch.width - 1 - frame, patch.height - 1 - frame), fill=ground)
    if rng.random() < 0.6:
        dim = tuple(round(g + (i - g) * ghost) for g, i in zip(ground, ink, strict=True))
        draw_text(patch, (mx, my), "".join("8" if c.isdigit() else c for c in text), path, size, dim)
    if glow:
        halo = blank(patch.width, patch.height)
        draw_text(halo, (mx, my), text, path, size, (*ink, 140))
        patch.alpha_composite(halo.filter(ImageFilter.BoxBlur(h * 0.07)))
    return patch, draw_text(patch, (mx, my), text, path, size, ink)[0]


def counter(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """The drums of a gas or power meter; the last ones often red."""
    path = rng.choice(faces.text)
    size, text = size_for_height(path, h), number(rng, 3, 6)
    cell = max(text_width(c, path, size) for c in text) + h * rng.uniform(0.2, 0.5)
    mx, my = h * rng.uniform(0.15, 0.4), h * rng.uniform(0.3, 0.5)
    patch = blank(cell * len(text) + 2 * mx, h + 2 * my)
    draw = ImageDraw.Draw(patch)
    dark = rng.random() < 0.7
    draw.rounded_rectangle((0, 0, patch.width - 1, patch.height - 1), h * 0.12, fill=colour(rng, 0.2, 0.9, 0.3))
    ground, ink = ((25, 25, 28), (240, 240, 235)) if dark else ((235, 235, 225), (25, 25, 25))
    decimals, marks = int(rng.integers(0, 3)), []
    for i, char in enumerate(text):
        red = i >= len(text) - decimals
        x = mx + i * cell
        paper = ((170, 20, 25) if dark else ground) if red else ground
        gap = h * 0.05
        draw.rectangle((x + gap, my * 0.4, x + cell - gap, patch.height - my * 0.4), fill=paper)
        for k in range(4):
            shade = tuple(round(p * (0.5 + 0.12 * k)) for p in paper)
            for y in (my * 0.4 + k, patch.height - my * 0.4 - k):
                draw.line((x + gap, y, x + cell - gap, y), fill=shade)
        pen = (190, 20, 20) if red and not dark else ink
        w = text_width(char, path, size)
        marks += draw_text(patch, (x + (cell - w) / 2, my), char, path, size, pen)[0]
    return patch, marks


def price(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """A price tag: big units, small cents, a currency."""
    path, (ground, ink) = rng.choice(faces.text), pair(rng)
    if rng.random() < 0.5:
        ground, ink = ((255, 215, 0), (190, 0, 20)) if rng.random() < 0.5 else ((220, 20, 30), (255, 240, 60))
    big, small = size_for_height(path, h), size_for_height(path, max(h * rng.uniform(0.62, 1.0), min(h, 32)))
    units, cents = number(rng, 1, 3), number(rng, 2, 2)
    m = h * rng.uniform(0.25, 0.5)
    w1, w2 = text_width(units, path, big), text_width("." + cents, path, small)
    patch = blank(w1 + w2 + 2 * m + h * 0.5, h + 2 * m)
    draw = ImageDraw.Draw(patch)
    right, bottom = patch.width - 1, patch.height - 1
    if rng.random() < 0.5:
        draw.rectangle((0, 0, right, bottom), fill=ground)
    else:
        draw.polygon([(0, bottom / 2), (m, 0), (right, 0), (right, bottom), (m, bottom)], fill=ground)
        r = h * 0.08
        draw.ellipse((m * 0.6 - r, bottom / 2 - r, m * 0.6 + r, bottom / 2 + r), fill=(240, 240, 240))
    marks, width = draw_text(patch, (m, m), units, path, big, ink)
    more, tail = draw_text(patch, (m + width, m), "." + cents, path, small, ink)
    draw_text(patch, (m + width + tail + h * 0.1, m), rng.choice(["$", "£", "x"]), path, small, ink)
    return patch, marks + more


def bare(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """Digits painted on whatever is behind, with an outline or a shadow."""
    path, (edge, ink) = rng.choice(faces.text), pair(rng)
    size, text = size_for_height(path, h), number(rng, 1, 3)
    spacing, m = h * rng.uniform(0.05, 0.2), h * 0.2
    patch = blank(text_width(text, path, size, spacing) + 2 * m, h + 2 * m)
    if rng.random() < 0.5:
        stroke = (max(1, round(h * rng.uniform(0.03, 0.1))), edge)
        return patch, draw_text(patch, (m, m), text, path, size, ink, spacing, stroke)[0]
    draw_text(patch, (m + h * 0.06, m + h * 0.06), text, path, size, (*edge, 190), spacing)
    patch = patch.filter(ImageFilter.BoxBlur(h * rng.uniform(0, 0.04)))
    return patch, draw_text(patch, (m, m), text, path, size, ink, spacing)[0]


def keypad(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """Keys of a telephone, a calculator or a lift."""
    path, (ground, ink) = rng.choice(faces.text), pair(rng)
    size = size_for_height(path, h)
    cell = h * rng.uniform(1.6, 2.2)
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    patch = blank(columns * cell, rows * cell)
    draw = ImageDraw.Draw(patch)
    draw.rounded_rectangle((0, 0, patch.width - 1, patch.height - 1), h * 0.2, fill=colour(rng, 0.1, 0.9, 0.3))
    first, disc = int(rng.integers(0, 10)), rng.random() < 0.4
    down = rng.random() < 0.5
    marks = []
    for i in range(columns * rows):
        row, column = divmod(i, columns)
        row = rows - 1 - row if down else row
        x, y, gap = column * cell, row * cell, cell * 0.08
        box = (x + gap, y + gap, x + cell - gap, y + cell - gap)
        if disc:
            draw.ellipse(box, fill=ground)
        else:
            draw.rounded_rectangle(box, h * 0.15, fill=ground)
        char = str((first + i) % 10)
        w = text_width(char, path, size)
        marks += draw_text(patch, (x + (cell - w) / 2, y + (cell - h) / 2), char, path, size, ink)[0]
    return patch, marks


def dial(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """A gauge with numbers around a hand."""
    path, (ground, ink) = rng.choice(faces.text), pair(rng)
    size = size_for_height(path, h)
    count, step = int(rng.integers(4, 7)), int(rng.choice([1, 2, 5, 10]))
    radius = h * rng.uniform(2.4, 3.2) * (1.25 if step > 2 else 1.0)
    patch = blank(2 * radius, 2 * radius)
    draw = ImageDraw.Draw(patch)
    draw.ellipse((0, 0, 2 * radius - 1, 2 * radius - 1), fill=colour(rng, 0.1, 0.9, 0.3))
    e = radius * 0.05
    draw.ellipse((e, e, 2 * radius - 1 - e, 2 * radius - 1 - e), fill=ground)
    marks = []
    hand = np.radians(rng.uniform(150, 390))
    tip = (radius * (1 + 0.5 * np.cos(hand)), radius * (1 + 0.5 * np.sin(hand)))
    draw.line((radius, radius, *tip), fill=(200, 30, 30), width=max(1, round(h * 0.1)))
    for i in range(count):
        a = np.radians(150 + 240 * i / (count - 1))
        ray = np.array([np.cos(a), np.sin(a)])
        draw.line((*(radius * (1 + 0.94 * ray)), *(radius * (1 + 0.86 * ray))), fill=ink, width=max(1, round(h * 0.06)))
        text = str(i * step)
        w = text_width(text, path, size)
        at = radius * (1 + 0.62 * ray) - (w / 2, h / 2)
        marks += draw_text(patch, (at[0], at[1]), text, path, size, ink)[0]
    return patch, marks


def words(rng: Rng, faces: Typefaces, h: float) -> Sign:
    """Text without any digit, so that letters are no digits to the network."""
    path, (ground, ink) = rng.choice(faces.text), pair(rng)
    size = size_for_height(path, h)
    text = "".join(
        rng.choice(list("ACDEFGHJKLMNPQRTUVWXYabcdefhijkmnprtuvwxy?&@#%+=/")) for _ in range(rng.integers(2, 6))
    )
    m = h * 0.3
    patch = blank(text_width(text, path, size) + 2 * m, h * 1.4 + 2 * m)
    if rng.random() < 0.7:
        ImageDraw.Draw(patch).rectangle((0, 0, patch.width, patch.height), fill=ground)
    draw_text(patch, (m, m), text, path, size, ink)
    return patch, []


Maker = Callable[[Rng, Typefaces, float], Sign]
# Maker, how often, highest digits in pixels.
KINDS: tuple[tuple[Maker, float, float], ...] = (
    (plate, 5, 110),
    (round_sign, 3, 90),
    (display, 3, 80),
    (counter, 3, 50),
    (price, 2, 60),
    (bare, 3, 120),
    (keypad, 2, 40),
    (dial, 1.5, 32),
    (words, 1.5, 60),
)


def random_sign(rng: Rng, faces: Typefaces, height: float, oversize: float) -> Sign:
    """A sign whose digits will be seen about `height` pixels high, drawn larger by a factor."""
    fitting = [(make, weight) for make, weight, limit in KINDS if height <= limit]
    weights = np.array([weight for _, weight in fitting])
    return fitting[rng.choice(len(fitting), p=weights / weights.sum())][0](rng, faces, height * oversize)
