# SPDX-License-Identifier: MIT
"""Image operations on the emulated board, in CPU cycles per pixel of a 320x240 picture (virtual time)."""

import ast
from dataclasses import replace

from k210.board import Board
from k210.emulator import Config

WIDTH, HEIGHT = 320, 240
# r is RGB565, g grayscale, b binary: noise on shapes, the same every time. Every call works on a fresh copy.
OPERATIONS = {
    "copy": "r.copy()",
    "to_grayscale": "r.to_grayscale()",
    "pix_to_ai": "r.pix_to_ai()",
    "resize to half": "r.resize(160, 120)",
    "draw_image, alpha": "r.draw_image(q, 0, 0, alpha=128)",
    "invert": "r.invert()",
    "add": "r.add(q)",
    "difference, gray": "g.difference(h)",
    "binary by L*a*b*": "r.binary([(20, 80, -20, 40, -30, 30)])",
    "erode, gray": "g.erode(1)",
    "mean 5x5, gray": "g.mean(2)",
    "median 3x3, gray": "g.median(1)",
    "gaussian 3x3": "r.gaussian(1)",
    "histeq, gray": "g.histeq()",
    "get_statistics": "r.get_statistics()",
    "find_blobs": "r.find_blobs([(20, 80, 10, 127, -30, 127)])",
    "find_edges, Canny": "g.find_edges(image.EDGE_CANNY)",
    "find_lines": "g.find_lines()",
    "find_rects": "g.find_rects()",
    "find_qrcodes": "g.find_qrcodes()",
    "lens_corr": "r.lens_corr()",
    "rotation_corr": "r.rotation_corr(z_rotation=10)",
    "compressed": "r.compressed()",
    "JPEG decoded": "image.Image(j)",
    "resize to double": "r.resize(640, 480)",
    "laplacian 3x3, gray": "g.laplacian(1)",
    "blend": "r.blend(q, alpha=100)",
    "draw_string, 16 lines": "[r.draw_string(0, 15 * i, 'Lines of text in a picture') for i in range(16)]",
    "lcd.display, gray": "lcd.display(g)",
    "find_circles": "g.find_circles(threshold=6000, r_min=8, r_max=12)",
}
SCRIPT = """
import image, lcd, time, gc, machine
lcd.init()
q = image.Image(size=(320, 240))
s = 12345
for n in range(40):
    s = (s * 1103515245 + 12345) & 0x7fffffff
    x, y, c = s % 320, s // 320 % 240, (s >> 3) & 255
    q.draw_circle(x, y, 5 + c // 8, color=(c, (c * 7) & 255, (c * 13) & 255), fill=True)
q = q.gaussian(1)
h = q.to_grayscale(copy=True)
j = q.compressed(quality=75).to_bytes()
freq = machine.freq()
freq = freq if isinstance(freq, int) else freq[0]
out = {}
for name, code in operations:
    try:
        call = eval("lambda r, g: " + code)
        best = None
        for n in range(2):
            r, g = q.copy(), h.copy()
            gc.collect()
            time.sleep_ms(20) # the LCD's transfer
            t = time.ticks_us()
            call(r, g)
            t = time.ticks_diff(time.ticks_us(), t)
            best = t if best is None or t < best else best
        out[name] = best * (freq / 1000000) / 76800
    except AttributeError:
        pass # this board has no such method
print(out)
"""


def cycles_per_pixel(config: Config) -> dict[str, float]:
    with Board.start(replace(config, icount=True)) as board:
        return ast.literal_eval(board.exec(f"operations = {list(OPERATIONS.items())!r}\n{SCRIPT}", timeout=900))
