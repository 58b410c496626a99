"""`python -m tests.live [--only PATTERN]`: run every variant through every stage, and watch the table fill.

On a terminal the table is redrawn in place; elsewhere each stage that ends is a line.
"""

import contextlib
import os
import re
import sys
from pathlib import Path

import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from tests.matrix import BUILD, Matrix, Row
from tests.stages import STAGES
from tests.variants import NoVariant, Variant, select

IDENTIFIER = re.compile(r"\[(?P<variant>[^\]]+)\]")
STYLES = {"failed": "bold red", "passed": "green"}


class LiveMatrix:
    """A pytest plugin that shows the table while it is gathered; stands in for what pytest would print."""

    def __init__(self, chosen: list[Variant], console: Console) -> None:
        self.variants = [variant.id for variant in chosen]
        self.console = console
        self.matrix: Matrix | None = None
        self.running: dict[str, str] = {}
        self.stages: dict[str, str] = {}
        self.failures: list[tuple[str, str]] = []
        self.live = Live(
            console=console,
            get_renderable=self.table,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.matrix = session.config.pluginmanager.get_plugin("matrix")
        if self.console.is_terminal:
            self.live.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if found := IDENTIFIER.search(nodeid):
            self.running[found["variant"]] = nodeid.partition("::")[2].partition("[")[0]

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failures.append((report.nodeid, message_of(report)))
        properties = dict(report.user_properties)
        if report.when == "teardown" and "variant" in properties:
            variant, stage = str(properties["variant"]), str(properties["stage"])
            self.running.pop(variant, None)
            self.tell(variant, stage)

    def tell(self, variant: str, stage: str) -> None:
        """Print a line for the stage that has ended, which is known when the next one has begun."""
        before = self.stages.get(variant)
        self.stages[variant] = stage
        if before not in {None, stage} and not self.console.is_terminal:
            cell = self.row(variant).cells[str(before)]
            self.line(f"{variant:24} {before:12} {cell.state} {cell.seconds:6.1f} s")

    def line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.append((report.nodeid, report.longreprtext))

    def pytest_unconfigure(self) -> None:
        self.live.stop()
        for title, text in self.failures:
            self.line(f"\nFAILED {title}\n{text}")
        self.line("")
        if self.console.is_terminal:
            self.console.print(self.table())
        elif self.matrix:
            for line in self.matrix.markdown():
                self.line(line)

    def row(self, variant: str) -> Row:
        return self.matrix.rows[variant] if self.matrix and variant in self.matrix.rows else Row()

    def table(self) -> Table:
        numbers = [Column(name, justify="right", no_wrap=True) for name in (*STAGES, "tests", "seconds")]
        table = Table(Column("variant", no_wrap=True), *numbers, "running", box=SIMPLE_HEAD, padding=(0, 0))
        for variant in self.variants:
            row = self.row(variant)
            styles = [STYLES[row.cells[stage].state] if stage in row.cells else "" for stage in STAGES]
            texts = zip(row.texts(), [*styles, "", ""], strict=True)
            running = Text(self.running.get(variant, ""), "dim", no_wrap=True, overflow="ellipsis")
            table.add_row(variant, *(Text(text, style) for text, style in texts), running)
        return table


def message_of(report: pytest.TestReport) -> str:
    """Return what the test raised without the way to it: a command's failure says all itself."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message) if crash else report.longreprtext


def main(arguments: list[str]) -> int:
    console = Console(file=sys.stdout)
    pattern = arguments[1] if arguments[:1] == ["--only"] and arguments[1:] else "*"
    if arguments not in ([], ["--only", pattern]):
        console.print("usage: python -m tests.live [--only PATTERN], such as --only 'mysql*,sqlite'", markup=False)
        return 2
    try:
        plugin = LiveMatrix(select(pattern), console)
    except NoVariant as problem:
        console.print(str(problem), markup=False)
        return 2
    options = ["--capture=no", "-n", "auto", "-m", "stage", "--only", pattern, "tests"]
    # What pytest itself would print is what the table says.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        code = pytest.main(options, plugins=[plugin])
    plugin.line(f"written: {BUILD / 'matrix.md'}, {BUILD / 'matrix.json'}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
