# SPDX-License-Identifier: MIT
"""Calls with arguments that make no sense: each gives a result or a Python exception, and the board lives on.

Every run of a number makes the same calls. K210_WILD_CALLS=5000 makes so many of each kind.
"""

import os

import pytest

from k210.board import Board

CALLS = int(os.environ.get("K210_WILD_CALLS", "150"))

pytestmark = pytest.mark.timeout(180 + 2 * CALLS)

SETUP = """
import image, lcd, sensor, random, gc, os
random.seed(SEED)
nan, inf = float("nan"), float("inf")
colour = image.Image(size=(24, 16)).draw_circle(9, 8, 5, color=(200, 90, 40), fill=True)
gray = colour.to_grayscale(copy=True)
planes = colour.copy()
planes.pix_to_ai()
kinds = [
    colour.copy, gray.copy, lambda: gray.to_bitmap(copy=True), lambda: colour.compressed(), planes.copy,
    lambda: image.Image(size=(1, 1)), lambda: planes, lambda: colour.resize(8, 300),
]
plain = [
    0, 1, -1, 2, 3, 7, 90, 255, -32768, 65536, 2**31 - 1, -(2**31), 2**40, -(2**70), 0.0, 0.5, -1.5, 3e9, 1e30, 1e-30,
    nan, inf, -inf, True, None, "", "x", "/flash/none.bmp", b"", b"abc", bytearray(64), (), (1,), (1, 2), (3, 4, 5),
    (0, 0, 10, 10), (-5, -5, 100, 100), (2**31 - 1, 0, 2**31 - 1, 9), (1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6), [], [0] * 9,
    [nan] * 9, [(0, 100)], [(20, 80, -30, 30, -30, 30)], [(5,)], [()], [[1], 2], [(0, 0), (9, 0), (9, 9), (0, 9)],
    {}, set(), object, len, lambda *a: 1, lambda *a: 1 // 0, image, image.Image, sensor.QVGA,
]
names = (
    "roi color thickness fill scale x_spacing y_spacing mono_space size alpha mask x_scale y_scale threshold "
    "thresholds invert offset bias percentile kernel mul add copy x_stride y_stride area_threshold "
    "pixels_threshold merge margin threshold_cb merge_cb robust theta_margin rho_margin merge_distance "
    "max_theta_diff r_min r_max r_step families fx fy cx cy effort template_roi logpolar fix_rotation_scale "
    "step search scale_factor normalized max_keypoints corner_detector bins l_bins strength zoom x_rotation "
    "z_rotation fov corners quality adaptive clip_limit unsharp reverse hmirror vflip transpose "
    "seed_threshold floating_threshold color_sigma space_sigma zero to_bitmap sharpen oft width height freq "
    "type path index from_bytes copy_to_fb loop "
).split()
fine = (TypeError, ValueError, OSError, MemoryError, RuntimeError, IndexError, KeyError, AttributeError,
        OverflowError, ZeroDivisionError, NotImplementedError)

def value():
    return random.choice(kinds)() if random.random() < 0.15 else random.choice(plain)

def wild(call):
    args = [value() for n in range(random.choice((0, 1, 1, 2, 2, 3, 4, 5, 7)))]
    words = {random.choice(names): value() for n in range(random.choice((0, 0, 1, 2)))}
    try:
        result = call(*args, **words)
        if isinstance(result, image.Image):
            result.get_pixel(0, 0)
        repr(result)
        return 1
    except fine:
        return 0
"""

METHODS = """
methods = [name for name in dir(image.Image) if name != "save" and not name.startswith("__")]
good = 0
for n in range(CALLS):
    picture = random.choice(kinds)()
    good += wild(getattr(picture, random.choice(methods)))
    if n % 50 == 0:
        gc.collect()
print(good > CALLS // 20)
"""

FUNCTIONS = """
lcd.init()
skip = ("init", "deinit", "ImageWriter", "save_descriptor", "keep_screen", "register", "freq")
functions = [getattr(m, name) for m in (image, lcd) for name in dir(m)
             if name not in skip and callable(getattr(m, name))]
good = 0
for n in range(CALLS):
    good += wild(random.choice(functions))
    if n % 50 == 0:
        gc.collect()
print(good > CALLS // 20)
"""

SENSOR = """
sensor.reset()
sensor.set_framesize(sensor.QQVGA)
skip = ("reset", "binocular_reset", "deinit", "sleep", "shutdown", "skip_frames", "run", "__write_reg", "set_framesize")
functions = [getattr(sensor, name) for name in dir(sensor) if name not in skip and callable(getattr(sensor, name))]
good = 0
for n in range(CALLS):
    good += wild(random.choice(functions))
sensor.reset()
sensor.set_framesize(sensor.QQVGA)
print(sensor.snapshot().width() == 160 and good > CALLS // 20)
"""


@pytest.mark.parametrize("calls", [METHODS, FUNCTIONS, SENSOR], ids=["methods", "functions", "sensor"])
def test_wild_calls(board: Board, calls: str) -> None:
    seed = int(os.environ.get("K210_WILD_SEED", "1"))
    code = f"SEED, CALLS = {seed}, {CALLS}\n" + SETUP + calls
    assert board.exec(code, timeout=600 + CALLS) == "True\n"
    # Memory is whole: what was there before is there again.
    assert (
        board.exec("import image\nprint(image.Image(size=(320, 240)).fill((1, 2, 3)).get_pixel(5, 5))") == "(0, 0, 0)\n"
    )


def test_a_freed_image_says_so(board: Board) -> None:
    code = """
import image
i = image.Image(size=(8, 8))
i.__del__()
for f in (lambda: i.get_pixel(0, 0), lambda: i.draw_line(0, 0, 5, 5), lambda: i[0], lambda: i.copy(),
          lambda: i.save("/flash/x.bmp")):
    try:
        f()
        print("no error")
    except (OSError, ValueError, IndexError) as e:
        print("error")
i.__del__()
"""
    assert board.exec(code).splitlines() == ["error"] * 5
