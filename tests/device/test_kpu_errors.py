# SPDX-License-Identifier: MIT
"""The KPU module on a board: bad models, bad calls, a KPU that does not answer."""

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from kpu_board import ANCHORS, EMPTY_AT, FLASH, MODEL_AT, PICTURE, PICTURE_AT, built_file, planes_file, run

from k210 import paths
from k210.board import Board
from k210.pytest_plugin import TestData

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from v3_builder import Model, f32, u32

pytestmark = [pytest.mark.timeout(300), pytest.mark.k210(flash=FLASH)]


@pytest.fixture
def expected(data: TestData) -> dict:
    cases = json.loads(data("expected/expected.json").read_text())["cases"]
    return next(c for c in cases if c["name"] == "detect_astronaut")


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
    out = [line for line in out if not line.startswith("SPI freq ")]
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
    kind = "MemoryError" if "2006" in texts else "ValueError"
    assert out.startswith(f"{kind}: [MAIXPY]kpu: load error:20"), out
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
    keys = ast.literal_eval(lines[2])
    assert {"free", "largest", "total", "sram", "heap", "models", "images", "kpu_ram", "kpu_free"} <= set(keys)
    assert lines[3] == "True kpu"


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
print(500 < time.ticks_diff(time.ticks_ms(), t) < 5000)
net.deinit()
net = kpu.load({MODEL_AT})
kpu.forward(net, p)
print(binascii.crc32(net.layer_output(22)))
""",
    ).splitlines()
    # Which one of the layers that are queued is not said by the chip.
    assert out[0].startswith("OSError: ERR_RUN_MODEL: maybe model dirty: layer ")
    assert "(KL_K210_CONV): timed out waiting for" in out[0]
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
