# SPDX-License-Identifier: MIT
"""The vision functions of Image as scripts see them: names, results, printed forms, errors."""

import ast
import math
import re
from pathlib import Path

import pytest

from k210.board import Board
from k210.cascade import read_xml, to_bytes
from k210.errors import ScriptError

pytestmark = pytest.mark.timeout(180)

SCENE = """
import image
g = image.Image(size=(80, 60)).to_grayscale()
g.draw_rectangle(10, 10, 20, 16, color=200, fill=True)
g.draw_circle(60, 40, 10, color=120, fill=True)
c = image.Image(size=(80, 60))
c.draw_rectangle(10, 10, 20, 16, color=(255, 0, 0), fill=True)
c.draw_circle(60, 40, 10, color=(0, 0, 255), fill=True)
"""


def out(board: Board, code: str) -> list[str]:
    return board.exec(SCENE + code).splitlines()


def values(board: Board, *expressions: str) -> list:
    code = "".join(f"print(repr({e}))\n" for e in expressions)
    return [ast.literal_eval(line) for line in out(board, code)]


def fails(board: Board, code: str) -> str:
    with pytest.raises(ScriptError) as e:
        board.exec(SCENE + code)
    lines = [line for line in str(e.value).splitlines() if line.strip()]
    assert board.exec("print(6 * 7)") == "42\n"
    return lines[-1]


METHODS = {
    "width",
    "height",
    "format",
    "size",
    "get_pixel",
    "set_pixel",
    "mean_pool",
    "mean_pooled",
    "midpoint_pool",
    "midpoint_pooled",
    "to_bitmap",
    "to_grayscale",
    "to_rgb565",
    "to_rainbow",
    "compress",
    "compressed",
    "copy",
    "crop",
    "save",
    "to_bytes",
    "clear",
    "resize",
    "cut",
    "pix_to_ai",
    "ai_to_pix",
    "stretch",
    "strech_char",
    "conv3",
    "draw_line",
    "draw_rectangle",
    "draw_circle",
    "draw_ellipse",
    "draw_string",
    "draw_font",
    "draw_cross",
    "draw_arrow",
    "draw_image",
    "draw_keypoints",
    "flood_fill",
    "binary",
    "invert",
    "b_and",
    "b_nand",
    "b_or",
    "b_nor",
    "b_xor",
    "b_xnor",
    "erode",
    "dilate",
    "open",
    "close",
    "top_hat",
    "black_hat",
    "gamma_corr",
    "negate",
    "replace",
    "assign",
    "set",
    "add",
    "sub",
    "mul",
    "div",
    "min",
    "max",
    "difference",
    "blend",
    "histeq",
    "mean",
    "median",
    "mode",
    "midpoint",
    "morph",
    "gaussian",
    "blur",
    "gaussian_blur",
    "laplacian",
    "bilateral",
    "cartoon",
    "remove_shadows",
    "chrominvar",
    "illuminvar",
    "linpolar",
    "logpolar",
    "lens_corr",
    "rotation_corr",
    "find_blobs",
    "get_regression",
    "find_lines",
    "find_line_segments",
    "find_circles",
    "find_rects",
    "find_displacement",
    "find_template",
    "find_features",
    "find_eye",
    "find_lbp",
    "find_keypoints",
    "find_edges",
    "find_hog",
    "selective_search",
    "get_histogram",
    "get_hist",
    "histogram",
    "get_statistics",
    "get_stats",
    "statistics",
    "get_similarity",
    "find_domain",
}


def test_all_names_of_maixpy_exist(board: Board) -> None:
    names = set(board.eval("dir(__import__('image').Image)"))
    assert names >= METHODS
    assert {"and", "or", "xor", "nand", "nor", "xnor"} <= names
    module = set(board.eval("dir(__import__('image'))"))
    wanted = (
        "Image rgb_to_lab lab_to_rgb rgb_to_grayscale grayscale_to_rgb get_affine_transform warp_affine_ai HaarCascade"
    )
    wanted += " load_descriptor save_descriptor match_descriptor SEARCH_EX SEARCH_DS EDGE_CANNY EDGE_SIMPLE CORNER_FAST"
    wanted += " CORNER_AGAST TAG36H11 EAN13 CODE128"
    assert set(wanted.split()) - module == set()


# ---- results ----------------------------------------------------------------------------------------


