# SPDX-License-Identifier: MIT
"""YOLOv2 region decode against a straightforward numpy version."""

from __future__ import annotations

import json

import numpy as np
import pytest
from kpu_core import KpuError, Net, data_path, model, planes, yolo2

pytestmark = pytest.mark.usefixtures("no_leak")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(data, grid, net, anchors, threshold, nms):
    """[(x1, y1, x2, y2, class, prob)] in MaixPy's order."""
    gw, gh = grid
    n = len(anchors) // 2
    data = data.astype(np.float64).reshape(n, -1, gh, gw)
    boxes, probs = [], []
    for a in range(n):
        for r in range(gh):
            for c in range(gw):
                e = data[a, :, r, c]
                cls = np.exp(e[5:] - e[5:].max())
                p = sigmoid(e[4]) * cls / cls.sum()
                boxes.append(
                    (
                        (c + sigmoid(e[0])) / gw,
                        (r + sigmoid(e[1])) / gh,
                        np.exp(e[2]) * anchors[2 * a] / gw,
                        np.exp(e[3]) * anchors[2 * a + 1] / gh,
                    )
                )
                probs.append(np.where(p > threshold, p, 0))

    def iou(p, q):
        w = min(p[0] + p[2] / 2, q[0] + q[2] / 2) - max(p[0] - p[2] / 2, q[0] - q[2] / 2)
        h = min(p[1] + p[3] / 2, q[1] + q[3] / 2) - max(p[1] - p[3] / 2, q[1] - q[3] / 2)
        if w <= 0 or h <= 0:
            return 0
        return w * h / (p[2] * p[3] + q[2] * q[3] - w * h)

    for k in range(len(probs[0])):
        order = sorted((i for i in range(len(boxes)) if probs[i][k] > 0), key=lambda i: -probs[i][k])
        for at, i in enumerate(order):
            for j in order[at + 1 :]:
                if probs[i][k] and probs[j][k] and iou(boxes[i], boxes[j]) > nms:
                    probs[j][k] = 0
    out = []
    for (x, y, w, h), p in zip(boxes, probs, strict=True):
        if p.max() > threshold:
            corners = ((x - w / 2) * net[0], (y - h / 2) * net[1], (x + w / 2) * net[0], (y + h / 2) * net[1])
            out.append((*(max(0, int(v)) for v in corners), int(p.argmax()), float(p.max())))
    return out


def compare(got, want):
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert g.class_id == w[4] and abs(g.prob - w[5]) < 1e-5
        assert np.abs(np.array([g.x1, g.y1, g.x2, g.y2], np.int64) - w[:4]).max() <= 1  # float against double


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("anchors", "classes", "grid", "threshold"),
    [(5, 1, (20, 15), 0.5), (5, 20, (10, 7), 0.2), (3, 2, (7, 7), 0.3), (1, 1, (4, 4), 0.0), (9, 4, (13, 3), 0.4)],
)
def test_random_maps(seed, anchors, classes, grid, threshold):
    rng = np.random.default_rng(seed)
    data = rng.normal(0, 1.2, (anchors * (5 + classes), grid[1], grid[0])).astype(np.float32)
    table = [float(v) for v in rng.uniform(0.5, 6, 2 * anchors)]
    got = yolo2(data, grid, (320, 240), table, threshold, 0.3)
    compare(got, reference(data, grid, (320, 240), table, threshold, 0.3))


def test_no_box_limit_and_order():
    """Every cell is a small box that overlaps nothing: all come out, anchor by anchor, row by row."""
    data = np.zeros((2, 6, 15, 20), np.float32)
    data[:, 2:4] = -4
    data[:, 4] = np.linspace(1, 9, 600).reshape(2, 15, 20)
    data[1, 0] = 3  # the second anchor's boxes lie elsewhere in the cell
    data[0, 0] = -3
    boxes = yolo2(data, (20, 15), (320, 240), [1, 1, 1, 1], 0.5, 0.3)
    assert len(boxes) == 600
    assert [b.prob for b in boxes] == sorted(b.prob for b in boxes)  # not sorted by falling score
    assert boxes[0].x1 < boxes[1].x1 and boxes[0].y1 == boxes[1].y1


def test_corners_truncate_and_do_not_clip_right():
    data = np.full((6, 1, 1), -20, np.float32)
    data[0] = data[1] = 0  # centre of the only cell
    data[2] = data[3] = 1  # e times the anchor
    data[4] = 20
    (box,) = yolo2(data, (1, 1), (100, 50), [1, 1], 0.5, 0.3)
    assert (box.x1, box.y1) == (0, 0)
    assert (box.x2, box.y2) == (int(50 + np.e * 50), int(25 + np.e * 25))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_strange_numbers_are_survived(value):
    data = np.full((30, 15, 20), value, np.float32)
    yolo2(data, (20, 15), (320, 240), [1.0] * 10, 0.5, 0.3)
    data[4::6] = 10
    for box in yolo2(data, (20, 15), (320, 240), [1.0] * 10, 0.5, 0.3):
        assert max(box.x1, box.y1, box.x2, box.y2) <= 2**31


@pytest.mark.parametrize(("channels", "anchors"), [(30, 4), (25, 5), (30, 0), (30, 31), (5, 1)])
def test_channels_must_fit_anchors(channels, anchors):
    with pytest.raises(KpuError, match=f"output has {channels} channels") as info:
        yolo2(np.zeros((channels, 2, 2), np.float32), (2, 2), (32, 32), [1.0] * 10, 0.5, 0.3, n_anchors=anchors)
    assert info.value.code == 2012


def test_face_of_the_astronaut():
    expected = json.loads(data_path("expected/expected.json").read_text())
    want = next(c for c in expected["cases"] if c["name"] == "detect_astronaut")
    with Net(model("detect.kmodel")) as net:
        net.set_input(planes("astronaut_320x240.ppm"))
        net.run()
        decode = want["decode"]
        boxes = yolo2(net.output(), (20, 15), (320, 240), decode["anchors"], decode["threshold"], decode["nms"])
    got = [{"x1": b.x1, "y1": b.y1, "x2": b.x2, "y2": b.y2, "cls": b.class_id, "prob": round(b.prob, 4)} for b in boxes]
    assert got == want["boxes"]
