# SPDX-License-Identifier: MIT
"""The arguments of `k210 model compile` and its sisters. onnx and numpy are imported when they are needed."""

import argparse
import re
from pathlib import Path

from k210 import paths
from k210.errors import K210Error


def add_compiler_commands(kinds: argparse._SubParsersAction) -> None:
    p = kinds.add_parser("compile", help="make a kmodel out of an ONNX network")
    # "-1,1" is a value, not an option.
    p._negative_number_matcher = re.compile(r"^-\.?\d")
    p.add_argument("network", type=Path, metavar="NET.onnx")
    p.add_argument("-o", "--output", type=Path, required=True, metavar="NET.kmodel")
    p.add_argument(
        "--calibration",
        type=Path,
        required=True,
        metavar="DIR",
        help="20 to 200 typical pictures, or .npy arrays; with several inputs a folder of each one's name inside",
    )
    p.add_argument(
        "--input-range",
        nargs="+",
        metavar="LOW,HIGH",
        help="what the bytes 0 and 255 of a picture stand for in the network (pictures: 0,1 unless given). "
        "Without it .npy floats make a model that takes floats",
    )
    p.add_argument(
        "--method",
        choices=["minmax", "percentile", "kl", "mse"],
        default="minmax",
        help="how ranges are chosen from what calibration saw (default: %(default)s)",
    )
    p.add_argument(
        "--percentile", type=float, default=99.99, metavar="P", help="for that method (default: %(default)s)"
    )
    p.add_argument("--no-bias-correction", action="store_true", help="leave the bias as it is in the network")
    p.add_argument(
        "--limit", type=int, default=100, metavar="N", help="calibration inputs to use (default: %(default)s)"
    )
    p.add_argument(
        "--compare",
        type=int,
        default=2,
        metavar="N",
        help="compute so many calibration inputs with the kmodel, too, and report the error of each layer "
        "(default: %(default)s; 0: none)",
    )
    p.add_argument(
        "--report",
        type=Path,
        metavar="PNG",
        help="where the picture of errors and memory goes (default: beside NET.kmodel)",
    )
    p.add_argument("--no-report", action="store_true", help="no picture")
    p.add_argument("--format", choices=["v4", "v3"], default="v4", help="version of the kmodel (default: %(default)s)")
    _add_shapes(p)
    p.set_defaults(function=_compile)

    p = kinds.add_parser("check", help="what of an ONNX network will run where, its memory and estimated time")
    p.add_argument("network", type=Path, metavar="NET.onnx")
    p.add_argument("--float-input", action="store_true", help="as if the model took floats instead of bytes")
    p.add_argument("--report", type=Path, metavar="PNG", help="write a picture of the memory")
    _add_shapes(p)
    p.set_defaults(function=_check)

    p = kinds.add_parser("profile", help="the time of each layer on the emulator, against the estimate")
    p.add_argument("file", type=Path, metavar="FILE", help="a .kmodel")
    p.add_argument("--board", default=paths.DEFAULT_BOARD, help="folder under boards/ (default: %(default)s)")
    p.add_argument("--port", default="", metavar="P", help="a board instead of the emulator; the model is in its flash")
    p.add_argument(
        "--address",
        type=lambda text: int(text, 0),
        default=0x300000,
        metavar="ADDR",
        help="where the model is in the flash of the board at --port (default: 0x300000)",
    )
    p.add_argument("--report", type=Path, metavar="PNG", help="where the bar chart goes (default: beside FILE)")
    p.add_argument("--no-report", action="store_true", help="no picture")
    p.set_defaults(function=_profile)


def _profile(options: argparse.Namespace) -> int:
    from k210.compiler.profile import profile

    out = None if options.no_report else options.report or options.file.with_suffix(".profile.png")
    return profile(options.file, options.board, options.port, options.address, out)


def _add_shapes(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--input-shape",
        action="append",
        default=[],
        metavar="NAME=N,C,H,W",
        help="sizes for an input that the file leaves open",
    )


def _shapes(given: list[str]) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for text in given:
        name, _, sizes = text.rpartition("=")
        try:
            shapes[name] = tuple(int(n) for n in sizes.split(","))
        except ValueError:
            shapes[name] = ()
        if not name or not shapes[name] or min(shapes[name]) < 1:
            raise K210Error(f"--input-shape takes a name and sizes, like images=1,3,224,224; not {text!r}")
    return shapes


def _compile(options: argparse.Namespace) -> int:
    from k210.compiler.calibration import parse_range
    from k210.compiler.compile import Options, command

    if not 50 <= options.percentile <= 100:
        raise K210Error(f"--percentile must be between 50 and 100, not {options.percentile:g}")
    if options.limit < 1:
        raise K210Error(f"--limit must be at least 1, not {options.limit}")
    settings = Options(
        method=options.method,
        percentile=options.percentile,
        bias_correction=not options.no_bias_correction,
        input_range=parse_range(",".join(options.input_range)) if options.input_range else None,
        input_shapes=_shapes(options.input_shape),
        limit=options.limit,
        version=int(options.format[1:]),
    )
    if options.compare < 0:
        raise K210Error(f"--compare must not be below 0, it is {options.compare}")
    picture = None if options.no_report else options.report or options.output.with_suffix(".png")
    return command(options.network, options.output, options.calibration, settings, picture, options.compare)


def _check(options: argparse.Namespace) -> int:
    from k210.compiler.compile import check

    return check(options.network, _shapes(options.input_shape), not options.float_input, options.report)
