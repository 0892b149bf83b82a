# SPDX-License-Identifier: MIT
"""The detectors of the vision core on drawn scenes and pictures, against OpenCV where it defines the same."""

from __future__ import annotations

import ctypes as ct
import math
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from image_core import BUILD, GRAYSCALE, SANITIZE, Picture, Rect, build, from_rgb, lib
from kpu_core import data_path
from PIL import Image
from vision_core import (
    Blob,
    BlobOptions,
    Circle,
    CircleOptions,
    Displacement,
    Keypoint,
    KptMatch,
    Line,
    List,
    Quad,
    fail_after,
    find,
    gray,
    ranges,
    run,
    whole,
)


def photo(w: int = 320, h: int = 240) -> np.ndarray:
    with Image.open(data_path("images/astronaut_320x240.ppm")) as p:
        return np.asarray(p.convert("L").resize((w, h)))


# ---- blobs ------------------------------------------------------------------------------------------


def blobs(
    p: Picture, t: list[tuple[int, ...]], roi: Rect | None = None, merge: int | None = None, **args: int
) -> list[Blob]:
    o = BlobOptions(1, 1, 1, 1, False)
    for name, value in args.items():
        setattr(o, name, value)
    out, result = List(), []

    def call(w: ct.c_void_p) -> int:
        ret = lib().vis_find_blobs(
            ct.byref(out), w, p.ref, roi or whole(p), ranges(t), ct.c_size_t(len(t)), ct.byref(o)
        )
        if ret == 0 and merge is not None:
            lib().vis_merge_blobs(ct.byref(out), merge, None, None)
        size = ct.sizeof(Blob)
        result.extend(Blob.from_buffer_copy(ct.string_at(out.items + i * size, size)) for i in range(out.n))
        return ret

    assert run(call) == 0
    return result


def rotation(b: Blob) -> float:
    lib().vis_blob_rotation.restype = ct.c_float
    return lib().vis_blob_rotation(ct.byref(b))


@pytest.mark.parametrize("seed", range(4))
def test_blobs_are_the_components_of_opencv(seed: int) -> None:
    a = cv2.GaussianBlur(np.random.default_rng(seed).integers(0, 256, (60, 80), np.uint8), (0, 0), 2)
    got = blobs(gray(a), [(130, 255)])
    n, _, stats, centres = cv2.connectedComponentsWithStats((a >= 130).astype(np.uint8), connectivity=4)
    wanted = sorted((*map(int, stats[i]), *(centres[i].tolist())) for i in range(1, n))
    mine = sorted(
        (b.x0, b.y0, b.x1 - b.x0 + 1, b.y1 - b.y0 + 1, b.pixels, b.sx / b.pixels, b.sy / b.pixels) for b in got
    )
    assert len(mine) == len(wanted) > 5
    assert np.allclose(mine, wanted)


def test_order_strides_and_limits() -> None:
    a = np.zeros((40, 60), np.uint8)
    a[2:6, 30:40] = 255
    a[10:30, 5:9] = 255
    a[20:22, 50:52] = 255
    a[35, 20] = 255
    boxes = [(b.x0, b.y0, b.pixels) for b in blobs(gray(a), [(200, 255)])]
    assert boxes == [(30, 2, 40), (5, 10, 80), (50, 20, 4), (20, 35, 1)]
    assert [b.x0 for b in blobs(gray(a), [(200, 255)], pixels_threshold=5)] == [30, 5]
    assert [b.x0 for b in blobs(gray(a), [(200, 255)], area_threshold=50)] == [5]
    assert [b.x0 for b in blobs(gray(a), [(200, 255)], x_stride=30, y_stride=10)] == [50]
    assert [b.x0 for b in blobs(gray(a), [(200, 255)], x_stride=4, y_stride=4)] == [30, 5]
    assert [b.x0 for b in blobs(gray(a), [(200, 255)], roi=Rect(0, 8, 30, 20))] == [5]
    (outside,) = blobs(gray(a), [(200, 255)], invert=True)
    assert outside.pixels == (a == 0).sum()


