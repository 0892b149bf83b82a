# SPDX-License-Identifier: MIT
"""The models of examples/models: they are what the compiler makes of the ONNX files, and they find digits."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from k210 import paths
from k210.compiler.calibration import InputRange
from k210.compiler.compile import Options, compile_model
from k210.model import simulate
from k210.model.load import load, parse

ort = pytest.importorskip("onnxruntime")

EXAMPLES = paths.ROOT / "examples"
MODELS = EXAMPLES / "models"
TRAIN = EXAMPLES / "train"
sys.path.insert(0, str(TRAIN))
from boxes import Found, decode, iou, mean_average_precision  # noqa: E402

Truth = list[tuple[np.ndarray, np.ndarray]]


def heldout() -> tuple[list[np.ndarray], Truth]:
    """The generated pictures of the repository as planes, and what is on them."""
    labels = json.loads((TRAIN / "heldout/labels.json").read_text())
    planes, truth = [], []
    for name, label in labels.items():
        with Image.open(TRAIN / "heldout" / name) as picture:
            planes.append(np.ascontiguousarray(np.asarray(picture.convert("RGB")).transpose(2, 0, 1)))
        truth.append((np.array(label["boxes"]).reshape(-1, 4), np.array(label["digits"], int)))
    return planes, truth


def in_float(network: Path, inputs: list[np.ndarray]) -> list[np.ndarray]:
    session = ort.InferenceSession(network)
    name = session.get_inputs()[0].name
    return [session.run(None, {name: x[None].astype(np.float32) / 255})[0] for x in inputs]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize("name", ["digit_detector", "digit_classifier"])
def test_files_are_small(name: str) -> None:
    for suffix in (".onnx", ".kmodel"):
        assert (MODELS / name).with_suffix(suffix).stat().st_size < 500 * 1024


@pytest.mark.timeout(300)
def test_detector_is_what_the_compiler_makes() -> None:
    """Not to the byte: another processor may round a range otherwise, and the compiler may get better."""
    options = Options(input_range=InputRange(0, 1))
    made = compile_model(MODELS / "digit_detector.onnx", TRAIN / "calibration", options, quiet=True).data
    kept = (MODELS / "digit_detector.kmodel").read_bytes()
    planes = heldout()[0][:1]
    (new,), (old,) = (simulate.outputs(parse(data), planes) for data in (made, kept))
    hint = "compile examples/models/digit_detector.onnx again (examples/train/README.md)"
    assert abs(len(made) - len(kept)) < 0.05 * len(kept), hint
    assert cosine(new, old) > 0.9999, hint


@pytest.mark.timeout(300)
def test_detector_finds_digits_as_well_as_in_float() -> None:
    planes, truth = heldout()
    program = load(MODELS / "digit_detector.kmodel")
    fixed: list[Found] = [decode(simulate.outputs(program, [x])[0]) for x in planes]
    floats: list[Found] = [decode(o) for o in in_float(MODELS / "digit_detector.onnx", planes)]
    found, wanted = mean_average_precision(fixed, truth), mean_average_precision(floats, truth)
    assert wanted >= 0.85
    assert found >= wanted - 0.03


def test_classifier_on_handwriting_that_it_has_not_seen() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn has the handwritten digits")
    data = datasets.load_digits()
    half = len(data.images) // 2
    inputs = [np.rint(i * (255 / 16)).astype(np.uint8)[None] for i in data.images[half:]]
    program = load(MODELS / "digit_classifier.kmodel")
    fixed = np.array([simulate.outputs(program, [x])[0].argmax() for x in inputs])
    floats = np.array([o.argmax() for o in in_float(MODELS / "digit_classifier.onnx", inputs)])
    right, wanted = ((g == data.target[half:]).mean() for g in (fixed, floats))
    assert wanted >= 0.97
    assert right >= wanted - 0.005


def test_classifier_computes_as_in_float() -> None:
    """Random strokes instead of handwriting, which the repository does not have."""
    rng = np.random.default_rng(2)
    inputs = []
    for _ in range(20):
        ink = np.zeros((8, 8), np.uint8)
        x, y = rng.integers(1, 7, 2)
        for _ in range(14):
            ink[y, x] = rng.integers(128, 256)
            x, y = np.clip((x + rng.integers(-1, 2), y + rng.integers(-1, 2)), 0, 7)
        inputs.append(ink[None])
    program = load(MODELS / "digit_classifier.kmodel")
    for x, wanted in zip(inputs, in_float(MODELS / "digit_classifier.onnx", inputs), strict=True):
        assert np.abs(simulate.outputs(program, [x])[0].ravel() - wanted.ravel()).max() < 0.1


# ---- the measure itself ------------------------------------------------------------------------


def test_average_precision_by_hand() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    truth: Truth = [(boxes, np.array([3, 3]))]
    perfect: Found = (boxes, np.array([3, 3]), np.array([0.9, 0.8]))
    assert mean_average_precision([perfect], truth) == pytest.approx(0.1)  # one class of ten
    # Best first: a miss, then both hits: precision 1/2 and 2/3 where recall rises; the envelope takes 2/3.
    far = np.concatenate([[[50.0, 50, 60, 60]], boxes])
    late: Found = (far, np.array([3, 3, 3]), np.array([0.9, 0.8, 0.7]))
    assert mean_average_precision([late], truth) == pytest.approx(0.1 * 2 / 3)
    # The same box twice is right only once.
    twice: Found = (boxes[[0, 0]], np.array([3, 3]), np.array([0.9, 0.8]))
    assert mean_average_precision([twice], truth) == pytest.approx(0.1 / 2)
    assert iou(boxes[:1], boxes[:1] + 5)[0, 0] == pytest.approx(25 / 175)
