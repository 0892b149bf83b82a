# SPDX-License-Identifier: MIT
"""Cascades: the converter; faces on a photograph, against the XML evaluated in floats and what OpenCV finds."""

from __future__ import annotations

import ctypes as ct
import os
from pathlib import Path

import numpy as np
import pytest
from image_core import ERR_LEN, GRAYSCALE, Picture, Rect, lib
from kpu_core import data_path
from PIL import Image
from vision_core import find

from k210 import cascade
from k210.cli import main
from k210.errors import K210Error

XML = Path(os.environ.get("CASCADE_DIR", "/usr/share/opencv4/haarcascades"))
# detectMultiScale(picture, 1.25, 3) of OpenCV 4.14 on astronaut_320x240.ppm.
OPENCV_FACE = (109, 23, 59, 59)
OPENCV_EYE = (116, 36, 20, 20)


class CCascade(ct.Structure):
    _fields_ = [
        *((n, ct.c_int32) for n in ("w", "h", "n_stages", "n_features", "n_rects")),
        *((n, ct.c_void_p) for n in ("stages", "stage_threshold", "threshold", "alpha1", "alpha2", "counts")),
        *((n, ct.c_void_p) for n in ("weights", "rects")),
    ]


def xml(name: str) -> Path:
    path = XML / f"haarcascade_{name}.xml"
    if not path.exists():
        text = f"there is no {path} (Debian: opencv-data)"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    return path


def parse(data: bytes, stages: int = -1) -> tuple[int, CCascade, str]:
    c, err, memory = CCascade(), ct.create_string_buffer(ERR_LEN), ct.create_string_buffer(data, len(data))
    ret = lib().vis_cascade_parse(ct.byref(c), memory, ct.c_size_t(len(data)), stages, err)
    c.keep = memory
    return ret, c, err.value.decode()


def load(name: str) -> CCascade:
    ret, c, err = parse(cascade.to_bytes(cascade.read_xml(xml(name))))
    assert (ret, err) == (0, "")
    return c


def photo() -> np.ndarray:
    with Image.open(data_path("images/astronaut_320x240.ppm")) as p:
        return np.asarray(p.convert("L"))


def detect(a: np.ndarray, c: CCascade, threshold: float = 0.5, scale: float = 1.25) -> list[tuple[int, int, int, int]]:
    p = Picture(a.shape[1], a.shape[0], GRAYSCALE)
    p.data[:] = a.reshape(-1)
    return [r.tuple for r in find("features", Rect, p, ct.byref(c), ct.c_float(threshold), ct.c_float(scale))]


