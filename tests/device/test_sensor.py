# SPDX-License-Identifier: MIT
"""The camera: pictures that go in come out, and everything that can be wrong says so in time."""

import ast
import binascii

import numpy as np
import pytest
from PIL import Image

from k210.board import Board
from k210.errors import ScriptError
from k210.pytest_plugin import TestData

pytestmark = pytest.mark.timeout(180)

START = """
import sensor, image
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)
"""
# The serial line is slow: a picture comes back as the colours in the middle of nx times ny cells ...
GRID = """
def grid(i, nx=8, ny=4):
    w, h = i.width(), i.height()
    return [[i.get_pixel(w * (2 * x + 1) // (2 * nx), h * (2 * y + 1) // (2 * ny), True) for x in range(nx)]
            for y in range(ny)]
"""
# ... or as a whole when it is small, in pieces that the GC heap likes.
SEND = """
import binascii
def send(b):
    for n in range(0, len(b), 2048):
        print(binascii.b2a_base64(bytes(b[n:n + 2048])).decode().strip())
"""

# YUV422 halves the colour resolution, RGB565 rounds: mean difference per channel of a photograph.
MEAN_LOSS = 6


def picture_of(text: str, w: int, h: int) -> np.ndarray:
    raw = b"".join(binascii.a2b_base64(line) for line in text.split())
    v = np.frombuffer(raw, ">u2").astype(np.uint32).reshape(h, w)
    r, g, b = v >> 11, v >> 5 & 63, v & 31
    return np.stack([r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2], axis=2).astype(np.int16)


