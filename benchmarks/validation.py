"""How long it takes to validate a variant, out of what `make matrix` or `make test` has written."""

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.plan import Plan
from benchmarks.table import Bar, Panel, Result
from tests.matrix import BUILD
from tests.stages import STAGES


def measure(_plan: Plan) -> Result:
    return read(BUILD / "matrix.json")


def read(path: Path) -> Result:
    """Return the table of the variants; without rows where nobody has run them."""
    title = "Validating a variant"
    columns = ["variant", "state", "tests", *STAGES, "seconds"]
    variants: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    # `make check` leaves a matrix there too, of which only the first columns were run.
    variants = [one for one in variants if one["state"] == "passed" and set(STAGES) <= set(one["stages"])]
    if not variants:
        return Result(title, columns, [], notes=["Not measured: `make matrix` writes what is read here."])
    rows = [
        [
            one["variant"],
            one["state"],
            one["tests"],
            *(one["stages"].get(stage, {}).get("seconds") for stage in STAGES),
            float(one["seconds"]),
        ]
        for one in variants
    ]
    seconds = [float(one["seconds"]) for one in variants]
    note = (
        f"Median {statistics.median(seconds):.0f} s, most {max(seconds):.0f} s a variant, as that run had the machine."
    )
    bars = [Bar(one["variant"], float(one["seconds"]), ours=True) for one in variants]
    return Result(title, columns, rows, notes=[note], panels=[Panel("Validating a variant", "seconds", bars)])
