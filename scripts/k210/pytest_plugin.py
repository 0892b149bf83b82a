# SPDX-License-Identifier: MIT
"""pytest plugin: the fixture `board` is an emulated K210 or a real one, as --k210 says.

target.py makes the board and brings it back; report.py tells about failures. Here are options, markers,
fixtures and hooks.
"""

import os
import re
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k210 import paths
from k210.board import Board
from k210.emulator import Emulator
from k210.errors import BoardGone, EmulatorOnly, K210Error, WrongFirmware
from k210.golden import Golden
from k210.report import VIRTUAL, FailureReport, folder_name
from k210.summary import RECOVERED, Summary
from k210.target import EMULATOR, Settings, Target, Wanted, make_target, ports_of

__all__ = ["Emulator", "Golden", "TestData", "need_test_data"]

__tracebackhide__ = True
DEFAULT_REPORT = "build/report"
_target = pytest.StashKey[Target]()
_begun = pytest.StashKey[tuple[Board, int, float | None]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("k210", "Kendryte K210 boards")
    group.addoption(
        "--k210",
        default=EMULATOR,
        metavar="emulator|PORT|labgrid:PLACE",
        help="where the tests run: the emulator; a device, socket:// or rfc2217:// (several with commas, one for "
        "each xdist worker); a place of a labgrid farm, or labgrid:tag=value to reserve one",
    )
    group.addoption("--k210-board", default=paths.DEFAULT_BOARD, metavar="BOARD", help="what kind of board it is")
    group.addoption(
        "--k210-flash",
        action="append",
        default=[],
        metavar="FILE[@ADDR]",
        help="flash content besides the firmware; a real board gets it together with --k210-firmware",
    )
    group.addoption(
        "--k210-firmware",
        default="",
        metavar="FILE|any",
        help="the firmware to test: a board that runs another one is flashed, once. Without this option such a "
        "board is refused; any takes what is there",
    )
    group.addoption(
        "--k210-strict", choices=("on", "off"), default="on", help="what a real K210 would not take ends the test (on)"
    )
    group.addoption(
        "--k210-icount",
        action="store_true",
        help="the emulator's time by instruction count: runs repeat exactly, also on a busy computer, but take longer",
    )
    group.addoption(
        "--k210-report",
        default="",
        metavar="DIR",
        help="write JUnit XML, an HTML summary and what is known of failed tests to this folder",
    )
    group.addoption("--update-goldens", action="store_true", help="write golden pictures instead of comparing")
    parser.addini("k210_report", "the folder of --k210-report", default="")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "k210(flash=[], camera=None, sdcard=None, board=None, icount=False, strict=True): parts of the emulated "
        "board for this test; on a real board the test is skipped when that cannot have them",
        "needs(feature, ...): camera, lcd, sd, kpu, wifi...; skipped when the board has not got one of them",
        "emulator_only: the test needs what only the emulator has",
        "board_only: the test makes no sense on the emulator",
    ):
        config.addinivalue_line("markers", line)
    _configure_report(config)
    workers = config.getoption("numprocesses", None)
    boards = ports_of(config.getoption("--k210"))
    if boards and workers and (not isinstance(workers, int) or workers > boards):
        raise pytest.UsageError(f"--k210 names {boards} board(s), so -n can be {boards} at most; one tests at a time")
    config.stash[_target] = make_target(
        Settings(
            port=config.getoption("--k210"),
            board=config.getoption("--k210-board"),
            flash=tuple(config.getoption("--k210-flash") or ()),
            strict=config.getoption("--k210-strict") == "on",
            icount=config.getoption("--k210-icount"),
            firmware=config.getoption("--k210-firmware"),
        )
    )


def _report_folder(config: pytest.Config) -> Path:
    return config.rootpath / (config.getoption("--k210-report") or config.getini("k210_report") or DEFAULT_REPORT)


