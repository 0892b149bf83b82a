# SPDX-License-Identifier: MIT
"""The KPU module on a board: good models layer by layer, memory, files."""

import ast
import base64
import json
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from kpu_board import (
    ANCHORS,
    EMPTY_AT,
    EXPECTED_AT,
    FLASH,
    MODEL_AT,
    PICTURE,
    PICTURE_AT,
    built_file,
    last,
    planes_file,
    run,
)

from k210 import paths
from k210.board import Board
from k210.pytest_plugin import TestData

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from v3_builder import Conv, Model

pytestmark = [pytest.mark.timeout(300), pytest.mark.k210(flash=FLASH)]


@pytest.fixture
def expected(data: TestData) -> dict:
    cases = json.loads(data("expected/expected.json").read_text())["cases"]
    return next(c for c in cases if c["name"] == "detect_astronaut")


# ---- good models -----------------------------------------------------------------------------


def test_every_layer_is_bit_exact(board: Board, expected: dict) -> None:
    out = run(
        board,
        f"""
net = kpu.load({MODEL_AT})
kpu.forward(net, planes())
print([binascii.crc32(net.layer_output(i)) for i in range(23)])
net.deinit()
""",
    )
    assert [f"{crc:08x}" for crc in ast.literal_eval(last(out))] == expected["layers_crc32"]


def test_last_convolution_and_output(board: Board, data: TestData, expected: dict) -> None:
    out = run(
        board,
        f"""
net = kpu.load({MODEL_AT})
fmap = kpu.forward(net, planes())
print(fmap.size(), len(fmap), fmap.typecode(), binascii.crc32(net.layer_output(22)))
print(worst(fmap))
""",
    ).splitlines()
    lastconv = np.load(data("expected/detect_astronaut.lastconv_u8.npy"))
    assert out[0] == f"36000 9000 f {zlib.crc32(lastconv.tobytes())}"
    assert float(out[1]) <= expected["float_tolerance"]


def test_face_is_found_in_an_image(board: Board, expected: dict) -> None:
    """A picture file fills the AI buffer exactly; pix_to_ai() makes it again from the RGB565 pixels."""
    out = run(
        board,
        f"""
import image, os
with open('/flash/a.ppm', 'wb') as f:
    f.write(k210.flash_read({PICTURE_AT}, 230415))
img = image.Image('/flash/a.ppm')
os.remove('/flash/a.ppm')
net = kpu.load({MODEL_AT})
print(kpu.init_yolo2(net, 0.5, 0.3, 5, {ANCHORS}))
for i in kpu.run_yolo2(net, img):
    print(i)
    print(i.rect(), i.x(), i.y(), i.w(), i.h(), i.classid(), i.index(), i.objnum(), round(i.value(), 6))
img.pix_to_ai()
print(kpu.run_yolo2(net, img))
print(kpu.deinit(net))
""",
    ).splitlines()
    assert out[0] == "True" and out[4] == "True" and len(out) == 5
    found = json.loads(out[1])
    want = expected["boxes"][0]
    assert list(found) == ["x", "y", "w", "h", "value", "classid", "index", "objnum"]
    rect = (want["x1"], want["y1"], want["x2"] - want["x1"], want["y2"] - want["y1"])
    assert (found["x"], found["y"], found["w"], found["h"]) == rect
    assert round(found["value"], 4) == want["prob"]
    assert len(out[1].split('"value":')[1].split(",")[0].split(".")[1]) == 6
    assert out[2] == f"{rect} {rect[0]} {rect[1]} {rect[2]} {rect[3]} 0 0 1 {found['value']}"
    (again,) = json.loads(out[3])
    assert abs(again["x"] - rect[0]) <= 2 and abs(again["y"] - rect[1]) <= 2
    assert abs(again["value"] - want["prob"]) < 0.03


def test_nothing_found_is_none(board: Board) -> None:
    out = run(
        board,
        f"""
import image
img = image.Image(size=(320, 240))
img.pix_to_ai()
with kpu.load({MODEL_AT}) as net:
    kpu.init_yolo2(net, 0.5, 0.3, 5, {ANCHORS})
    print(kpu.run_yolo2(net, img))
print(error(kpu.run_yolo2, net, img))
""",
    ).splitlines()
    assert out[0] == "None"
    assert out[1].startswith("ValueError: ") and "deinit" in out[1]


