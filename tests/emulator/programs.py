# SPDX-License-Identifier: MIT
"""Builds the RISC-V programs under tests/emulator/programs and flash images of them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent / "programs"
CC = "riscv64-unknown-elf-gcc"


def build(name: str, directory: Path) -> Path:
    """Compiles programs/NAME.c; returns the ELF file."""
    if not shutil.which(CC):
        pytest.skip(f"{CC} is not installed")
    elf = directory / f"{name}.elf"
    command = [CC, "-march=rv64imafdc_zicsr_zifencei", "-mabi=lp64d", "-mcmodel=medany", "-O1", "-g", "-ffreestanding"]
    command += [
        "-nostdlib",
        "-static",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-array-bounds",
        "-Wl,--build-id=none",
        "-Wl,--no-warn-rwx-segments",
    ]
    command += ["-T", str(SOURCES / "program.ld"), str(SOURCES / "crt.S"), str(SOURCES / f"{name}.c"), "-o", str(elf)]
    subprocess.run(command, check=True)
    return elf


def symbol(elf: Path, name: str) -> int:
    """The address of a symbol of an ELF file."""
    out = subprocess.run(["riscv64-unknown-elf-nm", str(elf)], check=True, capture_output=True, text=True).stdout
    return next(int(line.split()[0], 16) for line in out.splitlines() if line.endswith(f" {name}"))


def binary(elf: Path) -> bytes:
    """The raw image of an ELF file."""
    out = elf.with_suffix(".bin")
    subprocess.run(["riscv64-unknown-elf-objcopy", "-O", "binary", str(elf), str(out)], check=True)
    return out.read_bytes()


def boot_image(payload: bytes, *, flag: int = 0) -> bytes:
    """Payload with the header and digest that the ROM wants."""
    data = bytes([flag]) + len(payload).to_bytes(4, "little") + payload
    return data + hashlib.sha256(data).digest()


def flash_file(directory: Path, image: bytes, *, size: int = 16 << 20) -> Path:
    """A flash with an image at address 0, the rest erased."""
    path = directory / "flash.bin"
    path.write_bytes(image + b"\xff" * (size - len(image)))
    return path


def drive(path: Path) -> list[str]:
    """The QEMU arguments that make a file the board's flash."""
    return ["-drive", f"if=mtd,format=raw,file={path}"]


def values(output: bytes) -> dict[str, int]:
    """The name=0x... lines that a program has printed."""
    pairs = (line.split("=", 1) for line in output.decode().splitlines() if "=" in line)
    return {name: int(value, 16) for name, value in pairs}