def test_codes_merge_and_margin() -> None:
    a = np.zeros((30, 40), np.uint8)
    a[5:10, 5:10], a[5:10, 12:18], a[20:25, 30:35] = 100, 200, 100
    t = [(90, 110), (190, 210)]
    assert [b.code for b in blobs(gray(a), t)] == [1, 1, 2]
    assert len(blobs(gray(a), t, merge=0)) == 3
    merged = blobs(gray(a), t, merge=2)
    assert [(b.code, b.count, b.pixels, b.x0, b.x1) for b in merged] == [(3, 2, 55, 5, 17), (1, 1, 25, 30, 34)]
    (one,) = blobs(gray(a), t, merge=100)
    assert (one.count, one.code) == (3, 3)


def test_a_blob_has_the_direction_of_a_stick() -> None:
    for angle in range(0, 180, 15):
        a = np.zeros((100, 100), np.uint8)
        d = 40 * np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
        cv2.line(a, tuple(map(int, 50 - d)), tuple(map(int, 50 + d)), 255, 3)
        (b,) = blobs(gray(a), [(128, 255)])
        off = abs(math.degrees(rotation(b)) - angle)
        assert min(off, 180 - off) < 2


def test_blobs_by_colour() -> None:
    rgb = np.full((40, 60, 3), 40, np.uint8)
    rgb[5:15, 10:30] = (220, 30, 30)
    rgb[20:30, 35:50] = (30, 60, 220)
    red = blobs(from_rgb(rgb), [(20, 80, 40, 127, 10, 127)])
    assert [(b.x0, b.y0, b.pixels) for b in red] == [(10, 5, 200)]
    blue = blobs(from_rgb(rgb), [(0, 100, -128, 127, -128, -40)])
    assert [(b.x0, b.y0, b.pixels) for b in blue] == [(35, 20, 150)]


# ---- lines ------------------------------------------------------------------------------------------


def regression(a: np.ndarray, robust: bool) -> Line:
    line, o, p = Line(), BlobOptions(1, 1, 1, 1, False), gray(a)
    found = run(
        lambda w: lib().vis_regression(
            ct.byref(line), w, p.ref, whole(p), ranges([(128, 255)]), ct.c_size_t(1), ct.byref(o), robust
        )
    )
    assert found == 1
    return line


def normal(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float]:
    theta = math.degrees(math.atan2(y2 - y1, x2 - x1)) + 90
    theta %= 180
    return theta, x1 * math.cos(math.radians(theta)) + y1 * math.sin(math.radians(theta))


ENDS = [(10, 20, 80, 70), (5, 60, 90, 10), (50, 5, 50, 75), (10, 40, 90, 40), (70, 5, 40, 75)]


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("ends", ENDS)
def test_regression(ends: tuple[int, ...], robust: bool) -> None:
    a = np.zeros((80, 100), np.uint8)
    cv2.line(a, ends[:2], ends[2:], 255, 1)
    if robust:
        a[2:5, 2:5] = 255
    line = regression(a, robust)
    theta, rho = normal(*ends)
    off = abs(line.theta - theta)
    assert min(off, 180 - off) <= 2
    if off < 90:
        assert abs(line.rho - rho) <= 3
    for x, y in ((line.x1, line.y1), (line.x2, line.y2)):
        assert 0 <= x < 100 and 0 <= y < 80


def distance(line: Line, ends: tuple[int, ...]) -> float:
    """How far the end points of a lie from the endless line b."""
    t = math.radians(line.theta)
    return max(abs(x * math.cos(t) + y * math.sin(t) - line.rho) for x, y in (ends[:2], ends[2:]))


def test_lines() -> None:
    a = np.full((120, 160), 30, np.uint8)
    wanted = [(20, 10, 140, 100), (10, 110, 150, 60), (100, 5, 100, 115)]
    for e in wanted:
        cv2.line(a, e[:2], e[2:], 220, 2, cv2.LINE_AA)
    p = gray(a)
    got = find("lines", Line, p, 1, 1, 9000, 15, 15)
    assert len(got) == 3
    for e in wanted:
        assert min(distance(line, e) for line in got) < 4
    assert find("lines", Line, p, 2, 1, 10**8, 25, 25) == []
    assert find("lines", Line, gray(np.full((50, 50), 80, np.uint8)), 2, 1, 0, 25, 25) == []


