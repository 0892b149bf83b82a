# SPDX-License-Identifier: MIT
"""Image objects on the board: what scripts see, what goes wrong and how it says so, and memory."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from k210.board import Board
from k210.errors import ScriptError
from k210.pytest_plugin import TestData

PPM = "images/astronaut_320x240.ppm"

pytestmark = pytest.mark.timeout(120)


def ppm(rgb: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PPM")
    return out.getvalue()


def random_rgb(w: int, h: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)


def fails(board: Board, code: str) -> str:
    """The last line of the traceback of code, which is run behind `import image` and an 8x8 image i."""
    with pytest.raises(ScriptError) as e:
        board.exec("import image\ni = image.Image(size=(8, 8))\n" + code)
    lines = [line for line in str(e.value).splitlines() if line.strip()]
    assert board.exec("print(6 * 7)") == "42\n"
    return lines[-1]


def lines(board: Board, code: str) -> list[str]:
    return board.exec("import image\n" + code).splitlines()


def test_repr_is_the_one_of_maixpy(board: Board) -> None:
    got = lines(board, "print(image.Image())\nprint(image.Image(size=(16, 8)).to_grayscale())")
    assert got[0] == '{"w":320, "h":240, "type"="rgb565", "size":153600}'
    assert got[1] == '{"w":16, "h":8, "type"="grayscale", "size":128}'


def test_properties(board: Board) -> None:
    code = """
import sensor
i = image.Image(size=(24, 10))
print(i.width(), i.height(), i.format() == sensor.RGB565, i.size(), len(i))
g = i.to_grayscale(copy=True)
print(g.format() == sensor.GRAYSCALE, i.format() == sensor.RGB565)
print(i.to_bitmap(copy=True).format())
"""
    assert lines(board, code) == ["24 10 True 480 240", "True True", "None"]


def test_colours(board: Board) -> None:
    code = """
import lcd
i = image.Image(size=(8, 8))
i.set_pixel(0, 0, (255, 0, 0))
i.set_pixel((1, 0), color=lcd.RED)
i.set_pixel(2, 0)
i.set_pixel(100, 0, (1, 2, 3)).set_pixel(-1, 0)
print(i.get_pixel(0, 0), i.get_pixel((1, 0)), i.get_pixel(2, 0), i.get_pixel(0, 0, False) == lcd.RED)
print(i.get_pixel(8, 0), i.get_pixel(0, -1))
print(i[0], i[0:2], bytes(i)[:4])
i[1] = (0, 0, 255)
i[2:4] = ((0, 255, 0), 0xFFFF)
print(i[1], i[2], i[3])
g = image.Image(size=(8, 8)).to_grayscale()
g.set_pixel(0, 0, (0, 255, 0))
g[1] = 77
print(g[0], g.get_pixel(1, 0), g.get_pixel(1, 0, True))
"""
    assert lines(board, code) == [
        "(255, 0, 0) (255, 0, 0) (255, 255, 255) True",
        "None None",
        "(255, 0, 0) ((255, 0, 0), (255, 0, 0)) b'\\xf8\\x00\\xf8\\x00'",
        "(0, 0, 255) (0, 255, 0) (255, 255, 255)",
        "149 77 (77, 77, 77)",
    ]


def test_drawing_returns_the_image_and_takes_groups(board: Board) -> None:
    code = """
i = image.Image(size=(40, 30))
j = i.draw_rectangle((1, 2, 10, 8), color=(255, 0, 0), tickness=5).draw_line(0, 20, 39, 20, 0x00f8, 2)
print(j is i)
r = [5, 5, 4, 4]
print(i.draw_rectangle(r) is i.draw_circle((20, 15, 5), fill=True) is i.draw_cross(3, 3) is
      i.draw_string((0, 10), "hi", scale=1.5, color=(1, 2, 3)) is i.draw_arrow(0, 0, 20, 20, thickness=2) is
      i.draw_image(image.Image(size=(4, 4)), 30, 20) is i.draw_ellipse(20, 10, 8, 4, 30) is i.clear())