def test_mnist_on_the_chip_uses_every_kind_of_layer(board: Board) -> None:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 13:15] = 255
    out = run(
        board,
        f"""
net = kpu.load(0x700000)
fmap = kpu.forward(net, bytes.fromhex('{picture.tobytes().hex()}'))
p = fmap[:]
print(type(p).__name__, len(p), max(range(10), key=lambda i: p[i]), abs(sum(p) - 1) < 1e-5, fmap[1] == p[1], fmap)
""",
    )
    fields = out.split()
    assert fields[:5] == ["tuple", "10", "1", "True", "True"]
    assert out.count('"size"=40, "index": 10, "w": 10, "h": 1, "ch": 1, "typecode": f}') == 1


def test_small_models_on_the_chip_equal_numpy(board: Board) -> None:
    """All map layouts, all pools that shrink, 8-bit and 16-bit weights, on the real layer path."""
    rng = np.random.default_rng(3)
    identity = [(-(1 << 35), 0, 0, 0), (0, 1, 0, 0)]
    for w in (4, 17, 40, 64, 70):
        h, c = 8, 3
        a = rng.integers(0, 256, (c, h, w), np.uint8)
        kernel = np.zeros((c, 3, 3), np.uint8)
        kernel[:, 0, 1] = 1
        layer = Conv(w, h, c, c, kernel, [(1, 0, 0)] * c, identity, src=0, dst=500, main=0, k=3, depthwise=True, pad=9)
        data = Model(w * h * c, [(0, w * h * c * 4)]).conv(layer).build()
        out = run(
            board,
            f"""
net = kpu.load(bytes.fromhex('{data.hex()}'))
fmap = kpu.forward(net, bytes.fromhex('{a.tobytes().hex()}'))
print(fmap.typecode(), fmap.w(), fmap.h(), fmap.ch())
print(binascii.hexlify(fmap).decode())
print(kpu.fmap(fmap, 1).width())
net.deinit()
print(len(fmap[:]))
""",
        ).splitlines()
        want = np.concatenate([np.full((c, 1, w), 9, np.uint8), a[:, :-1]], 1)
        assert out[0] == f"B {w} {h} {c}"
        assert bytes.fromhex(out[1]) == want.tobytes(), w
        assert out[2:] == [str(w), str(w * h * c)]


