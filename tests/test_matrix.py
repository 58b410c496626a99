"""The table says what the tests said: their states, their seconds, the number of tests of a suite."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console

from tests import matrix
from tests.live import LiveMatrix
from tests.matrix import Matrix
from tests.stages import STAGES
from tests.template import ROOT
from tests.variants import select

Outcome = Literal["passed", "failed", "skipped"]


def report(
    stage: str,
    outcome: Outcome = "passed",
    seconds: float = 1.0,
    when: Literal["setup", "call", "teardown"] = "call",
    **properties: object,
) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=f"tests/test_x.py::test_{stage}[mysql-redis]@mysql-redis",
        location=("tests/test_x.py", 1, f"test_{stage}"),
        keywords={},
        outcome=outcome,
        longrepr="the command and its output" if outcome == "failed" else None,
        when=when,
        duration=seconds,
        user_properties=[("variant", "mysql-redis"), ("stage", stage), *properties.items()],
    )


def gathered(*reports: pytest.TestReport) -> Matrix:
    table = Matrix()
    for one in reports:
        table.pytest_runtest_logreport(one)
    return table


def test_the_seconds_of_a_stage_are_those_of_all_its_tests_and_their_setups() -> None:
    table = gathered(report("bake", seconds=0.5, when="setup"), report("bake", seconds=0.25), report("lint", seconds=2))
    row = table.rows["mysql-redis"]
    assert (row.cells["bake"].seconds, row.cells["lint"].seconds, row.seconds) == (0.75, 2, 2.75)


def test_one_failed_test_fails_its_stage_and_its_variant() -> None:
    row = gathered(report("bake", "failed"), report("bake"), report("lint")).rows["mysql-redis"]
    assert (row.cells["bake"].state, row.cells["lint"].state, row.state) == ("failed", "passed", "failed")


def test_a_failed_setup_fails_its_stage() -> None:
    assert gathered(report("install", "failed", when="setup")).rows["mysql-redis"].state == "failed"


def test_a_test_of_no_variant_is_not_in_the_table() -> None:
    other = report("bake")
    other.user_properties = []
    assert gathered(other).rows == {}


def test_the_markdown_has_a_column_for_each_stage_the_tests_and_the_seconds() -> None:
    header, rule, line = gathered(report("suite", tests=321, seconds=12.34), report("boot", "failed")).markdown()
    assert [cell.strip() for cell in header.strip("|").split("|")] == ["variant", *STAGES, "tests", "seconds"]
    assert rule.count("|") == header.count("|")
    assert [cell.strip() for cell in line.strip("|").split("|")][-4:] == ["12.3", "FAILED", "321", "13.3"]


def test_the_table_is_written_as_markdown_and_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "BUILD", tmp_path / "build")
    gathered(report("suite", tests=321)).pytest_sessionfinish()
    (row,) = json.loads((tmp_path / "build" / "matrix.json").read_text())
    assert row == {
        "variant": "mysql-redis",
        "state": "passed",
        "tests": 321,
        "seconds": 1.0,
        "stages": {"suite": {"state": "passed", "seconds": 1.0}},
    }
    assert "| mysql-redis |" in (tmp_path / "build" / "matrix.md").read_text()


def shown(*reports: pytest.TestReport, terminal: bool) -> str:
    """What the watcher of a session with these reports has seen."""
    console = Console(file=io.StringIO(), force_terminal=terminal, width=160)
    live = LiveMatrix(select("mysql-redis"), console)
    live.matrix = Matrix()
    for one in reports:
        live.matrix.pytest_runtest_logreport(one)
        live.pytest_runtest_logstart(one.nodeid)
        live.pytest_runtest_logreport(one)
    live.pytest_unconfigure()
    written: Any = console.file
    return str(written.getvalue())


def test_without_a_terminal_each_stage_that_ended_is_a_line() -> None:
    ended = [report("bake", when="teardown"), report("bake", when="teardown"), report("lint", when="teardown")]
    lines = shown(*ended, terminal=False).splitlines()
    assert lines[0].split() == ["mysql-redis", "bake", "passed", "2.0", "s"]
    assert sum("bake" in line for line in lines) == 2  # that line, and the head of the table


def test_a_failure_is_shown_with_what_it_said() -> None:
    for terminal in (False, True):
        text = shown(report("suite", "failed"), report("suite", when="teardown"), terminal=terminal)
        assert "FAILED tests/test_x.py::test_suite[mysql-redis]" in text
        assert "the command and its output" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "oracle"], "'oracle' matches no variant of sqlite, "),
        (["--fast"], "usage: python -m tests.live [--only PATTERN]"),
    ],
)
def test_a_wrong_call_is_answered_with_a_sentence(arguments: list[str], sentence: str) -> None:
    command = [sys.executable, "-m", "tests.live", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, sentence in " ".join(done.stdout.split()), done.stderr) == (2, True, "")
