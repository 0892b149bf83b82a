# SPDX-License-Identifier: MIT
# Lights the red LED when the camera sees something red, and says so on the LCD.
import lcd
import sensor
from machine import Pin

ON, OFF = 0, 1  # the LED lights when its pin is low
SPOTS = 5  # looks at so many places per row and column
ENOUGH = 13  # of SPOTS * SPOTS

led = Pin("LED_R", Pin.OUT, value=OFF)


def is_red(colour):
    red, green, blue = colour
    return red > 120 and red > 2 * green and red > 2 * blue


def count_red(picture):
    w, h = picture.width(), picture.height()
    count = 0
    for y in range(SPOTS):
        for x in range(SPOTS):
            at = w * (2 * x + 1) // (2 * SPOTS), h * (2 * y + 1) // (2 * SPOTS)
            if is_red(picture.get_pixel(at[0], at[1], True)):
                count += 1
    return count


def start():
    lcd.init()
    sensor.reset()
    sensor.set_pixformat(sensor.RGB565)
    sensor.set_framesize(sensor.QVGA)
    sensor.run(1)


def show(red):
    lcd.clear(lcd.RED if red else lcd.BLACK)
    lcd.draw_string(8, 8, "red" if red else "nothing", lcd.WHITE, lcd.RED if red else lcd.BLACK)


def step():
    red = count_red(sensor.snapshot()) >= ENOUGH
    led.value(ON if red else OFF)
    show(red)
    return red


def main():
    start()
    while True:
        step()


if __name__ == "__main__":
    main()
