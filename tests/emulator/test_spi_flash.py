# SPDX-License-Identifier: MIT
"""SPI3 with the boards' NOR flash: formats, commands, busy times, what strict mode says."""

import random

import pytest
from board_io import Spi
from qtest import QTest

QUAD_IO = 2 << 8 | 8 << 2 | 1 | 4 << 11  # 8-bit instruction on one lane, 32-bit address, 4 wait cycles
QUAD_PROGRAM = 2 << 8 | 6 << 2
SIZE = 16 << 20


@pytest.fixture
def content():
    return random.Random(2).randbytes(8192)


@pytest.fixture
def flash(tmp_path, content):
    (tmp_path / "flash.bin").write_bytes(content + b"\xff" * (SIZE - len(content)))
    with QTest("-drive", f"if=mtd,format=raw,file={tmp_path / 'flash.bin'}") as q:
        q.image = tmp_path / "flash.bin"
        spi = Spi(q, 3)
        spi.write(0x14, 8)
        yield spi


def status(spi):
    return spi.receive([0x05], 1)[0]


def wait_ready(spi):
    return spi.q.wait_until(lambda: not status(spi) & 1, step_ns=50_000, limit_ns=3_000_000_000)


def quad_enable(spi):
    spi.send([0x06], select=0)
    spi.send([0x31, 0x02], select=0)
    wait_ready(spi)
    assert spi.receive([0x35], 1)[0] & 2


def test_ids(flash):
    assert flash.receive([0x9F], 3) == [0xEF, 0x40, 0x18]
    assert flash.receive([0x90, 0, 0, 0], 2) == [0xEF, 0x17]
    assert len(set(flash.receive([0x4B, 0, 0, 0, 0], 8))) > 1


@pytest.mark.parametrize("command", [[0x03, 0, 1, 5], [0x0B, 0, 1, 5, 0]], ids=["read", "fast read"])
def test_standard_reads(flash, content, command):
    assert bytes(flash.receive(command, 300)) == content[0x105 : 0x105 + 300]


@pytest.mark.parametrize("tmod", [2, 3], ids=["receive only", "EEPROM read"])
def test_quad_io_read(flash, content, tmod):
    quad_enable(flash)
    got = flash.receive([0xEB, 0x001234 << 8], 500, lanes=2, command=QUAD_IO, tmod=tmod)
    assert bytes(got) == content[0x1234 : 0x1234 + 500]


def test_wide_frames_come_most_significant_byte_first(flash, content):
    quad_enable(flash)
    flash.setup(tmod=3, bits=32, lanes=2, frames=4, command=QUAD_IO)
    flash.write(0x60, 0xEB)
    flash.write(0x60, 0)
    flash.write(0x10, 1)
    flash.wait(lambda: flash.read(0x24) == 4)
    words = [flash.read(0x60) for _ in range(4)]
    assert b"".join(w.to_bytes(4, "big") for w in words) == content[:16]


def test_program_needs_write_enable_and_takes_its_time(flash):
    data = list(range(200))
    command = [0x02, 0x00, 0x40, 0x00]
    flash.send(command + data, select=0)
    assert flash.receive([0x03, 0, 0x40, 0], 200) == [0xFF] * 200
    flash.send([0x06], select=0)
    assert status(flash) & 2
    flash.send(command + data, select=0)
    assert status(flash) & 1, "busy"
    assert wait_ready(flash) >= 100_000
    assert not status(flash) & 2, "WEL is gone"
    assert flash.receive([0x03, 0, 0x40, 0], 200) == data
    assert flash.q.image.read_bytes()[0x4000:0x40C8] == bytes(data), "and on the host's file"


def test_page_wrap_and_and_of_bits(flash):
    for address, data in ((0x40FE, [1, 2, 3, 4]), (0x40FE, [0xF0])):
        flash.send([0x06], select=0)
        flash.send([0x02, 0, address >> 8, address & 255, *data], select=0)
        wait_ready(flash)
    assert flash.receive([0x03, 0, 0x40, 0xFE], 2) == [1 & 0xF0, 2]
    assert flash.receive([0x03, 0, 0x40, 0x00], 2) == [3, 4]


def test_quad_program(flash):
    quad_enable(flash)
    flash.send([0x06], select=0)
    flash.send([0x32, 0x5000, 9, 8, 7], select=0, lanes=2, command=QUAD_PROGRAM)
    wait_ready(flash)
    assert flash.receive([0x03, 0, 0x50, 0], 4) == [9, 8, 7, 0xFF]


