# SPDX-License-Identifier: MIT
"""Fuzz targets of the image module under ASan and UBSan: files, find_*, readers of codes. Short and deterministic.

K210_FUZZ_SECONDS=1200 runs libFuzzer (clang) so long on each, and keeps what it finds in build/tests/image/fuzz/.
"""

from __future__ import annotations

import io
import os
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

import code_core
import pytest
from image_core import BUILD, FUZZ, SANITIZE, build
from PIL import Image, ImageDraw

# Of the core, and of the target itself and the linker.
LIBFUZZER = ["-O1", "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize-recover=all"]
LIBFUZZER_MAIN = ["-DFUZZ_LIBFUZZER", "-fsanitize=fuzzer,address,undefined"]
TARGETS = ("image", "find", "codes")

pytestmark = pytest.mark.timeout(600)  # the first test of a target compiles


def program(name: str, out: Path, flags: list[str], link: list[str]) -> Path:
    link = [*link, f"-I{FUZZ}"]
    if name == "codes":
        return code_core.build(out, flags, [FUZZ / "fuzz_find.c"], [*link, "-DFUZZ_CODES"])
    return build(out, flags, [FUZZ / f"fuzz_{name}.c"], link)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def pictures() -> dict[str, bytes]:
    p = Image.new("RGB", (37, 21), (30, 60, 160))
    d = ImageDraw.Draw(p)
    d.ellipse((4, 2, 30, 18), fill=(250, 200, 20))
    d.line((0, 20, 36, 0), fill=(255, 255, 255), width=2)
    files = {
        "color.jpg": saved(p, "JPEG", quality=60),
        "444.jpg": saved(p, "JPEG", quality=90, subsampling=0, restart_marker_blocks=2),
        "422.jpg": saved(p, "JPEG", quality=30, subsampling=1),
        "gray.jpg": saved(p.convert("L"), "JPEG", optimize=True),
        "progressive.jpg": saved(p, "JPEG", progressive=True),
        "color.png": saved(p, "PNG"),
        "alpha.png": saved(p.convert("RGBA"), "PNG"),
        "gray.png": saved(p.convert("L"), "PNG", compress_level=0),
        "palette.png": saved(p.quantize(14), "PNG", bits=4),
        "clear.png": saved(p.quantize(9), "PNG", bits=4, transparency=2),
        "bits.png": saved(p.convert("1"), "PNG"),
        "color.bmp": saved(p, "BMP"),
        "gray.bmp": saved(p.convert("L"), "BMP"),
        "palette.bmp": saved(p.quantize(200), "BMP"),
        "bits.bmp": saved(p.convert("1"), "BMP"),
        "color.ppm": saved(p, "PPM"),
        "gray.pgm": saved(p.convert("L"), "PPM"),
        "anim.gif": saved(p.quantize(8), "GIF"),
    }
    return files


def stream(jpeg: bytes) -> bytes:
    """A picture of each kind, as ImageWriter leaves them."""
    kinds = [(0, 33, 5, bytes(5 * 8)), (1, 7, 3, bytes(21)), (2, 5, 5, bytes(50)), (len(jpeg), 37, 21, jpeg)]
    out = b"OMV IMG STR V1.0"
    for kind, w, h, data in kinds:
        out += struct.pack("<IIII", 40, w, h, kind) + data + bytes(-len(data) % 16)
    return out


def cascade() -> bytes:
    stages, features = bytes([1, 2]), 3
    out = struct.pack("<III", 8, 8, 2) + stages + struct.pack("<hh", -50, 100)
    out += struct.pack("<3h", 0, 10, -20) + struct.pack("<3h", -60, 90, 5) + struct.pack("<3h", 70, -10, 80)
    out += bytes([2] * features) + bytes([0xFF, 2] * features)
    return out + bytes([0, 0, 8, 8, 0, 4, 8, 4, 1, 1, 6, 6, 3, 1, 2, 6, 2, 2, 4, 4, 2, 2, 2, 4])


def seeds(name: str, folder: Path) -> list[Path]:
    if name == "image":
        files = pictures()
        files["film.bin"] = stream(files["color.jpg"])
        files["face.cascade"] = cascade()
    else:
        # Who looks for what is in the first bytes of the input: one of each, on noise and on boxes.
        rng = random.Random(1)
        kinds = 4 if name == "codes" else 15
        files = {}
        for k in range(kinds * 2):
            head = struct.pack(">HH", 63, k % kinds) + bytes(rng.randrange(256) for _ in range(110))
            files[f"{k:02}.bin"] = head + bytes(rng.randrange(256) for _ in range(600))
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    return sorted(folder.iterdir())


def environment(name: str) -> dict[str, str]:
    # The libraries keep to themselves what they forget to free: it goes with the work area.
    return os.environ | ({"ASAN_OPTIONS": "detect_leaks=0"} if name == "codes" else {})


def run(name: str, *args: object) -> int:
    target = program(name, BUILD / f"fuzz_{name}", [*SANITIZE, "-O1"], [])
    done = subprocess.run(
        [target, *map(str, args)], capture_output=True, text=True, timeout=900, check=False, env=environment(name)
    )
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    found = re.search(r"(\d+) opened", done.stdout)
    assert found
    return int(found[1])


def test_good_files(tmp_path: Path) -> None:
    files = seeds("image", tmp_path)
    refused = [f for f in files if run("image", "--once", f) == 0]
    assert [f.name for f in refused] == ["anim.gif", "progressive.jpg"]


def test_files_cut_anywhere(tmp_path: Path) -> None:
    run("image", "--cut", *seeds("image", tmp_path))


@pytest.mark.parametrize(("name", "runs"), [("image", 600), ("find", 40), ("codes", 12)])
def test_mutations(name: str, runs: int, tmp_path: Path) -> None:
    assert run(name, "--runs", runs, "--seed", 5, *seeds(name, tmp_path)) > 0


@pytest.mark.skipif("K210_FUZZ_SECONDS" not in os.environ, reason="K210_FUZZ_SECONDS says how long")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", TARGETS)
def test_libfuzzer(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which("clang"):
        pytest.skip("needs clang with libFuzzer (Debian: clang, libclang-rt-dev)")
    monkeypatch.setenv("CC", "clang")
    target = program(name, BUILD / f"libfuzzer_{name}", LIBFUZZER, LIBFUZZER_MAIN)
    corpus = BUILD / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    seeds(name, tmp_path / "seeds")
    limits = [
        f"-max_total_time={os.environ['K210_FUZZ_SECONDS']}",
        "-rss_limit_mb=1000",
        "-timeout=60",
        "-max_len=4000",
    ]
    subprocess.run(
        [target, *limits, f"-artifact_prefix={corpus}/", str(corpus), str(tmp_path / "seeds")],
        check=True,
        env=environment(name),
    )