@pytest.mark.parametrize("ends", ENDS)
def test_segments_of_one_bar(ends: tuple[int, ...]) -> None:
    a = np.full((80, 100), 40, np.uint8)
    cv2.line(a, ends[:2], ends[2:], 210, 3)
    got = find("segments", Line, gray(a), 0, 15)
    # A bar has two edges.
    assert len(got) == 2
    for s in got:
        assert min(math.dist((s.x1, s.y1), ends[:2]), math.dist((s.x1, s.y1), ends[2:])) < 6
        assert min(math.dist((s.x2, s.y2), ends[:2]), math.dist((s.x2, s.y2), ends[2:])) < 6
    (one,) = find("segments", Line, gray(a), 8, 15)
    assert abs(one.length - math.dist(ends[:2], ends[2:])) < 8


# ---- circles and rectangles -------------------------------------------------------------------------


def circle_options(**args: int) -> CircleOptions:
    o = CircleOptions(1, 1, 5000, 10, 10, 10, 5, 50, 1)
    for name, value in args.items():
        setattr(o, name, value)
    return o


def test_circles() -> None:
    a = np.full((120, 160), 200, np.uint8)
    wanted = [(40, 40, 20), (110, 70, 30), (60, 95, 12)]
    for x, y, r in wanted:
        cv2.circle(a, (x, y), r, 60, -1, cv2.LINE_AA)
    got = find("circles", Circle, gray(a), ct.byref(circle_options()))
    assert len(got) == 3
    for x, y, r in wanted:
        assert min(max(abs(c.x - x), abs(c.y - y), abs(c.r - r)) for c in got) <= 2
    assert find("circles", Circle, gray(a), ct.byref(circle_options(threshold=10**8))) == []
    only = find("circles", Circle, gray(a), ct.byref(circle_options(r_min=25)))
    assert [(abs(c.x - 110) <= 2, abs(c.r - 30) <= 2) for c in only] == [(True, True)]


def corners(q: Quad) -> np.ndarray:
    return np.array([list(c) for c in q.corner])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("angle", [0, 10, 33, 45, 80])
def test_rectangles(angle: int, dark: bool) -> None:
    a = np.full((120, 160), 220 if dark else 30, np.uint8)
    box = cv2.boxPoints(((80, 60), (70, 40), angle))
    cv2.fillConvexPoly(a, box.astype(np.int32), 30 if dark else 220, cv2.LINE_AA)
    cv2.circle(a, (20, 20), 14, 128, -1)
    (got,) = find("rects", Quad, gray(a), 1000)
    for c in box:
        assert np.hypot(*(corners(got) - c).T).min() < 4
    c = corners(got)
    area = 0.5 * sum(c[i][0] * c[(i + 1) % 4][1] - c[(i + 1) % 4][0] * c[i][1] for i in range(4))
    assert area > 0  # clockwise on the screen
    assert (c.sum(axis=1) >= c[0].sum()).all()  # top left first
    assert (got.x, got.y) == tuple(c.min(axis=0))
    assert find("rects", Quad, gray(a), 10**7) == []


def test_frames_are_found_once_or_as_two() -> None:
    a = np.full((100, 120), 240, np.uint8)
    cv2.rectangle(a, (20, 20), (90, 70), 10, 4)
    got = find("rects", Quad, gray(a), 1000)
    assert 1 <= len(got) <= 2
    assert any(abs(q.x - 18) <= 2 and abs(q.w - 74) <= 4 for q in got)


# ---- edges ------------------------------------------------------------------------------------------


def test_canny_finds_the_edges_of_opencv() -> None:
    a = photo(160, 120)
    p = gray(a)
    assert run(lambda w: lib().vis_edges_canny(p.ref, w, whole(p), 100, 200)) == 0
    got = p.values()
    assert set(np.unique(got)) == {0, 255}
    soft = cv2.GaussianBlur(a, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)
    wanted = cv2.Canny(soft, 100, 200, L2gradient=True)
    near = cv2.dilate(wanted, np.ones((3, 3), np.uint8)) > 0
    mine = cv2.dilate(got, np.ones((3, 3), np.uint8)) > 0
    assert near[got > 0].mean() > 0.97 and mine[wanted > 0].mean() > 0.97


