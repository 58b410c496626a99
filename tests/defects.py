"""Single-line defects of a baked application, out of defects.toml; for each, its suite must go red."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Defect:
    """A text that stands once in a file of the bake, and what is planted in its place."""

    meaning: str
    path: str
    right: str
    wrong: str

    def planted_in(self, text: str) -> str:
        """Return the file's text with the defect in it; raises `ValueError` where its line does not stand there once."""
        if text.count(self.right) != 1:
            raise ValueError(f"{self.meaning}: {self.right!r} stands {text.count(self.right)} times in {self.path}")
        return text.replace(self.right, self.wrong)


def defects() -> list[Defect]:
    table = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return [Defect(**entry) for entry in table["defect"]]