i.draw_rectangle(1, 2, 10, 8, (255, 0, 0), 1, True)
print(sum(p != (0, 0, 0) for p in i[:]))
i.draw_rectangle(-2**20, 0, 2**30, 2**62, fill=True)
print(sum(p == (255, 255, 255) for p in i[:]))
i.clear()
i.draw_font(0, 0, 8, 4, b'\\xff\\x81\\x81\\xff', (0, 255, 0))
print(sum(p == (0, 255, 0) for p in i[:]))
"""
    assert lines(board, code) == ["True", "True", "80", "1200", "20"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("image.Image('/flash/none.bmp')", "OSError: [Errno 2] ENOENT"),
        ("image.Image(b'nonsense')", "ValueError: format not supported"),
        ("image.Image(b'P6\\n9 9\\n255\\nxx')", "OSError: image file ends too early"),
        ("image.Image(size=(0, 5))", "ValueError: image of 0x5"),
        ("image.Image(size=(-1, 5))", "ValueError: image of -1x5"),
        ("image.Image(size=(5,))", "ValueError: requested length 2 but object has length 1"),
        ("image.Image(size=(2**70, 5))", "OverflowError"),
        ("image.Image(5)", "OSError: stream operation not supported"),
        ("i.save('/flash/x.gif')", "ValueError: format not supported: '/flash/x.gif'"),
        ("i.save('/none/x.bmp')", "OSError: [Errno 19] ENODEV"),
        ("i.compress(0)", "OSError: Error: 1 <= quality <= 100!"),
        ("i.compress()\ni.draw_line(0, 0, 1, 1)", "OSError: Image format is not supported."),
        ("image.Image(b'\\xff\\xd8\\xff\\xd9')", "ValueError: JPEG: no picture in the file"),
        ("i.copy(roi=(0, 0, 0, 4))", "OSError: Invalid ROI dimensions!"),
        ("i.copy(roi=(8, 0, 4, 4))", "OSError: ROI does not overlap on the image!"),
        ("i.copy(x_scale=0)", "ValueError: scaled side"),
        ("i.copy(x_scale=1e30)", "ValueError: scaled side"),
        ("i.resize(0, 4)", "ValueError: image of 0x4"),
        ("i.cut(0, 0, -4, 4)", "ValueError: image of -4x4"),
        ("i.draw_line(1, 2, 3)", "TypeError: 4 numbers expected"),
        ("i.draw_line((1, 2, 3))", "TypeError: 4 numbers expected"),
        ("i.draw_line(1.0, 2, 3, 4)", "TypeError: can't convert float to int"),
        ("i.draw_rectangle()", "TypeError: "),
        ("i.draw_rectangle(0, 0, 4, 4, color=(1, 2))", "ValueError: requested length 3 but object has length 2"),
        ("i.draw_string(0, 0)", "TypeError: "),
        ("i.draw_string(0, 0, 'x', scale=0)", "OSError: Error: 0 < scale!"),
        ("i.draw_string(0, 0, 'x', scale=float('nan'))", "OSError: Error: 0 < scale!"),
        ("i.draw_image(7, 0, 0)", "TypeError: Can't convert int to Image"),
        ("i.draw_image(i, 0, 0, alpha=300)", "OSError: Error: 0 <= alpha <= 256!"),
        ("i.draw_image(i, 0, 0, mask=image.Image(size=(2, 2)))", "OSError: mask is 2x2, the image 8x8"),
        ("i.draw_font(0, 0, 7, 4, b'1234')", "ValueError: font of 7x4 with 4 bytes"),
        ("i.draw_font(0, 0, 8, 5, b'1234')", "ValueError: font of 8x5 with 4 bytes"),
        ("i.ai_to_pix()", "OSError: Image has no AI buffer, call pix_to_ai() first"),
        ("i[64]", "IndexError: "),
        ("i[0:2] = (1, 2, 3)", "ValueError: cannot grow or shrink image"),
        ("i[0:2] = b'123'", "ValueError: cannot grow or shrink image"),
        ("del i[0]", "TypeError: "),
        ("i.to_bytes()[0:2] = b'123'", "ValueError: cannot grow or shrink image"),
        ("i.no_such_method()", "AttributeError: 'Image' object has no attribute 'no_such_method'"),
        ("i.__del__()\ni.draw_line(0, 0, 1, 1)", "OSError: Image format is not supported."),
        ("i.__del__()\ni[0]", "IndexError: "),
    ],
)
def test_errors(board: Board, code: str, error: str) -> None:
    assert fails(board, code).startswith(error)


def test_memory_error_has_the_numbers(board: Board) -> None:
    text = fails(board, "image.Image(size=(3000, 3000))")
    assert text.startswith("MemoryError: image needs 18000000 bytes; free: ")


def test_pictures_that_nobody_holds_are_collected(board: Board) -> None:
    """Far more pictures than fit, each used; at the end no more than one is held. One, because the collector is
    conservative: an old stack slot or register may still look like a reference."""
    code = """
