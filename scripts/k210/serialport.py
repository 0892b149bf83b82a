# SPDX-License-Identifier: MIT
"""Ways to reach the emulator's serial line: pseudo-terminal, RFC 2217 server, the terminal itself.

QEMU offers the line as a TCP port; these bridge it. QEMU's own pty chardev looks for a reader only once
a second, which mpremote would notice.
"""

import contextlib
import os
import select
import socket
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable
from typing import Any

import serial
import serial.rfc2217

from k210.emulator import check_port_free

CHUNK = 4096
POLL = 0.02
SIGNAL_PERIOD = 0.2
EXIT_KEY = b"\x1d"  # Ctrl-], as in mpremote's and miniterm's terminals


def _thread(function: Callable[[], None], name: str) -> None:
    """Runs a bridge's direction until the emulator or this process ends."""

    def run() -> None:
        with contextlib.suppress(OSError):  # the other side has gone
            function()

    threading.Thread(target=run, name=name, daemon=True).start()


def connect(port: int) -> socket.socket:
    """A connection to the emulator's serial line."""
    line = socket.create_connection(("127.0.0.1", port), timeout=5)
    line.settimeout(None)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


class PtyBridge:
    """A pseudo-terminal at .name. As with a USB cable that nobody has open, output is lost while no
    program has the terminal open."""

    def __init__(self, port: int) -> None:
        self._line = connect(port)
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        for direction in (self._to_terminal, self._from_terminal):
            _thread(direction, "pty")

    def _opened(self) -> bool:
        """Whether some program has the terminal open."""
        poller = select.poll()
        poller.register(self._master, 0)
        return not any(event & select.POLLHUP for _, event in poller.poll(0))

    def _to_terminal(self) -> None:
        while data := self._line.recv(CHUNK):
            while data and self._opened():
                try:
                    data = data[os.write(self._master, data) :]
                except BlockingIOError:  # the reader is slow; the board waits behind us
                    time.sleep(POLL)

    def _from_terminal(self) -> None:
        poller = select.poll()
        poller.register(self._master, select.POLLIN)
        while True:
            for _, event in poller.poll():
                if event & select.POLLIN:
                    self._line.sendall(os.read(self._master, CHUNK))
                else:
                    time.sleep(POLL)  # nobody has it open


def stdio(port: int, ending: threading.Event) -> None:
    """Joins the terminal and the board until Ctrl-], the end of the emulator, or a signal's wish to end."""
    line = connect(port)
    keyboard = sys.stdin.fileno()
    saved = termios.tcgetattr(keyboard) if os.isatty(keyboard) else None
    sources = [line, keyboard]
    if saved:
        print("k210: Ctrl-] ends the emulator", file=sys.stderr, flush=True)
        tty.setraw(keyboard)
    try:
        while not ending.is_set():
            ready, _, _ = select.select(sources, [], [], SIGNAL_PERIOD)
            if line in ready:
                data = line.recv(CHUNK)
                if not data:
                    return
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            if keyboard in ready:
                data = os.read(keyboard, CHUNK)
                if not data:  # a pipe that has ended: let the board finish, Ctrl-C ends the emulator
                    sources.remove(keyboard)
                before, key, _ = data.partition(EXIT_KEY)
                line.sendall(before)
                if key:
                    return
    finally:
        if saved:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, saved)


class ModemLines:
    """What pyserial's RFC 2217 server wants to see of a serial port. DTR and RTS go to a function; the
    rate and the frame format are taken as asked for, since the emulator's line is a byte stream."""

    def __init__(self, changed: Callable[[bool, bool], None]) -> None:
        self._changed = changed
        self._dtr = self._rts = False
        self.baudrate, self.bytesize, self.parity, self.stopbits = 115200, 8, serial.PARITY_NONE, 1
        self.timeout: float | None = None
        self.rtscts = self.dsrdtr = self.xonxoff = self.break_condition = False
        self.cts = self.dsr = self.cd = True
        self.ri = False

    @property
    def dtr(self) -> bool:
        return self._dtr

    @dtr.setter
    def dtr(self, value: bool) -> None:
        self._dtr = bool(value)
        self._changed(self._dtr, self._rts)

    @property
    def rts(self) -> bool:
        return self._rts

    @rts.setter
    def rts(self, value: bool) -> None:
        self._rts = bool(value)
        self._changed(self._dtr, self._rts)

    def reset_input_buffer(self) -> None:
        """Nothing is kept here."""

    reset_output_buffer = reset_input_buffer


class Rfc2217Server:
    """Serves the board on a TCP port with RFC 2217, one client at a time, as long as the process runs."""

    def __init__(
        self, port: int, tcp_port: int, changed: Callable[[bool, bool], None], host: str = "127.0.0.1"
    ) -> None:
        """tcp_port 0: any; host: the address to serve at."""
        if tcp_port:
            check_port_free(tcp_port)
        self._line = connect(port)
        self._changed = changed
        self._server = socket.create_server((host, tcp_port))
        self.tcp_port = int(self._server.getsockname()[1])
        self._lock = threading.Lock()
        self._client: socket.socket | None = None
        self._manager: Any = None
        for direction in (self._serve, self._to_client):
            _thread(direction, "rfc2217")

    def _send(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._client:
                self._client.sendall(data)

    # The PortManager writes its answers to an object with write().
    write = _send

    def _to_client(self) -> None:
        while data := self._line.recv(CHUNK):
            manager = self._manager
            if manager:
                self._send(b"".join(manager.escape(data)))

    def _serve(self) -> None:
        while True:
            client, _ = self._server.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client
            self._manager = serial.rfc2217.PortManager(ModemLines(self._changed), self)
            with contextlib.suppress(OSError):
                while data := client.recv(CHUNK):
                    self._line.sendall(b"".join(self._manager.filter(data)))
            self._manager = None
            with self._lock:
                self._client = None
                client.close()
            self._changed(False, False)  # as a driver does when a port is closed
