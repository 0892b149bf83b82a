# SPDX-License-Identifier: MIT
"""`k210 flash`: programs a board over its serial port, with Sipeed's kflash and its stub for the chip."""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import serial
from kflash import KFlash

from k210.errors import K210Error
from k210.image import load_arguments
from k210.pack import write_kfpkg
from k210.paths import DEFAULT_BOARD
from k210.verify import verify

__tracebackhide__ = True  # a failed test's report ends at the test's own line

BAUDRATE = 1500000
HINT = (
    "Nothing is lost: start it again, it writes everything anew. If it fails in the same place: --baud 115200, another "
    "cable, the --board that you have, or hold BOOT while you press RESET and start it then"
)
# kflash's names for the ways in which a USB bridge is wired to reset and boot.
RESET_WIRING = {"maix_bit": "bit", "maix_dock": "dan", "maix_go": "goE", "maixduino": "goE", "kd233": "kd233"}
DETECTED = re.compile(r"Automatically detected (dan|goD|goE)")  # kflash says it when it was told no board


@contextlib.contextmanager
def _port_by_url(port: str) -> Iterator[None]:
    """Lets kflash open rfc2217:// and socket:// ports, which it would look for among the devices."""
    if "://" not in port:
        yield
        return

    def open_url(port: str, **settings: Any) -> Any:
        return serial.serial_for_url(port, **settings)

    with mock.patch.object(serial, "Serial", open_url):
        yield


class _Programmer:
    """kflash, whose words are printed and watched for the wiring that it found."""

    def __init__(self, wiring: str | None) -> None:
        self.wiring = wiring
        self._tool = KFlash(print_callback=self._say)

    def _say(self, *words: object, **options: Any) -> None:
        text = re.sub(r"\x1b\[[0-9;]*m", "", " ".join(str(word) for word in words))
        if found := DETECTED.search(text):
            self.wiring = found[1]
        print(text, flush=True, **{k: v for k, v in options.items() if k == "end"})

    def write(self, port: str, package: Path, baudrate: int) -> None:
        self._tool.process(
            terminal=False, dev=port, baudrate=baudrate, board=self.wiring, file=str(package), noansi=True
        )

    def start(self) -> None:
        """Starts the new program by the reset line. The stub's own reboot finds IO16 still low when the port
        is closed late, and then the mask ROM waits for the next download."""
        if self.wiring is None:
            return
        loader = self._tool.loader
        loader._port.open()
        if self.wiring in ("goE", "kd233"):
            loader.reset_to_boot_kd233()
        elif self.wiring == "goD":
            loader.reset_to_boot_goD()
        else:
            loader.reset_to_boot_dan()
        loader._port.close()


def flash(
    port: str,
    arguments: Sequence[str],
    board: str | None,
    flash_size: int,
    baudrate: int = BAUDRATE,
    check: bool = True,
) -> None:
    """Writes the FILE[@ADDR] arguments to the board's flash and starts it. Without a board the ways in which
    boards are wired are tried in turn. The stub checks every frame's CRC; check: the firmware that starts then
    reads the flash back, if it is this one."""
    parts = load_arguments(arguments, flash_size)
    with tempfile.TemporaryDirectory(prefix="k210-") as folder:
        package = Path(folder) / "flash.kfpkg"
        write_kfpkg(package, parts)
        with _port_by_url(port):
            tool = _Programmer(RESET_WIRING.get(board or ""))
            try:
                tool.write(port, package, baudrate)
                tool.start()
            except Exception as e:  # kflash raises bare Exceptions with its message
                raise K210Error(f"flashing at {port} failed: {str(e).strip() or type(e).__name__}. {HINT}") from None
            if check:
                # At the prompt its programs have stopped: it is started once more.
                print(verify(port, parts, board or DEFAULT_BOARD), flush=True)
                tool.start()