import gc
from k210 import pool_free
i = image.Image(); i.pix_to_ai(); i = None
gc.collect()
before = pool_free()[0]
for n in range(60):
    i = image.Image()
    i.pix_to_ai()
    i.set_pixel(0, 0, (n, 0, 0))
i = None
gc.collect()
one = 320 * 240 * (2 + 3)
print(before - pool_free()[0], one)
"""
    held, one = map(int, lines(board, code)[0].split())
    assert held <= one + 65536, "besides the picture, the heap may have grown by a piece"


def test_ppm_fills_the_ai_buffer_from_eight_bits(board: Board) -> None:
    """What ai_to_pix() brings back was rounded once; a second detour over RGB565 would not change it, so
    the planes are looked at through a change of the pixels."""
    rgb = random_rgb(16, 8)
    board.put(ppm(rgb), "/flash/t.ppm")
    code = """
i = image.Image('/flash/t.ppm')
a = bytes(i)
i.clear()
i.ai_to_pix()
print(bytes(i) == a)
import binascii
print(binascii.hexlify(a).decode())
"""
    same, text = lines(board, code)
    assert same == "True"
    v = rgb.astype(np.uint16)
    wanted = (v[..., 0] >> 3 << 11 | v[..., 1] >> 2 << 5 | v[..., 2] >> 3).astype(">u2")
    assert bytes.fromhex(text) == wanted.tobytes()


@pytest.mark.parametrize("name", ["t.bmp", "t.ppm"])
def test_save_and_load(board: Board, name: str) -> None:
    code = f"""
i = image.Image(size=(33, 17))
i.draw_circle(16, 8, 7, color=(255, 128, 3), fill=True)
i.save('/flash/{name}').save('/flash/part-{name}', roi=(8, 0, 16, 16))
print(bytes(image.Image('/flash/{name}')) == bytes(i))
print(bytes(image.Image(open('/flash/{name}', 'rb'))) == bytes(i))
print(bytes(image.Image(open('/flash/{name}', 'rb').read(), from_bytes=1)) == bytes(i))
"""
    assert lines(board, code) == ["True"] * 3
    with Image.open(io.BytesIO(board.get(f"/flash/{name}"))) as picture:
        assert picture.size == (33, 17)
        assert picture.getpixel((16, 8)) == (255, 130, 0)
        assert picture.getpixel((0, 0)) == (0, 0, 0)
    with Image.open(io.BytesIO(board.get(f"/flash/part-{name}"))) as picture:
        assert picture.size == (16, 16)
        assert picture.getpixel((8, 8)) == (255, 130, 0)


def test_jpeg(board: Board) -> None:
    code = """
i = image.Image(size=(64, 48))
i.draw_rectangle(0, 0, 32, 48, color=(200, 40, 40), fill=True)
j = i.compressed(quality=90)
print(j.format(), j.width(), j.height(), i.format(), j.size() == len(j.to_bytes()) < 2000)
k = image.Image(j.to_bytes())
print(k, [abs(a - b) < 12 for a, b in zip(k.get_pixel(10, 20), (200, 40, 40))], max(k.get_pixel(50, 20)) < 12)
j.save('/flash/a.jpg')
i.save('/flash/b.JPEG', quality=90)
print(open('/flash/a.jpg', 'rb').read() == open('/flash/b.JPEG', 'rb').read() == bytes(j))
print(i.compress(30) is i, i.format(), image.Image('/flash/a.jpg'))
"""
    assert lines(board, code) == [
        "5 64 48 2 True",
        '{"w":64, "h":48, "type"="rgb565", "size":6144} [True, True, True] True',
        "True",
        'True 5 {"w":64, "h":48, "type"="rgb565", "size":6144}',
    ]
    with Image.open(io.BytesIO(board.get("/flash/a.jpg"))) as picture:
        assert picture.format == "JPEG"
        assert picture.size == (64, 48)


def test_face_alignment(board: Board) -> None:
    """The middle part of a face recogniser: points of a picture to points of a smaller one."""
    code = """
