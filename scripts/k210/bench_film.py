# SPDX-License-Identifier: MIT
"""For `make bench`: how many pictures of a film per second the emulated board decodes and shows (virtual time)."""

import ast
import io
import struct
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from k210.board import Board
from k210.emulator import Config

WIDTH, HEIGHT = 320, 240
PICTURES = 20
QUALITY = 75
# The film's own rate is beyond what the board can do: every picture comes as soon as it is ready.
RATE = 1000
SCRIPT = """
import image, lcd, time, video
lcd.init()
film = video.open("/sd/film.avi")
film.play()
start = time.ticks_us()
n = 0
while film.play():
    n += 1
took = time.ticks_diff(time.ticks_us(), start) / n
data = open("/sd/one.jpg", "rb").read()
start = time.ticks_us()
image.Image(data)
print((took, time.ticks_diff(time.ticks_us(), start)))
"""


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def _list(name: bytes, *parts: bytes) -> bytes:
    return _chunk(b"LIST", name + b"".join(parts))


def _picture(source: Image.Image | None, n: int) -> bytes:
    """A photograph that moves by, or shapes on a slope where there is none."""
    if source:
        side = min(source.width * 3 // 4, source.height)
        step = (source.width - side) * n // PICTURES
        picture = source.crop((step, 0, step + side, side * 3 // 4)).resize((WIDTH, HEIGHT))
    else:
        picture = Image.linear_gradient("L").resize((WIDTH, HEIGHT)).convert("RGB")
        draw = ImageDraw.Draw(picture)
        for i in range(40):
            x, y = (i * 97 + n * 8) % WIDTH, i * 61 % HEIGHT
            draw.ellipse((x, y, x + 10 + i, y + 10 + i), fill=(i * 6, 255 - i * 5, i * 41 % 256))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def film(pictures: list[bytes]) -> bytes:
    """An AVI file of JPEG pictures without sound."""
    count, size = len(pictures), WIDTH * HEIGHT * 3
    main = struct.pack("<14I", 1000000 // RATE, 0, 0, 0, count, 0, 1, 0, WIDTH, HEIGHT, 0, 0, 0, 0)
    head = struct.pack("<4s4s10I4h", b"vids", b"MJPG", 0, 0, 0, 1, RATE, 0, count, 0, 0, 0, 0, 0, WIDTH, HEIGHT)
    form = struct.pack("<IiiHH4s5I", 40, WIDTH, HEIGHT, 1, 24, b"MJPG", size, 0, 0, 0, 0)
    stream = _list(b"strl", _chunk(b"strh", head), _chunk(b"strf", form))
    movie = _list(b"movi", *(_chunk(b"00dc", p) for p in pictures))
    return _chunk(b"RIFF", b"AVI " + _list(b"hdrl", _chunk(b"avih", main), stream) + movie)


def measure(config: Config, photograph: Path) -> tuple[float, float, float]:
    """Pictures per second of a film, milliseconds to decode one of its pictures, its KiB."""
    source = Image.open(photograph).convert("RGB") if photograph.exists() else None
    pictures = [_picture(source, n) for n in range(PICTURES)]
    with tempfile.TemporaryDirectory(prefix="k210-bench-") as folder:
        (Path(folder) / "film.avi").write_bytes(film(pictures))
        (Path(folder) / "one.jpg").write_bytes(pictures[0])
        with Board.start(replace(config, icount=True, sdcard=Path(folder))) as board:
            shown, decode = ast.literal_eval(board.exec(SCRIPT, timeout=300))
    return 1e6 / shown, decode / 1000, len(pictures[0]) / 1024