def test_blobs(board: Board) -> None:
    got = out(board, "b = g.find_blobs([(100, 255)], x_stride=1)\nfor i in b: print(i)\nprint(g.find_blobs([]))")
    assert got[0].startswith(
        '{"x":10, "y":10, "w":20, "h":16, "pixels":320, "cx":19, "cy":17, "rotation":0.000000, "code":1, "count":1}'
    )
    assert got[1].startswith('{"x":50, "y":30, "w":21, "h":21, "pixels":')
    assert got[2] == "[]"
    assert values(
        board,
        "[b.rect() for b in c.find_blobs([(20, 80, 40, 127, 20, 127)])]",
        "[(b[0], b[1:4], b.pixels(), b.area(), b.density(), b.code(), b.count()) for b in g.find_blobs([(150, 255)])]",
        "[(b.code(), b.count()) for b in g.find_blobs([(150, 255), (100, 140)], merge=True, margin=50)]",
        "len(g.find_blobs([(100, 255)], pixels_threshold=320, area_threshold=400))",
        "len(g.find_blobs([(100, 255)], area_threshold=330))",
        "len(g.find_blobs([(100, 255)], roi=(40, 20, 40, 40)))",
        "len(g.find_blobs((100, 255)))",
        "[b.x() for b in g.find_blobs([(100, 255)], threshold_cb=lambda b: b.x() > 20)]",
        "len(g.find_blobs([(100, 255)], merge=True, margin=50, merge_cb=lambda a, b: False))",
    ) == [[(10, 10, 20, 16)], [(10, (10, 20, 16), 320, 320, 1.0, 1, 1)], [(3, 2)], 1, 1, 1, 2, [50], 2]
    assert "ZeroDivisionError" in fails(board, "g.find_blobs([(100, 255)], threshold_cb=lambda b: 1 // 0)")
    assert "ValueError: x_stride is 0: 1 to" in fails(board, "g.find_blobs([(1, 2)], x_stride=0)")


def test_statistics(board: Board) -> None:
    got = out(board, "print(g.get_statistics())\nprint(c.get_statistics())\nprint(g.get_histogram(bins=4))")
    assert re.fullmatch(
        r'\{"mean":\d+, "median":0, "mode":0, "stdev":\d+, "min":0, "max":200, "lq":0, "uq":0\}', got[0]
    )
    names = [p + n for p in ("l_", "a_", "b_") for n in ("mean", "median", "mode", "stdev", "min", "max", "lq", "uq")]
    assert re.findall(r'"(\w+)":', got[1]) == names
    assert re.fullmatch(r'\{"bins":\[0\.\d{6}(, 0\.\d{6}){3}\]\}', got[2])
    s = "g.get_statistics(thresholds=[(100, 255)])"
    assert values(
        board, f"({s}.min(), {s}.max(), {s}.mean() > 100, {s}[5])", "sum(g.get_histogram().bins()) > 0.999"
    ) == [
        (120, 200, True, 200),
        True,
    ]
    assert values(
        board, "len(c.get_histogram()[1])", "c.get_stats().l_max() == c.get_stats().max()", "len(c.get_stats())"
    ) == [
        256,
        True,
        24,
    ]


def test_percentile_and_threshold_objects(board: Board) -> None:
    code = """
h = g.histogram()
print(h.get_percentile(0.99), h.get_threshold())
print(c.get_hist().get_percentile(0.5), c.get_hist().get_threshold())
print(h.get_percentile(0.99).value(), h.get_threshold()[0] < 120, h.get_stats().max())
"""
    got = out(board, code)
    assert re.fullmatch(r'\{"value":200\} \{"value":\d+\}', got[0])
    assert re.fullmatch(
        r'\{"l_value:0", "a_value":0, "b_value":0\} \{"l_value":\d+, "a_value":-?\d+, "b_value":-?\d+\}', got[1]
    ) or got[1].startswith('{"l_value:')
    assert got[2] == "200 True 200"
    assert "ValueError: a percentile is a number from 0 to 1" in fails(board, "g.histogram().get_percentile(2)")


