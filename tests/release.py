"""`python -m tests.release v1.2.3`: whether what is released under the tag says so itself.

A bake names the version of `cookiecutter.json`; users look it up in the changelog.
"""

import re
import sys
import tomllib
from pathlib import Path

from tests.template import ROOT, context

HEADING = re.compile(r"^## \[(?P<version>.+?)\] - (?P<date>.+)$", re.MULTILINE)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def versions(root: Path = ROOT) -> dict[str, str]:
    """Return the version by each of the places that name it."""
    metadata = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    newest = HEADING.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    return {
        "cookiecutter.json": str(context()["__template_version"]),
        "pyproject.toml": str(metadata["project"]["version"]),
        "CHANGELOG.md": newest["version"] if newest else "none",
    }


def problems(tag: str, changelog: str) -> list[str]:
    """Return what is wrong with the tag, or with what it is put on."""
    found = [
        f"{name}: the version is {one}, and the tag {tag}." for name, one in versions().items() if f"v{one}" != tag
    ]
    newest = HEADING.search(changelog)
    if not newest or not DATE.fullmatch(newest["date"]):
        found.append("CHANGELOG.md: the newest version has no date.")
    return found


def main(tag: str) -> int:
    """Print what is wrong, and return the exit code."""
    found = problems(tag, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
