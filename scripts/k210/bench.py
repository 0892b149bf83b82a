# SPDX-License-Identifier: MIT
"""`make bench`: how fast the emulator is on this computer, and the firmware on the emulated board.

"host" rows depend on this computer; "board" rows are virtual time under --icount and depend on the
firmware and the model of the hardware only.
"""

import argparse
import ast
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from k210 import bench_film, bench_image, bench_tests, paths, perfbench
from k210.board import Board
from k210.emulator import Config
from k210.errors import K210Error
from k210.model.info import seconds
from k210.model.load import load

OUTPUT = paths.BUILD / "bench"
MODEL = "models/face_model_at_0x300000.kfpkg"
PICTURE = "images/astronaut.png"
NANOSECONDS_PER_INSTRUCTION = 4  # as k210.emulator.ICOUNT has it
STARTS = 5
SCRIPT = "scripts/seed_face_detect.py"
TUTORIAL_PICTURES = 100

LOOP = """
import time
start = time.ticks_us()
n = 200000
while n:
    n -= 1
print(time.ticks_diff(time.ticks_us(), start))
"""

DETECT = """
import sensor, lcd, time
import KPU as kpu
lcd.init()
sensor.reset()
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.run(1)
task = kpu.load(0x300000)
anchors = (1.889, 2.5245, 2.9465, 3.94056, 3.99987, 5.3658, 5.155437, 6.92275, 6.718375, 9.01025)
kpu.init_yolo2(task, 0.5, 0.3, 5, anchors)
times = []
for i in range(12):
    t0 = time.ticks_us()
    img = sensor.snapshot()
    t1 = time.ticks_us()
    found = kpu.run_yolo2(task, img)
    t2 = time.ticks_us()
    lcd.display(img)
    t3 = time.ticks_us()
    times.append((time.ticks_diff(t1, t0), time.ticks_diff(t2, t1), time.ticks_diff(t3, t2)))
print(times)
"""

INFERENCE = """
import time
import KPU as kpu
times = []
for stream in (False, True):
    with kpu.load(0x300000, stream=stream) as net:
        data = bytes(net.inputs()[0][2])
        for i in range(3):
            start = time.ticks_us()
            kpu.forward(net, data)
            took = time.ticks_diff(time.ticks_us(), start)
        times.append((net.mode(), took))
print(times)
"""


@dataclass(frozen=True)
class Row:
    """One measured figure."""

    name: str
    value: float
    unit: str
    clock: str  # host or board


def prompt_time(config: Config) -> list[Row]:
    seconds = []
    for _ in range(STARTS):
        start = time.monotonic()
        with Board.start(config):
            seconds.append(time.monotonic() - start)
    return [Row("from start to the prompt", statistics.median(seconds), "s", "host")]


def loop_speed(config: Config) -> list[Row]:
    with Board.start(replace(config, icount=True)) as board:
        start = time.monotonic()
        guest = int(board.exec(LOOP))
        host = time.monotonic() - start
    instructions = guest * 1000 / NANOSECONDS_PER_INSTRUCTION / 1e6
    with Board.start(config) as board:
        start = time.monotonic()
        board.exec(LOOP)
        free = time.monotonic() - start
    return [
        Row("200000 rounds of a Python loop", guest / 1e6, "s", "board"),
        Row("200000 rounds of a Python loop, no --icount", free, "s", "host"),
        Row("guest instructions, no --icount", instructions / free, "MIPS", "host"),
        Row("guest instructions with --icount", instructions / host, "MIPS", "host"),
    ]


def detection(config: Config) -> list[Row]:
    data = paths.test_data()
    if not (data / MODEL).exists():
        print(f"k210: no test data at {data}, so no figures of the face detector", file=sys.stderr)
        return []
    config = replace(config, flash=(*config.flash, str(data / MODEL)), camera=data / PICTURE)
    rows = []
    for clock, icount in (("board", True), ("host", False)):
        with Board.start(replace(config, icount=icount)) as board:
            start = time.monotonic()
            # The first rounds fill the pipeline.
            times = ast.literal_eval(board.exec(DETECT, timeout=300))[2:]
            host = time.monotonic() - start
        capture, run, show = (statistics.mean(t[i] for t in times) / 1000 for i in range(3))
        if clock == "board":
            rows += [
                Row("face detector: sensor.snapshot()", capture, "ms", clock),
                Row("face detector: kpu.run_yolo2()", run, "ms", clock),
                Row("face detector: lcd.display()", show, "ms", clock),
                Row("face detector: pictures", 1000 / (capture + run + show), "per s", clock),
            ]
        else:
            # Without --icount the board's clock is the host's. The KPU never is faster than the chip's.
            rows += [
                Row("face detector, no --icount: kpu.run_yolo2()", run, "ms", clock),
                Row("face detector, no --icount: pictures", 1000 / (capture + run + show), "per s", clock),
                Row("face detector, no --icount: load and 12 pictures", host, "s", clock),
            ]
    rows.append(tutorial(config, data))
    return rows


