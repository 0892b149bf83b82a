# SPDX-License-Identifier: MIT
"""The KPU module on a board: good models layer by layer, and everything that can be wrong."""

import ast
import base64
import json
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from k210 import paths
from k210.board import Board
from k210.pytest_plugin import TestData

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from v3_builder import Conv, Model, f32, u32

MODEL_AT = 0x300000
PICTURE_AT = 0x600000
PLANES_AT = 0x680000
EMPTY_AT = 0x900000
EXPECTED_AT = 0xA00000  # .npy files: 128 bytes of header, then the numbers
PICTURE = "images/astronaut_320x240.ppm"


def built_file(name: str, content: bytes) -> Path:
    """A file of the build folder for the emulator's flash."""
    out = paths.BUILD / "tests" / "kpu" / name
    out.parent.mkdir(parents=True, exist_ok=True)
    # Tests may run in parallel: never an incomplete file.
    new = out.with_suffix(f".{os.getpid()}")
    new.write_bytes(content)
    new.rename(out)
    return out


def planes_file(picture: str) -> list[str]:
    """The picture as R, G, B planes in a file for the flash; nothing without test data (the tests then skip)."""
    source = paths.test_data() / picture
    if not source.exists():
        return []
    pixels = np.frombuffer(source.read_bytes()[-230400:], np.uint8).reshape(240, 320, 3)
    out = built_file(Path(picture).with_suffix(".rgb").name, pixels.transpose(2, 0, 1).tobytes())
    return [f"{out}@0x{PLANES_AT:x}"]


FLASH = [
    f"models/detect.kmodel@0x{MODEL_AT:x}",
    f"{PICTURE}@0x{PICTURE_AT:x}",
    "models/mnist.kmodel@0x700000",
    f"expected/detect_astronaut.out0.npy@0x{EXPECTED_AT:x}",
    *planes_file(PICTURE),
]

pytestmark = [pytest.mark.timeout(300), pytest.mark.k210(flash=FLASH)]

ANCHORS = "(1.889, 2.5245, 2.9465, 3.94056, 3.99987, 5.3658, 5.155437, 6.92275, 6.718375, 9.01025)"

# planes: the picture as R, G, B bytes; error(f): what f raises; model: a copy of the model to spoil;
# worst: the largest difference to an expected output.
PREAMBLE = f"""
import KPU as kpu, k210, gc, binascii, struct
def planes():
    return k210.flash_read({PLANES_AT}, 230400)
def error(f, *a):
    try:
        f(*a)
    except Exception as e:
        return type(e).__name__ + ": " + str(e).replace("\\r\\n", " ")
    return "no error"
def model(n=388776):
    return bytearray(k210.flash_read({MODEL_AT}, n))
def worst(fmap, addr={EXPECTED_AT}):
    from array import array
    want = array("f", k210.flash_read(addr + 128, fmap.size()))
    return max(abs(a - b) for a, b in zip(fmap, want))
def spoiled(off, value, n=388776):
    m = model(n)
    struct.pack_into("<I", m, off, value)
    return m
"""


def run(board: Board, code: str, timeout: float = 120) -> str:
    return board.exec(PREAMBLE + code, timeout=timeout)


def last(text: str) -> str:
    return text.strip().splitlines()[-1]


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
        nets.append(kpu.load({MODEL_AT}))
print(error(fill))
print(len(nets) >= 5)
while nets:
    nets.pop().deinit()
