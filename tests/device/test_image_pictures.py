# SPDX-License-Identifier: MIT
"""Drawing and vision programs whose picture on the LCD is compared with a golden one."""

import io

import pytest
from PIL import Image

from k210.board import Board
from k210.golden import Golden
from k210.pytest_plugin import TestData

pytestmark = pytest.mark.timeout(180)

START = "import image, lcd, math\nlcd.init()\n"
LOAD = "i = image.Image('/flash/p.jpg')\n"

# Programs by the picture that they work on; what they leave in i is shown.
PROGRAMS = {
    "astronaut": {
        "face_box": "i.draw_rectangle(118, 20, 70, 80, color=(0, 255, 0), thickness=3)\n"
        "i.draw_string(120, 104, 'face 0.97', color=(255, 255, 0), scale=1.5)",
        "gray": "i.to_grayscale()",
        "canny": "i.to_grayscale().find_edges(image.EDGE_CANNY, threshold=(80, 160))",
        "simple_edges": "i.to_grayscale().find_edges(image.EDGE_SIMPLE, threshold=(30, 255))",
        "histeq": "i.to_grayscale().histeq()",
        "clahe": "i.to_grayscale().histeq(adaptive=True, clip_limit=3)",
        "adaptive_threshold": "i.to_grayscale().mean(4, threshold=True, offset=6, invert=True)",
        "keypoints": "k = i.to_grayscale(copy=True).find_keypoints(threshold=30)\n"
        "i.draw_keypoints(k, color=(0, 255, 0))",
        "segments": "for l in i.find_line_segments(merge_distance=4):\n"
        "    i.draw_line(l.line(), color=(255, 0, 0), thickness=2)",
        "rainbow": "i.to_grayscale().to_rainbow()",
        "hog": "i.to_grayscale().find_hog(size=16)",
        "mirror": "i.replace(vflip=True, hmirror=True)",
    },
    "chelsea": {
        "median": "i.median(2)",
        "gaussian": "i.gaussian(3)",
        "unsharp": "i.gaussian(1, unsharp=True)",
        "laplacian": "i.laplacian(1, sharpen=True)",
        "bilateral": "i.bilateral(2, color_sigma=0.1, space_sigma=2)",
        "cartoon": "i.cartoon(seed_threshold=0.12, floating_threshold=0.06)",
        "negate": "i.negate()",
        "gamma": "i.gamma_corr(gamma=0.5, contrast=1.2, brightness=0.05)",
        "lens": "i.lens_corr(strength=1.8, zoom=1.0)",
        "tilt": "i.rotation_corr(x_rotation=30, y_rotation=20, z_rotation=15)",
        "corners": "i.rotation_corr(corners=[(60, 40), (250, 20), (290, 220), (30, 200)])",
    },
    "": {
        "shapes": """
i = image.Image()
for n in range(8):
    i.draw_circle(40 + 34 * n, 40, 5 + 3 * n, color=(32 * n, 255 - 30 * n, 128), thickness=1 + n // 2)
    i.draw_ellipse(160, 140, 20 + 15 * n, 60 - 7 * n, 15 * n, color=(255, 30 * n, 0))
    i.draw_arrow(10, 230 - 10 * n, 70, 180, color=(0, 255, 20 * n), size=12)
    i.draw_cross(280, 100 + 16 * n, color=(255, 255, 255), size=n + 1)
""",
        "texts": """
i = image.Image()
for n in range(5):
    i.draw_string(4, 4 + 30 * n, "Scale %.1f: Quick!" % (1 + n / 2), color=(255, 200 - 30 * n, 50 * n), scale=1 + n / 2)
i.draw_string(4, 180, "mono\\nspace", mono_space=1, x_spacing=2, y_spacing=4)
left, right = bytes([255, 128] + [129] * 12 + [128, 255]), bytes([255, 1] + [129] * 12 + [1, 255])
i.draw_font(200, 180, 16, 16, left + right, scale=2)
""",
        "flood": """
i = image.Image()
i.draw_circle(110, 120, 70, color=(255, 255, 255)); i.draw_circle(210, 120, 70, color=(255, 255, 255))
i.flood_fill(70, 120, color=(200, 0, 0)); i.flood_fill(160, 120, color=(0, 200, 0))
i.flood_fill(250, 120, color=(0, 0, 200))
""",
        "found_shapes": """
i = image.Image()
i.draw_rectangle(20, 20, 90, 60, color=(200, 200, 200), fill=True)
i.draw_circle(220, 90, 50, color=(180, 180, 180), fill=True)
i.draw_line(30, 220, 290, 170, color=(255, 255, 255), thickness=3)
r = i.find_rects(threshold=4000); o = i.find_circles(threshold=6000, r_min=40, r_max=60)
s = i.find_lines(threshold=12000)
for q in r: i.draw_rectangle(q.rect(), color=(255, 0, 0), thickness=2)
for q in o: i.draw_circle(q.x(), q.y(), q.r(), color=(0, 255, 0), thickness=2)
for q in s: i.draw_line(q.line(), color=(0, 0, 255))
""",
    },
}
CASES = [(picture, name) for picture, programs in PROGRAMS.items() for name in programs]


@pytest.mark.parametrize(("picture", "name"), CASES, ids=[n for _, n in CASES])
def test_picture(board: Board, data: TestData, golden: Golden, picture: str, name: str) -> None:
    code = START
    if picture:
        if not board.eval(f"'{picture}.jpg' in __import__('os').listdir('/flash')"):
            small = io.BytesIO()
            with Image.open(data(f"images/{picture}_320x240.ppm")) as p:
                p.save(small, "JPEG", quality=90)
            board.put(small.getvalue(), f"/flash/{picture}.jpg")
        code += LOAD.replace("p.jpg", f"{picture}.jpg")
    board.exec(code + PROGRAMS[picture][name] + "\nlcd.display(i)\n", timeout=120)
    golden.check(board.screenshot(), f"image_{name}", tolerance=9, pixels=0.002)
