# SPDX-License-Identifier: MIT
"""kmodel v5: loading, running on a software KPU, and refusing broken files."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from kpu_core import F32, U8, KpuError, Net, data_path, limits, measure, model, planes

FORMAT, NO_MEM = 2003, 2006
SYNTH = ["n_a", "n_b", "n_c", "n_d", "n_e"]


pytestmark = pytest.mark.usefixtures("no_leak")


def synth(name: str, what: str) -> np.ndarray:
    return np.load(data_path(f"models/synth_v5/{name}_{what}.npy"))


@pytest.mark.parametrize("name", SYNTH)
def test_equals_the_compilers_simulator(name):
    data = synth(name, "in").astype(np.float32)
    want = synth(name, "out")
    with Net(model(f"synth_v5/{name}.kmodel")) as net:
        assert [(t.dtype, t.c, t.h, t.w) for t in net.inputs] == [(F32, *data.reshape((-1, *data.shape[-2:])).shape)]
        net.set_input(data.tobytes())
        net.run()
        got = net.output()
        assert got.size == want.size
        assert np.abs(got - want.ravel()).max() <= 1e-5


def test_yolox_finds_the_dog():
    """120 KPU layers in 27 functions, strided copies into one output; no oracle but the picture."""
    picture = np.frombuffer(planes("dog_320x240.ppm"), np.uint8).reshape(3, 240, 320)
    box = np.full((3, 224, 224), 114, np.uint8)
    rows, cols = np.arange(168) * 240 // 168, np.arange(224) * 320 // 224
    box[:, :168] = picture[:, rows][:, :, cols]
    with Net(model("yolox_nano_224_v5.kmodel")) as net:
        assert [(t.dtype, t.c, t.h, t.w) for t in net.inputs] == [(U8, 3, 224, 224)]
        assert [(t.dtype, t.c, t.h, t.w) for t in net.outputs] == [(F32, 1, 1029, 85)]
        assert sum(node.is_conv for node in net.nodes) == 120
        net.set_input(box.tobytes())
        net.run()
        out = net.output().reshape(1029, 85)
    score = out[:, 4:5] * out[:, 5:]
    assert score.max() <= 1 and score.min() >= 0
    found = {int(score[i].argmax()) for i in np.flatnonzero(score.max(1) > 0.3)}
    assert found & {1, 2, 7, 16}, found  # bicycle, car, truck, dog


def test_measure():
    for name in ("yolox_nano_224_v5.kmodel", "synth_v5/n_b.kmodel"):
        data = model(name)
        assert measure(data) == measure(data + b"\xff" * 1000) == len(data)


def test_truncation():
    data = model("synth_v5/n_e.kmodel")
    for n in range(len(data)):
        with pytest.raises(KpuError) as info:
            Net(data[:n], compute=False).close()
        assert info.value.text
        if n >= 8:
            with pytest.raises(KpuError):
                measure(data[:n])


def test_every_word():
    data = model("synth_v5/n_e.kmodel")
    refused = 0
    for off in range(8, len(data) - 3, 4):
        for value in (0, 0xFFFFFFFF, 0x00FFFFC0):
            bad = bytearray(data)
            struct.pack_into("<I", bad, off, value)
            try:
                with Net(bytes(bad), compute=False) as net:
                    net.set_input(bytes(net.inputs[0].size))
                    net.run()
            except KpuError as e:
                refused += 1
                assert e.text
    assert refused > 500


def test_old_layout_is_named():
    data = bytearray(model("synth_v5/n_a.kmodel"))
    struct.pack_into("<II", data, 8, 0, 8)
    with pytest.raises(KpuError, match="before 1.0.0-beta1"):
        Net(bytes(data)).close()


def test_out_of_memory():
    data = model("synth_v5/n_e.kmodel")
    for nth in range(1, 8):
        limits(fail_at=nth)
        with pytest.raises(KpuError) as info:
            Net(data).close()
        assert info.value.code == NO_MEM
