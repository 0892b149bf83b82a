# SPDX-License-Identifier: MIT
"""The display: what stands on the glass after each call, and what the calls say when something is wrong."""

import numpy as np
import pytest
from PIL import Image

from k210.board import Board
from k210.errors import ScriptError
from k210.golden import Golden

BLACK, WHITE, RED, GREEN, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)

pytestmark = pytest.mark.timeout(120)


def run(board: Board, code: str) -> str:
    return board.exec("import lcd, image\nlcd.init()\n" + code)


def screen(board: Board, code: str) -> Image.Image:
    # deinit waits for the last transfer; the picture stays.
    run(board, code + "\nlcd.deinit()")
    return board.screenshot().convert("RGB")


def near(a: tuple[int, ...], b: tuple[int, ...], tolerance: int = 8) -> bool:
    return all(abs(x - y) <= tolerance for x, y in zip(a, b, strict=True))


def all_near(picture: Image.Image, box: tuple[int, int, int, int], colour: tuple[int, int, int]) -> bool:
    part = np.asarray(picture.crop(box), np.int16)
    return bool((np.abs(part - np.array(colour)) <= 8).all())


def test_init_gives_a_black_screen_of_320x240(board: Board) -> None:
    assert run(board, "print(lcd.width(), lcd.height(), lcd.type(), lcd.freq())") == "320 240 1 15000000\n"
    picture = screen(board, "")
    assert picture.size == (320, 240)
    assert all_near(picture, (0, 0, 320, 240), BLACK)


@pytest.mark.parametrize(
    ("color", "wanted"),
    [
        ("lcd.RED", RED),
        ("lcd.GREEN", GREEN),
        ("lcd.BLUE", BLUE),
        ("lcd.WHITE", WHITE),
        ("(255, 255, 0)", (255, 255, 0)),
        ("lcd.ORANGE", (255, 165, 0)),
        ("color=lcd.BLUE", BLUE),
    ],
)
def test_clear(board: Board, color: str, wanted: tuple[int, int, int]) -> None:
    assert all_near(screen(board, f"lcd.clear({color})"), (0, 0, 320, 240), wanted)


def test_display_of_a_drawing(board: Board, golden: Golden) -> None:
    code = """
i = image.Image()
i.draw_rectangle(0, 0, 320, 240, color=(255, 255, 255), thickness=3)
i.draw_rectangle(20, 20, 60, 40, color=(255, 0, 0), fill=True)
i.draw_circle(160, 60, 35, color=(0, 255, 0), thickness=4)
i.draw_line(10, 230, 310, 130, color=(0, 0, 255), thickness=5)
i.draw_cross(250, 60, color=(255, 255, 0), size=20, thickness=2)
i.draw_arrow(20, 100, 120, 130, color=(0, 255, 255), size=15, thickness=2)
i.draw_ellipse(240, 170, 50, 20, 30, color=(255, 0, 255), thickness=2)
i.draw_string(10, 150, "MaixPy 0123456789", color=(255, 255, 255), scale=1)
i.draw_string(10, 170, "Hello,\\nK210!", color=(255, 160, 0), scale=2)
lcd.display(i)
"""
    golden.check(screen(board, code), "lcd_drawing", tolerance=9, pixels=0.001)


def test_small_pictures_are_centred_on_black(board: Board) -> None:
    picture = screen(
        board,
        "lcd.clear(lcd.WHITE)\ni = image.Image(size=(100, 60))\ni.draw_rectangle(0, 0, 100, 60, lcd.RED, fill=True)\n"
        "lcd.display(i)",
    )
    assert all_near(picture, (110, 90, 210, 150), RED)
    assert all_near(picture, (0, 0, 320, 90), BLACK)
    assert all_near(picture, (0, 0, 110, 240), BLACK)
    assert all_near(picture, (210, 0, 320, 240), BLACK)
    assert all_near(picture, (0, 150, 320, 240), BLACK)