kpu.load({MODEL_AT}).deinit()
print('alive')
""",
    ).splitlines()
    assert out[0].startswith("ValueError: [MAIXPY]kpu: load error:2006, ERR_NO_MEM: memory not enough: ")
    assert any(n in out[0] for n in ("388776", "45000")) and "largest free block" in out[0]
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
    assert out[0] == f'{{"model_addr": 0, "model_size": 388776, {path}, "net_args": "(null)"}}'
    args = '{"threshold":0.500000, "nms_value":0.250000, "anchor_number":1, "anchor":"(1.500000, 2.250000)"}'
    assert out[1] == f'{{"model_addr": 0, "model_size": 388776, {path}, "net_args": {args}}}'
    assert out[2] == "(1.5, 2.25) None 388776 /flash/face.kmodel"
    assert out[3] == ('{"model_addr": 3145728, "model_size": 388776, "model_path": "(null)", "net_args": "(null)"}')
    assert "load error:2003, ERR_KMODEL_FORMAT: " in out[4] and "200000 bytes" in out[4]
    assert "load error:2005, ERR_READ_FILE: read file failed: " in out[5] and "/flash/face.kmodel" in out[5]
    assert "load error:2004" in out[6]
    assert out[7] == "ValueError: [MAIXPY]kpu: model format don't match, only supply .kmodel "


# ---- bad models ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (0, "model_addr must > 0"),
        (-5, "model_addr must > 0"),
        (EMPTY_AT, "load error:2002, ERR_KMODEL_VERSION"),
        (PICTURE_AT, "load error:2002"),
        (16 << 20, "load error:2001, ERR_PARAM"),
        (1 << 40, "load error:2001"),
        ((16 << 20) - 4, "load error:2003"),
        (MODEL_AT + 28, "load error:2002"),
    ],
)
def test_flash_addresses(board: Board, address: int, text: str) -> None:
    out = run(board, f"print(error(kpu.load, {address}))")
    assert out.startswith("ValueError: [MAIXPY]kpu: ") and text in out


def swapped_flash() -> list[str]:
    """The face model as load_flash wants it: every 32-bit word big-endian."""
    source = paths.test_data() / "models/detect.kmodel"
    if not source.exists():
        return ["models/detect.kmodel"]
    swapped = np.frombuffer(source.read_bytes(), np.uint32).byteswap().tobytes()
    return [f"{built_file('detect_be.rgb', swapped)}@0x{MODEL_AT:x}", *planes_file(PICTURE)]


@pytest.mark.k210(flash=swapped_flash())
def test_byte_swapped_models(board: Board, expected: dict) -> None:
    out = run(
        board,
        f"""
for net in (kpu.load_flash({MODEL_AT}, 1, 0xC000, 60000000), kpu.load({MODEL_AT})):
    kpu.forward(net, planes())
    print(binascii.crc32(net.layer_output(22)), net.model_size())
print(error(kpu.load_flash, {MODEL_AT}, 1, "x", 1))
print(error(kpu.load_flash, {EMPTY_AT}, 1, 0xC000, 60000000))
print(error(kpu.load, model(10001)))
""",
    ).splitlines()
    crc = int(expected["layers_crc32"][22], 16)
    assert out[:2] == [f"{crc} 388776"] * 2
    assert out[2].startswith("ValueError: [MAIXPY]kpu: load_flash arg format error: ")
    assert out[3].startswith("ValueError: [MAIXPY]kpu: load_flash error:2002, ")
    assert out[4].startswith("ValueError: [MAIXPY]kpu: load error:2003, ")


def test_types_that_are_no_model(board: Board) -> None:
    out = run(board, "for x in (1.5, None, [], kpu):\n    print(error(kpu.load, x))").splitlines()
    assert out == ["TypeError: [MAIXPY]kpu: only accept int or string"] * 4


@pytest.mark.parametrize(
    ("head", "code", "text"),
    [
        (u32(0x4B4D444C, 9), 2002, "version 9"),
        (u32(9, 0), 2002, "version 9"),
        (u32(1, 1), 2002, "v1"),
        (b"\0\0\0\3\0\0\0\1", 2003, "0 layers"),
        (b"\x12\x34\x56\x78\0\0\0\2", 2002, "Kendryte Model Compiler"),
        (b"PK\3\4abcd", 2002, "no kmodel here"),
    ],
)
def test_other_formats(board: Board, head: bytes, code: int, text: str) -> None:
    out = run(board, f"print(error(kpu.load, {head + bytes(100)!r}))")
    assert f"load error:{code}, " in out and text in out


def test_truncated_anywhere(board: Board) -> None:
    out = run(
        board,
        """
m = memoryview(model())
bad = 0
for n in list(range(0, 240)) + list(range(240, 388776, 9973)) + [388775, 388772, 388760]:
    e = error(kpu.load, m[:n])
    if not e.startswith('ValueError: [MAIXPY]kpu: load error:200'):
        print(n, e)
        bad += 1
