# SPDX-License-Identifier: MIT
"""The kmodel fuzz target under ASan and UBSan: a corpus, cut files and a short, deterministic mutation run.

K210_FUZZ_RUNS=1000000 runs libFuzzer (clang) so often per version, beginning with the corpus.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from kpu_core import BUILD, CORE, HERE, MODULE, ROOT, SANITIZE, compile_c, data_path

MODELS = [
    "detect.kmodel",
    "mnist.kmodel",
    "iris_v3.kmodel",
    "slim-320_v4.kmodel",
    "iris_v4.kmodel",
    "synth_v5/n_b.kmodel",
    "synth_v5/n_e.kmodel",
]


SOURCES = [*CORE, HERE / "kpu_host.c", HERE / "kpu_soft.c", ROOT / "tests" / "fuzz" / "fuzz_kmodel.c"]
VERSIONS = ["v3", "v4", "v5"]


@pytest.fixture(scope="module")
def fuzzer() -> Path:
    return compile_c(BUILD / "fuzz_kmodel", SOURCES, ["-O1", *SANITIZE])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Small models that between them reach what the fuzzer has ever reached, good and bad ones."""
    folder = tmp_path_factory.mktemp("corpus")
    with tarfile.open(ROOT / "tests" / "fuzz" / "corpus.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


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


@pytest.mark.parametrize("version", VERSIONS)
def test_corpus(fuzzer, corpus, version):
    files = sorted(str(p) for p in (corpus / version).iterdir())
    assert 0 < run(fuzzer, "--once", *files) < len(files)
    assert run(fuzzer, "--runs", "4", "--seed", "3", *files) > 0


@pytest.mark.skipif("K210_FUZZ_RUNS" not in os.environ, reason="K210_FUZZ_RUNS says how often")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("version", VERSIONS)
def test_campaign(corpus, version, tmp_path):
    clang = next((c for c in ("clang", "clang-19", "clang-14") if shutil.which(c)), None)
    if clang is None:
        pytest.skip("needs clang with libFuzzer (Debian: clang, libclang-rt-dev)")
    target = tmp_path / "fuzzer"
    flags = ["-std=gnu11", "-g", "-O1", "-DFUZZ_LIBFUZZER", f"-I{HERE}", f"-I{MODULE}", "-fno-sanitize-recover=all"]
    flags += ["-fsanitize=fuzzer,address,undefined"]
    subprocess.run([clang, *flags, *map(str, SOURCES), "-lm", "-o", str(target)], check=True)
    limits = ["-max_len=8192", "-timeout=60", "-rss_limit_mb=3000", f"-artifact_prefix={BUILD}/crash-{version}-"]
    done = subprocess.run(
        [target, f"-runs={os.environ['K210_FUZZ_RUNS']}", *limits, str(corpus / version)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-6000:]
