"""How long a bake takes, beside a template of one file."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.plan import BenchFailed, Plan, median_ratio, turns
from benchmarks.table import Bar, Panel, Result
from tests.bakes import config
from tests.template import ROOT

OURS = "this template"
ONE_FILE = "a template of one file"
VARIANTS = {
    OURS: (),
    "this template, all options on": ("database_engine=postgresql", "use_redis=true", "use_celery=true"),
    ONE_FILE: (),
}
ROUNDS = 3
"""Bakes a round, which are short."""


def measure(plan: Plan) -> Result:
    """Run the whole command, without the lock file, for which uv asks the network."""
    peer = one_file(plan.folder / "template")
    settings = config(plan.folder)
    taken: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for turn in range(plan.rounds * ROUNDS):
        for name in turns(list(VARIANTS), turn):
            output = plan.folder / f"{turn}-{len(taken[name])}-{list(VARIANTS).index(name)}"
            template = peer if name == ONE_FILE else ROOT
            taken[name].append(seconds(template, output, settings, VARIANTS[name]))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    rows = [[name, medians[name], median_ratio(taken[name], taken[ONE_FILE])] for name in VARIANTS]
    bars = [Bar(name, medians[name], ours=name != ONE_FILE) for name in VARIANTS]
    return Result(
        "Baking",
        ["template", "seconds", "× one file"],
        rows,
        notes=[f"Median of {plan.rounds * ROUNDS} runs of the whole command, which ends with `git init`."],
        panels=[Panel("Bake", "seconds", bars)],
        runs={"seconds": taken},
    )


def one_file(folder: Path) -> Path:
    """Write the smallest template there is."""
    (folder / "{{cookiecutter.name}}").mkdir(parents=True)
    (folder / "{{cookiecutter.name}}" / "README.md").write_text("# {{ cookiecutter.name }}\n", encoding="utf-8")
    (folder / "cookiecutter.json").write_text(json.dumps({"name": "project"}), encoding="utf-8")
    return folder


def seconds(template: Path, output: Path, settings: Path, options: Sequence[str]) -> float:
    """Bake once and return the wall-clock time of the process."""
    command = [sys.executable, "-m", "cookiecutter", str(template), "--no-input", "--config-file", str(settings)]
    command += ["--output-dir", str(output), *options]
    begun = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, check=False, text=True, env={**os.environ, "TEMPLATE_LOCK": "0"}
    )
    taken = time.perf_counter() - begun
    if done.returncode:
        raise BenchFailed(f"{template.name} can't be baked:\n{done.stderr}")
    return taken
