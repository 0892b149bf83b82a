# SPDX-License-Identifier: MIT
"""Boxes in numpy: YOLOv2 decoding of the network's output, overlap, suppression, average precision."""

import numpy as np
from network import ANCHORS, CELL, CLASSES, HEIGHT, WIDTH

# Centres and sizes as the network gives them; one row per box.
Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes x1 y1 x2 y2, digits, scores


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Overlap of every box in a with every box in b."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    area_a, area_b = (a[:, 2:] - a[:, :2]).prod(1), (b[:, 2:] - b[:, :2]).prod(1)
    return common / np.maximum(area_a[:, None] + area_b[None] - common, 1e-9)


def decode(output: np.ndarray, threshold: float = 0.005, overlap: float = 0.4) -> Found:
    """The boxes in one output of anchors x (5 + classes) x rows x columns, as kpu.run_yolo2() finds them."""
    rows, columns = HEIGHT // CELL, WIDTH // CELL
    e = output.reshape(len(ANCHORS), 5 + CLASSES, rows, columns).astype(np.float64)
    size = np.array(ANCHORS)[:, :, None, None]
    x = (np.arange(columns) + 1 / (1 + np.exp(-e[:, 0]))) * CELL
    y = (np.arange(rows)[:, None] + 1 / (1 + np.exp(-e[:, 1]))) * CELL
    w, h = np.exp(e[:, 2]) * size[:, 0] * CELL, np.exp(e[:, 3]) * size[:, 1] * CELL
    power = np.exp(e[:, 5:] - e[:, 5:].max(1, keepdims=True))
    score = power / power.sum(1, keepdims=True) / (1 + np.exp(-e[:, 4:5]))
    boxes = np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1).reshape(-1, 4)
    kept: list[tuple[np.ndarray, int, float]] = []
    for digit in range(CLASSES):
        scores = score[:, digit].ravel()
        order = np.flatnonzero(scores > threshold)
        order = order[np.argsort(-scores[order], kind="stable")]
        while order.size:
            best, order = order[0], order[1:]
            kept.append((boxes[best], digit, float(scores[best])))
            order = order[iou(boxes[best : best + 1], boxes[order])[0] <= overlap]
    if not kept:
        return np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)
    return np.array([k[0] for k in kept]), np.array([k[1] for k in kept]), np.array([k[2] for k in kept])


def average_precisions(
    found: list[Found], truth: list[tuple[np.ndarray, np.ndarray]], needed: float = 0.5
) -> np.ndarray:
    """Per digit the area under precision over recall; truth has boxes and digits of every picture."""
    result = np.zeros(CLASSES)
    for digit in range(CLASSES):
        hits: list[tuple[float, bool]] = []
        total = 0
        for (boxes, digits, scores), (true_boxes, true_digits) in zip(found, truth, strict=True):
            wanted = true_boxes[true_digits == digit]
            total += len(wanted)
            mine = np.flatnonzero(digits == digit)
            mine = mine[np.argsort(-scores[mine], kind="stable")]
            overlap = iou(boxes[mine], wanted)
            free = np.ones(len(wanted), bool)
            for row, box in enumerate(mine):
                best = int(np.where(free, overlap[row], -1).argmax()) if len(wanted) else -1
                hit = best >= 0 and free[best] and overlap[row, best] >= needed
                if hit:
                    free[best] = False
                hits.append((float(scores[box]), bool(hit)))
        hits.sort(key=lambda h: -h[0])
        right = np.cumsum([h for _, h in hits])
        precision = right / np.arange(1, len(hits) + 1)
        recall = right / max(total, 1)
        envelope = np.maximum.accumulate(precision[::-1])[::-1] if len(hits) else precision
        result[digit] = float(np.sum(np.diff(recall, prepend=0.0) * envelope)) if len(hits) else 0.0
    return result


def mean_average_precision(
    found: list[Found], truth: list[tuple[np.ndarray, np.ndarray]], needed: float = 0.5
) -> float:
    return float(average_precisions(found, truth, needed).mean())
