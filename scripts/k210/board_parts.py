# SPDX-License-Identifier: MIT
"""What a test can do to an emulated board from outside: camera, keys, LEDs, card, power, faults."""

from pathlib import Path

from PIL import Image

from k210.emulator import Emulator
from k210.errors import EmulatorOnly

__tracebackhide__ = True


class EmulatedParts:
    """The part of a Board that only the emulator has; on a real board each call is an EmulatorOnly."""

    def __init__(self, emulator: Emulator | None) -> None:
        self.emulator = emulator

    def _emulated(self, what: str) -> Emulator:
        if self.emulator is None:
            raise EmulatorOnly(f"only the emulator can {what}")
        return self.emulator

    def show(self, picture: Image.Image | Path | str) -> None:
        """Puts a picture before the camera."""
        self._emulated("put a picture before the camera").show(picture)

    def plug_camera(self, plugged: bool = True) -> None:
        """Takes the camera off the board, or puts it back."""
        self._emulated("unplug the camera").plug_camera(plugged)

    def pictures(self) -> int:
        """Pictures that the LCD has received."""
        return self._emulated("count the pictures on the LCD").pictures()

    def press(self, key: str = "boot") -> None:
        """Holds a key of the board down: boot, or one of those that the board has besides."""
        self._emulated("press a key").key(key, True)

    def release(self, key: str = "boot") -> None:
        self._emulated("let go of a key").key(key, False)

    def led(self, colour: str) -> bool:
        """Whether an LED is lit: red, green, blue, or what the board has."""
        return self._emulated("see an LED").led(colour)

    def insert_card(self, source: Path | str) -> None:
        """Puts an SD card into the slot: an image, or a folder to make one from."""
        self._emulated("put a card into the slot").insert_card(Path(source))

    def eject_card(self) -> None:
        """Pulls the SD card."""
        self._emulated("pull the card").eject_card()

    def wire(self, *pairs: str) -> None:
        """Puts wires between pads: wire("20-21", "22-23"); without any they are taken away."""
        self._emulated("put wires between pads").wire(",".join(pairs))

    def cut_power(self) -> None:
        """Everything stops at once; what the flash was writing is half done."""
        self._emulated("cut the power").power(False)

    def power_on(self) -> None:
        """The board starts; wait for its prompt with reset() or power_cycle()."""
        self._emulated("switch the power on").power(True)

    def stop_kpu(self, stopped: bool = True) -> None:
        """The KPU ends no layer any more, as if it had died; or goes on."""
        self._emulated("stop the KPU").stop_kpu(stopped)

    def virtual_time(self) -> float:
        """Seconds of the board's time since the emulator started."""
        return self._emulated("tell virtual time").virtual_time()

    def set_strict(self, on: bool) -> None:
        """Whether what a real K210 would not take stops the program. A real board is never strict."""
        if on or self.emulator:
            self._emulated("be strict").set_strict(on)
