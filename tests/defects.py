"""Single-line defects of a baked application, out of planted/; for each, its suite must go red."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

PLANTED = Path(__file__).with_name("planted")


@dataclass(frozen=True)
class Defect:
    """A text that stands once in a file of the bake, and what is planted in its place."""

    variant: str
    meaning: str
    path: str
    right: str
    wrong: str

    def has_any(self, words: list[str]) -> bool:
        """Return whether the defect is wanted: with no words, all are."""
        return not words or any(word in f"{self.variant} {self.meaning} {self.path}" for word in words)

    def planted_in(self, text: str) -> str:
        """Return the file's text with the defect in it; raises `ValueError` where its line does not stand there once."""
        if text.count(self.right) != 1:
            raise ValueError(f"{self.meaning}: {self.right!r} stands {text.count(self.right)} times in {self.path}")
        return text.replace(self.right, self.wrong)


def defects() -> list[Defect]:
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(PLANTED.glob("*.toml"))]
    return [Defect(variant=table["variant"], **entry) for table in tables for entry in table["defect"]]
