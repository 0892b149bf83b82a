# SPDX-License-Identifier: MIT
"""Fixtures of the host's tests."""

from collections.abc import Iterator

import pytest
from kpu_core import limits, live_blocks


@pytest.fixture
def no_leak() -> Iterator[None]:
    """Takes back the limits a test has set; nothing of a model may be left."""
    yield
    limits()
    assert live_blocks() == 0
