# SPDX-License-Identifier: MIT
"""The same run twice with --icount: serial bytes, LCD pictures and virtual times are equal to the last bit.

The board gets its program from its own flash: when a byte comes in over the serial line is up to the host.
"""

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from programs import build

from k210 import paths
from k210.board import Board
from k210.emulator import Config, Emulator
from k210.pytest_plugin import TestData

MODEL = "models/face_model_at_0x300000.kfpkg"
SCRIPT = "scripts/seed_face_detect.py"
PICTURES = 4
END = "that was all\r\n"
TIMEOUT = 60

# The tutorial's script with an end, and with the time of everything: microseconds and CPU clocks.
CLOCK = "    print(time.ticks_us(), time.ticks_cpu())\n"
LAST = f"sensor.run(0)\nprint({END.strip()!r})\n"


@dataclass
class Run:
    """What came out of a run."""

    serial: str
    picture: Image.Image
    pictures: int


def wait_for(emulator: Emulator, text: str) -> str:
    deadline = time.monotonic() + TIMEOUT
    while text not in emulator.serial_log():
        emulator.check_guest()
        assert time.monotonic() < deadline, f"no {text!r} in {emulator.serial_log()[-2000:]!r}"
        time.sleep(0.02)
    return emulator.serial_log().partition(text)[0]


def run(config: Config) -> Run:
    with Emulator(config) as emulator:
        serial = wait_for(emulator, END)
        return Run(serial, emulator.screenshot(), emulator.pictures())


def program(script: str) -> str:
    head, tail = script.split("while(True):\n")
    body, _, end = tail.partition("a = kpu.deinit")
    loop = f"import time\nfor n in range({PICTURES}):\n{CLOCK}"
    return head + loop + body + CLOCK + LAST + "a = kpu.deinit" + end


def test_tutorial_twice(data: TestData, tmp_path: Path) -> None:
    flash = tmp_path / "flash.img"
    shutil.copyfile(data("images/astronaut.png"), tmp_path / "camera.png")
    with Board.start(Config(flash=(str(data(MODEL)),), flash_file=flash)) as board:
        board.put(program(data(SCRIPT).read_text()).encode(), "main.py")
    runs = []
    for n in range(2):
        copy = tmp_path / f"flash{n}.img"
        shutil.copyfile(flash, copy)
        config = Config(flash_file=copy, camera=tmp_path / "camera.png", icount=True, strict=True)
        runs.append(run(config))
    first, second = runs
    lines = first.serial.splitlines()
    assert len([line for line in lines if '"classid"' in line]) == PICTURES, first.serial
    assert first.serial == second.serial
    assert first.pictures == second.pictures >= PICTURES
    assert first.picture.tobytes() == second.picture.tobytes()


def test_both_harts_twice(tmp_path: Path) -> None:
    """Two harts race for a lock; who got it when is what they print."""
    elf = build("race", tmp_path)
    command = [str(paths.emulator_binary()), "-M", "k210,strict=on", "-display", "none", "-nodefaults"]
    command += ["-icount", "shift=2,sleep=off", "-kernel", str(elf), "-monitor", "none", "-serial", "stdio"]
    outputs = []
    for _ in range(2):
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            assert process.stdout
            output = b""
            while not output.endswith(b"done\n"):
                byte = process.stdout.read(1)
                assert byte, output
                output += byte
            process.kill()
        outputs.append(output)
    assert len(set(re.findall(rb"times=(\w+)", outputs[0]))) > 10, outputs[0]
    assert outputs[0] == outputs[1]
