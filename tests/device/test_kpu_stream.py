# SPDX-License-Identifier: MIT
"""Models whose weights are read while they run, and models as large as the memory allows."""

from __future__ import annotations

import ast
import json
import sys
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from kpu_board import ANCHORS, MODEL_AT, built_file, planes_file, run

from k210.board import Board
from k210.model.load import parse
from k210.model.simulate import outputs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from big_model import big_v3, big_v4, picture

pytestmark = [pytest.mark.timeout(300)]

SMALL_BIG = 1500000
REAL_TIME_BIG = 4718592  # 4.5 MiB
BIG_AT = 0x140000  # behind the largest firmware
FLASH_BIG = 0xD00000 - BIG_AT  # up to /flash
FACE = [f"models/detect.kmodel@0x{MODEL_AT:x}", *planes_file("images/astronaut_320x240.ppm")]


def big(version: int, size: int) -> bytes:
    return big_v3(size) if version == 3 else big_v4(size)


@cache
def big_crc(version: int, size: int) -> int:
    """CRC of the model's result for picture(), by the simulator."""
    (result,) = outputs(parse(big(version, size)), [np.frombuffer(picture(), np.uint8)])
    values = result.astype(np.uint8)
    assert len(np.unique(values)) > 30
    return zlib.crc32(values.tobytes())


def flash(version: int, size: int) -> list[str]:
    path = built_file(f"big_v{version}_{size}.kmodel", big(version, size))
    planes = built_file("noise.rgb", picture())
    return [f"{path}@0x{BIG_AT:x}", f"{planes}@0x{0xD80000:x}"]


NOISE = "noise = k210.flash_read(0xd80000, 230400)\n"


@pytest.mark.k210(flash=FACE)
def test_streamed_layer_by_layer(board: Board, data) -> None:
    cases = json.loads(data("expected/expected.json").read_text())["cases"]
    want = next(c for c in cases if c["name"] == "detect_astronaut")["layers_crc32"]
    out = run(
        board,
        f"""
for net in (kpu.load({MODEL_AT}, stream=True), kpu.load_flash({MODEL_AT}, 0, 0x4000, 80000000)):
    kpu.forward(net, planes())
    print(net.mode(), [binascii.crc32(net.layer_output(i)) for i in range(23)])
    print(net)
    kpu.netinfo(net)
    net.deinit()
    print(net.mode())
""",
    )
    for half in (out.split("closed")[0], out.split("closed")[1]):
        lines = [line for line in half.splitlines() if line]
        crcs = next(line for line in lines if line.startswith("streamed "))
        assert [f"{crc:08x}" for crc in ast.literal_eval(crcs.partition(" ")[2])] == want
        assert any(line.endswith('"mode": "streamed"}') for line in lines)
        assert sum(line.endswith(", streamed") for line in lines) == 8
    assert "SPI freq 67166666 Hz" in out


@pytest.mark.k210(flash=FACE)
def test_streamed_detection_equals_real_time(board: Board) -> None:
    """From flash, a file, and bytes; five models at once take turns."""
    out = run(
        board,
        f"""
import image, os
m = model()
with open('/flash/m.kmodel', 'wb') as f:
    f.write(m)
img = image.Image(size=(320, 240))
img.pix_to_ai()
nets = [kpu.load({MODEL_AT}), kpu.load({MODEL_AT}, stream=True), kpu.load('/flash/m.kmodel', stream=True),
        kpu.load(m, stream=True, buffer=20000), kpu.load(m, stream=False)]
print([net.mode() for net in nets])
p = planes()
for round in range(3):
    print([binascii.crc32(kpu.forward(net, p)) for net in nets])
del m
gc.collect()
print(binascii.crc32(kpu.forward(nets[3], p)))
kpu.init_yolo2(nets[2], 0.5, 0.3, 5, {ANCHORS})
print(kpu.run_yolo2(nets[2], img))
for net in nets:
    kpu.deinit(net)
os.remove('/flash/m.kmodel')
""",
    ).splitlines()
    assert out[0] == str(["real-time", "streamed", "streamed", "streamed", "real-time"])
    crcs = [ast.literal_eval(line) for line in out[1:4]]
    assert crcs[0] == crcs[1] == crcs[2] and len(set(crcs[0])) == 1
    assert int(out[4]) == crcs[0][0]
    assert out[5] == "None"


MODELS = [
    "detect", "mnist", "iris_v3", "yolo", "slim-320_v4", "iris_v4", "yolo_v4", "yolox_nano_224_v5",
    "synth_v5/n_a", "synth_v5/n_b", "synth_v5/n_c", "synth_v5/n_d", "synth_v5/n_e",
]  # fmt: skip
STEP = 0x170000  # more than the largest of the first eight has
PLACES = {name: BIG_AT + i * STEP if i < 8 else 0xCC0000 + (i - 8) * 0x8000 for i, name in enumerate(MODELS)}


