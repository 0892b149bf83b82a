# SPDX-License-Identifier: MIT
"""Boxes out of the raw numbers of detectors (modules/kpu/detect.c), against numpy."""

from __future__ import annotations

import ctypes as ct

import numpy as np
import pytest
from kpu_core import KpuError, data_path, lib, limits


class Box(ct.Structure):
    _fields_ = [(n, ct.c_float) for n in ("x1", "y1", "x2", "y2", "score")] + [("class_id", ct.c_uint32)]


Found = list[tuple[float, float, float, float, float, int]]


pytestmark = pytest.mark.usefixtures("no_leak")


def call(name: str, *args: object, nms: float = 0.4, most: int = 5000) -> Found:
    so, err, n = lib(), ct.create_string_buffer(160), ct.c_uint32()
    boxes = (Box * 8192)()
    arrays = [np.ascontiguousarray(a, np.float32) if isinstance(a, np.ndarray) else a for a in args]
    plain = [
        a.ctypes.data_as(ct.c_void_p) if isinstance(a, np.ndarray) else ct.c_float(a) if isinstance(a, float) else a
        for a in arrays
    ]
    ret = getattr(so, name)(*plain, ct.c_float(nms), most, boxes, len(boxes), ct.byref(n), err)
    if ret:
        raise KpuError(ret, err.value.decode())
    return [(b.x1, b.y1, b.x2, b.y2, b.score, b.class_id) for b in boxes[: n.value]]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def best(boxes: np.ndarray, scores: np.ndarray, threshold: float, nms: float, most: int = 5000) -> Found:
    """boxes: centre and size; the plain way to choose."""
    classes, top = scores.argmax(1), scores.max(1)
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
    kept: list[int] = []
    for i in np.argsort(-top, kind="stable"):
        if top[i] <= threshold or len(kept) == most:
            break

        def overlap(k: int, i: int = i) -> float:
            low = np.maximum(corners[i, :2], corners[k, :2])
            both = np.prod(np.maximum(np.minimum(corners[i, 2:], corners[k, 2:]) - low, 0))
            areas = [np.prod(corners[j, 2:] - corners[j, :2]) for j in (i, k)]
            return both / (sum(areas) - both)

        if all(classes[k] != classes[i] or overlap(k) <= nms for k in kept):
            kept.append(int(i))
    return [(*corners[i], top[i], int(classes[i])) for i in kept]


def same(found: Found, want: Found) -> bool:
    return len(found) == len(want) and bool(np.allclose(found, want, atol=1e-4))


def yolo_numbers(gw: int, gh: int, anchors: int, classes: int, seed: int = 1) -> np.ndarray:
    data = np.random.default_rng(seed).normal(0, 1.5, (anchors, 5 + classes, gh, gw)).astype(np.float32)
    data[:, 2:4] *= 0.3
    return data


def yolo_reference(data: np.ndarray, sizes: np.ndarray, unit: tuple[float, float], softmax: bool):
    anchors, entries, gh, gw = data.shape
    d = data.astype(np.float64)
    x = (np.arange(gw) + sigmoid(d[:, 0])) / gw
    y = (np.arange(gh)[:, None] + sigmoid(d[:, 1])) / gh
    wh = np.exp(d[:, 2:4]) * (sizes.reshape(anchors, 2) * unit)[:, :, None, None]
    if softmax:
        e = np.exp(d[:, 5:] - d[:, 5:].max(1, keepdims=True))
        probs = e / e.sum(1, keepdims=True)
    else:
        probs = sigmoid(d[:, 5:])
    scores = (sigmoid(d[:, 4:5]) * probs).transpose(0, 2, 3, 1).reshape(-1, entries - 5)
    return np.stack([x, y, wh[:, 0], wh[:, 1]], -1).reshape(-1, 4), scores


@pytest.mark.parametrize(
    ("anchors", "classes", "gw", "gh"), [(5, 20, 10, 7), (3, 1, 20, 15), (1, 80, 5, 9), (9, 2, 7, 7)]
)
@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_yolo(anchors, classes, gw, gh, softmax, last):
    data = yolo_numbers(gw, gh, anchors, classes)
    sizes = np.random.default_rng(2).uniform(0.5, 4, 2 * anchors).astype(np.float32)
    unit = (1 / gw, 1 / gh) if softmax else (1 / 320, 1 / 240)
    sizes = sizes if softmax else sizes * 30
    want = best(*yolo_reference(data, sizes, unit, softmax), 0.05, 0.4)
    laid = data.transpose(0, 2, 3, 1) if last else data
    found = call(
        "host_detect_yolo", laid, gw, gh, anchors, classes, int(last), sizes, *map(float, unit), int(softmax), 0.05
    )
    assert same(found, want) and len(want) > 3


