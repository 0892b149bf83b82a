# SPDX-License-Identifier: MIT
"""The kmodel fuzz target under ASan and UBSan: cut files and a short, deterministic mutation run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from kpu_core import BUILD, CORE, HERE, ROOT, SANITIZE, compile_c, data_path

MODELS = [
    "detect.kmodel",
    "mnist.kmodel",
    "iris_v3.kmodel",
    "slim-320_v4.kmodel",
    "iris_v4.kmodel",
    "synth_v5/n_b.kmodel",
    "synth_v5/n_e.kmodel",
]


@pytest.fixture(scope="module")
def fuzzer() -> Path:
    sources = [*CORE, HERE / "kpu_host.c", HERE / "kpu_soft.c", ROOT / "tests" / "fuzz" / "fuzz_kmodel.c"]
    return compile_c(BUILD / "fuzz_kmodel", sources, ["-O1", *SANITIZE])


def run(fuzzer: Path, *args: str) -> int:
    """Returns how many models loaded."""
    done = subprocess.run([fuzzer, *args], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"(\d+) models loaded", done.stdout).group(1))


def test_good_files_run(fuzzer):
    files = [str(data_path(f"models/{m}")) for m in MODELS]
    assert run(fuzzer, "--once", *files) == len(files)


@pytest.mark.parametrize("name", MODELS)
def test_cut_anywhere(fuzzer, name):
    assert run(fuzzer, "--cut", str(data_path(f"models/{name}"))) <= 8


@pytest.mark.parametrize("name", MODELS)
def test_mutations(fuzzer, name):
    runs = 10000 if name.startswith(("iris", "synth")) else 1500
    loaded = run(fuzzer, "--runs", str(runs), "--seed", "7", str(data_path(f"models/{name}")))
    assert 0 < loaded < runs
