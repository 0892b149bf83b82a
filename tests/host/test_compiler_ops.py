# SPDX-License-Identifier: MIT
"""The compiler on every operation and on whole networks: float against onnxruntime, the kmodel against the float
network, and the firmware's core against `k210 model simulate`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from compiler_cases import CASES
from onnx_nets import NETWORKS, Net
from random_nets import random_net

from k210.compiler import floats
from k210.compiler.calibration import InputRange
from k210.compiler.compile import Compiled, Options, compile_model
from k210.errors import K210Error
from k210.model import simulate
from k210.model.kpu import LINES
from k210.model.load import parse

ort = pytest.importorskip("onnxruntime")
ort.set_default_logger_severity(3)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    if not (a.any() or b.any()):
        return 1.0
    return float(a @ b / max(np.sqrt((a @ a) * (b @ b)), 1e-30))


def reference(network: Path, x: np.ndarray) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(network, options).run(None, {"x": x})


def core_outputs(data: bytes, x: np.ndarray, count: int) -> list[np.ndarray]:
    """What the firmware's C core computes, on the host."""
    from kpu_core import Net as CoreNet

    with CoreNet(data) as net:
        net.set_input(np.ascontiguousarray(x).tobytes())
        net.run()
        return [np.array(net.output(i)).ravel().copy() for i in range(count)]


def compiled(net: Net, outputs: list[str], folder: Path, options: Options) -> tuple[Path, Compiled]:
    shape = tuple(d.dim_value for d in net.inputs[0].type.tensor_type.shape.dim)
    rng = np.random.default_rng(3)
    (folder / "cal").mkdir()
    for i in range(3):
        # Smooth pictures, as real ones are; white noise tells a network nothing.
        small = rng.uniform(0, 1, (*shape[:-2], *(max(2, n // 8) for n in shape[-2:]))) if len(shape) == 4 else None
        if small is None:
            x = rng.uniform(0, 1, shape)
        else:
            rows, columns = (np.linspace(0, small.shape[a] - 1, shape[a]).round().astype(int) for a in (2, 3))
            x = np.clip(small[:, :, rows][..., columns] + rng.normal(0, 0.03, shape), 0, 1)
        np.save(folder / "cal" / f"{i}.npy", x.astype(np.float32))
    network = net.save(folder / "net.onnx", *outputs)
    return network, compile_model(network, folder / "cal", options, quiet=True)


def check(network: Path, made: Compiled, least: float) -> None:
    x = made.calibration.one(0)[made.graph.inputs[0]]
    want = reference(network, x)
    for a, b in zip(floats.run(made.graph, {made.graph.inputs[0]: x}), want, strict=True):
        assert np.abs(a - b).max() <= 2e-4 * max(np.abs(b).max(), 1e-6)
    given = made.calibration.model_input(made.graph.inputs[0], x)
    found = simulate.outputs(parse(made.data), [given])
    for a, b in zip(found, want, strict=True):
        assert a.size == b.size and cosine(a, b) >= least
    for a, b in zip(core_outputs(made.data, given, len(found)), found, strict=True):
        assert np.abs(a - b.ravel()).max() <= 1e-5 * max(np.abs(b).max(), 1)


@pytest.mark.parametrize("name", CASES)
def test_operation(tmp_path: Path, name: str) -> None:
    make, shape, opset = CASES[name]
    net = Net(shape, 1, opset)
    network, made = compiled(net, [make(net)], tmp_path, Options())
    check(network, made, 0.99)


SIZES = {"yolox_nano": {"size": 96, "classes": 5}, "yolov2_tiny": {"size": 96}, "yolov3_tiny": {"size": 96},
         "mobilenet_v1": {"size": 96}, "resnet18": {"size": 64}}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_network(tmp_path: Path, name: str) -> None:
    net, outputs = NETWORKS[name](**SIZES.get(name, {}))
    network, made = compiled(net, outputs, tmp_path, Options(input_range=InputRange(0, 1)))
    check(network, made, 0.98)


V3_NETWORKS = ["yolov2_tiny", "yolov3_tiny", "mobilenet_v1"]
V3_NETWORKS += ["MaxPool_k3s2p1c0", "add", "concat_act", "gap_fc", "act_hswish"]


@pytest.mark.parametrize("name", V3_NETWORKS)
def test_version_3(tmp_path: Path, name: str) -> None:
    if name in NETWORKS:
        net, outputs = NETWORKS[name](size=128)
    else:
        make, shape, opset = CASES[name]
        net = Net(shape, 1, opset)
        outputs = [make(net)]
    network, made = compiled(net, outputs, tmp_path, Options(input_range=InputRange(0, 1), version=3))
    assert made.data[:4] == b"\3\0\0\0"
    check(network, made, 0.99)


def test_version_3_names_what_it_lacks(tmp_path: Path) -> None:
    net = Net()
    out = net.op("Transpose", net.conv("x", 3, 8), perm=[0, 2, 3, 1])
    with pytest.raises(K210Error, match=r"node Transpose_2 \(Transpose\): kmodel v3 has no layer.*v4"):
        compiled(net, [out], tmp_path, Options(input_range=InputRange(0, 1), version=3))


def test_feature_maps_leave_ai_memory_while_they_wait(tmp_path: Path) -> None:
    """A map that is read again much later makes room for layers that need nearly all of AI memory."""
    net = Net((1, 3, 160, 160))
    early = net.op("Relu", net.conv("x", 3, 16))
    x = net.op("Relu", net.conv(early, 16, 28))
    x = net.op("Relu", net.conv(x, 28, 28))
    x = net.conv(x, 28, 12, 1)
    x = net.conv(net.op("Concat", x, early, axis=1), 28, 4, 1)
    network, made = compiled(net, [x], tmp_path, Options(input_range=InputRange(0, 1)))
    kinds = [n.kind for n in made.machine.nodes]
    assert kinds.count("upload") >= 1 and made.machine.lines_used <= LINES
    check(network, made, 0.99)


RANDOM_NETS = int(os.environ.get("K210_RANDOM_NETS", "25"))


@pytest.mark.parametrize("seed", range(RANDOM_NETS))
def test_random_network(tmp_path: Path, seed: int) -> None:
    """More of them with K210_RANDOM_NETS=1000."""
    net, outputs, _ = random_net(seed)
    network, made = compiled(net, outputs, tmp_path, Options(input_range=InputRange(0, 1) if seed % 2 else None))
    check(network, made, 0.97)