print(bad)
""",
    )
    assert out == "0\n"


def words_patch(word: int, lsb: int, bits: int, value: int) -> str:
    """Code that loads the model with a field of layer 3's words replaced."""
    off = 3240 + 8 * word
    return f"""
m = model()
w = struct.unpack_from('<Q', m, {off})[0]
struct.pack_into('<Q', m, {off}, w & ~{((1 << bits) - 1) << lsb} | {value << lsb})
print(error(kpu.load, m))
"""


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("print(error(kpu.load, spoiled(12, 0)))", ["0 layers"]),
        ("print(error(kpu.load, spoiled(12, 25)))", ["2003"]),
        ("print(error(kpu.load, spoiled(12, 0xffffffff)))", ["there are only 388776"]),
        ("print(error(kpu.load, spoiled(24, 0xffffffff)))", ["there are only 388776"]),
        ("print(error(kpu.load, spoiled(8, 5)))", ["architecture 5"]),
        ("print(error(kpu.load, spoiled(20, 100)))", ["working buffer"]),
        ("print(error(kpu.load, spoiled(20, 0x7fffffff)))", ["2006", "2147483647"]),
        ("print(error(kpu.load, spoiled(28, 44992)))", ["output 0"]),
        ("print(error(kpu.load, spoiled(3216 + 12, 388004)))", ["layer 3", "weights at 388004, must be at a multiple"]),
        ("print(error(kpu.load, spoiled(3216 + 12, 400000)))", ["layer 3", "weights end at 400288"]),
        ("print(error(kpu.load, spoiled(3216 + 20, 388720)))", ["layer 3", "activation table end at"]),
        ("print(error(kpu.load, spoiled(3216 + 8, 0xfffffff8)))", ["layer 3", "layer words"]),
        ("print(error(kpu.load, spoiled(36 + 23 * 8, 19)))", ["2014", "layer 23"]),
        ("print(error(kpu.load, spoiled(36 + 23 * 8, 77)))", ["layer type 77"]),
        (words_patch(1, 0, 15, 32700), ["layer 3", "KPU RAM"]),
        (words_patch(1, 32, 15, 32767), ["layer 3", "KPU RAM"]),
        (words_patch(2, 48, 10, 3), ["layer 3", "parameter loads"]),
        (words_patch(7, 0, 15, 1), ["layer 3", "lines per channel"]),
    ],
)
def test_spoiled_fields(board: Board, code: str, texts: list[str]) -> None:
    out = run(board, code)
    assert out.startswith("ValueError: [MAIXPY]kpu: load error:20"), out
    for text in texts:
        assert text in out


# ---- bad calls -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "printed"),
    [
        ("img = image.Image(size=(160, 120))\nimg.pix_to_ai()", "img w=160,h=120, but model w=320,h=240"),
        ("img = image.Image(size=(320, 240))", "pix_ai is NULL!"),
        (
            "img = image.Image(size=(320, 240)).to_grayscale()\nimg.pix_to_ai()",
            "grayscale img, but model channel=3",
        ),
    ],
)
def test_wrong_images(board: Board, make: str, printed: str) -> None:
    out = run(
        board,
        f"""
import image
net = kpu.load({MODEL_AT})
kpu.init_yolo2(net, 0.5, 0.3, 5, {ANCHORS})
{make}
print(error(kpu.run_yolo2, net, img))
print(error(kpu.forward, net, img))
""",
    ).splitlines()
    assert out[0].startswith("[MAIXPY]kpu: " + printed) and out[2] == out[0]
    assert out[1].startswith("ValueError: [MAIXPY]kpu: check img format err! " + printed) and out[3] == out[1]


def test_colour_image_for_a_gray_model(board: Board) -> None:
    out = run(
        board,
        """
import image
img = image.Image(size=(28, 28))
img.pix_to_ai()
net = kpu.load(0x700000)
print(error(kpu.forward, net, img))
""",
    ).splitlines()
    assert out[0] == "[MAIXPY]kpu: RGB img, but model channel=1"
    assert out[1].startswith("ValueError: [MAIXPY]kpu: check img format err! RGB img, but model channel=1")


