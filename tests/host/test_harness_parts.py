# SPDX-License-Identifier: MIT
"""The parts of the test harness that need no board."""

from pathlib import Path

import pytest

from k210 import features, firmware, frame
from k210.diagnose import noise, what_happened
from k210.errors import BoardGone, K210Error, ScriptTimeout
from k210.summary import Repetitions
from k210.target import ports_of, worker_number


class Answers:
    """A board that always says the same."""

    def __init__(self, text: str) -> None:
        self.text = text

    def exec(self, code: str | bytes, timeout: float | None = None) -> str:
        return self.text


@pytest.mark.parametrize(
    ("log", "bad"),
    [
        (b"raw REPL; CTRL-B to exit\r\n>R\x01\x80\x00\x01OK\x04\x04>", b""),
        ("Gr\u00fc\u00dfe \u4e2d\r\n".encode(), b""),
        (b"\x1b[31mred\x1b[0m\x07\b", b""),
        (b"ok \xf8\x00\xe0\xfe ok", b"\xf8\x00\xe0\xfe"),
        (b"\x80\x81R\x01\xff\xff\x7f", b"\x80\x81\x7f"),
    ],
)
def test_noise(log: bytes, bad: bytes) -> None:
    assert noise(log) == bad


def test_noise_explains_an_error_of_the_line() -> None:
    text = what_happened(K210Error("the board did not take the script"), b"\xf8\xff\xfe")
    assert text.index("NOISE: 3 bytes") < text.index("ERROR: the board did not take")
    text = what_happened(BoardGone("it has gone"), b"\xf8")
    assert text.index("BOARD GONE: it has gone") < text.index("NOISE: 1 bytes")


def test_hang_has_the_last_lines() -> None:
    error = ScriptTimeout("the script did not end within 2 s", "one\r\ntwo\nthree\n\nfour\n", answers=True)
    text = what_happened(error, b"")
    assert "It took Ctrl-C" in text
    assert text.endswith("    two\n    three\n    four")


@pytest.mark.parametrize(
    "text", ["", "(320, 240)", "(320, 240)\n!!!!", "(3, 1)\neJxjYGBgAAAABAAB", "hello", "(2, 1)\nAAAA", "(0, 0, 0)\n"]
)
def test_damaged_picture(text: str) -> None:
    with pytest.raises(K210Error, match="came damaged"):
        frame.from_text(text)


def test_no_picture() -> None:
    assert "nothing has been shown" in str(frame.from_text("None\n"))
    assert frame.from_text("'the firmware has no lcd.screen()'\n") == "the firmware has no lcd.screen()"


def test_build_id(tmp_path: Path) -> None:
    file = tmp_path / "f.bin"
    file.write_bytes(b"code" + firmware.NOTE + bytes(range(20)) + b"more")
    assert firmware.build_id(file, "maix_bit") == bytes(range(20)).hex()
    for content in (b"code", b"code" + firmware.NOTE + b"cut"):
        file.write_bytes(content)
        with pytest.raises(K210Error, match="holds no build id"):
            firmware.build_id(file, "maix_bit")
    with pytest.raises(K210Error):
        firmware.build_id(tmp_path / "none.bin", "maix_bit")


@pytest.mark.parametrize("answer", ["", "nonsense", "('a',)", "(1, 2, 3, 4, 5)"])
def test_board_that_does_not_say_what_it_is(answer: str) -> None:
    with pytest.raises(K210Error, match="does not say what firmware"):
        firmware.identify(Answers(answer))


def test_other_peoples_firmware() -> None:
    found = firmware.identify(Answers("('3.4.0; MicroPython v1.12', '', '', '')"))
    assert str(found) == "3.4.0; MicroPython v1.12 (unknown board), which tells no build id"


def test_features() -> None:
    assert features.missing(Answers(""), "maix_bit", "camera") == ""
    assert features.missing(Answers(""), "maix_bit", "wifi") == "maix_bit has no wifi"
    why = features.missing(Answers("its camera does not answer: x\n"), "maix_bit", "camera")
    assert why == "maix_bit: its camera does not answer: x"
    assert features.missing(Answers(""), "somebody_elses", "camera") == ""
    assert features.missing(Answers(""), "somebody_elses", "touch") == "nothing is known of somebody_elses's parts"
    with pytest.raises(K210Error, match="needs.'laser'.: there are battery, camera"):
        features.missing(Answers(""), "maix_bit", "laser")


def test_how_many_boards_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"emulator": 0, "/dev/ttyUSB0": 1, "a,b": 2, "labgrid:x": 1, "labgrid:x,y": 2, "labgrid:a=b,c=d": 0}
    assert {port: ports_of(port) for port in named} == named
    for name, number in (("gw3", 3), ("master", 0), ("", 0)):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", name)
        assert worker_number() == number


def test_repetitions_of_parametrized_tests() -> None:
    counts = Repetitions(2)

    def report(name: str, outcome: str) -> None:
        counts.add(pytest.TestReport(name, ("", 0, ""), {}, outcome, None, "call"))  # type: ignore[arg-type]

    for name, outcome in (("t.py::a[1-2]", "passed"), ("t.py::a[2-2]", "failed"), ("t.py::b[x-1-2]", "passed")):
        report(name, outcome)
    assert counts.lines() == ["t.py::a: flaky, 1 of 2 runs failed", "1 tests passed each time"]
    assert set(counts.passed) == {"t.py::a", "t.py::b[x]"}
