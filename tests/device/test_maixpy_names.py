# SPDX-License-Identifier: MIT
"""docs/maixpy-compatibility.md against the firmware: every name of MaixPy is there, or is listed as missing."""

import ast
import re
from functools import cache

import pytest
from maixpy_names import MODULES, NAMES, WITHOUT_U

from k210 import paths
from k210.board import Board

DOCUMENT = paths.ROOT / "docs" / "maixpy-compatibility.md"

PROBE = """
def missing(path, names):
    parts = path.split(".")
    try:
        found = __import__(parts[0])
        for part in parts[1:]:
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    # Some of its methods are only found by way of an object.
    there = dir(found(found.I2C3, scl=6, sda=7)) if path == "machine.I2C" else dir(found)
    return [name for name in names if name not in there]
"""


def section(title: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    text = DOCUMENT.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return rows[2:]


def names_in(cell: str) -> list[str]:
    """`a` `b0`-`b3` -> a b0 b1 b2 b3"""
    found = []
    for first, last in re.findall(r"`(\w+)`(?:-`(\w+)`)?", cell):
        if last:
            stem = first.rstrip("0123456789")
            found += [f"{stem}{n}" for n in range(int(first[len(stem) :]), int(last[len(stem) :]) + 1)]
        else:
            found.append(first)
    return found


@cache
def listed() -> dict[str, tuple[list[str], list[str]]]:
    """Of what -> (names that are there, names that are missing)."""
    there = {of.strip("`"): names_in(yes) + names_in(better) for of, yes, better in section("Every name")}
    gone = [name.strip("`") for name, why in section("What is missing") if why]
    lists: dict[str, tuple[list[str], list[str]]] = {}
    for of, names in NAMES.items():
        whole = any(of == name or of.startswith(name + ".") for name in gone)
        lists[of] = (there.pop(of, []), names if whole else [n for n in names if f"{of}.{n}" in gone])
    assert not there, f"the document has names of things that MaixPy has not: {there}"
    return lists


@pytest.mark.parametrize("of", NAMES)
def test_every_name_of_maixpy_is_in_the_document_once(of: str) -> None:
    there, gone = listed()[of]
    assert sorted(there + gone) == sorted(NAMES[of])


def test_the_firmware_is_as_the_document_says(board: Board) -> None:
    calls = "\n".join(f"print(repr(missing({of!r}, {names!r})))" for of, names in NAMES.items())
    told = board.exec(PROBE + calls).splitlines()
    wrong = []
    for of, line in zip(NAMES, told, strict=True):
        answer = ast.literal_eval(line)
        gone = NAMES[of] if answer is None else answer
        if sorted(gone) != sorted(listed()[of][1]):
            wrong.append(f"{of}: missing {gone}, listed as missing {listed()[of][1]}")
    assert not wrong, "\n".join(wrong)


def test_modules_of_the_core_library(board: Board) -> None:
    assert {name for row in [DOCUMENT.read_text()] for name in MODULES if f"`{name}`" in row} == set(MODULES)
    names = [*MODULES, *(f"u{name}" for name in MODULES if name not in WITHOUT_U)]
    code = "\n".join(f"import {name}" for name in names)
    assert board.exec(code) == ""


RESULTS = {
    "blob": "x y w h pixels cx cy rotation code count rect area density",
    "line": "x1 y1 x2 y2 length magnitude theta rho line",
    "circle": "x y r magnitude circle",
    "rect": "x y w h magnitude corners rect",
    "statistics": "mean median mode stdev min max lq uq l_mean a_mean b_mean l_uq a_uq b_uq",
    "histogram": "bins l_bins a_bins b_bins get_percentile get_threshold get_stats",
    "similarity": "mean stdev min max",
    "percentile": "value l_value a_value b_value",
    "displacement": "x_translation y_translation rotation scale response",
    "clock": "tick fps avg reset",
}
OBJECTS = """
import image, time
i = image.Image(size=(160, 120))
i.draw_rectangle(20, 20, 60, 50, color=(255, 255, 255), fill=True)
g = i.to_grayscale(copy=True)
c = image.Image(size=(160, 120)).draw_circle(80, 60, 30, color=(255, 255, 255), thickness=2)
found = {
    "blob": i.find_blobs([(50, 100)])[0], "line": i.find_lines(threshold=1000)[0],
    "circle": c.find_circles(threshold=1000)[0], "rect": i.find_rects(threshold=1000)[0],
    "statistics": i.get_statistics(), "histogram": i.get_histogram(), "similarity": g.get_similarity(g),
    "percentile": i.get_histogram().get_percentile(0.5), "displacement": g.find_displacement(g), "clock": time.clock(),
}
for name, names in wanted.items():
    print(name, [n for n in names.split() if not hasattr(found[name], n)])
"""


def test_names_of_results(board: Board) -> None:
    told = board.exec(f"wanted = {RESULTS!r}\n" + OBJECTS).splitlines()
    assert sorted(told) == sorted(f"{name} []" for name in RESULTS)