def test_edges_stay_inside_the_roi() -> None:
    a = photo(160, 120)
    for name in ("canny", "simple"):
        p = gray(a)
        assert (
            run(lambda w, p=p, n=name: getattr(lib(), f"vis_edges_{n}")(p.ref, w, Rect(20, 30, 50, 40), 50, 255)) == 0
        )
        got = p.values()
        assert set(np.unique(got[30:70, 20:70])) == {0, 255}
        got[30:70, 20:70] = a[30:70, 20:70]
        assert (got == a).all()


# ---- templates and displacement ---------------------------------------------------------------------


def template(
    a: np.ndarray, t: np.ndarray, threshold: float, step: int, diamond: bool
) -> tuple[int, tuple[int, ...], float]:
    at, score, p, q = Rect(), ct.c_float(), gray(a), gray(t)
    lib().vis_find_template.argtypes = [
        ct.c_void_p, ct.c_void_p, ct.c_void_p, ct.c_void_p, Rect, ct.c_void_p, ct.c_float, ct.c_int32, ct.c_bool,
    ]  # fmt: skip
    found = run(
        lambda w: lib().vis_find_template(
            ct.byref(at), ct.byref(score), w, p.ref, whole(p), q.ref, threshold, step, diamond
        )
    )
    return found, at.tuple, score.value


def test_template_is_that_of_opencv() -> None:
    a = photo(160, 120)
    t = cv2.GaussianBlur(a[31:55, 47:77], (3, 3), 0)
    scores = cv2.matchTemplate(a, t, cv2.TM_CCOEFF_NORMED)
    _, best, _, where = cv2.minMaxLoc(scores)
    for step in (1, 2, 4):
        found, at, score = template(a, t, 0.5, step, False)
        assert found == 1
        assert at == (*where, 30, 24)
        assert score == pytest.approx(best, abs=1e-4)
    assert template(a, t, 1.01, 1, False)[0] == 0
    assert template(np.full((50, 50), 9, np.uint8), t, 0.1, 1, False)[0] == 0


def test_diamond_search_follows_a_moving_part() -> None:
    a = cv2.GaussianBlur(photo(160, 120), (0, 0), 3)
    t = a[44:76, 62:98]
    found, at, score = template(a, t, 0.9, 2, True)
    assert (found, at) == (1, (62, 44, 36, 32))
    assert score > 0.999


def displaced(a: np.ndarray, b: np.ndarray, logpolar: bool = False, fix: bool = False) -> Displacement:
    d, p, q = Displacement(), gray(a), gray(b)
    ret = run(lambda w: lib().vis_displacement(ct.byref(d), w, p.ref, whole(p), q.ref, whole(q), logpolar, fix))
    assert ret == 0
    return d


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (7, 0), (0, -5), (-12, 9), (20, 15)])
def test_displacement(dx: int, dy: int) -> None:
    a = photo()
    part, moved = a[60:180, 80:240], a[60 - dy : 180 - dy, 80 - dx : 240 - dx]
    d = displaced(moved, part)
    assert (d.x, d.y) == (pytest.approx(dx, abs=0.3), pytest.approx(dy, abs=0.3))
    assert 0.2 < d.response <= 1
    (want,), _ = [
        cv2.phaseCorrelate(part.astype(float), moved.astype(float), cv2.createHanningWindow((160, 120), cv2.CV_64F))[
            :1
        ],
        0,
    ]
    assert (d.x, d.y) == (pytest.approx(want[0], abs=0.5), pytest.approx(want[1], abs=0.5))


