# SPDX-License-Identifier: MIT
"""OTP: fuse registers and the window to the array that our boot ROM reads."""

import pytest
from qtest import QemuError, QTest

BASE, WINDOW = 0x50420000, 0x50424000


def test_chip_id_and_fuses():
    options = "k210-otp.chip-id=00112233aabbccdd", "k210-otp.run-id=run-1", "k210-otp.fuse-b=0x8000000000000180"
    with QTest(*(word for o in options for word in ("-global", o))) as q:
        assert q.read(WINDOW + 0x3D9C, 12).hex() == "00112233aabbccdd00000000"
        assert q.read(WINDOW + 0x3D91, 6) == b"run-1\0"
        assert q.readl(BASE + 0x68) == 0
        assert q.readl(BASE + 0xB8) == 0x180 and q.readl(BASE + 0xBC) == 0x80000000


def test_default_id_is_not_empty():
    with QTest() as q:
        assert any(q.read(WINDOW + 0x3D9C, 16))
        assert q.read(WINDOW, 64) == bytes(64)


def read_bytes(q, offset, count):
    """As MaixPy's binaries do it."""
    for register in (0x58, 0x08, 0x60, 0x00):
        q.writel(BASE + register, 0)
    data = []
    for n in range(count):
        assert q.readl(BASE + 0x3C), "ready"
        if n == count - 1:
            q.writel(BASE + 0x20, 1)
        q.writel(BASE + 0x30, 8 * (offset + n))
        assert q.readl(BASE + 0xAC), "data valid"
        if q.readl(BASE + 0x60) == 1:
            return None
        data.append(q.readl(BASE + 0x24))
    return bytes(data)


def test_reading_by_registers():
    with QTest("-global", "k210-otp.chip-id=00112233aabbccdd", "-global", "k210-otp.run-id=run-1") as q:
        chip_id = bytes.fromhex("00112233aabbccdd")
        assert read_bytes(q, 0x3D90, 32) == bytes(1) + b"run-1" + bytes(6) + chip_id + bytes(12)
        assert read_bytes(q, 0x3FE0, 1) == b"\0"
        assert read_bytes(q, 0x3FF0, 1) is None, "the key gives errors"
        assert read_bytes(q, 0x3D91, 1) == b"r"


def test_key_cannot_be_read_nor_anything_written():
    with QTest("-d", "guest_errors") as q:
        assert q.readl(WINDOW + 0x3FF0) == 0
        assert "k210-otp: the AES key cannot be read" in q.log
        q.writel(WINDOW, 1)
        assert "write to the read-only array window" in q.log


@pytest.mark.parametrize("value", ["12z4", "123", "00" * 21])
def test_bad_chip_id_is_refused(value):
    with pytest.raises(QemuError, match="chip-id takes up to 20 bytes"):
        QTest("-global", f"k210-otp.chip-id={value}")
