# SPDX-License-Identifier: MIT
"""Memory stays the same over soft resets, each after a program with camera, KPU, LCD, threads and timers.

K210_SOAK_RESETS=1000 for the long run. The same over rounds of a camera program, K210_SOAK_ROUNDS=10000,
and of films recorded and played, K210_SOAK_FILMS=1000.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from k210.board import Board

RESETS = int(os.environ.get("K210_SOAK_RESETS", "6"))
ROUNDS = int(os.environ.get("K210_SOAK_ROUNDS", "96"))
FILMS = int(os.environ.get("K210_SOAK_FILMS", "2"))
MODEL = "models/face_model_at_0x300000.kfpkg"

PROGRAM = """
import sensor, image, lcd, _thread, gc, time
import KPU as kpu
from machine import Timer, UART, I2S
lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)
task = kpu.load(0x300000)
anchors = (1.889, 2.5245, 2.9465, 3.94056, 3.99987, 5.3658, 5.155437, 6.92275, 6.718375, 9.01025)
kpu.init_yolo2(task, 0.5, 0.3, 5, anchors)
u = UART(UART.UART1, 115200, read_buf_len=4096)
i = I2S(0, sck=30, ws=31, sd=32, mode=I2S.RX, bits=16, format=I2S.MONO, rate=8000, ibuf=4000)
t = Timer(Timer.TIMER0, Timer.CHANNEL0, mode=Timer.MODE_PERIODIC, period=1, callback=lambda t: None)
v = Timer(period=1, callback=lambda t: None)
_thread.start_new_thread(lambda: time.sleep(100), ())
img = sensor.snapshot()
found = kpu.run_yolo2(task, img)
lcd.display(img)
keep = [bytearray(50000) for n in range(15)]
print(len(found))
"""
FREE = (
    "import gc, k210\nfrom Maix import utils\ngc.collect()\nprint(gc.mem_free(), utils.heap_free(), k210.pool_free())"
)


@pytest.mark.k210(flash=[MODEL], camera="images/astronaut.png")
def test_memory_is_constant_over_soft_resets(board: Board) -> None:
    seen = []
    for _ in range(RESETS):
        assert board.exec(PROGRAM).splitlines()[-1] == "1"
        board.reset()
        seen.append(board.exec(FREE))
    pools = {line.split(" ", 1)[1] for line in seen}
    heaps = [int(line.split()[0]) for line in seen]
    assert len(pools) == 1, seen
    # The collector also follows what it takes for pointers on the stack, which makes a few blocks.
    assert max(heaps) - min(heaps) <= 1024, seen


CAMERA = """
import sensor, image, lcd, gc
from Maix import utils
lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)
def round(n):
    img = sensor.snapshot()
    img.draw_string(5, 5, "round %d" % n, color=(255, 0, 0), scale=2)
    img.draw_circle(n % 320, 120, 20, fill=True)
    if n % 12 == 0:
        for b in img.find_blobs([(30, 100, 15, 127, 15, 127)], pixels_threshold=200):
            img.draw_rectangle(b.rect())
        img.draw_image(img.resize(80, 60).to_grayscale().to_rgb565(copy=True), 200, 150)
        img.cut(10, 10, 64, 64).pix_to_ai()
        len(img.compressed(quality=40).to_bytes())
    lcd.display(img)
    if n % 16 == 0:
        lcd.display(img, roi=(10, 10, 100, 80), oft=(5, 7))
        sensor.set_hmirror(n & 16 != 0)
for batch in range(BATCHES):
    for n in range(batch * ROUNDS // BATCHES, (batch + 1) * ROUNDS // BATCHES):
        round(n)
    gc.collect()
    print(gc.mem_free() + gc.mem_alloc(), utils.heap_free(), gc.mem_free())
"""

# A film of three pictures with sound goes to the card and is played from there.
FILM = """
import sensor, lcd, gc, time, video
from Maix import utils
lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QQVGA)
sensor.set_windowing((64, 48))
sensor.run(1)
def round(n):
    v = video.open("/sd/soak.avi", record=True, interval=20000, quality=30, audio=n % 2 == 0, sample_rate=8000)
    for i in range(3):
        v.record(sensor.snapshot().draw_string(5, 5, str(n)))
    v.record_finish()
    v = video.open("/sd/soak.avi")
    shown = 0
    while True:
        status = v.play()
        if status == 0:
            break
        shown += status == 3
        time.sleep_us(500)
    v.__del__()
    if shown != 3:
        print("round", n, "shows", shown)
""" + CAMERA[CAMERA.index("for batch") :]


def free_memory(board: Board, code: str, rounds: int) -> list[tuple[int, ...]]:
    """What the code prints of memory, more lines for a long run; `pytest -s` shows them as they come."""
    batches = 8 if rounds < 1000 else 20
    text = b""

    def output(data: bytes) -> None:
        nonlocal text
        text += data
        print(data.decode(), end="", flush=True)

    board.stream(f"ROUNDS, BATCHES = {rounds}, {batches}\n{code}", output, timeout=300 + 3 * rounds)
    seen = [tuple(map(int, line.split())) for line in text.decode().splitlines()]
    assert len(seen) == batches
    return seen


def assert_constant(seen: list[tuple[int, ...]]) -> None:
    # The collector may hold a picture for a while that a stale pointer shows to, so the best of several counts.
    middle = len(seen) // 2
    for i in (1, 2):
        first, last = max(s[i] for s in seen[1:middle]), max(s[i] for s in seen[middle:])
        assert last >= first - 512, seen


@pytest.mark.timeout(360 + 3 * ROUNDS)
@pytest.mark.k210(camera="images/astronaut.png", icount=True)  # no frame is made that nobody takes
def test_memory_is_constant_over_rounds_of_camera_and_display(board: Board) -> None:
    assert_constant(free_memory(board, CAMERA, ROUNDS))


@pytest.mark.timeout(360 + 3 * FILMS)
def test_memory_is_constant_over_films(
    board_with: Callable[..., Board], data: Callable[[str], Path], tmp_path: Path
) -> None:
    board = board_with(camera=data("images/astronaut.png"), sdcard=tmp_path, icount=True)
    assert_constant(free_memory(board, FILM, FILMS))
