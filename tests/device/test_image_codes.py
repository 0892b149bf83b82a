# SPDX-License-Identifier: MIT
"""QR codes, bar codes, AprilTags and data matrices on the board."""

import io
import re

import cv2
import numpy as np
import pytest
import zxingcpp
from PIL import Image

from k210.board import Board
from k210.errors import ScriptError

pytestmark = pytest.mark.timeout(180)


def put(board: Board, a: np.ndarray) -> None:
    """Leaves the gray picture as i on the board."""
    out = io.BytesIO()
    Image.fromarray(a).save(out, "PPM")
    board.put(out.getvalue(), "/flash/code.pgm")
    board.exec("import image, os\ni = image.Image('/flash/code.pgm')\nos.remove('/flash/code.pgm')")


def page(code: np.ndarray, w: int = 160, h: int = 120) -> np.ndarray:
    out = np.full((h, w), 230, np.uint8)
    y, x = (h - code.shape[0]) // 2, (w - code.shape[1]) // 2
    out[y : y + code.shape[0], x : x + code.shape[1]] = code // 2 + 60
    return out


def made(kind: str, text: str, scale: int = 4) -> np.ndarray:
    return np.array(zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind)).to_image(scale=scale))


def test_qr(board: Board) -> None:
    put(board, page(made("QRCode", "K210 \u4f60", 3), 120, 100))
    got = board.exec(
        "c = i.find_qrcodes()\nfor q in c: print(q)\nprint(c[0].payload(), c[0].is_binary(), len(c[0].corners()))"
    )
    printed, last = got.splitlines()
    assert re.fullmatch(
        r'\{"x":\d+, "y":\d+, "w":\d+, "h":\d+, "payload":"K210 \u4f60", '
        r'"version":1, "ecc_level":\d, "mask":\d, "data_type":4,'
        r' "eci":\d+\}',
        printed,
    )
    assert last == "K210 \u4f60 True 4"
    assert board.exec("print(i.copy(roi=(0, 0, 40, 40)).find_qrcodes(), i.find_qrcodes()[0][4])") == "[] K210 \u4f60\n"


def test_barcode(board: Board) -> None:
    put(board, page(made("EAN13", "4006381333931", 2)[:60], 260, 80))
    got = board.exec(
        "b = i.find_barcodes()[0]\nprint(b)\nprint(b.type() == image.EAN13, b.payload(), b.quality() > 10)"
    ).splitlines()
    assert re.fullmatch(
        r'\{"x":\d+, "y":\d+, "w":\d+, "h":\d+, "payload":"4006381333931", '
        r'"type":6, "rotation":0.000000, "quality":\d+\}',
        got[0],
    )
    assert got[1] == "True 4006381333931 True"


def test_apriltag(board: Board) -> None:
    d = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    put(board, page(np.rot90(cv2.aruco.generateImageMarker(d, 42, 80), 2)))
    got = board.exec(
        "t = i.find_apriltags()[0]\nprint(t)\n"
        "print(t.id(), t.family() == image.TAG36H11, t.corners()[0], t.z_translation() < 0)"
    )
    printed, last = got.splitlines()
    names = (
        "x y w h id family cx cy rotation decision_margin hamming goodness x_translation y_translation z_translation"
    )
    names += " x_rotation y_rotation z_rotation"
    assert re.findall(r'"(\w+)":', printed) == names.split()
    assert re.fullmatch(r"42 True \((39|40|41), (19|20|21)\) True", last)
    assert board.exec("print(i.find_apriltags(families=image.TAG16H5))") == "[]\n"
    with pytest.raises(ScriptError, match="ValueError: families 64: TAG16H5, TAG25H7, TAG25H9, TAG36H10, TAG36H11,"):
        board.exec("i.find_apriltags(families=64)")


def test_artoolkit_tag(board: Board) -> None:
    rows = 0x6DC269C27 ^ 300 * 0x8040201
    bits = np.array([rows >> (35 - k) & 1 for k in range(36)], np.uint8).reshape(6, 6) * 255
    put(board, page(cv2.resize(np.pad(bits, 1), (80, 80), interpolation=cv2.INTER_NEAREST)))
    both = "families=image.ARTOOLKIT | image.TAG25H7"
    code = f"print([(t.id(), t.family()) for t in i.find_apriltags({both})])"
    assert board.exec(code, timeout=120) == "[(300, 32)]\n"


def test_large_pictures_are_searched_for_tags(board: Board) -> None:
    d = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_25h9)
    put(board, page(np.rot90(cv2.aruco.generateImageMarker(d, 3, 98), 2), 320, 240))
    assert board.exec("print([t.id() for t in i.find_apriltags(families=image.TAG25H9)])", timeout=120) == "[3]\n"


def test_datamatrix(board: Board) -> None:
    put(board, page(made("DataMatrix", "K210 board", 5), 120, 110))
    got = board.exec(
        "m = i.find_datamatrices()[0]\nprint(m)\nprint(m.rows(), m.columns(), len(m.corners()))"
    ).splitlines()
    assert re.fullmatch(
        r'\{"x":\d+, "y":\d+, "w":\d+, "h":\d+, "payload":"K210 board", "rotation":\d\.\d+, "rows":1\d, "columns":1\d,'
        r' "capacity":\d+, "padding":\d+\}',
        got[0],
    )
    assert got[1].endswith(" 4")


def test_readers_give_their_memory_back(board: Board) -> None:
    put(board, page(made("QRCode", "AGAIN", 3), 100, 90))
    code = """
import gc
def work():
    i.find_qrcodes(); i.find_barcodes(); i.find_datamatrices(effort=5); i.find_apriltags(families=image.TAG16H5)
work(); gc.collect(); a = gc.mem_free()
work(); gc.collect(); print(abs(gc.mem_free() - a) < 2000)
hold = []
try:
    while True: hold.append(image.Image(size=(160, 120)))
except MemoryError: pass
try: i.find_apriltags()
except MemoryError as e: print(str(e)[:14])
hold.clear()
print(i.find_qrcodes()[0].payload())
"""
    assert board.exec(code, timeout=120).splitlines() == ["True", "Out of Memory!", "AGAIN"]
