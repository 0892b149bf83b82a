# SPDX-License-Identifier: MIT
"""The machine as a whole: strict mode, options, resets, debugger and monitor."""

import re
import socket

import pytest
from programs import binary, boot_image, build, drive, flash_file, symbol, values
from qtest import Emulator, QemuError, QTest

BLOCKS = {"aes", "apu", "clint", "debug", "dmac", "dvp", "fft", "fpioa", "gpio", "gpiohs", "hart0", "hart1", "kpu"}
BLOCKS |= {"otp", "plic", "rtc", "sha256", "spi0", "spi1", "spi2", "spi3", "sysctl", "uarths", "wdt0", "wdt1"}
BLOCKS |= {f"{name}{n}" for name in ("i2c", "i2s", "timer") for n in range(3)} | {"uart1", "uart2", "uart3"}


@pytest.fixture(scope="module")
def strict_elf(tmp_path_factory):
    return build("strict", tmp_path_factory.mktemp("strict"))


@pytest.mark.parametrize(
    ("letter", "name", "sentence"),
    [
        (b"r", "rom", "k210.rom: write of"),
        (b"u", "unmapped", "bus error: load from 0x20000000"),
        (b"h", "hole", "APB1 bus: read of 4 bytes at 0x50470000, where no block is"),
        (b"x", "register", "k210-gpiohs: write of"),
        (b"a", "airam", "AI SRAM: read of 4 bytes at 0x80600040 while the AI clock is off"),
        (b"n", "narrow", "k210-gpio: 1-byte write at 0x008, the registers are 32 bits wide"),
        (b"b", "clint", "bus error: store to 0x2000000 (1 bytes), where a block does not take this width"),
        (b"o", "overrun", "k210-spi0: TX FIFO overflow"),
    ],
)
@pytest.mark.parametrize("accelerator", [["-accel", "tcg"], ["-icount", "shift=2"]], ids=["tcg", "icount"])
def test_strict_stops_with_the_exact_pc(strict_elf, letter, name, sentence, accelerator):
    with Emulator("-kernel", str(strict_elf), *accelerator, strict="on") as m:
        m.serial_read(b"ready\n", timeout=10)
        m.serial_write(letter)
        m.wait_event("STOP", timeout=10)
        assert f"strict: hart 0 pc {symbol(strict_elf, 'wrong_' + name):#x}: {sentence}" in m.log
        assert m.qmp("query-status")["status"] == "guest-panicked"


@pytest.mark.parametrize("letter", [b"r", b"h", b"x", b"a"])
def test_not_strict_goes_on(strict_elf, letter):
    with Emulator("-kernel", str(strict_elf), "-d", "guest_errors") as m:
        m.serial_read(b"ready\n", timeout=10)
        m.serial_write(letter)
        m.serial_read(b"went on\n", timeout=10)
        assert "hart 0 pc 0x8000" in m.log


def test_unmapped_access_is_an_access_fault(strict_elf):
    with Emulator("-kernel", str(strict_elf)) as m:
        m.serial_read(b"ready\n", timeout=10)
        m.serial_write(b"u")
        assert values(m.serial_read(b"went on\n", timeout=10))["trap"] == 5


def test_every_block_has_its_path():
    with QTest() as q:
        names = {entry["name"] for entry in q.qmp("qom-list", path="/machine/soc")}
        assert names >= BLOCKS
        assert "k210-sysctl" in q.hmp("info qtree")
        assert "k210.sram" in q.hmp("info mtree")


def test_sram_views():
    with QTest() as q:
        for offset in (0, 0x3F_FFF8, 0x40_0000, 0x5F_FFF8, 0x60_0000, 0x7F_FFF8):
            q.writeq(0x8000_0000 + offset, 0x0102_0304_0506_0708 + offset)
            assert q.readq(0x4000_0000 + offset) == 0x0102_0304_0506_0708 + offset
            assert q.readq(0xFFFF_FFFF_8000_0000 + offset) == 0x0102_0304_0506_0708 + offset


@pytest.mark.parametrize("option", ["board=nonesuch", "sensor=nonesuch"])
def test_bad_options_are_refused(option):
    with pytest.raises(QemuError, match="nonesuch"):
        QTest(**dict([option.split("=")]))


@pytest.mark.parametrize("board", ["maix_bit", "maix_dock", "maix_go", "maixduino", "kd233"])
def test_boards(board):
    with QTest(board=board) as q:
        assert q.qom_get("/machine", "board") == board


def test_a_kernel_that_is_none(tmp_path):
    bad = tmp_path / "bad.elf"
    bad.write_bytes(bytes(7 << 20))
    with pytest.raises(QemuError, match="neither a RISC-V ELF file nor a raw image"):
        QTest("-kernel", str(bad))


def test_soft_reset_from_a_program_goes_through_the_rom(tmp_path):
    image = boot_image(binary(build("resets", tmp_path)))
    with Emulator(*drive(flash_file(tmp_path, image))) as m:
        output = m.serial_read(b"third boot\n", timeout=20)
    assert re.findall(rb"(\w+) boot\n|status=(0x\w+)", output) == [
        (b"", b"0x0000000000000002"),
        (b"first", b""),
        (b"", b"0x0000000000000010"),
        (b"second", b""),
        (b"", b"0x0000000000000010"),
        (b"third", b""),
    ]


def test_gdb_sees_both_harts(tmp_path):
    """The remote protocol by hand: threads, registers of each, a breakpoint."""
    elf = build("harts", tmp_path)
    path = tmp_path / "gdb"
    with Emulator("-kernel", str(elf), "-S", "-gdb", f"unix:{path},server=on,wait=off") as m:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.settimeout(10)
            assert gdb(s, "qfThreadInfo") == "m01"
            assert gdb(s, "qsThreadInfo") == "m02"
            assert gdb(s, "Hg02") == "OK"
            assert bytes.fromhex(gdb(s, "p20")) == (0x1000).to_bytes(8, "little"), "pc of hart 1"
            address = symbol(elf, "main")
            assert gdb(s, f"Z0,{address:x},2") == "OK"
            assert gdb(s, "vCont;c").startswith("T05")
            assert int.from_bytes(bytes.fromhex(gdb(s, "p20")), "little") == address
        assert m.qmp("query-status")["status"] in ("debug", "paused", "running")


def gdb(s, command):
    s.sendall(f"${command}#{sum(command.encode()) & 255:02x}".encode())
    data = b""
    while not re.search(rb"\$[^#]*#..", data):
        data += s.recv(4096)
    s.sendall(b"+")
    return re.search(rb"\$([^#]*)#..", data)[1].decode()


def test_snapshot_and_resume(tmp_path):
    """Device state survives migration to a file and back."""
    state = tmp_path / "state"
    with QTest() as q:
        q.writel(0x5044_006C, 0xC0)
        q.writeq(0x8000_1000, 0x1122_3344_5566_7788)
        q.clock_step(1_000_000)
        q.qmp("migrate", uri=f"file:{state}")
        while q.qmp("query-migrate")["status"] not in ("completed", "failed"):
            pass
        assert q.qmp("query-migrate")["status"] == "completed"
        time = q.readq(0x0200_BFF8)
    with QTest("-incoming", f"file:{state}") as q:
        assert q.readl(0x5044_006C) == 0xC0
        assert q.readq(0x8000_1000) == 0x1122_3344_5566_7788
        assert time - 1 <= q.readq(0x0200_BFF8) <= time + 100
