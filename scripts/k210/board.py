# SPDX-License-Identifier: MIT
"""A board with a MicroPython prompt: emulated, or real at a serial port. Built on mpremote's transport."""

import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Self

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from PIL import Image

from k210 import frame, paths
from k210.board_parts import EmulatedParts
from k210.console import PROMPT, Console
from k210.controls import POWER_OFF_TIME, Controls, EmulatorControls, LineControls, NoControls, has_lines
from k210.emulator import Config, Emulator
from k210.errors import BoardCrashed, BoardGone, EmulatorOnly, K210Error, ScriptError, ScriptTimeout

__tracebackhide__ = True  # a failed test's report ends at the test's own line

BOOT_TIMEOUT = 30.0
RESTART_TIMEOUT = 10.0  # of a board that may not print a prompt, because its main.py runs
EXEC_TIMEOUT = 60.0
SCREEN_TIMEOUT = 120.0  # a photograph at 115200 baud
STOP_TIMEOUT = 5.0
OPEN_TRIES = 3
OPEN_PAUSE = 0.5
RFC2217_TIMEOUT = 10
REPL_TRIES = 3
REPL_TIMEOUT = 6.0
IDLE = 0.005
QUIET = 0.3  # a prompt and then nothing: the board waits for input
CHECK_PERIOD = 0.5
LOG_SIZE = 1 << 20
CTRL_C = b"\x03"
END = b"\x04"
BANNER = re.compile(rb"MicroPython \S+ on \d{4}-\d\d-\d\d; [^\r\n]*\r\n.*>>> \Z", re.DOTALL)


