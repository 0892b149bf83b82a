#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What no other checker knows: licence headers, file sizes, line ends, paths of one machine."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = {".c", ".h", ".py", ".sh", ".S", ".ld", ".mk", ".inc"}
MAX_LINES = 900
SPDX = "SPDX-License-Identifier: "
MACHINE_PATH = re.compile(r"(?<![\w.-])/(home|root|work|tmp/[a-z]+)/")


def licence_of(path: str) -> str:
    return "GPL-2.0-or-later" if path.startswith("qemu/") else "MIT"


def problems(path: str) -> list[str]:
    text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    found = []
    if Path(path).suffix in SOURCE and lines:
        head = "\n".join(lines[:25])
        if SPDX not in head:
            found.append("has no SPDX-License-Identifier in its first lines")
        elif SPDX + licence_of(path) not in head:
            found.append(f"should be {licence_of(path)}")
        if len(lines) > MAX_LINES:
            found.append(f"has {len(lines)} lines, more than {MAX_LINES}")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            found.append(f"line {number}: white space at the end")
        if "\t" in line and Path(path).suffix in {".c", ".h", ".py"}:
            found.append(f"line {number}: a tab")
        if MACHINE_PATH.search(line):
            found.append(f"line {number}: a path of one machine")
    if text and not text.endswith("\n"):
        found.append("no line end at the end of the file")
    return found


def tracked() -> list[str]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    binary = {".png", ".jpg", ".kmodel", ".onnx", ".npy", ".kfpkg", ".bin", ".gz", ".xz", ".patch", ".ppm"}
    return [n for n in names.split("\0") if n and Path(n).suffix not in binary and (ROOT / n).is_file()]


def main() -> int:
    count = 0
    for path in tracked():
        if path.startswith("LICENSES/") or path == "scripts/setup/houserules.py":
            continue
        for problem in problems(path):
            print(f"{path}: {problem}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
