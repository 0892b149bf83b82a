#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn font8x12.txt into the C table font8x12.c: `makefont.py > font8x12.c`."""

import sys
from pathlib import Path

FIRST, LAST = 0x20, 0x7E
CELL_W, CELL_H = 8, 12
BOX = ["######"] + ["#....#"] * 6 + ["######"]


def cell(rows: list[str]) -> list[int]:
    """Twelve bytes: the drawing starts at row 1 and column 1, or 0 if it is wider than six."""
    width = max(len(r) for r in rows)
    if width > 7 or len(rows) > 10:
        raise ValueError(f"drawing does not fit: {rows}")
    left = 1 if width <= 6 else 0
    out = [0] * CELL_H
    for y, row in enumerate(rows):
        for x, c in enumerate(row):
            if c == "#":
                out[y + 1] |= 0x80 >> (x + left)
            elif c != ".":
                raise ValueError(f"bad character in {row}")
    return out


def parse(text: str) -> dict[str, list[int]]:
    glyphs = {}
    for line in text.splitlines():
        if (line.startswith("# ") and "SPDX" in line) or line.startswith(("# The", "# Cell")):
            continue
        name, *rows = line.split()
        glyphs[" " if name == "sp" else name] = cell(rows)
    return glyphs


def generate(text: str) -> str:
    glyphs = parse(text)
    lines = [
        "// SPDX-License-Identifier: MIT",
        "// Made by makefont.py from font8x12.txt: edit that one. The last glyph is the box.",
        '#include "font8x12.h"',
        "",
        f"const uint8_t image_font8x12[{LAST - FIRST + 2}][{CELL_H}] = {{",
    ]
    for code in range(FIRST, LAST + 1):
        rows = ", ".join(f"0x{b:02x}" for b in glyphs[chr(code)])
        lines.append(f"    {{ {rows} }},")
    lines.append(f"    {{ {', '.join(f'0x{b:02x}' for b in cell(BOX))} }},")
    lines.append("};")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(generate(Path(__file__).with_name("font8x12.txt").read_text()))
