# SPDX-License-Identifier: MIT
"""CPU layers that two processors share: test_kmodel_v*_ops.py compute all layers in halves; these are shared."""

from __future__ import annotations

import numpy as np
import pytest
from kpu_core import Net, Streamed, lib, model


@pytest.mark.parametrize("name", ["iris_v3", "mnist", "slim-320_v4", "synth_v5/n_b"])
def test_halves_equal_the_whole(name):
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
    assert lib().host_shared() > before or name.startswith("synth")
