# SPDX-License-Identifier: MIT
"""`k210 model compile`: the steps from the ONNX file to the kmodel."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from k210.compiler import errors, floats, report
from k210.compiler.calibration import Calibration, InputRange
from k210.compiler.fuse import fuse
from k210.compiler.graph import Concat, Conv, Graph
from k210.compiler.importer import read
from k210.compiler.join import join
from k210.compiler.legal import legalize
from k210.compiler.lower import Lowering, Settings
from k210.compiler.machine import Machine
from k210.compiler.plan import plan_ai, plan_main
from k210.compiler.ranges import keep_ranges
from k210.compiler.stats import Seen
from k210.compiler.write_v3 import WriterV3
from k210.compiler.write_v4 import WriterV4
from k210.errors import K210Error


@dataclass
class Options:
    method: str = "minmax"
    percentile: float = 99.99
    bias_correction: bool = True
    input_range: InputRange | None = None
    input_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    limit: int = 100
    version: int = 4


@dataclass
class Compiled:
    graph: Graph
    machine: Machine
    data: bytes
    calibration: Calibration
    seen: dict[str, Seen]


def prepare(path: Path, shapes: dict[str, tuple[int, ...]]) -> Graph:
    """The network in the form that the chip takes, still in float."""
    graph = read(path, shapes)
    fuse(graph)
    legalize(graph)
    join(graph)
    return graph


def watch(graph: Graph, calibration: Calibration, quiet: bool = False) -> dict[str, Seen]:
    """Runs the calibration inputs through the float network and remembers what values occur."""
    seen: dict[str, Seen] = {}

    def keep(name: str, value: np.ndarray) -> None:
        if not np.isfinite(value).all():
            makers = {op.output: op for op in graph.ops} | {
                n: op for op in graph.ops if isinstance(op, Conv) for n in (op.before, op.full)
            }
            where = f"node {makers[name].name}" if name in makers else f"input {graph.labels.get(name, name)}"
            raise K210Error(f"{where}: computes NaN or infinite values from a calibration input")
        seen.setdefault(name, Seen()).add(value)

    bar = tqdm(calibration.inputs(), total=calibration.count, desc="calibrating", unit="input",
               disable=True if quiet else None, leave=False)  # fmt: skip
    for inputs in bar:
        floats.run(graph, inputs, keep)
    for name in graph.inputs:
        if not seen[name].high > seen[name].low:
            raise K210Error(
                f"--calibration: all values of input {graph.labels[name]} are {seen[name].low:g}; "
                "calibration needs typical pictures, not empty ones"
            )
    return seen


def build(
    graph: Graph, seen: dict[str, Seen], calibration: Calibration, options: Options, quiet: bool = False
) -> Machine:
    settings = Settings(
        method=options.method,
        percentile=options.percentile,
        bias_correction=options.bias_correction,
        version=options.version,
        quiet=quiet,
        input_quants={name: r.quant for name, r in calibration.ranges.items()},
    )
    keep_ranges(graph, seen, settings)
    return lower(graph, seen, settings)


def lower(graph: Graph, seen: dict[str, Seen], settings: Settings) -> Machine:
    """The program with its addresses. Joined maps live long; where they do not fit, the CPU joins instead."""
    machine = Lowering(graph, seen, settings).run()
    try:
        plan_ai(machine)
    except K210Error:
        joined = [op for op in graph.ops if isinstance(op, Concat) and op.joined]
        if not joined:
            raise
        for op in joined:
            op.joined = False
        machine = Lowering(graph, seen, settings).run()
        plan_ai(machine)
    plan_main(machine)
    return machine


def compile_model(path: Path, folder: Path, options: Options, quiet: bool = False) -> Compiled:
    graph = prepare(path, options.input_shapes)
    calibration = Calibration(graph, folder, options.input_range, options.limit)
    seen = watch(graph, calibration, quiet)
    machine = build(graph, seen, calibration, options, quiet)
    writer = WriterV3(machine) if options.version == 3 else WriterV4(machine)
    return Compiled(graph, machine, writer.file(), calibration, seen)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside the wanted one, which takes its place when all went well."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as e:
        raise K210Error(f"cannot write to {path.parent}: {e.strerror}") from None
    try:
        yield Path(name)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as e:
        raise K210Error(f"cannot write {path}: {e.strerror}") from None
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def command(path: Path, output: Path, folder: Path, options: Options, picture: Path | None, compare: int) -> int:
    """compare: inputs to compare with the float network; 0 for none."""
    if not output.parent.is_dir():
        raise K210Error(f"-o {output}: there is no folder {output.parent}")
    compiled = compile_model(path, folder, options)
    graph, machine = compiled.graph, compiled.machine
    rows, sums = None, []
    if compare:
        rows, sums = errors.measure(graph, machine, compiled.data, compiled.calibration, compare)
    with whole_file(output) as place:
        place.write_bytes(compiled.data)
    console = report.console()
    console.print(report.steps(machine, graph, rows))
    console.print(report.summary(machine, len(compiled.data), str(path)))
    if sums:
        console.print(report.outputs(machine, sums))
    for text in report.warnings(machine, len(compiled.data)):
        console.print(f"note: {text}", style="yellow")
    if picture:
        images = ([report.error_picture(rows)] if rows else []) + report.memory_pictures(machine)
        with whole_file(picture) as place:
            report.save(images, place)
        console.print(f"wrote {output} and the picture {picture}")
    else:
        console.print(f"wrote {output}")
    return 0


def check(path: Path, shapes: dict[str, tuple[int, ...]], as_bytes: bool, picture: Path | None) -> int:
    """What would become of the network, without calibration."""
    graph = prepare(path, shapes)
    pictures = {n: InputRange().quant for n in graph.inputs} if as_bytes else {}
    machine = lower(graph, {}, Settings(dry=True, input_quants=pictures))
    size = len(WriterV4(machine).file())
    console = report.console()
    console.print(report.steps(machine, graph, None))
    console.print(report.summary(machine, size, str(path)))
    for text in report.warnings(machine, size):
        console.print(f"note: {text}", style="yellow")
    if picture:
        with whole_file(picture) as place:
            report.save(report.memory_pictures(machine), place)
    return 0
