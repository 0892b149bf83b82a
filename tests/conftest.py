# SPDX-License-Identifier: MIT
"""Order of the tests: what takes longest starts first, so that parallel runs end together."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith("tests/upstream/"))
