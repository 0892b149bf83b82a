# SPDX-License-Identifier: MIT
"""Haar cascades of OpenCV (XML) as the files that image.HaarCascade() reads.

The file is OpenMV's: width, height and number of stages as 32-bit numbers; features of each stage (a byte each);
thresholds of the stages (16 bits, times 256); of all features one after the other threshold (16 bits, times 4096),
what counts below and what counts from it on (16 bits, times 256), number of rectangles (a byte); of all rectangles
weight (a byte), then x, y, width and height (a byte each). Little-endian.
"""

import argparse
import struct
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from k210.errors import K210Error

MOST_STAGES = 1000
SIDES = range(4, 129)


@dataclass(frozen=True)
class Feature:
    """One stump: the weighted sums of some rectangles, compared to a threshold."""

    threshold: float
    below: float
    above: float
    rects: tuple[tuple[int, int, int, int, int], ...]  # x, y, width, height, weight


@dataclass(frozen=True)
class Cascade:
    width: int
    height: int
    stages: tuple[tuple[float, tuple[Feature, ...]], ...]  # threshold and features

    @property
    def features(self) -> list[Feature]:
        return [f for _, features in self.stages for f in features]


def _text(node: ET.Element, path: str) -> str:
    found = node.findtext(path)
    if found is None or not found.strip():
        raise K210Error(f"it has no <{path}> in <{node.tag}>")
    return found.strip()


def _rects(node: ET.Element, width: int, height: int) -> tuple[tuple[int, int, int, int, int], ...]:
    if (node.findtext("tilted") or "0").strip() not in ("0", ""):
        raise K210Error("it has tilted features, which the board does not know")
    rects = []
    for item in node.findall("rects/_"):
        x, y, w, h, weight = (float(v) for v in (item.text or "").split())
        if any(v != int(v) for v in (x, y, w, h)) or not (
            x >= 0 <= y and w > 0 < h and x + w <= width and y + h <= height
        ):
            raise K210Error(f"rectangle {x:g} {y:g} {w:g} {h:g} is not inside a window of {width}x{height}")
        if weight != int(weight) or not -128 <= weight <= 127:
            raise K210Error(f"weight {weight:g} of a rectangle is not a whole number of -128 to 127")
        rects.append((int(x), int(y), int(w), int(h), int(weight)))
    if not 1 <= len(rects) <= 127:
        raise K210Error(f"a feature has {len(rects)} rectangles")
    return tuple(rects)


def _feature(node: ET.Element, rects: list[tuple[tuple[int, int, int, int, int], ...]]) -> Feature:
    nodes, leaves = _text(node, "internalNodes").split(), [float(v) for v in _text(node, "leafValues").split()]
    if len(nodes) != 4 or len(leaves) != 2:
        raise K210Error("its trees have more than one node; the board knows stumps only")
    left, right, index = (int(v) for v in nodes[:3])
    if {left, right} != {0, -1} or not 0 <= index < len(rects):
        raise K210Error(f"a tree has the node {' '.join(nodes)}")
    return Feature(float(nodes[3]), leaves[-left], leaves[-right], rects[index])


def read_xml(path: Path) -> Cascade:
    """Reads what opencv_traincascade writes; K210Error for anything that cannot become a file for the board."""
    try:
        root = ET.parse(path).getroot()
        node = root.find("cascade")
        if node is None or node.find("stages") is None:
            raise K210Error("it holds no <cascade> with <stages> (OpenCV 2.4 and later write one)")
        if _text(node, "featureType") != "HAAR":
            raise K210Error(f"its features are {_text(node, 'featureType')}, not HAAR")
        width, height = int(_text(node, "width")), int(_text(node, "height"))
        if width not in SIDES or height not in SIDES:
            raise K210Error(f"its window of {width}x{height} is not {SIDES[0]} to {SIDES[-1]} pixels wide and high")
        rects = [_rects(f, width, height) for f in node.findall("features/_")]
        stages = []
        for stage in node.findall("stages/_"):
            features = tuple(_feature(w, rects) for w in stage.findall("weakClassifiers/_"))
            if not 1 <= len(features) <= 255:
                raise K210Error(f"stage {len(stages)} has {len(features)} features, not 1 to 255")
            stages.append((float(_text(stage, "stageThreshold")), features))
        if not 1 <= len(stages) <= MOST_STAGES:
            raise K210Error(f"it has {len(stages)} stages, not 1 to {MOST_STAGES}")
    except OSError as e:
        raise K210Error(f"{path}: {e.strerror}") from e
    except ET.ParseError as e:
        raise K210Error(f"{path} is no XML: {e}") from e
    except ValueError as e:
        raise K210Error(f"{path}: a number is wrong: {e}") from e
    except K210Error as e:
        raise K210Error(f"{path} cannot be used: {e}") from e
    return Cascade(width, height, tuple(stages))


def _words(values: Iterable[float], scale: int, what: str) -> bytes:
    words = []
    for v in values:
        if not -32768 <= v * scale <= 32767:
            raise K210Error(f"{what} of {v:g} does not fit into the file")
        words.append(round(v * scale))
    return struct.pack(f"<{len(words)}h", *words)


def to_bytes(cascade: Cascade) -> bytes:
    features = cascade.features
    rects = [r for f in features for r in f.rects]
    return b"".join(
        (
            struct.pack("<III", cascade.width, cascade.height, len(cascade.stages)),
            bytes(len(f) for _, f in cascade.stages),
            _words((t for t, _ in cascade.stages), 256, "a stage threshold"),
            _words((f.threshold for f in features), 4096, "a threshold"),
            _words((f.below for f in features), 256, "a leaf"),
            _words((f.above for f in features), 256, "a leaf"),
            bytes(len(f.rects) for f in features),
            struct.pack(f"<{len(rects)}b", *(r[4] for r in rects)),
            bytes(v for r in rects for v in r[:4]),
        )
    )


def convert(xml: Path, output: Path) -> str:
    """Writes the file; returns what is in it, as the board prints it."""
    cascade = read_xml(xml)
    data = to_bytes(cascade)
    try:
        output.write_bytes(data)
    except OSError as e:
        raise K210Error(f"{output}: {e.strerror}") from e
    rects = sum(len(f.rects) for f in cascade.features)
    return (
        f"{output}: {len(data)} bytes, window {cascade.width}x{cascade.height}, {len(cascade.stages)} stages, "
        f"{len(cascade.features)} features, {rects} rectangles"
    )


def main() -> int:
    """For the build of the firmware, which has no k210 command."""
    parser = argparse.ArgumentParser(prog="k210 cascade", description=__doc__)
    parser.add_argument("xml", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    try:
        print(convert(options.xml, options.output))
    except K210Error as e:
        print(f"k210 cascade: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
