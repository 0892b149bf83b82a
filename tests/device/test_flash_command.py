# SPDX-License-Identifier: MIT
"""`k210 flash` against the emulated mask ROM: kflash, its stub, reset lines over RFC 2217."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from k210.board import Board
from k210.errors import K210Error
from k210.image import FlashPart, boot_image
from k210.verify import verify

pytestmark = pytest.mark.emulator_only


@pytest.mark.timeout(240)
def test_files_arrive_in_flash_and_the_board_starts(k210_command: Callable[..., list[str]], tmp_path: Path) -> None:
    flash = tmp_path / "flash.img"
    model, program = tmp_path / "net.kmodel", tmp_path / "other.bin"
    model.write_bytes(os.urandom(5000))
    program.write_bytes(os.urandom(3000))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number = probe.getsockname()[1]
    port = f"rfc2217://127.0.0.1:{number}"
    # kflash's stub writes the flash's status registers three times without waiting in between.
    command = k210_command("emulate", "--serial", f"rfc2217:{number}", "--flash-file", str(flash), strict=False)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdout
        assert emulator.stdout.readline() == f"serial: {port}\n"
        before = flash.read_bytes()
        try:
            flashing = [command[0], "flash", "--port", port, str(model), f"{program}@0x800000"]
            result = subprocess.run(flashing, capture_output=True, text=True, timeout=200, check=False)
            assert result.returncode == 0, result.stdout + result.stderr
            assert "Automatically detected" in result.stdout
            # On a busy host the prompt may come too late for the command; below it is there.
            late = "Not read back: there is no prompt" in result.stdout
            assert late or "Read back and found right: 8004 bytes." in result.stdout  # length, 3000, 5000
            with Board(port=port) as board:
                assert board.exec("print(6 * 7)") == "42\n"
            right = FlashPart("right", 0x300000, model.read_bytes())
            wrong = FlashPart("wrong", 0x300001, b"x" * 99)
            assert verify(port, [right], "") == "Read back and found right: 5000 bytes."
            with pytest.raises(K210Error, match="does not hold what was written: wrong"):
                verify(port, [right, wrong], "")
        finally:
            emulator.send_signal(signal.SIGTERM)
            emulator.wait(20)
    after = flash.read_bytes()
    assert after[0x300000 : 0x300000 + 5000] == model.read_bytes()
    # kflash marks programs for dual SPI: bit 1 of the flag byte, which the digest covers.
    stored = after[0x800000 : 0x800000 + 3037]
    assert stored[1:3005] == boot_image(program.read_bytes())[1:3005]
    assert after[:0x300000] == before[:0x300000]