def random_layer(seed: int) -> tuple[bytes, bytes]:
    """A model of one KPU layer with everything in it random, and an input."""
    rng = np.random.default_rng(seed)
    pool = seed % 10
    depthwise = bool(seed % 3 == 0)
    k = int(rng.choice([1, 3]))
    w, h = (int(n) for n in rng.integers(4, 40, 2) * (2 if seed % 4 == 1 else 1))
    ic = int(rng.integers(1, 9))
    oc = ic if depthwise else int(rng.integers(1, 12))
    bits = 16 if seed % 5 == 2 else 8
    weights = rng.integers(0, 1 << bits, (oc, 1 if depthwise else ic, k, k)).astype(
        np.uint8 if bits == 8 else np.uint16
    )
    # Scaled so that b spreads over about +-2^20 and the result over all of a byte.
    spread = np.sqrt(k * k * (1 if depthwise else ic)) * 74 * (1 << bits) * 0.29
    scale = (1 << 34) / spread
    bn = [
        (min(int(scale * f), (1 << 23) - 1), int(rng.integers(-(1 << 18), 1 << 18)), 15)
        for f in rng.uniform(0.5, 2, oc)
    ]
    act = [(-(1 << 35), 0, 0, 3)]
    for i, start in enumerate(sorted(int(n) for n in rng.integers(-(1 << 20), 1 << 20, 7))):
        shift = int(rng.integers(16, 27))
        act.append((start, int(2.0**shift / 10000 * rng.uniform(0.5, 2)), shift, 20 + 30 * i))
    zero = 1 << (bits - 1)
    layer = Conv(
        w, h, ic, oc, weights, bn, act, src=0, dst=4000, main=0, k=k, pool=pool, depthwise=depthwise,
        pad=int(rng.integers(0, 256)), arg_x=-zero, arg_w=-100, arg_add=zero * 100 * k * k,
        per_load=oc if depthwise else int(rng.integers(1, oc + 1)),
    )  # fmt: skip
    size = layer.size
    model = Model(-(-size // 8) * 8, [(0, size * 4)], flags=bits == 8).conv(layer)
    return model.build(), rng.integers(0, 256, w * h * ic, np.uint8).tobytes()


RANDOM_SEEDS = range(30)
RANDOM_STEP = 0x10000


def random_flash() -> list[str]:
    """All random models at a fixed distance, and half of it behind each its input."""
    blob = bytearray(len(RANDOM_SEEDS) * RANDOM_STEP)
    for i, seed in enumerate(RANDOM_SEEDS):
        for off, part in zip((0, RANDOM_STEP // 2), random_layer(seed), strict=True):
            assert len(part) <= RANDOM_STEP // 2
            blob[i * RANDOM_STEP + off : i * RANDOM_STEP + off + len(part)] = part
    return [f"{built_file('random_layers.rgb', bytes(blob))}@0x{MODEL_AT:x}"]


@pytest.mark.k210(flash=random_flash())
def test_random_layers_equal_the_plain_model(board: Board) -> None:
    """All pools, 1x1 and 3x3, depthwise, 8 and 16 bits, several loads: against the slow KPU of the host tests."""
    from kpu_core import Net

    want = []
    sizes = []
    for seed in RANDOM_SEEDS:
        model, source = random_layer(seed)
        with Net(model) as net:
            net.set_input(source)
            net.run()
            result = net.output()
            want.append((zlib.crc32(result.tobytes()), len(set(result.tolist()))))
            sizes.append(len(source))
    assert sum(values > 10 for _, values in want) > 20  # not all black or white
    out = run(
        board,
        f"""
for i, size in enumerate({sizes}):
    at = {MODEL_AT} + i * {RANDOM_STEP}
    with kpu.load(at) as net:
        fmap = kpu.forward(net, k210.flash_read(at + {RANDOM_STEP // 2}, size))
        print((binascii.crc32(fmap), len(set(fmap))))
""",
    )
    assert [ast.literal_eval(line) for line in out.splitlines()] == want


# ---- kmodel v4 -------------------------------------------------------------------------------

V4_FLASH = [
    f"models/yolo_v4.kmodel@0x{MODEL_AT:x}",
    f"expected/yolo_v4_dog.out0.npy@0x{EXPECTED_AT:x}",
    *planes_file("images/dog_320x240.ppm"),
]
SLIM_FLASH = [
    f"models/slim-320_v4.kmodel@0x{MODEL_AT:x}",
    f"expected/slim_astronaut.out0.npy@0x{EXPECTED_AT:x}",
    f"expected/slim_astronaut.out1.npy@0x{EXPECTED_AT + 0x20000:x}",
    *planes_file(PICTURE),
]


def expected_case(data: TestData, name: str) -> dict:
    cases = json.loads(data("expected/expected.json").read_text())["cases"]
    return next(c for c in cases if c["name"] == name)


@pytest.mark.k210(flash=V4_FLASH)
def test_v4_every_layer_is_bit_exact(board: Board, data: TestData) -> None:
    want = expected_case(data, "yolo_v4_dog")
    out = run(
        board,
        f"""
net = kpu.load({MODEL_AT})
fmap = kpu.forward(net, planes())
print(fmap.w(), fmap.h(), fmap.ch(), fmap.typecode(), fmap.size())
print(worst(fmap))
print([binascii.crc32(net.layer_output(i)) for i in range(16)])
print(kpu.set_outputs(net, 0, 7, 10, 124), kpu.set_outputs(net, 1, 1, 1, 1), kpu.set_outputs(net, 0, 10, 7, 125))
""",
        timeout=240,
    ).splitlines()
    assert out[0] == "10 7 125 f 35000"
    assert float(out[1]) <= want["float_tolerance"]
    assert [f"{crc:08x}" for crc in ast.literal_eval(out[2])] == want["layers_crc32"]
    assert "w,c,ch size not match output size" in out[3] and "output idx 1 out of range" in out[4]
    assert out[5] == "False False True"


@pytest.mark.k210(flash=SLIM_FLASH)
def test_v4_with_many_cpu_layers(board: Board, data: TestData) -> None:
    want = expected_case(data, "slim_astronaut")
    out = run(
        board,
        f"""
net = kpu.load({MODEL_AT})
kpu.forward(net, planes())
print([worst(kpu.get_output(net, i), {EXPECTED_AT} + i * 0x20000) for i in range(2)])
""",
        timeout=240,
    )
    assert max(ast.literal_eval(out)) <= want["float_tolerance"]


def test_v4_floats(board: Board, data: TestData) -> None:
    model = data("models/iris_v4.kmodel").read_bytes()
    out = run(board, f"net = kpu.load({model!r})\nprint(list(kpu.forward(net, [5.1, 3.5, 1.4, 0.2])))")
    want = np.load(data("expected/iris_v4.out0.npy")).ravel()
    assert np.allclose(ast.literal_eval(out), want, atol=1e-5)


# ---- kmodel v5 -------------------------------------------------------------------------------

V5_FLASH = [f"models/yolox_nano_224_v5.kmodel@0x{MODEL_AT:x}", *planes_file("images/dog_320x240.ppm")]


SYNTH = ["n_a", "n_b", "n_c", "n_d", "n_e"]


# Each model with its input and output behind it.
SYNTH_FLASH = [
    f"models/synth_v5/{name}{what}@0x{MODEL_AT + i * 0x80000 + off:x}"
    for i, name in enumerate(SYNTH)
    for what, off in ((".kmodel", 0), ("_in.npy", 0x20000), ("_out.npy", 0x60000))
]


@pytest.mark.k210(flash=SYNTH_FLASH)
@pytest.mark.parametrize("name", SYNTH)
def test_v5_equals_the_compilers_simulator(board: Board, data: TestData, name: str) -> None:
    at = MODEL_AT + SYNTH.index(name) * 0x80000
    size = np.load(data(f"models/synth_v5/{name}_in.npy")).size * 4
    shape = np.load(data(f"models/synth_v5/{name}_out.npy")).shape
    out = run(
        board,
        f"""
net = kpu.load({at})
fmap = kpu.forward(net, k210.flash_read({at + 0x20000 + 128}, {size}))
print(fmap.w(), fmap.h(), fmap.ch(), fmap.typecode())
print(worst(fmap, {at + 0x60000}))
""",
    ).splitlines()
    assert out[0] == f"{shape[-1]} {shape[-2]} {shape[-3]} f"
    assert float(out[1]) <= 1e-4


@pytest.mark.k210(flash=V5_FLASH)
def test_v5_yolox_is_the_same_as_on_the_host(board: Board, data: TestData) -> None:
    """The host runs the same core on a software KPU: every convolution must be equal."""
    from kpu_core import Net

    with Net(data("models/yolox_nano_224_v5.kmodel").read_bytes()) as net:
        net.set_input((paths.BUILD / "tests" / "kpu" / "dog_320x240.rgb").read_bytes()[:150528])
        crcs = []
        for i, node in enumerate(net.nodes):
            net.run(i + 1, go_on=i > 0)
            if node.is_conv:
                crcs.append((i, zlib.crc32(net.result(node.result_size))))
        want = net.output().copy()
    out = run(
        board,
        f"""
net = kpu.load({MODEL_AT})
fmap = kpu.forward(net, planes()[:150528])
print(fmap.w(), fmap.h(), fmap.ch(), fmap.size())
print(binascii.b2a_base64(bytes(fmap)[:17000]).decode().strip())
print([binascii.crc32(net.layer_output(i)) for i in {[i for i, _ in crcs]}])
""",
        timeout=240,
    ).splitlines()
    assert out[0] == f"85 1029 1 {want.nbytes}"
    floats = np.frombuffer(base64.b64decode(out[1]), np.float32)
    assert ast.literal_eval(out[2]) == [crc for _, crc in crcs]
    assert np.abs(floats - want[: floats.size]).max() <= 1e-3


# ---- life time and memory --------------------------------------------------------------------


def test_load_and_deinit_leak_nothing(board: Board) -> None:
    out = run(
        board,
        f"""
gc.collect()
before = kpu.memory()['free']
for i in range(100):
    net = kpu.load({MODEL_AT})
    kpu.deinit(net)
    kpu.deinit(net)
print(before - kpu.memory()['free'])
for i in range(20):
    error(kpu.load, spoiled(12, 99, 3000))
    error(kpu.load, {EMPTY_AT})
gc.collect()
print(before - kpu.memory()['free'])
""",
    ).split()
    assert out == ["0", "0"]


def test_lost_models_are_freed_by_the_collector(board: Board) -> None:
    out = run(
        board,
        f"""
gc.collect()
before = kpu.memory()['free']
for i in range(60):
    net = kpu.load({MODEL_AT})
del net
gc.collect()
print(before - kpu.memory()['free'])
""",
    )
    assert out == "0\n"  # and no noise from the finalisers


def test_out_of_memory_names_numbers(board: Board) -> None:
    out = run(
        board,
        f"""
nets = []
def fill():
    while True:
        nets.append(kpu.load({MODEL_AT}, stream=False))
print(error(fill))
print(len(nets) >= 5)
while nets:
    nets.pop().deinit()
kpu.load({MODEL_AT}).deinit()
print('alive')
""",
    ).splitlines()
    assert out[0].startswith("MemoryError: [MAIXPY]kpu: load error:2006, ERR_NO_MEM: memory not enough: ")
    wanted, largest, missing = map(int, re.findall(r"\d+", out[0].partition("not enough")[2]))
    assert wanted in (388776, 45000, 9008, 23 * 304) or wanted < 50000
    assert missing == wanted - largest > 0
    assert out[1:] == ["True", "alive"]


def test_model_from_file_and_repr(board: Board) -> None:
    out = run(
        board,
        f"""
m = model()
with open('/flash/face.kmodel', 'wb') as f:
    f.write(m)
net = kpu.load('/flash/face.kmodel')
print(net)
kpu.init_yolo2(net, 0.5, 0.25, 1, (1.5, 2.25))
print(net)
print(net.net_arg().anchor(), net.model_addr(), net.model_size(), net.model_path())
print(repr(kpu.load({MODEL_AT})))
with open('/flash/face.kmodel', 'wb') as f:
    f.write(m[:200000])
print(error(kpu.load, '/flash/face.kmodel'))
import os
os.remove('/flash/face.kmodel')
print(error(kpu.load, '/flash/face.kmodel'))
print(error(kpu.load, '/flash/face.smodel'))
print(error(kpu.load, '/flash/face.txt'))
""",
    ).splitlines()
    path = '"model_path": "/flash/face.kmodel"'
    assert out[0] == f'{{"model_addr": 0, "model_size": 388776, {path}, "net_args": "(null)", "mode": "real-time"}}'
    args = '{"threshold":0.500000, "nms_value":0.250000, "anchor_number":1, "anchor":"(1.500000, 2.250000)"}'
    assert out[1] == f'{{"model_addr": 0, "model_size": 388776, {path}, "net_args": {args}, "mode": "real-time"}}'
    assert out[2] == "(1.5, 2.25) None 388776 /flash/face.kmodel"
    args = '"net_args": "(null)", "mode": "real-time"'
    assert out[3] == f'{{"model_addr": 3145728, "model_size": 388776, "model_path": "(null)", {args}}}'
    assert "load error:2003, ERR_KMODEL_FORMAT: " in out[4] and "200000 bytes" in out[4]
    assert "load error:2005, ERR_READ_FILE: read file failed: " in out[5] and "/flash/face.kmodel" in out[5]
    assert "load error:2004" in out[6]
    assert out[7] == "ValueError: [MAIXPY]kpu: model format don't match, only supply .kmodel "