def test_wrong_calls(board: Board) -> None:
    calls = {
        "kpu.run_yolo2(net, img)": "ValueError: [MAIXPY]kpu: call kpu.init_yolo2() first",
        "kpu.run_yolo2(1, img)": "TypeError: [MAIXPY]kpu: kpu_net type error",
        "kpu.forward(None, img)": "TypeError: [MAIXPY]kpu: kpu_net type error",
        "kpu.deinit('x')": "TypeError: [MAIXPY]kpu: kpu_net type error",
        "kpu.forward(net, 'x')": "ValueError: input not support",
        "kpu.forward(net, 5)": "ValueError: input not support",
        "kpu.forward(net, [])": "ValueError: [MAIXPY]kpu: check input list format err!",
        "kpu.forward(net, [1, 2, 3])": "ValueError: [MAIXPY]kpu: check input list format err!",
        "kpu.forward(net, b'abc')": "ValueError: [MAIXPY]kpu: check input list format err! input has 3 bytes",
        "kpu.get_output(net, 0)": "OSError: get_output err",
        "net.layer_output(0)": "ValueError: [MAIXPY]kpu: the model has no input yet",
        "net.layer_output(24)": "IndexError: layer 24, the model has 24",
        "net.layer_output(-1)": "IndexError: ",
        "kpu.init_yolo2(net, 1.5, 0.3, 1, (1, 1))": "ValueError: [MAIXPY]kpu: threshold only support 0 to 1",
        "kpu.init_yolo2(net, 0.5, -1, 1, (1, 1))": "ValueError: [MAIXPY]kpu: nms_value only support 0 to 1",
        "kpu.init_yolo2(net, 0.5, 0.3, 0, ())": "ValueError: [MAIXPY]kpu: anchor_number should > 0",
        "kpu.init_yolo2(net, 0.5, 0.3, 2, (1, 1))": "ValueError: requested length 4 but object has length 2",
        "kpu.fmap(3, 0)": "TypeError: ",
        "kpu.netinfo(3)": "TypeError: ",
    }
    code = "import image\nimg = image.Image(size=(320, 240))\nimg.pix_to_ai()\n" + f"net = kpu.load({MODEL_AT})\n"
    code += "".join(f"print(error(lambda: {call}))\n" for call in calls)
    code += "net.deinit()\n"
    after = [
        "kpu.forward(net, img)",
        "kpu.run_yolo2(net, img)",
        "kpu.netinfo(net)",
        "net.layer_output(0)",
        "kpu.init_yolo2(net, 0.5, 0.3, 1, (1, 1))",
        "kpu.set_layers(net, 1)",
        "kpu.get_output(net, 0)",
    ]
    code += "".join(f"print(error(lambda: {call}))\n" for call in after)
    out = run(board, code).splitlines()
    for line, (call, want) in zip(out, calls.items(), strict=False):
        assert line.startswith(want), call
    assert out[len(calls) :] == ["ValueError: [MAIXPY]kpu: this kpu_net was deinitialised, load the model again"] * len(
        after
    )


def test_wrong_anchor_count_for_the_model(board: Board) -> None:
    out = run(
        board,
        f"""
import image
img = image.Image(size=(320, 240))
img.pix_to_ai()
net = kpu.load({MODEL_AT})
kpu.init_yolo2(net, 0.5, 0.3, 4, (1,) * 8)
print(error(kpu.run_yolo2, net, img))
""",
    )
    assert out.startswith("ValueError: [MAIXPY]kpu: region_layer_init err! output has 30 channels, 4 anchors")


def test_set_layers_and_netinfo(board: Board) -> None:
    out = run(
        board,
        f"""
net = kpu.load({MODEL_AT})
print(kpu.set_layers(net, 25))
print(kpu.set_layers(net, 2))
fmap = kpu.forward(net, planes())
print(fmap.typecode(), fmap.w(), fmap.h(), fmap.ch(), fmap.index(), binascii.crc32(fmap))
print(kpu.set_layers(net, 0))
print(len(kpu.forward(net, planes())))
info = kpu.netinfo(net)
print(len(info), info[0])
print(info[23].type(), info[1].dw(), info[2].kernel_type(), info[2].pool_type(), info[4].cho())
""",
    ).splitlines()
    assert out[:3] == ["err: set layers_length to 25, but max 24", "False", "True"]
    assert out[3] == f"B 160 120 16 1 {0xFEC023D4}"
    assert out[4:6] == ["True", "9000"]
    assert out[6] == "layer[0]: KL_K210_CONV, 940 bytes"
    assert out[30] == (
        '24 {"index":0, "type":KL_K210_CONV, "wi":320, "hi":240, "wo":160, "ho":120, "chi":3, "cho":16, "dw":0, '
        '"kernel_type":1, "pool_type":1, "para_size":432}'
    )
    assert out[31] == "12 1 0 1 64"


