# SPDX-License-Identifier: MIT
"""Every layer type of kmodel v3 against numpy, in files made here."""

from __future__ import annotations

import numpy as np
import pytest
from kpu_core import KpuError, Net
from v3_builder import Conv, Model, f32, u32

pytestmark = pytest.mark.usefixtures("no_leak")


def run_model(model: Model, data: np.ndarray) -> np.ndarray:
    with Net(model.build()) as net:
        net.set_input(data.tobytes())
        net.run()
        return net.output().copy()


def floats(n: int, seed: int = 1, scale: float = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, n).astype(np.float32)


def octets(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, n, np.uint8)


def one_layer(code: int, body: bytes, data: np.ndarray, out: int, out_bytes: int) -> np.ndarray:
    return run_model(Model(out + -(-out_bytes // 8) * 8, [(out, out_bytes)]).add(code, body), data)


def test_add():
    a = floats(20)
    got = one_layer(1, u32(0, 0, 80, 20), a, 80, 80)
    assert np.array_equal(got, a + a)


def round_shift(v: int, s: int) -> int:
    if s == 0:
        return v
    u = v >> (s - 1)
    if u % 2 == 0:
        return u >> 1
    return (u >> 1) + 1 if u >= 0 else (u >> 1) - 1


@pytest.mark.parametrize("shifts", [(3, 3, 10), (2, 5, 12), (0, 0, 0), (7, 1, 1)])
def test_quantized_add(shifts):
    a = octets(64)
    params = (-100, 37, shifts[0], -20, -11, shifts[1], 17, 23, shifts[2])
    a_off, a_mul, a_shift, b_off, b_mul, b_shift, o_off, o_mul, o_shift = params
    want = []
    for v in a.tolist():
        x, y = (v + a_off) * a_mul, (v + b_off) * b_mul
        z = (x + y) >> a_shift if a_shift == b_shift else (x >> a_shift) + (y >> b_shift)
        want.append(min(255, max(0, round_shift(z * o_mul, o_shift) + o_off)))
    got = one_layer(2, u32(0, 0, 64, 64, *params), a, 64, 64 * 4)
    assert got.tolist() == want


def test_global_average():
    a = floats(4 * 35)
    got = one_layer(5, u32(0, 560, 35, 4), a, 560, 16)
    assert np.allclose(got, a.reshape(4, 35).mean(1), atol=1e-6)


def windows(size, out, k, s, pad):
    for o in range(out):
        yield o, max(0, o * s - pad), min(size, o * s - pad + k)


@pytest.mark.parametrize(("k", "s", "pad"), [(2, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2)])
@pytest.mark.parametrize("code", [8, 9])
def test_pools(code, k, s, pad):
    w, h, c = 11, 7, 3
    ow, oh = (w + 2 * pad - k) // s + 1, (h + 2 * pad - k) // s + 1
    data = octets(w * h * c) if code == 8 else floats(w * h * c)
    x = data.reshape(c, h, w)
    want = np.zeros((c, oh, ow), x.dtype)
    for oy, y0, y1 in windows(h, oh, k, s, pad):
        for ox, x0, x1 in windows(w, ow, k, s, pad):
            part = x[:, y0:y1, x0:x1]
            want[:, oy, ox] = part.max((1, 2)) if code == 8 else part.mean((1, 2))
    out = -(-data.nbytes // 8) * 8
    body = u32(0, out, w, h, c, ow, oh, c, k, k, s, s, pad, pad, 0)
    got = one_layer(code, body, data, out, want.size * 4)
    assert np.allclose(got, want.ravel(), atol=1e-6)


def test_average_pool_without_taps_is_zero():
    body = u32(0, 64, 4, 4, 1, 2, 1, 1, 1, 1, 100, 1, 0, 0, 0)
    got = one_layer(9, body, floats(16), 64, 8)
    assert got[1] == 0


@pytest.mark.parametrize("bias", [0.0, -3.7])
def test_quantize(bias):
    scale = 0.05
    a = np.concatenate([floats(60), [np.inf, -np.inf, np.nan, 1e30]]).astype(np.float32)
    got = one_layer(11, u32(0, 256, 64) + f32(scale, bias), a, 256, 256)
    t = (a[:60] - np.float32(bias)) * (np.float32(1) / np.float32(scale))
    want = np.clip(np.trunc(t + np.copysign(0.5, t)), 0, 255)
    assert np.abs(got[:60] - want).max() == 0
    assert got[60:].tolist() == [255, 0, 0, 255]


def test_dequantize():
    a = octets(33)
    got = one_layer(12, u32(0, 40, 33) + f32(0.25, -7), a, 40, 132)
    assert np.array_equal(got, a.astype(np.float32) * np.float32(0.25) - 7)


def test_requantize():
    a, table = octets(50), octets(256, 5)
    got = one_layer(13, u32(0, 56, 50) + table.tobytes(), a, 56, 200)
    assert np.array_equal(got, table[a])


def test_l2_norm():
    a = floats(64)
    assert np.allclose(one_layer(14, u32(0, 256, 64), a, 256, 256), a / np.sqrt((a * a).sum()), atol=1e-6)
    assert not one_layer(14, u32(0, 256, 64), a * 0, 256, 256).any()


@pytest.mark.parametrize("shift", [0, -200, 500])
def test_softmax(shift):
    a = floats(10) + np.float32(shift)
    e = np.exp(a.astype(np.float64) - a.max())
    assert np.allclose(one_layer(15, u32(0, 40, 10), a, 40, 40), e / e.sum(), atol=1e-6)


@pytest.mark.parametrize("code", [16, 17])
def test_concat(code):
    a = octets(48)
    model = Model(112, [(56, 44 * 4)]).add(13, u32(0, 0, 48) + bytes(range(256)))
    model.add(code, u32(56, 3, 40, 8, 0, 16, 5, 20))
    assert np.array_equal(run_model(model, a), np.concatenate([a[40:48], a[:16], a[5:25]]))


def test_concat_of_floats_is_float():
    model = Model(96, [(64, 24)]).add(25, u32(0, 32, 8)).add(16, u32(64, 2, 32, 8, 40, 16))
    a = floats(8)
    got = run_model(model, a)
    assert got.dtype == np.float32 and np.allclose(got, (1 / (1 + np.exp(-a)))[[0, 1, 2, 3, 4, 5]], atol=1e-6)


@pytest.mark.parametrize("activation", [0, 1, 2])
def test_fully_connected(activation):
    a, w, b = floats(12), floats(60, 2), floats(5, 3, 20)
    want = w.reshape(5, 12) @ a + b
    if activation:
        want = np.clip(want, 0, 6 if activation == 2 else None)
    got = one_layer(18, u32(0, 48, 12, 5, activation) + w.tobytes() + b.tobytes(), a, 48, 20)
    assert np.allclose(got, want, atol=1e-4)


def test_flatten():
    a = floats(5 * 3 * 4)
    got = one_layer(20, u32(0, 240, 5, 3, 4), a, 240, 240)
    assert np.array_equal(got, a.reshape(4, 3, 5).transpose(1, 2, 0).ravel())


@pytest.mark.parametrize(("ow", "oh"), [(10, 6), (3, 2), (7, 5)])
@pytest.mark.parametrize("code", [22, 23])
def test_resize(code, ow, oh):
    w, h, c = 5, 3, 2
    a = floats(w * h * c) if code == 22 else octets(w * h * c)
    ys = np.minimum(np.floor(np.arange(oh, dtype=np.float32) * (np.float32(h) / np.float32(oh))), h - 1).astype(int)
    xs = np.minimum(np.floor(np.arange(ow, dtype=np.float32) * (np.float32(w) / np.float32(ow))), w - 1).astype(int)
    out = -(-a.nbytes // 8) * 8
    got = one_layer(code, u32(0, out, w, h, c, ow, oh, 0), a, out, ow * oh * c * 4)
    assert np.array_equal(got, a.reshape(c, h, w)[:, ys][:, :, xs].ravel())


def test_channelwise_dequantize():
    a, table = octets(30), floats(6, 4)
    got = one_layer(24, u32(0, 32, 3, 10) + table.tobytes(), a, 32, 120)
    want = a.reshape(3, 10).astype(np.float32) * table[0::2, None] + table[1::2, None]
    assert np.allclose(got, want.ravel(), atol=1e-4)


def test_logistic():
    a = floats(32, scale=20)
    assert np.allclose(one_layer(25, u32(0, 128, 32), a, 128, 128), 1 / (1 + np.exp(-a.astype(np.float64))), atol=1e-6)


IDENTITY = [(-(1 << 35), 0, 0, 0), (0, 1, 0, 0)]


def conv1x1(w, h, ic, oc, weights, **kw):
    return Conv(w, h, ic, oc, weights, [(1, 0, 0)] * oc, IDENTITY, **kw)


def test_upload_and_conv_copies_channels():
    """Upload 40x5x3 from the working buffer, 1x1 convolution that swaps the channels."""
    a = octets(600)
    swap = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], np.uint8)
    model = Model(1200, [(600, 2400)]).add(10243, u32(0, 100, 40, 5, 3))
    model.conv(conv1x1(40, 5, 3, 3, swap, src=100, dst=200, main=600))
    assert np.array_equal(run_model(model, a), a.reshape(3, 200)[[2, 0, 1]].ravel())


@pytest.mark.parametrize("w", [4, 16, 17, 32, 33, 64, 65, 130])
def test_layouts(w):
    """Input in every layout, through a depthwise 3x3 that shifts the picture by one pixel."""
    h, c = 6, 5
    a = octets(w * h * c)
    kernel = np.zeros((c, 3, 3), np.uint8)
    kernel[:, 0, 1] = 1  # the pixel above
    layer = Conv(w, h, c, c, kernel, [(1, 0, 0)] * c, IDENTITY, src=0, dst=1000, main=0, k=3, depthwise=True, pad=9)
    size = w * h * c
    got = run_model(Model(-(-size // 8) * 8, [(0, size * 4)]).conv(layer), a)
    x = a.reshape(c, h, w)
    assert np.array_equal(got.reshape(c, h, w), np.concatenate([np.full((c, 1, w), 9), x[:, :-1]], 1))


def test_sixteen_bit_weights():
    a = octets(8 * 8)
    layer = Conv(8, 8, 1, 1, np.array([1000], np.uint16), [(1, 0, 3)], [(-(1 << 35), 0, 0, 0), (0, 1, 7, 0)],
                 src=0, dst=100, main=0)  # fmt: skip
    got = run_model(Model(64, [(0, 256)], flags=0).conv(layer), a)
    want = np.clip(np.rint((a.astype(np.int64) * 1000 >> 3) / 128), 0, 255)
    assert np.array_equal(got, want)


def test_add_and_remove_padding():
    """The vector takes pixel (0, 0) of 4x4 maps and comes back."""
    a = octets(10)
    model = Model(16 + 160 + 16, [(176, 40)]).add(10241, u32(0, 50, 10))
    model.conv(conv1x1(4, 4, 10, 10, np.eye(10, dtype=np.uint8), src=50, dst=100, main=16))
    model.add(10242, u32(16, 176, 10))
    assert np.array_equal(run_model(model, a), a)


def test_result_too_large_for_the_stream_is_copied():
    """512x256 pixels do not fit channel_byte_num: the runner copies them out of KPU RAM."""
    a = octets(512 * 256)
    model = Model(512 * 256, [(0, 512 * 256 * 4)])
    model.conv(conv1x1(512, 256, 1, 1, np.ones((1, 1), np.uint8), src=0, dst=2048, main=0))
    assert np.array_equal(run_model(model, a), a)


def test_first_layer_without_a_single_input():
    with pytest.raises(KpuError, match="first layer is KL_CONCAT") as info:
        Net(Model(64, [(32, 32)]).add(16, u32(32, 1, 0, 8)).build()).close()
    assert info.value.code == 2007


def test_pool_that_would_take_for_ever():
    body = u32(0, 0, 1000, 1000, 1, 1000, 1000, 1, 0xFFFF, 0xFFFF, 1, 1, 0, 0)
    with pytest.raises(KpuError, match="too long"):
        Net(Model(1000000, [(0, 4000000)]).add(8, body).build()).close()
