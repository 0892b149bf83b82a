# SPDX-License-Identifier: MIT
"""Records ten seconds of the camera, and of the microphone, to the card."""

import lcd
import sensor
import video
from fpioa_manager import fm

# The microphone of Maix Bit and Go.
fm.register(20, fm.fpioa.I2S0_IN_D0, force=True)
fm.register(19, fm.fpioa.I2S0_WS, force=True)
fm.register(18, fm.fpioa.I2S0_SCLK, force=True)

lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
film = video.open("/sd/film.avi", record=True, interval=100000, quality=50, audio=True, sample_rate=16000)
for _ in range(100):
    picture = sensor.snapshot()
    lcd.display(picture)
    film.record(picture)
film.record_finish()
print(film)
