# SPDX-License-Identifier: MIT
"""The file system in flash: /flash, littlefs2."""

import os

import pytest

from k210.board import Board
from k210.errors import ScriptError

FS_START, FS_SIZE = 0xD00000, 0x300000


def test_flash_is_mounted_and_current(board: Board) -> None:
    assert board.exec("import os\nprint(os.getcwd(), os.listdir('/'))") == "/flash ['flash']\n"
    block, _, blocks, *_ = board.eval("__import__('os').statvfs('/flash')")
    assert block * blocks == FS_SIZE


def test_search_path(board: Board) -> None:
    path = board.eval("__import__('sys').path")
    assert path[0] == ""
    assert "/flash" in path
    assert "/flash/lib" in path


def test_file_survives_a_soft_reset(board: Board) -> None:
    board.exec("with open('kept.txt', 'w') as f: f.write('still here')")
    board.reset()
    assert board.exec("print(open('/flash/kept.txt').read())\nimport os\nos.remove('kept.txt')") == "still here\n"


def test_file_survives_a_hard_reset(board: Board) -> None:
    board.exec("with open('kept.txt', 'w') as f: f.write('still here')")
    board.reset(hard=True)
    assert board.exec("print(open('/flash/kept.txt').read())\nimport os\nos.remove('kept.txt')") == "still here\n"


def test_directories(board: Board) -> None:
    code = (
        "import os\nos.mkdir('d')\nos.chdir('d')\nopen('a', 'w').close()\nprint(os.listdir(), os.getcwd())\n"
        "os.chdir('..')\nos.rename('d/a', 'b')\nos.remove('b')\nos.rmdir('d')\nprint('d' in os.listdir())"
    )
    assert board.exec(code) == "['a'] /flash/d\nFalse\n"


def test_random_access(board: Board) -> None:
    code = (
        "f = open('r', 'w+b')\nf.write(bytes(10000))\nf.seek(5000)\nf.write(b'K210')\nf.seek(4998)\nprint(f.read(8))\n"
        "f.close()\nimport os\nprint(os.stat('r')[6])\nos.remove('r')"
    )
    assert board.exec(code) == "b'\\x00\\x00K210\\x00\\x00'\n10000\n"


def test_writing_to_a_file_opened_for_reading_fails(board: Board) -> None:
    with pytest.raises(ScriptError, match="OSError"):
        board.exec("open('ro', 'w').close()\nf = open('ro')\nf.write('x')")
    board.exec("import os\nos.remove('ro')")


def test_missing_file(board: Board) -> None:
    with pytest.raises(ScriptError, match=r"OSError: \[Errno 2\] ENOENT"):
        board.exec("open('/flash/none')")


def test_large_binary_file(board: Board) -> None:
    content = os.urandom(40_000)
    board.put(content, "large.bin")
    assert board.get("large.bin") == content
    board.exec("import os\nos.remove('large.bin')")


def test_module_of_flash_is_imported(board: Board) -> None:
    board.put(b"ANSWER = 42\n", "/flash/mymodule.py")
    assert board.exec("import mymodule\nprint(mymodule.ANSWER)\nimport os\nos.remove('mymodule.py')") == "42\n"


def test_boot_and_main_run(board: Board) -> None:
    try:
        board.put(b"import builtins\nbuiltins.order = ['boot']\n", "boot.py")
        board.put(b"order.append('main')\n", "main.py")
        # Raw REPL's own soft reset skips main.py, the friendly one runs it.
        with board.console() as console:
            console.send(b"\x04")
            console.read_until(b">>> ")
        assert board.exec("print(order)") == "['boot', 'main']\n"
    finally:
        board.exec("import os\nfor f in ('boot.py', 'main.py'):\n    if f in os.listdir(): os.remove(f)")
        board.reset()


def test_failing_main_leaves_the_prompt(board: Board) -> None:
    board.put(b"raise ValueError('of main')\n", "main.py")
    board.reset(hard=True)
    assert "ValueError: of main" in board.serial_log()
    board.exec("import os\nos.remove('main.py')")


@pytest.mark.emulator_only
@pytest.mark.parametrize("content", ["b'\\x00' * 4096", "bytes((i * 197 + 31) & 255 for i in range(4096))"])
def test_damaged_file_system_is_not_formatted_without_asking(board: Board, content: str) -> None:
    """Both superblocks gone; what else is there may be worth saving."""
    board.exec(
        f"import k210\nd = k210.Flash()\nfor b in range(2):\n    d.ioctl(6, b)\n    d.writeblocks(b, {content})\n"
    )
    board.reset(hard=True)
    assert "os.flash_format() makes one" in board.serial_log()
    assert board.exec("import os\nprint(os.listdir('/'), os.flash_format(), os.listdir('/'))") == "[] True ['flash']\n"
    board.exec("open('/flash/new', 'w').close()")
    board.reset(hard=True)
    assert board.exec("import os\nprint(os.listdir('/flash'))") == "['new']\n"