def bars(w: int = 320, h: int = 240) -> Image.Image:
    """Eight columns of plain colours over four rows of brightness, a white mark at the top left."""
    picture = np.zeros((h, w, 3), np.uint8)
    colours = [(1, 1, 1), (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1), (0.5, 0.5, 0.5)]
    for x, colour in enumerate(colours):
        for y in range(4):
            level = (60 + 60 * y) * np.array(colour)
            picture[h // 4 * y : h // 4 * (y + 1), w // 8 * x : w // 8 * (x + 1)] = level.astype(np.uint8)
    picture[: h // 8, : w // 16] = 255
    return Image.fromarray(picture)


def cells(picture: np.ndarray, nx: int = 8, ny: int = 4) -> np.ndarray:
    """The colours in the middle of the cells."""
    h, w = picture.shape[:2]
    return np.array([[picture[h * (2 * y + 1) // (2 * ny), w * (2 * x + 1) // (2 * nx)] for x in range(nx)]
                     for y in range(ny)])  # fmt: skip


def seen(board: Board, code: str = "", start: str = START, nx: int = 8, ny: int = 4) -> np.ndarray:
    """The cells of a snapshot taken after code."""
    text = board.exec(start + GRID + code + f"\nprint(grid(sensor.snapshot(), {nx}, {ny}))")
    return np.array(ast.literal_eval(text.splitlines()[-1]), np.int16)


def wanted(picture: Image.Image, nx: int = 8, ny: int = 4) -> np.ndarray:
    return cells(np.asarray(picture, np.int16), nx, ny)


# ---- pictures ---------------------------------------------------------------------------------------


@pytest.mark.emulator_only
def test_snapshot_is_what_the_camera_sees(board: Board, data: TestData) -> None:
    path = data("images/astronaut_320x240.ppm")
    board.show(path)
    text = board.exec(START + SEND + "send(sensor.snapshot().copy(roi=(96, 40, 96, 80)).to_bytes())")
    with Image.open(path) as opened:
        part = np.asarray(opened.crop((96, 40, 192, 120)), np.int16)
    difference = np.abs(picture_of(text, 96, 80) - part)
    assert difference.mean() < MEAN_LOSS
    assert np.percentile(difference, 95) < 24


@pytest.mark.emulator_only
def test_colours_and_places(board: Board) -> None:
    board.show(bars())
    assert np.abs(seen(board) - wanted(bars())).max() <= 12


@pytest.mark.emulator_only
def test_ai_planes_and_pixels_show_the_same(board: Board) -> None:
    board.show(bars())
    code = "i = sensor.snapshot()\ni.clear()\nprint(i[0])\ni.ai_to_pix()\nprint(grid(i))"
    first, second = board.exec(START + GRID + code).splitlines()
    assert first == "(0, 0, 0)"
    assert np.abs(np.array(ast.literal_eval(second)) - wanted(bars())).max() <= 12


@pytest.mark.emulator_only
def test_grayscale_is_the_luma(board: Board) -> None:
    board.show(bars())
    start = START.replace("sensor.RGB565", "sensor.GRAYSCALE")
    assert board.exec(start + "print(sensor.snapshot())") == '{"w":320, "h":240, "type"="grayscale", "size":76800}\n'
    luma = wanted(bars().convert("L").convert("RGB"))
    assert np.abs(seen(board, start=start) - luma).max() <= 20


@pytest.mark.emulator_only
def test_pixel_format_can_change_while_frames_come(board: Board) -> None:
    board.show(bars())
    code = "sensor.set_pixformat(sensor.GRAYSCALE)\nsensor.snapshot()\nsensor.set_pixformat(sensor.RGB565)"
    assert np.abs(seen(board, code) - wanted(bars())).max() <= 12


@pytest.mark.emulator_only
@pytest.mark.parametrize(
    ("window", "box"),
    [
        ("(224, 224)", (48, 8, 272, 232)),
        ("(80, 64, 160, 120)", (80, 64, 240, 184)),
        ("(0, 0, 64, 48)", (0, 0, 64, 48)),
    ],
)
def test_windows_are_cut_out_of_the_frame(board: Board, window: str, box: tuple[int, int, int, int]) -> None:
    board.show(bars())
    got = seen(board, f"assert sensor.set_windowing({window}) is True", nx=16, ny=12)
    difference = np.abs(got - wanted(bars().crop(box), 16, 12)).max(axis=2)
    # A cell's middle may lie on an edge of the picture: the sensor works in steps of its own.
    assert (difference > 24).mean() < 0.06
    w, h = box[2] - box[0], box[3] - box[1]
    code = "import sensor\ni = sensor.snapshot()\nprint(i.width(), i.height(), sensor.width(), sensor.height())"
    assert board.exec(code) == f"{w} {h} 320 240\n"


@pytest.mark.emulator_only
@pytest.mark.parametrize(("name", "size"), [("QQVGA", (160, 120)), ("QVGA", (320, 240)), ("VGA", (640, 480))])
def test_frame_sizes(board: Board, name: str, size: tuple[int, int]) -> None:
    board.show(bars())
    start = START.replace("QVGA", name)
    assert np.abs(seen(board, start=start) - wanted(bars())).max() <= 12
    got = board.exec("import sensor\nprint(sensor.snapshot().width(), sensor.snapshot().height(), sensor.width())")
    assert got == f"{size[0]} {size[1]} {size[0]}\n"


@pytest.mark.k210(board="m5stickv")
def test_a_width_that_is_no_multiple_of_eight(board: Board) -> None:
    code = """
i = sensor.snapshot()
print(i.width(), i.height(), sensor.width())
sensor.set_windowing((32, 32))
print(sensor.snapshot().width())
"""
    assert board.exec(START.replace("QVGA", "HQQQVGA") + code) == "56 40 60\n32\n"


@pytest.mark.emulator_only
def test_mirror_and_flip(board: Board) -> None:
    board.show(bars())
    plain = wanted(bars())
    assert np.abs(seen(board, "sensor.set_hmirror(1)") - plain[:, ::-1]).max() <= 12
    assert np.abs(seen(board, "sensor.set_vflip(1)") - plain[::-1]).max() <= 12


@pytest.mark.emulator_only
def test_the_picture_can_change(board: Board) -> None:
    board.exec(START)
    for colour in ((200, 40, 40), (40, 200, 40), (40, 40, 200)):
        board.show(Image.new("RGB", (64, 48), colour))
        # One frame may be under way.
        got = ast.literal_eval(
            board.exec("import sensor\nsensor.snapshot()\nprint(sensor.snapshot().get_pixel(100, 100))")
        )
        assert np.abs(np.array(got) - np.array(colour)).max() <= 12


def test_snapshots_are_camera_images(board: Board) -> None:
    code = START + "i = sensor.snapshot()\nprint(i)\nprint(sensor.get_fb())\nprint(hex(sensor.get_id()))"
    shown = '{"w":320, "h":240, "type"="rgb565", "size":153600}'
    assert board.exec(code).splitlines()[:2] == [shown, shown]


@pytest.mark.parametrize("dual", [False, True])
def test_many_frames(board: Board, dual: bool) -> None:
    code = START.replace("reset()", f"reset(dual_buff={dual})")
    code += "import time\nt = time.ticks_ms()\nfor n in range(20):\n i = sensor.snapshot()\n"
    code += "print(time.ticks_diff(time.ticks_ms(), t))"
    assert int(board.exec(code)) < 4000


# ---- life time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end", ["sensor.deinit()", "sensor.reset()", "sensor.set_framesize(sensor.QQVGA)", "sensor.set_windowing((64, 64))"]
)
def test_a_picture_outlives_the_camera_that_took_it(board: Board, end: str) -> None:
    """The memory may not be handed to anybody else while an Image looks at it."""
    code = (
        START
        + f"""
import gc
i = sensor.snapshot()
i.draw_rectangle(0, 0, 320, 240, (255, 0, 0), fill=True)
{end}
gc.collect()
j = [image.Image().draw_rectangle(0, 0, 320, 240, (0, 0, 255), fill=True) for n in range(4)]
k = [image.Image(size=(100, 100)) for n in range(4)]
for m in k: m.pix_to_ai()
print(i.get_pixel(0, 0), i.get_pixel(319, 239), i)
i.pix_to_ai()
i.draw_circle(160, 120, 50)
"""
    )
    got = board.exec(code).strip()
    assert got == '(255, 0, 0) (255, 0, 0) {"w":320, "h":240, "type"="rgb565", "size":153600}'


def test_capture_can_be_set_up_again_and_again(board: Board) -> None:
    code = (
        START
        + """
for n in range(30):
    sensor.set_framesize(sensor.QQVGA if n & 1 else sensor.QVGA)
    sensor.snapshot()
print(sensor.snapshot())
"""
    )
    assert '"w":160' in board.exec(code)


# ---- errors -----------------------------------------------------------------------------------------


def fails(board: Board, code: str) -> str:
    with pytest.raises(ScriptError) as e:
        board.exec(code)
    assert board.exec("print(6 * 7)") == "42\n"
    return [line for line in str(e.value).splitlines() if line.strip()][-1]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sensor.set_pixformat(sensor.BAYER)", "OSError: Pixel format is not supported!"),
        ("sensor.set_pixformat()", "ValueError: arg err"),
        ("sensor.set_framesize()", "ValueError: arg err"),
        ("sensor.set_framesize(99)", "ValueError: arg err"),
        ("sensor.set_framesize(sensor.UXGA)", "OSError: "),
        ("sensor.set_windowing((1, 2, 3))", "ValueError: The tuple/list must either be (x, y, w, h) or (w, h)"),
        ("sensor.set_windowing((4, 100))", "ValueError: The selected window is too small"),
        ("sensor.set_windowing((300, 200, 64, 64))", "ValueError: The selected window is outside the bounds"),
        ("sensor.set_windowing((100, 100))", "ValueError: value must be multiple of 8"),
        ("sensor.set_gainceiling(3)", "ValueError: Invalid gainceiling"),
        ("sensor.set_framerate(31)", "ValueError: Invalid framerate"),
        ("sensor.set_framerate(30)", "ValueError: Fail"),
        ("sensor.set_auto_gain('x')", "TypeError: "),
        ("sensor.sleep(True)", "OSError: Sleep Failed"),
        ("sensor.run(0)\nsensor.snapshot()", "RuntimeError: Sensor timeout!"),
        ("sensor.binocular_reset()", "OSError: Reset Failed"),
        ("sensor.reset(freq=1)", "ValueError: freq must be"),
        ("sensor.reset(choice=7)", "ValueError: choice must be"),
        ("sensor.reset(choice=2)", "OSError: Reset Failed"),
        ("sensor.set_auto_whitebal(False, rgb_gain_db=(1, 2))", "ValueError: requested length 3"),
    ],
)
def test_errors(board: Board, code: str, error: str) -> None:
    assert fails(board, START + code).startswith(error)


def test_wrong_sizes_do_not_end_the_capture(board: Board) -> None:
    code = (
        START + "try:\n sensor.set_windowing((100, 100))\nexcept ValueError:\n pass\nprint(sensor.snapshot().width())"
    )
    assert board.exec(code) == "320\n"


@pytest.mark.parametrize("call", ["snapshot()", "set_pixformat(2)", "set_framesize(10)", "run(1)", "width()"])
def test_before_reset(board: Board, call: str) -> None:
    assert fails(board, f"import sensor\nsensor.{call}").startswith("TypeError: not found sensor")


@pytest.mark.parametrize("call", ["snapshot()", "run(1)", "skip_frames(3)", "set_windowing((64, 64))"])
def test_before_set_framesize(board: Board, call: str) -> None:
    assert fails(board, f"import sensor\nsensor.reset()\nsensor.{call}").startswith("RuntimeError: Not init!")


def test_controls(board: Board) -> None:
    code = (
        START
        + """
print(sensor.set_contrast(2), sensor.set_contrast(5), sensor.set_brightness(-2), sensor.set_saturation(1))
print(sensor.set_colorbar(0), sensor.set_gainceiling(8), sensor.set_special_effect(sensor.NEGATIVE))
print(sensor.set_auto_gain(0, gain_db=12), round(sensor.get_gain_db()))
print(sensor.set_auto_exposure(False, exposure_us=10000), abs(sensor.get_exposure_us() - 10000) < 100)
print(sensor.set_auto_whitebal(False), sensor.set_hmirror(0), sensor.set_vflip(False), sensor.run(1))
sensor.__write_reg(0xff, 1)
print(hex(sensor.__read_reg(0x0a)), sensor.set_jb_quality(35), sensor.flush())
sensor.skip_frames(3)
sensor.skip_frames(time=100)
sensor.skip_frames(5, time=2000)
"""
    )
    assert board.exec(code).splitlines() == [
        "True False True True",
        "True True True",
        "None 12",
        "None True",
        "None None None True",
        "0x26 None None",
    ]


def sensor_named(name: str) -> pytest.MarkDecorator:
    return pytest.mark.k210(qemu_arguments=("-machine", f"sensor={name}"))


@pytest.mark.parametrize(
    ("name", "ident"),
    [
        pytest.param(name, ident, marks=sensor_named(name))
        for name, ident in (
            ("ov7740", 0x7742),
            ("ov5640", 0x5640),
            ("gc0308", 0x9B),
            ("gc0328", 0x9D),
            ("gc2145", 0x2145),
        )
    ],
)
def test_other_sensors(board: Board, name: str, ident: int) -> None:
    board.show(bars())
    # The GC2145 has no step that fits 320x240: it sends the middle four fifths.
    scene = bars(400, 300).crop((40, 30, 360, 270)) if name == "gc2145" else bars()

    def check(picture: np.ndarray, expected: Image.Image) -> None:
        """A cell's middle may lie on an edge of the scene."""
        difference = np.abs(picture - wanted(expected, 16, 12)).max(axis=2)
        assert (difference > 24).mean() < 0.1

    check(seen(board, nx=16, ny=12), scene)
    assert board.exec("import sensor\nprint(sensor.get_id())") == f"{ident}\n"
    for window, box in (("(224, 224)", (48, 8, 272, 232)), ("(40, 64, 160, 120)", (40, 64, 200, 184))):
        check(seen(board, f"sensor.set_windowing({window})", nx=16, ny=12), scene.crop(box))
        # The AI planes are cut, too.
        code = "i = sensor.snapshot()\ni.clear()\ni.ai_to_pix()\nprint(grid(i, 16, 12))"
        check(np.array(ast.literal_eval(board.exec("import sensor\n" + GRID + code))), scene.crop(box))
    turned = scene.transpose(Image.Transpose.ROTATE_180)
    check(seen(board, "sensor.set_hmirror(1)\nsensor.set_vflip(1)", nx=16, ny=12), turned)
    gray = START.replace("sensor.RGB565", "sensor.GRAYSCALE")
    check(seen(board, start=gray, nx=16, ny=12), scene.convert("L").convert("RGB"))


CONTROLS = """
print(sensor.set_contrast(2), sensor.set_contrast(9), sensor.set_brightness(-2), sensor.set_saturation(1))
print(sensor.set_gainceiling(8), sensor.set_special_effect(1), sensor.set_special_effect(0))
sensor.set_special_effect(7) and print("no such effect")
sensor.set_auto_gain(1, gain_db_ceiling=24)
for db in (0, 6, 12):
    sensor.set_auto_gain(0, gain_db=db)
    print(abs(sensor.get_gain_db() - db) < 0.6)
for us in (1000, 10000):
    sensor.set_auto_exposure(0, exposure_us=us)
    print(abs(sensor.get_exposure_us() - us) < 100)
sensor.set_auto_exposure(1)
sensor.set_auto_whitebal(0, rgb_gain_db=(0x52, 0x40, 0x4d))
print(sensor.get_rgb_gain_db())
sensor.set_auto_whitebal(1)
sensor.set_hmirror(1)
sensor.set_vflip(1)
print(sensor.set_colorbar(0) in (True, False), sensor.snapshot().size())
"""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=sensor_named(name))
        for name in ("ov2640", "ov7740", "ov5640", "gc0308", "gc0328", "gc2145")
    ],
)
def test_controls_of_every_sensor(board: Board, name: str) -> None:
    assert board.exec(START + CONTROLS).splitlines() == [
        "True False True True",
        "True True True",
        *["True"] * 5,
        "(82.0, 64.0, 77.0)",
        "True 153600",
    ]