class Board(EmulatedParts):
    """Runs Python on a board through the raw REPL.

    Board(emulator=...) takes an emulator that was started with paused=True, and closes it at the end;
    Board(port=...) a device, socket:// or rfc2217:// address. name: the board's folder under boards/, for
    the way in which its reset is wired; power: switches the supply of a board at a port.
    """

    def __init__(
        self,
        emulator: Emulator | None = None,
        port: str = "",
        name: str = paths.DEFAULT_BOARD,
        power: Callable[[bool], None] | None = None,
    ) -> None:
        super().__init__(emulator)
        self.port = emulator.serial_url if emulator else port
        self._log = bytearray()
        self._forgotten = 0  # bytes that were in the log before
        self._transport = self._open()
        self._record()
        self.controls: Controls = NoControls()
        if emulator:
            self.controls = EmulatorControls(emulator)
        elif has_lines(self.port):
            self.controls = LineControls(self._transport.serial, name, power)
        else:
            self.controls.power = power
        try:
            if emulator:
                emulator.resume()
                self._wait_for_prompt()
                self._enter_raw_repl(soft_reset=False)
            else:
                self.recover()
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
        with suppress(OSError, TransportError):
            self._transport.close()
        if self.emulator:
            self.emulator.close()

    # Serial line

    def _open(self) -> SerialTransport:
        # RFC 2217 servers take one client at a time, and may not have noticed yet that the last one has gone.
        url = f"{self.port}?timeout={RFC2217_TIMEOUT}" if self.port.startswith("rfc2217://") else self.port
        for attempt in range(1, OPEN_TRIES + 1):
            try:
                return SerialTransport(url)
            except (TransportError, OSError, ValueError) as e:
                if attempt == OPEN_TRIES:
                    raise BoardGone(f"cannot open the serial port {self.port}: {e}") from None
                time.sleep(OPEN_PAUSE)
        raise AssertionError

    def _record(self) -> None:
        """Everything that is read from the port goes to the log, also what mpremote reads."""
        port = self._transport.serial
        read = port.read

        def logged(*arguments: Any) -> bytes:
            data: bytes = read(*arguments)
            self._log += data
            if len(self._log) > LOG_SIZE:
                self._forgotten += len(self._log) - LOG_SIZE
                del self._log[:-LOG_SIZE]
            return data

        port.read = logged

    def _read(self) -> bytes:
        """The next byte, or nothing after a moment. One at a time, so that the prompt behind the end
        marks stays in the port for the transport."""
        port = self._transport.serial
        try:
            if not port.in_waiting:
                self._check_connection()
                time.sleep(IDLE)
                return b""
            data: bytes = port.read(1)
        except (OSError, TypeError) as e:  # TypeError: the port was closed under pyserial
            self._gone(e)
        return data

    def _check_connection(self) -> None:
        """pyserial's RFC 2217 port says nothing when its connection has ended: reads give no more bytes."""
        thread = getattr(self._transport.serial, "_thread", None)
        if thread is not None and not thread.is_alive():
            self._gone(OSError("the connection was closed"))

    def _gone(self, e: BaseException) -> None:
        if self.emulator:
            self.emulator.qmp("query-status")  # says why, when the emulator has ended
        raise BoardGone(f"lost the serial port {self.port}: {e}") from None

    def _wait_for_prompt(self, timeout: float = BOOT_TIMEOUT) -> str:
        """Until the friendly prompt of a board that starts; what it printed before."""
        data = b""
        deadline = time.monotonic() + timeout
        next_check = time.monotonic() + CHECK_PERIOD
        while not data.endswith(PROMPT):
            data += self._read()
            if self.emulator and time.monotonic() > next_check:
                self.emulator.check_guest()
                next_check = time.monotonic() + CHECK_PERIOD
            if time.monotonic() > deadline:
                raise ScriptTimeout(
                    f"no MicroPython prompt within {timeout:.0f} s of the start; the board printed: "
                    + (repr(_text(data)[-200:]) if data else "nothing"),
                    _text(data),
                )
        return _text(data)

    def _enter_raw_repl(self, soft_reset: bool, tries: int = REPL_TRIES) -> None:
        # A board that is still starting loses what it is sent, so there is more than one try.
        for attempt in range(1, tries + 1):
            try:
                with redirect_stdout(io.StringIO()):  # the transport prints what it did not expect
                    self._transport.enter_raw_repl(soft_reset=soft_reset, timeout_overall=REPL_TIMEOUT)
                return
            except (TransportError, OSError, TypeError) as e:
                if not isinstance(e, TransportError):
                    self._gone(e)
                self._check_connection()
                if attempt == tries:
                    raise K210Error(f"no MicroPython prompt at {self.port}: {e}") from None

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A function of mpremote's transport, with our exceptions."""
        try:
            return function(*arguments)
        except TransportError as e:
            text = getattr(e, "error_output", "")
            if text:
                raise ScriptError("", text) from None
            self._check_connection()
            raise K210Error(f"the board did not do it: {e}") from None
        except OSError as e:
            raise K210Error(f"the board did not do it: {e}") from None

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
        return self._call(self._transport.eval, expression)

    def stream(
        self,
        code: str | bytes,
        output: Callable[[bytes], object],
        timeout: float | None = None,
        until: Callable[[], bool] | None = None,
    ) -> bool:
        """Runs code and hands on its output as it comes. Returns True when the code came to its end,
        False when `until` said to stop it (with Ctrl-C)."""
        self._send(code)
        return self._follow(output, timeout, until)

    @property
    def line(self) -> Any:
        """The serial port itself, for what talks over it to a script that begin() has started."""
        return self._transport.serial

    def begin(self, code: str | bytes) -> None:
        """Starts code and leaves it alone; recover() brings the prompt back."""
        self._send(code)

    def _send(self, code: str | bytes) -> None:
        try:
            self._transport.exec_raw_no_follow(code)
        except (TransportError, OSError, TypeError) as e:
            if not isinstance(e, TransportError):
                self._gone(e)
            self._check_connection()
            if self.emulator and not self.emulator.alive:
                self.emulator.qmp("query-status")
            raise K210Error(f"the board did not take the script: {e}") from None

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
        last = time.monotonic()
        next_check = last + CHECK_PERIOD
        while marks < 2:
            data = self._read()
            now = time.monotonic()
            if data:
                last = now
            elif now - last > QUIET and not marks and printed.endswith(PROMPT):
                self._check_restart(printed)
            if not data and self.emulator and now > next_check:
                self.emulator.check_guest()
                next_check = now + CHECK_PERIOD
            if data == END:
                marks += 1
            elif data and not marks:
                take(data)
            else:
                error += data
            if deadline is not None and now > deadline:
                answers = self._stop(take)
                message = f"the script did not end within {timeout:g} s"
                if not answers:
                    message += ", and Ctrl-C did not stop it"
                raise ScriptTimeout(message, _text(printed), answers)
            if until is not None and not marks and now >= next_look:
                if until():
                    self._stop(take)
                    return False
                next_look = now + 0.02
        if error:
            raise ScriptError(_text(printed), _text(error))
        return True

    def _check_restart(self, printed: bytearray) -> None:
        """The friendly prompt in the place of a script's end: the board has started anew."""
        if not BANNER.search(printed):
            return
        text = _text(printed)
        at = text.find("FATAL:")
        # The reason and the first registers; the log has the rest.
        cause = " ".join(" ".join(text[at:].splitlines()[:2]).split()) if at >= 0 else "It printed no reason."
        with suppress(K210Error):
            self._enter_raw_repl(soft_reset=False, tries=1)
        raise BoardCrashed(f"the board started anew in the middle of the script. {cause}", text)

    def _stop(self, output: Callable[[bytes], object]) -> bool:
        """Ctrl-C until the running code gives up; leaves the raw REPL ready for more where possible. What
        the code has printed until then is still on its way. Returns whether it worked."""
        marks = 0
        deadline = time.monotonic() + STOP_TIMEOUT
        next_key = 0.0
        while marks < 2 and time.monotonic() < deadline:
            if time.monotonic() >= next_key:
                with suppress(OSError):
                    self._transport.serial.write(CTRL_C)
                next_key = time.monotonic() + 0.5
            data = self._read()
            if data == END:
                marks += 1
            elif data and not marks:
                output(data)
        return marks == 2

    def exec_and_restart(self, code: str | bytes, timeout: float = BOOT_TIMEOUT) -> str:
        """Runs code that ends in a start of the board (machine.reset(), a watchdog); what was printed until
        the prompt came back."""
        self._send(code)
        text = self._wait_for_prompt(timeout)
        self._enter_raw_repl(soft_reset=False)
        return text

    @property
    def has_raw_paste(self) -> bool:
        """Whether the prompt takes long scripts with flow control."""
        return bool(self._transport.use_raw_paste)

    @contextmanager
    def console(self) -> Iterator[Console]:
        """The friendly prompt instead of the raw one:

        with board.console() as console:
            console.send(b"6 * 7\\r")
            assert b"42" in console.read_until(b">>> ")
        """
        self._transport.exit_raw_repl()
        console = Console(self._transport.serial.write, self._read)
        console.read_until(PROMPT)
        yield console
        self._enter_raw_repl(soft_reset=False)

    # Files

    def put(self, source: bytes | Path | str, name: str) -> None:
        """Writes a file of the board."""
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        self._call(self._transport.fs_writefile, name, data)

    def get(self, name: str) -> bytes:
        """Reads a file of the board."""
        return bytes(self._call(self._transport.fs_readfile, name))

    # Starting anew

    def reset(self, hard: bool = False) -> None:
        """A soft reset (Ctrl-D), or a start of the whole chip: by the reset key where there is a way to it,
        else by machine.reset(). Afterwards the board is at its prompt."""
        if not hard:
            self._enter_raw_repl(soft_reset=True)
        elif self.controls.reset:
            self._press_reset(BOOT_TIMEOUT)
        else:
            self.exec_and_restart("import machine\nmachine.reset()")

    def _press_reset(self, timeout: float) -> None:
        assert self.controls.reset
        self._transport.serial.reset_input_buffer()
        self.controls.reset()
        self._after_start(timeout)

    def _after_start(self, timeout: float) -> None:
        try:
            self._wait_for_prompt(timeout)
        except ScriptTimeout:
            if self.emulator:
                raise
            # On a board its main.py may run now; Ctrl-C ends that.
        self._enter_raw_repl(soft_reset=False)

    def power_cycle(self) -> None:
        """Without power for a moment, then at the prompt again. Files stay, nothing else does."""
        if not self.controls.power:
            raise EmulatorOnly("nothing here switches this board's power")
        self._transport.serial.reset_input_buffer()
        self.controls.power(False)
        time.sleep(0 if self.emulator else POWER_OFF_TIME)
        self.controls.power(True)
        self._after_start(BOOT_TIMEOUT)

    def recover(self) -> str:
        """Back to a fresh prompt by the mildest means that works; says which that was."""
        steps: list[tuple[str, Callable[[], None]]] = [
            ("soft reset", lambda: self._enter_raw_repl(soft_reset=True, tries=2))
        ]
        if self.controls.reset:
            steps.append(("reset key", lambda: self._press_reset(RESTART_TIMEOUT)))
        if self.controls.power:
            steps.append(("power", self.power_cycle))
        failed = []
        for name, step in steps:
            try:
                if self.emulator:
                    self.emulator.check_guest()
                step()
                return name
            except BoardGone:
                raise
            except (K210Error, OSError) as e:
                failed.append(f"{name}: {e}")
        raise BoardGone(f"the board at {self.port} does not come back. Tried " + "; ".join(failed))

    # Pictures

    def screenshot(self) -> Image.Image:
        """What the LCD shows: from the emulator's glass, or from what the firmware has noted of a real one."""
        if self.emulator:
            return self.emulator.screenshot()
        picture = frame.from_text(self.exec(frame.SEND, SCREEN_TIMEOUT))
        if isinstance(picture, str):
            raise EmulatorOnly(f"no picture of the LCD: {picture}")
        return picture

    def serial_log(self) -> str:
        """All that came over the serial line."""
        return self.serial_bytes().decode(errors="replace")

    def serial_bytes(self, since: int = 0) -> bytes:
        """The same as it came, from a log_position() on."""
        if self.emulator:
            return self.emulator.serial_bytes(since)
        return bytes(self._log[max(since - self._forgotten, 0) :])

    def log_position(self) -> int:
        """Bytes that have come over the serial line until now."""
        return self.emulator.log_position() if self.emulator else self._forgotten + len(self._log)


def _text(data: bytes | bytearray) -> str:
    return data.decode(errors="replace").replace("\r\n", "\n")
