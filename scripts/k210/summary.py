# SPDX-License-Identifier: MIT
"""What is told at the end of a test run: boards that had to be brought back, how often repeated tests failed."""

import json
import re
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

import pytest

RECOVERED = "k210_recovered_by"


class Repetitions:
    """Counts how often each test passed when --count (pytest-repeat) runs it several times."""

    def __init__(self, count: int) -> None:
        self._step = re.compile(rf"-?\d+-{count}(?=\])")
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()

    def add(self, report: pytest.TestReport) -> None:
        name = self._step.sub("", report.nodeid).replace("[]", "")
        if report.failed:
            self.failed[name] += 1
        elif report.when == "call" and report.passed:
            self.passed[name] += 1

    def lines(self) -> list[str]:
        found = []
        for name in sorted(self.failed, key=lambda n: -self.failed[n]):
            runs = self.failed[name] + self.passed[name]
            kind = "flaky" if self.passed[name] else "always fails"
            found.append(f"{name}: {kind}, {self.failed[name]} of {runs} runs failed")
        steady = sum(1 for name in self.passed if not self.failed[name])
        found.append(f"{steady} tests passed each time")
        return found

    def write(self, folder: Path) -> None:
        names = sorted({*self.passed, *self.failed})
        data = {name: {"passed": self.passed[name], "failed": self.failed[name]} for name in names}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "repetitions.json").write_text(json.dumps(data, indent=2) + "\n")


class Summary:
    """A plugin of the process that prints the results; it sees the reports of all xdist workers."""

    def __init__(self, where: str, folder: Path, count: int) -> None:
        self._where = where
        self._folder = folder
        self._repetitions = Repetitions(count) if count > 1 else None
        self._recovered: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._repetitions:
            self._repetitions.add(report)
        if report.when == "teardown":
            self._recovered += [f"{how}, before {report.nodeid}" for n, how in report.user_properties if n == RECOVERED]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._recovered:
            terminalreporter.section("boards brought back")
            for line in self._recovered:
                terminalreporter.line(line)
        if self._repetitions:
            terminalreporter.section("repeated tests")
            for line in self._repetitions.lines():
                terminalreporter.line(line)
            self._repetitions.write(self._folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        report.title = "K210 boards"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        lines = [f"Tested on: {self._where}", *self._recovered]
        if self._repetitions:
            lines += self._repetitions.lines()
        prefix.extend(f"<p>{escape(line)}</p>" for line in lines)
