# SPDX-License-Identifier: MIT
"""The arguments of `k210 model`. numpy and the readers are imported when they are needed."""

import argparse
from pathlib import Path

from k210.errors import K210Error


def add_commands(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("model", help="look into kmodel files and compute them on this computer")
    kinds = p.add_subparsers(dest="model_command", required=True, metavar="COMMAND")

    p = kinds.add_parser("info", help="layers, shapes, memory and estimated time of a kmodel (v3, v4, v5)")
    p.add_argument("file", type=Path, metavar="FILE", help="a .kmodel, or a .kfpkg with one inside")
    p.add_argument("--json", action="store_true", help="for machines")
    p.set_defaults(function=_info)

    p = kinds.add_parser("simulate", help="compute a kmodel; KPU layers are exact to the bit")
    p.add_argument("file", type=Path, metavar="FILE", help="a .kmodel, or a .kfpkg with one inside")
    p.add_argument(
        "--image",
        type=Path,
        action="append",
        required=True,
        metavar="P",
        help="a picture (scaled to the input) or a .npy; once per input of the model",
    )
    p.add_argument("--out", type=Path, metavar="DIR", help="write each output as DIR/outputN.npy")
    p.add_argument("--layers", action="store_true", help="print the CRC-32 of the result of each KPU layer")
    p.add_argument("--boxes", choices=["yolo2"], help="decode output 0")
    p.add_argument("--anchors", metavar="W,H,...", help="for --boxes, in cells of the grid")
    p.add_argument("--threshold", type=float, default=0.5, help="for --boxes (default: %(default)s)")
    p.add_argument("--nms", type=float, default=0.3, help="for --boxes (default: %(default)s)")
    p.set_defaults(function=_simulate)

    from k210.compiler.commands import add_compiler_commands

    add_compiler_commands(kinds)


def _info(options: argparse.Namespace) -> int:
    from k210.model.info import info

    return info(options.file, options.json)


def _simulate(options: argparse.Namespace) -> int:
    from k210.model.simulate import simulate

    if bool(options.boxes) != bool(options.anchors):
        raise K210Error("--boxes and --anchors go together, like --boxes yolo2 --anchors 1.08,1.19,3.42,4.41")
    try:
        anchors = [float(v) for v in options.anchors.split(",")] if options.anchors else None
    except ValueError:
        raise K210Error(f"--anchors takes numbers with commas between them, not {options.anchors!r}") from None
    return simulate(options.file, options.image, options.out, options.layers, anchors, options.threshold, options.nms)
