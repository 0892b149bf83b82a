# SPDX-License-Identifier: MIT
"""How DTR and RTS of a board's USB bridge reach its reset and boot pins, for the emulator's RFC 2217 server.

A line is "asserted" when the host sets it. One of them pulls RST low, the other IO16 (the BOOT key), each
only while the other is not asserted, so that a terminal that asserts both does nothing. IO16 low while RST
rises makes the mask ROM wait for a program on the serial line (ISP).
"""

import contextlib
import threading

from k210.emulator import Emulator
from k210.errors import K210Error

# Boards on which DTR drives reset and RTS the boot pin; on the others it is the other way round.
DTR_IS_RESET = {"kd233", "maix_go", "maixduino", "maix_bit_mic"}
MACHINE = "/machine"
# RST rises slowly (a capacitor), and flashing tools count on it: they release it before they pull IO16.
# pyserial's RFC 2217 port lets 50 ms pass between the two.
RISE_TIME = 0.15


class Wiring:
    """Turns changes of (DTR, RTS) into resets of an emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._swap = emulator.config.board in DTR_IS_RESET
        self._reset = self._boot = False  # pin pulled low
        self._held = False  # the chip is in reset
        self._lock = threading.Lock()

    def changed(self, dtr: bool, rts: bool) -> None:
        reset, boot = (dtr, rts) if self._swap else (rts, dtr)
        with self._lock, contextlib.suppress(K210Error):  # the emulator may have ended
            self._reset, self._boot = reset and not boot, boot and not reset
            if self._reset and not self._held:
                self._held = True
                self._emulator.qmp("stop")
            elif self._held and self._boot:
                self._start()
            elif self._held and not self._reset:
                threading.Timer(RISE_TIME, self._rise).start()
            elif not self._held:
                self._emulator.set(MACHINE, "isp", self._boot)

    def _rise(self) -> None:
        with self._lock, contextlib.suppress(K210Error):
            if self._held and not self._reset:
                self._start()

    def _start(self) -> None:
        self._held = False
        self._emulator.set(MACHINE, "isp", self._boot)
        self._emulator.reset()
        self._emulator.qmp("cont")
