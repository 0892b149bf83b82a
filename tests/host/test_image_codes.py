# SPDX-License-Identifier: MIT
"""Printed codes: made by ZXing and OpenCV, turned, scaled, blurred, and read by the image module."""

from __future__ import annotations

import ctypes as ct
import importlib.util
import math
import os
import re
import subprocess
from pathlib import Path

import code_core
import cv2
import numpy as np
import pytest
import zxingcpp
from code_core import Bar, Matrix, Qr, Tag, codes, find
from image_core import BUILD, IMAGE, SANITIZE, from_rgb
from vision_core import gray

TYPES = {"EAN8": 2, "UPCE": 3, "EAN13": 6, "ITF": 8, "Codabar": 11, "Code39": 12, "Code93": 14, "Code128": 15}


def made(kind: str, text: str | bytes, scale: int = 2) -> np.ndarray:
    return np.array(zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind)).to_image(scale=scale))


def scene(
    code: np.ndarray, angle: float = 0, scale: float = 1, blur: float = 0, size: tuple[int, int] = (320, 240)
) -> np.ndarray:
    """The code on gray paper in the middle of a picture."""
    h, w = code.shape
    page = cv2.copyMakeBorder((code * 0.75 + 30).astype(np.uint8), 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=221)
    m = cv2.getRotationMatrix2D((w / 2 + 20, h / 2 + 20), -angle, scale)
    m[:, 2] += np.array(size) / 2 - (w / 2 + 20, h / 2 + 20)
    out = cv2.warpAffine(page, m, size, flags=cv2.INTER_AREA, borderValue=221)
    return cv2.GaussianBlur(out, (0, 0), blur) if blur else out


# ---- QR ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["12345678901", "HELLO K210", "https://example.org/a?b=c", "z\u00e4\u00f6\u00fc \u4f60\u597d", "x" * 300]
)
@pytest.mark.parametrize("angle", [0, 17, 90, 200])
def test_qr(text: str, angle: float) -> None:
    a = scene(made("QRCode", text, 4), angle, size=(480, 480) if len(text) > 100 else (320, 240))
    ((q, payload),) = find("qr", Qr, gray(a))
    assert payload.decode() == text
    assert q.data_type == (1 if text.isdigit() else 2 if text == text.upper() and text.isascii() else 4)
    assert 1 <= q.version <= 40
    c = np.array([list(p) for p in q.corner])
    top = c[1] - c[0]
    assert min(abs((math.degrees(math.atan2(top[1], top[0])) - angle + 180) % 360 - 180), 360) < 4
    area = 0.5 * sum(c[i][0] * c[(i + 1) % 4][1] - c[(i + 1) % 4][0] * c[i][1] for i in range(4))
    assert area > 0