def overlap(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(w, 0) * max(h, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def test_files_hold_what_the_xml_says() -> None:
    for name, numbers in (("frontalface_default", (24, 24, 25, 2913, 6383)), ("eye", (20, 20, 24, 1066, 2299))):
        c = load(name)
        assert (c.w, c.h, c.n_stages, c.n_features, c.n_rects) == numbers
        source = cascade.read_xml(xml(name))
        thresholds = (ct.c_int16 * c.n_features).from_address(c.threshold)
        assert max(abs(t / 4096 - f.threshold) for t, f in zip(thresholds, source.features, strict=True)) <= 0.5 / 4096
        rects = [
            tuple(r) for r in np.ctypeslib.as_array((ct.c_int8 * (4 * c.n_rects)).from_address(c.rects)).reshape(-1, 4)
        ]
        assert rects == [r[:4] for f in source.features for r in f.rects]


def test_a_face_is_where_opencv_finds_it() -> None:
    faces = detect(photo(), load("frontalface_default"))
    assert len(faces) == 1
    assert overlap(faces[0], OPENCV_FACE) > 0.9
    eyes = detect(photo(), load("eye"))
    assert len(eyes) == 1
    assert overlap(eyes[0], OPENCV_EYE) > 0.7


def margin(source: cascade.Cascade, a: np.ndarray, threshold: float) -> float:
    """How far the worst stage of a window is from its threshold: below 0 it is no object. In floats, from the XML."""
    g = a.astype(float)
    inner = g[1:-1, 1:-1]
    std = max(inner.std() * inner.size, 1)
    sums = np.zeros((a.shape[0] + 1, a.shape[1] + 1))
    sums[1:, 1:] = g.cumsum(0).cumsum(1)
    worst = float("inf")
    for limit, features in source.stages:
        total = 0.0
        for f in features:
            v = sum(
                (sums[y + h, x + w] - sums[y, x + w] - sums[y + h, x] + sums[y, x]) * k for x, y, w, h, k in f.rects
            )
            total += f.above if v >= f.threshold * std else f.below
        worst = min(worst, total - threshold * limit)
        if worst < -0.5:
            break
    return worst


def test_windows_are_judged_as_the_xml_says() -> None:
    source, c = cascade.read_xml(xml("frontalface_default")), load("frontalface_default")
    small = np.asarray(Image.fromarray(photo()).resize((131, 98), Image.Resampling.BOX))
    windows = [small[y : y + 24, x : x + 24] for y in range(4, 18, 1) for x in range(38, 54, 1)]
    judged, seen = 0, set()
    for a in windows:
        m = margin(source, a, 1.0)
        if abs(m) > 0.06:  # numbers in the file are rounded to 1/256
            seen.add(m > 0)
            judged += 1
            assert bool(detect(np.ascontiguousarray(a), c, 1.0, 1.0)) == (m > 0)
    assert seen == {True, False}
    assert judged > len(windows) // 2


@pytest.mark.parametrize("cut", [0, 3, 11, 30, 200, 52392])
def test_a_short_file_is_refused_with_a_sentence(cut: int) -> None:
    data = cascade.to_bytes(cascade.read_xml(xml("frontalface_default")))
    ret, _, err = parse(data[:cut])
    assert ret < 0
    assert err == f"cascade: {cut} bytes are fewer than its numbers say"


def test_stages_make_it_shorter() -> None:
    data = cascade.to_bytes(cascade.read_xml(xml("eye")))
    assert [parse(data, n)[1].n_stages for n in (-1, 0, 1, 10, 24, 99)] == [24, 24, 1, 10, 24, 24]


SMALL = """<?xml version="1.0"?>
<opencv_storage><cascade type_id="opencv-cascade-classifier"><stageType>BOOST</stageType>
<featureType>HAAR</featureType><height>8</height><width>8</width><stages><_><maxWeakCount>1</maxWeakCount>
<stageThreshold>0.5</stageThreshold><weakClassifiers><_><internalNodes>0 -1 0 0.1</internalNodes>
<leafValues>-1.5 1.25</leafValues></_></weakClassifiers></_></stages>
<features><_><rects><_>0 0 8 8 -1.</_><_>0 0 4 8 2.</_></rects><tilted>0</tilted></_></features>
</cascade></opencv_storage>"""


def test_the_command_writes_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.xml").write_text(SMALL)
    assert main(["cascade", str(tmp_path / "in.xml"), str(tmp_path / "out.cascade")]) == 0
    assert "32 bytes, window 8x8, 1 stages, 1 features, 2 rectangles" in capsys.readouterr().out
    words = bytes.fromhex("080000000800000001000000 01 8000 9a01 80fe 4001 02 ff02 00000808 00000408")
    assert (tmp_path / "out.cascade").read_bytes() == words


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("<cascade type", "<other type", "is no XML"),
        ("<stages>", "<stages></stages></cascade><cascade><stages>", "it has no <featureType>|0 stages"),
        ("HAAR", "LBP", "features are LBP, not HAAR"),
        ("<height>8", "<height>300", "window of 8x300"),
        ("<height>8", "<height>tall", "a number is wrong"),
        ("<tilted>0", "<tilted>1", "tilted features"),
        ("0 -1 0 0.1", "1 0 0 0.1 0 -1 0 0.2", "more than one node"),
        ("0 -1 0 0.1", "0 -1 7 0.1", "has the node 0 -1 7"),
        ("0 0 8 8 -1.", "0 0 8 9 -1.", "rectangle 0 0 8 9 is not inside"),
        ("8 8 -1.", "8 8 -1.5", "weight -1.5"),
        ("0 0 8 8 -1.", "0 0 8 8", "a number is wrong"),
        ("0 -1 0 0.1", "0 -1 0 99", "a threshold of 99 does not fit"),
        ("<leafValues>-1.5", "<leafValues>nan", "a leaf of nan does not fit"),
    ],
)
def test_wrong_files(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    (tmp_path / "in.xml").write_text(SMALL.replace(old, new))
    with pytest.raises(K210Error) as e:
        cascade.convert(tmp_path / "in.xml", tmp_path / "out")
    assert any(s in str(e.value) for s in sentence.split("|"))
    assert not (tmp_path / "out").exists()


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(K210Error, match="No such file"):
        cascade.convert(tmp_path / "none.xml", tmp_path / "out")
