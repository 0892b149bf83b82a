# SPDX-License-Identifier: MIT
"""What `k210 emulate` and `k210 run` say when they cannot start: one sentence, no traceback, a status
that is not zero. The emulator itself is replaced by a program that only complains."""

import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k210.cli import FAILED, main


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "app.bin"
    path.write_bytes(b"program")
    return str(path)


@pytest.fixture
def refuse(program: str, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that must fail; gives its one line of complaint."""

    def call(*arguments: str, status: int = FAILED) -> str:
        assert main(arguments) == status
        output = capfd.readouterr()
        assert output.out == ""
        assert output.err.count("\n") == 1, output.err
        assert output.err.startswith("k210: ")
        return output.err

    return call


@pytest.fixture(autouse=True)
def complaining_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    qemu = tmp_path / "qemu"
    qemu.write_text("#!/bin/sh\necho 'qemu-system-riscv64: no such thing' >&2\nexit 1\n")
    qemu.chmod(qemu.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("K210_QEMU", str(qemu))


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("kind", ["tcp", "rfc2217"])
def test_busy_port(refuse: Callable[..., str], program: str, busy_port: int, kind: str) -> None:
    assert f"TCP port {busy_port} cannot be used" in refuse(
        "emulate", "--flash", program, "--serial", f"{kind}:{busy_port}"
    )


def test_busy_gdb_port(refuse: Callable[..., str], program: str, busy_port: int) -> None:
    assert f"TCP port {busy_port} cannot be used" in refuse("emulate", "--flash", program, "--gdb", str(busy_port))


@pytest.mark.parametrize("serial", ["usb", "tcp:", "tcp:x", "rfc2217", "tcp:-1"])
def test_unknown_serial(refuse: Callable[..., str], program: str, serial: str) -> None:
    assert "tcp:PORT" in refuse("emulate", "--flash", program, "--serial", serial)


def test_port_out_of_range(refuse: Callable[..., str], program: str) -> None:
    assert "70000 is not a TCP port" in refuse("emulate", "--flash", program, "--serial", "tcp:70000")


def test_missing_camera_picture(refuse: Callable[..., str], program: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.png")
    assert f"no camera picture {missing}" in refuse("emulate", "--flash", program, "--camera", missing)


def test_missing_flash_file(refuse: Callable[..., str], tmp_path: Path) -> None:
    assert "cannot read" in refuse("emulate", "--flash", str(tmp_path / "none.bin"))


def test_flash_overlap(refuse: Callable[..., str], program: str, tmp_path: Path) -> None:
    model = tmp_path / "net.kmodel"
    model.write_bytes(bytes(16))
    message = refuse("emulate", "--flash", program, "--flash", f"{model}@0x4")
    assert "app.bin (0x000000-0x00002b) and net.kmodel (0x000004-0x000013) overlap" in message


def test_unknown_board(refuse: Callable[..., str]) -> None:
    assert "there is no board 'esp32'" in refuse("emulate", "--board", "esp32")


def test_sd_card_of_odd_size(refuse: Callable[..., str], program: str, tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    card.write_bytes(bytes(1000))
    assert "power of two" in refuse("emulate", "--flash", program, "--sdcard", str(card))


def test_emulator_that_does_not_start(refuse: Callable[..., str], program: str) -> None:
    assert "did not start (status 1): no such thing" in refuse("emulate", "--flash", program)


def test_no_emulator(refuse: Callable[..., str], program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K210_QEMU", "/nonexistent/qemu")
    assert "make emulator" in refuse("emulate", "--flash", program)


def test_run_without_script(refuse: Callable[..., str], tmp_path: Path) -> None:
    assert "cannot read the script" in refuse("run", str(tmp_path / "none.py"))


@pytest.mark.parametrize("option", [["--frames", "1"], ["--camera", "x.png"]])
def test_run_on_a_board_refuses_what_only_the_emulator_has(
    refuse: Callable[..., str], tmp_path: Path, option: list[str]
) -> None:
    script = tmp_path / "a.py"
    script.write_text("pass\n")
    assert "emulator" in refuse("run", str(script), "--port", "/dev/null", *option)


def test_run_on_a_port_that_is_none(refuse: Callable[..., str], tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text("pass\n")
    assert "cannot open the serial port" in refuse("run", str(script), "--port", str(tmp_path / "ttyX"))


def test_wrong_usage_has_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["run"])
    assert ending.value.code == FAILED
    assert "SCRIPT" in capsys.readouterr().err
