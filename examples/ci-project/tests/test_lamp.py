# SPDX-License-Identifier: MIT
"""Runs on the emulator and on a board. Only the emulator can put pictures before the camera and see the LED."""

import pytest
from PIL import Image

RED, GREEN = (200, 20, 20), (20, 200, 20)


def plain(colour):
    return Image.new("RGB", (320, 240), colour)


@pytest.mark.parametrize(
    ("colour", "red"),
    [((255, 0, 0), True), ((130, 60, 60), True), ((255, 200, 0), False), ((255, 255, 255), False), ((90, 0, 0), False)],
)
def test_what_is_red(lamp, colour, red):
    assert lamp.eval(f"lamp.is_red({colour})") is red


@pytest.mark.parametrize("red", [True, False])
def test_what_the_lcd_says(lamp, golden, red):
    lamp.exec(f"import lcd\nlcd.init()\nlamp.show({red})")
    golden.check(lamp.screenshot(), "red" if red else "nothing", tolerance=8)


@pytest.mark.needs("camera")
def test_the_camera_works(lamp):
    lamp.exec("lamp.start()")
    assert lamp.eval("lamp.step()") in (True, False)


@pytest.mark.needs("camera")
@pytest.mark.parametrize(("colour", "red"), [(RED, True), (GREEN, False)])
def test_led_follows_the_camera(lamp, colour, red):
    lamp.show(plain(colour))
    lamp.exec("lamp.start()")
    assert lamp.eval("lamp.step()") is red
    assert lamp.led("red") is red


def test_the_program_as_it_is(lamp):
    """The whole program, with a picture that changes while it runs."""
    lamp.show(plain(GREEN))
    first = lamp.pictures()
    changed = []

    def enough():
        if lamp.pictures() >= first + 6 and not changed:
            assert not lamp.led("red")
            lamp.show(plain(RED))
            changed.append(True)
        return bool(changed) and lamp.led("red")

    assert not lamp.stream("lamp.main()", lambda _: None, timeout=60, until=enough), "the program came to an end"
