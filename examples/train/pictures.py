# SPDX-License-Identifier: MIT
"""Pictures of 320x240 with digits in them, and where the digits are. Every picture follows from its seed."""

import argparse
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from signs import Rng, colour, random_sign
from typefaces import Mark, Typefaces, typefaces

WIDTH, HEIGHT = 320, 240
SMALLEST = 22.0  # height of a digit in pixels, before perspective
# A box is at least so wide, measured in its height; else that of a 1 would be a thin line.
SLIMMEST = 0.5
# Signs are drawn larger than they will be seen.
OVERSIZE = 1.6


@dataclass
class Scene:
    picture: Image.Image
    digits: np.ndarray  # int, one per box
    boxes: np.ndarray  # x1, y1, x2, y2 in pixels


def _noise(rng: Rng, cells: int) -> Image.Image:
    small = rng.integers(0, 256, (max(2, cells * 3 // 4), cells, 3), np.uint8)
    return Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def background(rng: Rng) -> Image.Image:
    """Walls, slats, clouds of colour, clutter: what could be behind a sign."""
    top, bottom = np.array(colour(rng), float), np.array(colour(rng), float)
    ramp = np.linspace(0, 1, HEIGHT)[:, None, None]
    base = np.broadcast_to(top + (bottom - top) * ramp * rng.random(), (HEIGHT, WIDTH, 3)).astype(np.uint8)
    picture = Image.fromarray(base)
    for _ in range(rng.integers(0, 3)):
        picture = Image.blend(picture, _noise(rng, int(rng.choice([3, 6, 14, 40, 100]))), rng.uniform(0.1, 0.45))
    draw = ImageDraw.Draw(picture)
    kind = rng.random()
    if kind < 0.15:  # bricks
        h, mortar = int(rng.integers(14, 40)), colour(rng, saturation=0.2)
        for row in range(HEIGHT // h + 1):
            draw.line((0, row * h, WIDTH, row * h), fill=mortar, width=2)
            for x in range(-h * (row % 2), WIDTH, 2 * h):
                draw.line((x, row * h, x, row * h + h), fill=mortar, width=2)
    elif kind < 0.3:  # slats
        step, ink = int(rng.integers(8, 50)), colour(rng)
        for x in range(0, WIDTH, step):
            draw.line((x, 0, x + int(rng.integers(-3, 4)), HEIGHT), fill=ink, width=int(rng.integers(1, 4)))
    for _ in range(rng.integers(0, 14)):  # clutter
        x, y = rng.uniform(-40, WIDTH), rng.uniform(-40, HEIGHT)
        w, h = rng.uniform(4, 110, 2)
        ink, shape = colour(rng), rng.integers(4)
        if shape == 0:
            draw.rectangle((x, y, x + w, y + h), fill=ink)
        elif shape == 1:
            draw.ellipse((x, y, x + w, y + h), outline=ink, width=int(rng.integers(1, 9)))
        elif shape == 2:
            draw.line(
                (x, y, x + rng.uniform(-90, 90), y + rng.uniform(-90, 90)), fill=ink, width=int(rng.integers(1, 9))
            )
        else:
            draw.arc(
                (x, y, x + w, y + h), rng.uniform(0, 360), rng.uniform(0, 360), fill=ink, width=int(rng.integers(2, 9))
            )
    return picture


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The eight numbers of the projection that takes four source points to four target points."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return np.linalg.solve(np.array(rows, float), target.ravel())


def _project(h: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = points[:, 0], points[:, 1]
    z = h[6] * x + h[7] * y + 1
    return np.stack([(h[0] * x + h[1] * y + h[2]) / z, (h[3] * x + h[4] * y + h[5]) / z], 1)


def _quad(rng: Rng, width: float, height: float, tilt: float) -> np.ndarray:
    """The corners of a sign that somebody hung up not quite straight, seen not quite from the front."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float) * (width / 2, height / 2)
    corners += rng.uniform(-tilt, tilt, (4, 2)) * 0.25 * min(width, height)
    a = np.radians(rng.normal(0, 12 * tilt))
    shear = rng.normal(0, 0.2 * tilt)
    turn = np.array([(np.cos(a), np.sin(a)), (-np.sin(a) + shear, np.cos(a))])
    return corners @ turn


def _box(points: np.ndarray) -> np.ndarray:
    low, high = points.min(0), points.max(0)
    widen = max(0.0, SLIMMEST * (high[1] - low[1]) - (high[0] - low[0])) / 2
    return np.array([low[0] - widen, low[1], high[0] + widen, high[1]])


def place(scene: Image.Image, patch: Image.Image, marks: list[Mark], quad: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Puts a patch into the quad and gives the boxes of its digits."""
    corners = np.array([(0, 0), (patch.width, 0), (patch.width, patch.height), (0, patch.height)], float)
    low = np.floor(quad.min(0)).astype(int)
    size = np.ceil(quad.max(0)).astype(int) - low
    back = _homography(quad - low, corners)
    seen = patch.transform(tuple(size.tolist()), Image.Transform.PERSPECTIVE, back.tolist(), Image.Resampling.BILINEAR)
    scene.paste(seen, tuple(low.tolist()), seen)
    forth = _homography(corners, quad)
    found = []
    for mark in marks:
        points = _project(forth, mark.points)
        found.append((mark.digit, _box(points)))
    return found


def _fits(box: np.ndarray, taken: list[np.ndarray]) -> bool:
    if (box[:2] < 1).any() or box[2] > WIDTH - 1 or box[3] > HEIGHT - 1:
        return False
    return not any((np.minimum(box[2:], t[2:]) > np.maximum(box[:2], t[:2])).all() for t in taken)


def camera(rng: Rng, picture: Image.Image) -> Image.Image:
    """Light, lens and sensor."""
    if rng.random() < 0.5:  # light from one side, or a shadow across
        ramp = np.clip(rng.uniform(0.4, 1.1) + rng.uniform(-0.5, 0.5) * np.linspace(-1, 1, WIDTH), 0.25, 1.3)
        slope = np.clip(1 + rng.uniform(-0.3, 0.3) * np.linspace(-1, 1, HEIGHT), 0.4, 1.4)
        shade = slope[:, None] * ramp
        if rng.random() < 0.3:
            edge = rng.uniform(0, WIDTH) + np.linspace(0, rng.uniform(-150, 150), HEIGHT)
            shade = shade * np.where(np.arange(WIDTH) < edge[:, None], rng.uniform(0.45, 0.8), 1.0)
        picture = Image.fromarray(np.clip(np.asarray(picture) * shade[:, :, None], 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        picture = ImageEnhance.Contrast(picture).enhance(rng.uniform(0.55, 1.3))
    if rng.random() < 0.3:
        picture = ImageEnhance.Color(picture).enhance(rng.uniform(0, 1.6))
    if rng.random() < 0.45:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.3)))
    elif rng.random() < 0.2:
        n = int(rng.choice([3, 5]))
        kernel = np.zeros((n, n))
        kernel[n // 2, :] = 1
        if rng.random() < 0.5:
            kernel = kernel.T
        picture = picture.filter(ImageFilter.Kernel((n, n), kernel.ravel().tolist()))
    pixels = np.asarray(picture).astype(np.float32)
    if rng.random() < 0.5:  # colour cast
        pixels *= rng.uniform(0.75, 1.15, 3).astype(np.float32)
    if rng.random() < 0.7:
        coarse = rng.standard_normal((HEIGHT, WIDTH, 1 if rng.random() < 0.5 else 3), np.float32)
        pixels += coarse * rng.uniform(1, 16)
    values = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:  # the camera's RGB565
        values = values & np.array([0xF8, 0xFC, 0xF8], np.uint8)
    picture = Image.fromarray(values)
    if rng.random() < 0.2:
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=int(rng.integers(35, 90)))
        picture = Image.open(data).convert("RGB")
    return picture


def make(seed: int, index: int, unseen: bool = False) -> Scene:
    """Picture number `index` of the set `seed`."""
    rng = np.random.default_rng([seed, index])
    faces: Typefaces = typefaces(unseen)
    if unseen:  # displays have no other typeface
        faces = Typefaces(faces.text, typefaces(False).segments)
    picture = background(rng)
    taken: list[np.ndarray] = []
    found: list[tuple[int, np.ndarray]] = []
    crowded = rng.integers(4, 13)
    for _ in range(crowded):
        limit = 120 if not taken and rng.random() < 0.5 else 64
        height = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(limit))))
        patch, marks = random_sign(rng, faces, height, OVERSIZE)
        for _ in range(12):
            quad = _quad(rng, patch.width / OVERSIZE, patch.height / OVERSIZE, rng.random())
            quad += rng.uniform((0, 0), (WIDTH, HEIGHT))
            box = np.concatenate([quad.min(0), quad.max(0)])
            if _fits(box, taken):
                found += place(picture, patch, marks, quad)
                taken.append(box)
                break
    digits = np.array([d for d, _ in found], np.int64)
    boxes = np.array([b for _, b in found], np.float32).reshape(-1, 4)
    return Scene(camera(rng, picture), digits, boxes)


def labels(scene: Scene) -> dict:
    return {
        "digits": scene.digits.tolist(),
        "boxes": [[round(float(v), 1) for v in box] for box in scene.boxes],
    }


def save(folder: Path, seed: int, count: int, unseen: bool, quality: int, labelled: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    all_labels = {}
    for index in range(count):
        scene = make(seed, index, unseen)
        name = f"{index:04}.jpg"
        scene.picture.save(folder / name, quality=quality)
        all_labels[name] = labels(scene)
    if not labelled:
        return
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in all_labels.items()]
    (folder / "labels.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes generated pictures and labels.json into a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--unseen", action="store_true", help="with typefaces that training never sees")
    parser.add_argument("--quality", type=int, default=85, help="of the JPEG files")
    parser.add_argument("--no-labels", action="store_true", help="no labels.json: pictures to calibrate with")
    args = parser.parse_args()
    save(args.folder, args.seed, args.count, args.unseen, args.quality, not args.no_labels)


if __name__ == "__main__":
    main()
