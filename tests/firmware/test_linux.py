# SPDX-License-Identifier: MIT
"""Linux without MMU, alone and started by U-Boot; xv6 in supervisor mode on RustSBI.

Their drivers for UARTHS, PLIC, CLINT, clocks, pads, SPI, card, flash, GPIO, LEDs and reset are other people's reading
of the hardware. The files belong into the folder that K210_THIRD_PARTY_DIR names. The first three are built with
Debian's gcc-riscv64-linux-gnu (ARCH=riscv, CROSS_COMPILE=riscv64-linux-gnu-):

| Name there | From |
|---|---|
| linux_nommu.bin | loader.bin of the package linux-source-6.1, nommu_k210_sdcard_defconfig, see below |
| linux_maix_bit.dtb | arch/riscv/boot/dts/canaan/sipeed_maix_bit.dtb of the same (make dtbs) |
| u-boot-dtb.bin | u-boot-dtb.bin of the source package u-boot 2025.01, sipeed_maix_bitm_defconfig |
| xv6_k210.bin | target/k210.bin of github.com/HUST-OS/xv6-k210: RustSBI as it is there, and the kernel at 128 KiB |
| xv6_fs.img | fs.img of the same (make fs) |

The kernel has its device tree built in: set CONFIG_SOC_CANAAN_K210_DTB_SOURCE="sipeed_maix_bit" in .config.
"""

import shutil
import time
from pathlib import Path

import pytest
import serial
from linux_card import boot_image, card, file_on_card, fnv1a
from third_party import third_party

from k210.emulator import Config, Emulator

GREETING = "the card speaks"
BLOB = bytes((i * i >> 3) & 0xFF for i in range(200_000))


class Console:
    """The serial line as a person at a terminal uses it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.port = serial.serial_for_url(emulator.serial_url, timeout=150)
        while any("disconnected" in line["filename"] for line in emulator.qmp("query-chardev")):
            time.sleep(0.02)
        emulator.resume()

    def wait(self, text: str) -> str:
        got = self.port.read_until(text.encode()).decode(errors="replace")
        assert got.endswith(text), f"{got[-2000:]}\n{self.emulator.messages()}"
        return got

    def command(self, line: str, prompt: str) -> str:
        self.port.write(line.encode() + b"\n")
        return self.wait(prompt)


def start(name: str, image: Path, **options: object) -> Emulator:
    config = Config(flash=(str(third_party(name)),), firmware=False, paused=True, sdcard=image, **options)
    return Emulator(config)


def linux_card(directory: Path, **files: bytes) -> Path:
    return card(directory, {"greeting": f"{GREETING}\n".encode(), "blob": BLOB, **files})


def check_linux(console: Console) -> None:
    log = console.wait("ready> ")
    for text in (
        "Machine model: SiPeed MAIX BiT",
        "CPU running at 390 MHz",
        "Brought up 1 node, 2 CPUs",
        "new SD card on SPI",
        "Mounted root (ext2 filesystem)",
        "marchid\t\t: 0xe59889e6a5a04149",
        GREETING,
        "init: first cpu 0",
        "init: second cpu 1",
        "init: passes 2000",
    ):
        assert text in log, log
    slept = int(log.split("init: slept ")[1].split()[0])
    assert 1000 <= slept < 1500, "a second of mtime"


@pytest.mark.parametrize("strict", [False, True])
def test_linux(tmp_path, strict):
    third_party("linux_nommu.bin")
    image = linux_card(tmp_path)
    with start("linux_nommu.bin", image, strict=strict) as emulator:
        console = Console(emulator)
        check_linux(console)
        assert f"init: sum {fnv1a(BLOB)}" in console.command("s/blob", "ready> ")
        assert not emulator.led("green")
        assert "init: lit 1" in console.command("l/sys/class/leds/green/brightness", "ready> ")
        assert emulator.led("green")
        interrupts = console.command("c/proc/interrupts", "ready> ")
        assert "SiFive PLIC  33 Edge      38000000.serial" in interrupts
        written = console.command("w/written", "ready> ")
        assert "init: written 8" in written and "init: synced 0" in written
        if not strict:
            console.command("r", "reboot: Restarting")
            assert "Linux version 6." in console.wait("ready> "), "the reset started the ROM and the kernel again"
    assert file_on_card(tmp_path, image, "written") == b"/written"


def test_u_boot_loads_linux(tmp_path):
    """From the flash: U-Boot, which reads kernel and device tree from the card and writes its settings to the flash."""
    kernel = third_party("linux_nommu.bin").read_bytes()
    tree = third_party("linux_maix_bit.dtb").read_bytes()
    image = linux_card(tmp_path, uImage=boot_image(kernel), **{"k210.dtb": tree})
    with start("u-boot-dtb.bin", image, flash_file=tmp_path / "flash.bin") as emulator:
        console = Console(emulator)
        banner = console.wait("stop autoboot")
        assert "U-Boot 20" in banner and "8 MiB" in banner
        console.command("", "=> ")
        assert "w25q128" in console.command("sf probe", "=> ").lower()
        assert "done" in console.command("setenv greeting hello; saveenv", "\n=> ")
        console.command("boot", "Starting kernel ...")
        check_linux(console)
    # U-Boot itself would not find it: it reads with 6Bh, but its SPI driver knows only one data line.
    assert b"\0greeting=hello\0" in (tmp_path / "flash.bin").read_bytes()[0xFFF000:]


def test_xv6_in_supervisor_mode(tmp_path):
    """Sv39 paging, page faults and sfence.vm of 1.9.1, both harts, the card on SPI0 with DMA and a hardware select.

    Under icount, because its dmac_wait_idle can miss the wake-up: it looks whether the channel is idle, then sleeps.
    """
    image = tmp_path / "fs.img"
    shutil.copyfile(third_party("xv6_fs.img"), image)
    with start("xv6_k210.bin", image, icount=True) as emulator:
        console = Console(emulator)
        log = console.wait("-> / $ ")
        assert "[rustsbi] mideleg: 0x22" in log and "[rustsbi] medeleg: 0x1ab" in log
        assert "hart 0 init done" in log
        assert "README" in console.command("ls", "$ ")
        assert "re-implementation" in console.command("cat README", "$ ")
        assert "\nhello" in console.command("echo hello | cat", "$ ").replace("\r", "")
