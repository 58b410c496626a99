"""What was measured, as a table for people and as data for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import sentence

Value = str | float | int | None


@dataclass(frozen=True)
class Bar:
    """A number in the picture; ours stand out."""

    label: str
    value: float
    ours: bool = False


@dataclass(frozen=True)
class Panel:
    """The bars that are compared with each other."""

    title: str
    unit: str
    bars: list[Bar]


@dataclass(frozen=True)
class Result:
    """One part of the benchmarks."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    notes: Sequence[str] = ()
    panels: Sequence[Panel] = ()
    runs: Mapping[str, Any] = field(default_factory=dict)
    """What each run has measured, of which the table shows the medians."""


def shown(value: Value) -> str:
    """Return a number with as many digits as mean something."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits
    return f"{value:,}" if isinstance(value, int) else value


def table(columns: Sequence[str], rows: Sequence[Sequence[Value]]) -> Iterator[str]:
    """Yield the lines of a Markdown table: texts to the left, numbers to the right."""
    lines = [list(columns), *([shown(value) for value in row] for row in rows)]
    widths = [max(3, *(len(line[place]) for line in lines)) for place in range(len(columns))]
    left = [any(isinstance(row[place], str) for row in rows) for place in range(len(columns))]
    lines.insert(
        1, ["-" * width if texts else "-" * (width - 1) + ":" for width, texts in zip(widths, left, strict=True)]
    )
    for line in lines:
        cells = zip(line, widths, left, strict=True)
        yield f"| {' | '.join(text.ljust(width) if texts else text.rjust(width) for text, width, texts in cells)} |"


def section(result: Result, machine: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {result.title}"
    yield ""
    yield from table(result.columns, result.rows)
    for note in result.notes:
        yield ""
        yield note
    yield ""
    yield f"{sentence(machine)}."


def measured(result: Result, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part as it is kept in JSON, with the machine that it was measured on."""
    rows = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return {**asdict(result), "columns": list(result.columns), "rows": rows, "machine": dict(machine)}


def result_of(kept: Mapping[str, Any]) -> Result:
    """Return a part out of what `measured` has kept."""
    return Result(
        title=kept["title"],
        columns=kept["columns"],
        rows=[list(row.values()) for row in kept["rows"]],
        notes=kept["notes"],
        panels=[Panel(one["title"], one["unit"], [Bar(**bar) for bar in one["bars"]]) for one in kept["panels"]],
        runs=kept["runs"],
    )


def keep(folder: Path, new: Mapping[str, Mapping[str, Any]], order: Sequence[str]) -> dict[str, Any]:
    """Write bench.json and bench.md, in which parts that were not measured again stay; return all that is in them."""
    data = folder / "bench.json"
    before = json.loads(data.read_text(encoding="utf-8")) if data.exists() else {}
    parts = {name: new.get(name) or before[name] for name in order if name in new or name in before}
    folder.mkdir(exist_ok=True)
    data.write_text(json.dumps(parts, indent=2) + "\n", encoding="utf-8")
    text = "\n\n".join("\n".join(section(result_of(one), one["machine"])) for one in parts.values())
    (folder / "bench.md").write_text(f"# Benchmarks\n\n{text}\n", encoding="utf-8")
    return parts
