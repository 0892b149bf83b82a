# SPDX-License-Identifier: MIT
"""`k210 flash-wifi --direct`: esptool against the model of the ESP8285's loader."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from k210 import cli, flash_wifi
from k210.errors import K210Error
from k210.netmodel import EspRom
from k210.netmodel.server import Watcher


@pytest.fixture
def loader() -> Iterator[tuple[EspRom, str]]:
    rom = EspRom()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                rom.attach(client.sendall, Watcher())
                while data := client.recv(4096):
                    rom.feed(data)

    threading.Thread(target=serve, daemon=True).start()
    yield rom, f"socket://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


@pytest.mark.timeout(240)
def test_files_arrive(loader: tuple[EspRom, str], tmp_path: Path) -> None:
    rom, port = loader
    first, second = tmp_path / "a.bin", tmp_path / "b.bin"
    first.write_bytes(b"\xc0\xdb\xdd" * 3000 + os.urandom(20000))
    second.write_bytes(os.urandom(5000))
    flash_wifi.flash_wifi(port, [str(first), f"{second}@0x80000"], direct=True)
    assert rom.flash[: first.stat().st_size] == first.read_bytes()
    assert rom.flash[0x80000 : 0x80000 + 5000] == second.read_bytes()
    assert rom.stub


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nofile.bin"], "there is no file nofile.bin"),
        (["{file}@here"], "'here' is not an address"),
        (["{file}@0x10"], "a multiple of 4096"),
        (["{file}@0x1000", "{file}@0"], "reaches into"),
        (["--chip", "esp32", "{file}"], "give --direct"),
        (["--boot-pin", "48", "{file}"], "pins are 0 to 47"),
        (["--baud", "0", "{file}"], "it is above 0"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(5000))
    words = [a.replace("{file}", str(file)) for a in arguments]
    assert cli.main(["flash-wifi", "--port", "none", *words]) == cli.FAILED
    assert message in capsys.readouterr().err


def test_nobody_presses_enter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(100))
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(K210Error, match="--boot-pin"):
        flash_wifi.flash_wifi("none", [str(file)])
