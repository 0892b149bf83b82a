#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints where the memory went: every byte of the firmware is a byte less for models."""

import argparse
import json
import subprocess
from pathlib import Path

from size_parts import part_sizes

SRAM_BYTES = 6 * 1024 * 1024


def section_sizes(size_tool: str, elf: Path) -> dict[str, int]:
    out = subprocess.run([size_tool, "-A", "-d", elf], check=True, capture_output=True, text=True).stdout
    sizes = {}
    for line in out.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[0].startswith("."):
            sizes[fields[0]] = int(fields[1])
    return sizes


def symbol(nm_tool: str, elf: Path, name: str) -> int:
    out = subprocess.run([nm_tool, elf], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        fields = line.split()
        if fields[-1] == name:
            return int(fields[0], 16)
    raise SystemExit(f"{elf}: no symbol {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("elf", type=Path)
    parser.add_argument("--size", default="riscv64-unknown-elf-size")
    parser.add_argument("--nm", default="riscv64-unknown-elf-nm")
    parser.add_argument("--map", type=Path, help="also say which parts of the sources the bytes come from")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    args = parser.parse_args()

    sections = section_sizes(args.size, args.elf)
    table = {name: sections.get("." + name, 0) for name in ("text", "rodata", "data", "bss", "stacks")}
    free = symbol(args.nm, args.elf, "_pool_end") - symbol(args.nm, args.elf, "_pool_start")
    table["alignment"] = SRAM_BYTES - free - sum(table.values())
    table["free"] = free

    print(f"{args.elf.name:12} {'bytes':>9} {'of SRAM':>8}")
    for name, size in table.items():
        print(f"{name:12} {size:9} {100 * size / SRAM_BYTES:7.1f}%")
    parts = part_sizes(args.map) if args.map else {}
    if parts:
        columns = [f"{size:7} {name:24}" for name, size in parts.most_common()]
        print("of these:")
        for i in range(0, len(columns), 3):
            print("".join(columns[i : i + 3]).rstrip())
    if args.json:
        args.json.write_text(json.dumps({**table, "parts": parts}, indent=4) + "\n")


if __name__ == "__main__":
    main()
