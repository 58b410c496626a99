"""How long and how often is measured, and the arithmetic of runs that take turns."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class BenchFailed(Exception):
    """Nothing can be measured; the text says why, and what to do."""


@dataclass(frozen=True)
class Plan:
    """What all parts are told: where they may write, and how much time they have."""

    folder: Path
    seconds: int
    """Of load at each point."""
    rounds: int
    """In each, every subject has its turn; what is shown is the median over them."""


def turns(subjects: Sequence[T], turn: int) -> list[T]:
    """Return the subjects in the order of this round: another one comes first each time."""
    start = turn % len(subjects)
    return [*subjects[start:], *subjects[:start]]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the median over the rounds of ours to theirs: what slows a whole round down is in both.

    There is none where a round of theirs came to nothing.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds can't be compared with {len(theirs)}")
    if not ours or not all(theirs):
        return None
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