def test_qr_in_colour_mirrored_and_several() -> None:
    a = scene(made("QRCode", "COLOUR", 4))
    rgb = np.dstack([a, 255 - (255 - a) // 2, a])
    assert [t for _, t in find("qr", Qr, from_rgb(rgb))] == [b"COLOUR"]
    assert [t for _, t in find("qr", Qr, gray(a[:, ::-1].copy()))] == [b"COLOUR"]
    two = np.hstack([scene(made("QRCode", t, 4), size=(160, 160)) for t in ("ONE", "TWO")])
    assert sorted(t for _, t in find("qr", Qr, gray(two))) == [b"ONE", b"TWO"]
    assert find("qr", Qr, gray(np.full((100, 100), 200, np.uint8))) == []


# ---- bar codes --------------------------------------------------------------------------------------

BARS = [
    ("EAN13", "4006381333931"),
    ("EAN13", "9780201379624"),
    ("EAN13", "0012345678905"),
    ("EAN8", "96385074"),
    ("UPCE", "01234565"),
    ("Code128", "K210 rocks!"),
    ("Code128", "1234567890123456"),
    ("Code128", "a\x01b\tZ"),
    ("Code39", "HELLO-42"),
    ("Code93", "WIDE 93"),
    ("ITF", "00123456789012"),
    ("Codabar", "A123456B"),
]


@pytest.mark.parametrize(("kind", "text"), BARS)
@pytest.mark.parametrize(
    ("turn", "scale", "blur"), [(0, 1, 0), (90, 1, 0), (180, 1, 0), (4, 1, 0), (0, 0.85, 0.4), (0, 1.3, 0.9)]
)
def test_bars(kind: str, text: str, turn: float, scale: float, blur: float) -> None:
    a = scene(made(kind, text, 2), turn, scale, blur, size=(520, 520))
    got = find("bars", Bar, gray(a))
    assert [(c.type, t.decode()) for c, t in got] == [(TYPES[kind], text)]
    (c, _), = got  # fmt: skip
    assert c.quality >= 3
    assert c.x1 - c.x0 > 20 or c.y1 - c.y0 > 20


def test_no_bars_in_pictures_and_noise() -> None:
    for seed in range(3):
        a = np.random.default_rng(seed).integers(0, 256, (120, 160), np.uint8)
        assert find("bars", Bar, gray(a)) == []
    stripes = np.tile(np.where(np.arange(160) // 4 % 2, 20, 220).astype(np.uint8), (120, 1))
    assert find("bars", Bar, gray(stripes)) == []


# ---- AprilTags --------------------------------------------------------------------------------------

FAMILIES = {
    1: cv2.aruco.DICT_APRILTAG_16h5,
    4: cv2.aruco.DICT_APRILTAG_25h9,
    8: cv2.aruco.DICT_APRILTAG_36h10,
    16: cv2.aruco.DICT_APRILTAG_36h11,
}
TAG25H7, ARTOOLKIT = 2, 32
MAKETAGS = IMAGE / "codes" / "maketags.py"


def codes_25h7() -> list[int]:
    return [int(c, 16) for c in re.findall(r"0x(\w{7})", MAKETAGS.with_name("tag25h7.h").read_text())]


def drawn(code: int, bits: int, side: int) -> np.ndarray:
    """A code whose bits go in rows from the top left, in a black frame."""
    n = math.isqrt(bits)
    rows = np.array([code >> (bits - 1 - i) & 1 for i in range(bits)], np.uint8).reshape(n, n) * 255
    return cv2.resize(np.pad(rows, 1), (side, side), interpolation=cv2.INTER_NEAREST)


def tag(family: int, number: int, side: int = 80) -> np.ndarray:
    """OpenCV's markers stand on their heads, as seen by the library's own pictures."""
    if family == TAG25H7:
        return drawn(codes_25h7()[number], 25, side)
    if family == ARTOOLKIT:
        return drawn(0x6DC269C27 ^ number * 0x8040201, 36, side)
    return np.rot90(upside_down(family, number, side), 2).copy()


def upside_down(family: int, number: int, side: int) -> np.ndarray:
    return cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(FAMILIES[family]), number, side)


@pytest.mark.parametrize("family", [*FAMILIES, TAG25H7, ARTOOLKIT])
@pytest.mark.parametrize(("number", "angle"), [(0, 0), (7, 30), (23, 135)])
def test_tags(family: int, number: int, angle: float) -> None:
    a = scene(tag(family, number, 90), angle)
    ((t, _),) = find("tags", Tag, gray(a), family)
    assert (t.id, t.family, t.hamming) == (number, family, 0)
    assert math.dist((t.cx, t.cy), (160, 120)) < 2
    assert min(abs((math.degrees(t.rotation) - angle + 180) % 360 - 180), 360) < 3
    c = np.array([list(p) for p in t.corner])
    first = np.array([160, 120]) + 45 * math.sqrt(2) * np.array(
        [math.cos(math.radians(angle + 225)), math.sin(math.radians(angle + 225))]
    )
    assert np.hypot(*(c[0] - first)) < 4
    assert find("tags", Tag, gray(a), 0) == []


def test_codes_of_families_come_from_their_parameters() -> None:
    """The generator makes Debian's TAG16H5 and the beginning of TAG25H7; TAG25H7 keeps its distance."""
    spec = importlib.util.spec_from_file_location("maketags", MAKETAGS)
    assert spec and spec.loader
    maketags = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maketags)
    made_16h5 = list(maketags.family(4, 5, 5))
    opencv = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_16h5)
    assert len(made_16h5) == opencv.bytesList.shape[0] == 30
    for number, code in enumerate(made_16h5):
        assert (drawn(code, 16, 60) == tag(1, number, 60)).all()
    table = codes_25h7()
    assert len(table) == 242
    beginning = list(maketags.family(5, 7, 8, 2000))
    assert len(beginning) > 70
    assert beginning == table[: len(beginning)]
    values = np.array(table, np.uint64)
    turned = [values]
    for _ in range(3):
        turned.append(maketags.rotated(turned[-1], 5))
    distance = np.bitwise_count(values[:, None] ^ np.concatenate(turned)[None])
    np.fill_diagonal(distance, 25)
    assert distance.min() == 7


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (40, 2), (7, 7), (8, 8), (9, 30)])
def test_no_tags_in_pictures_that_are_too_small(size: tuple[int, int]) -> None:
    assert find("tags", Tag, gray(np.full(size, 90, np.uint8)), 16) == []