def test_large_pictures_show_their_middle(board: Board) -> None:
    picture = screen(
        board,
        "i = image.Image(size=(400, 300))\ni.draw_rectangle(40, 30, 320, 240, lcd.GREEN, fill=True)\nlcd.display(i)",
    )
    assert all_near(picture, (0, 0, 320, 240), GREEN)


def test_oft_and_roi_change_only_their_part(board: Board) -> None:
    code = """
lcd.clear(lcd.WHITE)
i = image.Image(size=(100, 60))
i.draw_rectangle(10, 10, 31, 21, lcd.RED, fill=True)
lcd.display(i, roi=(10, 10, 31, 21), oft=(5, 7))
lcd.display(i, roi=(10, 10, 31, 21), oft=(300, 230))
lcd.display(i, roi=(10, 10, 31, 21), oft=(-20, -10))
lcd.display(i, oft=(900, 0))
"""
    picture = screen(board, code)
    seen = np.asarray(picture, np.int16)
    wanted = np.full((240, 320, 3), 255)
    wanted[7:28, 5:36] = wanted[230:, 300:] = wanted[:11, :11] = RED
    assert (np.abs(seen - wanted) <= 8).all()


def test_odd_sizes_do_not_disturb_the_first_pixel(board: Board) -> None:
    code = """
i = image.Image(size=(5, 3))
i.draw_rectangle(0, 0, 5, 3, lcd.RED, fill=True)
i.set_pixel(0, 0, lcd.BLUE)
i.set_pixel(4, 2, lcd.GREEN)
lcd.display(i, oft=(11, 13))
"""
    picture = screen(board, code)
    assert near(picture.getpixel((11, 13)), BLUE)
    assert near(picture.getpixel((15, 15)), GREEN)
    assert near(picture.getpixel((13, 14)), RED)
    assert near(picture.getpixel((16, 15)), BLACK)
    assert near(picture.getpixel((11, 16)), BLACK)


def test_gray_images(board: Board) -> None:
    picture = screen(
        board,
        "i = image.Image().to_grayscale()\nfor y in range(0, 240, 8):\n i.draw_rectangle(0, y, 320, 8, y, fill=True)\n"
        "lcd.display(i)",
    )
    for y in range(0, 240, 8):
        assert near(picture.getpixel((160, y + 4)), (y, y, y))


def test_rotation_turns_the_picture(board: Board) -> None:
    """A red corner at the top left of the picture; the glass itself stays where it is."""
    corners = {}
    for rotation in range(4):
        code = f"lcd.rotation({rotation})\ni = image.Image(size=(lcd.width(), lcd.height()))\n"
        code += "i.draw_rectangle(0, 0, 40, 40, lcd.RED, fill=True)\nlcd.display(i)\n"
        code += "print(lcd.rotation(), lcd.width(), lcd.height())\nimport time\ntime.sleep_ms(50)"
        size = "320 240" if rotation % 2 == 0 else "240 320"
        assert run(board, code) == f"{rotation} {size}\n"
        picture = board.screenshot().convert("RGB")
        w, h = picture.size
        places = {"tl": (10, 10), "tr": (w - 10, 10), "bl": (10, h - 10), "br": (w - 10, h - 10)}
        corners[rotation] = [name for name, at in places.items() if near(picture.getpixel(at), RED)]
    # The emulator's console shows the glass either as it is or as the direction addresses it.
    assert all(len(seen) == 1 for seen in corners.values())
    assert corners[0] == ["tl"]


def test_mirror(board: Board) -> None:
    code = "print(lcd.mirror(), lcd.mirror(True), lcd.mirror(), lcd.rotation(), lcd.mirror(False))"
    assert run(board, code) == "0 1 1 0 0\n"


def test_draw_string_and_fill_rectangle(board: Board, golden: Golden) -> None:
    code = """
lcd.clear(lcd.NAVY)
lcd.draw_string(10, 10, "Hello", lcd.RED, lcd.BLACK)
lcd.draw_string(100, 100, "K210 (white on green)", lcd.WHITE, lcd.GREEN)
lcd.draw_string(280, 60, "too long for the line", lcd.YELLOW)
lcd.fill_rectangle(0, 200, 320, 40, lcd.WHITE)
lcd.fill_rectangle(300, 180, 20, 60, (255, 0, 0))
"""
    golden.check(screen(board, code), "lcd_text", tolerance=9)


