# SPDX-License-Identifier: MIT
"""`make bench` compares with figures of before."""

from pathlib import Path

import pytest

from k210 import bench
from k210.errors import K210Error


def test_change_against_a_base(tmp_path: Path) -> None:
    before = [bench.Row("fast", 10, "ms", "board"), bench.Row("gone", 1, "s", "host")]
    bench.write(tmp_path, before, "maix_bit")
    base = bench.Base.read(tmp_path / "bench.json")
    rows = [bench.Row("fast", 12, "ms", "board"), bench.Row("new", 3, "s", "host")]
    text = bench.markdown(rows, "maix_bit", base)
    assert "| fast | 12 ms | board | +20.0 % |" in text
    assert "| new | 3 s | host |  |" in text


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"rows": [{"name": 1}]}'])
def test_a_base_that_is_none(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bench.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(K210Error, match="no figures"):
        bench.Base.read(path)