@pytest.mark.parametrize("angle", [-40, 15, 90])
def test_rotation_by_log_polar(angle: int) -> None:
    a = photo(128, 128)
    turned = cv2.warpAffine(a, cv2.getRotationMatrix2D((64, 64), -angle, 1), (128, 128), borderMode=cv2.BORDER_REFLECT)
    d = displaced(turned, a, logpolar=True)
    assert math.degrees(d.rotation) == pytest.approx(angle, abs=3)
    assert d.scale == pytest.approx(1, abs=0.06)
    assert (d.x, d.y) == (0, 0)
    both = displaced(np.roll(turned, 4, axis=1), a, fix=True)
    assert math.degrees(both.rotation) == pytest.approx(angle, abs=6)


# ---- keypoints and other descriptors ----------------------------------------------------------------


def keypoints(a: np.ndarray, **args: float) -> list[Keypoint]:
    o = {"threshold": 20, "normalized": False, "scale": 1.5, "most": 100} | args
    return find(
        "keypoints",
        Keypoint,
        gray(a),
        int(o["threshold"]),
        bool(o["normalized"]),
        ct.c_float(o["scale"]),
        int(o["most"]),
    )


def test_corners_are_those_of_fast() -> None:
    a = photo()
    wanted = cv2.FastFeatureDetector_create(30, nonmaxSuppression=False).detect(a)
    corners = {(round(k.pt[0]), round(k.pt[1])) for k in wanted}
    got = keypoints(a, threshold=30, normalized=True, most=1000)
    assert len(got) > 50
    assert sum((k.x, k.y) in corners for k in got) == len(got)
    assert [k.score for k in got] == sorted((k.score for k in got), reverse=True)


@pytest.mark.parametrize("angle", [0, 20, 90])
def test_keypoints_match_a_turned_picture(angle: int) -> None:
    a = photo()
    turned = cv2.warpAffine(a, cv2.getRotationMatrix2D((160, 120), -angle, 1), (320, 240))
    one, two = keypoints(a[60:180, 80:240]), keypoints(turned)
    m, pairs = KptMatch(), (ct.c_uint16 * 400)()
    x, y = (Keypoint * len(one))(*one), (Keypoint * len(two))(*two)
    count = lib().vis_match_keypoints(ct.byref(m), x, ct.c_size_t(len(one)), y, ct.c_size_t(len(two)), 85, False, pairs)
    assert count == m.count >= 10
    assert min(abs(m.theta - angle), abs(m.theta - angle - 360)) <= 15
    good = 0
    for i in range(count):
        k, q = one[pairs[2 * i]], two[pairs[2 * i + 1]]
        v = np.array([k.x + 80 - 160, k.y + 60 - 120])
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        good += np.hypot(*(np.array([[c, -s], [s, c]]) @ v + (160, 120) - (q.x, q.y))) < 3 + 3 * 1.5 ** max(
            k.octave, q.octave
        )
    assert good >= 0.65 * count


def test_patterns_tell_textures_apart() -> None:
    def lbp(a: np.ndarray) -> ct.Array[ct.c_uint8]:
        out, p = (ct.c_uint8 * (64 * 59))(), gray(a)
        assert run(lambda w: lib().vis_lbp(out, w, p.ref, whole(p))) == 0
        return out

    a = photo(128, 128)
    same = lib().vis_lbp_distance(lbp(a), lbp(a))
    close = lib().vis_lbp_distance(lbp(a), lbp(cv2.convertScaleAbs(a, alpha=0.8, beta=20)))
    far = lib().vis_lbp_distance(lbp(a), lbp(np.flipud(a).copy()))
    assert same == 0 and close * 3 < far


def test_hog_draws_along_edges() -> None:
    a = np.zeros((32, 32), np.uint8)
    a[:, 16:] = 200
    p = gray(a)
    assert run(lambda w: lib().vis_hog(p.ref, w, whole(p), 8)) == 0
    got = p.values()
    assert got[:, 8:24].max() > 200
    columns = (got > 128).sum(axis=0)
    assert columns.max() >= 24  # an upright line through all cells


def test_find_eye_finds_a_dark_disc() -> None:
    a = np.full((50, 70), 210, np.uint8)
    cv2.circle(a, (41, 22), 9, 30, -1)
    x, y, p = ct.c_int32(), ct.c_int32(), gray(cv2.GaussianBlur(a, (3, 3), 0))
    assert run(lambda w: lib().vis_find_eye(ct.byref(x), ct.byref(y), w, p.ref, whole(p))) == 0
    assert math.dist((x.value, y.value), (41, 22)) <= 3


