# SPDX-License-Identifier: MIT
"""`k210 flash-wifi`: programs a board's Wi-Fi module with Espressif's esptool.

An ESP8285 hangs on pins of the K210 only. So a script on the board passes bytes between its console and the module,
and esptool talks to a local TCP port behind which is the board's serial port. An ESP32 that has a USB port of its own
(Maixduino's second one) is esptool's business alone: --direct.
"""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from k210.board import Board
from k210.errors import K210Error

__tracebackhide__ = True

CHIPS = ("esp8285", "esp32")
BAUDRATE = 115200
TOKEN = 16
READY = b"bridge is ready\r\n"
READY_TIMEOUT = 15.0
END_TIMEOUT = 5.0
CREDIT = 1024
WINDOW = 3 * CREDIT
MARK = 0xA5
# The way is longer than esptool thinks.
SETTINGS = """[esptool]
timeout = 20
sync_timeout = 1
serial_write_timeout = 60
"""
ESP8285_PINS = (6, 7, 8)  # as the module calls them: output, input, enable

# On the board. What comes from the host goes on as it is; the token, which esptool cannot send by chance, ends it, and
# so does a minute of silence. Ctrl-C is a byte like others meanwhile. To the host 0xa5 is doubled, and 0xa5 "k" says
# that another KiB has gone to the module: the host keeps no more than WINDOW under way, so that none gets lost.
BRIDGE = """
import micropython, time
from machine import Pin, UART
def bridge(tx, rx, en, boot, baud, token):
    console = UART.repl_uart()
    enable = Pin(en, Pin.OUT, value=0)
    if boot >= 0:
        strap = Pin(boot, Pin.OUT, value=0)
    module = UART(UART.UART2, baud, tx=rx, rx=tx, timeout=0, timeout_char=0, rxbuf=16384)
    time.sleep_ms(100)
    micropython.kbd_intr(-1)
    print("bridge is ready")
    enable(1)
    time.sleep_ms(50)
    if boot >= 0:
        strap(1)
    module.read()
    tail = b""
    passed = 0
    last = time.ticks_ms()
    try:
        while time.ticks_diff(time.ticks_ms(), last) < 60000:
            n = min(console.any(), 256)
            if n:
                data = console.read(n)
                tail = (tail + data)[-len(token):]
                if tail == token:
                    break
                module.write(data)
                passed += n
                if passed >= 1024:
                    passed -= 1024
                    console.write(b"\\xa5k")
                last = time.ticks_ms()
            n = module.any()
            if n:
                console.write(module.read(min(n, 256)).replace(b"\\xa5", b"\\xa5\\xa5"))
                last = time.ticks_ms()
    finally:
        enable(0)
        time.sleep_ms(100)
        enable(1)
        micropython.kbd_intr(3)
        module.deinit()
"""


def flash_wifi(
    port: str,
    files: Sequence[str],
    chip: str = "esp8285",
    direct: bool = False,
    boot_pin: int | None = None,
    baudrate: int = BAUDRATE,
    pins: tuple[int, int, int] = ESP8285_PINS,
    ask: bool = True,
) -> None:
    """Writes FILE@ADDR arguments to the module's flash (ADDR 0 when there is none) and starts it."""
    if chip not in CHIPS:
        raise K210Error(f"--chip {chip}: it is {' or '.join(CHIPS)}")
    parts = _parts(files)
    if direct:
        _esptool(port, chip, baudrate, parts, resets=True)
        return
    if chip == "esp32":
        raise K210Error(
            "the ESP32 has a USB port of its own, and the K210 has no line to its serial port: name that port "
            "(Maixduino's second one) and give --direct"
        )
    if boot_pin is None and ask:
        _ask_for_boot()
    _through_board(port, chip, baudrate, parts, boot_pin, pins)


def _parts(files: Sequence[str]) -> list[tuple[int, Path]]:
    parts = []
    for text in files:
        name, separator, address = text.rpartition("@")
        if not separator:
            name, address = text, "0"
        path = Path(name)
        try:
            where = int(address, 0)
        except ValueError:
            raise K210Error(f"{text}: {address!r} is not an address") from None
        if not path.is_file():
            raise K210Error(f"there is no file {name}")
        if where < 0 or where % 4096:
            raise K210Error(f"{text}: an address is a multiple of 4096 (0x1000), where the module's flash has a sector")
        parts.append((where, path))
    for (at, path), (following, other) in zip(sorted(parts), sorted(parts)[1:], strict=False):
        if at + path.stat().st_size > following:
            raise K210Error(f"{path} at 0x{at:x} reaches into {other} at 0x{following:x}")
    return parts


