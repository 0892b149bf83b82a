# SPDX-License-Identifier: MIT
"""`k210 model simulate`: against the data pack, the compiler's simulator, the slow reference and the C core."""

from __future__ import annotations

import zlib

import kpu_core
import kpu_reference
import numpy as np
import pytest
from kpu_core import data_path, model, planes
from model_cases import ALL_MODELS, CASES, case, case_input

from k210 import cli
from k210.model.kpu import KpuLayer
from k210.model.load import load, parse
from k210.model.simulate import outputs, read_input, run
from k210.model.yolo2 import yolo2


@pytest.mark.parametrize("name", CASES)
def test_expected(name):
    want = case(name)
    program = parse(model(want["model"]))
    crcs, last = [], None

    def on_step(step, result):
        nonlocal last
        if result is not None:
            crcs.append(f"{zlib.crc32(result.tobytes()):08x}")
            last = result

    run(program, [case_input(name)], on_step)
    assert len(program.outputs) == len(want["outputs"])
    for number, file in enumerate(want["outputs"]):
        expected = np.load(data_path(f"expected/{file}"))
        got = program.output(number)
        assert got.dtype == expected.dtype and got.size == expected.size
        tolerance = want["float_tolerance"]
        assert np.allclose(got.ravel(), expected.ravel(), rtol=tolerance, atol=tolerance)
    if "layers_crc32" in want:
        assert crcs == want["layers_crc32"]
    if "lastconv_u8" in want:
        assert (last[0].ravel() == np.load(data_path(f"expected/{want['lastconv_u8']}")).ravel()).all()
    if "boxes" in want:
        d = want["decode"]
        boxes = yolo2(program.output(0), program, d["anchors"], d["threshold"], d["nms"])
        got = [(b.x1, b.y1, b.x2, b.y2, b.class_id, round(b.prob, 4)) for b in boxes]
        assert got == [(b["x1"], b["y1"], b["x2"], b["y2"], b["cls"], b["prob"]) for b in want["boxes"]]


@pytest.mark.parametrize("name", "abcde")
def test_equals_the_compilers_simulator(name):
    program = load(data_path(f"models/synth_v5/n_{name}.kmodel"))
    want = np.load(data_path(f"models/synth_v5/n_{name}_out.npy"))
    (got,) = outputs(program, [np.load(data_path(f"models/synth_v5/n_{name}_in.npy"))])
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= (1e-6 if name == "e" else 0)  # n_e ends with an average in f32


@pytest.mark.parametrize("name", ALL_MODELS)
def test_equals_the_c_core(name):
    data = model(name)
    program = parse(data)
    tensor = program.inputs[0]
    rng = np.random.default_rng(7)
    if tensor.dtype == "uint8":
        x = rng.integers(0, 256, tensor.count, np.uint8)
        if tensor.count == 3 * 240 * 320:
            x = np.frombuffer(planes("chelsea_320x240.ppm"), np.uint8)
    else:
        x = rng.uniform(0, 1, tensor.count).astype(np.float32)
    got = outputs(program, [x])
    with kpu_core.Net(data) as net:
        net.set_input(x.tobytes())
        net.run()
        for number, y in enumerate(got):
            want = net.output(number)[: y.size]
            if y.dtype == np.uint8:
                assert (y.ravel() == want).all()
            else:
                assert np.allclose(y.ravel(), want, rtol=1e-4, atol=1e-5)


def test_yolox_finds_the_dog():
    picture = np.frombuffer(planes("dog_320x240.ppm"), np.uint8).reshape(3, 240, 320)
    box = np.full((3, 224, 224), 114, np.uint8)
    rows, columns = np.arange(168) * 240 // 168, np.arange(224) * 320 // 224
    box[:, :168] = picture[:, rows][:, :, columns]
    (out,) = outputs(parse(model("yolox_nano_224_v5.kmodel")), [box])
    assert out.shape == (1, 1029, 85)
    score = out[0, :, 4:5] * out[0, :, 5:]
    assert score.min() >= 0 and score.max() <= 1
    assert {int(score[i].argmax()) for i in np.flatnonzero(score.max(1) > 0.3)} & {1, 2, 7, 16}


@pytest.mark.parametrize("seed", range(40))
def test_random_layers(seed):
    """Every pool type, depthwise, 16 bits, ties, negative products and odd layouts."""
    want = kpu_reference.random_layer(np.random.default_rng(seed), pool=seed % 10)
    weights, bn, activation = kpu_reference.tables(want)
    layer = KpuLayer(kpu_reference.words(want, (0, 0, 0)), want.eight_bit, weights, bn, activation)
    ai = np.zeros(2 << 20, np.uint8)
    ai[layer.source.index()] = want.x
    expected = kpu_reference.run(want)
    assert (layer.run(ai)[0] == expected).all()
    assert (ai[layer.result.index()] == expected).all()


def test_runs_repeat():
    program = parse(model("synth_v5/n_c.kmodel"))
    x = np.load(data_path("models/synth_v5/n_c_in.npy"))
    first = outputs(program, [x])[0]
    outputs(program, [x * 0])
    assert (outputs(program, [x])[0] == first).all()


def test_command(tmp_path, capsys):
    file, picture = data_path("models/face_model_at_0x300000.kfpkg"), data_path("images/astronaut.png")
    anchors = "1.889,2.5245,2.9465,3.94056,3.99987,5.3658,5.155437,6.92275,6.718375,9.01025"
    arguments = ["model", "simulate", str(file), "--image", str(picture), "--layers", "--out", str(tmp_path / "out")]
    assert cli.main([*arguments, "--boxes", "yolo2", "--anchors", anchors]) == 0
    text = capsys.readouterr().out
    assert text.count("KPU layer") == 23
    assert "output 0: float32" in text and "box: class 0" in text
    assert np.load(tmp_path / "out" / "output0.npy").size == 9000


def test_inputs(tmp_path):
    program = parse(model("yolo_v4.kmodel"))
    exact = read_input(data_path("images/dog_320x240.ppm"), program.inputs[0])
    assert exact.tobytes() == planes("dog_320x240.ppm")
    wide = tmp_path / "wide.npy"
    np.save(wide, exact.astype(np.int64))
    assert (read_input(wide, program.inputs[0]) == exact).all()


@pytest.mark.parametrize("content", [np.zeros(5), np.full((3, 240, 320), 300), None])
def test_unfit_inputs(tmp_path, capsys, content):
    file = tmp_path / "in.npy"
    file.write_bytes(b"nothing") if content is None else np.save(file, content)
    assert cli.main(["model", "simulate", str(data_path("models/yolo_v4.kmodel")), "--image", str(file)]) == cli.FAILED
    error = capsys.readouterr().err
    assert error.startswith("k210: ") and error.count("\n") == 1 and "in.npy" in error


def test_two_pictures_for_one_input(capsys):
    picture = str(data_path("images/dog.jpg"))
    arguments = ["model", "simulate", str(data_path("models/yolo_v4.kmodel")), "--image", picture, "--image", picture]
    assert cli.main(arguments) == cli.FAILED
    assert "1 inputs" in capsys.readouterr().err
