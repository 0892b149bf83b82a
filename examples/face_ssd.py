# SPDX-License-Identifier: MIT
# Finds faces with an ultra-light model (kmodel v4, two outputs) in flash at 0x300000.
import KPU as kpu
import lcd
import sensor

MODEL_ADDRESS = 0x300000
NET = (320, 240)

lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)

# The boxes that the model's output corrects: a few sizes around the cells of four grids.
priors = kpu.priors(NET, (8, 16, 32, 64), ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256)))
task = kpu.load(MODEL_ADDRESS)
try:
    while True:
        picture = sensor.snapshot()
        scores = kpu.forward(task, picture)
        boxes = kpu.get_output(task, 1)
        for face in kpu.ssd(scores, boxes, priors, NET, threshold=0.6, nms=0.3):
            print("face %.2f %s" % (face.value(), face.rect()))
            picture.draw_rectangle(face.rect(), color=(0, 255, 0), thickness=2)
        lcd.display(picture)
finally:
    kpu.deinit(task)