def test_lines_circles_rects(board: Board) -> None:
    code = """
i = image.Image(size=(80, 60)).to_grayscale()
i.draw_line(10, 5, 70, 50, color=255, thickness=3)
for l in i.find_line_segments(merge_distance=6)[:1]: print(l); print(l.line() == l[0:4], l.theta())
print(i.get_regression([(128, 255)]))
print(len(i.find_lines(threshold=2000)) > 0)
for r in g.find_rects(threshold=500)[:1]: print(r); print(r.corners(), r.rect())
for o in g.find_circles(threshold=2000, r_min=6, r_max=14)[:1]: print(o); print(o.circle())
print(i.find_rects(threshold=10000000), image.Image(size=(2, 2)).find_lines())
"""
    got = out(board, code)
    assert re.fullmatch(
        r'\{"x1":\d+, "y1":\d+, "x2":\d+, "y2":\d+, "length":7\d, "magnitude":\d+, "theta":12\d, "rho":-?\d+\}', got[0]
    )
    assert got[1].startswith("True 12")
    assert '"theta":127' in got[2]
    assert got[3] == "True"
    assert re.fullmatch(r'\{"x":10, "y":10, "w":20, "h":16, "magnitude":\d+\}', got[4])
    assert got[5] == "((10, 10), (29, 10), (29, 25), (10, 25)) (10, 10, 20, 16)"
    assert re.fullmatch(r'\{"x":(59|60|61), "y":(39|40|41), "r":\d+, "magnitude":\d+\}', got[6])
    assert got[8] == "[] []"


def test_template_and_displacement(board: Board) -> None:
    code = """
t = g.copy(roi=(6, 6, 30, 24))
print(g.find_template(t, 0.8), g.find_template(t, 0.8, step=1, search=image.SEARCH_DS), g.find_template(t, 1.5))
d = g.find_displacement(g)
print(d)
print(abs(d.x_translation()) < 0.1, d.scale(), d[4] > 0.5)
print(g.get_similarity(g))
"""
    got = out(board, code)
    assert got[0] == "(6, 6, 30, 24) (6, 6, 30, 24) None"
    assert re.fullmatch(
        r'\{"x_translation":.*, "y_translation":.*, "rotation":0.0+, "scale":0.0+, "response":\d.\d{6}\}', got[1]
    )
    assert got[2] == "True 0.0 True"
    assert got[3] == '{"mean":1.000000, "stdev":0.000000, "min":1.000000, "max":1.000000}'
    assert "Region of interest is smaller than template! 30x24 and 80x60" in fails(
        board, "g.copy(roi=(0,0,30,24)).find_template(g, 0.5)"
    )


def test_keypoints_and_descriptors(board: Board) -> None:
    code = """
import urandom as random, os
random.seed(3)
i = image.Image(size=(160, 120)).to_grayscale()
r = random.randint
for n in range(40): i.draw_rectangle(r(0, 140), r(0, 100), 12, 9, color=r(60, 255), fill=True)
k = i.find_keypoints(threshold=20, max_keypoints=50)
print(k, len(k), len(k[0]))
m = image.match_descriptor(k, k)
print(m)
print(m.count() == len(m.match()), m.theta(), m.rect() == m[2:6])
image.save_descriptor(k, "/flash/k.orb")
q = image.load_descriptor("/flash/k.orb")
print(q, image.match_descriptor(k, q).count() == m.count())
l = i.find_lbp((0, 0, 80, 60))
print(image.match_descriptor(l, l), image.match_descriptor(l, i.find_lbp((40, 20, 80, 60))) > 100)
print(i.draw_keypoints(k, color=255) is i, g.clear().find_keypoints())
os.remove("/flash/k.orb")
"""
    got = out(board, code)
    assert re.fullmatch(r'\{"size":(\d+), "threshold":20, "normalized":0\} \1 5', got[0])
    assert re.fullmatch(r'\{"cx":\d+, "cy":\d+, "x":\d+, "y":\d+, "w":\d+, "h":\d+, "count":\d+, "theta":0\}', got[1])
    assert got[2] == "True 0 True"
    assert got[3].endswith("True")
    assert got[4] == "0 True"
    assert got[5] == "True None"
    board.put(b"rubbish", "/flash/bad.orb")
    assert "ValueError: not a descriptor file" in fails(board, "image.load_descriptor('/flash/bad.orb')")
    board.exec("import os; os.remove('/flash/bad.orb')")