@pytest.mark.k210(flash=[f"models/{name}.kmodel@0x{at:x}" for name, at in PLACES.items()])
def test_every_model_in_both_modes(board: Board) -> None:
    """test_kpu.py compares the first mode with the oracles; the second one gives the same bits."""
    out = run(
        board,
        f"""
from array import array
import random
for name, at in {list(PLACES.items())}:
    crcs = []
    for stream in (False, True):
        with kpu.load(at, stream=stream) as net:
            kind, shape, size = net.inputs()[0]
            random.seed(7)
            words = array('I', [random.getrandbits(30) for i in range(997)])
            block = bytes(words) if kind == 'B' else bytes(array('f', [w / (1 << 30) for w in words]))
            data = (block * (size // len(block) + 1))[:size]
            kpu.forward(net, data)
            n = len(net.outputs())
            crcs.append([binascii.crc32(kpu.get_output(net, i)) for i in range(n)])
            mode = net.mode()
            various = len(set(kpu.get_output(net, 0)[:2000])) > 2
    print(name, mode, crcs[0] == crcs[1], various)
    gc.collect()
""",
        timeout=280,
    ).splitlines()
    small = ("iris", "synth_v5/n_a", "synth_v5/n_b", "synth_v5/n_c", "synth_v5/n_e")
    for line, name in zip(out, MODELS, strict=True):
        mode = "real-time" if name.startswith(small) else "streamed"
        assert line == f"{name} {mode} True True"


@pytest.mark.k210(flash=flash(4, SMALL_BIG))
def test_v4_streamed(board: Board) -> None:
    crc = big_crc(4, SMALL_BIG)
    out = run(
        board,
        NOISE
        + f"""
for stream in (True, False):
    with kpu.load({BIG_AT}, stream=stream) as net:
        print(net.mode(), [binascii.crc32(kpu.forward(net, noise)) for i in range(2)])
""",
    )
    assert out.splitlines() == [f"streamed [{crc}, {crc}]", f"real-time [{crc}, {crc}]"]


@pytest.mark.k210(flash=flash(3, FLASH_BIG))
def test_model_larger_than_memory(board: Board) -> None:
    """12 MiB: chosen automatically, some of it stays in memory; forced into memory it says what is missing."""
    crc = big_crc(3, FLASH_BIG)
    out = run(
        board,
        NOISE
        + f"""
free = kpu.memory()['free']
with kpu.load({BIG_AT}) as net:
    print(net.mode(), net.memory())
    print([binascii.crc32(kpu.forward(net, noise)) for i in range(2)])
with kpu.load({BIG_AT}, stream=True) as net:
    print(net.memory())
    print(binascii.crc32(kpu.forward(net, noise)))
print(free - kpu.memory()['free'])
print(error(kpu.load, {BIG_AT}, False))
try:
    kpu.load({BIG_AT}, stream=False)
except MemoryError as e:
    print(e)
""",
    ).splitlines()
    mode, _, text = out[0].partition(" ")
    assert mode == "streamed"
    some, nothing = ast.literal_eval(text), ast.literal_eval(out[2])
    assert some["file"] == FLASH_BIG and some["model"] > 1000000 > nothing["model"]
    assert nothing["streamed"] > some["streamed"]
    assert out[1] == str([crc, crc]) and out[3] == str(crc)
    assert out[4] == "0"
    assert str(FLASH_BIG) in out[6] and "are missing" in out[6]
    wanted, largest, missing = (int(w) for w in out[6].replace(",", " ").split() if w.isdigit())
    assert missing == wanted - largest


CAMERA = """
import sensor, lcd, image
lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)
sensor.skip_frames(2)
"""


@pytest.mark.parametrize("first", ["camera", "model"])
@pytest.mark.k210(flash=flash(3, REAL_TIME_BIG))
def test_real_time_with_camera_and_display(board: Board, first: str) -> None:
    """4.5 MiB of model in memory, and pictures from the camera through the model to the display."""
    crc = big_crc(3, REAL_TIME_BIG)
    load = f"net = kpu.load({BIG_AT}, stream=False)\n"
    out = run(
        board,
        NOISE
        + (CAMERA + load if first == "camera" else load + CAMERA)
        + """
print(net.mode(), net.memory())
for i in range(3):
    img = sensor.snapshot()
    fmap = kpu.forward(net, img)
    lcd.display(img)
print(len(set(fmap)) > 20, fmap.w(), fmap.h(), fmap.ch())
print(binascii.crc32(kpu.forward(net, noise)))
print(kpu.memory())
""",
    ).splitlines()
    mode, _, text = out[-4].partition(" ")
    assert mode == "real-time" and ast.literal_eval(text)["model"] == REAL_TIME_BIG
    assert out[-3] == "True 10 7 16"
    assert out[-2] == str(crc)
    memory = ast.literal_eval(out[-1])
    assert memory["models"] >= REAL_TIME_BIG
    assert memory["free"] >= 0 and memory["total"] + memory["firmware"] == memory["sram"]
    assert memory["models"] + memory["images"] + memory["heap"] + memory["free"] == memory["total"]
    assert memory["kpu_models"] + memory["kpu_images"] + memory["kpu_free"] == memory["kpu_ram"] == 2 << 20


