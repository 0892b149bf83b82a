# SPDX-License-Identifier: MIT
"""PNG files against Pillow."""

from __future__ import annotations

import contextlib
import io
import random
import zlib

import numpy as np
import pytest
from image_core import GRAYSCALE, CodecError, Picture, from_rgb, load, save, to565
from kpu_core import data_path
from PIL import Image

PNG = 3


def png(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", **options)
    return out.getvalue()


def photo() -> Image.Image:
    with Image.open(data_path("images/chelsea_320x240.ppm")) as p:
        return p.convert("RGB").resize((57, 41))


@pytest.mark.parametrize("level", [0, 1, 9])
def test_colours(level: int) -> None:
    p = photo()
    assert (load(png(p, compress_level=level)).values() == to565(np.asarray(p))).all()


def test_a_real_file() -> None:
    data = data_path("images/astronaut.png").read_bytes()
    with Image.open(io.BytesIO(data)) as p:
        assert (load(data).values() == to565(np.asarray(p.convert("RGB")))).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes(bits: int) -> None:
    p = photo().quantize(2**bits)
    assert (load(png(p, bits=bits)).values() == to565(np.asarray(p.convert("RGB")))).all()


def test_gray_alpha_and_deep() -> None:
    g = photo().convert("L")
    got = load(png(g))
    assert got.c.format == GRAYSCALE
    assert (got.values() == np.asarray(g)).all()
    assert (
        load(png(g.point(lambda v: 255 * (v > 99)).convert("1"))).values()
        == np.asarray(g.point(lambda v: 255 * (v > 99)))
    ).all()
    deep = Image.fromarray(np.asarray(g).astype(np.uint16) * 257)
    assert (load(png(deep)).values() == np.asarray(g)).all()
    rgba = photo()
    rgba.putalpha(g)
    wanted = (np.asarray(photo()).astype(int) * np.asarray(g)[..., None] // 255).astype(np.uint8)
    assert (load(png(rgba)).values() == to565(wanted)).all()
    la = Image.merge("LA", (g, g))
    assert (load(png(la)).values() == np.asarray(g).astype(int) ** 2 // 255).all()


def test_saved_files_are_read_by_pillow() -> None:
    p = from_rgb(np.asarray(photo()))
    with Image.open(io.BytesIO(save(p, PNG))) as got:
        assert (np.asarray(got) == p.rgb()).all()
    with Image.open(io.BytesIO(save(p, PNG, (5, 6, 20, 10)))) as got:
        assert (np.asarray(got) == p.rgb()[6:16, 5:25]).all()
    g = Picture(33, 40, GRAYSCALE).fill_random()
    with Image.open(io.BytesIO(save(g, PNG))) as got:
        assert (np.asarray(got) == g.values()).all()
    flat = Picture(320, 240)
    assert len(save(flat, PNG)) < 3000
    assert (load(save(flat, PNG)).values() == 0).all()


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def made(w: int, h: int, data: bytes, kind: int = 2, depth: int = 8, lace: int = 0, extra: bytes = b"") -> bytes:
    head = w.to_bytes(4, "big") + h.to_bytes(4, "big") + bytes([depth, kind, 0, 0, lace])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (made(4, 4, zlib.compress(bytes(10))), "damaged data"),
        (made(4, 4, b"rubbish"), "damaged data"),
        (made(4, 4, zlib.compress(bytes([9] * 52))), "damaged data"),
        (made(70000, 4, b""), "png: 70000x4"),
        (made(0, 4, b""), "impossible size"),
        (made(4, 4, b"", lace=1), "interlaced"),
        (made(4, 4, b"", kind=5), "type 5"),
        (made(4, 4, b"", depth=3), "3 bits"),
        (made(4, 4, zlib.compress(bytes(20)), kind=3), "damaged data"),
        (made(4, 4, zlib.compress(bytes(52)))[:40], "too early"),
        (b"\x89PNG rubbish that is long enough for a header", "damaged header"),
    ],
)
def test_files_that_lie(data: bytes, text: str) -> None:
    with pytest.raises(CodecError, match=text):
        load(data)


def test_more_data_than_pixels_is_no_bomb() -> None:
    load(made(2, 2, zlib.compress(bytes(50_000_000))))


def test_damaged_files_are_refused_or_read() -> None:
    good, rng = png(photo()), random.Random(1)
    for _ in range(40):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        with contextlib.suppress(CodecError):
            load(bytes(bad[: rng.choice([len(bad), rng.randrange(len(bad))])]))
