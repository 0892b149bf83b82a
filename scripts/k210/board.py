# SPDX-License-Identifier: MIT
"""A board with a MicroPython prompt: emulated, or real at a serial port. Built on mpremote's transport."""

import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, Self

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from PIL import Image

from k210.emulator import Config, Emulator
from k210.errors import EmulatorOnly, K210Error, ScriptError, ScriptTimeout

BOOT_TIMEOUT = 30.0
EXEC_TIMEOUT = 60.0
STOP_TIMEOUT = 5.0
REPL_TRIES = 3
REPL_TIMEOUT = 6.0
IDLE = 0.005
CHECK_PERIOD = 0.5
CTRL_C = b"\x03"
END = b"\x04"


class Board:
    """Runs Python on a board through the raw REPL.

    Board(emulator=...) takes an emulator that was started with paused=True, and closes it at the end;
    Board(port=...) a device, socket:// or rfc2217:// address.
    """

    def __init__(self, emulator: Emulator | None = None, port: str = "") -> None:
        self.emulator = emulator
        self.port = emulator.serial_url if emulator else port
        self.log = ""
        try:
            self._transport = SerialTransport(self.port)
        except (TransportError, OSError, ValueError) as e:
            raise K210Error(f"cannot open the serial port {self.port}: {e}") from None
        try:
            if emulator:
                emulator.resume()
                self._wait_for_prompt()
            self._enter_raw_repl(soft_reset=not emulator)
        except BaseException:
            self.close()
            raise

    @classmethod
    def start(cls, config: Config) -> "Board":
        """A fresh emulated board, booted to its prompt."""
        emulator = Emulator(Config(**{**vars(config), "paused": True}))
        try:
            return cls(emulator=emulator)
        except BaseException:
            emulator.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(OSError, TransportError):
            if not self.emulator and self._transport.in_raw_repl:
                self._transport.exit_raw_repl()
            self._transport.close()
        if self.emulator:
            self.emulator.close()

    # Serial line

    def _read(self) -> bytes:
        """The next byte, or nothing after a moment. One at a time, so that the prompt behind the end
        marks stays in the port for the transport."""
        port = self._transport.serial
        try:
            if not port.in_waiting:
                time.sleep(IDLE)
                return b""
            data: bytes = port.read(1)
        except OSError as e:
            if self.emulator:
                self.emulator.qmp("query-status")  # says why, when the emulator has ended
            raise K210Error(f"lost the serial port {self.port}: {e}") from None
        self.log += data.decode(errors="replace")
        return data

    def _wait_for_prompt(self) -> None:
        data = b""
        deadline = time.monotonic() + BOOT_TIMEOUT
        next_check = time.monotonic() + CHECK_PERIOD
        while not data.endswith(b">>> "):
            data += self._read()
            if self.emulator and time.monotonic() > next_check:
                self.emulator.check_guest()
                next_check = time.monotonic() + CHECK_PERIOD
            if time.monotonic() > deadline:
                raise ScriptTimeout(
                    f"no MicroPython prompt within {BOOT_TIMEOUT:.0f} s of the start; the board printed: "
                    + (repr(data.decode(errors="replace")[-200:]) if data else "nothing"),
                    data.decode(errors="replace"),
                )

    def _enter_raw_repl(self, soft_reset: bool) -> None:
        # A board that is still starting loses what it is sent, so there is more than one try.
        for attempt in range(1, REPL_TRIES + 1):
            try:
                with redirect_stdout(io.StringIO()):  # the transport prints what it did not expect
                    self._transport.enter_raw_repl(soft_reset=soft_reset, timeout_overall=REPL_TIMEOUT)
                return
            except (TransportError, OSError) as e:
                if attempt == REPL_TRIES:
                    raise K210Error(f"no MicroPython prompt at {self.port}: {e}") from None

    # Python

    def exec(self, code: str | bytes, timeout: float | None = EXEC_TIMEOUT) -> str:
        """Runs code and returns what it printed. An exception there is a ScriptError here."""
        chunks: list[bytes] = []
        self.stream(code, chunks.append, timeout)
        return _text(b"".join(chunks))

    def run(self, path: Path | str, timeout: float | None = EXEC_TIMEOUT) -> str:
        """Runs a script of the host."""
        return self.exec(Path(path).read_bytes(), timeout)

    def eval(self, expression: str) -> Any:
        """The value of an expression, as a Python literal."""
        return self._transport_call(self._transport.eval, expression)

    def stream(
        self,
        code: str | bytes,
        output: Callable[[bytes], object],
        timeout: float | None = None,
        until: Callable[[], bool] | None = None,
    ) -> bool:
        """Runs code and hands on its output as it comes. Returns True when the code came to its end,
        False when `until` said to stop it (with Ctrl-C)."""
        try:
            self._transport.exec_raw_no_follow(code)
        except (TransportError, OSError) as e:
            if self.emulator and not self.emulator.alive:
                self.emulator.qmp("query-status")
            raise K210Error(f"the board did not take the script: {e}") from None
        return self._follow(output, timeout, until)

    def _follow(
        self, output: Callable[[bytes], object], timeout: float | None, until: Callable[[], bool] | None
    ) -> bool:
        deadline = time.monotonic() + timeout if timeout is not None else None
        printed = bytearray()

        def take(data: bytes) -> None:
            printed.extend(data)
            output(data)

        error = bytearray()  # what stands between the two end marks: the exception's text
        marks = 0
        next_look = 0.0
        next_check = time.monotonic() + CHECK_PERIOD
        while marks < 2:
            data = self._read()
            if not data and self.emulator and time.monotonic() > next_check:
                self.emulator.check_guest()
                next_check = time.monotonic() + CHECK_PERIOD
            if data == END:
                marks += 1
            elif data and not marks:
                take(data)
            else:
                error += data
            now = time.monotonic()
            if deadline is not None and now > deadline:
                self._stop(take)
                raise ScriptTimeout(f"the script did not end within {timeout:g} s", _text(printed))
            if until is not None and not marks and now >= next_look:
                if until():
                    self._stop(take)
                    return False
                next_look = now + 0.02
        if error:
            raise ScriptError(_text(printed), _text(error))
        return True

    def _stop(self, output: Callable[[bytes], object]) -> None:
        """Ctrl-C until the running code gives up; leaves the raw REPL ready for more where possible. What
        the code has printed until then is still on its way."""
        marks = 0
        deadline = time.monotonic() + STOP_TIMEOUT
        next_key = 0.0
        while marks < 2 and time.monotonic() < deadline:
            if time.monotonic() >= next_key:
                self._transport.serial.write(CTRL_C)
                next_key = time.monotonic() + 1.0
            data = self._read()
            if data == END:
                marks += 1
            elif data and not marks:
                output(data)

    def _transport_call(self, function: Callable[..., Any], *arguments: object) -> Any:
        try:
            return function(*arguments)
        except (TransportError, OSError) as e:
            raise K210Error(str(e)) from None

    # Files and resets

    def put(self, data: bytes | Path | str, remote: str) -> None:
        """Writes a file of the board: bytes, or the content of a host file."""
        content = data if isinstance(data, bytes) else Path(data).read_bytes()
        self._transport_call(self._transport.fs_writefile, remote, content)

    def get(self, remote: str) -> bytes:
        """The content of a file of the board."""
        return bytes(self._transport_call(self._transport.fs_readfile, remote))

    def reset(self, hard: bool = False) -> None:
        """A soft reset (Ctrl-D), or the reset key; afterwards the board is at its prompt."""
        if hard:
            self._emulated("press the reset key").reset()
            self._wait_for_prompt()
        self._enter_raw_repl(soft_reset=not hard)

    # What only the emulator has

    def _emulated(self, what: str) -> Emulator:
        if self.emulator is None:
            raise EmulatorOnly(f"only the emulator can {what}")
        return self.emulator

    def show(self, picture: Image.Image | Path | str) -> None:
        """Puts a picture before the camera."""
        self._emulated("put a picture before the camera").show(picture)

    def screenshot(self) -> Image.Image:
        """What the LCD shows."""
        return self._emulated("take a picture of the LCD").screenshot()

    def pictures(self) -> int:
        """Pictures that the LCD has received."""
        return self._emulated("count the pictures on the LCD").pictures()

    def serial_log(self) -> str:
        """All that came over the serial line."""
        return self.emulator.serial_log() if self.emulator else self.log


def _text(data: bytes | bytearray) -> str:
    return data.decode(errors="replace").replace("\r\n", "\n")