def test_two_pictures_in_a_row(board: Board) -> None:
    """The second call comes while the first picture is still being sent."""
    code = """
a = image.Image().draw_rectangle(0, 0, 320, 240, lcd.RED, fill=True)
b = image.Image().draw_rectangle(0, 0, 320, 240, lcd.BLUE, fill=True)
for n in range(5):
    lcd.display(a)
    a.clear()
    lcd.display(b)
    a.draw_rectangle(0, 0, 320, 240, lcd.RED, fill=True)
lcd.display(a)
b.clear()
"""
    assert all_near(screen(board, code), (0, 0, 320, 240), RED)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("lcd.init(type=9)", "ValueError: type error"),
        ("lcd.init(lcd_type=7)", "ValueError: lcd_type"),
        ("lcd.init(freq=0)", "ValueError: freq must be"),
        ("lcd.init(width=5000)", "ValueError: width must be 16 to 800, not 5000"),
        ("lcd.init(rst=48)", "ValueError: rst must be 0 to 47, not 48"),
        ("lcd.rotation(4)", "ValueError: value:[0,3]"),
        ("lcd.display(5)", "TypeError: Can't convert int to Image"),
        ("lcd.display(image.Image().to_bitmap())", "OSError: Image format is not supported."),
        ("lcd.display(image.Image(), roi=(400, 0, 10, 10))", "OSError: ROI does not overlap on the image!"),
        ("lcd.display(image.Image(), oft=(1, 2, 3))", "ValueError: requested length 2"),
        ("lcd.fill_rectangle(0, 0, 10)", "ValueError: arg error"),
        ("lcd.fill_rectangle(320, 0, 10, 10, 0)", "ValueError: arg error"),
        ("lcd.fill_rectangle(0, 0, -3, 10, 0)", "ValueError: arg error"),
        ("lcd.bgr_to_rgb()", "ValueError: True or False"),
        ("lcd.register(0x3A, list(range(100)))", "ValueError: at most 64 parameters"),
        ("lcd.freq(5)", "ValueError: freq must be"),
    ],
)
def test_errors(board: Board, code: str, error: str) -> None:
    with pytest.raises(ScriptError) as e:
        run(board, code)
    assert error in str(e.value)
    assert board.exec("print(1)") == "1\n"


def test_before_init(board: Board) -> None:
    code = """
import lcd, image
print(lcd.width(), lcd.height(), lcd.type())
lcd.display(image.Image(size=(8, 8)))
lcd.clear()
for f in (lcd.freq, lambda: lcd.direction(0), lambda: lcd.bgr_to_rgb(True), lambda: lcd.draw_string(0, 0, "x"),
          lambda: lcd.rotation(1)):
    try:
        f()
        print("no error")
    except ValueError as e:
        print(str(e)[:8])
"""
    assert board.exec(code).splitlines() == ["320 240 None", *["not init"] * 5]


def test_without_a_panel(board: Board) -> None:
    """type=0 makes every call harmless."""
    code = """
import lcd, image
lcd.init(type=0)
print(lcd.type(), lcd.width())
lcd.display(image.Image(size=(8, 8)))
lcd.clear(lcd.RED)
lcd.draw_string(0, 0, "x")
lcd.fill_rectangle(0, 0, 1, 1, 0)
lcd.rotation(1)
lcd.register(0x36, 0)
lcd.deinit()
print(lcd.type())
"""
    assert board.exec(code) == "0 None\nNone\n"


def test_init_again_and_again_loses_no_memory(board: Board) -> None:
    code = "for n in range(45):\n lcd.init(freq=20000000)\nprint(lcd.freq())"
    assert run(board, code) == "20000000\n"
