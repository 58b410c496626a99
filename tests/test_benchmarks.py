"""The arithmetic and the tables of `make bench`, and that it starts; what it measures is not judged here."""

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import bake, load, picture, plan, plans, table, validation
from benchmarks.plan import BenchFailed
from tests.stages import STAGES

MACHINE = {
    "cores": 2,
    "processor": "a processor",
    "memory_gib": 8.0,
    "system": "a system",
    "python": "3.11.7",
    "servers": {},
    "packages": {"fastapi": "1", "uvicorn": "2", "sqlalchemy": "3"},
    "load_before": 0.1,
    "when": "2026-11-21T10:00:00+00:00",
}
RESULT = table.Result(
    "Serving",
    ["request", "requests/s"],
    [["read", 1234.5], ["list", None]],
    notes=["A note."],
    panels=[
        table.Panel("Serving: <read>", "requests/s", [table.Bar("ours", 10.0, ours=True), table.Bar("theirs", 5.0)])
    ],
)


def test_each_subject_comes_first_in_turn() -> None:
    assert [plan.turns("abc", turn) for turn in range(4)] == [list("abc"), list("bca"), list("cab"), list("abc")]


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    assert plan.median_ratio([2.0, 30.0, 4.0], [1.0, 10.0, 4.0]) == 2.0
    assert plan.median_ratio([1.0], [0.0]) is None
    with pytest.raises(ValueError, match="2 rounds can't be compared with 1"):
        plan.median_ratio([1.0, 2.0], [1.0])


def test_the_table_puts_numbers_to_the_right() -> None:
    assert list(table.section(RESULT, MACHINE))[:6] == [
        "## Serving",
        "",
        "| request | requests/s |",
        "| ------- | ---------: |",
        "| read    |      1,234 |",
        "| list    |            |",
    ]


def test_a_part_that_is_kept_is_read_back() -> None:
    kept = json.loads(json.dumps(table.measured(RESULT, MACHINE)))
    assert list(table.section(table.result_of(kept), kept["machine"])) == list(table.section(RESULT, MACHINE))


def test_the_longest_bar_is_that_of_the_largest_number() -> None:
    drawn = picture.picture(RESULT.panels)
    assert "Serving: &lt;read&gt;" in drawn
    assert 'class="ours" x="190" y="50" width="200.0"' in drawn
    assert 'class="other" x="190" y="72" width="100.0"' in drawn


def test_what_wrk_says_is_read() -> None:
    line = '{"requests": 100, "seconds": 2.0, "errors": 1, "p50": 1.0, "p99": 2.0, "slowest": 3.0}'
    outcome = load.parsed(f"Running 2s test\n{line}\n")
    assert (outcome.rate, outcome.errors, outcome.slowest) == (50.0, 1, 3.0)
    with pytest.raises(BenchFailed, match="unable to connect"):
        load.parsed("unable to connect")


def of_mysql(table: str, kind: str, select: str = "SIMPLE", extra: str = "") -> dict[str, str]:
    return {"id": "1", "select_type": select, "table": table, "partitions": "None", "type": kind, "Extra": extra}


@pytest.mark.parametrize(
    ("engine", "plan", "names"),
    [
        ("postgresql", ["  ->  Seq Scan on posts  (cost=0.00..8133.00 rows=99990 width=8)"], {"posts"}),
        ("postgresql", ["Index Scan using pk_posts on posts  (cost=0.29)", "  Index Cond: (id = 1)"], set()),
        ("postgresql", ["Index Only Scan using pk_posts on posts  (cost=0.29)", "  Filter: (id > 1)"], {"posts"}),
        ("postgresql", ["Index Scan using pk_posts on posts  (cost=0.29)"], {"posts"}),
        ("mysql", [of_mysql("posts", "ALL")], {"posts"}),
        ("mysql", [of_mysql("posts", "index")], {"posts"}),
        ("mysql", [of_mysql("posts", "ref"), of_mysql("users", "const")], set()),
        ("mysql", [of_mysql("posts", "ref", extra="Using where; Using filesort")], {"posts"}),
        ("mysql", [of_mysql("posts", "ALL", select="INSERT")], set()),
        ("mysql", [of_mysql("<derived2>", "ALL", select="PRIMARY", extra="Using filesort")], set()),
        ("sqlite", ["SCAN posts USING INDEX ix_posts_title"], {"posts"}),
        ("sqlite", ["SEARCH posts USING INTEGER PRIMARY KEY (rowid=?)"], set()),
        ("sqlite", ["SCAN anon_1"], set()),
    ],
)
def test_a_table_that_is_read_from_end_to_end_is_noticed(
    engine: str, plan: list[str | dict[str, str]], names: set[str]
) -> None:
    column = {"postgresql": "QUERY PLAN", "sqlite": "detail"}.get(engine, "")
    rows = [line if isinstance(line, dict) else {column: line} for line in plan]
    assert plans.scanned(engine, rows) == names


@pytest.mark.parametrize("stages", [list(STAGES), ["bake"], []])
def test_only_variants_that_ran_to_the_end_are_shown(tmp_path: Path, stages: list[str]) -> None:
    kept = tmp_path / "matrix.json"
    cells = {stage: {"state": "passed", "seconds": 2.0} for stage in stages}
    rows = [
        {"variant": "sqlite", "state": state, "tests": 3, "seconds": 2.0, "stages": cells}
        for state in ("passed", "failed")
    ]
    kept.write_text(json.dumps(rows), encoding="utf-8")
    whole = stages == list(STAGES)
    result = validation.read(kept)
    assert len(result.rows) == (1 if whole else 0)
    assert result.notes[0].startswith("Median 2 s" if whole else "Not measured")


def test_the_readme_shows_a_table_in_the_place_of_the_last_one() -> None:
    text = f"before\n{bench.BEGIN}old\n{bench.END}after\n"
    assert bench.shown_in(text, ["## Title", "", "new"]) == f"before\n{bench.BEGIN}\nnew\n\n{bench.END}after\n"
    assert bench.README.read_text(encoding="utf-8").count(bench.BEGIN) == 1


def test_a_part_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["speed"]) == 2
    assert capsys.readouterr().err.startswith("'speed' is no part; choose from bake, ")


@pytest.mark.parametrize("value", ["0", "-1"])
def test_a_number_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], value: str) -> None:
    with pytest.raises(SystemExit):
        bench.main([f"--rounds={value}"])
    assert capsys.readouterr().err.endswith(f"argument --rounds: {value} is not 1 or more\n")


def test_what_is_measured_is_written_for_people_and_for_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "BUILD", tmp_path)
    monkeypatch.setattr(bake, "ROUNDS", 1)
    assert bench.main(["bake", "--rounds", "1"]) == 0
    (kept,) = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8")).values()
    assert [row["template"] for row in kept["rows"]] == list(bake.VARIANTS)
    assert all(row["seconds"] > 0 for row in kept["rows"])
    out = capsys.readouterr().out
    for line in table.table(kept["columns"], [list(row.values()) for row in kept["rows"]]):
        assert line in (tmp_path / "bench.md").read_text(encoding="utf-8")
        assert line in out