def _configure_report(config: pytest.Config) -> None:
    """JUnit XML and pytest-html into the report folder, when one is named and they are not told otherwise."""
    if hasattr(config, "workerinput"):
        return
    count = config.getoption("count", None)  # of pytest-repeat
    summary = Summary(config.getoption("--k210"), _report_folder(config), count if isinstance(count, int) else 1)
    config.pluginmanager.register(summary, "k210-summary")
    if config.option.collectonly or not (config.getoption("--k210-report") or config.getini("k210_report")):
        return
    folder = _report_folder(config)
    if getattr(config.option, "xmlpath", "") is None:
        config.option.xmlpath = str(folder / "junit.xml")
    if getattr(config.option, "htmlpath", "") is None:
        config.option.htmlpath = str(folder / "report.html")
        config.option.self_contained_html = True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A place of a farm goes back while xdist still waits for its worker."""
    session.config.stash[_target].close()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _target in config.stash:
        config.stash[_target].close()


# Which tests run


def _markers(item: pytest.Item, name: str) -> bool:
    return item.get_closest_marker(name) is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    target = item.config.stash[_target]
    if not target.is_emulator and _markers(item, "emulator_only"):
        pytest.skip("needs the emulator")
    if target.is_emulator and _markers(item, "board_only"):
        pytest.skip("needs a real board")
    return (yield from _skip_what_it_cannot())


def _wanted(request: pytest.FixtureRequest) -> Wanted:
    marker = request.node.get_closest_marker("k210")
    parts: dict[str, Any] = dict(marker.kwargs) if marker else {}
    data = paths.test_data()
    if "flash" in parts:
        parts["flash"] = tuple(_in_data(request, data, f) for f in parts["flash"])
    for name in ("camera", "sdcard"):
        if parts.get(name):
            parts[name] = Path(_in_data(request, data, str(parts[name])))
    needs = tuple(str(name) for mark in request.node.iter_markers("needs") for name in mark.args)
    return Wanted(parts, needs)


def _in_data(request: pytest.FixtureRequest, data: Path, name: str) -> str:
    """A file of the marker: relative names are beside the test file, or test data."""
    if Path(name).is_absolute():
        return name
    file = name.rpartition("@")[0] if re.search(r"@0x[0-9a-fA-F]+$", name) else name
    if (request.path.parent / file).exists():
        return str(request.path.parent / name)
    need_test_data(data, file)
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


# Fixtures


class Session:
    """What one test does with the board of the run."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._target = request.config.stash[_target]

    def board(self, **parts: Any) -> Board:
        """A board as the test's markers say, and with these parts besides."""
        node = self._request.node
        wanted = _wanted(self._request)
        try:
            board = self._target.board(replace(wanted, parts={**wanted.parts, **parts}))
        except EmulatorOnly as e:
            pytest.skip(str(e))
        except WrongFirmware:
            # There is nothing to test here.
            self._request.session.shouldfail = "the board runs the wrong firmware"
            raise
        if self._target.recovered:
            node.user_properties.append((RECOVERED, self._target.recovered))
        started = None
        if board.emulator:
            with suppress(K210Error):  # an emulator of before
                started = board.virtual_time()
        node.stash[_begun] = (board, board.log_position(), started)
        return board

    def finish(self) -> None:
        board, _, started = self._request.node.stash.get(_begun, (None, 0, None))
        if board is None or not board.emulator or not board.emulator.alive:
            return
        if started is not None:
            with suppress(K210Error):
                seconds = round(board.virtual_time() - started, 6)
                self._request.node.user_properties.append((VIRTUAL, seconds))
        # What strict mode stopped after the last line of output nobody has heard of yet.
        if not board.emulator.stop_reported:
            board.emulator.check_guest()


@pytest.fixture
def board_with(request: pytest.FixtureRequest) -> Generator[Callable[..., Board], None, None]:
    """The fixture board for parts that are known in the test only: board_with(sdcard=image).

    The parts are those of the marker k210; a board that cannot have them skips the test.
    """
    session = Session(request)
    yield session.board
    session.finish()


@pytest.fixture
def board(board_with: Callable[..., Board]) -> Board:
    """A board at a fresh MicroPython prompt; see k210.board.Board."""
    return board_with()


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
        report=_report_folder(request.config) / folder_name(request.node.nodeid),
        update=request.config.getoption("--update-goldens"),
    )


# Reports


def _skip_what_it_cannot() -> Generator[None, object, object]:
    try:
        return (yield)
    except EmulatorOnly as e:
        pytest.skip(str(e))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _skip_what_it_cannot())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test gets a sentence about it, the end of the serial log, and a folder with the rest."""
    report = yield
    if report.failed and "board_with" in getattr(item, "fixturenames", ()):
        board, since, started = item.stash.get(_begun, (None, 0, None))
        if board is None and not (call.excinfo and isinstance(call.excinfo.value, BoardGone)):
            board = item.config.stash[_target].current
        folder = _report_folder(item.config) / folder_name(item.nodeid)
        FailureReport(folder, board, since, started).fill(report, call.excinfo.value if call.excinfo else None)
    return report
