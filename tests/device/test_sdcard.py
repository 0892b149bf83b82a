# SPDX-License-Identifier: MIT
"""The SD card: mounted at start, a block device, pulled out and changed."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from k210.board import Board
from k210.errors import ScriptError

pytestmark = [pytest.mark.emulator_only, pytest.mark.timeout(180)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    content = tmp_path / "card"
    (content / "lib").mkdir(parents=True)
    (content / "hello.txt").write_text("from the card\n")
    (content / "lib" / "oncard.py").write_text("NAME = __name__\n")
    (content / "boot.py").write_text("import builtins\nbuiltins.booted = 'card'\n")
    return content


@pytest.fixture
def card(board_with: Callable[..., Board], folder: Path) -> Board:
    return board_with(sdcard=folder)


def test_a_card_is_where_scripts_look_for_it(card: Board) -> None:
    assert card.exec("import os, sys\nprint(os.getcwd(), os.listdir('/'))") == "/sd ['sd', 'flash']\n"
    assert card.exec("print(open('hello.txt').read(), end='')") == "from the card\n"
    assert card.exec("import oncard\nprint(oncard.NAME, booted)") == "oncard card\n"
    assert card.exec("print(sys.path)") == "['', '.frozen', '/sd', '/flash', '/sd/lib', '/flash/lib']\n"


def test_files_of_every_size_and_name(card: Board) -> None:
    content = os.urandom(3_001)
    card.put(content, "/sd/a file with a long name.bin")
    assert card.get("/sd/a file with a long name.bin") == content
    code = """
import os
os.mkdir("/sd/d")
for n in range(20):
    with open("/sd/d/%d" % n, "wb") as f:
        f.write(bytes(n * 100))
os.rename("/sd/d/3", "/sd/moved")
print(len(os.listdir("/sd/d")), os.stat("/sd/d/19")[6], os.stat("/sd/moved")[6])
"""
    assert card.exec(code) == "19 1900 300\n"
    card.reset()
    assert card.get("/sd/a file with a long name.bin") == content


def test_without_a_card(board: Board) -> None:
    assert board.exec("import os\nprint(os.listdir('/'), os.getcwd())") == "['flash'] /flash\n"
    with pytest.raises(ScriptError, match=r"OSError: \[Errno 19\] ENODEV|no SD card answers"):
        board.exec("import machine\nmachine.SDCard()")


def test_block_device(card: Board) -> None:
    code = """
import machine
c = machine.SDCard()
size, block = c.info()
print(size, block, c.ioctl(4, 0), c.ioctl(5, 0))
data = bytes(range(256)) * 6
c.writeblocks(100000, data)
b = bytearray(1536)
c.readblocks(100000, b)
print(b == data, c)
print(c.readblocks(131072, bytearray(512)), c.writeblocks(131071, bytes(1024)))
for call in (lambda: c.readblocks(-1, bytearray(512)),
             lambda: c.readblocks(0, bytearray(5)), lambda: machine.SDCard(2), lambda: machine.SDCard(cs=48),
             lambda: machine.SDCard(freq=0)):
    try:
        call()
        print("no error")
    except (OSError, ValueError) as e:
        print(type(e).__name__)
"""
    assert card.exec(code).splitlines() == [
        "67108864 512 131072 512",
        "True SDCard(sck=27, mosi=28, miso=26, cs=29, blocks=131072)",
        "-22 -22",
        "OSError",
        "ValueError",
        "ValueError",
        "ValueError",
        "ValueError",
    ]


def test_pulled_out_while_a_file_is_written(card: Board, folder: Path) -> None:
    card.exec("f = open('/sd/w', 'wb')\nf.write(bytes(3000))")
    card.eject_card()
    with pytest.raises(ScriptError, match="OSError"):
        card.exec("for n in range(100): f.write(bytes(3000))")
    # The rest of the board goes on working.
    assert card.exec("open('/flash/x', 'w').close()\nimport os\nprint('x' in os.listdir('/flash'))") == "True\n"
    with pytest.raises(ScriptError, match="OSError"):
        card.exec("open('/sd/hello.txt')")
    (folder / "hello.txt").write_text("of another card\n")
    card.insert_card(folder)
    code = "import machine\nmachine.SDCard.remount()\nprint(open('/sd/hello.txt').read(), end='')"
    assert card.exec(code) == "of another card\n"


def test_a_card_put_in_later(board: Board, folder: Path) -> None:
    board.insert_card(folder)
    try:
        code = (
            "import machine, os\nmachine.SDCard.remount()\nprint(os.listdir('/'), open('/sd/hello.txt').read(), end='')"
        )
        assert board.exec(code) == "['flash', 'sd'] from the card\n"
    finally:
        board.eject_card()
        board.exec("import os\nos.umount('/sd')")


def test_a_full_card(board_with: Callable[..., Board], tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    with image.open("wb") as f:
        f.truncate(2 << 20)
    subprocess.run(["/usr/sbin/mkfs.fat", str(image)], check=True, capture_output=True)
    code = """
import os
block = bytearray(1 << 16)
try:
    with open("/sd/full", "wb") as f:
        while True:
            f.write(block)
except OSError as e:
    print(e.errno)
os.remove("/sd/full")
print(os.statvfs("/sd")[3] > 100)
"""
    assert board_with(sdcard=image).exec(code, timeout=150) == "28\nTrue\n"


def test_exfat(board_with: Callable[..., Board], tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    with image.open("wb") as f:
        f.truncate(64 << 20)
    subprocess.run(["/usr/sbin/mkfs.exfat", str(image)], check=True, capture_output=True)
    board = board_with(sdcard=image)
    board.put(b"x" * 5000, "/sd/file")
    assert board.exec("import os\nprint(os.getcwd(), os.stat('/sd/file')[6])") == "/sd 5000\n"
