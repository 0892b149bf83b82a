# SPDX-License-Identifier: MIT
"""Virtual times against the real parts', and against the table in docs/emulator.md."""

import pytest
from qtest import ROOT
from times import ROWS, Row, measure, table_row


@pytest.fixture(scope="module")
def table() -> list[str]:
    return [line for line in (ROOT / "docs" / "emulator.md").read_text().splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_as_long_as_on_the_real_part(row: Row, table: list[str]) -> None:
    measured = measure(row)
    assert measured == pytest.approx(row.real, rel=row.tolerance)
    assert table_row(row, measured) in table, "run tests/emulator/times.py and put its table into docs/emulator.md"