@pytest.mark.parametrize(("command", "size"), [(0x20, 4096), (0xD8, 65536)], ids=["sector", "block"])
def test_erase(flash, content, command, size):
    flash.send([0x06], select=0)
    flash.send([command, 0, 0x10, 0x10], select=0)
    assert wait_ready(flash) > 10_000_000
    start = 0x1010 & ~(size - 1)
    image = flash.q.image.read_bytes()
    assert image[start : start + size] == b"\xff" * size
    assert image[:start] == content[:start]


def test_xip_window(flash, content):
    quad_enable(flash)
    q = flash.q
    flash.write(0x10, 0)
    flash.write(0x08, 0)
    flash.write(0x00, 2 << 22 | 7)
    flash.write(0xF4, 0)
    flash.write(0xFC, 0)
    flash.write(0x100, 0xEB)
    flash.write(0x108, 0x28C0_9466)
    flash.write(0x10C, 1)
    flash.write(0x08, 1)
    q.setbits(0x5044_0058, 1 << 15)
    assert bytes(q.readb(0x5400_0000 + i) for i in range(16)) == content[:16]
    assert q.readl(0x5400_0010).to_bytes(4, "big") == content[16:20], "32-bit loads are byte-reversed"
    q.clearbits(0x5044_0058, 1 << 15)
    assert q.readl(0x5400_0108) == 0x28C0_9466, "the registers are back"


def set_xip(flash, control=0x28C0_9466, instruction=0xEB):
    for offset, value in ((0x10, 0), (0x08, 0), (0x00, 2 << 22 | 7), (0xF4, 0), (0xFC, 0), (0x100, instruction)):
        flash.write(offset, value)
    for offset, value in ((0x108, control), (0x10C, 1), (0x08, 1)):
        flash.write(offset, value)
    flash.q.setbits(0x5044_0058, 1 << 15)


def test_xip_window_follows_the_part(flash, content):
    """No stale byte after a change, none from a part that does not hear the command."""
    q = flash.q
    set_xip(flash)
    assert q.readl(0x5400_0000) == 0xFFFF_FFFF, "QE is 0"
    q.clearbits(0x5044_0058, 1 << 15)
    quad_enable(flash)
    set_xip(flash)
    assert q.readw(0x5400_0002).to_bytes(2, "big") == content[2:4]
    assert q.readq(0x5400_0008) == int.from_bytes(content[8:12], "big") | int.from_bytes(content[12:16], "big") << 32
    assert q.readb(0x5400_0000 + SIZE + 5) == content[5], "the part has 24 address bits"
    q.clearbits(0x5044_0058, 1 << 15)
    flash.send([0x06], select=0)
    flash.send([0x20, 0, 0, 0], select=0)
    set_xip(flash)
    assert q.readb(0x5400_1000) == 0xFF != content[0x1000], "busy"
    q.clock_step(60_000_000)
    assert q.readb(0x5400_0000) == 0xFF != content[0]
    assert q.readb(0x5400_1000) == content[0x1000]


def test_xip_window_with_other_commands(flash, content):
    """03h without wait cycles, and a command with too few of them, which is what the wire makes of it."""
    q = flash.q
    set_xip(flash, control=0x28C0_9460 & ~(1 << 12 | 31 << 13), instruction=0x03)
    assert q.readl(0x5400_0004).to_bytes(4, "big") == content[4:8]
    q.clearbits(0x5044_0058, 1 << 15)
    set_xip(flash, control=0x28C0_9460 & ~(1 << 12 | 31 << 13), instruction=0x0B)
    assert q.readl(0x5400_0004).to_bytes(4, "big") == b"\xff" + content[4:7]


def test_suspend_and_resume(flash, content):
    """An erase stops for a read and a program elsewhere, and takes the rest of its time afterwards."""
    flash.send([0x06], select=0)
    flash.send([0x20, 0, 0, 0], select=0)
    flash.q.clock_step(10_000_000)
    flash.send([0x75], select=0)
    flash.q.clock_step(30_000)
    assert not status(flash) & 1
    assert flash.receive([0x35], 1)[0] & 0x80
    assert bytes(flash.receive([0x03, 0, 0x10, 0], 16)) == content[0x1000:0x1010]
    flash.send([0x06], select=0)
    flash.send([0x02, 0, 0x60, 0, 0x5A], select=0)
    wait_ready(flash)
    assert flash.receive([0x03, 0, 0x60, 0], 1) == [0x5A]
    flash.send([0x7A], select=0)
    assert status(flash) & 1 and not flash.receive([0x35], 1)[0] & 0x80
    assert 30_000_000 < wait_ready(flash) < 40_000_000
    assert flash.receive([0x03, 0, 0, 0], 4) == [0xFF] * 4