def test_scores_fall_and_most_is_kept():
    data, sizes = yolo_numbers(10, 7, 5, 3), np.ones(10, np.float32)
    args = (10, 7, 5, 3, 0, sizes, 0.3, 0.3, 1, 0.2)
    every = call("host_detect_yolo", data, *args)
    few = call("host_detect_yolo", data, *args, most=4)
    assert few == every[:4] and [b[4] for b in every] == sorted((b[4] for b in every), reverse=True)
    assert (
        len(call("host_detect_yolo", data, *args, nms=1.0))
        > len(every)
        > len(call("host_detect_yolo", data, *args, nms=0.05))
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_are_none(value):
    data = yolo_numbers(6, 6, 3, 2)
    data[:, :, ::2] = value
    data[:, 2] = value
    for x1, y1, x2, y2, score, class_id in call(
        "host_detect_yolo", data, 6, 6, 3, 2, 0, np.ones(6, np.float32), 0.1, 0.1, 0, 0.1
    ):
        assert np.isfinite([x1 + x2, y1 + y2, score]).all() and class_id < 2


@pytest.mark.parametrize(
    ("net", "strides"), [((224, 224), (8, 16, 32)), ((320, 240), (8, 16, 32)), ((100, 60), (10, 20))]
)
def test_yolox(net, strides):
    rng = np.random.default_rng(5)
    rows, cells = [], []
    for s in strides:
        gy, gx = np.mgrid[0 : net[1] // s, 0 : net[0] // s]
        cells.append(np.stack([gx.ravel(), gy.ravel(), np.full(gx.size, s)], 1))
    cell = np.concatenate(cells).astype(np.float64)
    rows = rng.normal(0, 1, (len(cell), 9)).astype(np.float32)
    rows[:, 4:] = sigmoid(rows[:, 4:] * 3)
    scale = cell[:, 2:3] / np.array(net)
    boxes = np.concatenate([(rows[:, :2] + cell[:, :2]) * scale, np.exp(rows[:, 2:4]) * scale], 1)
    want = best(boxes, rows[:, 4:5] * rows[:, 5:], 0.7, 0.45)
    found = call(
        "host_detect_yolox", rows, 4, *net, (ct.c_uint32 * len(strides))(*strides), len(strides), 0.7, nms=0.45
    )
    assert same(found, want) and len(want) > 3


FACE_STRIDES, FACE_SIZES = (8, 16, 32, 64), ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))


def face_priors() -> np.ndarray:
    parts = []
    for stride, sizes in zip(FACE_STRIDES, FACE_SIZES, strict=True):
        gw, gh = -(-320 // stride), -(-240 // stride)
        out = np.zeros((gw * gh * len(sizes), 4), np.float32)
        table = (ct.c_float * len(sizes))(*sizes)
        lib().detect_priors(out.ctypes.data_as(ct.c_void_p), 320, 240, stride, table, len(sizes))
        parts.append(out)
    return np.concatenate(parts)


def test_priors():
    priors = face_priors()
    assert priors.shape == (4420, 4)
    assert np.allclose(priors[0], [4 / 320, 4 / 240, 10 / 320, 10 / 240])
    assert np.allclose(priors[-1], [4.5 * 64 / 320, 3.5 * 64 / 240, 256 / 320, 256 / 240])


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_ssd(classes):
    rng, priors = np.random.default_rng(8), face_priors()
    offsets = rng.normal(0, 1, priors.shape).astype(np.float32)
    scores = rng.uniform(0, 1, (len(priors), classes)).astype(np.float32) ** 4
    boxes = np.concatenate(
        [priors[:, :2] + 0.1 * offsets[:, :2] * priors[:, 2:], priors[:, 2:] * np.exp(0.2 * offsets[:, 2:])], 1
    )
    want = best(boxes, scores[:, min(classes - 1, 1) :], 0.9, 0.3)
    found = call("host_detect_ssd", scores, classes, offsets, priors, len(priors), 0.1, 0.2, 0.9, nms=0.3)
    assert same(found, want) and len(want) > 10


def test_face_of_the_data_pack():
    """The ultra-light face model's own numbers."""
    scores, offsets = (np.load(data_path(f"expected/slim_astronaut.out{i}.npy")) for i in (0, 1))
    found = call("host_detect_ssd", scores, 2, offsets, face_priors(), 4420, 0.1, 0.2, 0.6, nms=0.3)
    assert len(found) == 1 and abs(found[0][4] - 0.699) < 0.001
    x1, y1, x2, y2 = np.array(found[0][:4]) * [320, 240, 320, 240]
    assert np.allclose([x1, y1, x2, y2], [113.7, 29.3, 168.2, 81.8], atol=0.1)


def test_no_memory():
    limits(memory=64)
    with pytest.raises(KpuError, match="raise the threshold"):
        call("host_detect_yolo", yolo_numbers(10, 7, 5, 3), 10, 7, 5, 3, 0, np.ones(10, np.float32), 0.1, 0.1, 1, 0.0)
