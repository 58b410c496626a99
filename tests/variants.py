"""The variants that are baked and run, and the combinations that cover the other options, out of cookiecutter.json.

`python -m tests.variants --json` prints the ids of the variants, for a CI matrix.
"""

import argparse
import fnmatch
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.template import choices

RUN = ("database_engine", "use_redis", "use_celery")
"""The options whose every combination is run; the others are covered in pairs."""

Value = str | bool
Pair = frozenset[tuple[str, Value]]


class NoVariant(Exception):
    """A pattern matches no variant; the text says which there are."""


@dataclass(frozen=True)
class Variant:
    """One combination of options."""

    id: str
    options: Mapping[str, Value] = field(hash=False)

    @property
    def engine(self) -> str:
        return str(self.options["database_engine"])

    @property
    def servers(self) -> list[str]:
        """The servers that it runs with, in the order in which they are asked for."""
        redis = self.options["use_redis"] or self.options["use_celery"]
        return [name for name in (self.engine if self.engine != "sqlite" else "", "redis" if redis else "") if name]

    @property
    def database(self) -> str:
        return self.id.replace("-", "_")


def label(options: Mapping[str, Value]) -> str:
    """Return the id: the values that are texts, and the names of the switches that are on."""
    words = [name.removeprefix("use_") if value is True else value for name, value in options.items()]
    return "-".join(word for word in words if isinstance(word, str))


def combinations(names: Sequence[str]) -> Iterator[dict[str, Value]]:
    for values in itertools.product(*(choices()[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def variants() -> list[Variant]:
    return [Variant(label(options), options) for options in combinations(RUN)]


def pairs_of(options: Mapping[str, Value]) -> set[Pair]:
    return {frozenset(pair) for pair in itertools.combinations(options.items(), 2)}


def pairwise() -> list[Variant]:
    """Return few variants in which every value of every option meets every value of every other option."""
    candidates = list(combinations(list(choices())))
    missing = set().union(*(pairs_of(options) for options in candidates))
    chosen: list[Variant] = []
    while missing:
        best = max(candidates, key=lambda options: len(pairs_of(options) & missing))
        missing -= pairs_of(best)
        chosen.append(Variant(label(best), best))
    return chosen


def select(patterns: str) -> list[Variant]:
    """Return the variants whose id matches one of the comma-separated patterns; raises `NoVariant`."""
    known = variants()
    found: set[str] = set()
    for pattern in patterns.split(","):
        matching = fnmatch.filter([variant.id for variant in known], pattern.strip())
        if not matching:
            raise NoVariant(f"{pattern!r} matches no variant of {', '.join(variant.id for variant in known)}")
        found.update(matching)
    return [variant for variant in known if variant.id in found]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.variants", description="List the variants that are run.")
    parser.add_argument("--json", action="store_true", help="as a JSON list")
    ids = [variant.id for variant in variants()]
    print(json.dumps(ids) if parser.parse_args().json else "\n".join(ids))


if __name__ == "__main__":
    main()
