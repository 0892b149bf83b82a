# SPDX-License-Identifier: MIT
"""kmodel v4: loading, running on a software KPU, and refusing broken files."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest
from kpu_core import F32, U8, KpuError, Net, data_path, limits, measure, model, planes, yolo2

VERSION, FORMAT, NO_MEM, NOT_IMPLEMENTED = 2002, 2003, 2006, 2014


pytestmark = pytest.mark.usefixtures("no_leak")


def case(name: str) -> dict:
    expected = json.loads(data_path("expected/expected.json").read_text())
    return next(c for c in expected["cases"] if c["name"] == name)


def output(name: str) -> np.ndarray:
    return np.load(data_path(f"expected/{name}")).ravel()


def error_of(data: bytes) -> KpuError:
    with pytest.raises(KpuError) as info:
        Net(data, compute=False).close()
    return info.value


def test_yolo_layers_output_and_boxes():
    want = case("yolo_v4_dog")
    with Net(model("yolo_v4.kmodel")) as net:
        assert [(t.dtype, t.c, t.h, t.w) for t in net.inputs] == [(U8, 3, 240, 320)]
        assert [(t.dtype, t.c, t.h, t.w) for t in net.outputs] == [(F32, 125, 7, 10)]
        net.set_input(planes("dog_320x240.ppm"))
        crcs = []
        for i, node in enumerate(net.nodes):
            net.run(i + 1, go_on=i > 0)
            result = net.result(node.result_size)
            if node.is_conv:
                crcs.append(f"{zlib.crc32(result):08x}")
                last = result
        assert crcs == want["layers_crc32"]
        assert last == np.load(data_path(f"expected/{want['lastconv_u8']}")).tobytes()
        assert np.abs(net.output() - output(want["outputs"][0])).max() <= want["float_tolerance"]
        decode = want["decode"]
        boxes = yolo2(net.output(), (10, 7), (320, 240), decode["anchors"], decode["threshold"], decode["nms"])
    got = [{"x1": b.x1, "y1": b.y1, "x2": b.x2, "y2": b.y2, "cls": b.class_id, "prob": round(b.prob, 4)} for b in boxes]
    assert got == [{k: v for k, v in b.items() if k != "label"} for b in want["boxes"]]


def test_slim_face_detector():
    """Uploads, quantized binaries, reductions, pads, transposes and concats between the convolutions."""
    want = case("slim_astronaut")
    with Net(model("slim-320_v4.kmodel")) as net:
        net.set_input(planes("astronaut_320x240.ppm"))
        net.run()
        for i, name in enumerate(want["outputs"]):
            assert np.abs(net.output(i) - output(name)).max() <= want["float_tolerance"]


def test_iris():
    want = case("iris_v4")
    with Net(model("iris_v4.kmodel")) as net:
        assert [(t.dtype, t.size) for t in net.inputs] == [(F32, 16)]
        net.set_input(np.array([5.1, 3.5, 1.4, 0.2], np.float32).tobytes())
        net.run()
        assert np.abs(net.output() - output(want["outputs"][0])).max() <= want["tolerance"]


@pytest.mark.parametrize("tail", [0, 5, 4096])
def test_measure(tail):
    data = model("yolo_v4.kmodel")
    assert measure(data + b"\xff" * tail) == len(data)
    data = model("slim-320_v4.kmodel")  # its last body lacks four bytes of padding
    assert measure(data) == len(data)
    assert measure(data + bytes(8)) == len(data) + 4


@pytest.mark.parametrize("name", ["yolo_v4.kmodel", "slim-320_v4.kmodel", "iris_v4.kmodel"])
def test_truncation(name):
    data = model(name)
    limit = len(data) - (0 if name.startswith("slim") else 7)
    for n in sorted({*range(0, min(limit, 1200)), *range(0, limit, 1999), limit - 1}):
        error = error_of(data[:n])
        assert error.code in (FORMAT, VERSION), n
        if 8 <= n < len(data) - 7:  # the headers alone cannot tell padding from data
            with pytest.raises(KpuError):
                measure(data[:n])


def test_header_fields():
    data = model("yolo_v4.kmodel")
    for off in range(12, 36, 4):
        for value in (0, 3, 0x7FFFFFFF, 0xFFFFFFFF):
            bad = bytearray(data)
            struct.pack_into("<I", bad, off, value)
            try:
                Net(bytes(bad), compute=False).close()
            except KpuError as e:
                assert e.code in (FORMAT, NO_MEM, NOT_IMPLEMENTED)


def test_every_word_of_the_node_bodies():
    """Each word of the first 3000 bytes and of the CPU nodes replaced: refused, or still safe to run."""
    data = model("slim-320_v4.kmodel")
    for off in [*range(40, 3000, 4), *range(263264, 264080, 4)]:
        for value in (0xFFFFFFFF, 0x00FFFFF8):
            bad = bytearray(data)
            struct.pack_into("<I", bad, off, value)
            try:
                with Net(bytes(bad), compute=False) as net:
                    net.set_input(bytes(net.inputs[0].size))
                    net.run()
            except KpuError:
                pass


def test_out_of_memory():
    data = model("slim-320_v4.kmodel")
    for nth in range(1, 5):
        limits(fail_at=nth)
        assert error_of(data).code == NO_MEM
