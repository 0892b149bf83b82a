# SPDX-License-Identifier: MIT
"""Plays a film (MJPEG and PCM in an AVI file) with sound. ffmpeg -i in.mp4 -vf scale=320:240 -r 15 -c:v mjpeg -q:v 6
-c:a pcm_s16le -ar 22050 film.avi makes one for the card."""

import lcd
import video
from fpioa_manager import fm

# The amplifier of Maix Go and Dock; other boards have other pins.
fm.register(34, fm.fpioa.I2S0_OUT_D1, force=True)
fm.register(35, fm.fpioa.I2S0_SCLK, force=True)
fm.register(33, fm.fpioa.I2S0_WS, force=True)

lcd.init()
film = video.open("/sd/film.avi")
print(film)
film.volume(50)
while film.play() != 0:
    pass
film.close()