def test_cascades_come_from_files(board: Board) -> None:
    assert "ENOENT" in fails(board, "image.HaarCascade('/flash/none.cascade')")
    # One stage, one feature of two rectangles: the left half darker than the right one.
    w = (8).to_bytes(4, "little")
    data = w + w + (1).to_bytes(4, "little") + bytes([1]) + (100).to_bytes(2, "little") + (1000).to_bytes(2, "little")
    data += (
        (0).to_bytes(2, "little")
        + (200).to_bytes(2, "little")
        + bytes([2])
        + bytes([0xFF, 1])
        + bytes([0, 0, 4, 8, 4, 0, 4, 8])
    )
    board.put(data, "/flash/edge.cascade")
    code = """
k = image.HaarCascade('/flash/edge.cascade')
print(k)
i = image.Image(size=(24, 24)).to_grayscale()
i.draw_rectangle(12, 0, 12, 24, color=200, fill=True)
r = i.find_features(k, threshold=1.0)
print(len(r) > 0 and all(x < 12 < x + w for x, y, w, h in r), g.clear().find_features(k, threshold=1.0))
"""
    assert out(board, code) == ['{"width":8, "height":8, "n_stages":1, "n_features":1, "n_rectangles":2}', "True []"]
    board.put(data[:20], "/flash/edge.cascade")
    error = fails(board, "image.HaarCascade('/flash/edge.cascade')")
    assert "'/flash/edge.cascade' is not a cascade file, or damaged (cascade: 20 bytes are fewer than" in error
    board.exec("import os; os.remove('/flash/edge.cascade')")


@pytest.mark.k210(camera="images/astronaut.png")
def test_cascades_by_name_find_face_and_eye(board: Board) -> None:
    """From files, unless the firmware was built with IMAGE_CASCADES=1."""
    try:
        board.exec("import image\nimage.HaarCascade('frontalface')")
    except ScriptError as error:
        assert "OSError: no cascade 'frontalface' is built in, and there is no file frontalface.cascade" in str(error)
        for name, source in (("frontalface", "frontalface_default"), ("eye", "eye")):
            xml = Path("/usr/share/opencv4/haarcascades") / f"haarcascade_{source}.xml"
            board.put(to_bytes(read_xml(xml)), f"/flash/{name}.cascade")
    code = """
import sensor, image, lcd
lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.GRAYSCALE)
sensor.set_framesize(sensor.QVGA)
sensor.skip_frames(3)
face = image.HaarCascade("frontalface", stages=25)
eye = image.HaarCascade("eye", stages=24)
print(face, image.HaarCascade("frontalface", stages=10), eye)
i = sensor.snapshot()
faces = i.find_features(face, threshold=0.75, scale_factor=1.25)
print(faces)
print(i.find_features(eye, threshold=0.5, scale_factor=1.2, roi=faces[0]))
"""
    lines = out(board, code)
    files = "[n for n in os.listdir('/flash') if n in ('frontalface.cascade', 'eye.cascade')]"
    board.exec(f"import os\nfor n in {files}: os.remove('/flash/' + n)")
    numbers = '"n_features":2913, "n_rectangles":6383}'
    assert lines[0] == (
        f'{{"width":24, "height":24, "n_stages":25, {numbers} {{"width":24, "height":24, "n_stages":10, {numbers} '
        '{"width":20, "height":20, "n_stages":24, "n_features":1066, "n_rectangles":2299}'
    )
    # OpenCV's detectMultiScale(picture, 1.25, 3) says (109, 23, 59, 59).
    faces = ast.literal_eval(lines[1])
    assert len(faces) == 1
    assert all(abs(a - b) <= 4 for a, b in zip(faces[0], (109, 23, 59, 59), strict=True)), faces
    eyes = ast.literal_eval(lines[2])
    assert any(abs(x + w / 2 - 126) <= 5 and abs(y + h / 2 - 46) <= 5 for x, y, w, h in eyes), eyes


# ---- operations -------------------------------------------------------------------------------------


