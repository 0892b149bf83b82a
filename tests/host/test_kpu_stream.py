# SPDX-License-Identifier: MIT
"""Streamed weights give the same numbers as weights in memory, whatever the pieces are."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from kpu_core import KpuError, Net, Streamed, data_path, live_blocks, model, planes
from v3_builder import Conv, Model

MODELS = ["mnist.kmodel", "slim-320_v4.kmodel", "synth_v5/n_d.kmodel"]


def run(net: Net, data: bytes) -> list[bytes]:
    net.set_input(data)
    net.run()
    return [net.output(i).tobytes() for i in range(len(net.outputs))]


def input_of(data: bytes) -> bytes:
    with Net(data, compute=False) as net:
        t = net.inputs[0]
    rng = np.random.default_rng(5)
    return rng.random(t.size // 4, np.float32).tobytes() if t.dtype == 0 else rng.bytes(t.size)


def random_model(
    bits: int, depthwise: bool, w: int, h: int, ic: int, oc: int, k: int, per_load: int, sent: bool
) -> bytes:
    """Two layers with weights that matter; the first one is the one looked at."""
    rng = np.random.default_rng(w * 1000 + oc)
    dtype = np.uint8 if bits == 8 else np.uint16
    taps = k * k * (1 if depthwise else ic)

    def conv(in_c: int, out_c: int, taps: int, src: int, dst: int, main: int | None, **args) -> Conv:
        # Results of about 0 +- 100.
        weights = rng.integers(0, 1 << bits, (out_c, taps)).astype(dtype)
        shift = round(np.log2(2.2 * np.sqrt(taps)) + bits - 8)
        act = [(-(1 << 35), 0, 0, 0), (-(1 << 34), 0, 0, 5), (0, 1, shift, 30)]
        # Each channel has scales of its own, so that a table that is off by a channel shows.
        bn = [(int(rng.integers(1, 40)), int(rng.integers(-99, 99)), 10) for _ in range(out_c)]
        return Conv(w, h, in_c, out_c, weights, bn, act, src=src, dst=dst, main=main, arg_x=-1 << (bits - 1), **args)

    first = conv(ic, oc, taps, 0, 8192, 0 if sent else None, k=k, depthwise=depthwise, per_load=per_load)
    second = conv(oc, 24, oc, 8192, 16384, -(-w * h * oc // 8) * 8, k=1)
    size = -(-w * h * oc // 8) * 8 + w * h * 24
    outputs = [(size - w * h * 24, 4 * w * h * 24)] + ([(0, 4 * w * h * oc)] if sent else [])
    return Model(-(-size // 8) * 8 + 8, outputs, flags=bits == 8).conv(first).conv(second).build()


CASES = [
    # bits, depthwise, w, h, ic, oc, k, per_load, sent
    (8, False, 5, 5, 64, 100, 3, 7, True),
    (8, False, 16, 4, 128, 77, 3, 10, True),
    (8, False, 20, 6, 48, 130, 3, 64, False),
    (8, False, 40, 3, 100, 64, 1, 64, True),
    (16, False, 9, 7, 64, 50, 3, 13, True),
    (8, True, 13, 5, 512, 512, 3, 512, True),
    (16, True, 33, 4, 300, 300, 3, 300, False),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}bit-{c[2]}x{c[3]}x{c[5]}" for c in CASES])
@pytest.mark.parametrize(("slots", "slot_size"), [(2, 1), (1, 8192), (2, 20000), (2, 1 << 20)])
def test_pieces_of_a_layer(case, slots, slot_size):
    data = random_model(*case)
    x = input_of(data)
    with Net(data) as net:
        want = run(net, x)
    assert len(np.unique(np.frombuffer(want[0], np.uint8))) > 20
    with Streamed(data, slots=slots, slot_size=slot_size) as net:
        assert net.figure("gaps") >= 1
        assert run(net, x) == want
        assert run(net, x) == want
    assert live_blocks() == 0


@pytest.mark.parametrize("name", MODELS)
def test_real_models(name):
    data = model(name)
    x = input_of(data)
    with Net(data) as net:
        want = run(net, x)
    with Streamed(data) as net:
        assert net.figure("gaps") > 0
        assert run(net, x) == want


def test_face_model_bit_exact():
    want = np.load(data_path("expected/detect_astronaut.out0.npy")).astype(np.float32).tobytes()
    with Streamed(model("detect.kmodel"), slot_size=32768) as net:
        assert net.figure("total") > 300000
        assert run(net, planes("astronaut_320x240.ppm"))[0] == want


def test_v5_with_many_functions():
    data = model("yolox_nano_224_v5.kmodel")
    with Streamed(data, compute=False) as net, Net(data, compute=False) as whole:
        assert net.figure("total") > 500000
        x = input_of(data)
        assert run(net, x) == run(whole, x)


def test_batches_and_v4_models():
    # 73 nodes, CPU layers between the streamed ones, results read out of KPU RAM.
    data = model("yolo_v4.kmodel")
    with Streamed(data, compute=False, slot_size=65536) as net:
        assert net.figure("total") > 1200000
        net.set_input(input_of(data))
        net.run()
        assert net.figure("reads") >= net.figure("total") // 65536


def test_what_fits_stays_in_memory():
    data = model("detect.kmodel")
    with Streamed(data, budget=0) as none, Streamed(data, budget=200000) as some, Streamed(data, budget=400000) as all_:
        assert none.figure("total") > some.figure("total") > 0
        assert some.figure("gaps") < none.figure("gaps")
        assert all_.figure("gaps") == all_.figure("total") == 0


def test_second_run_finds_the_first_piece():
    data = random_model(*CASES[0])
    x = input_of(data)
    with Streamed(data, slot_size=16384) as net:
        run(net, x)
        first = net.figure("reads")
        run(net, x)
        assert net.figure("reads") - first < first


def test_a_read_error_is_an_error_and_then_forgotten():
    data = random_model(*CASES[0])
    x = input_of(data)
    with Streamed(data, slot_size=8192) as net:
        want = run(net, x)
        for at in range(1, 6):
            net.set_input(x)
            net.fail_read(at)
            try:
                net.run()
            except KpuError as e:
                assert e.code == 2008 and "the weights failed" in e.text
            net.fail_read(0)
            assert run(net, x) == want


def test_error_in_the_kpu():
    data = random_model(*CASES[0])
    x = input_of(data)
    with Streamed(data, slot_size=8192) as net:
        want = run(net, x)
        net.set_input(x)
        with pytest.raises(KpuError, match="starting the KPU"):
            net.run(fail_at=3)
        assert run(net, x) == want


def test_stopping_early_and_going_on():
    data = random_model(*CASES[0])
    x = input_of(data)
    with Streamed(data, slot_size=8192) as net:
        want = run(net, x)
        for _ in range(3):
            net.set_input(x)
            net.run(end=1)
        net.run(go_on=True)
        assert net.output(0).tobytes() == want[0]


def test_something_else_among_the_weights():
    """Tables that overlap the weights of a layer can be used in memory, not in a gap."""
    data = bytearray(random_model(*CASES[0]))
    body = 28 + 8 * 2 + 8 * 2
    weights = struct.unpack_from("<I", data, body + 12)[0]
    struct.pack_into("<I", data, body + 20, (weights + 511) & ~255)
    Net(bytes(data), compute=False).close()
    with pytest.raises(KpuError, match="activation table at .* are among the weights of another layer"):
        Streamed(bytes(data))
    assert live_blocks() == 0
