# SPDX-License-Identifier: MIT
"""What the detector is: its picture size, anchors and layers. No import of PyTorch at the top: evaluate.py needs only
the numbers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

CLASSES = 10
WIDTH, HEIGHT = 320, 240
CELL = 16  # pixels per cell of the output grid of 20 x 15
# Width and height of the anchor boxes in cells, from the sizes of 2000 generated digits.
ANCHORS = ((0.92, 1.42), (1.35, 2.0), (2.3, 3.4))

# Output channels, kernel, stride, largest of 2x2 afterwards. Every layer is one KPU layer: convolution,
# folded batch normalization, ReLU6 and pool. The picture shrinks early, because that is where the time goes.
LAYERS = (
    (12, 3, 2, False),  # 120 x 160
    (24, 3, 2, False),  # 60 x 80
    (40, 3, 1, True),  # 30 x 40
    (48, 3, 1, True),  # 15 x 20
    (64, 3, 1, False),
    (48, 1, 1, False),
    (64, 3, 1, False),
    (48, 1, 1, False),
    (64, 3, 1, False),
)


def detector() -> "nn.Sequential":
    """Takes RGB from 0 to 1; gives per anchor x, y, w, h, objectness and a score for every digit."""
    from torch import nn

    layers: list[nn.Module] = []
    channels = 3
    for out, kernel, stride, pool in LAYERS:
        layers += [
            nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU6(inplace=True),
        ]
        if pool:
            layers.append(nn.MaxPool2d(2))
        channels = out
    layers.append(nn.Conv2d(channels, len(ANCHORS) * (5 + CLASSES), 1))
    return nn.Sequential(*layers)