def _ask_for_boot() -> None:
    print(
        "The ESP8285 starts its loader when its GPIO0 is low while it is switched on. On the M1W that is the pad in\n"
        "the module's corner: connect it to the shielding can (tweezers do), keep it so until writing begins, and\n"
        "press Enter. With GPIO0 on a pin of the K210, --boot-pin N does that.",
        flush=True,
    )
    if sys.stdin is None or not sys.stdin.readline():
        raise K210Error("nobody there to press Enter: use --boot-pin N, or --yes when GPIO0 is low already")


def _esptool(port: str, chip: str, baudrate: int, parts: list[tuple[int, Path]], resets: bool) -> None:
    """Runs esptool, whose output the user sees as it comes."""
    # fmt: off
    command = [
        sys.executable, "-m", "esptool", "--chip", "esp8266" if chip == "esp8285" else chip, "--port", port,
        "--baud", str(baudrate),
        "--before", "default-reset" if resets else "no-reset",
        "--after", "hard-reset" if resets else "no-reset",
        "write-flash",
    ]
    # fmt: on
    if chip == "esp8285":
        command += ["--flash-mode", "dout"]  # its flash is inside and has two lines
    for address, path in parts:
        command += [hex(address), str(path)]
    with tempfile.TemporaryDirectory(prefix="k210-") as folder:
        settings = Path(folder) / "esptool.cfg"
        settings.write_text(SETTINGS)
        environment = os.environ if resets else {**os.environ, "ESPTOOL_CFGFILE": str(settings)}
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, check=False).returncode
        except OSError as e:
            raise K210Error(f"cannot run esptool: {e}") from None
    if status:
        raise K210Error(f"esptool ended with status {status}; what it said is above")


def _through_board(
    port: str,
    chip: str,
    baudrate: int,
    parts: list[tuple[int, Path]],
    boot_pin: int | None,
    pins: tuple[int, int, int],
) -> None:
    with Board(port=port) as board:
        through_board(board, chip, baudrate, parts, boot_pin, pins)


def through_board(
    board: Board,
    chip: str,
    baudrate: int,
    parts: list[tuple[int, Path]],
    boot_pin: int | None = None,
    pins: tuple[int, int, int] = ESP8285_PINS,
) -> None:
    """The same with a board that is at a prompt already; it is afterwards, too."""
    token = secrets.token_bytes(TOKEN)
    tx, rx, en = pins
    boot = -1 if boot_pin is None else boot_pin
    board.begin(f"{BRIDGE}\nbridge({tx}, {rx}, {en}, {boot}, {baudrate}, {token!r})")
    try:
        _wait_ready(board.line)
        with _TcpPort(board.line) as tcp:
            _esptool(tcp.url, chip, baudrate, parts, resets=False)
    finally:
        board.line.write(token)
        time.sleep(0.5)
        board.recover()


def _wait_ready(line: Any) -> None:
    got = b""
    deadline = time.monotonic() + READY_TIMEOUT
    while READY not in got:
        waiting = line.in_waiting
        if waiting:
            got += line.read(waiting)
        else:
            time.sleep(0.01)
        if time.monotonic() > deadline:
            raise K210Error(f"the board does not pass bytes on to the module; it says {got[-200:]!r}")


class _TcpPort:
    """The board's serial line as a TCP port of this computer, for one client after the other."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self._ending = threading.Event()
        self._credit = WINDOW
        self._marked = False
        self._thread = threading.Thread(target=self._serve, name="bridge", daemon=True)
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "_TcpPort":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join(END_TIMEOUT)
        self._listener.close()

    def _serve(self) -> None:
        while not self._ending.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with client:
                self._pass(client)

    def _pass(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(0.002)
        while not self._ending.is_set():
            if self._credit:
                with contextlib.suppress(TimeoutError):
                    try:
                        data = client.recv(self._credit)
                    except ConnectionError:
                        return
                    if not data:
                        return
                    self._credit -= len(data)
                    self._line.write(data)
            else:
                time.sleep(0.002)
            waiting = self._line.in_waiting
            if waiting:
                try:
                    client.sendall(self._plain(self._line.read(waiting)))
                except OSError:
                    return

    def _plain(self, data: bytes) -> bytes:
        """What the module has said; the board's own words are taken out."""
        result = bytearray()
        for c in data:
            if self._marked:
                self._marked = False
                if c == MARK:
                    result.append(c)
                else:
                    self._credit += CREDIT
            elif c == MARK:
                self._marked = True
            else:
                result.append(c)
        return bytes(result)
