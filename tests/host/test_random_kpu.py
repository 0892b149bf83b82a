# SPDX-License-Identifier: MIT
"""Random KPU models: the C core, in memory and streamed, and `k210 model simulate` agree to the bit.

K210_RANDOM_KPU=500 makes so many of each version.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from kpu_core import Net, Streamed, live_blocks
from random_kpu import random_kpu

from k210.model.load import parse
from k210.model.simulate import outputs

COUNT = int(os.environ.get("K210_RANDOM_KPU", "12"))
FIRST = int(os.environ.get("K210_RANDOM_SEED", "0"))


pytestmark = pytest.mark.timeout(180 + 3 * COUNT)


def results(net: Net, data: bytes) -> list[bytes]:
    net.set_input(data)
    net.run()
    return [net.output(i).tobytes() for i in range(len(net.outputs))]


@pytest.mark.parametrize("version", [3, 4, 5])
def test_all_agree(version: int) -> None:
    several = various = 0
    for seed in range(FIRST, FIRST + COUNT):
        model, data = random_kpu(seed, version)
        want = [r.astype(np.uint8).tobytes() for r in outputs(parse(model), [np.frombuffer(data, np.uint8)])]
        with Net(model) as net:
            assert results(net, data) == want, seed
        with Streamed(model, slots=1 + seed % 2, slot_size=1024 << seed % 6) as net:
            assert results(net, data) == want, seed
        several += len(want) > 1
        various += any(len(set(r)) > 2 for r in want)
    assert live_blocks() == 0
    # They are worth comparing.
    assert several >= COUNT // 3 and various >= COUNT // 2
