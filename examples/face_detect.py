# SPDX-License-Identifier: MIT
# Finds faces with a YOLOv2 model in flash at 0x300000 and frames them on the LCD.
import time

import KPU as kpu
import lcd
import sensor

MODEL_ADDRESS = 0x300000
# Width and height of the five anchor boxes, in cells of the model's output grid.
ANCHORS = (1.889, 2.5245, 2.9465, 3.94056, 3.99987, 5.3658, 5.155437, 6.92275, 6.718375, 9.01025)
THRESHOLD = 0.5
NMS = 0.3

lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)

task = kpu.load(MODEL_ADDRESS)
kpu.init_yolo2(task, THRESHOLD, NMS, len(ANCHORS) // 2, ANCHORS)
try:
    while True:
        start = time.ticks_ms()
        picture = sensor.snapshot()
        for face in kpu.run_yolo2(task, picture) or ():
            print(face)
            picture.draw_rectangle(face.rect(), color=(0, 255, 0), thickness=2)
        spent = time.ticks_diff(time.ticks_ms(), start)
        picture.draw_string(4, 4, "%d ms" % spent, color=(255, 255, 255), scale=2)
        lcd.display(picture)
finally:
    kpu.deinit(task)