def test_selective_search_proposes_the_objects() -> None:
    rgb = np.full((90, 120, 3), 60, np.uint8)
    rgb[10:40, 10:50] = (220, 40, 40)
    rgb[50:80, 60:110] = (40, 200, 60)
    out, got, p = List(), [], from_rgb(rgb)

    def call(w: ct.c_void_p) -> int:
        f = ct.c_float(1)
        ret = lib().vis_selective_search(ct.byref(out), w, p.ref, 500, 20, f, f, f)
        got.extend(Rect.from_buffer_copy(ct.string_at(out.items + i * 16, 16)).tuple for i in range(out.n))
        return ret

    assert run(call) == 0
    assert (10, 10, 40, 30) in got and (60, 50, 50, 30) in got and (0, 0, 120, 90) in got


# ---- no memory --------------------------------------------------------------------------------------


def test_every_failed_allocation_is_an_error_and_nothing_leaks() -> None:
    a = photo(100, 90)
    p, out = gray(a), List()
    o, b = circle_options(), BlobOptions(1, 1, 1, 1, False)
    n, t = ct.c_size_t(1), ranges([(100, 255)])
    at, score, q = Rect(), ct.c_float(), gray(a[:40, :40])
    d, line = Displacement(), Line()
    lib().vis_find_template.argtypes = None
    calls = {
        "blobs": lambda w: lib().vis_find_blobs(ct.byref(out), w, p.ref, whole(p), t, n, ct.byref(b)),
        "lines": lambda w: lib().vis_find_lines(ct.byref(out), w, p.ref, whole(p), 1, 1, 500, 25, 25),
        "segments": lambda w: lib().vis_find_segments(ct.byref(out), w, p.ref, whole(p), 0, 15),
        "circles": lambda w: lib().vis_find_circles(ct.byref(out), w, p.ref, whole(p), ct.byref(o)),
        "rects": lambda w: lib().vis_find_rects(ct.byref(out), w, p.ref, whole(p), 100),
        "template": lambda w: lib().vis_find_template(
            ct.byref(at), ct.byref(score), w, p.ref, whole(p), q.ref, ct.c_float(0.5), 4, False
        ),
        "canny": lambda w: lib().vis_edges_canny(p.ref, w, whole(p), 100, 200),
        "displacement": lambda w: lib().vis_displacement(ct.byref(d), w, p.ref, whole(p), p.ref, whole(p), False, True),
        "keypoints": lambda w: lib().vis_find_keypoints(
            ct.byref(out), w, p.ref, whole(p), 10, False, ct.c_float(1.2), 100
        ),
        "regression": lambda w: lib().vis_regression(ct.byref(line), w, p.ref, whole(p), t, n, ct.byref(b), True),
        "selective": lambda w: lib().vis_selective_search(
            ct.byref(out), w, p.ref, 500, 20, ct.c_float(1), ct.c_float(1), ct.c_float(1)
        ),
        "polar": lambda w: lib().vis_polar(p.ref, w, True, False),
    }
    try:
        for name, call in calls.items():
            left = 0
            for left in range(60):
                fail_after(left)
                if run(call) != -12:
                    break
                assert left < 59, name
            assert left > 0, name
    finally:
        fail_after(-1)


def test_pictures_of_one_pixel() -> None:
    p = Picture(1, 1, GRAYSCALE)
    assert find("rects", Quad, p, 0) == []
    assert find("keypoints", Keypoint, p, 20, False, ct.c_float(1.5), 100) == []
    assert find("segments", Line, p, 0, 15) == []


def test_random_calls_under_sanitizers() -> None:
    """K210_FUZZ_ROUNDS makes it a longer campaign."""
    program = build(BUILD / "vision_stress", [*SANITIZE, "-O1"], [Path(__file__).with_name("vision_stress.c")])
    rounds = os.environ.get("K210_FUZZ_ROUNDS", "2500")
    done = subprocess.run([program, rounds], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-3000:]
