"""The table of variants and stages: what ran, how long, how many tests; as Markdown and JSON in build/.

It is gathered from the results of the tests in test_variants_*.py, so it can't say anything else than they do.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.stages import STAGES
from tests.template import ROOT

BUILD = ROOT / "build"


@dataclass
class Cell:
    """A stage of a variant, which may be several tests."""

    seconds: float = 0.0
    state: str = "passed"

    @property
    def text(self) -> str:
        return f"{self.seconds:.1f}" if self.state == "passed" else self.state.upper()


@dataclass
class Row:
    """A variant."""

    cells: dict[str, Cell] = field(default_factory=dict)
    tests: int | None = None

    @property
    def seconds(self) -> float:
        return sum(cell.seconds for cell in self.cells.values())

    @property
    def state(self) -> str:
        return "failed" if any(cell.state == "failed" for cell in self.cells.values()) else "passed"

    def texts(self) -> list[str]:
        cells = [self.cells[stage].text if stage in self.cells else "" for stage in STAGES]
        return [*cells, "" if self.tests is None else str(self.tests), f"{self.seconds:.1f}"]


class Matrix:
    """A pytest plugin that gathers the table, prints it after the session and writes it to build/."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = defaultdict(Row)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties: dict[str, Any] = dict(report.user_properties)
        if "variant" not in properties:
            return
        row = self.rows[properties["variant"]]
        cell = row.cells.setdefault(properties["stage"], Cell())
        cell.seconds += report.duration
        if report.failed:
            cell.state = "failed"
        if report.when == "call" and "tests" in properties:
            row.tests = properties["tests"]

    def pytest_sessionfinish(self) -> None:
        """Write the table where it can be kept, or read by a CI."""
        if self.rows:
            BUILD.mkdir(exist_ok=True)
            (BUILD / "matrix.md").write_text("\n".join(self.markdown()) + "\n", encoding="utf-8")
            (BUILD / "matrix.json").write_text(json.dumps(self.data(), indent=2) + "\n", encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.rows:
            terminalreporter.section("variants, seconds a stage")
            for line in self.markdown():
                terminalreporter.write_line(line)

    def markdown(self) -> Iterator[str]:
        table = [["variant", *STAGES, "tests", "seconds"]]
        table += [[variant, *row.texts()] for variant, row in sorted(self.rows.items())]
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        table.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
        for line in table:
            first, *others = zip(line, widths, strict=True)
            padded = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
            yield f"| {' | '.join(padded)} |"

    def data(self) -> list[dict[str, Any]]:
        return [
            {
                "variant": variant,
                "state": row.state,
                "tests": row.tests,
                "seconds": round(row.seconds, 2),
                "stages": {
                    stage: {"state": cell.state, "seconds": round(cell.seconds, 2)} for stage, cell in row.cells.items()
                },
            }
            for variant, row in sorted(self.rows.items())
        ]
