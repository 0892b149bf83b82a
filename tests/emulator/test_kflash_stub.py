# SPDX-License-Identifier: MIT
"""Flashing with a program that nobody here wrote: the RISC-V stub inside the kflash package from PyPI.

The mask ROM's protocol loads it; it then works on UART3 and SPI3 by itself.
"""

import binascii
import inspect
import re
import struct
import zlib

import pytest
from programs import binary, boot_image, build, drive, flash_file
from qtest import Emulator
from test_rom import GREETING, request, slip

kflash = pytest.importorskip("kflash", reason="the kflash package is not installed")


def stub() -> bytes:
    source = inspect.getsource(kflash)
    return zlib.decompress(binascii.unhexlify(re.search(r"ISP_PROG = '([0-9a-f]+)'", source)[1]))


def send(m, frame, reply, timeout=10):
    m.serial_write(frame)
    return m.serial_read(b"\xc0" + reply + b"\xc0", timeout=timeout)


def test_stub_programs_the_flash(tmp_path):
    program = boot_image(binary(build("harts", tmp_path)))
    flash = flash_file(tmp_path, b"")
    code = stub()
    with Emulator(*drive(flash), isp="on") as m:
        send(m, GREETING, b"\xc2\xe0")
        for at in range(0, len(code), 1024):
            send(m, request(0xC3, 0x8000_0000 + at, code[at : at + 1024]), b"\xc3\xe0")
        m.serial_write(request(0xC5, 0x8000_0000))
        m.serial_read(timeout=0.3)
        send(m, b"\xc0\xd2" + bytes(12) + b"\xc0", b"\xd2\xe0")
        send(m, request(0xD7, 1), b"\xd7\xe0")
        padded = program + bytes(-len(program) % 4096)
        send(
            m,
            slip(struct.pack("<HHI", 0xD4, 0, crc(0, padded)) + struct.pack("<II", 0, len(padded)) + padded),
            b"\xd4\xe0",
            60,
        )
        m.qom_set("/machine", "isp", False)
        m.qmp("system_reset")
        assert b"hart1_causes=" in m.serial_read(b"done\n", timeout=20)
    assert flash.read_bytes()[: len(program)] == program


def crc(address, data):
    return zlib.crc32(struct.pack("<II", address, len(data)) + data)