def test_operations_return_the_image(board: Board) -> None:
    calls = """
g.binary([(100, 255)])|g.invert()|g.negate()|g.b_and(c)|g.b_nand(255)|g.b_or(g)|g.b_nor(1)|g.b_xor(g)|g.b_xnor(g)
getattr(g, 'and')(3)
g.erode(1)|g.dilate(1)|g.open(1)|g.close(1)|g.top_hat(1)|g.black_hat(1)|g.gamma_corr(gamma=1.5)|g.replace(c)
g.assign((1, 2, 3))|g.set(7)
g.add(c)|g.sub(5, reverse=True)|g.mul(c, invert=True)|g.div(c, mod=True)|g.min(100)|g.max(10)
g.difference(c)|g.blend(c, alpha=100)
g.histeq()|c.histeq(adaptive=True, clip_limit=3)|g.mean(1)|g.median(1, percentile=0.3)|g.mode(1)|g.midpoint(1, bias=0.2)
g.morph(1, [1, 2, 1, 2, 4, 2, 1, 2, 1])|g.gaussian(1)|c.blur(2)|g.gaussian_blur(1, unsharp=True)
g.laplacian(1, sharpen=True)
c.bilateral(1)|g.cartoon()|c.remove_shadows()|c.remove_shadows(c)|c.chrominvar()|c.illuminvar()|g.linpolar()|g.logpolar(reverse=True)
c.lens_corr(1.8)|c.rotation_corr(x_rotation=10.0, zoom=1.2)|g.flood_fill(5, 5)
g.find_edges(image.EDGE_CANNY, threshold=(50, 80))
g.find_edges(image.EDGE_SIMPLE)|g.find_hog()|g.mean_pool(2, 2)|c.midpoint_pool(2, 2)|g.to_rainbow()|c.to_rainbow()
"""  # fmt: skip
    calls = [c for c in calls.replace("\n", "|").split("|") if c]
    code = SCENE + "".join(
        f"exec({SCENE!r})\nr = {c}\nif r is not {'c' if c.startswith('c.') else 'g'}: print({c!r})\n" for c in calls
    )
    assert board.exec(code) == ""
    assert values(board, "g.stretch(0, 255)", "g.strech_char(0)", "g.conv3([0]*9)", "g.mean_pooled(4, 4).width()") == [
        None,
        None,
        None,
        20,
    ]


def test_values_of_operations(board: Board) -> None:
    assert values(
        board,
        "g.copy().binary([(100, 255)]).get_pixel(12, 12)",
        "g.copy().invert()[0]",
        "c.copy().negate().get_pixel(12, 12)",
        "g.copy().add(100).get_pixel(12, 12)",
        "g.copy().sub(50).get_pixel(12, 12)",
        "c.copy().difference((255, 0, 0)).get_pixel(12, 12)",
        "g.copy().erode(1).get_pixel(10, 10)",
        "g.copy().dilate(1).get_pixel(9, 9)",
        "g.copy().mean(1).get_pixel(9, 15)",
        "g.copy().replace(g, hmirror=True).get_pixel(60, 12)",
        "g.copy().replace(vflip=True).get_pixel(12, 40)",
        "(lambda i: (i.replace(i, transpose=True), i.width(), i.height(), i.get_pixel(12, 20))[1:])(g.copy())",
        "g.copy().flood_fill(15, 15, color=9).get_pixel(29, 25)",
        "g.binary([(100, 255)], to_bitmap=True, copy=True).format()",
        "g.copy().mean_pool(10, 10).get_pixel(1, 1)",
        "g.copy().lens_corr().get_pixel(40, 30)",
        "g.to_rainbow(copy=True).get_pixel(0, 0)",
        "g.format() == 4",
        "image.rgb_to_lab((255, 0, 0))",
        "image.lab_to_rgb((53, 80, 67))",
    ) == [255, 255, (0, 255, 255), 255, 150, (0, 0, 0), 0, 255, 67, 200, 200, (60, 80, 200), 9, None, 200, 0,
          (0, 0, 255), True, (53, 80, 67), (254, 0, 0)]  # fmt: skip


def test_masks(board: Board) -> None:
    code = """
m = image.Image(size=(80, 60)).to_bitmap()
m.draw_rectangle(0, 0, 40, 60, fill=True)
r = g.copy().add(9, mask=m)
print(g.copy().invert().get_pixel(70, 5), r.get_pixel(70, 5), r.get_pixel(5, 5))
"""
    assert out(board, code) == ["255 0 9"]
    assert "mask is 10x10, the image 80x60" in fails(board, "g.add(1, mask=image.Image(size=(10, 10)))")


def test_rotation_by_corners(board: Board) -> None:
    code = "g.rotation_corr(corners=[(10, 10), (29, 10), (29, 25), (10, 25)])\ns = g.get_statistics()"
    code += "\nprint(s.min(), s.max())"
    assert out(board, code) == ["200 200"]


