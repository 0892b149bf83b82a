# SPDX-License-Identifier: MIT
"""The check of the data caches: what a hart and a device do to the same memory."""

import re

import pytest
from programs import build, symbol
from qtest import Emulator


@pytest.fixture(scope="module")
def elf(tmp_path_factory):
    return build("caches", tmp_path_factory.mktemp("caches"))


@pytest.fixture(params=[["-accel", "tcg"], ["-icount", "shift=2"]], ids=["tcg", "icount"])
def machine(elf, request):
    with Emulator("-kernel", str(elf), *request.param, strict="on", caches="on") as m:
        m.serial_read(b"ready\n", timeout=10)
        yield m


@pytest.mark.parametrize(
    ("letter", "variable", "offset", "sentence"),
    [
        (b"d", "source", 40, "k210-dmac: reads 0x{:08x} (0x{:08x} uncached), where the data cache of hart 0"),
        (b"o", "target", 56, "k210-dmac: writes 0x{:08x} (0x{:08x} uncached), where the data cache of hart 0"),
    ],
    ids=["unwritten", "overwritten"],
)
def test_device_and_dirty_line(machine, elf, letter, variable, offset, sentence):
    machine.serial_write(letter)
    machine.wait_event("STOP", timeout=10)
    line = symbol(elf, variable) + offset // 64 * 64
    assert sentence.format(line, line - 0x4000_0000) in machine.log


def test_stale_load_stops_with_the_exact_pc(machine, elf):
    machine.serial_write(b"s")
    machine.wait_event("STOP", timeout=10)
    address = symbol(elf, "target") + 24
    sentence = f"data cache: load from {address:#010x}, which k210-dmac has written since the line was cached"
    assert f"strict: hart 0 pc {symbol(elf, 'wrong_stale'):#x}: {sentence}" in machine.log
    assert machine.qmp("query-status")["status"] == "guest-panicked"
    machine.qmp("cont")
    machine.serial_read(b"went on\n", timeout=10)


@pytest.mark.parametrize("letter", [b"u", b"f"], ids=["uncached", "displaced"])
def test_the_right_ways(machine, letter):
    machine.serial_write(letter)
    machine.serial_read(b"went on\n", timeout=10)
    assert "strict" not in machine.log


@pytest.mark.parametrize("letter", [b"l", b"1", b"b"], ids=["hart0", "hart1", "both"])
def test_stops_again_and_again(machine, letter):
    for _ in range(2):
        machine.serial_write(letter)
        for _ in range(6):
            machine.wait_event("STOP", timeout=10)
            assert machine.qmp("query-status")["status"] == "guest-panicked"
            machine.qmp("cont")
        machine.qmp("system_reset")
        machine.wait_event("RESET")
        machine.qmp("cont")  # it may have been stopped again by then
        machine.serial_read(b"ready\n", timeout=10)
        machine.events.clear()
    harts = set(re.findall(r"strict: hart (\d) pc", machine.log))
    assert harts <= ({"0", "1"} if letter == b"b" else {"0"} if letter == b"l" else {"1"})