@pytest.mark.emulator_only
@pytest.mark.k210(icount=True)
def test_full_file_system(board: Board) -> None:
    """A small one in the last sectors: ENOSPC, what was closed before is whole, and after a removal it goes on."""
    code = """
import k210, vfs, os
device = k210.Flash(start=0xFF0000, len=0x10000)
vfs.VfsLfs2.mkfs(device, progsize=256)
vfs.mount(vfs.VfsLfs2(device, progsize=256), '/small')
with open('/small/first', 'wb') as f:
    f.write(b'1' * 5000)
try:
    with open('/small/second', 'wb') as f:
        while True:
            f.write(bytes(4096))
except OSError as e:
    print(e.errno)
print(open('/small/first', 'rb').read() == b'1' * 5000)
os.remove('/small/second')
with open('/small/third', 'wb') as f:
    f.write(b'3' * 5000)
print(os.stat('/small/third')[6])
vfs.umount('/small')
os.flash_format()
"""
    assert board.exec(code) == "28\nTrue\n5000\n"


def test_names_that_boot_leaves_in_scope(board: Board) -> None:
    assert board.exec("print(GPIO.OUT, fm.fpioa is FPIOA or type(fm.fpioa) is FPIOA, board_info.LED_R, machine, uos)")
    names = "(os, sys, time, gc, lcd, image)"
    assert board.exec(f"print([m.__name__ for m in {names}])") == "['os', 'sys', 'time', 'gc', 'lcd', 'image']\n"


@pytest.mark.emulator_only
def test_the_boot_key_leaves_out_the_scripts(board: Board) -> None:
    board.put(b"import machine\nmachine.reset()\n", "boot.py")
    try:
        # Held during the reset it would mean "download" to the ROM.
        board.press("boot")
        board.reset()
        assert "BOOT key held" in board.serial_log()
    finally:
        board.release("boot")
        board.exec("import os\nos.remove('boot.py')")


def test_block_device_checks_its_limits(board: Board) -> None:
    for call in ("readblocks(768, bytearray(1))", "readblocks(767, bytearray(4097))", "readblocks(-1, bytearray(16))"):
        with pytest.raises(ScriptError, match="OSError"):
            board.exec(f"import k210\nk210.Flash().{call}")
    with pytest.raises(ScriptError, match="ValueError: .*0x1000000 bytes"):
        board.exec("import k210\nk210.Flash(start=0xFFF000, len=0x2000)")


def test_flash_read_any_alignment(board: Board) -> None:
    """Reads of odd places and lengths agree with one large read."""
    code = (
        "import k210\nwhole = k210.flash_read(0, 20000)\n"
        "for start, n in ((0, 1), (1, 3), (3, 4097), (4095, 2), (17, 9000), (5, 8192)):\n"
        "    assert k210.flash_read(start, n) == whole[start:start + n], (start, n)\n"
        "b = bytearray(5000)\nm = memoryview(b)[3:4003]\n"
        "k210.Flash(start=0, len=0x10000).readblocks(1, m)\nassert m == whole[4096:8096]\nprint('ok')"
    )
    assert board.exec(code) == "ok\n"


def test_storage_that_a_script_brings(board: Board) -> None:
    code = """
import os
class Memory:
    def __init__(self):
        self.fs_size, self.erase_block = 65536, 4096
        self.data = bytearray(self.fs_size)
    def read(self, buffer, size, address):
        buffer[:] = memoryview(self.data)[address:address + size]
    def write(self, buffer, size, address):
        self.data[address:address + size] = buffer
    def erase(self, size, address):
        self.data[address:address + size] = b"\\xff" * size
disk = os.VfsSpiffs(Memory())
disk.mkfs(disk)
os.mount(disk, "/memory")
with open("/memory/a.txt", "w") as f: f.write("hello")
print(os.listdir("/memory"), open("/memory/a.txt").read(), os.stat("/memory/a.txt")[6])
os.umount("/memory")
try:
    memory = Memory()
    memory.erase_block = 65536
    os.VfsSpiffs(memory)
except ValueError as e:
    print(e)
"""
    assert board.exec(code) == ("['a.txt'] hello 5\nVfsSpiffs needs two erase_blocks of 256 bytes or more in fs_size\n")