def test_program_time_grows_with_the_bytes(flash):
    """30 us for the first, 2.5 us for each more, 0.4 ms for a page."""
    for count, expected in ((1, 30_000), (32, 107_500), (256, 400_000)):
        flash.send([0x06], select=0)
        flash.send([0x02, 0, 0x40 + count // 16, 0, *range(count)], select=0)
        took = flash.q.wait_until(lambda: not status(flash) & 1, step_ns=1_000)
        assert took == pytest.approx(expected, abs=10_000)


def test_a_killed_emulator_leaves_a_page_half_programmed(flash):
    """Some bits are there already; none that should stay has gone."""
    page = bytes(range(256))
    flash.send([0x06], select=0)
    flash.send([0x02, 0, 0x40, 0, *page], select=0)
    flash.q.clock_step(100_000)
    flash.q.qmp("stop")  # what is on its way to the file gets there
    half = flash.q.image.read_bytes()[0x4000:0x4100]
    assert half not in (page, b"\xff" * 256)
    assert all(got & want == want for got, want in zip(half, page, strict=True))
    flash.q.qmp("cont")
    flash.q.clock_step(200_000)
    flash.q.qmp("stop")
    assert flash.q.image.read_bytes()[0x4000:0x4100] == page


def test_power_cut_in_an_erase(flash, content):
    flash.send([0x06], select=0)
    flash.send([0x20, 0, 0, 0], select=0)
    flash.q.clock_step(10_000_000)
    flash.q.qom_set("/machine/flash", "power", False)
    flash.q.qom_set("/machine/flash", "power", True)
    assert not status(flash) & 1
    half = bytes(flash.receive([0x03, 0, 0, 0], 4096))
    assert half not in (content[:4096], b"\xff" * 4096)
    flash.q.clock_step(100_000_000)
    assert bytes(flash.receive([0x03, 0, 0, 0], 4096)) == half, "the erase does not go on"
    assert bytes(flash.receive([0x03, 0, 0x10, 0], 16)) == content[0x1000:0x1010]


def test_security_registers(flash):
    address = [0, 0x20, 4]
    flash.send([0x06], select=0)
    flash.send([0x42, *address, 1, 2, 3], select=0)
    wait_ready(flash)
    assert flash.receive([0x48, *address, 0], 4) == [1, 2, 3, 0xFF]
    assert flash.receive([0x48, 0, 0x10, 4, 0], 1) == [0xFF], "another register"
    flash.send([0x06], select=0)
    flash.send([0x44, 0, 0x20, 0], select=0)
    wait_ready(flash)
    assert flash.receive([0x48, *address, 0], 3) == [0xFF] * 3
    flash.send([0x06], select=0)
    flash.send([0x31, 0x10], select=0)  # LB2
    wait_ready(flash)
    flash.send([0x06], select=0)
    flash.send([0x42, *address, 0], select=0)
    assert flash.receive([0x48, *address, 0], 1) == [0xFF], "locked for good"


def test_parameter_tables(flash):
    header = bytes(flash.receive([0x5A, 0, 0, 0, 0], 16))
    assert header[:4] == b"SFDP" and header[8] == 0 and header[11] == 16
    table = int.from_bytes(header[12:15], "little")
    words = flash.receive([0x5A, 0, 0, table, 0], 64)
    words = [int.from_bytes(bytes(words[i : i + 4]), "little") for i in range(0, 64, 4)]
    assert words[1] == SIZE * 8 - 1
    assert [words[7] & 255, words[7] >> 8 & 255] == [12, 0x20] and words[8] & 0xFFFF == 0xD810
    assert words[2] & 0xFFFF == 0xEB44, "1-4-4: mode byte and 4 wait cycles"


@pytest.mark.parametrize(("enable", "expected"), [(True, "erase"), (False, "without write enable")])
def test_strict_mode_names_flash_mistakes(tmp_path, enable, expected):
    """Bits that only an erase could set, and a program without a write enable."""
    (tmp_path / "flash.bin").write_bytes(b"\x00" * SIZE)
    with QTest("-drive", f"if=mtd,format=raw,file={tmp_path / 'flash.bin'}", strict="on") as q:
        spi = Spi(q, 3)
        spi.write(0x14, 8)
        if enable:
            spi.send([0x06], select=0)
        spi.send([0x02, 0, 0, 0, 0x55], select=0)
        q.clock_step(1_000_000)
        q.wait_event("STOP")
        assert expected in q.log
