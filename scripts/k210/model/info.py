# SPDX-License-Identifier: MIT
"""`k210 model info`: what a model is made of, as a table or as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from k210.model.kmodel import Program, Step, shape_text
from k210.model.kpu import CLOCK_HZ, LINES, POOL_NAMES, KpuLayer
from k210.model.load import load

BAR = 12  # characters


@dataclass
class Summary:
    """Everything that info says about a model."""

    program: Program
    steps: list[Step]

    @property
    def weights(self) -> int:
        return sum(s.parameters for s in self.steps)

    @property
    def kpu_seconds(self) -> float:
        return sum(seconds(s) or 0 for s in self.steps)

    @property
    def macs(self) -> int:
        return sum(s.layer.macs() * s.batches for s in self.steps if s.layer)

    def lines_used(self) -> int:
        """Lines of AI memory that are touched; v3 says the lowest one itself."""
        if self.program.lowest_line is not None:
            return LINES - self.program.lowest_line
        used, end = 0, 0
        for first, last in sorted(
            p for s in self.steps for p in s.lines + (s.layer.lines(s.batches) if s.layer else [])
        ):
            used += max(0, last - max(first, end))
            end = max(end, last)
        return used


def seconds(step: Step) -> float | None:
    return step.layer.seconds() * step.batches if step.layer else None


def summarize(program: Program) -> Summary:
    return Summary(program, list(program.steps()))


def as_json(summary: Summary) -> dict:
    program = summary.program
    return {
        "version": program.version,
        "target": program.target,
        "bytes": program.size,
        "facts": program.facts,
        "inputs": [t.as_json() for t in program.inputs],
        "outputs": [t.as_json() for t in program.outputs],
        "parameter_bytes": summary.weights,
        "main_memory": program.main_memory,
        "ai_lines_used": summary.lines_used(),
        "ai_lines_free": LINES - summary.lines_used(),
        "macs": summary.macs,
        "kpu_ms": round(summary.kpu_seconds * 1e3, 4),
        "clock_hz": CLOCK_HZ,
        "steps": [_step_json(s) for s in summary.steps],
    }


def _step_json(step: Step) -> dict:
    row: dict = {
        "type": step.name,
        "in": [list(s) for s in step.in_shapes],
        "out": list(step.out_shape),
        "dtype": step.dtype,
        "parameter_bytes": step.parameters,
    }
    if step.layer:
        row |= {
            "kernel": step.layer.kernel,
            "depthwise": step.layer.depthwise,
            "pool": step.layer.pool,
            "batches": step.batches,
            "ms": round((seconds(step) or 0) * 1e3, 4),
        }
    return row


def _layer_cells(layer: KpuLayer) -> tuple[str, str]:
    kernel = layer.describe() + (" depthwise" if layer.depthwise else "")
    return kernel, "stride 2 in" if layer.first_stride else POOL_NAMES[layer.pool]


def _header(summary: Summary, name: str) -> Table:
    program = summary.program
    used = summary.lines_used()
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_column(style="bold")
    table.add_column()
    rows = {"file": name, "kmodel": f"version {program.version} for {program.target}, {program.size:,} bytes"}
    rows |= {f"input {i}": t.describe() for i, t in enumerate(program.inputs)}
    rows |= {f"output {i}": t.describe() for i, t in enumerate(program.outputs)}
    rows |= program.facts
    rows["parameters"] = f"{summary.weights:,} bytes"
    rows["main memory"] = f"{program.main_memory:,} bytes"
    rows["AI memory"] = (
        f"{used:,} of {LINES:,} lines used ({used / 16:,.0f} KiB), "
        f"{LINES - used:,} free ({(LINES - used) / 16:,.0f} KiB)"
    )
    for label, text in rows.items():
        table.add_row(label, text)
    return table


def _bar(time: float, longest: float) -> str:
    """Eighths of a character, so that small shares are seen too; the longest layer fills the column."""
    eighths = round(BAR * 8 * time / longest) if longest else 0
    return "\u2588" * (eighths // 8) + (chr(0x2590 - eighths % 8) if eighths % 8 else "")


def _steps(summary: Summary) -> Table:
    table = Table(show_footer=True, header_style="bold", footer_style="bold")
    kpu = [s for s in summary.steps if s.layer]
    table.add_column("#", justify="right", style="dim")
    table.add_column("type", f"{len(summary.steps)} steps, {len(kpu)} on the KPU")
    table.add_column("in")
    table.add_column("out")
    table.add_column("kernel")
    table.add_column("pool", f"{summary.macs / 1e6:,.1f} M MACs")
    table.add_column("bytes", f"{summary.weights:,}", justify="right")
    table.add_column("ms", f"{summary.kpu_seconds * 1e3:.3f}", justify="right")
    table.add_column("share", "of the KPU's time", min_width=BAR)
    longest = max((seconds(s) or 0 for s in summary.steps), default=0)
    for number, step in enumerate(summary.steps):
        kernel, pool = _layer_cells(step.layer) if step.layer else ("", "")
        time = seconds(step)
        style = "" if step.layer else "dim"
        if time and time > 0.5 * longest:
            style = "yellow"
        table.add_row(
            str(number),
            step.name + (f" \u00d7{step.batches}" if step.batches > 1 else ""),
            ", ".join(map(shape_text, step.in_shapes)),
            f"{shape_text(step.out_shape)} {'u8' if step.dtype == 'uint8' else step.dtype}",
            kernel,
            pool,
            f"{step.parameters:,}" if step.parameters else "",
            f"{time * 1e3:.3f}" if time else "",
            _bar(time or 0, longest),
            style=style,
        )
    return table


def info(path: Path, machine_readable: bool) -> int:
    summary = summarize(load(path))
    if machine_readable:
        print(json.dumps(as_json(summary), indent=2))
        return 0
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    console.print(_header(summary, path.name))
    console.print(_steps(summary))
    console.print(
        f"ms: estimate for the KPU at {CLOCK_HZ / 1e6:.0f} MHz, weights fetched from SRAM; CPU steps are not estimated",
        style="dim",
    )
    return 0
