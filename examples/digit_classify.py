# SPDX-License-Identifier: MIT
# Draws digits as a pen does, 8x8 pixels each, and tells what a small network makes of them.
# The model in flash at 0x300000 is examples/models/digit_classifier.kmodel; examples/train made it.
import image
import lcd
import KPU as kpu

# The way of the pen: one string for each digit, x and y of its points from 00 to 77.
strokes = (
    "30 50 62 64 56 37 25 23 30",
    "30 40 47 37 30",
    "21 40 51 52 35 27 47 67",
    "21 40 50 52 43 54 56 37 26",
    "41 24 64 54 50 57",
    "50 20 23 43 54 56 37 26",
    "50 31 24 26 37 57 65 54 34 25",
    "30 60 43 24 64 43 37",
    "40 21 32 54 56 37 26 35 51 40",
    "60 40 31 33 53 61 57 46 37 27",
)


def drawn(points):
    img = image.Image(size=(8, 8)).to_grayscale(copy=True)
    img.clear()
    points = [(int(p[0]), int(p[1])) for p in points.split()]
    for i in range(1, len(points)):
        img.draw_line(points[i - 1] + points[i], color=(255, 255, 255))
    return img


lcd.init()
task = kpu.load(0x300000)
screen = image.Image(size=(320, 240))
screen.clear()
for i in range(len(strokes)):
    img = drawn(strokes[i])
    ink = bytes([img.get_pixel(n % 8, n // 8) for n in range(64)])
    out = kpu.forward(task, ink)
    p = out[:]
    best = p.index(max(p))
    print("drawn %d, read %d, %.1f %% sure" % (i, best, 100 * p[best]))
    x, y = 8 + i % 5 * 62, 8 + i // 5 * 118
    for n in range(64):
        screen.draw_rectangle(x + n % 8 * 7, y + n // 8 * 7, 7, 7, color=(ink[n],) * 3, fill=True)
    color = (80, 255, 80) if best == i else (255, 80, 80)
    screen.draw_string(x + 14, y + 62, "%d" % best, color=color, scale=3)
    screen.draw_string(x + 10, y + 96, "%d %%" % (100 * p[best]), color=(200, 200, 200), scale=1)
lcd.display(screen)
a = kpu.deinit(task)
