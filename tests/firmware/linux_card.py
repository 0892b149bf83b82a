# SPDX-License-Identifier: MIT
"""A card that Linux without MMU boots from: partition table, ext2, and a program of ours in bFLT as its init."""

import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "linux"
CC = "riscv64-unknown-elf-gcc"
HEADER = 64
STACK = 16384
LOAD_TO_RAM = 1
PARTITION_AT = 1 << 20
PARTITION_SIZE = 31 << 20


def tool(name: str) -> str:
    """The path of a program; file system tools are often not in an ordinary user's PATH."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def flat_program(directory: Path) -> bytes:
    """The init program as a flat file: everything is text, so there is nothing to relocate."""
    elf, raw = directory / "init.elf", directory / "init.raw"
    command = [tool(CC), "-march=rv64imac_zicsr_zifencei", "-mabi=lp64", "-mcmodel=medany", "-Os", "-ffreestanding"]
    command += ["-fno-jump-tables", "-nostdlib", "-static", "-Wall", "-Wextra", "-Werror", "-Wl,--build-id=none"]
    command += ["-Wl,--no-warn-rwx-segments", "-T", str(SOURCES / "flat.ld"), str(SOURCES / "init.c"), "-o", str(elf)]
    subprocess.run(command, check=True)
    subprocess.run([tool("riscv64-unknown-elf-objcopy"), "-O", "binary", str(elf), str(raw)], check=True)
    text = raw.read_bytes()
    # The loader may note something of its own in the words before the data.
    text += bytes(-len(text) % 32) + bytes(64)
    end = HEADER + len(text)
    # version, entry, data start, data end, bss end, stack, relocations' place and number, flags
    header = b"bFLT" + struct.pack(">9I", 4, HEADER, end, end, end, STACK, end, 0, LOAD_TO_RAM)
    return header.ljust(HEADER, b"\0") + text


def card(directory: Path, files: dict[str, bytes]) -> Path:
    """A card image with one ext2 partition that holds the init program and these files."""
    root = directory / "root"
    for name in ("proc", "sys", "dev", "sbin"):
        (root / name).mkdir(parents=True)
    (root / "sbin/init").write_bytes(flat_program(directory))
    (root / "sbin/init").chmod(0o755)
    for name, content in files.items():
        (root / name).write_bytes(content)
    partition, image = directory / "partition.img", directory / "card.img"
    with partition.open("wb") as file:
        file.truncate(PARTITION_SIZE)
    subprocess.run([tool("mke2fs"), "-q", "-t", "ext2", "-b", "1024", "-d", str(root), str(partition)], check=True)
    entry = struct.pack("<B3xB3xII", 0, 0x83, PARTITION_AT // 512, PARTITION_SIZE // 512)
    table = (bytes(446) + entry).ljust(510, b"\0") + b"\x55\xaa"
    image.write_bytes(table.ljust(PARTITION_AT, b"\0") + partition.read_bytes())
    return image


def file_on_card(directory: Path, image: Path, name: str) -> bytes:
    """A file's content, after the emulator has ended."""
    partition = directory / "partition-after.img"
    partition.write_bytes(image.read_bytes()[PARTITION_AT:])
    command = [tool("debugfs"), "-R", f"cat /{name}", str(partition)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def boot_image(kernel: bytes) -> bytes:
    """A kernel as U-Boot's legacy image: RISC-V, Linux, not compressed, loaded and started at 0x80000000."""
    fields = [0x27051956, 0, 0, len(kernel), 0x80000000, 0x80000000, zlib.crc32(kernel)]
    kind = bytes([5, 26, 2, 0]) + b"linux".ljust(32, b"\0")
    fields[1] = zlib.crc32(struct.pack(">7I", *fields) + kind)
    return struct.pack(">7I", *fields) + kind + kernel


def fnv1a(data: bytes) -> int:
    """The sum that the init program makes."""
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
