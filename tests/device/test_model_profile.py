# SPDX-License-Identifier: MIT
"""`k210 model check`, `compile` and `profile` as a user runs them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from k210.cli import FAILED, main

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from onnx_nets import Net

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Two layers on the KPU, a resize and a softmax on the CPU."""
    net = Net((1, 3, 32, 32))
    x = net.op("Relu", net.conv("x", 3, 8))
    scales = net.const(np.array([1, 1, 2, 2], np.float32))
    x = net.op("Resize", x, net.const(np.zeros(0, np.float32)), scales, mode="nearest",
               coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
    x = net.conv(x, 8, 4)
    return net.save(tmp_path / "net.onnx", net.op("Softmax", net.op("Flatten", net.op("GlobalAveragePool", x)), axis=1))


def test_check_compile_profile(network: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["model", "check", str(network)]) == 0
    text = capsys.readouterr().out
    assert "(Resize)" in text and "2 on the KPU" in text and "ms per picture" in text
    folder = network.parent / "pictures"
    folder.mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    model = network.parent / "net.kmodel"
    assert main(["model", "compile", str(network), "-o", str(model), "--calibration", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "cosine" in text and "SNR dB" in text and "AI memory" in text and "main memory" in text
    assert Image.open(network.parent / "net.png").size[0] > 400
    assert main(["model", "profile", str(model)]) == 0
    text = capsys.readouterr().out
    rows = [line.split("\u2502") for line in text.splitlines() if line.count("\u2502") > 6 and "ms" not in line]
    times = {row[2].strip(): float(row[5]) for row in rows if row[1].strip().isdigit()}
    assert {"KPU conv2d", "resize_image", "dequantize", "softmax"} <= set(times)
    assert 0.05 < times["resize_image"] < 50
    assert "pictures a second" in text and "virtual time" in text
    assert Image.open(network.parent / "net.profile.png").size[0] > 400


def test_profile_of_what_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "a.kmodel").write_bytes(bytes(100))
    assert main(["model", "profile", str(tmp_path / "a.kmodel")]) == FAILED
    assert "no kmodel" in capsys.readouterr().err
