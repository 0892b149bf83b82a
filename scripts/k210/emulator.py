# SPDX-License-Identifier: MIT
"""One emulated board: the QEMU process, its monitor (QMP), its serial line, camera and LCD."""

import contextlib
import ctypes
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from PIL import Image
from qemu.qmp import ExecuteError, QMPError
from qemu.qmp.legacy import QEMUMonitorProtocol

from k210 import camera, paths, sdcard
from k210.errors import K210Error
from k210.image import FlashPart, build_image, load_arguments, write_parts
from k210.netmodel.server import Module, ModuleServer

__tracebackhide__ = True  # a failed test's report ends at the test's own line

START_TIMEOUT = 20.0
QMP_TIMEOUT = 20.0
END_TIMEOUT = 3.0
# 4 ns per instruction: at the usual 390 to 400 MHz about 1.6 cycles, what the in-order cores need on average.
ICOUNT = "shift=2,sleep=off"
PR_SET_PDEATHSIG = 1
LCD = "/machine/lcd"
PAINTING_TIMEOUT = 1.0  # a program may also leave a window half written for good
CAMERA = "/machine/cam"
MACHINE = "/machine"
KEYS, LEDS = "/machine/keys", "/machine/leds"
CARD = "/machine/sd/card"
KPU = "/machine/soc/kpu"
FLASH = "/machine/flash"
FPIOA = "/machine/soc/fpioa"


@dataclass(frozen=True)
class Config:
    """What an emulated board is made of.

    flash: FILE[@ADDR] arguments; the board's firmware is added when none of them is at address 0.
    flash_file: keeps the flash between runs. camera: picture, folder or video; None is a grey picture.
    serial_port: TCP port on 127.0.0.1 of the serial line, 0 for any. paused: wait for resume().
    wifi: the model of the board's Wi-Fi module (k210.netmodel), None = there is none.
    """

    board: str = paths.DEFAULT_BOARD
    flash: tuple[str, ...] = ()
    flash_file: Path | None = None
    firmware: bool = True
    sdcard: Path | None = None
    camera: Path | None = None
    strict: bool = False
    icount: bool = False
    isp: bool = False
    gdb: int | None = None
    serial_port: int = 0
    paused: bool = False
    qemu_arguments: tuple[str, ...] = ()
    wifi: Module | None = None


def flash_parts(config: Config) -> list[FlashPart]:
    """The parts that go into the board's flash, checked against each other."""
    size = paths.flash_size(config.board)
    arguments = list(config.flash)
    parts = load_arguments(arguments, size)
    kept = config.flash_file is not None and config.flash_file.exists()
    if config.firmware and not kept and not any(part.address == 0 for part in parts):
        parts = load_arguments([*arguments, str(paths.firmware(config.board))], size)
    return parts


