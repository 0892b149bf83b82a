# SPDX-License-Identifier: MIT
"""`k210 emulate`: a board that stays until Ctrl-C, with its serial port for mpremote and others."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from k210 import camera, serialport, window
from k210.emulator import Config, Emulator, check_port_free, save_picture
from k210.errors import K210Error
from k210.wiring import Wiring

CHECK_PERIOD = 0.2


def emulate(config: Config, serial: str = "pty", lcd: str = "", webcam: bool = False) -> int:
    """Starts the board and stays with it; the exit status of `k210 emulate`."""
    kind, _, number = serial.partition(":")
    tcp_port = _tcp_port(serial, kind, number)
    if kind == "tcp":
        config = replace(config, serial_port=tcp_port)
    elif kind == "rfc2217":
        check_port_free(tcp_port)
    # Paused, so that nothing of what the board prints at its start gets lost.
    with _signals() as ending, Emulator(replace(config, paused=True)) as emulator:
        source = camera.Webcam(emulator.show) if webcam else None
        try:
            _serve(emulator, kind, tcp_port, lcd, ending)
        finally:
            if source:
                source.stop()
        if lcd and lcd != "window" and emulator.alive:
            save_picture(emulator.screenshot(), Path(lcd))
        if emulator.returncode:
            raise K210Error(f"the emulator stopped: {emulator.messages() or 'no message'}")
    return 0


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """Signals only ask for the end: an exception in the middle of a monitor command would garble it."""
    ending = threading.Event()
    old = {n: signal.signal(n, lambda *_: ending.set()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ending
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _tcp_port(serial: str, kind: str, number: str) -> int:
    if serial in ("pty", "stdio"):
        return 0
    if kind in ("tcp", "rfc2217") and number.isdigit():
        return int(number)
    raise K210Error(f"--serial {serial}: it is pty, stdio, tcp:PORT or rfc2217:PORT")


def _serve(emulator: Emulator, kind: str, tcp_port: int, lcd: str, ending: threading.Event) -> None:
    if kind == "pty":
        name = serialport.PtyBridge(emulator.serial_port).name
    elif kind == "tcp":
        name = emulator.serial_url
    elif kind == "rfc2217":
        serialport.Rfc2217Server(emulator.serial_port, tcp_port, Wiring(emulator).changed)
        name = f"rfc2217://127.0.0.1:{tcp_port}"
    else:
        name = "stdio"
    print(f"serial: {name}", flush=True)
    emulator.resume()
    if lcd and lcd != "window":
        threading.Thread(target=_follow, args=(emulator, Path(lcd)), name="lcd", daemon=True).start()
    if kind == "stdio":
        serialport.stdio(emulator.serial_port, ending)
    elif lcd == "window":
        window.show_window(emulator, ending)
    else:
        while emulator.alive and not ending.wait(CHECK_PERIOD):
            # With gdb attached a stopped program is what one wants to look at.
            if emulator.config.strict and emulator.config.gdb is None:
                emulator.check_guest()


def _follow(emulator: Emulator, path: Path) -> None:
    try:
        window.follow_in_file(emulator, path)
    except K210Error as e:
        if emulator.alive:
            print(f"k210: {e}", file=sys.stderr)