@sensor_named("ov7740")
def test_sleep(board: Board) -> None:
    """Asleep it sends nothing and does not answer; awake everything is as before."""
    code = """
sensor.snapshot()
sensor.sleep(True)
try:
    sensor.snapshot()
    sensor.snapshot()
except RuntimeError as e:
    print(str(e)[:15])
sensor.sleep(False)
print(sensor.snapshot().size())
"""
    assert board.exec(START + code).splitlines() == ["Sensor timeout!", "153600"]


@pytest.mark.emulator_only
def test_unplugged_in_the_middle_of_a_stream(board: Board) -> None:
    board.exec(START + "sensor.snapshot()\nt = sensor.snapshot().size()")
    board.plug_camera(False)
    code = """
import sensor, time
start = time.ticks_ms()
try:
    while True: # what is stored already may still come
        sensor.snapshot()
except RuntimeError as e:
    print(e)
print(time.ticks_diff(time.ticks_ms(), start) < 1000)
try:
    sensor.set_hmirror(1)
except ValueError as e:
    print(e)
try:
    sensor.reset()
except OSError as e:
    print(str(e)[:12])
"""
    timeout, quick, control, reset = board.exec(code).splitlines()
    assert timeout.startswith("Sensor timeout! ov2640 sent no frame for 300 ms")
    assert quick == "True"
    assert control == "Sensor control failed! ov2640: no answer on the camera bus"
    assert reset == "Reset Failed"
    board.plug_camera(True)
    board.show(bars())
    assert np.abs(seen(board) - wanted(bars())).max() <= 12


