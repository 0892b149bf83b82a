# SPDX-License-Identifier: MIT
"""pytest plugin: the fixture `board` is an emulated K210 or a real one, as --k210 says.

An emulator is kept from test to test and soft-reset in between; it is started anew when a test wants
other parts (marker k210) or when the last one has left it unusable.
"""

import contextlib
import os
import re
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k210 import paths
from k210.board import Board
from k210.emulator import Config, Emulator
from k210.errors import EmulatorOnly, K210Error
from k210.golden import Golden

EMULATOR = "emulator"
LOG_TAIL = 4000
_target = pytest.StashKey["Target"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("k210", "Kendryte K210 boards")
    group.addoption("--k210", default=EMULATOR, metavar="emulator|PORT", help="a device, socket:// or rfc2217://")
    group.addoption("--k210-board", default=paths.DEFAULT_BOARD, metavar="BOARD", help="board of the emulator")
    group.addoption(
        "--k210-flash", action="append", default=[], metavar="FILE[@ADDR]", help="flash content of the emulator"
    )
    group.addoption(
        "--k210-strict", choices=("on", "off"), default="on", help="what a real K210 would not take ends the test (on)"
    )
    group.addoption("--update-goldens", action="store_true", help="write golden pictures instead of comparing")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "k210(flash=[], camera=None, sdcard=None, board=None, icount=False, strict=True): "
        "parts of the emulated board for this test; on a real board the test is skipped when it asks for any",
    )
    config.addinivalue_line("markers", "emulator_only: the test needs what only the emulator has")
    if config.getoption("--k210") != EMULATOR and (
        config.getoption("numprocesses", None) or hasattr(config, "workerinput")
    ):
        raise pytest.UsageError("tests on a board run one after the other; leave out -n")
    config.stash[_target] = Target(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _target in config.stash:
        config.stash[_target].close()


class Target:
    """The board that tests share, and how it was made."""

    def __init__(self, options: pytest.Config) -> None:
        self.port: str = options.getoption("--k210")
        self.is_emulator = self.port == EMULATOR
        self.base = Config(
            board=options.getoption("--k210-board"),
            flash=tuple(options.getoption("--k210-flash") or ()),
            strict=options.getoption("--k210-strict") == "on",
        )
        self._board: Board | None = None
        self._config: Config | None = None

    def board(self, wanted: Config) -> Board:
        """A board at a fresh prompt, made of what is wanted."""
        if self._board and self._config == wanted:
            with contextlib.suppress(K210Error):
                self._board.reset()
                if self._board.emulator:
                    _set_camera(self._board.emulator, wanted.camera)
                return self._board
        self.close()
        self._board = Board.start(wanted) if self.is_emulator else Board(port=self.port)
        self._config = wanted
        return self._board

    @property
    def current(self) -> Board | None:
        return self._board

    def close(self) -> None:
        if self._board:
            self._board.close()
        self._board = None


def _set_camera(emulator: Emulator, picture: Path | None) -> None:
    """Takes away what the last test may have put before the camera."""
    if picture is None:
        emulator.show_nothing()
    else:
        emulator.show(picture)


def _wanted(request: pytest.FixtureRequest, target: Target) -> Config:
    marker = request.node.get_closest_marker("k210")
    parts: dict[str, Any] = dict(marker.kwargs) if marker else {}
    if not target.is_emulator:
        if parts or request.node.get_closest_marker("emulator_only"):
            pytest.skip("needs the emulator")
        return target.base
    data = paths.test_data()
    if "flash" in parts:
        parts["flash"] = (*target.base.flash, *(_in_data(request, data, f) for f in parts["flash"]))
    for name in ("camera", "sdcard"):
        if parts.get(name):
            parts[name] = Path(_in_data(request, data, str(parts[name])))
    return replace(target.base, **parts)


def _in_data(request: pytest.FixtureRequest, data: Path, name: str) -> str:
    """A file of the marker: relative names are test data."""
    if Path(name).is_absolute():
        return name
    need_test_data(data, name.rpartition("@")[0] if re.search(r"@0x[0-9a-fA-F]+$", name) else name)
    return str(data / name)


def need_test_data(data: Path, name: str = "") -> Path:
    """The path of test data; without it the test is skipped, or fails when K210_REQUIRE_TEST_DATA is 1."""
    path = data / name
    if not path.exists():
        reason = f"no test data at {path} (K210_TEST_DATA says where it is)"
        if os.environ.get("K210_REQUIRE_TEST_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Generator[Board, None, None]:
    """A board at a fresh MicroPython prompt; see k210.board.Board."""
    target = request.config.stash[_target]
    board = target.board(_wanted(request, target))
    yield board
    # What strict mode stopped after the last line of output nobody has heard of yet.
    if board.emulator and board.emulator.alive:
        board.emulator.check_guest()


class TestData:
    """Finds test data by name: data("models/mnist.kmodel")."""

    __test__ = False

    def __call__(self, name: str = "") -> Path:
        return need_test_data(paths.test_data(), name)


@pytest.fixture(scope="session")
def data() -> TestData:
    """Gives the path of a file of the test data, or skips the test with the reason."""
    return TestData()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares a picture with goldens/NAME.png beside the test file."""
    return Golden(
        folder=request.path.parent / "goldens",
        report=request.config.rootpath / "build" / "report",
        update=request.config.getoption("--update-goldens"),
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    try:
        return (yield)
    except EmulatorOnly as e:
        pytest.skip(str(e))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test gets the end of the board's serial log and the emulator's own messages."""
    report = yield
    if report.failed and "board" in getattr(item, "fixturenames", ()):
        current = item.config.stash[_target].current
        if current:
            report.sections.append(("serial line of the board", current.serial_log()[-LOG_TAIL:]))
            if current.emulator:
                report.sections.append(("messages of the emulator", current.emulator.messages()[-LOG_TAIL:]))
    return report
