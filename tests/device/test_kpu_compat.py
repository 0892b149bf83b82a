# SPDX-License-Identifier: MIT
"""MaixPy's KPU names are all there, and docs/maixpy-compatibility.md and the firmware say the same."""

from __future__ import annotations

import ast
import re

import pytest
from kpu_board import ANCHORS, MODEL_AT, run

from k210 import paths
from k210.board import Board

pytestmark = [pytest.mark.timeout(120), pytest.mark.k210(flash=[f"models/detect.kmodel@0x{MODEL_AT:x}"])]

# What scripts for MaixPy find in the module and its objects.
MODULE = {
    "load", "load_flash", "set_outputs", "init_yolo2", "run_yolo2", "deinit", "set_layers", "forward", "get_output",
    "fmap", "fmap_free", "netinfo", "memtest", "face_encode", "face_compare", "classifier",
}  # fmt: skip
OBJECTS = {
    "kpu_net": "model_addr model_size model_path net_arg __del__",
    "kpu_yolo2": "anchor threshold nms_value anchor_number",
    "kpu_yolo2_find": "rect x y w h classid index objnum value",
    "kpu_fmap": "size index w h ch typecode",
    "kpu_netinfo_find": "index type wi hi wo ho chi cho dw kernel_type pool_type para_size",
    "classifier": "add_class_img add_sample_img rm_class_img rm_sample_img train predict save load __del__",
}

# One object of each type; a detection needs a picture with a face, so a YOLO output is made up.
MAKE = f"""
from array import array
net = kpu.load({MODEL_AT})
print(kpu.init_yolo2(net, 0.5, 0.3, 5, {ANCHORS}))
fmap = kpu.forward(net, bytes(230400))
boxes = kpu.yolo2(array('f', [0.0, 0.0, 0.0, 0.0, 9.0, 9.0]), [1.0, 1.0], (8, 8), grid=(1, 1))
objects = (net, net.net_arg(), boxes[0], fmap, kpu.netinfo(net)[0], kpu.classifier(net, 2, 2))
print([n for n in dir(kpu) if n[:2] != '__'])
print({{type(o).__name__: dir(o) for o in objects}})
"""


def table() -> list[tuple[str, str]]:
    """First column and status of the KPU section's rows."""
    text = (paths.ROOT / "docs" / "maixpy-compatibility.md").read_text()
    section = re.search(r"^## KPU$(.*?)^## ", text, re.M | re.S)
    assert section
    rows = [
        [c.strip() for c in line.strip("|").split(" | ")] for line in section[1].splitlines() if line.startswith("| ")
    ]
    return [(row[0], row[1]) for row in rows if row[0] != "Call"]


def called(cell: str) -> list[str]:
    return re.findall(r"`(?:\w+\.)*([a-z_]\w*)[`(]", cell)


def test_names_and_table(board: Board) -> None:
    lines = run(board, MAKE).splitlines()
    assert lines[0] == "True"
    module = set(ast.literal_eval(lines[-2]))
    objects = {kind: set(names) for kind, names in ast.literal_eval(lines[-1]).items()}

    # MaixPy's names are there.
    assert module >= MODULE
    for kind, methods in OBJECTS.items():
        assert set(methods.split()) <= objects[kind], kind

    # The table names what is there.
    known = module.union(*objects.values(), objects)
    rows = table()
    assert len(rows) > 20
    for cell, status in rows:
        assert status in ("same", "better", "differs", "part", "no"), cell
        for name in called(cell):
            assert (name in known) == (status != "no"), cell

    # What MaixPy does not have is in the table.
    assert module - MODULE <= {name for cell, _ in rows for name in called(cell)}
