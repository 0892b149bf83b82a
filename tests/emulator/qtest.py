# SPDX-License-Identifier: MIT
"""Drives the emulator's devices without running guest code, over QEMU's qtest protocol.

    with QTest("-m", ...) as q:          # extra QEMU arguments, machine options by keyword
        q.writel(0x38000008, 1)
        assert q.readl(0x38000008) & 1
        q.clock_step(1_000_000)          # virtual nanoseconds

Virtual time stands still except in clock_step() and clock_step_next().
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
QEMU = Path(os.environ.get("K210_QEMU", ROOT / "build/qemu/qemu-system-riscv64"))
TIMEOUT = 20.0


class QemuError(Exception):
    """The emulator refused a command or ended early."""


class _Lines:
    """A stream socket read line by line."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def readline(self) -> str:
        while b"\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                raise QemuError("the emulator closed the connection")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")


class Emulator:
    """A qemu-system-riscv64 -M k210 process with QMP and its serial lines as sockets.

    Keyword arguments other than those named become machine properties: Emulator(strict="on").
    """

    def __init__(self, *args: str, serials: int = 1, qemu: Path = QEMU, **machine: str) -> None:
        self._dir = tempfile.TemporaryDirectory(prefix="k210-")
        self.directory = Path(self._dir.name)
        options = "".join(f",{name.replace('_', '-')}={value}" for name, value in machine.items())
        command = [str(qemu), "-M", "k210" + options, "-display", "none", "-nodefaults"]
        self._servers: dict[str, socket.socket] = {}
        command += ["-chardev", f"socket,id=qmp,path={self._listen('qmp')}", "-mon", "chardev=qmp,mode=control"]
        for n in range(serials):
            command += ["-chardev", f"socket,id=ser{n},path={self._listen(f'serial{n}')}", "-serial", f"chardev:ser{n}"]
        command += self._own_arguments()
        self._stderr = open(self.directory / "stderr", "w+b")
        self.process = subprocess.Popen([*command, *args], stdin=subprocess.DEVNULL, stderr=self._stderr)
        try:
            self._connect()
            self._qmp = _Lines(self._accept("qmp"))
            self.serial = [self._accept(f"serial{n}") for n in range(serials)]
            self.events: list[dict[str, Any]] = []
            json.loads(self._qmp.readline())
            self.qmp("qmp_capabilities")
        except Exception as error:
            self.close()
            raise QemuError(f"the emulator did not start: {error}\n{self.log}") from error

    def _own_arguments(self) -> list[str]:
        return []

    def _connect(self) -> None:
        pass

    def _listen(self, name: str) -> str:
        server = socket.socket(socket.AF_UNIX)
        path = str(self.directory / name)
        server.bind(path)
        server.listen(1)
        self._servers[name] = server
        return path

    def _accept(self, name: str) -> socket.socket:
        server = self._servers.pop(name)
        server.settimeout(0.1)
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                sock, _ = server.accept()
                break
            except TimeoutError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise QemuError(f"no connection for {name}, exit status {self.process.poll()}") from None
        server.close()
        sock.settimeout(TIMEOUT)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the emulator; harmless when it has ended already."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for server in self._servers.values():
            server.close()
        if not self._stderr.closed:
            self._stderr.seek(0)
            self._log = self._stderr.read().decode(errors="replace")
            self._stderr.close()
            self._dir.cleanup()

    @property
    def log(self) -> str:
        """What the emulator has written to stderr so far."""
        if self._stderr.closed:
            return self._log
        return (self.directory / "stderr").read_text(errors="replace")

    # QMP

    def qmp(self, command: str, /, **arguments: Any) -> Any:
        """Runs a QMP command and returns its value; events met on the way are kept in .events."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = {name.replace("_", "-"): value for name, value in arguments.items()}
        self._qmp.sock.sendall(json.dumps(message).encode() + b"\n")
        while True:
            reply = json.loads(self._qmp.readline())
            if "event" in reply:
                self.events.append(reply)
            elif "error" in reply:
                raise QemuError(f"{command}: {reply['error']['desc']}")
            else:
                return reply["return"]

    def hmp(self, line: str) -> str:
        """Runs a line of the human monitor."""
        return self.qmp("human-monitor-command", command_line=line)

    def qom_get(self, path: str, name: str) -> Any:
        return self.qmp("qom-get", path=path, property=name)

    def qom_set(self, path: str, name: str, value: Any) -> None:
        self.qmp("qom-set", path=path, property=name, value=value)

    def wait_event(self, name: str, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Waits for a QMP event and takes it out of .events."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            self._qmp.sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self.events.append(json.loads(self._qmp.readline()))
            except TimeoutError:
                raise QemuError(f"no event {name} within {timeout} s") from None
            finally:
                self._qmp.sock.settimeout(TIMEOUT)

    # Serial lines

    def serial_read(self, until: bytes | None = None, *, line: int = 0, timeout: float = 5.0) -> bytes:
        """Reads a serial line up to and including `until`, or, with None, what is there by `timeout`."""
        sock, data = self.serial[line], b""
        deadline = time.monotonic() + timeout
        while until is None or until not in data:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                piece = sock.recv(65536)
            except TimeoutError:
                if until is None:
                    break
                raise QemuError(f"no {until!r} within {timeout} s, only {data!r}") from None
            if not piece:
                raise QemuError(f"the emulator ended; it had sent {data!r}\n{self.log}")
            data += piece
        return data

    def serial_write(self, data: bytes, *, line: int = 0) -> None:
        self.serial[line].settimeout(TIMEOUT)
        self.serial[line].sendall(data)


class QTest(Emulator):
    """The machine with its harts stopped; the test itself is the bus master."""

    def _own_arguments(self) -> list[str]:
        return [
            "-accel",
            "qtest",
            "-chardev",
            f"socket,id=qtest,path={self._listen('qtest')}",
            "-qtest",
            "chardev:qtest",
        ]

    def _connect(self) -> None:
        self._qtest = _Lines(self._accept("qtest"))
        self.irqs: dict[int, bool] = {}
        self._now = 0

    def _command(self, line: str) -> list[str]:
        self._qtest.sock.sendall(line.encode() + b"\n")
        while True:
            words = self._qtest.readline().split()
            if words[0] == "IRQ":
                self.irqs[int(words[2])] = words[1] == "raise"
            elif words[0] == "OK":
                return words[1:]
            else:
                raise QemuError(f"{line}: {' '.join(words)}")

    def commands(self, lines: list[str]) -> None:
        """Sends lines of the protocol together, which is faster than one at a time; their answers are dropped."""
        self._qtest.sock.sendall("".join(f"{line}\n" for line in lines).encode())
        for line in lines:
            while (words := self._qtest.readline().split())[0] == "IRQ":
                self.irqs[int(words[2])] = words[1] == "raise"
            if words[0] != "OK":
                raise QemuError(f"{line}: {' '.join(words)}")

    def readb(self, address: int) -> int:
        return int(self._command(f"readb {address:#x}")[0], 0)

    def readw(self, address: int) -> int:
        return int(self._command(f"readw {address:#x}")[0], 0)

    def readl(self, address: int) -> int:
        return int(self._command(f"readl {address:#x}")[0], 0)

    def readq(self, address: int) -> int:
        return int(self._command(f"readq {address:#x}")[0], 0)

    def writeb(self, address: int, value: int) -> None:
        self._command(f"writeb {address:#x} {value & 0xFF:#x}")

    def writew(self, address: int, value: int) -> None:
        self._command(f"writew {address:#x} {value & 0xFFFF:#x}")

    def writel(self, address: int, value: int) -> None:
        self._command(f"writel {address:#x} {value & 0xFFFFFFFF:#x}")

    def writeq(self, address: int, value: int) -> None:
        self._command(f"writeq {address:#x} {value & 0xFFFFFFFFFFFFFFFF:#x}")

    def setbits(self, address: int, bits: int) -> None:
        """Read-modify-write: sets bits of a 32-bit register."""
        self.writel(address, self.readl(address) | bits)

    def clearbits(self, address: int, bits: int) -> None:
        """Read-modify-write: clears bits of a 32-bit register."""
        self.writel(address, self.readl(address) & ~bits)

    def read(self, address: int, size: int) -> bytes:
        """Reads memory (in pieces, so any size)."""
        data = b""
        while len(data) < size:
            n = min(size - len(data), 16384)
            data += bytes.fromhex(self._command(f"read {address + len(data):#x} {n:#x}")[0][2:])
        return data

    def write(self, address: int, data: bytes) -> None:
        """Writes memory (in pieces, so any size)."""
        for i in range(0, len(data), 16384):
            piece = data[i : i + 16384]
            self._command(f"write {address + i:#x} {len(piece):#x} 0x{piece.hex()}")

    def clock_step(self, ns: int) -> int:
        """Lets virtual time pass; timers that fall due run on the way. Returns the new time in ns."""
        self._now = int(self._command(f"clock_step {ns}")[0])
        return self._now

    def clock_step_next(self) -> int:
        """Goes to the next timer (QemuError when there is none). Returns the new time in ns."""
        self._now = int(self._command("clock_step")[0])
        return self._now

    def clock_ns(self) -> int:
        """The virtual time in ns."""
        return self._now

    def wait_until(self, condition, *, limit_ns: int = 1_000_000_000, step_ns: int = 10_000) -> int:
        """Steps the clock until condition() is true; returns the virtual ns it took, fails after limit_ns."""
        start = now = self.clock_ns()
        while not condition():
            if now - start >= limit_ns:
                raise QemuError(f"condition not met within {limit_ns} ns of virtual time")
            now = self.clock_step(step_ns)
        return now - start

    def irq_intercept_in(self, path: str) -> None:
        """Watches a device's interrupt inputs; self.irq(n) tells the level. Only one device per process."""
        self._command(f"irq_intercept_in {path}")

    def irq_intercept_out(self, path: str, name: str = "sysbus-irq") -> None:
        """Watches a device's interrupt outputs, or other GPIO outputs by name. Only one device per process."""
        self._command(f"irq_intercept_out {path} {name}")

    def irq(self, number: int) -> bool:
        """Level of a watched line (False until it first moves)."""
        self._command("endianness")  # any command: it brings the news that are on their way
        return self.irqs.get(number, False)

    def set_irq_in(self, path: str, name: str | None, number: int, level: int) -> None:
        """Drives a GPIO input of a device; name None = the unnamed inputs."""
        self._command(f"set_irq_in {path} {name or 'unnamed-gpio-in'} {number} {level}")

    def plic_pending(self, irq: int) -> bool:
        """Pending bit of a PLIC source."""
        return bool(self.readl(0x0C001000 + 4 * (irq // 32)) >> (irq % 32) & 1)
