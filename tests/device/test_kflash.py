# SPDX-License-Identifier: MIT
"""The `kflash` program itself, its code untouched, against the emulated board: both rates, .bin and .kfpkg.

The firmware is a program of some 500 KB, so 115200 baud take the wire a minute. That run is left out unless
K210_LONG_TESTS is set; the short one writes a small program at that rate.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from k210 import paths
from k210.board import Board
from k210.image import boot_image, load_arguments
from k210.pack import write_kfpkg

pytestmark = pytest.mark.emulator_only

# kflash looks for its port among the devices; this hands it the one that pyserial makes of a URL.
KFLASH = """
import sys, serial, kflash
serial.Serial = lambda port, **settings: serial.serial_for_url(port, **settings)
sys.argv[0] = "kflash"
kflash.main()
"""
WIRING = {"maix_bit": "dan"}  # kflash's name for DTR and RTS the usual way round
MODEL = 0x300000


class FlashedBoard:
    def __init__(self, command: list[str], flash: Path, url: str) -> None:
        self.board = command[command.index("--board") + 1]
        self.flash = flash
        self.url = url

    def kflash(self, file: Path, baud: int) -> str:
        board = WIRING.get(self.board, "dan")
        options = ["-n", "-p", self.url, "-b", str(baud), "-B", board, str(file)]
        run = [sys.executable, "-c", KFLASH, *options]
        result = subprocess.run(run, capture_output=True, text=True, timeout=500, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Rebooting" in result.stdout
        return result.stdout


@pytest.fixture
def running(k210_command: Callable[..., list[str]], tmp_path: Path) -> Iterator[Callable[[], FlashedBoard]]:
    """A board with an empty flash, behind an RFC 2217 port; ended, and its flash file complete, after .stop()."""
    with contextlib.ExitStack() as stack:

        def start() -> FlashedBoard:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                number = probe.getsockname()[1]
            flash = tmp_path / "flash.img"
            arguments = ["--serial", f"rfc2217:{number}", "--flash-file", str(flash), "--no-firmware"]
            # The stub writes the flash's status registers three times without waiting in between.
            command = k210_command("emulate", *arguments, strict=False)
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.wait, 20)
            stack.callback(process.send_signal, signal.SIGTERM)
            url = f"rfc2217://127.0.0.1:{number}"
            assert process.stdout
            assert process.stdout.readline() == f"serial: {url}\n"
            board = FlashedBoard(command, flash, url)
            board.flash.touch()
            return board

        yield start


def check_program(stored: bytes, program: bytes) -> None:
    # kflash marks programs for dual SPI: bit 1 of the flag byte, which the digest covers.
    expected = boot_image(program)
    assert stored[1 : len(program) + 5] == expected[1 : len(program) + 5]


def check_prompt(url: str) -> None:
    with Board(port=url) as board:
        assert board.exec("print(6 * 7)") == "42\n"


def firmware_and_model(board: str, tmp_path: Path, size: int) -> tuple[Path, bytes]:
    model = tmp_path / "net.kmodel"
    model.write_bytes(os.urandom(size))
    package = tmp_path / "both.kfpkg"
    write_kfpkg(package, load_arguments([str(paths.firmware(board)), str(model)], paths.flash_size(board)))
    return package, model.read_bytes()


@pytest.mark.timeout(600)
def test_firmware_and_model_in_a_kfpkg_at_1500000_baud(running, tmp_path: Path) -> None:
    board = running()
    package, model = firmware_and_model(board.board, tmp_path, 100_000)
    board.kflash(package, 1500000)
    check_prompt(board.url)
    stored = board.flash.read_bytes()
    check_program(stored, paths.firmware(board.board).read_bytes())
    assert stored[MODEL : MODEL + len(model)] == model


def hello(tmp_path: Path) -> Path:
    """A small program of another kind: it answers each character that it gets with the next one."""
    source, elf, binary = (tmp_path / name for name in ("next.S", "next.elf", "next.bin"))
    source.write_text(
        """
        .globl _start
_start: csrr a0, mhartid
        bnez a0, park
        li   a1, 0x38000000
        li   a2, 1
        sw   a2, 8(a1)
        sw   a2, 12(a1)
1:      lw   a2, 4(a1)
        bltz a2, 1b
        addi a2, a2, 1
        sw   a2, 0(a1)
        j    1b
park:   wfi
        j    park
        """
    )
    compiler = os.environ.get("CROSS_COMPILE", "riscv64-unknown-elf-")
    build = ["-march=rv64gc", "-mabi=lp64d", "-nostdlib", "-Ttext=0x80000000", "-o", str(elf), str(source)]
    subprocess.run([compiler + "gcc", *build], check=True)
    subprocess.run([compiler + "objcopy", "-O", "binary", str(elf), str(binary)], check=True)
    return binary


@pytest.mark.timeout(200)
def test_program_in_a_bin_at_115200_baud(running, tmp_path: Path) -> None:
    board = running()
    program = hello(tmp_path)
    board.kflash(program, 115200)
    check_program(board.flash.read_bytes(), program.read_bytes())
    with serial.serial_for_url(board.url, timeout=10) as port:
        answer = b""
        while not answer.endswith(b"I"):  # until the program runs
            port.write(b"H")
            answer = port.read(1)
        port.write(b"GK")
        assert port.read_until(b"L").endswith(b"HL")


@pytest.mark.skipif("K210_LONG_TESTS" not in os.environ, reason="takes minutes; K210_LONG_TESTS=1")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("baud", [115200, 1500000])
@pytest.mark.parametrize("kind", ["bin", "kfpkg"])
def test_whole_firmware(running, tmp_path: Path, baud: int, kind: str) -> None:
    board = running()
    firmware = paths.firmware(board.board)
    package, model = firmware_and_model(board.board, tmp_path, 388_776)
    board.kflash(firmware if kind == "bin" else package, baud)
    check_prompt(board.url)
    stored = board.flash.read_bytes()
    check_program(stored, firmware.read_bytes())
    if kind == "kfpkg":
        assert stored[MODEL : MODEL + len(model)] == model
