# SPDX-License-Identifier: MIT
"""What compile and check tell: what runs where, memory, time, and the error of each layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from k210.compiler import charts, estimate
from k210.compiler.errors import LayerError, Sums
from k210.compiler.graph import Graph
from k210.compiler.importer import shape_text
from k210.compiler.machine import Buffer, Machine, Map, Node
from k210.compiler.plan import lives
from k210.model.kpu import LINES, POOL_NAMES

ROOM = 5_500_000  # bytes of SRAM that firmware and stacks leave for a model and the script
LOW_SNR = 15.0  # decibel; a layer below has lost a good part of what it says


def console() -> Console:
    out = Console()
    return out if out.is_terminal else Console(width=170)


def what(node: Node) -> str:
    """The operation in words."""
    if node.conv is None:
        return {"qbinary": "u8 " + node.fields.get("op", ""), "binary": "float " + node.fields.get("op", ""),
                "reduce_window": "pool", "nnil": "function", "qconv": "u8 convolution", "qmatmul": "u8 matrix",
                "matmul": "float matrix"}.get(node.kind, node.kind)  # fmt: skip
    k = node.conv.weight.shape[2]
    text = f"{k}\u00d7{k}" + (" depthwise" if node.conv.depthwise else "")
    if not node.conv.act.identity:
        text += f", {function_name(str(node.conv.act))}"
    return text + (f", {POOL_NAMES[node.conv.pool]}" if node.conv.pool else "")


def function_name(text: str) -> str:
    known = {"max(x, 0)": "ReLU", "min(max(x, 0), 6)": "ReLU6", "(x * sigmoid(x))": "SiLU", "sigmoid(x)": "sigmoid"}
    if text.startswith("max(x, (x * "):
        return "leaky ReLU"
    return known.get(text, text if len(text) <= 24 else text[:21] + "...")


def result_shape(machine: Machine, graph: Graph, node: Node) -> tuple[int, ...]:
    target = node.writes[0]
    if isinstance(target, Map):
        return target.shape
    known = graph.shapes.get(node.value, ())
    return known if math.prod(known) == target.count else (target.count,)


def summary(machine: Machine, size: int, name: str) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_column(style="bold")
    table.add_column()
    kpu = sum(n.kind == "kpu" for n in machine.nodes)
    times = [estimate.seconds(n) for n in machine.nodes]
    on_kpu = sum(t for t, n in zip(times, machine.nodes, strict=True) if n.kind == "kpu")
    rows = {"network": name}
    for label, shape, place in zip(machine.input_names, machine.input_shapes, machine.inputs, strict=True):
        kind = "u8" if isinstance(place, Map) or place.dtype == "u1" else "f32"
        rows[f"input {label}"] = f"{kind} {shape_text(shape)}" + (
            ", straight to the KPU" if isinstance(place, Map) else ""
        )
    for label, shape in zip(machine.output_names, machine.output_shapes, strict=True):
        rows[f"output {label}"] = f"f32 {shape_text(shape)}"
    rows["steps"] = f"{len(machine.nodes)}: {kpu} on the KPU, {len(machine.nodes) - kpu} on the CPU"
    rows["kmodel"] = f"{size:,} bytes"
    rows["AI memory"] = f"{machine.lines_used * 64 >> 10:,} of {LINES * 64 >> 10:,} KiB"
    rows["main memory"] = f"{machine.main_size:,} bytes, with the kmodel {machine.main_size + size:,}"
    rows["estimate"] = (
        f"{sum(times) * 1e3:.1f} ms per picture at 400 MHz: KPU {on_kpu * 1e3:.1f}, "
        f"CPU {(sum(times) - on_kpu) * 1e3:.1f}"
    )
    for label, text in rows.items():
        table.add_row(label, text)
    return table


def warnings(machine: Machine, size: int) -> list[str]:
    """What a user should know before it surprises him."""
    found = []
    if size + machine.main_size > ROOM:
        found.append(
            f"kmodel and buffers take {(size + machine.main_size) / 1e6:.1f} MB; a K210 has about {ROOM / 1e6:.1f} MB "
            "for them: use fewer channels or a smaller picture"
        )
    tall = [n for n in machine.nodes if n.kind == "kpu" and _source(n).shape[1] > 256]
    if tall:
        rows = _source(tall[0]).shape[1]
        found.append(f"node {tall[0].name}: its input is {rows} rows high; the vendor's tools promise 256 at most")
    times = {n: estimate.seconds(n) for n in machine.nodes}
    slow = [n for n in machine.nodes if n.kind != "kpu" and times[n] > 5e-3 and times[n] > 0.1 * sum(times.values())]
    for node in slow[:5]:
        found.append(f"node {node.name} runs on the CPU ({what(node)}) and takes about {times[node] * 1e3:.0f} ms")
    return found


def _source(node: Node) -> Map:
    place = node.reads[0]
    assert isinstance(place, Map)
    return place


def steps(machine: Machine, graph: Graph, errors: Sequence[LayerError] | None) -> Table:
    """One row for each node."""
    measured = {e.number: e.sums for e in errors or []}
    table = Table(header_style="bold", show_footer=True, footer_style="bold")
    total = sum(estimate.seconds(n) for n in machine.nodes) * 1e3
    table.add_column("#", justify="right", style="dim")
    table.add_column("ONNX node", overflow="fold")
    table.add_column("on")
    table.add_column("what", overflow="fold")
    table.add_column("result")
    table.add_column("AI lines", justify="right")
    table.add_column("main", justify="right")
    table.add_column("ms", f"{total:.2f}", justify="right")
    if errors is not None:
        for name in ("range", "table", "cosine", "SNR dB"):
            table.add_column(name, justify="right")
    for i, node in enumerate(machine.nodes):
        maps = [p for p in node.writes if isinstance(p, Map)]
        buffers = [p for p in node.writes if isinstance(p, Buffer)]
        cells = [
            str(i), node.name, "KPU" if node.kind == "kpu" else "CPU", what(node),
            shape_text(result_shape(machine, graph, node)) + ("" if maps or buffers[0].dtype == "u1" else " f32"),
            f"{maps[0].line}+{maps[0].lines}" if maps else "", f"{buffers[0].start:,}" if buffers else "",
            f"{estimate.seconds(node) * 1e3:.3f}",
        ]  # fmt: skip
        style = "" if node.kind == "kpu" else "dim"
        if errors is not None:
            quant = node.quant
            cells.append(f"{-quant.zero * quant.scale:.3g} .. {(255 - quant.zero) * quant.scale:.3g}" if quant else "")
            cells.append(f"{node.layer.table.rms:.2f}" if node.layer else "")
            sums = measured.get(i)
            cells += [f"{sums.cosine:.5f}", f"{sums.snr:.1f}"] if sums else ["", ""]
            if sums and sums.snr < LOW_SNR:
                style = "yellow"
        table.add_row(*cells, style=style)
    return table


def outputs(machine: Machine, sums: Sequence[Sums]) -> Table:
    table = Table(header_style="bold")
    for name in ("output", "cosine", "SNR dB", "largest error"):
        table.add_column(name, justify="left" if name == "output" else "right")
    for label, s in zip(machine.output_names, sums, strict=True):
        table.add_row(label, f"{s.cosine:.5f}", f"{s.snr:.1f}", f"{s.worst:.3g}")
    return table


def memory_pictures(machine: Machine) -> list[Image.Image]:
    """AI memory and main memory over the steps."""
    images = []
    for kind, title, size, unit, divisor in (
        (Map, f"AI memory ({machine.lines_used / 16:,.0f} of {LINES / 16:,.0f} KiB)", machine.lines_used, "KiB", 16.0),
        (Buffer, "Main memory", machine.main_size, "KiB", 1024.0),
    ):
        blocks = [
            charts.Block(
                life.place.value.rpartition(".")[0] or life.place.value, life.first, life.last,
                life.place.line if isinstance(life.place, Map) else life.place.start, life.size,
            )
            for life in lives(machine, kind)
        ]  # fmt: skip
        if blocks:
            images.append(charts.memory(charts.Memory(title, len(machine.nodes), size, unit, divisor, blocks)))
    return images


def error_picture(errors: Sequence[LayerError]) -> Image.Image:
    return charts.bars(
        charts.Bars(
            "Signal to noise of each layer against the float network", "dB",
            [f"{e.number} {e.node.name}" for e in errors],
            {"SNR (more is better)": [min(max(e.sums.snr, 0), 60) for e in errors]}, limit=LOW_SNR,
        )
    )  # fmt: skip


def save(images: Sequence[Image.Image], path: Path) -> None:
    charts.stack(images).save(path, "PNG")
