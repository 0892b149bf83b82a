# SPDX-License-Identifier: MIT
"""`k210 model info`: facts of the data pack's models, and one sentence for everything that is no model."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from kpu_core import data_path, model
from model_cases import ALL_MODELS

from k210 import cli
from k210.errors import K210Error
from k210.model.info import as_json, summarize
from k210.model.load import load, parse


def facts(name: str) -> dict:
    return as_json(summarize(load(data_path(f"models/{name}"))))


@pytest.mark.parametrize("name", ALL_MODELS)
def test_every_model(name, capsys):
    path = data_path(f"models/{name}")
    assert cli.main(["model", "info", str(path)]) == 0
    text = capsys.readouterr().out
    assert path.name in text and "input 0" in text and "output 0" in text
    assert cli.main(["model", "info", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bytes"] == path.stat().st_size
    assert 0 < found["parameter_bytes"] < found["bytes"] or name == "iris_v4.kmodel"
    assert found["ai_lines_used"] + found["ai_lines_free"] == 32768


def test_face_model():
    found = facts("face_model_at_0x300000.kfpkg")
    assert found["version"] == 3 and found["bytes"] == 388776
    assert found["inputs"] == [{"dtype": "uint8", "count": 230400, "shape": [3, 240, 320]}]
    assert found["outputs"][0]["dtype"] == "float32" and found["outputs"][0]["count"] == 9000
    first = found["steps"][0]
    assert (first["kernel"], first["pool"], first["out"]) == (3, 1, [16, 120, 160])
    assert sum("ms" in s for s in found["steps"]) == 23
    assert sum(s.get("depthwise", False) for s in found["steps"]) == 11
    assert found["ai_lines_used"] == 15360


def test_time_of_the_published_measurement():
    """16-bit weights, 128 to 128 channels, 64x64: 3.891 ms at 300 MHz; the model fits within 12 %."""
    import kpu_reference

    from k210.model import kpu

    layer = kpu_reference.Layer(np.zeros((128, 64, 64), np.uint8), np.zeros((128, 128, 3, 3)), [(0, 0, 0)] * 128, [])
    words = kpu_reference.words(layer, (0, 0, 0), per_load=32)
    fetch = 294_912 / kpu.WEIGHT_BYTES_PER_S
    seconds = kpu.KpuLayer(words, eight_bit=False).seconds()
    assert abs((seconds - fetch) * 400 / 300 + fetch - 3.891e-3) < 0.12 * 3.891e-3


def test_v5_numbering():
    assert "1.0 beta" in facts("yolox_nano_224_v5.kmodel")["facts"]["compiler"]
    for name in "abcde":
        assert "1.6 to 1.9" in facts(f"synth_v5/n_{name}.kmodel")["facts"]["compiler"]


def test_swapped_words():
    data = model("detect.kmodel")
    swapped = b"".join(data[i : i + 4][::-1] for i in range(0, len(data), 4))
    a, b = as_json(summarize(parse(data))), as_json(summarize(parse(swapped)))
    assert "swapped" in b["facts"].pop("words")
    assert a == b


@pytest.mark.parametrize("version", ["detect", "yolo_v4", "synth_v5/n_e"])
def test_padding_behind_the_model(version):
    data = model(f"{version}.kmodel")
    assert as_json(summarize(parse(data + b"\xff" * 4096))) == as_json(summarize(parse(data)))


KINDS = {
    b"": "no kmodel",
    b"\x7fELF\1\1\1\0": "no kmodel",
    struct.pack("<5I", 1, 0, 3, 0, 20): "version 1",
    bytes.fromhex("12345678") + bytes(60): "Kendryte Model Compiler",
    struct.pack("<4s7I", b"LDMK", 6, 32, 0, 8, 1, 0, 0): "version 6",
    struct.pack("<4s7I", b"LDMK", 5, 0, 8, 8, 1, 0, 0): "before nncase 1.0.0-beta1",
    struct.pack("<7I", 3, 1, 7, 1, 0, 0, 1): "architecture 7",
}


@pytest.mark.parametrize("data", KINDS, ids=KINDS.values())
def test_kinds_are_named(data, tmp_path, capsys):
    file = tmp_path / "x.kmodel"
    file.write_bytes(data)
    assert cli.main(["model", "info", str(file)]) == cli.FAILED
    error = capsys.readouterr().err
    assert KINDS[data] in error and error.count("\n") == 1 and "x.kmodel" in error


@pytest.mark.parametrize("suffix", [".smodel", ".emodel"])
def test_closed_kinds_are_named(suffix, tmp_path, capsys):
    file = tmp_path / f"x{suffix}"
    file.write_bytes(bytes(100))
    assert cli.main(["model", "info", str(file)]) == cli.FAILED
    assert suffix in capsys.readouterr().err


def test_no_file(capsys):
    assert cli.main(["model", "info", "/nowhere.kmodel"]) == cli.FAILED
    assert "cannot read /nowhere.kmodel" in capsys.readouterr().err


SMALL = ["iris_v3", "iris_v4", "synth_v5/n_e"]


@pytest.mark.parametrize("name", SMALL)
def test_truncation(name):
    data = model(f"{name}.kmodel")
    # A last body may miss its padding: 7 bytes, of which iris_v3 has used up 4.
    for n in range(0, len(data) - 8, 3 if len(data) < 1000 else 37):
        with pytest.raises(K210Error) as info:
            list(parse(data[:n]).steps())
        assert "\n" not in str(info.value)


@pytest.mark.parametrize("name", [*SMALL, "mnist", "slim-320_v4"])
def test_damage_is_refused_or_runs(name):
    """Nothing but K210Error comes out of damaged headers, bodies and byte code."""
    data = model(f"{name}.kmodel")
    rng = np.random.default_rng(3)
    refused = 0
    limit = len(data) if len(data) < 5000 else 6000
    for _ in range(300):
        bad = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(4, limit - 4))
            if rng.random() < 0.5:
                bad[at] = int(rng.integers(0, 256))
            else:
                struct.pack_into("<I", bad, at, int(rng.choice([0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x00FFFFC0])))
        try:
            summarize(parse(bytes(bad)))
        except K210Error as e:
            refused += 1
            assert "\n" not in str(e)
    assert refused > 10
