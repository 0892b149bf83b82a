# SPDX-License-Identifier: MIT
"""Draws examples/digits.png: a house wall with the things that `make run` reads. Not one of the random pictures."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from typefaces import FOLDER, ROOT, draw_text, size_for_height, text_width

OUT = ROOT / "examples/digits.png"
WIDTH, HEIGHT = 320, 240
ZOOM = 4  # drawn larger, then reduced: smooth edges
SHADOW = 5
Painter = Callable[[Image.Image, ImageDraw.ImageDraw], None]


def face(name: str) -> str:
    """The path of a font file."""
    found = sorted(FOLDER.rglob(name))
    if not found:
        raise SystemExit(f"there is no {name} under {FOLDER}; run examples/train/setup.sh first")
    return str(found[0])


def centred(
    patch: Image.Image, text: str, path: str, height: float, y: float, fill: tuple[int, ...], gap: float = 0
) -> None:
    size = size_for_height(path, height * ZOOM)
    x = (patch.width - text_width(text, path, size, gap * ZOOM)) / 2
    draw_text(patch, (x, y * ZOOM), text, path, size, fill, gap * ZOOM)


def wall() -> Image.Image:
    rng = np.random.default_rng(4)
    picture = Image.new("RGB", (WIDTH * ZOOM, HEIGHT * ZOOM), (182, 170, 156))
    draw = ImageDraw.Draw(picture)
    height, width = 20 * ZOOM, 46 * ZOOM
    for row in range(13):
        for column in range(-1, 8):
            x = column * width + (width // 2) * (row % 2)
            shade = rng.normal(0, 9, 3) + rng.normal(0, 7)
            colour = tuple(int(v) for v in np.clip(np.array((164, 92, 70)) + shade, 0, 255))
            box = (x + 3, row * height + 3, x + width - 5, row * height + height - 5)
            draw.rounded_rectangle(box, 5, fill=colour)
    grain = rng.normal(0, 6, (HEIGHT * ZOOM, WIDTH * ZOOM, 1))
    across = np.linspace(1.12, 0.78, WIDTH * ZOOM)[None, :, None]
    down = np.linspace(1.05, 0.85, HEIGHT * ZOOM)[:, None, None]
    return Image.fromarray(np.clip((np.asarray(picture) + grain) * across * down, 0, 255).astype(np.uint8))


def hang(picture: Image.Image, x: float, y: float, w: float, h: float, paint: Painter, turn: float = 0) -> None:
    """Something on the wall, with the shadow it throws."""
    patch = Image.new("RGBA", (round(w * ZOOM), round(h * ZOOM)), (0, 0, 0, 0))
    paint(patch, ImageDraw.Draw(patch))
    if turn:
        patch = patch.rotate(turn, Image.Resampling.BICUBIC, expand=True)
    margin = 12 * ZOOM
    shadow = Image.new("L", (patch.width + 2 * margin, patch.height + 2 * margin), 0)
    shadow.paste(patch.getchannel("A").point(lambda a: a * 6 // 10), (margin, margin))
    shadow = shadow.filter(ImageFilter.GaussianBlur(3 * ZOOM))
    at = (round(x * ZOOM), round(y * ZOOM))
    off = SHADOW * ZOOM - margin
    picture.paste((10, 6, 4), (at[0] + off, at[1] + off), shadow)
    picture.paste(patch, at, patch)


def house_number(patch: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    box = (0, 0, patch.width - 1, patch.height - 1)
    draw.rounded_rectangle(box, 7 * ZOOM, fill=(236, 240, 246))
    inner = (2 * ZOOM, 2 * ZOOM, patch.width - 1 - 2 * ZOOM, patch.height - 1 - 2 * ZOOM)
    draw.rounded_rectangle(inner, 6 * ZOOM, fill=(24, 58, 138))
    centred(patch, "27", face("LiberationSerif-Bold.ttf"), 40, 13, (248, 250, 255), 3)


def speed_limit(patch: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    edge = 9 * ZOOM
    draw.ellipse((0, 0, patch.width - 1, patch.height - 1), fill=(198, 24, 36))
    draw.ellipse((edge, edge, patch.width - 1 - edge, patch.height - 1 - edge), fill=(250, 250, 248))
    centred(patch, "30", face("OSP-DIN.ttf"), 34, 27, (18, 18, 20), 2)


def meter(patch: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((0, 0, patch.width - 1, patch.height - 1), 6 * ZOOM, fill=(206, 208, 204))
    draw.rounded_rectangle(
        (ZOOM, ZOOM, patch.width - 1 - ZOOM, patch.height - 1 - ZOOM), 5 * ZOOM, fill=(228, 230, 226)
    )
    draw.text((9 * ZOOM, 5 * ZOOM), "GAS", font=_font("LiberationSans-Bold.ttf", 9), fill=(70, 74, 78))
    draw.text((136 * ZOOM, 5 * ZOOM), "m³", font=_font("LiberationSans-Bold.ttf", 9), fill=(70, 74, 78))
    path = face("LiberationSans-Bold.ttf")
    size = size_for_height(path, 21 * ZOOM)
    for i, char in enumerate("048169"):
        x, y, w, h = (8 + i * 24) * ZOOM, 18 * ZOOM, 22 * ZOOM, 35 * ZOOM
        colour = (176, 28, 32) if i >= 4 else (30, 31, 34)
        draw.rectangle((x, y, x + w, y + h), fill=colour)
        for k in range(7):  # the drum turns away at top and bottom
            dark = tuple(c * (k + 5) // 13 for c in colour)
            draw.line((x, y + k * 3, x + w, y + k * 3), fill=dark, width=3)
            draw.line((x, y + h - k * 3, x + w, y + h - k * 3), fill=dark, width=3)
        left = x + (w - text_width(char, path, size)) / 2
        draw_text(patch, (left, y + 7 * ZOOM), char, path, size, (244, 244, 240))


def clock(patch: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    draw.rounded_rectangle((0, 0, patch.width - 1, patch.height - 1), 5 * ZOOM, fill=(58, 60, 66))
    inner = (3 * ZOOM, 3 * ZOOM, patch.width - 1 - 3 * ZOOM, patch.height - 1 - 3 * ZOOM)
    draw.rounded_rectangle(inner, 3 * ZOOM, fill=(14, 12, 14))
    path = face("DSEG7Classic-Bold.ttf")
    size = size_for_height(path, 26 * ZOOM)
    x, y = (patch.width - text_width("12:45", path, size)) / 2, 12 * ZOOM
    draw_text(patch, (x, y), "88:88", path, size, (40, 16, 16))
    halo = Image.new("RGBA", patch.size, (0, 0, 0, 0))
    draw_text(halo, (x, y), "12:45", path, size, (255, 40, 30, 150))
    patch.alpha_composite(halo.filter(ImageFilter.GaussianBlur(2 * ZOOM)))
    draw_text(patch, (x, y), "12:45", path, size, (255, 64, 48))


def _font(name: str, height: float):  # noqa: ANN202 - Pillow's font
    from typefaces import font_of

    return font_of(face(name), round(height * ZOOM))


def main() -> None:
    picture = wall()
    hang(picture, 22, 22, 86, 66, house_number, 2)
    hang(picture, 206, 14, 88, 88, speed_limit)
    hang(picture, 18, 136, 158, 62, meter)
    hang(picture, 194, 150, 112, 50, clock, -2)
    picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    noise = np.random.default_rng(5).normal(0, 2.0, (HEIGHT, WIDTH, 3))
    Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8)).save(OUT, optimize=True)
    print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
