# SPDX-License-Identifier: MIT
# Finds digits on signs, meters and displays with a YOLOv2 model in flash at 0x300000, and reads the numbers.
# The model is examples/models/digit_detector.kmodel; examples/train made it.
import sensor
import lcd
import KPU as kpu

labels = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
colors = [
    (255, 90, 90), (255, 160, 60), (255, 230, 60), (150, 255, 80), (60, 255, 160),
    (60, 240, 255), (90, 170, 255), (160, 130, 255), (240, 120, 255), (255, 130, 190),
]  # fmt: skip
# Width and height of the anchor boxes, in cells of 16 pixels.
anchor = (0.92, 1.42, 1.35, 2.0, 2.3, 3.4)


def sole(found):
    """At one place there is one digit, the likeliest: run_yolo2() compares boxes of the same digit only."""
    kept = []
    for d in sorted(found, key=lambda d: -d.value()):
        for k in kept:
            w = min(d.x() + d.w(), k.x() + k.w()) - max(d.x(), k.x())
            h = min(d.y() + d.h(), k.y() + k.h()) - max(d.y(), k.y())
            if w > 0 and h > 0 and 2 * w * h > min(d.w() * d.h(), k.w() * k.h()):
                break
        else:
            kept.append(d)
    return kept


def numbers(found):
    """Puts neighbours of about the same height together, from left to right."""
    rows = []
    for d in sorted(found, key=lambda d: d.x()):
        for row in rows:
            last = row[-1]
            gap = d.x() - (last.x() + last.w())
            drop = abs(d.y() + d.h() // 2 - last.y() - last.h() // 2)
            if gap < last.h() * 8 // 10 and drop < last.h() * 4 // 10:
                row.append(d)
                break
        else:
            rows.append([d])
    rows.sort(key=lambda row: row[0].y())
    return ["".join([labels[d.classid()] for d in row]) for row in rows]


lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)
task = kpu.load(0x300000)
a = kpu.init_yolo2(task, 0.5, 0.3, len(anchor) // 2, anchor)
try:
    while True:
        img = sensor.snapshot()
        code = kpu.run_yolo2(task, img)
        if code:
            code = sole(code)
            for i in code:
                print(i)
                color = colors[i.classid()]
                a = img.draw_rectangle(i.rect(), color=color, thickness=2)
                x, y = i.x(), max(0, i.y() - 13)
                a = img.draw_rectangle(x, y, 11, 13, color=color, fill=True)
                a = img.draw_string(x + 2, y, labels[i.classid()], color=(0, 0, 0), scale=1)
            print("numbers:", " ".join(numbers(code)))
        a = lcd.display(img)
finally:
    a = kpu.deinit(task)
