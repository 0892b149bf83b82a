# SPDX-License-Identifier: MIT
"""`k210 farm`: emulated boards as places of a labgrid farm, for machines without hardware.

Each board gets an RFC 2217 port (with its reset and boot lines) and a power switch that labgrid's
NetworkPowerPort (model rest) works; an exporter of labgrid offers both to the coordinator.
"""

import contextlib
import http.server
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from k210.emulator import Config, Emulator
from k210.errors import K210Error
from k210.farm import client
from k210.serialport import Rfc2217Server
from k210.wiring import Wiring

CHECK_PERIOD = 0.5
EXPORT_TIMEOUT = 60.0
END_TIMEOUT = 10.0


class FarmBoard:
    """An emulator with what a board on a farm's shelf has: a serial port, and a plug that can be pulled."""

    def __init__(self, config: Config, host: str) -> None:
        self.emulator = Emulator(replace(config, paused=True, serial_port=0))
        self._wiring = Wiring(self.emulator)
        self.on = True
        server = Rfc2217Server(self.emulator.serial_port, 0, self._lines, host)
        self.port = server.tcp_port
        self.emulator.resume()

    def _lines(self, dtr: bool, rts: bool) -> None:
        if self.on:
            self._wiring.changed(dtr, rts)

    def power(self, on: bool) -> None:
        if on != self.on:
            self.on = on
            self.emulator.power(on)


def _power_handler(boards: list[FarmBoard]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """GET and PUT /power/N with 0 or 1."""

        timeout = 10

        def _board(self) -> FarmBoard | None:
            _, _, number = self.path.partition("/power/")
            if number.isdigit() and int(number) < len(boards):
                return boards[int(number)]
            self.send_error(404)
            return None

        def _answer(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self) -> None:
            board = self._board()
            if board:
                self._answer("1" if board.on else "0")

        def do_PUT(self) -> None:
            board = self._board()
            if board is None:
                return
            length = self.headers.get("Content-Length", "0")
            value = self.rfile.read(min(int(length), 16)) if length.isdigit() else b""
            if value not in (b"0", b"1"):
                self.send_error(400, "0 or 1")
                return
            board.power(value == b"1")
            self._answer("")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing; labgrid's client says what it does."""

    return Handler


def _resources(boards: list[FarmBoard], names: list[str], host: str, power_port: int) -> dict[str, Any]:
    """The exporter's configuration: a group per board."""
    groups: dict[str, Any] = {}
    for number, (board, name) in enumerate(zip(boards, names, strict=True)):
        groups[name] = {
            "NetworkSerialPort": {"host": host, "port": board.port, "speed": 115200, "protocol": "rfc2217"},
            "NetworkPowerPort": {
                "model": "rest",
                "host": f"http://{host}:{power_port}/power/{{index}}",
                "index": str(number),
            },
        }
    return groups


@contextlib.contextmanager
def _exporter(name: str, host: str, resources: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory(prefix="k210-farm-") as folder:
        file = Path(folder) / "resources.yaml"
        file.write_text(yaml.safe_dump(resources))
        command = [str(Path(sys.executable).with_name("labgrid-exporter")), "--name", name, "--hostname", host]
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen([*command, str(file)], stdout=output, stderr=output, start_new_session=True)
        try:
            _await_export(process, name, resources, log)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_export(process: subprocess.Popen[bytes], name: str, groups: dict[str, Any], log: Path) -> None:
    deadline = time.monotonic() + EXPORT_TIMEOUT
    while True:
        if process.poll() is not None:
            raise K210Error(f"labgrid-exporter ended: {log.read_text(errors='replace').strip()[-300:]}")
        listed = client("resources")
        if all(f"{name}/{group}/NetworkSerialPort" in listed for group in groups):
            return
        if time.monotonic() > deadline:
            raise K210Error(f"the coordinator did not list the boards within {EXPORT_TIMEOUT:.0f} s")
        time.sleep(CHECK_PERIOD)


def _make_place(place: str, exporter: str, tags: list[str]) -> None:
    with contextlib.suppress(K210Error):  # of an earlier run that could not clean up
        client("-p", place, "delete")
    client("-p", place, "create")
    client("-p", place, "add-match", f"{exporter}/{place}/*")
    client("-p", place, "set-tags", *tags)


def farm(config: Config, count: int, name: str, coordinator: str, host: str) -> int:
    """Offers boards until Ctrl-C; the exit status of `k210 farm`."""
    if coordinator:
        os.environ["LG_COORDINATOR"] = coordinator
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    with contextlib.ExitStack() as stack:
        boards = []
        for _ in range(count):
            boards.append(FarmBoard(config, host))
            stack.callback(boards[-1].emulator.close)
        power = http.server.ThreadingHTTPServer((host, 0), _power_handler(boards))
        stack.callback(power.shutdown)
        threading.Thread(target=power.serve_forever, name="power", daemon=True).start()
        places = [f"{name}-{i}" for i in range(count)]
        process = stack.enter_context(_exporter(name, host, _resources(boards, places, host, power.server_port)))
        for place in places:
            _make_place(place, name, [f"board={config.board}", "emulator=yes"])
            stack.callback(_delete_place, place)
            print(f"place: {place}", flush=True)
        while not ending.wait(CHECK_PERIOD):
            if process.poll() is not None:
                raise K210Error("labgrid-exporter has ended; is the coordinator still there?")
            for place, board in zip(places, boards, strict=True):
                if not board.emulator.alive:
                    raise K210Error(f"the emulator of {place} ended: {board.emulator.messages() or 'no message'}")
    return 0


def _delete_place(place: str) -> None:
    with contextlib.suppress(K210Error):  # somebody may be using it, or the coordinator has gone
        client("-p", place, "delete")