# ---- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("c.find_template(c, 0.5)", "OSError: Image format is not supported. A grayscale image is needed"),
        ("g.chrominvar()", "OSError: Image format is not supported. A rgb565 image is needed"),
        ("g.compressed().find_blobs([(0, 1)])", "OSError: Image format is not supported."),
        ("g.add(image.Image(size=(3, 3)))", "OSError: Images not equal! 80x60 and 3x3"),
        ("g.add('/flash/none.bmp')", "ENOENT"),
        ("g.mean(-1)", "ValueError: kernel size -1"),
        ("g.mean(1000)", "ValueError: kernel size 1000"),
        ("g.gaussian(20)", "ValueError: kernel size 20: 0 to 7"),
        ("g.morph(1, [1, 2])", "ValueError: a kernel of 3x3 numbers is needed, got 2"),
        ("g.lens_corr(0)", "OSError: strength must be > 0!"),
        ("g.lens_corr(float('nan'))", "ValueError: strength is not a number"),
        ("g.rotation_corr(fov=200)", "OSError: fov must be < 180!"),
        ("g.rotation_corr(corners=[(0, 0), (0, 0), (0, 0), (0, 0)])", "ValueError"),
        ("g.gamma_corr(gamma=0)", "ValueError: gamma must be > 0"),
        ("g.mean_pool(0, 1)", "ValueError: divisors 0 and 1"),
        ("g.find_edges(7)", "ValueError: edge type 7"),
        ("g.find_lines(roi=(0, 0, 0, 5))", "OSError: Invalid ROI dimensions!"),
        ("g.find_circles(roi=(500, 0, 5, 5))", "OSError: ROI does not overlap on the image!"),
        ("g.get_histogram(bins=1)", "ValueError: bins must be >= 2"),
        ("g.get_histogram(bins=100000)", "ValueError: bins is 100000"),
        ("g.find_features(3)", "TypeError: Can't convert int to cascade"),
        ("image.match_descriptor(1, 2)", "TypeError: Can't convert int to kp_desc"),
        ("g.__del__(); g.find_blobs([(0, 9)])", "OSError: Image format is not supported."),
        ("g.find_blobs(5)", "TypeError"),
        ("g.blend(c, alpha=300)", "ValueError: alpha is 300: 0 to 256"),
        ("g.conv3([1])", "ValueError: conv3 needs 9 numbers, got 1"),
    ],
)
def test_errors(board: Board, code: str, error: str) -> None:
    assert error in fails(board, code)


def test_no_memory_is_an_exception_and_leaves_nothing_behind(board: Board) -> None:
    code = """
import k210, gc
gc.collect()
i = image.Image(size=(640, 480))
hold = []
try:
    while True: hold.append(image.Image(size=(320, 240)))
except MemoryError: pass
try: i.histeq()
except MemoryError as e: print(str(e)[:14])
hold.clear()
i.find_blobs([(0, 50)], merge=True)
print("fine")
"""
    assert out(board, code) == ["Out of Memory!", "fine"]


def test_many_rounds_lose_no_memory(board: Board) -> None:
    code = """
import gc, k210
def work():
    for n in range(6):
        g.find_blobs([(100, 255)]); g.get_statistics(); g.find_rects(); g.find_line_segments()
        g.copy().mean(2).median(1)
        try: g.find_blobs([(100, 255)], threshold_cb=lambda b: b.nothing())
        except AttributeError: pass
work(); gc.collect(); a = gc.mem_free()
work(); gc.collect(); print(abs(gc.mem_free() - a) < 2000)
"""
    assert out(board, code) == ["True"]


def test_ctrl_c_ends_a_long_operation(board: Board) -> None:
    seen = bytearray()
    # One call that takes minutes.
    code = "import image\ni = image.Image(size=(640, 480))\nprint('go')\ni.bilateral(32)\nprint('end')\n"
    assert not board.stream(code, seen.extend, timeout=60, until=lambda: b"go" in seen)
    assert b"end" not in seen
    assert board.exec("print(1)") == "1\n"


def test_rotations_are_radians(board: Board) -> None:
    (angle,) = values(
        board, "image.Image(size=(60, 60)).draw_line(10, 10, 50, 50, thickness=3).find_blobs([(50, 100)])[0].rotation()"
    )
    assert angle == pytest.approx(math.pi / 4, abs=0.05)
