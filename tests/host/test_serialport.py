# SPDX-License-Identifier: MIT
"""The bridges between QEMU's TCP port and a pseudo-terminal or an RFC 2217 port, with a socket as board."""

import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import serial

from k210 import wiring
from k210.serialport import PtyBridge, Rfc2217Server
from k210.wiring import Wiring


class FakeBoard:
    """The board's end of the serial line."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]

    def accept(self) -> socket.socket:
        line, _ = self._server.accept()
        line.settimeout(5)
        return line

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def fake() -> Iterator[FakeBoard]:
    board = FakeBoard()
    yield board
    board.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def read(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size and select.select([fd], [], [], 5)[0]:
        data += os.read(fd, size - len(data))
    return data


def test_pty_carries_all_bytes_both_ways(fake: FakeBoard) -> None:
    bridge = PtyBridge(fake.port)
    line = fake.accept()
    every_byte = bytes(range(256))
    terminal = os.open(bridge.name, os.O_RDWR | os.O_NOCTTY)
    line.sendall(every_byte)
    assert read(terminal, 256) == every_byte
    os.write(terminal, every_byte)
    received = b""
    while len(received) < 256:
        received += line.recv(256)
    assert received == every_byte
    os.close(terminal)


def test_pty_drops_what_nobody_reads_and_can_be_opened_again(fake: FakeBoard) -> None:
    bridge = PtyBridge(fake.port)
    line = fake.accept()
    line.sendall(bytes(100_000))  # must not block for ever
    for text in (b"first", b"again"):
        time.sleep(0.2)
        terminal = os.open(bridge.name, os.O_RDWR | os.O_NOCTTY)
        line.sendall(text)
        assert read(terminal, 5) == text
        os.close(terminal)


def test_pty_keeps_all_for_a_slow_reader(fake: FakeBoard) -> None:
    bridge = PtyBridge(fake.port)
    line = fake.accept()
    terminal = os.open(bridge.name, os.O_RDWR | os.O_NOCTTY)
    data = os.urandom(60_000)
    line.sendall(data)
    time.sleep(0.3)
    assert read(terminal, len(data)) == data
    os.close(terminal)


def test_rfc2217_carries_all_bytes_and_the_modem_lines(fake: FakeBoard) -> None:
    changes: list[tuple[bool, bool]] = []
    number = free_port()
    Rfc2217Server(fake.port, number, lambda dtr, rts: changes.append((dtr, rts)))
    line = fake.accept()
    every_byte = bytes(range(256))
    with serial.serial_for_url(f"rfc2217://127.0.0.1:{number}", baudrate=115200, timeout=5) as port:
        port.write(every_byte)
        received = b""
        while len(received) < 256:
            received += line.recv(256)
        assert received == every_byte
        line.sendall(every_byte)
        assert port.read(256) == every_byte
        port.baudrate = 1500000
        port.dtr, port.rts = False, False
        port.rts = True
        wait_for(lambda: changes[-1:] == [(False, True)])


class FakeEmulator:
    """Records what the wiring does to the machine."""

    def __init__(self, board: str) -> None:
        self.config = SimpleNamespace(board=board)
        self.done: list[object] = []

    def qmp(self, command: str) -> None:
        self.done.append(command)

    def reset(self) -> None:
        self.done.append("reset")

    def set(self, path: str, name: str, value: object) -> None:
        assert (path, name) == ("/machine", "isp")
        self.done.append(value)


# (DTR, RTS) as flashing tools set them, one line at a time, release before boot.
@pytest.mark.parametrize(
    ("board", "to_isp", "to_boot"),
    [
        ("maix_bit", [(0, 0), (0, 1), (0, 0), (1, 0)], [(0, 0), (0, 1), (0, 0)]),
        ("maix_go", [(0, 0), (1, 0), (1, 1), (0, 1)], [(0, 0), (1, 0), (0, 0)]),
    ],
)
def test_reset_sequences(board: str, to_isp: list[tuple[int, int]], to_boot: list[tuple[int, int]]) -> None:
    for sequence, boot_low in ((to_isp, True), (to_boot, False)):
        emulator = FakeEmulator(board)
        lines = Wiring(emulator)  # type: ignore[arg-type]
        for dtr, rts in sequence:
            lines.changed(bool(dtr), bool(rts))
        wait_for(lambda e=emulator: "cont" in e.done)
        assert emulator.done[-4:] == ["stop", boot_low, "reset", "cont"]


def test_terminal_that_asserts_both_lines_does_not_reset() -> None:
    emulator = FakeEmulator("maix_bit")
    lines = Wiring(emulator)  # type: ignore[arg-type]
    for dtr, rts in ((True, False), (True, True), (True, False), (False, False)):
        lines.changed(dtr, rts)
    time.sleep(3 * wiring.RISE_TIME)
    assert "stop" not in emulator.done and "reset" not in emulator.done