@sensor_named("none")
def test_without_a_camera(board: Board) -> None:
    text = fails(board, "import sensor\nsensor.reset()")
    assert text.startswith("OSError: Reset Failed")
    assert "ov2640 at 0x30" in text
    assert fails(board, "import sensor\nsensor.snapshot()").startswith("TypeError: not found sensor")


def test_ctrl_c_ends_a_wait_for_frames(board: Board) -> None:
    """skip_frames without a limit waits in C: it must hear Ctrl-C."""
    chunks: list[bytes] = []
    board.exec(START)
    code = "import sensor\nprint('go')\nsensor.skip_frames(10**9)"
    assert not board.stream(code, chunks.append, timeout=30, until=lambda: b"go" in b"".join(chunks))
    assert board.exec("print(1)") == "1\n"


# ---- the second buffer ------------------------------------------------------------------------------


@pytest.mark.k210(icount=True)
def test_the_next_frame_is_stored_while_the_script_works(board: Board) -> None:
    code = """
import time
sensor.snapshot()
def wait():
    t = time.ticks_ms()
    sensor.snapshot()
    return time.ticks_diff(time.ticks_ms(), t)
time.sleep_ms(70)
soon = wait()
time.sleep_ms(500)
print(soon, wait())
"""
    soon, late = map(int, board.exec(START + code).split())
    assert soon < 20  # it was there
    assert late > 20  # it began after the call


def test_a_change_of_the_sensor_shows_in_the_next_picture(board: Board) -> None:
    code = """
import time
sensor.snapshot()
time.sleep_ms(70)
sensor.set_colorbar(1)
first = grid(sensor.snapshot())
time.sleep_ms(200)
print(first == grid(sensor.snapshot()))
"""
    assert board.exec(START + GRID + code) == "True\n"


def test_the_second_buffer_goes_when_memory_is_short(board: Board) -> None:
    code = """
import k210
def owners():
    return [b[2] for b in k210.pool()]
picture = sensor.snapshot()
before = owners().count("camera spare")
free, largest = k210.pool_free()
rows = largest // 640 + 100
full = image.Image(size=(320, rows))
print(before, owners().count("camera spare") + owners().count("camera"))
print(sensor.snapshot())
sensor.snapshot()
"""
    first, second = board.exec(START + code).splitlines()
    assert first == "2 2"
    assert second == '{"w":320, "h":240, "type"="rgb565", "size":153600}'
