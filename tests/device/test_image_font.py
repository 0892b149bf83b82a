# SPDX-License-Identifier: MIT
"""Fonts from files and flash, and JPEG for the IDE."""

import numpy as np
import pytest

from k210.board import Board
from k210.errors import ScriptError

pytestmark = pytest.mark.timeout(120)


def font(w: int, h: int, glyphs: dict[str, np.ndarray]) -> bytes:
    """Glyphs in the order of Unicode, in blocks of eight columns."""
    out = bytearray((max(map(ord, glyphs)) + 1) * w // 8 * h)
    for c, a in glyphs.items():
        blocks = np.packbits(a.astype(bool), axis=1)  # h rows of w/8 bytes
        at = ord(c) * w // 8 * h
        out[at : at + w // 8 * h] = blocks.T.tobytes()
    return bytes(out)


def shape(seed: int) -> np.ndarray:
    a = np.random.default_rng(seed).integers(0, 2, (16, 16))
    a[0, 0] = a[15, 15] = 1
    return a


def pixels(board: Board, w: int, h: int) -> np.ndarray:
    data = board.eval("bytes(i)")
    return np.frombuffer(data, np.uint8).reshape(h, w) > 0


DRAW = "import image\ni = image.Image(size=(40, 36)).to_grayscale()\n"


def test_font_file(board: Board) -> None:
    one, two = shape(1), shape(2)
    board.put(font(16, 16, {"A": one, "\u0416": two}), "/flash/t.Dzk")
    try:
        board.exec(
            DRAW
            + "image.font_load(image.UTF8, 16, 16, '/flash/t.Dzk')\ni.draw_string(2, 1, 'A\u0416\\nA', mono_space=1)"
        )
        got = pixels(board, 40, 36)
        wanted = np.zeros((36, 40), bool)
        wanted[1:17, 2:18], wanted[1:17, 18:34], wanted[19:35, 2:18] = one, two, one
        assert (got == wanted).all()
        # Beyond the end of the font a box; back to the built-in font.
        board.exec("i.clear().draw_string(0, 0, '\u4f60', mono_space=1)")
        assert 40 < pixels(board, 40, 36).sum() < 70
        board.exec(
            "a = bytes(i.clear().draw_string(0, 0, 'A'))\nimage.font_free()\n"
            "b = bytes(i.clear().draw_string(0, 0, 'A'))"
        )
        assert board.eval("a != b and any(b)")
        board.exec("image.font_load(image.UTF8, 16, 16, '/flash/t.Dzk')\nimage.font_load(image.ASCII)")
        assert board.eval("bytes(i.clear().draw_string(0, 0, 'A')) == b")
    finally:
        board.exec("import os\nos.remove('/flash/t.Dzk')")


def test_a_reset_brings_the_own_font_back(board: Board) -> None:
    board.exec("import image\nimage.font_load(image.UTF8, 16, 16, 0x10000)")
    board.reset()
    board.exec(DRAW + "i.draw_string(0, 0, 'I')")
    assert 0 < pixels(board, 40, 36).sum() < 30


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("16, 16, 0", "ValueError: [MAIXPY]image: font_addr must > 0"),
        ("16, 16, '/flash/x.bin'", "ValueError: [MAIXPY]image: font format don't match, only supply .Dzk"),
        ("16, 16, '/flash/none.Dzk'", "OSError: [Errno 2] ENOENT"),
        ("15, 16, 4096", "ValueError: font of 15x16"),
        ("16, 0, 4096", "ValueError: font of 16x0"),
    ],
)
def test_font_errors(board: Board, arguments: str, error: str) -> None:
    with pytest.raises(ScriptError) as e:
        board.exec(f"import image\nimage.font_load(image.UTF8, {arguments})")
    assert error in str(e.value)


def test_fonts_at_impossible_addresses_draw_boxes(board: Board) -> None:
    board.exec(DRAW + "image.font_load(image.UTF8, 16, 16, 0xFFFFFFF)\ni.draw_string(0, 0, 'A')\nimage.font_free()")
    assert pixels(board, 40, 36).sum() > 40


def test_jpeg_for_the_ide(board: Board) -> None:
    code = """
import image
i = image.Image(size=(32, 24)).draw_circle(16, 12, 8, color=(255, 0, 0))
j = i.compressed(quality=40)
f = i.compressed_for_ide(quality=40)
b = bytes(f)
def six(b):
    n = v = 0
    out = bytearray()
    for c in b[1:-1]:
        v |= (c & 63) << n
        n += 6
        if n >= 8:
            out.append(v & 255)
            v >>= 8
            n -= 8
    return bytes(out)
print(b[0] == b[-1] == 254, all(c & 0x80 for c in b), six(b) == bytes(j), f.width(), f is i)
print(i.compress_for_ide() is i, i.format() == j.format())
"""
    assert board.exec(code).splitlines() == ["True True True 32 False", "True True"]
