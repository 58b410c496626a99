"""How long the suite of a bake takes on each engine: what its developer waits for, the slow tests left out."""

import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from benchmarks.applications import LABELS, baked
from benchmarks.plan import Plan, turns
from benchmarks.table import Bar, Panel, Result
from tests.commands import run
from tests.databases import database
from tests.variants import Variant

ENGINES = ("sqlite", "postgresql", "mysql")


def measure(plan: Plan) -> Result:
    projects = [baked(name, plan.folder) for name in ENGINES]
    taken: dict[str, list[float]] = {name: [] for name in ENGINES}
    tests: dict[str, int] = {}
    each_test: dict[str, list[float]] = {name: [] for name in ENGINES}
    for turn in range(plan.rounds):
        for variant, project in turns(projects, turn):
            seconds, times = once(variant, project)
            taken[variant.id].append(seconds)
            tests[variant.id] = len(times)
            each_test[variant.id] += times
            print(f"  {LABELS[variant.id]:28} {len(times)} tests in {seconds:.1f} s", flush=True)
    medians = {name: statistics.median(taken[name]) for name in ENGINES}
    each = {name: medians[name] / tests[name] * 1000 for name in ENGINES}
    return Result(
        "The suite of a bake",
        ["engine", "tests", "seconds", "ms a test", "p95 ms", "slowest ms"],
        [
            [
                LABELS[name],
                tests[name],
                medians[name],
                each[name],
                p95(each_test[name]) * 1000,
                max(each_test[name]) * 1000,
            ]
            for name in ENGINES
        ],
        notes=[f"`pytest -m 'not slow'` in one process, its start included; median of {plan.rounds} runs."],
        panels=[Panel("Suite of a bake", "ms a test", [Bar(LABELS[name], each[name], ours=True) for name in ENGINES])],
        runs={"seconds": taken},
    )


def p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def once(variant: Variant, project: Path) -> tuple[float, list[float]]:
    """Run the suite on a database that it creates; return the seconds of the process, and those of each test."""
    report = project / "report.xml"
    with database(variant, "", project, create=False) as url:
        extra = {"TEST_DATABASE_URL": url}
        # The plugin of the template's own tests would be loaded into a suite that knows nothing of it.
        command = (sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cookies", f"--junitxml={report}")
        begun = time.perf_counter()
        run(project, *command, extra=extra, seconds=600)
        seconds = time.perf_counter() - begun
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - written by pytest a moment ago
    return seconds, [float(case.attrib["time"]) for case in cases]