def test_several_tags_and_families() -> None:
    a = np.hstack([scene(tag(f, n, 70), size=(160, 120)) for f, n in ((16, 3), (4, 5))])
    got = find("tags", Tag, gray(a), 16 | 4)
    assert sorted((t.family, t.id) for t, _ in got) == [(4, 5), (16, 3)]
    assert [(t.family, t.id) for t, _ in find("tags", Tag, gray(a), 16)] == [(16, 3)]


@pytest.mark.parametrize("side", [40, 80])
def test_pose_of_a_tag(side: int) -> None:
    f = 250.0
    ((t, _),) = find("tags", Tag, gray(scene(tag(16, 9, side), 40)), 16)
    xyz, turn = (ct.c_double * 3)(), (ct.c_double * 3)()
    d = ct.c_double
    codes().code_tag_pose(ct.byref(t), d(f), d(f), d(160), d(120), xyz, turn)
    assert abs(xyz[0]) < 0.1 and abs(xyz[1]) < 0.1
    assert xyz[2] == pytest.approx(-2 * f / side, rel=0.05)
    tilt = [abs((math.degrees(v) + 180) % 360 - 180) for v in turn]
    assert min(tilt[0], 180 - tilt[0]) < 12 and min(tilt[1], 180 - tilt[1]) < 12


# ---- data matrices ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["K210", "data matrix 0123456789", "abc" * 8])
@pytest.mark.parametrize("angle", [0, 25, 90])
def test_matrices(text: str, angle: float) -> None:
    a = scene(made("DataMatrix", text, 5), angle)
    ((m, payload),) = find("matrices", Matrix, gray(a), 200)
    assert payload.decode() == text
    assert m.rows >= 10 and m.columns >= m.rows
    assert 0 <= m.padding < m.capacity
    c = np.array([list(p) for p in m.corner])
    assert np.abs(c.mean(axis=0) - (160, 120)).max() < 6


def test_no_matrix_in_a_flat_picture() -> None:
    assert find("matrices", Matrix, gray(np.full((60, 80), 200, np.uint8)), 200) == []


# ---- bad cases --------------------------------------------------------------------------------------


def test_readers_run_out_of_memory_in_order() -> None:
    p = gray(scene(tag(16, 3, 90)))
    left = ct.c_long.in_dll(codes(), "image_port_left")
    out, work = code_core.List(), code_core.Work()
    for name, args in (("qr", ()), ("tags", (16,)), ("matrices", (200,)), ("bars", ())):
        seen = set()
        for n in (0, 1, 2, 4, 9, 30):
            left.value = n
            seen.add(
                getattr(codes(), f"code_find_{name}")(ct.byref(out), ct.byref(work), p.ref, code_core.whole(p), *args)
            )
            codes().vis_release(ct.byref(work))
            assert ct.c_long.in_dll(codes(), "image_port_blocks").value == 0
        left.value = -1
        assert seen <= {0, -12} and -12 in seen


def test_random_pictures_under_sanitizers() -> None:
    """K210_FUZZ_ROUNDS makes it a longer campaign."""
    program = code_core.build(BUILD / "code_stress", [*SANITIZE, "-O1"], [Path(__file__).with_name("code_stress.c")])
    rounds = os.environ.get("K210_FUZZ_ROUNDS", "60")
    # The libraries keep to themselves what they forget to free: it goes with the work area.
    env = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([program, rounds], capture_output=True, text=True, check=False, env=env)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-3000:]
