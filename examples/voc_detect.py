# SPDX-License-Identifier: MIT
# Finds twenty kinds of things with a YOLOv2 model (kmodel v4) in flash at 0x300000.
import KPU as kpu
import lcd
import sensor

MODEL_ADDRESS = 0x300000
CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
# Width and height of the five anchor boxes, in cells of the model's output grid.
ANCHORS = (1.08, 1.19, 3.42, 4.41, 6.63, 11.38, 9.42, 5.11, 16.62, 10.52)
THRESHOLD = 0.3
NMS = 0.3
COLORS = ((255, 60, 60), (60, 255, 60), (80, 160, 255), (255, 220, 0), (255, 80, 255), (80, 255, 255))

lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)

task = kpu.load(MODEL_ADDRESS)
# A v4 file does not say what shape its outputs have.
kpu.set_outputs(task, 0, 10, 7, len(ANCHORS) // 2 * (5 + len(CLASSES)))
kpu.init_yolo2(task, THRESHOLD, NMS, len(ANCHORS) // 2, ANCHORS)
try:
    while True:
        picture = sensor.snapshot()
        for thing in kpu.run_yolo2(task, picture, sort=True) or ():
            name = CLASSES[thing.classid()]
            color = COLORS[thing.classid() % len(COLORS)]
            print("%s %.2f %s" % (name, thing.value(), thing.rect()))
            picture.draw_rectangle(thing.rect(), color=color, thickness=2)
            picture.draw_string(thing.x() + 4, thing.y() + 4, "%s %.2f" % (name, thing.value()), color=color)
        lcd.display(picture)
finally:
    kpu.deinit(task)
