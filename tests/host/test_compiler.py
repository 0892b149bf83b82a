# SPDX-License-Identifier: MIT
"""`k210 model compile`: networks with known outputs, against onnxruntime in float."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from k210.cli import main
from k210.compiler.compile import Options, compile_model
from k210.model import simulate
from k210.model.load import parse
from k210.pytest_plugin import TestData

ort = pytest.importorskip("onnxruntime")

SYNTH = ["n_a", "n_b", "n_c", "n_d", "n_e"]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@pytest.mark.parametrize("name", SYNTH)
@pytest.mark.parametrize("method", ["minmax", "percentile", "kl"])
def test_synthetic_networks(data: TestData, tmp_path: Path, name: str, method: str) -> None:
    network = data(f"models/synth_v5/{name}.onnx")
    shutil.copy(data(f"models/synth_v5/{name}_in.npy"), tmp_path / "0.npy")
    compiled = compile_model(network, tmp_path, Options(method=method), quiet=True)
    x = np.load(tmp_path / "0.npy")
    session = ort.InferenceSession(network)
    entry = session.get_inputs()[0]
    (want,) = session.run(None, {entry.name: x.reshape(entry.shape)})
    (found,) = simulate.outputs(parse(compiled.data), [x])
    assert cosine(found, want) >= 0.999


def test_command_with_float_input(data: TestData, tmp_path: Path) -> None:
    """As a user does it: compile, then simulate with the same floats."""
    source = data("models/synth_v5/n_a_in.npy")
    (tmp_path / "cal").mkdir()
    shutil.copy(source, tmp_path / "cal" / "0.npy")
    network = data("models/synth_v5/n_a.onnx")
    model = tmp_path / "a.kmodel"
    assert main(["model", "compile", str(network), "-o", str(model), "--calibration", str(tmp_path / "cal")]) == 0
    assert main(["model", "simulate", str(model), "--image", str(source), "--out", str(tmp_path)]) == 0
    session = ort.InferenceSession(network)
    x = np.load(source).reshape(session.get_inputs()[0].shape)
    (want,) = session.run(None, {session.get_inputs()[0].name: x})
    assert cosine(np.load(tmp_path / "output0.npy"), want) >= 0.999
