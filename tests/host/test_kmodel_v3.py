# SPDX-License-Identifier: MIT
"""kmodel v3: loading, running on a software KPU, and refusing broken files."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from kpu_core import F32, U8, KpuError, Net, data_path, limits, live_blocks, measure, model, planes

PARAM, VERSION, FORMAT, READ, NO_MEM, FIRST_LAYER, RUN, SIZE, NOT_IMPLEMENTED = (
    2001, 2002, 2003, 2005, 2006, 2007, 2008, 2012, 2014,
)  # fmt: skip


pytestmark = pytest.mark.usefixtures("no_leak")


def case(name: str) -> dict:
    expected = json.loads(data_path("expected/expected.json").read_text())
    return next(c for c in expected["cases"] if c["name"] == name)


def face_model() -> bytes:
    pack = zipfile.ZipFile(io.BytesIO(model("face_model_at_0x300000.kfpkg")))
    return pack.read("facedetect.kmodel")


def patched(data: bytes, *edits: tuple[int, int | bytes]) -> bytes:
    """data with u32 words (or bytes) replaced at offsets."""
    out = bytearray(data)
    for off, value in edits:
        raw = value if isinstance(value, bytes) else struct.pack("<I", value & 0xFFFFFFFF)
        out[off : off + len(raw)] = raw
    return bytes(out)


class V3:
    """Offsets of a v3 file, for patching."""

    def __init__(self, data: bytes):
        self.data = data
        self.layers, self.outputs = struct.unpack_from("<I8xI", data, 12)
        self.headers = 28 + 8 * self.outputs
        self.body = []
        at = self.headers + 8 * self.layers
        for i in range(self.layers):
            self.body.append(at)
            at += struct.unpack_from("<I", data, self.headers + 8 * i + 4)[0]
        self.end = at

    def words(self, i: int) -> int:
        return struct.unpack_from("<I", self.data, self.body[i] + 8)[0]

    def patch_word(self, i: int, word: int, lsb: int, bits: int, value: int) -> bytes:
        off = self.words(i) + 8 * word
        w = struct.unpack_from("<Q", self.data, off)[0]
        mask = ((1 << bits) - 1) << lsb
        return patched(self.data, (off, struct.pack("<Q", w & ~mask | value << lsb & mask)))


def error_of(data: bytes) -> KpuError:
    with pytest.raises(KpuError) as info:
        Net(data, compute=False).close()
    return info.value


# ---- good models -----------------------------------------------------------------------------


def test_detect_layers_and_output():
    want = case("detect_astronaut")
    with Net(model("detect.kmodel")) as net:
        assert [(t.dtype, t.c, t.h, t.w) for t in net.inputs] == [(U8, 3, 240, 320)]
        assert [(t.dtype, t.c, t.h, t.w) for t in net.outputs] == [(F32, 30, 15, 20)]
        net.set_input(planes("astronaut_320x240.ppm"))
        crcs = []
        for i, node in enumerate(net.nodes):
            net.run(i + 1, go_on=i > 0)
            result = net.result(node.result_size)
            if node.is_conv:
                crcs.append(f"{zlib.crc32(result):08x}")
                last = result
        assert crcs == want["layers_crc32"]
        lastconv = np.load(data_path(f"expected/{want['lastconv_u8']}"))
        assert np.array_equal(np.frombuffer(last, np.uint8), lastconv.ravel())
        out = np.load(data_path(f"expected/{want['outputs'][0]}")).ravel()
        assert np.abs(net.output() - out).max() <= want["float_tolerance"]
        # The same in one go.
        net.set_input(planes("astronaut_320x240.ppm"))
        net.run()
        assert np.abs(net.output() - out).max() <= want["float_tolerance"]


def test_iris():
    want = case("iris_v3")
    with Net(model("iris_v3.kmodel")) as net:
        assert [(t.dtype, t.size) for t in net.inputs] == [(F32, 16)]
        net.set_input(np.array([5.1, 3.5, 1.4, 0.2], np.float32).tobytes())
        net.run()
        out = np.load(data_path(f"expected/{want['outputs'][0]}")).ravel()
        assert np.abs(net.output() - out).max() <= want["tolerance"]


def digit_one() -> bytes:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 13:15] = 255
    return picture.tobytes()


def test_mnist_is_a_probability_and_sees_a_one():
    with Net(model("mnist.kmodel")) as net:
        assert [(t.c, t.h, t.w) for t in net.inputs] == [(1, 28, 28)]
        net.set_input(digit_one())
        net.run()
        out = net.output()
        assert out.size == 10 and abs(out.sum() - 1) < 1e-5 and out.min() >= 0
        assert out.argmax() == 1


def test_voc_yolo_layers_equal_its_v4_twin_in_kind():
    """yolo.kmodel has no expected file: dog picture, bicycle or dog cells must light up."""
    with Net(model("yolo.kmodel")) as net:
        assert [(t.c, t.h, t.w) for t in net.outputs] == [(125, 7, 10)]
        net.set_input(planes("dog_320x240.ppm"))
        net.run()
        out = net.output().reshape(5, 25, 7, 10)
        objectness = 1 / (1 + np.exp(-out[:, 4]))
        assert objectness.max() > 0.5


@pytest.mark.parametrize("tail", [0, 1, 7, 4096])
def test_measure_finds_the_end(tail):
    data = model("detect.kmodel")
    assert measure(data + b"\xff" * tail) == len(data)


def test_measure_short_last_body():
    data = model("iris_v3.kmodel")
    assert measure(data) == len(data) == 436
    assert measure(data + b"\xff" * 100) == 440  # on flash the missing bytes are there


def test_trailing_bytes_do_no_harm():
    with Net(face_model() + b"\xff" * 1000) as net:
        assert len(net.nodes) == 24


# ---- what it refuses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (struct.pack("<II", 0x4B4D444C, 9), "version 9"),
        (struct.pack("<II", 1, 1), "v1"),
        (b"\0\0\0\3\0\0\0\1", "_be"),
        (b"\x12\x34\x56\x78\0\0\0\5", "Kendryte Model Compiler"),
        (struct.pack("<II", 9, 0), "version 9"),
        (b"\xff" * 8, "erased flash"),
        (b"\0" * 8, "zeros"),
        (b"P6 320 2", "no kmodel"),
    ],
)
def test_other_formats_are_named(head, word):
    data = head + bytes(200)
    error = error_of(data)
    assert error.code == VERSION and word in error.text
    with pytest.raises(KpuError, match=word):
        measure(data)


@pytest.mark.parametrize("name", ["detect.kmodel", "mnist.kmodel", "iris_v3.kmodel"])
def test_truncation_anywhere(name):
    data = model(name)
    v3 = V3(data)
    limit = v3.end - 7 if v3.end == len(data) else len(data)
    places = {*range(0, min(len(data), v3.body[0] + 200)), *v3.body, *range(0, limit, 997)}
    places |= {b + d for b in v3.body for d in (1, 4, 23, 24, 25) if b + d < limit}
    for n in sorted(p for p in places if p < limit):
        error = error_of(data[:n])
        assert error.code in (FORMAT, VERSION), (n, error)
        if n >= 8:
            with pytest.raises(KpuError):
                measure(data[:n])


def test_truncation_text_has_the_facts():
    data = model("detect.kmodel")
    with pytest.raises(KpuError, match=r"layer 20 ends at \d+, there are only 350000 bytes"):
        measure(data[:350000])
    # Layer 20's tables end before 375440, its body starts at 307344.
    assert "layer 20 (KL_K210_CONV): weights end at 373120, file has 350000 bytes" in error_of(data[:350000]).text


def test_missing_tail_only_where_nothing_is():
    data = model("iris_v3.kmodel")
    assert error_of(data[:-1]).code == FORMAT  # these bytes are bias values
    data = model("detect.kmodel")
    assert error_of(data[:-1]).code == FORMAT


@pytest.mark.parametrize("count", [0, 25, 26, 1000, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_layer_count(count):
    data = patched(model("detect.kmodel"), (12, count))
    assert error_of(data).code == FORMAT
    with pytest.raises(KpuError):
        measure(data)
        Net(data)


@pytest.mark.parametrize("count", [0, 2, 0xFFFFFFFF])
def test_output_count(count):
    assert error_of(patched(model("detect.kmodel"), (24, count))).code in (FORMAT, NOT_IMPLEMENTED)


def test_architecture():
    error = error_of(patched(model("detect.kmodel"), (8, 1)))
    assert error.code == FORMAT and "architecture 1" in error.text


@pytest.mark.parametrize("field", [8, 12, 16, 20])
@pytest.mark.parametrize("value", [388776, 0x7FFFFF00, 0xFFFFFF00])
def test_conv_tables_past_the_end(field, value):
    data = model("detect.kmodel")
    error = error_of(patched(data, (V3(data).body[3] + field, value)))
    assert error.code == FORMAT and error.text.startswith("layer 3 (KL_K210_CONV): ")
    assert "file has 388776 bytes" in error.text


def test_tables_must_be_aligned():
    data = model("detect.kmodel")
    at = V3(data).body[3] + 20
    off = struct.unpack_from("<I", data, at)[0]
    assert "multiple of 256" in error_of(patched(data, (at, off - 8))).text


@pytest.mark.parametrize(
    ("word", "lsb", "bits", "value", "text"),
    [
        (1, 0, 15, 32700, "input (80x60x32) ends at line"),
        (1, 32, 15, 32700, "output (80x60x32) ends at line"),
        (1, 32, 15, 28928, "overlap"),
        (2, 0, 10, 100, "depthwise with 101 input"),
        (2, 48, 10, 7, "parameter loads"),
        (3, 0, 10, 160, "output is 80x60, input 161x60"),
        (3, 10, 9, 100, "output is 80x60, input 80x101"),
        (3, 32, 10, 78, "output is 79x60"),
        (4, 0, 3, 2, "kernel_type 2"),
        (4, 4, 4, 10, "pool_type 10"),
        (4, 4, 4, 1, "output is 80x60, input 80x60 with pool_type 1 gives 40x30"),
        (4, 10, 1, 0, "does not load"),
        (5, 1, 6, 1, "2 parameter loads"),
        (5, 15, 17, 289, "para_size is 289"),
        (7, 0, 15, 119, "lines per channel"),
        (7, 16, 4, 1, "lines per row"),
        (7, 28, 3, 3, "channels per line"),
        (7, 28, 3, 2, "too many for a width"),
        (8, 20, 3, 0, "channels per line"),
        (0, 2, 1, 1, "full_add"),
    ],
)
def test_conv_geometry(word, lsb, bits, value, text):
    data = V3(model("detect.kmodel")).patch_word(3, word, lsb, bits, value)
    error = error_of(data)
    assert error.code in (FORMAT, NOT_IMPLEMENTED) and text in error.text, error
    assert error.text.startswith("layer 3 (")


@pytest.mark.parametrize("name", ["detect.kmodel", "mnist.kmodel", "iris_v3.kmodel"])
def test_working_buffer_must_hold_every_layer(name):
    data = model(name)
    size = struct.unpack_from("<I", data, 20)[0]
    for smaller in (0, 4, size // 2, size - 8):
        error = error_of(patched(data, (20, smaller)))
        assert error.code == FORMAT and "working buffer" in error.text


def test_output_outside_working_buffer():
    error = error_of(patched(model("detect.kmodel"), (28, 44992)))
    assert error.code == FORMAT and "output 0 has 36000 bytes at 44992" in error.text
    error = error_of(patched(model("detect.kmodel"), (28, 0x10000000)))
    assert error.code == FORMAT and "written by no layer" in error.text


@pytest.mark.parametrize(("code", "want"), [(7, NOT_IMPLEMENTED), (19, NOT_IMPLEMENTED), (26, FORMAT), (0, FORMAT)])
def test_layer_types(code, want):
    data = model("detect.kmodel")
    assert error_of(patched(data, (V3(data).headers + 23 * 8, code))).code == want


@pytest.mark.parametrize("size", [0, 1, 20, 0xFFFFFFFF])
def test_body_size(size):
    data = model("detect.kmodel")
    error = error_of(patched(data, (V3(data).headers + 5 * 8 + 4, size)))
    assert error.code in (FORMAT, NOT_IMPLEMENTED)


def test_mnist_cpu_layer_fields():
    """Every 32-bit field of every CPU layer set to something large: an error, or still a valid model."""
    data = model("mnist.kmodel")
    v3 = V3(data)
    refused = 0
    for i in range(v3.layers):
        code = struct.unpack_from("<I", data, v3.headers + 8 * i)[0]
        if code == 10240:
            continue
        for field in range(4, 24, 4):
            for value in (0, 0x7FFFFFF8, 0xFFFFFFF8, 14112):
                try:
                    with Net(patched(data, (v3.body[i] + field, value)), compute=False) as net:
                        net.set_input(bytes(784))
                        net.run()
                except KpuError:
                    refused += 1
    assert refused > 60


# ---- memory and runner -----------------------------------------------------------------------


def test_out_of_memory_is_an_error_with_numbers():
    data = model("detect.kmodel")
    limits(memory=40000)
    error = error_of(data)
    assert error.code == NO_MEM and "45000" in error.text
    for nth in range(1, 5):
        limits(fail_at=nth)
        assert error_of(data).code == NO_MEM
        assert live_blocks() == 0


def test_load_and_close_again_and_again():
    data = model("iris_v3.kmodel")
    for _ in range(100):
        Net(data).close()
    assert live_blocks() == 0


def test_input_size_is_checked():
    with Net(model("detect.kmodel"), compute=False) as net:
        with pytest.raises(KpuError, match="230399 bytes, the model wants 230400") as info:
            net.set_input(bytes(230399))
        assert info.value.code == SIZE


def test_backend_failure_names_the_layer():
    with Net(model("detect.kmodel"), compute=False) as net:
        net.set_input(bytes(230400))
        with pytest.raises(KpuError, match=r"layer 4 \(KL_K210_CONV\): starting the KPU failed") as info:
            net.run(fail_at=5)
        assert info.value.code == RUN
        with pytest.raises(KpuError):
            net.result(100)
        net.set_input(bytes(230400))
        net.run()


@pytest.mark.parametrize("end", [0, 25, 0xFFFFFFFF])
def test_run_end_is_checked(end):
    with Net(model("detect.kmodel"), compute=False) as net, pytest.raises(KpuError, match="the model has 24"):
        net.run(end)
