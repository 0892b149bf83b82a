# SPDX-License-Identifier: MIT
"""The harts: identity, interrupts, counters and traps, seen by programs that run on them."""

import pytest
from programs import binary, boot_image, build, drive, flash_file, values
from qtest import Emulator

ACCELERATORS = ["tcg,thread=multi", "tcg,thread=single"]


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_interrupts_on_both_harts(tmp_path, accelerator):
    elf = build("harts", tmp_path)
    with Emulator("-kernel", str(elf), "-accel", accelerator) as m:
        v = values(m.serial_read(b"done\n", timeout=20))
    assert v["misa"] == 0x8000_0000_0014_112D
    assert v["mvendorid"] == 0x4B5
    assert v["marchid"] == 0xE598_89E6_A5A0_4149
    assert v["mimpid"] == 0x4D41_4958_3230_3030
    # The ROM leaves the interrupt that woke hart 1 pending.
    assert v["hart1_mip"] & 8
    assert v["hart0_causes"] == v["hart1_causes"] == 1 << 3 | 1 << 7 | 1 << 11
    assert v["hart0_claimed"] == v["hart1_claimed"] == 33
    assert v["ratio"] == 50
    assert v["instructions_low"] == 1


def test_interrupts_with_icount(tmp_path):
    elf = build("harts", tmp_path)
    with Emulator("-kernel", str(elf), "-icount", "shift=1") as m:
        v = values(m.serial_read(b"done\n", timeout=30))
    assert v["hart0_causes"] == v["hart1_causes"] == 1 << 3 | 1 << 7 | 1 << 11
    assert v["ratio"] == 50


def test_both_harts_at_full_speed_with_icount(tmp_path):
    """An instruction of either hart takes as long whether the other one works or sleeps."""
    elf = build("pace", tmp_path)
    with Emulator("-kernel", str(elf), "-icount", "shift=2") as m:
        v = values(m.serial_read(b"done\n", timeout=30))
    assert v["both"] == pytest.approx(v["alone"], rel=0.05)
    assert v["other"] == pytest.approx(v["alone"], rel=0.05)


@pytest.mark.parametrize("icount", [False, True])
def test_short_pulse_wakes_a_hart(tmp_path, icount):
    arguments = ["-icount", "shift=1"] if icount else []
    with Emulator("-kernel", str(build("pulse", tmp_path)), *arguments) as m:
        v = values(m.serial_read(b"done\n", timeout=30))
    assert v["line"] == 0
    # A busy host may keep a thread from running for longer than the line is held.
    assert v["seen"] == 20 if icount else 5 <= v["seen"] <= 20


def test_faults(tmp_path):
    elf = build("faults", tmp_path)
    with Emulator("-kernel", str(elf)) as m:
        v = values(m.serial_read(b"done\n", timeout=20))
    illegal, load_misaligned, load_fault, store_misaligned, none = 2, 4, 5, 6, 99
    assert v["time"] == illegal, "the chip has no time CSR"
    assert v["cycle"] == none
    assert v["pmp"] == illegal, "the chip has no PMP"
    assert v["mcounteren"] == illegal
    assert v["mucounteren"] == none
    assert v["illegal"] == illegal and v["illegal_addr"] == 0
    assert v["load1"] == v["load2"] == v["load4"] == v["fpload"] == load_misaligned
    assert v["load1_offset"] == 1
    assert v["store"] == store_misaligned
    assert v["aligned"] == v["byte"] == none
    assert v["address0"] == none, "the debug module answers at address 0"
    assert v["unmapped"] == load_fault and v["unmapped_addr"] == 0x2000_0000
    assert v["uncached"] == v["mirror"] == 0x1234


def test_idle_harts_sleep(tmp_path):
    """After its work the program waits in wfi on both harts; QEMU must not spin."""
    image = boot_image(binary(build("harts", tmp_path)))
    with Emulator(*drive(flash_file(tmp_path, image))) as m:
        m.serial_read(b"done\n", timeout=20)
        m.serial_read(timeout=0.3)
        before = cpu_seconds(m.process.pid)
        m.serial_read(timeout=1.0)
        used = cpu_seconds(m.process.pid) - before
    assert used < 0.1, f"{used} s of host CPU time in 1 s of idling"


def cpu_seconds(pid: int) -> float:
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_supervisor_mode_of_1_9_1(tmp_path):
    with Emulator("-kernel", str(build("supervisor", tmp_path))) as m:
        v = values(m.serial_read(b"done\n", timeout=20))
    fetch_fault, illegal, load_fault, store_fault, none = 1, 2, 5, 7, 99
    assert v["status_at_start"] == v["medeleg_page_faults"] == 0
    assert v["sptbr_bits"] == 0xF_FFFF and v["no_sv48"] == 0 and v["sv39"] == 9
    assert v["sfence_vma"] == v["sfence_vma_m"] == illegal
    assert v["sfence_vm"] == none and v["mapped_now"] == 0x5EED and v["sptbr"]
    assert v["machine"] == v["mprv"] == 0x5EED
    # PUM forbids what SUM of later specifications allows.
    assert (v["user_page"], v["user_page_cause"]) == (0x5EED, none)
    assert v["pum"] == 1 << 18 and (v["pum_cause"], v["pum_address"]) == (load_fault, 0x4000_0000)
    assert (v["read_only"], v["read_only_cause"]) == (0x5EED, store_fault)
    assert (v["unmapped_cause"], v["unmapped_address"]) == (load_fault, 0x4000_2008)
    assert (v["fetch_cause"], v["fetch_address"]) == (fetch_fault, 0x4000_3000)
    # SBIs emulate rdtime for the supervisor.
    assert (v["time"], v["time_from"]) == (illegal, 1 << 11)
    assert v["address_kept"] == 0x4000_3000, "a trap without an address leaves mbadaddr as it was"