i = image.Image(size=(80, 60))
i.draw_rectangle(20, 10, 20, 20, color=(255, 0, 0), fill=True)
i.pix_to_ai()
f = image.Image(size=(20, 20))
t = image.get_affine_transform([(20, 10), (40, 10), (20, 30)], [(0, 0), (10, 0), (0, 10)])
print(len(t), [round(v, 3) + 0.0 for v in t])
print(image.warp_affine_ai(i, f, t), f.ai_to_pix())
print(f.get_pixel(4, 4), f.get_pixel(15, 4), f.get_pixel(4, 15))
"""
    assert lines(board, code) == [
        "9 [2.0, 0.0, 20.0, 0.0, 2.0, 10.0, 0.0, 0.0, 1.0]",
        "None None",
        "(255, 0, 0) (0, 0, 0) (0, 0, 0)",
    ]
    assert fails(board, "image.get_affine_transform([(1, 2)], [(1, 2)])").startswith("ValueError: at least two pairs")
    assert fails(board, "image.get_affine_transform([(1, 2)] * 11, [])").startswith("ValueError: at most 10 points")
    assert fails(board, "image.warp_affine_ai(i, i, (0,) * 9)").startswith("ValueError: two images")


def test_copies_are_independent(board: Board) -> None:
    code = """
i = image.Image(size=(16, 16))
c = i.copy()
i.draw_rectangle(0, 0, 16, 16, fill=True)
print(c[0], c, i.copy(roi=(2, 2, 6, 4)), i.copy(x_scale=2.0, y_scale=0.5))
print(i.resize(5, 7), i.resize(40, 40)[0], i.cut(12, 12, 8, 8)[0], i.cut(12, 12, 8, 8)[63])
i.crop((0, 0, 4, 4))
print(i)
"""
    got = lines(board, code)
    assert got[0].startswith('(0, 0, 0) {"w":16, "h":16,')
    assert '{"w":6, "h":4,' in got[0]
    assert '{"w":32, "h":8,' in got[0]
    assert got[1] == '{"w":5, "h":7, "type"="rgb565", "size":70} (255, 255, 255) (255, 255, 255) (0, 0, 0)'
    assert got[2] == '{"w":4, "h":4, "type"="rgb565", "size":32}'


def test_to_bytes_is_a_view_that_outlives_the_image(board: Board) -> None:
    code = """
import gc
i = image.Image(size=(64, 64))
b = i.to_bytes()
b[0] = 0xf8
print(type(b), len(b), i[0], isinstance(b, bytearray))
i = None
gc.collect()
j = [image.Image(size=(64, 64)).draw_rectangle(0, 0, 64, 64, fill=True) for n in range(4)]
print(b[0], b[1:4], b == bytes(b))
b += b'12'
print(len(b))
"""
    assert lines(board, code) == [
        "<class 'bytearray'> 8192 (255, 0, 0) True",
        "248 bytearray(b'\\x00\\x00\\x00') True",
        "8194",
    ]


def test_conversions_in_place_and_as_copy(board: Board) -> None:
    code = """
i = image.Image(size=(16, 8))
i.draw_rectangle(0, 0, 8, 8, (255, 0, 0), fill=True)
i.pix_to_ai()
g = i.to_grayscale(copy=True)
print(g[0], g[15], i.format())
print(i.to_grayscale() is i, i[0], i)
i.pix_to_ai()
i.to_rgb565()
print(i, i[0])
i.to_bitmap()
print(i, i.get_pixel(0, 0))
"""
    assert lines(board, code) == [
        "77 0 2",
        'True 77 {"w":16, "h":8, "type"="grayscale", "size":128}',
        '{"w":16, "h":8, "type"="rgb565", "size":256} (74, 77, 74)',
        '{"w":16, "h":8, "type"="binary", "size":32} 0',
    ]


def test_part_of_a_photograph(board: Board, data: TestData) -> None:
    with Image.open(data(PPM)) as picture:
        part = np.asarray(picture.crop((100, 40, 164, 88)))
    board.put(ppm(part), "/flash/a.ppm")
    got = lines(board, "import binascii\ni = image.Image('/flash/a.ppm')\nprint(i, binascii.crc32(i.to_bytes()))")
    v = part.astype(np.uint16)
    wanted = (v[..., 0] >> 3 << 11 | v[..., 1] >> 2 << 5 | v[..., 2] >> 3).astype(">u2").tobytes()
    assert got == [f'{{"w":64, "h":48, "type"="rgb565", "size":6144}} {zlib.crc32(wanted)}']