CAMERA_TO_LCD = """
import sensor, lcd, time
lcd.init()
sensor.reset(freq=24000000)
sensor.set_pixformat(sensor.RGB565)
sensor.set_framesize(sensor.QVGA)
sensor.set_framerate(60)
sensor.run(1)
for i in range(40):
    if i == 10:
        start = time.ticks_us()
    lcd.display(sensor.snapshot())
print(time.ticks_diff(time.ticks_us(), start) / 30)
"""


def camera(config: Config) -> list[Row]:
    """Pictures per second from an OV7740, which sends 60 at 24 MHz (63 with the clock that the divider gives)."""
    sensor = ("-M", "sensor=ov7740")
    config = replace(config, icount=True, qemu_arguments=sensor)
    with Board.start(config) as board:
        microseconds = float(board.exec(CAMERA_TO_LCD, timeout=300))
    rows = [Row("camera to LCD, QVGA, OV7740 at 24 MHz: pictures", 1e6 / microseconds, "per s", "board")]
    data = paths.test_data()
    if (data / MODEL).exists():
        config = replace(config, flash=(*config.flash, str(data / MODEL)), camera=data / PICTURE)
        script = DETECT.replace("sensor.reset()", "sensor.reset(freq=24000000)")
        script = script.replace("sensor.run(1)", "sensor.set_framerate(60)\nsensor.run(1)")
        with Board.start(config) as board:
            times = ast.literal_eval(board.exec(script, timeout=300))[2:]
        rate = len(times) / sum(sum(t) for t in times) * 1e6
        rows.append(Row("face detector, OV7740 at 24 MHz: pictures", rate, "per s", "board"))
    return rows


def tutorial(config: Config, data: Path) -> Row:
    """The tutorial's script, byte for byte, for as long as TUTORIAL_PICTURES take."""
    with Board.start(config) as board:
        marks: list[float] = []
        first = board.pictures() + 3

        def enough() -> bool:
            if not marks and board.pictures() >= first:
                marks.append(time.monotonic())
            return board.pictures() >= first + TUTORIAL_PICTURES

        board.stream((data / SCRIPT).read_bytes(), lambda _: None, timeout=120, until=enough)
        seconds = time.monotonic() - marks[0]
    return Row("tutorial script, no --icount: pictures", TUTORIAL_PICTURES / seconds, "per s", "host")


def tests(config: Config) -> list[Row]:
    rows = []
    for workers in bench_tests.WORKERS:
        try:
            run = bench_tests.throughput(config.board, workers)
        except K210Error as e:
            # So many emulators at once may be too many for this computer, if it has other things to do.
            print(f"k210: {e}", file=sys.stderr, flush=True)
            continue
        rows.append(Row(f"tests on {workers} emulator(s), start included", run.per_minute, "per min", "host"))
    share, resident = bench_tests.memory(config)
    rows.append(Row("memory of an emulator, its share (PSS)", share, "MiB", "host"))
    rows.append(Row("memory of an emulator, all it sees (RSS)", resident, "MiB", "host"))
    return rows


def models(config: Config) -> list[Row]:
    """Every model of the test data: one inference with the weights in memory and streamed from flash."""
    rows = []
    for path in sorted((paths.test_data() / "models").glob("*.kmodel")):
        kpu = sum(seconds(step) or 0 for step in load(path).steps())
        with Board.start(replace(config, flash=(*config.flash, f"{path}@0x300000"), icount=True)) as board:
            times = ast.literal_eval(board.exec(INFERENCE, timeout=300))
        rows += [Row(f"{path.name}: {mode}", took / 1000, "ms", "board") for mode, took in times]
        rows.append(Row(f"{path.name}: of it KPU layers", kpu * 1000, "ms", "board"))
    return rows


CRYPTO = """
import hashlib, cryptolib, time
data = bytes(1 << 20)
out = bytearray(len(data))
def us(f):
    start = time.ticks_us()
    f()
    return time.ticks_diff(time.ticks_us(), start)
def in_pieces():
    h = hashlib.sha256(b"")
    h.update(memoryview(data)[:64])
    h.update(memoryview(data)[64:])
    h.digest()
print([
    us(lambda: hashlib.sha256(data).digest()), us(in_pieces),
    us(lambda: cryptolib.aes(bytes(16), 2, bytes(16)).encrypt(data, out)),
    us(lambda: cryptolib.aes(bytes(16), 2, bytes(16), hard=False).encrypt(data, out)),
])
"""


