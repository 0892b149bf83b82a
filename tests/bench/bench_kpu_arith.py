# SPDX-License-Identifier: MIT
"""How long the emulator's host computer needs for the KPU layers of one face detection.

bench_kpu_arith.py [--json] [--runs N] [--portable] [--layers]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))

import kpu_arith_lib as lib


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--portable", action="store_true", help="measure the kernels without AVX2")
    parser.add_argument("--layers", action="store_true", help="print the time of every layer too")
    args = parser.parse_args()

    model = lib.test_data() / "models" / "detect.kmodel"
    picture = lib.test_data() / "images" / "astronaut_320x240.ppm"
    if not model.exists() or not picture.exists():
        print(f"bench_kpu_arith: {model} and {picture} are needed (K210_TEST_DATA)", file=sys.stderr)
        return 1
    library = lib.temporary_library()
    library.k210_kpu_force_portable(args.portable)
    data = model.read_bytes()
    convs = list(lib.convs_v3(data))
    kpu = lib.Kpu(library, data)
    lib.place_input(kpu, convs[0].words, lib.read_ppm(picture))
    first = kpu.ram.copy()

    runs, cpu, per_layer, cycles = [], [], [0.0] * len(convs), 0
    for _ in range(args.runs):
        kpu.ram[:] = first
        cycles = 0
        start, start_cpu = time.perf_counter(), time.process_time()
        for i, conv in enumerate(convs):
            before = time.perf_counter()
            kpu.begin(conv.placed(kpu.base, False), conv.eight_bit)
            kpu.compute()
            kpu.finish()
            per_layer[i] += (time.perf_counter() - before) / args.runs
            cycles += kpu.cycles()
        runs.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
    result = {
        "kernels": library.k210_kpu_kernel_name().decode(),
        "layers": len(convs),
        "host_ms_median": round(1e3 * sorted(runs)[len(runs) // 2], 2),
        "host_ms_best": round(1e3 * min(runs), 2),
        "host_cpu_ms_median": round(1e3 * sorted(cpu)[len(cpu) // 2], 2),
        "kpu_cycles": cycles,
        "chip_ms_at_400_mhz": round(cycles / 400e3, 2),
    }
    if args.json:
        print(json.dumps(result))
    else:
        print(
            f"face inference, {result['layers']} KPU layers on the host ({result['kernels']}): "
            f"{result['host_ms_median']} ms median, {result['host_ms_best']} ms best, "
            f"{result['host_cpu_ms_median']} ms of CPU time; "
            f"on the chip {result['chip_ms_at_400_mhz']} ms at 400 MHz by the timing model"
        )
    if args.layers:
        for i, (conv, seconds) in enumerate(zip(convs, per_layer, strict=True)):
            print(f"{i:3} {conv.in_shape} -> {conv.out_shape}: {1e3 * seconds:.3f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
