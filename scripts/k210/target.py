# SPDX-License-Identifier: MIT
"""The board that the tests of a run share: made when it is needed, brought back when a test leaves it in a
bad state, checked for the right firmware."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from k210 import features, firmware, frame
from k210.board import Board
from k210.controls import has_lines
from k210.emulator import Config
from k210.errors import BoardGone, EmulatorOnly, K210Error, WrongFirmware
from k210.flash_content import FlashContent

__tracebackhide__ = True  # a failed test's report ends at the test's own line

EMULATOR = "emulator"
LABGRID = "labgrid:"
ANY = "any"
SOFT = "soft reset"


@dataclass(frozen=True)
class Wanted:
    """What a test asks for: an emulator's parts (marker k210), and features of the board (marker needs)."""

    parts: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """The options of a test run. firmware: a file, "any", or empty for what this checkout has built."""

    port: str
    board: str
    flash: tuple[str, ...]
    strict: bool
    icount: bool
    firmware: str


class Target:
    """One board for all tests of this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.current: Board | None = None
        self.recovered = ""  # how the board came back for the present test, when a soft reset was not enough
        self._features: dict[str, str] = {}

    @property
    def is_emulator(self) -> bool:
        return False

    def board(self, wanted: Wanted) -> Board:
        """A board at a fresh prompt, with what is wanted; EmulatorOnly when this one cannot have it."""
        raise NotImplementedError

    def close(self) -> None:
        if self.current:
            self.current.close()
        self.current = None

    def _check_needs(self, board: Board, wanted: Wanted, key: object = None) -> None:
        asked = False
        for feature in wanted.needs:
            name = f"{feature} {key}"
            if name not in self._features:
                asked = True
                self._features[name] = features.missing(board, self.settings.board, feature)
            if self._features[name]:
                raise EmulatorOnly(f"needs {feature}: {self._features[name]}")
        if asked:
            board.reset()


class EmulatorTarget(Target):
    """Emulators: kept from test to test, started anew for other parts or when one is beyond help."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        flash = list(settings.flash)
        if settings.firmware not in ("", ANY):
            flash.append(f"{settings.firmware}@0" if settings.firmware.endswith(".bin") else settings.firmware)
        self.base = Config(board=settings.board, flash=tuple(flash), strict=settings.strict, icount=settings.icount)
        self._config: Config | None = None

    @property
    def is_emulator(self) -> bool:
        return True

    def board(self, wanted: Wanted) -> Board:
        parts = dict(wanted.parts)
        parts["flash"] = (*self.base.flash, *parts.get("flash", ()))
        config = replace(self.base, **parts)
        board = self._kept(config) or self._fresh(config)
        self._check_needs(board, wanted, config)
        return board

    def _kept(self, config: Config) -> Board | None:
        self.recovered = ""
        board = self.current
        if board is None or self._config != config or not board.emulator:
            return None
        try:
            if not board.emulator.restore():
                return None
            how = board.recover()
            if config.camera is None:
                board.emulator.show_nothing()
            else:
                board.emulator.show(config.camera)
        except K210Error:
            self.recovered = "a new emulator"
            return None
        if how != SOFT:
            self.recovered = how
        return board

    def _fresh(self, config: Config) -> Board:
        self.close()
        self.current = Board.start(config)
        self._config = config
        return self.current


class PortTarget(Target):
    """A board at a serial port: one that nobody can take apart, only talk to and start anew."""

    # What only matters to the emulator: a real board has no strict mode to switch off.
    IGNORED = ("strict",)

    def __init__(self, settings: Settings, port: str, power: Callable[[bool], None] | None = None) -> None:
        super().__init__(settings)
        self.port = port
        self._power = power
        self._content = FlashContent(settings.board)
        self._gone = ""
        self._checked = False

    def board(self, wanted: Wanted) -> Board:
        self._check_parts(wanted)
        board = self._ready()
        missing = self._content.missing(board, wanted.parts.get("flash", ()))
        if missing:
            raise EmulatorOnly(f"the board's flash does not hold {missing}; --k210-flash puts it there")
        self._check_needs(board, wanted)
        board.exec(frame.KEEP)
        return board

    def _check_parts(self, wanted: Wanted) -> None:
        for name, value in wanted.parts.items():
            if name == "board" and value != self.settings.board:
                raise EmulatorOnly(f"needs a {value}; --k210-board says this is a {self.settings.board}")
            if name not in ("board", "flash", *self.IGNORED):
                raise EmulatorOnly(f"needs an emulator with {name}={value}")

    def _ready(self) -> Board:
        self.recovered = ""
        if self._gone:
            # Once more, in case somebody has put it back; but no test waits long for it.
            try:
                self.current = self._open()
            except K210Error:
                raise BoardGone(f"no board any more: {self._gone}") from None
            self._gone = ""
            self.recovered = "being there again"
            return self.current
        try:
            if self.current is None:
                self.current = self._first()
                return self.current
            how = self.current.recover()
        except BoardGone as e:
            self._gone = str(e)
            self.close()
            raise
        if how != SOFT:
            self.recovered = how
        return self.current

    def _open(self) -> Board:
        return Board(port=self.port, name=self.settings.board, power=self._power)

    def _first(self) -> Board:
        """Opens the board for the run; with the right firmware, or not at all."""
        file = self._firmware_file()
        may_flash = self.settings.firmware not in ("", ANY)
        if self._checked or file is None:
            return self._open()
        board = None
        try:
            board = self._open()
            firmware.check(board, file, self.settings.board, self.port)
        except (WrongFirmware, BoardGone) as e:
            if board:
                board.close()
            if not may_flash:
                raise
            if not has_lines(self.port):
                raise WrongFirmware(f"{e}. It cannot be flashed here: {self.port} carries no reset line") from None
            self._program(file)
            board = self._open()
            firmware.check(board, file, self.settings.board, self.port)
        self._checked = True
        return board

    def _program(self, file: Path) -> None:
        print(f"\nk210: flashing {file} to the board at {self.port}", flush=True)
        firmware.program(self.port, file, self.settings.flash, self.settings.board)

    def _firmware_file(self) -> Path | None:
        from k210 import paths

        if self.settings.firmware == ANY:
            return None
        if self.settings.firmware:
            return Path(self.settings.firmware)
        try:
            return paths.firmware(self.settings.board)
        except K210Error:
            return None  # a project of somebody else, who has not said what the board should run


def worker_number() -> int:
    """0 without xdist, or for its first worker."""
    number = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    return int(number[1]) if number else 0


def make_target(settings: Settings) -> Target:
    """The target that --k210 names. Of several ports or places, each xdist worker takes its own."""
    if settings.port == EMULATOR:
        return EmulatorTarget(settings)
    if settings.port.startswith(LABGRID):
        from k210.farm import PlaceTarget

        return PlaceTarget(settings, settings.port.removeprefix(LABGRID))
    ports = settings.port.split(",")
    return PortTarget(settings, ports[worker_number() % len(ports)])


def ports_of(port: str) -> int:
    """How many boards --k210 names; 0 for as many as one likes."""
    if port == EMULATOR:
        return 0
    if port.startswith(LABGRID):
        # A reservation by tags finds a place for every worker, as far as there are places.
        return 0 if "=" in port else len(port.split(","))
    return len(port.split(","))
