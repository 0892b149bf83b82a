# SPDX-License-Identifier: MIT
"""The emulator survives whatever a program does to its registers. K210_FUZZ_ROUNDS asks for more rounds."""

import os

import fuzz
import pytest
from qtest import QTest
from test_migration import wait_migrated

ROUNDS = int(os.environ.get("K210_FUZZ_ROUNDS") or 6)
COUNT = 3000


@pytest.mark.parametrize("seed", range(1, ROUNDS + 1))
def test_random_accesses(seed):
    fuzz.run(seed, COUNT)


@pytest.mark.parametrize("seed", range(501, 501 + max(2, ROUNDS // 4)))
def test_saved_in_any_state(seed, tmp_path):
    program = fuzz.Program(seed)
    lines = list(program.lines(COUNT))
    half = len(lines) // 2
    with QTest(serials=2, board=program.board) as q:
        q.commands(lines[:half])
        q.qmp("stop")
        q.qmp("migrate", uri=f"file:{tmp_path}/state")
        wait_migrated(q)
        now = q.clock_step(1)
    with QTest("-incoming", "defer", serials=2, board=program.board) as q:
        q.qmp("migrate-incoming", uri=f"file:{tmp_path}/state")
        wait_migrated(q)
        q.qmp("cont")
        q.clock_step(now)  # the test's clock is not part of the machine
        q.commands(lines[half:])
        q.qmp("system_reset")
        assert q.readl(0x5044_0004) == 26_000_000
