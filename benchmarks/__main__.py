"""`python -m benchmarks [PART …]`: measure, print the tables, and write build/bench.md and build/bench.json."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import bake, crowd, logins, plans, serving, sizes, suite, validation
from benchmarks.machine import described
from benchmarks.picture import picture
from benchmarks.plan import BenchFailed, Plan
from benchmarks.table import Panel, Result, keep, measured, result_of, section
from tests.commands import CommandFailed
from tests.matrix import BUILD
from tests.servers import ServersMissing, provide
from tests.template import ROOT

PICTURE = ROOT / "docs" / "benchmarks.svg"
TABLES = ROOT / "docs" / "benchmarks.md"
README = ROOT / "README.md"
# Between these the README shows one of the tables.
BEGIN, END = "<!-- serving -->\n", "<!-- end of serving -->\n"


@dataclass(frozen=True)
class Part:
    """Something that is measured by itself, and the servers that it needs."""

    measure: Callable[[Plan], Result]
    servers: tuple[str, ...] = ()


PARTS = {
    "bake": Part(bake.measure),
    "validation": Part(validation.measure),
    "suite": Part(suite.measure, ("postgresql", "mysql")),
    "serving": Part(serving.measure, ("postgresql", "redis")),
    "crowd": Part(crowd.measure, ("postgresql",)),
    "logins": Part(logins.measure, ("postgresql",)),
    "plans": Part(plans.measure, ("postgresql", "mysql")),
    "sizes": Part(sizes.measure, ("postgresql", "mysql")),
}


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and print the tables.")
    made.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}; all by default")
    made.add_argument("--seconds", type=at_least_one, default=5, help="of load at each point (5)")
    made.add_argument("--rounds", type=at_least_one, default=3, help="whose median is shown (3)")
    made.add_argument(
        "--write", action="store_true", help="draw docs/benchmarks.svg, write docs/benchmarks.md and the README's table"
    )
    return made


def panels_of(parts: Mapping[str, Mapping[str, Any]]) -> list[Panel]:
    return [panel for one in parts.values() for panel in result_of(one).panels]


def shown_in(readme: str, lines: Iterable[str]) -> str:
    """Return the text with the lines in the place of what it has shown before, a heading left out."""
    before, rest = readme.split(BEGIN)
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return f"{before}{BEGIN}{text}\n\n{END}{rest.split(END)[1]}"


def measure(chosen: list[str], seconds: int, rounds: int) -> dict[str, dict[str, Any]]:
    """Measure the parts one after another, with the servers up that they need; print each as it is done."""
    names = tuple(dict.fromkeys(name for part in chosen for name in PARTS[part].servers))
    found: dict[str, dict[str, Any]] = {}
    with provide(names) as variables:
        os.environ.update(variables)
        for name in chosen:
            print(f"{name} …", flush=True)
            machine = described(variables)
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                result = PARTS[name].measure(Plan(Path(folder), seconds, rounds))
            print("", *section(result, machine), "", sep="\n", flush=True)
            found[name] = measured(result, machine)
            # At once, so that a part that fails does not take the others' numbers with it.
            keep(BUILD, found, list(PARTS))
    return found


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        print(f"{unknown[0]!r} is no part; choose from {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    chosen = [name for name in PARTS if name in options.parts or not options.parts]
    try:
        parts = keep(BUILD, measure(chosen, options.seconds, options.rounds), list(PARTS))
    except (BenchFailed, CommandFailed, ServersMissing) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"written: {BUILD / 'bench.md'}, {BUILD / 'bench.json'}")
    if options.write:
        PICTURE.write_text(picture(panels_of(parts)), encoding="utf-8")
        TABLES.write_text((BUILD / "bench.md").read_text(encoding="utf-8"), encoding="utf-8")
        print(f"written: {PICTURE}, {TABLES}")
        if "serving" in parts:
            lines = section(result_of(parts["serving"]), parts["serving"]["machine"])
            README.write_text(shown_in(README.read_text(encoding="utf-8"), lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
