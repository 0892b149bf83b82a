# SPDX-License-Identifier: MIT
"""Models of our own compiler on the board: every number as `k210 model simulate` has it."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import numpy as np
import pytest
from kpu_board import run

from k210.board import Board
from k210.compiler.calibration import InputRange
from k210.compiler.compile import Options, compile_model
from k210.model import simulate
from k210.model.load import parse
from k210.pytest_plugin import TestData

SYNTH = ["n_a", "n_b", "n_c", "n_d", "n_e"]


@pytest.mark.parametrize(("name", "as_bytes"), [(n, True) for n in SYNTH] + [("n_b", False)])
@pytest.mark.timeout(300)
def test_board_equals_the_simulator(board: Board, data: TestData, tmp_path: Path, name: str, as_bytes: bool) -> None:
    shutil.copy(data(f"models/synth_v5/{name}_in.npy"), tmp_path / "0.npy")
    options = Options(input_range=InputRange(0, 1) if as_bytes else None)
    compiled = compile_model(data(f"models/synth_v5/{name}.onnx"), tmp_path, options, quiet=True)
    entry = compiled.graph.inputs[0]
    x = compiled.calibration.model_input(entry, compiled.calibration.one(0)[entry])
    (want,) = simulate.outputs(parse(compiled.data), [x])
    model, source = (base64.b64encode(b).decode() for b in (compiled.data, np.ascontiguousarray(x).tobytes()))
    out = run(
        board,
        f"""
net = kpu.load(binascii.a2b_base64('{model}'))
fmap = kpu.forward(net, binascii.a2b_base64('{source}'))
print(fmap.typecode(), len(fmap))
print(binascii.b2a_base64(bytes(fmap)).decode().strip())
net.deinit()
""",
        timeout=200,
    ).splitlines()
    assert out[0] == f"f {want.size}"
    assert base64.b64decode(out[1]) == want.astype("<f4").tobytes()
