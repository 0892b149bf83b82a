# SPDX-License-Identifier: MIT
"""What cannot be compiled: each a sentence with the node's name and what to do, and no file left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_nets import Net
from PIL import Image

from k210.cli import FAILED, main


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(2):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


def failure(capfd: pytest.CaptureFixture, network: Path, folder: Path, *more: str) -> str:
    """Compiles, expects an error, gives its text; nothing may have been written."""
    before = sorted(network.parent.iterdir())
    out = network.parent / "out.kmodel"
    status = main(["model", "compile", str(network), "-o", str(out), "--calibration", str(folder), *more])
    text = capfd.readouterr().err
    assert status == FAILED and sorted(network.parent.iterdir()) == before
    assert text.startswith("k210: ") and "Traceback" not in text
    return text


def changed(path: Path, change: Callable[[onnx.ModelProto], object]) -> Path:
    """A small good network after a change to the file."""
    net = Net()
    model = net.model(net.conv("x", 3, 8))
    change(model)
    onnx.save(model, path)
    return path


def dims(model: onnx.ModelProto) -> list:
    return model.graph.input[0].type.tensor_type.shape.dim


def nan_weights(n: Net) -> str:
    w = n.rng.normal(size=(4, 8, 3, 3))
    w[1, 2, 0, 1] = np.nan
    return n.op("Conv", n.conv("x", 3, 8), n.const(w), kernel_shape=[3, 3])


NETWORKS: dict[str, tuple[Callable[[Net], str], tuple[int, ...], str]] = {
    "unknown": (lambda n: n.op("FancyOp", n.conv("x", 3, 8)), (1, 3, 32, 32), "node FancyOp_2 .*not known.*script"),
    "argmax": (lambda n: n.op("ArgMax", n.conv("x", 3, 8), axis=1), (1, 3, 32, 32), "node ArgMax_2 .*not known"),
    "nan": (nan_weights, (1, 3, 32, 32), "node Conv_2 .*1 of its 288 weights are NaN.*again"),
    "too wide": (lambda n: n.conv("x", 3, 8), (1, 3, 32, 600), "node Conv_1 .*600.*512.*smaller picture"),
    "too large": (lambda n: n.conv("x", 3, 64), (1, 3, 224, 224), "node Conv_1 .*KiB.*2,048 KiB.*smaller picture"),
    "later too large": (
        lambda n: n.conv(n.op("Relu", n.conv("x", 3, 16)), 16, 30), (1, 3, 224, 224),
        "node Conv_3 .*16.224.224.*KiB, the KPU has 2,048 KiB",
    ),
    "batch": (lambda n: n.conv("x", 3, 8), (2, 3, 32, 32), "node Conv_1 .*batch of 2.*batch size 1"),
    "large kernel": (
        lambda n: n.conv(n.conv("x", 3, 200), 200, 8, 7), (1, 3, 32, 32), "node Conv_2 .*7.7 over 200 channels.*use 3.3"
    ),
    "cast": (lambda n: n.op("Cast", n.conv("x", 3, 8), to=7), (1, 3, 32, 32), "node Cast_2 .*whole numbers"),
    "nan values": (
        lambda n: n.op("Log", n.op("Sub", n.op("Relu", n.conv("x", 3, 8)), n.const(np.ones((1, 8, 8, 8))))),
        (1, 3, 8, 8), "node Log_4 .*NaN or infinite",
    ),
    "not for pictures": (lambda n: n.conv("x", 12, 8), (1, 12, 32, 32), "input x is 1.12.32.32, which no picture fits"),
    "instance norm": (
        lambda n: n.op("InstanceNormalization", n.conv("x", 3, 8), n.const(np.ones(8)), n.const(np.zeros(8))),
        (1, 3, 32, 32), "node InstanceNormalization_2 .*batch normalization",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_network_that_cannot_be_compiled(tmp_path: Path, pictures: Path, capfd, name: str) -> None:
    make, shape, text = NETWORKS[name]
    net = Net(shape)
    with pytest.MonkeyPatch.context() as patch:
        # onnx itself knows nothing of FancyOp and does not like what is wrong here.
        patch.setattr(onnx.shape_inference, "infer_shapes", lambda model: model)
        network = net.save(tmp_path / "net.onnx", make(net))
    import re

    assert re.search(text, failure(capfd, network, pictures), re.DOTALL)


def test_dynamic_shapes(tmp_path: Path, pictures: Path, capfd) -> None:
    def change(model: onnx.ModelProto) -> None:
        dims(model)[0].dim_param, dims(model)[2].dim_param = "batch", "height"

    network = changed(tmp_path / "net.onnx", change)
    text = failure(capfd, network, pictures)
    assert "input x" in text and "Conv_1" in text and "batch\u00d73\u00d7height\u00d732" in text
    assert "--input-shape x=1,3,224,32" in text
    text = failure(capfd, network, pictures, "--input-shape", "y=1,3,32,32")
    assert "has the dynamic shape" in text
    text = failure(capfd, network, pictures, "--input-shape", "x=1,4,32,32")
    assert "does not fit" in text
    out = tmp_path / "out.kmodel"
    arguments = ["-o", str(out), "--calibration", str(pictures), "--input-shape", "x=1,3,32,32", "--compare", "0"]
    assert main(["model", "compile", str(network), *arguments]) == 0 and out.exists()


def test_no_shape_at_all(tmp_path: Path, pictures: Path, capfd) -> None:
    network = changed(tmp_path / "net.onnx", lambda m: m.graph.input[0].type.tensor_type.ClearField("shape"))
    assert "dynamic shape" in failure(capfd, network, pictures)


@pytest.mark.parametrize("opset", [5, 99])
def test_opset(tmp_path: Path, pictures: Path, capfd, opset: int) -> None:
    network = changed(tmp_path / "net.onnx", lambda m: setattr(m.opset_import[0], "version", opset))
    text = failure(capfd, network, pictures)
    assert f"opset {opset}" in text and "Conv_1" in text and "opset_version=17" in text


def test_no_onnx_file(tmp_path: Path, pictures: Path, capfd) -> None:
    network = tmp_path / "net.onnx"
    for data in (b"", b"hello" * 100):
        network.write_bytes(data)
        assert "no ONNX file" in failure(capfd, network, pictures)
    assert "there is no" in failure(capfd, tmp_path / "other.onnx", pictures)


def test_calibration_folder(tmp_path: Path, pictures: Path, capfd) -> None:
    network = changed(tmp_path / "net.onnx", lambda m: None)
    folder = tmp_path / "cal"
    assert "there is no such folder" in failure(capfd, network, folder)
    folder.mkdir()
    (folder / "readme.txt").write_text("nothing")
    assert "no pictures" in failure(capfd, network, folder) and "for input x" in failure(capfd, network, folder)
    (folder / "a.png").write_text("no picture")
    text = failure(capfd, network, folder)
    assert "a.png is no picture that can be read" in text
    (folder / "a.png").unlink()
    np.save(folder / "a.npy", np.zeros((1, 3, 16, 16), np.float32))
    text = failure(capfd, network, folder)
    assert "a.npy has the shape 1\u00d73\u00d716\u00d716, input x is 1\u00d73\u00d732\u00d732" in text
    np.save(folder / "a.npy", np.full((1, 3, 32, 32), np.nan, np.float32))
    assert "no finite numbers" in failure(capfd, network, folder)
    np.save(folder / "a.npy", np.zeros((1, 3, 32, 32), np.float32))
    assert "all values of input x are 0" in failure(capfd, network, folder)


def test_options(tmp_path: Path, pictures: Path, capfd) -> None:
    network = changed(tmp_path / "net.onnx", lambda m: None)
    for value, text in (("1", "two numbers"), ("a,b", "two numbers"), ("1,0", "larger"), ("nan,1", "larger")):
        assert text in failure(capfd, network, pictures, "--input-range", value)
    assert "--input-shape takes" in failure(capfd, network, pictures, "--input-shape", "x")
    assert "--percentile" in failure(capfd, network, pictures, "--percentile", "3")
    out = tmp_path / "nowhere" / "out.kmodel"
    assert main(["model", "compile", str(network), "-o", str(out), "--calibration", str(pictures)]) == FAILED
    assert "there is no folder" in capfd.readouterr().err


def test_an_older_output_stays_when_compiling_fails(tmp_path: Path, pictures: Path, capfd) -> None:
    net = Net()
    network = net.save(tmp_path / "net.onnx", nan_weights(net))
    (tmp_path / "out.kmodel").write_text("older")
    failure(capfd, network, pictures)
    assert (tmp_path / "out.kmodel").read_text() == "older"


def test_check_refuses_the_same(tmp_path: Path, capfd) -> None:
    net = Net()
    network = net.save(tmp_path / "net.onnx", nan_weights(net))
    assert main(["model", "check", str(network)]) == FAILED
    assert "node Conv_2" in capfd.readouterr().err