def test_floats_in_and_out(board: Board, data: TestData) -> None:
    model = data("models/iris_v3.kmodel").read_bytes()
    out = run(
        board,
        f"""
net = kpu.load({model!r})
a = kpu.forward(net, [5.1, 3.5, 1.4, 0.2])
print(list(a))
a[0] = 2.5
a[1:3] = [1, 2]
print(a[:], len(a), error(lambda: a[3]), error(lambda: a[0:3:2]))
print(error(kpu.fmap, a, 0))
b = kpu.get_output(net, 0)
print(list(b))
print(error(kpu.get_output, net, 1))
""",
    ).splitlines()
    want = np.load(data("expected/iris_v3.out0.npy")).ravel()
    assert np.allclose(ast.literal_eval(out[0]), want, atol=1e-5)
    assert out[1].startswith("(2.5, 1.0, 2.0) 3 IndexError") and "only slices with step=1" in out[1]
    assert "convet float fmap" in out[2]
    assert np.allclose(ast.literal_eval(out[3]), want, atol=1e-5)
    assert out[4].startswith("OSError: get_output err: output 1, the model has 1")


def test_model_that_fails_while_running_leaves_the_board_usable(board: Board) -> None:
    """Quantize with scale 0 and a softmax of infinities: strange numbers, no exception, no hang."""
    data = Model(64, [(32, 32)]).add(11, u32(0, 16, 8) + f32(0, 0)).add(12, u32(16, 32, 8) + f32(3e38, 3e38))
    data.add(15, u32(32, 32, 8))
    out = run(
        board,
        f"""
net = kpu.load({data.build()!r})
print(len(kpu.forward(net, [1.0] * 8)))
print(kpu.load({MODEL_AT}).model_size())
""",
    )
    assert out == "8\n388776\n"


def test_memtest_and_memory(board: Board) -> None:
    out = run(
        board,
        "kpu.memtest()\nprint(sorted(kpu.memory()))\nimport kpu as low\nprint(low.load == kpu.load, kpu.__name__)",
    )
    lines = out.splitlines()
    assert lines[0].startswith("###free gc heap memory : ") and lines[0].endswith(" KB")
    assert lines[1].startswith("###free sys heap memory: ") and lines[1].endswith(" KB")
    assert lines[2:] == ["['free', 'largest', 'total']", "True kpu"]


def test_callback_in_a_run_cannot_disturb_it(board: Board, expected: dict) -> None:
    """Scheduled code runs between two layers: it may neither start another run nor free the model."""
    out = run(
        board,
        f"""
import micropython
net = kpu.load({MODEL_AT})
p = planes()
seen = []
def nested(_):
    seen.append(error(kpu.forward, net, p))
    seen.append(error(kpu.deinit, net))
micropython.schedule(nested, None)
kpu.forward(net, p)
print(seen)
print(binascii.crc32(net.layer_output(22)))
""",
    ).splitlines()
    for text in ast.literal_eval(out[0]):
        assert text == "no error" or "running" in text
    assert f"{int(out[1]):08x}" == expected["layers_crc32"][22]


def test_a_kpu_that_does_not_answer_is_a_timeout(board: Board, expected: dict) -> None:
    """With its interrupt switched off at the PLIC the KPU never seems to end."""
    out = run(
        board,
        f"""
import machine, time
net = kpu.load({MODEL_AT})
p = planes()
machine.mem32[0x0C002000] &= ~(1 << 25)
t = time.ticks_ms()
print(error(kpu.forward, net, p))
print(4000 < time.ticks_diff(time.ticks_ms(), t) < 10000)
net.deinit()
net = kpu.load({MODEL_AT})
kpu.forward(net, p)
print(binascii.crc32(net.layer_output(22)))
""",
    ).splitlines()
    assert out[0].startswith("OSError: ERR_RUN_MODEL: maybe model dirty: layer 0 (KL_K210_CONV): timed out waiting for")
    assert "calc_done interrupt of the KPU" in out[0] and out[1] == "True"
    assert f"{int(out[2]):08x}" == expected["layers_crc32"][22]


@pytest.mark.k210(flash=FLASH, strict=True)
def test_strict_emulator_has_no_complaint(board: Board, expected: dict) -> None:
    """Cache aliases, alignment, clocks: whatever the chip would not forgive stops a strict emulator."""
    out = run(
        board,
        f"""
net = kpu.load({MODEL_AT})
kpu.forward(net, planes())
print(binascii.crc32(net.layer_output(22)))
net2 = kpu.load(0x700000)
print(len(kpu.forward(net2, bytes(784))))
""",
    ).splitlines()
    assert f"{int(out[0]):08x}" == expected["layers_crc32"][22] and out[1] == "10"