@pytest.mark.k210(flash=FACE)
def test_frame_buffers_in_kpu_ram(board: Board) -> None:
    """With general memory full, camera and display use what the model leaves of KPU RAM; the KPU waits for them."""
    out = run(
        board,
        f"""
import image
net = kpu.load({MODEL_AT})
want = binascii.crc32(kpu.forward(net, planes()))
junk = []
while kpu.memory()['largest'] > 70000:
    junk.append(image.Image(size=(320, min(240, kpu.memory()['largest'] // 700))))
{CAMERA}
m = kpu.memory()
print(m['kpu_images'], m['kpu_models'], m['kpu_free'])
for i in range(4):
    img = sensor.snapshot()
    kpu.forward(net, img)
    lcd.display(img)
print(binascii.crc32(kpu.forward(net, planes())) == want)
print(img.width(), img.get_pixel(5, 5))
""",
    ).splitlines()
    lent, model, free = map(int, out[-3].split())
    assert lent > 300000 and model == 983040 and lent + model + free == 2 << 20
    assert out[-2] == "True"


@pytest.mark.k210(flash=FACE)
def test_kpu_ram_is_taken_by_frame_buffers(board: Board) -> None:
    """A model that needs KPU RAM where frame buffers are says how much is missing."""
    out = run(
        board,
        f"""
import image
frames = [image.Image(size=(200, 200)) for i in range(12)]
junk = []
while kpu.memory()['largest'] > 100000:
    junk.append(image.Image(size=(320, min(240, kpu.memory()['largest'] // 700))))
for img in frames:
    if kpu.memory()['kpu_free'] > 900000:
        img.pix_to_ai()
junk.clear()
gc.collect()
print(error(kpu.load, {MODEL_AT}))
del img
frames.clear()
gc.collect()
net = kpu.load({MODEL_AT})
print(len(kpu.forward(net, planes())))
print(kpu.memory()['kpu_models'])
net.deinit()
print(kpu.memory()['kpu_models'])
""",
    ).splitlines()
    assert "MemoryError" in out[0] and "KPU RAM" in out[0] and "bytes are missing" in out[0]
    assert out[1:] == ["9000", "983040", "0"]


@pytest.mark.k210(flash=FACE)
def test_flash_is_shared_with_files(board: Board) -> None:
    """Files on the same flash chip are read and written between, and the model stays right."""
    out = run(
        board,
        f"""
import os
net = kpu.load({MODEL_AT}, stream=True)
p = planes()
want = binascii.crc32(kpu.forward(net, p))
for i in range(4):
    with open('/flash/x', 'wb') as f:
        f.write(bytes(range(256)) * 20)
    ok = binascii.crc32(kpu.forward(net, p)) == want
    with open('/flash/x', 'rb') as f:
        print(ok, f.read() == bytes(range(256)) * 20)
os.remove('/flash/x')
""",
    )
    assert out.splitlines() == ["True True"] * 4


@pytest.mark.k210(flash=FACE)
def test_file_that_ends_too_early(board: Board) -> None:
    out = run(
        board,
        f"""
import os
with open('/flash/m.kmodel', 'wb') as f:
    f.write(model())
net = kpu.load('/flash/m.kmodel', stream=True)
want = binascii.crc32(kpu.forward(net, planes()))
print(want == binascii.crc32(kpu.forward(net, planes())))
print(error(kpu.load, '/flash/m.kmodel', 1))
net.deinit()
print(error(kpu.forward, net, planes()))
os.remove('/flash/m.kmodel')
for x in (0, 1000, 5 << 20, -1):
    try:
        kpu.load({MODEL_AT}, buffer=x)
    except ValueError as e:
        print(e)
print(error(kpu.load_flash, {MODEL_AT}, 1, 0xC000, 90000000))
print(error(kpu.load_flash, {MODEL_AT}, 1, 10, 60000000))
""",
    ).splitlines()
    assert out[0] == "True"
    assert "TypeError" in out[1]
    assert "deinitialised" in out[2]
    assert all("must be 1024 to 4194304" in line for line in out[3:7])
    assert "spi_speed 90000000" in out[7] and "10 bytes per read" in out[8]
