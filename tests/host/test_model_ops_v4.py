# SPDX-License-Identifier: MIT
"""The tests of the v4 nodes once more, on the simulator of `k210 model` instead of the C core."""

import pytest
import test_kmodel_v4_ops as original
from model_cases import SimulatedNet, computing_tests

globals().update(computing_tests(original))


@pytest.fixture(autouse=True)
def simulator(monkeypatch):
    monkeypatch.setattr(original, "Net", SimulatedNet)
