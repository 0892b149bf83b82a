# SPDX-License-Identifier: MIT
"""MicroPython's benchmarks as `make bench` runs them: results as CPython's, the same count each time within 1 %."""

import pytest

from k210 import perfbench
from k210.emulator import Config


@pytest.mark.emulator_only
def test_results_and_counts(request: pytest.FixtureRequest) -> None:
    if not perfbench.suite().is_dir():
        pytest.skip("no MicroPython sources: set MICROPY_DIR")
    config = Config(board=request.config.getoption("--k210-board"))
    names = ["bm_fannkuch", "core_str", "misc_aes", "viper_call0"]
    first = list(perfbench.run(config, names))
    assert [r.name for r in first if r.skipped] == ["viper_call0"]
    assert all(1 < r.millions < 1000 for r in first[:3])
    # When the host's characters come differs from run to run.
    again = list(perfbench.run(config, names))
    assert [r.millions for r in again] == pytest.approx([r.millions for r in first], rel=0.01)
