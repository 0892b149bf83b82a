# SPDX-License-Identifier: MIT
# Finds eighty kinds of things with YOLOX-nano (kmodel v5) in flash at 0x300000.
import image
import KPU as kpu
import lcd
import sensor

MODEL_ADDRESS = 0x300000
NET = (224, 224)
NAMES = {0: "person", 1: "bicycle", 2: "car", 7: "truck", 14: "bird", 15: "cat", 16: "dog"}  # some of COCO's eighty

lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)

# The model was trained with pictures in the upper left corner of a grey square.
square = image.Image(size=NET)
square.draw_rectangle(0, 0, NET[0], NET[1], color=(114, 114, 114), fill=True)
task = kpu.load(MODEL_ADDRESS)
try:
    while True:
        picture = sensor.snapshot()
        square.draw_image(picture.resize(224, 168), 0, 0)
        square.pix_to_ai()
        output = kpu.forward(task, square)
        # One pixel of the square is 320 / 224 pixels of the picture.
        for thing in kpu.yolox(output, NET, threshold=0.35, nms=0.45, size=(320, 320)):
            name = NAMES.get(thing.classid(), "class %d" % thing.classid())
            print("%s %.2f %s" % (name, thing.value(), thing.rect()))
            picture.draw_rectangle(thing.rect(), color=(255, 200, 0), thickness=2)
            picture.draw_string(thing.x() + 4, thing.y() + 4, "%s %.2f" % (name, thing.value()), color=(255, 200, 0))
        lcd.display(picture)
finally:
    kpu.deinit(task)
