# SPDX-License-Identifier: MIT
"""CPU layers that two processors share.

test_kmodel_v*_ops.py compute every layer that can be cut in halves; here whole models are, against the undivided ones.
"""

from __future__ import annotations

import numpy as np
import pytest
from kpu_core import Net, Streamed, lib, model


@pytest.mark.parametrize(("name", "least"), [("iris_v3", 1), ("mnist", 3), ("slim-320_v4", 20), ("synth_v5/n_b", 1)])
def test_halves_equal_the_whole(name: str, least: int) -> None:
    data = model(f"{name}.kmodel")
    before = lib().host_shared()
    with Net(data) as net, Streamed(data) as whole:
        t = net.inputs[0]
        rng = np.random.default_rng(3)
        x = rng.random(t.size // 4, np.float32).tobytes() if t.dtype == 0 else rng.bytes(t.size)
        for n in (net, whole):
            n.set_input(x)
            n.run()
        outputs = range(len(net.outputs))
        assert [net.output(i).tobytes() for i in outputs] == [whole.output(i).tobytes() for i in outputs]
    assert lib().host_shared() - before >= least