class Emulator:
    """Starts QEMU for a Config; use it in a `with` block or call close()."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._qmp: QEMUMonitorProtocol | None = None
        self._qmp_lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="k210-"))
        self._touched: set[str] = set()  # what a test has changed: keys, "kpu", "strict", "wires", "card"
        self._cards = 0
        self._wifi: ModuleServer | None = None
        self.stop_reported = False  # check_guest() has told of strict mode's stop
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # Starting and ending

    def _start(self) -> None:
        if self.config.serial_port:
            check_port_free(self.config.serial_port)
        command = self._command()
        with self._stderr_path.open("wb") as stderr:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=stderr, preexec_fn=_die_with_parent, start_new_session=True
            )
        self._qmp = self._connect_qmp()
        self.serial_port = self._find_serial_port()

    @property
    def _stderr_path(self) -> Path:
        return self._scratch / "qemu-messages"

    @property
    def _serial_log_path(self) -> Path:
        return self._scratch / "serial.log"

    def _command(self) -> list[str]:
        config = self.config
        machine = [f"k210,board={config.board}"]
        if config.strict:
            machine.append("strict=on")
        if config.isp:
            machine.append("isp=on")
        if config.camera is not None:
            source = self._scratch / "camera.ppm"
            camera.write_source(config.camera, source)
            machine.append(f"camera={_quote(source)}")
        if config.wifi is not None:
            machine.append("wifi=wifi")
        serial = f"socket,id=serial0,host=127.0.0.1,port={config.serial_port},server=on,wait=off,nodelay=on"
        # fmt: off
        command = [
            str(paths.emulator_binary()), "-M", ",".join(machine), "-display", "none", "-nodefaults",
            "-qmp", f"unix:{_quote(self._scratch / 'qmp')},server=on,wait=off",
            "-chardev", f"{serial},logfile={_quote(self._serial_log_path)}",
            "-serial", "chardev:serial0",
            "-drive", f"if=mtd,format=raw,file={_quote(self._flash_file())}",
        ]
        # fmt: on
        if config.sdcard is not None:
            card = sdcard.card_image(config.sdcard, self._scratch)
            command += ["-drive", f"if=sd,format=raw,file={_quote(card)}"]
        if config.wifi is not None:
            self._wifi = ModuleServer(self._scratch / "wifi", config.wifi)
            command += ["-chardev", f"socket,id=wifi,path={_quote(self._wifi.path)}"]
        if config.icount:
            command += ["-icount", ICOUNT]
        if config.gdb is not None:
            check_port_free(config.gdb)
            command += ["-gdb", f"tcp:127.0.0.1:{config.gdb}"]
        if config.paused:
            command.append("-S")
        return command + list(config.qemu_arguments)

    def _flash_file(self) -> Path:
        size = paths.flash_size(self.config.board)
        parts = flash_parts(self.config)
        if self.config.flash_file is not None:
            write_parts(self.config.flash_file, parts, size)
            return self.config.flash_file.resolve()
        path = self._scratch / "flash.img"
        path.write_bytes(build_image(parts, size))
        return path

    def _connect_qmp(self) -> QEMUMonitorProtocol:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            self._check_alive("did not start")
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(self._scratch / "qmp"))
                break
            except OSError as e:
                connection.close()
                if time.monotonic() > deadline:
                    raise K210Error(f"the emulator's monitor did not open within {START_TIMEOUT:.0f} s: {e}") from None
                time.sleep(0.01)
        qmp = QEMUMonitorProtocol(connection)
        qmp.settimeout(QMP_TIMEOUT)
        try:
            qmp.connect()
        except (QMPError, OSError, EOFError) as e:
            self.wait(1)  # an emulator that gives up closes its monitor first
            self._check_alive("did not start")
            raise K210Error(f"the emulator's monitor did not answer: {e}") from None
        return qmp

    def _find_serial_port(self) -> int:
        devices: Any = self.qmp("query-chardev")
        name = next(d["filename"] for d in devices if d["label"] == "serial0")
        port = re.search(r":(\d+),server", name)
        if not port:
            raise K210Error(f"cannot tell the serial line's port from {name!r}")
        return int(port[1])

    def _check_alive(self, what: str) -> None:
        if self._process is None or self._process.poll() is None:
            return
        raise K210Error(f"the emulator {what} (status {self._process.returncode}): {self.messages() or 'no message'}")

    def messages(self) -> str:
        """What QEMU itself has said: guest errors, strict-mode stops, start-up errors."""
        try:
            text = self._stderr_path.read_text(errors="replace").strip()
        except FileNotFoundError:
            return ""
        return text.replace("qemu-system-riscv64: ", "")

    def serial_log(self) -> str:
        """All that the board has printed since the start."""
        return self.serial_bytes().decode(errors="replace")

    def serial_bytes(self, since: int = 0) -> bytes:
        """The same as it came, from a log_position() on."""
        try:
            return self._serial_log_path.read_bytes()[since:]
        except FileNotFoundError:
            return b""

    def log_position(self) -> int:
        """Bytes that the board has printed until now."""
        try:
            return self._serial_log_path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def pid(self) -> int:
        """The number of the QEMU process."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._process.poll() if self._process else None

    @property
    def serial_url(self) -> str:
        """The serial line, as pyserial and mpremote want it."""
        return f"socket://127.0.0.1:{self.serial_port}"

    def close(self) -> None:
        """Ends QEMU and removes its files. Safe to call twice."""
        # Another thread may be in the middle of a command. Whatever goes wrong here, the process is ended below.
        mine = self._qmp_lock.acquire(timeout=END_TIMEOUT)
        if mine and self._qmp is not None:
            qmp, self._qmp = self._qmp, None
            qmp.settimeout(2)
            with contextlib.suppress(QMPError, OSError, EOFError, TimeoutError):
                if self.alive:
                    qmp.cmd("quit")
                qmp.close()
        if mine:
            self._qmp_lock.release()
        if self._process is not None and self._process.poll() is None:
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._wifi is not None:
            self._wifi.close()
            self._wifi = None
        shutil.rmtree(self._scratch, ignore_errors=True)

    # Control

    def qmp(self, command: str, **arguments: object) -> object:
        """One monitor command."""
        with self._qmp_lock:
            if self._qmp is None:
                raise K210Error("the emulator has ended")
            try:
                return self._qmp.cmd(command, **arguments)
            except (QMPError, OSError, EOFError, TimeoutError) as e:
                if not isinstance(e, ExecuteError):
                    self.wait(1)
                self._check_alive("ended")
                raise K210Error(f"the emulator refused {command}: {e}") from None

    def check_guest(self) -> None:
        """Raises an error when strict mode has stopped the machine, or when QEMU has ended."""
        status: Any = self.qmp("query-status")
        if status["status"] == "guest-panicked":
            self.stop_reported = True
            raise K210Error(f"the emulator stopped the program: {self.messages()}")

    def resume(self) -> None:
        """Lets a paused emulator run."""
        self.qmp("cont")

    def reset(self) -> None:
        """The reset key."""
        self.qmp("system_reset")

    def get(self, path: str, name: str) -> Any:
        """Reads a property of an object of the machine."""
        return self.qmp("qom-get", path=path, property=name)

    def set(self, path: str, name: str, value: object) -> None:
        self.qmp("qom-set", path=path, property=name, value=value)

    def pictures(self) -> int:
        """Pictures that the LCD has received since the emulator started."""
        return int(self.get(LCD, "pictures"))

    def show(self, picture: Image.Image | Path | str) -> None:
        """Puts a picture (or the pictures of a folder or video) before the camera."""
        # A new name each time: the sensor may still have the last file open.
        self._shown = getattr(self, "_shown", 0) + 1
        source = self._scratch / f"shown-{self._shown}.ppm"
        if isinstance(picture, Image.Image):
            source.write_bytes(camera.ppm(picture))
        else:
            camera.write_source(Path(picture), source)
        self.set(CAMERA, "source", str(source))
        (self._scratch / f"shown-{self._shown - 1}.ppm").unlink(missing_ok=True)

    def plug_camera(self, plugged: bool) -> None:
        """Takes the camera off the board, or puts it back."""
        self.set(CAMERA, "plugged", plugged)
        self._touched.add("camera")

    def show_nothing(self) -> None:
        """Back to the sensor's own grey picture."""
        self.set(CAMERA, "source", "")

    def screenshot(self) -> Image.Image:
        """The LCD as a picture, once no window is half written (MaixPy's display() returns while DMA still runs)."""
        deadline = time.monotonic() + PAINTING_TIMEOUT
        while self.get(LCD, "painting") and time.monotonic() < deadline:
            time.sleep(0.005)
        dump = self._scratch / "screen.ppm"
        with self._qmp_lock:
            self.qmp("screendump", filename=str(dump))
            data = dump.read_bytes()
        return Image.open(io.BytesIO(data)).convert("RGB")

    # Keys, LEDs, card, power, faults

    def _named(self, path: str, name: str, what: str) -> str:
        listed: Any = self.qmp("qom-list", path=path)
        names = sorted(p["name"] for p in listed if p["type"] == "bool")
        if name not in names:
            raise K210Error(f"{self.config.board} has no {what} {name!r}; it has {', '.join(names) or 'none'}")
        return name

    def key(self, name: str, down: bool) -> None:
        """Holds a key down, or lets go of it."""
        self.set(KEYS, self._named(KEYS, name, "key"), down)
        self._touched.add(name)

    def led(self, name: str) -> bool:
        """Whether an LED is lit."""
        return bool(self.get(LEDS, self._named(LEDS, name, "LED")))

    def insert_card(self, source: Path) -> None:
        """Puts an SD card into the slot, in the place of one that is there."""
        self._cards += 1
        folder = self._scratch / f"card-{self._cards}"
        folder.mkdir()
        image = sdcard.card_image(source, folder)
        self.qmp("blockdev-change-medium", id=CARD, filename=str(image.resolve()), format="raw")
        self._touched.add("card")

    def eject_card(self) -> None:
        """Pulls the SD card."""
        self.qmp("eject", id=CARD, force=True)
        self._touched.add("card")

    def power(self, on: bool) -> None:
        """The plug. Without power nothing runs; with it everything starts from its power-on state."""
        if not on:
            self.qmp("stop")
        self.set(FLASH, "power", on)
        if on:
            self.reset()
            self.resume()

    def stop_kpu(self, stopped: bool) -> None:
        self.set(KPU, "stopped", stopped)
        self._touched.add("kpu")

    def wire(self, pairs: str) -> None:
        """Wires between pads: "20-21,22-23"."""
        self.set(FPIOA, "jumpers", pairs)
        self._touched.add("wires")

    def set_strict(self, on: bool) -> None:
        self.set(MACHINE, "strict", on)
        self._touched.add("strict")

    def virtual_time(self) -> float:
        """Seconds of the machine's time since the start."""
        return int(self.get(MACHINE, "virtual-time")) / 1e9

    def restore(self) -> bool:
        """Undoes what a test has done to keys, KPU and strictness. False when there is more than that."""
        touched, self._touched = self._touched, set()
        if "camera" in touched:
            self.set(CAMERA, "plugged", True)
        for name in touched - {"camera", "kpu", "strict", "card", "wires"}:
            self.set(KEYS, name, False)
        if "kpu" in touched:
            self.set(KPU, "stopped", False)
        if "wires" in touched:
            self.set(FPIOA, "jumpers", "")
        if "strict" in touched:
            self.set(MACHINE, "strict", self.config.strict)
        return "card" not in touched

    def wait(self, timeout: float | None = None) -> int | None:
        """Waits for the end of QEMU; its status, or None when time is up."""
        assert self._process is not None
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None


def save_picture(picture: Image.Image, path: Path) -> None:
    """Writes a picture file in one step, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    try:
        picture.save(temporary, format="PNG")
        os.replace(temporary, path)
    except OSError as e:
        raise K210Error(f"cannot write {path}: {e.strerror}") from None


def check_port_free(port: int) -> None:
    if not 0 < port < 65536:
        raise K210Error(f"{port} is not a TCP port")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as e:
            raise K210Error(f"TCP port {port} cannot be used: {e.strerror}") from None


def _quote(path: Path) -> str:
    """A file name inside a QEMU option."""
    return str(path).replace(",", ",,")


def _die_with_parent() -> None:
    """A killed test run must not leave an emulator spinning."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