def crypto(config: Config) -> list[Row]:
    with Board.start(replace(config, icount=True)) as board:
        times = ast.literal_eval(board.exec(CRYPTO, timeout=300))
    names = (
        "SHA-256 of 1 MiB",
        "SHA-256 of 1 MiB, in software",
        "AES-128-CBC of 1 MiB",
        "AES-128-CBC of 1 MiB, in software",
    )
    return [Row(name, us / 1000, "ms", "board") for name, us in zip(names, times, strict=True)]


def perf_bench(config: Config) -> list[Row]:
    """MicroPython's own benchmarks, as counts of instructions."""
    if not perfbench.suite().is_dir():
        print(f"k210: no benchmarks in {perfbench.suite()} (MICROPY_DIR)", file=sys.stderr)
        return []
    results = list(perfbench.run(config))
    for result in results:
        if result.skipped:
            print(f"k210: perf_bench/{result.name}: {result.skipped}")
    return [Row(f"perf_bench/{r.name}", r.millions, "M instructions", "board") for r in results if not r.skipped]


def images(config: Config) -> list[Row]:
    figures = bench_image.cycles_per_pixel(config)
    return [Row(f"image: {name}", value, "cycles/pixel", "board") for name, value in figures.items()]


def films(config: Config) -> list[Row]:
    rate, decode, size = bench_film.measure(config, paths.test_data() / PICTURE)
    return [
        Row(f"film, QVGA, JPEG of {size:.0f} KiB from the SD card: pictures", rate, "per s", "board"),
        Row("film: to decode one of its pictures", decode, "ms", "board"),
    ]


@dataclass(frozen=True)
class Base:
    """The figures to compare with: those of a bench.json."""

    commit: str
    values: dict[str, float]

    @classmethod
    def read(cls, path: Path) -> "Base":
        try:
            content = json.loads(path.read_text())
            return cls(content.get("commit", ""), {row["name"]: row["value"] for row in content["rows"]})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
            raise K210Error(f"{path} has no figures to compare with: {e}") from None


def commit() -> str:
    command = ["git", "-C", str(paths.ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def change(row: Row, base: Base | None) -> str:
    before = base.values.get(row.name) if base else None
    return "" if not before else f"{100 * (row.value / before - 1):+.1f} %"


def markdown(rows: list[Row], board: str, base: Base | None = None) -> str:
    against = f" Change against {base.commit or 'the figures given'}." if base else ""
    lines = [f"# {board} on the emulator", "", f"Commit {commit() or 'unknown'}.{against}", ""]
    lines += ["| What | Figure | Clock | Change |", "|---|---:|---|---:|"]
    lines += [f"| {row.name} | {row.value:.3g} {row.unit} | {row.clock} | {change(row, base)} |" for row in rows]
    lines += ["", f"host: {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}", ""]
    return "\n".join(lines)


def write(folder: Path, rows: list[Row], board: str, base: Base | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"board": board, "commit": commit(), "rows": [asdict(row) for row in rows]}, indent=2)
    (folder / "bench.json").write_text(text + "\n")
    (folder / "bench.md").write_text(markdown(rows, board, base))


def main() -> int:
    parser = argparse.ArgumentParser(prog="k210.bench", description=__doc__)
    parser.add_argument("--board", default=paths.DEFAULT_BOARD)
    parser.add_argument("--base", type=Path, help="bench.json to compare with; without it the last one")
    parser.add_argument("--only", help="just the measurements whose name has this in it, such as images")
    options = parser.parse_args()
    config = Config(board=options.board)
    rows: list[Row] = []
    measurements: list[Callable[[Config], list[Row]]] = [
        prompt_time,
        loop_speed,
        detection,
        camera,
        images,
        films,
        models,
        crypto,
        perf_bench,
        tests,
    ]
    if options.only:
        measurements = [m for m in measurements if options.only in m.__name__]
    last = OUTPUT / "bench.json"
    try:
        base = Base.read(options.base) if options.base else Base.read(last) if last.exists() else None
    except K210Error as e:
        print(f"k210: {e}", file=sys.stderr)
        return 1
    failed = []
    for measure in measurements:
        name = measure.__name__.replace("_", " ")
        print(f"k210: measuring {name}", flush=True)
        # A second time, because a busy computer may be too slow to start an emulator in time.
        for last_try in (False, True):
            try:
                rows += measure(config)
                break
            except K210Error as e:
                print(f"k210: {name}: {e}", file=sys.stderr, flush=True)
                if last_try:
                    failed.append(name)
        write(OUTPUT, rows, options.board, base)
    print(markdown(rows, options.board, base))
    if failed:
        print(f"k210: not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
