# SPDX-License-Identifier: MIT
"""`k210 model profile`: what each layer takes on the emulator, in virtual time, against the estimate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rich.table import Table

from k210.board import Board
from k210.compiler import charts, report
from k210.compiler.compile import whole_file
from k210.compiler.estimate import step_seconds
from k210.emulator import Config
from k210.errors import K210Error, ScriptError
from k210.model.kmodel import Program, Step, shape_text
from k210.model.load import load

MODEL_AT = 0x300000
TIMEOUT = 600.0

# Runs step after step. The second call of layer_output gives the same result without running anything: what it
# takes is making and copying the result, which does not belong to the step. Both find the heap just collected.
SCRIPT = """
import KPU as kpu, time, gc
net = kpu.load({address})
source = bytes({size})
kpu.forward(net, source)
gc.collect()
t0 = time.ticks_us()
kpu.forward(net, source)
print('whole', time.ticks_diff(time.ticks_us(), t0))
args = (source,)
i = 0
while True:
    gc.collect()
    try:
        t0 = time.ticks_us()
        net.layer_output(i, *args)
        t1 = time.ticks_us()
        gc.collect()
        t2 = time.ticks_us()
        net.layer_output(i)
        t3 = time.ticks_us()
        print(i, time.ticks_diff(t1, t0) - time.ticks_diff(t3, t2))
    except IndexError:
        break
    args = ()
    i += 1
"""


@dataclass
class Timing:
    """Milliseconds measured of one step, and estimated if that is possible."""

    number: int
    step: Step
    measured: float
    estimated: float | None


def measure(path: Path, program: Program, board: str, port: str, address: int) -> tuple[float, list[float]]:
    """Milliseconds of the whole model and of each step."""
    size = sum(t.count * np.dtype(t.dtype).itemsize for t in program.inputs)
    if len(program.inputs) != 1:
        raise K210Error(f"{path} has {len(program.inputs)} inputs; only models with one can be profiled")
    script = SCRIPT.format(address=address, size=size)
    try:
        if port:
            with Board(port=port) as target:
                text = target.exec(script, timeout=TIMEOUT)
        else:
            config = Config(board=board, flash=(f"{path}@0x{MODEL_AT:x}",), icount=True)
            with Board.start(config) as target:
                text = target.exec(script, timeout=TIMEOUT)
    except ScriptError as e:
        raise K210Error(f"the board cannot run {path}: {e.traceback.strip().splitlines()[-1]}") from None
    rows = [line.split() for line in text.splitlines()]
    whole = next((float(v) / 1e3 for k, v in rows if k == "whole"), 0.0)
    return whole, [float(v) / 1e3 for k, v in rows if k != "whole"]


def table(timings: list[Timing], whole: float) -> Table:
    out = Table(header_style="bold", show_footer=True, footer_style="bold")
    total = sum(t.measured for t in timings)
    guess = sum(t.estimated or 0 for t in timings)
    out.add_column("#", justify="right", style="dim")
    out.add_column("step", "sum")
    out.add_column("in")
    out.add_column("result")
    out.add_column("measured ms", f"{total:.3f}", justify="right")
    out.add_column("estimate ms", f"{guess:.3f}", justify="right")
    out.add_column("share", f"{100 * total / max(whole, 1e-9):.0f} %", justify="right")
    for t in timings:
        share = t.measured / max(whole, 1e-9)
        out.add_row(
            str(t.number), t.step.name, ", ".join(map(shape_text, t.step.in_shapes)), shape_text(t.step.out_shape),
            f"{max(t.measured, 0):.3f}", "" if t.estimated is None else f"{t.estimated:.3f}", f"{100 * share:.1f} %",
            style="yellow" if share > 0.1 else "" if t.step.layer else "dim",
        )  # fmt: skip
    return out


def picture(timings: list[Timing], name: str) -> Image.Image:
    labels = [f"{t.number} {t.step.name} {shape_text(t.step.out_shape)}" for t in timings]
    return charts.bars(
        charts.Bars(
            f"{name}: time of each step", "ms", labels,
            {"measured": [t.measured for t in timings], "estimate": [t.estimated for t in timings]},
        )
    )  # fmt: skip


def profile(path: Path, board: str, port: str, address: int, out: Path | None) -> int:
    program = load(path)
    steps = list(program.steps())
    whole, measured = measure(path.resolve(), program, board, port, address)
    if len(measured) != len(steps):
        raise K210Error(f"the board has {len(measured)} steps for {path}, the file {len(steps)}: is it the same model?")
    timings = []
    for i, (step, m) in enumerate(zip(steps, measured, strict=True)):
        guess = step_seconds(step)
        timings.append(Timing(i, step, m, None if guess is None else guess * 1e3))
    console = report.console()
    console.print(table(timings, whole))
    on_kpu = sum(t.measured for t in timings if t.step.layer)
    console.print("The first step includes what it takes to bring the input into place.", style="dim")
    console.print(
        f"{path.name}: {whole:.2f} ms for the whole model, {1000 / max(whole, 1e-9):.1f} pictures a second; "
        f"KPU steps {on_kpu:.2f} ms, CPU steps {sum(t.measured for t in timings) - on_kpu:.2f} ms"
        + ("" if port else " (virtual time of the emulator)")
    )
    if out:
        with whole_file(out) as place:
            charts.stack([picture(timings, path.name)]).save(place, "PNG")
        console.print(f"wrote the picture {out}")
    return 0
