# SPDX-License-Identifier: MIT
"""The tests of the less usual v5 functions once more, on the simulator of `k210 model` instead of the C core."""

import pytest
import test_kmodel_v5_more as original
from model_cases import SimulatedNet, computing_tests

globals().update(computing_tests(original))


@pytest.fixture(autouse=True)
def simulator(monkeypatch):
    monkeypatch.setattr(original, "Net", SimulatedNet)
