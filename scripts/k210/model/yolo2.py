# SPDX-License-Identifier: MIT
"""The boxes of a YOLOv2 network: region decode and non-maximum suppression."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from k210.errors import K210Error
from k210.model import ops
from k210.model.kmodel import Program


@dataclass(frozen=True)
class Box:
    """In pixels of the network's input."""

    x1: int
    y1: int
    x2: int
    y2: int
    class_id: int
    prob: float


def _grid(data: np.ndarray, program: Program) -> np.ndarray:
    """C, gh, gw; a flat output has the grid of the last KPU layer."""
    if data.ndim >= 3:
        return data.reshape(-1, *data.shape[-2:])
    for step in reversed([s for s in program.steps() if s.layer]):
        if np.prod(step.out_shape) == data.size:
            return data.reshape(step.out_shape[-3:])
    raise K210Error("the output has no grid, so it cannot be decoded as YOLOv2")


def _iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    overlap = np.minimum(a[2:], b[:, 2:]) - np.maximum(a[:2], b[:, :2])
    common = np.maximum(overlap, 0).prod(1)
    return common / ((a[2:] - a[:2]).prod() + (b[:, 2:] - b[:, :2]).prod(1) - common)


def yolo2(output: np.ndarray, program: Program, anchors: Sequence[float], threshold: float, nms: float) -> list[Box]:
    """Boxes with a score above the threshold, best first."""
    data = _grid(output.astype(np.float32), program)
    channels, gh, gw = data.shape
    count = len(anchors) // 2
    if not count or len(anchors) % 2 or channels % count or channels // count < 6:
        raise K210Error(f"{len(anchors)} anchor values do not go with an output of {channels} channels")
    shape = program.inputs[0].shape
    if shape is None or len(shape) < 3:
        raise K210Error("the model's input is no picture, so boxes make no sense")
    net_h, net_w = shape[-2:]
    e = data.reshape(count, -1, gh, gw)
    size = np.array(anchors, np.float32).reshape(count, 2, 1, 1)
    x = (np.arange(gw) + ops.sigmoid(e[:, 0])) / gw
    y = (np.arange(gh)[:, None] + ops.sigmoid(e[:, 1])) / gh
    w, h = np.exp(e[:, 2]) * size[:, 0] / gw, np.exp(e[:, 3]) * size[:, 1] / gh
    score = ops.sigmoid(e[:, 4])[:, None] * ops.softmax(e[:, 5:], 1)
    corners = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1).reshape(-1, 4)
    corners *= np.array([net_w, net_h, net_w, net_h])
    boxes = []
    for class_id in range(score.shape[1]):
        scores = score[:, class_id].ravel()
        order = np.flatnonzero(scores > threshold)
        order = order[np.argsort(-scores[order], kind="stable")]
        while order.size:
            best, order = order[0], order[1:]
            x1, y1, x2, y2 = (int(v) for v in corners[best])
            boxes.append(Box(x1, y1, x2, y2, class_id, float(scores[best])))
            order = order[_iou(corners[best], corners[order]) <= nms]
    return sorted(boxes, key=lambda b: -b.prob)
