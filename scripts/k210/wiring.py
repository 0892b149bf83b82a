# SPDX-License-Identifier: MIT
"""How DTR and RTS of a board's USB bridge reach its reset and boot pins, for the emulator's RFC 2217 server.

A line is "asserted" when the host sets it; the pin is then low. RST low holds the chip in reset; IO16
low while RST rises makes the mask ROM wait for a program on the serial line (ISP).
"""

import threading

from k210.emulator import Emulator

# Boards on which DTR drives reset and RTS the boot pin; on the others it is the other way round.
DTR_IS_RESET = {"kd233", "maix_go", "maixduino", "maix_bit_mic"}
MACHINE = "/machine"


class Wiring:
    """Turns changes of (DTR, RTS) into resets of an emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._swap = emulator.config.board in DTR_IS_RESET
        self._in_reset = False
        self._lock = threading.Lock()

    def changed(self, dtr: bool, rts: bool) -> None:
        reset, boot = (dtr, rts) if self._swap else (rts, dtr)
        with self._lock:
            if reset and not boot and not self._in_reset:
                self._in_reset = True
                self._emulator.qmp("stop")
            elif not reset and self._in_reset:
                self._in_reset = False
                self._emulator.set(MACHINE, "isp", boot)
                self._emulator.reset()
                self._emulator.qmp("cont")
